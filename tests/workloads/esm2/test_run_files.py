"""What the start program and the launcher learn about a run's files, without PyTorch."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

from bionemo_eks.jobs.places import COMMON_FOLDER, PROGRAMS
from run_files import CHECKPOINT_LIST, MODEL_LIST, Rules, checkpoint_folder
from whole import publish


def rules(folder: Path) -> Rules:
    return Rules(folder / "results", folder / "data")


def leave(folder: Path, name: Path, list_name: str, step: int) -> Path:
    """Leave a checkpoint or a model as the training does."""
    draft, final = folder / "scratch" / name.name, folder / "results" / name
    draft.mkdir(parents=True)
    final.parent.mkdir(parents=True, exist_ok=True)
    (draft / "weights").write_bytes(bytes(100))
    publish(draft, final, list_name, {"step": step})
    return final


def checkpoint(folder: Path, step: int) -> Path:
    return leave(folder, checkpoint_folder(Path("checkpoints"), step), CHECKPOINT_LIST, step)


def model(folder: Path, step: int) -> Path:
    return leave(folder, Path("model"), MODEL_LIST, step)


def test_the_newest_checkpoint_is_the_newest_complete_one(tmp_path: Path) -> None:
    assert rules(tmp_path).newest_step() == 0
    checkpoint(tmp_path, 100)
    (checkpoint(tmp_path, 200) / "weights").write_bytes(bytes(99))
    assert rules(tmp_path).newest_step() == 100


def test_it_is_finished_when_the_model_of_the_last_step_exists(tmp_path: Path) -> None:
    checkpoint(tmp_path, 100)
    assert not rules(tmp_path).finished(100), "killed before the export: that is still to be done"
    path = model(tmp_path, 100)
    assert rules(tmp_path).finished(100)
    assert not rules(tmp_path).finished(200), "more steps are asked for"
    (path / "weights").unlink()
    assert not rules(tmp_path).finished(100), "S3 may bring the list back first"


def test_a_model_of_another_step_does_not_count(tmp_path: Path) -> None:
    model(tmp_path, 100)
    checkpoint(tmp_path, 200)
    assert not rules(tmp_path).finished(200)


def test_the_launcher_needs_only_python_for_them() -> None:
    """On a core node, in half a gigabyte."""
    files = {path.stem: path for path in [*_files("esm2"), *COMMON_FOLDER.glob("*.py")]}
    seen, todo = set[str](), ["run_files"]
    while todo:
        name = todo.pop()
        seen.add(name)
        imported = _imports(files[name])
        assert imported - set(files) <= set(sys.stdlib_module_names), name
        todo += (imported & set(files)) - seen


def test_the_programs_files_fit_a_config_map() -> None:
    """The API server refuses objects over 1 MiB (Kubernetes documentation, ConfigMaps)."""
    files = [*_files("esm2"), *_files("training"), *COMMON_FOLDER.glob("*.py")]
    assert len({path.name for path in files}) == len(files), "they are mounted side by side"
    assert len(json.dumps([path.read_text() for path in files])) < 900_000


def _files(folder: str) -> list[Path]:
    return [*(PROGRAMS / folder).glob("*.py")]


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - {"__future__"}
