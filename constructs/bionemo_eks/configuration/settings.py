"""The settings of a deployment: typed, frozen, checked once.

They come from the `bionemo` block of cdk.json; each one can be overridden with
`-c <group>.<name>=<value>`. Everything that can be derived is derived here (`Settings.workers` and
the like), so that each number is given once.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, StringConstraints, field_validator, model_validator

from bionemo_eks.configuration.conflicts import CONFLICTS
from bionemo_eks.configuration.efa import why_no_efa
from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.forms import REGION_PATTERN, Form, Group, TagKey, TagValue, one_of
from bionemo_eks.configuration.groups.account import AccountSettings
from bionemo_eks.configuration.groups.cluster import ClusterSettings
from bionemo_eks.configuration.groups.data import DatasetSettings, StorageSettings
from bionemo_eks.configuration.groups.network import NetworkSettings
from bionemo_eks.configuration.groups.nodes import CoreSettings, GpuSettings
from bionemo_eks.configuration.groups.training import NotificationSettings, TrainingSettings
from bionemo_eks.configuration.instance_types import (
    CORE_INSTANCE_TYPES,
    GPU_INSTANCE_TYPES,
    InstanceType,
    smallest,
)
from bionemo_eks.configuration.presets import NONE, PRESETS
from bionemo_eks.configuration.regions import known_regions
from bionemo_eks.configuration.tags import refuse_reserved
from bionemo_eks.configuration.versions import (
    DEFAULT_KUBERNETES,
    KUBERNETES_RELEASES,
    KubernetesRelease,
)
from bionemo_eks.configuration.workload import Workload

# Names of buckets and security groups, which begin with the cluster's, must not begin with these.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-", "sg-")


class Settings(Group):
    """All settings of one deployment."""

    cluster_name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,28}[a-z0-9]$"),
        Form(
            "2 to 30 lowercase letters, digits and hyphens, starting with a letter, not ending in "
            "a hyphen"
        ),
    ] = Field(
        default="bionemo-on-eks",
        description="Name of the cluster; stack names are derived from it.",
    )
    preset: str = Field(
        default=NONE,
        examples=[NONE, *PRESETS],
        description="A named set of settings: see Presets. With `-c` it overrides cdk.json's "
        "block; other settings given with `-c` override it.",
    )
    region: Annotated[
        str,
        StringConstraints(pattern=REGION_PATTERN),
        Form("an AWS region outside China and GovCloud, such as us-west-2", names=known_regions),
    ] = Field(default="us-west-2", description="AWS region.")
    kubernetes_version: str = Field(
        default=DEFAULT_KUBERNETES,
        examples=list(KUBERNETES_RELEASES),
        description="Kubernetes minor version of the cluster and its nodes; an existing cluster "
        "goes up one minor version at a time.",
    )
    tags: Annotated[
        dict[TagKey, TagValue],
        Form("up to 40 tags; keys and values of letters, digits, spaces and _ . : / = + - @"),
        # Of the 50 tags that a resource may have, some are the project's, CDK's and EKS's.
        # https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html
        Field(max_length=40),
    ] = Field(default={}, description="Tags for every resource, besides the project's own.")
    account: AccountSettings = Field(default=AccountSettings())
    network: NetworkSettings = Field(default=NetworkSettings())
    cluster: ClusterSettings = Field(default=ClusterSettings())
    core: CoreSettings = Field(default=CoreSettings())
    gpu: GpuSettings = Field(default=GpuSettings())
    storage: StorageSettings = Field(default=StorageSettings())
    dataset: DatasetSettings = Field(default=DatasetSettings())
    training: TrainingSettings
    notifications: NotificationSettings = Field(default=NotificationSettings())
    _workload: Workload = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Keep the workload, which the reader passes as validation context."""
        self._workload = context

    @field_validator("cluster_name")
    @classmethod
    def _no_reserved_prefix(cls, value: str) -> str:
        if value.startswith(_RESERVED_PREFIXES):
            taken = ", ".join(_RESERVED_PREFIXES)
            raise refused(
                f"bucket and security group names begin with it, and must not begin with {taken}"
            )
        return value

    @field_validator("preset", mode="before")
    @classmethod
    def _is_a_preset(cls, value: Any) -> str:
        # A preset may be named after a year, which JSON may have as a number.
        return one_of({NONE: None, **PRESETS}, str(value))

    @field_validator("kubernetes_version")
    @classmethod
    def _is_supported(cls, value: str) -> str:
        return one_of(KUBERNETES_RELEASES, value)

    @field_validator("tags")
    @classmethod
    def _not_reserved(cls, value: dict[str, str]) -> dict[str, str]:
        refuse_reserved(value)
        return value

    @model_validator(mode="after")
    def _no_conflicts(self) -> Self:
        for check in CONFLICTS:
            check(self)
        return self

    @property
    def workload(self) -> Workload:
        """The training's workload."""
        return self._workload

    @property
    def zones(self) -> tuple[str, ...]:
        """The availability zones in use."""
        return tuple(self.network.availability_zones) or (f"{self.region}a", f"{self.region}b")

    @property
    def gpu_zone(self) -> str:
        """The zone of GPU nodes and file system: traffic between zones costs money."""
        return self.gpu.availability_zone or self.zones[0]

    @property
    def release(self) -> KubernetesRelease:
        """The row of the version table for `kubernetes_version`."""
        return KUBERNETES_RELEASES[self.kubernetes_version]

    @property
    def gpu_instance(self) -> InstanceType:
        """What a GPU node has at least, whichever of its types it is."""
        return smallest(self.gpu_instances)

    @property
    def gpu_instances(self) -> tuple[InstanceType, ...]:
        """The types that a GPU node may have, in the order of `gpu.instance_type`."""
        return tuple(GPU_INSTANCE_TYPES[name] for name in self.gpu.types)

    @property
    def core_instance(self) -> InstanceType:
        """What a core node has."""
        return CORE_INSTANCE_TYPES[self.core.instance_type]

    @property
    def gpus(self) -> int:
        """GPUs of the whole training: the world size."""
        return self.gpu.nodes * self.gpu_instance.gpus

    @property
    def no_efa(self) -> str:
        """Why the training cannot use EFA, whatever `gpu.efa` is; empty if it can."""
        return why_no_efa(self.workload, self.training.layout, self.gpu_instances)

    @property
    def efa(self) -> bool:
        """Whether nodes and workers have EFA."""
        return self.gpu.efa != "off" and not self.no_efa

    @property
    def global_batch(self) -> int:
        """Sequences of one training step, over all GPUs; 0 if unknown."""
        return self.workload.global_batch(self) if self.workload.global_batch else 0

    @property
    def gpus_per_worker(self) -> int:
        """GPUs of one worker pod."""
        return 1 if self.training.layout == "pod-per-gpu" else self.gpu_instance.gpus

    @property
    def workers(self) -> int:
        """Worker replicas of the PyTorchJob."""
        return self.gpus // self.gpus_per_worker
