"""The Makefile's recipes that end in a command: which of its exit statuses stops what."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def make(target: str, tmp_path: Path, *more: str, **statuses: int) -> tuple[int, str]:
    """Run a target's recipe with a cdk and a python that exit with these statuses."""
    for name in ("cdk", "python"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\nexit {statuses[name]}\n')
        program.chmod(0o755)
    done = subprocess.run(
        # `setup` counts as made; `tmp_path` comes first in PATH.
        ["make", "-o", "setup", target, f"PATH={tmp_path}:{os.environ['PATH']}", *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("cdk", "python", "good"), [(0, 0, True), (0, 1, True), (0, 2, False), (1, 0, False)]
)
def test_make_destroy_looks_for_what_is_left_even_when_cdk_fails(
    cdk: int, python: int, good: bool, tmp_path: Path
) -> None:
    status, out = make("destroy", tmp_path, cdk=cdk, python=python)
    assert "cdk destroy --all --force" in out
    assert "python -m ops leftovers" in out
    assert (status == 0) == good


@pytest.mark.parametrize(("python", "deploys"), [(0, True), (1, False), (2, False)])
def test_make_deploy_deploys_only_if_the_checks_pass(
    python: int, deploys: bool, tmp_path: Path
) -> None:
    status, out = make("deploy", tmp_path, cdk=0, python=python)
    assert ("cdk deploy --all" in out) == deploys
    assert (status == 0) == deploys


@pytest.mark.parametrize(
    ("given", "handed_on"),
    [
        ([], "ready"),
        (["YES=1"], "ready --yes"),
        (["YES=1", "UNSURE=1", "CONTEXT=gpu.nodes=4"], "ready --yes --unsure -c gpu.nodes=4"),
        (["YES=0", "UNSURE="], "ready"),
    ],
)
def test_make_deploy_passes_its_options_on(
    given: list[str], handed_on: str, tmp_path: Path
) -> None:
    _, out = make("deploy", tmp_path, *given, cdk=0, python=0)
    assert f"python -m ops {handed_on}" in out.splitlines()


@pytest.mark.parametrize("given", ["-c gpu.nodes=4", '-c \'tags={"a": "b c"}\''])
def test_make_deploy_ends_with_the_next_command(given: str, tmp_path: Path) -> None:
    _, out = make("deploy", tmp_path, f"CONTEXT={given}", cdk=0, python=0)
    assert out.splitlines()[-1] == f"Next: ./bionemo status --watch {given}"


@pytest.mark.parametrize("python", [0, 2])
def test_a_dry_run_shows_the_difference_and_deploys_nothing(python: int, tmp_path: Path) -> None:
    status, out = make("deploy", tmp_path, "DRY_RUN=1", cdk=0, python=python)
    commands = [line for line in out.splitlines() if line.startswith(("cdk", "python"))]
    assert commands == ["python -m ops ready --yes", "cdk diff"]
    assert (status == 0) == (python == 0)


@pytest.mark.parametrize(
    ("given", "handed_on"),
    [
        ("gpu.nodes=4", "-c gpu.nodes=4"),
        ("gpu.nodes=4 region=eu-west-1", "-c gpu.nodes=4 -c region=eu-west-1"),
        ("-c gpu.nodes=4", "-c gpu.nodes=4"),
        ('--context \'tags={"a": "b c"}\'', '--context tags={"a": "b c"}'),
        ("", ""),
    ],
)
def test_settings_work_with_and_without_the_option(
    given: str, handed_on: str, tmp_path: Path
) -> None:
    _, out = make("synth", tmp_path, f"CONTEXT={given}", cdk=0, python=0)
    assert f"cdk synth --quiet {handed_on}".strip() in out.splitlines()


def test_make_clean_removes_what_git_ignores(tmp_path: Path) -> None:
    """That is everything that the targets create, except what a user has set."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for pattern in (ROOT / ".gitignore").read_text().split():
        folder = tmp_path / "constructs" if "egg-info" in pattern else tmp_path
        folder.mkdir(exist_ok=True)
        made = folder / pattern.replace("*", "some")
        made.mkdir() if pattern.endswith("/") else made.touch()
    (tmp_path / "cdk.context.json").touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert {each.name for each in tmp_path.rglob("*")} == {
        *("Makefile", "cdk.context.json", "constructs")
    }
