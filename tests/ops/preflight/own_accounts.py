"""Accounts whose own state is in the way, each with the check that finds it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bionemo_eks.configuration import names
from tests.context import read_settings
from tests.simulated.answers import WHEN, ZONES, cluster_versions, file_system, zone
from tests.simulated.aws import ACCOUNT, denied, error
from tests.simulated.capacity import offered_in
from tests.simulated.changing import Account

_CONTROL_PLANE = names.control_plane_log_group(read_settings({}))
_UP = dict.fromkeys(("Network", "Storage"), "CREATE_COMPLETE")


def failed_cluster(status: str, **more: Any) -> Account:
    """An account where the Cluster stack is in `status`, and those before it exist."""
    stacks = {**_UP, "Cluster": status}
    return Account(stacks=stacks, file_systems=[file_system()], bucket=True, **more)


def standing(**more: Any) -> Account:
    """An account with a complete deployment; `system`: its file system's other values."""
    systems = [file_system(**more.pop("system", {}))]
    return Account(
        stacks=dict.fromkeys(names.STACKS, "CREATE_COMPLETE"),
        clusters=["bionemo-on-eks"],
        file_systems=systems,
        bucket=True,
        log_groups={_CONTROL_PLANE},
        **more,
    )


def only_offered(*versions: str) -> Callable[..., dict[str, Any]]:
    """EKS in a region that creates clusters of only these versions."""
    return lambda clusterVersions, **more: cluster_versions(
        [each for each in clusterVersions if each in versions]
    )


def in_extended_support(clusterVersions: list[str], **more: Any) -> dict[str, Any]:
    answer = cluster_versions(clusterVersions)
    for row in answer["clusterVersions"]:
        row["versionStatus"] = (
            "EXTENDED_SUPPORT" if row["clusterVersion"] == "1.33" else "STANDARD_SUPPORT"
        )
    return answer


def old_toolkit(StackName: str = "", **more: Any) -> dict[str, Any]:
    toolkit = {"StackName": "CDKToolkit", "StackStatus": "DELETE_FAILED", "CreationTime": WHEN}
    return {"Stacks": [toolkit] if StackName else []}


core_without_the_second_zone = offered_in(*ZONES, others=("us-west-2a", "us-west-2c"))


def closed_unless_renamed(Bucket: str, **more: Any) -> dict[str, Any]:
    if Bucket.startswith("bionemo-on-eks-"):
        raise denied("HeadBucket")
    raise error("HeadBucket", "404", 404)


def short_of(code: str) -> Account:
    """An account with 1 of a quota."""
    return Account(limits={code: 1})


# Title, then the account and the check that finds something in it.
OWN: dict[str, tuple[Callable[[], Account], str]] = {
    "never bootstrapped": (
        lambda: Account(bootstrap=""),
        "CDK bootstrap",
    ),
    "an old bootstrap": (lambda: Account(bootstrap="5"), "CDK bootstrap"),
    "a bootstrap that was half deleted, and SSM closed": (
        lambda: Account(
            overrides={
                "ssm.get_parameter": denied("GetParameter"),
                "cloudformation.describe_stacks": old_toolkit,
            }
        ),
        "CDK bootstrap",
    ),
    "CDK's roles closed to the caller": (
        lambda: Account(
            refused={
                f"cdk-hnb659fds-{kind}-{ACCOUNT}-us-west-2"
                for kind in ("deploy-role", "file-publishing-role")
            }
        ),
        "Permissions",
    ),
    "CloudFormation's role without rights": (
        lambda: Account(refused={"eks:CreateCluster"}),
        "Permissions",
    ),
    **{
        f"the Cluster stack in {status}": (partial(failed_cluster, status), "Stacks")
        for status in (
            "CREATE_FAILED",
            "UPDATE_FAILED",
            "UPDATE_ROLLBACK_FAILED",
            "IMPORT_ROLLBACK_FAILED",
            "CREATE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
        )
    },
    "a Cluster stack that an interface keeps": (
        lambda: failed_cluster("DELETE_FAILED", interface=True),
        "Stacks",
    ),
    "the log group of a Cluster stack that was rolled back": (
        lambda: failed_cluster("ROLLBACK_COMPLETE", log_groups={_CONTROL_PLANE}),
        "Log groups",
    ),
    "the log group of a Cluster stack that was deleted": (
        lambda: Account(
            stacks=dict(_UP),
            file_systems=[file_system()],
            bucket=True,
            log_groups={_CONTROL_PLANE},
        ),
        "Log groups",
    ),
    "log groups of an earlier deployment": (
        lambda: Account(
            log_groups={group for _, group in names.fixed_log_groups(read_settings({}))}
        ),
        "Log groups",
    ),
    "a cluster two versions back": (lambda: standing(version="1.33"), "Kubernetes version"),
    "a version that has ended": (
        lambda: Account(
            {"kubernetes_version": "1.29"},
            overrides={"eks.describe_cluster_versions": only_offered("1.35")},
        ),
        "Kubernetes version",
    ),
    "a region without the version": (
        lambda: Account(overrides={"eks.describe_cluster_versions": only_offered("1.34")}),
        "Kubernetes version",
    ),
    "extended support": (
        lambda: Account(
            {"kubernetes_version": "1.33"},
            overrides={"eks.describe_cluster_versions": in_extended_support},
        ),
        "Kubernetes version",
    ),
    "a zone that does not exist": (
        lambda: Account(
            overrides={
                "ec2.describe_availability_zones": {
                    "AvailabilityZones": [zone("us-west-2b"), zone("us-west-2c")]
                }
            }
        ),
        "Zones",
    ),
    "a zone without the GPU type": (
        lambda: Account(
            overrides={"ec2.describe_instance_type_offerings": offered_in("us-west-2c")}
        ),
        "GPU instance type",
    ),
    "a zone without the core type": (
        lambda: Account(
            overrides={"ec2.describe_instance_type_offerings": core_without_the_second_zone}
        ),
        "Core instance type",
    ),
    **{
        f"no room in {check}": (partial(short_of, code), check)
        for check, code in {
            "GPU vCPU quota": "L_417A185B",
            "Core vCPU quota": "L_1216C47A",
            "VPC quota": "L_F678F1CE",
            "FSx storage quota": "L_8F1B9C74",
        }.items()
    },
    "no room for more core nodes": (
        lambda: Account(limits={"L_1216C47A": 20}),
        "Core vCPU quota",
    ),
    "no room for an address": (lambda: Account(limits={"L_0263D0A3": 0}), "Elastic IP quota"),
    "no room for another file system": (
        lambda: Account(limits={"L_FD6F2F22": 0}),
        "FSx number quota",
    ),
    "a file system that would shrink": (
        lambda: standing(system={"StorageCapacity": 4800}),
        "File system",
    ),
    "a file system in another zone": (
        lambda: standing(
            settings={
                "gpu.availability_zone": "us-west-2b",
                "network.availability_zones": "us-west-2b,us-west-2a",
            }
        ),
        "File system",
    ),
    "a file system without its stack": (
        lambda: Account(file_systems=[file_system()]),
        "File system",
    ),
    "someone else's cluster": (lambda: Account(clusters=["bionemo-on-eks"]), "Cluster name"),
    "someone else's bucket": (
        lambda: Account(overrides={"s3.head_bucket": closed_unless_renamed}),
        "Bucket name",
    ),
    "a bucket that is not to be kept": (
        lambda: Account({"storage.keep_bucket": "false"}, bucket=True),
        "Bucket name",
    ),
    "a bucket with a policy of another": (
        lambda: Account(bucket=True, bucket_policy=True),
        "Bucket policy",
    ),
}
