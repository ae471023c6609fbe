"""The settings of a deployment: typed, frozen, checked once.

They come from the `bionemo` block of cdk.json; each one can be overridden with
`-c <group>.<name>=<value>`. Everything that can be derived is derived here (`Settings.workers` and
the like), so that each number is given once.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, StringConstraints, field_validator, model_validator

from bionemo_eks.configuration.budgets import REGIONS_WITH_BUDGETS
from bionemo_eks.configuration.efa import cards_differ, why_no_efa
from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.forms import REGION_PATTERN, Form, Group, TagKey, TagValue, one_of
from bionemo_eks.configuration.groups.account import AccountSettings
from bionemo_eks.configuration.groups.cluster import ClusterSettings
from bionemo_eks.configuration.groups.data import DatasetSettings, StorageSettings
from bionemo_eks.configuration.groups.network import NetworkSettings
from bionemo_eks.configuration.groups.nodes import CoreSettings, GpuSettings
from bionemo_eks.configuration.groups.training import NotificationSettings, TrainingSettings
from bionemo_eks.configuration.inputs import wrong_with_inputs
from bionemo_eks.configuration.instance_types import (
    CORE_INSTANCE_TYPES,
    GPU_INSTANCE_TYPES,
    InstanceType,
    capability_text,
    smallest,
)
from bionemo_eks.configuration.presets import NONE, PRESETS
from bionemo_eks.configuration.regions import known_regions
from bionemo_eks.configuration.versions import (
    BROKEN_GPU_AMI_RELEASES,
    DEFAULT_KUBERNETES,
    KUBERNETES_RELEASES,
    KubernetesRelease,
)
from bionemo_eks.configuration.workload import Workload

# On everything that CDK tags, to tell this project's leftovers from other projects' resources.
DEPLOYMENT_TAG = "bionemo-on-eks/deployment"
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
        for key in value:
            if re.match(r"aws:", key, re.IGNORECASE):
                raise refused(f"'{key}': AWS reserves tag keys that begin with aws:")
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
            if [each.lower() for each in value].count(key.lower()) > 1:
                raise refused(f"'{key}' is given twice in different case, which is one key to IAM")
            if key == DEPLOYMENT_TAG:
                raise refused(f"'{key}' is the project's own tag, by which it finds its resources")
        return value

    @model_validator(mode="after")
    def _zones_fit(self) -> Self:
        for zone in self.zones:
            if not zone.startswith(self.region):
                raise refused(
                    f"zone '{zone}' of network.availability_zones is not in region {self.region}",
                    "region",
                    "network.availability_zones",
                )
        if not self.gpu_zone.startswith(self.region):
            raise refused(
                f"gpu.availability_zone '{self.gpu_zone}' is not in region {self.region}",
                "region",
                "gpu.availability_zone",
            )
        # An existing VPC has its own zones, which CDK learns when it looks the VPC up.
        if not self.network.vpc_id and self.gpu_zone not in self.zones:
            raise refused(
                f"gpu.availability_zone '{self.gpu_zone}' is not one of the deployment's zones "
                f"({', '.join(self.zones)}): name it in network.availability_zones too",
                "network.availability_zones",
                "gpu.availability_zone",
            )
        return self

    @model_validator(mode="after")
    def _the_key_is_in_the_region(self) -> Self:
        # https://docs.aws.amazon.com/eks/latest/APIReference/API_Provider.html
        key = self.account.kms_key
        if key and key.split(":")[3] != self.region:
            raise refused(
                f"account.kms_key {key} is not in region {self.region}", "region", "account.kms_key"
            )
        return self

    @model_validator(mode="after")
    def _the_ami_release_fits(self) -> Self:
        release, version = self.gpu.ami_release, self.kubernetes_version
        if not release:
            return self
        kubernetes, _, day = release.partition("-")
        if kubernetes.rpartition(".")[0] != version:
            raise refused(
                f"{release} is an AMI for Kubernetes {kubernetes}, but the cluster has {version}",
                "gpu.ami_release",
                "kubernetes_version",
            )
        if version in BROKEN_GPU_AMI_RELEASES.get(day, ()):
            raise refused(
                f"{release} is known to be broken: its kernel panics on GPU types "
                "(https://github.com/awslabs/amazon-eks-ami/issues/2845)",
                "gpu.ami_release",
            )
        return self

    @model_validator(mode="after")
    def _budgets_can_be_made(self) -> Self:
        if self.notifications.monthly_budget and self.region not in REGIONS_WITH_BUDGETS:
            raise refused(
                f"CloudFormation cannot create budgets in {self.region}, only in "
                f"{', '.join(sorted(REGIONS_WITH_BUDGETS))}; create one by hand for the tag "
                f"{DEPLOYMENT_TAG}",
                "region",
                "notifications.monthly_budget",
            )
        return self

    @model_validator(mode="after")
    def _the_workload_can_use_the_gpus(self) -> Self:
        needs, title = self.workload.gpus, self.workload.title
        unfit = next((each for each in self.gpu_instances if not needs.met_by(each)), None)
        if unfit is None:
            return self
        model = unfit.gpu_model
        if needs.has_code_for(unfit):
            why = (
                f"it needs {needs.memory_gib:g} GiB of memory on each GPU, but {model} has "
                f"{unfit.gpu_memory_gib:g}"
            )
        else:
            capability = capability_text(unfit.compute_capability)
            why = f"its image has no code for {model} (compute capability {capability})"
        models = dict.fromkeys(
            each.gpu_model for each in GPU_INSTANCE_TYPES.values() if needs.met_by(each)
        )
        why = f"{unfit.name} cannot run {title}: {why}; {title} can use {', '.join(models)}"
        raise refused(why, "gpu.instance_type", "training.workload")

    @model_validator(mode="after")
    def _the_training_fits(self) -> Self:
        obstacle = self.workload.obstacle(self)
        if obstacle is not None:
            raise refused(obstacle.why, *obstacle.settings)
        return self

    @model_validator(mode="after")
    def _the_image_can_prepare_the_data(self) -> Self:
        if self.dataset.preparation == "bionemo" and not self.workload.has_bionemo:
            raise refused(
                "dataset.preparation bionemo runs BioNeMo's own program, which the image of "
                f"{self.workload.title} does not have; use streaming",
                "dataset.preparation",
                "training.workload",
            )
        return self

    @model_validator(mode="after")
    def _efa_can_be(self) -> Self:
        if self.gpu.efa == "on" and self.no_efa:
            raise refused(
                f"gpu.efa cannot be on: {self.no_efa}",
                "gpu.efa",
                "gpu.instance_type",
                "training.layout",
                "training.workload",
            )
        differ = cards_differ(self.gpu_instances) if self.efa else ""
        if differ:
            raise refused(
                f"with EFA all types must have the same network cards: {differ}",
                "gpu.instance_type",
                "gpu.efa",
            )
        return self

    @model_validator(mode="after")
    def _the_splits_are_large_enough(self) -> Self:
        """As the data Job requires (layout.too_small); only it knows the third split."""
        batch, files = self.global_batch, self.dataset.num_csv_files
        if not (batch and self.dataset.enabled):
            return self
        for name, rows in self.dataset.sizes.items():
            if not isinstance(rows, int):  # a share of an unknown number
                continue
            if rows < batch:
                raise refused(
                    f"{name} {rows:,} is less than a global batch of {self.workload.title}, "
                    f"{batch:,} sequences on {self.gpus} GPUs",
                    f"dataset.{name}",
                    "gpu.nodes",
                    *self.workload.global_batch_settings,
                )
            if rows < files:
                raise refused(
                    f"{name} {rows:,} would leave some of {files:,} files empty",
                    f"dataset.{name}",
                    "dataset.num_csv_files",
                )
        return self

    @model_validator(mode="after")
    def _fsx_can_link_what_is_read(self) -> Self:
        why, concerned = wrong_with_inputs(self)
        if why:
            raise refused(why, *concerned)
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
