"""Each command through its command line: exit status, JSON, and what goes where."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client as kubernetes

from ops import aws
from ops.aws import Aws, AwsError
from ops.commands import base, preflight, status
from ops.preflight import looking
from ops.results import Result as Checked
from ops.show.terminal import console
from tests.context import read_settings
from tests.ops.cluster_api import NODES, Cluster
from tests.ops.commands.command_line import Line
from tests.ops.reading import in_order
from tests.ops.status.deployments import stacked, standing
from tests.simulated.accounts import good
from tests.simulated.answers import ROLE, quotas
from tests.simulated.aws import Answers, SimulatedAws, denied, error
from tests.simulated.capacity import offered_in, running

SHORT: Answers = {"service-quotas.get_service_quota": quotas(L_417A185B=0)}


@pytest.mark.parametrize(
    ("answers", "status"),
    [({}, 0), (SHORT, 2), ({"s3.head_bucket": denied("HeadBucket")}, 1)],
)
def test_the_exit_status_of_preflight_is_that_of_its_worst_check(
    line: Line, answers: Answers, status: int
) -> None:
    assert line(answers, "preflight").exit_code == status
    document = json.loads(line(answers, "preflight", "--json").stdout)
    assert set(document[0]) == {"name", "verdict", "said", "remedy"}
    verdicts = {each["verdict"] for each in document}
    assert ("fail" in verdicts) == (status == 2)


def test_json_says_which_step_of_a_remedy_is_a_command(line: Line) -> None:
    document = json.loads(line(SHORT, "preflight", "--json").stdout)
    (failed,) = [each for each in document if each["verdict"] == "fail"]
    assert [set(step) for step in failed["remedy"]] == [{"kind", "text"}] * 4
    run, page, *_ = failed["remedy"]
    assert (run["kind"], page["kind"]) == ("command", "link")
    assert run["text"].startswith("aws service-quotas request-service-quota-increase")
    assert page["text"].startswith("https://")


def test_preflight_prints_the_remedy(line: Line) -> None:
    out = line(SHORT, "preflight").stdout
    assert "GPU vCPU quota:\n  aws service-quotas request-service-quota-increase" in out


@pytest.mark.parametrize(("offered", "pinned"), [("us-west-2c", True), ("us-west-2a", False)])
def test_pin_with_json_reports_what_it_has_written(
    line: Line, tmp_path: Path, offered: str, pinned: bool
) -> None:
    answers: Answers = {"ec2.describe_instance_type_offerings": offered_in(offered)}
    done = line(answers, "preflight", "--pin", "--json")
    document = json.loads(done.stdout)
    wanted = {
        "gpu.availability_zone": "us-west-2c",
        "network.availability_zones": "us-west-2c,us-west-2a",
    }
    admin = {"cluster.admin_trust": ROLE}
    assert document["pinned"] == (wanted if pinned else {}) | admin
    assert {"name", "verdict"} <= set(document["checks"][0])
    assert (tmp_path / "cdk.context.json").exists() == pinned
    assert ("cdk.context.json:" in done.stderr) == pinned
    assert line.logins == 1, "an MFA code works once"


def test_without_permission_to_read_the_callers_role_the_zones_are_still_pinned(
    line: Line, tmp_path: Path
) -> None:
    answers: Answers = {
        "ec2.describe_instance_type_offerings": offered_in("us-west-2c"),
        "iam.get_role": denied("GetRole"),
    }
    done = line(answers, "preflight", "--pin")
    assert "GetRole" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["cdk.context.json"]


def test_a_type_to_use_is_written_to_cdk_json_and_checked(line: Line, tmp_path: Path) -> None:
    settings = '{"context": {"bionemo": {"gpu": {"instance_type": "p3.16xlarge"}}}}'
    (tmp_path / "cdk.json").write_text(settings)
    answers: Answers = {"service-quotas.get_service_quota": quotas(L_DB2E81BA=768)}
    done = line(answers, "preflight", "--use", "g6.48xlarge", "--json")
    written = (tmp_path / "cdk.json").read_text()
    assert written == settings.replace("p3.16xlarge", "g6.48xlarge")
    assert "cdk.json: gpu.instance_type=g6.48xlarge" in done.stderr
    results = {each["name"]: each["said"] for each in json.loads(done.stdout)}
    assert "g6.48xlarge" in results["GPU vCPU quota"]


@pytest.mark.parametrize("kind", ["g6.49xlarge", "p6-b200.48xlarge"])
def test_a_type_that_cannot_be_used_is_refused_and_not_written(
    line: Line, tmp_path: Path, kind: str
) -> None:
    done = line({}, "preflight", "--use", kind)
    assert done.exit_code == 2
    assert "gpu.instance_type" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_type_that_a_preset_overrides_is_reported(line: Line, tmp_path: Path) -> None:
    (tmp_path / "cdk.context.json").write_text('{"preset": "2024"}')
    done = line({}, "preflight", "--use", "g6.48xlarge")
    assert done.exit_code == 2
    assert in_order(done.stderr, "gpu.instance_type", "p3.16xlarge", "preset")


def test_a_pin_without_an_answer_from_aws_writes_nothing(line: Line, tmp_path: Path) -> None:
    answers: Answers = {
        "ec2.describe_instance_type_offerings": denied("DescribeInstanceTypeOfferings")
    }
    done = line(answers, "preflight", "--pin")
    assert done.exit_code == 2
    assert "DescribeInstanceTypeOfferings" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_exit_status_of_status_is_that_of_its_worst_line(
    line: Line, api: kubernetes.ApiClient
) -> None:
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
    assert in_order(done.stderr, "--watch", "--json")
    assert done.stdout == ""


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long the watch waits each time; the third wait ends with Ctrl-C."""
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
    """Keys expire during a long watch."""

    def ended(where: Aws) -> Aws:
        raise AwsError("No AWS account: the login has ended")

    monkeypatch.setattr(status, "log_in", ended)
    done = line(standing(api.configuration.host), "status", "--watch")
    assert (done.exit_code, waits) == (2, [30])
    assert done.stderr == "No AWS account: the login has ended\n"


@pytest.mark.parametrize(
    ("columns", "width"), [("0", 100), ("19", 100), ("", 100), ("wide", 100), ("20", 20)]
)
def test_an_unusable_width_means_100_columns(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert console().width == width
    assert os.environ["COLUMNS"] == columns


def test_a_slow_login_takes_no_time_from_the_checks(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines: list[float] = []
    clock = [0.0]

    def slow(where: Aws) -> Aws:
        clock[0] += 100
        return where

    def checked(checks: Any, deadline: float) -> list[Checked]:
        deadlines.append(deadline)
        return []

    monkeypatch.setattr(preflight, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(base, "log_in", slow)
    monkeypatch.setattr(looking, "run_checks", checked)
    assert line({}, "preflight").exit_code == 0
    assert deadlines[0] == preflight._BUDGET


def test_verify_exits_with_2_if_something_is_wrong(
    line: Line, api: kubernetes.ApiClient, cluster: Cluster
) -> None:
    answers = standing(api.configuration.host, ec2__describe_instances=running())
    assert line(answers, "verify").exit_code == 0
    cluster.lists[NODES] = []
    done = line(answers, "verify", "--json")
    assert done.exit_code == 2
    document = {each["name"]: each for each in json.loads(done.stdout)}
    assert document["Nodes"]["verdict"] == "fail"


def test_verify_reports_an_unreachable_cluster_as_unknown(line: Line) -> None:
    done = line(standing(), "verify", "--json")
    assert done.exit_code == 1
    (result,) = json.loads(done.stdout)
    assert result["verdict"] == "unknown"
    assert "127.0.0.1:9" in result["said"]
    done = line(standing(), "verify")
    assert (done.exit_code, "unknown" in done.stdout) == (1, True)


def test_verify_fails_without_a_cluster(line: Line) -> None:
    missing = error("DescribeCluster", "ResourceNotFoundException", 404)
    done = line(standing(eks__describe_cluster=missing), "verify")
    assert done.exit_code == 2
    assert "bionemo-on-eks" in done.stdout
    assert "make deploy" in done.stdout


def test_a_replaced_deployment_asks_aws_again() -> None:
    """Otherwise `status --watch` would show its first answers forever."""
    asked: list[int] = []
    deployment = aws.deployment_of(read_settings({}), SimulatedAws(good()))
    for each in (deployment, deployment, replace(deployment)):
        each.once("x", lambda: asked.append(1))
    assert len(asked) == 2


def test_a_call_that_failed_is_not_repeated_for_each_check() -> None:
    answers = good() | {"cloudformation.describe_stacks": denied("DescribeStacks")}
    where = SimulatedAws(answers)
    deployment = aws.deployment_of(read_settings({}), where)
    for _ in range(2):
        with pytest.raises(Exception, match="DescribeStacks"):
            aws.stacks(deployment)
    assert where.calls.count("cloudformation.describe_stacks") == 1
