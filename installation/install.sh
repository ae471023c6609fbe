#!/usr/bin/env bash
# Installs what a Makefile target needs into .venv and node_modules, unless it is already there:
#   installation/install.sh deployment|rehearsal|development
# PYTHON, if set, names the interpreter. Works with macOS's bash 3.2.
set -euo pipefail
cd -P "$(dirname "$0")/.."
source installation/python.sh

readonly VENV=.venv LOCKS=installation/locks
# What is installed: the interpreter, the folder, a copy of each lock. It is renamed to PENDING while
# pip runs, so an environment without RECORD is one whose installation was interrupted.
readonly RECORD=$VENV/.installed PENDING=$VENV/.installing

# Prints the identity of interpreter $1: its minor version and installation.
interpreter() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.base_prefix)' 2>/dev/null
}

# Whether the environment is complete, still in the folder where it was created, and made with
# $PYTHON, if that is set.
environment_is_complete() {
  local now
  [ -d "$RECORD" ] && [ "$(cat "$RECORD/folder")" = "$PWD" ] || return 1
  now=$(interpreter "$VENV/bin/python") && [ "$now" = "$(cat "$RECORD/interpreter")" ] || return 1
  [ -z "${PYTHON:-}" ] || [ "$now" = "$(interpreter "$PYTHON")" ]
}

make_environment() {
  local python
  python=$(find_python)
  echo "Creating $VENV with $("$python" --version)"
  "$python" -m venv --clear "$VENV"
  mkdir "$PENDING"
  interpreter "$python" >"$PENDING/interpreter"
  echo "$PWD" >"$PENDING/folder"
  mv "$PENDING" "$RECORD"
}

# The locks that lock $1 includes, itself last.
locks_within() {
  case $1 in
    deployment) echo deployment ;;
    rehearsal) echo deployment rehearsal ;;
    development) echo deployment rehearsal development ;;
    *) fail "usage: installation/install.sh deployment|rehearsal|development" ;;
  esac
}

# How long it takes from scratch, on two cores.
duration() {
  case $1 in
    deployment) echo "about a minute" ;;
    *) echo "one to three minutes" ;;
  esac
}

# Adds lock $1 and the project itself to the environment.
pip_install_all() {
  pip_install --require-hashes --requirement "$1" && pip_install --no-build-isolation --editable .
}

pip_install() {
  "$VENV/bin/python" -m pip --disable-pip-version-check install --quiet --no-compile --no-deps \
    "$@"
}

# Adds the packages of lock $1 to the environment.
install_packages() {
  local lock=$LOCKS/$1.txt each
  if cmp -s "$lock" "$RECORD/$1.txt" && cmp -s pyproject.toml "$RECORD/pyproject.toml"; then
    return
  fi
  echo "Installing the Python packages for $1: $(grep -c '^[^ #]*==' "$lock"), except those" \
    "already installed ($(duration "$1"))"
  # On Ctrl-C pip exits with 1, as for a failure.
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mv "$RECORD" "$PENDING"
  pip_install_all "$lock" || give_up $?
  for each in $(locks_within "$1"); do
    cp "$LOCKS/$each.txt" "$PENDING"
  done
  cp pyproject.toml "$PENDING"
  mv "$PENDING" "$RECORD"
}

# Ends the script after pip failed with exit status $1. pip downloads everything before it changes
# anything, so the environment is as good as before, unless a signal ended pip.
give_up() {
  if [ "$1" -lt 128 ]; then
    mv "$PENDING" "$RECORD"
  fi
  fail "The packages could not be installed; pip says why above."
}

# The CDK command line, with the environment's own npm.
install_cdk() {
  cmp -s package-lock.json node_modules/.installed && return
  echo "Installing the CDK command line into node_modules (a few seconds)"
  PATH=$PWD/$VENV/bin:$PATH npm ci --loglevel=error --no-audit --no-fund || {
    [ $? -lt 128 ] || exit 130
    fail "The CDK command line could not be installed; npm says why above."
  }
  cp package-lock.json node_modules/.installed
}

main() {
  # Neither may reach the interpreters. The Makefile puts the environment itself first in PATH, but
  # it must not be a candidate.
  unset PYTHONHOME PYTHONPATH
  PATH=${PATH//"$PWD/$VENV/bin:"/}
  locks_within "$1" >/dev/null
  if [ -n "${PYTHON:-}" ]; then
    find_python >/dev/null # which refuses an unusable one
  fi
  environment_is_complete || make_environment
  install_packages "$1"
  install_cdk
}

main "${1:-}"
