"""Settings of groups `training` and `notifications`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bionemo_eks.configuration.forms import (
    Experiment,
    Form,
    Group,
    ImageReference,
    Layout,
    SecretName,
    Steps,
)


class TrainingSettings(Group):
    """The training. What has no default here has one in each workload, which may add settings."""

    enabled: bool = Field(default=True, description="Whether the training starts by itself.")
    # Which ones there are, `reader.settings_model` is told.
    workload: str = Field(description="What is trained.")
    image: ImageReference = Field(description="The training's container image.")
    image_pull_secret: SecretName = Field(
        default="",
        description="Name of a secret of Secrets Manager, in the deployment's region, with the key "
        "to that image's registry: see [an image that wants a key]"
        "(operations.md#an-image-that-wants-a-key).",
    )
    layout: Layout = Field(
        description="`pod-per-gpu`: one-GPU pods. `pod-per-node`: one pod a node with all its "
        "GPUs, so that NCCL can use NVLink.",
    )
    experiment: Experiment = Field(
        description="Folder of the results; the training goes on from the checkpoints in it.",
    )
    max_steps: Steps = Field(description="Steps to train for.")
    max_hours: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Hours that the training may run in all, over all starts; then it is suspended "
        "with a last checkpoint, and its nodes go, unless `gpu.scaling` is `fixed`. 0: as many as "
        "it takes.",
    )
    on_stall: Literal["tell", "restart", "suspend"] = Field(
        default="tell",
        description="What is done beside a message when the training stands still (see "
        "`notifications.stall_minutes`): nothing, one restart from its newest checkpoint, or "
        "its suspension, after which the nodes go.",
    )


class NotificationSettings(Group):
    """Who hears of it."""

    email: Annotated[
        str,
        StringConstraints(pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$"),
        Form("an e-mail address, or empty"),
    ] = Field(default="", description="Address for alarms and the message that training ended.")
    pending_minutes: int = Field(
        default=30,
        ge=5,
        le=1440,
        description="Minutes for which workers wait for a GPU node before an alarm says so.",
    )
    stall_minutes: int = Field(
        default=30,
        ge=10,
        le=1440,
        description="Minutes for which all workers run and print no line of progress before an "
        "alarm says so, and `training.on_stall` is done.",
    )
    idle_minutes: int = Field(
        default=30,
        ge=10,
        le=1440,
        description="Minutes for which GPU nodes are up and their GPUs idle (less than 5 %) before "
        "an alarm says so, while a training should run.",
    )
    monthly_budget: int = Field(
        default=0,
        ge=0,
        le=100_000_000,
        description="US dollars a month for what carries the deployment's tag: messages at 50, 80 "
        "and 100 %. 0: no budget.",
    )
