"""The list of actions that preflight asks IAM for: up to date, and nothing in it by mistake."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
import yaml

from ops.preflight.permissions import NEEDED, needed_actions
from tests.needed_actions.by_hand import REMAINDER, UNUSED
from tests.needed_actions.generation import is_known, listed, needed, types


def test_the_file_is_what_the_templates_need() -> None:
    """Out of date? `python -m tests.needed_actions`."""
    assert yaml.safe_load(NEEDED.read_text(encoding="utf-8")) == needed()


def test_every_action_is_one_of_iams() -> None:
    assert not [action for action in needed_actions() if not is_known(action)]


def test_what_stands_by_hand_is_for_types_whose_schema_says_nothing() -> None:
    silent = {kind for kind in types() if not listed(kind)}
    assert set(REMAINDER) == silent


@pytest.mark.parametrize("kind", list(UNUSED))
def test_what_is_left_out_is_in_the_schema(kind: str) -> None:
    """A pattern that meets nothing is out of date."""
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
def test_what_deployments_fail_for_is_asked(action: str) -> None:
    assert action in needed_actions()
