"""The cluster: who gets in, the order in which it comes up, its nodes."""

from __future__ import annotations

from typing import Any

import pytest

from bionemo_eks.configuration.versions import KUBERNETES_RELEASES

ADMIN = "arn:aws:iam::111122223333:role/platform"


def depends_on(deployment: Any, dependent: str, dependency: str) -> bool:
    """Whether CloudFormation creates `dependency` before `dependent` (Cluster stack)."""
    resources = deployment.json("Cluster")["Resources"]
    seen, todo = set(), [dependent]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        todo.extend(_references(resources[name], resources))
    return dependency in seen - {dependent}


def _references(value: Any, resources: dict[str, Any]) -> list[str]:
    if isinstance(value, dict):
        found = [value["Ref"]] if isinstance(value.get("Ref"), str) else []
        if isinstance(value.get("Fn::GetAtt"), list):
            found.append(value["Fn::GetAtt"][0])
        waits = value.get("DependsOn", [])
        found += [waits] if isinstance(waits, str) else list(waits)
        for inner in value.values():
            found += _references(inner, resources)
        return [name for name in found if name in resources]
    if isinstance(value, list):
        return [name for inner in value for name in _references(inner, resources)]
    return []


def addon(deployment: Any, name: str) -> str:
    for stack in ("Cluster", "Addons"):
        for logical_id, each in deployment.resources(stack, "AWS::EKS::Addon").items():
            if each["Properties"]["AddonName"] == name:
                return str(logical_id)
    raise AssertionError(f"no add-on {name}")


def node_group(deployment: Any, kind: str) -> tuple[str, dict[str, Any]]:
    for name, each in deployment.resources("Cluster", "AWS::EKS::Nodegroup").items():
        if each["Properties"]["Labels"]["NodeGroupType"] == kind:
            return name, each["Properties"]
    raise AssertionError(f"no node group {kind}")


def launch_template(deployment: Any, kind: str) -> dict[str, Any]:
    _, group = node_group(deployment, kind)
    name = group["LaunchTemplate"]["Id"]["Ref"]
    data: dict[str, Any] = deployment.json("Cluster")["Resources"][name]["Properties"][
        "LaunchTemplateData"
    ]
    return data


@pytest.mark.parametrize("version", KUBERNETES_RELEASES)
def test_each_version_brings_its_own_kubectl_amis_and_addons(synth: Any, version: str) -> None:
    deployment = synth(kubernetes_version=version)
    release = KUBERNETES_RELEASES[version]
    template = deployment.template("Cluster")
    template.has_resource_properties("AWS::EKS::Cluster", {"Version": version})
    layers = deployment.resources("Cluster", "AWS::Lambda::LayerVersion").values()
    assert any(f"kubectl {version}." in each["Properties"]["Description"] for each in layers)
    for kind, ami in (("core", release.core_ami_type), ("gpu", release.gpu_ami_type)):
        group = node_group(deployment, kind)[1]
        assert group["AmiType"] == ami
        assert group["Version"] == version
    kube_proxy = deployment.json("Cluster")["Resources"][addon(deployment, "kube-proxy")]
    assert kube_proxy["Properties"]["AddonVersion"].startswith(f"v{version}.")


def test_a_fresh_cluster_comes_up_in_one_pass(default: Any) -> None:
    core, _ = node_group(default, "core")
    gpu, _ = node_group(default, "gpu")
    for group in (core, gpu):
        for needed_first in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
            assert depends_on(default, group, addon(default, needed_first))
    # Without a node CoreDNS stays Pending and its add-on times out.
    assert depends_on(default, addon(default, "coredns"), core)
    # If the core nodes waited for CoreDNS, both would wait forever.
    assert not depends_on(default, core, addon(default, "coredns"))


@pytest.mark.parametrize("settings", [{}, {"storage.keep_bucket": "false"}])
def test_every_function_logs_to_a_group_of_its_stack(synth: Any, settings: dict[str, str]) -> None:
    deployment = synth(**settings)
    functions = [
        (stack, each)
        for stack, _, each in deployment.all_resources()
        if each["Type"] == "AWS::Lambda::Function"
    ]
    assert functions
    for stack, function in functions:
        group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        owned = deployment.json(stack)["Resources"][group]
        assert owned["Type"] == "AWS::Logs::LogGroup"
        assert owned["DeletionPolicy"] == "Delete"
        assert owned["Properties"]["RetentionInDays"] > 0


@pytest.mark.parametrize(
    ("settings", "public", "blocks"),
    [
        ({}, True, ["0.0.0.0/0"]),
        ({"cluster.public_access_cidrs": "203.0.113.0/24"}, True, ["203.0.113.0/24"]),
        ({"cluster.endpoint": "private"}, False, None),
    ],
)
def test_the_endpoint_is_as_public_as_set(
    synth: Any, settings: dict[str, str], public: bool, blocks: list[str] | None
) -> None:
    (cluster,) = synth(**settings).resources("Cluster", "AWS::EKS::Cluster").values()
    config = cluster["Properties"]["ResourcesVpcConfig"]
    assert (config["EndpointPublicAccess"], config["EndpointPrivateAccess"]) == (public, True)
    assert config.get("PublicAccessCidrs") == blocks


def admitted(deployment: Any) -> list[Any]:
    return [
        each["Properties"]["PrincipalArn"]
        for each in deployment.resources("Cluster", "AWS::EKS::AccessEntry").values()
    ]


def test_without_admins_there_is_a_role_to_assume(default: Any) -> None:
    roles = [str(each) for each in admitted(default)]
    assert any("AdminRole" in role for role in roles)
    command = default.json("Cluster")["Outputs"]["UpdateKubeconfigCommand"]["Value"]
    assert "--role-arn" in str(command)
    assert "AdminRoleArn" in default.json("Cluster")["Outputs"]


def test_given_admins_are_admitted_and_kubectl_needs_no_role(synth: Any) -> None:
    deployment = synth(**{"cluster.admins": ADMIN})
    assert ADMIN in admitted(deployment)
    command = deployment.json("Cluster")["Outputs"]["UpdateKubeconfigCommand"]["Value"]
    assert command == "aws eks update-kubeconfig --name bionemo-on-eks --region us-west-2"


def test_gpu_nodes_share_a_placement_group_in_one_zone(default: Any) -> None:
    _, group = node_group(default, "gpu")
    assert len(group["Subnets"]) == 1
    placement = launch_template(default, "gpu")["Placement"]["GroupName"]["Ref"]
    assert default.json("Cluster")["Resources"][placement]["Properties"]["Strategy"] == "cluster"
    assert "Placement" not in launch_template(default, "core")


@pytest.mark.parametrize(
    "change",
    [
        {"gpu.disk_gib": "300"},
        {"cluster.log_days": "30"},
        {"training.max_steps": "5000"},
        {"core.max_nodes": "12"},
        {"kubernetes_version": "1.34"},
        {"tags": '{"team": "folding"}'},
    ],
)
def test_an_unrelated_change_keeps_the_gpu_nodes_scaling(
    default: Any, synth: Any, change: dict[str, str]
) -> None:
    before = node_group(default, "gpu")[1]["ScalingConfig"]
    assert node_group(synth(**change), "gpu")[1]["ScalingConfig"] == before


REPLACING = ("AmiType", "CapacityType", "InstanceTypes", "Subnets")


@pytest.mark.parametrize(
    "change",
    [
        {"gpu.instance_type": "g5.12xlarge"},
        {"gpu.purchase": "spot"},
        {"gpu.availability_zone": "us-west-2b"},
        {"core.instance_type": "m5.2xlarge"},
        {"gpu.nodes": "3"},
        {"kubernetes_version": "1.34"},
        {"gpu.disk_gib": "300"},
        {"tags": '{"team": "folding"}'},
    ],
)
def test_a_groups_name_changes_exactly_when_it_is_replaced(
    default: Any, synth: Any, change: dict[str, str]
) -> None:
    """A replaced group needs a new name: CloudFormation creates the new one first."""
    for kind in ("core", "gpu"):
        before, after = (node_group(each, kind)[1] for each in (default, synth(**change)))
        replaced = any(before[each] != after[each] for each in REPLACING)
        assert (before["NodegroupName"] != after["NodegroupName"]) == replaced
        assert len(after["NodegroupName"]) <= 63


def test_tags_change_only_the_launch_templates(default: Any, synth: Any) -> None:
    """EKS refuses a new launch template together with anything else."""
    tagged = synth(tags='{"team": "folding"}')
    for kind in ("core", "gpu"):
        assert node_group(default, kind) == node_group(tagged, kind)
        for each in launch_template(tagged, kind)["TagSpecifications"]:
            assert {"Key": "team", "Value": "folding"} in each["Tags"]
    assert default.resources("Cluster", "AWS::EC2::PlacementGroup") == tagged.resources(
        "Cluster", "AWS::EC2::PlacementGroup"
    )


@pytest.mark.parametrize("zone", ["us-west-2a", "us-west-2b"])
def test_the_file_servers_reach_the_nodes(synth: Any, zone: str) -> None:
    """Lustre's servers open connections too: AWS requires these ports on the clients' side."""
    deployment = synth(**{"gpu.availability_zone": zone})
    servers = next(
        each["Properties"]["CidrBlock"]
        for name, each in deployment.resources("Network", "AWS::EC2::Subnet").items()
        if each["Properties"]["AvailabilityZone"] == zone and "Private" in name
    )
    rules = [
        each["Properties"]
        for each in deployment.resources("Cluster", "AWS::EC2::SecurityGroupIngress").values()
    ]
    ports = {
        (rule["FromPort"], rule["ToPort"])
        for rule in rules
        if rule["CidrIp"] == servers and "ClusterSecurityGroupId" in str(rule["GroupId"])
    }
    assert ports == {(988, 988), (1018, 1023)}
    assert {rule["CidrIp"] for rule in rules} == {servers}


def test_a_nodes_instance_volume_and_interfaces_carry_the_deployments_tag(default: Any) -> None:
    for kind in ("core", "gpu"):
        specifications = launch_template(default, kind)["TagSpecifications"]
        assert {each["ResourceType"] for each in specifications} == {
            "instance",
            "volume",
            "network-interface",
        }
        for each in specifications:
            assert {
                "Key": "bionemo-on-eks/deployment",
                "Value": "bionemo-on-eks",
            } in each["Tags"]
