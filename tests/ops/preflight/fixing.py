"""What preflight says about an account before and after its remedies are carried out."""

from __future__ import annotations

from collections.abc import Callable

from ops.results import Result, Step, StepKind, Verdict
from tests.ops.commands.command_line import Line
from tests.simulated.accounts import preflight
from tests.simulated.changing import Account
from tests.simulated.person import Person

_DOABLE = {StepKind.COMMAND, StepKind.OPTIONS, StepKind.ARN}


def ways(result: Result) -> list[list[Step]]:
    """A remedy's alternatives: each further one begins with `Or`."""
    found: list[list[Step]] = [[]]
    for step in result.remedy:
        if step.kind is StepKind.SENTENCE and step.text.startswith("Or "):
            found.append([])
        found[-1].append(step)
    return [way for way in found if {step.kind for step in way} & _DOABLE or _says_what(way)]


def _says_what(way: list[Step]) -> bool:
    return any('" and deploy' in step.text for step in way)


def looked_at(account: Account) -> dict[str, Result]:
    """What preflight says of the account."""
    return {each.name: each for each in preflight(dict(account.settings), account.answers())}


def fixed(account: Account, person: Person, check: str, way: int) -> dict[str, Result]:
    """What preflight says once the remedies are carried out, one after the other."""
    result = looked_at(account)[check]
    assert result.verdict in (Verdict.FAIL, Verdict.WARN), result
    person.carry_out(ways(result)[way])
    for _ in range(3):
        results = looked_at(account)
        wrong = [each for each in results.values() if each.verdict is Verdict.FAIL]
        if not wrong:
            break
        for each in wrong:
            person.carry_out(ways(each)[0])
    return results


def bionemo_on(account: Account, line: Line) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        chosen = [word for pair in account.settings.items() for word in ("-c", "=".join(pair))]
        done = line(account.answers(), *arguments, *chosen)
        return done.output

    return run
