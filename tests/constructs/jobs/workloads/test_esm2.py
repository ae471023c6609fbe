"""ESM-2's settings, its command line, its GPUs and its cost."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from typing import Any

import pytest

from bionemo_eks.configuration.instance_types import GPU_INSTANCE_TYPES
from bionemo_eks.configuration.presets import PRESETS
from bionemo_eks.jobs.places import FSX, PROCESSED, PROGRAMS
from bionemo_eks.jobs.training_job import training_job
from bionemo_eks.jobs.workloads import WORKLOADS
from bionemo_eks.jobs.workloads.esm2 import RESULTS, WORKLOAD, Esm2Settings, arguments
from bionemo_eks.jobs.workloads.esm2_rates import tokens_per_second
from ops import cost
from ops.cost.prices import table
from tests.context import read_settings, refusal

ESM2 = {"training.workload": "esm2"}
DATA_JOB = {"metadata": {"name": "some-data-job"}}
ESM2_PRESETS = [name for name in PRESETS if name.startswith("esm2-")]


def options(**changes: str) -> dict[str, str]:
    _, *found = arguments(read_settings(ESM2 | changes))
    return dict(zip(found[::2], found[1::2], strict=True))


def container(**changes: str) -> dict[str, Any]:
    job = training_job(read_settings(ESM2 | changes), DATA_JOB)
    (found,) = job["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
    return dict(found)


def test_the_program_reads_each_setting_from_its_command_line() -> None:
    """Its own parser reads the pods' arguments, all in one process."""
    given = [
        {},
        {
            "training.size": "4x128x8x512",
            "training.start": f"{FSX}/esm2-train/a/8M/model",
            "training.rate": "0.002",
            "training.parallel": "ddp",
            "training.recompute": "true",
            "training.not_a_number": "skip",
        },
        {"training.precision": "fp8", "gpu.instance_type": "p5.48xlarge"},
        *({"preset": name} for name in ESM2_PRESETS),
    ]
    every = [read_settings(ESM2 | changes) for changes in given]
    code = """
import dataclasses, json, sys
sys.path.insert(0, sys.argv[1])
import settings
for line in json.loads(sys.argv[2]):
    print(json.dumps(dataclasses.asdict(settings.read(line)), default=str))
"""
    lines = json.dumps([arguments(each)[1:] for each in every])
    done = subprocess.run(
        [sys.executable, "-c", code, str(PROGRAMS / "esm2"), lines],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for each, line in zip(every, done.stdout.splitlines(), strict=True):
        read, training = json.loads(line), each.training
        assert isinstance(training, Esm2Settings)
        assert (read["steps"], read["data"], read["device"]) == (
            training.max_steps,
            PROCESSED,
            "cuda",
        )
        # bf16 is what the program's default, auto, means on a GPU.
        assert read.pop("precision").replace("auto", "bf16") == training.precision
        own = set(Esm2Settings.model_fields) & set(read)
        assert {"size", "units", "rate", "seed", "keep", "recompute", "hang_after"} <= own
        for name in own:
            assert (read[name] or "") == (getattr(training, name) or ""), name


def test_results_reach_s3_and_unfinished_files_do_not() -> None:
    found = options(**{"training.experiment": "some-run", "training.size": "35M"})
    assert found["--results"] == f"{RESULTS}/some-run/35M"
    linked = [PROCESSED, *(each.results for each in WORKLOADS.values())]
    assert not any(found["--scratch"].startswith(f"{path}/") for path in linked)
    assert found["--scratch"].startswith(f"{FSX}/"), "a rename goes through on one file system"


def test_a_different_size_is_a_different_run() -> None:
    small, large = (options(**{"training.size": size}) for size in ("8M", "35M"))
    assert small["--results"] != large["--results"]
    assert small["--scratch"] != large["--scratch"]


def test_the_images_entry_point_starts_the_common_start_program() -> None:
    """It puts CUDA's compatibility libraries in place; a `command` would skip it."""
    found = container()
    assert "command" not in found
    (mounted,) = [each for each in found["volumeMounts"] if each["name"] == "program"]
    assert found["args"][:2] == ["python3", f"{mounted['mountPath']}/start.py"]
    end = found["args"].index("--")
    assert found["args"][end + 1 : end + 4] == ["python3", "-m", "torch.distributed.run"]
    assert found["args"][end + 4] == f"{mounted['mountPath']}/train_esm2.py"


def test_a_pod_has_all_efas_of_its_node_and_what_libfabric_needs_for_them() -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html"""
    found = container(**{"gpu.instance_type": "p5en.48xlarge"})
    limits = found["resources"]["limits"]
    assert (limits["vpc.amazonaws.com/efa"], limits["hugepages-2Mi"]) == ("16", "5120Mi")
    assert found["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["IPC_LOCK"]}
    assert {"name": "FI_PROVIDER", "value": "efa"} in found["env"]
    assert "/dev/shm" in [each["mountPath"] for each in found["volumeMounts"]]


@pytest.mark.parametrize(
    "changes",
    [{"gpu.efa": "off"}, {"training.layout": "pod-per-gpu"}, {"training.workload": "esm1nv"}],
    ids=["off", "pods with one GPU", "ESM-1nv"],
)
def test_without_efa_a_pod_asks_for_nothing_of_it(changes: dict[str, str]) -> None:
    text = json.dumps(container(**changes))
    for part in ("efa", "hugepages", "IPC_LOCK", "FI_PROVIDER"):
        assert part not in text


def test_a_pod_has_all_gpus_of_its_node() -> None:
    found = container(**{"gpu.instance_type": "p5.48xlarge"})
    assert found["resources"]["limits"]["nvidia.com/gpu"] == 8


@pytest.mark.parametrize("name", GPU_INSTANCE_TYPES)
def test_it_runs_on_gpus_of_sm80_and_newer(name: str) -> None:
    older = GPU_INSTANCE_TYPES[name].compute_capability < (8, 0)
    assert older == (name.startswith(("p3", "g4dn")))
    if older:
        text = refusal(ESM2 | {"gpu.instance_type": name})
        assert f"{name} cannot run ESM-2" in text
        assert "A10G" in text, "one that it can use"
    else:
        read_settings(ESM2 | {"gpu.instance_type": name})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training.size": "7M"}, ("training.size", "650M", "4x128x8x512")),
        ({"training.size": "4x130x8x512"}, ("training.size", "8 heads", "130")),
        ({"training.unit_tokens": "512"}, ("unit_tokens", "max_tokens", "512", "1024")),
        ({"training.max_steps": "100"}, ("max_steps", "warm_up", "2000")),
        ({"training.rate": "2"}, ("training.rate", "at most 1")),
        ({"training.start": "https://example.org/model"}, ("training.start", "s3://bucket/prefix")),
        ({"training.start": f"{FSX}/../etc"}, ("training.start",)),
        ({"training.micro_batch_size": "4"}, ("esm1nv",)),
    ],
)
def test_what_the_program_would_refuse_is_refused_at_synth(
    changes: dict[str, str], words: tuple[str, ...]
) -> None:
    text = refusal(ESM2 | changes)
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    ("line", "is_progress"),
    [
        ("step 1,500/500,000: loss 2.4012, 42,000 tokens/s/GPU, MFU 53.0%, 31.1 GB", True),
        ("step 2,000: validation loss 2.31, perplexity 10.07, accuracy 0.31 on 5 positions", True),
        ("/fsx/esm2-train/a/8M/model: exported, for EsmForMaskedLM.from_pretrained", True),
        ("NCCL INFO Connected all rings", False),
    ],
)
def test_its_progress_is_recognized(line: str, is_progress: bool) -> None:
    assert bool(WORKLOAD.progress.search(line)) is is_progress


def test_a_checkpoint_is_one_with_its_list() -> None:
    folder = "esm2-train/esm2/8M/checkpoints"
    assert WORKLOAD.checkpoint.search(f"{folder}/step-00001000/checkpoint.json")
    assert not WORKLOAD.checkpoint.search(f"{folder}/step-00001000/__0_0.distcp")
    assert not WORKLOAD.checkpoint.search(f"{folder}/incomplete-step-00001000-1/checkpoint.json")


def test_the_programs_arithmetic_needs_the_standard_library_only() -> None:
    """So that synth can import it without PyTorch and NumPy."""
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import memory, precision, strategy
print(any(name in sys.modules for name in ("torch", "numpy")))
"""
    folder = str(PROGRAMS / "esm2")
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, folder], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")


@pytest.mark.parametrize(
    ("changes", "change"),
    [
        ({"training.size": "650M"}, "training.recompute"),
        ({"training.size": "3B", "training.parallel": "ddp"}, "training.parallel"),
        ({"training.units_at_once": "8", "training.size": "35M"}, "training.units_at_once"),
        (
            {
                "training.size": "15B",
                "training.recompute": "true",
                "training.unit_tokens": "65536",
            },
            "training.unit_tokens",
        ),
    ],
)
def test_what_does_not_fit_a_gpu_is_refused_at_synth(changes: dict[str, str], change: str) -> None:
    text = " ".join(refusal(ESM2 | changes).split())
    assert "A100 has 39.9 GB for it" in text
    assert f"{change} " in text
    # As in the program: memory decides, not the name.
    read_settings(ESM2 | changes | {"gpu.instance_type": "p6-b300.48xlarge", "gpu.nodes": "8"})


@pytest.mark.parametrize(
    ("size", "name", "published"),
    [
        ("650M", "p4d.24xlarge", 42_500),
        ("650M", "p5.48xlarge", 96_000),
        ("3B", "p4d.24xlarge", 11_000),
        ("3B", "p5.48xlarge", 26_800),
    ],
)
def test_rates_are_near_those_that_nvidia_has_published(
    size: str, name: str, published: float
) -> None:
    estimated = tokens_per_second(size, GPU_INSTANCE_TYPES[name])
    assert estimated == pytest.approx(published, rel=0.2)


def test_a_smoke_run_costs_less_than_five_dollars() -> None:
    settings = read_settings({"preset": "esm2-smoke"})
    bill, _ = cost.bills(settings, table(), date(2026, 11, 26))
    assert bill.total < 5
    assert settings.gpu.nodes * settings.gpu_instance.gpus == 1
    assert settings.cluster_name != read_settings({}).cluster_name, "next to an existing deployment"


@pytest.mark.parametrize("name", ESM2_PRESETS)
def test_a_preset_is_a_run_of_esm2(name: str) -> None:
    settings = read_settings({"preset": name})
    training = settings.training
    assert settings.workload is WORKLOAD
    assert isinstance(training, Esm2Settings)
    if name != "esm2-smoke":
        assert name == f"esm2-{training.size.lower()}"
        assert training.units * training.unit_tokens == 2**21
        assert (training.max_steps, training.warm_up, training.rate) == (500_000, 2000, 4e-4)
