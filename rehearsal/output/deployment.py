"""What is deployed, as the local AWS and the ledger report it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console

from bionemo_eks.configuration.settings import Settings
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.local_aws.resources import resources
from rehearsal.output import report
from rehearsal.output.steps import Span
from rehearsal.pods import view

_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Deployment:
    """The deployment: `resources` as `local_aws.resources` returns them.

    `pods`: each with its node, or None if it fits none. `stacks`: when each was created, in seconds
    from the start of the first.
    """

    resources: list[dict[str, Any]]
    stacks: list[Span]
    groups: list[view.NodeGroupView]
    addons: list[dict[str, Any]]
    ledger: Ledger
    pods: list[tuple[dict[str, Any], str | None]]

    @property
    def unplaced(self) -> list[str]:
        """The names of the pods that fit no node."""
        return [pod["metadata"]["name"] for pod, node in self.pods if node is None]


def take(
    client: Callable[[str], Any], endpoint: str, settings: Settings, ledger: Ledger
) -> Deployment:
    """Ask the local AWS and the cluster's ledger what is deployed."""
    eks, cluster = client("eks"), settings.cluster_name
    groups = view.node_groups(client, cluster)
    made = [each for each in resources(endpoint, settings.region) if _is_ours(each, settings)]
    return Deployment(
        resources=made,
        stacks=_spans(client("cloudformation"), {each["stack"] for each in made}),
        groups=groups,
        addons=[
            eks.describe_addon(clusterName=cluster, addonName=name)["addon"]
            for name in eks.list_addons(clusterName=cluster)["addons"]
        ],
        ledger=ledger,
        pods=view.placements(ledger, groups),
    )


def show(console: Console, deployment: Deployment) -> None:
    """Print nodes, add-ons and charts, objects, and pods."""
    report.show_nodes(console, deployment.groups)
    report.show_addons(console, deployment.addons, deployment.ledger)
    report.show_objects(console, deployment.ledger)
    report.show_pods(console, deployment.pods)


def _is_ours(resource: dict[str, Any], settings: Settings) -> bool:
    """Whether it belongs to one of the deployment's stacks, not to CDK's own."""
    return str(resource["stack"]).startswith(f"{settings.cluster_name}-")


def _spans(cloudformation: Any, names: set[str]) -> list[Span]:
    """Return when each stack's events began and ended, earliest first."""
    found: dict[str, tuple[datetime, datetime]] = {}
    for name in names:
        pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
        times = [
            each["Timestamp"]
            for page in pages
            for each in page["StackEvents"]
            if each["ResourceType"] == _STACK
        ]
        found[name] = min(times), max(times)
    beginning = min(began for began, _ in found.values())
    spans = [
        Span(name, (began - beginning).total_seconds(), (ended - began).total_seconds())
        for name, (began, ended) in found.items()
    ]
    return sorted(spans, key=lambda span: (span.began, span.name))
