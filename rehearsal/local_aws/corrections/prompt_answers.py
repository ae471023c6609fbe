"""CloudFormation answers a call when what it has begun is done, or after a few seconds.

AWS answers at once, and its stacks take minutes. Here they take less than a second; the CDK CLI
would find them at work, and ask again only after five.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ministack import app

_MOST_SECONDS = 3


def register() -> None:
    """Let the answer wait for the tasks that the emulator has begun for the call."""
    original = app.SERVICE_HANDLERS["cloudformation"]

    async def handle(*request: Any) -> Any:
        before = asyncio.all_tasks()
        answer = await original(*request)
        begun = asyncio.all_tasks() - before
        if begun:
            await asyncio.wait(begun, timeout=_MOST_SECONDS)
        return answer

    app.SERVICE_HANDLERS["cloudformation"] = handle
