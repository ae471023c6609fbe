"""Which quota each GPU instance type counts in, by family and purchase option."""

from __future__ import annotations

from typing import Any

import pytest

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from ops.preflight.quota_codes import block_quota_code, quota_family, vcpu_quota_code
from ops.preflight.quotas import vcpu_quota
from ops.results import Verdict
from tests.ops.accounts import one
from tests.simulated.accounts import good, simulated_deployment


@pytest.mark.parametrize(
    ("kind", "purchase", "family"),
    [
        ("p3.16xlarge", "on-demand", "P"),
        ("p5.48xlarge", "on-demand", "P"),
        ("p5en.48xlarge", "spot", "P5"),
        ("p4d.24xlarge", "spot", "P"),
        ("g5.12xlarge", "on-demand", "G and VT"),
        ("vt1.3xlarge", "on-demand", "G and VT"),
        ("m7i.4xlarge", "on-demand", "Standard"),
        ("t3.micro", "on-demand", "Standard"),
        ("im4gn.large", "on-demand", "Standard"),
        ("trn1.32xlarge", "on-demand", ""),
        ("inf2.xlarge", "on-demand", ""),
        ("dl1.24xlarge", "on-demand", ""),
        ("hpc7a.96xlarge", "on-demand", ""),
        ("mac2.metal", "on-demand", ""),
        ("u-6tb1.metal", "on-demand", ""),
        ("x2idn.16xlarge", "on-demand", ""),
    ],
)
def test_an_instance_counts_in_the_quota_of_its_whole_family_name(
    kind: str, purchase: str, family: str
) -> None:
    assert quota_family(kind, purchase) == family


# Codes as AWS lists them; a wrong one would silently request another quota.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
CODES = [
    ("on-demand", "p5.48xlarge", "L-417A185B"),
    ("on-demand", "g5.12xlarge", "L-DB2E81BA"),
    ("spot", "p4d.24xlarge", "L-7212CCBC"),
    ("spot", "p5.48xlarge", "L-C4BD4855"),
    ("spot", "g5.12xlarge", "L-3819A6DF"),
]


@pytest.mark.parametrize(("purchase", "kind", "code"), CODES)
def test_each_family_and_purchase_counts_in_its_own_quota(
    purchase: str, kind: str, code: str
) -> None:
    asked: set[str] = set()

    def quota(ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        asked.update([QuotaCode] if ServiceCode == "ec2" else [])
        return {"Quota": {"QuotaCode": QuotaCode, "Value": 1000.0}}

    settings = {"gpu.purchase": purchase, "gpu.instance_type": kind}
    answer: Any = {"service~quotas__get_service_quota": quota}
    assert one("GPU vCPU quota", settings, **answer).verdict is Verdict.PASS
    # The others are those of the core nodes, which are never Spot, and of the addresses.
    assert asked == {code, "L-1216C47A", "L-0263D0A3"}


def test_for_spot_p6_it_says_that_no_quota_code_is_documented() -> None:
    """No workload of the project's own uses a P6 yet; the check knows the family all the same."""
    deployment = simulated_deployment({"gpu.purchase": "spot"}, good())
    result = vcpu_quota(deployment, "x", GPU_INSTANCE_TYPES["p6-b200.48xlarge"], 2, at_most=2)
    assert result.verdict is Verdict.UNKNOWN
    assert result.said == "AWS documents no quota code for Spot P6"


@pytest.mark.parametrize(
    ("purchase", "codes"),
    [
        ("on-demand", ["L-417A185B", "L-417A185B", "L-417A185B", "L-DB2E81BA"]),
        ("capacity-reservation", ["L-417A185B", "L-417A185B", "L-417A185B", "L-DB2E81BA"]),
        ("spot", ["L-7212CCBC", "L-C4BD4855", "", "L-3819A6DF"]),
        ("capacity-block", ["", "", "", ""]),
    ],
)
def test_the_code_follows_from_family_and_way_of_buying(purchase: str, codes: list[str]) -> None:
    types = ("p4d.24xlarge", "p5en.48xlarge", "p6-b300.48xlarge", "g6e.48xlarge")
    assert [vcpu_quota_code(each, purchase) for each in types] == codes


def test_each_family_that_is_sold_in_blocks_has_a_quota_of_blocks() -> None:
    codes = {name: block_quota_code(name) for name in GPU_INSTANCE_TYPES}
    blocks = {name for name, code in codes.items() if code}
    assert {name.partition(".")[0] for name in blocks} == {
        *("p4d", "p4de", "p5", "p5e", "p5en"),
        *("p6-b200", "p6-b300"),
    }
    assert codes["p5.4xlarge"] == codes["p5.48xlarge"] != codes["p5en.48xlarge"]
