"""What preflight reports about a simulated account, by check."""

from __future__ import annotations

from typing import Any

from ops.results import Result
from tests.simulated.accounts import SITUATIONS, good, preflight
from tests.simulated.aws import Answers

RESERVED = {
    "gpu.purchase": "capacity-reservation",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
}
GIVEN_VPC = {"network.vpc_id": "vpc-0123456789abcdef0"}


def results_in(title: str) -> dict[str, Result]:
    """Every check's result in one of `SITUATIONS`."""
    settings, answers = SITUATIONS[title]
    return {each.name: each for each in preflight(settings, answers())}


def one(
    name: str, changes: dict[str, str], account: Answers | None = None, **answers: Any
) -> Result:
    """One check's result, in a good account with some answers (`service__call`) changed.

    A hyphen in a service's name is written `~`.
    """
    table = {**(account or good())}
    table |= {key.replace("__", ".", 1).replace("~", "-"): each for key, each in answers.items()}
    return {each.name: each for each in preflight(changes, table)}[name]
