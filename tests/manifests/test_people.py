"""The examples in docs/people.md are valid in the cluster."""

from __future__ import annotations

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bionemo_eks.configuration.scheduling import GPU_SELECTOR, GPU_TAINT
from bionemo_eks.configuration.versions import DEFAULT_KUBERNETES, IMAGES
from bionemo_eks.jobs import manifests
from rehearsal.kubernetes.custom_objects import refusals
from tests.context import ROOT

PAGE = (ROOT / "docs" / "people.md").read_text(encoding="utf-8")
EXAMPLES: dict[str, dict[str, Any]] = {
    item["kind"]: item
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for item in yaml.safe_load_all(block)
}
JOB = EXAMPLES["PyTorchJob"]
VOLUME, CLAIM = EXAMPLES["PersistentVolume"], EXAMPLES["PersistentVolumeClaim"]


def test_the_pytorchjob_fits_the_crd() -> None:
    crd = manifests.load_one("training-operator/pytorchjob-crd.yaml")
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert refusals(schema, JOB) == []
    assert refusals(schema, {**JOB, "spec": {}}), "the spec is checked"


@pytest.mark.parametrize("kind", sorted(set(EXAMPLES) - {"PyTorchJob"}))
def test_the_others_fit_kubernetes_schemas(kind: str) -> None:
    kubernetes_validate.validate(EXAMPLES[kind], DEFAULT_KUBERNETES, strict=True)


def test_the_jobs_pods_go_to_gpu_nodes() -> None:
    pod = JOB["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]
    assert pod["nodeSelector"].items() <= GPU_SELECTOR.items()
    assert {each["key"] for each in pod["tolerations"]} == {GPU_TAINT[0]}
    (container,) = pod["containers"]
    assert container["name"] == "pytorch"
    assert container["image"] == IMAGES["pytorch"].reference
    claims = [each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"]]
    assert claims == [CLAIM["metadata"]["name"]]


def test_the_second_volume_differs_from_the_deployments_only_in_names() -> None:
    values = {"file_system_id": "fs-1", "dns_name": "fs-1.example.org", "mount_name": "abc"}
    (own,) = [
        each
        for each in manifests.load("workload/volume.yaml", values)
        if each["kind"] == "PersistentVolume"
    ]
    theirs, its = VOLUME["spec"]["csi"], own["spec"]["csi"]
    assert theirs["driver"] == its["driver"]
    assert set(theirs["volumeAttributes"]) == set(its["volumeAttributes"])
    assert VOLUME["spec"].get("mountOptions") == own["spec"].get("mountOptions")
    assert CLAIM["spec"]["volumeName"] == VOLUME["metadata"]["name"]
    assert VOLUME["spec"]["claimRef"]["namespace"] == CLAIM["metadata"]["namespace"]
