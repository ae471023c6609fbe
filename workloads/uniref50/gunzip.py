"""Unpacking a gzip stream in large blocks."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from problems import DamagedError

OUTPUT_BLOCK = 1 << 20  # fits the second-level cache: a fifth faster than 16 MiB
INPUT_BLOCK = 512 << 10
MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS  # zlib reads and checks header, CRC and length


def unpacked(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """The content of `blocks`, unpacked if gzip, else unchanged.

    Several members form one stream, and zeros may follow (RFC 1952, section 2.2; gzip's
    manual). No block returned is longer than OUTPUT_BLOCK.

    Raises:
        DamagedError: `name` is truncated or corrupt.
    """
    first = next(blocks, b"")
    while len(first) < len(MAGIC) and (more := next(blocks, b"")):
        first += more
    if not first.startswith(MAGIC):
        yield from (first[i : i + OUTPUT_BLOCK] for i in range(0, len(first), OUTPUT_BLOCK))
        yield from blocks
        return
    source = _Pieces(first, blocks)
    while source.skip_zeros():
        yield from _member(source, name)


class _Pieces:
    """Compressed blocks, cut into pieces of INPUT_BLOCK; takes unused bytes back."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._block, self._at, self._rest = first, 0, rest

    def next(self) -> bytes:
        """The next piece; empty at the end."""
        if self._at >= len(self._block):
            self._block, self._at = next(self._rest, b""), 0
        piece = self._block[self._at : self._at + INPUT_BLOCK]
        self._at += len(piece)
        return piece

    def give_back(self, count: int) -> None:
        """Make next() return the last `count` bytes of the last piece again."""
        self._at -= count

    def skip_zeros(self) -> bool:
        """Skip zero padding; return whether anything follows it."""
        while piece := self.next():
            if rest := piece.lstrip(b"\0"):
                self.give_back(len(rest))
                return True
        return False


def _member(source: _Pieces, name: str) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP)
    pending = b""
    output = b""
    while not member.eof:
        # A full block of output may have left more inside zlib, with no input pending.
        if not pending and len(output) < OUTPUT_BLOCK:
            pending = source.next()
            if not pending:
                raise DamagedError(f"{name}: the gzip data ends too early (truncated)")
        try:
            output = member.decompress(pending, OUTPUT_BLOCK)
        except zlib.error as error:
            raise DamagedError(f"{name}: corrupt gzip data ({error})") from None
        if output:
            yield output
        pending = member.unconsumed_tail
    source.give_back(len(member.unused_data))
