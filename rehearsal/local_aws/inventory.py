"""Lists what exists in the local AWS, by service, to compare before and after a rehearsal.

It asks the services, not CloudFormation, which does not know of orphans.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Inventory = dict[str, set[str]]


def take(client: Callable[[str], Any]) -> Inventory:
    """Return the ids of everything that exists, by kind."""
    ec2, iam, kms, alarms = (client(name) for name in ("ec2", "iam", "kms", "cloudwatch"))
    stacks = client("cloudformation").describe_stacks()["Stacks"]
    addresses = ec2.describe_addresses()["Addresses"]
    keys = [
        kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"]
    ]
    return {
        "CloudFormation stacks": {each["StackName"] for each in stacks},
        "S3 buckets": {each["Name"] for each in client("s3").list_buckets()["Buckets"]},
        "EKS clusters": set(client("eks").list_clusters()["clusters"]),
        "FSx file systems": _ids(
            client("fsx").describe_file_systems(), "FileSystems", "FileSystemId"
        ),
        "VPCs": {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]},
        # As on AWS, deleted ones are listed for a while.
        "NAT gateways": _ids(
            ec2.describe_nat_gateways(Filters=[{"Name": "state", "Values": ["available"]}]),
            "NatGateways",
            "NatGatewayId",
        ),
        "Elastic IP addresses": {each["AllocationId"] for each in addresses},
        "Security groups": _ids(ec2.describe_security_groups(), "SecurityGroups", "GroupId"),
        "Placement groups": _ids(ec2.describe_placement_groups(), "PlacementGroups", "GroupName"),
        "Launch templates": _ids(
            ec2.describe_launch_templates(), "LaunchTemplates", "LaunchTemplateId"
        ),
        "IAM roles": {each["RoleName"] for each in _pages(iam, "list_roles", "Roles")},
        "IAM policies": _ids(iam.list_policies(Scope="Local"), "Policies", "PolicyName"),
        "Lambda functions": _ids(client("lambda").list_functions(), "Functions", "FunctionName"),
        "Log groups": {
            each["logGroupName"]
            for each in _pages(client("logs"), "describe_log_groups", "logGroups")
        },
        "Alarms": _ids(alarms.describe_alarms(), "MetricAlarms", "AlarmName"),
        "Dashboards": _ids(alarms.list_dashboards(), "DashboardEntries", "DashboardName"),
        "Event rules": _ids(client("events").list_rules(), "Rules", "Name"),
        "SSM parameters": _ids(client("ssm").describe_parameters(), "Parameters", "Name"),
        "SNS topics": _ids(client("sns").list_topics(), "Topics", "TopicArn"),
        # A key cannot be deleted at once: CloudFormation schedules it, and then it costs nothing.
        "KMS keys": {each["KeyId"] for each in keys if each["KeyState"] == "Enabled"},
    }


def left(before: Inventory, after: Inventory) -> Inventory:
    """Return what is only in `after`, by kind; empty kinds are omitted."""
    found = {kind: ids - before[kind] for kind, ids in after.items()}
    return {kind: ids for kind, ids in found.items() if ids}


def without(found: Inventory, ids: set[str]) -> Inventory:
    """Return `found` without `ids`; empty kinds are omitted."""
    others = {kind: names - ids for kind, names in found.items()}
    return {kind: names for kind, names in others.items() if names}


def _ids(answer: dict[str, Any], kind: str, name: str) -> set[str]:
    return {each[name] for each in answer[kind]}


def _pages(client: Any, call: str, kind: str) -> list[dict[str, Any]]:
    pages = client.get_paginator(call).paginate()
    return [each for page in pages for each in page[kind]]
