"""Storage: FSx for Lustre and the bucket that outlives it."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

from bionemo_eks.configuration import names
from bionemo_eks.configuration.inputs import links
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import Workloads
from bionemo_eks.jobs.places import FSX, PROCESSED
from bionemo_eks.logs.function_logs import own_function_logs
from bionemo_eks.network.vpc import Subnets, existing_subnets
from bionemo_eks.storage.bucket import DataBucket
from bionemo_eks.storage.export_guard import ExportGuard
from bionemo_eks.storage.lustre import LustreFileSystem


class StorageStack(Stack):
    """The file system in the GPU nodes' zone, linked to the data bucket."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        subnets: Subnets | None,
        workloads: Workloads,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        subnets = subnets or existing_subnets(self, settings.network)
        storage = settings.storage
        key = kms.Key.from_key_arn(self, "Key", arn) if (arn := settings.account.kms_key) else None
        self.bucket = DataBucket(
            self,
            "DataBucket",
            bucket_name=names.bucket_name(settings, self.account),
            keep=storage.keep_bucket,
            noncurrent_version_days=storage.noncurrent_version_days,
            prefixes={
                f"{each.results.removeprefix(f'{FSX}/')}/": storage.noncurrent_checkpoint_days
                for each in workloads.values()
            },
            key=key,
        )
        self.file_system = LustreFileSystem(
            self,
            "FileSystem",
            vpc=subnets.vpc,
            subnet=subnets.routable_in(settings.gpu_zone),
            client_cidrs=subnets.node_cidrs,
            capacity_gib=storage.capacity_gib,
            throughput=storage.throughput,
            key=key,
            log_group_name=names.lustre_log_group(settings),
            log_days=settings.cluster.log_days,
        )
        # For every workload, so that each one's checkpoints stay linked while another one trains.
        linked = [PROCESSED, *(each.results for each in workloads.values())]
        self.file_system.associate(self.bucket, [path.removeprefix(FSX) for path in linked])
        for link in links(settings):
            self.file_system.read(link.address, link.folder)
        if storage.keep_bucket:
            self._wait_for_the_export(key, settings.cluster.log_days)
        else:
            # CDK empties the bucket with a function, whose log it would leave behind.
            own_function_logs(self, self, days=settings.cluster.log_days)
        self._add_outputs()

    def _add_outputs(self) -> None:
        CfnOutput(
            self,
            "BucketName",
            value=self.bucket.bucket_name,
            description="Data set and checkpoints; cdk destroy keeps it unless storage.keep_bucket "
            "is false",
        )
        CfnOutput(self, "FileSystemId", value=self.file_system.file_system_id)

    def _wait_for_the_export(self, key: kms.IKey | None, log_days: int) -> None:
        guard = ExportGuard(
            self,
            "ExportGuard",
            file_system_id=self.file_system.file_system_id,
            bucket=self.bucket,
            folder=PROCESSED.removeprefix(f"{FSX}/"),
            key=key,
            log_days=log_days,
        )
        guard.node.add_dependency(self.file_system)
