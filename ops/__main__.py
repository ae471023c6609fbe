"""`python -m ops`: the operations command."""

from __future__ import annotations

import sys

# As in pyproject.toml; this file itself must also run on older versions.
_OLDEST = (3, 11)


def _run() -> int:
    # Python's own exit status 1 would look like warnings.
    if sys.version_info < _OLDEST:
        return _stopped(
            "Python {}.{} is too old; 3.11 or later is needed. make setup finds one".format(
                *sys.version_info[:2]
            )
        )
    if sys.stdout is None:
        return _stopped("standard output is closed: there is nowhere to print to")
    try:
        from ops.cli import main
    except ImportError as error:
        return _stopped(f"{error}. Install it first: make setup")
    except Exception as error:  # a package that is incomplete, or for another Python
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        return _stopped(f"the environment is damaged ({why}). Recreate it: make clean setup")
    return main()


def _stopped(message: str) -> int:
    print(f"bionemo: {message}", file=sys.stderr)
    return 2


def _main() -> int:
    """Run the command; Ctrl-C ends it silently, also during imports.

    The status is the shells' own for it: 128 plus the signal's number.
    """
    try:
        return _run()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(_main())
