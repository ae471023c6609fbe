"""The ways in which AWS sells GPU nodes, and what goes with each."""

from __future__ import annotations

from typing import Literal

Purchase = Literal["on-demand", "spot", "capacity-reservation", "capacity-block"]

# Minutes before a Capacity Block's end at which EKS lets its nodes go; EC2 ends them from 30 on.
# https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html
EKS_SCALES_DOWN_MINUTES = 40
# Minutes before the end at which the training is suspended. Its workers have two minutes for a last
# checkpoint; the watch looks once a minute, and may be on its way to another node.
SUSPENDED_BEFORE_END_MINUTES = EKS_SCALES_DOWN_MINUTES + 10

_PURCHASE, _ID, _GROUP = "purchase", "capacity_reservation_id", "capacity_reservation_group"


def wrong_with_reservation(
    purchase: Purchase, reservation_id: str, group: str, *, types: int, fixed: bool
) -> tuple[str, tuple[str, ...]]:
    """Say what of a reservation does not go with the other GPU settings, and name these.

    `types`: how many instance types there are; `fixed`: whether the nodes always run. Both empty
    where all go together.
    """
    is_block = purchase == "capacity-block"
    if group and purchase != "capacity-reservation":
        return (
            f"{_GROUP} is for purchase `capacity-reservation`, and purchase is '{purchase}'",
            (_PURCHASE, _GROUP),
        )
    if group and reservation_id:
        return f"{_ID} and {_GROUP} are two ways to the same: set one of them", (_ID, _GROUP)
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
            f"a capacity reservation is of one instance type, and there are {types}",
            ("instance_type", _ID),
        )
    if is_block and fixed:
        return (
            "nodes that always run would be asked for before a Capacity Block begins; with "
            "purchase `capacity-block` scaling is `on-demand`",
            (_PURCHASE, "scaling"),
        )
    return "", ()
