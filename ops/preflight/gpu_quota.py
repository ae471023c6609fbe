"""The quota that the GPU nodes count against; if it is too low, a type whose quota has room."""

from __future__ import annotations

from dataclasses import replace

from ops.aws import Deployment
from ops.preflight.gpu_types import candidates
from ops.preflight.quota_codes import block_quota_code, vcpu_quota_code
from ops.preflight.quotas import vcpu_quota
from ops.results import Result, Step, StepKind, Verdict, command, passed, warned


def gpu_vcpus(deployment: Deployment) -> Result:
    """vCPUs by family of the GPU nodes' types, On-Demand or Spot; a family's largest type counts.

    Room for only one family is enough for nodes, so that is a warning.
    """
    name, nodes = "GPU vCPU quota", deployment.settings.gpu.nodes
    purchase = deployment.settings.gpu.purchase
    if purchase == "capacity-block":
        code = block_quota_code(deployment.settings.gpu.instance_type)
        asked = f" ({code})" if code else ""
        return passed(name, f"the quota for Capacity Blocks{asked} applies when one is bought")
    largest = {
        vcpu_quota_code(each.name, purchase): each
        for each in sorted(deployment.settings.gpu_instances, key=lambda each: each.vcpus)
    }
    results = [
        vcpu_quota(deployment, name, each, nodes, at_most=nodes) for each in largest.values()
    ]
    best = min(results, key=lambda each: each.verdict is Verdict.FAIL)
    short = [each for each in results if each.verdict is Verdict.FAIL and each is not best]
    if best.verdict is Verdict.FAIL:
        return replace(best, remedy=(*best.remedy, *_another_type(deployment)))
    if not short:
        return best
    said = "; ".join(each.said for each in results)
    return warned(name, said, *(step for each in short for step in each.remedy))


def _another_type(deployment: Deployment) -> tuple[Step, ...]:
    """Return the steps to switch to the best type whose quota has room, if any."""
    found = next(
        (
            each
            for each in candidates(deployment)
            if each.allowed is not None and each.allowed >= each.needed
        ),
        None,
    )
    if found is None:
        return ()
    said = f"Or use a type whose quota has room; the best is {found}:"
    use = command(f"./bionemo preflight --use {found.instance.name}")
    return Step(StepKind.SENTENCE, said), use
