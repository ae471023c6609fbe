"""Which IPv4 blocks AWS accepts."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from bionemo_eks.configuration.ip_blocks import is_of_the_internet, restricted


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ("10.1.0.0/21", "100.64.0.0/16", None),
        ("10.1.0.0/21", "10.2.0.0/16", None),
        ("10.1.0.0/21", "10.0.0.0/16", "10.0.0.0/16"),
        ("10.2.0.0/21", "10.0.0.0/16", None),
        ("10.1.0.0/21", "172.16.0.0/16", "172.16.0.0/12"),
        ("10.1.0.0/21", "192.168.0.0/16", "192.168.0.0/16"),
        ("10.1.0.0/21", "198.19.0.0/16", "198.19.0.0/16"),
        ("172.16.0.0/21", "172.20.0.0/16", None),
        ("172.16.0.0/21", "172.31.0.0/16", "172.31.0.0/16"),
        ("192.168.0.0/21", "100.64.0.0/16", None),
        ("100.64.0.0/21", "100.65.0.0/16", None),
        ("100.64.0.0/21", "10.0.0.0/16", "10.0.0.0/8"),
        ("198.19.0.0/20", "100.64.0.0/16", None),
    ],
)
def test_a_second_block_is_refused_with_the_range_that_aws_names(
    first: str, second: str, refused: str | None
) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html#add-cidr-block-restrictions"""
    found = restricted(IPv4Network(first), IPv4Network(second))
    assert found == (IPv4Network(refused) if refused else None)


@pytest.mark.parametrize("block", ["0.0.0.0/0", "203.0.113.0/24", "172.32.0.0/16", "8.8.8.8/32"])
def test_requests_from_the_internet_come_from_public_blocks(block: str) -> None:
    assert is_of_the_internet(IPv4Network(block))


@pytest.mark.parametrize(
    "block", ["10.0.0.0/8", "172.31.0.0/16", "192.168.1.0/24", "100.64.0.0/16", "127.0.0.1/32"]
)
def test_private_blocks_are_refused_for_the_endpoint(block: str) -> None:
    """EKS would accept them as allowed addresses, and no one would get in."""
    assert not is_of_the_internet(IPv4Network(block))
