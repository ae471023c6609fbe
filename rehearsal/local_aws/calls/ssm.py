"""EKS's public parameters, which the emulator lacks: the newest release of the GPU nodes' AMI.

https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from ministack import app

from rehearsal.local_aws.calls.routing import Answer

_RELEASE = re.compile(r"/aws/service/eks/optimized-ami/(\d+\.\d+)/\S+/nvidia/\S+/release_version")
# A release on which GPU nodes start: https://github.com/awslabs/amazon-eks-ami/issues/2845
_DAY = "20261012"


def register() -> None:
    """Answer for these parameters; the emulator answers for all others."""
    original = app.SERVICE_HANDLERS["ssm"]

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        asked = json.loads(body or b"{}") if action == "GetParameter" else {}
        release = _RELEASE.fullmatch(asked.get("Name", ""))
        if release is None:
            return await original(method, path, headers, body, query)
        return _parameter(asked["Name"], f"{release[1]}.0-{_DAY}")

    app.SERVICE_HANDLERS["ssm"] = handle


def _parameter(name: str, value: str) -> Answer:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html"""
    answer = {"Parameter": {"Name": name, "Type": "String", "Value": value, "Version": 1}}
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
