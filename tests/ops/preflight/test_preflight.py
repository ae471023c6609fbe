"""Preflight against simulated accounts: what it finds, how it says it, how it ends."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from ops.parallel import run_checks
from ops.reasons import reason
from ops.results import Result, StepKind, Verdict, command, exit_status, failed, passed
from ops.show.checks import show_results
from tests.ops.accounts import found, one
from tests.ops.reading import commands
from tests.simulated.accounts import SITUATIONS, preflight
from tests.simulated.aws import ACCOUNT, error


def test_an_account_in_order_passes_everything() -> None:
    results = found("everything in order")
    assert {each.verdict for each in results.values()} == {Verdict.PASS}, results
    assert exit_status(list(results.values())) == 0


def test_a_deployment_that_stands_passes_everything() -> None:
    results = found("a deployment that stands")
    assert {each.verdict for each in results.values()} == {Verdict.PASS}, results
    assert "this will be an update" in results["Stacks"].said


def test_without_bootstrap_the_command_is_given() -> None:
    result = found("not bootstrapped")["CDK bootstrap"]
    assert result.verdict is Verdict.FAIL
    assert commands(result) == [f"npx cdk bootstrap aws://{ACCOUNT}/us-west-2"]


def test_missing_permissions_leave_the_other_checks_standing() -> None:
    results = found("no permission for half of the calls")
    by_verdict = dict.fromkeys(Verdict, 0)
    for each in results.values():
        by_verdict[each.verdict] += 1
    assert by_verdict[Verdict.UNKNOWN] >= 4
    assert by_verdict[Verdict.PASS] >= 4
    assert by_verdict[Verdict.FAIL] == 0
    assert all(
        each.said.startswith("not allowed to call")
        for each in results.values()
        if each.verdict is Verdict.UNKNOWN
    )
    assert exit_status(list(results.values())) == 1


def test_throttling_is_no_failure() -> None:
    results = found("throttling")
    unknown = [each for each in results.values() if each.verdict is Verdict.UNKNOWN]
    assert len(unknown) == len(results) - 1  # all but whose account it is, which is known
    assert all("throttles" in each.said for each in unknown)


def test_checks_run_side_by_side_and_none_holds_up_the_rest() -> None:
    def slow() -> Result:
        time.sleep(0.3)
        return passed("x", "")

    def stuck() -> Result:
        time.sleep(1.5)
        return passed("stuck", "")

    began = time.monotonic()
    results = run_checks({**{str(n): slow for n in range(10)}, "stuck": stuck}, deadline=0.8)
    assert time.monotonic() - began < 1.2
    assert [each.verdict for each in results] == [Verdict.PASS] * 10 + [Verdict.UNKNOWN]
    assert "no answer within" in results[-1].said


def test_a_check_that_breaks_on_an_answer_could_not_tell() -> None:
    def broken() -> Result:
        raise KeyError("StorageCapacity")

    (result,) = run_checks({"x": broken})
    assert result.verdict is Verdict.UNKNOWN
    assert "KeyError" in result.said
    assert "StorageCapacity" in result.said


def test_odd_errors_are_one_line() -> None:
    result = one("Zones", {}, ec2__describe_availability_zones=error("X", "Boom", message="a\nb"))
    assert result.said == "X: Boom: a"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("400", "HeadBucket is answered with 400"),
        ("503", "AWS throttles HeadBucket; try again later"),
        ("403", "not allowed to call HeadBucket"),
    ],
)
def test_an_answer_without_a_body_is_told_by_its_code(code: str, said: str) -> None:
    assert reason(error("HeadBucket", code, int(code))).startswith(said)


def shown(results: list[Result], width: int) -> list[str]:
    out = io.StringIO()
    show_results(Console(file=out, width=width), results)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("title", list(SITUATIONS))
def test_output_fits_the_terminal_but_for_what_is_to_be_pasted(title: str, width: int) -> None:
    settings, answers = SITUATIONS[title]
    results = preflight(settings, answers())
    lines, steps = shown(results, width), [step for each in results for step in each.remedy]
    whole = {f"  {step.text}" for step in steps if step.kind is not StepKind.SENTENCE}
    assert whole <= set(lines)
    assert max(len(line) for line in lines if line not in whole) <= width


def test_words_are_not_broken_at_80_columns() -> None:
    settings, answers = SITUATIONS["no permission for half of the calls"]
    text = "\n".join(shown(preflight(settings, answers()), 80))
    assert "unknown" in text
    assert "not allowed to call" in text


def test_remedies_are_printed_below_with_the_name_of_their_check() -> None:
    lines = shown(
        [failed("A", "is bad", "Mend it:", command("npx mend")), passed("B", "is good")], 80
    )
    at = lines.index("A:")
    assert lines[at + 1 : at + 3] == ["  Mend it:", "  npx mend"]
    assert lines[-1] == "1 pass, 1 fail"
