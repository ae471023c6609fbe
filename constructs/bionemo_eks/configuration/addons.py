"""The configuration of the EKS add-ons, by name; each follows its add-on version's schema.

Only AWS has the schema (`aws eks describe-addon-configuration`); `./bionemo preflight` validates
these values against it before anything is created. Only what is needed is set: what the taint
keeps off the GPU nodes needs no selector.
"""

from __future__ import annotations

from typing import Any

from bionemo_eks.configuration.scheduling import CORE_SELECTOR, GPU_SELECTOR, GPU_TOLERATION
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import NODE_MONITOR


def addon_versions(settings: Settings) -> dict[str, str]:
    """Return a deployment's add-ons and their versions, by name."""
    repaired = settings.gpu.repair != "off"
    return {
        name: version
        for name, version in settings.release.addons.items()
        if repaired or name != NODE_MONITOR
    }


def addon_configuration(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the configuration of those add-ons that need one, by name."""
    values: dict[str, dict[str, Any]] = {
        "coredns": {"nodeSelector": CORE_SELECTOR},
        "metrics-server": {"nodeSelector": CORE_SELECTOR},
        "amazon-cloudwatch-observability": _insights(settings),
    }
    if settings.gpu.repair != "off":
        values[NODE_MONITOR] = _node_monitor(settings)
    return values


def _insights(settings: Settings) -> dict[str, Any]:
    values: dict[str, Any] = {
        # For the agents; it applies to the manager too, hence the manager's selector.
        "tolerations": [GPU_TOLERATION],
        # Nothing here serves requests worth tracing, which costs money: the agent does not listen
        # for traces (since 6.0), and no pod is changed to send any.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/install-CloudWatch-Observability-EKS-addon.html
        "applicationSignals": {"enabled": False},
        "manager": {
            # A separate setting since 3.7: https://github.com/aws/containers-roadmap/issues/2431
            "nodeSelector": CORE_SELECTOR,
            "applicationSignals": {"autoMonitor": {"monitorAllServices": False}},
        },
    }
    if settings.gpu.repair == "gpus":
        # One DCGM engine per node, here the monitoring agent's; with two, the agent has reported
        # healthy GPUs as faulty: https://github.com/aws/containers-roadmap/issues/2763
        values["dcgmExporter"] = {"enabled": False}
    return values


def _node_monitor(settings: Settings) -> dict[str, Any]:
    """Return the monitoring agent's configuration: which nodes it watches, and whether their GPUs.

    It asks its own DCGM engine about GPUs, which tolerates no taint by default. Without that engine
    the agent would report every GPU as faulty, so its GPU monitor is then off:
    https://github.com/aws/containers-roadmap/issues/2567
    """
    agent: dict[str, Any] = {"nodeSelector": GPU_SELECTOR}
    if settings.gpu.repair == "gpus":
        return {"nodeAgent": agent, "dcgmAgent": {"tolerations": [GPU_TOLERATION]}}
    return {"nodeAgent": {**agent, "monitors": {"nvidia": {"enabled": False}}}}
