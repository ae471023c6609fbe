"""The command line, in front of a simulated account."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.commands.command_line import Line


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Line:
    """Runs a command on an account in order with some answers changed."""
    return Line(monkeypatch, tmp_path)
