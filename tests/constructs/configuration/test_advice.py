"""Warnings about what is allowed but worth knowing."""

from __future__ import annotations

from datetime import date

import pytest

from bionemo_eks.configuration.advice import advice
from bionemo_eks.configuration.versions import DEFAULT_KUBERNETES, KUBERNETES_RELEASES
from tests.context import read_settings


@pytest.mark.parametrize(
    ("version", "today", "ended"),
    [
        ("1.35", date(2026, 11, 24), ""),
        ("1.33", date(2026, 7, 29), ""),
        ("1.33", date(2026, 7, 30), "2026-07-29"),
        ("1.29", date(2026, 11, 24), "2026-03-23"),
        ("1.35", date(2028, 4, 1), "2028-03-27"),
    ],
)
def test_support_that_has_ended_is_reported_with_its_date_and_the_newest_version(
    version: str, today: date, ended: str
) -> None:
    text = advice(read_settings({"kubernetes_version": version}), today).get("kubernetes-support")
    if not ended:
        assert text is None
        return
    assert text is not None
    assert version in text
    assert ended in text
    assert DEFAULT_KUBERNETES in text
    assert "one minor version at a time" in text


def test_gpu_repair_is_reported_because_it_leaves_no_gpu_metrics() -> None:
    today = date(2026, 11, 24)
    assert "gpu-repair" not in advice(read_settings({}), today)
    assert "no GPU metrics" in advice(read_settings({"gpu.repair": "gpus"}), today)["gpu-repair"]


def test_an_endpoint_that_is_open_to_all_is_reported() -> None:
    today = date(2026, 11, 24)
    assert "public-endpoint" in advice(read_settings({}), today)
    for changes in (
        {"cluster.endpoint": "private"},
        {"cluster.public_access_cidrs": "203.0.113.0/24"},
    ):
        assert "public-endpoint" not in advice(read_settings(changes), today)


def test_a_type_that_aws_has_retired_is_reported_with_its_date_and_what_to_do() -> None:
    p3 = read_settings({"gpu.instance_type": "p3.16xlarge"})
    text = advice(p3, date(2026, 11, 24))["retired-gpu-type"]
    for part in ("p3.16xlarge", "2025-12-20", "gpu.instance_type", "./bionemo preflight"):
        assert part in text
    assert "retired-gpu-type" not in advice(p3, date(2025, 12, 19))
    p4d = read_settings({"gpu.instance_type": "p4d.24xlarge"})
    assert "retired-gpu-type" not in advice(p4d, date(2026, 11, 24))


def test_an_admin_role_that_the_whole_account_may_assume_is_reported() -> None:
    today, role = date(2026, 11, 24), "arn:aws:iam::111122223333:role/platform"
    assert "--pin" in advice(read_settings({}), today)["admin-role"]
    for setting in ("cluster.admins", "cluster.admin_trust"):
        assert "admin-role" not in advice(read_settings({setting: role}), today)


def test_nodes_that_stay_up_by_choice_are_reported() -> None:
    today = date(2026, 11, 24)
    text = advice(read_settings({"gpu.scaling": "fixed", "gpu.nodes": "3"}), today)
    assert "3 x p4d.24xlarge" in text["fixed-gpu-nodes"]
    assert "fixed-gpu-nodes" not in advice(read_settings({}), today)


def test_the_2024_presets_outdated_choices_are_reported() -> None:
    reported = advice(read_settings({"preset": "2024"}), date(2026, 11, 24))
    assert set(reported) >= {"kubernetes-support", "retired-gpu-type", "fixed-gpu-nodes"}
    assert "AWS creates no new cluster" in reported["kubernetes-support"]


def test_the_default_version_has_standard_support_into_2027() -> None:
    release = KUBERNETES_RELEASES[read_settings({}).kubernetes_version]
    assert release.standard_support_until >= date(2027, 1, 1)


def test_settings_that_turn_efa_off_are_reported() -> None:
    today, esm2 = date(2026, 11, 24), {"training.workload": "esm2"}
    kept = [{"training.layout": "pod-per-gpu"}, {"gpu.efa": "off"}]
    for changes in kept:
        text = advice(read_settings(esm2 | changes), today)["efa"]
        assert "p4d.24xlarge has EFA" in text
        assert next(iter(changes)) in text
    nothing_to_do: list[dict[str, str]] = [
        esm2,
        {},
        esm2 | kept[0] | {"gpu.nodes": "1"},
        esm2 | kept[0] | {"gpu.instance_type": "g6.xlarge"},
    ]
    for changes in nothing_to_do:
        assert "efa" not in advice(read_settings(changes), today)
