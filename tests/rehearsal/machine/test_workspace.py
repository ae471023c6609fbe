"""A rehearsal removes its own folder and no other, and keeps only what it should."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from rehearsal.machine.workspace import (
    TRAINED,
    WORK,
    WorkspaceError,
    keep,
    refuse_unusable_folder,
    workspace,
)


def stopped_by(error: type[BaseException], build: Path) -> Path:
    """Work in a folder until `error` is raised; return the folder."""
    with suppress(error), workspace(build) as folder:
        for name in ("logs", "home"):
            (folder / name).mkdir()
            (folder / name / "file").touch()
        raise error
    return folder


def test_two_rehearsals_do_not_touch_each_other(tmp_path: Path) -> None:
    with workspace(tmp_path) as one:
        (one / "mine").touch()
        os.utime(one, (0, 0))
        with workspace(tmp_path) as other:
            assert one != other
            assert (one / "mine").exists()
        assert not other.exists()
    assert not one.exists()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_logs_until_the_next_and_ctrl_c_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    folder = stopped_by(error, tmp_path)
    if error is KeyboardInterrupt:
        assert not folder.exists()
        return
    assert {each.name for each in folder.iterdir()} == {"logs"}
    os.utime(folder, (0, 0))
    with workspace(tmp_path):
        assert not folder.exists()


def test_the_message_of_a_failure_says_where_its_logs_are(tmp_path: Path) -> None:
    error, early = ValueError("cdk deploy failed."), ValueError("A port is taken.")
    with suppress(ValueError), workspace(tmp_path) as folder:
        (folder / "logs").mkdir()
        raise error
    assert error.__notes__ == [f"  The logs stay until the next rehearsal: {folder}/logs"]
    with suppress(ValueError), workspace(tmp_path) as folder:
        raise early
    assert not hasattr(early, "__notes__")
    assert not folder.exists()


def test_a_users_folder_is_not_swept(tmp_path: Path) -> None:
    mine = tmp_path / "rehearsal-mine"
    mine.mkdir()
    os.utime(mine, (0, 0))
    with workspace(tmp_path) as folder:
        assert folder.parent == tmp_path / WORK
    assert mine.exists()


def test_what_is_kept_replaces_an_earlier_rehearsals(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    itself = kept.stat().st_ino
    for number in ("1", "2"):
        with workspace(tmp_path) as folder:
            for name in ("kubernetes", "logs", "state", "tools"):
                (folder / name).mkdir()
                (folder / name / number).touch()
            (folder / "aws-resources.yaml").write_text(number)
            (folder / "charts.yaml").write_text(number)
            refuse_unusable_folder(kept)
            keep(folder, kept)
    # The results, and none of the working files.
    assert sorted(str(each.relative_to(kept)) for each in kept.rglob("*")) == [
        *("aws-resources.yaml", "charts.yaml", "kubernetes", "kubernetes/2", "logs", "logs/2"),
    ]
    assert (kept / "aws-resources.yaml").read_text() == "2"
    # It may be a mount, or the target of a link.
    assert kept.stat().st_ino == itself


def test_an_earlier_rehearsal_that_cannot_be_removed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept" / "kubernetes").mkdir(parents=True)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(
        WorkspaceError, match=r"results in .*kept: Permission denied\.\n .*--folder"
    ):
        keep(tmp_path / "work", tmp_path / "kept")


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(WorkspaceError, match="not from a rehearsal"):
        refuse_unusable_folder(tmp_path)


@pytest.mark.parametrize("parent", ["/proc", "/proc/1/no", "{tmp_path}/file"])
def test_an_unwritable_place_is_refused_before_the_run(parent: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = Path(parent.format(tmp_path=tmp_path)) / "kept"
    with pytest.raises(
        WorkspaceError, match=f"Cannot keep the results in {kept}(?s:.*)--folder FOLDER"
    ):
        refuse_unusable_folder(kept)


def test_a_writable_place_stays_as_it_is(tmp_path: Path) -> None:
    refuse_unusable_folder(tmp_path / "kept")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("build", ["/proc/build", "{tmp_path}/file"])
def test_an_unwritable_build_folder_is_reported(build: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = Path(build.format(tmp_path=tmp_path))
    with pytest.raises(WorkspaceError, match=rf"cannot work in {place}: .*\n  Make that folder"):
        stopped_by(ValueError, place)


def test_a_full_disk_is_reported_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=5 * 2**20))
    with pytest.raises(WorkspaceError, match=r"has 5 MB left on its disk; .*\n  Free some space"):
        stopped_by(ValueError, tmp_path)
    assert list((tmp_path / WORK).iterdir()) == []


def test_a_training_replaces_only_the_earlier_training(tmp_path: Path) -> None:
    kept, folder = tmp_path / "kept", tmp_path / "work"
    for place, text in ((kept, "old"), (folder, "new")):
        (place / TRAINED).mkdir(parents=True)
        (place / TRAINED / text).touch()
        (place / "aws-resources.yaml").write_text(text)
    keep(folder, kept, [TRAINED])
    assert [each.name for each in (kept / TRAINED).iterdir()] == ["new"]
    assert (kept / "aws-resources.yaml").read_text() == "old"
