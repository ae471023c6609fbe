"""From the data Job's files to batches: what each step sees, and that nothing is lost."""

from __future__ import annotations

import csv
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from transformers import EsmTokenizer

from batches import Units, share
from dataset import Sequences, index_files, open_data_set, open_split
from failures import TrainingError
from line_index import LineIndex, build_index, index_path, read_index
from masking import mask
from packing import epoch_order, pack, tokens_of
from tokens import CLS, EOS, MASK, TOKENS, UNK
from vocabulary import encode, spelled, strange

LONGEST, UNIT = 130, 512


def rows(files: list[Path]) -> list[str]:
    """The sequences of CSV files, read with Python's own reader."""
    found = []
    for file in files:
        with file.open(newline="") as text:
            found += [row["sequence"] for row in csv.DictReader(text)]
    return found


@pytest.fixture
def folder(data: Path, tmp_path: Path) -> Path:
    """A private copy of the data set, without indexes."""
    shutil.copytree(data, tmp_path / "own", ignore=shutil.ignore_patterns("*.index"))
    return tmp_path / "own"


def opened(folder: Path, split: str = "train") -> Sequences:
    data = open_data_set(folder)
    index_files(data.files(split), 0, 1)
    return open_split(data, split)


def test_every_sequence_is_found_where_its_index_says(folder: Path) -> None:
    sequences = opened(folder)
    expected = rows(open_data_set(folder).files("train"))
    assert len(sequences) == len(expected) == 1800
    # Across the borders of files
    for first, stop in [(0, 1800), (590, 610), (1799, 1800), (599, 1201)]:
        records = sequences.read(first, stop)
        found = [
            records.text[start : start + length].tobytes().decode()
            for start, length in zip(records.starts, records.lengths, strict=True)
        ]
        assert found == expected[first:stop]


def test_the_writer_of_a_file_writes_the_same_index(folder: Path, tmp_path: Path) -> None:
    file = folder / "train/x000.csv"
    build_index(file)
    built = read_index(file)
    copy = tmp_path / file.name
    index = LineIndex()
    with file.open("rb") as lines, copy.open("wb") as out:
        while block := b"".join(itertools.islice(lines, 37)):
            out.write(block)
            index.add(block)
    index.write(copy)
    written = read_index(copy)
    assert built is not None
    assert written is not None
    assert np.array_equal(written, built)


def test_an_index_of_other_content_is_not_used(folder: Path) -> None:
    file = folder / "train/x001.csv"
    opened(folder)
    # Another size: recreated. The same size with other lines: an error that says how to fix it.
    file.write_bytes(file.read_bytes() + b"1,a,1,A\n")
    assert read_index(file) is None
    build_index(file)
    header, first, second, *rest = file.read_bytes().splitlines(keepends=True)
    assert len(first) != len(second)
    file.write_bytes(b"".join([header, second, first, *rest]))
    sequences = Sequences([file])
    with pytest.raises(TrainingError, match=r"x001\.csv\.index: does not match x001"):
        sequences.read(0, len(sequences))
    index_path(file).unlink()
    build_index(file)
    sequences = Sequences([file])
    assert len(sequences.read(0, 2).lengths) == 2


def test_a_missing_or_foreign_data_set_is_reported(folder: Path) -> None:
    with pytest.raises(TrainingError, match="Let the data Job finish first"):
        open_data_set(folder / "train")
    (folder / "val/x000.csv").unlink()
    with pytest.raises(TrainingError, match=r"val/x000\.csv is missing"):
        open_data_set(folder)
    (folder / "_SUCCESS").write_text("done")
    with pytest.raises(TrainingError, match="was not written by the data Job"):
        open_data_set(folder)


def test_an_epoch_has_each_sequence_once_and_no_unit_is_too_large(folder: Path) -> None:
    sequences = opened(folder)
    units = Units(sequences, LONGEST, UNIT, seed=3)
    first = pack(sequences.lengths(), LONGEST, UNIT)
    assert first[0] == 0
    assert first[-1] == len(sequences)
    tokens = tokens_of(sequences.lengths(), LONGEST)
    sizes = np.add.reduceat(tokens, first[:-1])
    assert sizes.max() <= UNIT
    # No unit has room for the next sequence.
    assert (sizes[:-1] + tokens[first[1:-1]] > UNIT).all()
    found = [units.training(number) for number in range(len(units))]
    assert sum(len(unit.tokens) for unit in found) == tokens.sum()
    assert sum(len(unit.starts) - 1 for unit in found) == len(sequences)
    orders = [epoch_order(len(units), 3, epoch) for epoch in range(2)]
    for order in orders:
        assert sorted(order) == [*range(len(units))]
    assert not np.array_equal(orders[0], orders[1])


def test_packing_in_parts_is_packing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = np.random.default_rng(1).integers(1, 300, 5000).astype(np.uint32)
    whole = pack(lengths, LONGEST, UNIT)
    monkeypatch.setattr("packing._RECORDS_AT_ONCE", 61)
    assert np.array_equal(pack(lengths, LONGEST, UNIT), whole)


def test_a_batch_depends_only_on_seed_and_step(folder: Path) -> None:
    sequences = opened(folder)
    one, other = (Units(sequences, LONGEST, UNIT, seed=3) for _ in range(2))
    far = 5 * len(one) + 7  # in the sixth epoch
    for number in (0, 1, 200):  # another history of reads
        other.training(number)
    for number in (far, 3):
        left, right = one.training(number), other.training(number)
        assert np.array_equal(left.tokens, right.tokens)
        assert np.array_equal(left.places, right.places)
    masks = {tuple(one.training(number).places[:9]) for number in range(20)}
    assert len(masks) == 20
    assert not np.array_equal(
        one.training(3).tokens, Units(sequences, LONGEST, UNIT, seed=4).training(3).tokens
    )


@pytest.mark.parametrize("world", [1, 2, 3, 4, 5, 8, 11])
def test_processes_share_a_batch(world: int) -> None:
    numbers = [*range(40, 50)]
    shares = [share(numbers, rank, world) for rank in range(world)]
    assert len({len(each) for each in shares}) == 1
    assert [n for each in shares for n in each if n is not None] == numbers


def test_long_sequences_are_cropped_at_random(folder: Path) -> None:
    sequences = opened(folder)
    units = Units(sequences, 16, 16, seed=0)  # each sequence is a unit of 14 letters
    whole = rows(open_data_set(folder).files("train"))
    letters = {len(unit.tokens) for unit in map(units.training, range(50))}
    assert letters == {16}
    seen = set()
    for epoch in range(8):
        number = int(np.flatnonzero(epoch_order(len(units), 0, epoch) == 0)[0])
        unit = units.training(epoch * len(units) + number)
        tokens = unit.tokens.copy()
        tokens[unit.places] = unit.targets
        text = "".join(TOKENS[token] for token in tokens[1:-1])
        assert text in whole[0]
        seen.add(text)
    assert len(seen) > 4


def test_masks_are_fifteen_percent_of_which_eighty_ten_ten() -> None:
    random = np.random.default_rng(0)
    tokens = np.concatenate([[CLS], random.integers(4, 24, 400_000), [UNK, EOS]])
    seen, places = mask(tokens, random)
    assert abs(len(places) / 400_000 - 0.15) < 0.002
    assert not {0, 400_001, 400_002} & set(places.tolist())
    untouched = np.ones(len(tokens), bool)
    untouched[places] = False
    assert (seen[untouched] == tokens[untouched]).all()
    hidden = (seen[places] == MASK).mean()
    kept = (seen[places] == tokens[places]).mean()
    assert abs(hidden - 0.8) < 0.005
    # One in twenty random amino acids is the original.
    assert abs(kept - 0.105) < 0.005
    replaced = seen[places][seen[places] != MASK]
    assert set(replaced.tolist()) == {*range(4, 24)}


@pytest.mark.parametrize(
    "text", ["MKTAYIAKQR", "MXBUZOJK", "JJJMKJ", "MK*A**", "mkMK", "A.-A", "M1K", "J"]
)
def test_tokens_are_those_of_the_published_tokenizer(text: str, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(TOKENS))
    published = EsmTokenizer(str(tmp_path / "vocab.txt"))
    expected = published(text)["input_ids"]
    found = encode(np.frombuffer(text.encode(), np.uint8))
    assert [CLS, *found.tolist(), EOS] == expected


def test_letters_that_are_not_amino_acids_are_counted() -> None:
    counts = strange(np.frombuffer(b"MKJJA*XB\n", np.uint8))
    assert spelled(counts) == "J 2, * 1, byte 10 1"
    assert spelled(strange(np.frombuffer(b"MKXBUZO", np.uint8))) == ""
