"""An existing VPC: CDK's two runs of the app, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from app import build
from bionemo_eks.configuration.reader import SettingsError
from tests.context import UNSTAGED, cdk_flags

pytestmark = pytest.mark.slow

ACCOUNT, VPC = "111122223333", "vpc-0123456789abcdef0"
NODES = ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]
ZONES = ("us-west-2b", "us-west-2c")
SETTINGS = {"network.vpc_id": VPC, "gpu.availability_zone": "us-west-2c"}


def context(**changes: str) -> dict[str, Any]:
    return cdk_flags(**{**SETTINGS, **changes})


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_DEFAULT_ACCOUNT", ACCOUNT)


def synthesized(given: dict[str, Any]) -> Any:
    app = App(
        context=given | UNSTAGED,
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )
    build(app)
    return app.synth()


def missing(assembly: Any) -> list[str]:
    """Return the keys of the context that the CLI would look up."""
    manifest = json.loads((Path(assembly.directory) / "manifest.json").read_text())
    return [each["key"] for each in manifest.get("missing", [])]


def answer(keys: list[str], zones: tuple[str, str] = ZONES) -> dict[str, Any]:
    """Return what the CLI keeps in cdk.context.json for a VPC with two subnets."""
    subnets = [
        {"subnetId": subnet, "cidr": cidr, "availabilityZone": zone, "routeTableId": "rtb-1"}
        for subnet, cidr, zone in zip(NODES, ("10.9.0.0/20", "10.9.16.0/20"), zones, strict=True)
    ]
    found = {
        "vpcId": VPC,
        "vpcCidrBlock": "10.9.0.0/16",
        "ownerAccountId": ACCOUNT,
        "availabilityZones": [],
        "subnetGroups": [{"name": "Private", "type": "Private", "subnets": subnets}],
    }
    return dict.fromkeys(keys, found)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("named", ["", ",".join(NODES)])
def test_the_first_pass_goes_through_and_the_second_uses_the_vpc(named: str) -> None:
    given = context(**{"network.node_subnet_ids": named} if named else {})
    first = synthesized(given)
    assert missing(first), "without it the CLI looks nothing up"

    second = synthesized({**given, **answer(missing(first))})
    assert not missing(second)
    templates = {each.stack_name: each.template["Resources"] for each in second.stacks}
    assert "bionemo-on-eks-network" not in templates
    (system,) = [
        each["Properties"]
        for each in templates["bionemo-on-eks-storage"].values()
        if each["Type"] == "AWS::FSx::FileSystem"
    ]
    assert system["SubnetIds"] == [NODES[1]]
    groups = [
        each["Properties"]
        for each in templates["bionemo-on-eks-cluster"].values()
        if each["Type"] == "AWS::EKS::Nodegroup"
    ]
    assert sorted(group["Subnets"] for group in groups) == [NODES, NODES[1:]]
    clients = {
        each["Properties"].get("CidrIp")
        for each in templates["bionemo-on-eks-cluster"].values()
        if each["Type"] == "AWS::EC2::SecurityGroupIngress"
    }
    assert clients == {"10.9.16.0/20"}


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gpu.availability_zone": "us-west-2a"}, ["us-west-2a", "us-west-2b, us-west-2c"]),
        (
            {"network.node_subnet_ids": "subnet-0123456789abcdef9"},
            ["subnet-0123456789abcdef9", *NODES],
        ),
    ],
)
def test_what_the_vpc_lacks_is_named(changes: dict[str, str], words: list[str]) -> None:
    found = answer(missing(synthesized(context())))
    with pytest.raises(SettingsError) as error:
        synthesized({**context(**changes), **found})
    for word in words:
        assert word in str(error.value)


@pytest.mark.usefixtures("account")
def test_a_vpc_with_one_zone_is_refused() -> None:
    """EKS would refuse it, after the file system has been created."""
    found = answer(missing(synthesized(context())), ("us-west-2c", "us-west-2c"))
    with pytest.raises(SettingsError, match="two zones"):
        synthesized({**context(), **found})


@pytest.mark.usefixtures("account")
def test_other_subnets_make_other_node_groups() -> None:
    """A node group's subnets cannot be changed, and its name cannot be reused."""
    found = answer(missing(synthesized(context())))
    names = []
    for subnets in (",".join(NODES), NODES[1]):
        assembly = synthesized({**context(**{"network.node_subnet_ids": subnets}), **found})
        resources = assembly.get_stack_by_name("bionemo-on-eks-cluster").template["Resources"]
        names.append(
            {
                each["Properties"]["Labels"]["NodeGroupType"]: each["Properties"]["NodegroupName"]
                for each in resources.values()
                if each["Type"] == "AWS::EKS::Nodegroup"
            }
        )
    assert names[0]["core"] != names[1]["core"]
    assert names[0]["gpu"] == names[1]["gpu"], "the GPU nodes' subnet is the same"


def test_without_an_account_the_vpc_cannot_be_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDK_DEFAULT_ACCOUNT", raising=False)
    with pytest.raises(SettingsError, match=f"{VPC}.*no account to ask"):
        synthesized(context())
