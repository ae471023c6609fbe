"""The rehearsal's own training, and what it demands; `make rehearse-training` runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bionemo_eks.configuration.cdk_context import settings_of
from bionemo_eks.configuration.settings import Settings
from bionemo_eks.jobs.workloads import WORKLOADS
from rehearsal import training
from rehearsal.machine.environment import ROOT
from rehearsal.pods.container import PodError
from rehearsal.pods.proteins import sequences


def settings(*more: str) -> Settings:
    return settings_of(ROOT, WORKLOADS, [*training.CONTEXT, *more])


def metrics(folder: Path, accuracy: float) -> Path:
    lines = [{"step": 400, "loss": 1.0}, {"step": 400, "test_accuracy": accuracy}, {"step": 400}]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    return folder


def test_several_workers_train_esm2_and_the_users_settings_win() -> None:
    assert settings().workload.name == "esm2"
    assert settings().workers == 2
    assert settings("training.max_steps=600").training.max_steps == 600


def test_a_model_that_has_learned_nothing_fails_the_rehearsal(tmp_path: Path) -> None:
    lines: list[str] = []
    training.demand_learning(settings(), metrics(tmp_path, 0.47), lines.append)
    assert "0.470" in lines[0]
    with pytest.raises(PodError, match=r"0\.390 is below 0\.4"):
        training.demand_learning(settings(), metrics(tmp_path, 0.39), lines.append)


def test_with_own_settings_or_sequences_the_accuracy_is_only_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    own = settings("training.max_steps=100")
    training.demand_learning(own, metrics(tmp_path, 0.1), lines.append)
    training.demand_learning(settings(), metrics(tmp_path, 0.2), lines.append, made_up=False)
    assert ["0.100" in lines[0], "0.200" in lines[1]] == [True, True]


def test_without_the_environment_the_message_says_how_to_create_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "PYTHON", ROOT / "no-such-environment")
    with pytest.raises(PodError, match="make setup-training"):
        training.refuse_without_pytorch()


def test_the_proteins_are_the_same_each_time_and_share_motifs() -> None:
    first, again = (list(sequences(200, 50, 150)) for _ in range(2))
    assert first == again
    assert all(50 <= len(each) <= 150 for each in first)
    found = {each[at : at + 12] for each in first[:100] for at in range(len(each) - 11)}
    repeated = sum(each[at : at + 12] in found for each in first[100:] for at in range(30))
    assert repeated > 100, "random ones would share none"
