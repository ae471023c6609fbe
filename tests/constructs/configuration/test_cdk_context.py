"""Settings from cdk.json, cdk.context.json and the command line."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from bionemo_eks.configuration.cdk_context import read_context, settings_of
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.jobs.workloads import WORKLOADS
from tests.context import read_settings

ROOT = Path(__file__).resolve().parents[3]


def test_the_command_line_wins_over_the_file_and_cdks_own_keys_are_left_alone() -> None:
    settings = read_settings(
        {"bionemo": {"gpu": {"nodes": 3}}, "gpu.nodes": "5", "@aws-cdk/core:x": True, "a:b": 1}
    )
    assert settings.gpu.nodes == 5
    assert settings.gpu.instance_type == "p4d.24xlarge"


@pytest.mark.parametrize("value", ['["us-west-2a","us-west-2c"]', "us-west-2a, us-west-2c"])
def test_lists_are_taken_as_json_or_with_commas(value: str) -> None:
    assert read_settings({"network.availability_zones": value}).zones == (
        "us-west-2a",
        "us-west-2c",
    )


def test_the_block_in_cdk_json_holds_the_defaults(tmp_path: Path) -> None:
    """Of the file as it was committed: a user edits it, and may test what is then deployed."""
    show = ["git", "-C", str(ROOT), "show", "HEAD:cdk.json"]
    committed = subprocess.run(show, capture_output=True, check=False)
    if committed.returncode:
        pytest.skip("not a git checkout")
    (tmp_path / "cdk.json").write_bytes(committed.stdout)
    assert settings_of(tmp_path, WORKLOADS) == read_settings({})


def test_context_files_and_options_in_the_clis_order(tmp_path: Path) -> None:
    (tmp_path / "cdk.context.json").write_text('{"x:a": 1, "x:b": 1, "gpu.nodes": 4}')
    (tmp_path / "cdk.json").write_text('{"context": {"x:b": 2, "bionemo": {"gpu": {"nodes": 3}}}}')
    context = read_context(tmp_path, ["x:b=3"])
    assert (context["x:a"], context["x:b"]) == (1, "3")
    assert settings_of(tmp_path, WORKLOADS).gpu.nodes == 4


@pytest.mark.parametrize("option", ["gpu.nodes", "=3", ""])
def test_an_option_without_a_value_is_told(option: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"-c {option}")):
        read_context(ROOT, [option])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cdk.json", "{"),
        ("cdk.json", "[]"),
        ("cdk.json", '{"context": null}'),
        ("cdk.context.json", "null"),
        ("cdk.context.json", "\x00"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=re.escape(name)):
        settings_of(tmp_path, WORKLOADS)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Some editors put one before what they save."""
    text = '\ufeff{"context": {"bionemo": {"gpu": {"nodes": 3}}}}'
    (tmp_path / "cdk.json").write_text(text, encoding="utf-8")
    assert settings_of(tmp_path, WORKLOADS).gpu.nodes == 3


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").mkdir()
    with pytest.raises(SettingsError, match=r"cdk\.json"):
        settings_of(tmp_path, WORKLOADS)


def test_cdk_json_is_read_by_people() -> None:
    """The settings come first; feature flags follow."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert next(iter(context)) == "bionemo"
