"""The reference: unpack, index with pyfastx, read the records one by one in random order.

Follows BioNeMo 1.x's UniRef50Preprocess.prepare_dataset and shares no code with the program in
workloads/uniref50, so that tests and benchmarks can compare the two. For a realistic time it makes
the original's calls to pyfastx: `id`, `name`, and `seq` twice per record.
https://github.com/NVIDIA/bionemo-framework/tree/v1 (bionemo/data/preprocess/protein)
"""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pyfastx

HEADER = "record_id,record_name,sequence_length,sequence\n"


def prepare(
    source: Path, root: Path, *, val_size: int, test_size: int, num_csv_files: int, seed: int
) -> None:
    """Write `root`/processed/{train,val,test}/xNNN.csv from `source`, FASTA or gzipped FASTA."""
    raw = root / "raw"
    raw.mkdir(parents=True)
    extract = raw / "extract.fasta"
    with source.open("rb") as start:
        packed = start.read(2) == b"\x1f\x8b"
    with gzip.open(source) if packed else source.open("rb") as content, extract.open("wb") as plain:
        shutil.copyfileobj(content, plain)
    records = pyfastx.Fasta(str(extract), build_index=True, uppercase=True)
    ids = np.arange(len(records))
    np.random.default_rng(seed).shuffle(ids)
    splits = {
        "val": ids[:val_size],
        "test": ids[val_size : val_size + test_size],
        "train": ids[val_size + test_size :],
    }
    for name, split in splits.items():
        folder = root / "processed" / name
        folder.mkdir(parents=True)
        for index, part in enumerate(np.array_split(split, num_csv_files)):
            with (folder / f"x{index:03d}.csv").open("w", newline="\n") as sink:
                sink.write(HEADER)
                for number in part:
                    record = records[number]
                    fields = [str(record.id), record.name, str(len(record.seq)), record.seq]
                    sink.write(",".join(fields) + "\n")
