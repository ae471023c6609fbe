"""The jobs' input files: are they in S3, where FSx can link them, and will FSx link them?"""

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
    """Whether everything that the settings name in S3 exists, in the right region."""
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
            steps = (
                "Name an existing bucket, or create this one:",
                make,
                _copy(deployment, wanted),
            )
            return failed(FILES, said, *steps)
        where = _region(error.response)
    if where not in ("", region):
        return failed(
            FILES,
            f"{wanted.setting}: {wanted.link.bucket} is in {where}, but FSx imports files only "
            f"from {region}",
            f"Copy them to a bucket in {region}, and name that one:",
            link(f"{_GUIDE}#dra-regional-support"),
        )
    for names in wanted.files:
        result = _any_of(deployment, wanted, wanted.link, names)
        if result.verdict is not Verdict.PASS:
            return result
    if _notifies_others(s3, wanted.link.bucket):
        return warned(
            FILES,
            f"{wanted.setting}: {_listed(wanted)} is there, but {wanted.link.bucket} already sends "
            "notifications of new or removed objects, and FSx then cannot add its own",
            "Remove that notification, or use a bucket without one:",
            link(_MISCONFIGURED),
        )
    return passed(FILES, f"{wanted.setting}: {_listed(wanted)} is there")


def _notifies_others(s3: Any, bucket: str) -> bool:
    """Whether the bucket events that FSx needs already go elsewhere; False if that is denied."""
    try:
        configured = s3.get_bucket_notification_configuration(Bucket=bucket)
    except ClientError:
        return False
    rows = [each for name in _NOTIFIED for each in configured.get(name, [])]
    return any(
        event.startswith(("s3:ObjectCreated:", "s3:ObjectRemoved:"))
        for each in rows
        if each.get("Id") != "FSx"
        for event in each["Events"]
    )


def _any_of(deployment: Deployment, wanted: Input, where: Link, names: tuple[str, ...]) -> Result:
    """Whether one of these objects exists and can be read."""
    s3, refused = deployment.aws.client("s3"), False
    for name in names:
        key = "/".join(filter(None, (where.prefix, name)))
        try:
            found = s3.head_object(Bucket=where.bucket, Key=key)
        except ClientError as error:
            # Without permission to list the bucket, a missing object is a 403, too:
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
            f"{wanted.setting}: you may not read {wanted.folder}/{names[0]}; FSx uses "
            "the role that CloudFormation deploys with",
            "For another account's bucket, see docs/data.md, A bucket.",
        )
    return failed(
        FILES,
        f"{wanted.setting}: {wanted.folder}/{' or '.join(names)} does not exist",
        "Copy it there, or name another:",
        _copy(deployment, wanted),
    )


def _on_the_file_system(deployment: Deployment, wanted: Input) -> Result:
    if holds(deployment, "Storage"):
        said = f"{wanted.setting}: {_listed(wanted)} is on the file system, which is not checked"
        return passed(FILES, said)
    return warned(
        FILES,
        f"{wanted.setting}: {_listed(wanted)} is on a file system that does not exist yet",
        "Unless the deployment's bucket restores it, copy it there after the deployment, and run "
        "./bionemo retry data",
    )


def _listed(wanted: Input) -> str:
    return f"{wanted.folder}/{wanted.files[0][0]}" if len(wanted.files) == 1 else wanted.folder


def _copy(deployment: Deployment, wanted: Input) -> Step:
    """The command that copies the file, or the folder, to where it belongs."""
    name, several = wanted.files[0][0], len(wanted.files) > 1
    what = f"{wanted.folder.rpartition('/')[2]} {wanted.folder}" if several else ""
    return command(
        f"aws s3 cp {what or f'{name} {wanted.folder}/{name}'}{' --recursive' * several} "
        f"--region {deployment.settings.region}"
    )


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _region(answer: Any) -> str:
    """The bucket's region, which S3 reports to anyone, even when it denies or redirects."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(answer.get("BucketRegion") or headers.get("x-amz-bucket-region", ""))


def linked(deployment: Deployment) -> Result:
    """Whether FSx can add the links to the existing ones, which are removed only afterwards."""
    there = _links_there(deployment)
    new = [each for each in links(deployment.settings) if each not in there]
    for each in new:
        for other in there:
            if each.overlaps(other):
                return failed(
                    LINKS,
                    f"{each.address} and {other.address}, which is linked now, overlap: one "
                    "contains the other. FSx refuses that, and the old link is removed only "
                    "afterwards",
                    "Copy the files to a separate prefix, and name that one; or deploy first with "
                    "such an address, and then with this one:",
                    link(_GUIDE),
                )
    if len(there) + len(new) > _MOST_LINKS:
        return failed(
            LINKS,
            f"the file system has {len(there)} links, and FSx allows at most {_MOST_LINKS}; "
            f"{len(new)} more are needed before old ones are removed",
            "Remove those that the deployment did not create, in the FSx console.",
        )
    makes = ", ".join(f"{each.address} at {each.folder}" for each in new)
    return passed(LINKS, f"will link {makes}" if makes else "all exist")


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
