"""`python -m rehearsal`: the deployment on this machine, without an AWS account."""

from __future__ import annotations

import os
import sys

from rehearsal.machine import stopping


def main() -> int:
    """Run the command line; return the exit status."""
    stopping.end_at_once()
    if os.environ.get("PYTHONPATH") and not sys.flags.ignore_environment:
        # Its packages come before the project's own. -E ignores Python's environment variables.
        os.execv(sys.executable, [sys.executable, "-E", "-m", "rehearsal", *sys.argv[1:]])
    # Not at the top: the imports take a second, and Ctrl-C may come meanwhile.
    try:
        from rehearsal.command import run_app
    except ModuleNotFoundError as error:
        print(f"rehearsal: {error}. Run `make rehearse`, which installs it", file=sys.stderr)
        return 2

    stopping.stop_in_order()
    return run_app()


if __name__ == "__main__":
    sys.exit(main())
