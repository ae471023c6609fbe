"""What the source document has one check by hand, and more: does the cluster do what it is for?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kubernetes import client as kubernetes

from bionemo_eks.scheduling import CORE_SELECTOR, GPU_SELECTOR, GPU_TOLERATION
from bionemo_eks.settings import Settings
from ops.jobs import NAMESPACE
from ops.kubernetes_api import ClusterError, asked
from ops.results import Result, failed, passed, unknown, warned

_GPU = "nvidia.com/gpu"
_CLAIM = "fsx-static-pvc"
_LOOK = "kubectl describe, kubectl logs"


def verify(api: kubernetes.ApiClient, settings: Settings) -> list[Result]:
    """Return what each check of the cluster found; one that gets no answer could not tell."""
    listed: dict[str, Callable[[], Result]] = {
        "Nodes": partial(nodes, api, settings),
        "Training operator": partial(deployment, api, "Training operator", "kubeflow", "training-"),
        "FSx CSI controller": partial(
            deployment, api, "FSx CSI controller", "kube-system", "fsx-csi-controller"
        ),
        "FSx CSI nodes": partial(daemons, api, "FSx CSI nodes", "kube-system", "fsx-csi-node"),
        "Device plugin": partial(device_plugin, api),
        "GPUs": partial(gpus, api, settings),
        "Volume claim": partial(claim, api),
        "A data pod": partial(pod, api, "A data pod", dict(CORE_SELECTOR), [], {}),
        "A GPU pod": partial(
            pod, api, "A GPU pod", dict(GPU_SELECTOR), [dict(GPU_TOLERATION)], {_GPU: "1"}
        ),
    }
    return [_guarded(name, check) for name, check in listed.items()]


def _guarded(name: str, check: Callable[[], Result]) -> Result:
    try:
        return check()
    except ClusterError as error:
        return unknown(name, str(error))


def _nodes(api: kubernetes.ApiClient, selector: dict[str, str] | None = None) -> list[Any]:
    labels = ",".join(f"{key}={value}" for key, value in (selector or {}).items())
    found: list[Any] = asked(kubernetes.CoreV1Api(api).list_node, label_selector=labels).items
    return found


def _ready(node: Any) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in node.status.conditions)


def nodes(api: kubernetes.ApiClient, settings: Settings) -> Result:
    """Every node Ready, and as many core nodes as are set."""
    found = _nodes(api)
    lame = [node.metadata.name for node in found if not _ready(node)]
    if lame:
        return failed("Nodes", f"not Ready: {', '.join(lame)}", "kubectl describe node")
    core = len(_nodes(api, dict(CORE_SELECTOR)))
    said = f"{len(found)} Ready, {core} of them core"
    if core < settings.core.nodes:
        return failed("Nodes", f"{said}; {settings.core.nodes} are set", "./bionemo status")
    return passed("Nodes", said)


def deployment(api: kubernetes.ApiClient, name: str, namespace: str, prefix: str) -> Result:
    """A controller: all its replicas available."""
    listed = asked(kubernetes.AppsV1Api(api).list_namespaced_deployment, namespace).items
    found = next((each for each in listed if each.metadata.name.startswith(prefix)), None)
    if found is None:
        return failed(name, f"not there (namespace {namespace})", "npx cdk deploy --all")
    there, wanted = found.status.available_replicas or 0, found.spec.replicas
    if there < wanted:
        return failed(name, f"{there} of {wanted} pods available", f"{_LOOK} -n {namespace}")
    return passed(name, f"{there} of {wanted} pods available")


def daemons(api: kubernetes.ApiClient, name: str, namespace: str, prefix: str) -> Result:
    """A DaemonSet: a healthy pod on each node that it wants."""
    listed = asked(kubernetes.AppsV1Api(api).list_namespaced_daemon_set, namespace).items
    found = next((each for each in listed if each.metadata.name.startswith(prefix)), None)
    if found is None:
        return failed(name, f"not there (namespace {namespace})", "npx cdk deploy --all")
    ready, wanted = found.status.number_ready or 0, found.status.desired_number_scheduled
    if ready < wanted:
        return failed(name, f"{ready} of {wanted} ready", f"{_LOOK} -n {namespace}")
    return passed(name, f"{ready} of {wanted} ready")


def device_plugin(api: kubernetes.ApiClient) -> Result:
    """The device plugin on every GPU node."""
    name, gpu_nodes = "Device plugin", _nodes(api, dict(GPU_SELECTOR))
    if not gpu_nodes:
        return passed(name, "no GPU node runs, so none is missing")
    pods = asked(kubernetes.CoreV1Api(api).list_namespaced_pod, "nvidia-device-plugin").items
    homes = {
        each.spec.node_name
        for each in pods
        if each.metadata.name.startswith("nvidia-device-plugin") and each.status.phase == "Running"
    }
    without = [each.metadata.name for each in gpu_nodes if each.metadata.name not in homes]
    if without:
        return failed(name, f"missing on {', '.join(without)}", f"{_LOOK} -n nvidia-device-plugin")
    return passed(name, f"on {len(gpu_nodes)} GPU nodes")


def gpus(api: kubernetes.ApiClient, settings: Settings) -> Result:
    """As many GPUs allocatable as are paid for."""
    found = _nodes(api, dict(GPU_SELECTOR))
    there = sum(int((node.status.allocatable or {}).get(_GPU, 0)) for node in found)
    paid = len(found) * settings.gpu_instance.gpus
    if there < paid:
        return failed("GPUs", f"{there} allocatable, {paid} paid for", "nvidia-smi on the nodes")
    if len(found) < settings.gpu.nodes:
        return warned(
            "GPUs",
            f"{there} allocatable on {len(found)} nodes; {settings.gpu.nodes} nodes while training",
        )
    return passed("GPUs", f"{there} allocatable on {len(found)} nodes")


def claim(api: kubernetes.ApiClient) -> Result:
    """The volume claim bound."""
    core = kubernetes.CoreV1Api(api)
    listed = asked(core.list_namespaced_persistent_volume_claim, NAMESPACE).items
    found = next((each for each in listed if each.metadata.name == _CLAIM), None)
    if found is None or found.status.phase != "Bound":
        phase = found.status.phase if found else "not there"
        return failed("Volume claim", f"{_CLAIM} is {phase}", f"kubectl describe pvc {_CLAIM}")
    return passed("Volume claim", f"{_CLAIM} is bound to {found.spec.volume_name}")


def pod(
    api: kubernetes.ApiClient,
    name: str,
    selector: dict[str, str],
    tolerations: list[dict[str, Any]],
    limits: dict[str, str],
) -> Result:
    """Whether the API server would take such a pod: a dry run, nothing is made."""
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "bionemo-verify-", "namespace": NAMESPACE},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": selector,
            "tolerations": tolerations,
            "containers": [
                {
                    "name": "verify",
                    "image": "registry.k8s.io/pause:3.10",
                    "resources": {"limits": limits},
                    "volumeMounts": [{"name": "fsx", "mountPath": "/fsx"}],
                }
            ],
            "volumes": [{"name": "fsx", "persistentVolumeClaim": {"claimName": _CLAIM}}],
        },
    }
    core = kubernetes.CoreV1Api(api)
    try:
        asked(core.create_namespaced_pod, NAMESPACE, body, dry_run="All")
    except ClusterError as error:
        return failed(name, str(error), "kubectl get events")
    matching = len(_nodes(api, selector))
    if not matching:
        return passed(name, "accepted (dry run); a node for it would be started")
    return passed(name, f"accepted (dry run); {matching} nodes could run it")
