"""Presets: named sets of settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.configuration.page import settings_page
from bionemo_eks.configuration.presets import PRESETS
from bionemo_eks.configuration.reader import SettingsError
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.workloads import WORKLOADS
from tests.context import read_settings

# As cdk.json's is committed.
BLOCK: dict[str, Any] = {
    "kubernetes_version": "1.35",
    "gpu": {"instance_type": "p4d.24xlarge", "nodes": 2, "scaling": "on-demand"},
}


def is_the_blueprint(settings: Settings) -> bool:
    """Whether the settings are the 2024 blueprint's."""
    return (
        settings.gpu.instance_type == "p3.16xlarge"
        and settings.gpu.nodes == 2
        and settings.gpu.scaling == "fixed"
        and settings.release.kubectl_layer_package == "lambda_layer_kubectl_v29"
        and settings.kubernetes_version == "1.29"
        and settings.dataset.preparation == "bionemo"
        and settings.workload.name == "esm1nv"
    )


def test_2024_is_the_blueprint_as_it_was() -> None:
    assert is_the_blueprint(read_settings({"preset": "2024"}))
    assert not is_the_blueprint(read_settings({}))


def test_on_the_command_line_it_overrides_cdk_jsons_block() -> None:
    settings = read_settings({"bionemo": BLOCK, "preset": "2024"})
    assert is_the_blueprint(settings)
    other = {**BLOCK, "region": "eu-west-1", "gpu": {**BLOCK["gpu"], "nodes": 7, "disk_gib": 300}}
    settings = read_settings({"bionemo": other, "preset": "2024"})
    assert is_the_blueprint(settings)
    assert (settings.region, settings.gpu.disk_gib) == ("eu-west-1", 300), (
        "the preset does not set these"
    )


def test_other_settings_of_the_command_line_override_it() -> None:
    settings = read_settings(
        {"bionemo": BLOCK, "gpu.nodes": "4", "preset": "2024", "kubernetes_version": "1.34"}
    )
    assert (settings.gpu.nodes, settings.kubernetes_version) == (4, "1.34")
    assert settings.gpu.instance_type == "p3.16xlarge"


def test_the_operations_command_and_the_rehearsal_see_the_same(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text(json.dumps({"context": {"bionemo": BLOCK}}))
    assert is_the_blueprint(settings_of(tmp_path, WORKLOADS, ["preset=2024"]))


@pytest.mark.parametrize("name", ["2024", 2024])
def test_in_the_block_it_fills_what_the_block_leaves_out(name: Any) -> None:
    assert is_the_blueprint(read_settings({"bionemo": {"preset": name, "gpu": {"nodes": 2}}}))


def test_in_the_block_a_conflicting_setting_is_refused() -> None:
    """One of the two would be silently ignored."""
    with pytest.raises(SettingsError) as refused:
        read_settings({"bionemo": {"preset": "2024", "gpu": {"scaling": "on-demand"}}})
    for part in ("preset", "gpu.scaling", '"fixed"', '"on-demand"', "-c preset=2024"):
        assert part in str(refused.value)


@pytest.mark.parametrize("name", ["2025", "", True, None, []])
def test_an_unknown_preset_is_refused_with_the_known_ones(name: Any) -> None:
    with pytest.raises(SettingsError, match=r"'preset' is .*\n.*\n  Allowed: none, 2024"):
        read_settings({"bionemo": {"preset": name}})


def test_none_is_one_that_sets_nothing() -> None:
    plain = read_settings({"bionemo": {"gpu": {"nodes": 3}}, "preset": "none"})
    assert plain == read_settings({"gpu.nodes": "3"})


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda each: each.name)
def test_the_settings_page_lists_what_each_sets(preset: Any) -> None:
    (row,) = [
        line
        for line in settings_page(WORKLOADS).splitlines()
        if line.startswith(f"| `{preset.name}`")
    ]
    for path, value in preset.settings.items():
        assert f"`{path}={value}`" in row
