"""Many looks at a time, of which none can hold up or spoil the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import TypeVar

from ops.reasons import failure_reason
from ops.results import Result, unknown

T = TypeVar("T")
Check = Callable[[], Result]
# Of checks that nobody gives another.
DEADLINE = 7.0
# A look at everything may take longer: it has many pages to turn.
LOOK_DEADLINE = 60.0


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
