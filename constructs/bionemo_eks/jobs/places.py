"""Where the jobs run, and the paths they see: as in the 2024 blueprint's commands."""

from __future__ import annotations

from pathlib import Path

from bionemo_eks.configuration import inputs

# The programs that ConfigMaps mount into the pods.
PROGRAMS = Path(__file__).resolve().parents[3] / "workloads"
# What several of them share; mounted next to each.
COMMON_FOLDER = PROGRAMS / "common"

# The namespace of every object in `manifests/workload`.
NAMESPACE = "default"
# Takes the place of a Job's name if there is no Job.
NO_JOB = "none"
# The PyTorchJob's annotation with the data Job that it waits for.
WAITS_FOR = "bionemo-on-eks/dataset-job"
# Where the workers' programs are mounted.
TRAINING_PROGRAM = "/opt/training"
# Where the volume is mounted in every pod.
FSX = inputs.FSX
PROCESSED = f"{FSX}/processed"
# Where the workers of a training share their state. Not below a folder linked with S3: it changes
# all the time and is worthless later.
STATE = f"{FSX}/training-state"
# Where they write unfinished files, also not linked: S3 must not get partial files.
SCRATCH = f"{FSX}/training-scratch"
# Locked by programs that read the data set, and by those that replace it.
DATA_LOCK = f"{FSX}/processed.lock"
# The PyTorchJob's annotation with the notes of launcher and watch about a run, in JSON.
NOTES = "bionemo-on-eks/run"
