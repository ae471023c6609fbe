"""Each command through its command line: exit status, JSON, and what goes where."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client as kubernetes
from typer.testing import CliRunner, Result

from ops import aws
from ops.aws import Aws, AwsError
from ops.cli import app
from ops.commands import base, cost, preflight, status
from ops.results import Result as Checked
from ops.show.terminal import console
from tests.context import read_settings
from tests.ops.cluster_api import NODES, Cluster
from tests.ops.status.deployments import stacked, standing
from tests.simulated.accounts import good
from tests.simulated.answers import offered_in, quotas, running
from tests.simulated.aws import Answers, SimulatedAws, denied, error

SHORT: Answers = {"service-quotas.get_service_quota": quotas(L_417A185B=0)}
NO_PRICES: Answers = {"pricing.get_products": denied("GetProducts")}


class Line:
    """The command line, in front of a simulated account."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._patch, self._folder = monkeypatch, folder
        self.logins = 0

    def __call__(self, answers: Answers, *arguments: str) -> Result:
        table = good() | answers
        where = SimulatedAws(table, read_settings({}).region)

        def connection(region: str) -> Aws:
            self.logins += 1
            return where

        for module in (base, cost):
            self._patch.setattr(module, "connection", connection)
        self._patch.setattr(preflight, "ROOT", self._folder)
        done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})
        assert not where.broken, where.broken
        assert isinstance(done.exception, SystemExit | None), done.exception
        return done


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Line:
    return Line(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("answers", "status"),
    [({}, 0), (SHORT, 2), ({"s3.head_bucket": denied("HeadBucket")}, 1)],
)
def test_preflights_exit_status(line: Line, answers: Answers, status: int) -> None:
    assert line(answers, "preflight").exit_code == status
    document = json.loads(line(answers, "preflight", "--json").stdout)
    assert set(document[0]) == {"name", "verdict", "said", "remedy"}
    verdicts = {each["verdict"] for each in document}
    assert ("fail" in verdicts) == (status == 2)


def test_programs_are_told_which_step_of_a_remedy_is_a_command(line: Line) -> None:
    document = json.loads(line(SHORT, "preflight", "--json").stdout)
    (failed,) = [each for each in document if each["verdict"] == "fail"]
    assert [set(step) for step in failed["remedy"]] == [{"kind", "text"}] * 2
    run, page = failed["remedy"]
    assert (run["kind"], page["kind"]) == ("command", "link")
    assert run["text"].startswith("aws service-quotas request-service-quota-increase")
    assert page["text"].startswith("https://")


def test_preflight_prints_the_remedy(line: Line) -> None:
    out = line(SHORT, "preflight").stdout
    assert "GPU vCPU quota:\n  aws service-quotas request-service-quota-increase" in out


@pytest.mark.parametrize(("offered", "pinned"), [("us-west-2c", True), ("us-west-2a", False)])
def test_pin_with_json_tells_what_it_has_written(
    line: Line, tmp_path: Path, offered: str, pinned: bool
) -> None:
    answers: Answers = {"ec2.describe_instance_type_offerings": offered_in(offered)}
    done = line(answers, "preflight", "--pin", "--json")
    document = json.loads(done.stdout)
    wanted = {
        "gpu.availability_zone": "us-west-2c",
        "network.availability_zones": "us-west-2c,us-west-2a",
    }
    assert document["pinned"] == (wanted if pinned else {})
    assert {"name", "verdict"} <= set(document["checks"][0])
    assert (tmp_path / "cdk.context.json").exists() == pinned
    assert ("cdk.context.json:" in done.stderr) == pinned
    assert line.logins == 1, "an MFA code is good for one"


def test_a_pin_that_cannot_be_told_writes_nothing(line: Line, tmp_path: Path) -> None:
    answers: Answers = {
        "ec2.describe_instance_type_offerings": denied("DescribeInstanceTypeOfferings")
    }
    done = line(answers, "preflight", "--pin")
    assert done.exit_code == 2
    assert "not allowed to call DescribeInstanceTypeOfferings" in done.stderr
    assert not list(tmp_path.iterdir())


def test_statuss_exit_status(line: Line, api: kubernetes.ApiClient) -> None:
    host = api.configuration.host
    assert line(standing(host), "status").exit_code == 0
    under_way = standing(host, cloudformation__describe_stacks=stacked("UPDATE_IN_PROGRESS"))
    assert line(under_way, "status").exit_code == 1
    broken = standing(host, cloudformation__describe_stacks=stacked("ROLLBACK_FAILED"))
    done = line(broken, "status", "--json")
    assert done.exit_code == 2
    document = json.loads(done.stdout)
    assert set(document[0]) == {"part", "name", "state", "good", "unsettled"}


def test_watching_and_json_do_not_go_together(line: Line) -> None:
    done = line({}, "status", "--watch", "--json")
    assert done.exit_code == 2
    assert "Give one of them" in done.stderr
    assert done.stdout == ""


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the watch waits each time; the third time somebody presses Ctrl-C."""
    waited: list[int] = []

    def sleep(seconds: int) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(status, "time", SimpleNamespace(sleep=sleep))
    return waited


def test_a_watch_looks_again_until_ctrl_c(
    line: Line, api: kubernetes.ApiClient, waits: list[int]
) -> None:
    looks = iter(["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "DELETE_IN_PROGRESS"])
    answers = standing(
        api.configuration.host,
        cloudformation__describe_stacks=lambda **asked: stacked(next(looks), "Network"),
    )
    done = line(answers, "status", "--watch")
    assert done.exit_code == 0
    assert waits == [30, 30, 30]
    shown = [done.stdout.find(state) for state in ("UPDATE_I", "UPDATE_C", "DELETE_I")]
    assert -1 < shown[0] < shown[1] < shown[2], done.stdout
    assert done.stderr == ""


def test_a_watch_logs_in_again_and_ends_when_it_cannot(
    line: Line, api: kubernetes.ApiClient, waits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys end while one watches."""

    def ended(where: Aws) -> Aws:
        raise AwsError("No AWS account: the login has ended")

    monkeypatch.setattr(status, "log_in", ended)
    done = line(standing(api.configuration.host), "status", "--watch")
    assert (done.exit_code, waits) == (2, [30])
    assert done.stderr == "No AWS account: the login has ended\n"


@pytest.mark.parametrize(
    ("columns", "width"), [("0", 100), ("19", 100), ("", 100), ("wide", 100), ("20", 20)]
)
def test_a_width_that_nothing_fits_in_is_none(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert console().width == width
    assert os.environ["COLUMNS"] == columns


def test_a_person_who_logs_in_slowly_takes_no_time_from_the_checks(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines: list[float] = []

    def slow(where: Aws) -> Aws:
        time.sleep(2)
        return where

    def checked(checks: Any, deadline: float) -> list[Checked]:
        deadlines.append(deadline)
        return []

    monkeypatch.setattr(base, "log_in", slow)
    monkeypatch.setattr(preflight, "run_checks", checked)
    assert line({}, "preflight").exit_code == 0
    assert deadlines[0] > preflight._BUDGET - 2


def test_verifys_exit_status(line: Line, api: kubernetes.ApiClient, cluster: Cluster) -> None:
    answers = standing(api.configuration.host, ec2__describe_instances=running())
    assert line(answers, "verify").exit_code == 0
    cluster.lists[NODES] = []
    done = line(answers, "verify", "--json")
    assert done.exit_code == 2
    document = {each["name"]: each for each in json.loads(done.stdout)}
    assert document["Nodes"]["verdict"] == "fail"


def test_verify_says_in_json_too_that_it_could_not_tell(line: Line) -> None:
    done = line(standing(), "verify", "--json")
    assert done.exit_code == 1
    (result,) = json.loads(done.stdout)
    assert result["verdict"] == "unknown"
    assert "connection refused" in result["said"]
    done = line(standing(), "verify")
    assert (done.exit_code, "connection refused" in " ".join(done.stdout.split())) == (1, True)


def test_verify_fails_without_a_cluster(line: Line) -> None:
    missing = error("DescribeCluster", "ResourceNotFoundException", 404)
    done = line(standing(eks__describe_cluster=missing), "verify")
    assert done.exit_code == 2
    assert "there is no cluster bionemo-on-eks" in done.stdout


def test_cost_tells_programs_hours_idle_hours_and_the_saving(line: Line) -> None:
    done = line(NO_PRICES, "cost", "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    mine, theirs = document["ways"]
    assert mine["hours"] == {
        "deploy": 0.5,
        "prepare the data": 0.5,
        "train": 84.0,
        "destroy": 0.5,
        "total": 85.5,
    }
    assert (mine["idle_gpu_node_hours"], theirs["idle_gpu_node_hours"]) == (0.8, 112.0)
    assert (mine["idle_gpu_hours"], theirs["idle_gpu_hours"]) == (6.4, 896.0)
    assert mine["gpu_node_hours"] == 168.8
    assert document["saved"] == pytest.approx(theirs["total"] - mine["total"])
    assert set(mine["items"][0]) == {"name", "counted", "dollars"}
    assert "actual" not in document


def test_cost_takes_other_training_hours(line: Line) -> None:
    done = line(NO_PRICES, "cost", "--json", "--training-hours", "10")
    assert json.loads(done.stdout)["ways"][0]["hours"]["train"] == 10


def spent(**answers: Any) -> Answers:
    metrics = {"UnblendedCost": {"Amount": "12.5", "Unit": "USD"}}
    group = {"Keys": ["Amazon EC2"], "Metrics": metrics}
    points = [{"Average": each} for each in (0.0, 90.0, 95.0)]
    known: Answers = {
        "ce.get_cost_and_usage": {"ResultsByTime": [{"Groups": [group]}]},
        "cloudwatch.get_metric_statistics": {"Datapoints": points},
    }
    return NO_PRICES | known | {key.replace("__", "."): each for key, each in answers.items()}


def test_what_was_spent_is_in_the_same_document(line: Line) -> None:
    done = line(spent(), "cost", "--json", "--actual", "--days", "7")
    assert done.exit_code == 0
    document = json.loads(done.stdout)["actual"]
    assert document == {
        "days": 7,
        "could_not_tell": {},
        "services": {"Amazon EC2": 12.5},
        "gpu_nodes": {"hours": 3.0, "idle_hours": 1.0},
    }


def test_what_was_spent_is_shown_with_measured_idle_hours(line: Line) -> None:
    out = " ".join(line(spent(), "cost", "--actual").stdout.split())
    assert "Spent in the last 30 days" in out
    assert "they ran for 3 h, of which in 1 h the GPUs were used less than 5 %" in out


def test_what_cannot_be_told_of_the_spending_is_a_warning(line: Line) -> None:
    answers = spent(
        ce__get_cost_and_usage=denied("GetCostAndUsage"),
        cloudwatch__get_metric_statistics={"Datapoints": []},
    )
    done = line(answers, "cost", "--json", "--actual")
    assert done.exit_code == 1
    document = json.loads(done.stdout)["actual"]
    assert document["could_not_tell"] == {"services": "not allowed to call GetCostAndUsage"}
    done = line(answers, "cost", "--actual")
    assert "could not tell: not allowed to call GetCostAndUsage" in done.stderr
    assert "Idle GPU nodes: not measured" in " ".join(done.stdout.split())


def test_nothing_booked_names_the_tag_to_activate(line: Line) -> None:
    done = line(spent(ce__get_cost_and_usage={"ResultsByTime": []}), "cost", "--actual")
    assert done.exit_code == 0
    assert "bionemo-on-eks/deployment" in " ".join(done.stdout.split())


def test_a_deployment_that_is_looked_at_anew_asks_anew() -> None:
    """`status --watch` would else show the first look for ever."""
    asked: list[int] = []
    deployment = aws.deployment_of(read_settings({}), SimulatedAws(good()))
    for each in (deployment, deployment, replace(deployment)):
        each.once("x", lambda: asked.append(1))
    assert len(asked) == 2


def test_a_question_that_failed_fails_for_all_who_ask() -> None:
    answers = good() | {"cloudformation.describe_stacks": denied("DescribeStacks")}
    where = SimulatedAws(answers)
    deployment = aws.deployment_of(read_settings({}), where)
    for _ in range(2):
        with pytest.raises(Exception, match="DescribeStacks"):
            aws.stacks(deployment)
    assert where.calls.count("cloudformation.describe_stacks") == 1
