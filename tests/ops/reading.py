"""What a person reads in a result: its figures, and what to paste from its remedy."""

from __future__ import annotations

import re

from ops.results import Result, StepKind


def figures(text: str) -> list[int]:
    """The whole numbers of a text, in order, without those that are part of a name."""
    numbers = re.findall(r"(?<![\w.-])\d[\d,]*(?![\w.]?\w)", text)
    return [int(each.replace(",", "")) for each in numbers]


def needed_used_allowed(result: Result) -> list[int]:
    """A quota's figures: needed, used, allowed; its name, before the colon, may hold others."""
    _, _, counted = result.said.partition(": ")
    return figures(counted)[:3]


def in_order(text: str, *words: str) -> bool:
    """Whether a text holds these, each as a whole word, one after the other."""
    pattern = ".*".join(rf"(?<![\w.-]){re.escape(word)}(?![\w-])" for word in words)
    return re.search(pattern, text, re.DOTALL) is not None


def of_kind(kind: StepKind, result: Result) -> list[str]:
    return [step.text for step in result.remedy if step.kind is kind]


def commands(result: Result) -> list[str]:
    """The commands of a remedy."""
    return of_kind(StepKind.COMMAND, result)


def proposed(result: Result) -> dict[str, str]:
    """The settings that a remedy's options propose, as the command line accepts them."""
    flags = " ".join(of_kind(StepKind.OPTIONS, result)).split()
    assert set(flags[::2]) <= {"-c"}
    return dict(flag.split("=", 1) for flag in flags[1::2])
