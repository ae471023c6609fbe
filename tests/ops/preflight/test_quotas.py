"""Preflight's checks of quotas: what counts, what does not, what to do if they are short."""

from __future__ import annotations

from typing import Any

import pytest

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from ops.preflight.gpu_quota import gpu_vcpus
from ops.preflight.quota_codes import block_quota_code, quota_family, vcpu_quota_code
from ops.preflight.quotas import vcpu_quota
from ops.results import Result, StepKind, Verdict
from tests.ops.accounts import RESERVED, one, results_in
from tests.ops.reading import commands, figures, in_order, needed_used_allowed, of_kind
from tests.simulated.accounts import SITUATIONS, good, simulated_deployment, standing
from tests.simulated.answers import OWN, quotas, reserved, running, stacked
from tests.simulated.aws import ACCOUNT, denied, error


def test_quotas_that_are_short_say_how_to_raise_them() -> None:
    results = results_in("new account: quotas of 0 and 5")
    short = results["GPU vCPU quota"]
    assert short.verdict is Verdict.FAIL
    assert needed_used_allowed(short) == [192, 0, 0]
    request, another_type = commands(short)
    assert another_type.startswith("./bionemo preflight --use g")
    assert request.startswith(
        "aws service-quotas request-service-quota-increase --region us-west-2"
    )
    assert request.endswith("--service-code ec2 --quota-code L-417A185B --desired-value 192")
    (page,) = of_kind(StepKind.LINK, short)
    assert page.startswith("https://us-west-2.console.aws.amazon.com/servicequotas")
    assert results["Core vCPU quota"].verdict is Verdict.FAIL
    assert results["Elastic IP quota"].verdict is Verdict.PASS


def test_room_for_the_core_nodes_but_not_for_their_maximum_is_a_warning() -> None:
    answer: Any = {"service~quotas__get_service_quota": quotas(L_1216C47A=20)}
    result = one("Core vCPU quota", {}, **answer)
    assert result.verdict is Verdict.WARN
    assert figures(result.said)[-2:] == [36, 9]
    assert "core.max_nodes" in result.said
    assert commands(result)[0].endswith("--desired-value 36")


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


def instance(kind: str, **more: Any) -> dict[str, Any]:
    return {"InstanceType": kind, "State": {"Name": "running"}, **more}


def test_what_runs_already_counts_but_not_this_deployments_own() -> None:
    result = one(
        "GPU vCPU quota",
        {},
        ec2__describe_instances=running(
            instance("p4de.24xlarge"),
            instance("p4d.24xlarge", Tags=[OWN]),
            instance("p5.4xlarge", InstanceLifecycle="spot"),
            instance("g5.12xlarge"),
            instance("p2.xlarge", CpuOptions={"CoreCount": 2, "ThreadsPerCore": 2}),
        ),
    )
    assert needed_used_allowed(result) == [192, 100, 192]
    assert result.verdict is Verdict.FAIL


# Codes as AWS lists them; a wrong one would silently request another quota.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
CODES = [
    ("on-demand", "p3dn.24xlarge", "L-417A185B"),
    ("on-demand", "p5.48xlarge", "L-417A185B"),
    ("on-demand", "g5.12xlarge", "L-DB2E81BA"),
    ("spot", "p3dn.24xlarge", "L-7212CCBC"),
    ("spot", "p4d.24xlarge", "L-7212CCBC"),
    ("spot", "p5.48xlarge", "L-C4BD4855"),
    ("spot", "g5.12xlarge", "L-3819A6DF"),
    ("spot", "g6.48xlarge", "L-3819A6DF"),
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
    # Beside it those of the core nodes, which are never Spot, and of the addresses.
    assert asked == {code, "L-1216C47A", "L-0263D0A3"}


def test_of_several_types_one_that_the_quotas_allow_is_enough() -> None:
    both = {"gpu.instance_type": "p4d.24xlarge,g6e.48xlarge"}

    def looked(**limits: float) -> Result:
        answers = good() | {"service-quotas.get_service_quota": quotas(**limits)}
        return gpu_vcpus(simulated_deployment(both, answers))

    assert looked(L_DB2E81BA=384).verdict is Verdict.PASS
    only_p = looked(L_DB2E81BA=0)
    assert only_p.verdict is Verdict.WARN
    assert in_order(only_p.said, "p4d.24xlarge", "g6e.48xlarge")
    assert "L-DB2E81BA" in commands(only_p)[0]
    assert looked(L_DB2E81BA=0, L_417A185B=0).verdict is Verdict.FAIL


def test_of_types_in_one_quota_the_largest_must_fit() -> None:
    deployment = simulated_deployment({"gpu.instance_type": "p4d.24xlarge,p5.48xlarge"}, good())
    result = gpu_vcpus(deployment)
    assert result.verdict is Verdict.FAIL
    assert needed_used_allowed(result) == [384, 0, 192]


def waiting(kind: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "CapacityReservationId": f"cr-{kind}",
        "State": "active",
        "OwnerId": ACCOUNT,
        "InstanceType": kind,
        "AvailableInstanceCount": number,
        "InstanceMatchCriteria": "targeted",
        "AvailabilityZone": "us-west-2a",
        **more,
    }


def sizes(InstanceTypes: list[str]) -> dict[str, Any]:
    assert InstanceTypes == ["p2.8xlarge"]
    return {"InstanceTypes": [{"InstanceType": "p2.8xlarge", "VCpuInfo": {"DefaultVCpus": 32}}]}


def test_unused_reservations_count_as_used() -> None:
    result = one(
        "GPU vCPU quota",
        {},
        ec2__describe_capacity_reservations=reserved(
            waiting("p5.4xlarge", 4),
            waiting("p2.8xlarge", 2),
            waiting("p3.8xlarge", 0),
            waiting("g5.12xlarge", 5),
            waiting("p3.2xlarge", 5, State="expired"),
            waiting("p4d.24xlarge", 5, OwnerId="999900001111"),
            waiting("p5.48xlarge", 5, ReservationType="capacity-block"),
        ),
        ec2__describe_instance_types=sizes,
    )
    assert needed_used_allowed(result) == [192, 128, 192]
    assert result.verdict is Verdict.FAIL


def test_reservations_count_in_no_spot_quota() -> None:
    result = one(
        "GPU vCPU quota",
        {"gpu.purchase": "spot"},
        ec2__describe_capacity_reservations=reserved(waiting("p4d.24xlarge", 9)),
    )
    assert needed_used_allowed(result)[:2] == [192, 0]


def test_the_nodes_own_reservation_counts_once() -> None:
    own = waiting("p4d.24xlarge", 2, CapacityReservationId=RESERVED["gpu.capacity_reservation_id"])
    there = reserved(own, waiting("p3.2xlarge", 1))
    result = one("GPU vCPU quota", RESERVED, ec2__describe_capacity_reservations=there)
    assert needed_used_allowed(result)[:2] == [192, 8]


def test_core_nodes_start_in_what_is_open_to_them() -> None:
    result = one(
        "Core vCPU quota",
        {},
        ec2__describe_capacity_reservations=reserved(
            waiting("m5.xlarge", 1, InstanceMatchCriteria="open"),
            waiting("m5.xlarge", 2, InstanceMatchCriteria="open", AvailabilityZone="us-west-2c"),
            waiting("m5.xlarge", 3),
            waiting("m5.2xlarge", 1, InstanceMatchCriteria="open"),
        ),
    )
    assert needed_used_allowed(result)[1] == 2 * 4 + 3 * 4 + 8


def test_without_the_reservations_the_rest_is_reported_and_so_is_that() -> None:
    refused = denied("DescribeCapacityReservations")
    answer: Any = {"ec2__describe_capacity_reservations": refused}
    result = one("GPU vCPU quota", {}, **answer)
    assert result.verdict is Verdict.PASS
    assert needed_used_allowed(result) == [192, 0, 192]
    assert "DescribeCapacityReservations" in result.said
    answer["service~quotas__get_service_quota"] = quotas(L_417A185B=0)
    assert one("GPU vCPU quota", {}, **answer).verdict is Verdict.FAIL


def test_a_quota_that_the_account_never_had_is_awss_default() -> None:
    def default(ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        return {"Quota": {"QuotaCode": QuotaCode, "Value": 7.0}}

    result = one(
        "VPC quota",
        {},
        **{
            "service~quotas__get_service_quota": error(
                "GetServiceQuota", "NoSuchResourceException"
            ),
            "service~quotas__get_aws_default_service_quota": default,
        },
    )
    assert needed_used_allowed(result) == [1, 1, 7]


def test_vpcs_and_addresses_that_are_in_use_count() -> None:
    vpcs = {"Vpcs": [{"VpcId": f"vpc-{n}", "CidrBlock": "10.0.0.0/16"} for n in range(5)]}
    result = one("VPC quota", {}, ec2__describe_vpcs=vpcs)
    assert (result.verdict, needed_used_allowed(result)) == (Verdict.FAIL, [1, 5, 5])
    assert "L-F678F1CE" in result.said
    addresses = {"Addresses": [{"AllocationId": f"eipalloc-{n}"} for n in range(5)]}
    result = one("Elastic IP quota", {}, ec2__describe_addresses=addresses)
    assert (result.verdict, needed_used_allowed(result)) == (Verdict.FAIL, [1, 5, 5])
    assert "L-0263D0A3" in result.said


@pytest.mark.parametrize(
    ("status", "needed"),
    [
        ("CREATE_COMPLETE", 0),
        ("UPDATE_FAILED", 0),
        ("UPDATE_ROLLBACK_FAILED", 0),
        ("UPDATE_IN_PROGRESS", 0),
        ("ROLLBACK_COMPLETE", 1),
        ("REVIEW_IN_PROGRESS", 1),
    ],
)
def test_a_vpc_is_needed_unless_the_stack_already_has_one(status: str, needed: int) -> None:
    answer = stacked(("network", status))
    result = one("VPC quota", {}, cloudformation__describe_stacks=answer)
    assert needed_used_allowed(result)[0] == needed


def test_a_second_nat_gateway_takes_a_second_address() -> None:
    used = {"Addresses": [{"Tags": [OWN]}, *({"AllocationId": f"e-{n}"} for n in range(4))]}
    answer = {"ec2__describe_addresses": used}
    assert one("Elastic IP quota", {}, standing(), **answer).verdict is Verdict.PASS
    per_zone = {"network.nat_gateways": "per-zone"}
    result = one("Elastic IP quota", per_zone, standing(), **answer)
    assert result.verdict is Verdict.FAIL
    assert needed_used_allowed(result)[:2] == [1, 5]


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


def test_with_quota_only_for_g_a_type_that_passes_is_named() -> None:
    settings, answers = SITUATIONS["quota for G only"]
    short = gpu_vcpus(simulated_deployment(settings, answers()))
    assert short.verdict is Verdict.FAIL
    use = commands(short)[-1]
    assert use.startswith("./bionemo preflight --use g")
    chosen = {"gpu.instance_type": use.rpartition(" ")[2]}
    assert gpu_vcpus(simulated_deployment(chosen, answers())).verdict is Verdict.PASS


def test_without_any_quota_no_type_is_named() -> None:
    settings, answers = SITUATIONS["no quota for any P type"]
    short = gpu_vcpus(simulated_deployment(settings, answers()))
    assert [each for each in commands(short) if "--use" in each] == []
    assert "L-417A185B" in commands(short)[0]
