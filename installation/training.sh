#!/usr/bin/env bash
# Installs what workloads/esm2 and its tests need into .venv-training, unless it is there.
# PYTHON, where it is set, names the interpreter.
#
# PyPI's PyTorch for Linux on x86_64 is the build for CUDA: some 5 GB with what it needs. The build
# for CPU, under 1 GB, comes where pip is told of PyTorch's own index:
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make setup-training
set -euo pipefail
cd -P "$(dirname "$0")/.."
source installation/python.sh

readonly VENV=.venv-training REQUIREMENTS=requirements-training.txt LOCK=installation/locks/training.txt
readonly RECORD=$VENV/.installed

# What the environment is made from: a change of it makes it anew.
origin() {
  echo "$PWD"
  cat "$REQUIREMENTS" "$LOCK"
}

unset PYTHONHOME PYTHONPATH
if [ -f "$RECORD" ] && [ "$(cat "$RECORD")" = "$(origin)" ] && "$VENV/bin/python" -c ""; then
  exit
fi
python=$(find_python)
echo "Making $VENV with $("$python" --version): PyTorch and what tests the training (some minutes)"
"$python" -m venv --clear "$VENV"
# The lock as constraints: which packages a build of PyTorch needs, it tells itself.
"$VENV/bin/python" -m pip --disable-pip-version-check install --quiet --requirement "$REQUIREMENTS" \
  --constraint "$LOCK" || fail "The packages could not be installed; pip says why above."
origin >"$RECORD"
