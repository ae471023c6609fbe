"""How the watch suspends a training: its workers save and go, and then their nodes.

A later start, by the launcher or by hand, goes on from the newest checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from api_server import ApiServer
from job_states import NOTES, Look, notes


@dataclass(frozen=True)
class Stop:
    """What stops a training, in a word for programs, and why, in words for people."""

    by: str
    why: str


# Tells what must stop the training that a look shows; nothing while it may run.
Reason = Callable[[Look], Stop | None]


def patch(training: dict[str, Any], stop: Stop) -> dict[str, Any]:
    """Return what suspends a PyTorchJob, and says so on it; what else is noted there stays.

    https://github.com/kubeflow/training-operator/blob/v1.7.0/pkg/apis/kubeflow.org/v1/common_types.go
    """
    noted = {**notes(training), "stopped_by": stop.by, "stopped_why": stop.why}
    return {
        "metadata": {"annotations": {NOTES: json.dumps(noted)}},
        "spec": {"runPolicy": {"suspend": True}},
    }


class Suspension:
    """Suspends one training for the first of `reasons` that there is."""

    def __init__(self, api: ApiServer, name: str, reasons: Iterable[Reason]) -> None:
        self._api, self._name, self._reasons = api, name, tuple(reasons)

    def look(self, seen: Look) -> str:
        """Suspend the training that runs, if it must be; return why, or nothing.

        Raises ApiError, and what a reason raises that cannot be told.
        """
        if seen.training is None:
            return ""
        for reason in self._reasons:
            stop = reason(seen)
            if stop is not None:
                body = patch(seen.training, stop)
                self._api.patch("kubeflow.org/v1", "pytorchjobs", self._name, body)
                return stop.why
        return ""
