"""Where things stand in a JSON text, which json.loads does not tell: to say it, or edit there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLANK = re.compile(r"[\s\ufeff]*")
_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True)
class Member:
    """A member of a JSON object: the names that lead to it, and offsets in the text.

    `at` is where its name stands; `start` and `end` are those of its value.
    """

    path: tuple[str, ...]
    at: int
    start: int
    end: int

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path[-1]


def members(text: str, start: int = 0, path: tuple[str, ...] = ()) -> Iterator[Member]:
    """Yield the members of the JSON object at `start` of `text`, which is JSON; none of others."""
    at = _skipped(text, start)
    if text[at : at + 1] != "{":
        return
    at = _skipped(text, at + 1)
    while text[at : at + 1] == '"':
        name, after = _decode(text, at)
        value = _skipped(text, _skipped(text, after) + 1)  # behind the colon
        _, end = _decode(text, value)
        yield Member((*path, name), at, value, end)
        at = _skipped(text, _skipped(text, end) + 1)  # behind the comma


def all_members(text: str, start: int = 0, path: tuple[str, ...] = ()) -> Iterator[Member]:
    """Yield the members of all objects in the JSON value at `start`, the outer before the inner."""
    for each in members(text, start, path):
        yield each
        yield from all_members(text, each.start, each.path)
    for number, at in enumerate(_items(text, start)):
        yield from all_members(text, at, (*path, str(number)))


def twice(text: str) -> tuple[Member, Member] | None:
    """Return a member of an object and a later one of the same name, if there are any."""
    seen: dict[tuple[str, ...], Member] = {}
    # The outer come first, so of two objects of one name it is never their members that are told.
    for each in all_members(text):
        first = seen.setdefault(each.path, each)
        if first is not each:
            return first, each
    return None


def place(text: str, at: int) -> str:
    """Return an offset as people and editors have it, such as `line 3, column 5`."""
    before = text[:at].removeprefix("\ufeff")
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


def _items(text: str, start: int) -> Iterator[int]:
    """Yield where the items of the JSON list at `start` stand; none of others."""
    at = _skipped(text, start)
    if text[at : at + 1] != "[":
        return
    at = _skipped(text, at + 1)
    while text[at : at + 1] not in ("]", ""):
        yield at
        _, end = _decode(text, at)
        at = _skipped(text, end)
        at = _skipped(text, at + 1) if text[at : at + 1] == "," else at


def _skipped(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at
