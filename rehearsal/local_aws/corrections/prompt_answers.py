"""Delays CloudFormation's answer until the operation is done, for at most a few seconds.

AWS answers at once, and its stacks take minutes. Here they take less than a second, but the CDK CLI
would find them in progress, and ask again only after five seconds.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ministack import app

_MOST_SECONDS = 3


def register() -> None:
    """Delay the answer until the tasks that the call started are done."""
    original = app.SERVICE_HANDLERS["cloudformation"]

    async def handle(*request: Any) -> Any:
        before = asyncio.all_tasks()
        answer = await original(*request)
        begun = asyncio.all_tasks() - before
        if begun:
            await asyncio.wait(begun, timeout=_MOST_SECONDS)
        return answer

    app.SERVICE_HANDLERS["cloudformation"] = handle
