"""`python -m rehearsal` as a user runs it."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.jobs.workloads import WORKLOADS
from rehearsal.command import app
from rehearsal.machine.environment import ACCOUNT, ROOT
from rehearsal.machine.workspace import KEPT, WORK
from tests.context import pinned
from tests.rehearsal.output.parsed import Parsed
from tests.rehearsal.processes import rehearsal, started

# They wait for processes and servers.
pytestmark = pytest.mark.slow


def look_at_the_page(file: Path, names: list[str]) -> None:
    """The page of a deployment with 1.29 names all of it; CDK's own stack is not part of it."""
    shown = Parsed(file.read_text()).text
    assert {name for name in names if name not in shown} == {"CDKToolkit"}
    assert all(f"esm1nv-pretraining-worker-{number}" in shown for number in range(16))
    assert "-c kubernetes_version=1.29" in shown
    assert "from deploy to destroy" in shown, "the cost of a run"


@pytest.mark.rehearsal
def test_a_whole_run_with_kubernetes_1_29(tmp_path: Path) -> None:
    pinned_before = pinned()
    # The user's own: a link as the folder to keep things in, and a malformed AWS configuration.
    kept, link, malformed = tmp_path / "kept", tmp_path / "link", tmp_path / "malformed"
    link.symlink_to(kept)
    malformed.write_text("no section\n")
    done = rehearsal(
        *("run", "--folder", str(link), "-c", "kubernetes_version=1.29"),
        AWS_CONFIG_FILE=str(malformed),
        AWS_MAX_ATTEMPTS="abc",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert link.is_symlink()
    left = {"aws-resources.yaml", "charts.yaml", "index.html", "kubernetes", "logs"}
    assert {each.name for each in kept.iterdir()} == left
    assert "16 workers: 8 on gpu-1, 8 on gpu-2. World size: 16." in done.stdout
    assert "No differences." in done.stdout
    *_, verdict, following = done.stdout.splitlines()
    assert verdict == "Passed. Nothing reached AWS."
    assert following.startswith("Next: ./bionemo preflight -c kubernetes_version=1.29")
    assert done.stdout.count("Next:") == 1, "preflight's own Next line is left out"
    listed = done.stdout.partition("What is left")[2].partition("Wall times")[0]
    assert listed.count(f"bionemo-on-eks-{ACCOUNT}-us-west-2") == 1, "it is listed once"
    for noise in ("refused", "warning", "feature flags"):
        assert noise not in done.stdout + done.stderr
    assert "unknown: not in a rehearsal" in done.stdout, "of the cluster's API"
    assert str(kept / "index.html") in done.stdout
    objects = [
        yaml.safe_load(path.read_text()) for path in sorted((kept / "kubernetes").glob("*.yaml"))
    ]
    kinds = [each["kind"] for each in objects]
    assert kinds.index("CustomResourceDefinition") < kinds.index("PyTorchJob")
    assert kinds.index("PersistentVolumeClaim") < kinds.index("Job")
    # Every token is resolved: the volume names the file system that was created.
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
    names = [*stacks, file_system["physical_id"], *(each["metadata"]["name"] for each in objects)]
    look_at_the_page(kept / "index.html", names)
    assert pinned() == pinned_before


@pytest.mark.parametrize("command", ["run", "serve"])
def test_real_credentials_are_refused(command: str) -> None:
    done = rehearsal(command, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    assert done.returncode == 1
    assert "The rehearsal does not start" in done.stderr
    assert "AWS_ACCESS_KEY_ID" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("gpu.nodes=none", "Setting 'gpu.nodes' is \"none\": must be a whole number"),
        ("gpu.node=3", "Did you mean 'gpu.nodes'?"),
        ("gpu.nodes", "must be key=value"),
        ("network.vpc_id=vpc-0123456789abcdef0", "Rehearse without it"),
    ],
)
def test_a_bad_setting_gets_one_message(setting: str, message: str) -> None:
    done = rehearsal("run", "-c", setting)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.rstrip().endswith("Nothing reached AWS.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--folder", "/proc/foo", "Cannot keep the results in /proc/foo"),
        ("--kubeconfig", "/dev/null", "--kubeconfig /dev/null names no cluster"),
    ],
)
def test_unusable_paths_are_refused_before_the_run(option: str, value: str, message: str) -> None:
    done = rehearsal("run", option, value)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def folder_of(processes: list[str]) -> Path:
    """Return a rehearsal's folder, from the environment of its emulator."""
    environments = [Path(f"/proc/{each}/environ").read_text() for each in processes]
    (state,) = re.findall(r"STATE_DIR=([^\0]+)", "".join(environments))
    folder = Path(state).parent
    assert folder.parent == ROOT / "build" / WORK
    return folder


def wait_for_jsii(*places: Path) -> None:
    """Wait until a jsii kernel has created its temporary folder under one of `places`."""
    deadline = time.monotonic() + 60
    while not [found for place in places for found in place.rglob("jsii-kernel-*")]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.rehearsal
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_rehearsal_leaves_nothing_behind(sent: signal.Signals, tmp_path: Path) -> None:
    with started(TMPDIR=str(tmp_path)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "cdk synth" in line:
                break
        tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
        children = [child for task in tasks for child in task.read_text().split()]
        folder = folder_of(children)
        wait_for_jsii(tmp_path, folder)
        process.send_signal(sent)
        assert process.wait(timeout=20) == 130
        # A closed terminal shows nothing more.
        printed = "" if sent == signal.SIGHUP else "Stopped. Nothing is left of this rehearsal."
        assert process.stdout.read().strip() == printed
    assert children
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert not folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_stopping_in_the_first_second_prints_one_line() -> None:
    # Python prints each module that it imports.
    with started("-X", "importtime") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith(" yaml.tokens\n"):
                break
        process.send_signal(signal.SIGINT)
        printed = [line for line in process.stdout if not line.startswith("import time:")]
        assert printed == ["Stopped. Nothing is left of this rehearsal.\n"]
        assert process.wait(timeout=20) == 130


def help_of(command: str) -> str:
    """Return the output of --help as one line, without table borders."""
    return " ".join(rehearsal(command, "--help").stdout.replace("│", " ").split())


COMMANDS: dict[str, Any] = vars(get_command(app))["commands"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_each_option_and_a_valid_example(name: str) -> None:
    text, command = help_of(name), COMMANDS[name]
    for parameter in command.params:
        assert parameter.help
        assert {*parameter.opts} <= {*text.split()}, f"{parameter.name} is missing"
    found = re.search(rf"Example: python -m rehearsal {name}((?: --?\w\S*| \w\S*[=.\d]\S*)+)", text)
    assert found
    given = command.make_context(name, found[1].rstrip(",").split()).params
    assert settings_of(ROOT, WORKLOADS, given["context"] or [])
    # The defaults of `--folder` and `--port`.
    assert str(KEPT.relative_to(ROOT) if name == "run" else given["port"]) in text
