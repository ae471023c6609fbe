"""The ways to buy GPU nodes from AWS, and the settings that each needs."""

from __future__ import annotations

from typing import Literal

Purchase = Literal["on-demand", "spot", "capacity-reservation", "capacity-block"]

# Minutes before a Capacity Block's end when EKS scales down its nodes; EC2 ends them from 30 on.
# https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html
EKS_SCALES_DOWN_MINUTES = 40
# Minutes before the end when the training is suspended. Its workers have two minutes for a last
# checkpoint; the watch checks once a minute, and may be moving to another node.
SUSPENDED_BEFORE_END_MINUTES = EKS_SCALES_DOWN_MINUTES + 10

_PURCHASE, _ID, _GROUP = "purchase", "capacity_reservation_id", "capacity_reservation_group"


def wrong_with_reservation(
    purchase: Purchase, reservation_id: str, group: str, *, types: int, fixed: bool
) -> tuple[str, tuple[str, ...]]:
    """Say how a reservation conflicts with the other GPU settings, and name the settings.

    `types`: how many instance types there are; `fixed`: whether the nodes always run. Both results
    are empty if there is no conflict.
    """
    is_block = purchase == "capacity-block"
    if group and purchase != "capacity-reservation":
        return (
            f"{_GROUP} needs purchase `capacity-reservation`, but purchase is '{purchase}'",
            (_PURCHASE, _GROUP),
        )
    if group and reservation_id:
        return f"{_ID} and {_GROUP} are alternatives: set one of them", (_ID, _GROUP)
    reserved = purchase in ("capacity-reservation", "capacity-block")
    if reserved != bool(reservation_id or group):
        wanted = f"`{purchase}`" if is_block else "`capacity-reservation`"
        return (
            f"purchase {wanted} and {_ID} go together: set both or neither (they are "
            f"'{purchase}' and '{reservation_id}')",
            (_PURCHASE, _ID),
        )
    if reservation_id and types > 1:
        return (
            f"a capacity reservation is of one instance type, but there are {types}",
            ("instance_type", _ID),
        )
    if is_block and fixed:
        return (
            "nodes that always run would be requested before a Capacity Block begins; purchase "
            "`capacity-block` needs scaling `on-demand`",
            (_PURCHASE, "scaling"),
        )
    return "", ()
