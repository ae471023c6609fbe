"""A rehearsal's own folder: nobody else's goes, and nothing of it stays unasked."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from rehearsal.workspace import WorkspaceError, keep, refuse_what_is_no_rehearsals, workspace


def stopped_by(error: type[BaseException], build: Path) -> Path:
    """Work in a folder until `error` comes; return the folder."""
    with suppress(error), workspace(build) as folder:
        for name in ("logs", "home"):
            (folder / name).mkdir()
            (folder / name / "file").touch()
        (folder / "local-aws.log").touch()
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
def test_a_failure_leaves_its_logs_until_the_next_and_an_end_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    folder = stopped_by(error, tmp_path)
    if error is KeyboardInterrupt:
        assert not folder.exists()
        return
    assert {each.name for each in folder.iterdir()} == {"logs", "local-aws.log"}
    os.utime(folder, (0, 0))
    with workspace(tmp_path):
        assert not folder.exists()


def test_what_is_kept_takes_an_earlier_rehearsals_place(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for number in ("1", "2"):
        with workspace(tmp_path) as folder:
            (folder / "aws-resources.yaml").write_text(number)
            refuse_what_is_no_rehearsals(kept)
            keep(folder, kept)
    assert [each.name for each in kept.iterdir()] == ["aws-resources.yaml"]
    assert (kept / "aws-resources.yaml").read_text() == "2"


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(WorkspaceError, match="holds other things"):
        refuse_what_is_no_rehearsals(tmp_path)
