"""The command line and the emulator are two processes; the former imports nothing of the latter."""

from __future__ import annotations

import subprocess
import sys

from rehearsal.machine.environment import ROOT

# Modules of local_aws that call it over its port.
ASKS = {"clients.py", "inventory.py", "ledgers.py", "resources.py", "server.py"}


def test_the_command_line_imports_nothing_of_the_emulator() -> None:
    package = ROOT / "rehearsal"
    emulator = {*(package / "local_aws").rglob("*.py")} - {
        package / "local_aws" / each for each in ASKS
    }
    rest = {*package.rglob("*.py")} - emulator - {package / "__main__.py"}
    assert {each.name for each in rest} >= ASKS
    names = sorted(".".join(each.relative_to(ROOT).with_suffix("").parts) for each in rest)
    program = (
        "import importlib, sys\n"
        f"for name in {names}: importlib.import_module(name)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = done.stdout.split()
    assert {"rehearsal", "boto3", "typer"} <= set(imported)
    assert not {"ministack", "hypercorn"} & set(imported)
