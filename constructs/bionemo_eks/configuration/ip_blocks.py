"""Which IPv4 blocks AWS accepts: as a VPC's secondary block, as a source of requests."""

from __future__ import annotations

from ipaddress import IPv4Network

_RFC_1918 = [IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_ALWAYS = IPv4Network("198.19.0.0/16")
# (where the first block is, where the second then must not be)
_BESIDE = [
    (IPv4Network("10.0.0.0/15"), IPv4Network("10.0.0.0/16")),
    (IPv4Network("172.16.0.0/12"), IPv4Network("172.31.0.0/16")),
]
# Loopback, link-local, this network, multicast; RFC 6890.
_NEVER_A_VPC = [
    IPv4Network(each) for each in ("127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8", "224.0.0.0/4")
]
# Also carrier-grade NAT, and what is reserved above multicast.
_NEVER_A_SOURCE = [
    *_RFC_1918,
    *_NEVER_A_VPC,
    IPv4Network("100.64.0.0/10"),
    IPv4Network("224.0.0.0/3"),
]


def may_be_a_vpcs(block: IPv4Network) -> bool:
    """Whether EC2 accepts `block` for a VPC: of the reserved ranges, only those for networks.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    """
    return not any(block.overlaps(each) for each in _NEVER_A_VPC)


def is_of_the_internet(block: IPv4Network) -> bool:
    """Whether a request from the internet can come from `block`."""
    return not any(block.subnet_of(each) for each in _NEVER_A_SOURCE)


def restricted(first: IPv4Network, second: IPv4Network) -> IPv4Network | None:
    """Return the range because of which AWS refuses `second` next to `first`; None if it accepts.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html#add-cidr-block-restrictions
    """
    ranges = [each for each in _RFC_1918 if not first.subnet_of(each)]
    ranges += [] if first.subnet_of(_ALWAYS) else [_ALWAYS]
    ranges += [not_there for there, not_there in _BESIDE if first.subnet_of(there)]
    return next((each for each in ranges if second.subnet_of(each)), None)
