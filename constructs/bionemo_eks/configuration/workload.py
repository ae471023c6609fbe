"""What describes a training, so that no other code needs to know one by name.

A workload is one module in `jobs/workloads/` with one `Workload`, the manifest of its PyTorchJob,
and its line in the table there. Its settings are `TrainingSettings` with defaults and settings of
its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bionemo_eks.configuration.groups.training import TrainingSettings
from bionemo_eks.configuration.inputs import Input
from bionemo_eks.configuration.instance_types import Capability, InstanceType

if TYPE_CHECKING:
    from bionemo_eks.configuration.settings import Settings


@dataclass(frozen=True)
class Restarts:
    """How often a training may restart before it counts as failed.

    `in_a_row`: failures (a failed rank, a container out of memory) without a newer checkpoint in
    between; interruptions and waiting do not count. `per_worker`: container restarts, on average
    over all workers: these the start program itself does not see.
    """

    in_a_row: int
    per_worker: int


@dataclass(frozen=True)
class Program:
    """What a worker runs under the start program of `workloads/training`, which all share.

    `folders`: their files are mounted next to the start program. `rules`: the module there that
    knows the checkpoints; its class `Rules(results, data)` is that of
    `workloads/training/rounds.py`. `results`: the folder in the pods below which a run with given
    settings writes them. `command`: torchrun and what it starts. `by_entry_point`: whether the
    image's entry point starts all this, so that the manifest's container has no `command`.
    """

    folders: tuple[Path, ...]
    rules: str
    results: Callable[[Settings], str]
    command: Callable[[Settings], list[str]]
    by_entry_point: bool = False


@dataclass(frozen=True)
class Rates:
    """What a run consumes, for its cost.

    `training_hours`: hours that the training takes with given settings, None if no rate is known
    for their GPUs; `source`: where they are from, as shown. `checkpoints_gb`: gigabytes that it
    leaves in S3; `replaced_gb`: those of checkpoints that a whole run writes and later replaces.
    `image_gb`: gigabytes that each node pulls.
    """

    training_hours: Callable[[Settings], float | None]
    source: str
    checkpoints_gb: Callable[[Settings], float]
    replaced_gb: Callable[[Settings], float]
    image_gb: float


@dataclass(frozen=True)
class GpuNeeds:
    """The GPUs that a training can run on.

    `lowest` and `highest`: the compute capabilities that its image has code for, inclusive;
    `memory_gib`: the memory it needs on each GPU.
    """

    lowest: Capability
    highest: Capability
    memory_gib: float

    def has_code_for(self, instance: InstanceType) -> bool:
        """Whether the image has code for the GPUs of an instance type."""
        return self.lowest <= instance.compute_capability <= self.highest

    def has_room_on(self, instance: InstanceType) -> bool:
        """Whether the GPUs of an instance type have enough memory."""
        return instance.gpu_memory_gib >= self.memory_gib

    def met_by(self, instance: InstanceType) -> bool:
        """Whether the training runs on an instance type."""
        return self.has_code_for(instance) and self.has_room_on(instance)


@dataclass(frozen=True)
class Obstacle:
    """Why a training cannot run with its settings, and which ones to change, the best first."""

    why: str
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Position:
    """How far a training is: steps done and, if its line has them, losses and seconds per step."""

    step: int
    loss: float | None = None
    seconds_a_step: float | None = None
    validation_loss: float | None = None


@dataclass(frozen=True)
class Workload:
    """One training: its names, its pods, what it reads and writes, what it needs.

    `name` is its name in `training.workload`, and the base of its launcher's and watch's names;
    `title` is its name in messages. `job` is the PyTorchJob's name, `manifest` its YAML, and
    `values` what the manifest uses beyond the common values. `program` is what its workers run.
    `data` is the folder in the pods that it reads, `results` the one below which it writes
    checkpoints; `checkpoint` matches the path of one. `progress` matches a log line that shows how
    far it is, and `position` reads such a line, if it has numbers. `gpus`: those that it can run
    on. `can_use_efa`: whether its image has what EFA needs; `has_bionemo`: whether it has BioNeMo's
    own data preparation. `checkpoint_list`: if a checkpoint is a folder, the name of the file in it
    that lists the others and that `checkpoint` matches.
    `metrics` and `model`: names, below a run's results, of a file of JSON lines with a `step` each,
    and of the folder of the exported model, whose file `model_list` lists the others; empty if it
    writes none. `inputs`: what it reads besides its data. `global_batch`: sequences that one step
    takes from the data set over all GPUs with given settings, 0 if they do not determine it;
    `global_batch_settings`: the training's settings that it follows from. Without it, the data set
    is not checked against the training. `obstacle`: what keeps it, with given settings, from
    running on GPUs that it could otherwise use, if anything.
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
    # Prefix of construct ids. The first workload has none, and ids must stay as they are.
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
        """The launcher's name: of its account and permissions, and of its Job before the hash."""
        return f"{self.name}-launcher"

    @property
    def watch(self) -> str:
        """The watch's name, likewise."""
        return f"{self.name}-watch"

    def construct_id(self, of: str) -> str:
        """Return the id of one of its constructs, such as `Training`; each workload has its own.

        With shared ids a change of workload would be an update, and `kubectl apply --prune`, which
        CDK's handler then runs, removes no PyTorchJob and no Role:
        https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/
        """
        return f"{self.construct_prefix}{of}"


Workloads = Mapping[str, Workload]
