"""A region whose name looks right, but that does not exist."""

from __future__ import annotations

import pytest

from bionemo_eks.configuration.regions import known_regions, unheard_of
from tests.context import read_settings


@pytest.mark.parametrize(
    ("name", "meant"), [("us-west-9", "us-west-"), ("eu-centrall-1", "eu-central-1")]
)
def test_the_nearest_region_is_suggested_if_nothing_answers(name: str, meant: str) -> None:
    assert f"did you mean {meant}" in unheard_of(name)


def test_a_known_region_gets_no_suggestion() -> None:
    assert unheard_of(read_settings({}).region) == ""


@pytest.mark.parametrize("name", known_regions())
def test_every_region_of_the_sdk_may_be_set(name: str) -> None:
    assert read_settings({"region": name}).region == name
