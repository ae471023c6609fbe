"""Preflight's check of the GPU nodes' AMI."""

from __future__ import annotations

from functools import partial

import pytest

from ops.results import Verdict
from tests.ops.accounts import one
from tests.simulated.answers import newest_ami
from tests.simulated.aws import error

NAME = "GPU AMI release"


@pytest.mark.parametrize(
    ("day", "version", "verdict"),
    [
        ("20261012", "1.35", Verdict.PASS),
        ("20260930", "1.35", Verdict.FAIL),
        ("20261003", "1.34", Verdict.FAIL),
        # Of another kernel.
        ("20261003", "1.36", Verdict.PASS),
    ],
)
def test_a_release_known_to_panic_fails_unless_another_is_pinned(
    day: str, version: str, verdict: Verdict
) -> None:
    newest = partial(newest_ami, day=day)
    result = one(NAME, {"kubernetes_version": version}, ssm__get_parameter=newest)
    assert result.verdict is verdict
    assert f"{version}.3-{day}" in result.said
    if verdict is Verdict.FAIL:
        assert "gpu.ami_release" in result.remedy[0].text
        pinned = {"kubernetes_version": version, "gpu.ami_release": f"{version}.3-20261012"}
        assert one(NAME, pinned, ssm__get_parameter=newest).verdict is Verdict.PASS


def test_without_an_answer_the_release_is_unknown() -> None:
    missing = error("GetParameter", "ParameterNotFound")
    assert one(NAME, {}, ssm__get_parameter=missing).verdict is Verdict.UNKNOWN
