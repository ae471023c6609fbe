"""Parallel requests, none of which can delay or break the others."""

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
# The default for checks.
DEADLINE = 7.0
# A full survey may take longer: it reads many pages.
LOOK_DEADLINE = 60.0


def side_by_side(calls: Mapping[str, Callable[[], T]], deadline: float) -> dict[str, Future[T]]:
    """Start all `calls`; return their futures when all are done or `deadline` seconds are over.

    The threads are daemons: at exit, Python would wait for those of a pool, however long they hang.
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
    # Starting them takes part of the time: each creates its client first.
    wait(futures.values(), timeout=max(until - time.monotonic(), 0))
    return futures


def run_checks(checks: Mapping[str, Check], deadline: float = DEADLINE) -> list[Result]:
    """Run all `checks` side by side; return their results in the order given.

    A check that gets no answer from AWS, that breaks on the answer, or that takes longer than
    `deadline` seconds, is unknown.
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
