"""Preflight against simulated accounts: what it finds, how it says it, how it ends."""

from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from ops.parallel import run_checks
from ops.reasons import reason
from ops.results import Result, StepKind, Verdict, command, exit_status, failed, passed, unknown
from ops.show.checks import show_results
from tests.ops.accounts import one, results_in
from tests.ops.reading import figures, in_order
from tests.simulated.accounts import SITUATIONS, preflight
from tests.simulated.aws import error

# The name of an AWS call.
CALL = re.compile(r"\b(?:[A-Z][a-z]+){2,}\b")


def test_an_account_in_order_passes_everything() -> None:
    results = results_in("everything in order")
    assert {each.verdict for each in results.values()} == {Verdict.PASS}, results
    assert exit_status(list(results.values())) == 0


def test_a_deployment_that_exists_passes_everything() -> None:
    results = results_in("an existing deployment")
    assert {each.verdict for each in results.values()} == {Verdict.PASS}, results
    assert figures(results["Stacks"].said) == [6]


def test_missing_permissions_hide_no_other_check() -> None:
    results = results_in("no permission for half of the calls")
    by_verdict = dict.fromkeys(Verdict, 0)
    for each in results.values():
        by_verdict[each.verdict] += 1
    assert by_verdict[Verdict.UNKNOWN] >= 4
    assert by_verdict[Verdict.PASS] >= 4
    assert by_verdict[Verdict.FAIL] == 0
    silent = [each.said for each in results.values() if each.verdict is Verdict.UNKNOWN]
    assert all(CALL.search(each) for each in silent), "each names what is not allowed"
    assert exit_status(list(results.values())) == 1


def test_throttling_is_no_failure() -> None:
    results = results_in("throttling")
    unknown = [each for each in results.values() if each.verdict is Verdict.UNKNOWN]
    # All but whose account it is, which is known, and the images, of which AWS is not asked.
    assert {*results} - {each.name for each in unknown} == {"Account", "Images"}
    assert all(CALL.search(each.said) for each in unknown)
    assert exit_status(list(results.values())) == 1


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
    assert results[-1].name == "stuck"


def test_a_check_that_breaks_on_an_answer_is_unknown() -> None:
    def broken() -> Result:
        raise KeyError("StorageCapacity")

    (result,) = run_checks({"x": broken})
    assert result.verdict is Verdict.UNKNOWN
    assert "KeyError" in result.said
    assert "StorageCapacity" in result.said


def test_odd_errors_are_one_line() -> None:
    result = one("Zones", {}, ec2__describe_availability_zones=error("X", "Boom", message="a\nb"))
    assert in_order(result.said, "X", "Boom", "a")
    assert "\n" not in result.said


def test_an_answer_without_a_body_is_reported_by_its_code() -> None:
    """A missing permission, throttling, and an unknown cause are three different things."""
    texts = {code: reason(error("HeadBucket", code, int(code))) for code in ("400", "403", "503")}
    assert all(in_order(each, "HeadBucket") for each in texts.values())
    assert in_order(texts["400"], "400")
    assert len(set(texts.values())) == 3


def shown(results: list[Result], width: int) -> list[str]:
    out = io.StringIO()
    show_results(Console(file=out, width=width), results)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("title", list(SITUATIONS))
def test_output_fits_the_terminal_except_what_is_to_be_pasted(title: str, width: int) -> None:
    settings, answers = SITUATIONS[title]
    results = preflight(settings, answers())
    lines, steps = shown(results, width), [step for each in results for step in each.remedy]
    whole = {f"  {step.text}" for step in steps if step.kind is not StepKind.SENTENCE}
    assert whole <= set(lines)
    assert max(len(line) for line in lines if line not in whole) <= width


def test_words_are_not_broken_at_80_columns() -> None:
    settings, answers = SITUATIONS["no permission for half of the calls"]
    results = preflight(settings, answers())
    text = "\n".join(shown(results, 80))
    for each in results:
        assert in_order(text, each.name)
        assert in_order(text, each.verdict)
        assert all(in_order(text, call) for call in CALL.findall(each.said))


def test_remedies_are_printed_below_with_the_name_of_their_check() -> None:
    lines = shown(
        [failed("A", "is bad", "Fix it:", command("npx fix")), passed("B", "is good")], 80
    )
    at = lines.index("A:")
    assert lines[at + 1 : at + 3] == ["  Fix it:", "  npx fix"]
    assert lines[-1] == "1 pass, 1 fail"


def test_every_row_has_its_verdict_even_if_several_are_the_same() -> None:
    results = [unknown(name, "not allowed to call GetServiceQuota") for name in ("A", "B", "C")]
    rows = [line.split() for line in shown(results, 80) if line[1:2] in ("A", "B", "C")]
    assert [row[:2] for row in rows] == [["A", "unknown"], ["B", "unknown"], ["C", "unknown"]]
    assert all(len(row) > 2 for row in rows)
