"""Preflight on accounts with something missing: `python -m bench.simulated_accounts`."""

from __future__ import annotations

import time

from ops.results import exit_status
from ops.show.checks import show_results
from ops.show.terminal import console
from tests.simulated.accounts import SITUATIONS, preflight


def main() -> None:
    out = console()
    for title, (settings, answers) in SITUATIONS.items():
        began = time.perf_counter()
        results = preflight(settings, answers())
        out.rule(title)
        show_results(out, results)
        out.print(f"exit status {exit_status(results)}, {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
