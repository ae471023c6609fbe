"""How each kind of leftover reads AWS's answers."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops import leftovers
from ops.aws import Deployment
from ops.leftovers import Leftover, data, network
from tests.ops.orphans import kms_tag, owned, tag
from tests.ops.reading import figures
from tests.simulated.accounts import simulated_deployment
from tests.simulated.aws import Answers, denied, error, in_pages

NAME = "bionemo-on-eks"


def test_an_interface_that_is_attached_is_not_for_deletion() -> None:
    answers: Answers = {
        "ec2.describe_vpcs": {"Vpcs": []},
        "ec2.describe_network_interfaces": {
            "NetworkInterfaces": [
                {
                    "NetworkInterfaceId": f"eni-{status}",
                    "Status": status,
                    "TagSet": [{"Key": "cluster.k8s.amazonaws.com/name", "Value": NAME}],
                }
                for status in ("in-use", "available")
            ]
        },
    }
    used, free = leftovers.network.interfaces(simulated_deployment({}, answers))
    assert used.delete is None
    assert free.delete is not None


def test_a_gateway_that_is_being_deleted_is_not_left_over() -> None:
    """EC2 lists a deleted one for an hour."""
    states = ("available", "failed", "deleting", "deleted")
    rows = [{"NatGatewayId": state, "State": state, "Tags": [tag(NAME)]} for state in states]
    account = simulated_deployment({}, {"ec2.describe_nat_gateways": {"NatGateways": rows}})
    assert [each.id for each in leftovers.network.gateways(account)] == ["available", "failed"]


ELB = "arn:aws:elasticloadbalancing:us-west-2:111122223333:loadbalancer/net"


class Balancers:
    """Classic or newer load balancers; every third is ours; `deleted` ones no longer exist."""

    def __init__(self, kind: str, count: int, *deleted: int) -> None:
        all_names = [f"lb-{n}" if kind == "elb" else f"{ELB}/lb-{n}" for n in range(count)]
        self.deleted = {all_names[n] for n in deleted}
        self.batches: list[int] = []
        self._name = "LoadBalancerName" if kind == "elb" else "LoadBalancerArn"
        key = "LoadBalancerDescriptions" if kind == "elb" else "LoadBalancers"
        rows = [{self._name: name} for name in all_names]
        listed = in_pages(key, rows[:5], rows[5:], token="NextMarker", asked="Marker")
        self.answers: Answers = {
            f"{kind}.describe_load_balancers": listed,
            f"{kind}.describe_tags": self._tags,
        }
        self.account = simulated_deployment({}, self.answers)
        self.ours = [f"lb-{n}" for n in range(0, count, 3) if n not in deleted]
        self.search = network.classic_balancers if kind == "elb" else network.balancers

    def _tags(self, **asked: list[str]) -> dict[str, Any]:
        (some,) = asked.values()
        self.batches.append(len(some))
        if self.deleted & set(some):
            raise error("DescribeTags", "LoadBalancerNotFound")
        key = "LoadBalancerName" if self._name == "LoadBalancerName" else "ResourceArn"
        return {"TagDescriptions": [{key: name, "Tags": self._of(name)} for name in some]}

    def _of(self, name: str) -> list[dict[str, str]]:
        own = int(name.rpartition("-")[2]) % 3 == 0
        return [owned(NAME)] if own else [{"Key": "team", "Value": "folding"}]

    def found(self) -> list[str]:
        return [each.id.removeprefix("net/") for each in self.search(self.account)]


@pytest.mark.parametrize("kind", ["elb", "elbv2"])
def test_load_balancers_are_asked_for_at_most_twenty_at_a_time(kind: str) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html"""
    balancers = Balancers(kind, 45)
    assert balancers.found() == balancers.ours
    assert balancers.batches == [20, 20, 5]


@pytest.mark.parametrize("kind", ["elb", "elbv2"])
@pytest.mark.parametrize("count", [25, 7])
def test_a_load_balancer_deleted_meanwhile_hides_no_other(kind: str, count: int) -> None:
    balancers = Balancers(kind, count, 1, 6)
    assert balancers.found() == balancers.ours
    assert Balancers(kind, 1, 0).found() == []


def test_load_balancers_whose_tags_may_not_be_read_are_unknown() -> None:
    balancers = Balancers("elbv2", 3)
    balancers.answers["elbv2.describe_tags"] = denied("DescribeTags")
    with pytest.raises(ClientError, match="AccessDenied"):
        balancers.found()


def test_a_disk_that_is_attached_is_not_for_deletion() -> None:
    rows = [
        {"VolumeId": state, "State": state, "Size": 1, "Tags": [tag(NAME)]}
        for state in ("available", "in-use")
    ]
    account = simulated_deployment({}, {"ec2.describe_volumes": {"Volumes": rows}})
    free, used = leftovers.compute.volumes(account)
    assert (free.delete is not None, used.delete is not None) == (True, False)


def test_a_file_system_without_a_fixed_size_is_listed() -> None:
    system = {"FileSystemId": "fs-0123456789abcdef0", "Tags": [tag(NAME)]}
    account = simulated_deployment({}, {"fsx.describe_file_systems": {"FileSystems": [system]}})
    (listed,) = data.systems(account)
    assert "GiB" not in listed.note


def keys(described: Any, tags: Any) -> Deployment:
    return simulated_deployment(
        {},
        {
            "kms.list_keys": {"Keys": [{"KeyId": "1"}, {"KeyId": "2"}]},
            "kms.describe_key": described,
            "kms.list_resource_tags": tags,
        },
    )


LIVES = {"KeyMetadata": {"KeyId": "1", "KeyState": "Enabled", "KeyManager": "CUSTOMER"}}


def test_keys_that_the_caller_may_not_read_are_counted() -> None:
    def tags(KeyId: str) -> dict[str, Any]:
        if KeyId == "2":
            raise denied("ListResourceTags")
        return {"Tags": [kms_tag(tag(NAME))]}

    key, unread = data.keys(keys(LIVES, tags))
    assert isinstance(key, Leftover)
    assert figures(str(unread)) == [1]


def test_awss_own_keys_are_not_asked_for_tags() -> None:
    about = {"KeyMetadata": {"KeyId": "1", "KeyState": "Enabled", "KeyManager": "AWS"}}
    assert list(data.keys(keys(about, denied("ListResourceTags")))) == []


def test_throttling_of_keys_does_not_read_as_nothing_left() -> None:
    account = keys(error("DescribeKey", "ThrottlingException"), {})
    with pytest.raises(ClientError, match="Throttling"):
        list(data.keys(account))
