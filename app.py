"""BioNeMo on EKS: reads the settings, creates the stacks and connects them."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aws_cdk import App, DefaultStackSynthesizer, Environment, Tags, Validations

from bionemo_eks.account.roles import govern_roles
from bionemo_eks.configuration import names
from bionemo_eks.configuration.advice import advice
from bionemo_eks.configuration.cdk_context import read_files
from bionemo_eks.configuration.reader import SettingsError, read_settings
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.tags import DEPLOYMENT_TAG
from bionemo_eks.configuration.workload import Workloads
from bionemo_eks.jobs.workloads import WORKLOADS
from stacks.addons import AddonsStack
from stacks.cluster import ClusterStack
from stacks.network import NetworkStack
from stacks.observability import ObservabilityStack
from stacks.storage import StorageStack
from stacks.workload import WorkloadStack


def build(app: App, workloads: Workloads = WORKLOADS) -> Settings:
    """Create all stacks in `app`; return the settings they were made from.

    `workloads` are those that `training.workload` may name. Raises SettingsError if the settings
    cannot be used.
    """
    settings = read_settings(app.node.get_all_context(), workloads)
    environment = Environment(account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=settings.region)
    qualifier = settings.account.bootstrap_qualifier or None

    def common(stack: str, description: str) -> dict[str, Any]:
        return {
            "settings": settings,
            "env": environment,
            "stack_name": names.stack_name(settings, stack),
            "description": f"BioNeMo on EKS: {description}",
            "synthesizer": DefaultStackSynthesizer(qualifier=qualifier),
        }

    subnets = None
    if not settings.network.vpc_id:
        network = NetworkStack(app, "Network", **common("Network", "VPC and subnets"))
        subnets = network.subnets
    storage = StorageStack(
        app,
        "Storage",
        subnets=subnets,
        workloads=workloads,
        **common("Storage", "FSx for Lustre and its bucket"),
    )
    cluster = ClusterStack(
        app, "Cluster", subnets=subnets, **common("Cluster", "EKS, core and GPU nodes")
    )
    addons = AddonsStack(
        app, "Addons", eks=cluster.eks, **common("Addons", "add-ons, charts, training operator")
    )
    workload = WorkloadStack(
        app,
        "Workload",
        eks=cluster.eks,
        file_system=storage.file_system,
        **common("Workload", f"UniRef50 data Job and {settings.workload.title} training"),
    )
    workload.add_stack_dependency(addons)
    observability = ObservabilityStack(
        app,
        "Observability",
        file_system=storage.file_system,
        **common("Observability", "dashboard, alarms, messages"),
    )
    observability.add_stack_dependency(addons)
    _mark_everything(app, settings)
    _warn(cluster, settings)
    return settings


def _mark_everything(app: App, settings: Settings) -> None:
    """Tag all resources, and give all roles their permissions boundary and path."""
    account = settings.account
    govern_roles(app, permissions_boundary=account.permissions_boundary, path=account.role_path)
    Tags.of(app).add(DEPLOYMENT_TAG, settings.cluster_name)
    for key, value in settings.tags.items():
        Tags.of(app).add(key, value, exclude_resource_types=names.WITHOUT_THE_USERS_TAGS)


def _warn(cluster: ClusterStack, settings: Settings) -> None:
    for name, text in advice(settings, datetime.now(UTC).date()).items():
        Validations.of(cluster).add_warning(f"bionemo:{name}", text)


def main() -> int:
    """Synthesize the app; return the exit status."""
    app = App()
    try:
        read_files(Path.cwd())  # cdk has read them too, but lost the positions
        build(app)
    except SettingsError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
