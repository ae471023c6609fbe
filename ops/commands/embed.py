"""`bionemo embed`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.base import FAIL, PASS, stop
from ops.project import ROOT, TRAINING_PYTHON
from ops.show.terminal import console
from ops.show.verdict import show_verdict

_PROGRAM = ROOT / "workloads" / "esm2" / "embed.py"


def embed(
    fasta: Annotated[Path, typer.Option(metavar="FILE", help="The proteins.")],
    model: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", help="Of `model get`, or of a published ESM-2 in safetensors."
        ),
    ] = Path("model"),
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Gets the two files.")] = Path(
        "embeddings"
    ),
) -> None:
    """Embed proteins on this machine: embeddings.npy and ids.txt, a vector for each.

    On a GPU that is here, else on the CPU, by the environment of `make setup-training`.
    """
    if not TRAINING_PYTHON.exists():
        stop(f"embed needs PyTorch, which {TRAINING_PYTHON} has after: make setup-training")
    options = ("--model", model, "--fasta", fasta, "--out", out)
    done = subprocess.run([TRAINING_PYTHON, _PROGRAM, *map(str, options)], check=False)
    if done.returncode:
        raise typer.Exit(FAIL)
    show_verdict(
        console(),
        f"Done: a vector for each protein of {fasta}, in its order.",
        f"numpy.load({str(out / 'embeddings.npy')!r}); their names are in {out / 'ids.txt'}",
    )
    raise typer.Exit(PASS)
