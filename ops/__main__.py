"""`python -m ops`: the operations command."""

from __future__ import annotations

import sys

# As pyproject.toml has it; this file itself is read by older ones too.
_OLDEST = (3, 11)


def _run() -> int:
    # None of this must look like warnings, which Python's own exit status 1 would be.
    if sys.version_info < _OLDEST:
        return _stopped(
            "Python {}.{} is too old, 3.11 or later is needed: make setup, which finds one".format(
                *sys.version_info[:2]
            )
        )
    if sys.stdout is None:
        return _stopped("standard output is closed: there is nowhere to print to")
    try:
        from ops.cli import main
    except ImportError as error:
        return _stopped(f"{error}. Install it first: make setup")
    except Exception as error:  # a package that is there in part, or for another Python
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        return _stopped(f"the environment is damaged ({why}). Make it anew: make clean setup")
    return main()


def _stopped(message: str) -> int:
    print(f"bionemo: {message}", file=sys.stderr)
    return 2


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
