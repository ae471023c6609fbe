"""A run's results in the bucket, read by the commands `curve` and `model get`."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.commands import curve, embed
from tests.ops.commands.command_line import Line
from tests.simulated.aws import Answers, error

BUCKET = "bionemo-on-eks-111122223333-us-west-2"
RUN = "esm2-train/esm2/8M"
ESM2 = ("-c", "training.workload=esm2")
WEIGHTS = bytes(1000)
OBJECTS = {
    f"{RUN}/metrics.jsonl": b"".join(
        json.dumps(each).encode() + b"\n"
        for each in (
            {"step": 10, "loss": 2.9, "tokens_per_second_per_gpu": 42000.4},
            {"step": 20, "loss": 1.45, "tokens_per_second_per_gpu": 43000.0},
            {"step": 20, "validation_loss": 1.5, "validation_accuracy": 0.512},
        )
    )
    + b'{"step": 3',
    f"{RUN}/model/export.json": json.dumps(
        {"files": {"model.safetensors": len(WEIGHTS), "config.json": 2}, "step": 20}
    ).encode(),
    f"{RUN}/model/model.safetensors": WEIGHTS,
    f"{RUN}/model/config.json": b"{}",
}


def bucket(objects: dict[str, bytes]) -> Answers:
    def get(Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == BUCKET
        if Key not in objects:
            raise error("GetObject", "NoSuchKey", 404)
        return {"Body": io.BytesIO(objects[Key])}

    return {"s3.get_object": get}


def test_the_curve_is_reported_step_by_step(line: Line) -> None:
    done = line(bucket(OBJECTS), "curve", *ESM2)
    assert done.exit_code == 0
    rows = [each.split() for each in done.stdout.splitlines() if each.strip()]
    assert ["10", "2.9000", "42,000"] in [row[:3] for row in rows]
    assert ["20", "1.4500", "1.5000", "0.512", "43,000"] in [row[:5] for row in rows]
    bars = [row[-1] for row in rows if row[0] in ("10", "20")]
    assert len(bars[0]) > len(bars[1]), "half the loss, half the bar"


def test_programs_get_the_lines_themselves(line: Line) -> None:
    found = json.loads(line(bucket(OBJECTS), "curve", "--json", *ESM2).stdout)
    assert [each["step"] for each in found] == [10, 20, 20]


def test_a_long_run_fits_the_terminal(line: Line) -> None:
    lines = [json.dumps({"step": step, "loss": 2.0}) for step in range(1, 5001)]
    objects = {f"{RUN}/metrics.jsonl": "\n".join(lines).encode()}
    out = line(bucket(objects), "curve", *ESM2).stdout
    assert len(out.splitlines()) < 40
    assert "5,000" in out, "the newest is among them"


def test_a_run_that_has_left_nothing_is_reported(line: Line) -> None:
    done = line(bucket({}), "curve", *ESM2)
    assert done.exit_code == 2
    assert f"s3://{BUCKET}/{RUN}/metrics.jsonl does not exist" in " ".join(done.stderr.split())


def test_a_workload_without_a_model_names_the_one_that_has_one(line: Line) -> None:
    done = line(bucket({}), "model", "get", "--out", "nowhere")
    assert done.exit_code == 2
    assert "-c training.workload=esm2" in done.stderr


def bars(*steps: tuple[int, float], every: int = 600) -> Answers:
    """CloudWatch with a progress bar for each step and loss, one per bin of time."""
    asked: dict[str, str] = {}

    def start(logGroupName: str, queryString: str, **more: Any) -> dict[str, str]:
        assert logGroupName == "/aws/containerinsights/bionemo-on-eks/application"
        assert "esm1nv-pretraining-worker-" in queryString
        found = re.search(r"by (bin\(\d+s\))", queryString)
        assert found
        asked["bin"] = found[1]
        return {"queryId": "1"}

    def results(queryId: str) -> dict[str, Any]:
        rows = []
        for number, (step, loss) in enumerate(steps):
            at = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=number * every)
            bar = f"Epoch 0: 1%| | {step}/1000 [00:10<08:10, 2.00it/s, reduced_train_loss={loss}]"
            rows.append(
                [
                    {"field": asked["bin"], "value": f"{at:%Y-%m-%d %H:%M:%S}.000"},
                    {"field": "line", "value": f"Epoch 0: 0%|\r{bar}\r"},
                ]
            )
        return {"status": "Complete", "results": rows[::-1]}

    return {"logs.start_query": start, "logs.get_query_results": results}


def test_the_curve_of_esm1nv_is_in_its_log(line: Line) -> None:
    """A restart went back to step 200: the steps after it were lost."""
    done = line(bars((100, 9.0), (200, 8.0), (300, 7.5), (250, 7.75), (350, 4.0)), "curve")
    assert done.exit_code == 0, done.stderr
    rows = [each.split() for each in done.stdout.splitlines() if "." in each]
    assert [row[:3] for row in rows[:4]] == [
        ["100", "9.0000", "2.00"],
        ["200", "8.0000", "2.00"],
        ["250", "7.7500", "2.00"],
        ["350", "4.0000", "2.00"],
    ]
    assert "tokens/s" not in done.stdout, "which ESM-1nv does not log"


def test_a_log_without_a_step_or_without_an_answer_is_reported(line: Line) -> None:
    done = line(bars(), "curve")
    assert done.exit_code == 2
    assert "contains no step yet" in done.stderr
    missing = error("StartQuery", "ResourceNotFoundException")
    done = line({"logs.start_query": missing}, "curve")
    assert done.exit_code == 2
    assert "nothing has run yet" in done.stderr


def test_a_picture_needs_the_trainings_environment(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve, "TRAINING_PYTHON", tmp_path / "none")
    monkeypatch.setattr(embed, "TRAINING_PYTHON", tmp_path / "none")
    for command in (
        ("curve", "--file", "a.png", *ESM2),
        ("embed", "--fasta", "a.fasta", "--model", "m"),
    ):
        done = line(bucket(OBJECTS), *command)
        assert done.exit_code == 2
        assert "make setup-training" in done.stderr


def test_the_model_is_downloaded_complete_and_overwrites_no_folder(
    line: Line, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    done = line(bucket(OBJECTS), "model", "get", "--out", str(folder), *ESM2)
    assert done.exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        key.rpartition("/")[2]: content for key, content in OBJECTS.items() if "/model/" in key
    }
    again = line(bucket(OBJECTS), "model", "get", "--out", str(folder), *ESM2)
    assert again.exit_code == 2
    assert "already exists" in again.stderr


def test_a_model_still_being_exported_leaves_no_partial_download(
    line: Line, tmp_path: Path
) -> None:
    for half in (
        {**OBJECTS, f"{RUN}/model/model.safetensors": WEIGHTS[:-1]},
        {key: each for key, each in OBJECTS.items() if not key.endswith("safetensors")},
    ):
        done = line(bucket(half), "model", "get", "--out", str(tmp_path / "model"), *ESM2)
        assert done.exit_code == 2
        assert "model.safetensors" in done.stderr
        assert not list(tmp_path.iterdir())
