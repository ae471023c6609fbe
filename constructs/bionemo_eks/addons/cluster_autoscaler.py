"""The Kubernetes cluster autoscaler: scales the GPU node group up from 0 and down again."""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

from bionemo_eks.addons.chart import add_chart
from bionemo_eks.addons.eks_addon import PodIdentityRole
from bionemo_eks.configuration.scheduling import CORE_SELECTOR
from bionemo_eks.configuration.versions import CHARTS, KubernetesRelease

SERVICE_ACCOUNT = "cluster-autoscaler"


class ClusterAutoscaler(Construct):
    """The chart `cluster-autoscaler`, with permissions on this cluster's node groups only."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: eks.ICluster,
        cluster_name: str,
        release: KubernetesRelease,
    ) -> None:
        super().__init__(scope, construct_id)
        chart = CHARTS["cluster-autoscaler"]
        stack = Stack.of(self)
        self.role = PodIdentityRole(
            self,
            "Role",
            cluster_name=cluster_name,
            namespace=chart.namespace,
            service_account=SERVICE_ACCOUNT,
        )
        for statement in _statements(stack, cluster_name):
            self.role.add_to_policy(statement)
        identity = eks.CfnPodIdentityAssociation(
            self,
            "Identity",
            cluster_name=cluster_name,
            namespace=chart.namespace,
            service_account=SERVICE_ACCOUNT,
            role_arn=self.role.role_arn,
        )
        release_of_chart = add_chart(
            cluster,
            "ClusterAutoscaler",
            chart,
            autoscaler_values(cluster_name, stack.region, release),
            wait=True,
        )
        # A pod gets its identity when it starts, or never.
        release_of_chart.node.add_dependency(identity, self.role)


def autoscaler_values(cluster_name: str, region: str, release: KubernetesRelease) -> dict[str, Any]:
    """Return the chart's values."""
    return {
        "fullnameOverride": "cluster-autoscaler",
        "autoDiscovery": {"clusterName": cluster_name},
        "awsRegion": region,
        "image": {"tag": release.autoscaler},
        "rbac": {"serviceAccount": {"create": True, "name": SERVICE_ACCOUNT}},
        "nodeSelector": CORE_SELECTOR,
        "priorityClassName": "system-cluster-critical",
        "resources": {
            "requests": {"cpu": "100m", "memory": "300Mi"},
            "limits": {"memory": "600Mi"},
        },
        # The chart's name for the pod's security context.
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "fsGroup": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containerSecurityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "extraArgs": {
            # Idle GPU nodes cost tens of dollars an hour: remove them as soon as is sensible.
            "scale-down-unneeded-time": "10m",
            "scale-down-delay-after-add": "10m",
            # Workers have a memory-backed /dev/shm, which counts as local storage.
            "skip-nodes-with-local-storage": False,
            "skip-nodes-with-system-pods": False,
        },
    }


def _statements(stack: Stack, cluster_name: str) -> list[iam.PolicyStatement]:
    """Return the permissions that the autoscaler's notes on AWS list, narrowed.

    https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
    """
    # EKS's own tag on the Auto Scaling groups of managed node groups.
    owned = {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster_name}": "owned"}
    groups = stack.format_arn(
        service="autoscaling",
        resource="autoScalingGroup",
        resource_name="*:autoScalingGroupName/eks-*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    return [
        iam.PolicyStatement(
            sid="LookAround",
            # None of these supports resource-level permissions (service authorization reference).
            actions=[
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ],
            resources=["*"],
        ),
        iam.PolicyStatement(
            sid="ReadNodeGroups",
            actions=["eks:DescribeNodegroup"],
            resources=[
                stack.format_arn(
                    service="eks", resource="nodegroup", resource_name=f"{cluster_name}/*"
                )
            ],
        ),
        iam.PolicyStatement(
            sid="ScaleThisClustersGroups",
            actions=[
                "autoscaling:SetDesiredCapacity",
                "autoscaling:TerminateInstanceInAutoScalingGroup",
            ],
            resources=[groups],
            conditions={"StringEquals": owned},
        ),
    ]
