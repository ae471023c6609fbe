"""The command line: the options and their validation."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from failures import EXIT_AGAIN, EXIT_DONE, EXIT_TERMINATED, EXIT_WRONG

_EPILOG = f"""
The batch of a step is --units units of at most --unit-tokens tokens: sequences packed one after
another, with attention only within each. It depends on --seed and the step, not on the number of
processes: each takes its share, in as many passes as needed. So a run that is restarted on more
or fewer GPUs sees the same batches as without the restart.

examples:
  one process, on this machine's CPU, a model of four layers:
    python train_esm2.py --data processed --results out --size 4x128x8x512 --unit-tokens 1024 \\
      --max-tokens 258 --units 2 --steps 400 --warm-up 50 --rate 2e-3
  the 8 GPUs of a node:
    torchrun --nproc-per-node 8 train_esm2.py --data /fsx/processed --results /fsx/esm2-train \\
      --size 650M --device cuda
  from a published model, or one that was trained here:
    … --start /fsx/input/esm2_t33_650M_UR50D

results/ gets checkpoints/, metrics.jsonl and, at the end, model/, for transformers:
EsmForMaskedLM.from_pretrained("results/model").

exit status: {EXIT_DONE} trained, tested and exported, all processes; {EXIT_AGAIN} failed, another
start resumes from the newest complete checkpoint; {EXIT_WRONG} the parameters or the input are
wrong, another start would fail the same way; {EXIT_TERMINATED} stopped by SIGTERM, its state saved:
another start resumes from there."""


@dataclass(frozen=True)
class Settings:
    """The settings of a training run: the command line's options of the same names."""

    data: Path
    results: Path
    scratch: Path
    size: str
    start: Path | None
    steps: int
    units: int
    unit_tokens: int
    max_tokens: int
    units_at_once: int
    rate: float
    warm_up: int
    clip: float
    seed: int
    device: str
    precision: str
    parallel: str
    recompute: bool
    compile: bool
    save_every: int
    keep: int
    validate_every: int
    validation_units: int
    test_units: int
    log_every: int
    not_a_number: str
    hang_after: float


def _number(kind: type, least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value: float = kind(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            what = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(
                f"{text!r} is not allowed: give {what} from {least:g} to {most:g}"
            )
        return value

    return number


# Options with whole numbers: name, smallest and largest value, default, help.
_NUMBERS = (
    ("--steps", 1, 10**9, 500_000, "optimizer steps in total"),
    ("--units", 1, 10**6, 128, "units per step, over all processes"),
    ("--unit-tokens", 16, 10**7, 16_384, "tokens per unit, at most"),
    (
        "--max-tokens",
        16,
        10**6,
        1024,
        "tokens per sequence, with the two special ones; longer: cropped",
    ),
    ("--units-at-once", 0, 10**4, 0, "units per pass; 0: on a GPU as memory allows, else 1"),
    ("--warm-up", 1, 10**9, 2000, "steps until --rate is reached"),
    ("--seed", 0, 2**63 - 1, 0, "seed of weights, order, cropping and masks"),
    ("--save-every", 1, 10**9, 1000, "steps between checkpoints"),
    ("--keep", 1, 10**6, 3, "newest checkpoints to keep"),
    ("--validate-every", 1, 10**9, 2000, "steps between evaluations on the val split"),
    ("--validation-units", 0, 10**9, 64, "units per evaluation; 0: all"),
    ("--test-units", 0, 10**9, 256, "units of the test split, evaluated at the end; 0: all"),
    ("--log-every", 1, 10**9, 10, "steps between log lines"),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train ESM-2 on the data Job's sequences. Start it with torchrun on GPUs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--data", type=Path, required=True, metavar="DIR", help="with train/, val/, test/, _SUCCESS"
    )
    add("--results", type=Path, required=True, metavar="DIR", help="folder for all output")
    add(
        *("--scratch",),
        type=Path,
        metavar="DIR",
        help="unfinished checkpoints; same file system (.unfinished in --results)",
    )
    add("--size", help="8M, 35M, 150M, 650M, 3B, 15B or LAYERSxHIDDENxHEADSxFEEDFORWARD (8M)")
    add("--start", type=Path, metavar="DIR", help="model to start from (random weights)")
    for name, least, most, default, text in _NUMBERS:
        kind = _number(int, least, most)
        add(name, type=kind, default=default, metavar="N", help=f"{text} (%(default)s)")
    rate, clip, hang = _number(float, 0, 1), _number(float, 1e-6, 1e6), _number(float, 1, 86_400)
    add("--rate", type=rate, default=4e-4, metavar="X", help="learning rate (%(default)s)")
    add("--clip", type=clip, default=1.0, metavar="X", help="maximum gradient norm (%(default)s)")
    add(
        "--hang-after",
        type=hang,
        default=900.0,
        metavar="SECONDS",
        help="longest step (%(default)s)",
    )
    for name, choices, text in (
        ("--device", ("auto", "cpu", "cuda"), "auto: a GPU where there is one"),
        (
            *("--precision", ("auto", "bf16", "fp8", "fp32")),
            "auto: bf16 on a GPU; fp8: in the layers' linear parts, with compute capability 8.9 or "
            "later; fp32 is for CPU",
        ),
        ("--parallel", ("auto", "ddp", "fsdp"), "auto: fsdp from 1 G parameters on"),
        ("--not-a-number", ("stop", "skip"), "what to do when the loss is not a number"),
    ):
        add(name, choices=choices, default=choices[0], help=f"{text} (%(default)s)")
    add("--recompute", action="store_true", help="recompute activations: less memory, slower")
    add(
        "--compile", action=argparse.BooleanOptionalAction, help="compile the layers (yes on a GPU)"
    )
    return parser


def read(arguments: list[str] | None = None) -> Settings:
    """The settings from a command line; exits with a message if it is invalid."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    if options["unit_tokens"] < options["max_tokens"]:
        parser.error(
            f"--unit-tokens {options['unit_tokens']} is not allowed: a unit takes whole sequences, "
            f"so give at least --max-tokens {options['max_tokens']}"
        )
    if options["warm_up"] >= options["steps"]:
        parser.error(
            f"--warm-up {options['warm_up']} is not allowed: give less than --steps "
            f"{options['steps']}"
        )
    options["scratch"] = options["scratch"] or options["results"] / ".unfinished"
    options["size"] = options["size"] or ""
    return Settings(**options)
