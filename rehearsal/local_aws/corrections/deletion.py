"""Keeps the dependencies of a resource that could not be deleted, as AWS does.

The emulator deletes them. On AWS a later forced deletion "retains dependencies of those
resources", so the failed one has kept them:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-delete-stack.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.local_aws import private


def register() -> None:
    """Cancel the deletion of what is still needed."""
    private.DELETE_RESOURCE.wrap(_delete_unless_needed)


def _delete_unless_needed(delete: Callable[..., None], *arguments: Any, **options: Any) -> None:
    stack_name, logical_id = (
        private.argument(name, delete, arguments, options) for name in ("stack_name", "logical_id")
    )
    stack = private.STACKS.value.get(stack_name) or {}
    if stack.get("StackStatus") == "DELETE_IN_PROGRESS" and logical_id in needed(stack):
        raise ValueError("Resource deletion cancelled")
    delete(*arguments, **options)


def needed(stack: Mapping[str, Any]) -> set[str]:
    """Return the dependencies of the resources whose deletion has failed."""
    resources = stack["_resources"]
    failed = {
        name for name, each in resources.items() if each.get("ResourceStatus") == "DELETE_FAILED"
    }
    definitions = stack["_template"]["Resources"]
    found: set[str] = private.WITH_DEPENDENCIES.value(failed, definitions, set(resources))
    return found - failed
