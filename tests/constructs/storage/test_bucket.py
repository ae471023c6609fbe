"""The data bucket: no one else reads it, and nothing in it is lost by mistake."""

from __future__ import annotations

from functools import cache

import pytest
from aws_cdk.assertions import Match, Template

from bionemo_eks.storage.bucket import DataBucket
from tests.constructs.bare import bare_stack, only

BUCKET, POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"


@cache
def bucket(keep: bool = True) -> Template:
    stack = bare_stack()
    DataBucket(
        stack,
        "Bucket",
        bucket_name="some-bucket",
        keep=keep,
        noncurrent_version_days=7,
        prefixes={"results/": 2},
    )
    return Template.from_stack(stack)


def test_it_survives_its_stack() -> None:
    bucket().has_resource(BUCKET, {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"})
    bucket().resource_count_is("Custom::S3AutoDeleteObjects", 0)


def test_the_next_deployment_finds_it_by_its_name() -> None:
    assert only(bucket(), BUCKET)["BucketName"] == "some-bucket"


def test_a_bucket_that_is_deleted_with_its_stack_is_emptied_first() -> None:
    """CloudFormation cannot delete a bucket with objects in it."""
    template = bucket(keep=False)
    template.has_resource(BUCKET, {"DeletionPolicy": "Delete"})
    ((name, _),) = template.find_resources(BUCKET).items()
    assert only(template, "Custom::S3AutoDeleteObjects")["BucketName"] == {"Ref": name}


@pytest.mark.parametrize("keep", [True, False])
def test_nothing_in_it_can_be_made_public(keep: bool) -> None:
    bucket(keep).has_resource_properties(
        BUCKET,
        {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        },
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
    ],
    ids=["plain HTTP", "old TLS"],
)
@pytest.mark.parametrize("keep", [True, False])
def test_it_refuses_insecure_transport_to_everyone(keep: bool, condition: object) -> None:
    found = [
        each
        for each in only(bucket(keep), POLICY)["PolicyDocument"]["Statement"]
        if each["Effect"] == "Deny" and each["Condition"] == condition
    ]
    assert len(found) == 1
    assert found[0]["Principal"] == {"AWS": "*"}
    assert found[0]["Action"] == "s3:*"
    assert len(found[0]["Resource"]) == 2, "the bucket and what is in it"


def test_objects_are_encrypted() -> None:
    (rule,) = only(bucket(), BUCKET)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_deleted_objects_can_be_restored_for_the_days_given() -> None:
    bucket().has_resource_properties(
        BUCKET,
        {
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": {
                "Rules": [
                    Match.object_like(
                        {
                            "Status": "Enabled",
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                            # Parts of an aborted upload cost money and are visible nowhere.
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        }
                    ),
                    Match.any_value(),
                ]
            },
        },
    )


def test_current_objects_never_expire() -> None:
    for rule in only(bucket(), BUCKET)["LifecycleConfiguration"]["Rules"]:
        assert not {"ExpirationInDays", "ExpirationDate", "Transitions"} & set(rule)


def test_replaced_checkpoints_expire_sooner_than_the_rest() -> None:
    """Half a gigabyte every 500 steps: 1 TB per run, for a month."""
    rules = only(bucket(), BUCKET)["LifecycleConfiguration"]["Rules"]
    days = {each.get("Prefix", ""): each["NoncurrentVersionExpiration"] for each in rules}
    assert days == {"": {"NoncurrentDays": 7}, "results/": {"NoncurrentDays": 2}}
