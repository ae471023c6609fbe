"""The program itself: what it asks the API server, sends to CloudWatch, and survives."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from api_server import ApiServer
from bionemo_eks.jobs import capacity_block
from bionemo_eks.jobs.watch import PROGRAM_FOLDER, watch_objects
from job_states import Look, states
from stall import Progress
from tests.context import read_settings
from tests.ops.cluster_api import JOBS, PODS, PYTORCH, Cluster, serving
from tests.workloads.watch.course import DATA, LAUNCHER, NOTES, TRAINING, Course
from watch_jobs import arguments, in_words, look, watch_over

SILENT = Progress(lambda pod, seconds: "", "loss", 30)
EVENTS = "/api/v1/namespaces/default/events"


def objects_of(**changes: str) -> list[dict[str, Any]]:
    """The watch's objects, for the jobs of a course."""
    jobs = [{"metadata": {"name": name}} for name in (DATA, TRAINING, LAUNCHER)]
    return watch_objects(
        read_settings(changes), dataset_job=jobs[0], training_job=jobs[1], launcher=jobs[2]
    )


def given(**changes: str) -> argparse.Namespace:
    """The arguments that the pod gets, for the jobs of a course."""
    objects = objects_of(**changes)
    (container,) = objects[-1]["spec"]["template"]["spec"]["containers"]
    return arguments(container["args"])


def shown(course: Course) -> Cluster:
    """A course as the tests' API server has it."""
    cluster = Cluster()
    for pod in course.job_pods:
        pod["metadata"]["labels"] = {"batch.kubernetes.io/job-name": DATA}
    for pod in course.workers:
        pod["metadata"]["labels"] = {"training.kubeflow.org/job-name": TRAINING}
    cluster.lists = {
        JOBS: [each for each in (course.data_job, course.launcher) if each],
        PYTORCH: [each for each in (course.training,) if each],
        PODS: [*course.job_pods, *course.workers, _strangers_pod()],
        EVENTS: course.events,
    }
    return cluster


def _strangers_pod() -> dict[str, Any]:
    metadata = {"name": "a", "uid": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": {}, "status": {"phase": "Pending"}}


@contextmanager
def asked(course: Course, account: Path) -> Iterator[tuple[Cluster, ApiServer]]:
    cluster = shown(course)
    with serving(cluster) as client:
        yield cluster, ApiServer(client.configuration.host, "default", account)


def test_it_sees_the_jobs_and_no_other_pods(account: Path) -> None:
    course = Course()
    course.deploy()
    pod = course.data_pod("Pending")
    course.complain(pod, "FailedMount")
    course.start_training()
    with asked(course, account) as (_, api):
        seen = look(api, given(), SILENT)
    expected = course.look()
    assert (seen.data_job, seen.launcher, seen.training) == (
        expected.data_job,
        expected.launcher,
        expected.training,
    )
    assert [each["metadata"]["name"] for each in seen.job_pods] == ["pod-1", "pod-2"]
    assert len(seen.workers) == 16
    assert seen.events == course.events


def test_jobs_that_do_not_exist_yet_are_none(account: Path) -> None:
    with asked(Course(), account) as (_, api):
        found = states(look(api, given(), SILENT))
    assert (found.data, found.launcher, found.training) == ("none", "none", "none")


def test_without_jobs_to_watch_no_pods_are_taken_for_theirs(account: Path) -> None:
    course = Course()
    course.deploy()
    course.data_pod("Pending")
    training = {"metadata": {"name": TRAINING}}
    objects = watch_objects(
        read_settings({}), dataset_job=None, training_job=training, launcher=None
    )
    (container,) = objects[-1]["spec"]["template"]["spec"]["containers"]
    with asked(course, account) as (_, api):
        seen = look(api, arguments(container["args"]), SILENT)
    assert (seen.data_job, seen.launcher, list(seen.job_pods)) == (None, None, [])
    assert seen.training == course.look().training


def long_ago() -> Course:
    """A training that began long before this runs, and prints nothing."""
    course = Course()
    course.minute = -1e6
    course.deploy()
    course.start_training(hours=1)
    course.nodes_come()
    return course


class Recorded(ApiServer):
    """What the watch needs from the API server."""

    def __init__(self, address: str, account: Path) -> None:
        super().__init__(address, "default", account)
        self.wanted = set[tuple[str, str, str, str]]()

    def get(self, group_version: str, plural: str, name: str) -> dict[str, Any] | None:
        self.wanted.add(("get", group_version.rpartition("/")[0], plural, name))
        return super().get(group_version, plural, name)

    def list(self, group_version: str, plural: str, **selectors: str) -> list[dict[str, Any]]:
        self.wanted.add(("list", group_version.rpartition("/")[0], plural, ""))
        return super().list(group_version, plural, **selectors)

    def patch(self, group_version: str, plural: str, name: str, changes: dict[str, Any]) -> None:
        self.wanted.add(("patch", group_version.rpartition("/")[0], plural, name))
        super().patch(group_version, plural, name, changes)

    def log(self, pod: str, container: str, seconds: int) -> str:
        self.wanted.add(("get", "", "pods/log", pod))
        return super().log(pod, container, seconds)


ACTS = [{}, {"training.max_hours": "1"}, {"training.on_stall": "suspend"}]


@pytest.mark.parametrize("changes", ACTS, ids=str)
def test_it_needs_exactly_what_its_role_allows(changes: dict[str, str], account: Path) -> None:
    (role,) = [each for each in objects_of(**changes) if each["kind"] == "Role"]
    allowed = {
        (verb, group, resource, name)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
    }
    course = long_ago()
    cluster = shown(course)
    with serving(cluster) as client:
        api = Recorded(client.configuration.host, account)
        watch_over(api, given(**changes), lambda *_: None).once()
    assert api.wanted == allowed
    assert [path for path, _ in cluster.changed] == [f"{PYTORCH}/{TRAINING}"] * len(changes)
    assert all(each["spec"]["runPolicy"]["suspend"] for _, each in cluster.changed)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusal_publishes_nothing_and_is_one_line(
    status: int, account: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published: list[Any] = []
    with asked(Course(), account) as (cluster, api):
        watch = watch_over(api, given(), lambda *each: published.append(each))
        cluster.refused = status
        watch.once()
        watch.once()
        assert published == []
        cluster.refused = 0
        watch.once()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2, "a change is a line, no change is none"
    assert f"answered with {status}: no" in lines[0]
    assert len(published) == 1


def test_an_end_is_enforced_while_cloudwatch_is_down(
    account: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://monitoring")

    course = long_ago()
    with asked(course, account) as (cluster, api):
        watch_over(api, given(**{"training.max_hours": "1"}), away).once()
    ((_, changed),) = cluster.changed
    assert changed["spec"]["runPolicy"]["suspend"] is True
    assert "error: Could not connect" in capsys.readouterr().out


def test_corrupt_notes_do_not_end_the_watch(
    account: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = long_ago()
    assert course.training is not None
    course.training["metadata"]["annotations"] = {NOTES: '{"ends_at": "tomorrow"}'}
    published: list[Any] = []
    with asked(course, account) as (_, api):
        limits = given(**{"training.max_hours": "1"})
        watch_over(api, limits, lambda *each: published.append(each)).once()
    assert "cannot be read" in capsys.readouterr().out
    assert len(published) == 1


def test_a_refused_change_is_one_line(account: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course = long_ago()
    with asked(course, account) as (cluster, api):
        cluster.refusals["PATCH", f"{PYTORCH}/{TRAINING}"] = (403, "not you")
        watch = watch_over(api, given(**{"training.max_hours": "1"}), lambda *_: None)
        watch.once()
        watch.once()
    (line,) = capsys.readouterr().out.splitlines()
    assert "suspending the training" in line
    assert "not you" in line


def test_the_log_says_what_has_failed_and_why() -> None:
    course = Course()
    course.deploy()
    course.end_data("Failed", "PodFailurePolicy")
    course.minute = 5
    text = in_words(states(course.look()))
    assert text.startswith("data failed, launcher active, training suspended")
    assert f"{DATA}: PodFailurePolicy, in words" in text


def test_without_a_launcher_none_is_requested(account: Path) -> None:
    course = Course()
    course.deploy()
    names = given()
    names.launcher = ""
    with asked(course, account) as (_, api):
        seen: Look = look(api, names, SILENT)
    assert seen.launcher is None
    assert len(seen.job_pods) == 1


# The pod has the files of both folders in one.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(capacity_block.PROGRAM_FOLDER),
    "PYTHONDONTWRITEBYTECODE": "1",
}


ALL = ["--namespace=n", "--data-job=d", "--training=t", "--notes=n", "--metrics=m"]
ALL += ["--region=us-west-2", "--progress=loss", "--stall-minutes=30"]


def test_a_failed_start_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM_FOLDER / "watch_jobs.py"), *ALL],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: KUBERNETES_SERVICE_HOST")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_it_continues_without_answers_and_ends_at_sigterm() -> None:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM_FOLDER / "watch_jobs.py"), *ALL],
        env={
            **ENVIRONMENT,
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": "9",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "error: " in line
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, "within the grace period of a pod"
