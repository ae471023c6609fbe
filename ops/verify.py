"""Checks that the cluster works: the manual checks of the 2024 blueprint, and more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from kubernetes import client as kubernetes

from bionemo_eks.configuration import names
from bionemo_eks.configuration.commands import DEPLOY
from bionemo_eks.configuration.efa import RESOURCE, efas
from bionemo_eks.configuration.scheduling import CORE_SELECTOR, GPU_SELECTOR, GPU_TOLERATION
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import CHARTS
from bionemo_eks.jobs.places import NAMESPACE
from bionemo_eks.jobs.training_operator import OPERATORS, operator_name
from ops.aws import Deployment, instances, is_own
from ops.cluster.api import ClusterError, asked
from ops.cluster.inside import GPU, allocatable, is_ready
from ops.reasons import failure_reason
from ops.results import Result, Step, command, failed, passed, unknown, warned

_MISSING = "missing (namespace {})"
_YOUNG = "A node takes minutes to start. If that is not the reason:"
# The chart's DaemonSet is named after its release.
_PLUGIN = CHARTS["nvidia-device-plugin"]
_CLAIM = "fsx-static-pvc"
# A dry run creates no event.
_WHO_REFUSES = (
    "The message names what rejects it: a quota, a limit or a webhook. To see it:",
    command(f"kubectl describe resourcequotas,limitranges -n {NAMESPACE}"),
    command("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"),
)


def verify(api: kubernetes.ApiClient, deployment: Deployment) -> list[Result]:
    """Return the results of all checks of the cluster; one without an answer is unknown."""
    listed: dict[str, Callable[[], Result]] = {
        "Nodes": partial(nodes, api, deployment.settings),
        **_operators(api, deployment.settings),
        "FSx CSI controller": partial(
            controller, api, "FSx CSI controller", "kube-system", "fsx-csi-controller"
        ),
        "FSx CSI nodes": partial(daemons, api, "FSx CSI nodes", "kube-system", "fsx-csi-node"),
        "Device plugin": partial(device_plugin, api),
        "GPUs": partial(gpus, api, deployment),
        "Volume claim": partial(claim, api),
        "A data pod": partial(dry_run, api, "A data pod", dict(CORE_SELECTOR), [], {}),
        "A GPU pod": partial(
            dry_run, api, "A GPU pod", dict(GPU_SELECTOR), [dict(GPU_TOLERATION)], {GPU: "1"}
        ),
    }
    if deployment.settings.efa:
        listed["EFA"] = partial(efa, api, deployment)
    return [_guarded(name, check) for name, check in listed.items()]


def _operators(api: kubernetes.ApiClient, settings: Settings) -> dict[str, Callable[[], Result]]:
    """Return a check for each namespace's operator."""
    places = {"Training operator": NAMESPACE}
    places |= {f"Training operator, {each}": each for each in settings.cluster.job_namespaces}
    return {
        name: partial(controller, api, name, OPERATORS, operator_name(namespace))
        for name, namespace in places.items()
    }


def _guarded(name: str, check: Callable[[], Result]) -> Result:
    try:
        return check()
    except ClusterError as error:
        return unknown(name, str(error))
    except Exception as error:  # a broken check must not affect the others
        return unknown(name, failure_reason(error))


def _nodes(api: kubernetes.ApiClient, selector: dict[str, str] | None = None) -> list[Any]:
    labels = ",".join(f"{key}={value}" for key, value in (selector or {}).items())
    listed: list[Any] = asked(kubernetes.CoreV1Api(api).list_node, label_selector=labels).items
    return listed


def _pods_of(namespace: str) -> Step:
    return command(f"kubectl describe pods -n {namespace}")


def nodes(api: kubernetes.ApiClient, settings: Settings) -> Result:
    """All nodes Ready, and as many core nodes as in the settings; cordoned ones do not count."""
    listed = _nodes(api)
    cordoned = [node.metadata.name for node in listed if node.spec and node.spec.unschedulable]
    not_ready = [
        node.metadata.name
        for node in listed
        if not is_ready(node) and node.metadata.name not in cordoned
    ]
    if not_ready:
        return failed(
            "Nodes", f"not Ready: {', '.join(not_ready)}", command("kubectl describe node")
        )
    core = sum(is_ready(node) for node in _nodes(api, dict(CORE_SELECTOR)))
    said = f"{len(listed) - len(cordoned)} Ready, {core} of them core"
    if cordoned:
        said += f"; cordoned: {', '.join(cordoned)}"
    if core < settings.core.nodes:
        fix = f"kubectl uncordon {' '.join(cordoned)}" if cordoned else "./bionemo status"
        return failed("Nodes", f"{said}; {settings.core.nodes} expected", command(fix))
    return passed("Nodes", said)


def controller(api: kubernetes.ApiClient, name: str, namespace: str, deployed: str) -> Result:
    """A controller: all replicas available, and at least one."""
    listed = asked(kubernetes.AppsV1Api(api).list_namespaced_deployment, namespace).items
    workload = next((each for each in listed if each.metadata.name == deployed), None)
    if workload is None:
        return failed(name, _MISSING.format(namespace), command(DEPLOY))
    there, wanted = workload.status.available_replicas or 0, workload.spec.replicas or 0
    said = f"{there} of {wanted} pods available"
    if there < wanted:
        return failed(name, said, _pods_of(namespace))
    if not wanted:
        scale = f"kubectl scale deployment {workload.metadata.name} -n {namespace} --replicas=1"
        return failed(name, said, command(scale))
    return passed(name, said)


def daemons(api: kubernetes.ApiClient, name: str, namespace: str, prefix: str) -> Result:
    """A DaemonSet: a ready pod on each node where it is wanted, and at least one."""
    listed = asked(kubernetes.AppsV1Api(api).list_namespaced_daemon_set, namespace).items
    workload = next((each for each in listed if each.metadata.name.startswith(prefix)), None)
    if workload is None:
        return failed(name, _MISSING.format(namespace), command(DEPLOY))
    ready, wanted = workload.status.number_ready or 0, workload.status.desired_number_scheduled or 0
    if ready < wanted or not wanted:
        return failed(name, f"{ready} of {wanted} ready", _pods_of(namespace))
    return passed(name, f"{ready} of {wanted} ready")


def device_plugin(api: kubernetes.ApiClient) -> Result:
    """The device plugin: ready on every GPU node."""
    name, gpu_nodes = "Device plugin", _nodes(api, dict(GPU_SELECTOR))
    if not gpu_nodes:
        return passed(name, "no GPU nodes are running, so none is missing")
    pods = asked(kubernetes.CoreV1Api(api).list_namespaced_pod, _PLUGIN.namespace).items
    homes = {each.spec.node_name for each in pods if _is_healthy_plugin(each)}
    without = [each.metadata.name for each in gpu_nodes if each.metadata.name not in homes]
    if without:
        return failed(
            name,
            f"missing or not Ready on {', '.join(without)}",
            _pods_of(_PLUGIN.namespace),
        )
    return passed(name, f"on {len(gpu_nodes)} GPU nodes")


def _is_healthy_plugin(pod: Any) -> bool:
    """Whether a pod belongs to the plugin, not to the chart's other DaemonSets, and is Ready."""
    owners = pod.metadata.owner_references or []
    own = any(each.kind == "DaemonSet" and each.name == _PLUGIN.release for each in owners)
    conditions = pod.status.conditions or []
    return own and any(each.type == "Ready" and each.status == "True" for each in conditions)


def gpus(api: kubernetes.ApiClient, deployment: Deployment) -> Result:
    """As many GPUs allocatable as are paid for: those of the running instances."""
    settings = deployment.settings
    paid_nodes = _paid_nodes(deployment)
    paid = paid_nodes * settings.gpu_instance.gpus
    there = sum(allocatable(node) for node in _nodes(api, dict(GPU_SELECTOR)))
    if not paid_nodes:
        return passed("GPUs", "no GPU nodes are running, and none is paid for")
    if there < paid:
        return failed(
            "GPUs",
            f"{there} allocatable, {paid} paid for on {paid_nodes} instances",
            _YOUNG,
            command("kubectl describe node -l eks-node=gpu"),
        )
    said = f"{there} allocatable on {paid_nodes} nodes"
    if paid_nodes < settings.gpu.nodes:
        return warned("GPUs", f"{said}; {settings.gpu.nodes} nodes while training")
    return passed("GPUs", said)


def efa(api: kubernetes.ApiClient, deployment: Deployment) -> Result:
    """As many EFAs allocatable as the running instances have."""
    name, paid_nodes = "EFA", _paid_nodes(deployment)
    if not paid_nodes:
        return passed(name, "no GPU nodes are running, so none is missing")
    wanted = paid_nodes * efas(deployment.settings.gpu_instance)
    there = sum(allocatable(node, RESOURCE) for node in _nodes(api, dict(GPU_SELECTOR)))
    said = f"{there} of {wanted} allocatable on {paid_nodes} nodes"
    if there < wanted:
        look = command("kubectl get daemonset -n kube-system aws-efa-k8s-device-plugin")
        return failed(name, said, _YOUNG, look)
    return passed(name, said)


def _paid_nodes(deployment: Deployment) -> int:
    """Running GPU instances of this deployment, as billed by EC2, whether they are nodes or not."""
    prefix = names.node_group_prefix(deployment.settings, "gpu")
    return sum(
        tag["Key"] == "eks:nodegroup-name" and tag["Value"].startswith(prefix)
        for each in instances(deployment)
        if is_own(deployment, each.get("Tags"))
        for tag in each["Tags"]
    )


def claim(api: kubernetes.ApiClient) -> Result:
    """The volume claim is bound."""
    core = kubernetes.CoreV1Api(api)
    listed = asked(core.list_namespaced_persistent_volume_claim, NAMESPACE).items
    volume_claim = next((each for each in listed if each.metadata.name == _CLAIM), None)
    if volume_claim is None or volume_claim.status.phase != "Bound":
        phase = volume_claim.status.phase if volume_claim else "missing"
        return failed(
            "Volume claim", f"{_CLAIM} is {phase}", command(f"kubectl describe pvc {_CLAIM}")
        )
    return passed("Volume claim", f"{_CLAIM} is bound to {volume_claim.spec.volume_name}")


def dry_run(
    api: kubernetes.ApiClient,
    name: str,
    selector: dict[str, str],
    tolerations: list[dict[str, Any]],
    limits: dict[str, str],
) -> Result:
    """Whether the API server would accept such a pod: a dry run, which creates nothing."""
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
        if not _is_about_the_pod(error):
            raise
        return failed(name, str(error), *_WHO_REFUSES)
    matching = sum(is_ready(node) for node in _nodes(api, selector))
    if not matching:
        return passed(name, "accepted (dry run); a node for it would be started")
    return passed(name, f"accepted (dry run); {matching} nodes could run it")


def _is_about_the_pod(error: ClusterError) -> bool:
    """Whether the pod itself is rejected, rather than this caller, or all requests just now.

    RBAC's message for a missing permission: `User "me" cannot create resource "pods"`.
    https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run-authorization
    """
    if "cannot create resource" in str(error) or error.status in (401, 429):
        return False
    return 400 <= error.status < 500
