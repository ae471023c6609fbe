"""The versions of Kubernetes, add-ons, charts and images that a deployment pins, with reasons.

To upgrade, change a version here; `cdk diff` then shows the effect. A new Kubernetes version also
needs its kubectl layer in requirements.txt. Kubernetes' support dates:
https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Image:
    """A container image, and why this one."""

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
    """The versions that go with one Kubernetes minor version on EKS.

    `autoscaler` is the tag of the cluster autoscaler, which follows Kubernetes' minor versions;
    `addons` maps the name of each EKS add-on to its version. Support ends on the given dates;
    after the end of extended support AWS creates no such cluster.
    """

    version: str
    standard_support_until: date
    extended_support_until: date
    autoscaler: str
    addons: dict[str, str]
    core_ami_type: str = "AL2023_x86_64_STANDARD"
    gpu_ami_type: str = "AL2023_x86_64_NVIDIA"

    @property
    def kubectl_layer_package(self) -> str:
        """Package of `aws_cdk` with kubectl and helm for this version."""
        return f"lambda_layer_kubectl_v{self._minor}"

    @property
    def kubectl_layer_class(self) -> str:
        """Name of the layer's class in that package."""
        return f"KubectlV{self._minor}Layer"

    @property
    def _minor(self) -> str:
        return self.version.partition(".")[2]


_KUBE_PROXY, _COREDNS, _METRICS = "kube-proxy", "coredns", "metrics-server"
NODE_MONITOR = "eks-node-monitoring-agent"

# The same for every Kubernetes version in the table: EKS offers each of them for all of these.
_COMMON_ADDONS = {
    # EKS's default for 1.35 on 2026-10-02; newer ones were not yet default.
    "vpc-cni": "v1.22.4-eksbuild.3",
    "eks-pod-identity-agent": "v1.3.10-eksbuild.3",
    # First minor version with Pod Identity for the controller and Kubernetes 1.33 and later.
    "aws-fsx-csi-driver": "v1.9.0-eksbuild.1",
    # Newest; its GPU metrics need no add-on of their own.
    "amazon-cloudwatch-observability": "v6.4.0-eksbuild.1",
    # The first that does not take a program's own fault (XID 13, 31, 94) for a GPU fault.
    NODE_MONITOR: "v1.7.0-eksbuild.1",
}


def _addons(kube_proxy: str, coredns: str, metrics_server: str) -> dict[str, str]:
    """Return all add-ons, with those whose version depends on that of Kubernetes."""
    return {
        **_COMMON_ADDONS,
        _KUBE_PROXY: kube_proxy,
        _COREDNS: coredns,
        _METRICS: metrics_server,
    }


def _release(
    version: str, standard_until: str, extended_until: str, autoscaler: str, *addons: str
) -> tuple[str, KubernetesRelease]:
    return version, KubernetesRelease(
        version=version,
        standard_support_until=date.fromisoformat(standard_until),
        extended_support_until=date.fromisoformat(extended_until),
        autoscaler=autoscaler,
        addons=_addons(*addons),
    )


# Per version: end of standard and of extended support, the newest autoscaler of the same minor
# version, then kube-proxy, CoreDNS and metrics-server as EKS lists them.
#
# 1.29 is the 2024 blueprint's. Its extended support has ended, so AWS creates no new clusters with
# it; it stays for existing clusters and as the oldest version that the manifests are tested
# against. 1.37, on EKS since 2026-10-01, is not here yet: its kubectl layer is on PyPI (2.0.0),
# but no source has its kube-proxy and CoreDNS versions except
# `aws eks describe-addon-versions --kubernetes-version 1.37`.
KUBERNETES_RELEASES = dict(
    [
        _release(
            "1.29",
            "2025-03-23",
            "2026-03-23",
            "v1.29.5",
            "v1.29.15-eksbuild.16",
            "v1.11.4-eksbuild.2",
            "v0.8.1-eksbuild.14",
        ),
        _release(
            "1.32",
            "2026-03-23",
            "2027-03-23",
            "v1.32.7",
            "v1.32.13-eksbuild.21",
            "v1.11.4-eksbuild.40",
            "v0.8.1-eksbuild.14",
        ),
        _release(
            "1.33",
            "2026-07-29",
            "2027-07-29",
            "v1.33.6",
            "v1.33.10-eksbuild.18",
            "v1.13.2-eksbuild.11",
            "v0.8.1-eksbuild.14",
        ),
        _release(
            "1.34",
            "2026-12-02",
            "2027-12-02",
            "v1.34.5",
            "v1.34.6-eksbuild.18",
            "v1.13.2-eksbuild.11",
            "v0.9.0-eksbuild.5",
        ),
        _release(
            "1.35",
            "2027-03-27",
            "2028-03-27",
            "v1.35.2",
            "v1.35.3-eksbuild.29",
            "v1.13.2-eksbuild.31",
            "v0.9.0-eksbuild.5",
        ),
        # kube-proxy and CoreDNS as EKS chose them for a new cluster on 2026-09-16; metrics-server
        # as for 1.35.
        _release(
            "1.36",
            "2027-08-02",
            "2028-08-02",
            "v1.36.1",
            "v1.36.0-eksbuild.21",
            "v1.14.3-eksbuild.16",
            "v0.9.0-eksbuild.5",
        ),
    ]
)
# The newest that is fully documented. For 1.36's kernel, 6.18, no AWS page was found that says that
# the Lustre client runs on it, which has to be checked:
# https://docs.aws.amazon.com/fsx/latest/LustreGuide/managing-lustre-version.html
DEFAULT_KUBERNETES = "1.35"

# Releases of EKS's AMIs, by date, with which GPU nodes of these Kubernetes versions do not start:
# the kernel panics. https://github.com/awslabs/amazon-eks-ami/issues/2845
_PANICS = ("1.31", "1.32", "1.33", "1.34", "1.35")
BROKEN_GPU_AMI_RELEASES = {"20260930": _PANICS, "20261003": _PANICS}

IMAGES = {
    "bionemo": Image(
        "nvcr.io/nvidia/clara/bionemo-framework:1.2",
        "the 2024 blueprint's; the last series with UniRef50Preprocess and examples/protein/esm1nv",
    ),
    "pytorch": Image(
        "public.ecr.aws/deep-learning-containers/pytorch:2.13-cu133-amzn2023",
        "AWS's own PyTorch 2.13, public, no key needed, patched until 2027-07-20; with NumPy, "
        "matplotlib, NCCL and what EFA needs; the newest that its page lists: "
        "https://github.com/aws/deep-learning-containers/blob/main/docs/pytorch/index.md",
    ),
    "kubectl": Image(
        "registry.k8s.io/kubectl:v1.35.3",
        "that of the default version; one for all, because a different one would mean a new "
        "launcher, which would start the training again. The launcher only gets, waits and "
        "patches, which every version can",
    ),
    "watch": Image(
        "public.ecr.aws/lambda/python:3.13.2026.06.05.14",
        "AWS's own Python with boto3 (1.40 or later, for Pod Identity), public, no key needed; a "
        "dated tag, which never moves",
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
        "newest; includes NFD 0.19 and GFD, and works with the V100's driver branch 580",
    ),
    "aws-efa-k8s-device-plugin": Chart(
        "aws-efa-k8s-device-plugin",
        "aws-efa-k8s-device-plugin",
        "https://aws.github.io/eks-charts",
        "v0.5.30",
        "kube-system",
        "newest; its list of types has all of the table's types with EFA",
    ),
    "cluster-autoscaler": Chart(
        "cluster-autoscaler",
        "cluster-autoscaler",
        "https://kubernetes.github.io/autoscaler",
        "9.56.0",
        "kube-system",
        "a chart of this series works with the image tag of any Kubernetes minor version",
    ),
}
