# Every target creates and reuses .venv by itself. `make demo` and `make test` need Python >= 3.11 only.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(wildcard src tests scripts examples benchmarks)

# ThreadSanitizer knows only some layouts of memory; random ones are switched off where that is allowed
FIXED_LAYOUT := $(shell setarch -R true 2>/dev/null && echo setarch -R)

.PHONY: demo test test-slow mutate check check-style check-types format clean check-native-tools \
  check-native check-native-sanitizers check-native-pages check-native-address \
  check-native-thread check-native-valgrind check-native-arm

demo: .venv/demo
	$(BIN)/recurra demo

test: .venv/dev
	$(BIN)/pytest -n auto -m "not slow"

test-slow: .venv/dev
	$(BIN)/pytest -m slow

# single faults in a copy of the tree: which of them do the tests notice? see tests/mutations
mutate: .venv/dev
	$(BIN)/python -m tests.mutations $(ARGUMENTS)

# the same tests again, with every jaxtyping annotation checked while they run
check: check-style check-types check-native-sanitizers test
	$(BIN)/pytest -n auto -m "not slow" --jaxtyping-packages=recurra,beartype.beartype

check-style: .venv/dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/lint-imports

check-types: .venv/dev
	$(BIN)/mypy

# the kernels' own test, native/tests, in four ways of seeing a wrong byte
check-native: check-native-sanitizers check-native-valgrind

check-native-sanitizers: check-native-pages check-native-address check-native-thread

# passive: teams larger than the machine would spin for each other
check-native-pages: native/build/plain
	OMP_WAIT_POLICY=passive $</tests/recurra_check

# and wrong calls of the whole package, the sanitizer brought into Python where the compiler has one
check-native-address: native/build/address
	OMP_WAIT_POLICY=passive $</tests/recurra_check --memory exact
	@library=$$(c++ -print-file-name=libasan.so); if test -f "$$library"; then \
	  LD_PRELOAD=$$library ASAN_OPTIONS=detect_leaks=0 OMP_NUM_THREADS=1 $(BIN)/python \
	    -m tests.inputs.wrong_calls --library $</librecurra.so; \
	else echo "no libasan.so of this compiler: wrong calls are tried without it"; fi

check-native-thread: native/build/thread
	$(FIXED_LAYOUT) $</tests/recurra_check --memory exact --calls 2000 --short

check-native-valgrind: native/build/plain
	@if command -v valgrind; then \
	  valgrind --quiet --error-exitcode=1 $</tests/recurra_check --memory exact --short; \
	else echo "valgrind was not found: its part of the check is left out"; fi

# on an emulated ARM: needs aarch64-linux-gnu-g++ and qemu-aarch64 (g++-aarch64-linux-gnu, qemu-user)
check-native-arm: native/build/arm
	qemu-aarch64 -L /usr/aarch64-linux-gnu $</tests/recurra_check --short

native/build/%: .venv/dev check-native-tools
	cd native && ../$(BIN)/cmake --preset $(notdir $@) >/dev/null && \
	  ../$(BIN)/cmake --build build/$(notdir $@) -j 2

check-native-tools:
	@command -v c++ >/dev/null || { echo "c++ was not found: needs GCC or Clang"; exit 1; }

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
	rm -rf .venv demo native/build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
