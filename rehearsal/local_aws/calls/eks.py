"""EKS calls that the emulator lacks: scaling, and the available versions.

https://docs.aws.amazon.com/eks/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from ops.reasons import NOT_IN_A_REHEARSAL
from rehearsal.local_aws import private
from rehearsal.local_aws.calls import routing

_PATH = re.compile(r"^/clusters/([^/]+)/node-groups/([^/]+)/update-config$")


def register() -> None:
    """Put the calls before the emulator's own EKS."""
    routing.put_before("eks", _find)


def _find(method: str, path: str, headers: Mapping[str, str]) -> routing.Action | None:
    if method == "GET" and path in _VERSIONS:
        return _VERSIONS[path]
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


def _cluster_versions(asked: dict[str, Any]) -> dict[str, Any]:
    """The versions in the project's table whose support has not ended."""
    today = datetime.now(UTC).date()
    wanted = asked.get("clusterVersions", list(KUBERNETES_RELEASES))
    return {
        "clusterVersions": [
            {
                "clusterVersion": name,
                "versionStatus": (
                    "STANDARD_SUPPORT"
                    if today <= each.standard_support_until
                    else "EXTENDED_SUPPORT"
                ),
                "endOfStandardSupportDate": _seconds(each.standard_support_until),
                "endOfExtendedSupportDate": _seconds(each.extended_support_until),
            }
            for name, each in KUBERNETES_RELEASES.items()
            if name in wanted and today <= each.extended_support_until
        ]
    }


def _seconds(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


def _addon_versions(asked: dict[str, Any]) -> dict[str, Any]:
    """The add-on versions in the project's table for one Kubernetes version."""
    (version,) = asked.get("kubernetesVersion", [""])
    release = KUBERNETES_RELEASES.get(version)
    wanted = asked.get("addonName", release.addons if release else [])
    return {
        "addons": [
            {"addonName": name, "addonVersions": [{"addonVersion": release.addons[name]}]}
            for name in wanted
            if release and name in release.addons
        ]
    }


def _addon_schema(asked: dict[str, Any]) -> dict[str, Any]:
    raise routing.CallError(400, NOT_IN_A_REHEARSAL, "An add-on's schema comes only from AWS")


_VERSIONS: dict[str, routing.Action] = {
    "/cluster-versions": _cluster_versions,
    "/addons/supported-versions": _addon_versions,
    "/addons/configuration-schemas": _addon_schema,
}
