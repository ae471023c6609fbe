"""What one full run costs, beside the same run the way of 2024; docs/cost.md explains it."""

from __future__ import annotations

from datetime import date

from bionemo_eks.configuration.settings import Settings
from ops.cost.bill import Bill, bill_of
from ops.cost.prices import Prices
from ops.cost.ways import blueprint_of_2024, these_settings


def bills(
    settings: Settings, known: Prices, today: date, training_hours: float | None = None
) -> tuple[Bill, Bill]:
    """Return the bill of the run that `settings` describe, and that of the same the 2024 way.

    `training_hours`: as the workload says, unless given.
    """
    if training_hours is None:
        training_hours = settings.workload.rates.training_hours(settings)
    ways = (these_settings(settings, training_hours), blueprint_of_2024(training_hours))
    ours, theirs = (bill_of(settings, way, known, today) for way in ways)
    return ours, theirs


def with_other_types(settings: Settings, ours: Bill, known: Prices) -> list[str]:
    """Say what the run costs where nodes of a further type of `gpu.instance_type` are taken."""
    first, *others = settings.gpu.types
    if not others or ours.way.spot or known.block is not None:
        return []
    hours = settings.gpu.nodes * ours.way.gpu_hours
    texts = []
    for each in others:
        if each not in known.hourly:
            texts.append(f"{each} has no hourly price.")
            continue
        total = ours.total + hours * (known.hourly[each] - known.hourly[first])
        texts.append(
            f"On nodes of {each} alone (${known.hourly[each]:g}), where {first} is not to be had: "
            f"${total:,.2f}."
        )
    return texts
