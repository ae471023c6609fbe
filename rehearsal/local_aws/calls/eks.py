"""`eks:UpdateNodegroupConfig`, which the emulator lacks: what an autoscaler does to a node group.

https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from rehearsal.local_aws import private
from rehearsal.local_aws.calls import routing

_PATH = re.compile(r"^/clusters/([^/]+)/node-groups/([^/]+)/update-config$")


def register() -> None:
    """Put the call in front of the emulator's own EKS."""
    routing.put_before("eks", _find)


def _find(method: str, path: str, headers: Mapping[str, str]) -> routing.Action | None:
    named = _PATH.match(path)
    if method != "POST" or named is None:
        return None
    cluster, name = named.groups()
    return lambda asked: _update(cluster, name, asked)


def _update(cluster: str, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    group = private.NODE_GROUPS.value.get(f"{cluster}/{name}")
    if group is None:
        message = f"No node group found for name: {name}."
        raise routing.CallError(404, "ResourceNotFoundException", message)
    group["scalingConfig"] = {**group["scalingConfig"], **asked.get("scalingConfig", {})}
    return {"update": {"id": str(uuid.uuid4()), "status": "Successful", "type": "ConfigUpdate"}}
