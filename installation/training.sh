#!/usr/bin/env bash
# Installs what workloads/esm2 and its tests need into .venv-training, unless it is already there.
# PYTHON, if set, names the interpreter.
#
# PyPI's PyTorch for Linux on x86_64 is the CUDA build: some 5 GB with its dependencies. For the CPU
# build, under 1 GB, give pip PyTorch's own index:
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make setup-training
set -euo pipefail
cd -P "$(dirname "$0")/.."
source installation/python.sh

readonly VENV=.venv-training REQUIREMENTS=requirements-training.txt LOCK=installation/locks/training.txt
readonly RECORD=$VENV/.installed

# What the environment is made from; it is recreated when this changes.
origin() {
  echo "$PWD"
  cat "$REQUIREMENTS" "$LOCK"
}

unset PYTHONHOME PYTHONPATH
if [ -f "$RECORD" ] && [ "$(cat "$RECORD")" = "$(origin)" ] && "$VENV/bin/python" -c ""; then
  exit
fi
python=$(find_python)
echo "Creating $VENV with $("$python" --version): PyTorch and what the tests need (a few minutes)"
"$python" -m venv --clear "$VENV"
# The lock as constraints: each build of PyTorch declares which packages it needs.
"$VENV/bin/python" -m pip --disable-pip-version-check install --quiet --requirement "$REQUIREMENTS" \
  --constraint "$LOCK" || fail "The packages could not be installed; pip says why above."
origin >"$RECORD"
