# Everything from a fresh clone: `make demo`, `make test`; `make help` lists the rest.
#
# Named on the command line, never taken from the environment (a cluster may well export DATA):
#   PYTHON=python3.12   the interpreter to build the environment with (default: the newest that runs)
#   VENV=.venv          where the environment goes
#   DATA=folder         what `make demo` trains on instead of simulated images
#   SCALE=cells         which demo
#   ARGS="-k words"     passed to pytest
#   WORKERS=2           processes that share the tests (default: one a core; 0 runs them in this one, for a debugger)
# pip reads its own settings and PIP_… variables as usual (a mirror, a CPU build of torch: docs/start/install.md).

PYTHON = python3.13 python3.12 python3.11 python3
VENV = .venv
DATA =
SCALE = cells
ARGS =
WORKERS = auto

BIN := $(VENV)/bin
BASE := $(VENV)/.base-installed
DEV := $(VENV)/.dev-installed
INSTALL := $(BIN)/python -m pip install --constraint constraints.txt
DEMO := demo/$(if $(DATA),cells,$(notdir $(SCALE)))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow check docs clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(BASE)  ## train and report: simulated images, or DATA=folder; replaces the last demo
	rm -rf "$(DEMO)"
	$(BIN)/saccade $(if $(DATA),train --data "$(DATA)" --model sparse-attn-net,demo $(SCALE)) --out "$(DEMO)"
	@test -s "$(DEMO)/report.html"
	@echo
	@echo "Open this in a browser: file://$(CURDIR)/$(DEMO)/report.html"

test: $(DEV)  ## the test suite, without the slow part
	$(BIN)/python -m pytest -m "not slow" --numprocesses $(WORKERS) --dist loadfile $(ARGS)

test-slow: $(DEV)  ## the tests that take over 20 seconds each
	$(BIN)/python -m pytest -m slow $(ARGS)

check: $(DEV)  ## lint, format, types, import layers, the pages' figures, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath "$(BIN)/python"
	$(BIN)/lint-imports
	for page in cells_table cells_page fields_table slides_table; do $(BIN)/python benchmarks/$${page}.py --check || exit 1; done
	$(MAKE) docs

docs: $(DEV)  ## build the documentation, warnings as errors
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_build/html
	@echo "The documentation: file://$(CURDIR)/docs/_build/html/index.html"

clean:  ## remove the environment, the built documentation and the caches; demo/ and runs/ stay
	rm -rf docs/_build docs/reference/api .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@test ! -e "$(VENV)" || test -f "$(VENV)/pyvenv.cfg" || { echo "error: $(VENV) is no environment; not removed"; exit 1; }
	rm -rf "$(VENV)"

$(BASE): pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable ".[dev]"
	@touch $@ $(BASE)

# A name may be there and not run (a pyenv shim, for one), so each candidate is asked for its version.
$(BIN)/python:
	@for candidate in $(PYTHON); do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	        found=$$candidate; break; \
	    fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "error: no Python 3.11 or newer among: $(PYTHON). Install one, or name it: make PYTHON=/path/to/python3"; \
	    exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	    package=$$("$$found" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    echo "error: $$found has no ensurepip. On Debian or Ubuntu: apt install $$package. Or: make PYTHON=/path/to/python3"; \
	    exit 1; \
	fi; \
	echo "$$found -m venv $(VENV)"; \
	"$$found" -m venv "$(VENV)" || { echo "error: no environment made. Run make clean, then try again"; exit 1; }
