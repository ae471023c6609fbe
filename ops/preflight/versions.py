"""EKS: is it there, which Kubernetes does it still make, which add-ons does it have."""

from __future__ import annotations

from datetime import UTC, date, datetime

from bionemo_eks.versions import KUBERNETES_RELEASES
from ops.aws import Deployment
from ops.results import Result, failed, passed, warned

_TABLE = "constructs/bionemo_eks/versions.py"


def eks(found: Deployment) -> Result:
    """Whether the region's EKS answers."""
    clusters = found.aws.pages("eks", "list_clusters", "clusters")
    return passed("EKS in the region", f"{len(clusters)} clusters in {found.settings.region} now")


def kubernetes(found: Deployment) -> Result:
    """Whether AWS still makes clusters of the version.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeClusterVersions.html
    """
    name, version = "Kubernetes version", found.settings.kubernetes_version
    listed = found.aws.pages(
        "eks", "describe_cluster_versions", "clusterVersions", clusterVersions=[version]
    )
    row = next((each for each in listed if each["clusterVersion"] == version), None)
    newest = list(KUBERNETES_RELEASES)[-1]
    remedy = f'Set kubernetes_version to "{newest}" in cdk.json, or -c kubernetes_version={newest}'
    status = (row or {}).get("versionStatus", (row or {}).get("status", "")).upper()
    if row is None or status.startswith("UNSUPPORTED"):
        ended = found.settings.release.extended_support_until
        return failed(name, f"AWS makes no cluster of {version} any more (ended {ended})", remedy)
    standard = _day(row.get("endOfStandardSupportDate"))
    extended = _day(row.get("endOfExtendedSupportDate"))
    said = f"{version}: standard support until {standard}, extended until {extended}"
    if status.startswith("EXTENDED") or (standard and datetime.now(UTC).date() > standard):
        return warned(name, f"{said}; extended support costs $0.60 an hour, not $0.10", remedy)
    return passed(name, said)


def _day(value: datetime | date | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def addon(found: Deployment, addon_name: str) -> Result:
    """Whether the pinned version exists for this Kubernetes version."""
    release = found.settings.release
    name, wanted = f"Add-on {addon_name}", release.addons[addon_name]
    rows = found.aws.pages(
        "eks",
        "describe_addon_versions",
        "addons",
        addonName=addon_name,
        kubernetesVersion=release.version,
    )
    offered = [each["addonVersion"] for row in rows for each in row.get("addonVersions", [])]
    if wanted in offered:
        return passed(name, wanted)
    return failed(
        name,
        f"{wanted} does not exist for Kubernetes {release.version} in {found.settings.region}; "
        f"there are {', '.join(offered[:3]) or 'none'}",
        f"Change the version in {_TABLE}",
    )
