"""What a resource that could not be deleted depends on stays, as on AWS.

The emulator goes on with it. A forced deletion "retains dependencies of those resources", so they
are there:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-delete-stack.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import stacks


def register() -> None:
    """Cancel the deletion of what is still needed."""
    delete = stacks._delete_resource

    def delete_unless_needed(
        kind: str, physical_id: str, properties: Any, stack_name: str, logical_id: str
    ) -> None:
        stack = cloudformation._stacks.get(stack_name) or {}
        if stack.get("StackStatus") == "DELETE_IN_PROGRESS" and logical_id in needed(stack):
            raise ValueError("Resource deletion cancelled")
        delete(kind, physical_id, properties, stack_name, logical_id)

    stacks._delete_resource = delete_unless_needed


def needed(stack: Mapping[str, Any]) -> set[str]:
    """Return the resources that those depend on whose deletion has failed."""
    resources = stack["_resources"]
    failed = {
        name for name, each in resources.items() if each.get("ResourceStatus") == "DELETE_FAILED"
    }
    definitions = stack["_template"]["Resources"]
    found: set[str] = stacks._with_dependencies(failed, definitions, set(resources))
    return found - failed
