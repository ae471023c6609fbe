"""What one full run costs, compared with the 2024 blueprint; docs/cost.md explains it."""

from __future__ import annotations

from datetime import date

from bionemo_eks.configuration.settings import Settings
from ops.cost.bill import Bill, bill_of
from ops.cost.prices import Prices
from ops.cost.ways import blueprint_of_2024, these_settings


class NoRateError(Exception):
    """It is unknown how long the training takes on the settings' GPUs."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            f"gpu.instance_type={settings.gpu.types[0]}: no rate is known for "
            f"{settings.workload.title} with these settings, so the training time is unknown. Give "
            "it in hours: ./bionemo cost --training-hours"
        )


def expected_hours(settings: Settings, given: float | None = None) -> float:
    """Return the hours that the training runs: `given`, if any; 0 if there is no training.

    Raises NoRateError if the workload knows no rate.
    """
    if not settings.training.enabled:
        return 0.0
    hours = given or settings.workload.rates.training_hours(settings)
    if hours is None:
        raise NoRateError(settings)
    return hours


def bills(
    settings: Settings, known: Prices, today: date, training_hours: float | None = None
) -> tuple[Bill, Bill]:
    """Return the bill of the run that `settings` describe, and that of the 2024 blueprint.

    `training_hours`: the workload's estimate, unless given. Raises NoRateError if there is none.
    """
    hours = expected_hours(settings, training_hours)
    ways = (these_settings(settings, hours), blueprint_of_2024(hours))
    ours, theirs = (bill_of(settings, way, known, today) for way in ways)
    return ours, theirs


def with_other_types(
    settings: Settings, known: Prices, today: date, training_hours: float | None = None
) -> list[str]:
    """Say what the run costs on nodes of each other type in `gpu.instance_type`."""
    first, *others = settings.gpu.types
    if not others or settings.gpu.purchase == "spot" or known.block is not None:
        return []
    texts = []
    for each in others:
        if each not in known.hourly:
            texts.append(f"{each} has no hourly price.")
            continue
        gpu = settings.gpu.model_copy(update={"instance_type": each})
        only_this = settings.model_copy(update={"gpu": gpu})
        try:
            ours, _ = bills(only_this, known, today, training_hours)
        except NoRateError as error:
            texts.append(str(error))
            continue
        texts.append(
            f"With only {each} nodes (${known.hourly[each]:g}), if {first} is not available: "
            f"${ours.total:,.2f} in {ours.way.hours:g} h."
        )
    return texts
