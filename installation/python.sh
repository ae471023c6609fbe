# shellcheck shell=bash
# Sourced by the scripts next to it: which Python to use.

# The best tested first: CI runs the tests with 3.11.
readonly CANDIDATES="python3.11 python3.13 python3.12"

# Ends the script with one sentence.
fail() {
  echo "$*" >&2
  exit 2
}

# Whether $1 runs (pyenv's shims may not), is a version that pyproject.toml allows, and has venv,
# which Debian packages separately.
usable() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
    >/dev/null 2>&1
}

# Prints the interpreter to use: $PYTHON if it is set, else the first usable candidate.
find_python() {
  local each
  if [ -n "${PYTHON:-}" ]; then
    usable "$PYTHON" ||
      fail "PYTHON=$PYTHON cannot be used: name a Python 3.11, 3.12 or 3.13 with venv."
    echo "$PYTHON"
    return
  fi
  for each in $CANDIDATES; do
    if usable "$each"; then
      echo "$each"
      return
    fi
  done
  fail "No Python 3.11, 3.12 or 3.13 with venv was found: install one (Debian, Ubuntu:" \
    "apt-get install python3 python3-venv; macOS: brew install python@3.13), or specify one:" \
    "PYTHON=/path/to/python."
}
