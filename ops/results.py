"""A check and its result; many checks at a time, of which none can hold up or spoil the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

# Checks wait for AWS and not for a core.
_AT_ONCE = 24
DEADLINE = 30.0


class Verdict(StrEnum):
    """What a check found."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "could not tell"


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
_UNHEARD_OF = {"InvalidAction", "UnknownOperationException", "400", "404", "501"}
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException"}
_THROTTLED |= {"RequestLimitExceeded", "SlowDown"}


def reason(error: Exception) -> str:
    """Say in a line why a call to AWS gave no answer."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        call = error.operation_name
        if code in _DENIED:
            return f"not allowed to call {call}"
        if code in _THROTTLED or "limit" in code.lower():
            return f"AWS throttles {call}; try again later"
        message = error.response.get("Error", {}).get("Message", "")
        if code in _UNHEARD_OF or message.startswith("No route"):
            return f"this endpoint does not know {call}"
        return f"{call}: {code}: {message}".strip(": ").splitlines()[0][:200]
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def run_checks(checks: Mapping[str, Check], deadline: float = DEADLINE) -> list[Result]:
    """Run all `checks` side by side; return their results in the order given.

    A check that AWS does not answer, or that takes longer than `deadline` seconds, could not tell.
    """
    pool = ThreadPoolExecutor(_AT_ONCE)
    waiting = {name: pool.submit(_guarded, name, check) for name, check in checks.items()}
    wait(waiting.values(), timeout=deadline)
    pool.shutdown(wait=False, cancel_futures=True)
    return [_taken(name, future, deadline) for name, future in waiting.items()]


def _guarded(name: str, check: Check) -> Result:
    try:
        return check()
    except (ClientError, BotoCoreError) as error:
        return unknown(name, reason(error))


def _taken(name: str, future: Future[Result], deadline: float) -> Result:
    if not future.done() or future.cancelled():
        return unknown(name, f"no answer within {deadline:.0f} s")
    return future.result()


def exit_status(results: Sequence[Result]) -> int:
    """Return 2 if anything fails, 1 for warnings and what could not be told, else 0."""
    verdicts = {result.verdict for result in results}
    if Verdict.FAIL in verdicts:
        return 2
    return 1 if verdicts & {Verdict.WARN, Verdict.UNKNOWN} else 0
