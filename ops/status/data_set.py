"""The data set in the bucket, compared with its manifest."""

from __future__ import annotations

from bionemo_eks.configuration import names
from bionemo_eks.functions.await_export import MANIFEST, data_set
from bionemo_eks.jobs.places import FSX, PROCESSED
from ops.aws import Deployment
from ops.status.lines import Line
from ops.status.storage import exporting

_PART = "Data set"


def exported(deployment: Deployment) -> list[Line]:
    """Return a line on whether all files in the manifest are in the bucket."""
    bucket = names.bucket_name(deployment.settings, deployment.account)
    folder = PROCESSED.removeprefix(f"{FSX}/")
    found = data_set(deployment.aws.client("s3"), bucket, folder)
    name = f"{folder}/{MANIFEST}"
    if found is None:
        return [Line(_PART, bucket, f"no {name} with a list of files: not complete yet")]
    if found.missing:
        state = (
            f"{len(found.missing)} of {found.files} files are not in the bucket, "
            f"such as {found.missing[0]}"
        )
        waits = exporting(deployment)
        return [Line(_PART, name, state, None if waits else False, unsettled=waits)]
    return [Line(_PART, name, f"all {found.files} files are in the bucket", True)]
