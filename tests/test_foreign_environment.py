"""PYTHONPATH and PYTHONHOME, as HPC's modules set them, reach nothing of the project's.

In place of the environment's interpreter stands a script that starts the one of these tests.
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
# Says where a module comes from that others have too.
PROGRAM = "import json; print(json.__file__)\n"


@pytest.fixture
def foreign(tmp_path: Path) -> dict[str, str]:
    """An environment in which Python finds nothing, or somebody else's modules."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "json.py").write_text("raise SystemExit('somebody else is imported')\n")
    return {"PYTHONPATH": str(modules), "PYTHONHOME": "/nowhere", "PYTHONSAFEPATH": "1"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's folder with an environment, and with programs of one line."""
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
def test_make_hands_them_to_no_command(
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
def test_a_rehearsal_itself_imports_the_projects_own(foreign: dict[str, str]) -> None:
    """Python has started by then: what keeps it from that, make alone can take away."""
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


# What is wrong with a checkout's environment, as the files that are not there or too many.
@pytest.mark.parametrize("kind", ["not made", "interrupted", "of a Python that has gone"])
def test_cdk_before_the_set_up_says_what_to_do(kind: str, project: Path) -> None:
    python = project / ".venv/bin/python"
    if kind == "interrupted":
        (project / ".venv/.installing").mkdir()
    else:
        python.unlink()
    if kind == "of a Python that has gone":
        python.symlink_to("/nowhere/python")
    (project / "aws_cdk.py").unlink()
    done = run("installation/app.sh", project, {})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"make -C {project} setup")


def test_cdk_takes_an_environment_of_ones_own(project: Path, tmp_path: Path) -> None:
    """As `pip install -r requirements.txt` makes one, which is active."""
    (project / ".venv/bin/python").unlink()
    own = tmp_path / "own"
    own.mkdir()
    interpreter(own / "python")
    done = run("installation/app.sh", project, {}, path=f"{own}:")
    assert done.returncode == 0, done.stderr
