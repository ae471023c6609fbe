"""The autoscaler: what it may do, where it runs, and that it can run at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Environment
from aws_cdk.assertions import Template

from bionemo_eks.addons.cluster_autoscaler import ClusterAutoscaler, autoscaler_values
from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES
from bionemo_eks.configuration.scheduling import CORE_LABELS, GPU_LABELS
from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from rehearsal.pods.scheduler import make_node, may_run_on
from tests.constructs.bare import CLUSTER, bare_stack, only, some_cluster, waits_for

CHART, IDENTITY = "Custom::AWSCDK-EKS-HelmChart", "AWS::EKS::PodIdentityAssociation"
POLICY, ROLE = "AWS::IAM::Policy", "AWS::IAM::Role"
CHANGES = {"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"}


@pytest.fixture(scope="module")
def template() -> Template:
    stack = bare_stack(env=Environment(region="us-west-2"))
    ClusterAutoscaler(
        stack,
        "Autoscaler",
        cluster=some_cluster(stack),
        cluster_name=CLUSTER,
        release=KUBERNETES_RELEASES["1.35"],
    )
    return Template.from_stack(stack)


def values() -> dict[str, Any]:
    return autoscaler_values(CLUSTER, "us-west-2", KUBERNETES_RELEASES["1.35"])


def granting(template: Template, action: str) -> list[dict[str, Any]]:
    """Return the statements that grant `action`."""
    return [
        dict(each)
        for each in only(template, POLICY)["PolicyDocument"]["Statement"]
        if action == each["Action"] or action in each["Action"]
    ]


@pytest.mark.parametrize("action", sorted(CHANGES))
def test_it_changes_its_clusters_groups_and_no_others(template: Template, action: str) -> None:
    (statement,) = granting(template, action)
    assert statement["Condition"] == {
        "StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{CLUSTER}": "owned"}
    }
    assert ":autoScalingGroupName/eks-*" in json.dumps(statement["Resource"])


def test_it_may_read_labels_and_taints_of_its_clusters_empty_groups(template: Template) -> None:
    """It knows nothing else about a group without nodes, and would not scale it up from 0."""
    (statement,) = granting(template, "eks:DescribeNodegroup")
    assert f":nodegroup/{CLUSTER}/*" in json.dumps(statement["Resource"])


def test_all_its_other_permissions_are_read_only(template: Template) -> None:
    actions = [
        action
        for each in only(template, POLICY)["PolicyDocument"]["Statement"]
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    ]
    assert set(actions) > CHANGES
    for action in set(actions) - CHANGES:
        assert action.partition(":")[2].startswith(("Describe", "Get")), action


def test_its_pod_gets_its_permissions_and_starts_after_them(template: Template) -> None:
    """EKS Pod Identity gives a pod its role when it starts, or never."""
    identity, chart = only(template, IDENTITY), only(template, CHART)
    ((role, _),) = template.find_resources(ROLE).items()
    account = json.loads(chart["Values"])["rbac"]["serviceAccount"]
    assert account == {"create": True, "name": identity["ServiceAccount"]}
    assert identity["Namespace"] == chart["Namespace"]
    assert identity["ClusterName"] == CLUSTER
    assert identity["RoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    needed = {*template.find_resources(IDENTITY), *template.find_resources(POLICY)}
    assert needed <= waits_for(template, CHART)


def test_a_deployment_fails_if_it_does_not_start(template: Template) -> None:
    assert only(template, CHART)["Wait"] is True


def test_it_runs_on_core_nodes_so_that_it_can_remove_the_others() -> None:
    instance = CORE_INSTANCE_TYPES["m5.xlarge"]
    assert may_run_on(values(), make_node("core", instance, CORE_LABELS, []))
    assert not may_run_on(values(), make_node("gpu", instance, GPU_LABELS, []))


def test_shared_memory_does_not_keep_an_idle_gpu_node() -> None:
    """A memory-backed /dev/shm counts as local storage, which keeps a node by default."""
    assert values()["extraArgs"]["skip-nodes-with-local-storage"] is False
    assert values()["extraArgs"]["skip-nodes-with-system-pods"] is False


def test_it_runs_without_privileges() -> None:
    assert values()["securityContext"]["runAsNonRoot"] is True
    container = values()["containerSecurityContext"]
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
