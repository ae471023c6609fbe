"""The GPU nodes' instance types: are they offered, where, and what are the alternatives?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES, InstanceType
from ops.aws import Deployment
from ops.cost.prices import hourly_prices
from ops.parallel import side_by_side
from ops.preflight.quota_codes import vcpu_quota_code
from ops.preflight.quotas import limit_of
from ops.price_table import HOURLY
from ops.results import Step, command

_SHOWN = 6
# Seconds for the quotas, and again for prices, which the project's table also has: together less
# than the minimum of three that preflight leaves its checks.
_DEADLINE = 1.0


@dataclass(frozen=True)
class Candidate:
    """A type that the workload can use, the zones that offer it, its price and its quota.

    `dollars`: per node-hour, None if unknown; `allowed`: the account's quota in vCPUs, None if
    unknown; `needed`: vCPUs of all nodes.
    """

    instance: InstanceType
    zones: tuple[str, ...]
    dollars: float | None
    allowed: float | None
    needed: int

    def __str__(self) -> str:
        instance = self.instance
        price = "no hourly price" if self.dollars is None else f"${self.dollars:,.2f} an hour"
        allowed = "unknown" if self.allowed is None else f"{self.allowed:,.0f}"
        return (
            f"{instance.name}: {instance.gpus} x {instance.gpu_model} {instance.gpu_memory_gib:g} "
            f"GiB; {price} per node; {self.needed:,} vCPUs needed, quota {allowed}; in "
            f"{', '.join(self.zones)}"
        )


def offers(deployment: Deployment) -> Mapping[str, tuple[str, ...]]:
    """Return the region's zones that offer each GPU type in the table, sorted; asks only once."""
    return deployment.once("GPU type offers", lambda: _offers(deployment))


def _offers(deployment: Deployment) -> Mapping[str, tuple[str, ...]]:
    listed = deployment.aws.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": list(GPU_INSTANCE_TYPES)}],
    )
    zones: dict[str, list[str]] = {}
    for each in listed:
        zones.setdefault(each["InstanceType"], []).append(each["Location"])
    return {name: tuple(sorted(found)) for name, found in zones.items()}


def instead(deployment: Deployment) -> tuple[Step | str, ...]:
    """Return the steps to switch to another type: the choices, and the command."""
    found, title = candidates(deployment), deployment.settings.workload.title
    region = deployment.settings.region
    if not found:
        return (f"{region} offers no GPU type that {title} can use; choose another region",)
    shown, source = _with_prices(deployment, found[:_SHOWN])
    more = [f"- and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return (
        f"{region} offers these, which {title} can use, best first (prices: {source}):",
        *(f"- {each}" for each in shown),
        *more,
        "Write the first, or another, to cdk.json, and check again:",
        command(f"./bionemo preflight --use {found[0].instance.name}"),
    )


def _with_prices(deployment: Deployment, found: Sequence[Candidate]) -> tuple[list[Candidate], str]:
    """Return `found` with the region's prices, as far as AWS reports them, and their source."""
    kinds = [each.instance.name for each in found]
    known = hourly_prices(deployment.aws, kinds, _DEADLINE)
    priced = [replace(each, dollars=known.hourly.get(each.instance.name)) for each in found]
    return priced, known.source


def candidates(deployment: Deployment) -> list[Candidate]:
    """Return the types that the region offers and the workload can use, best first.

    Best are those within the quota that have as many GPUs as the current type; among them, those
    with the most GPU memory for the money.
    """
    settings, offered = deployment.settings, offers(deployment)
    usable = [
        each
        for name, each in GPU_INSTANCE_TYPES.items()
        if name in offered
        and settings.workload.gpus.met_by(each)
        and not each.retired
        and each.name != settings.gpu.instance_type
    ]
    limits = _limits(deployment, usable)
    found = [
        Candidate(
            each,
            offered[each.name],
            HOURLY.get(each.name),
            limits.get(vcpu_quota_code(each.name, settings.gpu.purchase)),
            settings.gpu.nodes * each.vcpus,
        )
        for each in usable
    ]
    return sorted(found, key=partial(_rank, deployment))


def _rank(deployment: Deployment, each: Candidate) -> tuple[bool, bool, bool, float]:
    gpus = each.instance.gpus
    memory = gpus * each.instance.gpu_memory_gib
    return (
        each.allowed is not None and each.allowed < each.needed,
        gpus != deployment.settings.gpu_instance.gpus,
        deployment.settings.gpu_zone not in each.zones,
        each.dollars / memory if each.dollars else float("inf"),
    )


def _limits(deployment: Deployment, types: Sequence[InstanceType]) -> dict[str, float]:
    """Return the account's quotas for `types` by code, as far as AWS reports them."""
    purchase = deployment.settings.gpu.purchase
    codes = {vcpu_quota_code(each.name, purchase) for each in types} - {""}
    asked = {code: partial(limit_of, deployment, "ec2", code) for code in codes}
    looked = side_by_side(asked, _DEADLINE)
    return {
        code: future.result()
        for code, future in looked.items()
        if future.done() and not future.exception()
    }


def offered_everywhere(deployment: Deployment) -> list[str]:
    """Return the zones that offer all types in the settings, sorted."""
    offered = offers(deployment)
    first, *others = (set(offered.get(name, ())) for name in deployment.settings.gpu.types)
    return sorted(first.intersection(*others))


def retirement(deployment: Deployment) -> str:
    """Say which types in the settings AWS has retired, and when; empty for none."""
    return "; ".join(
        f"{name}: retired by AWS (customers had to leave it by {GPU_INSTANCE_TYPES[name].retired})"
        for name in deployment.settings.gpu.types
        if GPU_INSTANCE_TYPES[name].retired
    )
