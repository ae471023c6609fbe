"""`bionemo checkpoint`: the newest complete one, where it is, and how to get it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ops.commands.command_line import Line
from tests.ops.status.deployments import metrics
from tests.simulated.answers import file_system
from tests.simulated.aws import Answers, denied, error

BUCKET = "bionemo-on-eks-111122223333-us-west-2"
ESM2 = "esm2-train/esm2/8M/checkpoints"
OF_ESM2 = ("-c", "training.workload=esm2")
BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)


def archive() -> bytes:
    """What torch.save writes, as far as it matters here."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("archive/data.pkl", b"x" * 1000)
    return out.getvalue()


WHOLE = archive()


def bucket(*objects: tuple[str, bytes], **more: Any) -> Answers:
    """Objects in the order in which they were written."""
    content = dict(objects)

    def listed(Bucket: str, Prefix: str, **more: Any) -> dict[str, Any]:
        assert Bucket == BUCKET
        return {
            "Contents": [
                {"Key": key, "Size": len(data), "LastModified": BEGAN + timedelta(minutes=n)}
                for n, (key, data) in enumerate(content.items())
                if key.startswith(Prefix)
            ]
        }

    def get(Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:
        data = content[Key]
        if Range:
            first, _, last = Range.removeprefix("bytes=").partition("-")
            data = data[int(first) : int(last) + 1] if first else data[-int(last) :]
        return {"Body": io.BytesIO(data)}

    return {"s3.list_objects_v2": listed, "s3.get_object": get, **more}


def waiting(seconds: float) -> Answers:
    return {
        "fsx.describe_file_systems": {"FileSystems": [file_system()]},
        "cloudwatch.get_metric_statistics": metrics(seconds),
    }


def of_step(step: int, *lost: str, cut: Sequence[str] = ()) -> list[tuple[str, bytes]]:
    """The files of a checkpoint of ESM-2, the list last."""
    files = {".metadata": b"m" * 10, "__0_0.distcp": b"w" * 100}
    folder = f"{ESM2}/step-{step:08d}"
    listed = {"files": {name: len(data) for name, data in files.items()}, "step": step}
    return [
        *(
            (f"{folder}/{name}", data[:5] if name in cut else data)
            for name, data in files.items()
            if name not in lost
        ),
        (f"{folder}/checkpoint.json", json.dumps(listed).encode()),
    ]


@pytest.fixture
def esm1nv(line: Line) -> str:
    """The folder of the default run's checkpoints, as the command shows it."""
    text = " ".join(line(bucket(), "checkpoint").stderr.split())
    return text.partition(f"s3://{BUCKET}/")[2].split()[0] + "checkpoints"


def test_the_newest_complete_checkpoint_is_reported_in_s3_and_on_fsx(
    line: Line, esm1nv: str
) -> None:
    files = [(f"{esm1nv}/step={n}.ckpt", WHOLE) for n in (100, 200)]
    results = esm1nv.removesuffix("/checkpoints")
    files += [(f"{results}/log.txt", b"x"), (f"{results}/set-aside/1/a/old.ckpt", WHOLE)]
    done = line(bucket(*files), "checkpoint")
    assert done.exit_code == 0
    newest = f"{esm1nv}/step=200.ckpt"
    assert f"s3://{BUCKET}/{newest}" in done.stdout.splitlines()[0]
    assert f"/fsx/{newest}" in done.stdout
    assert f"aws s3 cp s3://{BUCKET}/{newest} FOLDER/" in done.stdout


@pytest.mark.parametrize("broken", [WHOLE[:-1], WHOLE[:500], WHOLE[:-30] + bytes(30)])
def test_a_truncated_checkpoint_is_skipped_and_named(
    line: Line, esm1nv: str, broken: bytes
) -> None:
    files = [(f"{esm1nv}/old.ckpt", WHOLE), (f"{esm1nv}/new-last.ckpt", broken)]
    done = line(bucket(*files), "checkpoint")
    assert done.exit_code == 1
    assert f"s3://{BUCKET}/{esm1nv}/old.ckpt" in done.stdout
    assert f"newer, but incomplete: {esm1nv}/new-last.ckpt" in done.stdout


@pytest.mark.parametrize(
    ("newer", "whole"),
    [
        (of_step(300), 300),
        (of_step(300, "__0_0.distcp"), 200),
        (of_step(300, cut=["__0_0.distcp"]), 200),
        ([(f"{ESM2}/step-00000300/checkpoint.json", b'{"files"')], 200),
    ],
)
def test_a_checkpoint_folder_is_complete_only_with_all_its_files(
    line: Line, newer: list[tuple[str, bytes]], whole: int
) -> None:
    done = line(bucket(*of_step(100), *of_step(200), *newer), "checkpoint", *OF_ESM2)
    assert done.exit_code == (0 if whole == 300 else 1)
    folder = f"{ESM2}/step-{whole:08d}/"
    assert f"/fsx/{folder}" in done.stdout
    assert f"aws s3 cp --recursive s3://{BUCKET}/{folder} FOLDER/" in done.stdout


def test_files_waiting_for_export_are_reported(line: Line) -> None:
    done = line(bucket(*of_step(100), **waiting(40.0)), "checkpoint", *OF_ESM2)
    assert done.exit_code == 1
    assert "waiting for export" in done.stdout
    assert line(bucket(*of_step(100), **waiting(0.0)), "checkpoint", *OF_ESM2).exit_code == 0


def test_programs_get_json(line: Line) -> None:
    done = line(bucket(*of_step(100)), "checkpoint", "--json", *OF_ESM2)
    document = json.loads(done.stdout)
    assert document["newest"]["fsx"] == f"/fsx/{ESM2}/step-00000100/"
    assert len(document["newest"]["files"]) == 3
    assert (document["not_whole"], document["exporting"]) == ([], False)


def test_a_download_has_all_files_and_overwrites_no_folder(line: Line, tmp_path: Path) -> None:
    out = tmp_path / "it"
    done = line(bucket(*of_step(100)), "checkpoint", "--out", str(out), *OF_ESM2)
    assert done.exit_code == 0, done.stderr
    assert {each.name for each in out.iterdir()} == {".metadata", "__0_0.distcp", "checkpoint.json"}
    again = line(bucket(*of_step(100)), "checkpoint", "--out", str(out), *OF_ESM2)
    assert again.exit_code == 2
    assert "already exists" in again.stderr


@pytest.mark.parametrize(
    "answers",
    [
        bucket(),
        {"s3.list_objects_v2": error("ListObjectsV2", "NoSuchBucket", 404)},
        {"s3.list_objects_v2": denied("ListObjectsV2")},
    ],
)
def test_without_a_checkpoint_the_message_says_where_it_was_looked_for(
    line: Line, answers: Answers
) -> None:
    done = line(answers, "checkpoint")
    assert done.exit_code == 2
    assert f"s3://{BUCKET}/esm1nv-train/" in done.stderr
    assert done.stdout == ""
