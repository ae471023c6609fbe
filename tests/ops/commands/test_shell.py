"""`bionemo shell`: its pod is created, and removed whatever happens."""

from __future__ import annotations

import os
import secrets
import signal
from typing import Any

import pytest
from kubernetes import client as kubernetes

from bionemo_eks.configuration.versions import IMAGES
from ops.cluster import shell as pods
from ops.cluster.api import ClusterError
from ops.commands import shell as command
from tests.ops.cluster_api import JOBS, PODS, Cluster, job, pod
from tests.ops.commands.command_line import Line
from tests.ops.status.deployments import standing
from tests.simulated.aws import Answers, error

NAME = "bionemo-shell-0123abcd"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that has the next shell's Job, and runs its pod."""
    monkeypatch.setattr(secrets, "token_hex", lambda size: "0123abcd")
    found = Cluster()
    found.lists = {
        JOBS: [job(NAME, "bionemo-shell")],
        PODS: [pod(f"{NAME}-x", {"job-name": NAME})],
    }
    return found


@pytest.fixture
def answers(api: kubernetes.ApiClient) -> Answers:
    return standing(api.configuration.host)


class Inside:
    """In place of the connection into the pod."""

    def __init__(self, status: int = 0, error: BaseException | None = None) -> None:
        self.status, self.error, self.ran = status, error, list[Any]()

    def __call__(self, api: Any, pod: str, container: str, run: list[str], *, tty: bool) -> int:
        self.ran.append((pod, container, run, tty))
        if self.error:
            raise self.error
        return self.status


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    found = Inside()
    monkeypatch.setattr(command, "run_in_pod", found)
    return found


def test_a_command_runs_in_the_pod_and_the_pod_is_removed(
    line: Line, answers: Answers, cluster: Cluster, inside: Inside
) -> None:
    inside.status = 3
    done = line(answers, "shell", "--", "ls", "-l", "/fsx")
    assert done.exit_code == 3, done.output
    assert inside.ran == [(f"{NAME}-x", "shell", ["ls", "-l", "/fsx"], False)]
    assert cluster.deleted == [(NAME, {"propagationPolicy": "Background"})]


def test_at_a_terminal_it_is_a_shell(
    line: Line,
    answers: Answers,
    cluster: Cluster,
    inside: Inside,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "at_a_terminal", lambda: True)
    done = line(answers, "shell")
    assert done.exit_code == 0
    assert "exit" in done.stderr
    assert inside.ran == [(f"{NAME}-x", "shell", ["/bin/bash", "-l"], True)]


def test_without_a_terminal_it_needs_a_command_and_creates_nothing(
    line: Line, answers: Answers, cluster: Cluster
) -> None:
    done = line(answers, "shell")
    assert done.exit_code == 2
    assert "./bionemo shell -- ls /fsx" in done.stderr
    assert cluster.made == []


def test_the_pod_mounts_fsx_on_a_core_node_and_has_a_deadline(
    line: Line, answers: Answers, cluster: Cluster, inside: Inside
) -> None:
    line(answers, "shell", "--hours", "2", "--", "true")
    (made,) = cluster.made
    assert (made["kind"], made["metadata"]["namespace"]) == ("Job", "default")
    assert made["spec"]["activeDeadlineSeconds"] == 7200
    assert made["spec"]["ttlSecondsAfterFinished"] <= 300
    spec = made["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["nodeSelector"] == {"NodeGroupType": "core"}
    assert container["image"] == IMAGES["watch"].reference
    assert [each["mountPath"] for each in container["volumeMounts"]] == ["/fsx"]
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("broken", [ClusterError("the connection is broken"), KeyboardInterrupt()])
def test_the_pod_is_removed_when_the_connection_breaks_or_ctrl_c_is_pressed(
    line: Line, answers: Answers, cluster: Cluster, inside: Inside, broken: BaseException
) -> None:
    inside.error = broken
    done = line(answers, "shell", "--", "true")
    assert done.exit_code != 0
    assert [name for name, _ in cluster.deleted] == [NAME]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_pod_is_removed_when_the_command_is_terminated_or_its_terminal_closed(
    line: Line,
    answers: Answers,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    monkeypatch.setattr(command, "run_in_pod", lambda *a, **b: os.kill(os.getpid(), number))
    before = signal.getsignal(number)
    assert line(answers, "shell", "--", "true").exit_code == 128 + number
    assert [name for name, _ in cluster.deleted] == [NAME]
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("waiting", "reason"), [("ImagePullBackOff", "ImagePullBackOff"), ("x", "0/3 nodes")]
)
def test_a_pod_that_does_not_start_is_reported_and_removed(
    line: Line,
    answers: Answers,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    waiting: str,
    reason: str,
) -> None:
    row = pod(f"{NAME}-x", {"job-name": NAME}, "Pending", waiting=waiting)
    row["status"]["conditions"][0]["message"] = "0/3 nodes are available"
    cluster.lists[PODS] = [row]
    monkeypatch.setattr(pods, "_STARTS", 0.0)
    done = line(answers, "shell", "--", "true")
    assert done.exit_code == 2
    assert reason in done.stderr
    assert [name for name, _ in cluster.deleted] == [NAME]


def test_a_pod_that_is_already_gone_is_not_reported(
    line: Line, answers: Answers, cluster: Cluster, inside: Inside
) -> None:
    cluster.lists[JOBS] = []
    done = line(answers, "shell", "--", "true")
    assert done.exit_code == 0
    assert "not deleted" not in done.stderr


def test_a_pod_that_cannot_be_removed_is_named(
    line: Line, answers: Answers, cluster: Cluster, inside: Inside
) -> None:
    cluster.refusals["DELETE", f"{JOBS}/{NAME}"] = (403, "forbidden")
    done = line(answers, "shell", "--", "true")
    assert f"{NAME} was not deleted" in done.stderr
    assert "forbidden" in done.stderr


def test_without_a_cluster_it_says_how_to_create_one(line: Line) -> None:
    missing = error("DescribeCluster", "ResourceNotFoundException", 404)
    done = line({"eks.describe_cluster": missing}, "shell", "--", "true")
    assert done.exit_code == 2
    assert "make deploy" in done.stderr
