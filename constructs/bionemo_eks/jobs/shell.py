"""The Kubernetes object of a shell: a Job whose pod mounts /fsx for a limited time."""

from __future__ import annotations

from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.manifests import KubernetesObject

# As in `manifests/workload/shell.yaml`.
CONTAINER = "shell"


def shell_job(name: str, seconds: int) -> KubernetesObject:
    """Return the Job `name` of a shell that runs for at most `seconds`.

    It uses the watch's image, which a core node already has; it has bash and needs no key.
    """
    values = {"name": name, "image": IMAGES["watch"].reference, "seconds": seconds}
    return manifests.load_one("workload/shell.yaml", values)
