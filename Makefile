PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint benchmark

demo: .venv/installed  ## mine the sample, show the report, write shards
	$(BIN)/nearmiss mine sample_data runs/demo
	$(BIN)/nearmiss export runs/demo runs/demo-shards --format triplet

test: .venv/installed  ## the whole suite, offline
	$(BIN)/python -m pytest

lint: .venv/installed  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@
