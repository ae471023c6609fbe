"""Managed node groups: launch template, labels, taints, and a size that the autoscaler sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

from bionemo_eks.configuration.efa import Interface

_E = TypeVar("_E")

# EKS's name for nodes in a Capacity Block, whose launch template has the type and the market:
# https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html
CAPACITY_BLOCK = "CAPACITY_BLOCK"

# Session Manager on every node, images from ECR; the VPC CNI has its own Pod Identity.
# https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
_NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
)


@dataclass(frozen=True)
class Disk:
    """A root volume (gp3): size in GiB, throughput in MiB/s, and IOPS; gp3's defaults if unset.

    It is encrypted with the KMS key with this ARN; empty: with the account's default for EBS.
    """

    size: int
    throughput: int | None = None
    iops: int | None = None
    key: str = ""


@dataclass(frozen=True)
class NodePool:
    """The nodes of one group.

    `name` must change with what EKS cannot change on a group (instance types, AMI type, capacity
    type, subnets), and with what it cannot change together with a new launch template: the group's
    own tags, its repair. CloudFormation creates the new group before it removes the old one.
    Sources:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-eks-nodegroup.html
    https://github.com/aws/aws-cdk/issues/16644
    `replace_in_place` terminates an old node before its replacement starts, for nodes too scarce to
    get one more.
    """

    name: str
    instance_types: Sequence[str]
    ami_type: str
    kubernetes_version: str
    min_nodes: int
    max_nodes: int
    disk: Disk
    labels: Mapping[str, str]
    taint: tuple[str, str] | None = None
    # On-Demand tries the types in order, Spot chooses by price and capacity:
    # https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
    capacity_type: str = "ON_DEMAND"
    capacity_reservation_id: str = ""
    # Instead of the id: the ARN of a resource group of reservations.
    capacity_reservation_group: str = ""
    cluster_placement: bool = False
    replace_in_place: bool = False
    user_data: str = ""
    # Empty: EKS uses the newest when it creates the group or recreates its nodes.
    ami_release: str = ""
    # Whether EKS repairs nodes, and the monitoring agent's (condition, reason) pairs to ignore.
    repair: bool = False
    not_repaired: Sequence[tuple[str, str]] = ()
    # Empty: EC2's default interface, in the cluster's security group.
    interfaces: Sequence[Interface] = ()
    # On the nodes; and on the group, where the autoscaler reads what a new node would have.
    tags: Mapping[str, str] = field(default_factory=dict)
    group_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_capacity_block(self) -> bool:
        """Whether the nodes run in a Capacity Block."""
        return self.capacity_type == CAPACITY_BLOCK


class NodeGroup(Construct):
    """A managed node group in `subnets`, with its own role and launch template."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: eks.Cluster,
        pool: NodePool,
        subnets: Sequence[ec2.ISubnet],
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(name) for name in _NODE_POLICIES
            ],
        )
        template = self._launch_template(pool, cluster)
        self.group = eks.Nodegroup(
            self,
            "Group",
            cluster=cast(eks.ICluster, cluster),  # it is one in jsii, but not in the types
            nodegroup_name=pool.name,
            node_role=self.role,
            ami_type=_by_value(eks.NodegroupAmiType, pool.ami_type),
            capacity_type=_by_value(eks.CapacityType, pool.capacity_type),
            subnets=ec2.SubnetSelection(subnets=list(subnets)),
            min_size=pool.min_nodes,
            max_size=pool.max_nodes,
            # EKS requires all three sizes or none. This one is constant, so a deployment sends it
            # only with a change of the other two, and the autoscaler's number stays. Sources:
            # https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html
            # https://github.com/eksctl-io/eksctl/issues/3532
            desired_size=pool.min_nodes,
            labels=dict(pool.labels),
            taints=_taints(pool.taint),
            tags=dict(pool.group_tags) or None,
            launch_template_spec=eks.LaunchTemplateSpec(
                id=template.ref, version=template.attr_latest_version_number
            ),
        )
        resource = cast(eks.CfnNodegroup, self.group.node.default_child)
        # Not with the construct's `instance_types`: CDK's list of GPU types ends before P5, so it
        # would refuse the NVIDIA AMI (aws-eks-v2/lib/private/nodegroup.ts).
        resource.instance_types = None if pool.in_capacity_block else list(pool.instance_types)
        # CDK omits it; then nodes would keep their version when the control plane is upgraded.
        resource.version = pool.kubernetes_version
        resource.release_version = pool.ami_release or None
        resource.node_repair_config = _repair(pool)
        resource.update_config = eks.CfnNodegroup.UpdateConfigProperty(
            max_unavailable=1,
            update_strategy="MINIMAL" if pool.replace_in_place else "DEFAULT",
        )

    def _launch_template(self, pool: NodePool, cluster: eks.Cluster) -> ec2.CfnLaunchTemplate:
        data = ec2.CfnLaunchTemplate
        tags = [{"key": key, "value": value} for key, value in pool.tags.items()]
        return ec2.CfnLaunchTemplate(
            self,
            "LaunchTemplate",
            launch_template_data=data.LaunchTemplateDataProperty(
                block_device_mappings=[
                    data.BlockDeviceMappingProperty(
                        # The root device of the AL2023 and AL2 AMIs.
                        device_name="/dev/xvda",
                        ebs=data.EbsProperty(
                            volume_size=pool.disk.size,
                            volume_type="gp3",
                            throughput=pool.disk.throughput,
                            iops=pool.disk.iops,
                            encrypted=True,
                            kms_key_id=pool.disk.key or None,
                            delete_on_termination=True,
                        ),
                    )
                ],
                # One hop ends at the node, so a pod never gets the node's credentials.
                # https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html
                metadata_options=data.MetadataOptionsProperty(
                    http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
                ),
                user_data=Fn.base64(pool.user_data) if pool.user_data else None,
                instance_type=pool.instance_types[0] if pool.in_capacity_block else None,
                instance_market_options=_market(pool),
                placement=self._placement(pool),
                network_interfaces=self._interfaces(pool, cluster),
                capacity_reservation_specification=_reservation(pool),
                tag_specifications=[
                    data.TagSpecificationProperty(resource_type=kind, tags=tags)
                    for kind in ("instance", "volume", "network-interface")
                ],
            ),
        )

    def _interfaces(
        self, pool: NodePool, cluster: eks.Cluster
    ) -> list[ec2.CfnLaunchTemplate.NetworkInterfaceProperty] | None:
        """Return the nodes' interfaces, without subnets, which EKS takes from the group.

        EKS adds the cluster's security group only if the template names none. EFA needs a group
        that allows all traffic to and from itself; EKS's own lacks that egress in older clusters.
        https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-start.html#efa-start-security
        """
        if not pool.interfaces:
            return None
        group = ec2.SecurityGroup(
            self,
            "EfaGroup",
            vpc=cluster.vpc,
            description="EFA: all traffic between GPU nodes",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(group, ec2.Port.all_traffic(), "EFA")
        group.add_egress_rule(group, ec2.Port.all_traffic(), "EFA")
        return [
            ec2.CfnLaunchTemplate.NetworkInterfaceProperty(
                network_card_index=each.card,
                device_index=each.device,
                interface_type=each.type,
                groups=[cluster.cluster_security_group_id, group.security_group_id],
                delete_on_termination=True,
            )
            for each in pool.interfaces
        ]

    def _placement(self, pool: NodePool) -> ec2.CfnLaunchTemplate.PlacementProperty | None:
        """Put nodes close together, for the all-reduce between them.

        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html
        """
        if not pool.cluster_placement:
            return None
        group = ec2.CfnPlacementGroup(self, "PlacementGroup", strategy="cluster")
        return ec2.CfnLaunchTemplate.PlacementProperty(group_name=group.ref)


def _taints(taint: tuple[str, str] | None) -> list[eks.TaintSpec] | None:
    if taint is None:
        return None
    key, value = taint
    return [eks.TaintSpec(key=key, value=value, effect=eks.TaintEffect.NO_SCHEDULE)]


def _repair(pool: NodePool) -> eks.CfnNodegroup.NodeRepairConfigProperty | None:
    """https://docs.aws.amazon.com/eks/latest/userguide/node-repair.html"""
    if not pool.repair:
        return None
    overrides = [
        eks.CfnNodegroup.NodeRepairConfigOverridesProperty(
            node_monitoring_condition=condition,
            node_unhealthy_reason=reason,
            repair_action="NoAction",
            # EKS requires all four fields; after this time it does nothing.
            min_repair_wait_time_mins=30,
        )
        for condition, reason in pool.not_repaired
    ]
    return eks.CfnNodegroup.NodeRepairConfigProperty(
        enabled=True, node_repair_config_overrides=overrides or None
    )


def _reservation(
    pool: NodePool,
) -> ec2.CfnLaunchTemplate.CapacityReservationSpecificationProperty | None:
    if not (pool.capacity_reservation_id or pool.capacity_reservation_group):
        return None
    return ec2.CfnLaunchTemplate.CapacityReservationSpecificationProperty(
        capacity_reservation_target=ec2.CfnLaunchTemplate.CapacityReservationTargetProperty(
            capacity_reservation_id=pool.capacity_reservation_id or None,
            capacity_reservation_resource_group_arn=pool.capacity_reservation_group or None,
        )
    )


def _market(pool: NodePool) -> ec2.CfnLaunchTemplate.InstanceMarketOptionsProperty | None:
    if not pool.in_capacity_block:
        return None
    return ec2.CfnLaunchTemplate.InstanceMarketOptionsProperty(market_type="capacity-block")


def _by_value(enumeration: type[_E], name: str) -> _E:
    """Return the member that CDK names in uppercase: `AL2023_x86_64_NVIDIA` and the like."""
    member: _E = getattr(enumeration, name.upper())
    return member
