"""What the EKS add-ons are told, by name; each follows the schema of the add-on's own version.

The schema comes from AWS alone (`aws eks describe-addon-configuration`), and `./bionemo preflight`
holds these against it before anything is made. Nothing is said here that an add-on does not need:
what stays off the GPU nodes by their taint needs no selector.
"""

from __future__ import annotations

from typing import Any

from bionemo_eks.configuration.scheduling import CORE_SELECTOR, GPU_TOLERATION

ADDON_CONFIGURATION: dict[str, dict[str, Any]] = {
    "coredns": {"nodeSelector": CORE_SELECTOR},
    "metrics-server": {"nodeSelector": CORE_SELECTOR},
    "amazon-cloudwatch-observability": {
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
    },
}
