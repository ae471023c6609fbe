"""What can be known before the first resource: will a deployment with these settings go through?"""

from __future__ import annotations

from functools import partial

from ops.aws import Deployment
from ops.preflight import (
    account,
    capacity,
    lustre,
    names,
    permissions,
    quotas,
    reservation,
    standing,
    versions,
)
from ops.results import Check


def checks(found: Deployment) -> dict[str, Check]:
    """Return every check for the deployment, by name, in the order to show them."""
    settings = found.settings
    listed: dict[str, Check] = {
        "Account": partial(account.account, found),
        "CDK bootstrap": partial(account.bootstrap, found),
        "Permissions": partial(permissions.permissions, found),
        "Stacks": partial(standing.stacks_ready, found),
        "EKS in the region": partial(versions.eks, found),
        "Kubernetes version": partial(versions.kubernetes, found),
        "Add-on versions": partial(versions.addons, found),
        "FSx PERSISTENT_2": partial(lustre.offered, found),
        "Zones": partial(capacity.zones, found),
        "GPU instance type": partial(capacity.gpu_type, found),
        "Core instance type": partial(capacity.core_type, found),
        "GPU vCPU quota": partial(quotas.gpu_vcpus, found),
        "Core vCPU quota": partial(quotas.core_vcpus, found),
        "FSx storage quota": partial(lustre.storage_quota, found),
        "FSx number quota": partial(lustre.number_quota, found),
        "File system": partial(lustre.present, found),
        "Cluster name": partial(names.cluster, found),
        "Bucket name": partial(names.bucket, found),
        "Log groups": partial(names.log_groups, found),
    }
    if not settings.network.vpc_id:
        listed["VPC quota"] = partial(quotas.vpcs, found)
        listed["Elastic IP quota"] = partial(quotas.addresses, found)
    else:
        listed["VPC"] = partial(names.vpc, found)
    if settings.gpu.capacity_reservation_id:
        listed["Capacity reservation"] = partial(reservation.reservation, found)
    return listed
