"""The GPU nodes' AMI: would EKS use a release on which they do not come up?"""

from __future__ import annotations

from bionemo_eks.configuration.versions import BROKEN_GPU_AMI_RELEASES
from ops.aws import Deployment
from ops.results import Result, Step, failed, link, passed

# https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html
_NEWEST = (
    "/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/x86_64/nvidia/recommended/"
    "release_version"
)
_RELEASES = "https://github.com/awslabs/amazon-eks-ami/releases"


def gpu_release(deployment: Deployment) -> Result:
    """Whether the newest release, which EKS uses unless one is set, is known to be broken."""
    name, settings = "GPU AMI release", deployment.settings
    if settings.gpu.ami_release:
        return passed(name, f"{settings.gpu.ami_release}, set by gpu.ami_release")
    version = settings.kubernetes_version
    asked = _NEWEST.format(version=version)
    answer = deployment.aws.client("ssm").get_parameter(Name=asked)
    newest = str(answer["Parameter"]["Value"])
    if version not in BROKEN_GPU_AMI_RELEASES.get(newest.rpartition("-")[2], ()):
        return passed(name, f"{newest}, the newest, is not known to be broken")
    remedy: tuple[Step | str, ...] = (
        f"Set gpu.ami_release to another release for Kubernetes {version}:",
        link(_RELEASES),
    )
    return failed(
        name, f"EKS would use {newest}, the newest, on which GPU nodes do not come up", *remedy
    )
