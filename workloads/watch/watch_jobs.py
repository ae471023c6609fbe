"""Looks at the jobs once a minute and publishes their states; runs as long as the cluster.

    python3 watch_jobs.py --namespace default --data-job NAME --launcher NAME --training NAME
      --metrics BioNeMoOnEKS/CLUSTER --region REGION

What is looked at are the jobs of these names, so that one that is made again under its name is
watched too. A further subject (a training that stands still) is a field of `States`, a value in
`cloudwatch_metrics.values`, and an alarm of the Observability stack; a further reason to suspend
the training is one more in `reasons`.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from api_server import ApiError, ApiServer, of_this_cluster
from block_end import block_end
from capacity_block import CapacityBlock
from cloudwatch_metrics import Metrics, values
from job_states import Look, States, states
from suspension import Reason, Suspension

# Seconds between two looks: a finer period of metrics than a minute costs more.
INTERVAL = 60.0


def look(api: ApiServer, names: argparse.Namespace) -> Look:
    """Ask the API server for all that is watched; ApiError where it does not tell."""
    jobs = [name for name in (names.data_job, names.launcher) if name]
    pods_of_jobs = f"batch.kubernetes.io/job-name in ({','.join(jobs)})"
    workers = f"training.kubeflow.org/job-name={names.training}"
    return Look(
        now=datetime.now(UTC),
        data_job=api.get("batch/v1", "jobs", names.data_job),
        launcher=api.get("batch/v1", "jobs", names.launcher) if names.launcher else None,
        training=api.get("kubeflow.org/v1", "pytorchjobs", names.training),
        job_pods=api.list("v1", "pods", labelSelector=pods_of_jobs),
        workers=api.list("v1", "pods", labelSelector=workers),
        events=api.list("v1", "events", fieldSelector="involvedObject.kind=Pod,type=Warning"),
    )


class Watch:
    """Looks, tells in the log what has changed since the last look, and suspends what must be."""

    def __init__(
        self,
        see: Callable[[], Look],
        publish: Callable[[dict[str, float], datetime], None],
        suspend: Callable[[Look], str] = lambda seen: "",
    ) -> None:
        self._see, self._publish, self._suspend = see, publish, suspend
        self._told = ""

    def once(self) -> None:
        """Look once. Without an answer nothing is published: a silence is told, a guess is not."""
        try:
            seen = self._see()
            found = states(seen)
            self._publish(values(found), seen.now)
            # The next look tells of it, by what the API server then has.
            why = self._suspend(seen) if found.training in ("created", "running") else ""
        except (ApiError, BotoCoreError, ClientError) as error:
            self._tell(f"error: {error}")
        else:
            self._tell(f"suspends the training: {why}" if why else in_words(found))

    def _tell(self, text: str) -> None:
        if text != self._told:
            print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}", flush=True)
            self._told = text


def in_words(found: States) -> str:
    """Return one line for the log; what only grows older is no change."""
    parts = [f"data {found.data}", f"launcher {found.launcher}", f"training {found.training}"]
    if found.stopped:
        parts.append(f"suspended by the watch: {found.stopped}")
    if found.workers_pending:
        parts.append("workers wait for nodes")
    if found.cannot_start:
        parts.append("a pod waits for its volume or its network")
    if found.jobs_out_of_memory:
        parts.append("a Job was out of memory")
    if found.no_image:
        parts.append("an image cannot be had")
    return ", ".join(parts) + (f" ({found.why})" if found.why else "")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Publish the jobs' states as CloudWatch metrics.")
    for name in ("namespace", "data-job", "training", "metrics", "region"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--launcher", default="", help="Without one no training is started.")
    parser.add_argument("--block", default="", help="The Capacity Block that the training is in.")
    parser.add_argument(
        "--margin", type=float, default=0.0, help="Minutes to its end at the least."
    )
    return parser.parse_args(given)


def reasons(given: argparse.Namespace) -> list[Reason]:
    """Return what may make the watch suspend the training; botocore's errors."""
    if not given.block:
        return []
    return [block_end(CapacityBlock(given.block, given.region, given.margin))]


def main() -> int:
    """Watch until SIGTERM."""
    given = arguments()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        api = of_this_cluster(given.namespace)
        metrics = Metrics(given.metrics, given.region)
        suspension = Suspension(api, given.training, reasons(given))
    except (ApiError, BotoCoreError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    watch = Watch(lambda: look(api, given), metrics.publish, suspension.look)
    while not ended.is_set():
        watch.once()
        ended.wait(INTERVAL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
