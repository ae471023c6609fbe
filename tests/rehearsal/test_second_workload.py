"""From one workload to another and back: the GPUs change hands, and nothing that lasts is lost."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.pods.view import node_groups, placements
from tests.second_workload.numbers import NUMBERS, SELECTED, WITH_NUMBERS

pytestmark = pytest.mark.rehearsal


def of(account: Any, name: str) -> set[str]:
    """The objects of a workload's training in the cluster."""
    return {key for key in account.ledger.objects if f"/{name}-" in key}


def workers(account: Any) -> dict[str, str | None]:
    placed = placements(account.ledger, node_groups(account.client, "bionemo-on-eks"))
    return {
        pod["metadata"]["name"]: node
        for pod, node in placed
        if "-worker-" in pod["metadata"]["name"]
    }


def test_another_workload_and_back(account: Any) -> None:
    account.workloads = WITH_NUMBERS
    account.ensure({})
    lasting = account.lasting("AWS::FSx::DataRepositoryAssociation", "AWS::EKS::Nodegroup")
    before = of(account, "esm1nv")
    assert {key.partition("/")[0] for key in before} == {
        "ConfigMap", "Deployment", "Job", "PyTorchJob", "Role", "RoleBinding", "ServiceAccount",
    }  # fmt: skip

    account.deploy(SELECTED)
    assert of(account, "esm1nv") == set(), "its PyTorchJob would keep the GPUs"
    assert len(of(account, "numbers")) == len(before)
    job = account.ledger.objects[f"PyTorchJob/default/{NUMBERS.job}"]
    assert job["spec"]["runPolicy"]["suspend"] is True
    assert workers(account) == {
        f"{NUMBERS.job}-worker-0": "gpu-1",
        f"{NUMBERS.job}-worker-1": "gpu-2",
    }
    assert account.lasting("AWS::FSx::DataRepositoryAssociation", "AWS::EKS::Nodegroup") == lasting

    account.deploy({})
    assert of(account, "numbers") == set()
    assert of(account, "esm1nv") == before
    assert account.lasting("AWS::FSx::DataRepositoryAssociation", "AWS::EKS::Nodegroup") == lasting
