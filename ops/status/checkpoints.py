"""The checkpoints that have reached the bucket."""

from __future__ import annotations

from bionemo_eks.configuration import names
from bionemo_eks.jobs.places import FSX
from ops.aws import Deployment
from ops.status.lines import Line

_PART = "Checkpoints"


def checkpoints(deployment: Deployment) -> list[Line]:
    """Return a line for the newest checkpoint, and how many there are."""
    bucket = names.bucket_name(deployment.settings, deployment.account)
    workload = deployment.settings.workload
    # Folders have the same names in the bucket as on the file system.
    prefix = workload.results.removeprefix(f"{FSX}/") + "/"
    objects = deployment.aws.pages(
        "s3", "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix
    )
    saved = [each for each in objects if workload.checkpoint.search(each["Key"])]
    if not saved:
        return [Line(_PART, bucket, "none yet")]
    last = max(saved, key=lambda each: each["LastModified"])
    when = last["LastModified"].strftime("%Y-%m-%d %H:%M UTC")
    return [Line(_PART, last["Key"], f"{len(saved)} in the bucket, newest from {when}", True)]
