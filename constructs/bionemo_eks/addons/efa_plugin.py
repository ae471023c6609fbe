"""AWS's device plugin for EFA: it reports a node's EFAs to kubelet and gives them to pods."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_eks_v2 as eks

from bionemo_eks.addons.chart import add_chart
from bionemo_eks.configuration.scheduling import GPU_SELECTOR, GPU_TOLERATION
from bionemo_eks.configuration.versions import CHARTS


def efa_plugin_values() -> dict[str, Any]:
    """Return the chart's values: its DaemonSet on GPU nodes only.

    Of these it chooses the types with EFA from its own list.
    """
    return {"nodeSelector": GPU_SELECTOR, "tolerations": [GPU_TOLERATION]}


def add_efa_plugin(cluster: eks.ICluster) -> eks.HelmChart:
    """Install the chart `aws-efa-k8s-device-plugin` on `cluster`.

    Without waiting, as for NVIDIA's device plugin.
    """
    return add_chart(
        cluster,
        "EfaDevicePlugin",
        CHARTS["aws-efa-k8s-device-plugin"],
        efa_plugin_values(),
        wait=False,
    )
