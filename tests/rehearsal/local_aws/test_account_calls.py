"""Preflight's calls to an account that the emulator lacks: quotas, versions, permissions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from ops import preflight
from ops.aws import Aws, deployment_of
from ops.parallel import run_checks
from ops.preflight.quota_codes import vcpu_quota_code
from ops.preflight.quotas import ADDRESSES
from ops.reasons import NOT_IN_A_REHEARSAL, code_of, reason
from ops.results import Verdict
from rehearsal.local_aws.calls import eks, identity, quotas
from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.server import local_aws
from rehearsal.machine.environment import ACCOUNT, exports
from tests.context import read_settings

REGION = "us-west-2"


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    for each in (eks, identity, quotas):
        each.register()


@pytest.mark.parametrize("purchase", ["on-demand", "spot"])
def test_the_account_allows_the_largest_possible_deployment(purchase: str) -> None:
    settings = read_settings({"gpu.nodes": "64", "gpu.instance_type": "p5.48xlarge"})
    code = vcpu_quota_code(settings.gpu_instance.name, purchase)
    answer = client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=code)
    assert answer["Quota"]["Value"] >= settings.gpu.nodes * settings.gpu_instance.vcpus


def test_the_quota_of_addresses_is_awss_default() -> None:
    asked = {"ServiceCode": "ec2", "QuotaCode": ADDRESSES}
    assert client("service-quotas").get_service_quota(**asked)["Quota"]["Value"] == 5


def test_an_unknown_quota_is_refused_as_by_aws() -> None:
    with pytest.raises(ClientError) as refused:
        client("service-quotas").get_service_quota(ServiceCode="fsx", QuotaCode="L-00000000")
    assert code_of(refused.value) == "NoSuchResourceException"


def test_kubernetes_versions_are_the_supported_ones() -> None:
    today = datetime.now(UTC).date()
    listed = client("eks").describe_cluster_versions()["clusterVersions"]
    assert {each["clusterVersion"] for each in listed} == {
        name for name, each in KUBERNETES_RELEASES.items() if today <= each.extended_support_until
    }
    (one,) = client("eks").describe_cluster_versions(clusterVersions=["1.35"])["clusterVersions"]
    ends = KUBERNETES_RELEASES["1.35"].standard_support_until
    assert one["endOfStandardSupportDate"].astimezone(UTC).date() == ends


def test_an_addon_has_the_version_for_the_kubernetes_version() -> None:
    def offered(name: str) -> list[str]:
        listed = client("eks").describe_addon_versions(addonName=name, kubernetesVersion="1.34")
        return [row["addonVersion"] for each in listed["addons"] for row in each["addonVersions"]]

    assert offered("coredns") == [KUBERNETES_RELEASES["1.34"].addons["coredns"]]
    assert offered("no-such-addon") == []


def test_what_only_aws_knows_is_left_open() -> None:
    who = client("sts").get_caller_identity()
    assert who["Account"] == ACCOUNT
    with pytest.raises(ClientError) as permissions:
        client("iam").simulate_principal_policy(PolicySourceArn=who["Arn"], ActionNames=["s3:*"])
    with pytest.raises(ClientError) as schema:
        client("eks").describe_addon_configuration(addonName="coredns", addonVersion="v1")
    for refused in (permissions, schema):
        assert code_of(refused.value) == NOT_IN_A_REHEARSAL
        assert reason(refused.value) == "not in a rehearsal"


@pytest.mark.slow
def test_only_what_aws_alone_knows_is_unknown_to_the_first_preflight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_aws(0, REGION, tmp_path) as running:
        for name, value in exports(running.endpoint, REGION).items():
            monkeypatch.setenv(name, value)
        deployment = deployment_of(read_settings({}), Aws(REGION, boto3.Session()))
        results = run_checks(preflight.checks(deployment), 60)
    unanswered = {each.name: each.said for each in results if each.verdict is Verdict.UNKNOWN}
    left = ("Permissions", "Add-on settings", "Images")
    assert unanswered == dict.fromkeys(left, "not in a rehearsal")
    failed = [each.name for each in results if each.verdict is Verdict.FAIL]
    assert failed == ["CDK bootstrap"]
