"""One setting is written to cdk.json, and the rest of the file stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.jobs.workloads import WORKLOADS
from ops.cdk_json import write_setting
from tests.context import ROOT

SETTING, NEW = "gpu.instance_type", "g6e.48xlarge"


def written(folder: Path, text: str) -> str:
    path = folder / "cdk.json"
    path.write_text(text, encoding="utf-8")
    write_setting(folder, SETTING, NEW)
    assert settings_of(folder, WORKLOADS).gpu.instance_type == NEW
    return path.read_text(encoding="utf-8")


def test_the_projects_own_file_changes_only_in_that_value(tmp_path: Path) -> None:
    before = (ROOT / "cdk.json").read_text(encoding="utf-8")
    after = written(tmp_path, before)
    old = json.loads(before)["context"]["bionemo"]["gpu"]["instance_type"]
    assert after == before.replace(f'"instance_type": "{old}"', f'"instance_type": "{NEW}"')


def test_the_settings_of_others_by_the_same_name_stay(tmp_path: Path) -> None:
    text = """\ufeff{"app":"a","context":{ "@a:gpu": {"instance_type": "x",
    "\\"bionemo\\": {": "}"},
  "bionemo": {"core": {"instance_type": "m5.2xlarge"},
\t"gpu": {"disk_gib" :300,"instance_type" :  "p4d.24xlarge" } } } }"""
    assert written(tmp_path, text) == text.replace("p4d.24xlarge", NEW)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"context": {}}',
        '{"context": {"bionemo": {"gpu": {"nodes": 3}}}, "app": "é"}',
    ],
)
def test_a_missing_setting_is_added_and_nothing_lost(tmp_path: Path, text: str) -> None:
    document = json.loads(written(tmp_path, text))
    gpu = document["context"]["bionemo"]["gpu"]
    assert gpu.pop("instance_type") == NEW
    before = json.loads(text)
    if "app" in before:
        assert document["app"] == before["app"]
        assert gpu == {"nodes": 3}


def test_without_a_file_one_is_created(tmp_path: Path) -> None:
    write_setting(tmp_path, SETTING, NEW)
    assert settings_of(tmp_path, WORKLOADS).gpu.instance_type == NEW


def test_a_file_that_is_no_json_is_named_and_left(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text("{")
    with pytest.raises(SettingsError, match=r"cdk\.json is not JSON"):
        write_setting(tmp_path, SETTING, NEW)
    assert (tmp_path / "cdk.json").read_text() == "{"
