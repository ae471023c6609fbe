"""What goes wrong before or between requests to the API server: one error, which names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from api_server import ApiError, ApiServer, of_this_cluster


def test_an_api_server_that_is_down_is_one_line(account: Path) -> None:
    with pytest.raises(ApiError, match="refused"):
        ApiServer("http://127.0.0.1:9", "default", account).get("batch/v1", "jobs", "x")


def test_without_its_token_it_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="token"):
        ApiServer("http://127.0.0.1:9", "default", tmp_path).get("batch/v1", "jobs", "x")


def test_outside_of_a_cluster_it_says_so() -> None:
    with pytest.raises(ApiError, match="KUBERNETES_SERVICE_HOST is not set"):
        of_this_cluster("default", {})


def test_without_the_clusters_authority_no_request_is_made(account: Path) -> None:
    (account / "ca.crt").write_text("no certificate")
    with pytest.raises(ApiError, match=r"(?i)certificate|PEM"):
        ApiServer("https://127.0.0.1:9", "default", account).get("batch/v1", "jobs", "x")


def test_addresses_of_both_kinds_are_accepted() -> None:
    for host, address in (("10.0.0.1", "https://10.0.0.1:443"), ("::1", "https://[::1]:443")):
        environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}
        with pytest.raises(ApiError):
            of_this_cluster("default", environment).get("v1", "pods", "x")
        assert of_this_cluster("default", environment)._address == address
