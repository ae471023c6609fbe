"""Settings that are each allowed, but not together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bionemo_eks.configuration.budgets import REGIONS_WITH_BUDGETS
from bionemo_eks.configuration.efa import cards_differ
from bionemo_eks.configuration.errors import refused
from bionemo_eks.configuration.inputs import wrong_with_inputs
from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES, capability_text
from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from bionemo_eks.configuration.versions import BROKEN_GPU_AMI_RELEASES

if TYPE_CHECKING:
    from bionemo_eks.configuration.settings import Settings


def _zones(settings: Settings) -> None:
    for zone in settings.zones:
        if not zone.startswith(settings.region):
            raise refused(
                f"zone '{zone}' of network.availability_zones is not in region {settings.region}",
                "region",
                "network.availability_zones",
            )
    if not settings.gpu_zone.startswith(settings.region):
        raise refused(
            f"gpu.availability_zone '{settings.gpu_zone}' is not in region {settings.region}",
            "region",
            "gpu.availability_zone",
        )
    # An existing VPC has its own zones, which CDK learns when it looks the VPC up.
    if not settings.network.vpc_id and settings.gpu_zone not in settings.zones:
        raise refused(
            f"gpu.availability_zone '{settings.gpu_zone}' is not one of the deployment's zones "
            f"({', '.join(settings.zones)}): name it in network.availability_zones too",
            "network.availability_zones",
            "gpu.availability_zone",
        )


def _key(settings: Settings) -> None:
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_Provider.html
    key = settings.account.kms_key
    if key and key.split(":")[3] != settings.region:
        raise refused(
            f"account.kms_key {key} is not in region {settings.region}", "region", "account.kms_key"
        )


def _ami_release(settings: Settings) -> None:
    release, version = settings.gpu.ami_release, settings.kubernetes_version
    if not release:
        return
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


def _budget(settings: Settings) -> None:
    if settings.notifications.monthly_budget and settings.region not in REGIONS_WITH_BUDGETS:
        raise refused(
            f"CloudFormation cannot create budgets in {settings.region}, only in "
            f"{', '.join(sorted(REGIONS_WITH_BUDGETS))}; create one by hand for the tag "
            f"{DEPLOYMENT_TAG}",
            "region",
            "notifications.monthly_budget",
        )


def _gpus(settings: Settings) -> None:
    needs, title = settings.workload.gpus, settings.workload.title
    unfit = next((each for each in settings.gpu_instances if not needs.met_by(each)), None)
    if unfit is None:
        return
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


def _training(settings: Settings) -> None:
    obstacle = settings.workload.obstacle(settings)
    if obstacle is not None:
        raise refused(obstacle.why, *obstacle.settings)


def _preparation(settings: Settings) -> None:
    if settings.dataset.preparation == "bionemo" and not settings.workload.has_bionemo:
        raise refused(
            "dataset.preparation bionemo runs BioNeMo's own program, which the image of "
            f"{settings.workload.title} does not have; use streaming",
            "dataset.preparation",
            "training.workload",
        )


def _efa(settings: Settings) -> None:
    if settings.gpu.efa == "on" and settings.no_efa:
        raise refused(
            f"gpu.efa cannot be on: {settings.no_efa}",
            "gpu.efa",
            "gpu.instance_type",
            "training.layout",
            "training.workload",
        )
    differ = cards_differ(settings.gpu_instances) if settings.efa else ""
    if differ:
        raise refused(
            f"with EFA all types must have the same network cards: {differ}",
            "gpu.instance_type",
            "gpu.efa",
        )


def _splits(settings: Settings) -> None:
    """As the data Job requires (layout.too_small); only it knows the third split."""
    batch, files = settings.global_batch, settings.dataset.num_csv_files
    if not (batch and settings.dataset.enabled):
        return
    for name, rows in settings.dataset.sizes.items():
        if not isinstance(rows, int):  # a share of an unknown number
            continue
        if rows < batch:
            raise refused(
                f"{name} {rows:,} is less than a global batch of {settings.workload.title}, "
                f"{batch:,} sequences on {settings.gpus} GPUs",
                f"dataset.{name}",
                "gpu.nodes",
                *settings.workload.global_batch_settings,
            )
        if rows < files:
            raise refused(
                f"{name} {rows:,} would leave some of {files:,} files empty",
                f"dataset.{name}",
                "dataset.num_csv_files",
            )


def _inputs(settings: Settings) -> None:
    why, concerned = wrong_with_inputs(settings)
    if why:
        raise refused(why, *concerned)


# Each raises for the settings that it finds in conflict; the first one counts.
CONFLICTS: tuple[Callable[[Settings], None], ...] = (
    _zones,
    _key,
    _ami_release,
    _budget,
    _gpus,
    _training,
    _preparation,
    _efa,
    _splits,
    _inputs,
)
