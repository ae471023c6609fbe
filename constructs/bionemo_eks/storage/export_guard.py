"""The file system is not removed before its last change has reached S3."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from bionemo_eks.logs.log_group import log_group

# Read, not imported: importing boto3 would take a tenth of synth's time.
_FUNCTION = Path(__file__).parents[1] / "functions" / "await_export.py"


class ExportGuard(Construct):
    """Delays the removal of a file system until no export is pending, for at most 15 minutes.

    After that, or if the manifest in `folder` of `bucket` lists files that are not in the bucket,
    the removal fails, nothing is lost, and the next `cdk destroy` waits and checks again. Whatever
    links the file system to S3 must exist as long as this does: make this depend on it. `key` is
    the key of the bucket's objects, if it is not S3's own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        file_system_id: str,
        bucket: s3.IBucket,
        folder: str,
        log_days: int,
        key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        function_logs = log_group(self, "Logs", days=log_days)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        function_logs.grant_write(role)
        for statement in _permissions(bucket, folder):
            role.add_to_policy(statement)
        if key:
            role.add_to_policy(self._may_decrypt(key))
        function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_14,
            handler="index.handler",
            code=lambda_.Code.from_inline(_FUNCTION.read_text(encoding="utf-8")),
            timeout=Duration.minutes(15),
            role=role,
            log_group=function_logs,
        )
        CustomResource(
            self,
            "Resource",
            resource_type="Custom::LustreExportGuard",
            service_token=function.function_arn,
            properties={
                "FileSystemId": file_system_id,
                "Bucket": bucket.bucket_name,
                "Folder": folder,
            },
        )

    def _may_decrypt(self, key: kms.IKey) -> iam.PolicyStatement:
        """Allow reading the manifest, through S3 only.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
        """
        through = f"s3.{Stack.of(self).region}.amazonaws.com"
        return iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=[key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": through}},
        )


def _permissions(bucket: s3.IBucket, folder: str) -> tuple[iam.PolicyStatement, ...]:
    return (
        # CloudWatch has no resource type for it:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
        iam.PolicyStatement(actions=["cloudwatch:GetMetricStatistics"], resources=["*"]),
        iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[bucket.bucket_arn],
            conditions={"StringEquals": {"s3:prefix": f"{folder}/"}},
        ),
        iam.PolicyStatement(
            actions=["s3:GetObject"], resources=[bucket.arn_for_objects(f"{folder}/_SUCCESS")]
        ),
    )
