"""PYTHONPATH and PYTHONHOME, as HPC modules set them, affect none of the project's programs.

A script that starts these tests' interpreter replaces the environment's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.machine.environment import child_environment, inherited

ROOT = Path(__file__).resolve().parents[1]
# Prints where a module with a common name is imported from.
PROGRAM = "import json; print(json.__file__)\n"


@pytest.fixture
def foreign(tmp_path: Path) -> dict[str, str]:
    """An environment in which Python finds nothing, or someone else's modules."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "json.py").write_text("raise SystemExit('the wrong module was imported')\n")
    return {"PYTHONPATH": str(modules), "PYTHONHOME": "/nowhere", "PYTHONSAFEPATH": "1"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with an environment and one-line programs."""
    folder = tmp_path / "a project"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / "ops").mkdir()
    for program in ("app.py", "ops/__main__.py"):
        (folder / program).write_text(PROGRAM)
    for package in ("aws_cdk", "bionemo_eks"):
        (folder / f"{package}.py").touch()
    shutil.copy(ROOT / "bionemo", folder)
    shutil.copytree(ROOT / "installation", folder / "installation")
    interpreter(folder / ".venv/bin/python")
    return folder


def interpreter(path: Path) -> Path:
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    path.chmod(0o755)
    return path


def run(
    command: str, folder: Path, environment: dict[str, str], path: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command],
        cwd=folder,
        env={"PATH": f"{path}/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["./bionemo", "installation/app.sh"])
def test_the_projects_own_modules_are_imported(
    command: str, project: Path, foreign: dict[str, str]
) -> None:
    done = run(command, project, foreign)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(sys.base_prefix)


@pytest.mark.parametrize("target", ["synth", "rehearse"])
def test_make_passes_them_to_no_command(
    target: str, tmp_path: Path, foreign: dict[str, str]
) -> None:
    for name in ("cdk", "python"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nenv\n")
        program.chmod(0o755)
    done = subprocess.run(
        [
            *("make", "-o", "setup", "-o", "setup-rehearsal", target),
            f"PATH={tmp_path}:{os.environ['PATH']}",
        ],
        cwd=ROOT,
        env={**os.environ, **foreign},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PATH=" in done.stdout
    assert not foreign.keys() & {line.partition("=")[0] for line in done.stdout.splitlines()}


def test_no_child_of_a_rehearsal_sees_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, foreign: dict[str, str]
) -> None:
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    commands = child_environment("http://127.0.0.1:1", "eu-west-1", tmp_path)
    for environment in (inherited(), commands):
        assert not foreign.keys() & environment.keys()


@pytest.mark.slow
def test_a_rehearsal_imports_the_projects_own_modules(foreign: dict[str, str]) -> None:
    """Python has started by then; only make can remove what would prevent that."""
    done = subprocess.run(
        [sys.executable, "-m", "rehearsal", "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": foreign["PYTHONPATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


# Ways in which a checkout's environment can be broken.
@pytest.mark.parametrize("kind", ["not made", "interrupted", "of a removed Python"])
def test_cdk_before_the_setup_says_what_to_do(kind: str, project: Path) -> None:
    python = project / ".venv/bin/python"
    if kind == "interrupted":
        (project / ".venv/.installing").mkdir()
    else:
        python.unlink()
    if kind == "of a removed Python":
        python.symlink_to("/nowhere/python")
    (project / "aws_cdk.py").unlink()
    done = run("installation/app.sh", project, {})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"make -C {project} setup")


def test_cdk_uses_the_active_environment_if_there_is_no_venv(project: Path, tmp_path: Path) -> None:
    """As after `pip install -r requirements.txt` in an active environment."""
    (project / ".venv/bin/python").unlink()
    own = tmp_path / "own"
    own.mkdir()
    interpreter(own / "python")
    done = run("installation/app.sh", project, {}, path=f"{own}:")
    assert done.returncode == 0, done.stderr
