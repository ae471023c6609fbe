"""CDK's `Custom::S3AutoDeleteObjects`, which empties a bucket before CloudFormation removes it."""

from __future__ import annotations

from rehearsal.local_aws.in_process import client
from rehearsal.local_aws.types.provisioner import Made, Properties, ResourceType, Wanted


def _make(wanted: Wanted) -> Made:
    return wanted.stable_id(wanted.logical_id), {}


def _empty(physical_id: str, properties: Properties) -> None:
    s3, bucket = client("s3"), properties["BucketName"]
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for each in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    except s3.exceptions.NoSuchBucket:
        # It has been removed already.
        return


TYPES = {"Custom::S3AutoDeleteObjects": ResourceType(_make, _empty)}
