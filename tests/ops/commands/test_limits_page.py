"""docs/limits.md: each claim not shown yet names a command that shows it and that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from ops.cli import app

TEXT = (Path(__file__).resolve().parents[3] / "docs/limits.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| **", "| ---", "| not shown"))
]
PROGRAMS = ("python -m bench.", "./bionemo ", "make deploy", "npx cdk ", "kubectl ", "aws ")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_each_line_says_what_it_rests_on_and_what_to_run(row: list[str]) -> None:
    what, rests_on, shown_by = row
    assert what
    assert rests_on
    commands = re.findall(r"`([^`]+)`", shown_by)
    assert commands[0].startswith(PROGRAMS), commands


def test_its_bionemo_commands_and_options_exist() -> None:
    commands = typer.main.get_command(app)
    named = re.findall(r"`\./bionemo (\w+)((?: --?[\w-]+)*)", TEXT)
    assert len(named) > 5
    for name, options in named:
        taken = {each for one in commands.commands[name].params for each in one.opts}  # type: ignore[attr-defined]
        assert set(options.split()) <= taken, name
