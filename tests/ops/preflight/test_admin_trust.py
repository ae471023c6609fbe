"""`preflight --pin`: the caller becomes the one who may assume the cluster's admin role."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.jobs.workloads import WORKLOADS
from ops.preflight.admin_trust import pin
from tests.simulated.accounts import good, simulated_deployment
from tests.simulated.answers import ROLE
from tests.simulated.aws import ACCOUNT

USER = f"arn:aws:iam::{ACCOUNT}:user/me"


def test_a_session_is_pinned_as_its_role_and_the_stacks_see_it(tmp_path: Path) -> None:
    """The role's path is not in the session's name, and what else the file says stays."""
    before = {"app": "python app.py", "context": {"a:flag": True, "bionemo": {"gpu": {"nodes": 3}}}}
    (tmp_path / "cdk.json").write_text(json.dumps(before))
    assert pin(simulated_deployment({}, good()), tmp_path) == {"cluster.admin_trust": ROLE}
    settings = settings_of(tmp_path, WORKLOADS)
    assert (settings.cluster.admin_trust, settings.gpu.nodes) == (ROLE, 3)
    after = json.loads((tmp_path / "cdk.json").read_text())
    assert (after["app"], after["context"]["a:flag"]) == ("python app.py", True)


def test_a_user_is_pinned_as_such(tmp_path: Path) -> None:
    deployment = replace(simulated_deployment({}, good()), caller=USER)
    assert pin(deployment, tmp_path) == {"cluster.admin_trust": USER}


@pytest.mark.parametrize("setting", ["cluster.admins", "cluster.admin_trust"])
def test_what_is_set_stays(setting: str, tmp_path: Path) -> None:
    assert pin(simulated_deployment({setting: USER}, good()), tmp_path) == {}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "caller", [f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:sts::{ACCOUNT}:federated-user/me"]
)
def test_a_caller_that_is_neither_user_nor_role_is_not_pinned(caller: str, tmp_path: Path) -> None:
    deployment = replace(simulated_deployment({}, good()), caller=caller)
    assert pin(deployment, tmp_path) == {}
    assert not list(tmp_path.iterdir())
