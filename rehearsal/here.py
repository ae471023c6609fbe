"""The steps of a rehearsal in which pods run as processes of this machine."""

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
    """Run the data Job's pod, and the launcher's question; with `trained` the training as well.

    `folder` gets the pods' volumes, `logs` what workers print, `trained` what the training leaves;
    `fasta`: the user's own sequences.
    Raises PodError.
    """
    if trained and not settings.dataset.enabled:
        raise PodError("--train needs a data set: leave dataset.enabled true.")
    with steps.step("Run the data Job's pod here"):
        _prepare(ledger, settings, folder, steps, lengths(trained is not None), fasta)
    if trained:
        with steps.step("Train here: the PyTorchJob's worker pods"):
            results = training.train(ledger, settings, folder, logs, steps.say)
            training.demand_learning(settings, results, steps.say, made_up=fasta is None)
            goes_on = ask_for_the_launcher(ledger, folder, steps.say)
            steps.say(f"Another launcher {goes_on}.")
        with steps.step("Use the model: embeddings, and the curve"):
            training.use(results, trained, steps.say)


def lengths(train: bool) -> tuple[int, int]:
    """Return the letters of the shortest and of the longest made-up sequence."""
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
        steps.say("Left out: dataset.enabled is false, and nothing is on /fsx here.")
        return
    if settings.dataset.preparation != "streaming":
        steps.say("Left out: preparation `bionemo` runs in NVIDIA's container alone.")
        return
    result = run_data_job(ledger, folder, steps.say, lengths, fasta)
    counts = ", ".join(f"{count} {split}" for split, count in result.files.items())
    steps.say(f"{sum(result.files.values())} CSV files below processed/: {counts}")
    goes_on = ask_for_the_launcher(ledger, folder, steps.say)
    if goes_on:
        steps.say(f"The launcher {goes_on}.")
