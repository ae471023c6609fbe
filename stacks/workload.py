"""Workload: the volume, the data Job, the training, its launcher and the watch."""

from __future__ import annotations

from typing import Any

from aws_cdk import Arn, ArnComponents, ArnFormat, Stack
from aws_cdk import aws_eks_v2 as eks_v2
from aws_cdk import aws_iam as iam
from constructs import Construct

from bionemo_eks.addons.eks_addon import PodIdentityRole
from bionemo_eks.cluster.cluster import EksCluster, import_cluster
from bionemo_eks.cluster.manifest import add_manifest
from bionemo_eks.configuration import names
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.dataset_job import dataset_objects
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import NAMESPACE
from bionemo_eks.jobs.pull_secret import PULL_SECRET, pull_secret_objects
from bionemo_eks.jobs.training_job import launcher_objects, training_job, training_program
from bionemo_eks.jobs.watch import watch_objects
from bionemo_eks.storage.lustre import LustreFileSystem


class WorkloadStack(Stack):
    """The jobs; their objects are applied in the order of their dependencies."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        eks: EksCluster,
        file_system: LustreFileSystem,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        cluster = import_cluster(
            self,
            cluster_name=settings.cluster_name,
            kubectl_provider_arn=eks.kubectl_provider_arn,
            kubectl_role_arn=eks.kubectl_role_arn,
        )
        volume = add_manifest(cluster, "Volume", *_volume(file_system))
        dataset = dataset_objects(settings)
        data_job = dataset[-1] if dataset else None
        preparing = [self._data_job(settings, cluster, dataset)] if dataset else []
        training = training_job(settings, data_job)
        workload = settings.workload
        training_manifest = add_manifest(
            cluster, workload.construct_id("Training"), training_program(workload), training
        )
        # Deleted in reverse order: a claim in use or a claimed volume cannot be deleted.
        for each in (*preparing, training_manifest):
            each.node.add_dependency(volume)
        launcher: KubernetesObject | None = None
        if settings.training.enabled and data_job:
            launcher_and_rights = launcher_objects(
                settings, dataset_job=data_job, training_job=training
            )
            launcher = launcher_and_rights[-1]
            launching = add_manifest(
                cluster, workload.construct_id("Launcher"), *launcher_and_rights
            )
            launching.node.add_dependency(*preparing, training_manifest)
            if settings.gpu.purchase == "capacity-block":
                launching.node.add_dependency(self._identity_of_the_launcher(settings))
        watch = add_manifest(
            cluster,
            workload.construct_id("Watch"),
            *watch_objects(
                settings, dataset_job=data_job, training_job=training, launcher=launcher
            ),
        )
        # A pod gets its identity when it starts, or never.
        watch.node.add_dependency(self._identity_of_the_watch(settings))

    def _identity_of_the_launcher(self, settings: Settings) -> Construct:
        """Let the launcher's pod see when its Capacity Block begins, and nothing else."""
        role, identity = self._identity(settings, "Launcher", settings.workload.launcher)
        role.add_to_policy(_sees_capacity_blocks())
        return identity

    def _identity_of_the_watch(self, settings: Settings) -> Construct:
        """Let the watch's pod publish metrics in the deployment's namespace, and nothing else.

        With a Capacity Block it also sees when that ends.
        """
        role, identity = self._identity(settings, "Watch", settings.workload.watch)
        # CloudWatch has no resource type for it, but the namespace as a condition key:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={
                    "StringEquals": {"cloudwatch:namespace": names.metrics_namespace(settings)}
                },
            )
        )
        if settings.gpu.purchase == "capacity-block":
            role.add_to_policy(_sees_capacity_blocks())
        return identity

    def _data_job(
        self, settings: Settings, cluster: eks_v2.ICluster, dataset: list[KubernetesObject]
    ) -> Construct:
        """Add the data Job and, before it, the key to its image, if there is one."""
        data_job = add_manifest(cluster, "Dataset", *dataset)
        if settings.training.image_pull_secret:
            data_job.node.add_dependency(self._pull_secret(settings, cluster))
        return data_job

    def _pull_secret(self, settings: Settings, cluster: eks_v2.ICluster) -> Construct:
        """Write the key to the image into the cluster; the Job's pod may read this one secret."""
        role, identity = self._identity(settings, "PullSecret", PULL_SECRET, of_a_workload=False)
        # Only the name in the secret's ARN is known; Secrets Manager appends six characters:
        # https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html
        secret = Arn.format(
            ArnComponents(
                service="secretsmanager",
                resource="secret",
                resource_name=f"{settings.training.image_pull_secret}-??????",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            ),
            self,
        )
        role.add_to_policy(
            iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret])
        )
        writing = add_manifest(cluster, "PullSecret", *pull_secret_objects(settings))
        writing.node.add_dependency(identity)
        return writing

    def _identity(
        self, settings: Settings, whose: str, account: str, *, of_a_workload: bool = True
    ) -> tuple[PodIdentityRole, Construct]:
        """Return a role for the pods of a service account, and its association.

        `of_a_workload`: each workload has its own account, and so its own ids.
        """
        prefix = settings.workload.construct_id(whose) if of_a_workload else whose
        role = PodIdentityRole(
            self,
            f"{prefix}Role",
            cluster_name=settings.cluster_name,
            namespace=NAMESPACE,
            service_account=account,
        )
        identity = eks_v2.CfnPodIdentityAssociation(
            self,
            f"{prefix}Identity",
            cluster_name=settings.cluster_name,
            namespace=NAMESPACE,
            service_account=account,
            role_arn=role.role_arn,
        )
        identity.node.add_dependency(role)
        return role, identity


def _volume(file_system: LustreFileSystem) -> list[KubernetesObject]:
    values = {
        "file_system_id": file_system.file_system_id,
        "dns_name": file_system.dns_name,
        "mount_name": file_system.mount_name,
    }
    return manifests.load("workload/volume.yaml", values)


def _sees_capacity_blocks() -> iam.PolicyStatement:
    # EC2 has no resource type for it:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    return iam.PolicyStatement(actions=["ec2:DescribeCapacityReservations"], resources=["*"])
