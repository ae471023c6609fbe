"""The capacity reservation in a rehearsal's settings, as passed to the local AWS."""

from __future__ import annotations

import json

from bionemo_eks.configuration.settings import Settings

# Environment variable of the emulator: what `reserved` returns.
RESERVED = "REHEARSAL_RESERVED"


def reserved(settings: Settings) -> str:
    """Return the reservation as JSON, with EC2's names; "" if the settings name none."""
    gpu = settings.gpu
    if not gpu.capacity_reservation_id:
        return ""
    block = gpu.purchase == "capacity-block"
    return json.dumps(
        {
            "capacityReservationId": gpu.capacity_reservation_id,
            "reservationType": gpu.purchase if block else "default",
            "instanceType": gpu.instance_type,
            "availabilityZone": settings.gpu_zone,
            "totalInstanceCount": gpu.nodes,
            "availableInstanceCount": gpu.nodes,
        }
    )
