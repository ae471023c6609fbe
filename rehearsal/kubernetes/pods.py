"""What an API server checks about a pod, beyond its schema: names, mounts, resources, tolerations.

Source: https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from rehearsal.kubernetes.names import is_label, label_problems
from rehearsal.kubernetes.objects import KubernetesObject

_WITH_A_TEMPLATE = {"DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"}
_EFFECTS = {"", "NoSchedule", "PreferNoSchedule", "NoExecute"}
_OPERATORS = {"", "Exists", "Equal"}


def template_of(item: KubernetesObject) -> tuple[str, dict[str, Any]] | None:
    """Return where an object holds its pod, and the pod; None for kinds without one."""
    if item["kind"] == "Pod":
        return "", item
    if item["kind"] in _WITH_A_TEMPLATE:
        return "spec.template.", item["spec"]["template"]
    if item["kind"] == "CronJob":
        return "spec.jobTemplate.spec.template.", item["spec"]["jobTemplate"]["spec"]["template"]
    return None


def problems(item: KubernetesObject) -> Iterator[str]:
    """Yield what is wrong with the pod that an object holds, if it holds one."""
    found = template_of(item)
    if found is None:
        return
    where, pod = found
    spec, path = pod.get("spec") or {}, f"{where}spec"
    claims = item["spec"].get("volumeClaimTemplates", []) if item["kind"] == "StatefulSet" else []
    labels = (pod.get("metadata") or {}).get("labels") or {}
    yield from label_problems(f"{where}metadata.labels", labels)
    yield from label_problems(f"{path}.nodeSelector", spec.get("nodeSelector") or {})
    yield from _container_problems(path, spec, [each["metadata"]["name"] for each in claims])
    for index, toleration in enumerate(spec.get("tolerations") or []):
        yield from _toleration_problems(f"{path}.tolerations[{index}]", toleration)


def _container_problems(path: str, spec: Mapping[str, Any], claims: list[str]) -> Iterator[str]:
    volumes = [each["name"] for each in spec.get("volumes") or []]
    yield from _name_problems(f"{path}.volumes", volumes)
    containers = {
        f"{path}.{kind}[{index}]": container
        for kind in ("initContainers", "containers")
        for index, container in enumerate(spec.get(kind) or [])
    }
    if not spec.get("containers"):
        yield f"{path}.containers: Required value"
    yield from _name_problems(f"{path}.containers", [each["name"] for each in containers.values()])
    for where, container in containers.items():
        yield from _mount_problems(where, container, {*volumes, *claims})
        yield from _resource_problems(f"{where}.resources", container.get("resources") or {})


def _name_problems(where: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f'{where}: Duplicate value: "{name}"'
        if not is_label(name):
            yield f'{where}: Invalid value: "{name}": must be a lowercase RFC 1123 label'


def _mount_problems(where: str, container: Mapping[str, Any], volumes: set[str]) -> Iterator[str]:
    mounts = container.get("volumeMounts") or []
    for index, mount in enumerate(mounts):
        if mount["name"] not in volumes:
            yield f'{where}.volumeMounts[{index}].name: Not found: "{mount["name"]}"'
    for path, count in Counter(each["mountPath"] for each in mounts).items():
        if count > 1:
            yield f'{where}.volumeMounts: Invalid value: "{path}": must be unique'


def _resource_problems(where: str, resources: Mapping[str, Any]) -> Iterator[str]:
    amounts: dict[str, dict[str, Decimal]] = {}
    for kind in ("limits", "requests"):
        amounts[kind] = {}
        for name, text in (resources.get(kind) or {}).items():
            amount = quantity(text)
            if amount is None:
                yield f'{where}.{kind}.{name}: Invalid value: "{text}": not a quantity'
            else:
                amounts[kind][name] = amount
    limits, requests = amounts["limits"], amounts["requests"]
    for name, amount in requests.items():
        if name in limits and amount > limits[name]:
            yield f"{where}.requests: Invalid value: must be less than or equal to {name} limit"
    for name in [name for name in {**limits, **requests} if "/" in name]:
        # Devices can be neither shared nor overcommitted.
        if limits.get(name) is None or requests.get(name, limits[name]) != limits[name]:
            yield f"{where}.limits.{name}: Required value: must be equal to {name} request"
        elif limits[name] % 1:
            yield f"{where}.limits.{name}: Invalid value: must be an integer"


def quantity(value: object) -> Decimal | None:
    """Return the number of a quantity such as 500m or 4Gi; None when it is none."""
    try:
        amount: Decimal = parse_quantity(value)  # type: ignore[no-untyped-call]
    except (ValueError, ArithmeticError, TypeError):
        return None
    return amount if amount >= 0 else None


def _toleration_problems(where: str, toleration: Mapping[str, Any]) -> Iterator[str]:
    effect, operator = toleration.get("effect") or "", toleration.get("operator") or ""
    if effect not in _EFFECTS:
        yield f'{where}.effect: Unsupported value: "{effect}"'
    if operator not in _OPERATORS:
        yield f'{where}.operator: Unsupported value: "{operator}"'
    if operator == "Exists" and toleration.get("value"):
        yield f"{where}.operator: Invalid value: value must be empty when `operator` is 'Exists'"
    if not toleration.get("key") and operator != "Exists":
        yield f"{where}.operator: Invalid value: operator must be Exists when `key` is empty"
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        yield f"{where}.effect: Invalid value: must be 'NoExecute' when `tolerationSeconds` is set"
