# Every habit is one command. `make` lists them.
.DEFAULT_GOAL := help
# The system's own Python 3.11 where it can make a venv and compile: distributions build theirs with optimisations, which
# pyenv does not unasked, and a rebuild costs a sixth more without. PYTHON=python3.11 takes another one.
COMPLETE := import ensurepip, pathlib, sysconfig; assert pathlib.Path(sysconfig.get_path("include"), "Python.h").exists()
PYTHON ?= $(shell /usr/bin/python3.11 -c '$(COMPLETE)' 2> /dev/null && echo /usr/bin/python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := libs services deploy tests
CASES ?= 3187
SEED ?= 2017
EXAMPLES ?= 20000
YEAR ?= 13000
KILLS ?= 50
# Processes that test, each with a broker and a server of its own. Tests that share a system stay in one. On a given
# server there is one: an open transaction of one test would hold the readers of all others back.
PROCESSES ?= $(if $(DATABASE_URL),1,2)
PARALLEL := -n $(PROCESSES) --dist loadgroup --no-loadscope-reorder
EVENTS ?= 1000000
RESOLVE := $(BIN)/uv pip compile --quiet --universal --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11
LONG := tests/oracle tests/sla/test_judge_laws.py tests/sla/test_corrections.py tests/sla/test_impact.py tests/sla/test_classes.py \
    tests/sla/test_record.py tests/sla/test_year.py tests/sla/test_year_of_warnings.py tests/flows/test_rebuild_kills.py \
    tests/contracts/test_operations.py

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY) ## make .venv with the locked packages

demo: $(READY) ## play a quarter of one-door work through the real system (CASES=300 for a quick look)
	$(BIN)/onedoor demo --cases $(CASES) --seed $(SEED)

up: $(READY) ## start the system on this machine and stay until Ctrl-C
	$(BIN)/onedoor up

compiled: $(READY) ## compile the judge, half a minute with a C compiler: 1.6 times as fast; an edited file is plain Python again
	$(BIN)/python -m compiled

check: $(READY) ## format, lint, types, import contracts, pure tests: what every commit passes
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/pytest $(PARALLEL) tests -m "not parts and not whole"

test: check ## everything that CI runs: the checks, then real Kafka and Postgres, then whole flows
	$(BIN)/pytest $(PARALLEL) tests -m "parts or whole"

test-clients: $(READY) ## what others have, which needs installing (Node, npm, kcat, Java): AsyncAPI's parser, every example of docs/emitters.md, pm4py
	@command -v node > /dev/null && command -v npm > /dev/null || { echo "test-clients: Node and npm are missing" >&2; exit 1; }
	mkdir -p build/clients
	cp tests/clients/*.json tests/clients/*.mjs build/clients/
	cd build/clients && npm ci --silent --no-audit --no-fund --ignore-scripts
	node build/clients/language.mjs docs tests/contracts/goldens
	node tests/clients/page.mjs services/sla/web/page.js
	$(PYTHON) -m venv build/clients/venv
	build/clients/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement tests/clients/pm4py.lock
	$(BIN)/python tests/clients

campaign: compiled ## the long variants: 20,000 examples of the laws of judge and record, a year of 13,000 dossiers through real tables and a dying ticker, 50 killed rebuilds, 200 requests of each HTTP operation
	ONEDOOR_EXAMPLES=$(EXAMPLES) ONEDOOR_CASES=$(YEAR) ONEDOOR_KILLS=$(KILLS) $(BIN)/pytest --timeout 7200 $(LONG)

mutants: $(READY) ## change the arithmetic token by token; the pure tests must notice (build/mutants/report.md)
	$(BIN)/python tests/mutants

bench: compiled ## compare with the bare client in one run: judging, rebuild, ten million events (a quarter of an hour of it), HTTP intake, relay, the gateway
	$(BIN)/python tests/bench

bench-peers: compiled ## our rebuild beside stream processors, over one log and to the same rows; half an hour (EVENTS=100000 for a quick look)
	EVENTS=$(EVENTS) $(BIN)/python tests/bench/peers

lock: $(READY) ## resolve the dependencies again: versions and hashes only
	$(BIN)/pip install --quiet uv
	$(RESOLVE) pyproject.toml --all-extras --output-file requirements.lock
	$(RESOLVE) tests/clients/pm4py.in --output-file tests/clients/pm4py.lock
	$(RESOLVE) tests/bench/peers/requirements.in --output-file tests/bench/peers/requirements.txt

.PHONY: help setup demo up compiled check test test-clients campaign mutants bench bench-peers lock
