"""The Kubernetes object of a shell: a Job whose pod has /fsx, for a time."""

from __future__ import annotations

from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.manifests import KubernetesObject

# As `manifests/workload/shell.yaml` has it.
CONTAINER = "shell"


def shell_job(name: str, seconds: int) -> KubernetesObject:
    """Return the Job `name` of a shell that is there for `seconds` at most.

    In the watch's image, which a core node has already; it has bash, and wants no key.
    """
    values = {"name": name, "image": IMAGES["watch"].reference, "seconds": seconds}
    return manifests.load_one("workload/shell.yaml", values)
