"""What an API server checks for individual kinds, beyond their schemas.

Sources: the validation of each group, such as
https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/batch/validation/validation.go
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from rehearsal.kubernetes.crds import crd_problems
from rehearsal.kubernetes.names import label_problems
from rehearsal.kubernetes.objects import KubernetesObject
from rehearsal.kubernetes.pods import TEMPLATE, labels_of, quantity, template_of

# For ConfigMaps: https://kubernetes.io/docs/concepts/configuration/configmap/
_MOST_BYTES = 1 << 20
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_ACTIONS = {"FailJob", "FailIndex", "Ignore", "Count"}
_SUBJECTS = {"Group", "ServiceAccount", "User"}
_ROLES = {"ClusterRole", "Role"}
_RBAC = "rbac.authorization.k8s.io"


def problems(item: KubernetesObject) -> Iterator[str]:
    """Yield what is wrong with an object of a built-in kind."""
    check = _CHECKS.get(item["kind"])
    if check is not None:
        yield from check(item)


def _job(item: KubernetesObject) -> Iterator[str]:
    pod = template_of(item).get("spec", {})
    policy = pod.get("restartPolicy", "")
    if policy not in ("Never", "OnFailure"):
        yield (
            f'{TEMPLATE}.spec.restartPolicy: Required value: valid values: "OnFailure", "Never" '
            f'(is "{policy or "Always, by default"}")'
        )
    # Init containers' exit codes count, too:
    # https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
    names = {
        each["name"] for kind in ("containers", "initContainers") for each in pod.get(kind, [])
    }
    rules = item.get("spec", {}).get("podFailurePolicy", {}).get("rules", [])
    if rules and policy != "Never":
        yield (
            f"{TEMPLATE}.spec.restartPolicy: only Never is supported when podFailurePolicy is given"
        )
    for index, rule in enumerate(rules):
        yield from _failure_rule(f"spec.podFailurePolicy.rules[{index}]", rule, names)


def _failure_rule(where: str, rule: dict[str, Any], containers: set[str]) -> Iterator[str]:
    if rule.get("action") not in _ACTIONS:
        yield f'{where}.action: Unsupported value: "{rule.get("action")}"'
    if bool(rule.get("onExitCodes")) == bool(rule.get("onPodConditions")):
        yield f"{where}: Invalid value: one of onExitCodes and onPodConditions is required"
    container = rule.get("onExitCodes", {}).get("containerName")
    if container and container not in containers:
        yield f'{where}.onExitCodes.containerName: Invalid value: "{container}": not found'


def _deployment(item: KubernetesObject) -> Iterator[str]:
    pod, selector = template_of(item), item.get("spec", {}).get("selector", {})
    wanted, labels = selector.get("matchLabels", {}), labels_of(pod)
    yield from label_problems("spec.selector.matchLabels", wanted)
    if not wanted and not selector.get("matchExpressions"):
        yield "spec.selector: Required value"
    if any(labels.get(key) != value for key, value in wanted.items()):
        yield (
            f"{TEMPLATE}.metadata.labels: Invalid value: {labels}: "
            "`selector` does not match template `labels`"
        )
    if pod.get("spec", {}).get("restartPolicy", "Always") != "Always":
        yield f'{TEMPLATE}.spec.restartPolicy: Unsupported value: supported values: "Always"'


def _config_map(item: KubernetesObject) -> Iterator[str]:
    data = {**item.get("data", {}), **item.get("binaryData", {})}
    size = sum(len(str(value).encode()) for value in data.values())
    if size > _MOST_BYTES:
        yield f"data: Too long: may not be more than {_MOST_BYTES} bytes (is {size})"
    for key in data:
        if not _DATA_KEY.fullmatch(key):
            yield f'data: Invalid value: "{key}": a valid config key is of [-._a-zA-Z0-9]'


def _binding(item: KubernetesObject) -> Iterator[str]:
    role = item["roleRef"]
    if role.get("kind") not in _ROLES:
        yield f'roleRef.kind: Unsupported value: "{role.get("kind")}": is not {sorted(_ROLES)}'
    if role.get("apiGroup") != _RBAC:
        yield f'roleRef.apiGroup: Unsupported value: "{role.get("apiGroup")}": is not {_RBAC}'
    for index, subject in enumerate(item.get("subjects", [])):
        if subject.get("kind") not in _SUBJECTS:
            yield f'subjects[{index}].kind: Unsupported value: "{subject.get("kind")}"'
        if subject.get("kind") == "ServiceAccount" and not subject.get("namespace"):
            yield f"subjects[{index}].namespace: Required value"


def _volume(item: KubernetesObject) -> Iterator[str]:
    spec = item.get("spec", {})
    if item["kind"] == "PersistentVolume":
        amounts = spec.get("capacity", {})
    else:
        amounts = spec.get("resources", {}).get("requests", {})
    if "storage" not in amounts:
        yield "spec: Required value: storage"
    for name, text in amounts.items():
        if not quantity(text):
            yield f'spec.{name}: Invalid value: "{text}": must be a quantity above zero'
    if not spec.get("accessModes"):
        yield "spec.accessModes: Required value: at least 1 access mode is required"


_CHECKS: dict[str, Callable[[KubernetesObject], Iterator[str]]] = {
    "ConfigMap": _config_map,
    "CustomResourceDefinition": crd_problems,
    "Deployment": _deployment,
    "Job": _job,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _volume,
    "RoleBinding": _binding,
}
