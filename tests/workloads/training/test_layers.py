"""The common programs import only from lower layers, and none of a workload's own."""

from __future__ import annotations

import pytest

from bionemo_eks.jobs.places import PROGRAMS
from bionemo_eks.jobs.training_job import PROGRAM_FOLDER, training_program
from bionemo_eks.jobs.workloads import WORKLOADS
from tests.second_workload.numbers import NUMBERS
from tests.workloads.uniref50.test_layers import imports

LAYERS = ({"shared", "ranks"}, {"hours", "rounds"}, {"start", "ask"})
EVERY = {**WORKLOADS, NUMBERS.name: NUMBERS}


def test_none_imports_from_a_later_one() -> None:
    files = {path.stem: path for path in PROGRAM_FOLDER.glob("*.py")}
    assert set(files) == set().union(*LAYERS)
    for number, layer in enumerate(LAYERS):
        above = set().union(*LAYERS[number:])
        for name in layer:
            assert not imports(files[name]) & above


def test_the_common_part_knows_no_workloads_files() -> None:
    own = {path.stem for path in PROGRAMS.glob("*/*.py") if path.parent != PROGRAM_FOLDER}
    for path in PROGRAM_FOLDER.glob("*.py"):
        assert not imports(path) & own


@pytest.mark.parametrize("name", EVERY)
def test_each_workload_has_its_own_rules_and_no_others(name: str) -> None:
    workload = EVERY[name]
    brought = set(training_program(workload)["data"])
    common = {path.name for path in PROGRAM_FOLDER.glob("*.py")}
    own = {path.name for folder in workload.program.folders for path in folder.glob("*.py")}
    assert not common & own
    assert brought == common | own
    assert f"{workload.program.rules}.py" in own
