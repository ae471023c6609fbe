"""Starts the training's processes in one worker, and decides how the whole training ends.

Every worker runs this program, which runs torchrun. It exits with status 0 only when the ranks of
all workers have ended and the newest complete checkpoint is of the last step: to the training
operator, the first worker that succeeds ends the training. Until then, when a worker is
lost, interrupted or fails, all resume from the newest checkpoint within this program, so that no
container restarts and waiting does not count as failing.
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from hours import Clock
from ranks import Ranks, adopt_orphans
from rounds import ENDED, FAILED, FINISHED, READY, RUNNING, Company, First, Plan, rules_of
from shared import Beat, Record, lock, say

EXIT_FINISHED, EXIT_FAILED, EXIT_TERMINATED = 0, 1, 143
# Status of ranks whose rendezvous with the other workers' never completed.
NEVER_MET = "no rendezvous"


class Worker:
    """One worker: its ranks, its own record, and how it follows the first worker."""

    def __init__(self, options: argparse.Namespace, company: Company, me: Record) -> None:
        self._options, self._company, self._me = options, company, me
        self._beat = Beat(options.state / f"{options.name}.json", dict(me), options.beat)
        self._ranks: Ranks | None = None
        self._round, self._phase = "", READY
        self._since, self._leaves_at, self._have_met = 0.0, 0.0, False
        self._reported = ""
        self.interrupted = False

    def step(self) -> int | None:
        """Do what is due now; return the exit status if that was the last."""
        record = self._company.record
        phase, mine = record.get("phase"), record.get("round") == self._round
        if phase == FINISHED and self._phase != RUNNING:
            say(record["why"])
            return EXIT_FINISHED
        if phase == FAILED and self._me["pod"] in record["pods"]:
            self._stop(gently=False)
            return EXIT_FAILED
        if self.interrupted:
            return self._leave()
        if self._phase == RUNNING:
            self._look_after_ranks()
        if self._phase != READY and not (phase == RUNNING and mine) and phase != FINISHED:
            self._stop(gently=mine and record.get("gently", False))
            self._tell(READY)
        if self._phase == READY and phase == RUNNING and not mine:
            self._start(record)
        if self._phase == READY:
            self._say_who_is_missing()
        return None

    def _tell(self, phase: str, **more: object) -> None:
        self._phase = phase
        self._beat.tell(phase=phase, round=self._round, **more)

    def _start(self, record: Record) -> None:
        if self._me["incarnation"] not in record["members"]:
            return
        self._round, self._since, self._have_met = record["round"], time.monotonic(), False
        self._reported = ""
        self._tell(RUNNING)
        # With its own name, a rendezvous does not meet leftovers of the previous one.
        self._ranks = Ranks(self._options.command, {"PET_RDZV_ID": self._round})

    def _look_after_ranks(self) -> None:
        assert self._ranks is not None
        self._have_met = self._have_met or self._ranks.working()
        status: int | str | None = self._ranks.status()
        if status is None and not self._have_met:
            if time.monotonic() - self._since < self._options.meeting:
                return
            status = NEVER_MET
        if status is not None:
            say(f"torchrun: {status}" if status == NEVER_MET else f"torchrun ended: {status}")
            self._stop(gently=False)
            self._tell(ENDED, status=status)

    def _stop(self, *, gently: bool) -> None:
        """End the ranks; `gently`: with SIGTERM and time for a checkpoint first."""
        if self._ranks is None:
            return
        if gently:
            self._ranks.warn()
            until = time.monotonic() + self._options.grace
            while self._ranks.working() and time.monotonic() < until:
                time.sleep(min(0.2, self._options.beat))
        self._ranks.end()
        self._ranks = None
        # Files that killed processes left there count as this container's memory.
        if self._options.shared_memory:
            empty(self._options.shared_memory)

    def _leave(self) -> int | None:
        """After SIGTERM: tell the others, and exit when the ranks have had time to save."""
        if not self._leaves_at:
            say("told to stop; the training resumes when a replacement for this worker is here")
            self._leaves_at = time.monotonic() + self._options.grace
            self._beat.tell(interrupted=True)
            if self._ranks:
                self._ranks.warn()
        if self._ranks and self._ranks.working() and time.monotonic() < self._leaves_at:
            return None
        self._stop(gently=False)
        return EXIT_TERMINATED

    def _say_who_is_missing(self) -> None:
        missing = self._company.missing()
        text = f"waiting for {', '.join(missing)}" if missing else "waiting for the first worker"
        if text != self._reported:
            self._reported = text
            say(text)


def empty(folder: Path) -> None:
    """Empty a folder that is not in use."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def run(options: argparse.Namespace) -> int:
    """Run one worker to the end; return the exit status."""
    # The first process of a container ignores signals that it has no handler for.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(EXIT_TERMINATED))
    adopt_orphans()
    options.state.mkdir(parents=True, exist_ok=True)
    incarnation = uuid.uuid4().hex
    me: Record = {"incarnation": incarnation, "pod": options.pod or incarnation, "phase": READY}
    common, number = options.name.rpartition("-")[::2]
    names = [f"{common}-{each}" for each in range(options.workers)]
    company = Company(options.state, names, options.patience)
    before = company.left_by_the_last()
    if before.get("phase") == FAILED and me["pod"] in before["pods"]:
        say(before["why"])
        return EXIT_FAILED
    with ExitStack() as held:
        # The data Job waits for this lock before it replaces the data set.
        data = lock(options.data_lock, exclusive=False, waiting_for="the data set's preparation")
        held.enter_context(data)
        if number == "0":
            # One at a time, even if Kubernetes wrongly believes that the previous one is gone.
            path = options.state / "first"
            held.enter_context(lock(path, exclusive=True, waiting_for="the previous worker"))
            plan = Plan(options.workers, options.max_steps, options.failures)
            first = First(company, rules_of(options), plan, me)
            clock = Clock(options.results)
            held.callback(clock.keep)
            return _work(options, company, first, me, clock)
        return _work(options, company, None, me)


def _work(
    options: argparse.Namespace,
    company: Company,
    first: First | None,
    me: Record,
    clock: Clock | None = None,
) -> int:
    with wake_up_on_sigterm() as (received, pause):
        worker = Worker(options, company, me)
        while True:
            company.look()
            if first:
                first.decide()
            if clock:
                clock.tick()
            worker.interrupted = bool(received)
            status = worker.step()
            if status is not None:
                return status
            pause(options.beat)


@contextmanager
def wake_up_on_sigterm() -> Iterator[tuple[list[int], Callable[[float], None]]]:
    """Yield a list that SIGTERM fills, and a pause (in seconds) that it ends.

    https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd
    """
    received: list[int] = []
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.set_blocking(reader, False)

    def pause(seconds: float) -> None:
        if select.select([reader], [], [], seconds)[0]:
            os.read(reader, 4096)

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    signal.signal(signal.SIGTERM, note)
    signal.set_wakeup_fd(writer)
    try:
        yield received, pause
    finally:
        signal.set_wakeup_fd(-1)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; only tests override the defaults."""
    found = argparse.ArgumentParser(description=__doc__)
    add = found.add_argument
    add("--state", type=Path, required=True, help="folder through which the workers communicate")
    add("--workers", type=int, required=True, help="number of workers")
    add("--name", default=socket.gethostname(), help="this worker's name, which ends in -NUMBER")
    add("--pod", default=os.environ.get("POD_UID", ""), help="id that outlasts the container")
    add("--max-steps", type=int, required=True, help="the last step")
    add("--failures", type=int, required=True, help="failures in a row to give up at")
    add("--rules", required=True, help="module that knows the workload's files")
    add("--results", type=Path, required=True, help="folder below which the checkpoints are")
    add("--data", type=Path, required=True, help="folder of the data set")
    add("--data-lock", type=Path, required=True, help="file to lock while the data set is read")
    add("--shared-memory", type=Path, help="folder that only the ranks use, such as /dev/shm")
    # Two minutes of silence: well above a file system's hiccups, because a round that ends for
    # nothing costs up to val_check_interval steps; and sooner than Kubernetes replaces the pod of a
    # vanished node (40 seconds and 5 minutes). Until then, knowing earlier gains nothing.
    add("--beat", type=float, default=5.0, help="seconds between two checks")
    add("--patience", type=int, default=24, help="checks after which a silent worker is gone")
    # Below the pod's terminationGracePeriodSeconds.
    add("--grace", type=float, default=90.0, help="seconds to save a checkpoint after SIGTERM")
    # All workers are here by then: if it takes longer, the network lets nothing through.
    add("--meeting", type=float, default=1800.0, help="seconds for torchrun's rendezvous")
    add("command", nargs="+", metavar="-- COMMAND", help="torchrun and what it starts")
    return found


def main() -> int:
    """Run the command line; return the exit status."""
    try:
        return run(parser().parse_args())
    except OSError as error:
        print(f"error: {error.filename or 'file system'}: {error.strerror}", file=sys.stderr)
        return EXIT_FAILED


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
