"""An iterator that works ahead in its own thread."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
# Seconds.
_POLL = 0.2
_SWITCH = 1e-4


class _End:
    """Marks the end of the queue; holds the iterator's error, if it failed."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(items: Iterator[T], depth: int = 2) -> Generator[T, None, None]:
    """`items`, computed in a thread, up to `depth` ahead of use.

    zlib, hashlib and reads release the GIL, so this keeps a second core busy. An exception from
    `items` is raised here, in its place; closing the generator stops the thread. If the main
    thread runs Python code meanwhile, use quick_turns().
    """
    ready: queue.Queue[T | _End] = queue.Queue(depth)
    stop = threading.Event()
    thread = threading.Thread(target=_produce, args=(items, ready.put, stop), daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()


@contextmanager
def quick_turns() -> Iterator[None]:
    """Let threads take turns after 0.1 ms of Python code instead of the default 5 ms.

    A thread returns from zlib or a read every few milliseconds and needs the GIL for
    microseconds: if it waits 5 ms each time, the second core is half idle.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _produce(items: Iterator[T], put: Callable[..., None], stop: threading.Event) -> None:
    def offer(item: T | _End) -> bool:
        while not stop.is_set():
            try:
                put(item, timeout=_POLL)
            except queue.Full:
                continue
            return True
        return False

    try:
        for item in items:
            if not offer(item):
                return
    except BaseException as error:
        offer(_End(error))
    else:
        offer(_End())
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
