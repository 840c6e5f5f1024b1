# make demo    the main job on the embedded default: H learns through several assistants (under ten minutes)
# make test    all tests
# make libraries  the example of each learning library that wants an environment of its own, there (about 2 GB each)
# make peers   the other chess environments that benchmarks/rules.py plays beside, each in an environment of its own
# make check   formatting, lint, strict types, by the hooks of .pre-commit-config.yaml
# Each makes the virtual environment .venv first, if it is not there or if what it is made from has changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

LIBRARIES := tianshou rllib torchrl agilerl

.PHONY: demo test test-fast libraries $(LIBRARIES) peers check hooks clean

demo: $(INSTALLED)
	$(BIN)/sandwich demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist loadgroup --no-loadscope-reorder

test-fast: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist loadgroup --no-loadscope-reorder -m "not slow"

libraries: $(LIBRARIES)

# Ray comes with RLlib, so that a sweep on it is tested there.
ALSO_rllib := tests/experiments/test_sweep_ray.py

$(LIBRARIES): %: $(VENV)-%/.installed
	$(VENV)-$@/bin/python -m pytest tests/examples/test_example_$@.py tests/examples/test_layouts_by_library.py $(ALSO_$@)

$(VENV)-%/.installed: setup.cfg pyproject.toml examples/constraints/%.txt
	$(PYTHON) -m venv $(VENV)-$*
	$(VENV)-$*/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-$*/bin/python -m pip install --quiet --constraint examples/constraints/$*.txt --editable ".[train,$*]" pytest pytest-timeout
	@touch $@

peers: $(INSTALLED)
	$(BIN)/python benchmarks/peers.py make

check: $(INSTALLED)
	$(BIN)/pre-commit run --all-files --show-diff-on-failure

hooks: $(INSTALLED)
	$(BIN)/pre-commit install

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "sandwich_env needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $(INSTALLED)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
