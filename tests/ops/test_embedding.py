"""`bionemo embed` on the cluster: it uploads a FASTA file, runs a Job, and fetches the result."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from kubernetes import client as kubernetes

from bionemo_eks.configuration.versions import KUBERNETES_RELEASES
from bionemo_eks.jobs.embed_job import FOLDER, Embedding, embed_objects
from bionemo_eks.jobs.places import PROGRAMS
from tests.context import read_settings
from tests.ops.cluster_api import JOBS, PODS, Cluster, condition, job, pod
from tests.ops.commands.command_line import Line
from tests.ops.status.deployments import standing
from tests.simulated.aws import Answers, error

ESM2 = ("-c", "training.workload=esm2")
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
MODEL = "esm2-train/esm2/8M/model"
RESULT = {"embeddings.npy": b"vectors", "ids.txt": b"a\nb\n"}


def config(hidden: int = 320, layers: int = 6) -> bytes:
    values = {"num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": 20}
    return json.dumps({**values, "intermediate_size": 4 * hidden}).encode()


class Bucket:
    """Objects by key, and a cluster whose Job ends at once and has put its result among them."""

    def __init__(self, api: kubernetes.ApiClient, cluster: Cluster) -> None:
        self.objects = {f"{MODEL}/config.json": config(), f"{MODEL}/export.json": b'{"step": 20}'}
        self.answers: Answers = {
            **standing(api.configuration.host),
            "s3.get_object": self._get,
            "s3.put_object": self._put,
        }
        self.ends = condition("Complete")
        self.cluster, self._answer = cluster, cluster.answer
        cluster.lists |= {CONFIG_MAPS: [], JOBS: [], PODS: []}
        cluster.answer = self._run  # type: ignore[method-assign]

    def _get(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise error("GetObject", "NoSuchKey", 404)
        return {"Body": io.BytesIO(self.objects[Key])}

    def _put(self, Bucket: str, Key: str, Body: Any) -> dict[str, Any]:
        self.objects[Key] = Body.read()
        return {}

    def _run(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        if method == "POST" and path.startswith(JOBS):
            name = json.loads(body)["metadata"]["name"]
            self.cluster.lists[JOBS] = [job(name, "esm2-embed", conditions=[self.ends])]
            self.cluster.lists[PODS] = [pod(f"{name}-x", {"job-name": name}, "Succeeded")]
            self.cluster.logs[f"{name}-x"] = "2 sequences embedded\n"
            if self.ends["type"] == "Complete":
                prefix = f"{FOLDER.removeprefix('/fsx/')}/{name}"
                listed = {"files": {key: len(value) for key, value in RESULT.items()}}
                self.objects[f"{prefix}/embeddings.json"] = json.dumps(listed).encode()
                self.objects |= {f"{prefix}/{key}": value for key, value in RESULT.items()}
        status, text = self._answer(method, path, body)
        if method == "POST" and path.startswith(JOBS):  # a real server gives each object a uid
            made = json.loads(text)
            text = json.dumps({**made, "metadata": {**made["metadata"], "uid": "some-uid"}})
        return status, text

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return [each for each in self.cluster.made if each["kind"] == "Job"]


@pytest.fixture
def bucket(api: kubernetes.ApiClient, cluster: Cluster) -> Bucket:
    return Bucket(api, cluster)


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "some.fasta"
    path.write_text(">a\nMKTAYIAKQR\n>b\nACDEF\n")
    return path


def arguments(made: dict[str, Any]) -> dict[str, str]:
    container = made["spec"]["template"]["spec"]["containers"][0]
    _, _, *found = container.get("command") or container["args"]
    return dict(zip(found[::2], found[1::2], strict=True))


def test_the_result_comes_back_and_the_job_had_its_inputs(
    line: Line, bucket: Bucket, fasta: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = line(bucket.answers, "embed", "--fasta", str(fasta), "--out", str(out), *ESM2)
    assert done.exit_code == 0, done.stderr
    assert {path.name: path.read_bytes() for path in out.iterdir()} == RESULT
    assert "2 sequences embedded" in done.stderr
    (made,) = bucket.jobs
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert "nvidia.com/gpu" not in container["resources"]["limits"], "a small file needs no GPU"
    given = arguments(made)
    sent = bucket.objects[given["--fasta"].removeprefix("/fsx/")]
    assert sent == fasta.read_bytes()
    assert int(given["--bytes"]) == len(sent)
    assert given["--model"] == f"/fsx/{MODEL}"
    (program,) = [each for each in bucket.cluster.made if each["kind"] == "ConfigMap"]
    (owner,) = program["metadata"]["ownerReferences"]
    assert (owner["name"], owner["uid"]) == (made["metadata"]["name"], "some-uid")
    assert {"embed_job.py", "embed.py", "whole.py", "folders.py"} <= set(program["data"])


def test_a_large_model_needs_a_gpu_and_asks_first(
    line: Line, bucket: Bucket, fasta: Path, tmp_path: Path
) -> None:
    given = ("embed", "--fasta", str(fasta), "--out", str(tmp_path / "out"), *ESM2)
    bucket.objects[f"{MODEL}/config.json"] = config(2560, 36)
    refused = line(bucket.answers, *given)
    assert refused.exit_code == 1
    assert "p4d.24xlarge" in refused.stderr
    assert "an hour" in refused.stderr
    assert bucket.jobs == []
    assert not any(key.endswith(".fasta") for key in bucket.objects), "nothing is sent"
    assert line(bucket.answers, *given, "--on", "cpu").exit_code == 2
    agreed = line(bucket.answers, *given, "--yes")
    assert agreed.exit_code == 0, agreed.stderr
    limits = bucket.jobs[0]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "1"
    # Weights of 11 GB in fp32 are in memory twice while they are read.
    assert int(limits["memory"].removesuffix("Gi")) > 22


def test_what_was_embedded_before_comes_from_the_bucket(
    line: Line, bucket: Bucket, fasta: Path, tmp_path: Path
) -> None:
    given = ("embed", "--fasta", str(fasta), *ESM2)
    assert line(bucket.answers, *given, "--out", str(tmp_path / "one")).exit_code == 0
    again = line(bucket.answers, *given, "--out", str(tmp_path / "two"))
    assert again.exit_code == 0
    assert "Already embedded" in again.stderr
    assert len(bucket.jobs) == 1
    # The model has been trained further: another result.
    bucket.objects[f"{MODEL}/export.json"] = b'{"step": 40}'
    assert line(bucket.answers, *given, "--out", str(tmp_path / "three")).exit_code == 0
    assert len(bucket.jobs) == 2


def test_a_failed_job_is_reported_with_its_last_line_and_recreated(
    line: Line, bucket: Bucket, fasta: Path, tmp_path: Path
) -> None:
    given = ("embed", "--fasta", str(fasta), "--out", str(tmp_path / "out"), *ESM2)
    bucket.ends = condition("Failed", "BackoffLimitExceeded")
    failed = line(bucket.answers, *given)
    assert failed.exit_code == 2
    assert "BackoffLimitExceeded. Its last line: 2 sequences embedded" in failed.stderr
    assert not (tmp_path / "out").exists()
    bucket.ends = condition("Complete")
    assert line(bucket.answers, *given).exit_code == 0
    assert [name for name, _ in bucket.cluster.deleted] == [bucket.jobs[0]["metadata"]["name"]]


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        ("MKT\n", (), "does not begin with a header"),
        (">a\n", (), "contains no sequence"),
        (">a\nMKT\n", ("--model", "/fsx/elsewhere/model"), "which the bucket has too"),
        (">a\nMKT\n", ("--model", "/fsx/esm2-train/none"), "config.json does not exist"),
        (">a\nMKT\n", ("-c", "training.workload=esm1nv"), "-c training.workload=esm2"),
    ],
)
def test_a_wrong_input_is_reported_before_anything_is_created(
    line: Line, bucket: Bucket, tmp_path: Path, text: str, more: tuple[str, ...], words: str
) -> None:
    path = tmp_path / "wrong.fasta"
    path.write_text(text)
    given = ("embed", "--fasta", str(path), "--out", str(tmp_path / "out"), *ESM2, *more)
    done = line(bucket.answers, *given)
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())
    assert bucket.cluster.made == []


@pytest.mark.parametrize("on_gpu", [False, True])
@pytest.mark.parametrize("version", [min(KUBERNETES_RELEASES), max(KUBERNETES_RELEASES)])
def test_kubernetes_accepts_the_jobs_objects(version: str, on_gpu: bool) -> None:
    settings = read_settings({"training.workload": "esm2"})
    asked = Embedding("esm2-embed-1", f"/fsx/{MODEL}", 9, 8, on_gpu)
    for each in embed_objects(settings, asked):
        kubernetes_validate.validate(each, version, strict=True)


def test_the_program_accepts_the_jobs_arguments() -> None:
    """Those that embed_job.py does not know go to embed.py, which knows them all."""
    known = "".join((PROGRAMS / "esm2" / name).read_text() for name in ("embed_job.py", "embed.py"))
    asked = Embedding("esm2-embed-1", f"/fsx/{MODEL}", 9, 8, True)
    _, made = embed_objects(read_settings({"training.workload": "esm2"}), asked)
    for option in arguments(made):
        assert f'"{option}"' in known, option
