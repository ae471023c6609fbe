"""A made-up account, and a made-up cluster, for the operations command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client as kubernetes
from moto import mock_aws

from ops.aws import Aws, Deployment, deployment_of
from tests.context import read_settings
from tests.ops.cluster_api import Cluster, healthy, serving
from tests.ops.commands.command_line import Line
from tests.ops.orphans import REGION


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """The default deployment, in an empty account of moto's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield deployment_of(read_settings({}), Aws(REGION))


@pytest.fixture
def cluster() -> Cluster:
    """A cluster with a running training."""
    return healthy()


@pytest.fixture
def api(cluster: Cluster) -> Iterator[kubernetes.ApiClient]:
    """A client of that cluster."""
    with serving(cluster) as client:
        yield client


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Line:
    """Runs a command on a good account with some answers changed."""
    return Line(monkeypatch, tmp_path)
