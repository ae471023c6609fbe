"""FSx for Lustre: the file system that the data Job writes and the training reads."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from bionemo_eks.logs.log_group import log_group

# The AL2023 AMIs' kernels have Lustre 2.15 clients:
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/lustre-client-matrix.html
LUSTRE_VERSION = "2.15"
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/limit-access-security-groups.html
LUSTRE_PORTS = (ec2.Port.tcp(988), ec2.Port.tcp_range(1018, 1023))
_EVENTS = ["NEW", "CHANGED", "DELETED"]


class LustreFileSystem(Construct):
    """A PERSISTENT_2 SSD file system, with its security group and its log group.

    `capacity_gib` in GiB, `throughput` in MB/s per TiB. Only `client_cidrs` may reach it. FSx
    encrypts it with its own key, or with `key`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnet: ec2.ISubnet,
        client_cidrs: Sequence[str],
        capacity_gib: int,
        throughput: int,
        log_group_name: str,
        log_days: int,
        key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        group = self._security_group(vpc, client_cidrs)
        lustre_logs = log_group(self, "Logs", name=log_group_name, days=log_days)
        self._resource = fsx.CfnFileSystem(
            self,
            "Resource",
            file_system_type="LUSTRE",
            file_system_type_version=LUSTRE_VERSION,
            storage_type="SSD",
            storage_capacity=capacity_gib,
            kms_key_id=key.key_arn if key else None,
            subnet_ids=[subnet.subnet_id],
            security_group_ids=[group.security_group_id],
            lustre_configuration=fsx.CfnFileSystem.LustreConfigurationProperty(
                deployment_type="PERSISTENT_2",
                per_unit_storage_throughput=throughput,
                data_compression_type="LZ4",
                # Backups and data repository associations exclude each other; S3 has the data:
                # https://docs.aws.amazon.com/fsx/latest/LustreGuide/using-backups-fsx.html
                automatic_backup_retention_days=0,
                log_configuration=fsx.CfnFileSystem.LogConfigurationProperty(
                    level="WARN_ERROR", destination=_plain_arn(lustre_logs)
                ),
            ),
        )
        self._last: fsx.CfnDataRepositoryAssociation | None = None
        # FSx checks the group's rules at creation, and some of them are separate resources:
        # https://docs.aws.amazon.com/fsx/latest/LustreGuide/cannot-create-fs.html
        self._resource.node.add_dependency(group)

    @property
    def file_system_id(self) -> str:
        """Id of the file system, `fs-…`: the volume handle of the CSI driver."""
        return self._resource.ref

    @property
    def dns_name(self) -> str:
        """Host name that clients mount."""
        return self._resource.attr_dns_name

    @property
    def mount_name(self) -> str:
        """Name of the file system in the mount command."""
        return self._resource.attr_lustre_mount_name

    def associate(self, bucket: s3.IBucket, paths: Sequence[str]) -> None:
        """Link each of `paths` (such as `/processed`) to the same prefix of `bucket`, both ways.

        Objects in the bucket appear in the file system, by name at once and with content when read;
        what is written below a path is exported. Source:
        https://docs.aws.amazon.com/fsx/latest/LustreGuide/overview-dra-data-repo.html
        """
        policy = fsx.CfnDataRepositoryAssociation.AutoImportPolicyProperty(events=_EVENTS)
        export = fsx.CfnDataRepositoryAssociation.AutoExportPolicyProperty(events=_EVENTS)
        for path in paths:
            association = fsx.CfnDataRepositoryAssociation(
                self,
                f"Association{path.title().replace('/', '').replace('-', '')}",
                file_system_id=self.file_system_id,
                file_system_path=path,
                data_repository_path=f"s3://{bucket.bucket_name}{path}",
                batch_import_meta_data_on_create=True,
                s3=fsx.CfnDataRepositoryAssociation.S3Property(
                    auto_import_policy=policy, auto_export_policy=export
                ),
            )
            if bucket.policy is not None:
                association.node.add_dependency(bucket.policy)
            self._after_the_others(association)

    def read(self, address: str, folder: str) -> None:
        """Link `folder` of the file system (such as `/input/abc`) to a prefix in S3, read-only.

        Nothing is exported. The folder is for this address only: FSx can change neither, and
        CloudFormation creates a new link before it removes the old one.
        """
        association = fsx.CfnDataRepositoryAssociation(
            self,
            f"Association{folder.title().replace('/', '')}",
            file_system_id=self.file_system_id,
            file_system_path=folder,
            data_repository_path=address,
            batch_import_meta_data_on_create=True,
            s3=fsx.CfnDataRepositoryAssociation.S3Property(
                auto_import_policy=fsx.CfnDataRepositoryAssociation.AutoImportPolicyProperty(
                    events=_EVENTS
                )
            ),
        )
        self._after_the_others(association)

    def _after_the_others(self, association: fsx.CfnDataRepositoryAssociation) -> None:
        """Add associations one by one: FSx updates a file system for one at a time."""
        if self._last is not None:
            association.node.add_dependency(self._last)
        self._last = association

    def _security_group(self, vpc: ec2.IVpc, client_cidrs: Sequence[str]) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Lustre between the file system and the nodes",
            allow_all_outbound=False,
        )
        peers = [group, *(ec2.Peer.ipv4(cidr) for cidr in client_cidrs)]
        for peer in peers:
            for port in LUSTRE_PORTS:
                group.add_ingress_rule(peer, port, "Lustre")
                group.add_egress_rule(peer, port, "Lustre")
        return group


def _plain_arn(group: logs.LogGroup) -> str:
    """Return a log group's ARN as FSx expects it; CDK's ends in `:*`, as IAM policies need.

    https://docs.aws.amazon.com/fsx/latest/APIReference/API_LustreLogCreateConfiguration.html
    """
    return Stack.of(group).format_arn(
        service="logs",
        resource="log-group",
        resource_name=group.log_group_name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
