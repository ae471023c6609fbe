"""What AWS has no call for: every resource of every stack with its properties resolved."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from rehearsal.environment import ACCOUNT

_TARGET = "BionemoRehearsal"


def register() -> None:
    """Add the call to the emulator (in its own process)."""
    from rehearsal import services

    services.add("rehearsal", _TARGET, {"ListResources": lambda asked: _resources()})


def _resources() -> list[dict[str, Any]]:
    from ministack.services.cloudformation import _stacks

    return [
        {
            "stack": name,
            "logical_id": logical_id,
            "type": resource["ResourceType"],
            "physical_id": resource["PhysicalResourceId"],
            "properties": resource.get("Properties") or {},
        }
        for name, stack in _stacks.items()
        if stack["StackStatus"] != "DELETE_COMPLETE"
        for logical_id, resource in stack.get("_resources", {}).items()
    ]


def resources(endpoint: str, region: str) -> list[dict[str, Any]]:
    """Return the resources that stand: stack, logical_id, type, physical_id, properties."""
    # The emulator takes account and region from the credential, as AWS does; it checks no more.
    scope = f"{ACCOUNT}/20260101/{region}/rehearsal/aws4_request"
    request = urllib.request.Request(
        endpoint,
        data=b"{}",
        headers={
            "X-Amz-Target": f"{_TARGET}.ListResources",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())
    return found
