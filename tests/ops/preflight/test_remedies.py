"""Every remedy that preflight prints, carried out: then preflight passes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import preflight
from ops.results import Step, StepKind, Verdict
from tests.ops.commands.command_line import Line
from tests.ops.preflight.fixing import bionemo_on, fixed, looked_at, ways
from tests.ops.preflight.given_accounts import GIVEN
from tests.ops.preflight.own_accounts import OWN
from tests.simulated.person import Person

STATES = {**OWN, **GIVEN}


@pytest.mark.parametrize("title", STATES)
def test_preflight_passes_after_each_remedy_that_it_prints(
    title: str, line: Line, tmp_path: Path
) -> None:
    make, check = STATES[title]
    number = len(ways(looked_at(make())[check]))
    assert number, "there is a way"
    for way in range(number):
        account = make()
        person = Person(account, bionemo_on(account, line), tmp_path)
        results = fixed(account, person, check, way)
        failing = [each for each in results.values() if each.verdict is Verdict.FAIL]
        assert not failing, failing
        # With other settings a check may have nothing to look at any more.
        assert check not in results or results[check].verdict is Verdict.PASS, results[check]


def remedies_in_the_code() -> Iterator[tuple[str, int]]:
    """(file, line) of each command and each set of options in a function of preflight."""
    for path in Path(preflight.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
        for call in (each for function in functions for each in ast.walk(function)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in (
                "command",
                "options",
            ):
                yield path.name, call.lineno


def test_every_remedy_in_the_code_is_carried_out_by_some_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new one needs a state in which it is carried out."""
    reached, made = set(), Step.__init__

    def noted(self: Step, kind: StepKind, text: str) -> None:
        frame = sys._getframe(2)  # the caller of `command` or `options`
        reached.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
        made(self, kind, text)

    monkeypatch.setattr(Step, "__init__", noted)
    for make, _ in STATES.values():
        looked_at(make())
    left_out = set(remedies_in_the_code()) - reached
    assert not left_out
