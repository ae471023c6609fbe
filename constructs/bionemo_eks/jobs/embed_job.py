"""The Kubernetes objects that embed proteins with a model on the file system, on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bionemo_eks.configuration.scheduling import CORE_SELECTOR, GPU_SELECTOR, GPU_TOLERATION
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs import manifests, pull_secret
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import COMMON_FOLDER, FSX, PROGRAMS, SCRATCH
from bionemo_eks.jobs.workloads.esm2 import RESULTS

# As in `manifests/workload`: the Job's name before its hash.
EMBED_JOB = "esm2-embed"
# Linked with S3, next to the runs: no experiment's name starts with an underscore.
FOLDER = f"{RESULTS}/_embed"
# The list of the result's files, which is written last.
EMBEDDED_LIST = "embeddings.json"
_PROGRAM = "/opt/embed"
# What a core node has room for, as for the data Job, and so does a small GPU node.
CPU_MEMORY_GIB = 8
_CPUS = "2"


@dataclass(frozen=True)
class Embedding:
    """One FASTA file, and what to embed it with.

    `name`: the Job's, which differs by proteins and model. `model`: its folder in the pods. `size`:
    the FASTA file's bytes. `memory_gib`: what the program needs.
    """

    name: str
    model: str
    size: int
    memory_gib: int
    on_gpu: bool

    @property
    def fasta(self) -> str:
        """Where the pod finds the proteins."""
        return f"{FOLDER}/{self.name}.fasta"

    @property
    def out(self) -> str:
        """The folder with the result."""
        return f"{FOLDER}/{self.name}"


def embed_objects(
    settings: Settings, asked: Embedding
) -> tuple[KubernetesObject, KubernetesObject]:
    """Return the ConfigMap with the program, and the Job that runs it."""
    memory = f"{asked.memory_gib}Gi"
    gpu = {"nvidia.com/gpu": "1"} if asked.on_gpu else {}
    config_map, job = manifests.load(
        "workload/embed.yaml",
        {
            "name": asked.name,
            "files": manifests.program_files(PROGRAMS / "esm2", COMMON_FOLDER),
            "image": settings.training.image,
            "arguments": _arguments(asked),
            "node_selector": dict(GPU_SELECTOR if asked.on_gpu else CORE_SELECTOR),
            "tolerations": [dict(GPU_TOLERATION)] if asked.on_gpu else [],
            "requests": {"cpu": _CPUS, "memory": memory},
            "limits": {"memory": memory, **gpu},
        },
    )
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    if not asked.on_gpu:
        # Without a driver the entry point has no libraries to look for.
        container = pod["containers"][0]
        container["command"] = container.pop("args")
    pull_secret.let_it_pull(settings, pod)
    return config_map, job


def _arguments(asked: Embedding) -> list[str]:
    options: dict[str, object] = {
        "--fasta": asked.fasta,
        "--bytes": asked.size,
        "--out": asked.out,
        "--scratch": f"{SCRATCH}/{EMBED_JOB}",
        "--list": EMBEDDED_LIST,
        "--model": asked.model,
        # Not auto: a missing GPU must be reported, not replaced by the CPU.
        "--device": "cuda" if asked.on_gpu else "cpu",
    }
    program = ["python3", f"{_PROGRAM}/embed_job.py"]
    return [*program, *(str(part) for option in options.items() for part in option)]


def in_the_bucket(path: str) -> str:
    """Return the key of a folder or file on the file system that is linked with the bucket."""
    return path.removeprefix(f"{FSX}/")
