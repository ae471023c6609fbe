"""A deployment's inputs in a rehearsal: put into S3, linked, imported, linked again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.jobs.workloads import WORKLOADS
from rehearsal.inputs import (
    ElsewhereError,
    bring,
    put,
    refuse_what_is_elsewhere,
    with_own_file,
)
from rehearsal.machine.environment import ROOT
from rehearsal.output.steps import Steps
from rehearsal.programs.cdk_cli import CdkError
from tests.context import read_settings

ESM2 = {"training.workload": "esm2", "gpu.instance_type": "g6.xlarge"}


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("mine.fasta", "/fsx/mine/mine.fasta"),
        ("mine.faa.gz", "/fsx/mine/mine.faa.gz"),
        ("my own file", "/fsx/mine/mine.fasta"),
    ],
)
def test_the_users_file_is_on_the_file_system_unless_the_settings_say_otherwise(
    name: str, url: str
) -> None:
    context = with_own_file(["gpu.nodes=1"], Path("/home/me") / name)
    assert context == ["gpu.nodes=1", f"dataset.url={url}"]
    assert settings_of(ROOT, WORKLOADS, context).dataset.url == url
    assert with_own_file(["gpu.nodes=1"], None) == ["gpu.nodes=1"]
    for other in ("s3://bucket/a.fasta", "https://example.org/a.fasta"):
        assert with_own_file([f"dataset.url={other}"], Path(name)) == [f"dataset.url={other}"]


def test_training_cannot_start_from_a_model_in_s3_here() -> None:
    settings = read_settings({**ESM2, "training.start": "s3://bucket/model"})
    refuse_what_is_elsewhere(settings, train=False)
    with pytest.raises(ElsewhereError, match=r"training\.start"):
        refuse_what_is_elsewhere(settings, train=True)


def links(account: Any) -> dict[str, str]:
    """The linked folders, by prefix in S3."""
    found = account.client("fsx").describe_data_repository_associations()["Associations"]
    return {
        each["DataRepositoryPath"]: each["FileSystemPath"]
        for each in found
        if each["FileSystemPath"].startswith("/input/")
    }


@pytest.fixture
def in_s3(account: Any, tmp_path: Path) -> Path:
    fasta = tmp_path / "mine.fasta"
    fasta.write_text(">mine\nMKV\n")
    for url in ("s3://mine/a/x.fasta", "s3://mine/b/x.fasta", "s3://mine/a/inner/x.fasta"):
        settings = read_settings({**ESM2, "dataset.url": url, "training.start": "s3://theirs/m"})
        steps = Steps(Console(quiet=True))
        put(account.client, settings, fasta, False, tmp_path / "fsx", steps)
    return fasta


def start(account: Any) -> str:
    """The folder of the model that the workers start from."""
    (job,) = (each for each in account.ledger.objects.values() if each["kind"] == "PyTorchJob")
    (container,) = job["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
    return str(container["args"][container["args"].index("--start") + 1])


@pytest.mark.rehearsal
def test_an_existing_deployment_accepts_another_address(
    account: Any, in_s3: Path, tmp_path: Path
) -> None:
    """As in FSx, the link between a folder and a prefix never changes."""
    account.deploy({"dataset.url": "s3://mine/a/x.fasta"})
    lasting, first = account.lasting(), links(account)
    assert list(first) == ["s3://mine/a"]
    bring(account.client, tmp_path / "brought")
    assert (tmp_path / f"brought{first['s3://mine/a']}/x.fasta").read_text() == in_s3.read_text()
    # A prefix within a linked one is refused, and nothing is lost.
    with pytest.raises(CdkError):
        account.deploy({"dataset.url": "s3://mine/a/inner/x.fasta"})
    assert links(account) == first
    model = {**ESM2, "training.start": "s3://theirs/m"}
    account.deploy({**model, "dataset.url": "s3://mine/b/x.fasta"})
    assert set(links(account)) == {"s3://mine/b", "s3://theirs/m"}
    assert not set(links(account).values()) & set(first.values())
    bring(account.client, tmp_path / "again")
    brought = tmp_path / "again" / start(account).removeprefix("/fsx/")
    assert {each.name for each in brought.iterdir()} == {"config.json", "model.safetensors"}
    account.deploy({})
    assert links(account) == {}
    assert account.lasting() == lasting
