"""The actions that a deployment needs, from the templates' types and AWS's schemas of these."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import cfnlint
import yaml
from policy_sentry.querying.actions import get_action_data

from ops.preflight.permissions import NEEDED
from tests.lasting.synthesis import SETS, templates
from tests.needed_actions.by_hand import REMAINDER, UNUSED

_HEADER = """\
# The actions that CloudFormation's role needs to create and delete the stacks' resources, by type.
# Written by `python -m tests.needed_actions`, from the templates, AWS's resource schemas (from
# cfn-lint) and tests/needed_actions/by_hand.py, without names that are not actions in IAM.
"""
_SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
# Deploying creates resources; rolling back and replacing delete them.
_HANDLERS = ("create", "delete")


def types() -> set[str]:
    """Return the types of all resources that the app can create."""
    return {
        resource["Type"]
        for name in SETS
        for _, template in templates(name).values()
        for resource in template.get("Resources", {}).values()
        if resource["Type"] != "AWS::CDK::Metadata"
    }


def listed(kind: str) -> set[str]:
    """Return the actions that AWS's schema of a type lists, which may be none."""
    names = json.loads((_SCHEMAS / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    if kind not in names:
        return set()
    path = _SCHEMAS / "resources" / f"{names[kind]}.json"
    handlers = json.loads(path.read_text(encoding="utf-8")).get("handlers", {})
    return {
        action for name in _HANDLERS for action in handlers.get(name, {}).get("permissions", [])
    }


def is_known(action: str) -> bool:
    """Whether an action exists in IAM; schemas also list API calls that are not IAM actions."""
    service, _, name = action.partition(":")
    return bool(get_action_data(service, name))


def needed() -> dict[str, list[str]]:
    """Return the actions by type."""
    return {kind: sorted(_needed_for(kind)) for kind in sorted(types())}


def _needed_for(kind: str) -> Iterator[str]:
    yield from REMAINDER.get(kind, [])
    unused = UNUSED.get(kind, [])
    for action in listed(kind):
        if is_known(action) and not any(fnmatchcase(action, each) for each in unused):
            yield action


def write() -> None:
    """Rewrite the file."""
    NEEDED.write_text(_HEADER + yaml.safe_dump(needed(), sort_keys=False), encoding="utf-8")
