"""What a rehearsal refuses to start with, and what its commands see."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.machine.environment import (
    OF_A_REAL_ACCOUNT,
    UnsafeEnvironmentError,
    bypass_proxies,
    child_environment,
    exports,
    refuse_a_real_account,
)

ENDPOINT, REGION = "http://127.0.0.1:4566", "us-west-2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_ACCESS_KEY_ID", "  ASIAIOSFODNN7EXAMPLE"),
        *((name, "anything") for name in OF_A_REAL_ACCOUNT),
        ("AWS_ENDPOINT_URL", "https://eks.us-west-2.amazonaws.com"),
        ("AWS_ENDPOINT_URL", "http://[1"),
        ("AWS_ENDPOINT_URL_S3", "http://10.0.0.7:9000"),
    ],
)
def test_what_could_lead_to_a_real_account_is_refused(name: str, value: str) -> None:
    with pytest.raises(
        UnsafeEnvironmentError, match=f"does not start: (?s:.*){name} (?s:.*)env -u {name}"
    ):
        refuse_a_real_account({name: value})


def test_all_unsafe_variables_are_listed_with_the_command_that_unsets_them() -> None:
    unsafe = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "a secret",
        "AWS_PROFILE": "work",
        "AWS_ENDPOINT_URL_S3": "http://10.0.0.7:9000",
    }
    with pytest.raises(UnsafeEnvironmentError) as refused:
        refuse_a_real_account({**unsafe, "AWS_REGION": "eu-west-1"})
    message = str(refused.value)
    assert f"unset {' '.join(unsafe)}\n" in message
    assert "AWS_REGION" not in message
    assert "a secret" not in message


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"AWS_ENDPOINT_URL": "", "AWS_PROFILE": " "},
        {"AWS_ENDPOINT_URL": "http://localhost:4566"},
        {"AWS_ENDPOINT_URL_S3": "http://[::1]:4566"},
        exports(ENDPOINT, REGION),
    ],
)
def test_what_stays_on_this_machine_is_allowed(environment: dict[str, str]) -> None:
    refuse_a_real_account(environment)


def test_a_command_sees_no_proxy_and_nothing_of_the_users_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY", "AWS_PROFILE", "CDK_DOCKER"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    environment = child_environment(ENDPOINT, REGION, tmp_path)
    assert not {"HTTP_PROXY", "https_proxy", "ALL_PROXY", "AWS_PROFILE", "CDK_DOCKER"} & set(
        environment
    )
    assert environment["NO_PROXY"] == "127.0.0.1,localhost"


def test_temporary_files_are_in_the_rehearsals_own_folder(tmp_path: Path) -> None:
    temporary = Path(child_environment(ENDPOINT, REGION, tmp_path)["TMPDIR"])
    assert temporary.is_dir()
    assert temporary.is_relative_to(tmp_path)


def test_existing_proxy_exceptions_are_extended_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = {"NO_PROXY": ".example.org"}
    monkeypatch.setattr("os.environ", environment)
    for _ in range(2):
        bypass_proxies()
    assert environment == {
        "NO_PROXY": ".example.org,127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
