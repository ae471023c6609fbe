"""Where the jobs are, and what they see: the source document's commands use these."""

from __future__ import annotations

from pathlib import Path

from bionemo_eks.configuration import inputs

# The programs that ConfigMaps bring into the pods.
PROGRAMS = Path(__file__).resolve().parents[3] / "workloads"
# What several of them use; mounted beside each.
COMMON_FOLDER = PROGRAMS / "common"

# Of every object of `manifests/workload`.
NAMESPACE = "default"
# In place of a Job's name, in what names it, where there is none.
NO_JOB = "none"
# The PyTorchJob's annotation with the data Job that it waits for.
WAITS_FOR = "bionemo-on-eks/dataset-job"
# Where the workers' programs are mounted.
TRAINING_PROGRAM = "/opt/training"
# Where the volume is mounted in every pod.
FSX = inputs.FSX
PROCESSED = f"{FSX}/processed"
# Where the workers of a training tell each other. Not below what is linked with S3: it changes all
# the time, and is worth nothing later.
STATE = f"{FSX}/training-state"
# Where they write what is not whole yet, likewise: S3 is to get no half of it.
SCRATCH = f"{FSX}/training-scratch"
# Locked by whoever reads the data set, and by whoever replaces it.
DATA_LOCK = f"{FSX}/processed.lock"
# The PyTorchJob's annotation, in JSON: what launcher and watch note of a run.
NOTES = "bionemo-on-eks/run"
