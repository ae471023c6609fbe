"""All workloads. To add one: a module here, a manifest, and a line below."""

from __future__ import annotations

from bionemo_eks.configuration.workload import Workloads
from bionemo_eks.jobs.workloads import esm1nv, esm2

# The first is the default of `training.workload`.
WORKLOADS: Workloads = {each.name: each for each in (esm1nv.WORKLOAD, esm2.WORKLOAD)}
