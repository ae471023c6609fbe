"""Rewrite snapshot.yaml, on purpose, and print the differences: `python -m tests.lasting`."""

from __future__ import annotations

import sys

from tests.lasting.comparison import additions, losses
from tests.lasting.extraction import lasting
from tests.lasting.storage import SNAPSHOT, load, write
from tests.lasting.synthesis import SETS, templates


def main() -> int:
    """Print each difference from the present snapshot once, and write the new one."""
    before = load() if SNAPSHOT.exists() else {}
    now = {name: lasting(templates(name)) for name in SETS}
    differences: dict[str, list[str]] = {}
    for name, items in now.items():
        old = before.get(name, {})
        for each in [*losses(old, items), *(f"new: {one}" for one in additions(old, items))]:
            differences.setdefault(each, []).append(name)
    for each, names in differences.items():
        print(f"[{', '.join(names)}] {each}")
    write(now)
    found = len(differences)
    print(f"{SNAPSHOT.name} written; {found} differences." if found else "No differences.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
