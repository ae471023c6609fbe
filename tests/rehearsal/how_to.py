"""Reads the commands from docs/how-to.md."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.context import ROOT

PAGE = ROOT / "docs" / "how-to.md"
_BLOCK = re.compile(r"^```(?P<marks>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block: its heading, its language, whether it is marked as rehearsed."""

    heading: str
    language: str
    rehearsed: bool
    text: str

    @property
    def commands(self) -> list[str]:
        """Its commands, with continued lines joined, without comments."""
        lines = re.sub(r"\\\n\s*", "", self.text).splitlines()
        return [line.partition("   #")[0] for line in lines if line and not line.startswith("#")]


def blocks() -> list[Block]:
    """Return the page's blocks in order."""
    page, found = PAGE.read_text(encoding="utf-8"), []
    for match in _BLOCK.finditer(page):
        language, *marks = match["marks"].split()
        heading = re.findall(r"^## (.*)$", page[: match.start()], re.MULTILINE)[-1]
        found.append(Block(heading, language, "rehearsed" in marks, match["text"]))
    return found
