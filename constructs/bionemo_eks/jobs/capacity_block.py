"""What the jobs know about the Capacity Block of the GPU nodes."""

from __future__ import annotations

from bionemo_eks.configuration.names import name_with_hash
from bionemo_eks.configuration.purchase import SUSPENDED_BEFORE_END_MINUTES
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import PROGRAMS

PROGRAM_FOLDER = PROGRAMS / "capacity_block"


def options(settings: Settings) -> dict[str, str]:
    """Return a program's options about the block; none without a block."""
    if settings.gpu.purchase != "capacity-block":
        return {}
    return {
        "--block": settings.gpu.capacity_reservation_id,
        "--margin": str(SUSPENDED_BEFORE_END_MINUTES),
    }


def let_it_wait(settings: Settings, job: KubernetesObject) -> list[KubernetesObject]:
    """Let the launcher's Job wait for the block; return the extra objects that it needs."""
    given = options(settings)
    if not given:
        return []
    files = manifests.program_files(PROGRAM_FOLDER)
    account = settings.workload.launcher
    given |= {"--region": settings.region, "--patch": "/patches/spec.json"}
    program, parts = manifests.load(
        "workload/capacity-block.yaml",
        {
            "account": account,
            "program": name_with_hash(f"{account}-program", files),
            "files": files,
            "image": IMAGES["watch"].reference,
            "arguments": [part for option in given.items() for part in option],
        },
    )
    pod = job["spec"]["template"]["spec"]
    pod["initContainers"].append(parts["container"])
    pod["volumes"].append(parts["volume"])
    job["spec"]["podFailurePolicy"] = parts["podFailurePolicy"]
    # Pod Identity's token is root's, and readable by the group.
    pod["securityContext"]["fsGroup"] = pod["securityContext"]["runAsUser"]
    return [program]
