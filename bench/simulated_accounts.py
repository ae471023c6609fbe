"""Simulated AWS accounts for the operations command: answers by call, checked by botocore itself.

    python -m bench.simulated_accounts      what preflight says of each account

Requests and answers are held against botocore's own models of the services, as its Stubber does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
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
# IAM Identity Center's roles have a path, which their sessions' ARNs have not.
ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/Engineer"
OWN = {"Key": "bionemo-on-eks/deployment", "Value": "bionemo-on-eks"}
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
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


@lru_cache
def _session(region: str) -> boto3.Session:
    """One session a region: it reads the services' models once."""
    return boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name=region
    )


class SimulatedAws(Aws):
    """Answers each call from a table, `service.operation` to answer; asks nobody else."""

    def __init__(self, answers: Answers, region: str = REGION) -> None:
        super().__init__(region, _session(region))
        self._answers = answers
        self.calls: list[str] = []
        self.regions: dict[str, str] = {}
        self.broken: list[AssertionError] = []

    def client(self, service: str, region: str = "") -> Any:
        client = super().client(service, region)
        self.regions[service] = region or self.region
        client._make_api_call = lambda operation, arguments: self._answer(
            service, client, operation, arguments
        )
        return client

    def _answer(self, service: str, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        name = f"{service}.{xform_name(operation)}"
        self.calls.append(name)
        try:
            return self._held(name, client, operation, arguments)
        except AssertionError as broken:  # which a check would take for an odd answer of AWS
            self.broken.append(broken)
            raise

    def _held(self, name: str, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        """Hold request and answer against botocore's model of the call."""
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


# What an account that may deploy has, by (service, code).
QUOTAS = {
    ("ec2", "L-417A185B"): 192,
    ("ec2", "L-7212CCBC"): 192,
    ("ec2", "L-C4BD4855"): 1920,
    ("ec2", "L-DB2E81BA"): 192,
    ("ec2", "L-1216C47A"): 256,
    ("ec2", "L-0263D0A3"): 5,
    ("vpc", "L-F678F1CE"): 5,
    ("fsx", "L-8F1B9C74"): 100_800,
    ("fsx", "L-FD6F2F22"): 100,
}


def quotas(**changes: float) -> Callable[..., dict[str, Any]]:
    """Quotas as an account's, with some codes (`L_417A185B=0`) changed."""

    def answer(ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        value = changes.get(QuotaCode.replace("-", "_"), QUOTAS[ServiceCode, QuotaCode])
        return {"Quota": {"QuotaCode": QuotaCode, "Value": float(value)}}

    return answer


def _addon_versions(addonName: str, kubernetesVersion: str) -> dict[str, Any]:
    pinned = KUBERNETES_RELEASES[kubernetesVersion].addons[addonName]
    return {"addons": [{"addonName": addonName, "addonVersions": [{"addonVersion": pinned}]}]}


def _role(RoleName: str) -> dict[str, Any]:
    assert RoleName == "Engineer"
    return {
        "Role": {
            "Path": "/aws-reserved/sso.amazonaws.com/",
            "RoleName": RoleName,
            "RoleId": "AROAEXAMPLEEXAMPLE",
            "Arn": ROLE,
            "CreateDate": WHEN,
        }
    }


def simulated(*refused: str) -> Callable[..., dict[str, Any]]:
    """IAM's simulation, which allows all but the actions and roles in `refused`."""

    def answer(
        PolicySourceArn: str, ActionNames: list[str], ResourceArns: list[str], **more: Any
    ) -> dict[str, Any]:
        assert PolicySourceArn == ROLE or ":role/cdk-" in PolicySourceArn, PolicySourceArn
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": "implicitDeny"
                    if action in refused or any(each in resource for each in refused)
                    else "allowed",
                }
                for action in ActionNames
                for resource in ResourceArns
            ]
        }

    return answer


def offered_in(*zones: str) -> Callable[..., dict[str, Any]]:
    """Instance type offerings: P instances in `zones`, all else everywhere."""

    def answer(LocationType: str, Filters: list[dict[str, Any]]) -> dict[str, Any]:
        assert LocationType == "availability-zone"
        ((name, (kind,)),) = ((each["Name"], each["Values"]) for each in Filters)
        assert name == "instance-type"
        places = zones if kind.startswith("p") else ZONES
        return {"InstanceTypeOfferings": [{"InstanceType": kind, "Location": z} for z in places]}

    return answer


def running(*instances: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """EC2's answer to the question for instances that run; anything else is not asked."""

    def answer(Filters: list[dict[str, Any]]) -> dict[str, Any]:
        assert Filters == [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        return {"Reservations": [{"Instances": list(instances)}]}

    return answer


def stacked(*statuses: tuple[str, str], cluster: str = "bionemo-on-eks") -> Callable[..., Any]:
    """CloudFormation with CDK's toolkit and the stacks given, each a (stack, status)."""

    def stack(name: str, status: str, **outputs: str) -> dict[str, Any]:
        told = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        about = {"StackName": name, "StackStatus": status, "CreationTime": WHEN}
        return {**about, "Outputs": told}

    def answer(StackName: str = "", **more: Any) -> dict[str, Any]:
        toolkit = stack("CDKToolkit", "CREATE_COMPLETE", BootstrapVersion="33")
        if StackName:
            assert StackName == "CDKToolkit"
            return {"Stacks": [toolkit]}
        own = [stack(f"{cluster}-{name}", status) for name, status in statuses]
        return {"Stacks": [toolkit, *own]}

    return answer


def _default_quotas(ServiceCode: str, **more: Any) -> dict[str, Any]:
    codes = [code for service, code in QUOTAS if service == ServiceCode]
    return {"Quotas": [{"QuotaCode": code} for code in codes]}


def _versions(clusterVersions: list[str], **more: Any) -> dict[str, Any]:
    return {
        "clusterVersions": [
            {
                "clusterVersion": version,
                "versionStatus": "STANDARD_SUPPORT",
                "endOfStandardSupportDate": datetime(2027, 3, 27, tzinfo=UTC),
                "endOfExtendedSupportDate": datetime(2028, 3, 27, tzinfo=UTC),
            }
            for version in clusterVersions
        ]
    }


def _no_bucket(Bucket: str, ExpectedBucketOwner: str) -> dict[str, Any]:
    assert f"-{ACCOUNT}-" in Bucket
    assert ExpectedBucketOwner == ACCOUNT
    raise error("HeadBucket", "404", 404)


def good() -> Answers:
    """An account in which the default deployment goes through."""
    return {
        "sts.get_caller_identity": {"Account": ACCOUNT, "Arn": CALLER},
        "cloudformation.describe_stacks": stacked(),
        "iam.get_role": _role,
        "iam.simulate_principal_policy": simulated(),
        "eks.list_clusters": {"clusters": []},
        "eks.describe_cluster_versions": _versions,
        "eks.describe_addon_versions": lambda addonName, kubernetesVersion, **more: _addon_versions(
            addonName, kubernetesVersion
        ),
        "ec2.describe_availability_zones": {"AvailabilityZones": [zone(name) for name in ZONES]},
        "ec2.describe_instance_type_offerings": offered_in(*ZONES),
        "ec2.describe_instances": running(),
        "ec2.describe_addresses": {"Addresses": []},
        "ec2.describe_vpcs": {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "172.31.0.0/16"}]},
        "service-quotas.get_service_quota": quotas(),
        "service-quotas.list_aws_default_service_quotas": _default_quotas,
        "fsx.describe_file_systems": {"FileSystems": []},
        "s3.head_bucket": _no_bucket,
        "logs.describe_log_groups": {"logGroups": []},
    }


def zone(name: str, zone_id: str = "") -> dict[str, Any]:
    """A zone as EC2 describes it."""
    number = zone_id or f"usw2-az{'abc'.index(name[-1]) + 1}"
    about = {"ZoneName": name, "ZoneId": number}
    return {**about, "State": "available", "ZoneType": "availability-zone"}


def file_system(**changes: Any) -> dict[str, Any]:
    """The deployment's file system as FSx describes it."""
    return {
        "FileSystemId": "fs-0123456789abcdef0",
        "Lifecycle": "AVAILABLE",
        "StorageCapacity": 2400,
        "SubnetIds": ["subnet-0123456789abcdef0"],
        "LustreConfiguration": {"DeploymentType": "PERSISTENT_2"},
        "Tags": [OWN],
        **changes,
    }


def _subnets(SubnetIds: list[str]) -> dict[str, Any]:
    return {"Subnets": [{"SubnetId": SubnetIds[0], "AvailabilityZone": "us-west-2a"}]}


def standing(version: str = "1.35") -> Answers:
    """An account in which the default deployment stands already."""
    stacks = ("network", "storage", "cluster", "addons", "workload", "observability")
    own_address = {"AllocationId": "eipalloc-1", "Tags": [OWN]}
    return good() | {
        "cloudformation.describe_stacks": stacked(*((name, "CREATE_COMPLETE") for name in stacks)),
        "eks.list_clusters": {"clusters": ["bionemo-on-eks"]},
        "eks.describe_cluster": {"cluster": {"name": "bionemo-on-eks", "version": version}},
        "fsx.describe_file_systems": {"FileSystems": [file_system()]},
        "ec2.describe_subnets": _subnets,
        "ec2.describe_addresses": {"Addresses": [own_address]},
        "s3.head_bucket": {},
        "logs.describe_log_groups": {
            "logGroups": [{"logGroupName": "/aws/eks/bionemo-on-eks/cluster"}]
        },
    }


def _new_account() -> Answers:
    short = quotas(L_417A185B=0, L_1216C47A=5)
    return good() | {"service-quotas.get_service_quota": short}


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
    "a deployment that stands": ({}, standing),
    "a deployment that stands in another zone": (
        {
            "gpu.availability_zone": "us-west-2b",
            "network.availability_zones": "us-west-2b,us-west-2a",
        },
        standing,
    ),
    "a roll-back that failed": (
        {},
        lambda: (
            good()
            | {"cloudformation.describe_stacks": stacked(("cluster", "UPDATE_ROLLBACK_FAILED"))}
        ),
    ),
}


def deployment(settings: dict[str, str], answers: Answers) -> Deployment:
    """The deployment of `settings` in a simulated account."""
    found = read_settings(settings)
    return Deployment(found, SimulatedAws(answers, found.region), ACCOUNT, CALLER)


def preflight(settings: dict[str, str], answers: Answers) -> list[Result]:
    """What preflight finds there."""
    found = deployment(settings, answers)
    results = run_checks(checks(found))
    assert isinstance(found.aws, SimulatedAws)
    if found.aws.broken:
        raise found.aws.broken[0]
    return results


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
