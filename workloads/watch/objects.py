"""Reading and writing the API server's objects, whatever their kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]


def condition(item: Object | None, kind: str) -> Object | None:
    """Return the condition of this type, if it is true."""
    conditions = ((item or {}).get("status") or {}).get("conditions") or []
    true = [each for each in conditions if each["type"] == kind and each["status"] == "True"]
    return true[-1] if true else None


def moment(text: str) -> datetime:
    """Read a time of the API: RFC 3339 in UTC, with or without fractions of a second."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def written(moment: datetime) -> str:
    """Write a time as the API does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def notes(training: Object | None, key: str) -> Object:
    """Return the notes on a run in the PyTorchJob's annotation `key`; empty without one.

    The launcher notes the hours used before this start (`hours_used`), the watch the rest; each
    start resets them. So a restarted watch knows what it has done.
    """
    text = ((training or {}).get("metadata", {}).get("annotations") or {}).get(key, "{}")
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def is_suspended(training: Object) -> bool:
    """Whether the PyTorchJob is suspended."""
    return bool((training["spec"].get("runPolicy") or {}).get("suspend"))


def started(pod: Object) -> list[datetime]:
    """Return when the running containers of a pod started."""
    running = [
        (each.get("state") or {}).get("running")
        for each in pod["status"].get("containerStatuses") or []
    ]
    return [moment(each["startedAt"]) for each in running if each and each.get("startedAt")]
