"""Where the jobs are, and what they see: the source document's commands use these."""

from __future__ import annotations

# Of every object of `manifests/workload`.
NAMESPACE = "default"
# Where the volume is mounted in every pod.
FSX = "/fsx"
PROCESSED = f"{FSX}/processed"
