"""When the ranks of all workers start and end. The first worker decides for all.

A round: every worker is here and has no rank left; the first cleans up after the last round; all
start their ranks; all end. A worker that is lost, interrupted or has failed ends the round for all,
because the world size is fixed, and the next one begins when all are here again. Waiting for that
has no limit, and does not count towards the limit on failures: that counts rounds in a row in which
a worker failed or restarted and that left no newer checkpoint.
"""

from __future__ import annotations

import argparse
import importlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from shared import Member, Record, read_record, say, write_record

# Phases of a round, in its record, which the first worker writes.
RUNNING, OVER, FINISHED, FAILED = "running", "over", "finished", "failed"
# Phases of a worker, in its own record.
READY, ENDED = "ready", "ended"


class Rules(Protocol):
    """What a workload knows about its own files."""

    def tidy(self) -> None:
        """Clean up after a crash so that the training can start; no rank runs now."""

    def newest_step(self) -> int:
        """Return the step of the newest complete checkpoint; 0 without one."""

    def finished(self, max_steps: int) -> bool:
        """Return whether all `max_steps` steps are done and nothing else is left to do."""


def rules_of(options: argparse.Namespace) -> Rules:
    """Return what the workload's own module, `options.rules`, knows about its files."""
    module = importlib.import_module(options.rules)
    return cast(Rules, module.Rules(options.results, options.data))


@dataclass(frozen=True)
class Plan:
    """What all workers of a run agree on: their number, the last step, and failures to stop at."""

    workers: int
    max_steps: int
    failures: int


def finished_text(step: int, max_steps: int) -> str:
    """Say that the training is finished, and why."""
    return f"finished: the newest checkpoint is of step {step:,}; max_steps is {max_steps:,}"


class Company:
    """All workers of a run and the record of their round, as one worker sees them."""

    def __init__(self, folder: Path, names: Sequence[str], patience: int) -> None:
        self.members = [Member(folder / f"{name}.json", patience) for name in names]
        self._names = names
        self._path = folder / "round.json"
        self.record: Record = {}

    def look(self) -> None:
        """Update who is alive, and the round's record, which counts only while its writer lives."""
        for each in self.members:
            each.look()
        found = read_record(self._path)
        first = self.members[0].incarnation
        self.record = found if first and found.get("first") == first else {}

    def left_by_the_last(self) -> Record:
        """Return the record of the round, even if an earlier first worker wrote it."""
        return read_record(self._path)

    def tell(self, record: Record) -> None:
        """Write the record of the round."""
        self.record = record
        write_record(self._path, record)

    def settled(self) -> bool:
        """Whether each worker is either here without ranks, or has been silent for long."""
        return all(
            each.record["phase"] in (READY, ENDED) if each.lives else each.silent
            for each in self.members
        )

    def missing(self) -> list[str]:
        """Return the names of those that are not alive."""
        pairs = zip(self._names, self.members, strict=True)
        return [name for name, each in pairs if not each.lives]

    def ready(self) -> bool:
        """Whether all are here, none is about to leave, and none has a rank left."""
        here = all(each.lives and each.record["phase"] == READY for each in self.members)
        return here and not self.interrupted()

    def lost(self, incarnations: Sequence[str]) -> list[str]:
        """Return the names of those that no longer match `incarnations`."""
        triples = zip(self._names, self.members, incarnations, strict=True)
        return [name for name, each, was in triples if each.incarnation != was]

    def started_again(self, incarnations: Sequence[str], pods: Sequence[str]) -> list[str]:
        """Return the names of those whose program has restarted in the same pod."""
        lost = self.lost(incarnations)
        triples = zip(self._names, self.members, pods, strict=True)
        return [
            name
            for name, each, pod in triples
            if name in lost and each.lives and each.record["pod"] == pod
        ]

    def interrupted(self) -> list[str]:
        """Return the names of those that have been told to stop."""
        pairs = zip(self._names, self.members, strict=True)
        return [name for name, each in pairs if each.lives and each.record.get("interrupted")]

    def statuses(self, of: str) -> dict[str, Any]:
        """Return the exit statuses of the ranks that have ended in a round, by name."""
        return {
            name: each.record["status"]
            for name, each in zip(self._names, self.members, strict=True)
            if each.record.get("phase") == ENDED and each.record.get("round") == of
        }

    def what_all_say(self, key: str) -> list[str]:
        """Return each worker's `key`."""
        return [str(each.record[key]) for each in self.members]


class First:
    """What the first worker does for all."""

    def __init__(self, company: Company, rules: Rules, plan: Plan, me: Record) -> None:
        self._company, self._rules, self._plan, self._me = company, rules, plan, me
        before = company.left_by_the_last()
        self._failures = int(before.get("failures", 0))
        self._step = int(before.get("step", 0))
        self._pods = [str(each) for each in before.get("pods", [])]
        # A container restarted in its pod has failed; a new pod means the worker was moved.
        here_before = before.get("phase") == RUNNING and me["pod"] in self._pods
        self._by_itself = here_before or bool(before.get("by_itself", False))
        self._has_asked = False

    def decide(self) -> None:
        """Look at all workers, and record what they must do next."""
        company, phase = self._company, self._company.record.get("phase")
        if phase == RUNNING:
            self._watch(company.record)
        elif phase in (FINISHED, FAILED):
            return
        elif company.ready():
            self._begin()
        elif not self._has_asked and company.settled():
            # Otherwise workers might wait for a node only to learn that nothing is left to do.
            self._has_asked = True
            self._finished()

    def _finished(self) -> bool:
        """Tell all workers if the last step has been done."""
        step, last = self._rules.newest_step(), self._plan.max_steps
        if not self._rules.finished(last):
            return False
        self._tell(FINISHED, finished_text(step, last), step=step)
        return True

    def _begin(self) -> None:
        if self._finished():
            return
        self._rules.tidy()
        step = self._rules.newest_step()
        pods = self._company.what_all_say("pod")
        if step > self._step or not set(pods) & set(self._pods):
            self._failures = 0  # it made progress, or was started again
        elif self._by_itself:
            self._failures += 1
        self._step, self._pods, self._by_itself = step, pods, False
        facts: Record = {"step": step, "pods": pods}
        if self._failures >= self._plan.failures:
            times = f"failed {self._failures} times in a row"
            self._tell(FAILED, f"{times} without a checkpoint newer than step {step:,}", **facts)
            return
        self._has_asked = False
        facts["round"] = uuid.uuid4().hex[:12]
        facts["members"] = self._company.what_all_say("incarnation")
        here = f"all {self._plan.workers} workers are here"
        self._tell(RUNNING, f"{here}; the training starts from step {step:,}", **facts)

    def _watch(self, record: Record) -> None:
        company, plan = self._company, self._plan
        statuses = company.statuses(record["round"])
        wrong = [f"{name} ended with status {n}" for name, n in statuses.items() if n != 0]
        if len(statuses) == plan.workers and not wrong:
            if not self._finished():
                self._over(record, f"all ended before step {plan.max_steps:,}", by_itself=True)
        elif interrupted := company.interrupted():
            self._over(
                record, f"interrupted: {', '.join(interrupted)}", by_itself=False, gently=True
            )
        elif again := company.started_again(record["members"], record["pods"]):
            self._over(record, f"restarted: {', '.join(again)}", by_itself=True)
        elif lost := company.lost(record["members"]):
            self._over(record, f"lost: {', '.join(lost)}", by_itself=False)
        elif wrong:
            self._over(record, ", ".join(wrong), by_itself=True)

    def _over(self, record: Record, why: str, *, by_itself: bool, gently: bool = False) -> None:
        self._by_itself = by_itself
        kept = {key: record[key] for key in ("round", "step", "pods")}
        self._tell(OVER, f"this round is over: {why}", gently=gently, **kept)

    def _tell(self, phase: str, why: str, **more: Any) -> None:
        say(why)
        known = {"first": self._me["incarnation"], "failures": self._failures}
        record = {**known, "by_itself": self._by_itself, "phase": phase, "why": why, **more}
        self._company.tell(record)
