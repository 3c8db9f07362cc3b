# `make report` and `make test` need Python >= 3.11 and make; everything else they install into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CASE ?= cases/trading-sentiment.yaml

# Tests wait a third of their time: two workers more than there are processors, at most four.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 2))')

# Containers often set this; uv leaves compiling to the first import, and without a place to keep
# what that made, each of hundreds of processes (kernels, workers) would compile all it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: report test test-thorough lint notebooks example mutants node lab lock clean

report: $(VENV)/report.installed
	@$(BIN)/cachelib report $(CASE)

test: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The same tests, with more of what is drawn, sent, killed and interrupted: for a night.
test-thorough: export CACHELIB_EXAMPLES ?= 4
test-thorough: export CACHELIB_HOSTILE ?= 500
test-thorough: export CACHELIB_KILLS ?= 200
test-thorough: export CACHELIB_LONG ?= 1
test-thorough: $(VENV)/dev.installed
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --timeout 7200 tests notebooks

lint: $(VENV)/dev.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

notebooks: $(VENV)/report.installed
	$(BIN)/cachelib notebooks

# The finished report that README.md shows: what `make test` makes anew and compares.
example: $(VENV)/dev.installed
	UPDATE_EXAMPLE=1 $(BIN)/pytest -q -n 0 tests/shipped/test_reports.py -k example

# By night: how many small faults, put into each room's code, its tests notice.
mutants: $(VENV)/dev.installed
	$(BIN)/python benchmarks/mutants.py $(ROOMS)

# Optional: what `cachelib live` needs, once; it does so by itself on first use.
node: $(VENV)/report.installed
	$(BIN)/python -c 'from cachelib.live.node import ensure_node_modules; ensure_node_modules()'

lab: $(VENV)/lab.installed
	$(BIN)/jupyter lab notebooks

# The lock files: names, versions and hashes, for every supported Python and system.
UV_COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --custom-compile-command 'make lock' pyproject.toml
lock: $(BIN)/python
	@$(PIP) install uv
	$(UV_COMPILE) --upgrade --extra build --extra test -o requirements-dev.lock
	$(UV_COMPILE) --extra build --extra report -c requirements-dev.lock -o requirements.lock
	$(UV_COMPILE) --extra build --extra report --extra lab -c requirements-dev.lock -o requirements-lab.lock
	$(UV_COMPILE) --extra fast -c requirements-dev.lock -o requirements-uv.lock

# uv installs in seconds what takes pip a minute or more, from the index that pip is told to use;
# where there is no uv, or it fails, pip does it. Python's own pip serves until there is another.
PIP = $$(test -x $(BIN)/pip && echo $(BIN)/pip || echo $(PYTHON) -m pip --python $(BIN)/python) \
    --disable-pip-version-check -q
define install
@index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$(cat $(VENV)/uv.tried)}}; \
    { test -x $(BIN)/uv && env $${index:+UV_DEFAULT_INDEX="$$index"} \
    $(BIN)/uv pip install -q --python $(BIN)/python --no-deps $(1); } || $(PIP) install --no-deps $(1)
endef

$(VENV)/report.installed: requirements.lock pyproject.toml | $(VENV)/uv.tried
	@echo 'Installing what the report needs (about 900 MB) ...'
	$(call install,--require-hashes -r requirements.lock)
	$(call install,--no-build-isolation -e .)
	@touch $@

$(VENV)/dev.installed: requirements-dev.lock $(VENV)/report.installed
	@echo 'Installing what the tests need ...'
	$(call install,--require-hashes -r requirements-dev.lock)
	@touch $@

$(VENV)/lab.installed: requirements-lab.lock $(VENV)/report.installed
	@echo 'Installing JupyterLab ...'
	$(call install,--require-hashes -r requirements-lab.lock)
	@touch $@

$(VENV)/uv.tried: requirements-uv.lock | $(BIN)/python
	@echo 'Installing uv, which installs the rest ...'
	@$(PIP) install --no-deps --require-hashes -r requirements-uv.lock \
	    || echo 'There is no uv to be had; pip does it too, and takes longer.'
	@$(PIP) config get global.index-url >$@ 2>/dev/null || :

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@echo 'Making an environment in $(VENV) ...'
	@$(PYTHON) -m venv --without-pip $(VENV)
	@$(PYTHON) -m pip --python $@ --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)

.PHONY: audit-dependencies licences

# Known vulnerabilities of what the lock files name, from the indexes' advisory databases.
audit-dependencies: $(VENV)/report.installed
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install -q --disable-pip-version-check pip-audit
	$(VENV)/audit/bin/pip-audit --disable-pip --require-hashes -r requirements.lock
	$(VENV)/audit/bin/pip-audit --disable-pip --require-hashes -r requirements-dev.lock
	$(VENV)/audit/bin/pip-audit --disable-pip --require-hashes -r requirements-lab.lock
	cd cachelib/live/worker && npm audit --package-lock-only

licences: $(VENV)/report.installed
	@$(BIN)/python -P .ci/licences.py

clean:
	rm -rf $(VENV) output/* .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
