"""The Kubernetes objects of the watch: a program that publishes the jobs' states as metrics."""

from __future__ import annotations

from bionemo_eks.configuration.names import metrics_namespace, name_with_hash
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import capacity_block, manifests
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import NAMESPACE, NO_JOB, NOTES, PROGRAMS

PROGRAM_FOLDER = PROGRAMS / "watch"


def watch_objects(
    settings: Settings,
    *,
    dataset_job: KubernetesObject | None,
    training_job: KubernetesObject,
    launcher: KubernetesObject | None,
) -> list[KubernetesObject]:
    """Return account, permissions, program and Deployment of the watch, in order.

    `launcher` is the launcher's Job, None if no training is to start; `dataset_job` is None if
    there is no data Job.
    """
    account, training = settings.workload.watch, _name(training_job)
    files = manifests.program_files(PROGRAM_FOLDER, capacity_block.PROGRAM_FOLDER)
    options = {
        "--namespace": NAMESPACE,
        **({"--data-job": _name(dataset_job)} if dataset_job else {}),
        "--training": training,
        "--notes": NOTES,
        "--max-hours": str(settings.training.max_hours),
        "--progress": settings.workload.progress.pattern,
        "--stall-minutes": str(settings.notifications.stall_minutes),
        "--on-stall": settings.training.on_stall,
        "--metrics": metrics_namespace(settings),
        "--region": settings.region,
        **capacity_block.options(settings),
    }
    if launcher is not None:
        options["--launcher"] = _name(launcher)
    jobs = [_name(job) for job in (dataset_job, launcher) if job is not None]
    return manifests.load(
        "workload/watch.yaml",
        {
            "image": IMAGES["watch"].reference,
            "account": account,
            "training": training,
            "training_verbs": ["get", "patch"] if _acts(settings) else ["get"],
            "workers": [f"{training}-worker-{number}" for number in range(settings.workers)],
            # An empty list would mean any.
            "jobs": jobs or [NO_JOB],
            # With the account's name, because two workloads' watches share no object.
            "program_config_map": name_with_hash(f"{account}-program", files),
            "files": files,
            "arguments": [part for option in options.items() for part in option],
        },
    )


def _acts(settings: Settings) -> bool:
    """Whether the watch may have to act on the training."""
    limited = settings.training.max_hours or settings.gpu.purchase == "capacity-block"
    return bool(limited) or settings.training.on_stall != "tell"


def _name(item: KubernetesObject) -> str:
    return str(item["metadata"]["name"])
