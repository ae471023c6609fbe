"""What `_SUCCESS` says, and what a later run does with it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from bench.uniref50_data import write_fasta
from tests.workloads.uniref50.harness import BEFORE_PUBLISHING, csv_files, run

pytestmark = pytest.mark.slow

SIZES = ("--val-size", "10", "--test-size", "100", "--num-csv-files", "5")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_fasta(folder / "a.fasta", 1000)
    done = run("--root", folder, "--fasta", folder / "a.fasta", *SIZES)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A private data set, made from `made`/a.fasta."""
    shutil.copytree(made / "processed", tmp_path / "processed")
    return tmp_path


def again(made: Path, root: Path, *options: str) -> Any:
    return run("--root", root, "--fasta", made / "a.fasta", *SIZES, *options)


def manifest(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "processed/_SUCCESS").read_text())
    return found


def test_the_manifest_describes_each_file(made: Path) -> None:
    found = manifest(made)
    assert found["records"] == 1000
    assert found["counts"] == {"val": 10, "test": 100, "train": 890}
    files = csv_files(made)
    assert {file["path"] for file in found["files"]} == set(files)
    for file in found["files"]:
        content = files[file["path"]]
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["bytes"] == len(content)
        assert file["rows"] == content.count(b"\n") - 1
    assert found["source"]["md5"] == hashlib.md5((made / "a.fasta").read_bytes()).hexdigest()


def test_a_complete_data_set_is_left_alone_at_once(made: Path, root: Path) -> None:
    before = manifest(root)
    done = again(made, root)
    assert done.returncode == 0
    # And nothing else: no stage has begun.
    assert "already complete, 1,000 records in 15 files; nothing to do" in done.stdout
    assert "read:" not in done.stdout
    assert manifest(root) == before


def test_another_data_set_is_not_overwritten(made: Path, root: Path) -> None:
    before = csv_files(root)
    done = again(made, root, "--seed", "7")
    assert done.returncode == 2
    assert "seed is 0, requested is 7" in done.stderr
    assert "--replace" in done.stderr
    assert csv_files(root) == before


def test_replace_leaves_nothing_of_the_old_one(made: Path, root: Path) -> None:
    before = csv_files(root)
    done = again(made, root, "--num-csv-files", "3", "--replace")
    assert done.returncode == 0, done.stderr
    assert len(csv_files(root)) == 9
    assert manifest(root)["num_csv_files"] == 3
    assert csv_files(root)["val/x000.csv"] != before["val/x000.csv"]


INDEXES = (
    "train/x000.csv.idx.npy",
    "train/x000.csv.idx.info",
    "fsx/processed/val/x001.csv.idx.npy",
    "__indexmap_128000000mns_512msl_0.00ssp_1234s.npy",
    "train/x000.csv_x000.csv_indexmap_19200mns_128msl_0.00ssp_42s.npy",
)


@pytest.mark.parametrize("options", [("--seed", "7", "--replace"), ()])
def test_a_trainings_indexes_of_other_files_are_removed(
    made: Path, root: Path, options: tuple[str, ...]
) -> None:
    """NeMo uses any it finds: it would read the new files at the old places, or miss records."""
    for name in INDEXES:
        (root / "processed" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "processed" / name).write_bytes(b"old")
    assert again(made, root, *options).returncode == 0
    left = [name for name in INDEXES if (root / "processed" / name).exists()]
    assert left == ([] if options else list(INDEXES)), "of the same files they stay"


def test_the_same_file_by_another_path_is_the_same(made: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    shutil.copy(made / "a.fasta", tmp_path / "real")
    (tmp_path / "real/RELEASE.metalink").write_text(
        '<metalink version="3.0"><version>2026_04</version><files/></metalink>'
    )
    (tmp_path / "link").symlink_to(tmp_path / "real")
    url = (tmp_path / "link/a.fasta").as_uri()
    options = ("--root", tmp_path / "root", "--url", url, *SIZES)
    assert run(*options).returncode == 0
    assert "nothing to do" in run(*options).stdout


def test_other_content_of_the_same_size_is_another_data_set(made: Path, tmp_path: Path) -> None:
    source, root = tmp_path / "a.fasta", tmp_path / "root"
    shutil.copy(made / "a.fasta", source)
    options = ("--root", root, "--fasta", source, *SIZES)
    assert run(*options).returncode == 0
    os.utime(source, ns=(1, 1))
    assert "nothing to do" in run(*options).stdout, "a copy is the same file"
    text = source.read_bytes()
    source.write_bytes(text[:-5] + b"AAAA\n")
    assert len(text) == source.stat().st_size
    done = run(*options)
    assert done.returncode == 2
    assert "the source has changed" in done.stderr


@pytest.mark.parametrize("text", ['{"source": "a"}', "[]", "no JSON", "{}"])
def test_an_invalid_manifest_is_named(made: Path, root: Path, text: str) -> None:
    (root / "processed/_SUCCESS").write_text(text)
    done = again(made, root)
    assert done.returncode == 2
    assert "describes another data set" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_to_do_leaves_a_kept_download_alone(made: Path, root: Path) -> None:
    kept = root / "raw/download/uniref50.fasta.gz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"kept")
    assert "nothing to do" in again(made, root).stdout
    assert kept.exists()


def test_a_changed_source_is_another_data_set(made: Path, root: Path, tmp_path: Path) -> None:
    source = tmp_path / "b.fasta"
    shutil.copy(made / "a.fasta", source)
    assert run("--root", root, "--fasta", source, *SIZES).returncode == 2


def test_the_marker_of_the_containers_own_preparation_is_another_data_set(
    made: Path, root: Path
) -> None:
    """As prepare_with_bionemo.py leaves it."""
    (root / "processed/_SUCCESS").write_text(json.dumps({"preparation": "bionemo", "seed": 0}))
    done = again(made, root)
    assert done.returncode == 2
    assert 'preparation is "bionemo", requested is "streaming"' in done.stderr


@pytest.mark.parametrize("harm", ["missing", "short"])
def test_a_damaged_data_set_is_recreated(made: Path, root: Path, harm: str) -> None:
    right = csv_files(root)
    victim = root / "processed/train/x002.csv"
    if harm == "missing":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:-5])
    done = again(made, root)
    assert done.returncode == 0, done.stderr
    assert "1 of its files are missing or damaged (train/x002.csv): recreating them" in done.stdout
    assert csv_files(root) == right


def test_files_without_a_manifest_are_recreated(made: Path, root: Path) -> None:
    """An earlier deployment ended while publishing."""
    right = csv_files(root)
    (root / "processed/_SUCCESS").unlink()
    (root / "processed/train/x000.csv").write_text("half")
    assert again(made, root).returncode == 0
    assert csv_files(root) == right


ANNOUNCED = 0o644
LONG_AGO = 1_000_000_000


@pytest.mark.parametrize("moved", [False, True])
def test_each_published_file_is_changed_in_place(made: Path, tmp_path: Path, moved: bool) -> None:
    """FSx exports a change of permissions or times; for a move into its folder it promises nothing.

    Also for files that an earlier run moved before it was killed.
    """
    arguments = ("--root", tmp_path, "--fasta", made / "a.fasta", *SIZES)
    assert run(*arguments, fault=BEFORE_PUBLISHING).returncode == 9
    drafts = sorted((tmp_path / "raw/work/processed").glob("*/*.csv"))
    assert len(drafts) == 15
    for draft in drafts:
        assert draft.stat().st_mode & 0o777 != ANNOUNCED
        os.utime(draft, (LONG_AGO, LONG_AGO))
        if moved:
            final = tmp_path / "processed" / draft.parent.name / draft.name
            final.parent.mkdir(exist_ok=True)
            draft.rename(final)
    began = time.time()
    assert run(*arguments).returncode == 0
    files = sorted((tmp_path / "processed").glob("*/*.csv"))
    assert len(files) == 15
    for file in files:
        assert file.stat().st_mode & 0o777 == ANNOUNCED
        assert file.stat().st_mtime >= began - 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--global-batch-size", 10), ""),
        (("--global-batch-size", 11), "the split val has 10 rows, too few for one global batch"),
        (("--global-batch-size", 5, "--num-csv-files", 11), "the split val has 10 rows, too few"),
        (("--global-batch-size", 5, "--val-size", 0), "the split val has 0 rows"),
        (
            ("--global-batch-size", 200, "--val-size", 300, "--test-size", 600),
            "the split train has",
        ),
        (("--val-size", 0), ""),
    ],
)
def test_a_data_set_that_the_training_cannot_use_is_refused(
    options: tuple[object, ...], message: str, made: Path, tmp_path: Path
) -> None:
    """Before a GPU node starts; each time, even if it is complete."""
    arguments = ("--root", tmp_path, "--fasta", made / "a.fasta", *SIZES)
    done = run(*arguments, *options)
    assert done.returncode == (2 if message else 0), done.stderr
    assert message in done.stderr
    assert (tmp_path / "processed/_SUCCESS").exists() == (not message)
    if message:
        plain = [each for each in options if each not in options[:2]]
        assert run(*arguments, *plain).returncode == 0
        again = run(*arguments, *options)
        assert again.returncode == 2
        assert message in again.stderr
