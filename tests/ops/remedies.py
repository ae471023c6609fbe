"""What a person can paste of a remedy."""

from __future__ import annotations

from ops.results import Result, StepKind


def of_kind(kind: StepKind, result: Result) -> list[str]:
    return [step.text for step in result.remedy if step.kind is kind]


def commands(result: Result) -> list[str]:
    """What a remedy has one run."""
    return of_kind(StepKind.COMMAND, result)


def proposed(result: Result) -> dict[str, str]:
    """The settings that a remedy's options propose, as the command line takes them."""
    flags = " ".join(of_kind(StepKind.OPTIONS, result)).split()
    assert set(flags[::2]) <= {"-c"}
    return dict(flag.split("=", 1) for flag in flags[1::2])
