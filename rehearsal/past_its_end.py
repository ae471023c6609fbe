"""The parts of a deployment that AWS no longer creates, but the local AWS does."""

from __future__ import annotations

import json
from datetime import date

from bionemo_eks.configuration.settings import Settings
from ops.preflight import versions


def only_the_version_has_ended(checks: str) -> bool:
    """Whether only the check of the Kubernetes version failed in `bionemo preflight --json`."""
    results = json.loads(checks or "[]")
    return {each["name"] for each in results if each["verdict"] == "fail"} == {versions.CHECK}


def refused_by_aws(settings: Settings, today: date) -> list[str]:
    """Return the parts of a deployment that AWS no longer creates."""
    release, parts = settings.release, []
    if today > release.extended_support_until:
        parts.append(f"Kubernetes {release.version} (ended {release.extended_support_until})")
    parts += [
        f"{each.name} (retired {each.retired})"
        for each in settings.gpu_instances
        if each.retired and today >= each.retired
    ]
    return parts
