# Everything is installed into .venv in this folder, with pip only; only `make system` touches the system.

# tflite-runtime, the oracle, exists for Python 3.10 and 3.11: take one of these where there is one.
PYTHON ?= $(shell for p in python3.11 python3.10 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# Threads of BLAS change no result here, and cost more than they give.
export OPENBLAS_NUM_THREADS ?= 1

# What test-boards needs of Debian. The C++ library that gcc-arm-none-eabi recommends is 1.6 GB and not needed.
SYSTEM := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
	gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc qemu-user
SUDO = $(shell test "$$(id -u)" = 0 || echo sudo)

# The native engine is built from these when the package is installed.
NATIVE := setup.py firmware_port/native/build_native.py $(wildcard firmware_port/*/*.[ch])

.PHONY: help demo test cases test-boards test-deep fuzz fuzz-models fuzz-files system coverage-c mutants lint format bench bench-detection bench-motion bench-mcu picture docs reference-models clean

help:            ## this list
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 20

demo: $(BIN)/.run ## install, and watch a generated scene become alerts
	@$(BIN)/anomsdk demo

test: $(BIN)/.dev ## install with the tools, and run lint, types and the tests, boards apart
	$(BIN)/python -m pytest -n 2 $(ARGS)

cases: $(BIN)/.dev ## recordings as people really send them: what each gives; those of ../shared/cases where it is there
	$(BIN)/python -m pytest tests/real/test_cases.py -q $(ARGS)

test-boards: $(BIN)/.dev ## the C port on emulated boards, big-endian too, and its sizes; needs make system once
	ANOMSDK_REQUIRE_BOARDS=1 $(BIN)/python -m pytest -n 2 -m boards tests/boards $(ARGS)

system:          ## install compilers and emulators of the boards with apt-get (as root, or with sudo)
	@command -v apt-get >/dev/null || { echo "error: there is no apt-get here; install what provides: $(SYSTEM)" >&2; exit 2; }
	@test -z "$(SUDO)" || command -v sudo >/dev/null || { echo "error: become root, there is no sudo here; then: make system" >&2; exit 2; }
	$(SUDO) apt-get update --quiet
	$(SUDO) apt-get install --yes --no-install-recommends $(SYSTEM)

test-deep: $(BIN)/.dev ## a million hops of any plan and any stream through all engines
	ANOMSDK_DEEP_HOPS=1000000 $(BIN)/python -m pytest tests/parity/test_native.py -k any_plan

fuzz: $(BIN)/.dev ## the C port under any use for longer, with sanitizers; ANOMSDK_FUZZ_SEED=N for others
	ANOMSDK_FUZZ_INPUTS=50000 $(BIN)/python -m pytest tests/fuzz/test_pipeline_fuzz.py -k any_use

fuzz-models: $(BIN)/.dev ## 10,000 damaged .tflite files through plan and the interpreter (minutes); ARGS=--as-given: the control, which dies
	$(BIN)/python -m tests.support.model_mutants $(ARGS)

fuzz-files: $(BIN)/.dev ## 200,000 damaged files into all readers and commands (about half an hour); ANOMSDK_FUZZ_SEED=N for others
	$(BIN)/python -m tests.support.files_fuzz $(ARGS)

coverage-c: $(BIN)/.dev ## branches of the C port that its tests take; needs gcc
	$(BIN)/python -m tests.support.c_coverage

mutants: $(BIN)/.dev ## change the C port in 2,500 ways and see its tests notice (minutes); FILES=anom_fft.c: one file; needs gcc
	$(BIN)/python -m tests.support.mutants $(FILES)

lint: $(BIN)/.dev ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(BIN)/.dev ## put the code into its one form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(BIN)/.dev ## print the numbers that README and docs quote
	$(BIN)/python -m benchmarks

bench-detection: $(BIN)/.dev ## of these, detection beside simple peers (trains many models: half an hour and more)
	$(BIN)/python -m benchmarks.detection

bench-motion: $(BIN)/.dev ## the same of motion: people and cattle (trains ten models: half an hour and more)
	$(BIN)/python -m benchmarks.motion $(ARGS)

bench-mcu: $(BIN)/.dev ## what the C port takes on microcontrollers, beside its peers, into its README (minutes); needs make system once
	$(BIN)/python -m benchmarks.mcu

picture: $(BIN)/.dev ## draw what anomsdk demo prints as docs/pictures/demo.svg, the picture of README.md
	$(BIN)/python -m tests.support.demo_picture

docs: $(BIN)/.docs ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

reference-models: $(BIN)/.dev ## train them again from ../shared/data
	$(BIN)/python reference_models/audio_scene/recipe.py
	$(BIN)/python reference_models/human_motion/recipe.py
	$(BIN)/python reference_models/cattle_collar/recipe.py

clean:           ## remove .venv and everything that was built
	rm -rf .venv anomsdk/runtime/_native* build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.10 or later with venv was found; install one, or set PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv .venv

# The old engine goes first: where the new one cannot be built, none is better than another.
$(BIN)/.run: pyproject.toml $(NATIVE) | $(BIN)/python
	@rm -f anomsdk/runtime/_native*
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(BIN)/.dev: pyproject.toml $(NATIVE) | $(BIN)/python
	@rm -f anomsdk/runtime/_native*
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(BIN)/.run

$(BIN)/.docs: pyproject.toml $(NATIVE) | $(BIN)/python
	@rm -f anomsdk/runtime/_native*
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@ $(BIN)/.run
