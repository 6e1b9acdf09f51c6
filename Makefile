# Everything is installed into .venv in this folder, with pip only; only `make system` touches the system.

# tflite-runtime, the oracle, exists for Python 3.10 and 3.11: take one of these where there is one.
PYTHON ?= $(shell for p in python3.11 python3.10 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# More threads of BLAS change no result here, and cost more than they give.
export OPENBLAS_NUM_THREADS ?= 1

# Plans for whose emitted folders `make sbom` writes bills.
PLANS = audio_scene human_motion cattle_collar

# One worker a processor. Each takes about 600 MB, and beyond eight the longest test sets the time.
WORKERS := -n auto --maxprocesses 8

# What test-boards needs of Debian. The C++ library that gcc-arm-none-eabi recommends is 1.6 GB and not needed.
SYSTEM := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
	gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc qemu-user
SUDO = $(shell test "$$(id -u)" = 0 || echo sudo)

# The native engine and the scanner of audits are built from these when the package is installed.
NATIVE := setup.py $(wildcard firmware_port/*/build_*.py firmware_port/*/*.[ch])

# Bytecode is compiled where a module is first imported: pip would compile thousands that no test imports.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable

# A target's line of help stands behind ##, and the heading of a group behind ##@.
.PHONY: help
help:               ## Print this list.
	@awk 'BEGIN { FS = ": .*## |: *## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+: .*## / { printf "  %-18s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Use

.PHONY: demo
demo: $(BIN)/.run   ## Install anomsdk and watch a generated scene become alerts.
	@$(BIN)/anomsdk demo

##@ Check a change

.PHONY: quick test lint format cases docs
quick: $(BIN)/.dev  ## Run lint, types, the fast core and the tests of the changed files.
	$(BIN)/python -m tests.support.quick $(ARGS)

test: $(BIN)/.dev   ## Run lint, types and all tests except those on emulated boards.
	$(BIN)/python -m pytest $(WORKERS) $(ARGS)

lint: $(BIN)/.dev   ## Run ruff and mypy.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(BIN)/.dev ## Rewrite the code in its one form.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

cases: $(BIN)/.dev  ## Read recordings as people really send them, also those in ../shared/cases.
	$(BIN)/python -m pytest tests/real/test_cases.py -q $(ARGS)

docs: $(BIN)/.docs  ## Build the documentation into site/; a warning is an error.
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

##@ Check more deeply

.PHONY: test-audit audit-deep test-boards test-deep fuzz fuzz-models fuzz-files coverage-c mutants mutants-python
test-audit: $(BIN)/.dev ## Run the tests of the audit with three seeds.
	ANOMSDK_AUDIT_SEEDS=3 $(BIN)/python -m pytest $(WORKERS) tests/audit $(ARGS)

audit-deep: $(BIN)/.dev ## Run the tests of the audit with 20 seeds, three sizes of blocks in each (an hour or more).
	ANOMSDK_AUDIT_SEEDS=20 $(BIN)/python -m pytest $(WORKERS) tests/audit $(ARGS)

test-boards: $(BIN)/.dev ## Run the C port on emulated boards and measure its size (first: make system).
	ANOMSDK_REQUIRE_BOARDS=1 $(BIN)/python -m pytest $(WORKERS) -m boards tests/boards $(ARGS)

test-deep: $(BIN)/.dev ## Run a million hops and 100,000 days of generated plans through all engines.
	ANOMSDK_DEEP_HOPS=1000000 ANOMSDK_DEEP_DAYS=100000 $(BIN)/python -m pytest \
		tests/parity/test_native.py tests/parity/test_supervised.py tests/parity/test_days.py -k any_plan

fuzz: $(BIN)/.dev   ## Fuzz the C port with sanitizers for longer; ANOMSDK_FUZZ_SEED=N changes the inputs.
	ANOMSDK_FUZZ_INPUTS=50000 $(BIN)/python -m pytest tests/fuzz/test_pipeline_fuzz.py -k any_use

fuzz-models: $(BIN)/.dev ## Plan and run 10,000 damaged .tflite files (minutes); ARGS=--as-given runs them unchecked.
	$(BIN)/python -m tests.support.model_mutants $(ARGS)

fuzz-files: $(BIN)/.dev ## Read 200,000 damaged recordings (half an hour); ANOMSDK_FUZZ_SEED=N changes them.
	$(BIN)/python -m tests.support.files_fuzz $(ARGS)

coverage-c: $(BIN)/.dev ## Print the branches of the C port that its tests take; needs gcc.
	$(BIN)/python -m tests.support.c_coverage

mutants: $(BIN)/.dev ## Change the C port in 4,000 ways, one at a time, and see its tests fail; FILES=anom_fft.c.
	$(BIN)/python -m tests.support.mutants $(FILES)

mutants-python: $(BIN)/.mutants ## Do the same to a sample of Python; FILES=anomsdk/core/fft.py ARGS='--sample 100'.
	$(BIN)/python -m tests.support.mutants_python $(FILES) $(ARGS)

##@ Measure

.PHONY: bench bench-detection bench-motion bench-health bench-receiver bench-promises bench-herds bench-days bench-days-list bench-mcu quick-share house
bench: $(BIN)/.bench ## Print the numbers that README and docs quote.
	$(BIN)/python -m benchmarks

bench-detection: $(BIN)/.bench ## Compare detection of sounds with simple detectors (half an hour or more).
	$(BIN)/python -m benchmarks.detection

bench-motion: $(BIN)/.bench ## Compare detection of motion with simple detectors (half an hour or more).
	$(BIN)/python -m benchmarks.motion $(ARGS)

bench-health: $(BIN)/.bench ## Put technical faults into recordings, and watch all normal ones (minutes).
	$(BIN)/python -m benchmarks.health $(ARGS)

bench-receiver: $(BIN)/.bench ## Take events of 1,000 and 100,000 devices, and measure rate and memory (a minute).
	$(BIN)/python -m benchmarks.receiver $(ARGS)

bench-promises: $(BIN)/.bench ## Certify generated devices that break their budget, and levels on recordings (minutes).
	$(BIN)/python -m benchmarks.promises $(ARGS)

bench-herds: $(BIN)/.bench ## Add up the device days of 100,000 animals beside pandas, DuckDB and Dask (minutes).
	$(BIN)/python -m benchmarks.herds $(ARGS)
	$(BIN)/python -m benchmarks.parquet_cost $(ARGS)

bench-days: $(BIN)/.bench ## Put changes into real days, and compare the day plan with simple detectors (minutes).
	$(BIN)/python -m benchmarks.days $(ARGS)

bench-days-list: $(BIN)/.bench ## List a day of 100,000 animals beside DuckDB reading the same columns (minutes).
	$(BIN)/python -m benchmarks.days_list $(ARGS)

bench-mcu: $(BIN)/.bench ## Measure the C port and its peers on microcontrollers (first: make system).
	$(BIN)/python -m benchmarks.mcu

quick-share: $(BIN)/.dev ## Print the time of make quick as a share of the time of make test.
	$(BIN)/python -m tests.support.quick --share

house: $(BIN)/.dev  ## Print the rooms of the package and the imports between them.
	$(BIN)/python -m tests.support.house

##@ Release

.PHONY: wheel sbom
wheel: $(BIN)/.dev  ## Build the wheel into dist/; the same sources and tools give the same bytes.
	rm -rf build dist/*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

sbom: wheel         ## Write bills of materials (CycloneDX) of the wheel and of emitted plans; PLANS=my_room.
	$(BIN)/python -m tests.support.sbom --wheel dist/*.whl $(addprefix --plan ,$(PLANS)) --out dist

##@ Upkeep

.PHONY: system picture alarm-table reference-models clean
system:             ## Install compilers and emulators of the boards with apt-get, as root or with sudo.
	@command -v apt-get >/dev/null || { echo "error: there is no apt-get here; install what provides: $(SYSTEM)" >&2; exit 2; }
	@test -z "$(SUDO)" || command -v sudo >/dev/null || { echo "error: become root, there is no sudo here; then: make system" >&2; exit 2; }
	$(SUDO) apt-get update --quiet
	$(SUDO) apt-get install --yes --no-install-recommends $(SYSTEM)

picture: $(BIN)/.dev ## Draw the output of anomsdk demo as docs/pictures/demo.svg, the picture in README.md.
	$(BIN)/python -m tests.support.demo_picture

alarm-table: $(BIN)/.dev ## Make the page and the picture of the alarm's life cycle from the table of its tests.
	$(BIN)/python -m tests.support.alarm_page

reference-models: $(BIN)/.dev ## Train the reference models again from the recordings in ../shared/data.
	$(BIN)/python reference_models/audio_scene/recipe.py
	$(BIN)/python reference_models/human_motion/recipe.py
	$(BIN)/python reference_models/cattle_collar/recipe.py

clean:              ## Remove .venv and everything that was built.
	rm -rf .venv anomsdk/runtime/_native* build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# What is installed. Each file in .venv/bin is the stamp of one extra.

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.10 or later with venv was found; install one, or set PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv .venv

# The old engine goes first: where the new one cannot be built, none is better than another.
$(BIN)/.run: pyproject.toml $(NATIVE) | $(BIN)/python
	@rm -f anomsdk/runtime/_native*
	$(INSTALL) .
	@touch $@

$(BIN)/.dev: pyproject.toml $(NATIVE) | $(BIN)/python
	@rm -f anomsdk/runtime/_native*
	$(INSTALL) '.[dev]'
	@touch $@ $(BIN)/.run

# What a target needs beside [dev].
$(BIN)/.docs $(BIN)/.bench $(BIN)/.mutants: $(BIN)/.%: $(BIN)/.dev
	$(INSTALL) '.[$*]'
	@touch $@
