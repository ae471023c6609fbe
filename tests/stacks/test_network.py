"""The Network stack: how the settings define the VPC."""

from __future__ import annotations

from typing import Any

import pytest


def cidrs(deployment: Any, zone: str) -> set[str]:
    return {
        each["Properties"]["CidrBlock"]
        for each in deployment.resources("Network", "AWS::EC2::Subnet").values()
        if each["Properties"]["AvailabilityZone"] == zone
    }


def test_the_subnets_are_those_of_the_blueprint(default: Any) -> None:
    assert cidrs(default, "us-west-2a") == {"10.1.0.0/24", "10.1.2.0/26", "100.64.0.0/17"}
    assert cidrs(default, "us-west-2b") == {"10.1.1.0/24", "10.1.2.64/26", "100.64.128.0/17"}


@pytest.mark.parametrize(("setting", "gateways"), [("one", 1), ("per-zone", 2)])
def test_nat_gateways_by_setting(synth: Any, setting: str, gateways: int) -> None:
    deployment = synth(**{"network.nat_gateways": setting})
    deployment.template("Network").resource_count_is("AWS::EC2::NatGateway", gateways)


def test_a_custom_block_is_divided_the_same_way(synth: Any) -> None:
    deployment = synth(**{"network.vpc_cidr": "172.20.0.0/20", "network.pod_cidr": "100.80.0.0/18"})
    deployment.template("Network").has_resource_properties(
        "AWS::EC2::VPC", {"CidrBlock": "172.20.0.0/20", "EnableDnsHostnames": True}
    )
    assert cidrs(deployment, "us-west-2b") == {"172.20.2.0/23", "172.20.4.128/25", "100.80.32.0/19"}


def test_flow_logs_are_kept_as_set(default: Any) -> None:
    default.template("Network").has_resource_properties(
        "AWS::Logs::LogGroup", {"RetentionInDays": 30}
    )
