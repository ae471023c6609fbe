"""Preflight against simulated accounts: what it finds, how it says it, how it ends."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.simulated_accounts import (
    ACCOUNT,
    SITUATIONS,
    Answers,
    denied,
    deployment,
    error,
    good,
    offered_in,
    preflight,
)
from bionemo_eks.cdk_context import settings_of
from bionemo_eks.settings_reader import read_settings
from ops.preflight.account import role_of
from ops.preflight.capacity import pin
from ops.results import Result, Verdict, exit_status, passed, run_checks

ROOT = Path(__file__).resolve().parents[2]
RESERVED = {
    "gpu.purchase": "capacity-reservation",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}


def found(title: str) -> dict[str, Result]:
    settings, answers = SITUATIONS[title]
    return {each.name: each for each in preflight(settings, answers())}


def one(name: str, changes: dict[str, str], **answers: Any) -> Result:
    table: Answers = good() | {key.replace("__", "."): value for key, value in answers.items()}
    return {each.name: each for each in preflight(changes, table)}[name]


def test_an_account_in_order_passes_everything() -> None:
    results = found("everything in order")
    assert {each.verdict for each in results.values()} == {Verdict.PASS}
    assert exit_status(list(results.values())) == 0


def test_quotas_that_are_short_tell_how_to_raise_them() -> None:
    results = found("new account: quotas of 0 and 5")
    short = results["GPU vCPU quota"]
    assert short.verdict is Verdict.FAIL
    assert "128 vCPUs (2 x p3.16xlarge, on-demand) needed, 0 in use, 0 allowed" in short.said
    assert "--quota-code L-417A185B --desired-value 128" in short.remedy
    assert "https://us-west-2.console.aws.amazon.com/servicequotas" in short.remedy
    assert results["Core vCPU quota"].verdict is Verdict.FAIL
    assert results["Elastic IP quota"].verdict is Verdict.PASS
    assert exit_status(list(results.values())) == 2


def test_a_zone_without_the_gpu_type_names_those_that_have_it() -> None:
    result = found("the zone has no p3.16xlarge")["GPU instance type"]
    assert result.verdict is Verdict.FAIL
    assert "us-west-2a does not offer p3.16xlarge; us-west-2c do" in result.said
    assert "-c gpu.availability_zone=us-west-2c" in result.remedy


def test_pin_writes_zones_that_the_stacks_then_use(tmp_path: Path) -> None:
    answers = good() | {"ec2.describe_instance_type_offerings": offered_in("us-west-2c")}
    (tmp_path / "cdk.context.json").write_text('{"kept:key": 1}')
    pins = pin(deployment({}, answers), tmp_path)
    assert pins["gpu.availability_zone"] == "us-west-2c"
    assert json.loads((tmp_path / "cdk.context.json").read_text())["kept:key"] == 1
    chosen = read_settings(pins)
    assert chosen.gpu_zone == "us-west-2c"
    assert len(chosen.zones) == 2
    (tmp_path / "cdk.json").write_text('{"context": {"kept:key": 1}}')
    assert settings_of(tmp_path).gpu_zone == "us-west-2c"


def test_pin_leaves_a_zone_that_is_right(tmp_path: Path) -> None:
    assert pin(deployment({}, good()), tmp_path) == {}
    assert not (tmp_path / "cdk.context.json").exists()


def test_a_version_that_has_ended_names_one_that_has_not() -> None:
    result = found("Kubernetes version ended")["Kubernetes version"]
    assert result.verdict is Verdict.FAIL
    assert "ended 2026-03-23" in result.said
    assert "1.35" in result.remedy


def test_extended_support_is_a_warning_with_its_price() -> None:
    row = {
        "clusterVersion": "1.33",
        "versionStatus": "EXTENDED_SUPPORT",
        "endOfStandardSupportDate": datetime(2026, 7, 29, tzinfo=UTC),
        "endOfExtendedSupportDate": datetime(2027, 7, 29, tzinfo=UTC),
    }
    result = one(
        "Kubernetes version",
        {"kubernetes_version": "1.33"},
        eks__describe_cluster_versions={"clusterVersions": [row]},
    )
    assert result.verdict is Verdict.WARN
    assert "$0.60" in result.said


def test_without_bootstrap_the_command_is_given() -> None:
    result = found("not bootstrapped")["CDK bootstrap"]
    assert result.verdict is Verdict.FAIL
    assert result.remedy == f"npx cdk bootstrap aws://{ACCOUNT}/us-west-2"


def test_missing_permissions_leave_the_other_checks_standing() -> None:
    results = found("no permission for half of the calls")
    by_verdict = dict.fromkeys(Verdict, 0)
    for each in results.values():
        by_verdict[each.verdict] += 1
    assert by_verdict[Verdict.UNKNOWN] >= 4
    assert by_verdict[Verdict.PASS] >= 4
    assert by_verdict[Verdict.FAIL] == 0
    assert all(
        each.said.startswith("not allowed to call")
        for each in results.values()
        if each.verdict is Verdict.UNKNOWN
    )
    assert exit_status(list(results.values())) == 1


def test_a_region_without_persistent_2_fails() -> None:
    result = found("region without FSx PERSISTENT_2")["FSx PERSISTENT_2"]
    assert result.verdict is Verdict.FAIL
    assert "another region" in result.remedy


def test_throttling_is_no_failure() -> None:
    results = found("throttling")
    unknown = [each for each in results.values() if each.verdict is Verdict.UNKNOWN]
    assert len(unknown) == len(results) - 1  # all but whose account it is, which is known
    assert all("throttles" in each.said for each in unknown)


def test_what_runs_already_counts_but_not_this_deployments_own() -> None:
    def instance(kind: str, **more: Any) -> dict[str, Any]:
        return {"InstanceType": kind, "State": {"Name": "running"}, **more}

    ours = [{"Key": "bionemo-on-eks/deployment", "Value": "bionemo-on-eks"}]
    running = {
        "Reservations": [
            {
                "Instances": [
                    instance("p4d.24xlarge"),
                    instance("p3.16xlarge", Tags=ours),
                    instance("p3.2xlarge", InstanceLifecycle="spot"),
                    instance("g5.12xlarge"),
                    instance("p2.xlarge", CpuOptions={"CoreCount": 2, "ThreadsPerCore": 2}),
                ]
            }
        ]
    }
    result = one("GPU vCPU quota", {}, ec2__describe_instances=running)
    assert "128 vCPUs (2 x p3.16xlarge, on-demand) needed, 100 in use, 192 allowed" in result.said
    assert result.verdict is Verdict.FAIL


def test_spot_counts_in_its_own_quota() -> None:
    asked: list[str] = []

    def quota(ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        asked.append(QuotaCode)
        return {"Quota": {"QuotaCode": QuotaCode, "Value": 1000.0}}

    one("GPU vCPU quota", {"gpu.purchase": "spot"}, **{"service-quotas__get_service_quota": quota})
    assert "L-7212CCBC" in asked
    assert "L-417A185B" not in asked


def reservation(**changes: Any) -> dict[str, Any]:
    row = {
        "CapacityReservationId": "cr-0123456789abcdef0",
        "State": "active",
        "InstanceType": "p3.16xlarge",
        "AvailabilityZone": "us-west-2a",
        "AvailableInstanceCount": 2,
    }
    return {"CapacityReservations": [{**row, **changes}]}


@pytest.mark.parametrize(
    ("answer", "verdict", "said"),
    [
        (reservation(), Verdict.PASS, "has room for 2"),
        (reservation(AvailableInstanceCount=1), Verdict.FAIL, "room for 1 instances, not 2"),
        (reservation(State="expired"), Verdict.FAIL, "its state is expired, not active"),
        (reservation(InstanceType="p3.2xlarge"), Verdict.FAIL, "its type is p3.2xlarge"),
        (reservation(AvailabilityZone="us-west-2b"), Verdict.FAIL, "its zone is us-west-2b"),
        ({"CapacityReservations": []}, Verdict.FAIL, "is not in us-west-2 of this account"),
    ],
)
def test_a_reservation_must_be_there_fit_and_have_room(
    answer: dict[str, Any], verdict: Verdict, said: str
) -> None:
    result = one("Capacity reservation", RESERVED, ec2__describe_capacity_reservations=answer)
    assert result.verdict is verdict
    assert said in result.said


@pytest.mark.parametrize(
    ("answers", "name", "verdict", "said"),
    [
        (
            {"eks__list_clusters": {"clusters": ["bionemo-on-eks"]}},
            "Cluster name",
            "fail",
            "exists",
        ),
        ({"s3__head_bucket": {}}, "Bucket name", "pass", "will be taken over"),
        ({"s3__head_bucket": denied("HeadBucket")}, "Bucket name", "warn", "another account's"),
        (
            {
                "logs__describe_log_groups": {
                    "logGroups": [{"logGroupName": "/aws/eks/bionemo-on-eks/cluster"}]
                }
            },
            "Log groups",
            "fail",
            "/aws/eks/bionemo-on-eks/cluster",
        ),
        (
            {
                "logs__describe_log_groups": {
                    "logGroups": [{"logGroupName": "/aws/eks/bionemo-on-eks/cluster-2"}]
                }
            },
            "Log groups",
            "pass",
            "none",
        ),
        (
            {"eks__describe_addon_versions": {"addons": []}},
            "Add-on coredns",
            "fail",
            "does not exist for Kubernetes 1.35",
        ),
    ],
)
def test_names_and_versions(answers: dict[str, Any], name: str, verdict: str, said: str) -> None:
    result = one(name, {}, **answers)
    assert result.verdict == verdict
    assert said in result.said


def test_a_given_vpc_must_be_there() -> None:
    settings = {"network.vpc_id": "vpc-0123456789abcdef0"}
    assert one("VPC", settings, ec2__describe_vpcs={"Vpcs": []}).verdict is Verdict.FAIL


def test_a_caller_who_may_not_assume_cdks_roles_is_told_so() -> None:
    def simulated(ActionNames: list[str], **more: Any) -> dict[str, Any]:
        return {
            "EvaluationResults": [
                {"EvalActionName": action, "EvalDecision": "implicitDeny"} for action in ActionNames
            ]
        }

    result = one("Permissions", {}, iam__simulate_principal_policy=simulated)
    assert result.verdict is Verdict.FAIL
    assert "sts:AssumeRole" in result.remedy


def test_the_role_of_a_session_is_what_iam_knows() -> None:
    assert role_of("arn:aws:sts::1:assumed-role/R/session") == "arn:aws:iam::1:role/R"
    assert role_of("arn:aws:iam::1:user/me") == "arn:aws:iam::1:user/me"


def test_checks_run_side_by_side_and_none_holds_up_the_rest() -> None:
    def slow() -> Result:
        time.sleep(0.3)
        return passed("x", "")

    def stuck() -> Result:
        time.sleep(1.5)
        return passed("stuck", "")

    began = time.monotonic()
    results = run_checks({**{str(n): slow for n in range(10)}, "stuck": stuck}, deadline=0.8)
    assert time.monotonic() - began < 1.2
    assert [each.verdict for each in results] == [Verdict.PASS] * 10 + [Verdict.UNKNOWN]
    assert "no answer within" in results[-1].said


@pytest.fixture
def throttling_aws() -> Iterator[str]:
    """An endpoint that knows who calls and throttles everything else, as AWS words it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if b"GetCallerIdentity" in body:
                text = (
                    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
                    f"<Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn><Account>{ACCOUNT}</Account>"
                    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
                )
                self._send(200, text)
            elif "json" in self.headers.get("Content-Type", ""):
                self._send(400, json.dumps({"__type": "ThrottlingException", "message": "slow"}))
            else:
                self._send(
                    400,
                    "<Response><Errors><Error><Code>RequestLimitExceeded</Code>"
                    "<Message>slow</Message></Error></Errors></Response>",
                )

        do_GET = do_HEAD = do_POST

        def _send(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("x-amzn-ErrorType", "ThrottlingException")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "ops", *arguments],
        cwd=ROOT,
        env={**clean, "AWS_EC2_METADATA_DISABLED": "true", "COLUMNS": "100", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_with_real_retries_it_still_ends_in_ten_seconds(throttling_aws: str) -> None:
    began = time.monotonic()
    done = command(
        "preflight",
        AWS_ENDPOINT_URL=throttling_aws,
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
    )
    assert time.monotonic() - began < 10
    assert done.returncode == 1, done.stdout + done.stderr
    assert "could not tell" in done.stdout
    assert "Traceback" not in done.stderr


def test_without_credentials_there_is_one_message() -> None:
    done = command(
        "preflight", AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null"
    )
    assert done.returncode == 2
    assert done.stderr.startswith("No AWS account")
    assert "aws sso login" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_setting_is_told_as_the_stacks_tell_it() -> None:
    done = command("preflight", "-c", "gpu.nodes=none")
    assert done.returncode == 2
    assert "Setting 'gpu.nodes' is \"none\"" in done.stderr


def test_odd_errors_are_one_line() -> None:
    result = one("Zones", {}, ec2__describe_availability_zones=error("X", "Boom", message="a\nb"))
    assert result.said == "X: Boom: a"
