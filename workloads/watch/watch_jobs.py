"""Looks at the jobs once a minute and publishes their states; runs as long as the cluster.

    python3 watch_jobs.py --namespace default --data-job NAME --launcher NAME --training NAME
      --notes ANNOTATION --max-hours 0 --progress PATTERN --stall-minutes 30 --on-stall tell
      --metrics BioNeMoOnEKS/CLUSTER --region REGION

Jobs are watched by name, so one that is recreated under its name is watched too. To add something
to watch, add a field to `States`, a value to `cloudwatch_metrics.values` and an alarm to the
Observability stack. What it does besides reporting is in `acts`.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from acts import Act, Limits, act
from api_server import ApiError, ApiServer, of_this_cluster
from block_end import BlockEnd
from capacity_block import CapacityBlock
from cloudwatch_metrics import Metrics, values
from deadline import Deadline
from job_states import Look, States, states
from objects import notes
from stall import Progress

# Seconds between two looks: metrics finer than a minute cost more.
INTERVAL = 60.0
Publish = Callable[[dict[str, float], datetime], None]
# In a worker: https://github.com/kubeflow/training-operator/blob/v1.7.0/pkg/apis/kubeflow.org/v1/pytorch_types.go
CONTAINER = "pytorch"
PYTORCHJOBS = "kubeflow.org/v1", "pytorchjobs"


def look(api: ApiServer, names: argparse.Namespace, progress: Progress) -> Look:
    """Ask the API server about everything watched; ApiError if it does not answer."""
    now = datetime.now(UTC)
    jobs = [name for name in (names.data_job, names.launcher) if name]
    # Without jobs, select no pod: an empty list is not valid.
    pods_of_jobs = f"batch.kubernetes.io/job-name in ({','.join(jobs) or 'none'})"
    of_training = f"training.kubeflow.org/job-name={names.training}"
    training = api.get(*PYTORCHJOBS, names.training)
    workers = api.list("v1", "pods", labelSelector=of_training)
    return Look(
        now=now,
        data_job=api.get("batch/v1", "jobs", names.data_job) if names.data_job else None,
        launcher=api.get("batch/v1", "jobs", names.launcher) if names.launcher else None,
        training=training,
        job_pods=api.list("v1", "pods", labelSelector=pods_of_jobs),
        workers=workers,
        events=api.list("v1", "events", fieldSelector="involvedObject.kind=Pod,type=Warning"),
        notes=notes(training, names.notes),
        progress=progress.seen(training, workers, now),
    )


class Watch:
    """Looks, and logs what has changed since the last look.

    `publish` sends the metrics, `change` applies an act to the PyTorchJob; `deadlines` returns
    those other than `max_hours`.
    """

    def __init__(
        self,
        see: Callable[[], Look],
        publish: Publish,
        change: Callable[[Act], None],
        limits: Limits,
        deadlines: Callable[[], list[Deadline]] = list,
    ) -> None:
        self._see, self._publish, self._change = see, publish, change
        self._limits, self._deadlines = limits, deadlines
        self._logged = self._unavailable = ""

    def once(self) -> None:
        """Look once. Without an answer nothing is published: an alarm reports the silence.

        Actions do not depend on CloudWatch: what was done is noted, so it is reported later.
        """
        try:
            seen = self._see()
        except ApiError as error:
            self._log(f"error: {error}")
            return
        found, errors = states(seen), []
        try:
            self._publish(values(found), seen.now)
        except (BotoCoreError, ClientError) as error:
            errors.append(str(error))
        errors += self._done(seen)
        self._log(f"error: {'; '.join(errors)}" if errors else in_words(found) + self._unavailable)

    def _done(self, seen: Look) -> list[str]:
        """Act if needed; return the errors."""
        try:
            doing = act(seen, self._limits, self._further())
        except (ValueError, TypeError) as error:  # edited by hand
            return [f"the notes on the run cannot be read: {error}"]
        if doing is None:
            return []
        try:
            self._change(doing)
        except ApiError as error:
            return [f"{doing.message}: failed: {error}"]
        self._log(doing.message)
        return []

    def _further(self) -> list[Deadline]:
        """Return the further deadlines; if unavailable, the others still apply."""
        try:
            found = self._deadlines()
        except (BotoCoreError, ClientError) as error:
            self._unavailable = f"; error: {error}"
            return []
        self._unavailable = ""
        return found

    def _log(self, text: str) -> None:
        if text != self._logged:
            print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}", flush=True)
            self._logged = text


def in_words(found: States) -> str:
    """Return one line for the log, without durations: they would change at each look."""
    parts = [f"data {found.data}", f"launcher {found.launcher}", f"training {found.training}"]
    if found.workers_pending:
        parts.append("workers are waiting for nodes")
    if found.cannot_start:
        parts.append("a pod is waiting for its volume or network")
    if found.stalled:
        parts.append("no progress")
    if found.jobs_out_of_memory:
        parts.append("a Job ran out of memory")
    if found.no_image:
        parts.append("an image cannot be pulled")
    return ", ".join(parts) + (f" ({found.why})" if found.why else "")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Publish the jobs' states as CloudWatch metrics.")
    for name in ("namespace", "training", "notes", "metrics", "region"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--max-hours", type=float, default=0, help="0: unlimited.")
    parser.add_argument("--block", default="", help="Capacity Block of the nodes, if any.")
    parser.add_argument("--margin", type=float, default=0, help="Minutes to leave before its end.")
    parser.add_argument("--progress", required=True, help="Pattern of a line that shows progress.")
    parser.add_argument("--stall-minutes", type=int, required=True)
    parser.add_argument("--on-stall", choices=("tell", "restart", "suspend"), default="tell")
    parser.add_argument("--data-job", default="", help="Empty: no data is prepared.")
    parser.add_argument("--launcher", default="", help="Empty: no training is started.")
    return parser.parse_args(given)


def watch_over(api: ApiServer, given: argparse.Namespace, publish: Publish) -> Watch:
    """Return the watch that the command line asks for."""
    block = None
    if given.block:
        block = BlockEnd(CapacityBlock(given.block, given.region, given.margin))

    def log(pod: str, seconds: int) -> str:
        return api.log(pod, CONTAINER, seconds)

    progress = Progress(log, given.progress, given.stall_minutes)
    return Watch(
        lambda: look(api, given, progress),
        publish,
        lambda act: api.patch(*PYTORCHJOBS, given.training, act.patch(given.notes)),
        Limits(given.max_hours, given.stall_minutes, given.on_stall),
        block.deadlines if block else list,
    )


def main() -> int:
    """Watch until SIGTERM."""
    given = arguments()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        api = of_this_cluster(given.namespace)
        metrics = Metrics(given.metrics, given.region)
    except (ApiError, BotoCoreError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    watch = watch_over(api, given, metrics.publish)
    while not ended.is_set():
        watch.once()
        ended.wait(INTERVAL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
