"""`bionemo embed`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bionemo_eks.jobs.embed_job import Embedding, embed_objects
from bionemo_eks.jobs.places import FSX
from ops import embedding
from ops.aws import Deployment
from ops.cluster.api import ClusterError, NoClusterError, connected
from ops.cluster.embedding import follow, make
from ops.commands.base import (
    FAIL,
    PASS,
    WARN,
    Context,
    agreed,
    deployment_from_context_or_stop,
    say,
    stop,
)
from ops.commands.cost import prices_within_reason
from ops.embedding import Where
from ops.left_by_run import Run, UnavailableError
from ops.parquet import EMBEDDINGS, IDS, write_parquet
from ops.project import ROOT, TRAINING_PYTHON
from ops.show.terminal import console
from ops.show.verdict import show_verdict

_PROGRAM = ROOT / "workloads" / "esm2" / "embed.py"
# A login lasts 15 minutes: ops/cluster/api.py.
_LOGIN = 600.0


def embed(
    fasta: Annotated[Path, typer.Option(metavar="FILE", help="FASTA file of the proteins.")],
    context: Context = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="FOLDER",
            help='A model on this machine (from "model get", or a published ESM-2 in safetensors) '
            f"runs here; one under {FSX} runs on the cluster. By default, the run's own model, on "
            "the cluster.",
        ),
    ] = "",
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Output folder.")] = Path(
        "embeddings"
    ),
    on: Annotated[
        Where,
        typer.Option(help="On the cluster: auto picks cpu if two cores can do it in 10 minutes."),
    ] = Where.AUTO,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before using a GPU.")] = False,
) -> None:
    """Embed proteins, one vector each, as embeddings.npy, ids.txt and, with pyarrow, Parquet.

    On the cluster, this is a Job with one pod, with one GPU or on a core node. The FASTA file, up
    to 5 GiB, and the results travel through the bucket and the file system; both stay in the
    bucket. After an interruption, the same command continues with the same Job. The Job waits while
    a training holds all GPUs.

    With a model on this machine, it runs on a local GPU if there is one, else on the CPU; needs
    "make setup-training".
    """
    if model and not model.startswith(f"{FSX}/"):
        _here(fasta, Path(model), out)
    else:
        _on_the_cluster(context, fasta, model, out, on, yes)
    table = write_parquet(out)
    show_verdict(
        console(),
        f"Done: one vector for each protein of {fasta}, in the same order"
        f"{f'; also as a table: {table}' if table else ''}.",
        f"numpy.load({str(out / EMBEDDINGS)!r}); the IDs are in {out / IDS}",
    )
    raise typer.Exit(PASS)


def _here(fasta: Path, model: Path, out: Path) -> None:
    if not TRAINING_PYTHON.exists():
        stop(f"embed needs PyTorch in {TRAINING_PYTHON}. Install it first: make setup-training")
    options = ("--model", model, "--fasta", fasta, "--out", out)
    done = subprocess.run([TRAINING_PYTHON, _PROGRAM, *map(str, options)], check=False)
    if done.returncode:
        raise typer.Exit(FAIL)


def _on_the_cluster(
    context: list[str] | None, fasta: Path, model: str, out: Path, on: Where, yes: bool
) -> None:
    if out.exists():
        stop(f"--out {out} already exists. Name a new folder.")
    deployment = deployment_from_context_or_stop(context)
    workload = deployment.settings.workload
    if not workload.model:
        stop(f"{workload.title} exports no model to embed with. Use -c training.workload=esm2")
    try:
        _bring_or_make(deployment, fasta, model, out, on, yes)
    except KeyboardInterrupt:
        say("\nThe Job keeps running if it was created; run the same command to wait for it again.")
        raise
    except NoClusterError as error:
        stop(f"{error}. Deploy it first: make deploy")
    except (UnavailableError, ClusterError) as error:
        stop(f"embed: {error}")
    except OSError as error:
        stop(f"{error.filename or fasta}: {error.strerror or error}")


def _bring_or_make(
    deployment: Deployment, fasta: Path, model: str, out: Path, on: Where, yes: bool
) -> None:
    """Download the result to `out`; run the Job first unless the bucket already has the result."""
    run, settings = Run(deployment), deployment.settings
    proteins = embedding.read_proteins(fasta)
    trained = f"{settings.workload.program.results(settings)}/{settings.workload.model}"
    asked = embedding.plan(run, trained, model, proteins, on)
    try:
        embedding.bring(run, asked, out, say, patience=0)
        say(f"Already embedded with {asked.model}: the result is in the bucket.")
        return
    except UnavailableError:
        pass
    _agree(deployment, asked, proteins.letters, yes)
    with connected(deployment) as api:  # before anything is sent
        embedding.send(deployment, run, asked, proteins)
        made = make(api, *embed_objects(settings, asked))
    say(f"Job {asked.name}: {'created' if made else 'already running'}.")
    _follow(deployment, asked.name, say)
    embedding.bring(run, asked, out, say)


def _agree(deployment: Deployment, asked: Embedding, letters: int, yes: bool) -> None:
    """Print where the Job runs, and a GPU node's price; end the command if that is declined."""
    settings = deployment.settings
    if not asked.on_gpu:
        say(f"{letters:,} letters, with {asked.model}, on a core node.")
        return
    kind = settings.gpu.types[0]
    hourly = prices_within_reason(deployment.aws, settings, 1.0).hourly.get(kind)
    price = f" at ${hourly:,.2f} an hour" if hourly else ""
    say(
        f"{letters:,} letters, with {asked.model}, on one GPU: a {kind} node{price} is started "
        "for it unless one has a free GPU, and is removed a few minutes after the end."
    )
    if not (yes or agreed("Start it?")):
        say("Nothing was started.")
        raise typer.Exit(WARN)


def _follow(deployment: Deployment, name: str, report: Callable[[str], None]) -> None:
    done, last = False, ""
    while not done:
        with connected(deployment) as api:
            done, last = follow(api, name, _LOGIN, report, last)
