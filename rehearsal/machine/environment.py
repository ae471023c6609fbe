"""The environment of a rehearsal's commands: a made-up account and a local server."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

# The example account of AWS's documentation; the emulator takes it from the access key.
ACCOUNT = "111122223333"
ROOT = Path(__file__).resolve().parents[2]
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_NO_PROXY = "127.0.0.1,localhost"
_BELONGS = "belongs to a real account"
# Variables that could make a command use another account than the rehearsal's, and why:
# https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html#EVarSettings
OF_A_REAL_ACCOUNT = {
    "AWS_SESSION_TOKEN": _BELONGS,
    "AWS_PROFILE": _BELONGS,
    "AWS_DEFAULT_PROFILE": _BELONGS,
    "AWS_WEB_IDENTITY_TOKEN_FILE": _BELONGS,
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": _BELONGS,
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": _BELONGS,
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "hides the address of the local AWS",
}


class UnsafeEnvironmentError(RuntimeError):
    """The environment could make a command use a real account; the message says what to unset."""


def refuse_a_real_account(environment: Mapping[str, str] = os.environ) -> None:
    """Raise UnsafeEnvironmentError for real-looking credentials or remote endpoints.

    The error lists all of them.
    """
    unsafe = dict(_unsafe(environment))
    if not unsafe:
        return
    # Each command is on one line, for pasting.
    lines = [
        "The rehearsal does not start: it must not reach AWS, and with these variables it might.",
        *(f"  {name} {why}" for name, why in unsafe.items()),
        f"  Remove them from this shell: unset {' '.join(unsafe)}",
        f"  Or run it without them: env {' '.join(f'-u {name}' for name in unsafe)} make rehearse",
    ]
    raise UnsafeEnvironmentError("\n".join(lines))


def _unsafe(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the unsafe variables, each with the reason.

    Real access keys begin with AKIA or ASIA:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    key = environment.get("AWS_ACCESS_KEY_ID", "").strip()
    if key.startswith(("AKIA", "ASIA")):
        yield "AWS_ACCESS_KEY_ID", "looks like a real access key"
        if environment.get("AWS_SECRET_ACCESS_KEY", "").strip():
            yield "AWS_SECRET_ACCESS_KEY", "belongs to that key"
    for name, why in OF_A_REAL_ACCOUNT.items():
        if environment.get(name, "").strip():
            yield name, why
    for name, value in environment.items():
        if name.startswith("AWS_ENDPOINT_URL") and value.strip() and not _is_here(value):
            yield name, f"is {value}, not an address of this machine"


def _is_here(address: str) -> bool:
    try:
        return urlsplit(address.strip()).hostname in _LOOPBACK
    except ValueError:  # not an address
        return False


def inherited() -> dict[str, str]:
    """Return this process's environment without the variables of AWS, CDK and Python.

    A PYTHONPATH, as set by environment modules, would put other packages before the project's.
    """
    foreign = ("AWS_", "CDK_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def child_environment(endpoint: str, region: str, home: Path) -> dict[str, str]:
    """Return the environment for cdk and the app: `inherited`, and the local AWS.

    `home` separates the CLI's caches, which hold account ids, from the user's own. It also
    holds the temporary files that jsii leaves when it is stopped.
    """
    kept = {
        name: value
        for name, value in inherited().items()
        # A proxy could not reach this machine's server, and nothing needs the internet.
        if not name.lower().endswith("_proxy") and name != "HOME"
    }
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    nothing = home / "empty"
    nothing.touch()
    tools = [str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin")]
    return {
        **kept,
        **exports(endpoint, region),
        "AWS_CONFIG_FILE": str(nothing),
        "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
        "CDK_DISABLE_VERSION_CHECK": "1",
        "HOME": str(home),
        # jsii unpacks its packages once for all rehearsals, not in each one's home.
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / "build" / "jsii-cache"),
        "PATH": os.pathsep.join([*tools, kept.get("PATH", "")]),
        "TMPDIR": str(temporary),
    }


def exports(endpoint: str, region: str) -> dict[str, str]:
    """Return the variables that make any AWS tool use the local AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": region,
        # No requests to the internet, and no proxy for the local server.
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_PROXY": _NO_PROXY,
        "no_proxy": _NO_PROXY,
    }


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def bypass_proxies() -> None:
    """Let this process reach local servers even if a proxy is set."""
    for name in ("NO_PROXY", "no_proxy"):
        given = os.environ.get(name, "")
        if _NO_PROXY not in given:
            os.environ[name] = f"{given},{_NO_PROXY}" if given else _NO_PROXY
