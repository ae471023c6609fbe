"""The network test: what it creates and deletes, what it waits for, and what its log says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from kubernetes import client as kubernetes

from ops import network_test
from ops.aws import Deployment
from ops.cluster.api import ClusterError
from ops.network_test import NetworkTestError, cost, hindrance, read, results, run
from ops.price_table import HOURLY
from ops.results import Verdict
from tests.ops.cluster_api import JOBS, PODS, Cluster, condition, job, pod
from tests.simulated.accounts import simulated_deployment
from tests.simulated.aws import error

NAME = "network-test-00000000"
SERVICES = "/api/v1/namespaces/default/services"
ESM2 = {"training.workload": "esm2", "gpu.instance_type": "p5.48xlarge"}
# As nccl-tests prints it: https://github.com/NVIDIA/nccl-tests
TABLE = Path(__file__).with_name("all_reduce_perf.txt").read_text(encoding="utf-8")
EFA = """\
NET/OFI Selected provider is efa, fabric is efa-direct (found 32 nics)
Using network AWS Libfabric
"""
SOCKET = "Using network Socket\n"


def deployment(**answers: Any) -> Deployment:
    return simulated_deployment(ESM2, answers)


def described(**network: Any) -> dict[str, Any]:
    cards = [{"NetworkCardIndex": index, "PeakBandwidthInGbps": 100.0} for index in range(32)]
    return {"InstanceTypes": [{"NetworkInfo": {"NetworkCards": cards, **network}}]}


@pytest.fixture
def tested(api: kubernetes.ApiClient, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster without a training, in which the network test has ended."""

    @contextmanager
    def connected(_: Deployment) -> Iterator[kubernetes.ApiClient]:
        yield api

    monkeypatch.setattr(network_test, "connected", connected)
    monkeypatch.setattr(network_test, "_LOOK", 0.0)
    monkeypatch.setattr("uuid.uuid4", lambda: UUID(int=0))
    cluster.lists[PODS] = [
        pod(f"{NAME}-{index}-x", {"job-name": NAME}, "Running") for index in range(2)
    ]
    for index, each in enumerate(cluster.lists[PODS]):
        key = "batch.kubernetes.io/job-completion-index"
        each["metadata"]["annotations"] = {key: str(index)}
    cluster.logs[f"{NAME}-0-x"] = EFA + TABLE
    cluster.lists[JOBS] = [job(NAME, "network-test", conditions=[condition("Complete")])]
    cluster.lists[SERVICES] = [{"metadata": {"name": NAME}}]
    return cluster


def test_a_test_returns_the_first_pods_log_and_leaves_nothing(tested: Cluster) -> None:
    assert run(deployment(), print) == EFA + TABLE
    assert [each["kind"] for each in tested.made] == ["Service", "Job"]
    assert {each["metadata"]["name"] for each in tested.made} == {NAME}
    assert [name for name, _ in tested.deleted] == [NAME, NAME]
    assert all(query["propagationPolicy"] == "Background" for _, query in tested.deleted)


def test_a_test_that_fails_is_reported_with_its_last_lines_and_leaves_nothing(
    tested: Cluster,
) -> None:
    tested.lists[JOBS] = [job(NAME, "network-test", conditions=[condition("Failed", "backoff")])]
    tested.logs[f"{NAME}-0-x"] = "mpirun: no such host"
    lines: list[str] = []
    with pytest.raises(NetworkTestError, match="failed: backoff"):
        run(deployment(), lines.append)
    assert lines == ["mpirun: no such host"]
    assert [name for name, _ in tested.deleted] == [NAME, NAME]


def test_a_test_that_never_ends_is_removed(
    tested: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested.lists[JOBS] = [job(NAME, "network-test", active=2)]
    tested.lists[PODS][1]["status"] |= {"phase": "Pending", "containerStatuses": []}
    passing = SimpleNamespace(monotonic=iter([0, 1, 2, 3000]).__next__, sleep=lambda _: None)
    monkeypatch.setattr(network_test, "time", passing)
    lines: list[str] = []
    with pytest.raises(NetworkTestError, match="not ended"):
        run(deployment(), lines.append)
    assert lines == ["1 of 2 pods running (Pending)"], "reported once"
    assert [name for name, _ in tested.deleted] == [NAME, NAME]


def test_a_failed_request_is_repeated_and_a_refusal_ends_the_test(
    tested: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested.refusals["GET", f"{JOBS}/{NAME}"] = (503, "soon")
    answered = SimpleNamespace(
        monotonic=iter([0, 1, 2, 3]).__next__, sleep=lambda _: tested.refusals.clear()
    )
    monkeypatch.setattr(network_test, "time", answered)
    lines: list[str] = []
    assert run(deployment(), lines.append) == EFA + TABLE
    assert "soon" in lines[0]
    tested.refusals["POST", JOBS] = (403, "jobs is forbidden")
    with pytest.raises(ClusterError, match="forbidden"):
        run(deployment(), lines.append)


def test_what_cannot_be_removed_is_reported_with_the_command_that_does(
    tested: Cluster,
) -> None:
    tested.refusals["DELETE", f"{JOBS}/{NAME}"] = (500, "no")
    lines: list[str] = []
    run(deployment(), lines.append)
    assert f"kubectl delete job,service -n default {NAME}" in lines[-1]


def test_transport_and_bandwidth_are_read_from_the_log() -> None:
    found = read(EFA + TABLE)
    assert (found.network, found.provider) == ("AWS Libfabric", "efa")
    assert found.rows == {8388608: 77.41, 4294967296: 357.58}
    assert (found.mean, found.wrong) == (217.82, 0)
    with pytest.raises(ValueError, match="no table"):
        read(EFA)


def test_bandwidth_is_reported_with_what_the_type_can_do() -> None:
    transport, bandwidth = results(
        deployment(**{"ec2.describe_instance_types": described()}), EFA + TABLE
    )
    assert {transport.verdict, bandwidth.verdict} == {Verdict.PASS}
    assert "provider efa" in transport.said
    # At 4 GiB, the mean, and 32 cards of 100 Gbit/s.
    for part in ("357.6 GB/s at 4 GiB", "217.8", "400.0 GB/s (3,200 Gbit/s)"):
        assert part in bandwidth.said


def test_without_an_answer_from_aws_there_is_only_the_bandwidth() -> None:
    refused = error("DescribeInstanceTypes", "UnauthorizedOperation", 403)
    _, bandwidth = results(deployment(**{"ec2.describe_instance_types": refused}), EFA + TABLE)
    assert bandwidth.verdict is Verdict.PASS
    assert "bandwidth is unknown" in bandwidth.said


def test_another_transport_than_efa_fails_where_nodes_have_it() -> None:
    answers: Any = {"ec2.describe_instance_types": described()}
    transport, _ = results(deployment(**answers), SOCKET + TABLE)
    assert transport.verdict is Verdict.FAIL
    assert "Socket" in transport.said
    plain = simulated_deployment(ESM2 | {"gpu.efa": "off"}, answers)
    transport, bandwidth = results(plain, SOCKET + TABLE)
    assert transport.verdict is Verdict.PASS
    assert "gpu.efa is off" in transport.said
    assert "(100 Gbit/s)" in bandwidth.said, "card 0 only"


def test_wrong_values_fail() -> None:
    wrong = (EFA + TABLE).replace("357.58      0", "357.58      3")
    _, bandwidth = results(deployment(**{"ec2.describe_instance_types": described()}), wrong)
    assert bandwidth.verdict is Verdict.FAIL


def test_nodes_that_train_are_not_used(tested: Cluster) -> None:
    assert hindrance(deployment()) == ""
    labels = {"training.kubeflow.org/job-name": "esm2-training"}
    tested.lists[PODS] = [pod("esm2-training-worker-0", labels, "Running")]
    assert "1 Running" in hindrance(deployment())
    tested.lists[PODS] = [pod("esm2-training-worker-0", labels, "Succeeded")]
    tested.lists[PODS][0]["status"]["containerStatuses"] = []
    assert hindrance(deployment()) == ""
    assert "gpu.nodes is 1" in hindrance(simulated_deployment(ESM2 | {"gpu.nodes": "1"}, {}))
    old = simulated_deployment({"gpu.instance_type": "p3dn.24xlarge"}, {})
    assert "no code for the GPUs of p3dn.24xlarge" in hindrance(old)


def test_its_price_is_reported_an_hour_and_for_the_test() -> None:
    text = cost(deployment())
    hourly = HOURLY["p5.48xlarge"]
    assert f"2 x p5.48xlarge: ${2 * hourly:,.2f} an hour" in text
    assert f"cost ${2 * hourly * 25 / 60:,.2f}." in text
