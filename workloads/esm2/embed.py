"""Embed proteins: one vector per sequence of a FASTA file, from an ESM-2 model in a folder."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

# For the modules in common/; in a pod they are next to this file.
sys.path.append(str(Path(__file__).resolve().parents[1] / "common"))

from attention import Boundaries
from exchange import read_architecture, read_model
from failures import EXIT_AGAIN, EXIT_DONE, EXIT_WRONG, TrainingError
from model import Esm2
from processes import find_device
from tokens import CLS, EOS
from vocabulary import SPECIAL_PER_SEQUENCE, encode
from whole import write_synced

EMBEDDINGS, IDS = "embeddings.npy", "ids.txt"
_EPILOG = f"""
A vector is the mean of the last layer's representations over the sequence's letters, without
<cls> and <eos>. DIR gets {EMBEDDINGS}, float32 of shape (sequences, hidden size), and {IDS}, one
name per line, in the file's order. In Python:
  numpy.load("{EMBEDDINGS}"); open("{IDS}").read().splitlines()

exit status: {EXIT_DONE} all are embedded; {EXIT_AGAIN} the file system failed; {EXIT_WRONG} the
parameters or the input are wrong."""


@dataclass(frozen=True)
class Protein:
    """A record: its name, and its letters in upper case, (length,) uint8."""

    name: str
    letters: NDArray[np.uint8]


def read_fasta(path: Path) -> Iterator[Protein]:
    """The records of a FASTA file; the name is the header up to the first blank.

    Raises:
        TrainingError: it is not FASTA, or a record has no letters or no name.
    """
    name, parts = "", list[bytes]()

    def record() -> Protein:
        letters = b"".join(parts).upper().rstrip(b"*")
        if not name or not letters:
            what = f"the record {name} has no letters" if name else "a record has no name"
            raise TrainingError(f"--fasta {path}: {what}")
        return Protein(name, np.frombuffer(letters, np.uint8))

    started = False
    with path.open("rb") as file:
        for line in file:
            text = line.strip()
            if text.startswith(b">"):
                if started:
                    yield record()
                started, parts = True, []
                name = (text[1:].split() or [b""])[0].decode(errors="replace")
            elif text and not started:
                raise TrainingError(f"--fasta {path}: does not begin with a header, such as >name")
            else:
                parts.append(text.replace(b" ", b""))
    if not started:
        raise TrainingError(f"--fasta {path}: has no sequence")
    yield record()


def packed(
    proteins: Iterator[Protein], longest: int, at_once: int
) -> Iterator[list[tuple[str, NDArray[np.int64]]]]:
    """Names and tokens of `proteins`, each cropped to `longest` tokens, in groups.

    A group has up to `at_once` tokens, but at least one protein.
    """
    group: list[tuple[str, NDArray[np.int64]]] = []
    size = 0
    for protein in proteins:
        letters = protein.letters[: longest - SPECIAL_PER_SEQUENCE]
        tokens = np.concatenate([[CLS], encode(letters), [EOS]]).astype(np.int64)
        if group and size + len(tokens) > at_once:
            yield group
            group, size = [], 0
        group.append((protein.name, tokens))
        size += len(tokens)
    if group:
        yield group


@torch.no_grad()
def pooled(model: Esm2, sequences: list[NDArray[np.int64]], device: torch.device) -> torch.Tensor:
    """The mean representation of each sequence's letters, (sequences, hidden) float32, on the CPU.

    `sequences`: tokens of each, with <cls> and <eos>.
    """
    starts = [0, *np.cumsum([len(tokens) for tokens in sequences]).tolist()]
    boundaries = Boundaries.of(starts, device)
    tokens = torch.from_numpy(np.concatenate(sequences)).to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        found = model.esm(tokens, boundaries).float()
    means = [found[start + 1 : stop - 1].mean(0) for start, stop in itertools.pairwise(starts)]
    return torch.stack(means).cpu()


def load(folder: Path, device: torch.device) -> Esm2:
    """The model in `folder`, on `device`.

    Raises:
        TrainingError: there is none.
    """
    model = Esm2(read_architecture(folder))
    read_model(folder, model)
    return model.to(device).eval()


def embed(options: argparse.Namespace) -> None:
    """Write the embeddings and the names.

    Raises:
        TrainingError: the model or the sequences are missing or unusable.
    """
    device = find_device(options.device, 0)
    model = load(options.model, device)
    names, vectors, cropped = list[str](), list[torch.Tensor](), 0

    def counted() -> Iterator[Protein]:
        nonlocal cropped
        for protein in read_fasta(options.fasta):
            cropped += len(protein.letters) > options.max_tokens - SPECIAL_PER_SEQUENCE
            yield protein

    for group in packed(counted(), options.max_tokens, options.tokens_at_once):
        names += [name for name, _ in group]
        vectors.append(pooled(model, [tokens for _, tokens in group], device))
        print(f"{len(names):,} sequences embedded", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    draft = options.out / f"{EMBEDDINGS}.partial"
    with draft.open("wb") as file:
        np.save(file, torch.cat(vectors).numpy())
    os.replace(draft, options.out / EMBEDDINGS)
    write_synced(options.out / IDS, "".join(f"{name}\n" for name in names).encode())
    if cropped:
        print(f"{cropped:,} of them are cropped to their first {options.max_tokens} tokens")
    print(f"{options.out / EMBEDDINGS}: {len(names):,} x {model.architecture.hidden}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--model",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with config.json and weights",
    )
    add("--fasta", type=Path, required=True, metavar="FILE", help="the sequences")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the two files")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="(%(default)s)")
    for name, default, text in (
        ("--max-tokens", 1024, "tokens per sequence, with the two special ones; longer: cropped"),
        ("--tokens-at-once", 16_384, "tokens per pass"),
    ):
        add(name, type=_count, default=default, metavar="N", help=f"{text} (%(default)s)")
    return parser


def _count(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value <= SPECIAL_PER_SEQUENCE:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed: give a whole number of at least 3"
        )
    return value


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        embed(options)
    except FileNotFoundError as error:
        print(f"error: {error.filename}: no such file", file=sys.stderr)
        return EXIT_WRONG
    except TrainingError as error:
        # The training has another option for the model's folder.
        print(f"error: {str(error).replace('--start ', '--model ')}", file=sys.stderr)
        return EXIT_WRONG
    except OSError as error:
        print(f"error: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return EXIT_AGAIN
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
