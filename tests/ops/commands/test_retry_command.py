"""`bionemo retry` as a person or a program runs it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import client as kubernetes

from bionemo_eks.jobs.applied import applied_objects
from tests.ops.cluster_api import JOBS, PYTORCH, Cluster, condition, job, training
from tests.ops.commands.command_line import Line
from tests.ops.reading import in_order
from tests.ops.status.deployments import standing
from tests.simulated.aws import Answers


@pytest.fixture
def cluster(default: Any) -> Cluster:
    """One whose data Job has failed, and whose training is suspended."""
    (name,) = [
        each["metadata"]["name"]
        for each in applied_objects(default.json("Workload"))
        if each["kind"] == "Job" and each["metadata"]["name"].startswith("uniref50")
    ]
    found = Cluster()
    found.lists = {
        JOBS: [job(name, "uniref50-download", conditions=[condition("Failed", "too often")])],
        PYTORCH: [training(True)],
    }
    return found


@pytest.fixture
def answers(api: kubernetes.ApiClient, default: Any) -> Answers:
    body = json.dumps(default.json("Workload"))
    return standing(api.configuration.host, cloudformation__get_template={"TemplateBody": body})


def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    line: Line, answers: Answers, cluster: Cluster
) -> None:
    done = line(answers, "retry", "data", "--dry-run")
    assert done.exit_code == 0
    assert "too often" in done.stderr
    assert "Job uniref50-download-" in done.stderr
    assert done.stderr.splitlines()[-2:] == ["Nothing was done.", "Next: ./bionemo retry data"]
    assert (cluster.made, cluster.deleted) == ([], [])


def test_without_agreement_nothing_changes(line: Line, answers: Answers, cluster: Cluster) -> None:
    """Without a terminal it asks too, and no answer means no."""
    done = line(answers, "retry", "data")
    assert done.exit_code == 1
    assert "Restart the data Job?" in done.stderr
    assert (cluster.made, cluster.deleted) == ([], [])


def test_yes_does_it_without_asking(line: Line, answers: Answers, cluster: Cluster) -> None:
    done = line(answers, "retry", "data", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "?" not in done.stderr
    assert done.stderr.splitlines()[-1] == "Next: ./bionemo status --watch"
    # There is no launcher, so nothing would start the training.
    assert [each["metadata"]["name"].rpartition("-")[0] for each in cluster.made] == [
        "uniref50-download",
        "esm1nv-launcher",
    ]


def test_json_is_for_programs(line: Line, answers: Answers, cluster: Cluster) -> None:
    assert line(answers, "retry", "data", "--json").exit_code == 2
    done = line(answers, "retry", "data", "--json", "--dry-run")
    document = json.loads(done.stdout)
    assert document["done"] is document["refused"] is False
    assert [each.split("-")[0] for each in document["again"]] == ["Job uniref50", "Job esm1nv"]
    assert cluster.made == []


def test_a_training_without_its_data_is_refused_with_the_command_for_the_data(
    line: Line, answers: Answers, cluster: Cluster
) -> None:
    done = line(answers, "retry", "training", "--yes")
    assert done.exit_code == 2
    assert "./bionemo retry data" in done.stderr
    assert cluster.made == []


def test_the_clusters_refusal_is_reported_without_a_traceback(
    line: Line, answers: Answers, cluster: Cluster
) -> None:
    cluster.refusals["POST", JOBS] = (403, "jobs.batch is forbidden")
    done = line(answers, "retry", "data", "--yes")
    assert done.exit_code == 2
    assert "jobs.batch is forbidden" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("what", ["", "everything"])
def test_it_names_what_can_be_retried(line: Line, answers: Answers, what: str) -> None:
    done = line(answers, "retry", *([what] if what else []))
    assert done.exit_code == 2
    assert in_order(done.stderr, "data", "training")


def test_its_help_says_what_it_does_and_that_it_costs_money(line: Line) -> None:
    text = " ".join(line({}, "retry", "--help").stdout.split())
    for part in (
        "data",
        "training",
        "./bionemo status",
        "make deploy",
        "--dry-run",
        "cost money",
    ):
        assert part in text
