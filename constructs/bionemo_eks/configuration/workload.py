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

if TYPE_CHECKING:
    from bionemo_eks.configuration.settings import Settings, TrainingSettings


@dataclass(frozen=True)
class Restarts:
    """What a training may go through before it counts as failed.

    `per_worker`: restarts of a worker's container, on average over all workers; `of_processes`:
    restarts of the processes inside one container, by torchrun.
    """

    per_worker: int
    of_processes: int


@dataclass(frozen=True)
class Rates:
    """What a run takes, for its cost.

    `training_hours`: hours that the training runs with given settings. `checkpoints_gb` and
    `image_gb`: gigabytes kept in S3, and pulled by each node.
    """

    training_hours: Callable[[Settings], float]
    checkpoints_gb: float
    image_gb: float


@dataclass(frozen=True)
class Workload:
    """One training: its names, its pods, what it reads and leaves, what it needs.

    `name` is what `training.workload` calls it, and what its launcher and watch are named after;
    `title` is for people. `job` is the PyTorchJob's name, `manifest` its YAML, and `values` what
    that names beyond the values common to all workloads. `data` is the folder in the pods that it
    reads, `results` the one below which it leaves checkpoints; `checkpoint` matches the
    path of one. `progress` matches a log line that
    tells how far it is. `gpu_models`: the GPUs that its image has code for; `gpu_memory_gib`: the
    memory that it needs on each. `can_use_efa`: whether its image has what EFA needs.
    `global_batch`: sequences that one step takes from the data set over all GPUs with given
    settings, 0 where they do not tell, and the training's settings that it follows from; without
    it nobody holds the data set against the training.
    """

    name: str
    title: str
    settings: type[TrainingSettings]
    job: str
    manifest: Path
    values: Callable[[Settings], Mapping[str, object]]
    data: str
    results: str
    checkpoint: re.Pattern[str]
    progress: re.Pattern[str]
    gpu_models: tuple[str, ...]
    gpu_memory_gib: int
    can_use_efa: bool
    restarts: Restarts
    rates: Rates
    # Before constructs' ids. The first workload had none, and ids must stay as they are.
    construct_prefix: str
    global_batch: Callable[[Settings], int] | None = None
    global_batch_settings: tuple[str, ...] = ()

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
