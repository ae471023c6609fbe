"""What tests of single constructs share: a stack, an existing VPC and cluster, and lookups."""

from __future__ import annotations

from typing import Any

from aws_cdk import App, Environment, FileSystem, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk.assertions import Template

from bionemo_eks.cluster.cluster import import_cluster

CLUSTER = "some-cluster"
ZONES = ("us-west-2a", "us-west-2b")
SUBNETS = ("subnet-a", "subnet-b")


def bare_stack(env: Environment | None = None) -> Stack:
    """Return a stack of an app that does not validate templates, which takes most of the time."""
    app = App(
        outdir=FileSystem.mkdtemp("bare-"),
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )
    return Stack(app, "Default", env=env)


def some_vpc(stack: Stack) -> ec2.IVpc:
    """Return a VPC of `ZONES` with the private subnets `SUBNETS`."""
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "SomeVpc",
        vpc_id="vpc-some",
        availability_zones=list(ZONES),
        private_subnet_ids=list(SUBNETS),
        private_subnet_route_table_ids=["rtb-a", "rtb-b"],
    )


def some_cluster(stack: Stack) -> eks.ICluster:
    """Return the cluster `CLUSTER`, to which manifests and charts can be added."""
    return import_cluster(
        stack,
        cluster_name=CLUSTER,
        kubectl_provider_arn="arn:aws:lambda:us-west-2:111122223333:function:kubectl",
        kubectl_role_arn="arn:aws:iam::111122223333:role/kubectl",
    )


def only(template: Template, kind: str) -> dict[str, Any]:
    """Return the properties of the one resource of `kind`; fail if there is not just one."""
    ((_, resource),) = template.find_resources(kind).items()
    return dict(resource["Properties"])


def waits_for(template: Template, kind: str) -> set[str]:
    """Return the logical ids that the one resource of `kind` depends on."""
    (resource,) = template.find_resources(kind).values()
    return set(resource.get("DependsOn", []))
