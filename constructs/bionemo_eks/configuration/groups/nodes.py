"""Settings of groups `core` and `gpu`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.forms import (
    RESOURCE_ID,
    ZONE_PATTERN,
    AmiRelease,
    Form,
    Group,
    one_of,
)
from bionemo_eks.configuration.instance_types import CORE_INSTANCE_TYPES, GPU_INSTANCE_TYPES
from bionemo_eks.configuration.purchase import Purchase, wrong_with_reservation


class CoreSettings(Group):
    """The core nodes: controllers, add-ons, the data Job."""

    instance_type: str = Field(
        default="m5.xlarge",
        examples=list(CORE_INSTANCE_TYPES),
        description="EC2 type of the core nodes.",
    )
    nodes: int = Field(default=3, ge=2, le=50, description="Core nodes that always run.")
    max_nodes: int = Field(
        default=9, ge=2, le=100, description="Core nodes that the autoscaler may scale up to."
    )
    disk_gib: int = Field(default=100, ge=50, le=16384, description="Root volume (gp3), in GiB.")

    @field_validator("instance_type")
    @classmethod
    def _is_known(cls, value: str) -> str:
        return one_of(CORE_INSTANCE_TYPES, value)

    @model_validator(mode="after")
    def _room_to_grow(self) -> Self:
        if self.max_nodes < self.nodes:
            raise refused(
                f"max_nodes ({self.max_nodes}) is less than nodes ({self.nodes})",
                "nodes",
                "max_nodes",
            )
        return self


class GpuSettings(Group):
    """The GPU nodes that the training runs on, and how they are bought."""

    instance_type: str = Field(
        default="p4d.24xlarge",
        examples=list(GPU_INSTANCE_TYPES),
        description="EC2 type of the GPU nodes, or several with the same number of GPUs, such as "
        "`p4d.24xlarge,p4de.24xlarge`: On-Demand tries them in this order, Spot chooses by price "
        "and capacity.",
    )
    nodes: int = Field(default=2, ge=1, le=64, description="GPU nodes that the training runs on.")
    scaling: Literal["on-demand", "fixed"] = Field(
        default="on-demand",
        description="`on-demand`: scales from 0 to `nodes` while pods request GPUs. `fixed`: "
        "always `nodes`, paid for around the clock.",
    )
    purchase: Purchase = Field(default="on-demand", description="How the GPU nodes are bought.")
    capacity_reservation_id: Annotated[
        str,
        StringConstraints(pattern=rf"^(cr-{RESOURCE_ID})?$"),
        Form("a reservation's ID, such as cr-0123456789abcdef0, or empty"),
    ] = Field(
        default="",
        description="ID of the On-Demand Capacity Reservation (purchase `capacity-reservation`) or "
        "of the Capacity Block (purchase `capacity-block`); `./bionemo preflight --offers` lists "
        "what can be bought.",
    )
    capacity_reservation_group: Annotated[
        str,
        StringConstraints(
            pattern=r"^(arn:aws:resource-groups:[a-z0-9-]+:[0-9]{12}:group/[\w.-]{1,128})?$"
        ),
        Form(
            "the ARN of a resource group, such as "
            "arn:aws:resource-groups:us-west-2:111122223333:group/training, or empty"
        ),
    ] = Field(
        default="",
        description="Instead of the ID: a resource group of On-Demand Capacity Reservations, with "
        "purchase `capacity-reservation`.",
    )
    availability_zone: Annotated[
        str,
        StringConstraints(pattern=f"^({ZONE_PATTERN})?$"),
        Form("an availability zone, such as us-west-2a, or empty"),
    ] = Field(
        default="",
        description="Zone of the GPU nodes and of the file system. Empty: the first zone.",
    )
    disk_gib: int = Field(
        default=200,
        ge=100,
        le=16384,
        description="Root volume (gp3), in GiB. Holds images and what pods write outside the file "
        "system only where the type has no local NVMe.",
    )
    efa: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Elastic Fabric Adapter, for NCCL traffic between nodes. `auto`: if the type "
        "has it, the workload's image can use it and `training.layout` is `pod-per-node`. `on`: "
        "refuse to deploy without it. See [EFA](nodes.md#efa).",
    )
    repair: Literal["off", "nodes", "gpus"] = Field(
        default="nodes",
        description="What EKS repairs by replacing or rebooting a GPU node. `nodes`: a node that "
        "is not ready, or whose kernel, disks, network or container runtime fail. `gpus`: GPU "
        "faults too, but then CloudWatch has no GPU metrics. A change creates a new node group.",
    )
    ami_release: AmiRelease = Field(
        default="",
        description="Release of EKS's AMI for the GPU nodes. Empty: the newest, each time a "
        "deployment recreates them.",
    )

    @field_validator("instance_type")
    @classmethod
    def _is_known(cls, value: str) -> str:
        types = [each.strip() for each in value.split(",")]
        for each in types:
            if each not in GPU_INSTANCE_TYPES and len(types) > 1:
                raise refused(f"'{each}' is not one of the allowed values")
            one_of(GPU_INSTANCE_TYPES, each)
        if len(set(types)) < len(types):
            raise refused("a type is listed twice")
        gpus = {each: GPU_INSTANCE_TYPES[each].gpus for each in types}
        if len(set(gpus.values())) > 1:
            counts = ", ".join(f"{name} has {count}" for name, count in gpus.items())
            raise refused(f"all types must have the same number of GPUs: {counts}")
        return ",".join(types)

    @property
    def types(self) -> tuple[str, ...]:
        """The names in `instance_type`, in its order."""
        return tuple(self.instance_type.split(","))

    @model_validator(mode="after")
    def _reservation_matches(self) -> Self:
        wrong, names = wrong_with_reservation(
            self.purchase,
            self.capacity_reservation_id,
            self.capacity_reservation_group,
            types=len(self.types),
            fixed=self.scaling == "fixed",
        )
        if wrong:
            raise refused(wrong, *names)
        return self
