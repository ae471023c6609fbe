"""The Kubernetes objects of the training operator, one operator per namespace."""

from __future__ import annotations

from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import NAMESPACE

# Where the operators are.
OPERATORS = "kubeflow"


def operator_name(namespace: str) -> str:
    """Return a namespace's operator name: of its Deployment, account and permissions."""
    return "training-operator" if namespace == NAMESPACE else f"training-operator-{namespace}"


def operator_objects(namespace: str) -> list[KubernetesObject]:
    """Return account, permissions and Deployment of a namespace's operator, in order."""
    place = {"name": operator_name(namespace), "namespace": namespace}
    image = {"training_operator_image": IMAGES["training-operator"].reference}
    return [
        *manifests.load("training-operator/rbac.yaml", place),
        *manifests.load("training-operator/deployment.yaml", place | image),
    ]
