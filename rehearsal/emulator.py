"""The server's process: the emulator with this project's adapters. Run by `rehearsal.server`."""

from __future__ import annotations

import os
import threading
from typing import Any

from ministack import app
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from rehearsal import (
    adapters_ec2,
    adapters_eks,
    adapters_export,
    adapters_fsx,
    adapters_kubectl,
    adapters_s3,
    adoption,
    deletion,
    eks_api,
    eks_rules,
    exports_in_use,
    fsx_api,
    resources_api,
)

ADAPTERS: dict[str, dict[str, Any]] = {
    **adapters_ec2.HANDLERS,
    **adapters_eks.HANDLERS,
    **adapters_export.HANDLERS,
    **adapters_fsx.HANDLERS,
    **adapters_kubectl.HANDLERS,
    **adapters_s3.HANDLERS,
}


def register() -> None:
    """Teach the emulator what it lacks, and mend what it has otherwise than AWS."""
    _RESOURCE_HANDLERS.update(ADAPTERS)
    for part in (
        adapters_kubectl,
        adoption,
        deletion,
        eks_api,
        eks_rules,
        exports_in_use,
        fsx_api,
        resources_api,
    ):
        part.register()


def _end_with_the_rehearsal() -> None:
    """Wait for the end of standard input: whoever started this holds it open while it lives."""
    # Not through sys.stdin, whose lock would be in the way when Python itself ends.
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_rehearsal, daemon=True).start()
    register()
    app.main()
