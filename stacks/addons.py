"""Addons: the cluster's shared services: metrics, storage driver, GPUs, autoscaler."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from aws_cdk import CfnResource, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from bionemo_eks.addons.cluster_autoscaler import ClusterAutoscaler
from bionemo_eks.addons.device_plugin import add_device_plugin
from bionemo_eks.addons.efa_plugin import add_efa_plugin
from bionemo_eks.addons.eks_addon import PodIdentityRole, add_eks_addon
from bionemo_eks.cluster.cluster import EksCluster, import_cluster
from bionemo_eks.cluster.manifest import add_manifest
from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import NODE_MONITOR
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.places import NAMESPACE
from bionemo_eks.jobs.training_operator import operator_objects
from bionemo_eks.logs.log_group import log_group


class AddonsStack(Stack):
    """The other EKS add-ons, the charts and the training operator."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        eks: EksCluster,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self._settings = settings
        self._addon = partial(add_eks_addon, self, settings, settings.cluster_name)
        self.cluster = import_cluster(
            self,
            cluster_name=settings.cluster_name,
            kubectl_provider_arn=eks.kubectl_provider_arn,
            kubectl_role_arn=eks.kubectl_role_arn,
        )
        self._addon("metrics-server")
        self._add_storage_driver()
        self._add_observability()
        if settings.gpu.repair != "off":
            self._addon(NODE_MONITOR)
        ClusterAutoscaler(
            self,
            "Autoscaler",
            cluster=self.cluster,
            cluster_name=settings.cluster_name,
            release=settings.release,
        )
        add_device_plugin(self.cluster)
        if settings.efa:
            add_efa_plugin(self.cluster)
        self._add_training_operator()

    def _role(self, name: str, namespace: str, service_account: str, *managed: str) -> iam.Role:
        return PodIdentityRole(
            self,
            name,
            cluster_name=self._settings.cluster_name,
            namespace=namespace,
            service_account=service_account,
            managed_policies=managed,
        )

    def _add_storage_driver(self) -> None:
        """Add the FSx CSI driver: nodes mount what exists, the controller creates nothing."""
        role = self._role("FsxCsiRole", "kube-system", "fsx-csi-controller-sa")
        # FSx has no resource type for it, and naming a resource grants nothing:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonfsx.html
        role.add_to_policy(
            iam.PolicyStatement(actions=["fsx:DescribeFileSystems"], resources=["*"])
        )
        self._addon("aws-fsx-csi-driver", {"fsx-csi-controller-sa": role.role_arn})

    def _add_observability(self) -> None:
        """Add Container Insights: logs and metrics of nodes, pods and GPUs.

        It would create its log groups itself, and nothing would remove them.
        """
        groups = [
            log_group(
                self,
                f"{kind.title()}Logs",
                name=names.insights_log_group(self._settings, kind),
                days=self._settings.cluster.log_days,
            )
            for kind in names.INSIGHTS_LOGS
        ]
        role = self._role(
            "CloudWatchRole", "amazon-cloudwatch", "cloudwatch-agent", "CloudWatchAgentServerPolicy"
        )
        # Deleted in reverse order: with its role, an agent that is still running could recreate a
        # deleted group.
        role.node.add_dependency(*groups)
        self._addon("amazon-cloudwatch-observability", {"cloudwatch-agent": role.role_arn})

    def _add_training_operator(self) -> None:
        """Add the operators: namespace and CRD first, because the rest needs them."""
        first = add_manifest(
            self.cluster,
            "TrainingOperatorApi",
            *manifests.load("training-operator/namespace.yaml"),
            *manifests.load("training-operator/pytorchjob-crd.yaml"),
        )
        operator = add_manifest(self.cluster, "TrainingOperator", *operator_objects(NAMESPACE))
        operator.node.add_dependency(first)
        for name in self._settings.cluster.job_namespaces:
            place = add_manifest(
                self.cluster,
                f"JobNamespace-{name}",
                *manifests.load("training-operator/job-namespace.yaml", {"namespace": name}),
            )
            cast(CfnResource, place.node.default_child).apply_removal_policy(RemovalPolicy.RETAIN)
            further = add_manifest(
                self.cluster, f"TrainingOperator-{name}", *operator_objects(name)
            )
            further.node.add_dependency(first, place)
