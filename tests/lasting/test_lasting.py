"""What a new version of the code must not remove from a deployment, compared with snapshot.yaml."""

from __future__ import annotations

import pytest

from tests.lasting.comparison import losses
from tests.lasting.consequences import WHY
from tests.lasting.extraction import Items, lasting
from tests.lasting.storage import load
from tests.lasting.synthesis import SETS, templates

_WHAT_NOW = """
A reference counts as changed if it names its target differently: then check the target.
If the change is intended, `python -m tests.lasting` prints it for all sets and rewrites
snapshot.yaml. Do the same after an update of only cfn-lint, whose schemas say
what is create-only."""


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Items]:
    return load()


@pytest.mark.parametrize("name", SETS)
def test_an_update_of_the_code_loses_nothing(snapshot: dict[str, Items], name: str) -> None:
    lost = losses(snapshot[name], lasting(templates(name)))
    if lost:
        pytest.fail("\n".join(["", *lost, _WHAT_NOW]), pytrace=False)


def test_the_snapshot_has_every_set(snapshot: dict[str, Items]) -> None:
    assert set(snapshot) == set(SETS)


def test_every_type_has_a_reason_to_last(snapshot: dict[str, Items]) -> None:
    records = (record for items in snapshot.values() for record in items.values())
    assert {record["type"] for record in records if "type" in record} <= set(WHY)
