"""A check and its result; many checks at a time, of which none can hold up or spoil the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from botocore.exceptions import ClientError

T = TypeVar("T")
# Of checks that nobody gives another.
DEADLINE = 7.0
# A look at everything may take longer: it has many pages to turn.
LOOK_DEADLINE = 60.0


class Verdict(StrEnum):
    """What a check found; `unknown` stands for: could not tell, and the text says why."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Result:
    """What one check found, in words; a failed one says how to mend it."""

    name: str
    verdict: Verdict
    said: str
    remedy: str = ""


def passed(name: str, said: str) -> Result:
    """Return a result that is as it should be."""
    return Result(name, Verdict.PASS, said)


def warned(name: str, said: str, remedy: str = "") -> Result:
    """Return a result that will not stop anything, but is worth a look."""
    return Result(name, Verdict.WARN, said, remedy)


def failed(name: str, said: str, remedy: str) -> Result:
    """Return a result that something will fail for."""
    return Result(name, Verdict.FAIL, said, remedy)


def unknown(name: str, why: str) -> Result:
    """Return the result of a check that could not be made."""
    return Result(name, Verdict.UNKNOWN, why)


Check = Callable[[], Result]

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.Unauthorized"}
# Emulators, and partitions that lack a service.
_UNHEARD_OF = {"InvalidAction", "UnknownOperationException", "404", "501"}
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException"}
_THROTTLED |= {"RequestLimitExceeded", "SlowDown", "RequestThrottled", "503"}
_LONGEST = 200


def code_of(error: Exception) -> str:
    """Return AWS' code for an error; empty if it is none of AWS'."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: Exception) -> bool:
    """Whether the caller lacks a permission."""
    return code_of(error) in _DENIED or code_of(error) == "403"


def is_throttled(error: Exception) -> bool:
    """Whether AWS asks to come back later."""
    return code_of(error) in _THROTTLED


def reason(error: Exception) -> str:
    """Say in a line why a call to AWS gave no answer."""
    if not isinstance(error, ClientError):
        return (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST]
    code, call = code_of(error), error.operation_name
    message = str(error.response.get("Error", {}).get("Message", ""))
    if is_denied(error):
        return f"not allowed to call {call}"
    if is_throttled(error):
        return f"AWS throttles {call}; try again later"
    if code in _UNHEARD_OF or message.startswith("No route"):
        return f"this endpoint does not know {call}"
    # The answer to a HEAD has no body, so the code is all there is.
    if code.isdigit():
        head = call.startswith("Head")
        guess = "an expired login, or another region's name" if head else "no reason is given"
        return f"{call} is answered with {code}; {guess}"
    return f"{call}: {code}: {message}".strip(": ").splitlines()[0][:_LONGEST]


def side_by_side(calls: Mapping[str, Callable[[], T]], deadline: float) -> dict[str, Future[T]]:
    """Start all `calls`; return their futures when all are done or `deadline` seconds are over.

    The threads are daemons: Python waits for those of a pool when it ends, however long they hang.
    """
    until = time.monotonic() + deadline
    futures: dict[str, Future[T]] = {name: Future() for name in calls}

    def run(name: str) -> None:
        try:
            futures[name].set_result(calls[name]())
        except Exception as error:
            futures[name].set_exception(error)

    for name in calls:
        threading.Thread(target=run, args=(name,), daemon=True, name=name).start()
    # Starting them takes a part of the time: each makes its client first, which is work.
    wait(futures.values(), timeout=max(until - time.monotonic(), 0))
    return futures


def run_checks(checks: Mapping[str, Check], deadline: float = DEADLINE) -> list[Result]:
    """Run all `checks` side by side; return their results in the order given.

    A check that AWS does not answer, that breaks on what AWS answers, or that takes longer than
    `deadline` seconds, could not tell.
    """
    looked = side_by_side(checks, deadline)
    return [_taken(name, future, deadline) for name, future in looked.items()]


def _taken(name: str, future: Future[Result], deadline: float) -> Result:
    try:
        return future.result(timeout=0)
    except TimeoutError:
        return unknown(name, f"no answer within {deadline:.0f} s")
    except Exception as error:
        return unknown(name, failure_reason(error))


def failure_reason(error: Exception) -> str:
    """Say in a line why a look failed, whatever it failed of."""
    if type(error).__module__.partition(".")[0] in ("botocore", "ops"):
        return reason(error)
    return f"an answer that is not understood: {type(error).__name__}: {reason(error)}"


def exit_status(results: Sequence[Result]) -> int:
    """Return 2 if anything fails, 1 for warnings and what could not be told, else 0."""
    verdicts = {result.verdict for result in results}
    if Verdict.FAIL in verdicts:
        return 2
    return 1 if verdicts & {Verdict.WARN, Verdict.UNKNOWN} else 0
