"""Who may assume the cluster's admin role: pinned to whoever deploys."""

from __future__ import annotations

import re
from pathlib import Path

from bionemo_eks.configuration.forms import PRINCIPAL_PATTERN
from ops.aws import Deployment
from ops.cdk_json import write_setting
from ops.preflight.permissions import principal

SETTING = "cluster.admin_trust"


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
    write_setting(folder, SETTING, who)
    return {SETTING: who}
