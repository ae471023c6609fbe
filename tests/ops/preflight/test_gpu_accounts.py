"""If the configured GPU nodes are unavailable, each remedy leads to a deployment that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.results import exit_status
from tests.ops.preflight.fixing import looked_at
from tests.ops.preflight.gpu_accounts import GPU_ACCOUNTS, outcomes
from tests.placed import groups


@pytest.mark.slow
@pytest.mark.parametrize("title", GPU_ACCOUNTS)
def test_after_each_remedy_every_worker_has_a_node_of_the_type_that_is_set(
    title: str, tmp_path: Path
) -> None:
    make, _ = GPU_ACCOUNTS[title]
    assert exit_status([*looked_at(make()).values()]) == 2
    found = list(outcomes(title, tmp_path))
    assert found, "there is a way"
    for each in found:
        assert exit_status(each.results) < 2, each.steps
        settings = each.deployment.settings
        (gpus,) = (group for group in groups(each.deployment) if group.name == "gpu")
        assert gpus.instance_types == settings.gpu.types
        assert None not in each.placed
        own = {node for node in each.placed if str(node).startswith("gpu-")}
        assert len(own) == settings.gpu.nodes
