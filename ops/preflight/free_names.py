"""Names that must be free, or ours: cluster, bucket, log groups."""

from __future__ import annotations

from botocore.exceptions import ClientError

from bionemo_eks.configuration import names
from ops.aws import Deployment, clusters
from ops.preflight.standing import holds
from ops.reasons import code_of
from ops.results import Result, command, failed, options, passed, warned


def cluster(deployment: Deployment) -> Result:
    """Whether the cluster's name is free, or used by this deployment."""
    name, wanted = "Cluster name", deployment.settings.cluster_name
    # What the stack holds is its own, whatever its state; the stacks have their own check.
    if holds(deployment, "Cluster"):
        return passed(name, f"{wanted} belongs to this deployment")
    if wanted in clusters(deployment):
        return failed(
            name,
            f"a cluster {wanted} exists that these stacks did not create",
            "Choose another:",
            options("-c cluster_name=..."),
        )
    return passed(name, f"{wanted} is free")


def bucket(deployment: Deployment) -> Result:
    """Whether the bucket's name is free, or left from an earlier deployment and can be reused."""
    name, wanted = "Bucket name", names.bucket_name(deployment.settings, deployment.account)
    try:
        deployment.aws.client("s3").head_bucket(
            Bucket=wanted, ExpectedBucketOwner=deployment.account
        )
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404:
            return passed(name, f"{wanted} is free")
        if status == 403:
            return warned(
                name,
                f"{wanted} belongs to another account, or exists and denies you access",
                "If it is not yours, choose another name:",
                options("-c cluster_name=..."),
            )
        raise
    if holds(deployment, "Storage"):
        return passed(name, f"{wanted} belongs to this deployment")
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    if not deployment.settings.storage.keep_bucket:
        return failed(
            name,
            f"{wanted} exists from an earlier deployment, and CloudFormation imports only what is "
            "to be kept; storage.keep_bucket is false",
            "Deploy with storage.keep_bucket true, then set it to false and deploy again:",
            options("-c storage.keep_bucket=true"),
            "Or delete the bucket, with all object versions, in the S3 console.",
        )
    return passed(name, f"{wanted} exists from an earlier deployment and will be imported")


def bucket_policy(deployment: Deployment) -> Result:
    """Whether the bucket to import has a policy: then CloudFormation cannot create its own.

    It then fails with `The bucket policy already exists on bucket`; import would keep it as it is.
    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1068
    """
    name, wanted = "Bucket policy", names.bucket_name(deployment.settings, deployment.account)
    if holds(deployment, "Storage"):
        return passed(name, "the deployment's own")
    owned = {"Bucket": wanted, "ExpectedBucketOwner": deployment.account}
    try:
        deployment.aws.client("s3").get_bucket_policy(**owned)
    except ClientError as error:
        if code_of(error) not in ("NoSuchBucket", "NoSuchBucketPolicy"):
            raise
        return passed(name, "no conflict")
    call = f"--region {deployment.settings.region} --bucket {wanted}"
    return failed(
        name,
        f"{wanted} has a policy that the stacks did not create; CloudFormation can create its own, "
        "which denies plain HTTP, only if there is none",
        "Read it first; its owner may still need it:",
        command(f"aws s3api get-bucket-policy {call} --query Policy --output text"),
        "Delete it, and add back what is missing after the deployment:",
        command(f"aws s3api delete-bucket-policy {call}"),
    )


def log_groups(deployment: Deployment) -> Result:
    """Whether log groups of an earlier deployment conflict with this one."""
    name = "Log groups"
    taken = [
        group
        for stack, group in names.fixed_log_groups(deployment.settings)
        if not holds(deployment, stack) and _exists(deployment, group)
    ]
    if taken:
        return failed(
            name,
            f"left from an earlier deployment: {', '.join(taken)}",
            command("./bionemo leftovers --delete"),
        )
    return passed(name, "no conflict")


def _exists(deployment: Deployment, group: str) -> bool:
    listed = deployment.aws.pages(
        "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=group
    )
    return any(each["logGroupName"] == group for each in listed)
