"""Preflight's checks of quotas: what counts, what does not, what to do if they are short."""

from __future__ import annotations

from typing import Any

import pytest

from ops.preflight.gpu_quota import gpu_vcpus
from ops.results import Result, StepKind, Verdict
from tests.ops.accounts import RESERVED, one, results_in
from tests.ops.reading import commands, figures, in_order, needed_used_allowed, of_kind
from tests.simulated.accounts import SITUATIONS, good, simulated_deployment, standing
from tests.simulated.answers import OWN, quotas, stacked
from tests.simulated.aws import ACCOUNT, denied, error
from tests.simulated.capacity import reserved, running


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
    reservations = reserved(own, waiting("p3.2xlarge", 1))
    result = one("GPU vCPU quota", RESERVED, ec2__describe_capacity_reservations=reservations)
    assert needed_used_allowed(result)[:2] == [192, 8]


def test_open_reservations_that_the_core_nodes_will_use_do_not_count() -> None:
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


def test_a_second_nat_gateway_needs_a_second_address() -> None:
    used = {"Addresses": [{"Tags": [OWN]}, *({"AllocationId": f"e-{n}"} for n in range(4))]}
    answer = {"ec2__describe_addresses": used}
    assert one("Elastic IP quota", {}, standing(), **answer).verdict is Verdict.PASS
    per_zone = {"network.nat_gateways": "per-zone"}
    result = one("Elastic IP quota", per_zone, standing(), **answer)
    assert result.verdict is Verdict.FAIL
    assert needed_used_allowed(result)[:2] == [1, 5]


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
