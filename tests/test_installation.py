"""Installation: pinned requirements, consistent locks, and what each lock is sufficient for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
INSTALLATION = ROOT / "installation"
# Each lock and its requirements file; each includes those before it.
LOCKED = {
    "deployment": "requirements.txt",
    "rehearsal": "requirements-rehearsal.txt",
    "development": "requirements-dev.txt",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Runs the program argv[2], or imports all modules of that package, while the modules in argv[1]
# (comma-separated) cannot be imported.
WITHOUT = """
import importlib, pkgutil, runpy, sys
from importlib.machinery import PathFinder
refused, target = set(sys.argv.pop(1).split(",")), sys.argv.pop(1)
found = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: (
    None if name.partition(".")[0] in refused else found(name, *rest)
)
if target.endswith(".py"):
    sys.argv[0] = target
    sys.path.insert(0, target.rpartition("/")[0])
    runpy.run_path(target, run_name="__main__")
elif target.endswith(".__main__"):
    runpy.run_module(target, run_name="__main__")
else:
    package = importlib.import_module(target)
    for each in pkgutil.walk_packages(package.__path__, f"{target}."):
        if not each.name.endswith("__main__"):
            importlib.import_module(each.name)
"""


def direct(name: str) -> dict[str, str]:
    """The requirements in the file itself: versions by canonical name."""
    found: dict[str, str] = {}
    for line in (ROOT / name).read_text().splitlines():
        if line.startswith(("#", "-")) or not line:
            continue
        requirement = Requirement(line)
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        assert not pin.version.endswith("*"), line
        found[canonicalize_name(requirement.name)] = pin.version
    return found


def locked(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package in a lock, by canonical name."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    text = (INSTALLATION / f"locks/{name}.txt").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith(("#", " ")) or not line:
            continue
        requirement, *hashes = line.split(" --hash=")
        parsed = Requirement(requirement)
        (pin,) = parsed.specifier
        key = canonicalize_name(parsed.name)
        assert key not in found, f"{key} has two versions in {name}"
        found[key] = (pin.version, frozenset(each.strip() for each in hashes))
    return found


def test_requirements_are_pinned_exactly_and_once() -> None:
    files = [direct(name) for name in LOCKED.values()]
    assert sum(map(len, files)) == len(set().union(*files))
    assert {
        "aws-cdk-lib",
        "constructs",
        "aws-cdk-lambda-layer-kubectl-v29",
        "boto3",
    } <= files[0].keys()


def test_locks_hold_the_requirements_and_agree_with_each_other() -> None:
    wanted: dict[str, str] = {}
    smaller: dict[str, tuple[str, frozenset[str]]] = {}
    for lock, requirements in LOCKED.items():
        wanted |= direct(requirements)
        found = locked(lock)
        assert wanted.items() <= {name: version for name, (version, _) in found.items()}.items()
        assert smaller.items() <= found.items()
        assert all(hashes for _, hashes in found.values())
        smaller = found


def test_the_training_lock_has_versions_but_no_builds_or_indexes() -> None:
    """PyTorch's CPU and CUDA builds have different hashes and come from different indexes."""
    found = locked("training")
    wanted = direct("requirements-training.txt")
    assert wanted.items() <= {name: version for name, (version, _) in found.items()}.items()
    for name, (version, hashes) in found.items():
        assert not hashes, name
        assert "+" not in version, name
        assert not name.startswith(("nvidia", "cuda", "triton")), name
    files = ("requirements-training.txt", "installation/locks/training.txt")
    assert not any("index" in (ROOT / file).read_text().split("==", 1)[1] for file in files)


def test_the_lock_has_the_setuptools_that_the_project_builds_with() -> None:
    (build,) = PROJECT["build-system"]["requires"]
    assert build == f"setuptools=={locked('deployment')['setuptools'][0]}"


def test_each_allowed_python_is_searched_for_and_resolved() -> None:
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    minors = [f"3.{minor}" for minor in range(100) if f"3.{minor}.0" in allowed]

    def constant(script: str, name: str) -> list[str]:
        match = re.search(rf'^readonly {name}="(.*)"$', (INSTALLATION / script).read_text(), re.M)
        assert match
        return match[1].split()

    assert sorted(constant("python.sh", "CANDIDATES")) == [f"python{each}" for each in minors]
    assert constant("lock.sh", "PYTHONS") == [f"{each}.0" for each in minors]


def not_in(lock: str) -> str:
    """The modules that are in the environment but not in `lock`."""
    names = locked(lock).keys() | {"bionemo-on-eks", "pip"}
    return ",".join(
        module
        for module, owners in packages_distributions().items()
        if not names & {canonicalize_name(each) for each in owners}
    )


@pytest.mark.parametrize(
    ("lock", "target", "options"),
    [
        pytest.param("deployment", "app.py", [], marks=pytest.mark.slow),
        ("deployment", "ops", []),
        pytest.param("rehearsal", "rehearsal", [], marks=pytest.mark.slow),
        ("rehearsal", "workloads/uniref50/prepare_uniref50.py", ["--help"]),
    ],
)
def test_a_lock_is_sufficient_for(
    lock: str, target: str, options: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, not_in(lock), target, *options],
        cwd=ROOT,
        env={**os.environ, "CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_deployment_has_no_test_tools_and_no_emulator() -> None:
    refused = not_in("deployment").split(",")
    assert {"moto", "cfnlint", "hypothesis", "pyfastx", "ministack", "pytest"} <= set(refused)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, not_in("deployment"), "rehearsal.__main__", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert re.search(r"No module named '(ministack|jsonschema|kubernetes_validate)", done.stderr)
    assert "make rehearse" in done.stderr
    assert "Traceback" not in done.stderr


def test_building_a_wheel_is_refused_with_one_message(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, "--wheel-dir", str(tmp_path), str(ROOT)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "makes no wheel or source archive: run make setup" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_checkout_has_lf_line_endings_on_every_system() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a Git checkout")
    git = ["git", "-C", str(ROOT)]
    files = subprocess.run([*git, "ls-files", "-z"], capture_output=True, check=True).stdout
    attributes = subprocess.run(
        [*git, "check-attr", "--stdin", "-z", "eol"], input=files, capture_output=True, check=True
    ).stdout.split(b"\0")
    assert attributes[:3] == [files.split(b"\0")[0], b"eol", b"lf"]
    assert set(attributes[2::3]) == {b"lf"}


def test_clean_removes_everything_that_git_ignores(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "constructs").mkdir()
    (tmp_path / "ops").mkdir()
    within = {"__pycache__/": "ops/__pycache__/", "*.egg-info/": "constructs/it.egg-info/"}
    for pattern in (ROOT / ".gitignore").read_text().split():
        path = tmp_path / within.get(pattern, pattern.replace("*", "it"))
        if pattern.endswith("/"):
            path.mkdir()
            path /= "file"
        path.touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, check=True)
    left = {path.name for path in tmp_path.rglob("*")}
    assert left == {"Makefile", "constructs", "ops"}
