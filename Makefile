# `make demo` and `make test` do everything on a bare machine with Python 3.11 or later.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?= -n auto --durations=20
BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo tables install install-llm install-dev test slow lint llm figures notebooks proofs bench clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: install ## formulas beside exact and simulated decoders, and every strategy, on the main toys
	$(BIN)/python -m toy shuffle replace variables strategies

tables: install ## every study: all tables of results/toy
	$(BIN)/python -m toy

test: install-dev ## the whole fast test suite
	$(BIN)/python -m pytest $(PYTEST_ARGS)

slow: install-dev ## every test, the slow ones too
	$(BIN)/python -m pytest -m "slow or not slow" $(PYTEST_ARGS)

lint: install-dev ## ruff and mypy --strict, as continuous integration runs them
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

llm: install-llm ## every experiment on the tiny network: tables of results/llm (torch is large)
	for part in formulas rounds ete tradeoffs exploration tasks; do $(BIN)/python -m llm $$part || exit 1; done

figures: install ## the pictures, from the tables in results/
	$(BIN)/python -m figures

notebooks: install-dev ## the notebooks, executed again
	$(BIN)/python -m notebooks

proofs: install-dev ## every claim of the three papers, checked again
	$(BIN)/python -m proofs

bench: install ## speed beside peers that are installed, and plain decoders; growth with n
	$(BIN)/python -m benchmarks

install: $(VENV)/.installed ## the package and what it needs, in .venv

install-llm: $(VENV)/.installed-llm ## the same with torch and transformers

install-dev: $(VENV)/.installed-dev ## the same with the tools of development

clean: ## remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "infodecode needs Python 3.11 or later; $(PYTHON) is" \
	    "$$($(PYTHON) --version 2>/dev/null || echo not found)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing infodecode into $(VENV) (once)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-llm: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing infodecode for networks into $(VENV) (once)"
	@$(PIP) --editable ".[llm]"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing infodecode with its tools of development into $(VENV) (once)"
	@$(PIP) --editable ".[dev]"
	@touch $@ $(VENV)/.installed $(VENV)/.installed-llm
