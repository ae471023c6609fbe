"""Write snapshot.yaml anew, on purpose, and print what has changed: `python -m tests.lasting`."""

from __future__ import annotations

import sys

from tests.lasting.comparison import additions, losses
from tests.lasting.extraction import lasting
from tests.lasting.storage import SNAPSHOT, load, write
from tests.lasting.synthesis import SETS, templates


def main() -> int:
    """Print the differences to the snapshot that is there, once each, and write the new one."""
    before = load() if SNAPSHOT.exists() else {}
    now = {name: lasting(templates(name)) for name in SETS}
    told: dict[str, list[str]] = {}
    for name, items in now.items():
        old = before.get(name, {})
        for each in [*losses(old, items), *(f"new: {one}" for one in additions(old, items))]:
            told.setdefault(each, []).append(name)
    for each, names in told.items():
        print(f"[{', '.join(names)}] {each}")
    write(now)
    print(f"{SNAPSHOT.name} written; {len(told)} differences." if told else "No difference.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
