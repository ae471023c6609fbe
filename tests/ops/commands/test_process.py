"""The command as a process: how long it takes, how it ends, that it never shows a traceback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.configuration.reader import SettingsError
from ops import cli
from tests.context import read_settings
from tests.ops.endpoint import an_endpoint
from tests.simulated.aws import ACCOUNT

ROOT = Path(__file__).resolve().parents[3]
KEYS: Any = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
MFA = f"""
[profile mfa]
role_arn = arn:aws:iam::{ACCOUNT}:role/Deployer
source_profile = keys
mfa_serial = arn:aws:iam::{ACCOUNT}:mfa/me
[profile keys]
aws_access_key_id = testing
aws_secret_access_key = testing
"""


COMMAND = (sys.executable, "-m", "ops")


def clean(**changes: str) -> dict[str, str]:
    """An environment without a login."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    no_login = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**others, **no_login, "AWS_EC2_METADATA_DISABLED": "true", "COLUMNS": "100"} | changes


def command(
    *arguments: str, start: tuple[str, ...] = COMMAND, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*start, *arguments],
        cwd=ROOT,
        env=clean(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


def most_seconds() -> float:
    """Ten, and what Python and its imports take on this machine now, which may be busy."""
    began = time.monotonic()
    assert command("--version").returncode == 0
    return 10 + time.monotonic() - began


def is_about_the_network(message: str) -> bool:
    """Whether a message says what to check when AWS cannot be reached."""
    return "HTTPS_PROXY" in message and "AWS_ENDPOINT_URL" in message


@pytest.mark.slow
@pytest.mark.parametrize(("hangs", "thinks"), [(False, 0.0), (True, 0.0), (True, 3.0)])
def test_preflight_ends_within_ten_seconds_whatever_aws_does(hangs: bool, thinks: float) -> None:
    most = most_seconds()
    with an_endpoint(hangs=hangs, thinks=thinks) as endpoint:
        began = time.monotonic()
        done = command("preflight", "--patience", "0", AWS_ENDPOINT_URL=endpoint, **KEYS)
        assert time.monotonic() - began < most
    assert done.returncode == 1, done.stdout + done.stderr
    (passed,) = re.findall(r"(?m)^(\d+) pass, \d+ unknown$", done.stdout)
    assert passed == "1", "only the account's check"
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["preflight", "status", "leftovers"])
def test_a_silent_aws_is_reported_within_ten_seconds(name: str) -> None:
    most = most_seconds()
    with an_endpoint(hangs=True, knows_the_caller=False) as endpoint:
        began = time.monotonic()
        done = command(name, AWS_ENDPOINT_URL=endpoint, **KEYS)
        assert time.monotonic() - began < most
    assert done.returncode == 2
    assert is_about_the_network(done.stderr)


@pytest.mark.slow
def test_an_mfa_code_may_be_typed_late(tmp_path: Path) -> None:
    """AWS's time to answer excludes it. Without a terminal it is read from standard input."""
    (tmp_path / "config").write_text(MFA)
    with an_endpoint(hangs=False) as endpoint:
        process = subprocess.Popen(
            [*COMMAND, "verify"],
            cwd=ROOT,
            env=clean(
                AWS_CONFIG_FILE=str(tmp_path / "config"),
                AWS_PROFILE="mfa",
                AWS_ENDPOINT_URL=endpoint,
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(8)
        out, err = process.communicate("123456\n", timeout=30)
    assert process.returncode == 1, out + err
    assert "DescribeCluster" in out
    assert "Enter MFA code" in err
    assert not is_about_the_network(err)


def heeds_ctrl_c(folder: Path) -> str:
    """A folder for PYTHONPATH that lets Python receive Ctrl-C even if a shell's `&` started it."""
    (folder / "sitecustomize.py").write_text(
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    )
    return str(folder)


def test_ctrl_c_during_imports_ends_silently(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(20)\n"
    )
    done = command("status", PYTHONPATH=heeds_ctrl_c(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["preflight", "leftovers"])
def test_ctrl_c_during_calls_to_aws_ends_silently(name: str, tmp_path: Path) -> None:
    asked = threading.Event()
    with an_endpoint(hangs=True, asked=asked) as endpoint:
        process = subprocess.Popen(
            [*COMMAND, name],
            cwd=ROOT,
            env=clean(AWS_ENDPOINT_URL=endpoint, PYTHONPATH=heeds_ctrl_c(tmp_path), **KEYS),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert asked.wait(30)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 3, "hanging threads delay nothing"
    assert (process.returncode, out.strip(), err.strip()) == (130, "", "")


@pytest.mark.slow
def test_without_a_network_the_message_is_not_about_the_login() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = command("status", AWS_ENDPOINT_URL=endpoint, **KEYS)
    assert done.returncode == 2
    assert is_about_the_network(done.stderr)
    assert "aws sso login" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["0", "80"])
def test_help_is_printed_whatever_the_width(columns: str) -> None:
    done = command("--help", COLUMNS=columns)
    assert done.returncode == 0
    assert "preflight" in done.stdout


@pytest.mark.slow
def test_a_bad_setting_is_reported_as_by_the_stacks() -> None:
    done = command("preflight", "-c", "gpu.nodes=none")
    assert done.returncode == 2
    with pytest.raises(SettingsError) as error:
        read_settings({"gpu.nodes": "none"})
    assert done.stderr.strip() == str(error.value)


def test_an_unexpected_error_is_reported_without_a_traceback_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**options: str) -> None:
        raise KeyError("StorageCapacity")

    monkeypatch.setattr(cli, "app", broken)
    assert cli.main() == 2
    message = capsys.readouterr().err
    assert "KeyError" in message
    assert "Traceback" not in message
    assert "BIONEMO_DEBUG=1" in message, "which shows the traceback"


def test_the_command_works_through_a_symbolic_link(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".venv/bin").mkdir(parents=True)
    shutil.copy(ROOT / "bionemo", project / "bionemo")
    python = project / ".venv/bin/python"
    python.write_text("#!/bin/sh\necho $PWD $@\n")
    python.chmod(0o755)
    (tmp_path / "first").symlink_to("project/bionemo")
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere/link"
    link.symlink_to("../first")
    done = command("status", start=(str(link),))
    assert done.stdout.split() == [str(project), "-E", "-m", "ops", "status"]
