"""Made-up proteins in UniRef50's format, with motifs to learn; the same each time."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
# Half of all letters belong to one of a few motifs, so a small model learns them in a minute.
_MOTIFS, _MOTIF_LENGTH = 8, 12
# Like UniProt's own, which describes many files: RELEASE.metalink in
# https://ftp.uniprot.org/pub/databases/uniprot/uniref/uniref50/
_METALINK = """<?xml version="1.0" encoding="UTF-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/">
<version>made-up</version>
<files><file name="{name}">
<size>{size}</size>
<verification><hash type="md5">{md5}</hash></verification>
</file></files>
</metalink>
"""


def sequences(count: int, shortest: int, longest: int) -> Iterator[str]:
    """Yield `count` sequences: motifs, with as many other letters between them."""
    chance = random.Random(50)
    motifs = ["".join(chance.choices(LETTERS, k=_MOTIF_LENGTH)) for _ in range(_MOTIFS)]
    for _ in range(count):
        length = chance.randint(shortest, longest)
        parts: list[str] = []
        size = 0
        while size < length:
            between = chance.randint(0, 2 * _MOTIF_LENGTH)
            parts += ["".join(chance.choices(LETTERS, k=between)), chance.choice(motifs)]
            size += between + _MOTIF_LENGTH
        yield "".join(parts)[:length]


def write_fasta(path: Path, count: int, shortest: int, longest: int) -> None:
    """Write them to `path`, gzipped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="ascii", compresslevel=1) as sink:
        for number, sequence in enumerate(sequences(count, shortest, longest)):
            sink.write(f">UniRef50_R{number:07d} Made-up protein n=1 Tax=none TaxID=1\n")
            sink.writelines(f"{sequence[at : at + 60]}\n" for at in range(0, len(sequence), 60))


def write_metalink(path: Path) -> None:
    """Write size and MD5 of the file `path` next to it, so that the download can be checked."""
    content = path.read_bytes()
    text = _METALINK.format(
        name=path.name,
        size=len(content),
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
    )
    path.with_name("RELEASE.metalink").write_text(text, encoding="utf-8")
