"""The 2024 blueprint, deployed and removed with the real CDK CLI."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.rehearsal


def test_the_2024_blueprint_is_deployed_and_removed(account: Any) -> None:
    account.deploy({"preset": "2024"})
    gpu = account.node_group("gpu")
    assert gpu["instanceTypes"] == ["p3.16xlarge"]
    sizes = gpu["scalingConfig"]
    assert (sizes["minSize"], sizes["desiredSize"], sizes["maxSize"]) == (2, 2, 2)
    eks = account.client("eks")
    assert eks.describe_cluster(name="bionemo-on-eks")["cluster"]["version"] == "1.29"
    kinds = [key.partition("/")[0] for key in account.ledger.objects]
    assert {"PyTorchJob", "Job"} <= set(kinds)
    assert set(account.destroy()) == {"S3 buckets"}
