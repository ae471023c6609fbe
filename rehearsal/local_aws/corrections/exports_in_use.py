"""An export that another stack imports can be neither changed nor removed, as on AWS.

The emulator asks for imports when a stack is deleted, but not when it is updated. AWS refuses both:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, stacks

# Stacks of these hold no resource that could use an import.
_GONE = ("DELETE_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS")


def register() -> None:
    """Let an update fail, and roll back, where AWS does: when the outputs are worked out."""
    resolve = stacks._resolve_stack_outputs

    def resolve_and_compare(*arguments: Any) -> tuple[list[Any], dict[str, dict[str, str]]]:
        outputs, exports = resolve(*arguments)
        refuse_what_is_in_use(cloudformation._exports, exports, arguments[-1], importers)
        return outputs, exports

    stacks._resolve_stack_outputs = resolve_and_compare


def refuse_what_is_in_use(
    standing: Mapping[str, Mapping[str, str]],
    wanted: Mapping[str, Mapping[str, str]],
    stack_id: str,
    importers: Callable[[str], list[str]],
) -> None:
    """Raise ValueError when a stack's update changes or drops an export that others import.

    `standing` and `wanted` map an export's name to its StackId and Value; `importers(name)` gives
    the stacks that import it.
    """
    for name, export in standing.items():
        if export["StackId"] != stack_id or export == wanted.get(name):
            continue
        users = importers(name)
        if users:
            verb = "updated" if name in wanted else "deleted"
            raise ValueError(
                f"Export {name} cannot be {verb} as it is in use by {', '.join(users)}"
            )


def importers(export: str) -> list[str]:
    """Return the names of the stacks that import `export`."""
    return [
        name
        for name, stack in cloudformation._stacks.items()
        if stack["StackStatus"] not in _GONE
        and export in handlers._imported_export_names(stack, name)
    ]
