"""Checks before a deployment: will it succeed with these settings?"""

from __future__ import annotations

from functools import partial

from bionemo_eks.configuration.inputs import inputs as inputs_of
from bionemo_eks.configuration.inputs import links
from ops.aws import Deployment
from ops.parallel import Check
from ops.preflight import (
    account,
    addons,
    ami,
    budget,
    capacity,
    capacity_block,
    company,
    free_names,
    given_vpc,
    gpu_quota,
    images,
    inputs,
    lustre,
    permissions,
    quotas,
    reservation,
    standing,
    versions,
)


def checks(deployment: Deployment) -> dict[str, Check]:
    """Return every check for the deployment, by name, in display order."""
    listed: dict[str, Check] = {
        "Account": partial(account.account, deployment),
        "CDK bootstrap": partial(account.bootstrap, deployment),
        "Permissions": partial(permissions.permissions, deployment),
        "Stacks": partial(standing.stacks_ready, deployment),
        company.LASTING: partial(company.lasting, deployment),
        "EKS in the region": partial(versions.eks, deployment),
        "Kubernetes version": partial(versions.kubernetes, deployment),
        "Add-on versions": partial(addons.versions, deployment),
        "Add-on settings": partial(addons.configuration, deployment),
        "GPU AMI release": partial(ami.gpu_release, deployment),
        "Images": partial(images.images, deployment),
        "FSx PERSISTENT_2": partial(lustre.offered, deployment),
        "Zones": partial(capacity.zones, deployment),
        "GPU instance type": partial(capacity.gpu_type, deployment),
        "Core instance type": partial(capacity.core_type, deployment),
        "GPU vCPU quota": partial(gpu_quota.gpu_vcpus, deployment),
        "Core vCPU quota": partial(quotas.core_vcpus, deployment),
        "FSx storage quota": partial(lustre.storage_quota, deployment),
        "FSx number quota": partial(lustre.number_quota, deployment),
        "File system": partial(lustre.present, deployment),
        "Cluster name": partial(free_names.cluster, deployment),
        "Bucket name": partial(free_names.bucket, deployment),
        "Bucket policy": partial(free_names.bucket_policy, deployment),
        "Log groups": partial(free_names.log_groups, deployment),
    }
    return listed | _asked_for(deployment)


def _asked_for(deployment: Deployment) -> dict[str, Check]:
    """Return the checks that only some settings require."""
    settings = deployment.settings
    listed: dict[str, Check] = {}
    if not settings.network.vpc_id:
        listed["VPC quota"] = partial(quotas.vpcs, deployment)
        listed["Elastic IP quota"] = partial(quotas.addresses, deployment)
    else:
        listed["VPC"] = partial(given_vpc.vpc, deployment)
        listed["VPC subnets"] = partial(given_vpc.subnets, deployment)
        listed["VPC addresses"] = partial(given_vpc.addresses, deployment)
        listed["VPC routes"] = partial(given_vpc.routes, deployment)
    if settings.account.permissions_boundary:
        listed[company.BOUNDARY] = partial(company.boundary, deployment)
    if settings.account.kms_key:
        listed[company.KEY] = partial(company.key, deployment)
    if inputs_of(settings):
        listed[inputs.FILES] = partial(inputs.files, deployment)
    if links(settings):
        listed[inputs.LINKS] = partial(inputs.linked, deployment)
    if settings.training.image_pull_secret:
        listed["Image pull secret"] = partial(images.secret, deployment)
    if settings.notifications.monthly_budget:
        listed["Cost allocation tag"] = partial(budget.cost_allocation_tag, deployment)
    if settings.gpu.purchase == "capacity-block":
        listed["Capacity Block"] = partial(capacity_block.capacity_block, deployment)
    elif settings.gpu.purchase == "capacity-reservation":
        listed["Capacity reservation"] = partial(reservation.reservation, deployment)
    return listed
