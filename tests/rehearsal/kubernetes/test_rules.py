"""The ledger refuses what an API server refuses at once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.kubernetes.objects import RefusedError
from tests.rehearsal.kubernetes_objects import (
    binding,
    config_map,
    crd,
    deployment,
    job,
    made,
    template,
    training,
    volume,
)

Item = dict[str, Any]
CODES = {"onExitCodes": {"operator": "In", "values": [1]}}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("1.35")


def named(item: Item, name: Any) -> Item:
    return {**item, "metadata": {**item["metadata"], "name": name}}


def without_spec(item: Item) -> Item:
    return {name: value for name, value in item.items() if name != "spec"}


def labeled(**labels: str) -> Item:
    item = config_map()
    return {**item, "metadata": {**item["metadata"], "labels": labels}}


def with_resources(limits: Item, requests: Item) -> Item:
    return deployment(template=template({"resources": {"limits": limits, "requests": requests}}))


def tolerating(**toleration: Any) -> Item:
    return deployment(template=template(tolerations=[toleration]))


def with_rule(**rule: Any) -> Item:
    return job(podFailurePolicy={"rules": [rule]})


def of_an_init_container(action: str) -> Item:
    """A rule for the exit codes of an init container."""
    rule = {"action": action, "onExitCodes": {**CODES["onExitCodes"], "containerName": "first"}}
    item = with_rule(**rule)
    first = {"name": "first", "image": "busybox:1"}
    item["spec"]["template"]["spec"]["initContainers"] = [first]
    return item


def spoiled_crd(path: str, value: Any) -> Item:
    item = copy.deepcopy(crd())
    *parents, last = path.split(".")
    place: Any = item
    for name in parents:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    return item


MOUNT = {"name": "data", "mountPath": "/data"}
SOUND = [
    config_map(),
    named(config_map(), "a.b-c.example"),
    labeled(**{"example.org/Key_1": "Value.1", "empty": ""}),
    job(),
    with_rule(action="FailJob", **CODES),
    of_an_init_container("FailJob"),
    deployment(),
    deployment(
        template=template({"volumeMounts": [MOUNT]}, volumes=[{"name": "data", "emptyDir": {}}])
    ),
    with_resources({"cpu": "1", "nvidia.com/gpu": 1}, {"cpu": "500m"}),
    tolerating(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule"),
    binding(),
    named(binding(), "system:a:b"),
    volume(),
    crd(),
    # Null fields are unset.
    config_map(data=None),
    {**config_map(), "metadata": {"name": "a", "namespace": None, "labels": {"a": None}}},
]


@pytest.mark.parametrize("item", SOUND, ids=lambda item: item["kind"])
def test_what_an_api_server_accepts(ledger: Ledger, item: Item) -> None:
    ledger.create([item])
    assert len(ledger.objects) == 1


REFUSED = [
    # What kubectl cannot even send.
    ({"apiVersion": "v1", "metadata": {"name": "a"}}, "kind not set"),
    ({"kind": "ConfigMap", "metadata": {"name": "a"}}, "apiVersion not set"),
    ({"apiVersion": "v1", "kind": "ConfigMap"}, "name may not be empty"),
    ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, "name may not be empty"),
    (config_map(data={"a": "${Token[TOKEN.7]}"}), "unresolved CDK token"),
    # Schemas.
    (training(), "ensure CRDs are installed first"),
    (config_map(dat={}), "'dat' was unexpected"),
    ({**config_map(), "apiVersion": "v2"}, 'no matches for kind "ConfigMap" in version "v2"'),
    (config_map(data={"a": 1}), "is not of type"),
    (made("Secret", "v1", "a"), "has no rules for this kind"),
    (without_spec(deployment()), "spec.template.spec.containers: Required value"),
    (without_spec(job()), "spec.template.spec.containers: Required value"),
    (without_spec(volume()), "spec: Required value"),
    # Names and labels.
    ({**config_map(), "metadata": {"name": "a", "namespace": ["default"]}}, "must be a string"),
    ({**config_map(), "metadata": {"name": "a", "labels": ["a"]}}, "is not of type 'object'"),
    (
        {**config_map(), "metadata": {"name": "a", "namespace": "nowhere"}},
        'namespaces "nowhere" not found',
    ),
    (named(config_map(), "Upper"), "metadata.name: Invalid value"),
    (named(config_map(), "a_b"), "metadata.name: Invalid value"),
    (named(config_map(), "-a"), "metadata.name: Invalid value"),
    (named(config_map(), "a" * 254), "metadata.name: Invalid value"),
    (named(job(), "a" * 64), "metadata.name: Invalid value"),
    (named(binding(), "a/b"), "metadata.name: Invalid value"),
    (labeled(**{"a b": "c"}), "metadata.labels: Invalid value"),
    (labeled(**{"Upper.org/a": "c"}), "metadata.labels: Invalid value"),
    (labeled(a="c d"), "metadata.labels: Invalid value"),
    (labeled(a="c" * 64), "metadata.labels: Invalid value"),
    (deployment(template=template(nodeSelector={"a": "b c"})), "nodeSelector: Invalid value"),
    # Pods.
    (with_resources({"memory": "4GB"}, {}), "limits.memory: Invalid value"),
    (with_resources({}, {"cpu": "-1"}), "requests.cpu: Invalid value"),
    (with_resources({"cpu": "1"}, {"cpu": "1500m"}), "less than or equal to cpu limit"),
    (with_resources({}, {"nvidia.com/gpu": 1}), "equal to nvidia.com/gpu request"),
    (
        with_resources({"nvidia.com/gpu": 2}, {"nvidia.com/gpu": 1}),
        "equal to nvidia.com/gpu request",
    ),
    (with_resources({"nvidia.com/gpu": "0.5"}, {}), "must be an integer"),
    (deployment(template=template({"volumeMounts": [MOUNT]})), 'name: Not found: "data"'),
    (
        deployment(
            template=template(
                {"volumeMounts": [MOUNT, MOUNT]}, volumes=[{"name": "data", "emptyDir": {}}]
            )
        ),
        "must be unique",
    ),
    (
        deployment(template=template(containers=[{"name": "a", "image": "i"}] * 2)),
        'Duplicate value: "a"',
    ),
    (
        deployment(template=template(initContainers=[{"name": "main", "image": "i"}])),
        'Duplicate value: "main"',
    ),
    (deployment(template=template({"name": "Main"})), "lowercase RFC 1123 label"),
    (tolerating(operator="Exists", effect="NoScheduling"), 'effect: Unsupported value: "NoSched'),
    (tolerating(key="a", operator="Exists", value="b"), "value must be empty"),
    (tolerating(operator="Equal", value="b"), "must be Exists when `key` is empty"),
    # Jobs and controllers.
    (job(template=template()), 'restartPolicy: Required value: valid values: "OnFailure"'),
    (job(template=template(restartPolicy="Always")), "restartPolicy: Required value"),
    (with_rule(action="Fail", **CODES), 'rules[0].action: Unsupported value: "Fail"'),
    (with_rule(action="FailJob"), "one of onExitCodes and onPodConditions"),
    (
        with_rule(action="FailJob", onExitCodes={**CODES["onExitCodes"], "containerName": "b"}),
        'containerName: Invalid value: "b"',
    ),
    (
        deployment(selector={"matchLabels": {"app": "b"}}),
        "`selector` does not match template `labels`",
    ),
    (deployment(selector={}), "spec.selector: Required value"),
    (deployment(template=template(restartPolicy="Never")), 'supported values: "Always"'),
    # Others.
    (binding(roleRef={**binding()["roleRef"], "kind": "Rolle"}), "roleRef.kind: Unsupported"),
    (binding(roleRef={**binding()["roleRef"], "apiGroup": "rbac"}), "roleRef.apiGroup: Unsup"),
    (binding(subjects=[{"kind": "ServiceAccount", "name": "s"}]), "namespace: Required value"),
    (config_map(data={"a": "b" * (1 << 20), "c": "d"}), "may not be more than 1048576 bytes"),
    (config_map(data={"a/b": "c"}), "a valid config key"),
    (volume(capacity={"storage": "1TB"}), "must be a quantity above zero"),
    (volume(accessModes=[]), "at least 1 access mode"),
    # Definitions.
    (spoiled_crd("metadata.name", "pytorchjob.kubeflow.org"), "must be spec.names.plural"),
    (spoiled_crd("spec.scope", "Namespace"), "spec.scope: Unsupported value"),
    (spoiled_crd("spec.versions.0.storage", False), "exactly one version marked as storage"),
    (
        spoiled_crd("spec.versions.0.schema.openAPIV3Schema.properties.spec", {"properties": {}}),
        "openAPIV3Schema.spec: no type",
    ),
]


@pytest.mark.parametrize(("item", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_an_api_server_refuses(ledger: Ledger, item: Item, reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        ledger.create([item])
    assert reason in str(caught.value)
    assert ledger.objects == {}


def test_a_custom_object_needs_its_crd_and_must_match_its_schema(ledger: Ledger) -> None:
    ledger.create([crd()])
    ledger.create([training()])
    with pytest.raises(RefusedError, match="nProcPerNod"):
        ledger.apply([training(elasticPolicy={"nProcPerNod": 8})], None)


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_a_custom_objects_labels_and_annotations_are_maps(ledger: Ledger, field: str) -> None:
    """A definition does not describe `metadata`."""
    ledger.create([crd()])
    item = training()
    with pytest.raises(RefusedError, match=rf"metadata\.{field}: \['a'\] is not"):
        ledger.create([{**item, "metadata": {**item["metadata"], field: ["a"]}}])


def test_a_definition_says_whether_its_objects_have_a_namespace(ledger: Ledger) -> None:
    ledger.create([spoiled_crd("spec.scope", "Cluster"), training()])
    assert "PyTorchJob/train" in ledger.objects


FROZEN = config_map(immutable=True, data={"a": "1"})
CHANGES = [
    (job(), job(command="false"), "spec.template.spec.containers[0].command[0]"),
    (job(), with_rule(action="FailJob", **CODES), "spec.podFailurePolicy"),
    (job(completions=1), job(completions=1, completionMode="Indexed"), "spec.completionMode"),
    (job(), job(managedBy="example.org/other"), "spec.managedBy"),
    (
        volume(),
        volume(csi={"driver": "fsx.csi.aws.com", "volumeHandle": "fs-2"}),
        "spec.csi.volumeHandle",
    ),
    (binding(), binding(roleRef={**binding()["roleRef"], "name": "other"}), "roleRef.name"),
    (FROZEN, {**FROZEN, "data": {"a": "2"}}, "data.a"),
    (FROZEN, config_map(data={"a": "1"}), "immutable"),
    (FROZEN, {**FROZEN, "binaryData": {"b": "MQ=="}}, "binaryData"),
    (crd(), spoiled_crd("spec.scope", "Cluster"), "spec.scope"),
    (
        deployment(),
        deployment(
            selector={"matchLabels": {"app": "b"}},
            template={**template(), "metadata": {"labels": {"app": "b"}}},
        ),
        "spec.selector.matchLabels.app",
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "field"), CHANGES, ids=[field for *_, field in CHANGES]
)
def test_a_field_that_cannot_change_is_named(
    ledger: Ledger, before: Item, after: Item, field: str
) -> None:
    ledger.create([before])
    with pytest.raises(RefusedError) as caught:
        ledger.apply([after], None)
    assert f" is invalid: {field}: field is immutable" in str(caught.value)


def test_an_explicit_default_is_not_a_change(ledger: Ledger) -> None:
    ledger.create([job(), volume()])
    ledger.apply([job(completionMode="NonIndexed"), volume(volumeMode="Filesystem")], None)


def test_a_claim_may_grow_but_not_move(ledger: Ledger) -> None:
    def claim(size: str, name: str) -> Item:
        spec = {
            "accessModes": ["ReadWriteMany"],
            "volumeName": name,
            "resources": {"requests": {"storage": size}},
        }
        return made("PersistentVolumeClaim", "v1", "c", spec=spec)

    ledger.create([claim("1Gi", "v")])
    ledger.apply([claim("2Gi", "v")], None)
    with pytest.raises(RefusedError, match=r"spec\.volumeName: field is immutable"):
        ledger.apply([claim("2Gi", "w")], None)
