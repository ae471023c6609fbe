"""The network test's script, with stand-ins for ssh, sshd and mpirun."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bionemo_eks.jobs.places import PROGRAMS

SCRIPT = PROGRAMS / "network_test" / "all_reduce.sh"
LOG = """\
a:1:2 [0] NCCL INFO NET/OFI Selected provider is efa, fabric is efa (found 4 nics)
b:1:2 [0] NCCL INFO NET/OFI Selected provider is efa, fabric is efa (found 4 nics)
a:1:2 [0] NCCL INFO Using network AWS Libfabric
# size
  8388608 1 float
# Avg bus bandwidth    : 1
"""


class Pod:
    """Runs the script in a folder, where its stand-ins record their calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = SCRIPT.read_text(encoding="utf-8")
        text = text.replace("/tmp/", f"{folder}/").replace("/var/run", f"{folder}/run")
        for path in ("/opt/amazon/openmpi/bin", "/usr/sbin"):
            text = text.replace(path, str(folder))
        self._text = text
        for name in ("ssh", "ssh-keygen", "sshd"):
            self.stand_in(name, "")

    def stand_in(self, name: str, more: str) -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >> {self.folder}/asked\n{more}')
        path.chmod(0o755)

    def run(self, index: int, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", self._text, "all_reduce.sh", "test", "2", "8"],
            env={
                "PATH": f"{self.folder}:{os.environ['PATH']}",
                "JOB_COMPLETION_INDEX": str(index),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )

    @property
    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_the_first_pod_runs_the_test_over_all_and_lets_the_others_end(pod: Pod) -> None:
    pod.stand_in("mpirun", f"cat <<'END'\n{LOG}END\n")
    done = pod.run(0, FI_PROVIDER="efa")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "all 2 pods are up",
        "NET/OFI Selected provider is efa, fabric is efa (found 4 nics)",
        "Using network AWS Libfabric",
        *LOG.splitlines()[3:],
    ]
    assert (pod.folder / "hosts").read_text() == "test-0.test slots=8\ntest-1.test slots=8\n"
    (mpirun,) = [each for each in pod.asked if each.startswith("mpirun")]
    assert "-np 16 -N 8" in mpirun
    assert "-x FI_PROVIDER" in mpirun
    ended = [each for each in pod.asked if "touch" in each]
    assert [each.split()[-3] for each in ended] == ["test-0.test", "test-1.test"]
    assert pod.asked.index(mpirun) < pod.asked.index(ended[0])


def test_a_failed_test_shows_its_last_lines_and_lets_the_others_end(pod: Pod) -> None:
    pod.stand_in("mpirun", "echo no such device\nexit 3\n")
    done = pod.run(0)
    assert done.returncode == 3
    assert "no such device" in done.stdout
    assert len([each for each in pod.asked if "touch" in each]) == 2
    assert not any("FI_PROVIDER" in each for each in pod.asked)


def test_another_pod_lets_the_first_in_until_told_to_end(pod: Pod) -> None:
    (pod.folder / "over").touch()
    assert pod.run(1).returncode == 0
    assert any(each.startswith("sshd -p") for each in pod.asked)
