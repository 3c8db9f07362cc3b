# `make report` and `make test` need Python >= 3.11 and make; everything else they install into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CASE ?= cases/trading-sentiment.yaml

.PHONY: report test lint notebooks node lab lock clean

report: $(VENV)/report.installed
	$(BIN)/cachelib report $(CASE)

test: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/dev.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

notebooks: $(VENV)/report.installed
	$(BIN)/cachelib notebooks

# Optional: what `cachelib live` needs, once; it does so by itself on first use.
node: $(VENV)/report.installed
	$(BIN)/python -c 'from cachelib.live.node import ensure_node_modules; ensure_node_modules()'

lab: $(VENV)/dev.installed
	$(BIN)/jupyter lab notebooks

# The lock files: names, versions and hashes, for every supported Python and system.
UV_COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --custom-compile-command 'make lock' pyproject.toml
lock: $(BIN)/python
	$(BIN)/pip install -q uv
	$(UV_COMPILE) --upgrade --extra build --extra test --extra lab -o requirements-dev.lock
	$(UV_COMPILE) --extra build --extra report -c requirements-dev.lock -o requirements.lock

PIP_INSTALL = $(BIN)/pip install -q --disable-pip-version-check --no-deps
$(VENV)/report.installed: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	$(PIP_INSTALL) --no-build-isolation -e .
	touch $@

$(VENV)/dev.installed: requirements-dev.lock $(VENV)/report.installed
	$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

.PHONY: audit-dependencies licences

# Known vulnerabilities of what the lock files name, from the indexes' advisory databases.
audit-dependencies: $(VENV)/report.installed
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install -q --disable-pip-version-check pip-audit
	$(VENV)/audit/bin/pip-audit --disable-pip --require-hashes -r requirements.lock
	$(VENV)/audit/bin/pip-audit --disable-pip --require-hashes -r requirements-dev.lock
	cd cachelib/live/worker && npm audit --package-lock-only

licences: $(VENV)/report.installed
	@$(BIN)/python -P .ci/licences.py

clean:
	rm -rf $(VENV) output/* .mypy_cache .pytest_cache .ruff_cache .hypothesis
