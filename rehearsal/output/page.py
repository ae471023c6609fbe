"""The page that a rehearsal writes: one self-contained HTML file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from bionemo_eks.configuration.settings import Settings
from ops.project import version
from rehearsal.machine.environment import ACCOUNT
from rehearsal.output import architecture, report
from rehearsal.output.deployment import Deployment
from rehearsal.output.steps import Span

# What `bionemo cost --json` prints, or why there is no estimate.
Cost = dict[str, Any] | str
_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Rehearsed:
    """A successful rehearsal: `context` as given, `steps` in order."""

    settings: Settings
    context: list[str]
    deployment: Deployment
    cost: Cost
    steps: list[Span]
    ended: datetime = field(default_factory=lambda: datetime.now(UTC))


def write(path: Path, rehearsed: Rehearsed) -> None:
    """Write the page to `path`."""
    path.write_text(render(rehearsed), encoding="utf-8")


def render(rehearsed: Rehearsed) -> str:
    """Return the page as HTML; every value is escaped."""
    deployment = rehearsed.deployment
    return _template().render(
        rehearsed=rehearsed,
        account=ACCOUNT,
        version=version(),
        drawing=architecture.draw(deployment),
        width=architecture.WIDTH,
        stacks=_stacks(deployment),
        objects=[report.parts_of(key) for key in deployment.ledger.objects],
        charts=[*deployment.ledger.charts.values()],
        pods=[
            {"name": pod["metadata"]["name"], "node": node or "none", **report.figures(pod)}
            for pod, node in deployment.pods
        ],
        estimate=rehearsed.cost if isinstance(rehearsed.cost, dict) else None,
        refusal=rehearsed.cost if isinstance(rehearsed.cost, str) else "",
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _stacks(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Return each stack's resources, and their number by type."""
    stacks: dict[str, dict[str, Any]] = {}
    for span in deployment.stacks:
        made = [each for each in deployment.resources if each["stack"] == span.name]
        types = Counter(each["type"] for each in made)
        stacks[span.name] = {"resources": made, "types": sorted(types.items())}
    return stacks
