"""Diaries: engines agree on every row, and rows agree with sums in floating point."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import anomsdk
from anomsdk.audit.retention.table import table
from anomsdk.core.diary import COLUMNS, MISSING, DiaryPlan, decoded, encode
from anomsdk.core.duty import DutyPlan
from anomsdk.core.event import Condition
from anomsdk.cport.layout import DIARY
from anomsdk.errors import InputError
from anomsdk.runtime.engines.native import CPlan, NativeEngine
from anomsdk.runtime.native_module import load_native
from tests.support.supervised import any_health

SECONDS = 900


def with_diary(columns=tuple(COLUMNS), slot_s=SECONDS, **changes):
    """Reference model of motion that writes a diary."""
    plan = anomsdk.reference_model("cattle_collar")
    slot = round(slot_s * plan.rate_hz / plan.framer.hop * 65536)
    gain = round(1e7 * 65536 / plan.sensor.counts_per_kilo_g)
    made = replace(plan, diary=DiaryPlan(slot, gain, columns), **changes)
    made.check()
    return made


def samples(plan, seconds, seed=0):
    """Noise about gravity whose strength changes."""
    rng = np.random.default_rng(seed)
    n = round(seconds * plan.rate_hz)
    x = rng.normal(0, 1, (n, plan.columns)) * rng.choice([5, 100, 2000], (n // 500 + 1, 1)).repeat(500, axis=0)[:n]
    x[:, 2] += plan.sensor.counts_per_kilo_g / 1000
    return x.clip(-32768, 32767).astype(np.int16)


def use(plan, engine, seed):
    """Rows of blocks and gaps of random lengths."""
    rng, rows = np.random.default_rng(seed), []
    with anomsdk.Pipeline(plan, engine) as pipeline:
        pipeline.process(samples(plan, SECONDS + 5, seed))
        for _ in range(8):
            pipeline.process(samples(plan, rng.integers(1, 700), int(rng.integers(1 << 30))))
            pipeline.gap(int(rng.choice([0, 3, 50, 700, 2500])) * round(plan.rate_hz))
            if rng.random() < 0.3:
                pipeline.restore(pipeline.state())
            rows += pipeline.rows().tolist()
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_engines_agree(seed):
    """Blocks, gaps, pauses, voids and restores give the same rows."""
    rng = np.random.default_rng(seed)
    plan = with_diary()
    if seed % 2:
        plan = replace(
            plan, health=any_health(plan, rng), duty=DutyPlan(round(60 * plan.rate_hz), round(110 * plan.rate_hz))
        )
    found = use(plan, "reference", seed)
    assert found == use(plan, "native", seed)
    assert len(found) > 2
    assert seed > 0 or any(row[0] != MISSING for row in found)


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_row_is_that_of_floats(engine):
    """Scores and movement of a slot without a gap, computed anew."""
    plan = with_diary()
    x = samples(plan, SECONDS + 20)
    with anomsdk.Pipeline(plan, engine) as pipeline:
        results = pipeline.process(x)
        (row,) = pipeline.rows().tolist()
        assert len(pipeline.rows()) == 0
    hops = round(plan.diary.slot_q16 / 65536)
    scores = np.array([result.score for result in results if result.hop < hops], float)
    window, hop, n = plan.framer.window, plan.framer.hop, plan.extractor.gravity
    jerks, vedbas = [], []
    for at in range(hops):
        a = x[at * hop : at * hop + window, :3].astype(float)
        jerks.append(np.linalg.norm(np.diff(a, axis=0), axis=1).mean())
        sums = np.cumsum(np.vstack([np.zeros(3), a]), axis=0)
        means = (sums[n:] - sums[:-n]) / n
        at_sample = np.clip(np.arange(window) - n // 2, 0, len(means) - 1)
        vedbas.append(np.linalg.norm(a - means[at_sample], axis=1).mean())
    tenths = 1e7 / plan.sensor.counts_per_kilo_g
    assert abs(row[0] - 256 * np.log2(scores.mean())) <= 3
    assert abs(row[1] - 256 * np.log2(scores.max())) <= 3
    assert row[2] == pytest.approx(np.mean(vedbas) * tenths, rel=0.01, abs=10)
    assert row[3] == pytest.approx(np.mean(jerks) * tenths, rel=0.01, abs=10)
    assert row[4] == 1000


@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.parametrize(("lost_s", "coverage"), [(300, 666), (600, 333)])
def test_coverage(engine, lost_s, coverage):
    """Lost hops lower the coverage; below one half all other columns are missing."""
    plan = with_diary()
    with anomsdk.Pipeline(plan, engine) as pipeline:
        pipeline.process(samples(plan, SECONDS - lost_s))
        pipeline.gap(round(lost_s * plan.rate_hz))
        pipeline.process(samples(plan, 30))
        (row,) = pipeline.rows().tolist()
    assert abs(row[4] - coverage) <= 10
    assert (row[:4] == [MISSING] * 4) == (coverage < 500)


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_pauses_do_not_lower_the_coverage(engine):
    """A device that samples one minute of two, as its plan says; without the duty half is lost."""
    plan = with_diary()
    on = round(60 * plan.rate_hz)
    found = []
    for duty in (DutyPlan(on, 2 * on), None):
        with anomsdk.Pipeline(replace(plan, duty=duty), engine) as pipeline:
            for minute in range(8):
                pipeline.process(samples(plan, 60, minute))
                pipeline.gap(on)
            found.append(pipeline.rows().tolist()[0][4])
    assert found[0] > 950
    assert found[1] < 600


@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.parametrize("stuck_s", [0, 600])
def test_void_ticks_do_not_count(engine, stuck_s):
    """A sensor that hangs for two thirds of a slot; its ticks are void, and its row is missing."""
    plan = anomsdk.reference_model("cattle_collar")
    quiet = any_health(plan, np.random.default_rng(0))
    blocks = np.zeros(15, np.uint16)
    blocks[Condition.STUCK - 1] = 1
    health = replace(quiet, stuck=3 * plan.framer.window, raise_blocks=blocks, clear_blocks=blocks, warm_up=0, settle=0)
    plan = with_diary(health=health)
    x = samples(plan, SECONDS + 20)
    x[: round(stuck_s * plan.rate_hz)] = x[0]
    with anomsdk.Pipeline(plan, engine) as pipeline:
        results = pipeline.process(x)
        (row,) = pipeline.rows().tolist()
    assert any(result.void for result in results) == (stuck_s > 0)
    assert (row[0] == MISSING) == (stuck_s > 0)
    assert abs(row[4] - (360 if stuck_s else 1000)) < 60


def test_a_row_for_a_radio():
    """Twenty bytes in the stated order; damage is refused."""
    plan = with_diary().diary
    data = encode(plan, 65537, (1, 2, 3, 4, 998))
    assert data == bytes([1, 0, 199, 0x15, 1, 0, 2, 0, 3, 0, 4, 0, 0xE6, 3]) + b"\x00\x80" * 3
    assert decoded(data) == (1, 199, (1, 2, 3, 4, 998))
    for bad in (data[:-1], data[:3] + b"\x25" + data[4:], data[:3] + b"\x10" + data[4:]):
        with pytest.raises(InputError, match="row: "):
            decoded(bad)


@pytest.mark.parametrize("columns", [tuple(COLUMNS), ("coverage", "highest_score"), ("mean_score",)])
def test_c_writes_the_same_bytes_for_a_radio(columns):
    """Random rows, of all columns and of some, with missing values; a plan without a diary gives nothing."""
    rng = np.random.default_rng(len(columns))
    section = with_diary().diary
    plan = replace(
        with_diary(), diary=replace(section, columns=columns, gain_q16=section.gain_q16 * (len(columns) > 2))
    )
    engine = NativeEngine(plan)
    for slot in (0, 7, 65535, 65536, 2**32 - 1):
        row = rng.integers(-32768, 32768, len(columns)).astype(np.int16)
        row[[name == "coverage" for name in columns]] = rng.integers(1001)
        assert in_c(engine, slot, row) == encode(plan.diary, slot, row.tolist())
    assert in_c(NativeEngine(anomsdk.reference_model("cattle_collar")), 1, row) == b""


def in_c(engine, slot, row):
    """Bytes that the C port writes."""
    lib, ffi = load_native().lib, load_native().ffi
    found = np.zeros(20, np.uint8)
    padded = np.zeros(8, np.int16)
    padded[: len(row)] = row
    rows, out = ffi.from_buffer("int16_t[]", padded), ffi.from_buffer("uint8_t[]", found)
    n = lib.anom_pipeline_encode_row(engine._pipeline, slot, rows, out)
    return found.tobytes()[:n]


def test_the_retention_table_has_every_byte_of_a_diary():
    """The table sums up to the memory that C asks for, and is larger by the diary alone."""
    plan = with_diary()
    module = load_native()
    sizes = [module.lib.anom_pipeline_bytes(CPlan(each, module).pointer) for each in (plan, replace(plan, diary=None))]
    assert [table(each, 8)[-1].end for each in (plan, replace(plan, diary=None))] == sizes
    assert sizes[0] - sizes[1] == DIARY
