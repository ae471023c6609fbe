"""FASTA text to CSV rows, exactly as the reference's reader sees the records.

The reference uses pyfastx, whose index rule decides what a record is. From its source
(src/index.c, pyfastx_create_index; src/util.c, remove_space_uppercase):

- A line that starts with `>` starts a record; white space before the first is skipped.
- The name ends at the first space or tab, or at the line's end.
- A header that ends in CR makes CRLF the record's line end, and every line of its sequence
  is then counted one letter shorter than it is, whether it ends in CR or not.
- The sequence is the lines without LF, CR and spaces, in upper case, cut to that count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from problems import SourceError

BLOCK = 1 << 20  # with its rows, it fits the second-level cache
LONGEST_RECORD = 64 << 20
_SPACE = b" \t\n\v\f\r"
_RARE = (b"\r", b"\t", b"\0")  # bytes that need the full rule
_LF, _BLANK, _HEADER = b"\n >"
# The standard twenty, selenocysteine and pyrrolysine, and the codes for one of several. The models
# have no token for anything else: workloads/esm2/vocabulary.py
AMINO_ACIDS = b"ACDEFGHIKLMNPQRSTVWYUOBXZ"
_POWERS = 10 ** np.arange(1, 19)


@dataclass(frozen=True)
class Rows:
    """Some CSV rows in file order.

    Attributes:
        text: the rows, each `record_id,record_name,sequence_length,sequence` with its LF.
        lengths: bytes of each row, shape (rows,), uint32.
    """

    text: bytes
    lengths: NDArray[np.uint32]


class FastaReader:
    """Splits FASTA text into records and converts each to a CSV row.

    Args:
        name: the file, for messages.
    Attributes:
        records: read so far; the next record's id is one more.
        cut_short: records that the reference's rule cuts short, because their lines end
            differently from their header.
        residues: letters of all sequences.
        strange: counts of those that are not amino acids.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.records = 0
        self.cut_short = 0
        self.residues = 0
        self.strange: Counter[str] = Counter()

    def rows(self, chunks: Iterator[bytes]) -> Iterator[Rows]:
        """Rows for the text in `chunks`, about BLOCK bytes at a time.

        Raises:
            SourceError: not FASTA, or a record that the reference cannot read.
        """
        held: list[bytes] = []
        size = 0
        started = False
        for chunk in chunks:
            held.append(chunk)
            size += len(chunk)
            if size < BLOCK:
                continue
            text = b"".join(held)
            if not started:
                text = self._skip_to_first(text)
                started = bool(text)
            # Whole records only: up to the last header.
            cut = text.rfind(b"\n>") + 1
            if cut:
                yield self._block(text[:cut])
            elif len(text) > LONGEST_RECORD:
                raise self._bad(self.records + 1, f"is longer than {LONGEST_RECORD:,} bytes")
            held, size = [text[cut:]], len(text) - cut
        text = b"".join(held)
        if not started:
            text = self._skip_to_first(text)
        if text:
            yield self._block(text)
        if not self.records:
            nothing = "" if size else " (the file is empty)"
            raise SourceError(f"{self._name}: no FASTA record in it{nothing}")

    def _skip_to_first(self, text: bytes) -> bytes:
        """`text` from its first header on; empty if only white space has come so far."""
        content = text.lstrip(_SPACE)
        if not content:
            return b""
        if not content.startswith(b">"):
            start = content[:40].decode("ascii", "replace").splitlines()[0]
            kind = "an HTML page" if content[:1] == b"<" else "not FASTA"
            raise SourceError(
                f"{self._name}: {kind}, it starts with {start!r} where a '>' is expected"
            )
        if text.startswith(b">"):
            return text
        return text[text.find(b"\n>") + 1 :] if b"\n>" in text else b""

    def _block(self, text: bytes) -> Rows:
        """The rows of whole records; `text` starts with `>`."""
        found = None
        if text.isascii() and not any(rare in text for rare in _RARE):
            found = self._plain_rows(text if text.endswith(b"\n") else text + b"\n")
        if found is None:
            rows = self._odd_rows(text)
            found = Rows(b"".join(rows), np.fromiter(map(len, rows), np.uint32, len(rows)))
        self.records += len(found.lengths)
        return found

    def _plain_rows(self, text: bytes) -> Rows | None:
        """Rows if all lines end in LF; None if a sequence is not all upper-case letters.

        Positions are computed for all records at once: line ends, and among these the ones
        before and after each header. Removing all LF moves a position by the number of LF
        before it, which is its line's number. Rows are assembled as str: for ASCII this is
        the same bytes, and faster to format.
        """
        letters = np.frombuffer(text, np.uint8)
        line_end = np.flatnonzero(letters == _LF)
        before_header = np.flatnonzero(letters[line_end[:-1] + 1] == _HEADER)
        header_line = np.concatenate(([0], before_header + 1))
        last_line = np.concatenate((before_header, [len(line_end) - 1]))

        name_start = np.concatenate(([0], line_end[before_header] + 1)) + 1
        header_end = line_end[header_line]
        blank = np.append(np.flatnonzero(letters == _BLANK), len(text))
        name_end = np.minimum(blank[np.searchsorted(blank, name_start)], header_end)

        start = header_end - header_line
        end = line_end[last_line] - last_line
        numbers = range(self.records + 1, self.records + 1 + len(start))
        content = text.decode("ascii")
        joined = text.replace(b"\n", b"").decode("ascii")
        pieces = [""] * (2 * len(start)) + ["\n"]
        pieces[0:-1:2] = [
            f"\n{number},{content[first:last]},{length},"
            for number, first, last, length in zip(
                numbers,
                name_start.tolist(),
                name_end.tolist(),
                (end - start).tolist(),
                strict=True,
            )
        ]
        before = "".join(pieces).encode("ascii")
        pieces[0] = pieces[0][1:]
        pieces[1::2] = [joined[i:j] for i, j in zip(start.tolist(), end.tolist(), strict=True)]
        rows = "".join(pieces).encode("ascii")
        if _not_upper_case(rows) != _not_upper_case(before) - 1:
            return None
        self._count("".join(pieces[1::2]).encode("ascii"))
        lengths = _digits(np.array(numbers)) + (name_end - name_start) + _digits(end - start)
        lengths += end - start + len(",,,\n")
        return Rows(rows, lengths.astype(np.uint32))

    def _odd_rows(self, text: bytes) -> list[bytes]:
        """Rows by the full rule, one by one."""
        whole = text[1:-1] if text.endswith(b"\n") else text[1:]
        rows = []
        for number, record in enumerate(whole.split(b"\n>"), self.records + 1):
            header, *lines = record.split(b"\n")
            rows.append(self._odd_row(number, header, lines))
        return rows

    def _odd_row(self, number: int, header: bytes, lines: list[bytes]) -> bytes:
        """One row by the full rule; see the module's docstring."""
        crlf = header.endswith(b"\r")
        name = header[: len(header) - crlf].partition(b" ")[0].partition(b"\t")[0]
        raw = b"".join(lines)
        letters = raw.translate(None, b"\r ").upper()
        length = len(raw) - crlf * len(lines)
        try:
            name.decode()
        except UnicodeDecodeError:
            raise self._bad(number, "has a name that is not UTF-8") from None
        if b"\0" in header:
            raise self._bad(number, "has a zero byte in its header")
        if not raw.isascii() or b"\0" in raw:
            raise self._bad(number, "has a byte in its sequence that is not a letter")
        if not 0 <= length <= len(letters) or b"\t" in raw:
            raise self._bad(number, "has white space inside its sequence, or mixed line ends")
        self.cut_short += length < len(letters)
        self._count(letters[:length])
        return b"%d,%b,%d,%b\n" % (number, name, length, letters[:length])

    def _count(self, sequences: bytes) -> None:
        self.residues += len(sequences)
        self.strange.update(sequences.translate(None, AMINO_ACIDS).decode("ascii"))

    def _bad(self, number: int, what: str) -> SourceError:
        return SourceError(
            f"{self._name}: record {number:,} {what}; the reference has no valid row for it"
        )


def _not_upper_case(text: bytes) -> int:
    """How many bytes of `text` are outside `!` to `Z`."""
    values = np.frombuffer(text, np.uint8)
    # Values below `!` wrap around to large numbers.
    return int(np.count_nonzero(values - np.uint8(_BLANK + 1) > ord("Z") - _BLANK - 1))


def _digits(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many decimal digits each of `numbers` has."""
    return np.searchsorted(_POWERS, numbers, side="right") + 1
