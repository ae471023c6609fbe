"""Asks the local AWS for every resource of every stack (`calls/resources.py` answers)."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from rehearsal.machine.environment import ACCOUNT

TARGET, CALL = "BionemoRehearsal", "ListResources"


def resources(endpoint: str, region: str) -> list[dict[str, Any]]:
    """Return the deployed resources: stack, logical_id, type, physical_id, properties."""
    # Like AWS, the emulator takes account and region from the credential; it checks nothing else.
    scope = f"{ACCOUNT}/20260101/{region}/rehearsal/aws4_request"
    request = urllib.request.Request(
        endpoint,
        data=b"{}",
        headers={
            "X-Amz-Target": f"{TARGET}.{CALL}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())
    return found
