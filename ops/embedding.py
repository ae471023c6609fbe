"""Proteins to embed on the cluster: sent through the bucket, and back."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from bionemo_eks.configuration.names import name_with_hash
from bionemo_eks.jobs.embed_job import (
    CPU_MEMORY_GIB,
    EMBED_JOB,
    EMBEDDED_LIST,
    Embedding,
    in_the_bucket,
)
from bionemo_eks.jobs.places import PROCESSED
from bionemo_eks.jobs.workloads import WORKLOADS
from bionemo_eks.jobs.workloads.esm2_program import Architecture, TrainingError
from ops.aws import Deployment
from ops.left_by_run import Run, UnavailableError
from ops.reasons import reason

# The limit of one request: https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
MOST_BYTES = 5 << 30
# The limit for two cores of a core node: 10 minutes at 5e10 operations a second, a conservative
# figure compared with bench/esm2_speed.py. A token takes two per parameter.
CPU_OPERATIONS = 600 * 5e10
# The weights in fp32, once as created and once as read; PyTorch itself and activations.
_BYTES_A_PARAMETER, _OWN_GIB = 2 * 4, 3
# Seconds that a result file may take from the file system to the bucket.
_EXPORT, _LOOK = 900.0, 10.0
_BLOCK = 1 << 20


class Where(StrEnum):
    """Where the Job runs."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


@dataclass(frozen=True)
class Proteins:
    """A FASTA file. `size`: bytes; `letters`: of all sequences; `sha256`: of the file."""

    path: Path
    size: int
    letters: int
    sha256: str


def read_proteins(path: Path) -> Proteins:
    """Read a FASTA file; raises UnavailableError if it is not one or too large, and OSError."""
    digest, letters, started = hashlib.sha256(), 0, False
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            text = line.strip()
            if not started and text and not text.startswith(b">"):
                raise UnavailableError(
                    f"--fasta {path}: does not begin with a header, such as >name"
                )
            started = started or bool(text)
            letters += 0 if text.startswith(b">") else len(text)
    size = path.stat().st_size
    if not letters:
        raise UnavailableError(f"--fasta {path}: contains no sequence")
    if size > MOST_BYTES:
        raise UnavailableError(
            f"--fasta {path}: {size / 2**30:.1f} GiB, but the limit is {MOST_BYTES >> 30} GiB. "
            "Split it"
        )
    return Proteins(path, size, letters, digest.hexdigest())


def plan(run: Run, trained: str, model: str, proteins: Proteins, where: Where) -> Embedding:
    """Return the Job to run, with `model`, a folder on the file system, or if empty with `trained`.

    Raises UnavailableError if the bucket does not have the model.
    """
    folder = model.rstrip("/") or trained
    linked = (PROCESSED, *(each.results for each in WORKLOADS.values()))
    if not folder.startswith(tuple(f"{each}/" for each in linked)):
        raise UnavailableError(
            f"--model {folder}: give a folder on this machine, or one under "
            f"{', '.join(linked)}, which the bucket has too"
        )
    prefix = in_the_bucket(folder)
    config = run.read(f"{prefix}/config.json")
    # A model trained here is identified by its step, which is written last.
    state = run.read(f"{prefix}/{run.workload.model_list}") if not model else b""
    size = _architecture(config, folder)
    memory = math.ceil(size.parameters * _BYTES_A_PARAMETER / 2**30) + _OWN_GIB
    light = 2 * size.parameters * proteins.letters <= CPU_OPERATIONS and memory <= CPU_MEMORY_GIB
    if where is Where.CPU and memory > CPU_MEMORY_GIB:
        raise UnavailableError(
            f"--on cpu: the model needs {memory} GiB, but a core node has only {CPU_MEMORY_GIB} "
            "for it. Use --on gpu"
        )
    on_gpu = where is Where.GPU or (where is Where.AUTO and not light)
    content = (proteins.sha256, folder, config.decode(), state.decode())
    return Embedding(
        name=name_with_hash(EMBED_JOB, *content),
        model=folder,
        size=proteins.size,
        memory_gib=memory if on_gpu else CPU_MEMORY_GIB,
        on_gpu=on_gpu,
    )


def _architecture(config: bytes, folder: str) -> Architecture:
    try:
        found = json.loads(config)
        return Architecture(
            found["num_hidden_layers"],
            found["hidden_size"],
            found["num_attention_heads"],
            found["intermediate_size"],
        )
    except (ValueError, KeyError, TypeError, TrainingError) as error:
        raise UnavailableError(
            f"{folder}/config.json is not from an ESM-2 model: {error}"
        ) from None


def send(deployment: Deployment, run: Run, asked: Embedding, proteins: Proteins) -> None:
    """Upload the proteins to the bucket; the file system gets them from there."""
    key = in_the_bucket(asked.fasta)
    try:
        with proteins.path.open("rb") as file:
            deployment.aws.client("s3").put_object(Bucket=run.bucket, Key=key, Body=file)
    except (ClientError, BotoCoreError) as error:
        raise UnavailableError(f"s3://{run.bucket}/{key}: {reason(error)}") from None


def files_of(run: Run, asked: Embedding) -> dict[str, int | None]:
    """Return the result's files, bytes by key; UnavailableError until they are in the bucket."""
    prefix = in_the_bucket(asked.out)
    listed = json.loads(run.read(f"{prefix}/{EMBEDDED_LIST}"))["files"]
    return {f"{prefix}/{name}": int(size) for name, size in listed.items()}


def bring(
    run: Run,
    asked: Embedding,
    folder: Path,
    say: Callable[[str], None],
    patience: float = _EXPORT,
) -> None:
    """Download the result to `folder`, which is new, as soon as the bucket has all of it.

    Raises UnavailableError if it has not within `patience` seconds, and OSError.
    """
    until = time.monotonic() + patience
    while True:
        try:
            files = files_of(run, asked)
            run.get_files(files, in_the_bucket(asked.out) + "/", folder, lambda text: None)
        except UnavailableError:
            if time.monotonic() >= until:
                raise
            say("the result is on its way to the bucket")
            time.sleep(_LOOK)
        else:
            return
