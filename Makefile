PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-fast lint

demo: .venv/installed  ## mine the sample, draw its map, open the app
	$(BIN)/nearmiss mine sample_data runs/demo
	$(BIN)/nearmiss map runs/demo
	$(BIN)/nearmiss app runs/demo --reviewer you --page "review?query=q82&doc=p0412"

test: .venv/installed  ## the whole suite, offline
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-fast: .venv/installed  ## the inner loop: no browser, nothing slow
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not browser and not slow"

lint: .venv/installed  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	.ci/javascript

.venv/installed: pyproject.toml mining/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint mining/constraints.txt --editable '.[test]'
	touch $@
