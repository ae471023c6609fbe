"""What a training says of itself, so that everything else can ask and knows none by name.

A workload is one module of `jobs/workloads/` with one `Workload`, one manifest of its PyTorchJob,
and its line in the table there. Its settings are `TrainingSettings` with defaults and further
settings of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bionemo_eks.configuration.inputs import Input
from bionemo_eks.configuration.instance_types import Capability, InstanceType

if TYPE_CHECKING:
    from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.groups.training import TrainingSettings


@dataclass(frozen=True)
class Restarts:
    """What a training may go through before it counts as failed.

    `in_a_row`: ends by itself (a rank that fails, a container out of memory) without a checkpoint
    newer than the one before; an interruption and waiting are none. `per_worker`: restarts of a
    worker's container, on average over all workers: what the start program itself does not see.
    """

    in_a_row: int
    per_worker: int


@dataclass(frozen=True)
class Program:
    """What a worker runs below the start program of `workloads/training`, which is common to all.

    `folders`: those whose files are mounted beside the start program. `rules`: the module there
    that knows the checkpoints: its class `Rules(results, data)` is that of
    `workloads/training/rounds.py`. `results`: the folder in the pods below which a run with given
    settings leaves them. `command`: torchrun and what it starts. `by_entry_point`: whether the
    image's entry point starts all this, and the manifest's container has no `command`.
    """

    folders: tuple[Path, ...]
    rules: str
    results: Callable[[Settings], str]
    command: Callable[[Settings], list[str]]
    by_entry_point: bool = False


@dataclass(frozen=True)
class Rates:
    """What a run takes, for its cost.

    `training_hours`: hours that the training runs with given settings, None where no rate of their
    GPUs is known, and `told_by`, for people, who says so. `checkpoints_gb`: gigabytes that it
    leaves in S3; `replaced_gb`: those of checkpoints that a whole run writes and replaces
    by newer ones. `image_gb`: gigabytes that each node pulls.
    """

    training_hours: Callable[[Settings], float | None]
    told_by: str
    checkpoints_gb: Callable[[Settings], float]
    replaced_gb: Callable[[Settings], float]
    image_gb: float


@dataclass(frozen=True)
class GpuNeeds:
    """The GPUs that a training can run on.

    `lowest` and `highest`: the compute capabilities that its image has code for, both included;
    `memory_gib`: what it needs on each GPU.
    """

    lowest: Capability
    highest: Capability
    memory_gib: float

    def has_code_for(self, instance: InstanceType) -> bool:
        """Whether the image has code for the GPUs of an instance type."""
        return self.lowest <= instance.compute_capability <= self.highest

    def has_room_on(self, instance: InstanceType) -> bool:
        """Whether the GPUs of an instance type have the memory."""
        return instance.gpu_memory_gib >= self.memory_gib

    def met_by(self, instance: InstanceType) -> bool:
        """Whether the training runs on an instance type."""
        return self.has_code_for(instance) and self.has_room_on(instance)


@dataclass(frozen=True)
class Obstacle:
    """Why a training cannot run as it is set, and the settings to change, the best first."""

    why: str
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Position:
    """How far a training is: steps done; where its line tells them, losses and seconds a step."""

    step: int
    loss: float | None = None
    seconds_a_step: float | None = None
    validation_loss: float | None = None


@dataclass(frozen=True)
class Workload:
    """One training: its names, its pods, what it reads and leaves, what it needs.

    `name` is what `training.workload` calls it, and what its launcher and watch are named after;
    `title` is for people. `job` is the PyTorchJob's name, `manifest` its YAML, and `values` what
    that names beyond the values common to all workloads. `program` is what its workers run. `data`
    is the folder in the pods that it reads, `results` the one below which it leaves checkpoints;
    `checkpoint` matches the path of one. `progress` matches a log line that tells how far it is,
    and `position` reads one, where it is of those with numbers. `gpus`: those that it can run on.
    `can_use_efa`: whether its image has what EFA needs; `has_bionemo`: whether it has BioNeMo's own
    preparation of the data. `checkpoint_list`: where a checkpoint is a folder, the name of the
    file in it that lists the others, and that `checkpoint` matches.
    `metrics` and `model`: names, below a run's results, of a file of JSON lines with a `step` each,
    and of the folder of the exported model, whose file `model_list` lists the others; empty where
    it leaves none. `inputs`: what it reads beside its data. `global_batch`: sequences that one
    step takes from the data set over all GPUs with given settings, 0 where they do not tell, and
    the training's settings that it follows from; without it nobody holds the data set against the
    training. `obstacle`: what keeps it from running on GPUs that it could use otherwise, with given
    settings, if anything does.
    """

    name: str
    title: str
    settings: type[TrainingSettings]
    job: str
    manifest: Path
    values: Callable[[Settings], Mapping[str, object]]
    program: Program
    data: str
    results: str
    checkpoint: re.Pattern[str]
    progress: re.Pattern[str]
    gpus: GpuNeeds
    can_use_efa: bool
    has_bionemo: bool
    restarts: Restarts
    rates: Rates
    # Before constructs' ids. The first workload had none, and ids must stay as they are.
    construct_prefix: str
    position: Callable[[str], Position | None] = lambda line: None
    checkpoint_list: str = ""
    metrics: str = ""
    model: str = ""
    model_list: str = ""
    inputs: Callable[[Settings], tuple[Input, ...]] = lambda settings: ()
    global_batch: Callable[[Settings], int] | None = None
    global_batch_settings: tuple[str, ...] = ()
    obstacle: Callable[[Settings], Obstacle | None] = lambda settings: None

    @property
    def launcher(self) -> str:
        """The launcher's name: of its account and rights, and of its Job before the hash."""
        return f"{self.name}-launcher"

    @property
    def watch(self) -> str:
        """The watch's name, likewise."""
        return f"{self.name}-watch"

    def construct_id(self, of: str) -> str:
        """Return the id of one of its constructs, such as `Training`: another workload has others.

        Under one id a change of workload would be an update, and `kubectl apply --prune`, which
        CDK's handler runs then, removes no PyTorchJob and no Role:
        https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/
        """
        return f"{self.construct_prefix}{of}"


Workloads = Mapping[str, Workload]
