"""The group `account`: boundary and key, and what an existing deployment was created with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from ops.aws import Deployment, template
from ops.preflight.standing import holds
from ops.reasons import ONLY_AWS, code_of, is_denied
from ops.results import Result, command, failed, link, options, passed, unknown, warned

BOUNDARY, KEY, LASTING = "Permissions boundary", "KMS key", "Path and key"
_POLICIES = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying.html"
# Roles of AWS's own, and what fails without them: their policies name no customer key, so the key's
# policy must name them.
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/s3-server-side-encryption-support.html
_NAMED = {
    "AWSServiceRoleForAutoScaling": "no node starts",
    "AWSServiceRoleForFSxS3Access": "/fsx and the bucket exchange no files",
}


def boundary(deployment: Deployment) -> Result:
    """Whether the policy exists, in this account or as AWS's own."""
    arn = deployment.settings.account.permissions_boundary
    if deployment.aws.is_local:
        return unknown(BOUNDARY, ONLY_AWS)
    name_one = "Name an existing policy of this account:"
    if arn.split(":")[4] not in ("aws", deployment.account):
        said = f"{arn} belongs to another account, so it cannot bound roles of {deployment.account}"
        return failed(BOUNDARY, said, name_one, options("-c account.permissions_boundary=..."))
    try:
        deployment.aws.client("iam").get_policy(PolicyArn=arn)
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
        said = f"there is no policy {arn}"
        return failed(BOUNDARY, said, name_one, options("-c account.permissions_boundary=..."))
    return passed(BOUNDARY, f"{arn} exists")


def key(deployment: Deployment) -> Result:
    """Whether the key can encrypt, and its policy, if readable, names the roles that need it."""
    arn = deployment.settings.account.kms_key
    if deployment.aws.is_local:
        return unknown(KEY, ONLY_AWS)
    wrong = _wrong_with(deployment, arn)
    if wrong:
        return failed(
            KEY,
            f"{arn} {wrong}",
            "Name a key that is enabled, symmetric, and for encryption:",
            options("-c account.kms_key=..."),
        )
    try:
        answer = deployment.aws.client("kms").get_key_policy(KeyId=arn, PolicyName="default")
    except ClientError as error:
        if not is_denied(error):
            raise
        return passed(KEY, f"{arn} is enabled; you may not read its policy")
    unnamed = [role for role in _NAMED if not _may_be_for(role, json.loads(answer["Policy"]))]
    if not unnamed:
        return passed(KEY, f"{arn} is enabled, and its policy names the roles that need it")
    lacking = "; ".join(f"without {role} {_NAMED[role]}" for role in unnamed)
    return warned(
        KEY,
        f"the policy of {arn} does not name all of AWS's roles that need it: {lacking}",
        "Unless a grant allows them, add the statements in docs/accounts.md to it:",
        link(_POLICIES),
    )


def _wrong_with(deployment: Deployment, arn: str) -> str:
    """Say why a key is unusable; empty if it is usable.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
    """
    try:
        found = deployment.aws.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    except ClientError as error:
        if code_of(error) != "NotFoundException":
            raise
        return "does not exist"
    if found.get("KeyState") != "Enabled":
        return f"is in state {found.get('KeyState')}"
    kind = (found.get("KeyUsage"), found.get("KeySpec"))
    return "" if kind == ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT") else f"is {kind[1]} for {kind[0]}"


def _may_be_for(role: str, policy: Mapping[str, Any]) -> bool:
    """Whether a statement allows the role, or everyone, something; ignoring conditions."""
    statements = policy.get("Statement", [])
    for each in statements if isinstance(statements, list) else [statements]:
        text = json.dumps(each)
        everyone = each.get("Principal") in ("*", {"AWS": "*"})
        if each.get("Effect") == "Allow" and (
            role in text or (everyone and "principalarn" not in text.lower())
        ):
            return True
    return False


def lasting(deployment: Deployment) -> Result:
    """Whether path and key are those that the deployment was created with.

    They are create-only: CloudFormation would replace the resources, or fail to, because the new
    one has the same name as the old.
    """
    account, found, as_it_was = deployment.settings.account, list[str](), dict[str, str]()
    if holds(deployment, "Cluster"):
        resources = template(deployment, "Cluster")["Resources"]
        path, secrets = _path(resources), _secrets_key(resources)
        if path != account.role_path:
            as_it_was["role_path"] = path
            found.append(
                f"account.role_path is {_shown(account.role_path)}, but the cluster was created "
                f"with {_shown(path)}: all roles would be replaced, and with them the cluster and "
                "its node groups"
            )
        if secrets != account.kms_key:
            as_it_was["kms_key"] = secrets
            found.append(
                f"account.kms_key is {_shown(account.kms_key)}, but the cluster was created with "
                f"{_shown(secrets)}: it would be replaced, with all nodes and jobs"
            )
    if holds(deployment, "Storage"):
        stored = _of_type(template(deployment, "Storage")["Resources"], "AWS::FSx::FileSystem")
        now = stored.get("KmsKeyId", "")
        if now != account.kms_key:
            as_it_was["kms_key"] = now
            found.append(
                f"account.kms_key is {_shown(account.kms_key)}, but the file system was created "
                f"with {_shown(now)}: it would be replaced by an empty one"
            )
    if not found:
        return passed(LASTING, "nothing that exists would be replaced")
    return failed(
        LASTING,
        "; ".join(found),
        "Set the old value:",
        options(" ".join(f"-c account.{name}={value}" for name, value in as_it_was.items())),
        "Or destroy the deployment first; the bucket stays, unless storage.keep_bucket was false, "
        "and the next deployment continues from it:",
        command("npx cdk destroy --all"),
    )


def _shown(value: str) -> str:
    return value or "empty"


def _of_type(resources: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return the properties of the first resource of a type; empty without one."""
    found = (each.get("Properties", {}) for each in resources.values() if each["Type"] == kind)
    return next(found, {})


def _path(resources: Mapping[str, Any]) -> str:
    return str(_of_type(resources, "AWS::IAM::Role").get("Path", ""))


def _secrets_key(resources: Mapping[str, Any]) -> str:
    """Return the ARN of the secrets' key; empty if the stack created the key."""
    encryption = _of_type(resources, "AWS::EKS::Cluster").get("EncryptionConfig") or [{}]
    arn = encryption[0].get("Provider", {}).get("KeyArn", "")
    return arn if isinstance(arn, str) else ""
