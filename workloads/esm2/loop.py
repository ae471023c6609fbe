"""The training: step after step, from the newest checkpoint to the exported model."""

from __future__ import annotations

import dataclasses
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch.nn import functional

import export
import making
from batches import Unit, Units, empty_unit, share
from checkpoints import Checkpoints
from evaluation import Result, evaluate
from failures import SharedError, StoppedError
from metrics import MetricsFile, Speed, line, memory_gb, peak_rate
from optimizer import Schedule, make_optimizer, set_rate
from processes import Processes
from rows import row
from run_files import CHECKPOINTS, METRICS, MODEL
from settings import Settings
from vocabulary import spelled
from watchdog import Stop, Watchdog

# Seconds between two log lines of an evaluation: to the watch, ten minutes or more without one are
# a stall.
EVALUATION_LINES = 60.0
# Steps in a row whose loss is not a number: skipping more of them would not help.
MOST_SKIPPED = 10


class Loader:
    """This process's units of each step; reads the next step's during the current one."""

    def __init__(self, units: Units, batch: int, processes: Processes) -> None:
        self._units, self._batch, self._processes = units, batch, processes
        self._thread = ThreadPoolExecutor(1)
        self._ahead: tuple[int, Future[list[Unit]]] | None = None

    def _read(self, step: int) -> list[Unit]:
        numbers = self._units.numbers(step, self._batch)
        mine = share(numbers, self._processes.rank, self._processes.world)
        return [empty_unit() if n is None else self._units.training(n) for n in mine]

    def take(self, step: int) -> list[Unit]:
        """The units of `step`."""
        if self._ahead is None or self._ahead[0] != step:
            self._ahead = step, self._thread.submit(self._read, step)
        units = self._ahead[1].result()
        self._ahead = step + 1, self._thread.submit(self._read, step + 1)
        return units


class Training:
    """One training run on all processes.

    Args:
        settings: the user's choices.
        processes: all of them; every one runs the same.
        stop: whether this process has been told to stop.
        watchdog: notified of each step.
    """

    def __init__(
        self, settings: Settings, processes: Processes, stop: Stop, watchdog: Watchdog
    ) -> None:
        self._processes = processes
        self._stop, self._watchdog = stop, watchdog
        watchdog.heard(slow=True)
        self._size = processes.together(lambda: making.find_architecture(settings))
        precision = processes.together(
            lambda: making.choose_precision(settings, processes, self._size)
        )
        self._settings = settings = dataclasses.replace(settings, precision=precision)
        how = making.choose_strategy(settings, self._size)
        self._at_once = processes.together(
            lambda: making.units_at_once(settings, self._size, processes, how)
        )
        self._data = making.open_data(settings, processes)
        self._identity = {
            "size": self._size.as_json(),
            "data set": self._data.data_set.sha256,
            "seed": settings.seed,
            "units": settings.units,
            "unit tokens": settings.unit_tokens,
            "max tokens": settings.max_tokens,
        }
        self._checkpoints = Checkpoints(
            *(settings.results / CHECKPOINTS, settings.scratch, settings.keep),
            *(self._identity, processes),
        )
        self._step = self._checkpoints.prepare()
        watchdog.heard(slow=True)
        self._parallel = making.make_model(settings, self._size, processes, how)
        self._optimizer = make_optimizer(self._parallel.module)
        self._schedule = Schedule(settings.rate, settings.warm_up, settings.steps)
        self._tokens, self._skipped, self._reported = 0, 0, time.monotonic()
        self._strange = np.zeros(256, np.int64)
        self._introduce(how)

    def _introduce(self, how: str) -> None:
        settings, processes = self._settings, self._processes
        per_process = -(-settings.units // processes.world)
        passes = -(-per_process // self._at_once)
        processes.say(
            f"model: {self._size.parameters:,} parameters, {self._size}; {processes.world} "
            f"processes on {processes.device.type}, {how}, {settings.precision}; "
            f"batch: {settings.units} units of up to {settings.unit_tokens:,} tokens, "
            f"in {passes} passes"
        )

    def run(self) -> None:
        """Train to the last step, test, export; returns on all processes, or on none.

        Raises:
            StoppedError: told to stop; the state is saved.
            TrainingError, PassingError: it cannot continue.
        """
        settings, processes = self._settings, self._processes
        if self._step > settings.steps:
            raise SharedError(
                f"--steps {settings.steps} is not allowed: the newest checkpoint in "
                f"{settings.results} is already at step {self._step}"
            )
        self._warm_up()
        if self._step:
            so_far = self._checkpoints.load(self._step, self._parallel.module, self._optimizer)
            self._tokens = int(so_far["tokens"])
            processes.say(f"going on after step {self._step:,}")
        if processes.rank == 0:
            settings.results.mkdir(parents=True, exist_ok=True)
        path = settings.results / METRICS if processes.rank == 0 else None
        self._metrics = MetricsFile(path, self._step)
        if self._step < settings.steps:
            self._metrics.write(self._step, precision=settings.precision)
        self._train()
        self._watchdog.heard(slow=True)
        self._end()
        processes.wait()
        self._watchdog.rest()

    def _warm_up(self) -> None:
        """Two almost empty passes, whose gradients are discarded.

        DDP arranges its buckets in the first pass: afterwards a resumed training sums in the same
        order as an uninterrupted one.
        """
        self._watchdog.heard(slow=True)
        for _ in range(2):
            self._backward([empty_unit()], 1.0, last=True)
            self._optimizer.zero_grad()

    def _backward(self, units: list[Unit], scale: float, last: bool) -> torch.Tensor:
        """Run one pass: add to the gradients, return the sum of losses."""
        settings = self._settings
        filled = self._at_once * settings.unit_tokens
        one = row(units, self._processes.device, filled, settings.max_tokens)
        with self._parallel.accumulating(last):
            with self._parallel.computing():
                logits = self._parallel.module(one.tokens, one.boundaries, one.places)
            loss = functional.cross_entropy(logits.float(), one.targets, reduction="sum")
            torch.autograd.backward(loss * scale)
        return loss.detach()

    def _train(self) -> None:
        settings, processes = self._settings, self._processes
        loader = Loader(self._data.train, settings.units, processes)
        mean = self._data.train.mean_length
        flops, peak = self._size.flops_per_token(mean), peak_rate(processes.device)
        speed = Speed(settings.steps, processes.world, flops, peak)
        while self._step < settings.steps:
            self._watchdog.heard()
            units = loader.take(self._step)
            predicted, tokens, stop = processes.total(
                *(sum(len(unit.places) for unit in units), sum(unit.size for unit in units)),
                self._stop.asked,
            )
            if stop:
                self._save_and_stop()
            loss, norm = self._update(units, predicted)
            self._step += 1
            self._tokens += int(tokens)
            self._strange += sum(unit.strange for unit in units)
            speed.add(tokens)
            self._checkpoints.look()
            if self._step % settings.log_every == 0 or self._step == settings.steps:
                self._report(loss, norm, speed)
            if self._step % settings.save_every == 0 or self._step == settings.steps:
                self._save()
            if self._step % settings.validate_every == 0 or self._step == settings.steps:
                self._validate()
                speed.restart()
        self._checkpoints.finish()

    def _update(self, units: list[Unit], predicted: float) -> tuple[float, float]:
        """One step of the optimizer; the mean loss of all processes, and the gradients' norm."""
        settings, processes = self._settings, self._processes
        self._optimizer.zero_grad()
        # Gradients are averaged over processes; the loss must be divided by all predicted tokens.
        scale = processes.world / max(1.0, predicted)
        starts = range(0, len(units), self._at_once)
        sums = [
            self._backward(units[start : start + self._at_once], scale, start == starts[-1])
            for start in starts
        ]
        norm = self._parallel.clip(settings.clip)
        loss = processes.total(float(sum(sums)))[0] / max(1.0, predicted)
        if math.isfinite(loss) and math.isfinite(norm):
            set_rate(self._optimizer, self._schedule.at(self._step))
            self._optimizer.step()
            self._skipped = 0
        else:
            self._not_a_number(loss)
        return loss, norm

    def _not_a_number(self, loss: float) -> None:
        step = self._step + 1
        self._skipped += 1
        if self._settings.not_a_number == "stop" or self._skipped == MOST_SKIPPED:
            self._checkpoints.finish()
            raise SharedError(
                f"the loss of step {step} is {loss}, or its gradients are not numbers. The newest "
                f"complete checkpoint is of step {self._checkpoints.newest}. Choose a smaller "
                "--rate or a longer --warm-up; --not-a-number skip skips such steps, up to "
                f"{MOST_SKIPPED} in a row"
            )
        self._processes.say(f"warning: step {step} skipped: its loss is {loss}")

    def _report(self, loss: float, norm: float, speed: Speed) -> None:
        processes, settings = self._processes, self._settings
        counts = np.array(processes.total(*self._strange.tolist())).astype(np.int64)
        values: dict[str, Any] = {
            "loss": loss,
            "gradient_norm": norm,
            "rate": self._schedule.at(self._step - 1),
            "tokens": self._tokens,
            **speed.values(self._step),
            "memory_gb": round(memory_gb(processes.device), 3),
        }
        self._metrics.write(self._step, **values)
        odd = f"; letters that are not amino acids: {spelled(counts)}" if counts.any() else ""
        processes.say(line(self._step, settings.steps, values) + odd)

    def _save(self) -> None:
        self._checkpoints.start(
            self._step, self._parallel.module, self._optimizer, {"tokens": self._tokens}
        )

    def _save_and_stop(self) -> None:
        self._watchdog.heard(slow=True)
        self._save()
        self._checkpoints.finish()
        self._processes.wait()
        raise StoppedError(
            f"stopped after step {self._step:,}; its checkpoint is complete, the next start resumes"
        )

    def _between(self, done: int, count: int) -> None:
        """Between the passes of an evaluation, with `done` of `count` units done."""
        self._watchdog.heard()
        if time.monotonic() - self._reported >= EVALUATION_LINES:
            self._reported = time.monotonic()
            self._processes.say(f"step {self._step:,}: evaluation, {done:,} of {count:,} units")
        self._checkpoints.look()
        if self._processes.total(self._stop.asked)[0]:
            self._save_and_stop()

    def _evaluate(self, units: Units, most: int) -> Result:
        longest = self._settings.max_tokens
        self._reported = time.monotonic()
        return evaluate(self._parallel, self._processes, units, most, longest, self._between)

    def _validate(self) -> None:
        result = self._evaluate(self._data.validation, self._settings.validation_units)
        self._metrics.write(self._step, **result.as_json("validation"))
        self._processes.say(f"step {self._step:,}: validation {result}")

    def _end(self) -> None:
        """Test and export, unless an earlier run has done so."""
        settings, processes = self._settings, self._processes
        facts = {"step": self._step, "identity": self._identity}
        folder = settings.results / MODEL
        if processes.from_first(export.exported(folder, facts)):
            processes.say(f"{folder}: already exported; nothing to do")
            return
        result = self._evaluate(self._data.test, settings.test_units)
        self._metrics.write(self._step, **result.as_json("test"))
        processes.say(f"test: {result}")
        self._watchdog.heard(slow=True)
        export.export(
            *(self._parallel, processes, settings, self._size, self._data.data_set),
            *(self._tokens, result.as_json("test"), facts),
        )
        processes.say(f"{folder}: exported, for EsmForMaskedLM.from_pretrained")
