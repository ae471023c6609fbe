"""EC2's quotas, by instance family and purchase option."""

from __future__ import annotations

import re

# Codes from Service Quotas, and the families that count against each; Spot P5 has its own, AWS
# documents none for Spot P6, and core nodes are never Spot.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
VCPU_QUOTAS = {
    ("P", "on-demand"): "L-417A185B",
    ("P", "spot"): "L-7212CCBC",
    ("P5", "spot"): "L-C4BD4855",
    ("G and VT", "on-demand"): "L-DB2E81BA",
    ("G and VT", "spot"): "L-3819A6DF",
    ("Standard", "on-demand"): "L-1216C47A",
}
# For Capacity Blocks, in concurrent blocks; applies when one is bought. By the type's family;
# https://docs.aws.amazon.com/general/latest/gr/ec2-service.html
_BLOCK_QUOTAS = {
    "p4d": "L-2C8F52B3",
    "p4de": "L-CFF3E941",
    "p5": "L-DA6814F2",
    "p5e": "L-C45F30BC",
    "p5en": "L-4F9BB70B",
    "p6-b200": "L-8B23CEF3",
    "p6-b300": "L-9C38E5AB",
}
_FAMILIES = {
    "p": "P",
    "g": "G and VT",
    "gr": "G and VT",
    "vt": "G and VT",
    **dict.fromkeys(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), "Standard"),
}


def quota_family(instance_type: str, purchase: str) -> str:
    """Return the quota family of an instance type; empty for types with a quota of their own.

    The letters before the first digit decide: `inf2` does not share the quota of `i4i`, nor `trn1`
    that of `t3`, nor `mac1` that of `m5`.
    """
    family, generation = re.match(r"([a-z]*)-?(\d*)", instance_type).groups()  # type: ignore[union-attr]
    if family == "p" and purchase == "spot" and int(generation or 0) >= 5:
        return f"P{generation}"
    return _FAMILIES.get(family, "")


def vcpu_quota_code(instance_type: str, purchase: str) -> str:
    """Return the code of an instance type's vCPU quota; empty if none is known.

    `purchase`: as in `gpu.purchase`; reserved capacity counts as On-Demand. Capacity Blocks have a
    different kind of quota.
    """
    if purchase == "capacity-block":
        return ""
    market = "spot" if purchase == "spot" else "on-demand"
    return VCPU_QUOTAS.get((quota_family(instance_type, market), market), "")


def block_quota_code(instance_type: str) -> str:
    """Return the code of the quota for concurrent Capacity Blocks; empty if none is known."""
    return _BLOCK_QUOTAS.get(instance_type.partition(".")[0], "")
