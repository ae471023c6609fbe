"""Lines as the CDK CLI prints them, and how they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.programs.cdk_cli import CdkCli, CdkError, StackProgress, reasons

DEPLOYED = [
    "Network (bionemo-on-eks-network): deploying... [1/6]",
    "bionemo-on-eks-network |  1/36 | 3:51:23 AM | CREATE_COMPLETE         "
    "| AWS::Logs::LogGroup                   | Network/FlowLogs (FlowLogs2BEC)",
    "bionemo-on-eks-network | 36/36 | 3:51:24 AM | CREATE_COMPLETE         "
    "| AWS::EC2::Route                       | Network/DefaultRoute (Route0CF0)",
]
FAILED = [
    "bionemo-on-eks-workload | 1/5 | 4:13:50 AM | CREATE_FAILED           "
    "| Custom::AWSCDK-EKS-KubernetesResource | Workload/Dataset (Dataset0D) Job is invalid",
    "bionemo-on-eks-workload | 1/5 | 4:13:50 AM | CREATE_FAILED           "
    "| Custom::AWSCDK-EKS-KubernetesResource | Workload/Volume (V) Resource creation cancelled",
]


def test_progress_counts_resources_and_reports_finished_stacks() -> None:
    progress = StackProgress()
    assert [progress.read(line) for line in DEPLOYED] == [None, None, None]
    assert progress.status == "bionemo-on-eks-network 36/36"
    assert progress.read(" ✅  Network (bionemo-on-eks-network)") == "Network         35 resources"
    assert progress.status == ""
    line = progress.read(" ✅  Addons (bionemo-on-eks-addons) (no changes)")
    assert line == "Addons         no changes"


def test_reasons_are_the_failed_resources_but_not_the_cancelled() -> None:
    assert reasons([*DEPLOYED, *FAILED, *FAILED]) == (
        "  CREATE_FAILED Custom::AWSCDK-EKS-KubernetesResource "
        "Workload/Dataset (Dataset0D) Job is invalid"
    )


def test_without_a_failed_resource_the_last_lines_are_the_reason() -> None:
    assert reasons(["a", "", "Error: no such stack"]) == "  a\n  Error: no such stack"


def test_of_a_traceback_the_exception_is_the_reason() -> None:
    lines = [
        *("Traceback (most recent call last):", '  File "a.py", line 1', "KeyError: 'a'", ""),
        *("The above exception was the direct cause of the following exception:", ""),
        *("Traceback (most recent call last):", '  File "app.py", line 2, in <module>', "    f()"),
        "OSError: [Errno 28] No space left on device: 'cdk.out/manifest.json'",
        "python3 app.py: Subprocess exited with error 1",
    ]
    assert reasons(lines) == (
        "  OSError: [Errno 28] No space left on device: 'cdk.out/manifest.json'"
    )


def test_a_missing_cli_is_reported_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(CdkError, match=r"not installed here(?s:.*)make setup"):
        CdkCli({"PATH": str(tmp_path)}, tmp_path / "cdk.out", tmp_path / "logs").synth([])
