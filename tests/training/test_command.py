"""Bad input gets one message, and a status that differs from a failure's."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

import processes
import settings
import train_esm2
from architecture import SIZES
from bench.esm2_runs import TINY, train
from failures import TrainingError
from memory import Estimate, estimate
from optimizer import Schedule
from room import demand
from watchdog import Stop


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--units", "0"], "--units: '0' is not allowed: give a whole number from 1 to 1e+06"),
        (["--rate", "nan"], "--rate: 'nan' is not allowed: give a number from 0 to 1"),
        (["--device", "tpu"], "--device: invalid choice: 'tpu'"),
        (["--unit-tokens", "512"], "--unit-tokens 512 is not allowed: a unit takes whole"),
        (["--steps", "10"], "--warm-up 2000 is not allowed: give less than --steps 10"),
    ],
)
def test_an_option_that_is_not_allowed(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings.read(["--data", "d", "--results", "r", *options])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        settings.read(["--help"])
    text = capsys.readouterr().out
    assert "torchrun --nproc-per-node 8 train_esm2.py" in text
    assert "143 stopped by SIGTERM" in text


def one_line(log: Path) -> str:
    """The error line, which must be the only one."""
    text = log.read_text()
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, text
    return lines[0]


def test_a_missing_data_set_is_reported_once_for_all_processes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = train(2, ["--data", tmp_path, "--results", tmp_path, *TINY, "--steps", 20], log)
    assert done == [2, 2]
    assert one_line(log).endswith("that holds train/, val/ and test/")


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Options of a short training that has ended."""
    results = tmp_path_factory.mktemp("trained")
    options = ["--data", data, "--results", results, *TINY, "--steps", 12]
    assert train(1, options, results / "log") == [0], (results / "log").read_text()
    return options


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--size", "3x32x4x64"], "was made with size {'layers': 2,"),
        (["--seed", 1], "was made with seed 0, requested is 1"),
        (["--steps", 11], "--steps 11 is not allowed: the newest checkpoint"),
        (["--size", "7M"], "--size 7M is not allowed: give one of 8M, 35M"),
        (["--start", "/nowhere"], "--start /nowhere: no model there"),
    ],
)
def test_options_that_do_not_match_the_checkpoint_or_name_nothing(
    trained: list[Any], tmp_path: Path, more: list[Any], words: str
) -> None:
    assert train(1, [*trained, *more], tmp_path / "log") == [2]
    assert words in one_line(tmp_path / "log")


def test_a_finished_training_ends_again_at_once(trained: list[Any], tmp_path: Path) -> None:
    assert train(1, trained, tmp_path / "log") == [0]
    assert "already exported; nothing to do" in (tmp_path / "log").read_text()


def test_a_long_evaluation_reports_its_progress(data: Path, tmp_path: Path) -> None:
    """Otherwise the watch would take it for a stall."""
    more = ["--steps", 12, "--validate-every", 12, "--validation-units", 3, "--test-units", 3]
    options = ["--data", data, "--results", tmp_path, *TINY, *more]
    always = "import loop; loop.EVALUATION_LINES = 0.0"
    assert train(2, options, tmp_path / "log", always) == [0, 0]
    progress = re.findall(
        r"^step 12: evaluation, (.*) units$", (tmp_path / "log").read_text(), re.M
    )
    assert progress == 2 * ["2 of 3", "3 of 3"], "validation, then test"


NO_NUMBER = """
import parallel
def clip(self, most):
    norm = whole(self, most)
    norms.append(norm)
    return float("nan") if len(norms) == 4 else norm
norms, whole, parallel.Parallel.clip = [], parallel.Parallel.clip, clip
"""


def test_gradients_that_are_not_numbers_stop_the_training(data: Path, tmp_path: Path) -> None:
    options = ["--data", data, "--results", tmp_path, *TINY, "--steps", 12, "--save-every", 3]
    assert train(1, options, tmp_path / "log", NO_NUMBER) == [2]
    assert "not numbers. The newest complete checkpoint is of step" in one_line(tmp_path / "log")
    assert (tmp_path / "checkpoints/step-00000003").is_dir()


def test_gradients_that_are_not_numbers_are_skipped_on_request(data: Path, tmp_path: Path) -> None:
    options = ["--data", data, "--results", tmp_path, *TINY, "--steps", 12]
    more = ["--not-a-number", "skip"]
    assert train(1, [*options, *more], tmp_path / "log", NO_NUMBER) == [0]
    assert "warning: step 4 skipped" in (tmp_path / "log").read_text()


def test_a_missing_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="has no GPU, 0 are visible"):
        processes.find_device("cuda", 0)
    assert processes.find_device("auto", 0).type == "cpu"


def test_an_unsupported_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla V100")
    with pytest.raises(TrainingError, match=r"Tesla V100 \(sm70\) cannot be used"):
        processes.find_device("cuda", 3)


def needed(tokens: int, how: str = "ddp", world: int = 8, recompute: bool = False) -> Estimate:
    return estimate(SIZES["3B"], tokens, how=how, world=world, bf16=True, recompute=recompute)


@pytest.mark.parametrize(
    ("asked", "least", "recompute", "words"),
    [
        (needed(16_384), needed(16_384), False, "choose --parallel fsdp with more GPUs"),
        (needed(65_536, "fsdp"), needed(4_096, "fsdp"), False, "a smaller --units-at-once"),
        (needed(65_536, "fsdp"), needed(65_536, "fsdp"), False, "choose --recompute, or"),
        (
            *(needed(262_144, "fsdp", recompute=True), needed(262_144, "fsdp", recompute=True)),
            *(True, "choose a smaller --unit-tokens"),
        ),
    ],
)
def test_too_little_memory_is_reported_with_what_to_change(
    asked: Estimate, least: Estimate, recompute: bool, words: str
) -> None:
    with pytest.raises(TrainingError, match=words):
        demand(asked, least, 40e9, recompute)
    demand(asked, least, 1e12, recompute)


def test_the_learning_rate_goes_up_and_then_down_to_a_tenth() -> None:
    schedule = Schedule(peak=4e-4, warm_up=2000, steps=500_000)
    assert schedule.at(0) == pytest.approx(2e-7)
    assert schedule.at(1999) == schedule.at(2000) == pytest.approx(4e-4)
    assert schedule.at(226_000) == pytest.approx(2.2e-4)
    assert schedule.at(450_000) == schedule.at(499_999) == pytest.approx(4e-5)


def test_a_second_interrupt_ends_at_once() -> None:
    stop = Stop()
    stop._take(signal.SIGINT, None)
    assert stop.asked
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*arguments: Any) -> None:
        raise RuntimeError("a mistake in the program")

    monkeypatch.setattr(train_esm2, "join", broken)
    monkeypatch.setattr(Stop, "listen", lambda self: None)
    with pytest.raises(RuntimeError, match="a mistake"):
        train_esm2.main(["--data", str(tmp_path), "--results", str(tmp_path)])
