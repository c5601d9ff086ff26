# Every target creates and reuses .venv by itself. `make demo` and `make test` need Python >= 3.11 only.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(wildcard src tests scripts examples benchmarks)

.PHONY: demo test test-slow check check-style check-types format clean

demo: .venv/demo
	$(BIN)/recurra demo

test: .venv/dev
	$(BIN)/pytest -n auto -m "not slow"

test-slow: .venv/dev
	$(BIN)/pytest -m slow

# the same tests again, with every jaxtyping annotation checked while they run
check: check-style check-types test
	$(BIN)/pytest -n auto -m "not slow" --jaxtyping-packages=recurra,beartype.beartype

check-style: .venv/dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/lint-imports

check-types: .venv/dev
	$(BIN)/mypy

format: .venv/dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

.venv/demo: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	touch $@

.venv/dev: .venv/demo
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf .venv demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
