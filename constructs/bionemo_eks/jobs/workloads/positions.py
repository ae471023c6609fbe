"""How far a training is, read from its own log lines."""

from __future__ import annotations

import re

from bionemo_eks.configuration.workload import Position

_NUMBER = r"([\d.]+(?:e[+-]?\d+)?)"
# PyTorch Lightning's bar, as NeMo prints it. Depending on the version it has the time per step in
# one of three forms: 1.27it/s, 41.36s/it, train_step_timing in s=0.615. NeMo's global_step starts
# at 0 and is rounded: 9e+3.
# https://github.com/NVIDIA/NeMo-Framework-Launcher/issues/55
# https://github.com/NVIDIA-NeMo/Speech/issues/7957
_BAR = re.compile(r"^Epoch \d+:.*?\| *(\d+)/\d+")
_GLOBAL_STEP = re.compile(rf"\bglobal_step={_NUMBER}")
_BARS_LOSS = re.compile(rf"\b(?:reduced_train_)?loss={_NUMBER}")
_VALIDATION = re.compile(rf"\bval_loss={_NUMBER}")
_RATE = re.compile(rf"\b{_NUMBER}it/s")
_PERIOD = re.compile(rf"\b{_NUMBER}s/it")
_TIMING = re.compile(rf"\btrain_step_timing in s={_NUMBER}")
# workloads/esm2/metrics.py
_STEP = re.compile(r"^step ([\d,]+)/([\d,]+): loss ([\d.]+)")
_LEFT = re.compile(r"\b(?:(\d+) h )?(?:(\d+) min ?)?(?:(\d+) s )?left$")


def of_a_bar(line: str) -> Position | None:
    """Return the position in a Lightning progress bar; None for any other line."""
    bar = _BAR.search(line)
    if bar is None:
        return None
    step = max(int(bar[1]), int(_number(_GLOBAL_STEP, line) or 0))
    rate = _number(_RATE, line)
    period = 1 / rate if rate else _number(_PERIOD, line) or _number(_TIMING, line)
    return Position(step, _number(_BARS_LOSS, line), period, _number(_VALIDATION, line))


def _number(pattern: re.Pattern[str], line: str) -> float | None:
    found = pattern.search(line)
    return float(found[1]) if found else None


def of_a_step(line: str) -> Position | None:
    """Return the position in a step line of ESM-2; None for any other line."""
    found = _STEP.search(line)
    if found is None:
        return None
    step, steps = (int(each.replace(",", "")) for each in found.group(1, 2))
    left = _LEFT.search(line)
    period = None
    if left and step < steps:
        hours, minutes, seconds = (int(each or 0) for each in left.groups())
        period = (hours * 3600 + minutes * 60 + seconds) / (steps - step)
    return Position(step, float(found[3]), period or None)
