"""What runs on the cluster for everyone: on which nodes, with which permissions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bionemo_eks.configuration.addons import addon_configuration, addon_versions
from bionemo_eks.configuration.versions import CHARTS, KUBERNETES_RELEASES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.training_operator import operator_objects
from rehearsal.pods.scheduler import make_node, may_run_on


def addons(deployment: Any) -> dict[str, dict[str, Any]]:
    return {
        each["Properties"]["AddonName"]: each["Properties"]
        for stack in ("Cluster", "Addons")
        for each in deployment.resources(stack, "AWS::EKS::Addon").values()
    }


def node(deployment: Any, kind: str) -> Any:
    (group,) = [
        each["Properties"]
        for each in deployment.resources("Cluster", "AWS::EKS::Nodegroup").values()
        if each["Properties"]["Labels"]["NodeGroupType"] == kind
    ]
    settings = deployment.settings
    instance = settings.gpu_instance if kind == "gpu" else settings.core_instance
    taints = [
        {"key": each["Key"], "value": each.get("Value", ""), "effect": "NoSchedule"}
        for each in group.get("Taints", [])
    ]
    return make_node(kind, instance, group["Labels"], taints)


def allowed(deployment: Any, values: dict[str, Any]) -> set[str]:
    """The kinds of node that a pod with these chart values may run on."""
    spec = {key: values[key] for key in ("nodeSelector", "tolerations") if values.get(key)}
    return {kind for kind in ("core", "gpu") if may_run_on(spec, node(deployment, kind))}


@pytest.mark.parametrize("version", KUBERNETES_RELEASES)
def test_each_kubernetes_version_has_the_addons_of_its_row(synth: Any, version: str) -> None:
    found = addons(synth(kubernetes_version=version))
    assert {name: each["AddonVersion"] for name, each in found.items()} == (
        KUBERNETES_RELEASES[version].addons
    )


def monitor_and_insights(deployment: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration of the node monitoring agent and the CloudWatch add-on."""
    found = addons(deployment)
    values = [
        json.loads(found[name]["ConfigurationValues"])
        for name in ("eks-node-monitoring-agent", "amazon-cloudwatch-observability")
    ]
    return values[0], values[1]


def test_the_monitoring_agent_watches_gpu_nodes_and_leaves_their_engine_to_cloudwatch(
    default: Any,
) -> None:
    """Otherwise it would miss its own engine, and report every GPU as faulty."""
    agent, insights = monitor_and_insights(default)
    assert agent["nodeAgent"]["monitors"]["nvidia"]["enabled"] is False
    assert "dcgmExporter" not in insights
    # The chart's own: the agent tolerates everything, its engine nothing.
    everything = {"tolerations": [{"operator": "Exists"}]}
    assert allowed(default, {**everything, **agent["nodeAgent"]}) == {"gpu"}
    assert "dcgmAgent" not in agent


def test_where_gpus_are_repaired_the_agents_engine_is_the_only_one_on_their_nodes(
    synth: Any,
) -> None:
    deployment = synth(**{"gpu.repair": "gpus"})
    agent, insights = monitor_and_insights(deployment)
    assert "monitors" not in agent["nodeAgent"]
    assert "gpu" in allowed(deployment, agent["dcgmAgent"])
    assert insights["dcgmExporter"] == {"enabled": False}


def test_without_repair_there_is_no_monitoring_agent(synth: Any) -> None:
    deployment = synth(preset="2024")
    assert {name: each["AddonVersion"] for name, each in addons(deployment).items()} == (
        addon_versions(deployment.settings)
    )
    assert "eks-node-monitoring-agent" not in addons(deployment)


def test_addons_that_call_aws_have_a_pod_identity(default: Any) -> None:
    found = addons(default)
    for name in ("vpc-cni", "aws-fsx-csi-driver", "amazon-cloudwatch-observability"):
        (identity,) = found[name]["PodIdentityAssociations"]
        assert identity["RoleArn"]
        assert "ServiceAccountRoleArn" not in found[name]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("metrics-server", []),
        ("coredns", []),
        ("amazon-cloudwatch-observability", ["manager"]),
    ],
)
def test_controllers_stay_on_core_nodes(default: Any, name: str, path: list[str]) -> None:
    values = json.loads(addons(default)[name]["ConfigurationValues"])
    for key in path:
        values = values[key]
    assert allowed(default, values) == {"core"}


def test_gpu_nodes_send_metrics_and_logs_too(default: Any) -> None:
    values = json.loads(addons(default)["amazon-cloudwatch-observability"]["ConfigurationValues"])
    assert allowed(default, values) == {"core", "gpu"}


def test_addons_get_the_configuration_that_preflight_checks_against_their_schemas(
    default: Any,
) -> None:
    values = {
        name: json.loads(each["ConfigurationValues"])
        for name, each in addons(default).items()
        if "ConfigurationValues" in each
    }
    assert values == addon_configuration(default.settings)


def test_application_signals_are_off(default: Any) -> None:
    values = json.loads(addons(default)["amazon-cloudwatch-observability"]["ConfigurationValues"])
    assert values["applicationSignals"] == {"enabled": False}
    assert not values["manager"]["applicationSignals"]["autoMonitor"]["monitorAllServices"]


def test_charts_are_the_pinned_ones(default: Any) -> None:
    found = default.charts()
    assert set(found) == set(CHARTS) - {"aws-efa-k8s-device-plugin"}
    for name, chart in CHARTS.items():
        if name not in found:
            continue
        assert found[name]["Version"] == chart.version
        assert found[name]["Repository"] == chart.repository
        assert found[name]["Namespace"] == chart.namespace


def test_the_autoscaler_has_its_clusters_version(default: Any) -> None:
    values = default.charts()["cluster-autoscaler"]["Values"]
    assert values["image"]["tag"].startswith(f"v{default.settings.kubernetes_version}.")
    assert values["autoDiscovery"]["clusterName"] == "bionemo-on-eks"
    assert values["awsRegion"] == "us-west-2"


def test_the_operator_comes_after_its_crd(default: Any) -> None:
    resources = default.resources("Addons", "Custom::AWSCDK-EKS-KubernetesResource")
    (first,) = [name for name, each in resources.items() if "CustomResourceDefinition" in str(each)]
    (second,) = [name for name in resources if name != first]
    assert first in resources[second]["DependsOn"]


def test_the_operators_manifests_are_applied_unchanged(default: Any) -> None:
    """So what tests/manifests says of them holds for the cluster; CDK only adds a label."""
    wanted = [
        *manifests.load("training-operator/namespace.yaml"),
        *manifests.load("training-operator/pytorchjob-crd.yaml"),
        *operator_objects("default"),
    ]
    applied = {each["kind"]: each for each in default.kubernetes_objects("Addons")}
    assert len(default.kubernetes_objects("Addons")) == len(applied) == len(wanted)
    for each in wanted:
        found = applied[each["kind"]]
        assert found["metadata"]["name"] == each["metadata"]["name"]
        assert {**found, "metadata": None} == {**each, "metadata": None}


def test_log_groups_of_container_insights_belong_to_the_stack(default: Any) -> None:
    groups = default.resources("Addons", "AWS::Logs::LogGroup").values()
    names = {each["Properties"].get("LogGroupName") for each in groups}
    assert {
        f"/aws/containerinsights/bionemo-on-eks/{kind}"
        for kind in ("application", "dataplane", "host", "performance")
    } <= names
    assert all(each["DeletionPolicy"] == "Delete" for each in groups)


NAMESPACES = {"cluster.job_namespaces": "team-a,team-b"}


@pytest.mark.slow
def test_each_further_namespace_has_an_operator_with_permissions_in_it_only(synth: Any) -> None:
    deployment = synth(**NAMESPACES)
    objects = deployment.kubernetes_objects("Addons")
    places = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["args"]
        for each in objects
        if each["kind"] == "Deployment"
    }
    assert {
        name: argument.removeprefix("--namespace=")
        for name, arguments in places.items()
        for argument in arguments
        if argument.startswith("--namespace=")
    } == {
        "training-operator": "default",
        "training-operator-team-a": "team-a",
        "training-operator-team-b": "team-b",
    }
    accounts = {
        each["metadata"]["namespace"]: each["subjects"]
        for each in objects
        if each["kind"] == "RoleBinding"
    }
    assert {
        namespace: [subject["name"] for subject in subjects]
        for namespace, subjects in accounts.items()
    } == {
        "default": ["training-operator"],
        "team-a": ["training-operator-team-a"],
        "team-b": ["training-operator-team-b"],
    }
    assert not [each for each in objects if each["kind"].startswith("Cluster")]


@pytest.mark.slow
def test_the_operators_do_not_take_each_others_pods(synth: Any) -> None:
    deployment = synth(**NAMESPACES)
    selectors = [
        each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]
        for each in deployment.kubernetes_objects("Addons")
        if each["kind"] == "Deployment"
    ]
    assert len(set(selectors)) == len(selectors) == 3


@pytest.mark.slow
def test_a_namespace_outlives_its_setting_because_it_holds_users_objects(synth: Any) -> None:
    deployment = synth(**NAMESPACES)
    kept = [
        each
        for each in deployment.json("Addons")["Resources"].values()
        if '"team-a"' in str(each.get("Properties", {}).get("Manifest", ""))
        and '"kind":"Namespace"' in str(each["Properties"]["Manifest"])
    ]
    assert [each.get("DeletionPolicy") for each in kept] == ["Retain"]
