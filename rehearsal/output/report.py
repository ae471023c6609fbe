"""A rehearsal's tables: what is deployed, and what is left after `cdk destroy`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from rehearsal.kubernetes.ledger import Ledger
from rehearsal.local_aws.inventory import Inventory
from rehearsal.pods.scheduler import requests
from rehearsal.pods.training_operator import processes_per_pod, world_size
from rehearsal.pods.view import NodeGroupView

_GIB, _GPU = 2**30, "nvidia.com/gpu"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def show_nodes(console: Console, groups: list[NodeGroupView]) -> None:
    """Print the node groups with their labels, taints and EFAs."""
    table = _table("Nodes", "group", "type", "now", "training", "GPUs", "labels, taints, EFA")
    for group in groups:
        marks = [f"{key}={value}" for key, value in group.labels.items()]
        marks += [f"{each['key']}={each['value']}:{each['effect']}" for each in group.taints]
        if group.efas:
            marks.append(f"{group.efas} EFA per node")
        table.add_row(
            group.name,
            "\n".join(group.instance_types),
            str(group.now),
            str(group.training),
            str(group.training * group.gpus),
            "\n".join(marks),
        )
    console.print(table)


def show_addons(console: Console, addons: list[dict[str, Any]], ledger: Ledger) -> None:
    """Print EKS add-ons and Helm charts with their versions."""
    table = _table("Add-ons and charts", "kind", "name", "version", "namespace")
    for addon in addons:
        table.add_row("add-on", addon["addonName"], addon["addonVersion"], "")
    for chart in ledger.charts.values():
        table.add_row("chart", chart["release"], chart["version"], chart["namespace"])
    console.print(table)


def figures(pod: dict[str, Any]) -> dict[str, str]:
    """Return what a pod requests, as text: CPUs, GiB of memory, GPUs ("" if none)."""
    asked = requests(pod["spec"])
    return {
        "cpus": f"{asked.get('cpu', 0):g}",
        "gib": f"{asked.get('memory', 0) / _GIB:.3g}",
        "gpus": f"{asked[_GPU]:g}" if _GPU in asked else "",
    }


def parts_of(key: str) -> tuple[str, str, str]:
    """Return kind, namespace ("" if none) and name from a ledger's key."""
    kind, *namespace, name = key.split("/")
    return kind, "".join(namespace), name


def show_objects(console: Console, ledger: Ledger) -> None:
    """Print the Kubernetes objects in the order applied."""
    table = _table("Kubernetes objects, in the order applied", "", "kind", "namespace", "name")
    for number, key in enumerate(ledger.objects, start=1):
        table.add_row(str(number), *parts_of(key))
    console.print(table)


def show_pods(console: Console, placed: list[tuple[dict[str, Any], str | None]]) -> None:
    """Print each pod with the node that it fits."""
    table = _table("Pods, and where they fit", "pod", "node", "CPUs", "GiB", "GPUs", "processes")
    for pod, node in placed:
        asked = figures(pod)
        processes = str(processes_per_pod(pod)) if asked["gpus"] else ""
        table.add_row(pod["metadata"]["name"], node or "[red]none[/]", *asked.values(), processes)
    console.print(table)
    trained = [pod for pod, _ in placed if figures(pod)["gpus"]]
    if trained:
        homes = Counter(node for pod, node in placed if pod in trained)
        spread = ", ".join(f"{count} on {node or 'no node'}" for node, count in homes.items())
        console.print(f"{len(trained)} workers: {spread}. World size: {world_size(trained)}.")


def show_left(console: Console, left: Inventory) -> None:
    """Print what is left and not listed yet."""
    if not left:
        return
    table = _table("What else is left", "kind", "name")
    for kind, names in left.items():
        table.add_row(kind, "\n".join(sorted(names)))
    console.print(table)
