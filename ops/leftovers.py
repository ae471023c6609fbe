"""What still costs money, or is in the way of a new deployment, after `cdk destroy`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks import naming
from ops.aws import Deployment, stacks
from ops.results import reason

_ENDED = {"deleted", "deleting"}


@dataclass(frozen=True)
class Leftover:
    """One thing that is left.

    `delete` removes it, None where that could lose data or needs a person; `kept` says why it is
    there on purpose.
    """

    kind: str
    id: str
    note: str = ""
    kept: bool = False
    delete: Callable[[], Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Search:
    """What was found, and the kinds that could not be searched, each with the reason."""

    found: list[Leftover]
    blind: dict[str, str]


def search(deployment: Deployment) -> Search:
    """Look for everything, kind by kind, side by side."""
    kinds: dict[str, Callable[[Deployment], Iterable[Leftover]]] = {
        "stacks": _stacks,
        "EKS clusters": _clusters,
        "instances": _instances,
        "load balancers": _balancers,
        "classic load balancers": _classic,
        "FSx file systems": _systems,
        "FSx backups": _backups,
        "NAT gateways": _gateways,
        "Elastic IP addresses": _addresses,
        "volumes": _volumes,
        "network interfaces": _interfaces,
        "launch templates": _templates,
        "VPCs": _vpcs,
        "log groups": _log_groups,
        "KMS keys": _keys,
        "buckets": _buckets,
    }

    def look(kind: str) -> tuple[str, list[Leftover], str]:
        try:
            return kind, list(kinds[kind](deployment)), ""
        except (ClientError, BotoCoreError) as error:
            return kind, [], reason(error)

    with ThreadPoolExecutor(len(kinds)) as pool:
        looked = list(pool.map(look, kinds))
    return Search(
        [each for _, found, _ in looked for each in found],
        {kind: why for kind, _, why in looked if why},
    )


def _tags(item: dict[str, Any], key: str = "Tags") -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in item.get(key) or []}


def ours(deployment: Deployment, tags: dict[str, str]) -> bool:
    """Whether tags are those of the deployment, or those that EKS and Kubernetes give for it."""
    name = deployment.settings.cluster_name
    return (
        tags.get(naming.DEPLOYMENT_TAG) == name
        or tags.get("eks:cluster-name") == name
        or tags.get("cluster.k8s.amazonaws.com/name") == name
        or tags.get("elbv2.k8s.aws/cluster") == name
        or tags.get(f"kubernetes.io/cluster/{name}") == "owned"
    )


def _tagged(
    deployment: Deployment, call: str, key: str, **arguments: Any
) -> Iterable[tuple[dict[str, Any], Any]]:
    """(item, EC2 client) for each of a kind of EC2's that is ours."""
    ec2 = deployment.aws.client("ec2")
    for item in deployment.aws.pages("ec2", call, key, **arguments):
        if ours(deployment, _tags(item)):
            yield item, ec2


def _stacks(deployment: Deployment) -> Iterable[Leftover]:
    names = {naming.stack_name(deployment.settings, stack) for stack in naming.STACKS}
    for name, stack in stacks(deployment).items():
        if name in names:
            yield Leftover("stacks", name, f"{stack['StackStatus']}; npx cdk destroy --all")


def _clusters(deployment: Deployment) -> Iterable[Leftover]:
    name = deployment.settings.cluster_name
    if name in deployment.aws.pages("eks", "list_clusters", "clusters"):
        yield Leftover("EKS clusters", name, "$0.10 an hour")


def _instances(deployment: Deployment) -> Iterable[Leftover]:
    states = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]}]
    for reservation in deployment.aws.pages(
        "ec2", "describe_instances", "Reservations", Filters=states
    ):
        for item in reservation["Instances"]:
            if ours(deployment, _tags(item)):
                note = f"{item['InstanceType']}, {item['State']['Name']}"
                yield Leftover("instances", item["InstanceId"], note)


def _balancers(deployment: Deployment) -> Iterable[Leftover]:
    elb = deployment.aws.client("elbv2")
    arns = [
        each["LoadBalancerArn"]
        for each in deployment.aws.pages("elbv2", "describe_load_balancers", "LoadBalancers")
    ]
    for at in range(0, len(arns), 20):  # the most that DescribeTags takes
        for each in elb.describe_tags(ResourceArns=arns[at : at + 20])["TagDescriptions"]:
            arn = each["ResourceArn"]
            if ours(deployment, _tags(each)):
                remove = partial(elb.delete_load_balancer, LoadBalancerArn=arn)
                name = arn.split(":loadbalancer/")[-1]
                yield Leftover("load balancers", name, delete=remove)


def _classic(deployment: Deployment) -> Iterable[Leftover]:
    elb = deployment.aws.client("elb")
    listed = deployment.aws.pages("elb", "describe_load_balancers", "LoadBalancerDescriptions")
    names = [each["LoadBalancerName"] for each in listed]
    for at in range(0, len(names), 20):
        for each in elb.describe_tags(LoadBalancerNames=names[at : at + 20])["TagDescriptions"]:
            name = each["LoadBalancerName"]
            if ours(deployment, _tags(each)):
                remove = partial(elb.delete_load_balancer, LoadBalancerName=name)
                yield Leftover("classic load balancers", name, delete=remove)


def _systems(deployment: Deployment) -> Iterable[Leftover]:
    for item in deployment.aws.pages("fsx", "describe_file_systems", "FileSystems"):
        if ours(deployment, _tags(item)) and item.get("Lifecycle") != "DELETING":
            note = f"{item['StorageCapacity']:,} GiB; holds data, so delete it yourself"
            yield Leftover("FSx file systems", item["FileSystemId"], note)


def _backups(deployment: Deployment) -> Iterable[Leftover]:
    for item in deployment.aws.pages("fsx", "describe_backups", "Backups"):
        if ours(deployment, _tags(item) | _tags(item.get("FileSystem", {}))):
            note = "holds data, so delete it yourself"
            yield Leftover("FSx backups", item["BackupId"], note)


def _gateways(deployment: Deployment) -> Iterable[Leftover]:
    for item, ec2 in _tagged(deployment, "describe_nat_gateways", "NatGateways"):
        if item.get("State") not in _ENDED:
            remove = partial(ec2.delete_nat_gateway, NatGatewayId=item["NatGatewayId"])
            yield Leftover("NAT gateways", item["NatGatewayId"], "$0.045 an hour", delete=remove)


def _addresses(deployment: Deployment) -> Iterable[Leftover]:
    for item, ec2 in _tagged(deployment, "describe_addresses", "Addresses"):
        free = not item.get("AssociationId")
        remove = partial(ec2.release_address, AllocationId=item["AllocationId"])
        note = item.get("PublicIp", "") + ("" if free else ", in use")
        yield Leftover(
            "Elastic IP addresses", item["AllocationId"], note, delete=remove if free else None
        )


def _volumes(deployment: Deployment) -> Iterable[Leftover]:
    for item, ec2 in _tagged(deployment, "describe_volumes", "Volumes"):
        node_disk = item["State"] == "available" and not any(
            key.startswith("kubernetes.io/created-for") for key in _tags(item)
        )
        remove = partial(ec2.delete_volume, VolumeId=item["VolumeId"])
        note = f"{item['Size']} GiB, {item['State']}"
        if not node_disk:
            note += "; may hold a pod's data, or is in use"
        yield Leftover("volumes", item["VolumeId"], note, delete=remove if node_disk else None)


def _interfaces(deployment: Deployment) -> Iterable[Leftover]:
    ec2 = deployment.aws.client("ec2")
    for item in deployment.aws.pages("ec2", "describe_network_interfaces", "NetworkInterfaces"):
        if ours(deployment, _tags(item, "TagSet")):
            name, free = item["NetworkInterfaceId"], item["Status"] == "available"
            remove = partial(ec2.delete_network_interface, NetworkInterfaceId=name)
            note = f"{item['Status']}, {item.get('Description', '')}".rstrip(", ")
            yield Leftover("network interfaces", name, note, delete=remove if free else None)


def _templates(deployment: Deployment) -> Iterable[Leftover]:
    for item, ec2 in _tagged(deployment, "describe_launch_templates", "LaunchTemplates"):
        name = item["LaunchTemplateId"]
        remove = partial(ec2.delete_launch_template, LaunchTemplateId=name)
        yield Leftover("launch templates", name, item["LaunchTemplateName"], delete=remove)


def _vpcs(deployment: Deployment) -> Iterable[Leftover]:
    for item, _ in _tagged(deployment, "describe_vpcs", "Vpcs"):
        yield Leftover("VPCs", item["VpcId"], "counts in the quota; npx cdk destroy --all")


def _log_groups(deployment: Deployment) -> Iterable[Leftover]:
    """Groups whose names AWS makes from the cluster's: whole path segments, no other's name."""
    logs, name = deployment.aws.client("logs"), deployment.settings.cluster_name
    prefixes = [f"/aws/{kind}/{name}" for kind in ("eks", "containerinsights", "fsx")]
    for prefix in [*prefixes, f"/aws/lambda/{name}-"]:
        for item in deployment.aws.pages(
            "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix
        ):
            group = item["logGroupName"]
            function = any(
                group.startswith(f"/aws/lambda/{naming.stack_name(deployment.settings, stack)}-")
                for stack in naming.STACKS
            )
            if function or any(group == each or group.startswith(f"{each}/") for each in prefixes):
                remove = partial(logs.delete_log_group, logGroupName=group)
                note = f"{item.get('storedBytes', 0) / 1e6:,.1f} MB"
                yield Leftover("log groups", group, note, delete=remove)


def _keys(deployment: Deployment) -> Iterable[Leftover]:
    """Keys that live; one that waits for its deletion costs nothing and is in nobody's way."""
    kms = deployment.aws.client("kms")
    for key in deployment.aws.pages("kms", "list_keys", "Keys"):
        name = key["KeyId"]
        try:
            about = kms.describe_key(KeyId=name)["KeyMetadata"]
            if about.get("KeyManager") == "AWS":
                continue
            tags = {
                tag["TagKey"]: tag["TagValue"]
                for tag in kms.list_resource_tags(KeyId=name).get("Tags", [])
            }
        except ClientError:  # another team's key may be closed to the caller
            continue
        if not ours(deployment, tags):
            continue
        pending = about["KeyState"] == "PendingDeletion"
        when = f", goes on {about['DeletionDate']:%Y-%m-%d}" if "DeletionDate" in about else ""
        note = f"waits for its deletion, free of charge{when}" if pending else "$1 a month"
        remove = partial(kms.schedule_key_deletion, KeyId=name, PendingWindowInDays=7)
        yield Leftover("KMS keys", name, note, kept=pending, delete=None if pending else remove)


def _buckets(deployment: Deployment) -> Iterable[Leftover]:
    wanted = naming.bucket_name(deployment.settings, deployment.account)
    listed = deployment.aws.client("s3").list_buckets()["Buckets"]
    if wanted in {each["Name"] for each in listed}:
        note = "data set and checkpoints, for the next deployment"
        yield Leftover(
            "buckets",
            wanted,
            note if deployment.settings.storage.keep_bucket else "holds data; delete it yourself",
            kept=deployment.settings.storage.keep_bucket,
        )
