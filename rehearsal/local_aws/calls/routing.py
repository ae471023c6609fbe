"""Adds calls to the emulator, by `X-Amz-Target` or by path; they come before its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import router

Answer = tuple[int, dict[str, str], bytes]
# Gets the fields of the body and of the query (the latter as lists); returns the answer's body.
Action = Callable[[dict[str, Any]], Any]
Find = Callable[[str, str, Mapping[str, str]], Action | None]


class CallError(Exception):
    """A call's error: status and code, such as ResourceNotFoundException."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def add(service: str, target: str, actions: Mapping[str, Action]) -> None:
    """Add a JSON service, whose calls have the header `X-Amz-Target: <target>.<Action>`."""

    def find(method: str, path: str, headers: Mapping[str, str]) -> Action:
        name = headers.get("x-amz-target", "").rpartition(".")[2]
        return actions.get(name, _unknown(name))

    router.SERVICE_PATTERNS[service] = {"target_prefixes": [target]}
    put_before(service, find)


def put_before(service: str, find: Find) -> None:
    """Answer with the action that `find(method, path, headers)` returns; None: as before."""
    original = app.SERVICE_HANDLERS.get(service)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        action = find(method, path, headers)
        if action is not None or original is None:
            return _answer(action or _unknown(path), body, query)
        answer: Answer = await original(method, path, headers, body, query)
        return answer

    app.SERVICE_HANDLERS[service] = handle


def _unknown(name: str) -> Action:
    def refuse(asked: dict[str, Any]) -> Any:
        raise CallError(400, "UnsupportedOperation", f"{name} is not available in a rehearsal")

    return refuse


def _answer(action: Action, body: bytes, query: dict[str, Any]) -> Answer:
    headers = {"Content-Type": "application/json"}
    try:
        answer = action({**query, **json.loads(body or b"{}")})
    except CallError as error:
        refused = {"__type": error.code, "message": str(error)}
        return error.status, {**headers, "x-amzn-errortype": error.code}, _json(refused)
    return 200, headers, _json(answer)


def _json(answer: Any) -> bytes:
    return json.dumps(answer, default=str).encode()
