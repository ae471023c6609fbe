"""Leftovers: planted orphans of all kinds are found, and nothing of another project."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from rich.console import Console
from typer.testing import CliRunner

from bionemo_eks.settings_reader import read_settings
from ops import leftovers, show
from ops.aws import Aws, Deployment, deployment
from ops.cli import app

REGION = "us-west-2"
TAG = {"Key": "bionemo-on-eks/deployment", "Value": "bionemo-on-eks"}
OTHER = {"Key": "bionemo-on-eks/deployment", "Value": "bionemo-on-eks-2"}
OWNED = {"Key": "kubernetes.io/cluster/bionemo-on-eks", "Value": "owned"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield deployment(read_settings({}), Aws(REGION))


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def tagged(kind: str, *tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": list(tags)}]


def plant(tag: dict[str, str], name: str) -> int:
    """Leave something of each kind in the account, under a tag or a name; return how many."""
    ec2, vpc_tags = client("ec2"), tagged("vpc", tag)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=vpc_tags)["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{REGION}{z}")[
            "Subnet"
        ]["SubnetId"]
        for n, z in enumerate("ab")
    ]
    count = 1
    owned = {"Key": f"kubernetes.io/cluster/{name}", "Value": "owned"}
    for volume_tag in (tag, owned):
        ec2.create_volume(
            Size=200,
            AvailabilityZone=f"{REGION}a",
            TagSpecifications=tagged("volume", volume_tag),
        )
        count += 1
    for number in range(2):
        ec2.create_network_interface(
            SubnetId=subnets[0],
            Description=f"aws-K8S-i-{number}",
            TagSpecifications=tagged(
                "network-interface", {"Key": "cluster.k8s.amazonaws.com/name", "Value": name}
            ),
        )
        count += 1
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", tag))[
        "AllocationId"
    ]
    gateway_address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(
        SubnetId=subnets[0],
        AllocationId=gateway_address,
        TagSpecifications=tagged("natgateway", tag),
    )
    assert address
    count += 2
    ec2.create_launch_template(
        LaunchTemplateName=f"{name}-gpu",
        LaunchTemplateData={"InstanceType": "p3.16xlarge"},
        TagSpecifications=tagged("launch-template", tag),
    )
    image = ec2.describe_images()["Images"][0]["ImageId"]
    ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="m5.xlarge",
        SubnetId=subnets[0],
        TagSpecifications=tagged("instance", tag),
    )
    count += 2
    client("elbv2").create_load_balancer(
        Name=f"{name}-lb"[:32],
        Subnets=subnets,
        Tags=[{"Key": "elbv2.k8s.aws/cluster", "Value": name}],
    )
    client("elb").create_load_balancer(
        LoadBalancerName=f"{name}-classic"[:32],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}],
        Subnets=subnets,
        Tags=[owned],
    )
    count += 2
    logs = client("logs")
    groups = [
        f"/aws/eks/{name}/cluster",
        f"/aws/containerinsights/{name}/application",
        f"/aws/fsx/{name}",
        f"/aws/lambda/{name}-cluster-Handler886CB40B",
    ]
    for group in groups:
        logs.create_log_group(logGroupName=group)
    count += len(groups)
    fsx = client("fsx")
    system = fsx.create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=2400,
        SubnetIds=[subnets[0]],
        Tags=[tag],
        LustreConfiguration={"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 500},
    )["FileSystem"]["FileSystemId"]
    fsx.create_backup(FileSystemId=system, Tags=[tag])
    count += 2
    kms = client("kms")
    kms.create_key(Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]}])
    client("eks").create_cluster(
        name=name,
        roleArn="arn:aws:iam::123456789012:role/eks",
        resourcesVpcConfig={"subnetIds": subnets},
    )
    client("s3").create_bucket(
        Bucket=f"{name}-123456789012-{REGION}",
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    client("cloudformation").create_stack(
        StackName=f"{name}-network",
        TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}',
    )
    return count + 4


def test_orphans_of_all_kinds_are_found_and_nothing_of_another_project(account: Deployment) -> None:
    planted = plant(TAG, "bionemo-on-eks")
    assert planted >= 20
    found = leftovers.search(account)
    assert not found.blind
    assert Counter(each.kind for each in found.found) == {
        "stacks": 1,
        "EKS clusters": 1,
        "instances": 1,
        "load balancers": 1,
        "classic load balancers": 1,
        "FSx file systems": 1,
        "FSx backups": 1,
        "NAT gateways": 1,
        "Elastic IP addresses": 1,
        "volumes": 2,
        "network interfaces": len([e for e in found.found if e.kind == "network interfaces"]),
        "launch templates": 1,
        "VPCs": 1,
        "log groups": 4,
        "KMS keys": 1,
        "buckets": 1,
    }
    assert len(found.found) >= planted
    before = {(each.kind, each.id) for each in found.found}
    plant(OTHER, "bionemo-on-eks-2")
    plant({"Key": "team", "Value": "folding"}, "folding")
    assert {(each.kind, each.id) for each in leftovers.search(account).found} == before


def test_what_may_hold_data_or_is_in_use_is_not_for_deletion(account: Deployment) -> None:
    plant(TAG, "bionemo-on-eks")
    for each in leftovers.search(account).found:
        if each.kind in ("FSx file systems", "FSx backups", "buckets", "instances", "EKS clusters"):
            assert each.delete is None, each.kind


def test_a_pods_volume_is_not_for_deletion(account: Deployment) -> None:
    client("ec2").create_volume(
        Size=1,
        AvailabilityZone=f"{REGION}a",
        TagSpecifications=tagged(
            "volume", OWNED, {"Key": "kubernetes.io/created-for/pvc/name", "Value": "db"}
        ),
    )
    (volume,) = leftovers.search(account).found
    assert volume.delete is None
    assert "may hold a pod's data" in volume.note


def test_a_key_that_waits_for_deletion_and_the_bucket_are_kept(account: Deployment) -> None:
    kms = client("kms")
    key = kms.create_key(Tags=[{"TagKey": TAG["Key"], "TagValue": TAG["Value"]}])
    kms.schedule_key_deletion(KeyId=key["KeyMetadata"]["KeyId"])
    client("s3").create_bucket(
        Bucket=f"bionemo-on-eks-{account.account}-{REGION}",
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    found = leftovers.search(account)
    assert {each.kind: each.kept for each in found.found} == {"KMS keys": True, "buckets": True}


def test_delete_removes_what_is_safe_after_asking(
    account: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    client("logs").create_log_group(logGroupName="/aws/eks/bionemo-on-eks/cluster")
    client("ec2").create_volume(
        Size=200, AvailabilityZone=f"{REGION}a", TagSpecifications=tagged("volume", TAG)
    )
    runner = CliRunner()
    refused = runner.invoke(app, ["leftovers", "--delete"], input="n\n")
    assert refused.exit_code == 2
    assert "Delete the 2 that are safe" in refused.output
    assert len(leftovers.search(account).found) == 2
    done = runner.invoke(app, ["leftovers", "--delete"], input="y\n")
    assert done.exit_code == 0, done.output
    assert "deleted log groups /aws/eks/bionemo-on-eks/cluster" in done.output
    assert leftovers.search(account).found == []


def test_nothing_is_deleted_while_the_deployment_stands(account: Deployment) -> None:
    plant(TAG, "bionemo-on-eks")
    done = CliRunner().invoke(app, ["leftovers", "--delete", "--yes"])
    assert done.exit_code == 2
    assert "still stand" in done.output
    assert len(leftovers.search(account).found) >= 20


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal(account: Deployment, width: int) -> None:
    plant(TAG, "bionemo-on-eks")
    out = io.StringIO()
    console = Console(file=out, width=width)
    show.leftovers(console, leftovers.search(account))
    assert max(len(line) for line in out.getvalue().splitlines()) <= width
