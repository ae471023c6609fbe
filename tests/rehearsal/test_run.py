"""What a rehearsal does with preflight's results."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date

import pytest

from ops.preflight.versions import CHECK
from ops.results import Result, failed, passed, unknown
from rehearsal.past_its_end import only_the_version_has_ended, refused_by_aws
from tests.context import read_settings

ENDED = failed(CHECK, "AWS no longer creates clusters with 1.29", "Set kubernetes_version")


@pytest.mark.parametrize(
    ("checks", "continues"),
    [
        ([ENDED], True),
        ([passed("Account", "111122223333"), ENDED, unknown("Permissions", "denied")], True),
        ([ENDED, failed("CDK bootstrap", "is not there", "cdk bootstrap")], False),
        ([failed("CDK bootstrap", "is not there", "cdk bootstrap")], False),
        ([], False),
    ],
)
def test_a_rehearsal_continues_only_if_nothing_but_the_version_failed(
    checks: list[Result], continues: bool
) -> None:
    assert only_the_version_has_ended(json.dumps([asdict(each) for each in checks])) is continues


def test_a_preflight_without_output_ends_it() -> None:
    assert only_the_version_has_ended("") is False


def test_parts_that_aws_would_refuse_are_listed() -> None:
    today = date(2026, 11, 24)
    version, gpu_type = refused_by_aws(read_settings({"preset": "2024"}), today)
    assert version == "Kubernetes 1.29 (ended 2026-03-23)"
    assert gpu_type == "p3.16xlarge (retired 2025-12-20)"
    assert refused_by_aws(read_settings({}), today) == []
