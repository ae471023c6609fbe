"""The key to the training image's registry: the Job that writes it, the pods that use it.

The Job's pod copies its value from Secrets Manager into the cluster's Secret. It is nowhere else:
in no object here and in no template.
"""

from __future__ import annotations

from typing import Any

from bionemo_eks.configuration.images import image_name
from bionemo_eks.configuration.names import name_with_hash
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import NAMESPACE, PROGRAMS
from bionemo_eks.jobs.watch import PROGRAM_FOLDER as WATCH_FOLDER

PROGRAM_FOLDER = PROGRAMS / "pull_secret"
# The Kubernetes Secret, and the account, permissions and Job that write it.
PULL_SECRET = "training-image-key"
# The watch's module that talks to the API server.
_SHARED = "api_server.py"
# A key in the Secret next to the credentials, without a secret: it shows that they are written.
MARKER = "written"
_MARKER_FOLDER = "/var/run/training-image-key"


def pull_secret_objects(settings: Settings) -> list[KubernetesObject]:
    """Return the objects that write the Secret, in the order to apply them; none without a key.

    The Job is new for each registry, secret and program.
    """
    if not settings.training.image_pull_secret:
        return []
    files = manifests.program_files(PROGRAM_FOLDER)
    files |= {_SHARED: (WATCH_FOLDER / _SHARED).read_text(encoding="utf-8")}
    options = {
        "--secret": settings.training.image_pull_secret,
        "--region": settings.region,
        "--registry": image_name(settings.training.image).key,
        "--namespace": NAMESPACE,
        "--name": PULL_SECRET,
        "--marker": MARKER,
    }
    objects = manifests.load(
        "workload/pull-secret.yaml",
        {
            "name": PULL_SECRET,
            "program": name_with_hash(f"{PULL_SECRET}-program", files),
            "files": files,
            "image": IMAGES["watch"].reference,
            "arguments": [part for option in options.items() for part in option],
        },
    )
    job = objects[-1]
    job["metadata"]["name"] = name_with_hash(PULL_SECRET, job["spec"])
    return objects


def let_it_pull(settings: Settings, pod: dict[str, Any]) -> None:
    """Let a pod pull its images with the key, if there is one."""
    if settings.training.image_pull_secret:
        pod["imagePullSecrets"] = [{"name": PULL_SECRET}]


def let_it_wait(settings: Settings, pod: dict[str, Any]) -> None:
    """Let a pod pull with the key, and wait until the key is written.

    Before it pulls an image, kubelet mounts the Secret and waits until it exists. The pod gets
    only the marker. https://kubernetes.io/docs/concepts/configuration/secret/
    """
    if not settings.training.image_pull_secret:
        return
    let_it_pull(settings, pod)
    source = {"secretName": PULL_SECRET, "items": [{"key": MARKER, "path": MARKER}]}
    pod["volumes"].append({"name": PULL_SECRET, "secret": source})
    mount = {"name": PULL_SECRET, "mountPath": _MARKER_FOLDER, "readOnly": True}
    pod["containers"][0]["volumeMounts"].append(mount)
