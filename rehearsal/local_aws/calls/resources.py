"""A call that AWS lacks: lists every resource of every stack with its resolved properties."""

from __future__ import annotations

from typing import Any

from rehearsal.local_aws import private
from rehearsal.local_aws.calls import routing
from rehearsal.local_aws.resources import CALL, TARGET


def register() -> None:
    """Add the call to the emulator."""
    routing.add("rehearsal", TARGET, {CALL: lambda asked: _resources()})


def _resources() -> list[dict[str, Any]]:
    return [
        {
            "stack": name,
            "logical_id": logical_id,
            "type": resource["ResourceType"],
            "physical_id": resource["PhysicalResourceId"],
            "properties": resource.get("Properties") or {},
        }
        for name, stack in private.STACKS.value.items()
        if stack["StackStatus"] != "DELETE_COMPLETE"
        for logical_id, resource in stack.get("_resources", {}).items()
    ]
