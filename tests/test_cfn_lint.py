"""cfn-lint reports no error and no warning for any template."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.configuration import names

# What cfn-lint cannot know, with the reason.
IGNORED = {
    "W3010": "the zones are a setting, because GPU nodes are offered in only some of them",
    "W3005": "CDK's own functions also name their role in DependsOn: redundant but harmless",
}
CHANGES: list[dict[str, str]] = [
    {},
    {"preset": "2024"},
    {
        "kubernetes_version": "1.29",
        "cluster.endpoint": "private",
        "gpu.instance_type": "g5.12xlarge",
        "gpu.scaling": "fixed",
        "network.nat_gateways": "per-zone",
        "storage.keep_bucket": "false",
        "notifications.email": "team@example.org",
        "region": "eu-west-1",
    },
    {
        "region": "us-east-2",
        "gpu.instance_type": "p5en.48xlarge",
        "gpu.purchase": "capacity-block",
        "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
    },
]


# One GPU type for each combination of disks, network cards and GPUs.
GPU_TYPES = ["p4d.24xlarge", "p5.48xlarge", "p5e.48xlarge", "g6e.48xlarge", "g6.xlarge"]


EFA_TYPES = [
    *("p4d.24xlarge", "p5.48xlarge", "p5en.48xlarge", "p6-b200.48xlarge", "p6-b300.48xlarge"),
    *("g6e.48xlarge", "g5.48xlarge"),
]


def lint(folder: Path, region: str) -> None:
    """Fail with what cfn-lint reports for the templates in `folder`."""
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("cfn-lint")), "--regions", region),
            *("--ignore-checks", *IGNORED, "--", *map(str, folder.glob("*.json"))),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("changes", CHANGES, ids=["defaults", "2024", "other", "capacity-block"])
def test_cfn_lint_is_silent(synth: Any, changes: dict[str, str], tmp_path: Path) -> None:
    deployment = synth(**changes)
    for stack in names.STACKS:
        (tmp_path / f"{stack}.json").write_text(json.dumps(deployment.json(stack)))
    lint(tmp_path, deployment.settings.region)


@pytest.mark.slow
def test_cfn_lint_is_silent_for_every_kind_of_gpu_node(synth: Any, tmp_path: Path) -> None:
    for repair, gpu_type in product(["nodes", "gpus"], GPU_TYPES):
        changes = {"gpu.instance_type": gpu_type, "gpu.repair": repair}
        if repair == "gpus":
            changes |= {"gpu.ami_release": "1.35.3-20261012", "kubernetes_version": "1.35"}
        deployment = synth(**changes)
        for stack in ("Cluster", "Addons"):
            written = json.dumps(deployment.json(stack))
            (tmp_path / f"{repair}-{gpu_type}-{stack}.json").write_text(written)
    lint(tmp_path, deployment.settings.region)


@pytest.mark.slow
def test_cfn_lint_is_silent_for_nodes_with_efa(synth: Any, tmp_path: Path) -> None:
    for gpu_type in EFA_TYPES:
        deployment = synth(**{"training.workload": "esm2", "gpu.instance_type": gpu_type})
        assert deployment.settings.efa
        for stack in ("Cluster", "Addons", "Workload"):
            written = json.dumps(deployment.json(stack))
            (tmp_path / f"{gpu_type}-{stack}.json").write_text(written)
    lint(tmp_path, deployment.settings.region)
