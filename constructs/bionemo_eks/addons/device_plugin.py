"""NVIDIA's device plugin with GPU feature discovery (GFD) and node feature discovery (NFD)."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_eks_v2 as eks

from bionemo_eks.addons.chart import add_chart
from bionemo_eks.configuration.scheduling import CORE_SELECTOR, GPU_SELECTOR, GPU_TOLERATION
from bionemo_eks.configuration.versions import CHARTS


def device_plugin_values() -> dict[str, Any]:
    """Return the chart's values: DaemonSets on GPU nodes only, controllers on core nodes."""
    return {
        "gfd": {"enabled": True},
        "nodeSelector": GPU_SELECTOR,
        "tolerations": [GPU_TOLERATION],
        "nfd": {
            "worker": {"nodeSelector": GPU_SELECTOR, "tolerations": [GPU_TOLERATION]},
            "master": {"nodeSelector": CORE_SELECTOR},
            "gc": {"nodeSelector": CORE_SELECTOR},
        },
    }


def add_device_plugin(cluster: eks.ICluster) -> eks.HelmChart:
    """Install the chart `nvidia-device-plugin` on `cluster`.

    Without waiting: helm counts a DaemonSet without nodes as ready, which proves nothing, and one
    unhealthy GPU node would hold up an update and its rollback. `./bionemo verify` checks it.
    https://github.com/helm/helm/blob/v3.17.3/pkg/kube/ready.go
    """
    return add_chart(
        cluster,
        "NvidiaDevicePlugin",
        CHARTS["nvidia-device-plugin"],
        device_plugin_values(),
        wait=False,
    )
