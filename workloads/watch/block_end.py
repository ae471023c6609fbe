"""The end of the Capacity Block that a training runs in, as a reason to suspend it in good time."""

from __future__ import annotations

from capacity_block import CapacityBlock
from job_states import Look
from suspension import Reason, Stop


def block_end(block: CapacityBlock) -> Reason:
    """Return the reason that asks EC2 for the block at each look; it raises botocore's errors.

    Should EC2 not answer, EKS lets the nodes go all the same: the workers get SIGTERM, and save.
    """

    def reason(seen: Look) -> Stop | None:
        why = block.look().over(seen.now)
        return Stop("capacity-block", why) if why else None

    return reason
