"""Detects what a new version of the emulator has changed in private names."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import urllib.parse
from importlib.metadata import version
from typing import Any

import pytest
from ministack import app

from rehearsal.local_aws import private
from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.private import Private

TEMPLATE = {
    "Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/21"}}}
}


@pytest.fixture(scope="module")
def entries() -> dict[Private, Any]:
    """Create one of each resource with the emulator's public calls; return the tables' entries."""
    asyncio.run(create_stack())
    ec2, eks = client("ec2"), client("eks")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/21")["Vpc"]["VpcId"]
    template = ec2.create_launch_template(LaunchTemplateName="of-n", LaunchTemplateData={})
    role, subnets = "arn:aws:iam::111122223333:role/r", ["subnet-1"]
    eks.create_cluster(name="c", roleArn=role, resourcesVpcConfig={"subnetIds": subnets})
    eks.create_nodegroup(clusterName="c", nodegroupName="n", nodeRole=role, subnets=subnets)
    keys = {
        private.RESOURCE_TYPES: "AWS::EKS::Nodegroup",
        private.STACKS: "made",
        private.VPCS: vpc,
        private.LAUNCH_TEMPLATES: template["LaunchTemplate"]["LaunchTemplateId"],
        private.CLUSTERS: "c",
        private.NODE_GROUPS: "c/n",
    }
    return {table: table.value.get(key) for table, key in keys.items() if not gone(table)}


async def create_stack() -> None:
    """Create a stack and wait for it, because the emulator answers before it is done."""
    asked = {"Action": "CreateStack", "StackName": "made", "TemplateBody": json.dumps(TEMPLATE)}
    body = urllib.parse.urlencode(asked).encode()
    await app.SERVICE_HANDLERS["cloudformation"]("POST", "/", {}, body, {})
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


def gone(name: Private) -> bool:
    return not hasattr(importlib.import_module(name.module), name.name)


@pytest.mark.parametrize("name", private.ALL, ids=lambda each: f"{each.module}.{each.name}")
def test_a_private_name_is_as_the_rehearsal_uses_it(
    name: Private, entries: dict[Private, Any]
) -> None:
    what = f"ministack {version('ministack')}: {name.module}.{name.name}, {name.use},"
    assert not gone(name), f"{what} is gone"
    if name.parameters:
        there = inspect.signature(name.value).parameters
        missing = [each for each in name.parameters if each not in there]
        assert not missing, f"{what} no longer takes {missing}, but {list(there)}"
    if name.fields:
        entry = entries[name]
        assert entry is not None, f"{what} no longer has its entries by the same keys"
        missing = [each for each in name.fields if each not in entry]
        assert not missing, f"{what} no longer has {missing} in an entry, but {list(entry)}"
