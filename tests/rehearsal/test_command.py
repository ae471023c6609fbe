"""`python -m rehearsal` as a person runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from rehearsal.environment import ACCOUNT, ROOT
from rehearsal.server import free_port


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
@pytest.mark.xdist_group("rehearsal")
def test_a_whole_run_with_kubernetes_1_29() -> None:
    done = rehearsal("run", "--keep", "-c", "kubernetes_version=1.29")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 workers: 8 on gpu-1, 8 on gpu-2. World size: 16." in done.stdout
    assert "There are no differences." in done.stdout
    assert f"bionemo-on-eks-{ACCOUNT}-us-west-2" in done.stdout.partition("What is left")[2]
    kept = ROOT / "build" / "rehearsal"
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


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, "AWS_ACCESS_KEY_ID"),
        ({"AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE"}, "AWS_ACCESS_KEY_ID"),
        ({"AWS_SESSION_TOKEN": "FwoGZXIvYXdzE"}, "AWS_SESSION_TOKEN"),
        ({"AWS_PROFILE": "production"}, "AWS_PROFILE"),
        ({"AWS_ENDPOINT_URL": "https://eks.us-west-2.amazonaws.com"}, "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL_S3": "http://10.0.0.7:9000"}, "AWS_ENDPOINT_URL_S3"),
    ],
)
@pytest.mark.parametrize("command", ["run", "serve"])
def test_real_credentials_are_refused(
    command: str, environment: dict[str, str], named: str
) -> None:
    done = rehearsal(command, **environment)
    assert done.returncode == 1
    assert f"The rehearsal does not start: {named}" in done.stderr
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


def test_serve_prints_what_to_export_and_answers(tmp_path: Path) -> None:
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "serve", "--port", str(port)],
        cwd=ROOT,
        env=clean,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        exports = {}
        for line in process.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                exports[name] = value
            if "Ctrl-C" in line:
                break
        client = boto3.client(
            "sts",
            endpoint_url=exports["AWS_ENDPOINT_URL"],
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            region_name=exports["AWS_REGION"],
        )
        assert client.get_caller_identity()["Account"] == ACCOUNT
        taken = rehearsal("serve", "--port", str(port))
        assert taken.returncode == 1
        assert f"cannot have port {port}" in taken.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_help_teaches() -> None:
    done = rehearsal("run", "--help")
    for option in ("--keep", "--kubeconfig", "-c", "--port"):
        assert option in done.stdout
