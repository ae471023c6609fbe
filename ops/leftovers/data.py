"""Resources that hold data, and the keys that encrypt it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from bionemo_eks.configuration import names
from ops.aws import Deployment, file_systems
from ops.leftovers.model import Leftover, Unread, ours, stack_in, tags_of
from ops.price_table import KMS_MONTH
from ops.reasons import is_denied

_BY_HAND = "holds data, so delete it yourself"


def systems(deployment: Deployment) -> Iterable[Leftover]:
    """FSx file systems. Storage class Intelligent-Tiering has no fixed size."""
    for item in file_systems(deployment):
        if ours(deployment, tags_of(item)) and item.get("Lifecycle") != "DELETING":
            size = f"{item['StorageCapacity']:,} GiB; " if "StorageCapacity" in item else ""
            yield Leftover(
                "FSx file systems", item["FileSystemId"], size + _BY_HAND, stack="Storage"
            )


def backups(deployment: Deployment) -> Iterable[Leftover]:
    """Backups of file systems."""
    for item in deployment.aws.pages("fsx", "describe_backups", "Backups"):
        if ours(deployment, tags_of(item) | tags_of(item.get("FileSystem", {}))):
            yield Leftover("FSx backups", item["BackupId"], _BY_HAND)


def keys(deployment: Deployment) -> Iterable[Leftover | Unread]:
    """Keys; one that is pending deletion costs nothing and blocks nothing."""
    kms, closed = deployment.aws.client("kms"), 0
    for key in deployment.aws.pages("kms", "list_keys", "Keys"):
        try:
            about, tags = _described(kms, key["KeyId"])
        except ClientError as error:
            # A key's policy may deny access to this caller only.
            if not is_denied(error):
                raise
            closed += 1
            continue
        if ours(deployment, tags):
            yield _key(kms, about, stack_in(deployment, tags))
    if closed:
        yield Unread(f"you have no access to {closed} keys, which may be another team's")


def _described(kms: Any, name: str) -> tuple[dict[str, Any], dict[str, str]]:
    about = kms.describe_key(KeyId=name)["KeyMetadata"]
    if about.get("KeyManager") == "AWS":
        return about, {}
    listed = kms.list_resource_tags(KeyId=name).get("Tags", [])
    return about, {tag["TagKey"]: tag["TagValue"] for tag in listed}


def _key(kms: Any, about: dict[str, Any], stack: str) -> Leftover:
    name, pending = about["KeyId"], about["KeyState"] == "PendingDeletion"
    when = f", on {about['DeletionDate']:%Y-%m-%d}" if "DeletionDate" in about else ""
    note = f"pending deletion, free of charge{when}" if pending else f"${KMS_MONTH:g} a month"
    remove = partial(kms.schedule_key_deletion, KeyId=name, PendingWindowInDays=7)
    return Leftover(
        "KMS keys", name, note, kept=pending, delete=None if pending else remove, stack=stack
    )


def buckets(deployment: Deployment) -> Iterable[Leftover]:
    """The data bucket, which outlives the deployment unless the settings say otherwise."""
    wanted = names.bucket_name(deployment.settings, deployment.account)
    listed = deployment.aws.client("s3").list_buckets()["Buckets"]
    if wanted in {each["Name"] for each in listed}:
        keep = deployment.settings.storage.keep_bucket
        note = "data set and checkpoints, for the next deployment" if keep else _BY_HAND
        yield Leftover("buckets", wanted, note, kept=keep, stack="Storage")
