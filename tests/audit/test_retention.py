"""The retention table names every byte of a pipeline's memory, and memory holds what the table says, for as long."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from importlib.machinery import ExtensionFileLoader

import numpy as np
import pytest

import anomsdk
from anomsdk.audit.check import Subject, Verdict
from anomsdk.audit.retention.checks import CHECKS
from anomsdk.audit.retention.image import NativePipeline, compare, outlived
from anomsdk.audit.retention.kept import Holds
from anomsdk.audit.retention.table import field_at, table
from anomsdk.core.diary import COLUMNS, MOVEMENT, DiaryPlan
from anomsdk.core.event import Condition
from anomsdk.core.rung import levels
from anomsdk.cport.layout import layout
from anomsdk.runtime.engines.native import CPlan
from anomsdk.runtime.native_module import load_native
from tests.support.anything import any_plan
from tests.support.day_plans import any_days_plan
from tests.support.make import ROOT, noise
from tests.support.supervised import any_alarm, any_health, laddered, supervised

REFERENCES = ("audio_scene", "cattle_collar", "human_motion", "cattle_days", "person_days")
KINDS = ("logmel", "bands", "motion", "external")
SEEDS = 2
SIGNALS = int(os.environ.get("ANOMSDK_AUDIT_SEEDS", "1"))
"""Signals for each plan."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Plans of each kind of extractor: without and with an alarm and a health section, and with a ladder."""
    folder = tmp_path_factory.mktemp("drawn")
    found = {}
    for kind in KINDS:
        for seed in range(SEEDS):
            plan = any_plan(folder / f"{kind}{seed}", kind, seed)
            found[f"{kind} {seed}"] = plan
            found[f"{kind} {seed} supervised"] = supervised(plan, np.random.default_rng(seed))
            found[f"{kind} {seed} ladder"] = laddered(plan, np.random.default_rng(seed))
    found |= {f"days {seed}": any_days_plan(folder / f"days{seed}", seed) for seed in range(4 * SEEDS)}
    return found


@pytest.fixture(scope="module")
def full(drawn):
    """A plan with every section: bands, a baseline, an alarm, health and a ladder."""
    plan = anomsdk.reference_model("audio_scene")
    made = laddered(plan, np.random.default_rng(5))
    health = any_health(plan, np.random.default_rng(5))
    harmless = np.zeros_like(health.raise_blocks)
    harmless[[Condition.NOISE_FLOOR - 1, Condition.GAP - 1]] = 1  # conditions that void no tick
    health = dataclasses.replace(health, block=4, warm_up=2, raise_blocks=harmless, clear_blocks=harmless)
    timing = dataclasses.replace(made.timing, on_delay=0, off_delay=0, clear_after=None)
    scores = anomsdk.score(plan, noise(200_000, seed=1))
    rungs = np.unique(np.quantile(scores[scores > 0], (0.3, 0.5, 0.7, 0.9)).astype(np.uint32))
    made = dataclasses.replace(
        made,
        timing=timing,
        levels=levels(int(rungs[1]), timing),
        health=health,
        alarm=any_alarm(np.random.default_rng(5)),
        duty=None,
        ladder=dataclasses.replace(made.ladder, raise_scores=rungs),
    )
    made.check()
    assert made.ladder is not None and made.baseline.is_on
    return made


def every_plan(drawn, full):
    return {name: anomsdk.reference_model(name) for name in REFERENCES} | drawn | {"every section": full}


def native_bytes(plan):
    module = load_native()
    return module.lib.anom_pipeline_bytes(CPlan(plan, module).pointer)


def with_field(fields, changed, **changes):
    assert changed in {field.name for field in fields}
    return [dataclasses.replace(field, **changes) if field.name == changed else field for field in fields]


def names(compared):
    return {name for _, name, _ in compared.wrong}


# --- The table


def test_sum_is_the_memory_that_the_plan_asks_for(drawn, full):
    for name, plan in every_plan(drawn, full).items():
        for pointer_bytes, asked in ((4, layout(plan).ram_bytes), (8, native_bytes(plan))):
            fields = table(plan, pointer_bytes)
            assert sum(field.size for field in fields) == asked, name
            assert [f.offset for f in fields] == [0, *(f.end for f in fields[:-1])], name
            assert all(field.size > 0 for field in fields), name
            assert len({field.name for field in fields}) == len(fields), name


def test_every_section_has_its_fields(full):
    owners = {field.name.partition(".")[0].partition("[")[0] for field in table(full)}
    assert owners == {
        *("pipeline", "supervisor", "health", "ladder", "reference"),
        *("framer", "extractor", "context", "features", "scratch"),
    }
    single = {field.name: field for field in table(full)}
    for name in ("supervisor.alarm.peak", "supervisor.highest_log2_q8+next+settled+inputs", "health.column[0].last"):
        assert single[name].holds in (Holds.SCORES, Holds.ONE_SAMPLE), name


def test_field_at_names_the_field_of_a_byte(full):
    fields = table(full, 8)
    for field in fields:
        assert field_at(full, field.offset, 8) == field_at(full, field.end - 1, 8) == field
    for offset in (-1, fields[-1].end):
        with pytest.raises(IndexError, match="has no byte"):
            field_at(full, offset, 8)


def test_times_follow_from_the_plan():
    plan = anomsdk.reference_model("audio_scene")
    ms = {field.name: field.ms for field in table(plan)}
    assert ms["framer.samples"] == 1000 * plan.framer.window / plan.rate_hz
    assert ms["context.history"] == 1000 * plan.samples_to_first_tick / plan.rate_hz
    assert ms["scratch"] == ms["features"] == 0
    assert ms["pipeline.baseline.level_q16"] is None


# --- The memory, byte by byte


def test_memory_holds_what_the_table_says(drawn, full):
    for name, plan in every_plan(drawn, full).items():
        found = [compare(plan, seed=len(name) + seed) for seed in range(SIGNALS)]
        assert [each.wrong for each in found] == [()] * SIGNALS, name
        found = found[0]
        assert found.exact + sum(f.size for f in table(plan, 8) if f.name in found.of_signal) == found.bytes, name
        late = {"ladder.yesterday", "ladder.busy", "ladder.waiting", "supervisor.alarm.alert.rung.level"}
        late |= {field for field in found.of_signal if field.startswith(("ladder.counts", "ladder.quiet"))}
        assert set(found.of_signal) <= late, name


@pytest.mark.parametrize("name", ["cattle_collar", "audio_scene", "every section"])
@pytest.mark.parametrize("kind", ["all", "scores"])
def test_memory_holds_sums_of_a_slot_and_nothing_more(full, name, kind, monkeypatch):
    """Slots of 60 hops, of which the signals complete some; every byte has an expected value, or belongs to the ladder."""
    monkeypatch.setattr("anomsdk.core.plan.SLOT_S", (0, 7200))
    plan = short_diary(full if name == "every section" else anomsdk.reference_model(name), movement=kind == "all")
    found = compare(plan, seed=3)
    assert found.wrong == ()
    assert not any(field.startswith("diary") for field in found.of_signal)


def short_diary(plan, *, movement):
    """Plan with slots that are too short for a plan that is checked, so that short signals fill them."""
    is_motion = movement and plan.sensor.kind == "motion"
    columns = tuple(name for name in COLUMNS if is_motion or name not in MOVEMENT)
    return dataclasses.replace(plan, diary=DiaryPlan((60 << 16) + 4321, 320_000 * is_motion, columns))


@pytest.mark.parametrize("short", ["diary.row", "diary.movement"])
def test_sums_of_a_slot_last_for_their_slot(short, monkeypatch):
    """Nothing outlives the times of the table, and one slot less would be too short for a row."""
    monkeypatch.setattr("anomsdk.core.plan.SLOT_S", (0, 7200))
    plan = short_diary(anomsdk.reference_model("cattle_collar"), movement=True)
    assert outlived(plan, seed=1)[1] == []
    fields = table(plan, 8)
    ms = next(field.ms for field in fields if field.name == short)
    lasting = {name for _, name in outlived(plan, seed=1, fields=with_field(fields, short, ms=ms / 3))[1]}
    assert lasting == {short}


def test_the_signals_reach_scores_alarms_and_ladders(full, monkeypatch):
    seen: dict[str, set[bytes]] = {}
    fields = table(full, 8)
    read = NativePipeline.image

    def looked_at(self):
        memory = read(self)
        for field in fields:
            seen.setdefault(field.name, set()).add(memory[field.offset : field.end].tobytes())
        return memory

    monkeypatch.setattr(NativePipeline, "image", looked_at)
    compare(full, seed=2)
    moving = ("pipeline.baseline.level_q16", "supervisor.judged", "supervisor.alarm.peak", "health.column[0].sum")
    for name in (*moving, "ladder.ticks", "ladder.counts[0].alarms", "ladder.counts[3].ticks"):
        assert len(seen[name]) > 2, name
    still = {
        f.name for f in fields if f.holds in (Holds.SAMPLES, Holds.FEATURES, Holds.ENERGIES) and len(seen[f.name]) < 3
    }
    assert still == set()


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("framer.samples", Holds.POSITION),
        ("framer.samples", Holds.INPUTS),
        ("context.history", Holds.CONFIGURATION),
        ("extractor.state.sums[0].mantissa", Holds.NOTHING),
        ("health.column[0].last", Holds.POSITION),
        ("health.check", Holds.INPUTS),
        ("pipeline.baseline.level_q16", Holds.INPUTS),
        ("ladder.counts[2].ticks", Holds.POSITION),
    ],
)
def test_a_field_that_is_declared_free_of_the_signal_is_named(full, name, holds):
    assert names(compare(full, fields=with_field(table(full, 8), name, holds=holds))) == {name}


def test_a_field_of_the_signal_without_an_expected_value_is_named(full):
    renamed = with_field(table(full, 8), "health.clipped", name="health.new", holds=Holds.POSITION)
    assert {"health.new", "health.clipped"} <= names(compare(full, fields=renamed))


@pytest.mark.parametrize("name", ["scratch", "features", "framer.samples", "context.history", "features.(padding)"])
def test_a_sample_that_is_left_behind_is_named(full, name, monkeypatch):
    field = next(field for field in table(full, 8) if field.name == name)
    read = NativePipeline.image

    def leaking(self):
        leaking.calls += 1
        memory = read(self)
        memory[field.end - 1] ^= 1 + leaking.calls % 100
        return memory

    leaking.calls = 0
    monkeypatch.setattr(NativePipeline, "image", leaking)
    assert names(compare(full)) == {name}


LEAKS = {
    "framer.samples": ("anom_framer.c", "    anom_wipe(sample(framer, kept), bytes_of(framer, hop));\n", ""),
    "scratch": ("anom_pipeline.c", "    wipe_model(pipeline);\n", "    (void)wipe_model;\n"),
    "features": (
        "anom_pipeline.c",
        "    anom_wipe(pipeline->features, (size_t)pipeline->plan->extractor.n_features);\n",
        "",
    ),
    "context.history": ("anom_context.c", "    anom_wipe(context->history, history_bytes(context));\n", ""),
}
"""Field -> source, statement that wipes it, and what a version that leaks has in its place."""

BUILD = """
import sys
sys.path.insert(0, "firmware_port/native")
from build_native import builder
print(builder("leaking", ("-O0",)).compile(tmpdir="made"))
"""


def test_wipes_that_c_leaves_out_are_named(full, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "firmware_port", tmp_path / "firmware_port")
    for source, statement, instead in LEAKS.values():
        path = tmp_path / "firmware_port" / "src" / source
        text = path.read_text()
        assert text.count(statement) == 1, statement
        path.write_text(text.replace(statement, instead))
    done = subprocess.run([sys.executable, "-c", BUILD], cwd=tmp_path, capture_output=True, text=True, check=True)
    loader = ExtensionFileLoader("leaking", str(tmp_path / done.stdout.split()[-1]))
    leaking = importlib.util.module_from_spec(importlib.util.spec_from_loader("leaking", loader))
    loader.exec_module(leaking)
    monkeypatch.setattr("anomsdk.audit.retention.image.load_native", lambda: leaking)
    assert names(compare(full)) == LEAKS.keys()


# --- For how long


def test_nothing_outlives_its_time(drawn, full):
    for name, plan in every_plan(drawn, full).items():
        for seed in range(SIGNALS):
            moments, found = outlived(plan, seed=len(name) + seed)
            assert found == [] and moments > 1, name


@pytest.mark.parametrize(
    "name",
    ["framer.samples", "context.history", "extractor.state.peak_q10", "health.column[0].sum", "health.last_check"],
)
def test_a_time_that_is_too_short_is_noticed(full, name):
    fields = table(full, 8)
    (field,) = [field for field in fields if field.name == name]
    shorter = with_field(fields, name, ms=field.ms / 2)
    found = {found for seed in range(4) for _, found in outlived(full, seed=seed, fields=shorter)[1]}
    assert found == {name}


# --- The checks, and the command


def test_checks_show_what_they_claim(full, tmp_path):
    for check in CHECKS:
        subject = Subject(full, None, tmp_path, seeds=(0, 1))
        found, again = check.run(subject), check.run(subject)
        assert found.verdict is Verdict.SHOWN, (check.id, found.result)
        assert json.dumps(found.evidence) == json.dumps(again.evidence) and found.looked_at == again.looked_at
        assert check.quick and check.id.startswith(("retention.", "leaving."))


def test_a_check_that_fails_names_the_field(full, tmp_path, monkeypatch):
    read = NativePipeline.image

    def leaking(self):
        memory = read(self)
        memory[-1] = 1
        return memory

    monkeypatch.setattr(NativePipeline, "image", leaking)
    (check,) = [check for check in CHECKS if check.id == "retention.image"]
    found = check.run(Subject(full, None, tmp_path))
    assert found.verdict is Verdict.FAILED and "scratch does not hold nothing" in found.result


@pytest.mark.parametrize("name", REFERENCES)
def test_inspect_prints_the_table(name, cli):
    plan = anomsdk.reference_model(name)
    told = json.loads(cli("inspect", name, "--retention", "--json").out)
    assert sum(field["size"] for field in told["fields"]) == told["bytes"] == layout(plan).ram_bytes
    assert told["bytes_with_8_byte_pointers"] == native_bytes(plan)
    beyond = {row["name"]: row["bytes"] for row in told["beyond"]}
    assert beyond["record"] == len(anomsdk.Pipeline(plan).state()) and beyond["flash slots"] == 2 * beyond["record"]
    shown = cli("inspect", name, "--retention").out
    assert f"{told['bytes']:,} bytes: the memory that the plan asks for" in " ".join(shown.split())
    for word in ("raw samples", "framer.samples", "registers and unused stack", "worst hour", "scores, log2"):
        assert word in shown, word


def test_what_is_beyond_memory_has_its_bytes(full):
    from anomsdk.audit.retention.beyond import beyond

    found = {row.name: row.bytes for row in beyond(full)}
    with anomsdk.Pipeline(full, "native") as pipeline:
        pipeline.process(np.ones((1, full.columns), np.int16))
        assert found["record"] == len(pipeline.state())
        assert found["export"] == len(bytes(pipeline.export(device=1, boot=1)))
    assert found["result in C"] == load_native().ffi.sizeof("anom_result")
