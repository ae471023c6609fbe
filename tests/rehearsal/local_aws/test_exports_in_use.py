"""An export in use holds its stack as it is."""

from __future__ import annotations

import pytest

from rehearsal.local_aws.corrections.exports_in_use import refuse_what_is_in_use

ID = "arn:aws:cloudformation:us-west-2:111122223333:stack/storage/1"
STANDING = {
    "storage:FileSystem": {"StackId": ID, "Name": "storage:FileSystem", "Value": "fs-1"},
    "storage:Free": {"StackId": ID, "Name": "storage:Free", "Value": "a"},
    "network:Vpc": {"StackId": "other", "Name": "network:Vpc", "Value": "vpc-1"},
}
USERS = {"storage:FileSystem": ["workload", "observability"], "network:Vpc": ["storage"]}


def refuse(wanted: dict[str, dict[str, str]]) -> None:
    refuse_what_is_in_use(STANDING, wanted, ID, lambda name: USERS.get(name, []))


def test_an_export_in_use_may_stay_and_others_may_change_or_go() -> None:
    kept = STANDING["storage:FileSystem"]
    refuse({"storage:FileSystem": kept})
    refuse({"storage:FileSystem": kept, "storage:Free": {**kept, "Value": "b"}})


def test_an_export_in_use_cannot_change() -> None:
    changed = {**STANDING["storage:FileSystem"], "Value": "fs-2"}
    told = "Export storage:FileSystem cannot be updated as it is in use by workload, observability"
    with pytest.raises(ValueError, match=told):
        refuse({"storage:FileSystem": changed})


def test_an_export_in_use_cannot_go() -> None:
    with pytest.raises(ValueError, match="Export storage:FileSystem cannot be deleted as it is in"):
        refuse({"storage:Free": STANDING["storage:Free"]})
