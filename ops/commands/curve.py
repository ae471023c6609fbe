"""`bionemo curve`."""

from __future__ import annotations

import json as json_module
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.base import Context, Json, deployment_from_context_or_stop, stop
from ops.left_by_run import Metrics, NotThereError, Run
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
            help="Also a picture: png, svg or pdf, by the environment of `make setup-training`.",
        ),
    ] = None,
) -> None:
    """Draw losses and speed of the run that the settings describe.

    Of ESM-2 from the bucket; of ESM-1nv, which leaves no file of them, from the workers' log in
    CloudWatch, for as long as that is kept: a line for each ten minutes.
    """
    deployment = deployment_from_context_or_stop(context)
    run = Run(deployment)
    try:
        metrics = run.metrics() if run.workload.metrics else metrics_of_log(deployment)
    except NotThereError as error:
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
    drawn = f"; the picture is {file}" if file else ""
    show_verdict(
        out,
        f"{last:,.0f} of {planned:,} steps{drawn}.",
        bionemo(
            "model get" if last >= planned and run.workload.model else "status --watch", context
        ),
    )


def _draw(metrics: Metrics, title: str, file: Path) -> None:
    if not TRAINING_PYTHON.exists():
        stop(f"--file needs matplotlib, which {TRAINING_PYTHON} has after: make setup-training")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        path.write_text("".join(f"{json_module.dumps(each)}\n" for each in metrics))
        options = ["--metrics", str(path), "--out", str(file), "--title", title]
        done = subprocess.run(
            [TRAINING_PYTHON, _PROGRAM, *options], capture_output=True, text=True, check=False
        )
    if done.returncode:
        stop((done.stderr.strip().splitlines() or ["the picture could not be drawn"])[-1])
