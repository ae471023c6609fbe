"""What the EKS add-ons are told, by name; each follows the schema of the add-on's own version.

The schema comes from AWS alone (`aws eks describe-addon-configuration`), and `./bionemo preflight`
holds these against it before anything is made. Nothing is said here that an add-on does not need:
what stays off the GPU nodes by their taint needs no selector.
"""

from __future__ import annotations

from typing import Any

from bionemo_eks.configuration.scheduling import CORE_SELECTOR, GPU_SELECTOR, GPU_TOLERATION
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import NODE_MONITOR


def addon_versions(settings: Settings) -> dict[str, str]:
    """Return the add-ons of a deployment, by name, with their versions."""
    repaired = settings.gpu.repair != "off"
    return {
        name: version
        for name, version in settings.release.addons.items()
        if repaired or name != NODE_MONITOR
    }


def addon_configuration(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what those add-ons are told that are told something, by name."""
    told: dict[str, dict[str, Any]] = {
        "coredns": {"nodeSelector": CORE_SELECTOR},
        "metrics-server": {"nodeSelector": CORE_SELECTOR},
        "amazon-cloudwatch-observability": _insights(settings),
    }
    if settings.gpu.repair != "off":
        told[NODE_MONITOR] = _node_monitor(settings)
    return told


def _insights(settings: Settings) -> dict[str, Any]:
    told: dict[str, Any] = {
        # For the agents; the manager would take it too, hence its selector.
        "tolerations": [GPU_TOLERATION],
        # Nothing here is a service whose requests one would trace, for a price: neither does the
        # agent listen for traces (since 6.0), nor is a pod changed so that it sends some.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/install-CloudWatch-Observability-EKS-addon.html
        "applicationSignals": {"enabled": False},
        "manager": {
            # Of its own since 3.7: https://github.com/aws/containers-roadmap/issues/2431
            "nodeSelector": CORE_SELECTOR,
            "applicationSignals": {"autoMonitor": {"monitorAllServices": False}},
        },
    }
    if settings.gpu.repair == "gpus":
        # A node has one engine of DCGM, here the monitoring agent's; with two of them the agent was
        # seen to call healthy GPUs faulty: https://github.com/aws/containers-roadmap/issues/2763
        told["dcgmExporter"] = {"enabled": False}
    return told


def _node_monitor(settings: Settings) -> dict[str, Any]:
    """Tell the monitoring agent where to look, and whether at GPUs.

    It asks its own engine of DCGM about them, which tolerates no taint by default. Without it the
    agent would call every GPU faulty, so then it does not look at them:
    https://github.com/aws/containers-roadmap/issues/2567
    """
    agent: dict[str, Any] = {"nodeSelector": GPU_SELECTOR}
    if settings.gpu.repair == "gpus":
        return {"nodeAgent": agent, "dcgmAgent": {"tolerations": [GPU_TOLERATION]}}
    return {"nodeAgent": {**agent, "monitors": {"nvidia": {"enabled": False}}}}
