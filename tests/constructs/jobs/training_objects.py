"""The Kubernetes objects of a training, for the tests of the PyTorchJob and of its launcher."""

from __future__ import annotations

from typing import Any

from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.training_job import (
    launcher_objects,
    training_job,
    training_program,
)
from tests.context import read_settings

DATA_JOB = {"metadata": {"name": "some-data-job"}}


class Objects:
    """The PyTorchJob for some settings, and the objects of its launcher."""

    def __init__(self, **changes: str) -> None:
        self.settings: Settings = read_settings(changes)
        workload = self.settings.workload
        self.program = training_program(workload)
        self.training = training_job(self.settings, DATA_JOB)
        self.launcher = launcher_objects(
            self.settings, dataset_job=DATA_JOB, training_job=self.training
        )

    @property
    def worker(self) -> dict[str, Any]:
        return dict(self.training["spec"]["pytorchReplicaSpecs"]["Worker"])

    @property
    def policy(self) -> dict[str, Any]:
        return dict(self.training["spec"]["elasticPolicy"])

    @property
    def container(self) -> dict[str, Any]:
        (found,) = self.worker["template"]["spec"]["containers"]
        return dict(found)
