# `make tour` shows what this is; `make test` proves it. Both set up .venv first, from nothing.

PYTHON ?= python3
BIN := .venv/bin
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: tour test lint format clean

tour: .venv/installed
	$(BIN)/latentwalk tour

test: lint
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --doctest-modules latentwalk tests

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("latentwalk needs Python 3.11 or newer: make PYTHON=python3.x …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
