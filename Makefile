# crack-survey: set-up, the experiment on the small real sample, tests, checks. `make help` lists the targets.

# The Python that `.venv` is made with. Give one (`make env PYTHON=/usr/bin/python3.12`), or the first that fits is taken.
PYTHON ?= python3 python3.13 python3.12 python3.11
# More arguments for the command behind `run` and `test`: make test ARGS="tests/test_architecture.py -x"
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

# An activated environment, or a PYTHONHOME left over from one, must not leak into ours.
unexport VIRTUAL_ENV PYTHONHOME
# The tests start dozens of processes, each of which would compile this program again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help env env-all run test benchmark lint clean
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

env: $(VENV)/.installed ## create .venv and install the pinned dependencies

env-all: $(VENV)/.installed-all ## the same, with what tests and lint need, in one go

run: env ## train, measure and survey on the small sample of survey frames
	$(BIN)/crack-survey run --preset brief --dataset dnit --root data/samples/dnit $(ARGS)
	$(BIN)/crack-survey survey 'data/samples/dnit/*_020BDF*/*_RAW.jpg' --overlays --all

# For two cores, three processes: much of the time of those that start servers is waiting. Those come first, as they lie.
test: $(VENV)/.installed-test ## install what the tests need and run them, on two cores
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --benchmark-disable $(ARGS)

benchmark: $(VENV)/.installed-test ## time the hot path; nothing is judged
	$(BIN)/python -m pytest --benchmark-only tests/pipeline/cascade/test_cascade_speed.py

lint: $(VENV)/.installed-lint ## ruff (rules and format) and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean: ## remove .venv and caches; data/ stays
	rm -rf $(VENV) build ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find flows pipeline models tests -type d -name __pycache__ -prune -exec rm -rf {} +

# Stamps: nothing is installed again until the project file or the pins change.
$(VENV)/.installed: pyproject.toml constraints.txt $(BIN)/python
	@echo "Installing the pinned dependencies into $(VENV) (PyTorch is large: several minutes the first time)"
	@$(INSTALL) '.[openvino]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@$(INSTALL) '.[test]'
	@touch $@

$(VENV)/.installed-lint: $(VENV)/.installed
	@$(INSTALL) '.[lint]'
	@touch $@

# One run of pip instead of three: each looks at every pin again.
$(VENV)/.installed-all: pyproject.toml constraints.txt $(BIN)/python
	@$(INSTALL) '.[openvino,test,lint]'
	@touch $(VENV)/.installed $(VENV)/.installed-test $(VENV)/.installed-lint $@

$(BIN)/python:
	@for python in $(PYTHON); do \
		if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
			echo "Creating $(VENV) with $$("$$python" --version)"; \
			"$$python" -m venv --clear $(VENV) && exit 0; \
			rm -rf $(VENV); \
			echo "$$python cannot create a virtual environment. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; \
			exit 1; \
		fi; \
	done; \
	echo "Python 3.11, 3.12 or 3.13 is needed, and none of these is one: $(PYTHON)" >&2; \
	echo "Install one, or name it: make $(or $(MAKECMDGOALS),env) PYTHON=/path/to/python3.12" >&2; \
	exit 1
