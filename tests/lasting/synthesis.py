"""The app's templates for each of the sets of settings in sets.yaml."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from aws_cdk import App

from app import build
from tests.context import UNSTAGED, cdk_flags

SETS: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("sets.yaml").read_text(encoding="utf-8")
)
# The account of the VPC that is looked up; everything else is synthesized without an account.
_ACCOUNT = "111122223333"

Templates = dict[str, tuple[str, dict[str, Any]]]


@cache
def templates(name: str) -> Templates:
    """Return name and template of each stack, by id, synthesized from the set `name`."""
    chosen = SETS[name]
    settings = {"bionemo": chosen["bionemo"]}
    subnets = chosen.get("subnets")
    with mock.patch.dict(os.environ):
        os.environ.pop("CDK_DEFAULT_ACCOUNT", None)
        if subnets:
            os.environ["CDK_DEFAULT_ACCOUNT"] = _ACCOUNT
            settings |= dict.fromkeys(_looked_up(settings), _vpc(chosen, subnets))
        assembly = _synthesized(settings)
    return {each.id: (each.stack_name, each.template) for each in assembly.stacks}


def _synthesized(context: dict[str, Any]) -> Any:
    # Without settings in cdk.json given by their dotted paths.
    flags = {key: value for key, value in cdk_flags().items() if key.startswith("@")}
    app = App(
        context=flags | context | UNSTAGED,
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )
    build(app)
    return app.synth()


def _looked_up(context: dict[str, Any]) -> list[str]:
    """Return the context keys that the CDK command line would ask the account for."""
    manifest = Path(_synthesized(context).directory) / "manifest.json"
    missing = json.loads(manifest.read_text(encoding="utf-8")).get("missing", [])
    return [each["key"] for each in missing]


def _vpc(chosen: dict[str, Any], subnets: list[dict[str, str]]) -> dict[str, Any]:
    """Return what the command line would store about a VPC in cdk.context.json."""
    found = [
        {
            "subnetId": each["id"],
            "cidr": each["cidr"],
            "availabilityZone": each["zone"],
            "routeTableId": "rtb-0123456789abcdef0",
        }
        for each in subnets
    ]
    return {
        "vpcId": chosen["bionemo"]["network"]["vpc_id"],
        "vpcCidrBlock": "10.9.0.0/16",
        "ownerAccountId": _ACCOUNT,
        "availabilityZones": [],
        "subnetGroups": [{"name": "Private", "type": "Private", "subnets": found}],
    }
