"""What still costs money, or blocks a new deployment, after `cdk destroy`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ops.aws import Deployment
from ops.leftovers import compute, data, logs, network, others, standing
from ops.leftovers.model import Leftover, Search, Unread
from ops.parallel import LOOK_DEADLINE, side_by_side
from ops.reasons import failure_reason

__all__ = ["Leftover", "Search", "search"]

Kind = Callable[[Deployment], Iterable[Leftover | Unread]]
# In the order in which they can be deleted: a security group after the interfaces that use it.
KINDS: dict[str, Kind] = {
    "stacks": standing.stacks_left,
    "EKS clusters": standing.clusters_left,
    "instances": compute.instances_left,
    "load balancers": network.balancers,
    "classic load balancers": network.classic_balancers,
    "FSx file systems": data.systems,
    "FSx backups": data.backups,
    "NAT gateways": network.gateways,
    "Elastic IP addresses": network.addresses,
    "volumes": compute.volumes,
    "network interfaces": network.interfaces,
    "security groups": network.security_groups,
    "launch templates": compute.templates,
    "VPCs": network.vpcs_left,
    "log groups": logs.log_groups,
    "KMS keys": data.keys,
    "buckets": data.buckets,
    "IAM roles": others.roles,
}
# What no other kind covers, found only by tag.
OTHERS = "other tagged resources"


def search(deployment: Deployment) -> Search:
    """Search for all kinds, side by side."""
    kinds: dict[str, Kind] = {**KINDS, OTHERS: others.tagged}

    def look(kind: str) -> Callable[[], list[Leftover | Unread]]:
        return lambda: list(kinds[kind](deployment))

    looked = side_by_side({kind: look(kind) for kind in kinds}, LOOK_DEADLINE)
    found: list[Leftover] = []
    blind: dict[str, str] = {}
    for kind, future in looked.items():
        try:
            items = future.result(timeout=0)
        except TimeoutError:
            blind[kind] = f"no answer within {LOOK_DEADLINE:.0f} s"
        except Exception as error:  # one failing kind must not affect the others
            blind[kind] = failure_reason(error)
        else:
            found += [each for each in items if isinstance(each, Leftover)]
            unread = "; ".join(each for each in items if isinstance(each, Unread))
            blind |= {kind: unread} if unread else {}
    return Search(found, blind)
