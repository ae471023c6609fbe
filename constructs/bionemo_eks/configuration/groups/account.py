"""Settings of group `account`: what a company's account requires of roles, keys and CDK."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from bionemo_eks.configuration.forms import Form, Group

# A customer managed policy of the same account, or an AWS managed one:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
_POLICY = r"arn:aws:iam::([0-9]{12}|aws):policy/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}"
# No alias: it can be pointed at another key, and a changed key replaces the cluster.
# https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN
_KEY = (
    r"arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/"
    r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


class AccountSettings(Group):
    """What a company's account may require; see [company accounts](accounts.md)."""

    permissions_boundary: Annotated[
        str,
        StringConstraints(pattern=f"^({_POLICY})?$"),
        Form("the ARN of an IAM policy, such as arn:aws:iam::111122223333:policy/limits, or empty"),
    ] = Field(default="", description="ARN of the permissions boundary of every role.")
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    role_path: Annotated[
        str,
        StringConstraints(pattern=r"^(/([A-Za-z0-9_+=,.@-]+/)+)?$", max_length=512),
        Form(
            "a path of letters, digits and _ + = , . @ - between slashes, such as /teams/, or empty"
        ),
    ] = Field(
        default="",
        description="Path of every role. For new deployments only: changing it replaces the "
        "cluster.",
    )
    kms_key: Annotated[
        str,
        StringConstraints(pattern=f"^({_KEY})?$"),
        Form(
            "the ARN of a KMS key, such as "
            "arn:aws:kms:us-west-2:111122223333:key/01234567-89ab-cdef-0123-456789abcdef, or empty"
        ),
    ] = Field(
        default="",
        description="ARN of the KMS key for the bucket, the file system, Kubernetes secrets and "
        "the nodes' disks. Empty: AWS's own keys, and a new key for the secrets. For new "
        "deployments only: changing it replaces the cluster and the file system.",
    )
    # The pattern of CDK's bootstrap template:
    # https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html
    bootstrap_qualifier: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,10}$"),
        Form("up to 10 letters, digits, _ and -, or empty"),
    ] = Field(
        default="",
        description="Qualifier of the CDK bootstrap stack. Empty: CDK's default. CDK's own name "
        "for this setting, `@aws-cdk/core:bootstrapQualifier`, works too.",
    )
