"""Which Python is used, and when an environment is created, extended, or left as it is.

Scripts that log their calls replace the interpreters.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BASH = shutil.which("bash") or "/bin/bash"
# Every call that installation/*.sh make. The working directory is the project's folder.
PYTHON = """#!/bin/bash
case "$*" in
  -c*ensurepip*) exit 0 ;;
  -c*base_prefix*) echo "3.11 $(cat "$0.home")" ;;
  --version) echo "Python 3.11.0" ;;
  "-m venv --clear .venv")
    [[ $0 != */.venv/* ]] || { echo "it replaces itself" >&2; exit 99; }
    echo venv >>log
    rm -rf .venv
    mkdir -p .venv/bin
    for name in python python3.11; do
      cp "$0" ".venv/bin/$name"
      cp "$0.home" ".venv/bin/$name.home"
    done
    printf '#!/bin/bash\\necho npm >>log\\nmkdir -p node_modules\\n' >.venv/bin/npm
    echo '[ ! -e npm_fails ]' >>.venv/bin/npm
    chmod +x .venv/bin/npm ;;
  -m\\ pip*)
    echo "pip ${@: -1}" >>log
    case "$(cat interruption 2>/dev/null)" in
      "all killed") kill -KILL $PPID ;;
      "pip killed") kill -KILL $$ ;;
      Ctrl-C) kill -INT $PPID; exit 1 ;;
    esac
    [ ! -e fail ] ;;
  *) echo "not expected: $*" >&2; exit 99 ;;
esac
"""
BROKEN = "#!/bin/bash\necho 'pyenv: command not found' >&2\nexit 127\n"


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def interpreter(folder: Path, name: str) -> Path:
    """A stand-in for an interpreter installed at /opt/<name>."""
    (folder / f"{name}.home").write_text(f"/opt/{name}")
    return script(folder / name, PYTHON)


class Checkout:
    """A checkout with installation/, and stand-ins for interpreters on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "installation", folder / "installation")
        for name in ("pyproject.toml", "package-lock.json"):
            shutil.copy(ROOT / name, folder)
        self.bin = folder / "bin"
        self.bin.mkdir()
        interpreter(self.bin, "python3.11")

    def install(self, level: str, python: str = "") -> subprocess.CompletedProcess[str]:
        """Install the packages for `level`."""
        path = f"{self.folder}/.venv/bin:{self.bin}:/usr/bin:/bin"
        return subprocess.run(
            [BASH, "installation/install.sh", level],
            cwd=self.folder,
            env={"PATH": path, "PYTHON": python, "PYTHONHOME": "/nowhere"},
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self) -> list[str]:
        """The calls since the last `asked()`: venv, pip with its last argument, npm."""
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder = tmp_path / "a folder"
    folder.mkdir()
    return Checkout(folder)


def lock(name: str) -> str:
    return f"pip installation/locks/{name}.txt"


def test_each_target_adds_what_it_needs_and_installs_nothing_twice(checkout: Checkout) -> None:
    done = checkout.install("deployment")
    assert done.returncode == 0, done.stderr
    assert "Installing the Python packages for deployment: " in done.stdout
    assert checkout.asked() == ["venv", lock("deployment"), "pip .", "npm"]
    assert checkout.install("deployment").stdout == ""
    assert checkout.asked() == []
    checkout.install("rehearsal")
    assert checkout.asked() == [lock("rehearsal"), "pip ."]
    checkout.install("development")
    assert checkout.asked() == [lock("development"), "pip ."]
    for level in ("deployment", "rehearsal", "development"):
        assert checkout.install(level).stdout == ""
    assert checkout.asked() == []


def test_the_installation_for_tests_is_enough_for_the_other_targets(checkout: Checkout) -> None:
    checkout.install("development")
    assert checkout.asked() == ["venv", lock("development"), "pip .", "npm"]
    checkout.install("deployment")
    checkout.install("rehearsal")
    assert checkout.asked() == []


def test_a_changed_lock_is_installed_into_the_same_environment(checkout: Checkout) -> None:
    checkout.install("deployment")
    checkout.asked()
    with (checkout.folder / "installation/locks/deployment.txt").open("a") as file:
        file.write("another==1\n")
    checkout.install("deployment")
    assert checkout.asked() == [lock("deployment"), "pip ."]


@pytest.mark.parametrize("interruption", ["all killed", "pip killed", "Ctrl-C"])
def test_an_interrupted_installation_starts_over(checkout: Checkout, interruption: str) -> None:
    checkout.install("deployment")
    (checkout.folder / "interruption").write_text(interruption)
    assert checkout.install("development").returncode != 0
    (checkout.folder / "interruption").unlink()
    checkout.asked()
    assert checkout.install("deployment").returncode == 0
    assert checkout.asked() == ["venv", lock("deployment"), "pip ."]


def test_without_a_network_the_existing_installation_still_works(checkout: Checkout) -> None:
    checkout.install("deployment")
    (checkout.folder / "fail").touch()
    done = checkout.install("development")
    assert done.returncode == 2
    assert "could not be installed" in done.stderr
    checkout.asked()
    assert checkout.install("deployment").returncode == 0
    assert checkout.asked() == []
    (checkout.folder / "fail").unlink()
    checkout.install("development")
    assert checkout.asked() == [lock("development"), "pip ."]


def test_a_failed_installation_of_the_cdk_cli_is_reported(checkout: Checkout) -> None:
    """npm itself prints the reason; the next call tries again."""
    (checkout.folder / "npm_fails").touch()
    done = checkout.install("deployment")
    assert done.returncode == 2
    assert "The CDK command line could not be installed" in done.stderr
    (checkout.folder / "npm_fails").unlink()
    checkout.asked()
    assert checkout.install("deployment").returncode == 0
    assert checkout.asked() == ["npm"]


def test_another_interpreter_replaces_the_environment(checkout: Checkout, tmp_path: Path) -> None:
    checkout.install("deployment")
    other = str(interpreter(tmp_path, "python3.13"))
    checkout.asked()
    checkout.install("deployment", other)
    assert (checkout.folder / ".venv/bin/python.home").read_text() == "/opt/python3.13"
    assert checkout.asked() == ["venv", lock("deployment"), "pip ."]
    checkout.install("deployment", other)
    # If none is named, the environment's own will do.
    checkout.install("deployment")
    assert checkout.asked() == []


def test_an_environment_does_not_move_with_its_folder(checkout: Checkout, tmp_path: Path) -> None:
    """A copy would run the code in the original folder."""
    checkout.install("deployment")
    copy = tmp_path / "copy"
    shutil.copytree(checkout.folder, copy)
    checkout.folder = copy
    checkout.asked()
    checkout.install("deployment")
    assert checkout.asked()[0] == "venv"


def test_an_environment_without_its_interpreter_is_replaced(checkout: Checkout) -> None:
    checkout.install("deployment")
    script(checkout.folder / ".venv/bin/python", BROKEN)
    checkout.asked()
    checkout.install("deployment")
    assert checkout.asked() == ["venv", lock("deployment"), "pip ."]


def test_candidates_that_do_not_run_are_skipped(checkout: Checkout) -> None:
    """Such as pyenv's shims for versions that are not selected."""
    script(checkout.bin / "python3.11", BROKEN)
    script(checkout.bin / "python3.13", BROKEN)
    interpreter(checkout.bin, "python3.12")
    assert checkout.install("deployment").returncode == 0
    assert (checkout.folder / ".venv/bin/python.home").read_text() == "/opt/python3.12"


def test_if_there_is_no_python_one_sentence_says_so(checkout: Checkout) -> None:
    for name in ("python3.11", "python3.12", "python3.13"):
        script(checkout.bin / name, BROKEN)
    done = checkout.install("deployment")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("No Python 3.11, 3.12 or 3.13 with venv was found: install one")
    assert done.stderr.count("\n") == 1


def test_an_unusable_python_is_named(checkout: Checkout) -> None:
    broken = script(checkout.folder / "broken", BROKEN)
    for python in (str(broken), "/no/such/python"):
        done = checkout.install("deployment", python)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"PYTHON={python} cannot be used: ")


@pytest.mark.parametrize(
    ("version", "has_venv", "usable"),
    [
        ("3, 11, 0", 1, True),
        ("3, 13, 9", 1, True),
        ("3, 10, 9", 1, False),
        ("3, 14, 0", 1, False),
        ("3, 12, 0", 0, False),
    ],
)
def test_a_candidate_has_an_allowed_version_and_venv(
    version: str, has_venv: int, usable: bool, tmp_path: Path
) -> None:
    """With the real interpreter, disguised as another version."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.version_info = ({version}, 'final', 0)\n"
        f"if not {has_venv}: sys.modules['ensurepip'] = None\n"
    )
    done = subprocess.run(
        [BASH, "-c", f"source installation/python.sh; usable '{sys.executable}'"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert (done.returncode == 0) == usable
