"""`python -m rehearsal`: the deployment on this machine, with no AWS account."""

from __future__ import annotations

import os
import sys

from rehearsal.machine import stopping


def main() -> int:
    """Run the command line; return the exit status."""
    stopping.end_at_once()
    if os.environ.get("PYTHONPATH") and not sys.flags.ignore_environment:
        # Its packages come before the project's own. -E: as if no variable of Python's was set.
        os.execv(sys.executable, [sys.executable, "-E", "-m", "rehearsal", *sys.argv[1:]])
    # Here and not above: the imports take a second, in which Ctrl-C may come.
    try:
        from rehearsal.command import run_app
    except ModuleNotFoundError as error:
        print(f"rehearsal: {error}. `make rehearse` installs it, and rehearses", file=sys.stderr)
        return 2

    stopping.stop_in_order()
    return run_app()


if __name__ == "__main__":
    sys.exit(main())
