"""Both ways' bills for some settings, on a fixed day, because Kubernetes versions leave support."""

from __future__ import annotations

from datetime import date

from ops import cost
from ops.cost.bill import Bill
from ops.cost.prices import Prices, table
from tests.context import read_settings

TODAY = date(2026, 11, 24)


def bills(
    changes: dict[str, str] | None = None,
    known: Prices | None = None,
    hours: float | None = None,
) -> tuple[Bill, Bill]:
    """The bill of these settings, and that of the 2024 blueprint."""
    return cost.bills(read_settings(changes or {}), known or table(), TODAY, hours)


def dollars(bill: Bill) -> dict[str, float]:
    return {item.name: item.dollars for item in bill.items}


def ours(**changes: str) -> dict[str, float]:
    """US dollars by item, for settings (`gpu__nodes="4"`)."""
    mine, _ = bills({name.replace("__", "."): value for name, value in changes.items()})
    return dollars(mine)
