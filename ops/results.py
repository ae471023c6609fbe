"""The result of a check, and the steps to fix it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The verdict of a check; for `unknown` the text says why."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class StepKind(StrEnum):
    """What to do with a step: read it, run it, add it to a command, open it, or name it.

    Everything but a sentence can be pasted unchanged.
    """

    SENTENCE = "sentence"
    COMMAND = "command"
    OPTIONS = "options"
    LINK = "link"
    ARN = "arn"


@dataclass(frozen=True)
class Step:
    """One step of a remedy."""

    kind: StepKind
    text: str


def command(text: str) -> Step:
    """Return a command to run unchanged, in this folder."""
    return Step(StepKind.COMMAND, text)


def options(text: str) -> Step:
    """Return options to add to a cdk command or one of this project's, such as `-c key=value`."""
    return Step(StepKind.OPTIONS, text)


def link(text: str) -> Step:
    """Return a page to open."""
    return Step(StepKind.LINK, text)


def arn(text: str) -> Step:
    """Return an AWS resource that a preceding sentence refers to."""
    return Step(StepKind.ARN, text)


@dataclass(frozen=True)
class Result:
    """The result of one check, in words; a failed one says how to fix it, step by step."""

    name: str
    verdict: Verdict
    said: str
    remedy: tuple[Step, ...] = ()


def passed(name: str, said: str) -> Result:
    """Return a good result."""
    return Result(name, Verdict.PASS, said)


def warned(name: str, said: str, *remedy: Step | str) -> Result:
    """Return a result that stops nothing but needs attention; plain text becomes a sentence."""
    return Result(name, Verdict.WARN, said, _steps(remedy))


def failed(name: str, said: str, *remedy: Step | str) -> Result:
    """Return a result that makes something fail; plain text becomes a sentence."""
    return Result(name, Verdict.FAIL, said, _steps(remedy))


def unknown(name: str, why: str) -> Result:
    """Return the result of a check that could not be completed."""
    return Result(name, Verdict.UNKNOWN, why)


def _steps(remedy: Sequence[Step | str]) -> tuple[Step, ...]:
    return tuple(
        Step(StepKind.SENTENCE, each) if isinstance(each, str) else each for each in remedy
    )


def exit_status(results: Sequence[Result]) -> int:
    """Return 2 if anything fails, 1 for warnings and unknown results, else 0."""
    verdicts = {result.verdict for result in results}
    if Verdict.FAIL in verdicts:
        return 2
    return 1 if verdicts & {Verdict.WARN, Verdict.UNKNOWN} else 0
