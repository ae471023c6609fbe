"""Positions in a JSON text, which json.loads does not report: for messages and edits."""

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

    `at` is the offset of its name; `start` and `end` are those of its value.
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
    """Yield the members of the JSON object at `start` of `text`; none if it is not an object."""
    at = _skipped(text, start)
    if text[at : at + 1] != "{":
        return
    at = _skipped(text, at + 1)
    while text[at : at + 1] == '"':
        name, after = _decode(text, at)
        value = _skipped(text, _skipped(text, after) + 1)  # after the colon
        _, end = _decode(text, value)
        yield Member((*path, name), at, value, end)
        at = _skipped(text, _skipped(text, end) + 1)  # after the comma


def all_members(text: str, start: int = 0, path: tuple[str, ...] = ()) -> Iterator[Member]:
    """Yield the members of all objects in the JSON value at `start`, outer before inner."""
    for each in members(text, start, path):
        yield each
        yield from all_members(text, each.start, each.path)
    for number, at in enumerate(_items(text, start)):
        yield from all_members(text, at, (*path, str(number)))


def twice(text: str) -> tuple[Member, Member] | None:
    """Return a member of an object and a later one with the same name, if there are any."""
    seen: dict[tuple[str, ...], Member] = {}
    # Outer members come first, so two objects with one name are reported, not their members.
    for each in all_members(text):
        first = seen.setdefault(each.path, each)
        if first is not each:
            return first, each
    return None


def place(text: str, at: int) -> str:
    """Return an offset as people and editors write it, such as `line 3, column 5`."""
    before = text[:at].removeprefix("\ufeff")
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


def _items(text: str, start: int) -> Iterator[int]:
    """Yield the offsets of the items of the JSON list at `start`; none if it is not a list."""
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
