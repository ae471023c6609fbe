"""Settings: any input at all is accepted, or answered with one clear message."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bionemo_eks.configuration.reader import SettingsError, setting_fields
from tests.context import MODEL, read_settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
NAMES = [name for name, _ in setting_fields(MODEL)]
TEXTS = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"-?[0-9]{1,12}", fullmatch=True),
    st.sampled_from(["true", "false", "", "null", "[]", "{}", '["a"]', "1,2", "[", "{", "NaN"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def message_for(context: dict[str, Any]) -> str:
    """The message for `context`; empty when it is accepted."""
    try:
        read_settings(context)
    except SettingsError as error:
        return str(error) or "(an empty message)"
    return ""


def assert_accepted_or_explained(context: dict[str, Any]) -> None:
    text = message_for(context)
    assert text != "(an empty message)"
    assert "pydantic" not in text
    assert "Traceback" not in text
    assert len(text) < 20_000


@given(name=st.sampled_from(NAMES), value=TEXTS)
@hypothesis_settings(max_examples=400, deadline=None)
def test_any_text_for_any_setting(name: str, value: str) -> None:
    """As `-c name=value` passes it."""
    text = message_for({name: value})
    if text:
        group, _, plain = name.rpartition(".")
        assert plain in text or f"'{group}'" in text
        assert "llowed" in text


@given(block=st.dictionaries(st.sampled_from([*NAMES, *(n.split(".")[0] for n in NAMES)]), VALUES))
@hypothesis_settings(max_examples=150, deadline=None)
def test_any_block_in_cdk_json(block: dict[str, Any]) -> None:
    assert_accepted_or_explained({"bionemo": block})


@given(name=st.sampled_from(NAMES), value=VALUES)
@hypothesis_settings(max_examples=400, deadline=None)
def test_any_value_for_any_setting_in_cdk_json(name: str, value: Any) -> None:
    group, _, inner = name.rpartition(".")
    assert_accepted_or_explained({"bionemo": {group: {inner: value}} if group else {name: value}})


WHOLE = [name for name, field in setting_fields(MODEL) if field.annotation is int]


@given(name=st.sampled_from(WHOLE), value=VALUES | st.from_regex(r"[0-9_ .e+-]{1,6}"))
@hypothesis_settings(max_examples=400, deadline=None)
def test_an_integer_is_accepted_only_in_plain_notation(name: str, value: Any) -> None:
    group, _, inner = name.partition(".")
    if not message_for({"bionemo": {group: {inner: value}}}):
        assert not isinstance(value, bool)
        assert re.fullmatch(r"\s*-?[0-9]+(\.0+)?\s*", str(value))


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_in_another_spelling_is_not_overlooked(name: str) -> None:
    key = name.replace(".", "-").replace("_", "-")
    if key != name:
        text = message_for({key: "1"})
        assert f"'{key}'" in text
        assert f"'{name}'" in text, "the suggestion"


def test_cdks_own_keys_are_left_alone() -> None:
    keys = json.loads((ROOT / "cdk.json").read_text())["context"].keys() - {"bionemo"}
    looked_up = [
        "availability-zones:account=111122223333:region=us-west-2",
        "vpc-provider:account=111122223333:filter.vpc-id=vpc-1:region=us-west-2",
        "acknowledged-issue-numbers",
        "cli-telemetry",
    ]
    assert message_for(dict.fromkeys([*keys, *looked_up], "x")) == ""


@given(context=st.dictionaries(st.text(max_size=20), VALUES, max_size=4))
@hypothesis_settings(max_examples=150, deadline=None)
def test_any_context_at_all(context: dict[str, Any]) -> None:
    assert_accepted_or_explained(context)


@given(block=VALUES)
@hypothesis_settings(max_examples=100, deadline=None)
def test_anything_in_place_of_the_block(block: Any) -> None:
    assert_accepted_or_explained({"bionemo": block})
