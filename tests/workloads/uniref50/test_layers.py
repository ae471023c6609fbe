"""What each stage of the program may import: itself and earlier stages."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.workloads.uniref50.harness import PROGRAM

# From the bottom to the top. A module imports only from the layers below its own.
LAYERS = (
    ("problems", "cores", "layout", "background", "progress"),
    ("durable", "fasta", "gunzip", "arrival"),
    # The download.
    ("server", "source", "pieces", "answers"),
    ("metalink", "connection"),
    ("download",),
    ("remote",),
    # First stage: rows in file order.
    ("segments",),
    # Second and third stage: runs by part, and the files from them.
    ("worker",),
    ("order",),
    # Last stage: the final names.
    ("publish",),
    ("stages",),
    ("command_line",),
    ("prepare_uniref50",),
    # Imports none of the others, and none imports it.
    ("prepare_with_bionemo",),
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}


def imports(path: Path) -> set[str]:
    """Names of the modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_each_module_has_its_place() -> None:
    assert {path.stem for path in PROGRAM.parent.glob("*.py")} == set(LAYER)


def test_no_stage_imports_from_a_later_one() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in PROGRAM.parent.glob("*.py")
        for name in imports(path) & set(LAYER)
        if LAYER[name] >= LAYER[path.stem]
    ]
    assert not wrong


def test_one_name_means_one_thing() -> None:
    """No two modules define a class, or a constant of another value, under one name."""
    places: dict[str, dict[str, str]] = {}
    for path in PROGRAM.parent.glob("*.py"):
        if path.stem == "prepare_with_bionemo":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, {})[path.stem] = path.stem
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    for name in ast.walk(target):
                        if isinstance(name, ast.Name) and not name.id.startswith("_"):
                            places.setdefault(name.id, {})[path.stem] = ast.unparse(node.value)
    twice = {name: found for name, found in places.items() if len(set(found.values())) > 1}
    assert not twice
