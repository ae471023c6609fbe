"""CDK's `Custom::S3AutoDeleteObjects`, which empties a bucket before CloudFormation removes it."""

from __future__ import annotations

from ministack.services import s3

from rehearsal.local_aws.types.handlers import Made, Properties, replaced_when_changed, stable_id


def _watch(logical_id: str, properties: Properties, stack: str) -> Made:
    return stable_id(logical_id, stack, logical_id), {}


def _empty(physical_id: str, properties: Properties) -> None:
    bucket = s3._buckets.get(properties["BucketName"])
    if bucket is not None:
        bucket["objects"].clear()


HANDLERS = {"Custom::S3AutoDeleteObjects": replaced_when_changed(_watch, _empty)}
