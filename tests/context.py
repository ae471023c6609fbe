"""What tests share about settings: cdk.json without its own settings, which a user may edit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bionemo_eks.configuration import reader
from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from bionemo_eks.configuration.messages import BLOCK
from bionemo_eks.configuration.reader import SettingsError, settings_model
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.workload import Workloads
from bionemo_eks.jobs.workloads import WORKLOADS

# The settings with those of the default workload.
MODEL = settings_model(next(iter(WORKLOADS.values())), WORKLOADS)
# The GPU types that the default workload can use.
USABLE = [
    name
    for name, each in GPU_INSTANCE_TYPES.items()
    if next(iter(WORKLOADS.values())).gpus.met_by(each)
]
# What a company's account may require.
COMPANY = {
    "account.permissions_boundary": "arn:aws:iam::111122223333:policy/teams/limits",
    "account.role_path": "/teams/biology/",
    "account.kms_key": "arn:aws:kms:us-west-2:111122223333:key/"
    "01234567-89ab-cdef-0123-456789abcdef",
}
# Otherwise each cloud assembly gets a copy of kubectl and helm, 57 MB.
UNSTAGED = {"aws:cdk:disable-asset-staging": True}
ROOT = Path(__file__).resolve().parents[1]
PINNED = ROOT / "cdk.context.json"


def cdk_flags(**settings: Any) -> dict[str, Any]:
    """Return CDK's feature flags and the like, and `settings` by their dotted paths."""
    project = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    return {key: value for key, value in project["context"].items() if key != BLOCK} | settings


def pinned() -> str:
    """Return what `cdk` and `bionemo preflight --pin` have written next to cdk.json."""
    return PINNED.read_text(encoding="utf-8") if PINNED.exists() else ""


def read_settings(context: Mapping[str, Any], workloads: Workloads = WORKLOADS) -> Settings:
    """Return the settings of `context`, with the project's workloads by default."""
    return reader.read_settings(context, workloads)


def refusal(context: Mapping[str, Any]) -> str:
    """Return the message with which the settings of `context` are refused."""
    with pytest.raises(SettingsError) as refused:
        read_settings(context)
    return str(refused.value)
