"""What `make deploy` asks before it starts: what stops it, what it shows, when it asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ops.commands import ready
from ops.preflight.looking import DECISIVE
from tests.ops.accounts import results_in
from tests.ops.commands.command_line import Line
from tests.simulated.accounts import good, preflight
from tests.simulated.answers import quotas
from tests.simulated.aws import Answers, denied, error

SHORT: Answers = {"service-quotas.get_service_quota": quotas(L_417A185B=0)}
UNKNOWN: Answers = {"service-quotas.get_service_quota": denied("GetServiceQuota")}
WARNED: Answers = {"s3.head_bucket": denied("HeadBucket")}


def late(name: str, times: int = 1) -> Callable[..., Mapping[str, Any]]:
    """A good account's answer, throttled the first `times` times."""
    answer, asked = good()[name], []

    def throttled_first(**arguments: Any) -> Mapping[str, Any]:
        asked.append(arguments)
        if len(asked) <= times:
            raise error(name, "Throttling")
        assert not isinstance(answer, Exception)
        return answer(**arguments) if callable(answer) else answer

    return throttled_first


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "at_a_terminal", lambda: True)


@pytest.mark.parametrize(
    ("answers", "options", "status"),
    [
        ({}, [], 0),
        (WARNED, [], 0),
        (SHORT, [], 2),
        (SHORT, ["--unsure", "--yes"], 2),
        (UNKNOWN, [], 2),
        (UNKNOWN, ["--unsure"], 0),
    ],
)
def test_without_a_terminal_failed_and_unknown_checks_stop_a_deployment(
    answers: Answers, options: list[str], status: int, line: Line
) -> None:
    done = line(answers, "ready", *options)
    assert done.exit_code == status, done.output
    assert "Deploy?" not in done.output


def test_an_unknown_check_is_named_with_the_option_to_deploy_anyway(line: Line) -> None:
    done = line(UNKNOWN, "ready")
    (message,) = [each for each in done.stderr.splitlines() if each.startswith("Not deployed")]
    assert "GPU vCPU quota" in message
    assert "make deploy UNSURE=1" in " ".join(done.stderr.split())


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_a_person_is_asked_once_and_no_answer_means_no(
    answer: str, status: int, line: Line
) -> None:
    done = line({}, "ready", answer=answer)
    assert done.exit_code == status
    assert done.output.count("Deploy?") == 1
    assert ("Nothing has been deployed" in done.output) == bool(status)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("answers", [{}, SHORT])
def test_with_yes_there_is_no_question(answers: Answers, line: Line) -> None:
    assert "Deploy?" not in line(answers, "ready", "--yes").output


@pytest.mark.usefixtures("terminal")
def test_everything_is_on_one_screen(line: Line) -> None:
    done = line(WARNED, "ready", answer="n\n")
    lines = done.output.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = " ".join(done.output.split())
    assert "bionemo-on-eks in us-west-2, account 111122223333" in text
    assert "A full run costs about $" in text
    assert "2 x p4d.24xlarge, on-demand" in text
    assert "Bucket name" in text


def test_a_type_without_a_price_says_so(line: Line) -> None:
    """AWS sells it only in Capacity Blocks, so a quota or an offer may be missing, too."""
    done = line({}, "ready", "-c", "gpu.instance_type=p5e.48xlarge")
    assert "cost of a run is unknown" in " ".join(done.output.split())


def test_each_check_that_can_stop_a_deployment_exists() -> None:
    of_some = {"Capacity reservation", "Capacity Block", "Input files", "FSx links"}
    assert set(DECISIVE) - of_some <= results_in("everything in order").keys()
    assert "Capacity Block" in results_in("a Capacity Block in another zone")
    own = {each.name for each in preflight({"dataset.url": "s3://bucket/a.fasta"}, good())}
    assert {"Input files", "FSx links"} <= own


def test_a_throttled_call_is_repeated(line: Line) -> None:
    answers: Answers = {
        "ec2.describe_availability_zones": late("ec2.describe_availability_zones"),
        **WARNED,
    }
    done = line(answers, "preflight")
    assert "unknown" not in done.stdout
    (message,) = [each for each in done.stderr.splitlines() if each.startswith("Asking again")]
    assert "Zones" in message


def test_nothing_is_repeated_without_patience_or_permission(line: Line) -> None:
    late_zones = late("ec2.describe_availability_zones")
    done = line({"ec2.describe_availability_zones": late_zones}, "preflight", "--patience", "0")
    assert "unknown" in done.stdout
    assert "Asking again" not in done.output
    assert "Asking again" not in line(UNKNOWN, "preflight").output
