"""The kubectl that the deployment itself would use: the one in the pinned layer."""

from __future__ import annotations

import json
import platform
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

_LAYER = "KubectlLayer/Code"
_MEMBER = "kubectl/kubectl"


class KubectlError(RuntimeError):
    """kubectl refused, or is not to be had; the text is its own."""


def refuse_another_machine() -> None:
    """Raise KubectlError where the layer's kubectl, made for AWS Lambda, cannot run."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise KubectlError(
            "--kubeconfig takes the kubectl of the deployment's own layer, a program for Linux on "
            f"x86-64; this machine is {system} on {machine}.\n"
            "  Apply with your own instead: python -m rehearsal run --keep, then\n"
            "  kubectl apply --server-side --force-conflicts -f build/rehearsal/kubernetes"
        )


def extract(assembly: Path, folder: Path) -> Path:
    """Take kubectl out of the layer in a cloud assembly; return its path in `folder`.

    Raises KubectlError when the assembly holds no such layer.
    """
    for manifest in sorted(assembly.glob("*.assets.json")):
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        for file in files.values():
            if _LAYER in file.get("displayName", ""):
                folder.mkdir(parents=True, exist_ok=True)
                with zipfile.ZipFile(assembly / file["source"]["path"]) as layer:
                    program = Path(layer.extract(_MEMBER, folder))
                program.chmod(0o755)
                return program
    raise KubectlError(f"{assembly} holds no kubectl layer")


def ask(kubectl: Path, kubeconfig: Path, server: str) -> None:
    """Raise KubectlError when the cluster does not answer, or not to this user.

    What is asked for is what `apply` asks for first, and no anonymous user may see it.
    """
    try:
        _run(kubectl, kubeconfig, "get", "--raw", "/api", seconds=10)
    except KubectlError as error:
        raise KubectlError(
            f"The cluster of --kubeconfig {kubeconfig}, {server}, cannot be used.\n{error}\n"
            "  Nothing has been applied. Mend the file, or rehearse without --kubeconfig."
        ) from None


def apply_in_order(
    kubectl: Path, kubeconfig: Path, files: list[Path], tell: Callable[[str], None]
) -> None:
    """Apply the files one by one, each told of; a CRD is waited for. KubectlError on refusal.

    Fields that a controller or another rehearsal has set since are taken over:
    https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
    """
    apply = ("apply", "--server-side", "--force-conflicts", "--filename")
    for file in files:
        tell(_run(kubectl, kubeconfig, *apply, str(file)))
        if "CustomResourceDefinition" in file.name:
            waited = ("--for=condition=Established", "--timeout=60s", "--filename", str(file))
            tell(_run(kubectl, kubeconfig, "wait", *waited))


def _run(kubectl: Path, kubeconfig: Path, *arguments: str, seconds: int = 60) -> str:
    options = ("--kubeconfig", str(kubeconfig), f"--request-timeout={seconds}s")
    try:
        done = subprocess.run(
            [str(kubectl), *options, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise KubectlError(f"The layer's kubectl does not run here: {error.strerror}") from None
    if done.returncode:
        raise KubectlError(f"kubectl {' '.join(arguments[:2])} failed:\n  {done.stderr.strip()}")
    return done.stdout.strip()
