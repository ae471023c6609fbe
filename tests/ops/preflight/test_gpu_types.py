"""Preflight on a GPU type that is not available: why, which types are, and what to do."""

from __future__ import annotations

import re

import pytest

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from ops.preflight import capacity, gpu_quota, gpu_types
from ops.results import Result, StepKind, Verdict
from tests.context import USABLE
from tests.ops.reading import commands, of_kind, proposed
from tests.simulated.accounts import SITUATIONS, good, simulated_deployment
from tests.simulated.answers import ZONES
from tests.simulated.aws import Answers, denied
from tests.simulated.capacity import offered_in

P3 = {"gpu.instance_type": "p3.16xlarge"}


def looked(settings: dict[str, str], answers: Answers) -> Result:
    """The result of this check only: together with the others it would get less time."""
    return capacity.gpu_type(simulated_deployment(settings, good() | answers))


def in_situation(title: str) -> Result:
    settings, answers = SITUATIONS[title]
    return looked(settings, answers())


def listed(result: Result) -> list[str]:
    """The types that a remedy lists, in its order."""
    lines = of_kind(StepKind.SENTENCE, result)
    return [found[1] for line in lines if (found := re.match(r"- (\S+\.\S+): ", line))]


def test_a_retired_type_is_reported_as_retired_and_not_as_offered_elsewhere() -> None:
    result = in_situation("a type that AWS has retired")
    assert result.verdict is Verdict.FAIL
    assert "p3.16xlarge: retired by AWS" in result.said
    assert "2025-12-20" in result.said
    assert not any("another region" in step.text for step in result.remedy)


def test_available_types_are_listed_with_price_quota_and_zones() -> None:
    result = in_situation("a type that AWS has retired")
    (line,) = [step.text for step in result.remedy if step.text.startswith("- p4d.24xlarge")]
    for part in ("8 x A100 40 GiB", "$21.96 an hour", "192 vCPUs needed, quota 192", *ZONES):
        assert part in line
    assert commands(result) == [f"./bionemo preflight --use {listed(result)[0]}"]


@pytest.mark.parametrize("title", ["a type that AWS has retired", "retired type, quota for G only"])
def test_the_remedy_is_one_that_passes(title: str) -> None:
    settings, answers = SITUATIONS[title]
    chosen = {"gpu.instance_type": listed(looked(settings, answers()))[0]}
    assert looked(chosen, answers()).verdict is Verdict.PASS
    deployment = simulated_deployment(chosen, answers())
    assert gpu_quota.gpu_vcpus(deployment).verdict is Verdict.PASS


def test_types_are_ordered_by_quota_then_gpus_then_memory_per_dollar() -> None:
    names = listed(in_situation("retired type, quota for G only"))
    assert names[:3] == ["g6.48xlarge", "g6e.48xlarge", "g5.48xlarge"], "8 GPUs, no P quota"
    names = listed(in_situation("a type that AWS has retired"))
    assert names[:2] == ["p4de.24xlarge", "p4d.24xlarge"]


def test_only_what_the_workload_can_use_and_the_region_offers_is_listed() -> None:
    assert listed(in_situation("a region with only p5en")) == ["p5en.48xlarge"]
    deployment = simulated_deployment(P3, good())
    names = {each.instance.name for each in gpu_types.candidates(deployment)}
    assert names == {name for name in USABLE if not GPU_INSTANCE_TYPES[name].retired}


def test_without_any_available_type_another_region_is_proposed() -> None:
    nowhere = offered_in(*ZONES, without=GPU_INSTANCE_TYPES)
    result = looked({}, {"ec2.describe_instance_type_offerings": nowhere})
    assert result.verdict is Verdict.FAIL
    assert "another region" in result.remedy[0].text


def test_a_zone_without_the_type_names_one_that_has_it() -> None:
    result = in_situation("the zone has no p4d.24xlarge")
    assert result.verdict is Verdict.FAIL
    assert "p4d.24xlarge is not offered in us-west-2a, but in us-west-2c" in result.said
    assert proposed(result)["gpu.availability_zone"] == "us-west-2c"
    assert "./bionemo preflight --pin" in commands(result)


def test_a_zone_must_offer_all_of_several_types() -> None:
    both = {"gpu.instance_type": "p4d.24xlarge,g6e.48xlarge"}
    offered: Answers = {"ec2.describe_instance_type_offerings": offered_in("us-west-2a")}
    assert looked(both, offered).verdict is Verdict.PASS
    elsewhere: Answers = {"ec2.describe_instance_type_offerings": offered_in("us-west-2c")}
    result = looked(both, elsewhere)
    assert result.verdict is Verdict.FAIL
    assert "not offered in us-west-2a, but in us-west-2c" in result.said
    none = offered_in(*ZONES, without={"p4d.24xlarge"})
    result = looked(both, {"ec2.describe_instance_type_offerings": none})
    assert "offers all of p4d.24xlarge,g6e.48xlarge" in result.said


def test_an_account_that_is_still_sold_a_retired_type_is_warned() -> None:
    everything = offered_in(*ZONES, without=())
    result = looked(P3, {"ec2.describe_instance_type_offerings": everything})
    assert result.verdict is Verdict.WARN
    assert "retired by AWS" in result.said


@pytest.mark.parametrize("call", ["service-quotas.get_service_quota", "pricing.get_products"])
def test_types_are_listed_even_without_quotas_or_prices(call: str) -> None:
    result = looked(P3, {call: denied("Get")})
    assert "p4d.24xlarge" in listed(result)
    (line,) = [step.text for step in result.remedy if step.text.startswith("- p4d.24xlarge")]
    assert "$21.96" in line
    assert ("quota unknown" in line) == call.startswith("service")
