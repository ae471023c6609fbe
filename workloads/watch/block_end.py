"""The deadline that the end of a Capacity Block sets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from capacity_block import Block
from deadline import Deadline


class Looks(Protocol):
    """A Capacity Block that can be looked up."""

    def look(self) -> Block:
        """Return what EC2 reports; raises botocore's errors."""


class BlockEnd:
    """The end of a Capacity Block, as EC2 last reported it.

    EC2 is asked each time, because a block can be extended.
    """

    def __init__(self, block: Looks) -> None:
        self._block = block
        self._last: Block | None = None

    def deadlines(self) -> list[Deadline]:
        """Return the deadline, if one is known; raises botocore's errors before the first answer.

        Even if EC2 never answers, EKS terminates the nodes: the workers get SIGTERM and save.
        """
        try:
            self._last = self._block.look()
        except (BotoCoreError, ClientError):
            if self._last is None:
                raise
        block = self._last
        if block.end is not None:
            at = block.end - block.margin
            return [Deadline(at, block.over(at))]
        over = block.over(datetime.now(UTC))
        return [Deadline(datetime.min.replace(tzinfo=UTC), over)] if over else []
