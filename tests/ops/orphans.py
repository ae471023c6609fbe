"""Orphans of every kind, planted in a made-up account."""

from __future__ import annotations

from typing import Any

import boto3

from bionemo_eks.configuration.names import STACKS

REGION, ACCOUNT = "us-west-2", "123456789012"
_ZONE = f"{REGION}a"


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def tag(name: str) -> dict[str, str]:
    """The tag of the deployment `name`."""
    return {"Key": "bionemo-on-eks/deployment", "Value": name}


def owned(name: str) -> dict[str, str]:
    """Kubernetes's tag on what it creates for the cluster `name`."""
    return {"Key": f"kubernetes.io/cluster/{name}", "Value": "owned"}


def kms_tag(tag: dict[str, str]) -> dict[str, str]:
    """A tag in KMS's form."""
    return {"TagKey": tag["Key"], "TagValue": tag["Value"]}


def tagged(kind: str, *tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": list(tags)}]


class Orphans:
    """What a deployment `name` leaves behind, under its tag or under names that AWS generates."""

    def __init__(self, name: str, own: dict[str, str] | None = None) -> None:
        self.name, self.tag = name, own or tag(name)
        self.count: dict[str, int] = {}

    def _one(self, kind: str, number: int = 1) -> None:
        self.count[kind] = self.count.get(kind, 0) + number

    def plant(self) -> dict[str, int]:
        """Plant something of each kind; return how many, by kind."""
        vpc, subnets = self._network()
        self._interfaces(vpc, subnets)
        self._compute(subnets)
        self._balancers(subnets)
        self._log_groups()
        self._storage(subnets)
        self._others()
        self._cluster_and_stacks(subnets)
        return self.count

    def _network(self) -> tuple[str, list[str]]:
        ec2 = client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged("vpc", self.tag))
        vpc_id = vpc["Vpc"]["VpcId"]
        self._one("VPCs")
        subnets = [
            ec2.create_subnet(
                VpcId=vpc_id, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{REGION}{z}"
            )["Subnet"]["SubnetId"]
            for n, z in enumerate("ab")
        ]
        ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", self.tag))
        self._one("Elastic IP addresses")
        ec2.create_nat_gateway(
            SubnetId=subnets[0],
            AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"],
            TagSpecifications=tagged("natgateway", self.tag),
        )
        self._one("NAT gateways")
        return vpc_id, subnets

    def _interfaces(self, vpc: str, subnets: list[str]) -> None:
        """Those of pods are tagged; Lambda's are not, and neither is its security group."""
        ec2 = client("ec2")
        group = ec2.create_security_group(
            GroupName=f"{self.name}-lambda", Description="of the kubectl provider", VpcId=vpc
        )["GroupId"]
        self._one("security groups")
        ec2.create_network_interface(
            SubnetId=subnets[0],
            Description=f"AWS Lambda VPC ENI-{self.name}-cluster-KubectlHandler1-Ab1-{'0' * 36}",
            Groups=[group],
        )
        cni = {"Key": "cluster.k8s.amazonaws.com/name", "Value": self.name}
        ec2.create_network_interface(
            SubnetId=subnets[1],
            Description="aws-K8S-i-1",
            TagSpecifications=tagged("network-interface", cni),
        )

    def _compute(self, subnets: list[str]) -> None:
        ec2 = client("ec2")
        for volume_tag in (self.tag, owned(self.name)):
            ec2.create_volume(
                Size=200,
                AvailabilityZone=_ZONE,
                TagSpecifications=tagged("volume", volume_tag),
            )
        self._one("volumes", 2)
        ec2.create_launch_template(
            LaunchTemplateName=f"{self.name}-gpu",
            LaunchTemplateData={"InstanceType": "p4d.24xlarge"},
            TagSpecifications=tagged("launch-template", self.tag),
        )
        self._one("launch templates")
        ec2.run_instances(
            ImageId=ec2.describe_images()["Images"][0]["ImageId"],
            MinCount=1,
            MaxCount=1,
            InstanceType="m5.xlarge",
            SubnetId=subnets[0],
            TagSpecifications=tagged("instance", self.tag),
        )
        self._one("instances")

    def _balancers(self, subnets: list[str]) -> None:
        client("elbv2").create_load_balancer(
            Name=f"{self.name}-lb"[:32],
            Subnets=subnets,
            Tags=[{"Key": "elbv2.k8s.aws/cluster", "Value": self.name}],
        )
        client("elb").create_load_balancer(
            LoadBalancerName=f"{self.name}-classic"[:32],
            Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}],
            Subnets=subnets,
            Tags=[owned(self.name)],
        )
        self._one("load balancers")
        self._one("classic load balancers")

    def _log_groups(self) -> None:
        groups = [
            f"/aws/eks/{self.name}/cluster",
            f"/aws/containerinsights/{self.name}/application",
            f"/aws/fsx/{self.name}",
            f"/aws/lambda/{self.name}-cluster-Handler886CB40B-aB3dE",
            f"{self.name}-network-NetworkFlowLogs7AD3F6A4-aB3dE",
            f"{self.name}-storage-FunctionLogs1B4E9F0C2-aB3dE",
        ]
        for group in groups:
            client("logs").create_log_group(logGroupName=group)
        self._one("log groups", len(groups))

    def _storage(self, subnets: list[str]) -> None:
        fsx = client("fsx")
        system = fsx.create_file_system(
            FileSystemType="LUSTRE",
            StorageCapacity=2400,
            SubnetIds=[subnets[0]],
            Tags=[self.tag],
            LustreConfiguration={"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 500},
        )["FileSystem"]["FileSystemId"]
        self._one("FSx file systems")
        fsx.create_backup(FileSystemId=system, Tags=[self.tag])
        self._one("FSx backups")
        client("kms").create_key(Tags=[kms_tag(self.tag)])
        self._one("KMS keys")
        client("s3").create_bucket(
            Bucket=f"{self.name}-{ACCOUNT}-{REGION}",
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
        self._one("buckets")

    def _others(self) -> None:
        client("sns").create_topic(Name=f"{self.name}-topic", Tags=[self.tag])
        self._one("other tagged resources")
        client("iam").create_role(
            RoleName=f"{self.name}-addons-AutoscalerRole1A2B3C4D-aB3dE",
            AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}',
        )
        self._one("IAM roles")

    def _cluster_and_stacks(self, subnets: list[str]) -> None:
        """Plant the cluster and the stacks: then the deployment still exists."""
        client("eks").create_cluster(
            name=self.name,
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks",
            resourcesVpcConfig={"subnetIds": subnets},
        )
        self._one("EKS clusters")
        for stack in STACKS:
            client("cloudformation").create_stack(
                StackName=f"{self.name}-{stack.lower()}",
                TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}',
            )
        self._one("stacks", len(STACKS))
