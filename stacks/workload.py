"""Workload: the volume, the data Job, the training and its launcher."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from constructs import Construct

from bionemo_eks.cluster.cluster import EksCluster, import_cluster
from bionemo_eks.cluster.manifest import add_manifest
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.dataset_job import dataset_objects
from bionemo_eks.jobs.training_job import launcher_objects, training_job, watch_objects
from bionemo_eks.storage.lustre import LustreFileSystem


class WorkloadStack(Stack):
    """What the cluster is for; applied in the order in which the objects need each other."""

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
        volume = add_manifest(
            cluster,
            "Volume",
            *manifests.load(
                "workload/volume.yaml",
                {
                    "file_system_id": file_system.file_system_id,
                    "dns_name": file_system.dns_name,
                    "mount_name": file_system.mount_name,
                },
            ),
        )
        dataset = dataset_objects(settings)
        data_job = add_manifest(cluster, "Dataset", *dataset)
        training = training_job(settings, dataset[-1])
        workload = settings.workload
        training_manifest = add_manifest(cluster, workload.construct_id("Training"), training)
        # Deleted in reverse: a claim in use, or a volume that is claimed, does not go away.
        data_job.node.add_dependency(volume)
        training_manifest.node.add_dependency(volume)
        if settings.training.enabled:
            launcher_and_rights = launcher_objects(
                workload, dataset_job=dataset[-1], training_job=training
            )
            launcher = add_manifest(
                cluster, workload.construct_id("Launcher"), *launcher_and_rights
            )
            launcher.node.add_dependency(data_job, training_manifest)
            watch = add_manifest(
                cluster,
                workload.construct_id("Watch"),
                *watch_objects(workload, launcher=launcher_and_rights[-1], training_job=training),
            )
            watch.node.add_dependency(launcher)
