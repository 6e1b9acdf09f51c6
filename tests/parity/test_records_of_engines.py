"""Records of engine native and of the reference: the same bytes, taken by either, and nothing of the signal in them."""

import dataclasses

import numpy as np
import pytest

import anomsdk
from anomsdk.core.duty import DutyPlan
from anomsdk.core.event import Restart
from anomsdk.core.record import RECORD_BYTES
from tests.support.supervised import any_ladder, any_promises, any_samples, forged, relevelled, restored
from tests.support.supervised_models import supervised
from tests.support.tiny_plans import CLIPS, ROOTS, tiny_plan

ENGINES = ("reference", "native")
MODELS = ("audio_scene", "human_motion", "cattle_collar")


@pytest.fixture(scope="module")
def models():
    """Each reference model, as it is and with an alarm and a health section."""
    found = {name: anomsdk.reference_model(name) for name in MODELS}
    for name in MODELS:
        plan = supervised(name, alarm={"heartbeat_s": 7.3}, health={})[0]
        found[f"{name}, supervised"] = dataclasses.replace(plan, folder=None)
    return found


def used(plan, engine, samples):
    """A pipeline behind these samples."""
    pipeline = anomsdk.Pipeline(plan, engine)
    pipeline.process(samples)
    return pipeline


def noise(plan, n, seed):
    """Noise with faults, by a seed."""
    return any_samples(plan, n, np.random.default_rng(seed))


@pytest.mark.parametrize("sections", ["plain", "supervised"])
@pytest.mark.parametrize("name", MODELS)
def test_each_engine_takes_the_record_of_the_other(native, models, name, sections):
    """In memory of its own, so at another address; what follows is the same in all four pipelines."""
    plan = models[name if sections == "plain" else f"{name}, supervised"]
    tick = plan.samples_per_tick
    for seed in range(3):
        before = noise(plan, plan.samples_to_first_tick + (3 + seed) * tick + 17 * seed, seed)
        first = [used(plan, engine, before) for engine in ENGINES]
        records = [pipeline.state() for pipeline in first]
        assert records[0] == records[1] and len(records[0]) == RECORD_BYTES
        second = [anomsdk.Pipeline(plan, engine) for engine in ENGINES]
        found = [pipeline.restore(record) for pipeline in first + second for record in records[:1]]
        assert found == found[:1] * 4
        assert [event.restart for result in found[0] for event in result.events][:1] == (
            [Restart.RESTORED] if plan.is_supervised else []
        )
        after = noise(plan, plan.samples_to_first_tick + 6 * tick, 100 + seed)
        results = [pipeline.gap(5 * tick) + pipeline.process(after) for pipeline in first + second]
        assert results == results[:1] * 4 and any(result.judged for result in results[0])
        states = [pipeline.state() for pipeline in first + second]
        assert states == states[:1] * 4
        if not plan.is_supervised:
            continue
        sequences = [event.sequence for result in found[0] + results[0] for event in result.events]
        assert sequences[0] == (int.from_bytes(records[0][20:22], "little") + 1024) % 65536


def test_records_are_the_same_after_every_block(native, models):
    for name, plan in models.items():
        with anomsdk.Pipeline(plan, "reference") as ours, anomsdk.Pipeline(plan, "native") as theirs:
            assert ours.state() == theirs.state(), "before the first sample"
            samples = noise(plan, plan.samples_to_first_tick + 12 * plan.samples_per_tick, 7)
            rng = np.random.default_rng(1)
            while len(samples):
                n = int(rng.integers(1, 3 * plan.samples_per_tick))
                assert ours.process(samples[:n]) == theirs.process(samples[:n])
                assert ours.state() == theirs.state(), name
                samples = samples[n:]


@pytest.fixture(scope="module")
def pendant():
    """A tiny plan with all sections, and samples that raise its alarm."""
    plan = tiny_plan(latch=1, cancel=2, repeat=3, heartbeat=4, heartbeat_rest_q16=9, duty=DutyPlan(3, 12), warm_up=1)
    rows = [[ROOTS[word], 0] for word in ("low", "hit", "top", "low", "hit", "grown", "low", "low", "low")]
    return plan, np.array(rows, np.int16)


def damaged(record):
    """The record with each byte changed in turn, and with each other length up to twice its own."""
    rng = np.random.default_rng(3)
    for at in range(RECORD_BYTES):
        for change in (1, 0x80, int(rng.integers(1, 256))):
            yield bytes([*record[:at], record[at] ^ change, *record[at + 1 :]])
    for n in range(2 * RECORD_BYTES + 1):
        if n != RECORD_BYTES:
            yield (record * 2)[:n]


def test_a_torn_record_is_refused_and_leaves_a_fresh_pipeline(native, pendant):
    for plan in (pendant[0], dataclasses.replace(pendant[0], alarm=None, health=None)):
        rows, nothing = pendant[1], pendant[1][:0]
        record = used(plan, "reference", rows).state()
        with anomsdk.Pipeline(plan, "reference") as fresh:
            start, expected, state = fresh.process(nothing), fresh.process(rows), fresh.state()
        for engine in ENGINES:
            pipeline = used(plan, engine, rows)
            for torn in damaged(record):
                said, began = restored(pipeline, torn)
                assert "begins anew" in said, (engine, len(torn))
                assert [(result.hop, event.sequence) for result in began for event in result.events] == (
                    [(0, 0)] if plan.is_supervised else []
                )
                assert all(event.restart == Restart.REFUSED for result in began for event in result.events)
                assert len(began) == len(start)
                assert pipeline.process(rows) == expected and pipeline.state() == state
            assert pipeline.restore(record) == used(plan, "reference", rows).restore(record), "the whole one is taken"


@pytest.mark.parametrize(
    "model", ["audio_scene, supervised", "cattle_collar, supervised", "audio_scene", "tiny", "tiny, ladder", "plain"]
)
def test_any_contents_with_a_right_crc(native, models, pendant, model):
    """Both engines take or refuse them alike and go on alike; `test_sanitized` does it with sanitizers."""
    plain = dataclasses.replace(pendant[0], alarm=None, health=None)
    rungs = any_ladder(pendant[0].levels.raise_score, np.random.default_rng(4))
    promises = any_promises(rungs, np.random.default_rng(4))
    ladder = dataclasses.replace(pendant[0], ladder=rungs, promises=promises)
    plan = {"tiny": pendant[0], "tiny, ladder": ladder, "plain": plain}.get(model) or models[model]
    rng, taken = np.random.default_rng(5), 0
    samples = noise(plan, plan.samples_to_first_tick + 2 * plan.samples_per_tick, 5)
    records = [used(each, "reference", samples).state() for each in (plan, relevelled(plan, rng))]
    pipelines = [anomsdk.Pipeline(plan, engine) for engine in ENGINES]
    for k in range(1000 if plan.framer.window == 1 else 60):
        record = forged(records[k % 2], rng)
        found = [restored(pipeline, record) for pipeline in pipelines]
        assert found[0] == found[1], record.hex()
        taken += not found[0][0]
        for step, given in (("state", ()), ("gap", (9,)), ("process", (samples,)), ("state", ())):
            ours, theirs = (getattr(pipeline, step)(*given) for pipeline in pipelines)
            assert ours == theirs, (step, record.hex())
        if plan.is_supervised:
            assert pipelines[0].acknowledge() == pipelines[1].acknowledge()
            assert pipelines[0].annunciation == pipelines[1].annunciation and pipelines[0].health == pipelines[1].health
    assert taken > 10


@pytest.mark.parametrize("engine", ENGINES)
def test_no_two_samples_in_a_row_are_in_a_record(native, models, engine):
    """Nor do two values of a sample, in any byte order, at any place of it."""
    for name, plan in models.items():
        rng = np.random.default_rng(len(name))
        samples = rng.integers(-32768, 32768, (plan.samples_to_first_tick + 9 * plan.samples_per_tick, plan.columns))
        samples = samples.astype(np.int16)
        with anomsdk.Pipeline(plan, engine) as pipeline:
            for block in np.array_split(samples, 7):
                pipeline.process(block)
                record = np.frombuffer(pipeline.state(), np.uint8).astype(np.uint32)
                words = record[:-3] | record[1:-2] << 8 | record[2:-1] << 16 | record[3:] << 24
                halves = samples.view(np.uint16).astype(np.uint32)
                pairs = [(halves[:-1], halves[1:])]
                if plan.columns > 1:
                    pairs.append((halves[:, :-1], halves[:, 1:]))
                for first, then in pairs:
                    for order in ((first, then), (_swapped(first), _swapped(then))):
                        both = np.concatenate(
                            [(order[0] | order[1] << 16).ravel(), (order[1] | order[0] << 16).ravel()]
                        )
                        assert not np.isin(words, both).any(), name


def _swapped(halves):
    return halves >> 8 | (halves & 0xFF) << 8


@pytest.mark.parametrize("engine", ENGINES)
def test_other_samples_with_the_same_scores_give_the_same_record(native, pendant, engine):
    """The tiny plan scores the square of the first value of a row; the second one is looked at by health alone."""
    plan, rows = pendant
    rng = np.random.default_rng(11)
    other = np.stack([rows[:, 0] * rng.choice([-1, 1], len(rows)), rng.integers(-3000, 3000, len(rows))], axis=1)
    first, second = used(plan, engine, rows), used(plan, engine, other.astype(np.int16))
    assert first.process(rows[:0]) == second.process(rows[:0])
    assert first.state() == second.state()
    clipped = rows.copy()
    clipped[-1, 1] = CLIPS
    assert used(plan, engine, clipped).state() != first.state(), "a fault shows"
