"""EFA: where it is on, why it is off, and what it needs from a node, by AWS's documents."""

from __future__ import annotations

from typing import Any

import pytest

from bionemo_eks.configuration.efa import (
    HUGE_PAGE_MIB,
    Interface,
    efas,
    huge_pages_mib,
    interfaces,
    reserved_mib,
)
from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.configuration.settings import Settings
from tests.context import read_settings

ESM2 = {"training.workload": "esm2"}
WITH_EFA = [name for name, each in GPU_INSTANCE_TYPES.items() if efas(each)]


def settings(**changes: Any) -> Settings:
    return read_settings(ESM2 | changes)


# EFAs of a type, and whether its card 0 supports one.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html
DOCUMENTED = {
    "p4d.24xlarge": (4, True),
    "p5.48xlarge": (32, True),
    "p5en.48xlarge": (16, True),
    "p6-b200.48xlarge": (8, True),
    "p6-b300.48xlarge": (16, False),
    "g6e.48xlarge": (4, True),
    "g5.48xlarge": (1, True),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_type_has_the_interfaces_that_aws_recommends(name: str) -> None:
    """One with addresses, first on card 0; then an EFA, if the card supports one; one per card."""
    number, first_card = DOCUMENTED[name]
    primary, *others = interfaces(GPU_INSTANCE_TYPES[name])
    assert primary == Interface(0, 0, "interface")
    last = number if first_card else number + 1
    expected = [(0, 1)] * first_card + [(card, 0) for card in range(1, last)]
    assert [(each.card, each.device) for each in others] == expected
    assert {each.type for each in others} == {"efa-only"}
    assert len(others) == number == efas(GPU_INSTANCE_TYPES[name])


@pytest.mark.parametrize("name", WITH_EFA)
def test_no_card_gets_more_interfaces_than_it_supports(name: str) -> None:
    instance = GPU_INSTANCE_TYPES[name]
    places = [(each.card, each.device) for each in interfaces(instance)]
    assert len(set(places)) == len(places)
    for card, device in places:
        assert device < instance.network_cards[card].interfaces


@pytest.mark.parametrize("name", WITH_EFA)
def test_a_pod_asks_for_no_more_huge_pages_than_its_node_sets_aside(name: str) -> None:
    instance = GPU_INSTANCE_TYPES[name]
    asked = huge_pages_mib(instance)
    assert 0 < asked <= reserved_mib(instance) < 0.1 * instance.memory_gib * 1024
    assert asked % HUGE_PAGE_MIB == 0


def test_the_reserve_is_what_nodes_were_seen_to_have() -> None:
    """`hugepages-2Mi` of a p4de and of a p5 with EFA; the sources are next to the code."""
    seen = {"p4de.24xlarge": 21_122, "p5.48xlarge": 42_242}
    assert {name: reserved_mib(GPU_INSTANCE_TYPES[name]) for name in seen} == seen


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"gpu.instance_type": "p6-b300.48xlarge"}, ""),
        ({"training.layout": "pod-per-gpu"}, "training.layout pod-per-node"),
        ({"gpu.instance_type": "g6.xlarge", "gpu.nodes": "1"}, "g6.xlarge has none"),
        ({"training.workload": "esm1nv"}, "image of ESM-1nv"),
    ],
    ids=["p4d", "b300", "pods with one GPU", "no EFA", "the image"],
)
def test_by_default_it_is_on_where_possible_and_otherwise_the_reason_is_reported(
    changes: dict[str, str], why: str
) -> None:
    found = settings(**changes)
    assert found.efa == (not why)
    assert why in found.no_efa
    asked = changes | {"gpu.efa": "on"}
    if not why:
        assert settings(**asked).efa
        return
    with pytest.raises(SettingsError) as refused:
        settings(**asked)
    for part in ("gpu.efa", "gpu.efa cannot be on", why):
        assert part in str(refused.value)


def test_it_can_be_turned_off() -> None:
    assert not settings(**{"gpu.efa": "off"}).efa


def test_with_efa_several_types_have_the_same_network_cards() -> None:
    unlike = {"gpu.instance_type": "p5e.48xlarge,p5en.48xlarge"}
    with pytest.raises(SettingsError) as error:
        settings(**unlike)
    for part in ("gpu.instance_type", "p5e.48xlarge has 32 with 32 EFA", "p5en.48xlarge has 16"):
        assert part in str(error.value)
    # The cards' speed may differ: a launch template does not name it.
    for alike in (
        "p4d.24xlarge,p4de.24xlarge",
        "p5.48xlarge,p5e.48xlarge",
        "g5.48xlarge,g6.48xlarge",
    ):
        assert settings(**{"gpu.instance_type": alike}).efa
    for without in ({"gpu.efa": "off"}, {"training.layout": "pod-per-gpu"}):
        assert settings(**unlike, **without).gpus == 16
    assert read_settings(unlike).gpus == 16, "ESM-1nv's image cannot use it anyway"
