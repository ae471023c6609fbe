"""Simulated AWS accounts for the operations command: one answer per call.

Requests and answers are validated against botocore's service models, as its Stubber does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from ops.aws import Deployment
from ops.parallel import run_checks
from ops.preflight import checks
from ops.registry import Registries
from ops.results import Result
from tests.context import read_settings
from tests.simulated.answers import (
    CALLER,
    OWN,
    ZONES,
    addon_schema,
    addon_versions,
    bootstrapped,
    cluster_versions,
    default_quotas,
    deployed,
    described_key,
    file_system,
    key_policy,
    no_bucket,
    quotas,
    role,
    simulated,
    stacked,
    subnets,
    zone,
)
from tests.simulated.aws import ACCOUNT, Answers, SimulatedAws, denied, error
from tests.simulated.capacity import BLOCK, block, offered_blocks, offered_in, reserved, running
from tests.simulated.given_vpc import GivenVpc
from tests.simulated.prices import priced


def good() -> Answers:
    """An account in which the default deployment succeeds."""
    return GivenVpc().answers() | {
        "sts.get_caller_identity": {"Account": ACCOUNT, "Arn": CALLER},
        "cloudformation.describe_stacks": stacked(),
        "cloudformation.get_template": deployed(),
        "iam.get_policy": {"Policy": {}},
        "kms.describe_key": described_key(),
        "kms.get_key_policy": key_policy(),
        "ssm.get_parameter": bootstrapped(),
        "iam.get_role": role,
        "iam.simulate_principal_policy": simulated(),
        "eks.list_clusters": {"clusters": []},
        "eks.describe_cluster_versions": cluster_versions,
        "eks.describe_addon_versions": lambda addonName, kubernetesVersion, **more: addon_versions(
            addonName, kubernetesVersion
        ),
        "eks.describe_addon_configuration": addon_schema,
        "ec2.describe_availability_zones": {"AvailabilityZones": [zone(name) for name in ZONES]},
        "ec2.describe_instance_type_offerings": offered_in(*ZONES),
        "ec2.describe_instances": running(),
        "ec2.describe_capacity_reservations": reserved(),
        "ec2.describe_capacity_block_offerings": offered_blocks,
        "ec2.describe_addresses": {"Addresses": []},
        "ec2.describe_vpcs": {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "172.31.0.0/16"}]},
        "service-quotas.get_service_quota": quotas(),
        "service-quotas.list_aws_default_service_quotas": default_quotas,
        "pricing.get_products": priced,
        "fsx.describe_file_systems": {"FileSystems": []},
        "s3.head_bucket": no_bucket,
        "s3.get_bucket_policy": error("GetBucketPolicy", "NoSuchBucket", 404),
        "logs.describe_log_groups": {"logGroups": []},
    }


def standing(version: str = "1.35") -> Answers:
    """An account in which the default deployment exists already."""
    stacks = ("network", "storage", "cluster", "addons", "workload", "observability")
    own_address = {"AllocationId": "eipalloc-1", "Tags": [OWN]}
    return good() | {
        "cloudformation.describe_stacks": stacked(*((name, "CREATE_COMPLETE") for name in stacks)),
        "eks.list_clusters": {"clusters": ["bionemo-on-eks"]},
        "eks.describe_cluster": {"cluster": {"name": "bionemo-on-eks", "version": version}},
        "fsx.describe_file_systems": {"FileSystems": [file_system()]},
        "ec2.describe_subnets": subnets,
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
    missing = error("GetParameter", "ParameterNotFound")
    return good() | {
        "ssm.get_parameter": missing,
        "cloudformation.describe_stacks": {"Stacks": []},
    }


def _half_denied() -> Answers:
    calls = sorted(set(good()) - {"sts.get_caller_identity"})
    return good() | {
        name: denied(name.partition(".")[2].title().replace("_", "")) for name in calls[::2]
    }


def _throttled() -> Answers:
    return {
        name: error(name.partition(".")[2].title().replace("_", ""), "ThrottlingException")
        for name in good()
    }


def _in_hours(number: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=number)


def _with_block(**changes: Any) -> Answers:
    return good() | {"ec2.describe_capacity_reservations": reserved(block(**changes))}


# Seconds, so that a machine busy with other tests does not look like a slow AWS.
_PATIENCE = 60.0

SITUATIONS: dict[str, tuple[dict[str, str], Callable[[], Answers]]] = {
    "everything in order": ({}, good),
    "new account: quotas of 0 and 5": ({}, _new_account),
    "the zone has no p4d.24xlarge": (
        {},
        lambda: good() | {"ec2.describe_instance_type_offerings": offered_in("us-west-2c")},
    ),
    "a type that AWS has retired": ({"gpu.instance_type": "p3.16xlarge"}, good),
    "no quota for any P type": (
        {},
        lambda: good() | {"service-quotas.get_service_quota": quotas(L_417A185B=0, L_DB2E81BA=0)},
    ),
    "quota for G only": (
        {},
        lambda: good() | {"service-quotas.get_service_quota": quotas(L_417A185B=0, L_DB2E81BA=768)},
    ),
    "retired type, quota for G only": (
        {"gpu.instance_type": "p3.16xlarge"},
        lambda: good() | {"service-quotas.get_service_quota": quotas(L_417A185B=0, L_DB2E81BA=768)},
    ),
    "a region with only p5en": (
        {},
        lambda: (
            good()
            | {
                "ec2.describe_instance_type_offerings": offered_in(
                    *ZONES, without=set(GPU_INSTANCE_TYPES) - {"p5en.48xlarge"}
                )
            }
        ),
    ),
    "a Capacity Block in another zone": (
        BLOCK,
        lambda: _with_block(AvailabilityZone="us-west-2c", EndDate=_in_hours(100)),
    ),
    "a Capacity Block that ends in an hour": (BLOCK, lambda: _with_block(EndDate=_in_hours(1))),
    "a Kubernetes version that has ended": (
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
    "an existing deployment": ({}, standing),
    "an existing deployment in another zone": (
        {
            "gpu.availability_zone": "us-west-2b",
            "network.availability_zones": "us-west-2b,us-west-2a",
        },
        standing,
    ),
    "a failed rollback": (
        {},
        lambda: (
            good()
            | {"cloudformation.describe_stacks": stacked(("cluster", "UPDATE_ROLLBACK_FAILED"))}
        ),
    ),
}


def simulated_deployment(
    settings: dict[str, str], answers: Answers, registries: Registries | None = None
) -> Deployment:
    """The deployment of `settings` in a simulated account."""
    read = read_settings(settings)
    aws = SimulatedAws(answers, read.region)
    if registries:
        aws.registries = registries
    return Deployment(read, aws, ACCOUNT, CALLER)


def preflight(settings: dict[str, str], answers: Answers) -> list[Result]:
    """Preflight's results in a simulated account."""
    deployment = simulated_deployment(settings, answers)
    results = run_checks(checks(deployment), _PATIENCE)
    assert isinstance(deployment.aws, SimulatedAws)
    if deployment.aws.broken:
        raise deployment.aws.broken[0]
    return results
