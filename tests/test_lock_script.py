"""installation/lock.sh: which locks match the requirements, and which do not.

A resolver that knows a few packages replaces uv and its registry.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Each test runs the script, which starts a resolver for every lock.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
BASH = shutil.which("bash") or "/bin/bash"
# Like uv: a version in the lock or the constraints is kept, with its hashes in the lock, unless it
# is to be upgraded or the requirements name another.
UV = """#!{python}
import json, pathlib, re, sys
folder = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
def option(name):
    return arguments[arguments.index(name) + 1] if name in arguments else None
def read(path):
    text = pathlib.Path(path).read_text() if path and pathlib.Path(path).exists() else ""
    return re.findall(r"^([a-z]+)==([0-9.]+)((?:.*\\n +--hash.*)*)", text, re.M)
def required(path):
    for line in pathlib.Path(path).read_text().split("\\n"):
        if line.startswith("-r "):
            yield from required(line[3:])
        elif line:
            yield line.partition("==")[::2]
if arguments == ["--version"]:
    print("uv {version} (of the tests)")
elif arguments[:2] == ["pip", "compile"]:
    registry = json.loads((folder / "registry.json").read_text())
    out, upgrade = option("--output-file"), "--upgrade" in arguments
    with_hashes = "--generate-hashes" in arguments
    assert with_hashes == (arguments[3] != "requirements-training.txt")
    before = {{}} if upgrade else {{name: (version, tail) for name, version, tail in read(out)}}
    constraints = {{name: version for name, version, _ in read(option("--constraints"))}}
    lines = ["# by make lock"]
    for name, exact in sorted(required(arguments[3])):
        known = before.get(name, ("", ""))[0]
        version = exact or constraints.get(name) or known or max(registry[name])
        hashes = registry[name][version]
        if known == version and "--hash" in before[name][1]:
            hashes = re.findall(r"sha256:(\\w+)", before[name][1])
        files = [f"--hash=sha256:{{each}}" for each in hashes if with_hashes]
        lines.append(" \\\\\\n    ".join([f"{{name}}=={{version}}", *files]))
        lines.append("    # via some requirement")
    pathlib.Path(out).write_text("\\n".join(lines) + "\\n")
elif arguments[:2] == ["pip", "install"]:
    assert {{"--dry-run", "--require-hashes"}} <= set(arguments)
    sys.exit(option("--python-platform") in (folder / "no-wheels").read_text().split())
else:
    sys.exit(f"not expected: {{arguments}}")
"""


class Tree:
    """A project with four packages, whose locks match its requirements."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.locks = folder, folder / "installation/locks"
        self.locks.mkdir(parents=True)
        for name in ("lock.sh", "python.sh"):
            shutil.copy(ROOT / "installation" / name, folder / "installation")
        for name in ("pyproject.toml", "README.md"):
            (folder / name).write_text("")
        self.require("requirements.txt", "alpha==1.0", "beta")
        self.require("requirements-rehearsal.txt", "-r requirements.txt", "gamma")
        self.require("requirements-dev.txt", "-r requirements-rehearsal.txt", "delta")
        self.require("requirements-training.txt", "epsilon==1.0")
        self.bin = folder / "build/uv/bin"
        self.bin.mkdir(parents=True)
        text = (ROOT / "installation/lock.sh").read_text()
        (version,) = re.findall(r"UV_VERSION=(\S+)", text)
        (self.bin / "uv").write_text(UV.format(python=sys.executable, version=version))
        (self.bin / "uv").chmod(0o755)
        (self.bin / "no-wheels").write_text("")
        self.registry = {
            name: {"1.0": [f"{name}wheel", f"{name}sdist"]}
            for name in ("alpha", "beta", "gamma", "delta", "epsilon")
        }
        self.run("write")

    def require(self, file: str, *lines: str) -> None:
        (self.folder / file).write_text("\n".join(lines) + "\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self.bin / "registry.json").write_text(json.dumps(self.registry))
        return subprocess.run(
            [BASH, "installation/lock.sh", *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    def texts(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.locks.iterdir()}

    def alter(self, lock: str, old: str, new: str) -> None:
        text = (self.locks / lock).read_text()
        assert old in text
        (self.locks / lock).write_text(text.replace(old, new))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    folder = tmp_path / "a folder"
    folder.mkdir()
    return Tree(folder)


def refused(tree: Tree, lock: str, *shown: str) -> None:
    """The check fails for `lock`, shows only these lines, and changes nothing."""
    before = tree.texts()
    done = tree.run("check")
    assert done.returncode == 2, done.stdout + done.stderr
    *lines, message = done.stderr.splitlines()
    assert message.startswith(f"installation/locks/{lock} does not follow from the requirements; ")
    assert message.endswith("Run make lock.")
    assert [" ".join(line.split()) for line in lines] == list(shown)
    assert tree.texts() == before


def test_locks_that_match_the_requirements_are_left_as_they_are(tree: Tree) -> None:
    before = tree.texts()
    assert set(before) == {"deployment.txt", "rehearsal.txt", "development.txt", "training.txt"}
    assert before["deployment.txt"].count("==") == 2
    assert before["development.txt"].count("==") == 4
    done = tree.run("check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The locks follow from the requirements")
    assert tree.texts() == before


def test_a_changed_requirement_is_noticed(tree: Tree) -> None:
    tree.registry["alpha"]["2.0"] = ["alphatwo"]
    tree.require("requirements.txt", "alpha==2.0", "beta")
    refused(
        tree,
        "deployment.txt",
        "< alpha==1.0",
        "< --hash=sha256:alphawheel",
        "< --hash=sha256:alphasdist",
        "> alpha==2.0",
    )
    assert tree.run("write").returncode == 0
    assert tree.run("check").returncode == 0


def test_an_added_or_removed_requirement_is_noticed(tree: Tree) -> None:
    tree.require("requirements-dev.txt", "-r requirements-rehearsal.txt")
    refused(
        tree,
        "development.txt",
        "< delta==1.0",
        "< --hash=sha256:deltawheel",
        "< --hash=sha256:deltasdist",
        "< # via some requirement",
    )
    tree.require("requirements-dev.txt", "-r requirements-rehearsal.txt", "delta", "epsilon")
    tree.registry["epsilon"] = {"1.0": ["epsilonwheel"]}
    refused(tree, "development.txt", "> epsilon==1.0", "> # via some requirement")


@pytest.mark.parametrize("lock", ["deployment.txt", "rehearsal.txt", "development.txt"])
@pytest.mark.parametrize("hash", ["betawheel", "betasdist"])
def test_a_hash_that_the_registry_does_not_have_is_noticed(
    tree: Tree, lock: str, hash: str
) -> None:
    """Written by hand, or belonging to a file that was withdrawn."""
    tree.alter(lock, hash, "somebodys")
    refused(tree, lock, "< --hash=sha256:somebodys")


def test_a_different_version_in_only_one_lock_is_noticed(tree: Tree) -> None:
    """The lock with all packages decides."""
    tree.registry["beta"]["2.0"] = ["betatwo"]
    tree.alter("rehearsal.txt", "beta==1.0", "beta==2.0")
    refused(
        tree,
        "rehearsal.txt",
        "< beta==2.0",
        "> beta==1.0",
    )


def test_later_releases_in_the_registry_change_nothing(tree: Tree) -> None:
    """A new version, and a new file of the locked version."""
    before = tree.texts()
    tree.registry["beta"]["2.0"] = ["betatwo"]
    tree.registry["alpha"]["1.0"] = ["alphafirst", "alphawheel", "alphasdist", "alphalast"]
    assert tree.run("check").returncode == 0
    assert tree.run("write").returncode == 0
    assert tree.texts() == before
    assert tree.run("write", "--upgrade").returncode == 0
    assert [name for name, text in tree.texts().items() if "beta==2.0" not in text] == [
        "training.txt"
    ]
    assert tree.run("check").returncode == 0


def test_a_lock_is_named_with_the_platform_that_cannot_install_it(tree: Tree) -> None:
    (tree.bin / "no-wheels").write_text("aarch64-apple-darwin")
    done = tree.run("check")
    assert done.returncode == 2
    assert "rehearsal.txt cannot be installed by Python 3.11" in done.stderr
    assert "on aarch64-apple-darwin" in done.stderr


def test_an_unknown_command_prints_the_usage(tree: Tree) -> None:
    done = tree.run("chekc")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: installation/lock.sh write [--upgrade] | check\n"
