"""An export in use cannot be changed or removed."""

from __future__ import annotations

import pytest

from rehearsal.local_aws.corrections.exports_in_use import refuse_what_is_in_use

EXPORTED = {"storage:FileSystem": "fs-1", "storage:Free": "a"}
USERS = {"storage:FileSystem": ["workload", "observability"]}


def refuse(wanted: dict[str, str]) -> None:
    refuse_what_is_in_use(EXPORTED, wanted, lambda name: USERS.get(name, []))


def test_an_export_in_use_may_stay_and_others_may_change_or_be_removed() -> None:
    refuse({"storage:FileSystem": "fs-1"})
    refuse({"storage:FileSystem": "fs-1", "storage:Free": "b"})


def test_an_export_in_use_cannot_change() -> None:
    with pytest.raises(ValueError, match="updated as it is in use by workload, observability"):
        refuse({**EXPORTED, "storage:FileSystem": "fs-2"})


def test_an_export_in_use_cannot_be_removed() -> None:
    with pytest.raises(ValueError, match="storage:FileSystem cannot be deleted"):
        refuse({"storage:Free": "a"})
