"""ESM-1nv as in the 2024 blueprint, pre-trained in NVIDIA's BioNeMo Framework 1.x container."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.forms import Experiment, Form, ImageReference, Layout, Steps
from bionemo_eks.configuration.groups.training import TrainingSettings
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.configuration.workload import GpuNeeds, Program, Rates, Restarts, Workload
from bionemo_eks.jobs.manifests import MANIFESTS
from bionemo_eks.jobs.places import FSX, PROCESSED, PROGRAMS
from bionemo_eks.jobs.workloads.esm1nv_rates import hours
from bionemo_eks.jobs.workloads.positions import of_a_bar

RESULTS = f"{FSX}/esm1nv-train"
_EXAMPLE = "/workspace/bionemo/examples/protein/esm1nv"

# Words that torch, Hydra and the shell all leave whole. Kubernetes would expand `$` in a
# container's arguments: https://kubernetes.io/docs/tasks/inject-data-application/
_OVERRIDE = r"^[+~]{0,2}[A-Za-z_][\w./]*=[^\s$]*$|^~[A-Za-z_][\w./]*$"
Override = Annotated[
    str,
    StringConstraints(pattern=_OVERRIDE),
    Form("key=value, +key=value, ++key=value or ~key, without spaces or $"),
]


# `model.data…limit_val_batches` in its configuration: batches per validation.
VALIDATION_BATCHES = 50
_SETTINGS_OF_THEIR_OWN = {
    "trainer.max_steps": "training.max_steps",
    "trainer.val_check_interval": "training.val_check_interval",
    "exp_manager.exp_dir": "training.experiment",
}


class Esm1nvSettings(TrainingSettings):
    """The ESM-1nv pre-training."""

    image: ImageReference = Field(
        default=IMAGES["bionemo"].reference, description="The BioNeMo Framework 1.x container."
    )
    layout: Layout = Field(
        default="pod-per-gpu",
        description="`pod-per-gpu`: pods with one GPU each, as in the 2024 blueprint. "
        "`pod-per-node`: one pod per node with all its GPUs, so that NCCL can use NVLink.",
    )
    experiment: Experiment = Field(
        default="esm1nv_batch256_gradacc1_nodes2-small",
        description="Folder of the results; the training resumes from the checkpoints in it.",
    )
    max_steps: Steps = Field(default=1_000_000, description="Steps to train for.")
    micro_batch_size: int = Field(
        default=8, ge=1, le=65536, description="Sequences per GPU and step."
    )
    accumulate_grad_batches: int = Field(
        default=1, ge=1, le=65536, description="Batches per optimizer step."
    )
    val_check_interval: Steps = Field(default=500, description="Steps between validations.")
    overrides: list[Override] = Field(
        default=[], description="More Hydra overrides (`key=value`), added last, so they win."
    )

    @model_validator(mode="after")
    def _steps_and_validations_fit(self) -> Self:
        """Refuse what would fail, or go wrong, only once the nodes cost money.

        Lightning needs a validation before the last step. NeMo names a sample map after the number
        of samples: `max_steps` batches for the training; for the validation 50
        (`limit_val_batches`) per validation, plus one more. If both are the same number, NeMo reads
        the training's map for the validation, whose records it does not fit.
        https://github.com/NVIDIA/NeMo/blob/v1.20.0/nemo/collections/nlp/models/language_modeling/megatron_bert_model.py
        (build_train_valid_test_datasets)
        """
        steps, interval = self.max_steps, self.val_check_interval
        both = ("max_steps", "val_check_interval")
        if interval > steps:
            raise refused(f"no validation in {steps} steps, one in {interval}", *both)
        if (steps // interval + 1) * VALIDATION_BATCHES == steps:
            raise refused(
                f"{steps} steps with {steps // interval + 1} x {VALIDATION_BATCHES} batches of "
                "validation make NeMo use one sample map for both; choose other numbers",
                *both,
            )
        return self

    @field_validator("overrides")
    @classmethod
    def _have_no_setting_of_their_own(cls, value: list[str]) -> list[str]:
        """Refuse overrides of what the start program, launcher and checks above must know."""
        for each in value:
            name = each.lstrip("+~").partition("=")[0]
            if name in _SETTINGS_OF_THEIR_OWN:
                raise refused(f"{name} has a setting, {_SETTINGS_OF_THEIR_OWN[name]}")
        return value


def results(settings: Settings) -> str:
    """Return the folder of an experiment's results, as the 2024 blueprint lays it out."""
    return f"{RESULTS}/esm1nv_pretraining/{settings.training.experiment}/results"


def _command(settings: Settings) -> list[str]:
    return ["python3", "-m", "torch.distributed.run", *arguments(settings)]


def arguments(settings: Settings) -> list[str]:
    """Return what follows `python3 -m torch.distributed.run`: the script and its overrides."""
    training, dataset = settings.training, settings.dataset
    assert isinstance(training, Esm1nvSettings)
    run = training.experiment
    files = f"x_OP_000..{dataset.num_csv_files - 1:03d}_CL_"
    overrides = {
        "exp_manager.exp_dir": results(settings),
        # After a restart, and in the next deployment, resume from the newest checkpoint.
        "++exp_manager.resume_if_exists": True,
        "++exp_manager.resume_ignore_no_checkpoint": True,
        "exp_manager.create_wandb_logger": False,
        "exp_manager.wandb_logger_kwargs.name": run,
        "exp_manager.wandb_logger_kwargs.project": "esm1nv_pretraining",
        "++exp_manager.wandb_logger_kwargs.offline": False,
        "trainer.num_nodes": settings.gpu.nodes,
        "trainer.devices": settings.gpu_instance.gpus,
        "trainer.max_steps": training.max_steps,
        "trainer.accumulate_grad_batches": training.accumulate_grad_batches,
        "trainer.val_check_interval": training.val_check_interval,
        "model.micro_batch_size": training.micro_batch_size,
        "model.tensor_model_parallel_size": 1,
        "model.data.dataset_path": PROCESSED,
        # Quoted for Hydra, which would parse the dots otherwise.
        "model.data.dataset.train": f"'{files}'",
        "model.data.dataset.val": f"'{files}'",
        "model.data.dataset.test": f"'{files}'",
        "model.data.index_mapping_dir": PROCESSED,
        "++model.dwnstr_task_validation.enabled": False,
    }
    return [
        f"{_EXAMPLE}/pretrain.py",
        f"--config-path={_EXAMPLE}/conf",
        "--config-name=pretrain_small",
        *(f"{name}={value}" for name, value in overrides.items()),
        *training.overrides,
    ]


# Overrides that change the global batch.
_OF_THE_BATCH = re.compile(
    r"^[+~]*(model\.(micro_batch_size|global_batch_size|\w+_model_parallel_size)"
    r"|trainer\.(accumulate_grad_batches|devices|num_nodes))(=|$)"
)


def _global_batch(settings: Settings) -> int:
    """Return the sequences per step: NeMo's micro batch, times GPUs, times accumulation.

    Each GPU is a data-parallel rank, because tensors are not split. 0 if an override decides.
    """
    training = settings.training
    assert isinstance(training, Esm1nvSettings)
    if any(_OF_THE_BATCH.match(each) for each in training.overrides):
        return 0
    return settings.gpus * training.micro_batch_size * training.accumulate_grad_batches


# The small model's, in GB; each validation writes a new one over the one before.
_CHECKPOINT_GB = 0.523


def _training_hours(settings: Settings) -> float | None:
    training = settings.training
    assert isinstance(training, Esm1nvSettings)
    if any(_OF_THE_BATCH.match(each) for each in training.overrides):
        return None
    sequences = training.micro_batch_size * training.accumulate_grad_batches
    return hours(training.max_steps, sequences, settings.gpu_instance)


def _replaced_gb(settings: Settings) -> float:
    training = settings.training
    assert isinstance(training, Esm1nvSettings)
    return training.max_steps // training.val_check_interval * _CHECKPOINT_GB


WORKLOAD = Workload(
    name="esm1nv",
    title="ESM-1nv",
    settings=Esm1nvSettings,
    job="esm1nv-pretraining",
    manifest=MANIFESTS / "workload" / "esm1nv-pretraining.yaml",
    values=lambda settings: {},
    program=Program(
        folders=(PROGRAMS / "esm1nv",), rules="nemo_files", results=results, command=_command
    ),
    data=PROCESSED,
    results=RESULTS,
    # Without what the start program has set aside, from which nothing resumes.
    checkpoint=re.compile(r"^(?!.*/set-aside/).*\.(ckpt|nemo)$"),
    # What PyTorch Lightning and NeMo print: progress bars, `reduced_train_loss=2.1`.
    progress=re.compile(r"(?i)epoch|loss|global_step|train_step"),
    # NVIDIA tested V100, A100 and H100; those in between run the same native code. CUDA 12.1's code
    # ends with Hopper; Blackwell needs 12.8 or later.
    # https://docs.nvidia.com/cuda/blackwell-compatibility-guide
    # As much memory as the blueprint's GPUs have.
    gpus=GpuNeeds(lowest=(7, 0), highest=(9, 0), memory_gib=16),
    # The image has no aws-ofi-nccl.
    can_use_efa=False,
    has_bionemo=True,
    # The 2024 blueprint had 100 restarts per container: hours of GPU nodes for nothing.
    restarts=Restarts(in_a_row=5, per_worker=3),
    rates=Rates(
        training_hours=_training_hours,
        source="from the 2024 blueprint for a V100, scaled by memory bandwidth for other GPUs",
        checkpoints_gb=lambda settings: 30,
        replaced_gb=_replaced_gb,
        image_gb=15,
    ),
    construct_prefix="",
    position=of_a_bar,
    global_batch=_global_batch,
    global_batch_settings=("training.micro_batch_size", "training.accumulate_grad_batches"),
)
