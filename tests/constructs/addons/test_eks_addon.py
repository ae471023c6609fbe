"""EKS add-ons, and who may assume their pods' roles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Environment
from aws_cdk.assertions import Template

from bionemo_eks.addons.eks_addon import EksAddon, PodIdentityRole
from tests.constructs.bare import CLUSTER, bare_stack, only

ADDON, ROLE = "AWS::EKS::Addon", "AWS::IAM::Role"
ACCOUNT = "111122223333"
# What EKS says about a pod when it requests its role.
# https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
POD = {
    "aws:SourceAccount": ACCOUNT,
    "aws:RequestTag/eks-cluster-name": CLUSTER,
    "aws:RequestTag/kubernetes-namespace": "kube-system",
    "aws:RequestTag/kubernetes-service-account": "some-account",
}


@pytest.fixture(scope="module")
def statements() -> list[dict[str, Any]]:
    stack = bare_stack(env=Environment(account=ACCOUNT, region="us-west-2"))
    PodIdentityRole(
        stack,
        "Role",
        cluster_name=CLUSTER,
        namespace="kube-system",
        service_account="some-account",
        managed_policies=["AmazonEKS_CNI_Policy"],
    )
    role = only(Template.from_stack(stack), ROLE)
    assert "AmazonEKS_CNI_Policy" in json.dumps(role["ManagedPolicyArns"])
    return [dict(each) for each in role["AssumeRolePolicyDocument"]["Statement"]]


def allowed(statements: list[dict[str, Any]], pod: dict[str, str]) -> set[str]:
    """Return the actions that EKS may take for `pod`."""
    return {
        action
        for each in statements
        if each["Effect"] == "Allow"
        and each["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        and set(each["Condition"]) == {"StringEquals"}
        and all(pod.get(key) == value for key, value in each["Condition"]["StringEquals"].items())
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }


def test_pods_of_the_service_account_may_assume_the_role(statements: list[dict[str, Any]]) -> None:
    """Both actions: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html"""
    assert allowed(statements, POD) == {"sts:AssumeRole", "sts:TagSession"}


@pytest.mark.parametrize("key", POD)
def test_no_other_pods_may_assume_it(statements: list[dict[str, Any]], key: str) -> None:
    assert allowed(statements, {**POD, key: "another"}) == set()


def test_only_eks_may_assume_it(statements: list[dict[str, Any]]) -> None:
    assert {json.dumps(each["Principal"]) for each in statements} == {
        '{"Service": "pods.eks.amazonaws.com"}'
    }


def addon(**changes: Any) -> Template:
    stack = bare_stack()
    given: dict[str, Any] = {"addon_name": "coredns", "version": "v1.13.2-eksbuild.31", **changes}
    EksAddon(stack, "Addon", cluster_name=CLUSTER, **given)
    return Template.from_stack(stack)


def test_it_has_the_pinned_version_and_is_removed_with_its_stack() -> None:
    found = only(addon(), ADDON)
    assert found["ClusterName"] == CLUSTER
    assert (found["AddonName"], found["AddonVersion"]) == ("coredns", "v1.13.2-eksbuild.31")
    assert found["PreserveOnDelete"] is False


def test_a_field_changed_by_hand_does_not_fail_an_update() -> None:
    assert only(addon(), ADDON)["ResolveConflicts"] == "OVERWRITE"


def test_its_configuration_arrives_as_json() -> None:
    values = {"nodeSelector": {"NodeGroupType": "core"}, "replicas": 2}
    assert json.loads(only(addon(configuration=values), ADDON)["ConfigurationValues"]) == values


def test_each_service_account_has_its_role() -> None:
    identities = {"first": "arn:aws:iam::111122223333:role/a", "second": "arn:aws:iam::1:role/b"}
    found = only(addon(identities=identities), ADDON)["PodIdentityAssociations"]
    assert {each["ServiceAccount"]: each["RoleArn"] for each in found} == identities


def test_without_configuration_and_identities_eks_decides() -> None:
    """An empty list or text is not the same: EKS checks it against the add-on's schema."""
    assert not {"ConfigurationValues", "PodIdentityAssociations"} & set(only(addon(), ADDON))
