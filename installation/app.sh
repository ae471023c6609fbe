#!/usr/bin/env bash
# What cdk.json has cdk start, in the project's folder: the app, in the environment that make setup
# makes, else in the one that is active.
set -euo pipefail
PATH=$PWD/.venv/bin:$PATH
# Where the Makefile has it too.
export JSII_RUNTIME_PACKAGE_CACHE_ROOT="${JSII_RUNTIME_PACKAGE_CACHE_ROOT:-$PWD/build/jsii-cache}"
# -E: PYTHONPATH and PYTHONHOME, as environment modules set them, are for other programs.
if [ ! -e .venv/.installing ] && python -E 2>/dev/null -c '
import importlib.util, sys
sys.exit(not all(map(importlib.util.find_spec, ("aws_cdk", "bionemo_eks"))))
'; then
  exec python -E app.py
fi
echo "The environment is not there yet, or not whole. Make it first: make -C $PWD setup" >&2
exit 2
