"""Settings from cdk.json, cdk.context.json and the command line."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from app import main
from bionemo_eks.configuration.cdk_context import read_context, read_files, settings_of
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
def test_lists_are_accepted_as_json_or_comma_separated(value: str) -> None:
    assert read_settings({"network.availability_zones": value}).zones == (
        "us-west-2a",
        "us-west-2c",
    )


def test_the_block_in_cdk_json_holds_the_defaults(tmp_path: Path) -> None:
    """In the committed file: a user edits it, and may test what is then deployed."""
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
def test_an_option_without_a_value_is_reported(option: str) -> None:
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


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ('{\n  "context": {},\n  "bionemo": {}\n}', "line 3, column 3", 'Move it into "context"'),
        ('{"BioNeMo": {}}', "line 1, column 2", '"bionemo"'),
        ('{"contxt": {"bionemo": {}}}', "line 1, column 2", '"context" that cdk reads'),
        ('{"app": "x", "gpu": {"nodes": 4}}', "line 1, column 14", '{"gpu": ...}'),
        ('{"gpu.nodes": 4}', "line 1, column 2", "Move it into the block"),
        (
            '{"context": {"bionemo": {"gpu": {"nodes": 1}},\n\t"bionemo": {}}}',
            "line 2, column 2",
            '"context.bionemo" is given twice; the first is in line 1, column 14',
        ),
        ('{"context": {"a:b": [{}, {"x": 1, "x": 2}]}}', "line 1, column 35", "context.a:b.1.x"),
    ],
)
def test_what_cdk_would_silently_ignore_is_refused(
    text: str, where: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "cdk.json").write_text(text)
    for read in (read_context, read_files):
        with pytest.raises(SettingsError) as refused:
            read(tmp_path)
        assert str(refused.value).startswith(f"cdk.json, {where}: ")
        assert reason in str(refused.value)


def test_the_app_reads_the_text_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By then cdk has passed it only the context."""
    (tmp_path / "cdk.json").write_text('{"app": "x", "bionemo": {"gpu": {"nodes": 4}}}')
    monkeypatch.chdir(tmp_path)
    assert main() == 1
    assert 'cdk.json, line 1, column 14: "bionemo"' in capsys.readouterr().err


def test_a_second_block_in_the_other_file_is_refused(tmp_path: Path) -> None:
    """cdk's precedence is by key, so one of the two would have no effect at all."""
    (tmp_path / "cdk.json").write_text('{"context": {"bionemo": {"gpu": {"nodes": 3}}}}')
    (tmp_path / "cdk.context.json").write_text('{"bionemo": {"region": "eu-west-1"}}')
    with pytest.raises(
        SettingsError, match=r"cdk\.context\.json, line 1, column 2: a second block"
    ):
        settings_of(tmp_path, WORKLOADS)


def test_cdks_own_keys_in_the_file_are_left_alone(tmp_path: Path) -> None:
    """Its `tags`, its flags, the same name in two objects, and a `//` key as a comment."""
    (tmp_path / "cdk.json").write_text(
        '{"//": "x", "app": "y", "tags": [{"Key": "a"}, {"Key": "b"}], "output": "o",'
        '"watch": {"include": ["**"], "exclude": []}, "context": {"@aws-cdk/core:x": [[], [1, 2]],'
        '"bionemo": {"gpu": {"nodes": 3}, "core": {"nodes": 4}}}}'
    )
    assert settings_of(tmp_path, WORKLOADS).core.nodes == 4


@pytest.mark.parametrize("name", ["binoemo", "bio-nemo", "BioNeMo", "bionemo2"])
def test_a_misspelled_block_is_suggested(name: str) -> None:
    with pytest.raises(SettingsError, match="Did you mean the block 'bionemo'"):
        read_settings({name: {"gpu": {"nodes": 3}}})


def test_a_setting_by_its_whole_path_is_suggested() -> None:
    with pytest.raises(SettingsError, match=r"Did you mean 'gpu\.nodes'"):
        read_settings({"bionemo.gpu.nodes": "3"})


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Some editors add one to what they save."""
    text = '\ufeff{"context": {"bionemo": {"gpu": {"nodes": 3}}}}'
    (tmp_path / "cdk.json").write_text(text, encoding="utf-8")
    assert settings_of(tmp_path, WORKLOADS).gpu.nodes == 3


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").mkdir()
    with pytest.raises(SettingsError, match=r"cdk\.json"):
        settings_of(tmp_path, WORKLOADS)


def test_the_context_in_cdk_json_begins_with_the_settings() -> None:
    """A reader sees the settings first; feature flags follow."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert next(iter(context)) == "bionemo"
