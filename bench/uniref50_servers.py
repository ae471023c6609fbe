"""Tests the preparation against servers with arbitrary behavior.

    python -m bench.uniref50_servers [--schedules 2000] [--seed 1]

A schedule says how each request is answered, in order: in one of the ways that RFC 9110 allows,
with a fault, or with another file. After that the server answers normally. Runs of the first stage
are repeated until one succeeds. The rows must be those of one file on the server, never of two; a
run may only fail in a way that allows another; and once the server answers normally, the second run
must succeed.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import http.server
import io
import itertools
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bench.uniref50_data import write_fasta
from bench.uniref50_speed import PROGRAM
from bench.uniref50_web import (
    ATTEMPTS,
    FAULTS,
    LAWFUL,
    METALINKS,
    OTHER,
    Handler,
    Release,
    Schedule,
    Web,
)

sys.path.insert(0, str(PROGRAM.parent))
sys.path.insert(1, str(PROGRAM.parents[1] / "common"))

import connection
import pieces
import segments
import server as server_module
from problems import PreparationError, SourceError
from remote import RemoteSource
from server import Patience
from source import LocalSource, Source

RECORDS, PIECE = 60, 4096
MOST_RUNS = 12  # then the rest of a schedule is dropped
PATIENCE = Patience(stall=0.5, attempts=ATTEMPTS)


def schedules() -> st.SearchStrategy[Schedule]:
    """All schedules: only lawful answers, or also faults and other releases."""
    lawful = st.sampled_from(LAWFUL)
    any_answer = st.sampled_from((*LAWFUL, *LAWFUL, *FAULTS, *FAULTS, *OTHER))
    return st.builds(
        Schedule,
        packed=st.booleans(),
        file=st.one_of(_several(lawful, 25), _several(any_answer, 25), _several(any_answer, 25)),
        metalink=st.one_of(st.none(), *[_several(st.sampled_from(METALINKS), 4)] * 2),
        connections=st.integers(1, 4),
    )


def _several(answers: st.SearchStrategy[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Up to `most` of `answers`; by default hypothesis prefers few."""
    return st.integers(0, most).flatmap(
        lambda count: st.lists(answers, min_size=count, max_size=count).map(tuple)
    )


def _release(folder: Path, number: int, *, packed: bool) -> Release:
    path = folder / f"{number}.fasta{'.gz' * packed}"
    write_fasta(path, RECORDS + number, seed=number)
    work = folder / f"{path.name}-rows"
    work.mkdir()
    return Release(path.read_bytes(), _rows(LocalSource(path), work))


def _rows(source: Source, folder: Path) -> bytes:
    """The rows that the first stage produces from `source`, as in stages.py."""
    try:
        segments.read_source(source, folder)
    except SourceError as error:
        raise source.doubted(error) from None
    return b"".join(path.read_bytes() for path in sorted(folder.glob("segment-*")))


@contextlib.contextmanager
def serving() -> Iterator[Web]:
    """A server with two releases, and a preparation with short pauses between attempts."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        releases = {
            packed: [_release(folder, number, packed=packed) for number in (1, 2)]
            for packed in (True, False)
        }
        web = Web(releases)
        handler = type("Bound", (Handler,), {"web": web})
        listener = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        listener.daemon_threads = True
        listener.handle_error = lambda *about: None  # type: ignore[method-assign]
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        stack.callback(listener.shutdown)
        web.address = f"http://127.0.0.1:{listener.server_port}"
        for module, constant, value in (
            (server_module, "FIRST_PAUSE", 0.001),
            (server_module, "LONGEST_PAUSE", 0.004),
            (pieces, "PIECE", PIECE),
            (connection, "LEAST", 512),
            (segments, "SMALL_PIECE", 1 << 14),
        ):
            stack.enter_context(mock.patch.object(module, constant, value))
        yield web


def runs_until_right(web: Web, schedule: Schedule) -> int:
    """Follow `schedule`, and run until a run succeeds; return the number of runs.

    Raises AssertionError if the preparation does not do what the module's docstring says.
    """
    web.follow(schedule)
    root = Path(tempfile.mkdtemp(prefix="servers-"))
    plain = 0
    try:
        for run in itertools.count(1):
            plain += web.plain()
            outcome = _one_run(web.url, root, schedule.connections)
            if isinstance(outcome, bytes):
                assert outcome in (web.current.rows, web.other.rows), "not the rows of one file"
                return run
            final = isinstance(outcome, SourceError) and web.met
            assert not final, f"final: {outcome}"
            assert not schedule.harmless(), f"one run should suffice: {outcome}"
            assert plain < 2, f"failed although the server answers normally: {outcome}"
            if run > MOST_RUNS:
                web.calm()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    raise AssertionError


def _one_run(url: str, root: Path, connections: int) -> bytes | PreparationError:
    """The rows of a run, or its error."""
    work = root / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        return _rows(RemoteSource(url, root, connections, PATIENCE), work)
    except PreparationError as error:
        return error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    runs: collections.Counter[int] = collections.Counter()
    asked: collections.Counter[str] = collections.Counter()
    began = time.monotonic()
    with serving() as web:

        @seed(options.seed)
        @settings(
            max_examples=options.schedules,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(schedules())
        def follow(schedule: Schedule) -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                runs[runs_until_right(web, schedule)] += 1
            asked.update(schedule.file)

        follow()
    print(
        f"{sum(runs.values()):,} schedules (seed {options.seed}) in "
        f"{time.monotonic() - began:.0f} s: all ended with the rows of one file"
    )
    print("runs needed:", ", ".join(f"{n}: {count:,}" for n, count in sorted(runs.items())))
    print("answers:", ", ".join(f"{how} {count:,}" for how, count in sorted(asked.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
