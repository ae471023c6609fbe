"""Turns the settings into data, a model, and a share of the memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from architecture import Architecture, architecture
from batches import Units
from dataset import TEST, TRAIN, VALIDATION, DataSet, index_files, open_data_set, open_split
from exchange import read_architecture, read_model
from failures import TrainingError
from fp8 import check, convert
from memory import Estimate, estimate
from model import Esm2
from parallel import Parallel
from precision import BF16, FP8, FP32
from processes import Processes
from room import available, demand
from settings import Settings
from strategy import strategy

DEFAULT_SIZE = "8M"
# Share of the available memory that the estimate may fill with several units at once.
FILLED = 0.8


@dataclass(frozen=True)
class Data:
    """The data set, and its splits as units."""

    data_set: DataSet
    train: Units
    validation: Units
    test: Units


def open_data(settings: Settings, processes: Processes) -> Data:
    """Open the data set; the processes first share the work of writing missing indexes."""
    data_set = processes.together(lambda: open_data_set(settings.data))
    splits = (TRAIN, VALIDATION, TEST)
    files = [file for split in splits for file in data_set.files(split)]
    made = processes.together(lambda: index_files(files, processes.rank, processes.world))
    total = processes.total(made)[0]
    if total:
        processes.say(f"{settings.data}: wrote the indexes of {total:.0f} files")

    def units(split: str) -> Units:
        sequences = open_split(data_set, split)
        return Units(sequences, settings.max_tokens, settings.unit_tokens, settings.seed)

    found = processes.together(lambda: Data(data_set, *map(units, splits)))
    processes.say(
        f"data: {len(found.train):,} units for training ({found.train.fill:.1%} full), "
        f"{len(found.validation):,} for validation, {len(found.test):,} for testing"
    )
    return found


def find_architecture(settings: Settings) -> Architecture:
    """The requested one: from --size, or of the model to start from.

    Raises:
        TrainingError: they differ.
    """
    if settings.start is None:
        return architecture(settings.size or DEFAULT_SIZE)
    found = read_architecture(settings.start)
    if settings.size and architecture(settings.size) != found:
        raise TrainingError(
            f"--size {settings.size} is not that of the model in --start {settings.start}: leave "
            "it out, or name another model"
        )
    return found


def units_at_once(settings: Settings, size: Architecture, processes: Processes, how: str) -> int:
    """How many units one pass takes; checks that they fit into memory.

    Raises:
        TrainingError: they do not.
    """
    each = -(-settings.units // processes.world)
    there = available(processes.device)

    def needed(units: int) -> Estimate:
        tokens = units * settings.unit_tokens
        return estimate(
            size,
            tokens,
            how=how,
            world=processes.world,
            # fp8's copies of inputs and weights together are no larger than bf16's.
            bf16=settings.precision != FP32,
            recompute=settings.recompute,
        )

    count = settings.units_at_once or 1
    if not settings.units_at_once and processes.device.type == "cuda":
        while count < each and needed(count + 1).total <= FILLED * there:
            count += 1
    count = min(count, each)
    demand(needed(count), needed(1), there, settings.recompute)
    return count


def make_model(settings: Settings, size: Architecture, processes: Processes, how: str) -> Parallel:
    """The model on all processes, with its initial weights."""
    model = Esm2(size, settings.recompute)
    if settings.start is None:
        model.initialize(settings.seed)
    else:
        start = settings.start
        processes.together(lambda: read_model(start, model))
    if settings.precision == FP8:
        processes.say(f"fp8: {convert(model)} in the layers' linear parts, bf16 elsewhere")
    on_gpu = processes.device.type == "cuda"
    compiled = on_gpu if settings.compile is None else settings.compile
    if on_gpu:
        torch.set_float32_matmul_precision("high")
    return Parallel(model, processes, how, settings.precision != FP32, compiled)


def choose_precision(settings: Settings, processes: Processes, size: Architecture) -> str:
    """FP32, BF16 or FP8.

    Raises:
        TrainingError: fp32 is requested on a GPU.
    """
    on_gpu = processes.device.type == "cuda"
    if on_gpu and settings.precision == FP32:
        raise TrainingError(
            "--precision fp32 is not allowed on a GPU: its attention kernel needs bf16"
        )
    if settings.precision == FP8:
        check(processes.device, size, settings.unit_tokens)
    if settings.precision == "auto":
        return BF16 if on_gpu else FP32
    return settings.precision


def choose_strategy(settings: Settings, size: Architecture) -> str:
    """DDP or FSDP."""
    return strategy(settings.parallel, size.parameters)
