"""cdk-nag's AwsSolutions rules: every finding must be in the list below, with a reason."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from app import build
from tests.context import COMPANY, cdk_flags

PRIVATE = {"cluster.endpoint": "private", "network.nat_gateways": "per-zone", **COMPANY}
ADMINS = {
    "cluster.admins": "arn:aws:iam::111122223333:role/platform",
    "storage.keep_bucket": "false",
    "notifications.email": "team@example.org",
    "training.image_pull_secret": "team/ngc",
}
ESM2 = {
    "training.workload": "esm2",
    "gpu.instance_type": "p5.48xlarge",
    "gpu.purchase": "capacity-block",
    "gpu.capacity_reservation_id": "cr-0123456789abcdef0",
    "dataset.url": "s3://sequences/mine/mine.fasta",
    "cluster.job_namespaces": '["team"]',
    "notifications.monthly_budget": "1000",
}
_NODE = r"Cluster/(Core|Gpu)/Role/Resource"
_PROVIDER = r"Cluster/Eks/Cluster/KubectlProvider/.*"

# (construct, rule and finding): why it is acceptable.
REVIEWED = {
    (
        r"Storage/DataBucket/Resource",
        r"AwsSolutions-S1",
    ): "Server access logs need a second bucket that destroy would leave behind. The bucket holds "
    "public sequences and model weights, accepts only TLS; no principal of the cluster reads it "
    "directly; CloudTrail data events can provide a record of access.",
    (
        r"Cluster/Eks/Cluster/Role/Resource",
        r"AwsSolutions-IAM4\[.*/AmazonEKSClusterPolicy\]",
    ): "The policy that EKS requires for a cluster's role; EKS's own checks look for it.",
    (
        _NODE,
        r"AwsSolutions-IAM4\[.*/(AmazonEKSWorkerNodePolicy|AmazonEC2ContainerRegistryPullOnly)\]",
    ): "The two policies that EKS requires for a node's role; AWS extends them with the AMI.",
    (
        _NODE,
        r"AwsSolutions-IAM4\[.*/AmazonSSMManagedInstanceCore\]",
    ): "Session Manager on the nodes, instead of SSH keys and open ports.",
    (
        r"Cluster/CniRole/Resource",
        r"AwsSolutions-IAM4\[.*/AmazonEKS_CNI_Policy\]",
    ): "The VPC CNI add-on's policy; only the CNI's service account has it, no node.",
    (
        r"Addons/CloudWatchRole/Resource",
        r"AwsSolutions-IAM4\[.*/CloudWatchAgentServerPolicy\]",
    ): "The CloudWatch add-on's policy; only the agent's service account has it.",
    (
        _PROVIDER,
        r"AwsSolutions-IAM4\[.*/(AWSLambdaBasicExecutionRole|AWSLambdaVPCAccessExecutionRole)\]",
    ): "CDK's own kubectl provider: writing its log and, in the VPC, its network interfaces.",
    (
        _PROVIDER,
        r"AwsSolutions-IAM4\[.*(ContainerRegistryReadOnly|ContainerRegistryPublicReadOnly).*\]",
    ): "CDK's own kubectl provider: reading charts from container registries.",
    (
        _PROVIDER,
        r"AwsSolutions-IAM5\[Resource::<EksClusterKubectlProviderHandler\w+\.Arn>:\*\]",
    ): "CDK's own provider framework: any version of the one function that it calls.",
    (
        _PROVIDER,
        r"AwsSolutions-L1",
    ): "CDK's own kubectl provider sets the Python version of its function.",
    (
        r"Addons/Autoscaler/Role/DefaultPolicy/Resource",
        r"AwsSolutions-IAM5\[Resource::\*\]",
    ): "Describe calls that IAM cannot narrow to a resource; tests/test_iam.py checks each.",
    (
        r"Addons/Autoscaler/Role/DefaultPolicy/Resource",
        r"AwsSolutions-IAM5\[Resource::arn:aws:autoscaling:.*autoScalingGroupName/eks-\*\]",
    ): "EKS generates the groups' names; a condition on their tag limits it to this cluster's.",
    (
        r"Addons/Autoscaler/Role/DefaultPolicy/Resource",
        r"AwsSolutions-IAM5\[Resource::arn:aws:eks:.*:nodegroup/bionemo-on-eks/\*\]",
    ): "Read access to any node group of this one cluster: EKS generates their ids.",
    (
        r"Storage/ExportGuard/Role/DefaultPolicy/Resource",
        r"AwsSolutions-IAM5\[Resource::\*\]",
    ): "Only GetMetricStatistics, which IAM cannot narrow; tests/test_iam.py checks it.",
    (
        r"Addons/FsxCsiRole/DefaultPolicy/Resource",
        r"AwsSolutions-IAM5\[Resource::\*\]",
    ): "Only DescribeFileSystems, which IAM cannot narrow; tests/test_iam.py checks it.",
    (
        r"Workload/(Esm2)?WatchRole/DefaultPolicy/Resource",
        r"AwsSolutions-IAM5\[Resource::\*\]",
    ): "PutMetricData, which IAM narrows by a condition on the namespace instead. With a "
    "Capacity Block also DescribeCapacityReservations, which it cannot narrow; "
    "tests/test_iam.py checks it.",
    (
        r"Workload/Esm2LauncherRole/DefaultPolicy/Resource",
        r"AwsSolutions-IAM5\[Resource::\*\]",
    ): "With a Capacity Block: only DescribeCapacityReservations, which IAM cannot narrow; "
    "tests/test_iam.py checks it.",
}


def findings(changes: dict[str, str], out: Path) -> set[tuple[str, str]]:
    """(construct, rule) for each finding of cdk-nag."""
    context = cdk_flags(**{"@aws-cdk/core:validateAgainstDefaultRules": False}, **changes)
    app = App(context=context, outdir=str(out), analytics_reporting=False)
    build(app)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    # cdk-nag fails the synthesis; its findings are in the report.
    with contextlib.suppress(RuntimeError):
        app.synth()
    report: dict[str, Any] = json.loads((out / "validation-report.json").read_text())
    (nag,) = [each for each in report["pluginReports"] if each["pluginName"] == "AwsSolutions"]
    return {
        (construct["constructPath"], violation["ruleName"])
        for violation in nag["violations"]
        for construct in violation["violatingConstructs"]
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    return {
        finding
        for number, changes in enumerate(({}, PRIVATE, ADMINS, ESM2))
        for finding in findings(changes, tmp_path_factory.mktemp(str(number)))
    }


def _matches(reviewed: tuple[str, str], finding: tuple[str, str]) -> bool:
    pairs = zip(reviewed, finding, strict=True)
    return all(re.fullmatch(pattern, text, re.DOTALL) for pattern, text in pairs)


@pytest.mark.slow
def test_each_finding_has_been_reviewed(found: set[tuple[str, str]]) -> None:
    assert found, "cdk-nag checked nothing"
    new = [each for each in found if not any(_matches(known, each) for known in REVIEWED)]
    assert not new


@pytest.mark.slow
def test_no_review_outlives_its_finding(found: set[tuple[str, str]]) -> None:
    assert not [known for known in REVIEWED if not any(_matches(known, each) for each in found)]
