"""The steps of a rehearsal that run pods as processes on this machine."""

from __future__ import annotations

from pathlib import Path

from bionemo_eks.configuration.settings import Settings
from rehearsal import training
from rehearsal.kubernetes.ledger import Ledger
from rehearsal.output.steps import Steps
from rehearsal.pods.container import PodError
from rehearsal.pods.local_pod import LENGTHS, ask_for_the_launcher, run_data_job


def run_pods(
    ledger: Ledger,
    settings: Settings,
    folder: Path,
    logs: Path,
    steps: Steps,
    trained: Path | None,
    fasta: Path | None,
) -> None:
    """Run the data Job's pod and the launcher's check; with `trained`, also the training.

    `folder` gets the pods' volumes, `logs` the workers' output, `trained` the training's results;
    `fasta`: the user's own sequences. Raises PodError.
    """
    if trained and not settings.dataset.enabled:
        raise PodError("--train needs a data set: set dataset.enabled=true.")
    with steps.step("Run the data Job's pod here"):
        _prepare(ledger, settings, folder, steps, lengths(trained is not None), fasta)
    if trained:
        with steps.step("Train here: the PyTorchJob's worker pods"):
            results = training.train(ledger, settings, folder, logs, steps.say)
            training.demand_learning(settings, results, steps.say, made_up=fasta is None)
            _ask_the_launcher("A second", ledger, folder, steps)
        with steps.step("Use the model: embeddings and curve"):
            training.use(results, trained, steps.say)


def lengths(train: bool) -> tuple[int, int]:
    """Return the lengths of the shortest and the longest made-up sequence."""
    return training.LENGTHS if train else LENGTHS


def _prepare(
    ledger: Ledger,
    settings: Settings,
    folder: Path,
    steps: Steps,
    lengths: tuple[int, int],
    fasta: Path | None,
) -> None:
    if not settings.dataset.enabled:
        steps.say("Skipped: dataset.enabled is false, and /fsx is empty here.")
        return
    if settings.dataset.preparation != "streaming":
        steps.say("Skipped: preparation `bionemo` runs only in NVIDIA's container.")
        return
    result = run_data_job(ledger, folder, steps.say, lengths, fasta)
    counts = ", ".join(f"{count} {split}" for split, count in result.files.items())
    steps.say(f"{sum(result.files.values())} CSV files under processed/: {counts}")
    _ask_the_launcher("The", ledger, folder, steps)


def _ask_the_launcher(which: str, ledger: Ledger, folder: Path, steps: Steps) -> None:
    answer = ask_for_the_launcher(ledger, folder, steps.say)
    if answer:
        steps.say(f"{which} launcher {answer}.")
