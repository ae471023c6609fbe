"""The function that delays the removal of the file system until S3 has everything."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import types
from dataclasses import asdict
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from bionemo_eks.functions import await_export as function
from tests.context import ROOT

FILE_SYSTEM = "fs-0123456789abcdef0"
BUCKET = "some-bucket"
STREAMING = {
    "preparation": "streaming",
    "num_csv_files": 1,
    "files": [
        {"path": f"{split}/x000.csv", "rows": 1, "bytes": size, "sha256": "0" * 64}
        for split, size in (("val", 5), ("test", 6), ("train", 7))
    ],
}
# What the container's own preparation writes, then and now: only its parameters.
BIONEMO = {"preparation": "bionemo", "val_size": 1, "test_size": 1, "num_csv_files": 2, "seed": 0}
OF_BIONEMO = {f"{split}/x00{n}.csv": 9 for split in ("val", "test", "train") for n in (0, 1)}
OF_STREAMING = {"val/x000.csv": 5, "test/x000.csv": 6, "train/x000.csv": 7}


def in_bucket(manifest: object, files: dict[str, int]) -> Any:
    """A client that answers about a bucket with `files` (bytes by path) in two pages."""
    client = boto3.client(
        "s3", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stubber = Stubber(client)
    text = b"" if manifest is None else json.dumps(manifest).encode()
    whole = files if manifest is None else {**files, "_SUCCESS": len(text)}
    listed = [{"Key": f"processed/{path}", "Size": size} for path, size in whole.items()]
    asked = {"Bucket": BUCKET, "Prefix": "processed/"}
    first = {"Contents": listed[:2], "IsTruncated": True, "NextContinuationToken": "more"}
    stubber.add_response("list_objects_v2", first, asked)
    stubber.add_response(
        "list_objects_v2", {"Contents": listed[2:]}, {**asked, "ContinuationToken": "more"}
    )
    if manifest is not None:
        body = {"Body": io.BytesIO(text)}
        stubber.add_response("get_object", body, {"Bucket": BUCKET, "Key": "processed/_SUCCESS"})
    stubber.activate()
    return client


@pytest.mark.parametrize(
    ("manifest", "files", "missing"),
    [
        (STREAMING, OF_STREAMING, []),
        (STREAMING, OF_STREAMING | {"train/x000.csv": 0}, ["processed/train/x000.csv"]),
        (STREAMING, {"val/x000.csv": 5, "test/x000.csv": 6}, ["processed/train/x000.csv"]),
        # Other files there, such as the training's indexes, are not compared.
        (STREAMING, OF_STREAMING | {"train/x001.csv": 3, "a.idx.npy": 1}, []),
        (BIONEMO, OF_BIONEMO, []),
        (
            BIONEMO,
            {path: size for path, size in OF_BIONEMO.items() if "x001" not in path},
            [f"processed/{split}/x001.csv" for split in ("train", "val", "test")],
        ),
    ],
)
def test_what_the_manifest_lists_is_checked_against_the_bucket(
    manifest: Any, files: dict[str, int], missing: list[str]
) -> None:
    found = function.data_set(in_bucket(manifest, files), BUCKET, "processed")
    assert found is not None
    assert found.missing == missing
    assert found.files == (3 if manifest is STREAMING else 6)


@pytest.mark.parametrize("manifest", [None, "yes", [], {}, {"files": 3}, {"files": []}])
def test_where_no_manifest_lists_files_nothing_is_compared(manifest: object) -> None:
    """The data set is not complete; or another program's file has the name."""
    function.demand_data_set(in_bucket(manifest, OF_STREAMING), BUCKET, "processed", FILE_SYSTEM)


def test_the_manifest_that_it_reads_is_the_one_that_the_program_writes() -> None:
    """The function has its own copy of the manifest's name and keys."""
    code = """
import dataclasses, json, sys
sys.path[:0] = sys.argv[1:]
from layout import Split
from worker import Finished
from publish import MANIFEST, manifest_of
from segments import Found
from source import Facts
files = [Finished("val/x000.csv", 1, 2, "0")]
manifest = manifest_of("1", Split(1, 1), Facts("https://a/b"), Found(0, 0, {}), files)
print(json.dumps([MANIFEST, manifest]))
"""
    folders = [str(ROOT / "workloads" / each) for each in ("uniref50", "common")]
    done = subprocess.run(
        [sys.executable, "-c", code, *folders], capture_output=True, text=True, check=True
    )
    name, manifest = json.loads(done.stdout)
    assert name == function.MANIFEST
    found = function.data_set(in_bucket(manifest, {"val/x000.csv": 2}), BUCKET, "processed")
    assert found is not None
    assert asdict(found) == {"files": 1, "missing": []}


def test_a_data_set_that_is_incomplete_in_the_bucket_is_reported_with_how_to_export_it() -> None:
    with pytest.raises(function.NotExportedError) as error:
        function.demand_data_set(in_bucket(STREAMING, {}), BUCKET, "processed", FILE_SYSTEM)
    message = str(error.value)
    assert message.startswith(f"3 of the 3 files that processed/_SUCCESS in {BUCKET} lists ")
    assert f"create-data-repository-task --file-system-id {FILE_SYSTEM} --type EXPORT_TO" in message
    assert "--paths processed" in message
    assert "run cdk destroy again" in message


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str | None]]:
    """What CloudFormation received: status, physical id, reason."""
    received: list[tuple[str, str, str | None]] = []
    module: Any = types.ModuleType("cfnresponse")
    module.SUCCESS, module.FAILED = "SUCCESS", "FAILED"

    def send(
        event: Any, context: Any, status: str, data: Any, physical_id: str, reason: str | None
    ) -> None:
        received.append((status, physical_id, reason))

    module.send = send
    monkeypatch.setitem(sys.modules, "cfnresponse", module)
    return received


def event(kind: str) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "StackId": "arn:aws:cloudformation:us-west-2:111122223333:stack/bionemo-on-eks-storage/1",
        "LogicalResourceId": "ExportGuard1",
        "ResourceProperties": {
            "FileSystemId": FILE_SYSTEM,
            "Bucket": BUCKET,
            "Folder": "processed",
        },
    }


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_only_a_removal_waits(answers: Any, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.delattr(function, "boto3")
    function.handler(event(kind), None)
    assert answers == [("SUCCESS", FILE_SYSTEM, None)]


def test_a_removal_waits_for_the_queue_and_then_looks_for_the_data_set(
    answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str] = []
    monkeypatch.setattr(function, "await_export", lambda *all: waited.append(all[1]))
    s3 = in_bucket(STREAMING, {})
    monkeypatch.setattr("boto3.client", {"cloudwatch": None, "s3": s3}.get)
    function.handler(event("Delete"), None)
    ((status, _, reason),) = answers
    assert (status, waited) == ("FAILED", [FILE_SYSTEM])
    assert "3 of the 3 files" in reason
    assert reason.endswith("--retain-resources ExportGuard1")


def test_a_guard_created_without_a_bucket_only_waits(
    answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function, "await_export", lambda *all: None)
    monkeypatch.setattr("boto3.client", {"cloudwatch": None}.__getitem__)
    before = event("Delete")
    before["ResourceProperties"] = {"FileSystemId": FILE_SYSTEM}
    function.handler(before, None)
    assert answers == [("SUCCESS", FILE_SYSTEM, None)]


@pytest.mark.parametrize("error", [function.StillQueuedError("12 s"), OSError("no network")])
def test_any_error_is_reported_to_cloudformation_with_what_to_do(
    answers: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(function, "await_export", fail)
    monkeypatch.setattr("boto3.client", lambda name: None)
    function.handler(event("Delete"), None)
    ((status, physical_id, reason),) = answers
    assert (status, physical_id) == ("FAILED", FILE_SYSTEM)
    assert reason.startswith(f"{error}. To give it up: ")
    assert reason.endswith("stack/bionemo-on-eks-storage/1 --retain-resources ExportGuard1")


@pytest.mark.slow
def test_synthesis_does_without_boto3() -> None:
    """It takes a tenth of the time, and every cdk command synthesizes."""
    code = "import sys, app; sys.exit(any(each in sys.modules for each in ('boto3', 'botocore')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
