"""Preflight's checks of the Kubernetes version and the add-ons'."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bionemo_eks.configuration.versions import DEFAULT_KUBERNETES
from ops.results import Verdict
from tests.ops.accounts import one, results_in
from tests.ops.reading import commands, proposed
from tests.simulated.accounts import good, standing
from tests.simulated.aws import denied, error


def test_a_version_that_has_ended_names_one_that_has_not() -> None:
    result = results_in("a Kubernetes version that has ended")["Kubernetes version"]
    assert result.verdict is Verdict.FAIL
    assert "2026-03-23" in result.said
    assert proposed(result) == {"kubernetes_version": "1.35"}


@pytest.mark.parametrize(
    ("now", "wanted", "verdict"),
    [
        ("1.34", "1.35", Verdict.PASS),
        ("1.35", "1.35", Verdict.PASS),
        ("1.33", "1.35", Verdict.FAIL),
        ("1.35", "1.34", Verdict.FAIL),
    ],
)
def test_a_cluster_goes_up_one_minor_version_at_a_time(
    now: str, wanted: str, verdict: Verdict
) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html"""
    result = one("Kubernetes version", {"kubernetes_version": wanted}, standing(now))
    assert result.verdict is verdict
    if verdict is Verdict.FAIL:
        assert now in result.said
        assert wanted in result.said


def test_the_version_to_deploy_first_is_named() -> None:
    result = one("Kubernetes version", {"kubernetes_version": "1.35"}, standing("1.33"))
    (step,) = result.remedy
    assert '"1.34"' in step.text


@pytest.mark.parametrize("status", ["", "UNSUPPORTED"])
def test_a_version_that_is_not_offered_has_not_ended(status: str) -> None:
    """The table has its end, in the future; suggesting it as its own remedy would be no help."""
    rows = [{"clusterVersion": "1.35", "versionStatus": status}] if status else []
    answer = {"clusterVersions": rows}
    result = one("Kubernetes version", {}, eks__describe_cluster_versions=answer)
    assert result.verdict is Verdict.FAIL
    assert {"1.35", "us-west-2"} <= set(result.said.split())
    assert "2027" not in result.said
    assert not proposed(result)
    assert commands(result) == ["aws eks describe-cluster-versions --region us-west-2"]


def test_the_newest_version_is_no_remedy_for_itself() -> None:
    newest = DEFAULT_KUBERNETES
    row = {"clusterVersion": newest, "versionStatus": "EXTENDED_SUPPORT"}
    result = one(
        "Kubernetes version",
        {"kubernetes_version": newest},
        eks__describe_cluster_versions={"clusterVersions": [row]},
    )
    assert result.verdict is Verdict.WARN
    assert result.remedy
    assert not proposed(result)


def test_an_existing_cluster_is_proposed_the_next_version_only() -> None:
    row = {"clusterVersion": "1.33", "versionStatus": "EXTENDED_SUPPORT"}
    changes, answer = {"kubernetes_version": "1.33"}, {"clusterVersions": [row]}
    for account, to in ((good(), DEFAULT_KUBERNETES), (standing("1.33"), "1.34")):
        result = one("Kubernetes version", changes, account, eks__describe_cluster_versions=answer)
        assert proposed(result) == {"kubernetes_version": to}


def test_extended_support_is_a_warning_with_its_price() -> None:
    row = {
        "clusterVersion": "1.33",
        "versionStatus": "EXTENDED_SUPPORT",
        "endOfStandardSupportDate": datetime(2026, 7, 29, tzinfo=UTC),
        "endOfExtendedSupportDate": datetime(2027, 7, 29, tzinfo=UTC),
    }
    result = one(
        "Kubernetes version",
        {"kubernetes_version": "1.33"},
        eks__describe_cluster_versions={"clusterVersions": [row]},
    )
    assert result.verdict is Verdict.WARN
    assert "$0.60" in result.said, "an hour"


@pytest.mark.parametrize(
    ("status", "standard", "verdict"),
    [
        ("UNSUPPORTED", 2099, Verdict.FAIL),
        ("STANDARD_SUPPORT", 2020, Verdict.WARN),
        ("EXTENDED_SUPPORT", 2099, Verdict.WARN),
        ("STANDARD_SUPPORT", 2099, Verdict.PASS),
    ],
)
def test_status_and_date_of_a_version_both_count(
    status: str, standard: int, verdict: Verdict
) -> None:
    row = {
        "clusterVersion": "1.35",
        "versionStatus": status,
        "endOfStandardSupportDate": datetime(standard, 1, 1, tzinfo=UTC),
    }
    answer = {"clusterVersions": [row]}
    assert one("Kubernetes version", {}, eks__describe_cluster_versions=answer).verdict is verdict


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (denied("DescribeClusterVersions"), "DescribeClusterVersions"),
        (
            error("DescribeClusterVersions", "InvalidParameterException", message="no 1.29"),
            "InvalidParameterException",
        ),
    ],
)
def test_without_an_answer_the_projects_own_dates_count_and_it_says_so(
    answer: Exception, why: str
) -> None:
    result = one("Kubernetes version", {}, eks__describe_cluster_versions=answer)
    assert result.verdict is not Verdict.UNKNOWN
    assert "2027-03-27" in result.said
    assert "versions.py" in result.said
    assert why in result.said
    ended = one(
        "Kubernetes version", {"kubernetes_version": "1.29"}, eks__describe_cluster_versions=answer
    )
    assert ended.verdict is Verdict.FAIL
