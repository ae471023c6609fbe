"""What a deployment must not lose by a new version of the code: held against snapshot.yaml."""

from __future__ import annotations

import pytest

from tests.lasting.comparison import losses
from tests.lasting.consequences import WHY
from tests.lasting.extraction import Items, lasting
from tests.lasting.storage import load
from tests.lasting.synthesis import SETS, templates

_WHAT_NOW = """
A reference counts as changed where it names its target in another way: then look what it names.
If this is meant, `python -m tests.lasting` prints it for all sets and writes snapshot.yaml anew.
The same after an update of cfn-lint alone, whose schemas say what is create-only."""


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Items]:
    return load()


@pytest.mark.parametrize("name", SETS)
def test_an_update_of_the_code_takes_nothing_away(snapshot: dict[str, Items], name: str) -> None:
    lost = losses(snapshot[name], lasting(templates(name)))
    if lost:
        pytest.fail("\n".join(["", *lost, _WHAT_NOW]), pytrace=False)


def test_the_snapshot_has_every_set(snapshot: dict[str, Items]) -> None:
    assert set(snapshot) == set(SETS)


def test_of_every_type_it_is_said_why_it_must_last(snapshot: dict[str, Items]) -> None:
    records = (record for items in snapshot.values() for record in items.values())
    assert {record["type"] for record in records if "type" in record} <= set(WHY)
