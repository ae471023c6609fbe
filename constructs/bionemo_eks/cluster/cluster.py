"""The EKS cluster: control plane, access, and the kubectl provider."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import cast

from aws_cdk import CfnResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from bionemo_eks.configuration.names import name_with_hash
from bionemo_eks.configuration.versions import KubernetesRelease
from bionemo_eks.logs.function_logs import own_function_logs
from bionemo_eks.logs.log_group import log_group

_LOG_TYPES = [
    eks.ClusterLoggingTypes.API,
    eks.ClusterLoggingTypes.AUDIT,
    eks.ClusterLoggingTypes.AUTHENTICATOR,
    eks.ClusterLoggingTypes.CONTROLLER_MANAGER,
    eks.ClusterLoggingTypes.SCHEDULER,
]
_ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"


class EksCluster(Construct):
    """An EKS cluster without nodes, whose logs, key and kubectl provider the stack owns.

    `public_access_cidrs` is None for an endpoint in the VPC only. `admins` are ARNs of IAM users
    and roles; if there are none, `admin_role` is one that the IAM identity `admin_trust` may
    assume, or, if that is empty, those of this account that IAM allows to. The secrets' key is
    `key`, or a new one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        release: KubernetesRelease,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        public_access_cidrs: Sequence[str] | None,
        admins: Sequence[str],
        admin_trust: str,
        log_group_name: str,
        log_days: int,
        key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        control_plane_logs = log_group(self, "ControlPlaneLogs", name=log_group_name, days=log_days)
        self.cluster = eks.Cluster(
            self,
            "Cluster",
            cluster_name=cluster_name,
            version=eks.KubernetesVersion.of(release.version),
            vpc=vpc,
            vpc_subnets=[ec2.SubnetSelection(subnets=list(subnets))],
            endpoint_access=_endpoint_access(public_access_cidrs),
            cluster_logging=_LOG_TYPES,
            secrets_encryption_key=key or self._secrets_key(cluster_name),
            # Nodes are managed node groups; networking comes as EKS add-ons.
            default_capacity_type=eks.DefaultCapacityType.NODEGROUP,
            default_capacity=0,
            bootstrap_self_managed_addons=False,
            # The creator is CloudFormation's execution role, which no person uses.
            bootstrap_cluster_creator_admin_permissions=False,
            kubectl_provider_options=eks.KubectlProviderOptions(
                kubectl_layer=self._kubectl_layer(release), private_subnets=list(subnets)
            ),
            output_config_command=False,
        )
        # Otherwise EKS creates the log group itself, and it is left behind.
        cast(CfnResource, self.cluster.node.default_child).node.add_dependency(control_plane_logs)
        self.admin_role = None if admins else self._admin_role(admin_trust)
        self._admit(admins)
        own_function_logs(self, self.cluster, days=log_days)

    @property
    def kubectl_provider_arn(self) -> str:
        """ARN of the function that runs kubectl and helm for other stacks."""
        provider = self.cluster.kubectl_provider
        assert provider is not None  # it has one because the options are set
        return provider.service_token

    @property
    def kubectl_role_arn(self) -> str:
        """ARN of the role that the kubectl provider runs with."""
        provider = self.cluster.kubectl_provider
        assert provider is not None
        assert provider.role is not None
        return provider.role.role_arn

    def _secrets_key(self, cluster_name: str) -> kms.Key:
        return kms.Key(
            self,
            "SecretsKey",
            description=f"Kubernetes secrets of the EKS cluster {cluster_name}",
            enable_key_rotation=True,
            pending_window=Duration.days(7),
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _kubectl_layer(self, release: KubernetesRelease) -> lambda_.ILayerVersion:
        # One package per version, 36 MB each: only the one in use is imported.
        package = importlib.import_module(f"aws_cdk.{release.kubectl_layer_package}")
        layer_class = getattr(package, release.kubectl_layer_class)
        layer: lambda_.ILayerVersion = layer_class(self, "KubectlLayer")
        return layer

    def _admin_role(self, trusted: str) -> iam.Role:
        return iam.Role(
            self,
            "AdminRole",
            description="Cluster admin; IAM policies of the account say who may assume it",
            # If the identity is deleted, the trust policy keeps an id that no new identity has:
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
            assumed_by=iam.ArnPrincipal(trusted) if trusted else iam.AccountRootPrincipal(),
            max_session_duration=Duration.hours(12),
        )

    def _admit(self, admins: Sequence[str]) -> None:
        policy = eks.AccessPolicy.from_access_policy_name(
            _ADMIN_POLICY, access_scope_type=eks.AccessScopeType.CLUSTER
        )
        if self.admin_role:
            self.cluster.grant_access("Admin", self.admin_role.role_arn, [policy])
        for principal in admins:
            # By principal, not by position: EKS accepts only one entry per principal at a time.
            name = name_with_hash("Admin", principal)
            self.cluster.grant_access(name, principal, [policy])


def import_cluster(
    scope: Construct, *, cluster_name: str, kubectl_provider_arn: str, kubectl_role_arn: str
) -> eks.ICluster:
    """Return the cluster as seen from another stack, so that `add_manifest` puts resources there.

    With the cluster object itself they would be in the Cluster stack.
    """
    stack = Stack.of(scope)
    return eks.Cluster.from_cluster_attributes(
        stack,
        "Cluster",
        cluster_name=cluster_name,
        kubectl_provider=eks.KubectlProvider.from_kubectl_provider_attributes(
            stack,
            "KubectlProvider",
            service_token=kubectl_provider_arn,
            role=iam.Role.from_role_arn(stack, "KubectlRole", kubectl_role_arn, mutable=False),
        ),
    )


def _endpoint_access(public_access_cidrs: Sequence[str] | None) -> eks.EndpointAccess:
    if public_access_cidrs is None:
        return eks.EndpointAccess.PRIVATE
    return eks.EndpointAccess.PUBLIC_AND_PRIVATE.only_from(*public_access_cidrs)
