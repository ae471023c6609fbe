"""`--import-existing-resources` in a stack's first deployment, as on AWS.

The emulator finds the bucket that is there and then refuses its name as taken, before it adopts
it. AWS adopts it:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import changesets, stacks

_ADOPTED: ContextVar[frozenset[str]] = ContextVar("adopted", default=frozenset())


def register() -> None:
    """Let the names that a deployment adopts pass the emulator's check for taken ones."""
    deploy, errors = stacks._deploy_stack_async, stacks._validation_errors

    async def deploy_stack(
        *arguments: Any, imports: dict[str, dict[str, str]] | None = None, **options: Any
    ) -> None:
        names = [name for identifier in (imports or {}).values() for name in identifier.values()]
        _ADOPTED.set(frozenset(names))
        await deploy(*arguments, imports=imports, **options)

    def validation_errors(*arguments: Any) -> Any:
        *others, owned = arguments
        return errors(*others, owned | _ADOPTED.get())

    stacks._deploy_stack_async = changesets._deploy_stack_async = deploy_stack
    stacks._validation_errors = validation_errors
