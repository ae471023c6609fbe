"""`python -m rehearsal` as a person runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.environment import ACCOUNT, ROOT

# They wait for processes and servers.
pytestmark = pytest.mark.slow


def rehearsal(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "rehearsal", *arguments],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.rehearsal
def test_a_whole_run_with_kubernetes_1_29(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = rehearsal("run", "--keep", "--folder", str(kept), "-c", "kubernetes_version=1.29")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 workers: 8 on gpu-1, 8 on gpu-2. World size: 16." in done.stdout
    assert "There are no differences." in done.stdout
    assert f"bionemo-on-eks-{ACCOUNT}-us-west-2" in done.stdout.partition("What is left")[2]
    objects = [
        yaml.safe_load(path.read_text()) for path in sorted((kept / "kubernetes").glob("*.yaml"))
    ]
    kinds = [each["kind"] for each in objects]
    assert kinds.index("CustomResourceDefinition") < kinds.index("PyTorchJob")
    assert kinds.index("PersistentVolumeClaim") < kinds.index("Job")
    # Every token has been resolved: the volume names the file system that was made.
    (volume,) = [each for each in objects if each["kind"] == "PersistentVolume"]
    stacks: dict[str, Any] = yaml.safe_load((kept / "aws-resources.yaml").read_text())
    storage = stacks["bionemo-on-eks-storage"].values()
    (file_system,) = [each for each in storage if each["type"] == "AWS::FSx::FileSystem"]
    assert volume["spec"]["csi"]["volumeHandle"] == file_system["physical_id"]
    charts = yaml.safe_load((kept / "charts.yaml").read_text())
    assert {each["release"] for each in charts} == {"nvidia-device-plugin", "cluster-autoscaler"}
    (cluster,) = [
        each
        for each in stacks["bionemo-on-eks-cluster"].values()
        if each["type"] == "AWS::EKS::Cluster"
    ]
    assert cluster["properties"]["Version"] == "1.29"
    assert not (ROOT / "cdk.context.json").exists()


@pytest.mark.parametrize("command", ["run", "serve"])
def test_real_credentials_are_refused(command: str) -> None:
    done = rehearsal(command, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    assert done.returncode == 1
    assert "The rehearsal does not start: AWS_ACCESS_KEY_ID" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("gpu.nodes=none", "Setting 'gpu.nodes' is \"none\": must be a whole number"),
        ("gpu.node=3", "Did you mean 'gpu.nodes'?"),
        ("gpu.nodes", "must be key=value"),
        ("network.vpc_id=vpc-0123456789abcdef0", "Rehearse without it"),
    ],
)
def test_a_bad_setting_gets_one_message(setting: str, told: str) -> None:
    done = rehearsal("run", "-c", setting)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.rehearsal
def test_a_rehearsal_that_is_told_to_end_takes_everything_along() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    before = set((ROOT / "build").glob("rehearsal-*"))
    with subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "run"],
        cwd=ROOT,
        env=clean,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "cdk synth" in line:
                break
        tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
        children = [child for task in tasks for child in task.read_text().split()]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) not in (0, -signal.SIGTERM)
        assert "Traceback" not in process.stdout.read()
    assert children
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert set((ROOT / "build").glob("rehearsal-*")) <= before


def test_help_teaches() -> None:
    done = rehearsal("run", "--help")
    for option in ("--keep", "--folder", "--kubeconfig", "-c", "--port"):
        assert option in done.stdout
