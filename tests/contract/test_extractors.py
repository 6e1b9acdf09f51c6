"""The contract that every extractor keeps, whatever its kind: a new one is in here as soon as it is registered."""

import json

import numpy as np
import pytest

import anomsdk
from anomsdk.core.days import MISSING
from anomsdk.core.extractor import Extractor
from anomsdk.core.framer import BATCH
from anomsdk.core.pipeline import extractor_for
from anomsdk.core.plan import EXTRACTORS
from anomsdk.core.reasons import Group
from anomsdk.planner.front_end import extractor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.data.feature_levels import feature_levels_of
from benchmarks import fidelity, signals
from tests.support import float_days
from tests.support.days import days_plan, rhythm
from tests.support.make import ROOT, SPECS, noise

KINDS = tuple(EXTRACTORS)
PROFILE = {"level", "spread", "anchor", "seen", "totals", "total_anchor"}
GATHERED = {"bands": {"_sums", "_peak"}, "days": {"_rows", "_own", *PROFILE}}
"""Kind -> arrays in which it may keep something from one window to the next: energies, rows of a day, averages."""


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def section(kind):
    return extractor_plan(PipelineSpec.from_toml(SPECS[kind]), None)


def windows(section, n, seed=0):
    """Windows (n, window, columns) with noise of any strength, silence, full scale and steps in them."""
    rng = np.random.default_rng(seed)
    frames = rng.standard_normal((n, section.window, section.columns)) * 2.0 ** rng.integers(0, 18, (n, 1, 1))
    frames[1::7] = 0
    frames[2::7] = 32767
    frames[3::7] = -32768
    frames[4::7, 1::2] = -32768
    frames[5::7, : section.window // 2] = 32767
    return np.clip(np.round(frames), -32768, 32767).astype(np.int64)


def enough(section, frames):
    """Number of windows of which some frames come, although rows may be missing."""
    return 4 * section.warm_up + frames * section.hops_per_frame


def pushed(extractor, frames, cuts=()):
    """Features and the windows that completed them, however the windows are handed over."""
    features, completed, first = [], [], 0
    for part in np.split(frames, np.union1d(cuts, range(BATCH, len(frames), BATCH)).astype(int)):
        found, by = extractor.push(part.copy())
        features.append(found)
        completed.append(first + by)
        first += len(part)
    return np.concatenate(features), np.concatenate(completed)


def test_a_section_says_what_the_others_need(kind, section):
    assert section.kind == kind and isinstance(extractor_for(section), Extractor)
    sizes = (section.columns, section.window, section.hops_per_frame, section.n_features)
    assert all(isinstance(n, int) and n >= 1 for n in sizes)
    assert len(section.groups) == section.n_features and all(isinstance(g, Group) for g in section.groups)
    assert isinstance(section.warm_up, int) and section.warm_up >= 0
    covered = [at for first, last, squared in section.parts for at in range(first, last + 1) if squared in (0, 1)]
    assert covered == (list(range(section.n_features)) if section.parts else []), "parts are the whole frame, or none"
    section.normalisation.check(section.n_features, *(np.zeros(section.n_features, np.int64),) * 2, "test")
    section.check()


def test_a_frame_comes_of_so_many_windows(section):
    hops, warm_up = section.hops_per_frame, section.warm_up
    n = warm_up + 3 * hops + 1
    frames = windows(section, n) if warm_up == 0 else np.maximum(windows(section, n), 1)  # no row is missing
    features, completed = pushed(extractor_for(section), frames, range(1, n))
    n_frames = (n - warm_up) // hops
    assert features.shape == (n_frames, section.n_features)
    assert completed.tolist() == [warm_up + (k + 1) * hops - 1 for k in range(n_frames)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_how_windows_are_handed_over_does_not_matter(section, seed):
    n = enough(section, 4) + 3
    frames = windows(section, n, seed)
    whole = pushed(extractor_for(section), frames)
    assert len(whole[0]) > 0
    cuts = np.random.default_rng(seed).integers(1, n, 5)
    for found, expected in zip(pushed(extractor_for(section), frames, cuts), whole, strict=True):
        assert np.array_equal(found, expected)


def test_features_are_int8_and_no_less_than_the_map_allows(section):
    features, _ = pushed(extractor_for(section), windows(section, enough(section, 7)))
    assert section.normalisation.low <= features.min() and features.max() <= 127


def arrays(thing, seen):
    """Every array of an extractor and of its parts, tables apart, with its attribute's name."""
    if id(thing) not in seen:
        seen.add(id(thing))
        for name, value in vars(thing).items():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                yield name, value
            elif type(value).__module__.startswith("anomsdk.core") and hasattr(value, "__dict__"):
                yield from arrays(value, seen)


def test_nothing_of_a_window_stays_but_what_is_gathered(kind, section):
    used, fresh = extractor_for(section), extractor_for(section)
    features, _ = pushed(used, windows(section, enough(section, 1) + 3)[2:])
    assert len(features) > 0
    pairs = zip(arrays(used, set()), arrays(fresh, set()), strict=True)
    assert {name for (name, a), (_, b) in pairs if not np.array_equal(a, b)} <= GATHERED.get(kind, set())


def test_a_restart_forgets_all_but_what_was_learnt(section):
    """What was learnt is what `save` returns: nothing for most kinds."""
    extractor, learnt = extractor_for(section), extractor_for(section)
    pushed(extractor, windows(section, enough(section, 2) - 1))
    extractor.restart()
    learnt.restore(extractor.save())
    frames = windows(section, enough(section, 2), seed=3)
    found, expected = pushed(extractor, frames), pushed(learnt, frames)
    assert len(found[0]) > 0
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_reset_forgets_everything(section):
    extractor = extractor_for(section)
    pushed(extractor, windows(section, enough(section, 2) - 1))
    extractor.follow(True)
    extractor.reset()
    frames = windows(section, enough(section, 2), seed=3)
    for found, expected in zip(pushed(extractor, frames), pushed(extractor_for(section), frames), strict=True):
        assert np.array_equal(found, expected)


def test_what_comes_in_is_left_as_it_was_or_is_scratch(section):
    """Windows are a view of the framer's scratch: an extractor that keeps it would keep samples."""
    extractor = extractor_for(section)
    frames = windows(section, enough(section, 1))
    hops, given = section.hops_per_frame, []
    for first in range(0, len(frames), hops):
        part = frames[first : first + hops]
        given.append((part, extractor.push(part)[0]))
    part, features = next((part, features) for part, features in given if len(features))
    before = features.copy()
    part.fill(77)
    assert np.array_equal(features, before)


@pytest.mark.parametrize("engine", ["native"])
def test_c_gives_the_same_features(native, plans, kind, engine):
    plan = plans[kind]
    n = plan.samples_to_first_tick + 40 * plan.samples_per_tick
    loud = (
        windows(plan.extractor, 1 + n // plan.extractor.window, seed=5).reshape(-1, plan.columns)[:n].astype(np.int16)
    )
    for x in (noise(n, columns=plan.columns).reshape(-1, plan.columns), loud):
        assert np.array_equal(anomsdk.features(plan, x, engine), anomsdk.features(plan, x, "reference"))


def test_there_are_golden_vectors(kind):
    file = json.loads((ROOT / f"tests/vectors/{kind}.json").read_text(encoding="utf-8"))
    assert file["stem"] == kind and len(file["cases"]) >= 3
    assert all(case["name"] and case["guards"] for case in file["cases"])


# --- float oracles


def sound(ours, oracle, shape):
    for x in signals.synthetic(seconds=4.0).values():
        assert fidelity.compare(ours(x, *shape), oracle(x, *shape), shape[2]).rms_80 <= fidelity.BOUND_80_DB


def motion():
    spec = PipelineSpec.from_toml(SPECS["motion"])
    rng = np.random.default_rng(0)
    x = np.clip(np.round(3000 * rng.standard_normal((400, 6)) + [4096, 0, 0, 0, 0, 0]), -32768, 32767).astype(np.int16)
    ours, oracle = fidelity.motion_levels(x, spec), fidelity.float_motion_levels(x, spec)
    for name in ours.keys() - set(fidelity.MOTION_LINEAR) - {"band_energies"}:
        assert np.abs(ours[name] - oracle[name]).max() < fidelity.MOTION_BOUND_DB, name


def rows():
    x = noise(50, columns=6)
    assert np.array_equal(feature_levels_of(PipelineSpec.from_toml(SPECS["external"]), x), x), "rows are not touched"


def days():
    for slots, columns in ((24, 2), (48, 1)):
        plan = days_plan(columns, slots, mature=3, shift=4, most_missing=slots // 4)
        rows = np.stack([rhythm(20, seed=7 + i, slots=slots, scale=700) for i in range(columns)], axis=1)
        rows[np.random.default_rng(1).integers(0, len(rows), len(rows) // 40)] = MISSING
        rows[8 * slots : 8 * slots + 8] = 0  # off the body
        assert float_days.compared(plan, rows) > 15 * slots


ORACLES = {
    "logmel": lambda: sound(fidelity.logmel_levels, fidelity.librosa_levels, fidelity.LOGMEL_SHAPES[1]),
    "bands": lambda: sound(fidelity.bands_levels, fidelity.float_bands_levels, fidelity.BANDS_SHAPES[1]),
    "motion": motion,
    "external": rows,
    "days": days,
}
"""Kind -> a comparison with float64 within the bounds that `benchmarks.fidelity` and `float_days` state."""


def test_levels_are_those_of_a_float_oracle(kind):
    ORACLES[kind]()
