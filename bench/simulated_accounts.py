"""Simulated AWS accounts for the operations command: answers by call, checked by botocore itself.

    python -m bench.simulated_accounts      what preflight says of each account

Requests and answers are held against botocore's own models of the services, as its Stubber does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from bionemo_eks.settings_reader import read_settings
from bionemo_eks.versions import KUBERNETES_RELEASES
from ops import show
from ops.aws import Aws, Deployment
from ops.preflight import checks
from ops.results import Result, exit_status, run_checks

ACCOUNT, REGION = "111122223333", "us-west-2"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Engineer/me"
Answer = Mapping[str, Any] | Exception | Callable[..., Mapping[str, Any]]
Answers = dict[str, Answer]
ZONES = ("us-west-2a", "us-west-2b", "us-west-2c")


def denied(operation: str) -> ClientError:
    """The error of a caller without permission."""
    return error(operation, "AccessDenied", 403)


def error(operation: str, code: str, status: int = 400, message: str = "") -> ClientError:
    """An error as AWS answers it."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message or code},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        operation,
    )


class SimulatedAws(Aws):
    """Answers each call from a table, `service.operation` to answer; asks nobody else."""

    def __init__(self, answers: Answers, region: str = REGION) -> None:
        session = boto3.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name=region
        )
        super().__init__(region, session)
        self._answers = answers
        self.calls: list[str] = []

    def client(self, service: str, region: str = "") -> Any:
        client = super().client(service, region)
        client._make_api_call = lambda operation, arguments: self._answer(
            service, client, operation, arguments
        )
        return client

    def _answer(self, service: str, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        name = f"{service}.{xform_name(operation)}"
        self.calls.append(name)
        model = client.meta.service_model.operation_model(operation)
        _hold_against(model.input_shape, arguments)
        answer = self._answers.get(name)
        if answer is None:
            raise AssertionError(f"no answer for {name} {arguments}")
        if isinstance(answer, Exception):
            raise answer
        found = answer(**arguments) if callable(answer) else answer
        _hold_against(model.output_shape, dict(found))
        return found


def _hold_against(shape: Any, value: dict[str, Any]) -> None:
    if shape is not None:
        report = ParamValidator().validate(value, shape)
        assert not report.has_errors(), report.generate_report()


def _quota(ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
    values = {"L-417A185B": 192, "L-7212CCBC": 192, "L-DB2E81BA": 192, "L-1216C47A": 256}
    values |= {"L-0263D0A3": 5, "L-F678F1CE": 5, "L-8F1B9C74": 100_800}
    return {"Quota": {"QuotaCode": QuotaCode, "Value": float(values[QuotaCode])}}


def _addon_versions(addonName: str, kubernetesVersion: str) -> dict[str, Any]:
    pinned = KUBERNETES_RELEASES[kubernetesVersion].addons[addonName]
    return {"addons": [{"addonName": addonName, "addonVersions": [{"addonVersion": pinned}]}]}


def _simulated(
    PolicySourceArn: str, ActionNames: list[str], ResourceArns: list[str], **more: Any
) -> dict[str, Any]:
    return {
        "EvaluationResults": [
            {"EvalActionName": action, "EvalDecision": "allowed", "EvalResourceName": resource}
            for action in ActionNames
            for resource in ResourceArns
        ]
    }


def offered_in(*zones: str) -> Callable[..., dict[str, Any]]:
    """Instance type offerings: P instances in `zones`, all else everywhere."""

    def answer(Filters: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        ((kind,),) = (each["Values"] for each in Filters)
        places = zones if kind.startswith("p") else ZONES
        return {"InstanceTypeOfferings": [{"InstanceType": kind, "Location": z} for z in places]}

    return answer


def good() -> Answers:
    """An account in which the default deployment goes through."""
    return {
        "sts.get_caller_identity": {"Account": ACCOUNT, "Arn": CALLER},
        "cloudformation.describe_stacks": lambda StackName="CDKToolkit", **more: {
            "Stacks": [
                {
                    "StackName": StackName,
                    "StackStatus": "CREATE_COMPLETE",
                    "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
                    "Outputs": [{"OutputKey": "BootstrapVersion", "OutputValue": "33"}],
                }
            ]
        },
        "iam.simulate_principal_policy": _simulated,
        "eks.list_clusters": {"clusters": []},
        "eks.describe_cluster_versions": lambda clusterVersions, **more: {
            "clusterVersions": [
                {
                    "clusterVersion": clusterVersions[0],
                    "versionStatus": "STANDARD_SUPPORT",
                    "endOfStandardSupportDate": datetime(2027, 3, 27, tzinfo=UTC),
                    "endOfExtendedSupportDate": datetime(2028, 3, 27, tzinfo=UTC),
                }
            ]
        },
        "eks.describe_addon_versions": lambda addonName, kubernetesVersion, **more: _addon_versions(
            addonName, kubernetesVersion
        ),
        "ec2.describe_availability_zones": {
            "AvailabilityZones": [
                {"ZoneName": zone, "State": "available", "ZoneType": "availability-zone"}
                for zone in ZONES
            ]
        },
        "ec2.describe_instance_type_offerings": offered_in(*ZONES),
        "ec2.describe_instances": {"Reservations": []},
        "ec2.describe_addresses": {"Addresses": []},
        "ec2.describe_vpcs": {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "172.31.0.0/16"}]},
        "service-quotas.get_service_quota": _quota,
        "service-quotas.list_aws_default_service_quotas": {
            "Quotas": [{"QuotaCode": "L-8F1B9C74"}, {"QuotaCode": "L-FD6F2F22"}]
        },
        "fsx.describe_file_systems": {"FileSystems": []},
        "s3.head_bucket": error("HeadBucket", "404", 404),
        "logs.describe_log_groups": {"logGroups": []},
    }


def _new_account() -> Answers:
    return good() | {
        "service-quotas.get_service_quota": lambda ServiceCode, QuotaCode: {
            "Quota": {
                "QuotaCode": QuotaCode,
                "Value": {"L-417A185B": 0.0, "L-1216C47A": 5.0}.get(QuotaCode, 5.0)
                if ServiceCode != "fsx"
                else 100_800.0,
            }
        }
    }


def _not_bootstrapped() -> Answers:
    def answer(StackName: str = "", **more: Any) -> dict[str, Any]:
        if StackName:
            raise error("DescribeStacks", "ValidationError", message=f"{StackName} does not exist")
        return {"Stacks": []}

    return good() | {"cloudformation.describe_stacks": answer}


def _half_denied() -> Answers:
    names = sorted(set(good()) - {"sts.get_caller_identity"})
    return good() | {
        name: denied(name.partition(".")[2].title().replace("_", "")) for name in names[::2]
    }


def _throttled() -> Answers:
    return {
        name: error(name.partition(".")[2].title().replace("_", ""), "ThrottlingException")
        for name in good()
    }


SITUATIONS: dict[str, tuple[dict[str, str], Callable[[], Answers]]] = {
    "everything in order": ({}, good),
    "new account: quotas of 0 and 5": ({}, _new_account),
    "the zone has no p3.16xlarge": (
        {},
        lambda: good() | {"ec2.describe_instance_type_offerings": offered_in("us-west-2c")},
    ),
    "Kubernetes version ended": (
        {"kubernetes_version": "1.29"},
        lambda: good() | {"eks.describe_cluster_versions": {"clusterVersions": []}},
    ),
    "not bootstrapped": ({}, _not_bootstrapped),
    "no permission for half of the calls": ({}, _half_denied),
    "region without FSx PERSISTENT_2": (
        {},
        lambda: (
            good()
            | {"service-quotas.list_aws_default_service_quotas": {"Quotas": [{"QuotaCode": "L-1"}]}}
        ),
    ),
    "throttling": ({}, _throttled),
}


def deployment(settings: dict[str, str], answers: Answers) -> Deployment:
    """The deployment of `settings` in a simulated account."""
    found = read_settings(settings)
    return Deployment(found, SimulatedAws(answers, found.region), ACCOUNT, CALLER)


def preflight(settings: dict[str, str], answers: Answers) -> list[Result]:
    """What preflight finds there."""
    return run_checks(checks(deployment(settings, answers)))


def main() -> None:
    out = show.console()
    for title, (settings, answers) in SITUATIONS.items():
        began = time.perf_counter()
        results = preflight(settings, answers())
        out.rule(title)
        show.results(out, results)
        out.print(f"exit status {exit_status(results)}, {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
