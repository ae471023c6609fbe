"""Who may assume the cluster's admin role: pinned to whoever deploys."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bionemo_eks.configuration.cdk_context import read_file
from bionemo_eks.configuration.reader import BLOCK
from bionemo_eks.configuration.settings import PRINCIPAL_PATTERN
from ops.aws import Deployment
from ops.preflight.permissions import principal

SETTING = "cluster.admin_trust"
_FILE = "cdk.json"


def pin(deployment: Deployment, folder: Path) -> dict[str, str]:
    """Write the caller's role, or user, to `folder`/cdk.json as `cluster.admin_trust`.

    Not its session, which ends. Returns what has been written: nothing where the setting is set,
    where `cluster.admins` leave no such role, and for the account's root user. Raises what IAM
    answers when it does not tell the role.
    """
    cluster = deployment.settings.cluster
    if cluster.admin_trust or cluster.admins:
        return {}
    who = principal(deployment)
    if not re.match(PRINCIPAL_PATTERN, who):
        return {}
    path = folder / _FILE
    content = read_file(path)
    block = content.setdefault("context", {}).setdefault(BLOCK, {})
    group, _, key = SETTING.partition(".")
    block.setdefault(group, {})[key] = who
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return {SETTING: who}
