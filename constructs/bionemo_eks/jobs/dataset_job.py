"""The Kubernetes objects that prepare UniRef50 or check that it is there: program and Job."""

from __future__ import annotations

from bionemo_eks.configuration.groups.data import AUTO
from bionemo_eks.configuration.inputs import inputs
from bionemo_eks.configuration.names import name_with_hash
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.configuration.versions import IMAGES
from bionemo_eks.jobs import manifests, pull_secret
from bionemo_eks.jobs.manifests import KubernetesObject
from bionemo_eks.jobs.places import COMMON_FOLDER, FSX, PROGRAMS

# As in `manifests/workload`: the data Job's name before its hash.
DATA_JOB = "uniref50-download"

PROGRAM_FOLDER = PROGRAMS / "uniref50"
LOOK_FOLDER = PROGRAMS / "data_there"
# Seconds that a data set may take from the bucket into a new file system.
_PATIENCE = 600
_PROGRAMS = {"streaming": "prepare_uniref50.py", "bionemo": "prepare_with_bionemo.py"}


def dataset_objects(settings: Settings) -> list[KubernetesObject]:
    """Return the ConfigMap with the program and the data Job, in the order to apply them.

    Both names have a hash: a changed program or parameter makes a new pair, and the old one is
    pruned. With `dataset.enabled` false the Job only checks that there is a data set for the
    training; without a training there is no Job.
    """
    if not settings.dataset.enabled:
        return _look(settings) if settings.training.enabled else []
    files = _program_files(_PROGRAMS[settings.dataset.preparation])
    config_map_name = name_with_hash("uniref50-program", files)
    config_map = manifests.load_one(
        "workload/uniref50-program.yaml", {"name": config_map_name, "files": files}
    )
    values = {
        "image": settings.training.image,
        "program": _PROGRAMS[settings.dataset.preparation],
        "arguments": _arguments(settings),
        "program_config_map": config_map_name,
        "http_proxy": settings.dataset.http_proxy,
        "https_proxy": settings.dataset.https_proxy,
        # The Job talks only to its server, not to the APIs of Kubernetes or AWS, and the node
        # mounts the file system. So only the pod itself must bypass the proxy.
        "no_proxy": ",".join(["localhost", "127.0.0.1", *settings.dataset.no_proxy]),
    }
    draft = manifests.load_one("workload/uniref50-job.yaml", {**values, "name": DATA_JOB})
    return [config_map, _named(settings, draft)]


def _named(settings: Settings, draft: KubernetesObject) -> KubernetesObject:
    """Return the Job, which waits for the key to its image, under its final name."""
    pull_secret.let_it_wait(settings, draft["spec"]["template"]["spec"])
    draft["metadata"]["name"] = name_with_hash(DATA_JOB, draft["spec"])
    return draft


def _look(settings: Settings) -> list[KubernetesObject]:
    files = manifests.program_files(LOOK_FOLDER)
    config_map, draft = manifests.load(
        "workload/data-there.yaml",
        {
            "image": IMAGES["watch"].reference,
            "program": name_with_hash("data-there-program", files),
            "files": files,
            "arguments": ["--data", settings.workload.data, "--patience", str(_PATIENCE)],
        },
    )
    return [config_map, _named(settings, draft)]


def _program_files(program: str) -> dict[str, str]:
    """Return the files that `program` needs: changing another one must not create a new Job."""
    alone = _PROGRAMS["bionemo"]
    return {
        name: text
        for name, text in manifests.program_files(PROGRAM_FOLDER, COMMON_FOLDER).items()
        if (name == alone) == (program == alone)
    }


def _arguments(settings: Settings) -> list[str]:
    dataset = settings.dataset
    options: dict[str, object] = {"--root": FSX}
    for name, size in dataset.sizes.items():
        if size != AUTO:
            options[f"--{name.replace('_', '-')}"] = size
    options |= {"--num-csv-files": dataset.num_csv_files, "--seed": dataset.seed}
    read = inputs(settings)
    if dataset.is_own_file:
        options["--fasta"] = read[0].awaited[0]
    elif dataset.preparation == "streaming":
        options |= {"--url": dataset.url, "--connections": dataset.connections}
    if settings.global_batch:
        options["--global-batch-size"] = settings.global_batch
    arguments = [str(part) for option in options.items() for part in option]
    # What S3 must deliver, for the training too, before a GPU node starts.
    for path in (path for each in read if each.link for path in each.awaited):
        arguments += ["--await", path]
    return [*arguments, "--replace"] if dataset.replace else arguments
