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
    """The training. Each workload sets the defaults missing here, and may add settings."""

    enabled: bool = Field(default=True, description="Whether the deployment starts the training.")
    # `reader.settings_model` knows the allowed names.
    workload: str = Field(description="The workload to train.")
    image: ImageReference = Field(description="The training's container image.")
    image_pull_secret: SecretName = Field(
        default="",
        description="Name of a Secrets Manager secret, in the deployment's region, with the key to "
        "the image's registry: see [an image that needs a key]"
        "(operations.md#an-image-that-needs-a-key).",
    )
    layout: Layout = Field(
        description="`pod-per-gpu`: pods with one GPU each. `pod-per-node`: one pod per node with "
        "all its GPUs, so that NCCL can use NVLink.",
    )
    experiment: Experiment = Field(
        description="Folder of the results; the training resumes from the checkpoints in it.",
    )
    max_steps: Steps = Field(description="Steps to train for.")
    max_hours: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Total hours that the training may run, over all starts; then it is suspended "
        "with a last checkpoint, and its nodes scale down, unless `gpu.scaling` is `fixed`. 0: no "
        "limit.",
    )
    on_stall: Literal["tell", "restart", "suspend"] = Field(
        default="tell",
        description="What happens, besides a message, when the training stalls (see "
        "`notifications.stall_minutes`): nothing, one restart from the newest checkpoint, or "
        "suspension, after which the nodes scale down.",
    )


class NotificationSettings(Group):
    """Who is notified, and when."""

    email: Annotated[
        str,
        StringConstraints(pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$"),
        Form("an e-mail address, or empty"),
    ] = Field(
        default="",
        description="Address for alarms and for the message that the training has ended.",
    )
    pending_minutes: int = Field(
        default=30,
        ge=5,
        le=1440,
        description="Minutes that workers may wait for a GPU node before an alarm.",
    )
    stall_minutes: int = Field(
        default=30,
        ge=10,
        le=1440,
        description="Minutes that all workers may run without a line of progress before an alarm "
        "and `training.on_stall`.",
    )
    idle_minutes: int = Field(
        default=30,
        ge=10,
        le=1440,
        description="Minutes that GPU nodes may be up with idle GPUs (less than 5 %), while a "
        "training should run, before an alarm.",
    )
    monthly_budget: int = Field(
        default=0,
        ge=0,
        le=100_000_000,
        description="US dollars per month for everything with the deployment's tag: messages at "
        "50, 80 and 100 %. 0: no budget.",
    )
