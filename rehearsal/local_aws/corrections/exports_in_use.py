"""Refuses to change or remove an export that another stack imports, as AWS does.

The emulator checks for imports when a stack is deleted, but not when it is updated. AWS does both:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.local_aws import private
from rehearsal.local_aws.in_process import client


def register() -> None:
    """Let an update fail and roll back where it does on AWS: when outputs are resolved."""
    private.RESOLVE_OUTPUTS.wrap(_resolve_and_compare)


def _resolve_and_compare(resolve: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    outputs, exports = resolve(*arguments, **options)
    stack_id = private.argument("stack_id", resolve, arguments, options)
    exported = {
        each["Name"]: each["Value"]
        for page in client("cloudformation").get_paginator("list_exports").paginate()
        for each in page["Exports"]
        if each["ExportingStackId"] == stack_id
    }
    wanted = {name: each["Value"] for name, each in exports.items()}
    refuse_what_is_in_use(exported, wanted, _importers)
    return outputs, exports


def refuse_what_is_in_use(
    exported: Mapping[str, str], wanted: Mapping[str, str], importers: Callable[[str], list[str]]
) -> None:
    """Raise ValueError if a stack's update changes or drops an export that others import.

    `exported` and `wanted` are the stack's exports, name to value, before and after the update;
    `importers(name)` returns the stacks that import one.
    """
    for name, value in exported.items():
        if wanted.get(name) == value:
            continue
        users = importers(name)
        if users:
            verb = "updated" if name in wanted else "deleted"
            raise ValueError(
                f"Export {name} cannot be {verb} as it is in use by {', '.join(users)}"
            )


def _importers(export: str) -> list[str]:
    pages = client("cloudformation").get_paginator("list_imports").paginate(ExportName=export)
    try:
        return [stack for page in pages for stack in page["Imports"]]
    except ClientError as error:
        # ListImports returns an error if no stack imports it.
        if error.response["Error"]["Code"] == "ValidationError":
            return []
        raise
