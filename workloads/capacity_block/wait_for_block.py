"""Waits until nodes can start in a Capacity Block; the launcher runs it before it starts any.

    python3 wait_for_block.py --block cr-... --region REGION --margin MINUTES --patch FILE

Requested earlier, nodes would be refused again and again. It exits with 0 when the block is active,
or if FILE, the patch that the launcher applies next, starts no training; with 3 when the block is
over, because a retry would not help.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from capacity_block import Block, CapacityBlock, in_utc

EXIT_OVER = 3
# Seconds between two checks.
INTERVAL = 60.0


def wait(
    look: Callable[[], Block],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Return the exit status once the block is active or over; print a line per change."""
    printed = ""
    while True:
        try:
            block = look()
            over = block.over(now())
            text = over or _state(block)
        except (BotoCoreError, ClientError) as error:
            block, over, text = None, "", f"error: {error}"
        if text != printed:
            print(text, flush=True)
            printed = text
        if over:
            print("Buy another (./bionemo preflight --offers), set its id and deploy.", flush=True)
            return EXIT_OVER
        if block is not None and not block.is_to_come():
            return 0
        pause(INTERVAL)


def _state(block: Block) -> str:
    if not block.is_to_come():
        until = f" until {in_utc(block.end)}" if block.end else ""
        return f"the Capacity Block {block.name} is active{until}"
    since = f", from {in_utc(block.start)}" if block.start else ""
    return f"waiting for the Capacity Block {block.name}: {block.state}{since}"


def main(given: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--block", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--margin", type=float, required=True)
    parser.add_argument("--patch", type=Path, required=True)
    options = parser.parse_args(given)
    patch = json.loads(options.patch.read_text(encoding="utf-8"))
    if patch.get("spec", {}).get("runPolicy", {}).get("suspend") is not False:
        print("nothing to start")
        return 0
    return wait(CapacityBlock(options.block, options.region, options.margin).look)


if __name__ == "__main__":
    sys.exit(main())
