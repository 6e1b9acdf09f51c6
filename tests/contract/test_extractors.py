"""The contract that every extractor keeps, whatever its kind: a new one is in here as soon as it is registered."""

import json

import numpy as np
import pytest

import anomsdk
from anomsdk.core.extractor import Extractor
from anomsdk.core.framer import BATCH
from anomsdk.core.pipeline import extractor_for
from anomsdk.core.plan import EXTRACTORS
from anomsdk.core.reasons import Group
from anomsdk.planner.front_end import extractor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.data.feature_levels import feature_levels_of
from benchmarks import fidelity, signals
from tests.support.make import ROOT, SPECS, noise

KINDS = tuple(EXTRACTORS)
GATHERED = {"_sums", "_peak"}
"""Arrays in which an extractor may keep energies from one window to the next."""


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
    frames[4::7, ::2] = -32768
    frames[5::7, : section.window // 2] = 32767
    return np.clip(np.round(frames), -32768, 32767).astype(np.int64)


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
    section.normalisation.check(section.n_features, *(np.zeros(section.n_features, np.int64),) * 2, "test")
    section.check()


def test_a_frame_comes_of_so_many_windows(section):
    n = 3 * section.hops_per_frame + 1
    features, completed = pushed(extractor_for(section), windows(section, n), range(1, n))
    assert features.shape == (n // section.hops_per_frame, section.n_features)
    assert completed.tolist() == [(k + 1) * section.hops_per_frame - 1 for k in range(n // section.hops_per_frame)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_how_windows_are_handed_over_does_not_matter(section, seed):
    n = 4 * section.hops_per_frame + 3
    frames = windows(section, n, seed)
    whole = pushed(extractor_for(section), frames)
    cuts = np.random.default_rng(seed).integers(1, n, 5)
    for found, expected in zip(pushed(extractor_for(section), frames, cuts), whole, strict=True):
        assert np.array_equal(found, expected)


def test_features_are_int8_and_no_less_than_the_map_allows(section):
    features, _ = pushed(extractor_for(section), windows(section, 7 * section.hops_per_frame))
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


def test_nothing_of_a_window_stays_but_what_is_gathered(section):
    used, fresh = extractor_for(section), extractor_for(section)
    pushed(used, windows(section, section.hops_per_frame + 3)[2:])
    pairs = zip(arrays(used, set()), arrays(fresh, set()), strict=True)
    assert {name for (name, a), (_, b) in pairs if not np.array_equal(a, b)} <= GATHERED


def test_a_restart_forgets(section):
    extractor, n = extractor_for(section), 2 * section.hops_per_frame
    pushed(extractor, windows(section, n - 1))
    extractor.restart()
    frames = windows(section, n, seed=3)
    for found, expected in zip(pushed(extractor, frames), pushed(extractor_for(section), frames), strict=True):
        assert np.array_equal(found, expected)


def test_what_comes_in_is_left_as_it_was_or_is_scratch(section):
    """Windows are a view of the framer's scratch: an extractor that keeps it would keep samples."""
    extractor = extractor_for(section)
    frames = windows(section, section.hops_per_frame)
    features, _ = extractor.push(frames)
    before = features.copy()
    frames.fill(77)
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


ORACLES = {
    "logmel": lambda: sound(fidelity.logmel_levels, fidelity.librosa_levels, fidelity.LOGMEL_SHAPES[1]),
    "bands": lambda: sound(fidelity.bands_levels, fidelity.float_bands_levels, fidelity.BANDS_SHAPES[1]),
    "motion": motion,
    "external": rows,
}
"""Kind -> a comparison with float64 within the bounds that `benchmarks.fidelity` states."""


def test_levels_are_those_of_a_float_oracle(kind):
    ORACLES[kind]()
