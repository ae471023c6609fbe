"""Every version that the project pins, in one place, each with its reason.

A user raises one here and nowhere else; `cdk diff` then shows what it touches. Kubernetes' support
dates: https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Image:
    """A container image, with why this one."""

    reference: str
    reason: str


@dataclass(frozen=True)
class Chart:
    """A Helm chart: its release name in the cluster, its repository, its version, and why."""

    release: str
    chart: str
    repository: str
    version: str
    namespace: str
    reason: str


@dataclass(frozen=True)
class KubernetesRelease:
    """What goes with one Kubernetes minor version on EKS.

    `kubectl` is the full version of kubectl's image; `autoscaler` the tag of the cluster
    autoscaler, which follows Kubernetes' minor versions; `addons` the EKS add-on versions.
    Support ends on the dates given; after the extended one AWS creates no such cluster.
    """

    version: str
    standard_support_until: date
    extended_support_until: date
    kubectl: str
    autoscaler: str
    addons: dict[str, str]
    core_ami_type: str = "AL2023_x86_64_STANDARD"
    gpu_ami_type: str = "AL2023_x86_64_NVIDIA"

    @property
    def kubectl_layer_package(self) -> str:
        """Package of `aws_cdk` that holds the kubectl and helm for this version."""
        return f"lambda_layer_kubectl_v{self._minor}"

    @property
    def kubectl_layer_class(self) -> str:
        """Name of the layer's class in that package."""
        return f"KubectlV{self._minor}Layer"

    @property
    def _minor(self) -> str:
        return self.version.partition(".")[2]


def _release(
    version: str,
    standard: str,
    extended: str,
    kubectl: str,
    autoscaler: str,
    addons: dict[str, str],
) -> tuple[str, KubernetesRelease]:
    return version, KubernetesRelease(
        version,
        date.fromisoformat(standard),
        date.fromisoformat(extended),
        kubectl,
        autoscaler,
        addons,
    )


def _addons(kube_proxy: str, coredns: str) -> dict[str, str]:
    return {
        "vpc-cni": "v1.20.4-eksbuild.1",
        "kube-proxy": kube_proxy,
        "coredns": coredns,
        "eks-pod-identity-agent": "v1.3.9-eksbuild.3",
        "metrics-server": "v0.8.0-eksbuild.2",
        "aws-fsx-csi-driver": "v1.7.0-eksbuild.1",
        "amazon-cloudwatch-observability": "v4.5.0-eksbuild.1",
    }


# 1.29 is the 2024 blueprint's own. AWS creates no new one since its extended support ended; it
# stays for existing clusters and as the low end of what the manifests are tested against.
KUBERNETES_RELEASES = dict(
    [
        _release("1.29", "2025-03-23", "2026-03-23", "v1.29.15", "v1.29.5", _addons("v1.29.0-eksbuild.2", "v1.12.4-eksbuild.1")),
        _release("1.32", "2026-03-23", "2027-03-23", "v1.32.9", "v1.32.3", _addons("v1.32.0-eksbuild.2", "v1.12.4-eksbuild.1")),
        _release("1.33", "2026-07-29", "2027-07-29", "v1.33.5", "v1.33.1", _addons("v1.33.0-eksbuild.2", "v1.12.4-eksbuild.1")),
        _release("1.34", "2026-12-02", "2027-12-02", "v1.34.1", "v1.34.1", _addons("v1.34.0-eksbuild.2", "v1.12.4-eksbuild.1")),
        _release("1.35", "2027-03-27", "2028-03-27", "v1.35.0", "v1.35.0", _addons("v1.35.0-eksbuild.2", "v1.12.4-eksbuild.1")),
    ]
)

IMAGES = {
    "bionemo": Image(
        "nvcr.io/nvidia/clara/bionemo-framework:1.2",
        "the 2024 blueprint's; the last line with UniRef50Preprocess and examples/protein/esm1nv",
    ),
    "training-operator": Image(
        "kubeflow/training-operator:v1-855e096",
        "the image that training operator v1.7.0's own manifests name",
    ),
}

CHARTS = {
    "nvidia-device-plugin": Chart(
        "nvidia-device-plugin",
        "nvidia-device-plugin",
        "https://nvidia.github.io/k8s-device-plugin",
        "0.20.0",
        "nvidia-device-plugin",
        "newest",
    ),
    "cluster-autoscaler": Chart(
        "cluster-autoscaler",
        "cluster-autoscaler",
        "https://kubernetes.github.io/autoscaler",
        "9.50.1",
        "kube-system",
        "newest",
    ),
}
