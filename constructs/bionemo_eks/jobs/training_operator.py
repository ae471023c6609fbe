"""The Kubernetes objects of the training operator: one for each namespace in which it works."""

from __future__ import annotations

from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import NAMESPACE

# Where the operators are.
OPERATORS = "kubeflow"


def operator_name(namespace: str) -> str:
    """Return the name of the operator for a namespace: of its Deployment, account and rights."""
    return "training-operator" if namespace == NAMESPACE else f"training-operator-{namespace}"


def operator_objects(namespace: str) -> list[KubernetesObject]:
    """Return account, rights and Deployment of the operator for a namespace, in their order."""
    place = {"name": operator_name(namespace), "namespace": namespace}
    image = {"training_operator_image": IMAGES["training-operator"].reference}
    return [
        *manifests.load("training-operator/rbac.yaml", place),
        *manifests.load("training-operator/deployment.yaml", place | image),
    ]
