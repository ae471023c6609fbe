"""Accounts in which the configured GPU nodes are unavailable, and each remedy's outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from ops.results import Result, Step
from rehearsal.pods.view import placements
from tests.conftest import Synthesized
from tests.ops.commands.command_line import Line
from tests.ops.preflight.fixing import bionemo_on, fixed, looked_at, ways
from tests.placed import groups, ledger_of
from tests.simulated.answers import ZONES
from tests.simulated.aws import Answers
from tests.simulated.capacity import BLOCK, block, offered_in, reserved
from tests.simulated.changing import Account
from tests.simulated.person import Person


def offered(**others: Any) -> Answers:
    return {"ec2.describe_instance_type_offerings": offered_in(*ZONES, **others)}


def with_block(hours: float, **row: Any) -> Account:
    """An account with a Capacity Block that ends in so many hours."""
    end = datetime.now(UTC) + timedelta(hours=hours)
    found = reserved(block(EndDate=end, **row))
    return Account(dict(BLOCK), overrides={"ec2.describe_capacity_reservations": found})


# Title, then the account and the check that finds it.
GPU_ACCOUNTS: dict[str, tuple[Callable[[], Account], str]] = {
    "P3, which is retired": (
        lambda: Account({"gpu.instance_type": "p3.16xlarge"}),
        "GPU instance type",
    ),
    "no quota for any P type": (
        lambda: Account(limits={"L_417A185B": 0, "L_DB2E81BA": 0}),
        "GPU vCPU quota",
    ),
    "quota for G only": (
        lambda: Account(limits={"L_417A185B": 0, "L_DB2E81BA": 768}),
        "GPU vCPU quota",
    ),
    "a region with only p5en": (
        lambda: Account(overrides=offered(without=set(GPU_INSTANCE_TYPES) - {"p5en.48xlarge"})),
        "GPU instance type",
    ),
    "a Capacity Block in another zone": (
        lambda: with_block(200, AvailabilityZone="us-west-2c"),
        "Capacity Block",
    ),
    "a Capacity Block that ends in an hour": (lambda: with_block(1), "Capacity Block"),
}


@dataclass(frozen=True)
class Outcome:
    """What came of one way of a remedy: the steps, what preflight says then, and the deployment."""

    steps: Sequence[Step]
    settings: dict[str, str]
    results: list[Result]
    deployment: Synthesized

    @property
    def placed(self) -> list[str | None]:
        """The node of each pod of the deployment, by the model of the scheduler; None for none."""
        found = placements(ledger_of(self.deployment), groups(self.deployment))
        return [node for _, node in found]


def outcomes(title: str, folder: Path) -> Iterator[Outcome]:
    """Carry out each way of the remedy in a new account, and synthesize the outcome.

    `folder` is where commands may write.
    """
    make, check = GPU_ACCOUNTS[title]
    for way, steps in enumerate(ways(looked_at(make())[check])):
        account = make()
        with pytest.MonkeyPatch.context() as patch:
            person = Person(account, bionemo_on(account, Line(patch, folder)), folder)
            results = fixed(account, person, check, way)
        yield Outcome(
            steps, account.settings, list(results.values()), Synthesized(account.settings)
        )
