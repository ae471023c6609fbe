"""The S3 bucket behind the file system, where data set and checkpoints outlive the cluster."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


class DataBucket(s3.Bucket):
    """An encrypted, private, versioned bucket, reachable over TLS only.

    Its name is fixed, not generated, so that the next deployment finds it:
    `cdk deploy --import-existing-resources` then adopts the existing bucket. Source:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    Versions can restore what a mistaken delete, exported from the file system, removed: for
    `noncurrent_version_days`, or the days in `prefixes` for objects below a prefix. S3 encrypts it
    with its own keys, or with `key`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket_name: str,
        keep: bool,
        noncurrent_version_days: int,
        prefixes: Mapping[str, int],
        key: kms.IKey | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            bucket_name=bucket_name,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            # One KMS call for many objects instead of one each:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
            bucket_key_enabled=True if key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="forget-old-versions",
                    noncurrent_version_expiration=Duration.days(noncurrent_version_days),
                    expired_object_delete_marker=True,
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                ),
                # If two rules match an object, the shorter one counts, whatever their order:
                # https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html
                *(
                    s3.LifecycleRule(
                        id=f"forget-old-versions-{prefix.strip('/')}",
                        prefix=prefix,
                        noncurrent_version_expiration=Duration.days(days),
                    )
                    for prefix, days in prefixes.items()
                ),
            ],
            removal_policy=RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY,
            auto_delete_objects=not keep,
        )
