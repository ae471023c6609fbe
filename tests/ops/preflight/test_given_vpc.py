"""Preflight of an existing VPC: its zones, names, addresses and routes."""

from __future__ import annotations

from typing import Any

import pytest

from ops.preflight.capacity import pin
from ops.results import Result, Verdict
from tests.ops.reading import commands, in_order, proposed
from tests.simulated.accounts import good, preflight, simulated_deployment
from tests.simulated.answers import stacked, zone
from tests.simulated.aws import Answers
from tests.simulated.capacity import offered_in
from tests.simulated.given_vpc import VPC, GivenVpc, Subnet

SETTINGS = {"network.vpc_id": VPC, "gpu.availability_zone": "us-west-2c"}
B, C = "subnet-0123456789abcdeb0", "subnet-0123456789abcdec0"


def checked(
    vpc: GivenVpc, settings: dict[str, str] | None = None, **more: Any
) -> dict[str, Result]:
    answers: Answers = good() | vpc.answers()
    answers |= {key.replace("__", "."): each for key, each in more.items()}
    return {each.name: each for each in preflight({**SETTINGS, **(settings or {})}, answers)}


def with_c(**changes: Any) -> GivenVpc:
    """The VPC with its subnet in zone c, where the GPU nodes are, changed."""
    subnets = [Subnet("us-west-2b", "usw2-az2"), Subnet("us-west-2c", "usw2-az3", **changes)]
    return GivenVpc(subnets)


def test_a_vpc_in_order_passes_everything() -> None:
    """Zone a, the settings' default, is not one of the VPC's, and is not checked."""
    results = checked(GivenVpc())
    assert {each.verdict for each in results.values()} == {Verdict.PASS}, results
    assert in_order(results["Zones"].said, "us-west-2b", "us-west-2c", VPC)
    assert "us-west-2a" not in results["Core instance type"].said


@pytest.mark.parametrize(
    ("on", "options"),
    [
        ({"enableDnsSupport"}, ["--enable-dns-hostnames"]),
        ({"enableDnsHostnames"}, ["--enable-dns-support"]),
        (set(), ["--enable-dns-support", "--enable-dns-hostnames"]),
    ],
)
def test_a_vpc_without_dns_fails_with_the_command_that_enables_it(
    on: set[str], options: list[str]
) -> None:
    result = checked(GivenVpc(dns=on))["VPC"]
    assert result.verdict is Verdict.FAIL
    assert all(option in each for option, each in zip(options, commands(result), strict=True))


def test_a_zone_outside_the_vpc_names_the_vpcs_own() -> None:
    result = checked(GivenVpc(), {"gpu.availability_zone": "us-west-2a"})["Zones"]
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, VPC, "us-west-2a", "us-west-2b", "us-west-2c")
    assert proposed(result) == {"gpu.availability_zone": "us-west-2b"}


def test_a_subnet_in_a_zone_without_eks_is_left_out() -> None:
    """EKS gets every private subnet, and refuses the cluster for one such."""
    vpc = GivenVpc(
        [
            Subnet("us-east-1a", "use1-az1"),
            Subnet("us-east-1b", "use1-az2"),
            Subnet("us-east-1c", "use1-az3"),
        ]
    )
    zones = [zone(each.zone, each.zone_id) for each in vpc.subnets]
    offered = offered_in("us-east-1a")
    more = {
        "ec2__describe_availability_zones": {"AvailabilityZones": zones},
        "ec2__describe_instance_type_offerings": offered,
    }
    east = {"region": "us-east-1", "gpu.availability_zone": "us-east-1a"}
    result = checked(vpc, east, **more)["Zones"]
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, "us-east-1c", "use1-az3", vpc.subnets[2].id)
    tag, reset = commands(result)
    assert in_order(tag, vpc.subnets[2].id)
    assert "context --reset" in reset, "CDK remembers what it has looked up"
    vpc.subnets[2].tags = {"aws-cdk:subnet-type": "Isolated"}
    assert checked(vpc, east, **more)["Zones"].verdict is Verdict.PASS


def test_types_are_looked_for_in_the_vpcs_own_zones() -> None:
    results = checked(GivenVpc(), ec2__describe_instance_type_offerings=offered_in("us-west-2b"))
    assert results["GPU instance type"].verdict is Verdict.FAIL
    assert proposed(results["GPU instance type"]) == {"gpu.availability_zone": "us-west-2b"}
    nowhere = checked(GivenVpc(), ec2__describe_instance_type_offerings=offered_in("us-west-2a"))
    assert nowhere["GPU instance type"].verdict is Verdict.FAIL
    assert not proposed(nowhere["GPU instance type"]), "no zone of the VPC would do"


def test_subnets_where_the_core_type_is_offered_are_proposed() -> None:
    only_in_c = offered_in("us-west-2c", others=["us-west-2c"])
    result = checked(GivenVpc(), ec2__describe_instance_type_offerings=only_in_c)
    core = result["Core instance type"]
    assert core.verdict is Verdict.FAIL
    assert proposed(core)["network.node_subnet_ids"] == C
    again = checked(GivenVpc(), proposed(core), ec2__describe_instance_type_offerings=only_in_c)
    assert again["Core instance type"].verdict is Verdict.PASS


def test_pin_chooses_among_the_vpcs_zones(tmp_path: Any) -> None:
    answers = good() | GivenVpc().answers()
    answers["ec2.describe_instance_type_offerings"] = offered_in("us-west-2a", "us-west-2b")
    assert pin(simulated_deployment(SETTINGS, answers), tmp_path) == {
        "gpu.availability_zone": "us-west-2b"
    }


@pytest.mark.parametrize(
    ("changes", "private"),
    [
        ({"out": "tgw-1"}, True),
        ({"out": "igw-1"}, False),
        ({"out": ""}, False),
        ({"on_launch": True}, False),
        ({"tags": {"aws-cdk:subnet-type": "Public"}}, False),
        ({"tags": {"aws-cdk:subnet-type": "Private"}, "out": "igw-1"}, True),
        ({"own_table": False}, True),
    ],
)
def test_a_subnet_is_private_when_cdk_considers_it_private(
    changes: dict[str, Any], private: bool
) -> None:
    result = checked(with_c(**changes))["VPC subnets"]
    assert (result.verdict is Verdict.PASS) == private
    assert (C in result.said) == private


def test_a_vpc_without_a_private_subnet_is_reported_without_a_zone_to_choose() -> None:
    results = checked(GivenVpc(subnets=[]))
    failing = {name for name, each in results.items() if each.verdict is Verdict.FAIL}
    assert {"Zones", "VPC subnets"} <= failing
    assert not any(each.verdict is Verdict.UNKNOWN for each in results.values()), (
        "each has an answer"
    )
    assert not proposed(results["Zones"])


def test_a_subnet_that_the_settings_name_and_the_vpc_lacks_is_reported() -> None:
    named = {"network.node_subnet_ids": f"{C},subnet-0123456789abcdef9"}
    result = checked(GivenVpc(), named)["VPC subnets"]
    assert result.verdict is Verdict.FAIL
    assert in_order(result.said, "subnet-0123456789abcdef9", B, C)


@pytest.mark.parametrize(("free", "verdict"), [(5, Verdict.FAIL), (4000, Verdict.PASS)])
def test_a_subnet_needs_addresses_for_control_plane_and_nodes(free: int, verdict: Verdict) -> None:
    result = checked(with_c(free=free))["VPC addresses"]
    assert result.verdict is verdict
    if verdict is Verdict.FAIL:
        # 6 of EKS, 2 of 3 core nodes with 2 x 15, 2 GPU nodes with 2 x 30 addresses.
        assert in_order(result.said, C, "5", "266")
        assert B not in result.said
    only_b = checked(with_c(free=free), {"network.node_subnet_ids": B, **IN_B})["VPC addresses"]
    assert only_b.verdict is verdict, "EKS has its interfaces in the other one too"


IN_B = {"gpu.availability_zone": "us-west-2b"}


def test_a_cluster_that_exists_has_its_addresses() -> None:
    existing = stacked(("cluster", "CREATE_COMPLETE"))
    result = checked(with_c(free=0), cloudformation__describe_stacks=existing)["VPC addresses"]
    assert result.verdict is Verdict.PASS


def test_a_default_route_to_nowhere_fails() -> None:
    result = checked(with_c(state="blackhole"))["VPC routes"]
    assert result.verdict is Verdict.FAIL
    assert C in result.said
    assert B not in result.said


def test_data_that_would_go_through_nat_is_a_warning_with_the_endpoint() -> None:
    result = checked(with_c(s3=False))["VPC routes"]
    assert result.verdict is Verdict.WARN
    (create,) = commands(result)
    assert create.endswith("--route-table-ids rtb-c"), "that of the subnet that lacks it"
    elsewhere = checked(with_c(s3=False), {"network.node_subnet_ids": B, **IN_B})["VPC routes"]
    assert elsewhere.verdict is Verdict.PASS, "no node is there"
