"""`eks:UpdateNodegroupConfig`, which the emulator lacks: what an autoscaler does to a node group.

https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from ministack import app
from ministack.services import eks

from rehearsal.handlers import new_id

_PATH = re.compile(r"^/clusters/([^/]+)/node-groups/([^/]+)/update-config$")
Answer = tuple[int, dict[str, str], bytes]
_JSON = {"Content-Type": "application/json"}


def register() -> None:
    """Put the call in front of the emulator's own EKS."""
    original = app.SERVICE_HANDLERS["eks"]

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        asked = _PATH.match(path)
        if method == "POST" and asked:
            return _update(asked[1], asked[2], json.loads(body))
        answer: Answer = await original(method, path, headers, body, query)
        return answer

    app.SERVICE_HANDLERS["eks"] = handle


def _update(cluster: str, name: str, asked: dict[str, Any]) -> Answer:
    group = eks._nodegroups.get(f"{cluster}/{name}")
    if group is None:
        refused = {"message": f"No node group found for name: {name}."}
        return 404, {**_JSON, "x-amzn-errortype": "ResourceNotFoundException"}, _bytes(refused)
    group["scalingConfig"] = {**group["scalingConfig"], **asked.get("scalingConfig", {})}
    update = {"id": new_id("update"), "status": "Successful", "type": "ConfigUpdate"}
    return 200, _JSON, _bytes({"update": update})


def _bytes(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode()
