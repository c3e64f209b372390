# The face over tox: needs Python 3.11 or newer, make, and nothing else. `make` alone lists what there is.

# The first of these that is new enough; `make run PYTHON=/path/to/python` chooses another.
IS_ENOUGH := -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python; do $$p $(IS_ENOUGH) && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help run test bench bench-quality clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: .venv/installed ## train on Titanic if needed, verify the model, predict package/sample.csv
	$(BIN)/classification-model train --if-changed
	$(BIN)/classification-model verify
	$(BIN)/python package/main.py

test: .venv/tox ## everything, through tox: train, tests, checks, build
	cd package && ../$(BIN)/tox run -e train,test_package,checks,build

bench: .venv/installed ## speed and memory of the compiled model beside the pickled pipeline
	$(BIN)/python benchmarks/serving.py $(BENCH_OPTIONS)

bench-quality: .venv/installed ## ROC AUC and log loss on Titanic by cross-validation
	$(BIN)/python benchmarks/quality.py

clean: ## remove environments, builds and caches; the trained model stays
	rm -rf .venv package/.tox package/build package/dist package/*.egg-info
	rm -rf package/.hypothesis package/.import_linter_cache package/.mypy_cache package/.pytest_cache package/.ruff_cache

.venv/bin/python:
	@$(or $(PYTHON),false) $(IS_ENOUGH) || { echo "error: $(or $(PYTHON),no python here) is not Python 3.11 or newer with" \
		"its venv module (python3-venv on Debian): make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: package/pyproject.toml package/classification_model/VERSION | .venv/bin/python
	$(PIP) --editable './package[train]'
	@touch $@

.venv/tox: | .venv/bin/python
	$(PIP) 'tox>=4.30,<5'
	@touch $@
