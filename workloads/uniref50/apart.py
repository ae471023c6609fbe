"""An iterator of byte blocks that runs in a process of its own."""

from __future__ import annotations

import ctypes
import mmap
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess

from problems import PreparationError

SLOT = 1 << 20
SLOTS = 16
_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(parent: int) -> None:
    """Called in a child: let the kernel kill it when `parent`, a process id, is gone (Linux)."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # gone before the call
            os._exit(1)


def apart(blocks: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """What `blocks()` yields, made in a process forked now and passed through shared memory.

    Unpacking then has a core to itself: in a thread it would wait for Python's global lock
    whenever the parser holds it. Blocks longer than SLOT arrive in pieces.

    Raises:
        PreparationError: whatever `blocks()` raises, or the process was killed from outside.
    """
    context = multiprocessing.get_context("fork")
    ring = mmap.mmap(-1, SLOT * SLOTS)
    here, there = context.Pipe()
    process = context.Process(
        target=_fill, args=(blocks, ring, there, here, os.getpid()), daemon=True
    )
    process.start()
    there.close()
    return _from(process, ring, here)


def _from(process: ForkProcess, ring: mmap.mmap, here: Connection) -> Iterator[bytes]:
    """Take the blocks; end the process, whatever happens."""
    try:
        yield from _drain(ring, here)
    except (EOFError, ConnectionError):
        process.join()
        raise PreparationError(_killed(process.exitcode)) from None
    finally:
        process.kill()
        process.join()
        here.close()
        ring.close()


def _killed(exit_code: int | None) -> str:
    if exit_code == -signal.SIGKILL:
        return "the unpacking process was killed; most often that means too little memory"
    return f"the unpacking process ended with exit code {exit_code}"


def _drain(ring: mmap.mmap, pipe: Connection) -> Iterator[bytes]:
    """Take blocks from `ring` in turn; each message is a length, or how it ended."""
    slot = 0
    while (message := pipe.recv()) is not None:
        if isinstance(message, BaseException):
            raise message
        start = slot * SLOT
        block = ring[start : start + message]
        pipe.send_bytes(b"+")  # the slot is free again
        yield block
        slot = (slot + 1) % SLOTS


def _fill(
    blocks: Callable[[], Iterator[bytes]],
    ring: mmap.mmap,
    pipe: Connection,
    other: Connection,
    parent: int,
) -> None:
    """The child's side: put blocks into `ring`, at most SLOTS ahead of the parent."""
    die_with_parent(parent)
    other.close()
    slot, taken = 0, 0
    end: BaseException | None
    try:
        for block in blocks():
            for piece in (block[i : i + SLOT] for i in range(0, len(block), SLOT)):
                if taken == SLOTS:
                    pipe.recv_bytes()
                    taken -= 1
                ring[slot * SLOT : slot * SLOT + len(piece)] = piece
                pipe.send(len(piece))
                slot, taken = (slot + 1) % SLOTS, taken + 1
        end = None
    except (EOFError, ConnectionError):
        os._exit(1)  # the parent has gone
    except BaseException as error:
        end = error
    pipe.send(end)
    # Stay until the parent has read all: a closed socket would lose what is on the way.
    signal.pause()
