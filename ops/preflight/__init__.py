"""What can be known before the first resource: will a deployment with these settings go through?"""

from __future__ import annotations

from functools import partial

from ops.aws import Deployment
from ops.preflight import account, capacity, names, quotas, versions
from ops.results import Check


def checks(found: Deployment) -> dict[str, Check]:
    """Return every check for the deployment, by name, in the order to show them."""
    settings = found.settings
    listed: dict[str, Check] = {
        "Account": partial(account.account, found),
        "CDK bootstrap": partial(account.bootstrap, found),
        "Permissions": partial(account.permissions, found),
        "EKS in the region": partial(versions.eks, found),
        "Kubernetes version": partial(versions.kubernetes, found),
        "FSx PERSISTENT_2": partial(quotas.lustre_offered, found),
        "Zones": partial(capacity.zones, found),
        "GPU instance type": partial(capacity.gpu_type, found),
        "Core instance type": partial(capacity.core_type, found),
        "GPU vCPU quota": partial(quotas.gpu_vcpus, found),
        "Core vCPU quota": partial(quotas.core_vcpus, found),
        "FSx storage quota": partial(quotas.lustre_storage, found),
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
        listed["Capacity reservation"] = partial(capacity.reservation, found)
    for addon in settings.release.addons:
        listed[f"Add-on {addon}"] = partial(versions.addon, found, addon)
    return listed
