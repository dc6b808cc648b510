# Each target sets itself up, so a fresh machine needs Python 3.11, make and git, and two words: `make demo`, `make test`.
# The environment is rebuilt only when a lock file or pyproject.toml is newer than its stamp.

VENV   := .venv
PY     := $(VENV)/bin/python
PYTHON ?= python3 python3.13 python3.12 python3.11
ARGS   ?=
PIP    := $(PY) -m pip install --quiet --no-input --disable-pip-version-check
# --no-build: a package that has no wheel would be built, and so run, while it is being resolved.
LOCK   := $(VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --no-build \
          --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help demo audit test soak soak-trust lint sbom audit-deps bench bench-laws mutants wheel lock clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: $(VENV)/run.stamp  ## show Trueup at work against simulated services; ARGS=--once ends after the story
	@$(VENV)/bin/trueup demo $(ARGS)

audit: $(VENV)/run.stamp  ## the offline audit on shipped example files; ARGS="--html audit.html" writes a page
	@$(VENV)/bin/trueup audit --sample $(ARGS)

test: lint  ## lint, then every test; ARGS="-k journal" picks some
	@echo "Testing (PostgreSQL, strace and systemd-analyze are used where they are installed)"
	@$(PY) -m pytest -n 2 --dist worksteal $(ARGS)
	@$(if $(ARGS),,$(PY) -m tests.engine.soak --schedules 10000)

soak: $(VENV)/dev.stamp  ## a million fault schedules, and a blow at every system call of the store (hours); ARGS="--start N"
	@$(if $(ARGS),,$(PY) -m tests.engine.churn)
	@$(PY) -m tests.engine.soak $(ARGS)
	@$(PY) -m tests.acceptance.every_call
	@$(if $(ARGS),,TRUEUP_WALKS=2000 $(PY) -m pytest -q tests/engine/test_split_laws.py)

soak-trust: $(VENV)/dev.stamp  ## a million damaged files, ten thousand requests, a month of 500 tenants (an hour or two)
	@$(PY) -m bench.fuzz
	@TRUEUP_API_CASES=10000 TRUEUP_PRESSES=10000 $(PY) -m pytest -q tests/faces/test_api.py tests/faces/test_api_described.py
	@$(PY) -m tests.engine.month

sbom: $(VENV)/dev.stamp  ## list what is shipped, as CycloneDX, in dist/
	@mkdir -p dist
	@$(VENV)/bin/cyclonedx-py requirements requirements.lock --output-format JSON --output-file dist/trueup.cdx.json
	@ls dist/trueup.cdx.json

audit-deps: $(PY)  ## compare the lock with known weaknesses (needs pip-audit and pypi.org)
	@$(PY) .ci/audit-deps

lint: $(VENV)/dev.stamp  ## ruff and mypy --strict
	@echo "Checking style and types"
	@$(VENV)/bin/ruff check --quiet --output-format=concise .
	@$(VENV)/bin/mypy --no-error-summary

bench: $(VENV)/dev.stamp  ## measure fleets of tenants beside the physical bound (minutes)
	@$(PY) -m bench $(ARGS)

bench-laws: $(VENV)/dev.stamp  ## prorate a million random cases by two methods (minutes); ARGS=CASES
	@$(PY) -m bench.laws $(ARGS)

mutants: $(VENV)/dev.stamp  ## break the domain and the engine in small ways and count what tests notice (hours); ARGS="guards owed"
	@$(PY) -m bench.mutants $(ARGS)

wheel: $(VENV)/run.stamp  ## build the wheel into dist/
	@$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

# Not by way of the stamps: they install what is locked, which may not fit pyproject.toml any more.
lock: $(PY)  ## resolve the dependencies anew; ARGS=--upgrade takes the newest
	@echo "Locking the dependencies of pyproject.toml"
	@test -x $(VENV)/bin/uv || $(PIP) --require-hashes -r requirements-dev.lock
	@$(LOCK) $(ARGS) pyproject.toml --extra postgres --extra chat --extra docx --group build --output-file requirements.lock
	@$(LOCK) $(ARGS) --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean:  ## remove the environment, caches and what the demo left
	@echo "Removing $(VENV), caches and build folders"
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis demo-state mutants
	@find agent tests -name __pycache__ -prune -exec rm -rf {} +

$(PY):
	@for python in $(PYTHON); do \
	    if $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Creating $(VENV) with $$($$python --version)"; \
	        exec $$python -m venv --clear $(VENV); \
	    fi; \
	done; \
	echo "Trueup needs Python 3.11 or newer with its venv module; none of [$(PYTHON)] is one." >&2; \
	echo "Install it (Debian: apt install python3-venv), or name yours: make PYTHON=/path/to/python3" >&2; \
	exit 1

# No build isolation: the build backend comes hashed from the lock, so nothing is fetched past it.
$(VENV)/run.stamp: requirements.lock pyproject.toml $(PY)
	@echo "Installing the locked packages into $(VENV) (a minute the first time)"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	@echo "Installing the locked test tools into $(VENV)"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
