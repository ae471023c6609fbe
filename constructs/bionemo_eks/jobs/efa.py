"""What a worker needs to use its node's EFAs."""

from __future__ import annotations

from typing import Any

from bionemo_eks.configuration import efa
from bionemo_eks.configuration.settings import Settings


def let_it_use_efa(settings: Settings, pod: dict[str, Any]) -> None:
    """Give a worker's pod all EFAs of its node, if there are any.

    libfabric's buffers are huge pages and locked memory, which the capability allows without limit
    (https://github.com/ofiwg/libfabric/blob/main/prov/efa/docs/overview.md). The image's libraries
    need no other variable:
    https://github.com/aws/deep-learning-containers/blob/main/docs/pytorch/deployment/ec2.md
    """
    if not settings.efa:
        return
    instance = settings.gpu_instance
    (container,) = pod["containers"]
    container["env"].append({"name": "FI_PROVIDER", "value": "efa"})
    container["resources"]["limits"] |= {
        efa.RESOURCE: str(efa.efas(instance)),
        efa.HUGE_PAGES: f"{efa.huge_pages_mib(instance)}Mi",
    }
    container["securityContext"]["capabilities"]["add"] = ["IPC_LOCK"]
