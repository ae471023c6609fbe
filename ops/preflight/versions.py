"""EKS: is it in the region, and which Kubernetes versions does it still offer?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from botocore.exceptions import ClientError

from bionemo_eks.configuration.versions import DEFAULT_KUBERNETES, KUBERNETES_RELEASES
from ops.aws import Deployment, clusters
from ops.price_table import EKS_EXTENDED_HOUR, EKS_HOUR
from ops.project import VERSIONS_FILE
from ops.reasons import code_of, is_denied, reason
from ops.results import Result, Step, command, failed, options, passed, warned

CHECK = "Kubernetes version"
# A region, or a partition, whose EKS does not know the call or its arguments.
_NOT_KNOWN = {"InvalidParameterException", "InvalidRequestException", "UnknownOperationException"}


def eks(deployment: Deployment) -> Result:
    """Whether the region's EKS answers."""
    number = len(clusters(deployment))
    return passed("EKS in the region", f"{number} clusters in {deployment.settings.region} now")


def kubernetes(deployment: Deployment) -> Result:
    """Whether AWS creates clusters with the version, and an existing one can be updated to it."""
    current = _current_version(deployment)
    step = _step(current, deployment.settings.kubernetes_version) if current else ""
    if step:
        return failed(
            CHECK, step, f'Set kubernetes_version to "{_next(current)}" and deploy first.'
        )
    try:
        row = _described(deployment)
    except ClientError as error:
        if not (is_denied(error) or code_of(error) in _NOT_KNOWN):
            raise
        return _by_the_table(deployment, reason(error))
    return _judged(deployment, row)


def _current_version(deployment: Deployment) -> str:
    """The version of the existing cluster; empty without one."""
    name = deployment.settings.cluster_name
    if name not in clusters(deployment):
        return ""
    cluster = deployment.aws.client("eks").describe_cluster(name=name)["cluster"]
    return str(cluster.get("version", ""))


def _step(now: str, wanted: str) -> str:
    """Say why EKS would not go from `now` to `wanted`; empty if it would.

    https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
    """
    if _minor(wanted) < _minor(now):
        return f"the cluster runs {now}, and EKS cannot go back to an older version ({wanted})"
    if _minor(wanted) > _minor(now) + 1:
        return (
            f"the cluster runs {now}, and EKS updates one minor version at a time, not to {wanted}"
        )
    return ""


def _minor(version: str) -> int:
    return int(version.partition(".")[2] or 0)


def _next(version: str) -> str:
    """The version to deploy after `version`: the next one if the table has it."""
    up = f"1.{_minor(version) + 1}"
    return up if up in KUBERNETES_RELEASES else version


def _described(deployment: Deployment) -> dict[str, Any] | None:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeClusterVersions.html"""
    version = deployment.settings.kubernetes_version
    listed = deployment.aws.pages(
        "eks", "describe_cluster_versions", "clusterVersions", clusterVersions=[version]
    )
    return next((each for each in listed if each["clusterVersion"] == version), None)


def _judged(deployment: Deployment, row: dict[str, Any] | None) -> Result:
    release = deployment.settings.release
    status = (row or {}).get("versionStatus", (row or {}).get("status", "")).upper()
    if row is None or status.startswith("UNSUPPORTED"):
        return _not_made(deployment, release.extended_support_until)
    standard = _day(row.get("endOfStandardSupportDate"))
    extended = _day(row.get("endOfExtendedSupportDate"))
    return _supported(deployment, standard, extended, in_extended=status.startswith("EXTENDED"))


def _by_the_table(deployment: Deployment, why: str) -> Result:
    """Judge by the project's own dates, and say so."""
    release, today = deployment.settings.release, datetime.now(UTC).date()
    if today > release.extended_support_until:
        return _ended(deployment, release.extended_support_until)
    result = _supported(deployment, release.standard_support_until, release.extended_support_until)
    said = f"{result.said}, according to {VERSIONS_FILE}: {why}"
    return replace(result, said=said)


def _not_made(deployment: Deployment, when: date) -> Result:
    """A version that EKS does not offer: ended if `when` is past, else not available yet."""
    version, region = deployment.settings.kubernetes_version, deployment.settings.region
    if datetime.now(UTC).date() > when:
        return _ended(deployment, when)
    return failed(
        CHECK,
        f"EKS in {region} does not offer {version}",
        "Choose another region, or a kubernetes_version that it offers:",
        command(f"aws eks describe-cluster-versions --region {region}"),
    )


def _ended(deployment: Deployment, when: date) -> Result:
    version = deployment.settings.kubernetes_version
    return failed(
        CHECK,
        f"AWS no longer creates clusters with {version} (support ended {when})",
        *_newer(deployment),
    )


def _newer(deployment: Deployment) -> tuple[Step | str, ...]:
    wanted = deployment.settings.kubernetes_version
    if _minor(wanted) >= _minor(DEFAULT_KUBERNETES):
        return (f"{VERSIONS_FILE} has no newer, fully documented version: add one there",)
    # An existing cluster is updated one version at a time.
    to = _next(wanted) if _current_version(deployment) else DEFAULT_KUBERNETES
    return (
        f'Set kubernetes_version to "{to}" in cdk.json, or:',
        options(f"-c kubernetes_version={to}"),
    )


def _supported(
    deployment: Deployment,
    standard: date | None,
    extended: date | None,
    *,
    in_extended: bool = False,
) -> Result:
    version = deployment.settings.kubernetes_version
    said = f"{version}: standard support until {standard}, extended until {extended}"
    if in_extended or (standard and datetime.now(UTC).date() > standard):
        price = f"extended support costs ${EKS_EXTENDED_HOUR:.2f} an hour, not ${EKS_HOUR:.2f}"
        return warned(CHECK, f"{said}; {price}", *_newer(deployment))
    return passed(CHECK, said)


def _day(value: datetime | date | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value
