"""Puts a deployment's external inputs where its settings say, in the local AWS."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from bionemo_eks.configuration.addresses import wrong_with_file
from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.configuration.groups.data import DatasetSettings
from bionemo_eks.configuration.inputs import FSX, Link, inputs
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.workloads import WORKLOADS
from rehearsal.here import lengths
from rehearsal.machine.environment import ROOT
from rehearsal.output.steps import Steps
from rehearsal.pods.local_pod import RECORDS
from rehearsal.pods.proteins import write_fasta

_URL = "dataset.url"


class ElsewhereError(RuntimeError):
    """A setting names what exists only in the user's account; the message has the setting."""


def refuse_what_is_elsewhere(settings: Settings, train: bool) -> None:
    """Raise ElsewhereError for a setting that names what a rehearsal cannot see or make up."""
    if settings.network.vpc_id:
        raise ElsewhereError(
            f"Setting 'network.vpc_id' is {settings.network.vpc_id}: that VPC is in your account, "
            "which the rehearsal cannot see.\n  Rehearse without it: -c network.vpc_id="
        )
    read = next(iter(settings.workload.inputs(settings)), None)
    if train and read:
        raise ElsewhereError(
            f"Setting '{read.setting}' is {read.folder}: the rehearsal does not have that model.\n"
            f"  Train without it: -c {read.setting}="
        )


def with_own_file(context: list[str], fasta: Path | None) -> list[str]:
    """Return `context` with `dataset.url` naming `fasta` on the file system, instead of UniRef50.

    A `dataset.url` other than the default stays: the file then replaces what it names.
    """
    usual = DatasetSettings.model_fields["url"].default
    if not fasta or settings_of(ROOT, WORKLOADS, context).dataset.url != usual:
        return context
    address = f"{FSX}/mine/{fasta.name}"
    if wrong_with_file(address):
        address = f"{FSX}/mine/mine.fasta"
    return [*context, f"{_URL}={address}"]


def what_is_next(preflight: str, changed: bool) -> str:
    """Return the next step: `preflight`, or if the file `changed` the settings, an upload."""
    if changed:
        return "upload the file to S3, and deploy with its address (docs/data.md)"
    return f"{preflight}, with the credentials of an AWS account (README.md)"


def put(
    client: Callable[[str], Any],
    settings: Settings,
    fasta: Path | None,
    train: bool,
    folder: Path,
    steps: Steps,
) -> None:
    """Put linked inputs into S3, and those on the file system into its `folder`.

    Without `fasta`, the data Job's file is made up; `train` makes its sequences short enough to
    train on here. A model's files are empty. Without inputs, there is no step.
    """
    wanted = [(each, names[0]) for each in inputs(settings) for names in each.files]
    if not wanted:
        return
    with steps.step("Put the inputs where the settings say"):
        for each, name in wanted:
            below = each.folder.removeprefix(f"{FSX}/")
            file = (folder.parent / "put" if each.link else folder / below) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            what = _write(file, fasta, lengths(train)) if each.setting == _URL else _empty(file)
            steps.say(f"{each.folder}/{name}: {what}")
            if each.link:
                _upload(client("s3"), each.link, file)


def _write(file: Path, fasta: Path | None, letters: tuple[int, int]) -> str:
    """Write the data Job's file; return its origin."""
    if fasta:
        shutil.copyfile(fasta, file)
        return str(fasta)
    write_fasta(file, RECORDS, *letters)
    return "made up"


def _empty(file: Path) -> str:
    file.touch()
    return "empty, because nothing reads it here"


def _upload(s3: Any, link: Link, file: Path) -> None:
    region = s3.meta.region_name
    try:
        if region == "us-east-1":
            s3.create_bucket(Bucket=link.bucket)
        else:
            s3.create_bucket(
                Bucket=link.bucket, CreateBucketConfiguration={"LocationConstraint": region}
            )
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    s3.upload_file(str(file), link.bucket, "/".join(filter(None, (link.prefix, file.name))))


def bring(client: Callable[[str], Any], folder: Path) -> None:
    """Import what is linked from S3 into the file system's `folder`, as FSx does."""
    s3 = client("s3")
    for each in client("fsx").describe_data_repository_associations()["Associations"]:
        bucket, _, prefix = each["DataRepositoryPath"].removeprefix("s3://").partition("/")
        prefix = f"{prefix.strip('/')}/".removeprefix("/")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for item in (item for page in pages for item in page.get("Contents", [])):
            place = folder / each["FileSystemPath"].strip("/") / item["Key"].removeprefix(prefix)
            place.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, item["Key"], str(place))
