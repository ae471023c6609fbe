"""The server's process: the emulator with this project's adapters. Run by `rehearsal.server`."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from ministack import app
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from rehearsal import (
    adapters_ec2,
    adapters_eks,
    adapters_fsx,
    adapters_kubectl,
    adapters_s3,
    adoption,
    eks_api,
    exports_in_use,
    fsx_api,
    resources_api,
)

ADAPTERS: dict[str, dict[str, Any]] = {
    **adapters_ec2.HANDLERS,
    **adapters_eks.HANDLERS,
    **adapters_fsx.HANDLERS,
    **adapters_kubectl.HANDLERS,
    **adapters_s3.HANDLERS,
}


def register() -> None:
    """Teach the emulator what it lacks, and mend the two types that it has otherwise than AWS."""
    _RESOURCE_HANDLERS.update(ADAPTERS)
    adoption.register()
    eks_api.register()
    exports_in_use.register()
    fsx_api.register()
    resources_api.register()
    node_group, cluster = (
        _RESOURCE_HANDLERS[f"AWS::EKS::{name}"] for name in ("Nodegroup", "Cluster")
    )
    node_group["update"] = adapters_eks.one_kind_of_change_at_a_time(
        adapters_eks.keep_the_autoscalers_number(node_group["update"])
    )
    cluster["create"] = adapters_eks.with_a_security_group(cluster["create"])
    cluster["update"] = adapters_eks.one_minor_version_at_a_time(cluster["update"])
    cluster["delete"] = adapters_kubectl.forget_the_ledger(
        adapters_eks.without_its_security_group(cluster["delete"])
    )


def _end_with_the_rehearsal() -> None:
    """Wait for the end of standard input: whoever started this holds it open while it lives."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_rehearsal, daemon=True).start()
    register()
    app.main()
