"""Preflight's checks of the jobs' input files: in S3, and through FSx's links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ops.results import Result, StepKind, Verdict
from tests.ops.accounts import one
from tests.ops.reading import commands, of_kind
from tests.simulated.accounts import good, preflight, standing
from tests.simulated.aws import Answers, denied, error

ESM2 = {"training.workload": "esm2", "gpu.instance_type": "g6.xlarge"}
URL = {"dataset.url": "s3://mine/sequences/x.fasta"}
START = {**ESM2, "training.start": "s3://mine/models/esm2/"}


def s3(*keys: str, region: str = "us-west-2", **about: Any) -> Answers:
    """What S3 answers where bucket `mine` has objects with these keys."""

    def bucket(Bucket: str, **more: Any) -> Mapping[str, Any]:
        if Bucket != "mine":
            raise error("HeadBucket", "404", 404)
        return {"BucketRegion": region}

    def head(Bucket: str, Key: str) -> Mapping[str, Any]:
        if Bucket != "mine" or Key not in keys:
            raise error("HeadObject", "404", 404)
        return {"ContentLength": 1, **about}

    return {
        "s3.head_bucket": bucket,
        "s3.head_object": head,
        "s3.get_bucket_notification_configuration": {},
    }


def look(changes: dict[str, str], answers: Answers, account: Answers | None = None) -> Result:
    return one("Input files", changes, {**(account or good()), **answers})


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        (URL, ("sequences/x.fasta",)),
        ({"dataset.url": "s3://mine/x.fasta"}, ("x.fasta",)),
        (START, ("models/esm2/config.json", "models/esm2/model.safetensors")),
        (START, ("models/esm2/config.json", "models/esm2/model.safetensors.index.json")),
    ],
)
def test_existing_input_files_pass(changes: dict[str, str], keys: tuple[str, ...]) -> None:
    result = look(changes, s3(*keys))
    assert (result.verdict, result.remedy) == (Verdict.PASS, ())
    assert "s3://mine" in result.said


@pytest.mark.parametrize(
    ("changes", "keys", "missing", "copy"),
    [
        (
            URL,
            ("x.fasta",),
            "dataset.url: s3://mine/sequences/x.fasta does not exist",
            "aws s3 cp x.fasta s3://mine/sequences/x.fasta --region us-west-2",
        ),
        (
            START,
            ("models/esm2/config.json",),
            "training.start: s3://mine/models/esm2/model.safetensors or "
            "model.safetensors.index.json does not exist",
            "aws s3 cp esm2 s3://mine/models/esm2 --recursive --region us-west-2",
        ),
    ],
)
def test_a_missing_input_is_named_with_the_command_that_uploads_it(
    changes: dict[str, str], keys: tuple[str, ...], missing: str, copy: str
) -> None:
    result = look(changes, s3(*keys))
    assert (result.verdict, result.said) == (Verdict.FAIL, missing)
    assert commands(result) == [copy]


def test_a_bucket_in_another_region_fails_even_without_access() -> None:
    """S3 reports the region even to callers without access; FSx imports from no other."""

    def elsewhere(Bucket: str, **more: Any) -> Mapping[str, Any]:
        refusal = denied("HeadBucket")
        refusal.response["ResponseMetadata"]["HTTPHeaders"] = {"x-amz-bucket-region": "eu-west-1"}
        raise refusal

    for answers in (s3(region="eu-west-1"), {**s3(), "s3.head_bucket": elsewhere}):
        result = look(URL, answers)
        assert result.verdict is Verdict.FAIL
        assert "mine is in eu-west-1" in result.said
        assert of_kind(StepKind.LINK, result)


def test_an_input_that_the_caller_may_not_read_is_a_warning() -> None:
    refusals = {"s3.head_bucket": denied("HeadBucket"), "s3.head_object": denied("HeadObject")}
    result = look(URL, dict(refusals))
    assert result.verdict is Verdict.WARN
    assert "you may not read s3://mine/sequences/x.fasta" in result.said


@pytest.mark.parametrize(
    ("about", "verdict"),
    [
        ({"StorageClass": "GLACIER"}, Verdict.FAIL),
        ({"StorageClass": "DEEP_ARCHIVE", "Restore": 'ongoing-request="true"'}, Verdict.FAIL),
        ({"StorageClass": "GLACIER", "Restore": 'ongoing-request="false"'}, Verdict.PASS),
        ({"StorageClass": "GLACIER_IR"}, Verdict.PASS),
        ({"StorageClass": "STANDARD_IA"}, Verdict.PASS),
    ],
)
def test_an_archived_input_fails_until_it_is_restored(
    about: dict[str, str], verdict: Verdict
) -> None:
    assert look(URL, s3("sequences/x.fasta", **about)).verdict is verdict


@pytest.mark.parametrize(
    ("name", "event", "verdict"),
    [
        ("mine", "s3:ObjectCreated:Put", Verdict.WARN),
        ("mine", "s3:ObjectRemoved:*", Verdict.WARN),
        ("mine", "s3:ObjectRestore:*", Verdict.PASS),
        ("FSx", "s3:ObjectCreated:*", Verdict.PASS),
    ],
)
def test_event_notifications_that_fsx_needs_itself_are_a_warning(
    name: str, event: str, verdict: Verdict
) -> None:
    configuration = {
        "Id": name,
        "TopicArn": "arn:aws:sns:us-west-2:111122223333:a",
        "Events": [event],
    }
    answers = s3("sequences/x.fasta")
    answers["s3.get_bucket_notification_configuration"] = {"TopicConfigurations": [configuration]}
    assert look(URL, answers).verdict is verdict
    answers["s3.get_bucket_notification_configuration"] = denied("GetBucketNotification")
    assert look(URL, answers).verdict is Verdict.PASS


@pytest.mark.parametrize(("account", "verdict"), [(good, Verdict.WARN), (standing, Verdict.PASS)])
def test_an_input_on_fsx_is_a_warning_until_the_file_system_exists(
    account: Callable[[], Answers], verdict: Verdict
) -> None:
    result = look({"dataset.url": "/fsx/mine/x.fasta"}, {}, account())
    assert result.verdict is verdict
    assert "/fsx/mine/x.fasta" in result.said


def test_the_worst_finding_is_the_one_reported() -> None:
    result = look({**URL, **START}, s3("sequences/x.fasta"))
    assert result.verdict is Verdict.FAIL
    assert "config.json" in result.said
    assert "dataset.url" not in result.said


def linked(changes: dict[str, str], *existing: str) -> Result:
    answers = {
        "fsx.describe_data_repository_associations": {
            "Associations": [{"DataRepositoryPath": each} for each in existing]
        }
    }
    return one("FSx links", changes, {**standing(), **s3("sequences/x.fasta"), **answers})


OWN = [f"s3://bionemo-on-eks-111122223333-us-west-2/{each}" for each in ("processed", "results")]


@pytest.mark.parametrize(
    ("existing", "verdict", "words"),
    [
        ((), Verdict.PASS, "will link s3://mine/sequences at /input/"),
        (("s3://mine/sequences/",), Verdict.PASS, "all exist"),
        (("s3://mine/sequences-of-old/",), Verdict.PASS, "will link"),
        (("s3://mine/sequences/old",), Verdict.FAIL, "s3://mine/sequences/old, which is linked"),
        (("s3://mine",), Verdict.FAIL, "one contains the other"),
        (tuple(f"s3://other{each}" for each in range(6)), Verdict.FAIL, "at most 8"),
        (tuple(f"s3://other{each}" for each in range(5)), Verdict.PASS, "will link"),
    ],
)
def test_links_that_fsx_would_refuse_are_reported(
    existing: tuple[str, ...], verdict: Verdict, words: str
) -> None:
    """New links are created before the old ones are deleted."""
    result = linked(URL, *OWN, *existing)
    assert (result.verdict, words in result.said) == (verdict, True), result.said


def test_without_input_files_there_is_no_check() -> None:
    names = {each.name for each in preflight({}, good())}
    assert not names & {"Input files", "FSx links"}
