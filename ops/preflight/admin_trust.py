"""Who may assume the cluster's admin role: pinned to the caller."""

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

    Not the session, which ends. Returns what was written: nothing if the setting is set, if there
    is no such role because of `cluster.admins`, or for the account's root user. Raises IAM's error
    if it does not return the role.
    """
    cluster = deployment.settings.cluster
    if cluster.admin_trust or cluster.admins:
        return {}
    who = principal(deployment)
    if not re.match(PRINCIPAL_PATTERN, who):
        return {}
    write_setting(folder, SETTING, who)
    return {SETTING: who}
