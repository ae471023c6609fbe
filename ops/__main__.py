"""`python -m ops`: the operations command."""

from __future__ import annotations

import sys


def _run() -> int:
    # A missing package must not look like warnings, which Python's own exit status 1 would be.
    try:
        from ops.cli import main
    except ImportError as error:
        print(f"bionemo: {error}. Install it first: make setup", file=sys.stderr)
        return 2
    return main()


def _main() -> int:
    """Run the command; Ctrl-C ends it without a word, also while packages are being read.

    The status is the shells' own for it: 128 and the signal's number.
    """
    try:
        return _run()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(_main())
