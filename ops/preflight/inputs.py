"""What the jobs read of others: is it in S3, where FSx can link it, and will FSx link it?"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from bionemo_eks.configuration.inputs import S3, Input, Link, inputs, links
from ops.aws import Deployment
from ops.preflight.lustre import own
from ops.preflight.standing import holds
from ops.results import Result, Step, Verdict, command, failed, link, passed, warned

FILES, LINKS = "Input files", "FSx links"
_GUIDE = "https://docs.aws.amazon.com/fsx/latest/LustreGuide/create-dra-linked-data-repo.html"
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/limits.html
_MOST_LINKS = 8
_MISCONFIGURED = (
    "https://docs.aws.amazon.com/fsx/latest/LustreGuide/"
    "troubleshooting-misconfigured-data-repository.html"
)
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html
_NOTIFIED = ("TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations")
_RESTORING = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html"
_ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
_WORST = (Verdict.FAIL, Verdict.WARN, Verdict.PASS)


def files(deployment: Deployment) -> Result:
    """Whether everything that the settings name in S3 is there, and in the right region."""
    looked = [_look(deployment, each) for each in inputs(deployment.settings)]
    verdict = next(each for each in _WORST if any(one.verdict is each for one in looked))
    said = "; ".join(each.said for each in looked if each.verdict is verdict)
    return Result(FILES, verdict, said, tuple(step for each in looked for step in each.remedy))


def _look(deployment: Deployment, wanted: Input) -> Result:
    if wanted.link is None:
        return _on_the_file_system(deployment, wanted)
    s3, region = deployment.aws.client("s3"), deployment.settings.region
    try:
        where = _region(s3.head_bucket(Bucket=wanted.link.bucket))
    except ClientError as error:
        if _status(error) == 404:
            said = f"{wanted.setting}: there is no bucket {wanted.link.bucket}"
            make = command(f"aws s3 mb s3://{wanted.link.bucket} --region {region}")
            return failed(FILES, said, "Name another, or make it:", make, _copy(deployment, wanted))
        where = _region(error.response)
    if where not in ("", region):
        return failed(
            FILES,
            f"{wanted.setting}: {wanted.link.bucket} is in {where}, and FSx brings files from "
            f"{region} alone",
            f"Copy them to a bucket in {region}, and name that:",
            link(f"{_GUIDE}#dra-regional-support"),
        )
    for names in wanted.files:
        result = _any_of(deployment, wanted, wanted.link, names)
        if result.verdict is not Verdict.PASS:
            return result
    if _tells_others(s3, wanted.link.bucket):
        return warned(
            FILES,
            f"{wanted.setting}: {_listed(wanted)} is there, but {wanted.link.bucket} tells others "
            "of new or removed objects, and FSx makes no notification of its own beside that",
            "Remove it, or use a bucket without:",
            link(_MISCONFIGURED),
        )
    return passed(FILES, f"{wanted.setting}: {_listed(wanted)} is there")


def _tells_others(s3: Any, bucket: str) -> bool:
    """Whether events of a bucket that FSx wants to hear of go elsewhere, as far as one may look."""
    try:
        told = s3.get_bucket_notification_configuration(Bucket=bucket)
    except ClientError:
        return False
    rows = [each for name in _NOTIFIED for each in told.get(name, [])]
    return any(
        event.startswith(("s3:ObjectCreated:", "s3:ObjectRemoved:"))
        for each in rows
        if each.get("Id") != "FSx"
        for event in each["Events"]
    )


def _any_of(deployment: Deployment, wanted: Input, where: Link, names: tuple[str, ...]) -> Result:
    """Whether one of these objects is there to be read."""
    s3, refused = deployment.aws.client("s3"), False
    for name in names:
        key = "/".join(filter(None, (where.prefix, name)))
        try:
            found = s3.head_object(Bucket=where.bucket, Key=key)
        except ClientError as error:
            # Who may not list a bucket is not told that an object is missing:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
            refused |= _status(error) == 403
            if _status(error) not in (403, 404):
                raise
            continue
        # FSx reads it once a copy has been restored: ongoing-request="false".
        if found.get("StorageClass") in _ARCHIVED and "false" not in found.get("Restore", ""):
            said = f"{wanted.setting}: {wanted.folder}/{name} is archived, {found['StorageClass']}"
            return failed(FILES, said, "Restore it first:", link(_RESTORING))
        return passed(FILES, name)
    if refused:
        return warned(
            FILES,
            f"{wanted.setting}: you may not look for {wanted.folder}/{names[0]}; FSx looks with "
            "the role that CloudFormation deploys with",
            "Of another account's bucket, see docs/data.md, A bucket.",
        )
    return failed(
        FILES,
        f"{wanted.setting}: {wanted.folder}/{' or '.join(names)} is not there",
        "Put it there, or name another:",
        _copy(deployment, wanted),
    )


def _on_the_file_system(deployment: Deployment, wanted: Input) -> Result:
    if holds(deployment, "Storage"):
        said = f"{wanted.setting}: {_listed(wanted)} is on the file system, unseen from here"
        return passed(FILES, said)
    return warned(
        FILES,
        f"{wanted.setting}: {_listed(wanted)} is on a file system that is yet to be made",
        "Unless the deployment's bucket brings it back, put it there afterwards, and run "
        "./bionemo retry data",
    )


def _listed(wanted: Input) -> str:
    return f"{wanted.folder}/{wanted.files[0][0]}" if len(wanted.files) == 1 else wanted.folder


def _copy(deployment: Deployment, wanted: Input) -> Step:
    """A file goes there by its name, a folder by its own."""
    name, several = wanted.files[0][0], len(wanted.files) > 1
    what = f"{wanted.folder.rpartition('/')[2]} {wanted.folder}" if several else ""
    return command(
        f"aws s3 cp {what or f'{name} {wanted.folder}/{name}'}{' --recursive' * several} "
        f"--region {deployment.settings.region}"
    )


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _region(answer: Any) -> str:
    """The bucket's region, which S3 tells whoever asks, also where it refuses or redirects."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(answer.get("BucketRegion") or headers.get("x-amz-bucket-region", ""))


def linked(deployment: Deployment) -> Result:
    """Whether FSx will make the links beside those that stand, which go only after the new."""
    there = _links_there(deployment)
    new = [each for each in links(deployment.settings) if each not in there]
    for each in new:
        for other in there:
            if each.overlaps(other):
                return failed(
                    LINKS,
                    f"of {each.address} and {other.address}, which is linked now, one lies within "
                    "the other; FSx refuses that, and the one that is there goes only afterwards",
                    "Copy the files to a prefix beside, and name that; or deploy first with such "
                    "an address, and then with this one:",
                    link(_GUIDE),
                )
    if len(there) + len(new) > _MOST_LINKS:
        return failed(
            LINKS,
            f"the file system has {len(there)} links and takes {_MOST_LINKS} at the most; "
            f"{len(new)} more are wanted before old ones go",
            "Remove those that the deployment did not make, in the FSx console.",
        )
    makes = ", ".join(f"{each.address} at {each.folder}" for each in new)
    return passed(LINKS, f"will link {makes}" if makes else "all are there")


def _links_there(deployment: Deployment) -> list[Link]:
    found: list[Link] = []
    for system in own(deployment):
        answers = deployment.aws.pages(
            "fsx",
            "describe_data_repository_associations",
            "Associations",
            Filters=[{"Name": "file-system-id", "Values": [system["FileSystemId"]]}],
        )
        for each in answers:
            bucket, _, prefix = each["DataRepositoryPath"].removeprefix(S3).partition("/")
            found.append(Link(bucket, prefix.rstrip("/")))
    return found
