"""The Kubernetes objects of the ESM-1nv pre-training: the PyTorchJob and its launcher."""

from __future__ import annotations

import math

from bionemo_eks.configuration.names import name_with_hash
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import manifests
from bionemo_eks.jobs.dataset_job import FSX, PROCESSED
from bionemo_eks.jobs.manifests import KubernetesObject

RESULTS = f"{FSX}/esm1nv-train"
# As `manifests/workload` has them: the PyTorchJob's name, and the others' before their hash.
TRAINING, LAUNCHER, WATCH = "esm1nv-pretraining", "esm1nv-launcher", "esm1nv-watch"
_EXAMPLE = "/workspace/bionemo/examples/protein/esm1nv"
# What the node keeps for itself: system daemons, the kubelet and the DaemonSets' pods.
_NODE_CPUS, _NODE_MEMORY_SHARE = 2, 0.12
# Of each worker's container, on average, before the training counts as failed.
_RESTARTS = 3


def training_job(settings: Settings, dataset_job: KubernetesObject) -> KubernetesObject:
    """Return the PyTorchJob `esm1nv-pretraining`, suspended, that waits for `dataset_job`.

    Each worker asks for its share of a node's CPUs and memory, so that a node's GPUs, and no
    more, are taken by its pods.
    """
    node, gpus_per_worker = settings.gpu_instance, settings.gpus_per_worker
    share = gpus_per_worker / node.gpus
    memory_gib = math.floor(node.memory_gib * (1 - _NODE_MEMORY_SHARE) * share)
    return manifests.load_one(
        f"workload/{TRAINING}.yaml",
        {
            "dataset_job": dataset_job["metadata"]["name"],
            "enabled": str(settings.training.enabled).lower(),
            "workers": settings.workers,
            "restarts": _RESTARTS * settings.workers,
            "gpus_per_worker": gpus_per_worker,
            "image": settings.training.image,
            "arguments": training_arguments(settings),
            "cpus": math.floor((node.vcpus - _NODE_CPUS) * share),
            "memory": f"{memory_gib}Gi",
            "shared_memory": f"{max(memory_gib // 4, 1)}Gi",
        },
    )


def launcher_objects(
    *, dataset_job: KubernetesObject, training_job: KubernetesObject
) -> list[KubernetesObject]:
    """Return the launcher's account, rights and Job, in the order to apply them."""
    waits_for = {"dataset_job": dataset_job["metadata"]["name"]}
    return _companion("launcher", LAUNCHER, waits_for, training_job)


def watch_objects(
    *, launcher: KubernetesObject, training_job: KubernetesObject
) -> list[KubernetesObject]:
    """Return the account, rights and Job that tell of the training's end, in the order to apply."""
    waits_for = {"launcher": launcher["metadata"]["name"]}
    return _companion("watch", WATCH, waits_for, training_job)


def _companion(
    what: str, name: str, values: dict[str, str], training_job: KubernetesObject
) -> list[KubernetesObject]:
    """Return the objects of `manifests/workload/<what>.yaml`; its Job is new for each training."""
    objects = manifests.load(
        f"workload/{what}.yaml",
        {"image": IMAGES["kubectl"].reference, "name": name, **values},
    )
    job = objects[-1]
    job["metadata"]["name"] = name_with_hash(name, job["spec"], training_job["spec"])
    return objects


def training_arguments(settings: Settings) -> list[str]:
    """Return what follows `python3 -m torch.distributed.run`: the script and its overrides."""
    training, dataset = settings.training, settings.dataset
    run = training.experiment
    files = f"x_OP_000..{dataset.num_csv_files - 1:03d}_CL_"
    overrides = {
        "exp_manager.exp_dir": f"{RESULTS}/esm1nv_pretraining/{run}/results",
        # After a restart, and in the next deployment, go on from the newest checkpoint.
        "++exp_manager.resume_if_exists": True,
        "++exp_manager.resume_ignore_no_checkpoint": True,
        "exp_manager.create_wandb_logger": False,
        "exp_manager.wandb_logger_kwargs.name": run,
        "exp_manager.wandb_logger_kwargs.project": "esm1nv_pretraining",
        "++exp_manager.wandb_logger_kwargs.offline": False,
        "trainer.num_nodes": settings.gpu.nodes,
        "trainer.devices": settings.gpu_instance.gpus,
        "trainer.max_steps": training.max_steps,
        "trainer.accumulate_grad_batches": training.accumulate_grad_batches,
        "trainer.val_check_interval": training.val_check_interval,
        "model.micro_batch_size": training.micro_batch_size,
        "model.tensor_model_parallel_size": 1,
        "model.data.dataset_path": PROCESSED,
        # The quotes are Hydra's, which would read the dots otherwise.
        "model.data.dataset.train": f"'{files}'",
        "model.data.dataset.val": f"'{files}'",
        "model.data.dataset.test": f"'{files}'",
        "model.data.index_mapping_dir": PROCESSED,
        "++model.dwnstr_task_validation.enabled": False,
    }
    return [
        f"{_EXAMPLE}/pretrain.py",
        f"--config-path={_EXAMPLE}/conf",
        "--config-name=pretrain_small",
        *(f"{name}={value}" for name, value in overrides.items()),
        *training.overrides,
    ]
