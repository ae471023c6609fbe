#!/usr/bin/env bash
# Runs the app: cdk starts this in the project's folder (cdk.json). In the environment that
# `make setup` creates, else in the active one.
set -euo pipefail
PATH=$PWD/.venv/bin:$PATH
# The same place as in the Makefile.
export JSII_RUNTIME_PACKAGE_CACHE_ROOT="${JSII_RUNTIME_PACKAGE_CACHE_ROOT:-$PWD/build/jsii-cache}"
# -E: PYTHONPATH and PYTHONHOME, as environment modules set them, are for other programs.
if [ ! -e .venv/.installing ] && python -E 2>/dev/null -c '
import importlib.util, sys
sys.exit(not all(map(importlib.util.find_spec, ("aws_cdk", "bionemo_eks"))))
'; then
  exec python -E app.py
fi
echo "The Python environment is missing or incomplete. Create it first: make -C $PWD setup" >&2
exit 2
