"""The answer comes when the stack is changed, or after a few seconds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ministack import app

from rehearsal.local_aws.corrections import prompt_answers


def ask(monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[str]:
    """Create a stack that takes some seconds; return what has happened until the answer."""
    happened: list[str] = []

    async def make() -> None:
        await asyncio.sleep(seconds)
        happened.append("made")

    async def handle(*request: Any) -> str:
        happened.append(f"asked for {request[0]}")
        begun.append(asyncio.create_task(make()))
        return "answer"

    async def main() -> None:
        other = asyncio.create_task(asyncio.sleep(60))
        happened.append(await app.SERVICE_HANDLERS["cloudformation"]("a stack"))
        other.cancel()

    begun: list[asyncio.Task[None]] = []
    monkeypatch.setitem(app.SERVICE_HANDLERS, "cloudformation", handle)
    prompt_answers.register()
    asyncio.run(main())
    return happened


def test_the_answer_comes_when_the_stack_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, 0.05) == ["asked for a stack", "made", "answer"]


def test_a_slow_stack_does_not_delay_the_answer_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_answers, "_MOST_SECONDS", 0.05)
    assert ask(monkeypatch, 60) == ["asked for a stack", "answer"]
