"""What readers of the code rely on, beyond what the linters check."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.context import ROOT

# One screen.
LINES = 50


def python_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    found = [ROOT / name for name in listed] or [
        path
        for folder in ("constructs", "stacks", "ops", "rehearsal", "workloads", "bench", "tests")
        for path in (ROOT / folder).rglob("*.py")
    ]
    return [path for path in found if path.exists()]


def bodies(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, without its docstring and its parameters."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_a_function_fits_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {name} has {lines} lines"
        for path in python_files()
        for name, lines in bodies(ast.parse(path.read_text(encoding="utf-8")))
        if lines > LINES
    ]
    assert long == []


# A deploy command as users see it: in a code block, between backquotes, or in a program's text.
# In `rehearsal` the flags are items of a list.
_SHOWN = re.compile(r"(?:`|^\s*|\")(?:npx )?cdk deploy (--all\b[^`\"\n]*)", re.MULTILINE)
_FLAGS = ("--import-existing-resources", "--require-approval never")


def test_a_shown_deploy_command_imports_the_bucket_and_asks_nothing() -> None:
    """Without the first flag a second deployment fails, because its bucket exists."""
    pages = [ROOT / "README.md", ROOT / "Makefile", *(ROOT / "docs").glob("*.md")]
    programs = [path for path in python_files() if path.parts[len(ROOT.parts)] != "tests"]
    commands = [
        (path.name, options)
        for path in (*pages, *programs)
        for options in _SHOWN.findall(path.read_text(encoding="utf-8"))
    ]
    assert {name for name, _ in commands} >= {"README.md", "Makefile", "settings.md"}
    bare = [each for each in commands if not all(flag in each[1] for flag in _FLAGS)]
    assert bare == []
