"""Which tests a file asks for: one table, which `make quick` and `make mutants-python` read.

A path is below the root of the checkout. In a pattern, ``*`` stands for any characters, ``/`` among them.
`tests/contract/test_affected.py` holds the table to every file of the checkout and every file of tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache

from tests.support.make import ROOT

UNIT, PARITY, CONTRACT, REAL = "tests/unit/test_", "tests/parity/test_", "tests/contract/test_", "tests/real/test_"
AUDIT = "tests/audit/test_"

STYLE = (f"{CONTRACT}style.py",)
STAGES = (
    *(f"{UNIT}{name}.py" for name in ("fixed", "fft", "filterbank", "framer", "levels", "alert", "baseline")),
    *(f"{UNIT}{name}.py" for name in ("context_score_event", "reasons", "motion_refusals")),
    f"{PARITY}vectors.py",
)
PLANNING = tuple(
    f"{UNIT}{name}.py" for name in ("spec", "planner", "plan_file", "speech", "durations", "supervised_plans")
)
HOUSE = tuple(f"{CONTRACT}{name}.py" for name in ("imports", "golden", "mirror", "casts", "kinds", "affected"))
LIFE_CYCLE = (*(f"{CONTRACT}alarm_{name}.py" for name in ("table", "states", "properties")), f"{PARITY}supervised.py")
OF_DAYS = (f"{PARITY}days.py", f"{CONTRACT}extractors.py")
CORE = (*STYLE, *STAGES, *PLANNING, *HOUSE)
"""The fast core: lint, types, the stages, the golden vectors, the planner and plan files. `make quick` always runs it."""

AFFECTED: dict[str, tuple[str, ...]] = {
    # The package
    "anomsdk/_*.py": (f"{CONTRACT}imports.py",),
    "anomsdk/py.typed": (f"{CONTRACT}wheel.py",),
    "anomsdk/errors.py": (f"{CONTRACT}imports.py", f"{UNIT}cli.py"),
    "anomsdk/core/*": (f"{CONTRACT}golden.py", *STAGES, f"{CONTRACT}extractors.py"),
    **dict.fromkeys(("anomsdk/core/alarm.py", "anomsdk/core/health.py", "anomsdk/core/supervisor.py"), LIFE_CYCLE),
    **dict.fromkeys(
        ("anomsdk/core/ladder.py", "anomsdk/core/export.py", "anomsdk/runtime/ladders.py"),
        (
            *(f"{UNIT}{name}.py" for name in ("ladder", "export", "ladder_pipeline", "promise_walk")),
            f"{PARITY}supervised.py",
        ),
    ),
    "anomsdk/stats/promises.py": (f"{UNIT}promises.py", f"{UNIT}ladder_plan.py"),
    "anomsdk/planner/ladder.py": (f"{UNIT}ladder_plan.py",),
    "anomsdk/plans/supervision.py": (f"{UNIT}ladder_plan.py",),
    **dict.fromkeys(("anomsdk/core/downlink.py", "anomsdk/receive/downlinks.py"), (f"{PARITY}downlinks.py",)),
    "anomsdk/core/event.py": (f"{PARITY}decoders.py", f"{UNIT}decode.py"),
    "anomsdk/core/fft.py": (f"{UNIT}fft.py", "tests/fidelity/test_front_ends.py"),
    "anomsdk/core/motion.py": (f"{UNIT}motion_refusals.py",),
    "anomsdk/stats/dependence.py": (f"{UNIT}dependence.py", f"{UNIT}promise_benchmark.py"),
    "anomsdk/core/duty.py": (f"{UNIT}duty.py", f"{UNIT}declared_pauses.py"),
    "anomsdk/core/record.py": (
        f"{UNIT}records.py",
        f"{UNIT}learnt_bytes.py",
        f"{PARITY}records_of_engines.py",
        f"{PARITY}supervised.py",
    ),
    "anomsdk/runtime/ladders.py": (f"{UNIT}score_ladder.py",),
    "anomsdk/runtime/judged_share.py": (f"{UNIT}declared_pauses.py",),
    **dict.fromkeys(
        ("anomsdk/core/days.py", "anomsdk/core/figures.py", "anomsdk/core/profile.py", "anomsdk/core/score.py"),
        (*(f"{UNIT}{name}.py" for name in ("own_profile", "day_figures", "day_plans", "score_groups")), *OF_DAYS),
    ),
    "anomsdk/core/diary.py": (f"{UNIT}diary_plan.py", f"{PARITY}diaries.py"),
    "anomsdk/core/p*.py": (f"{CONTRACT}streams.py", f"{UNIT}batches.py"),
    "anomsdk/planner/diary.py": (f"{UNIT}diary_plan.py",),
    "anomsdk/planner/score.py": (f"{UNIT}score_groups.py", f"{UNIT}day_plans.py"),
    "anomsdk/planner/*": (*PLANNING, f"{UNIT}reasons.py", f"{UNIT}motion_refusals.py", f"{PARITY}planned.py"),
    "anomsdk/plans/*": (*PLANNING, f"{UNIT}written_specs.py", f"{UNIT}supervision.py", f"{CONTRACT}same_id.py"),
    "anomsdk/plans/radio.py": (f"{UNIT}radio_day.py",),
    "anomsdk/plans/tflite/*": (f"{UNIT}tflite_file.py", f"{UNIT}tflite_offsets.py", "tests/fuzz/test_tflite_fuzz.py"),
    "anomsdk/runtime/*": (
        *(f"{CONTRACT}{name}.py" for name in ("golden", "streams", "pipeline_use", "wiping")),
        "tests/audit/test_canary.py",
        *(f"{UNIT}{name}.py" for name in ("memory", "score_many", "batches", "inputs")),
    ),
    "anomsdk/runtime/engines/*": (
        f"{PARITY}engines.py",
        f"{PARITY}autoencoder.py",
        f"{PARITY}native.py",
        f"{PARITY}supervised.py",
    ),
    "anomsdk/cport/*": (f"{PARITY}native.py", f"{UNIT}emit_c.py", f"{CONTRACT}mirror.py"),
    "anomsdk/mcu/*": ("tests/mcu/*", f"{UNIT}emit_c.py"),
    "anomsdk/mcu/emit.py": (f"{AUDIT}sbom.py", f"{AUDIT}reproducible.py"),
    "anomsdk/sources/*": (
        *(f"{UNIT}{name}.py" for name in ("sources", "clips", "sound", "tables", "rates", "stamps", "skip_bad")),
        *(f"{UNIT}motion_{name}.py" for name in ("sources", "streams", "numbers", "time", "units", "survey")),
        *(f"{UNIT}{name}.py" for name in ("odd_numbers", "foreign_files", "parquet_pages", "table_commands")),
        *(f"{UNIT}{name}.py" for name in ("start_of_recordings", "first_reading")),
        *(f"{REAL}{name}.py" for name in ("cases", "motion_files")),
        "tests/fuzz/test_files_fuzz.py",
    ),
    **dict.fromkeys(
        ("anomsdk/sources/diary_files.py", "anomsdk/sources/formats/diary/*"),
        (f"{UNIT}diary_sources.py", f"{UNIT}days_commands.py"),
    ),
    "anomsdk/sources/dropouts.py": (f"{UNIT}constant_cutter.py",),
    "anomsdk/watch/*": tuple(
        f"{UNIT}{name}.py"
        for name in ("cli", "score_many", "skip_bad", "narrow", "first_reading", "events_without_a_tick")
    ),
    "anomsdk/receive/*": (f"{UNIT}decode.py", f"{PARITY}decoders.py", f"{UNIT}receiver.py"),
    "anomsdk/synthetic/*": (f"{UNIT}demo.py", f"{UNIT}motion_training.py"),
    **dict.fromkeys(
        ("anomsdk/synthetic/days.py", "anomsdk/synthetic/herd_days.py"),
        tuple(f"{UNIT}{name}.py" for name in ("synthetic_days", "day_benchmark", "evaluate_days", "days_list")),
    ),
    "anomsdk/synthetic/faults.py": (f"{UNIT}faults.py", f"{UNIT}health_benchmark.py"),
    "anomsdk/demo/*": (f"{UNIT}demo.py",),
    "anomsdk/demo/days.py": (f"{UNIT}days_list.py",),
    "anomsdk/demo/herd*": (f"{UNIT}demo_herd.py", f"{CONTRACT}docs.py"),
    "anomsdk/stats/*": (f"{UNIT}metrics.py", f"{UNIT}compare.py"),
    "anomsdk/evaluate/*": tuple(
        f"{UNIT}{name}.py" for name in ("evaluate", "evaluate_recordings", "findings", "what_figures_say", "metrics")
    ),
    **dict.fromkeys(
        ("anomsdk/evaluate/day_*", "anomsdk/evaluate/labelled_diaries.py"),
        (f"{UNIT}evaluate_days.py", f"{UNIT}labelled_diaries.py"),
    ),
    "anomsdk/compare/*": (f"{UNIT}compare.py", f"{UNIT}findings.py", f"{UNIT}what_figures_say.py"),
    "anomsdk/train/*": (
        *(f"{UNIT}{name}.py" for name in ("train_parts", "train", "calibrate", "alarm_levels", "memory_of_models")),
        *(f"{UNIT}{name}.py" for name in ("sensor_at_rest", "motion_training", "progress", "folders")),
    ),
    "anomsdk/train/days.py": (f"{UNIT}day_plans.py", f"{UNIT}days_commands.py"),
    "anomsdk/train/certified_level.py": (f"{UNIT}certified_level.py",),
    "anomsdk/train/alarm_simulation.py": (f"{UNIT}tune_command.py",),
    "anomsdk/tune/*": (
        *(f"{UNIT}tune.py", f"{UNIT}tune_command.py", f"{UNIT}certified_level.py", f"{UNIT}data_set_sums.py"),
        *(f"{UNIT}tune_on_a_cluster.py", f"{UNIT}gather.py"),
    ),
    "anomsdk/datasets/*": (
        *(f"{UNIT}datasets_{name}.py" for name in ("scoring", "commits", "command")),
        *(f"{UNIT}{name}.py" for name in ("gather", "demo_herd", "herd_counts", "herd_day", "data_set_sums")),
        *(f"{UNIT}foreign_data_sets.py", f"{UNIT}data_set_faults.py"),
    ),
    "anomsdk/datasets/default_ladder.py": (f"{UNIT}certified_level.py",),
    "anomsdk/herd/days/*": tuple(f"{UNIT}days_{name}.py" for name in ("list", "reading", "words")),
    "anomsdk/herd/*": (f"{UNIT}herd_counts.py", f"{UNIT}herd_day.py", f"{UNIT}gather.py"),
    "anomsdk/evaluate/stretch_scores.py": (f"{UNIT}tune_command.py", f"{UNIT}certified_level.py"),
    "anomsdk/audit/*": (f"{UNIT}verify.py", f"{AUDIT}report.py", f"{AUDIT}claims.py"),
    "anomsdk/audit/seal/*": ("tests/audit/test_seal.py", "tests/audit/test_seal_filter.py"),
    "anomsdk/audit/canary/*": ("tests/audit/test_canary.py",),
    "anomsdk/audit/scan/*": (*(f"tests/audit/test_{name}.py" for name in ("signals", "scanner", "scan", "canary")),),
    "firmware_port/scanner/*": ("tests/audit/test_scanner.py", "tests/audit/test_scan.py", f"{CONTRACT}wheel.py"),
    **dict.fromkeys(("anomsdk/cli/watch_seal.py", "anomsdk/runtime/sealed_process.py"), ("tests/audit/test_seal.py",)),
    "anomsdk/audit/retention/*": tuple(f"{AUDIT}{name}.py" for name in ("retention", "retention_structs", "leaving")),
    "anomsdk/audit/firmware/*": (*(f"tests/audit/test_{name}.py" for name in ("firmware", "dump")), "tests/boards/*"),
    "anomsdk/audit/emulator/*": ("tests/audit/test_emulator.py",),
    "anomsdk/utils/page.py": (f"{UNIT}tune_command.py", f"{AUDIT}report.py", f"{UNIT}evaluate.py"),
    "anomsdk/utils/*": tuple(f"{UNIT}{name}.py" for name in ("narrow", "folders", "progress", "what_figures_say")),
    "anomsdk/cli/*": tuple(
        f"{UNIT}{name}.py"
        for name in ("cli", "option_words", "narrow", "skip_bad", "odd_numbers", "table_commands", "demo_herd")
    ),
    # The C port
    "firmware_port/*": (
        *(f"{CONTRACT}{name}.py" for name in ("mirror", "c_build", "c_flags", "c_coverage", "sanitized")),
        *(f"{PARITY}{name}.py" for name in ("native", "host_kernels", "records_of_engines", "scalar")),
        *("tests/mcu/*", "tests/fuzz/test_pipeline_fuzz.py", "tests/boards/*", "tests/audit/test_emulator.py"),
    ),
    **dict.fromkeys(
        tuple(f"firmware_port/src/anom_{stem}.*" for stem in ("days", "figures", "profile", "score")),
        (f"{PARITY}days.py",),
    ),
    "firmware_port/src/anom_diary.*": (f"{PARITY}diaries.py",),
    "firmware_port/*/build_*.py": (f"{AUDIT}reproducible.py",),
    "firmware_port/src/anom_downlink.*": (f"{PARITY}downlinks.py",),
    "firmware_port/decoders/*": (
        f"{PARITY}decoders.py",
        f"{PARITY}downlinks.py",
        f"{UNIT}decode.py",
        f"{CONTRACT}wheel.py",
    ),
    "reference_models/*": (f"{CONTRACT}golden.py", f"{UNIT}written_specs.py", f"{REAL}audio_scene.py"),
    "benchmarks/receiver.py": (f"{UNIT}receiver.py",),
    "benchmarks/parquet_cost.py": (f"{UNIT}first_reading.py",),
    "benchmarks/promise*": (f"{UNIT}promise_benchmark.py", f"{REAL}promise_recordings.py"),
    "benchmarks/certificates.py": (f"{UNIT}promise_benchmark.py",),
    **dict.fromkeys(
        ("benchmarks/days.py", "benchmarks/day_herds.py", "benchmarks/day_peers.py"), (f"{UNIT}day_benchmark.py",)
    ),
    "benchmarks/days_list.py": (f"{UNIT}days_list.py",),
    "benchmarks/day_recordings.py": (f"{REAL}promise_recordings.py", f"{REAL}collar_days.py"),
    "benchmarks/health*": (f"{UNIT}health_benchmark.py",),
    "benchmarks/*": (f"{UNIT}benchmarks.py", f"{UNIT}batches.py", "tests/fidelity/test_front_ends.py"),
    # Words
    "docs/*": (f"{CONTRACT}docs.py", f"{CONTRACT}site.py"),
    "docs/claims.toml": (f"{AUDIT}claims.py", f"{CONTRACT}wheel.py"),
    "docs/compliance.md": (f"{AUDIT}compliance.py",),
    "docs/how-to/tune-on-a-cluster.md": (f"{UNIT}tune_on_a_cluster.py",),
    "mkdocs.yml": (f"{CONTRACT}site.py",),
    "*.md": (f"{CONTRACT}docs.py", f"{AUDIT}claims.py"),
    "CONTRIBUTING.md": (f"{CONTRACT}additions.py",),
    # What builds and installs
    "Makefile": (f"{CONTRACT}make.py", "tests/boards/test_system.py"),
    ".github/*": (f"{CONTRACT}make.py",),
    ".ci/*": (f"{CONTRACT}make.py",),
    "pyproject.toml": (f"{CONTRACT}wheel.py", f"{CONTRACT}make.py"),
    "setup.py": (f"{CONTRACT}wheel.py", f"{AUDIT}reproducible.py"),
    "MANIFEST.in": (f"{CONTRACT}wheel.py",),
    ".git*": (),
    "LICENSE": (),
    # The tests themselves: `importing` adds what imports a helper.
    "tests/*": (),
    "tests/conftest.py": CORE,
    "tests/c/*": (f"{CONTRACT}c_build.py", f"{CONTRACT}c_coverage.py", "tests/mcu/*"),
    "tests/support/alarm_table.txt": (f"{CONTRACT}alarm_table.py",),
    "tests/vectors/*": (f"{PARITY}vectors.py",),
    "tests/vectors/decoder.json": (f"{PARITY}decoders.py",),
    "tests/vectors/downlink.json": (f"{PARITY}downlinks.py",),
    "tests/c/decoder.c": (f"{PARITY}decoders.py", f"{PARITY}downlinks.py"),
    "tests/support/stems/decoder.py": (f"{PARITY}decoders.py",),
    "tests/support/stems/*": (f"{PARITY}vectors.py", f"{CONTRACT}c_coverage.py"),  # imported by their names
    "tests/scalar.py": (f"{PARITY}scalar.py",),
    "tests/support/mutants_python.py": (f"{CONTRACT}python_mutants.py",),
}
"""Pattern of paths -> files of tests, or patterns of them, that a change of such a file asks for. All rows that fit count."""


@cache
def test_files() -> tuple[str, ...]:
    """Every file of tests, below the root."""
    return tuple(sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")))


def tests_of(path: str) -> list[str]:
    """Files of tests that a change of this file asks for, in the order of the table, each once.

    Parameters
    ----------
    path : below the root of the checkout

    Raises
    ------
    KeyError : no row of the table fits
    """
    rows = [tests for pattern, tests in AFFECTED.items() if fnmatchcase(path, pattern)]
    if not rows:
        raise KeyError(f"no row of tests/support/affected.py fits {path}")
    named = [path] if path in test_files() else []
    named += [name for tests in rows for each in tests for name in expanded(each)]
    if path.startswith("tests/") and path.endswith(".py"):
        named += importing(path)
    return list(dict.fromkeys(named))


def expanded(pattern: str) -> list[str]:
    """Files of tests that a name or a pattern of the table stands for."""
    return [name for name in test_files() if fnmatchcase(name, pattern)]


@cache
def _imports() -> dict[str, frozenset[str]]:
    """Python file below tests/ -> files below tests/ that it imports, whether by module or by name."""
    files = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "tests").rglob("*.py")}
    found = {}
    for name, path in files.items():
        text = path.read_text(encoding="utf-8")
        modules = set(re.findall(r"^\s*(?:from|import) (tests[\w.]*)", text, re.M))
        for module, names in re.findall(r"^\s*from (tests[\w.]*) import \(?([\w\s,]+)", text, re.M):
            modules |= {f"{module}.{each.split(' as ')[0].strip()}" for each in names.split(",")}
        found[name] = frozenset(f"{module.replace('.', '/')}.py" for module in modules) & files.keys()
    return found


def importing(path: str) -> list[str]:
    """Files of tests that import a helper, themselves or through other helpers."""
    found, waiting = {path}, [path]
    while waiting:
        helper = waiting.pop()
        new = {name for name, imported in _imports().items() if helper in imported} - found
        found |= new
        waiting += new
    return [name for name in sorted(found) if name in test_files()]


def tests_of_all(paths: Iterable[str]) -> list[str]:
    """Files of tests that changes of these files ask for, each once."""
    return list(dict.fromkeys(name for path in paths for name in tests_of(path)))
