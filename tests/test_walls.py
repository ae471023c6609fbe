"""The import contracts between packages hold: a wrong import makes `make lint` fail."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.context import ROOT

pytestmark = pytest.mark.slow

PACKAGES = {"constructs/bionemo_eks", "stacks", "ops", "rehearsal", "bench"}
# For each contract: a file, and an import that it must not contain.
WRONG = {
    "rooms": ("constructs/bionemo_eks/network/vpc.py", "bionemo_eks.storage.lustre"),
    "jobs-are-the-workloads": (
        "constructs/bionemo_eks/storage/lustre.py",
        "bionemo_eks.jobs.places",
    ),
    "no-cdk": ("ops/aws.py", "aws_cdk"),
    "configuration-knows-no-workload": (
        "constructs/bionemo_eks/configuration/names.py",
        "bionemo_eks.jobs.workloads",
    ),
    "deployment": ("constructs/bionemo_eks/cluster/cluster.py", "stacks.cluster"),
    "tools": ("ops/verify.py", "rehearsal.run"),
    "tools-need-no-stack": ("rehearsal/output/report.py", "stacks.network"),
    "ledger": ("rehearsal/kubernetes/ledger.py", "boto3"),
    "two-processes": ("rehearsal/programs/cdk_cli.py", "rehearsal.local_aws.emulator"),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walls")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--contract", contract],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{folder / 'constructs'}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_is_broken_below() -> None:
    file = configparser.ConfigParser()
    file.read(ROOT / ".importlinter")
    kind = "importlinter:contract:"
    assert {name.removeprefix(kind) for name in file.sections() if kind in name} == set(WRONG)


@pytest.mark.parametrize("contract", WRONG)
def test_a_wrong_import_breaks_its_contract(checkout: Path, contract: str) -> None:
    path, module = WRONG[contract]
    file = checkout / path
    whole = file.read_text()
    file.write_text(f"{whole}\nimport {module}\n")
    try:
        done = lint(checkout, contract)
    finally:
        file.write_text(whole)
    assert done.returncode == 1, done.stdout + done.stderr
    assert module in done.stdout
