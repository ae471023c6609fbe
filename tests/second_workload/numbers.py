"""A made-up workload, as a contributor would add one: a program that writes numbers."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field

from bionemo_eks.configuration.forms import Experiment, ImageReference, Layout, Steps
from bionemo_eks.configuration.groups.training import TrainingSettings
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import GpuNeeds, Program, Rates, Restarts, Workload
from bionemo_eks.jobs.places import FSX, PROCESSED
from bionemo_eks.jobs.workloads import WORKLOADS

_PROGRAM = "import sys; [print('number', n) for n in range(int(sys.argv[1]))]"


class NumbersSettings(TrainingSettings):
    """The training that writes numbers."""

    image: ImageReference = Field(
        default="example.org/python:3.13", description="An image with Python."
    )
    layout: Layout = Field(default="pod-per-node", description="One pod per node.")
    experiment: Experiment = Field(default="numbers", description="Folder of the results.")
    max_steps: Steps = Field(default=10, description="Numbers to write.")
    first: int = Field(default=1, ge=0, le=1000, description="The first number.")


def _results(settings: Settings) -> str:
    return f"{NUMBERS.results}/{settings.training.experiment}"


def _command(settings: Settings) -> list[str]:
    training = settings.training
    assert isinstance(training, NumbersSettings)
    return ["python3", "-c", _PROGRAM, str(training.max_steps), str(training.first)]


NUMBERS = Workload(
    name="numbers",
    title="Numbers",
    settings=NumbersSettings,
    job="numbers-training",
    manifest=Path(__file__).with_name("numbers.yaml"),
    values=lambda settings: {"label": "numbers"},
    program=Program(
        folders=(Path(__file__).with_name("program"),),
        rules="number_files",
        results=_results,
        command=_command,
    ),
    data=PROCESSED,
    results=f"{FSX}/numbers-train",
    checkpoint=re.compile(r"\.number$"),
    progress=re.compile(r"number"),
    gpus=GpuNeeds(lowest=(7, 0), highest=(8, 0), memory_gib=16),
    can_use_efa=False,
    has_bionemo=False,
    restarts=Restarts(in_a_row=2, per_worker=1),
    rates=Rates(
        training_hours=lambda settings: settings.training.max_steps / 10,
        source="made up",
        checkpoints_gb=lambda settings: 1,
        replaced_gb=lambda settings: 0.0,
        image_gb=2,
    ),
    construct_prefix="Numbers",
)
WITH_NUMBERS = {**WORKLOADS, NUMBERS.name: NUMBERS}
SELECTED = {"training.workload": NUMBERS.name}
