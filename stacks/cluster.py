"""Cluster: EKS with its networking add-ons, its core nodes and its GPU nodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from constructs import Construct

from bionemo_eks.addons.eks_addon import EksAddon, PodIdentityRole, add_eks_addon
from bionemo_eks.cluster.cluster import EksCluster
from bionemo_eks.cluster.node_group import NodeGroup, NodePool
from bionemo_eks.cluster.node_pools import core_pool, gpu_pool
from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.network.vpc import Subnets, existing_subnets
from bionemo_eks.storage.lustre import LUSTRE_PORTS


class ClusterStack(Stack):
    """The cluster, ready for pods: with Ready nodes and DNS."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        subnets: Subnets | None,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        subnets = subnets or existing_subnets(self, settings.network)
        self._settings = settings
        cluster = settings.cluster
        self.eks = EksCluster(
            self,
            "Eks",
            cluster_name=settings.cluster_name,
            release=settings.release,
            vpc=subnets.vpc,
            subnets=subnets.routable,
            public_access_cidrs=(
                None if cluster.endpoint == "private" else cluster.public_access_cidrs
            ),
            admins=cluster.admins,
            admin_trust=cluster.admin_trust,
            key=kms.Key.from_key_arn(self, "Key", arn)
            if (arn := settings.account.kms_key)
            else None,
            log_group_name=names.control_plane_log_group(settings),
            log_days=cluster.log_days,
        )
        self._addon = partial(add_eks_addon, self, settings, self.eks.cluster.cluster_name)
        tags = names.deployment_tags(settings)
        before_nodes = self._add_node_addons()
        of_gpus = [subnets.nodes_in(settings.gpu_zone)]
        self.core = self._add_nodes(
            "Core",
            core_pool(settings, tags, subnets.names(subnets.nodes)),
            subnets.nodes,
            before_nodes,
        )
        self.gpu = self._add_nodes(
            "Gpu", gpu_pool(settings, tags, subnets.names(of_gpus)), of_gpus, before_nodes
        )
        # CoreDNS has nowhere to run before there are nodes, and its add-on would time out.
        coredns = self._addon("coredns")
        coredns.node.add_dependency(self.core)
        self._let_the_file_servers_in(subnets)
        self._add_outputs()

    def _add_node_addons(self) -> list[EksAddon]:
        """Add what a node needs to become Ready, and the CNI's permissions, before the nodes."""
        cni_role = PodIdentityRole(
            self,
            "CniRole",
            cluster_name=self._settings.cluster_name,
            namespace="kube-system",
            service_account="aws-node",
            managed_policies=["AmazonEKS_CNI_Policy"],
        )
        return [
            self._addon("eks-pod-identity-agent"),
            self._addon("vpc-cni", identities={"aws-node": cni_role.role_arn}),
            self._addon("kube-proxy"),
        ]

    def _add_nodes(
        self,
        construct_id: str,
        pool: NodePool,
        subnets: Sequence[ec2.ISubnet],
        after: Sequence[EksAddon],
    ) -> NodeGroup:
        nodes = NodeGroup(self, construct_id, cluster=self.eks.cluster, pool=pool, subnets=subnets)
        nodes.node.add_dependency(*after)
        return nodes

    def _let_the_file_servers_in(self, subnets: Subnets) -> None:
        """Let Lustre servers connect to the nodes, which are in the cluster's security group.

        By address: Storage, which has the file system's group, is deployed in parallel.
        https://docs.aws.amazon.com/fsx/latest/LustreGuide/limit-access-security-groups.html
        """
        servers = ec2.Peer.ipv4(subnets.routable_in(self._settings.gpu_zone).ipv4_cidr_block)
        for port in LUSTRE_PORTS:
            self.eks.cluster.cluster_security_group.add_ingress_rule(
                servers, port, "Lustre servers to nodes"
            )

    def _add_outputs(self) -> None:
        role = self.eks.admin_role
        suffix = f" --role-arn {role.role_arn}" if role else ""
        CfnOutput(
            self,
            "UpdateKubeconfigCommand",
            value=f"aws eks update-kubeconfig --name {self._settings.cluster_name} "
            f"--region {self.region}{suffix}",
            description="Run this to use kubectl with the cluster",
        )
        if role:
            CfnOutput(self, "AdminRoleArn", value=role.role_arn)
