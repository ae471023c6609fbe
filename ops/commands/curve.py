"""`bionemo curve`."""

from __future__ import annotations

import json as json_module
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.base import Context, Json, deployment_from_context_or_stop, stop
from ops.left_by_run import Metrics, Run, UnavailableError
from ops.project import ROOT, TRAINING_PYTHON
from ops.run_log import metrics_of_log
from ops.show.curve import show_curve
from ops.show.terminal import as_json, console
from ops.show.verdict import bionemo, show_verdict

_PROGRAM = ROOT / "workloads" / "esm2" / "curve.py"


def curve(
    context: Context = None,
    json: Json = False,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Also write a plot (png, svg or pdf); needs "make setup-training".',
        ),
    ] = None,
) -> None:
    """Plot losses and speed of the run that the settings describe.

    For ESM-2 they are read from the bucket; for ESM-1nv, which writes no metrics file, from the
    workers' log in CloudWatch, as long as it is kept: for a long run, one line per ten minutes.
    """
    deployment = deployment_from_context_or_stop(context)
    run = Run(deployment)
    try:
        metrics = run.metrics() if run.workload.metrics else metrics_of_log(deployment)
    except UnavailableError as error:
        stop(str(error))
    title = f"s3://{run.bucket}/{run.prefix}"
    if file:
        _draw(metrics, title, file)
    if json:
        as_json(metrics)
        return
    out, last = console(), max(each["step"] for each in metrics)
    show_curve(out, metrics, title)
    planned = deployment.settings.training.max_steps
    drawn = f"; plot written to {file}" if file else ""
    show_verdict(
        out,
        f"{last:,.0f} of {planned:,} steps{drawn}.",
        bionemo(
            "model get" if last >= planned and run.workload.model else "status --watch", context
        ),
    )


def _draw(metrics: Metrics, title: str, file: Path) -> None:
    if not TRAINING_PYTHON.exists():
        stop(f"--file needs matplotlib in {TRAINING_PYTHON}. Install it first: make setup-training")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        path.write_text("".join(f"{json_module.dumps(each)}\n" for each in metrics))
        options = ["--metrics", str(path), "--out", str(file), "--title", title]
        done = subprocess.run(
            [TRAINING_PYTHON, _PROGRAM, *options], capture_output=True, text=True, check=False
        )
    if done.returncode:
        stop((done.stderr.strip().splitlines() or ["the plot could not be drawn"])[-1])
