"""Which checkpoint a start uses, and that none is ever partly there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from metrics import MetricsFile, line
from run_files import CHECKPOINT_LIST as LIST
from run_files import set_aside, whole_checkpoints
from whole import discard, publish, read_whole


def checkpoint(root: Path, step: int) -> Path:
    draft = root / ".unfinished" / f"step-{step:08d}"
    draft.mkdir(parents=True)
    for name in ("__0_0.distcp", ".metadata"):
        (draft / name).write_bytes(os.urandom(100))
    final = root / draft.name
    publish(draft, final, LIST, {"step": step, "identity": {}})
    return final


def test_the_newest_complete_one_counts_and_incomplete_ones_are_set_aside(tmp_path: Path) -> None:
    for step in (10, 20, 30, 40):
        checkpoint(tmp_path, step)
    (tmp_path / "step-00000040" / ".metadata").unlink()  # S3 has not brought it back yet
    with (tmp_path / "step-00000030" / "__0_0.distcp").open("ab") as file:
        file.write(b"more")
    (tmp_path / "step-00000050").mkdir()
    assert max(whole_checkpoints(tmp_path)) == 20
    names = ["step-00000030", "step-00000040", "step-00000050"]
    assert set_aside(tmp_path) == names
    assert sorted(whole_checkpoints(tmp_path)) == [10, 20]
    aside = [path.name for path in tmp_path.glob("incomplete-*")]
    assert sorted(name.rsplit("-", 1)[0] for name in aside) == [f"incomplete-{n}" for n in names]
    assert set_aside(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"files": 3}', '{"files": {"a": "b"}}'])
def test_a_checkpoint_with_an_unreadable_list_is_incomplete(tmp_path: Path, text: str) -> None:
    folder = checkpoint(tmp_path, 10)
    (folder / LIST).write_text(text)
    assert read_whole(folder, LIST) is None


def test_published_files_have_had_the_documented_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The permissions of each file change after it has its final name."""
    changed: dict[str, list[int]] = {}
    whole = Path.chmod

    def chmod(self: Path, mode: int) -> None:
        changed.setdefault(str(self.relative_to(tmp_path)), []).append(mode)
        whole(self, mode)

    monkeypatch.setattr(Path, "chmod", chmod)
    folder = checkpoint(tmp_path, 10)
    assert sorted(changed) == sorted(f"{folder.name}/{path.name}" for path in folder.iterdir())
    assert all(len(set(modes)) == 2 and modes[-1] == 0o644 for modes in changed.values())


def test_replaced_and_removed_folders_are_never_partly_there(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, 10)
    (folder / "old").write_text("")
    again = checkpoint(tmp_path, 10)
    assert not (again / "old").exists()
    assert read_whole(again, LIST) is not None
    discard(again, tmp_path / ".unfinished")
    assert not again.exists()
    assert [*(tmp_path / ".unfinished").iterdir()] == []


def test_metrics_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    first = MetricsFile(path, 0)
    for step in range(1, 6):
        first.write(step, loss=float(step))
    with path.open("a") as file:
        file.write('{"step": 6, "lo')
    MetricsFile(path, 3).write(4, loss=40.0)
    found = [json.loads(text) for text in path.read_text().splitlines()]
    assert [(each["step"], each["loss"]) for each in found] == [(1, 1), (2, 2), (3, 3), (4, 40)]


def test_a_line_has_what_a_user_needs() -> None:
    values = {
        **{"loss": 2.7182, "tokens_per_second_per_gpu": 96_000.0, "mfu": 0.431},
        **{"memory_gb": 61.2, "seconds_left": 7_500.0},
    }
    assert line(1000, 500_000, values) == (
        "step 1,000/500,000: loss 2.7182, 96,000 tokens/s/GPU, MFU 43.1%, 61.2 GB, 2 h 05 min left"
    )
