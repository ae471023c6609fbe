"""What keeps `./bionemo` from starting: each case gets one sentence, with its remedy."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.context import ROOT

# Each starts the command again.
pytestmark = pytest.mark.slow

Prepare = Callable[[Path], dict[str, str]]
SSO = """
[profile sso]
sso_session = s
sso_account_id = 111122223333
sso_role_name = R
[sso-session s]
sso_region = us-west-2
sso_start_url = https://example.awsapps.com/start
sso_registration_scopes = sso:account:access
"""
# botocore names the file of an SSO session's token after the SHA-1 of the session's name.
TOKEN = f".aws/sso/cache/{hashlib.sha1(b's').hexdigest()}.json"


def with_files(environment: dict[str, str], **files: str | bytes) -> Prepare:
    """A home with `.aws/config` and the SSO token as given, and an environment."""

    def prepare(home: Path) -> dict[str, str]:
        (home / TOKEN).parent.mkdir(parents=True)
        for name, path in (("config", ".aws/config"), ("token", TOKEN)):
            content = files.get(name)
            if content is not None:
                (home / path).write_bytes(
                    content if isinstance(content, bytes) else content.encode()
                )
        return environment

    return prepare


def sso(token: str | bytes | None) -> Prepare:
    files: dict[str, str | bytes] = {"config": SSO}
    if token is not None:
        files["token"] = token
    return with_files({"AWS_PROFILE": "sso"}, **files)


AGAIN = "aws sso login --profile sso"
EXPIRED = '{"accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z"}'
# The files and environment, a part of the message, and the remedy.
LOGINS: dict[str, tuple[Prepare, str, str]] = {
    "no login": (with_files({}), "Unable to locate credentials", "aws sso login"),
    "SSO: never logged in": (sso(None), "SSO Token", AGAIN),
    "SSO: expired": (sso(EXPIRED), "expired", AGAIN),
    "SSO: cache is no JSON": (sso("{"), "cannot be read", AGAIN),
    "SSO: cache is no text": (sso(b"\xff\xfe\x00"), "cannot be read", AGAIN),
    "SSO: cache lacks something": (sso("{}"), "invalid", AGAIN),
    "SSO: cache has no time": (
        sso('{"accessToken": "x", "expiresAt": "soon"}'),
        "damaged",
        AGAIN,
    ),
    "no such profile": (
        with_files({"AWS_PROFILE": "nope"}, config=SSO),
        "(nope) could not be found",
        "AWS_PROFILE to one of sso",
    ),
    "no profile at all": (
        with_files({"AWS_PROFILE": "nope"}),
        "(nope) could not be found",
        "aws configure sso --profile nope",
    ),
    "config is damaged": (with_files({}, config="[bad"), ".aws/config", "Fix that file"),
    "config is no text": (with_files({}, config=b"\xff\xfe"), ".aws/config", "Fix that file"),
    "half of the keys": (
        with_files({"AWS_ACCESS_KEY_ID": "x"}),
        "AWS_SECRET_ACCESS_KEY",
        "Set the missing one",
    ),
    "no token of a web identity": (
        with_files(
            {
                "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/r",
                "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token",
            }
        ),
        "/nowhere/token",
        "must exist and be readable",
    ),
}


def run(
    home: Path, *command: str, environment: dict[str, str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    others = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", "COLUMNS": "100"}
    return subprocess.run(
        command,
        cwd=cwd,
        env={**others, "HOME": str(home), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


OPS = (sys.executable, "-m", "ops")


@pytest.mark.parametrize("kind", LOGINS)
def test_a_failed_login_is_reported_with_its_remedy(kind: str, tmp_path: Path) -> None:
    prepare, reason, remedy = LOGINS[kind]
    done = run(tmp_path, *OPS, "preflight", environment=prepare(tmp_path))
    assert done.returncode == 2
    why, what_to_do = done.stderr.splitlines()
    assert reason in why
    assert remedy in what_to_do
    assert "HTTPS_PROXY" not in done.stderr, "the network is not the reason"


def without(folder: Path, name: str, text: str) -> dict[str, str]:
    """An environment in which a package is replaced by `text`."""
    (folder / f"{name}.py").write_text(text)
    return {"PYTHONPATH": str(folder)}


PACKAGES = {
    "missing": ("raise ImportError('no typer')", "make setup"),
    "partly installed": ("raise AttributeError('half of it')", "make clean setup"),
    "of another Python": ("print(", "make clean setup"),
}


@pytest.mark.parametrize("kind", PACKAGES)
def test_an_unusable_package_is_reported_in_one_line_with_its_remedy(
    kind: str, tmp_path: Path
) -> None:
    text, remedy = PACKAGES[kind]
    done = run(tmp_path, *OPS, "preflight", environment=without(tmp_path, "typer", text))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("bionemo: ")
    assert line.endswith(remedy)


def test_an_old_python_is_reported_before_it_fails(tmp_path: Path) -> None:
    old = "import sys\nsys.version_info = (3, 9, 2)\n"
    done = run(tmp_path, *OPS, "preflight", environment=without(tmp_path, "sitecustomize", old))
    assert done.returncode == 2
    assert done.stderr.startswith("bionemo: Python 3.9 is too old")
    assert "make setup" in done.stderr


def test_a_closed_standard_output_is_reported(tmp_path: Path) -> None:
    done = run(tmp_path, "sh", "-c", f"{sys.executable} -m ops cost >&-")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "standard output is closed" in done.stderr


# The environment of a checkout, as a script in place of its interpreter.
ENVIRONMENTS = {
    "missing": None,
    "of a Python that was removed": "dangling",
    "of another machine": "#!/nowhere/python\n",
    "that crashes": "#!/bin/sh\nkill -SEGV $$\n",
}


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_a_broken_environment_is_reported_in_one_line_with_its_remedy(
    kind: str, tmp_path: Path
) -> None:
    content = ENVIRONMENTS[kind]
    shutil.copy(ROOT / "bionemo", tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    python = tmp_path / ".venv/bin/python"
    if content == "dangling":
        python.symlink_to("/nowhere/python")
    elif content:
        python.write_text(content)
        python.chmod(0o755)
    done = run(tmp_path, "./bionemo", "status", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"make -C {tmp_path} setup")
