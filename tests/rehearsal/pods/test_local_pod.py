"""The data Job's pod, as a process of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bionemo_eks.jobs.dataset_job import dataset_objects
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.pods.local_pod import run_data_job
from tests.context import read_settings


@pytest.mark.slow
def test_settings_for_real_data_do_for_the_small_data_too(tmp_path: Path) -> None:
    """A global batch beyond the made-up data, and a proxy that is not there."""
    settings = read_settings(
        {"training.micro_batch_size": "300", "dataset.http_proxy": "http://127.0.0.1:9"}
    )
    ledger = Ledger(settings.kubernetes_version)
    for each in dataset_objects(settings):
        ledger.objects[f"{each['kind']}/default/{each['metadata']['name']}"] = each
    said: list[str] = []
    found = run_data_job(ledger, tmp_path, said.append)
    assert found.files == {"test": 50, "train": 50, "val": 50}
    assert settings.global_batch > found.marker["counts"]["val"]
