"""Warnings about what is allowed but worth knowing; synth and deploy print them."""

from __future__ import annotations

from datetime import date

from bionemo_eks.configuration.efa import cards_differ, why_no_efa
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import DEFAULT_KUBERNETES

_EVERYWHERE = "0.0.0.0/0"


def advice(settings: Settings, today: date) -> dict[str, str]:
    """Return the warnings for `settings` on `today`, each by its name."""
    texts = {
        "kubernetes-support": _support(settings, today),
        "public-endpoint": _endpoint(settings),
        "retired-gpu-type": _retired_type(settings, today),
        "admin-role": _admin_role(settings),
        "fixed-gpu-nodes": _fixed_nodes(settings),
        "gpu-repair": _repair(settings),
        "efa": _efa(settings),
    }
    return {name: text for name, text in texts.items() if text}


def _support(settings: Settings, today: date) -> str:
    """Warn about a version past the end of its support.

    https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
    """
    release = settings.release
    remedy = (
        f"Set kubernetes_version to {DEFAULT_KUBERNETES}; an existing cluster goes up one minor "
        "version at a time."
    )
    if today > release.extended_support_until:
        return (
            f"Kubernetes {release.version}: extended support ended on "
            f"{release.extended_support_until}; AWS creates no new cluster with it. {remedy}"
        )
    if today > release.standard_support_until:
        return (
            f"Kubernetes {release.version}: standard support ended on "
            f"{release.standard_support_until}; extended support, until "
            f"{release.extended_support_until}, costs six times as much per cluster hour. "
            f"{remedy}"
        )
    return ""


def _endpoint(settings: Settings) -> str:
    cluster = settings.cluster
    if cluster.endpoint == "private" or _EVERYWHERE not in cluster.public_access_cidrs:
        return ""
    return (
        f"The Kubernetes API can be reached from every address ({_EVERYWHERE}); IAM decides who "
        "gets in. To limit the addresses, set cluster.public_access_cidrs; to allow none, set "
        "cluster.endpoint to private."
    )


def _retired_type(settings: Settings, today: date) -> str:
    retired = [
        f"{each.name} (users had to leave it by {each.retired})"
        for each in settings.gpu_instances
        if each.retired and today >= each.retired
    ]
    if not retired:
        return ""
    return (
        f"AWS has retired {', '.join(retired)}: in most accounts EKS creates no node group with "
        "it. ./bionemo preflight lists the types that the region "
        f"offers and {settings.workload.title} can use; set gpu.instance_type to one of them."
    )


def _admin_role(settings: Settings) -> str:
    cluster = settings.cluster
    if cluster.admins or cluster.admin_trust:
        return ""
    return (
        "Every identity of the account that an IAM policy allows to assume roles may assume the "
        "cluster's admin role. To allow only one, run ./bionemo preflight --pin, or set "
        "cluster.admin_trust."
    )


def _fixed_nodes(settings: Settings) -> str:
    gpu = settings.gpu
    if gpu.scaling != "fixed":
        return ""
    return (
        f"gpu.scaling is fixed: {gpu.nodes} x {gpu.instance_type} run, and cost money, from "
        "the deployment to its removal, even while the data is prepared and after the training. "
        "To pay for them only while they train, set gpu.scaling to on-demand."
    )


def _repair(settings: Settings) -> str:
    if settings.gpu.repair != "gpus":
        return ""
    return (
        "gpu.repair is gpus: a node has one DCGM engine, so CloudWatch has no GPU metrics. The "
        "dashboard's graphs of GPU use stay empty, and nothing based on GPU use works. To have "
        "the metrics, set gpu.repair to nodes."
    )


def _efa(settings: Settings) -> str:
    """Warn where nodes have EFA but the settings keep the training from using it.

    Preflight reports an image that cannot use it: no setting would help.
    """
    types = settings.gpu_instances
    could = not (why_no_efa(settings.workload, "pod-per-node", types) or cards_differ(types))
    if settings.efa or settings.gpu.nodes == 1 or not could:
        return ""
    why = settings.no_efa or "gpu.efa is off"
    return (
        f"{settings.gpu.instance_type} has EFA, but NCCL uses TCP between nodes: {why}. "
        "To use it, set training.layout to pod-per-node and gpu.efa to auto."
    )
