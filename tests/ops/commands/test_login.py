"""The login: keys are read in the caller's own thread, without a time limit."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import ProcessProvider
from typer.testing import CliRunner

from ops import aws
from ops.aws import Aws, AwsError
from ops.cli import app
from ops.commands import cost
from ops.price_table import TABLE_OF
from tests.context import read_settings
from tests.ops.endpoint import an_endpoint
from tests.simulated.aws import ACCOUNT

KEYS = '{"Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "secret"}'
REGION = "us-west-2"


class Profile:
    """A profile whose keys a program prints; `threads`: those that have run it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._folder = folder
        self.threads: list[threading.Thread] = []
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_PROFILE", "tool")
        run = ProcessProvider._retrieve_credentials_using

        def recorded(provider: Any, command: str) -> Any:
            self.threads.append(threading.current_thread())
            return run(provider, command)

        monkeypatch.setattr(ProcessProvider, "_retrieve_credentials_using", recorded)

    def runs(self, program: str) -> None:
        """Have the profile run a Python program."""
        (self._folder / "tool.py").write_text(program)
        command = f"{sys.executable} {self._folder / 'tool.py'}"
        (self._folder / "config").write_text(f"[profile tool]\ncredential_process = {command}\n")


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Profile:
    return Profile(monkeypatch, tmp_path)


@pytest.mark.slow
def test_a_credential_process_may_take_its_time(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS's time to answer excludes it. If the process prompts, it needs the main thread."""
    monkeypatch.setattr(aws, "_IDENTITY", 2.0)
    profile.runs(f"import time; time.sleep(2.5); print('{KEYS}')")
    with an_endpoint(hangs=False) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        deployment = aws.deployment_of(read_settings({}))
    assert deployment.account == ACCOUNT
    assert profile.threads == [threading.current_thread()]


@pytest.mark.slow
def test_prices_read_the_keys_in_the_same_thread(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile.runs(f"print('{KEYS}')")
    monkeypatch.setattr(cost, "_PRICES", 0.5)
    with an_endpoint(hangs=True) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        done = CliRunner().invoke(app, ["cost"])
    assert done.exit_code == 0, done.output
    assert TABLE_OF in done.stdout, "the project's own prices"
    assert profile.threads == [threading.current_thread()]


@pytest.mark.slow
def test_spending_is_read_with_the_same_login(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An MFA code works once."""
    profile.runs(f"print('{KEYS}')")
    monkeypatch.setattr(cost, "_PRICES", 0.5)
    with an_endpoint(hangs=False) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        CliRunner().invoke(app, ["cost", "--actual"])
    assert len(profile.threads) == 1


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("raise SystemExit('log in to the tool first')", "log in to the tool first"),
        ("print('no JSON')", "Expecting value"),
        ("print('{}')", "Unsupported version"),
    ],
)
def test_a_credential_process_without_keys_is_reported_with_its_reason(
    profile: Profile, program: str, message: str
) -> None:
    profile.runs(program)
    with pytest.raises(AwsError) as raised:
        aws.deployment_of(read_settings({}))
    assert message in str(raised.value)
    assert "aws sso login" in str(raised.value)


def test_every_call_has_a_timeout_and_those_of_a_login_too() -> None:
    """Such as AssumeRole, whose client botocore creates itself.

    In `Config`, `max_attempts` would count retries only: one attempt more.
    """
    own = Aws(REGION)
    for config in (
        own.session._session.get_default_client_config(),
        own.client("sts").meta.config,
    ):
        assert (config.connect_timeout, config.read_timeout) == (2, 4)
        assert config.retries == {"mode": "standard", "total_max_attempts": 3}
