"""The list of actions that preflight asks IAM about: up to date, and free of mistakes."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
import yaml

from ops.preflight.permissions import NEEDED, needed_actions
from tests.needed_actions.by_hand import REMAINDER, UNUSED
from tests.needed_actions.generation import is_known, listed, needed, types


def test_the_file_has_what_the_templates_need() -> None:
    """Out of date? `python -m tests.needed_actions`."""
    assert yaml.safe_load(NEEDED.read_text(encoding="utf-8")) == needed()


def test_every_action_exists_in_iam() -> None:
    assert not [action for action in needed_actions() if not is_known(action)]


def test_actions_by_hand_are_for_types_whose_schema_lists_none() -> None:
    silent = {kind for kind in types() if not listed(kind)}
    assert set(REMAINDER) == silent


@pytest.mark.parametrize("kind", list(UNUSED))
def test_left_out_actions_are_in_the_schema(kind: str) -> None:
    """A pattern without matches is out of date."""
    assert kind in types()
    for pattern in UNUSED[kind]:
        assert any(fnmatchcase(action, pattern) for action in listed(kind)), pattern


@pytest.mark.parametrize(
    "action",
    [
        "iam:PassRole",
        "iam:AttachRolePolicy",
        "iam:CreateServiceLinkedRole",
        "eks:CreateNodegroup",
        "eks:CreateAddon",
        "eks:CreatePodIdentityAssociation",
        "eks:AssociateAccessPolicy",
        "kms:CreateGrant",
        "fsx:CreateDataRepositoryAssociation",
        "lambda:InvokeFunction",
    ],
)
def test_frequent_causes_of_failure_are_included(action: str) -> None:
    assert action in needed_actions()
