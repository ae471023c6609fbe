"""EKS add-ons, with the AWS permissions of their pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_eks as eks_l1
from aws_cdk import aws_iam as iam
from constructs import Construct

from bionemo_eks.configuration.addons import addon_configuration
from bionemo_eks.configuration.settings import Settings

# https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
POD_IDENTITY_PRINCIPAL = "pods.eks.amazonaws.com"


class PodIdentityRole(iam.Role):
    """A role that only pods of one service account in one cluster may assume.

    EKS Pod Identity puts cluster, namespace and service account into the session's tags; the
    trust policy requires them:
    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        namespace: str,
        service_account: str,
        managed_policies: Sequence[str] = (),
    ) -> None:
        principal = iam.ServicePrincipal(
            POD_IDENTITY_PRINCIPAL,
            conditions={
                "StringEquals": {
                    "aws:SourceAccount": Stack.of(scope).account,
                    "aws:RequestTag/kubernetes-namespace": namespace,
                    "aws:RequestTag/kubernetes-service-account": service_account,
                    "aws:RequestTag/eks-cluster-name": cluster_name,
                },
            },
        )
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.SessionTagsPrincipal(principal),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(name) for name in managed_policies
            ],
        )


class EksAddon(Construct):
    """An EKS add-on with a pinned version.

    `identities` maps a service account of the add-on to the ARN of its Pod Identity role;
    `configuration` follows the add-on's own schema (`aws eks describe-addon-configuration`).
    CDK's L2 add-on has no Pod Identity, hence the CloudFormation resource.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster_name: str,
        addon_name: str,
        version: str,
        configuration: Mapping[str, Any] | None = None,
        identities: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.resource = eks_l1.CfnAddon(
            self,
            "Resource",
            cluster_name=cluster_name,
            addon_name=addon_name,
            addon_version=version,
            # A field that was changed by hand is reset to this project's value.
            resolve_conflicts="OVERWRITE",
            preserve_on_delete=False,
            configuration_values=(
                Stack.of(self).to_json_string(dict(configuration)) if configuration else None
            ),
            pod_identity_associations=[
                eks_l1.CfnAddon.PodIdentityAssociationProperty(
                    service_account=account, role_arn=role_arn
                )
                for account, role_arn in (identities or {}).items()
            ]
            or None,
        )


def add_eks_addon(
    scope: Construct,
    settings: Settings,
    cluster_name: str,
    name: str,
    identities: Mapping[str, str] | None = None,
) -> EksAddon:
    """Add the add-on `name` in its pinned version and with the project's configuration."""
    return EksAddon(
        scope,
        name,
        cluster_name=cluster_name,
        addon_name=name,
        version=settings.release.addons[name],
        configuration=addon_configuration(settings).get(name),
        identities=identities,
    )
