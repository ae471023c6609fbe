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

TEMPLATE = "spec.template"
_EFFECTS = {"", "NoSchedule", "PreferNoSchedule", "NoExecute"}
_OPERATORS = {"", "Exists", "Equal"}


def template_of(item: KubernetesObject) -> dict[str, Any]:
    """Return the pod template of a Deployment or a Job; an empty one if it has none."""
    template: dict[str, Any] = item.get("spec", {}).get("template", {})
    return template


def problems(item: KubernetesObject) -> Iterator[str]:
    """Yield what is wrong with the pod template of a Deployment or a Job."""
    if item["kind"] not in ("Deployment", "Job"):
        return
    pod = template_of(item)
    spec, path = pod.get("spec", {}), f"{TEMPLATE}.spec"
    yield from label_problems(f"{TEMPLATE}.metadata.labels", labels_of(pod))
    yield from label_problems(f"{path}.nodeSelector", spec.get("nodeSelector", {}))
    yield from _container_problems(path, spec)
    for index, toleration in enumerate(spec.get("tolerations", [])):
        yield from _toleration_problems(f"{path}.tolerations[{index}]", toleration)


def labels_of(item: KubernetesObject) -> dict[str, Any]:
    """Return the labels of an object, or of a template."""
    labels: dict[str, Any] = item.get("metadata", {}).get("labels", {})
    return labels


def _container_problems(path: str, spec: Mapping[str, Any]) -> Iterator[str]:
    volumes = [each["name"] for each in spec.get("volumes", [])]
    yield from _name_problems(f"{path}.volumes", volumes)
    containers = {
        f"{path}.{kind}[{index}]": container
        for kind in ("initContainers", "containers")
        for index, container in enumerate(spec.get(kind, []))
    }
    if not spec.get("containers"):
        yield f"{path}.containers: Required value"
    yield from _name_problems(f"{path}.containers", [each["name"] for each in containers.values()])
    for where, container in containers.items():
        yield from _mount_problems(where, container, set(volumes))
        yield from _resource_problems(f"{where}.resources", container.get("resources", {}))


def _name_problems(where: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f'{where}: Duplicate value: "{name}"'
        if not is_label(name):
            yield f'{where}: Invalid value: "{name}": must be a lowercase RFC 1123 label'


def _mount_problems(where: str, container: Mapping[str, Any], volumes: set[str]) -> Iterator[str]:
    mounts = container.get("volumeMounts", [])
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
        for name, text in resources.get(kind, {}).items():
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
    """Return a quantity such as 500m or 4Gi as a number; None if it is invalid or negative."""
    try:
        amount: Decimal = parse_quantity(value)  # type: ignore[no-untyped-call]
    except (ValueError, ArithmeticError, TypeError):
        return None
    return amount if amount >= 0 else None


def _toleration_problems(where: str, toleration: Mapping[str, Any]) -> Iterator[str]:
    effect, operator = toleration.get("effect", ""), toleration.get("operator", "")
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
