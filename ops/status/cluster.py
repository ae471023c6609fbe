"""The cluster and its add-ons, as reported by EKS."""

from __future__ import annotations

from ops.aws import Deployment
from ops.status.lines import Line, judged


def cluster(deployment: Deployment) -> list[Line]:
    """Return the cluster's line: status and version."""
    name = deployment.settings.cluster_name
    about = deployment.aws.client("eks").describe_cluster(name=name)["cluster"]
    state = f"{about['status']}, Kubernetes {about.get('version', '?')}"
    return [judged("Cluster", name, about["status"], state)]


def addons(deployment: Deployment) -> list[Line]:
    """Return a line for each add-on, with the health issues that it reports."""
    eks, name = deployment.aws.client("eks"), deployment.settings.cluster_name
    lines = []
    for addon_name in deployment.aws.pages("eks", "list_addons", "addons", clusterName=name):
        addon = eks.describe_addon(clusterName=name, addonName=addon_name)["addon"]
        issues = [each.get("message", "") for each in addon.get("health", {}).get("issues", [])]
        state = "; ".join([f"{addon['status']}, {addon['addonVersion']}", *issues])
        lines.append(judged("Add-ons", addon_name, addon["status"], state, wrong=bool(issues)))
    return lines
