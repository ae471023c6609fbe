"""Whether the training makes progress: what its workers have recently printed.

The kubelet returns the lines of the last minutes, so no state needs to be kept.
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from api_server import ApiError
from objects import Object, started

# Lines of the start program.
_OWN = "start: "
# Logs that may be unavailable before the rest is skipped, because each request may take seconds.
_SILENT = 3


class Progress:
    """Searches the last `minutes` of the logs for lines that match `pattern`.

    `log` returns the end of a pod's log, given its name and seconds; ApiError if unavailable.
    """

    def __init__(self, log: Callable[[str, int], str], pattern: str, minutes: int) -> None:
        self._log, self._pattern = log, re.compile(pattern)
        self._minutes = timedelta(minutes=minutes)
        self._last = ""

    def seen(
        self, training: Object | None, workers: Sequence[Object], now: datetime
    ) -> bool | None:
        """Return whether there is such a line; None if none is due, or it is unknown.

        A line is due once all workers have run for `minutes`. While a worker is missing the others
        wait for it, which is reported separately.
        """
        since = all_run_since(training, workers)
        if since is None or now - since < self._minutes:
            return None
        # The process with rank 0 prints them; it may be in any worker, but stays there.
        names = sorted(
            (str(each["metadata"]["name"]) for each in workers),
            key=lambda name: name != self._last,
        )
        silent = 0
        for name in names:
            if silent > _SILENT:
                break
            try:
                found = self._in(self._log(name, int(self._minutes.total_seconds())))
            except ApiError:
                silent += 1
                continue
            if found:
                self._last = name
                return True
        return None if silent else False

    def _in(self, text: str) -> bool:
        # A progress bar ends in CR, and one record may hold many of its updates.
        lines = re.split(r"[\r\n]+", text)
        return any(self._pattern.search(each) for each in lines if not each.startswith(_OWN))


def all_run_since(training: Object | None, workers: Sequence[Object]) -> datetime | None:
    """Return since when all expected workers have been running; None if they are not."""
    replicas = ((training or {}).get("spec") or {}).get("pytorchReplicaSpecs") or {}
    wanted = sum(int(each.get("replicas") or 1) for each in replicas.values())
    running = [each for pod in workers for each in started(pod)]
    if not running or len(running) < max(wanted, len(workers)):
        return None
    return max(running)
