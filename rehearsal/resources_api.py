"""What AWS has no call for: every resource of every stack with its properties resolved."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from rehearsal.environment import ACCOUNT

_TARGET = "BionemoRehearsal"


def register() -> None:
    """Add the call to the emulator (in its own process)."""
    from ministack import app
    from ministack.core import router
    from ministack.services.cloudformation import _stacks

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        found = [
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
        return 200, {"Content-Type": "application/json"}, json.dumps(found, default=str).encode()

    router.SERVICE_PATTERNS["rehearsal"] = {"target_prefixes": [_TARGET]}
    app.SERVICE_HANDLERS["rehearsal"] = handle


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
