"""What the command line has besides its commands: the version, and completion with Tab."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app

ROOT = Path(__file__).resolve().parents[3]


def test_the_version_is_pyprojects() -> None:
    done = CliRunner().invoke(app, ["--version"])
    written = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert written
    assert (done.exit_code, done.stdout) == (0, f"bionemo {written[1]}\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "offered"), [("pre", {"preflight"}), ("cost --tr", {"--training-hours"})]
)
def test_bash_completes_the_command_by_its_path(typed: str, offered: set[str]) -> None:
    """As in the README: bash looks up a command's completion by the last part of its path."""
    script = f"""
        eval "$(_BIONEMO_COMPLETE=source_bash ./bionemo)"
        complete -p bionemo >&2
        COMP_WORDS=(./bionemo {typed}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _bionemo_completion ./bionemo
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == offered, done.stderr
