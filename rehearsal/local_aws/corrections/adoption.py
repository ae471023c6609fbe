"""`--import-existing-resources` in a stack's first deployment, as on AWS.

The emulator refuses the name of the existing bucket as taken. AWS adopts the bucket:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from rehearsal.local_aws import private

_ADOPTED: ContextVar[frozenset[str]] = ContextVar("adopted", default=frozenset())


def register() -> None:
    """Let the names that a deployment adopts pass the emulator's check for taken names."""
    private.DEPLOY_STACK.wrap(_deploy)
    private.BUCKET_CONFLICT.wrap(_conflict)


async def _deploy(
    deploy: Callable[..., Any],
    *arguments: Any,
    imports: dict[str, dict[str, str]] | None = None,
    **options: Any,
) -> None:
    names = [name for identifier in (imports or {}).values() for name in identifier.values()]
    _ADOPTED.set(frozenset(names))
    await deploy(*arguments, imports=imports, **options)


def _conflict(conflict: Callable[[str], str | None], name: str) -> str | None:
    return None if name in _ADOPTED.get() else conflict(name)
