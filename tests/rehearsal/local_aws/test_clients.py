"""The rehearsal's own clients ignore the user's AWS configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.local_aws.clients import session


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_CONFIG_FILE", "{malformed}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "{malformed}"),
        ("AWS_PROFILE", "of-my-employer"),
        ("AWS_MAX_ATTEMPTS", "abc"),
        ("AWS_RETRY_MODE", "abc"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1"),
    ],
)
def test_the_users_configuration_is_not_read(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    malformed = tmp_path / "config"
    malformed.write_text("no section\n")
    monkeypatch.setenv(name, value.format(malformed=malformed))
    client = session("http://127.0.0.1:9", "us-west-2")("s3")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.region_name == "us-west-2"
