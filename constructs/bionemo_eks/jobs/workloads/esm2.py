"""ESM-2, trained with the project's own program, workloads/esm2, in AWS's PyTorch image."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from bionemo_eks.configuration.addresses import wrong_with_folder
from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.forms import (
    Experiment,
    Form,
    ImageReference,
    Layout,
    Steps,
    unless,
)
from bionemo_eks.configuration.groups.training import TrainingSettings
from bionemo_eks.configuration.inputs import S3, Input
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.configuration.workload import GpuNeeds, Program, Rates, Restarts, Workload
from bionemo_eks.jobs.manifests import MANIFESTS
from bionemo_eks.jobs.places import (
    COMMON_FOLDER,
    FSX,
    PROCESSED,
    PROGRAMS,
    SCRATCH,
    TRAINING_PROGRAM,
)
from bionemo_eks.jobs.workloads.esm2_precision import obstacle
from bionemo_eks.jobs.workloads.esm2_program import FP8, TrainingError, architecture
from bionemo_eks.jobs.workloads.esm2_rates import checkpoint_gb, hours
from bionemo_eks.jobs.workloads.positions import of_a_step

RESULTS = f"{FSX}/esm2-train"
_JOB = "esm2-training"

Size = Annotated[
    str,
    StringConstraints(pattern=r"^(8M|35M|150M|650M|3B|15B|[1-9][0-9]{0,5}(x[1-9][0-9]{0,5}){3})$"),
    Form("8M, 35M, 150M, 650M, 3B, 15B, or layers x hidden x heads x feed-forward: 4x128x8x512"),
]


def _folder(value: str) -> str:
    folder = value.rstrip("/")
    return unless(wrong_with_folder(folder), folder) if folder else folder


Start = Annotated[
    str,
    AfterValidator(_folder),
    Form(f"a folder below {FSX}, such as {RESULTS}/esm2/8M/model, {S3}bucket/prefix, or empty"),
]
# A model's folder, as workloads/esm2/exchange.py reads it.
_MODEL = (("config.json",), ("model.safetensors", "model.safetensors.index.json"))
# A decimal number for a command line.
Rate = Annotated[
    float, Field(gt=0, le=1), Form("a number above 0 and at most 1, such as 4e-4 or 0.001")
]


class Esm2Settings(TrainingSettings):
    """The training of ESM-2. The program's options have the same names.

    Defaults are the paper's, except for the size: https://doi.org/10.1126/science.ade2574 ,
    supplement, A.2.
    """

    image: ImageReference = Field(
        default=IMAGES["pytorch"].reference,
        description="An image with Python 3.10 or later, PyTorch 2.13, NumPy and matplotlib.",
    )
    layout: Layout = Field(
        default="pod-per-node",
        description="`pod-per-node`: one pod per node with all its GPUs. `pod-per-gpu`: pods with "
        "one GPU each.",
    )
    experiment: Experiment = Field(
        default="esm2",
        description="Folder of the results, with a subfolder per size; the training resumes from "
        "the checkpoints in it.",
    )
    max_steps: Steps = Field(default=500_000, description="Steps to train for.")
    size: Size = Field(default="8M", description="Model size.")
    start: Start = Field(
        default="",
        description="Folder of a model of the same size to start from: one trained here or a "
        "published one, on the file system or in S3. Empty: random weights.",
    )
    units: int = Field(
        default=128,
        ge=1,
        le=10**6,
        description="Units per step over all GPUs, of `unit_tokens` tokens each. The batch is the "
        "same on any number of GPUs.",
    )
    unit_tokens: int = Field(
        default=16_384,
        ge=16,
        le=10**7,
        description="Tokens per unit; a unit packs sequences one after another.",
    )
    max_tokens: int = Field(
        default=1024,
        ge=16,
        le=10**6,
        description="Tokens per sequence, including two special ones; longer sequences are "
        "cropped.",
    )
    units_at_once: int = Field(
        default=0,
        ge=0,
        le=10**4,
        description="Units per pass on a GPU; 0: as many as its memory allows.",
    )
    rate: Rate = Field(default=4e-4, description="Learning rate.")
    warm_up: int = Field(
        default=2000, ge=1, le=10**9, description="Steps until the learning rate is reached."
    )
    seed: int = Field(
        default=0, ge=0, le=2**63 - 1, description="Seed of weights, order and masks."
    )
    parallel: Literal["auto", "ddp", "fsdp"] = Field(
        default="auto",
        description="How the GPUs share the model; `auto`: `fsdp` from 1 G parameters.",
    )
    precision: Literal["bf16", "fp8"] = Field(
        default="bf16",
        description="`fp8`: in the layers' linear parts, with Transformer Engine, on GPUs "
        "with compute capability 8.9 or later (L4, L40S, H100); bf16 elsewhere.",
    )
    recompute: bool = Field(
        default=False,
        description="Recompute activations in the backward pass: less memory, slower.",
    )
    save_every: Steps = Field(default=1000, description="Steps between checkpoints.")
    keep: int = Field(
        default=3, ge=1, le=10**6, description="Number of newest checkpoints to keep."
    )
    validate_every: Steps = Field(default=2000, description="Steps between validations.")
    validation_units: int = Field(
        default=64, ge=0, le=10**9, description="Units per validation; 0: the whole split."
    )
    test_units: int = Field(
        default=256, ge=0, le=10**9, description="The same for the test at the end."
    )
    log_every: Steps = Field(default=10, description="Steps between log lines.")
    not_a_number: Literal["stop", "skip"] = Field(
        default="stop", description="What to do when the loss is not a number."
    )
    hang_after: int = Field(
        default=900,
        ge=1,
        le=86_400,
        description="Seconds without progress in a step before the training restarts.",
    )

    @model_validator(mode="after")
    def _the_program_takes_them(self) -> Self:
        """Refuse what the program would refuse only once the nodes cost money."""
        if self.unit_tokens < self.max_tokens:
            raise refused(
                f"a unit of {self.unit_tokens} tokens cannot hold a sequence of {self.max_tokens}",
                "unit_tokens",
                "max_tokens",
            )
        if self.warm_up >= self.max_steps:
            raise refused(
                f"the rate would not be reached: {self.warm_up} steps of {self.max_steps}",
                "max_steps",
                "warm_up",
            )
        try:
            architecture(self.size)
        except TrainingError as error:
            raise refused(str(error), "size") from None
        return self


def _chosen(settings: Settings) -> Esm2Settings:
    training = settings.training
    assert isinstance(training, Esm2Settings)
    return training


def _run(settings: Settings) -> str:
    """The run's own folder: each size is a separate run."""
    return f"{settings.training.experiment}/{_chosen(settings).size}"


def results(settings: Settings) -> str:
    """Return the folder with a run's checkpoints, metrics and exported model."""
    return f"{RESULTS}/{_run(settings)}"


def _inputs(settings: Settings) -> tuple[Input, ...]:
    start = _chosen(settings).start
    return (Input("training.start", start, _MODEL),) if start else ()


# Settings that are passed on unchanged: `rate` as `--rate`.
_OPTIONS = (
    *("size", "units", "unit_tokens", "max_tokens", "units_at_once", "rate", "warm_up", "seed"),
    *("parallel", "save_every", "keep", "validate_every", "validation_units", "test_units"),
    *("log_every", "not_a_number", "hang_after"),
)


def arguments(settings: Settings) -> list[str]:
    """Return what follows `python3 -m torch.distributed.run`: the program and its options."""
    training = _chosen(settings)
    options: dict[str, object] = {
        "--data": PROCESSED,
        "--results": results(settings),
        "--scratch": f"{SCRATCH}/{_JOB}/{_run(settings)}",
        # Not auto: a missing GPU must be reported, not replaced by the CPU.
        "--device": "cuda",
        "--steps": training.max_steps,
        **{f"--{name.replace('_', '-')}": getattr(training, name) for name in _OPTIONS},
    }
    for each in _inputs(settings):
        options["--start"] = each.place
    return [
        f"{TRAINING_PROGRAM}/train_esm2.py",
        *(str(part) for option in options.items() for part in option),
        # Not for bf16: another argument would be another pod, and restart standing trainings.
        *(["--precision", FP8] if training.precision == FP8 else []),
        *(["--recompute"] if training.recompute else []),
    ]


def _kept_gb(settings: Settings) -> float:
    """Checkpoints, and the exported model."""
    return checkpoint_gb(_chosen(settings).size) * (_chosen(settings).keep + 1 / 3)


def _replaced_gb(settings: Settings) -> float:
    training = _chosen(settings)
    written = training.max_steps // training.save_every
    return max(0, written - training.keep) * checkpoint_gb(training.size)


def _training_hours(settings: Settings) -> float | None:
    training = _chosen(settings)
    tokens = training.max_steps * training.units * training.unit_tokens
    return hours(tokens, training.size, settings.gpu_instance, settings.gpus)


WORKLOAD = Workload(
    name="esm2",
    title="ESM-2",
    settings=Esm2Settings,
    job=_JOB,
    manifest=MANIFESTS / "workload" / "esm2-training.yaml",
    values=lambda settings: {},
    program=Program(
        folders=(PROGRAMS / "esm2", COMMON_FOLDER),
        rules="run_files",
        results=results,
        command=lambda settings: ["python3", "-m", "torch.distributed.run", *arguments(settings)],
        by_entry_point=True,
    ),
    data=PROCESSED,
    results=RESULTS,
    # The list of a checkpoint's files, which is written last.
    checkpoint=re.compile(r"/step-\d{8}/checkpoint\.json$"),
    # workloads/esm2/loop.py
    progress=re.compile(r"^(step [\d,]+[/:]|going on after|test: |error: )|exported"),
    # bf16 and PyTorch's attention kernel need sm80; 12.0 is the highest that it is built for:
    # https://github.com/pytorch/pytorch/blob/main/.ci/manywheel/build_cuda.sh
    # All such GPUs on AWS have 22 GiB or more.
    gpus=GpuNeeds(lowest=(8, 0), highest=(12, 0), memory_gib=20),
    obstacle=lambda settings: obstacle(settings, _chosen(settings)),
    can_use_efa=True,
    has_bionemo=False,
    restarts=Restarts(in_a_row=5, per_worker=3),
    rates=Rates(
        training_hours=_training_hours,
        source="an estimate from rates that NVIDIA has published",
        checkpoints_gb=_kept_gb,
        replaced_gb=_replaced_gb,
        # Compressed, an estimate without a source: PyTorch's CUDA build itself is 5 GB.
        image_gb=10,
    ),
    construct_prefix="Esm2",
    position=of_a_step,
    # workloads/esm2/run_files.py
    checkpoint_list="checkpoint.json",
    metrics="metrics.jsonl",
    model="model",
    model_list="export.json",
    inputs=_inputs,
)
