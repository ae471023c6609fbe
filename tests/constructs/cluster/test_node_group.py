"""A managed node group: its nodes, and what EKS and the autoscaler read from it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk.assertions import Template

from bionemo_eks.cluster.node_group import Disk, NodeGroup, NodePool
from bionemo_eks.configuration.efa import Interface
from tests.constructs.bare import SUBNETS, bare_stack, only, some_vpc

GROUP, LAUNCH, ROLE, PLACEMENT = (
    "AWS::EKS::Nodegroup",
    "AWS::EC2::LaunchTemplate",
    "AWS::IAM::Role",
    "AWS::EC2::PlacementGroup",
)
POOL = NodePool(
    name="some-gpu",
    instance_types=("p5.48xlarge",),
    ami_type="AL2023_x86_64_NVIDIA",
    kubernetes_version="1.35",
    min_nodes=0,
    max_nodes=2,
    disk=Disk(200),
    labels={"eks-node": "gpu"},
    taint=("nvidia.com/gpu", "present"),
)


def nodes(**changes: Any) -> Template:
    stack = bare_stack()
    vpc = some_vpc(stack)
    cluster = eks.Cluster(
        stack,
        "Cluster",
        vpc=vpc,
        vpc_subnets=[ec2.SubnetSelection(subnets=vpc.private_subnets)],
        version=eks.KubernetesVersion.of("1.35"),
        default_capacity_type=eks.DefaultCapacityType.NODEGROUP,
        default_capacity=0,
    )
    pool = replace(POOL, **changes)
    NodeGroup(stack, "Nodes", cluster=cluster, pool=pool, subnets=vpc.private_subnets[:1])
    return Template.from_stack(stack)


@cache
def plain() -> Template:
    return nodes()


def launch(template: Template) -> dict[str, Any]:
    return dict(only(template, LAUNCH)["LaunchTemplateData"])


def test_a_group_of_size_0_has_the_labels_and_taints_that_the_autoscaler_reads() -> None:
    """It learns labels and taints of a group without nodes from EKS, not from a node."""
    group = only(plain(), GROUP)
    assert group["ScalingConfig"] == {"MinSize": 0, "DesiredSize": 0, "MaxSize": 2}
    assert group["Labels"] == {"eks-node": "gpu"}
    assert group["Taints"] == [
        {"Key": "nvidia.com/gpu", "Value": "present", "Effect": "NO_SCHEDULE"}
    ]


def test_a_group_has_no_taint_unless_one_is_given() -> None:
    assert "Taints" not in only(nodes(taint=None), GROUP)


@pytest.mark.parametrize(
    ("instance_type", "ami_type"),
    [("p5.48xlarge", "AL2023_x86_64_NVIDIA"), ("m5.xlarge", "AL2023_x86_64_STANDARD")],
)
def test_nodes_have_the_requested_type_and_ami(instance_type: str, ami_type: str) -> None:
    group = only(nodes(instance_types=(instance_type,), ami_type=ami_type), GROUP)
    assert group["InstanceTypes"] == [instance_type]
    assert group["AmiType"] == ami_type
    assert group["Subnets"] == [SUBNETS[0]]


def test_several_types_stay_in_their_order() -> None:
    several = ("p4de.24xlarge", "p4d.24xlarge")
    assert only(nodes(instance_types=several), GROUP)["InstanceTypes"] == list(several)


def test_nodes_follow_the_control_planes_version() -> None:
    assert only(nodes(kubernetes_version="1.34"), GROUP)["Version"] == "1.34"


def test_an_ami_release_is_pinned_or_eks_takes_the_newest() -> None:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html"""
    pinned = only(nodes(ami_release="1.35.3-20261012"), GROUP)
    assert (pinned["ReleaseVersion"], pinned["Version"]) == ("1.35.3-20261012", "1.35")
    assert "ReleaseVersion" not in only(plain(), GROUP)


@pytest.mark.parametrize("capacity_type", ["ON_DEMAND", "SPOT"])
def test_nodes_are_bought_as_asked(capacity_type: str) -> None:
    assert only(nodes(capacity_type=capacity_type), GROUP)["CapacityType"] == capacity_type


def test_pods_cannot_reach_the_nodes_credentials() -> None:
    """Only IMDSv2, and its answer does not survive the hop into a pod."""
    options = launch(plain())["MetadataOptions"]
    assert options["HttpTokens"] == "required"
    assert options["HttpPutResponseHopLimit"] == 1


def test_the_disk_is_encrypted_and_deleted_with_its_node() -> None:
    (disk,) = launch(nodes(disk=Disk(300)))["BlockDeviceMappings"]
    assert disk["Ebs"] == {
        "Encrypted": True,
        "VolumeType": "gp3",
        "VolumeSize": 300,
        "DeleteOnTermination": True,
    }


def test_a_disk_is_as_fast_as_asked() -> None:
    (disk,) = launch(nodes(disk=Disk(300, throughput=500, iops=5000)))["BlockDeviceMappings"]
    assert (disk["Ebs"]["Throughput"], disk["Ebs"]["Iops"]) == (500, 5000)


def test_nodes_get_the_user_data_given() -> None:
    assert launch(nodes(user_data="some"))["UserData"] == {"Fn::Base64": "some"}
    assert "UserData" not in launch(plain())


def test_eks_accepts_the_launch_template() -> None:
    """It refuses one that repeats the node group's properties.

    https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
    """
    refused = {"IamInstanceProfile", "NetworkInterfaces", "InstanceType", "ImageId"}
    assert not refused & set(launch(nodes(user_data="anything")))


INTERFACES = (
    Interface(0, 0, "interface"),
    Interface(0, 1, "efa-only"),
    Interface(1, 0, "efa-only"),
)


def test_nodes_have_the_interfaces_asked_for_in_the_clusters_group_and_one_for_efa() -> None:
    """EKS does not add its own group if the template has some, and accepts no subnet in a template.

    https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
    """
    template = nodes(interfaces=INTERFACES)
    listed = launch(template)["NetworkInterfaces"]
    places = [
        (each["NetworkCardIndex"], each["DeviceIndex"], each["InterfaceType"]) for each in listed
    ]
    assert places == [(0, 0, "interface"), (0, 1, "efa-only"), (1, 0, "efa-only")]
    ((cluster, _),) = template.find_resources("AWS::EKS::Cluster").items()
    (efa,) = (
        name
        for name, each in template.find_resources("AWS::EC2::SecurityGroup").items()
        if "EFA" in each["Properties"]["GroupDescription"]
    )
    for each in listed:
        assert each["Groups"] == [
            {"Fn::GetAtt": [cluster, "ClusterSecurityGroupId"]},
            {"Fn::GetAtt": [efa, "GroupId"]},
        ]
        assert each["DeleteOnTermination"] is True
        assert "SubnetId" not in each


def test_efa_traffic_stays_within_its_security_group() -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-start.html#efa-start-security"""
    template = nodes(interfaces=INTERFACES)
    own = [
        each["Properties"]
        for kind, other in (("Ingress", "Source"), ("Egress", "Destination"))
        for each in template.find_resources(f"AWS::EC2::SecurityGroup{kind}").values()
        if each["Properties"].get(f"{other}SecurityGroupId") == each["Properties"]["GroupId"]
    ]
    assert [each["IpProtocol"] for each in own] == ["-1", "-1"]
    (group,) = {json.dumps(each["GroupId"]) for each in own}
    for kind, rules in (
        ("AWS::EC2::SecurityGroupIngress", 1),
        ("AWS::EC2::SecurityGroupEgress", 1),
    ):
        of_it = [
            each
            for each in template.find_resources(kind).values()
            if json.dumps(each["Properties"]["GroupId"]) == group
        ]
        assert len(of_it) == rules


def test_a_groups_tags_tell_the_autoscaler_what_a_node_would_have() -> None:
    tags = {"k8s.io/cluster-autoscaler/node-template/resources/hugepages-2Mi": "5120Mi"}
    assert only(nodes(group_tags=tags), GROUP)["Tags"] == tags
    assert "Tags" not in only(plain(), GROUP)


def test_a_new_launch_template_version_reaches_the_group() -> None:
    template = plain()
    ((name, _),) = template.find_resources(LAUNCH).items()
    version = {"Fn::GetAtt": [name, "LatestVersionNumber"]}
    assert only(template, GROUP)["LaunchTemplate"] == {"Id": {"Ref": name}, "Version": version}


def test_a_nodes_instance_volume_and_interfaces_carry_its_tags() -> None:
    specifications = launch(nodes(tags={"team": "folding"}))["TagSpecifications"]
    kinds = {each["ResourceType"] for each in specifications}
    assert kinds == {"instance", "volume", "network-interface"}
    for each in specifications:
        assert {"Key": "team", "Value": "folding"} in each["Tags"]


def test_a_nodes_role_allows_session_manager_and_not_what_the_cni_does() -> None:
    template = plain()
    ((role, properties),) = (
        (name, each["Properties"])
        for name, each in template.find_resources(ROLE).items()
        if "ec2.amazonaws.com" in json.dumps(each["Properties"]["AssumeRolePolicyDocument"])
    )
    policies = json.dumps(properties["ManagedPolicyArns"])
    assert "AmazonSSMManagedInstanceCore" in policies
    # The VPC CNI has a Pod Identity.
    assert "AmazonEKS_CNI_Policy" not in policies
    assert only(template, GROUP)["NodeRole"] == {"Fn::GetAtt": [role, "Arn"]}


def test_nodes_share_a_placement_group_only_when_asked() -> None:
    together = nodes(cluster_placement=True)
    ((name, group),) = together.find_resources(PLACEMENT).items()
    assert group["Properties"]["Strategy"] == "cluster"
    assert launch(together)["Placement"] == {"GroupName": {"Ref": name}}
    plain().resource_count_is(PLACEMENT, 0)
    assert "Placement" not in launch(plain())


def test_reserved_capacity_is_used_only_when_given() -> None:
    reserved = launch(nodes(capacity_reservation_id="cr-0123456789abcdef0"))
    assert reserved["CapacityReservationSpecification"] == {
        "CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}
    }
    assert "CapacityReservationSpecification" not in launch(plain())


def test_nodes_are_repaired_when_asked_but_not_for_every_reason() -> None:
    """EKS accepts an override only with all four of its values.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-eks-nodegroup-noderepairconfigoverrides.html
    """
    assert "NodeRepairConfig" not in only(plain(), GROUP)
    assert only(nodes(repair=True), GROUP)["NodeRepairConfig"] == {"Enabled": True}
    but = nodes(repair=True, not_repaired=[("AcceleratedHardwareReady", "DCGMError")])
    (override,) = only(but, GROUP)["NodeRepairConfig"]["NodeRepairConfigOverrides"]
    assert override.pop("MinRepairWaitTimeMins") >= 1
    assert override == {
        "NodeMonitoringCondition": "AcceleratedHardwareReady",
        "NodeUnhealthyReason": "DCGMError",
        "RepairAction": "NoAction",
    }


def test_reservations_may_be_those_of_a_resource_group() -> None:
    group = "arn:aws:resource-groups:us-west-2:111122223333:group/training"
    target = launch(nodes(capacity_reservation_group=group))["CapacityReservationSpecification"]
    assert target == {"CapacityReservationTarget": {"CapacityReservationResourceGroupArn": group}}


def test_nodes_of_a_capacity_block_are_as_eks_requires() -> None:
    """Type and market in the launch template, no type on the group, no nodes requested yet.

    https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html
    """
    block = "cr-0123456789abcdef0"
    template = nodes(capacity_type="CAPACITY_BLOCK", capacity_reservation_id=block)
    data, group = launch(template), only(template, GROUP)
    assert data["InstanceMarketOptions"] == {"MarketType": "capacity-block"}
    assert data["CapacityReservationSpecification"] == {
        "CapacityReservationTarget": {"CapacityReservationId": block}
    }
    assert data["InstanceType"] == "p5.48xlarge"
    assert "InstanceTypes" not in group
    assert group["CapacityType"] == "CAPACITY_BLOCK"
    assert group["ScalingConfig"]["DesiredSize"] == 0
    assert "InstanceMarketOptions" not in launch(plain())


@pytest.mark.parametrize(("in_place", "strategy"), [(True, "MINIMAL"), (False, "DEFAULT")])
def test_an_update_replaces_one_node_at_a_time(in_place: bool, strategy: str) -> None:
    config = only(nodes(replace_in_place=in_place), GROUP)["UpdateConfig"]
    assert config == {"MaxUnavailable": 1, "UpdateStrategy": strategy}
