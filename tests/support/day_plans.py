"""Any plan of days and any diary, from seeds: what the parity tests of days run engines over."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.core.affine import AffinePlan
from anomsdk.core.baseline import OFF
from anomsdk.core.context import StackPlan
from anomsdk.core.days import DAY_S, MISSING, SLOTS, DaysPlan, largest_levels
from anomsdk.core.framer import FramerPlan
from anomsdk.core.plan import DiaryColumn, DiarySensorPlan
from anomsdk.core.profile import ProfilePlan
from anomsdk.core.reasons import ReasonsPlan, marks
from anomsdk.core.rung import levels
from anomsdk.core.score import ScoreGroup
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from tests.support.make import make_calibration, random_layers
from tests.support.supervised import any_alarm, any_health, any_ladder, any_promises, any_timing, short_timing

Rows = NDArray[np.int16]

SPEC = """
format = 1
name = "any"
[sensor]
kind = "external"
rate_hz = 10
[features]
kind = "external"
n_features = {}
[context]
kind = "stack"
frames = 1
[alert]
m = {}
n = {}
raise_score = 1
"""


def any_days_plan(folder: Path, seed: int) -> anomsdk.Plan:
    """A plan of days, everything drawn; folder must not exist yet.

    Days of 12 to 96 slots, rows of 1 to 8 columns of which 1 to 4 are judged, any model, one to four groups of the
    score whose sizes lie near each other, an alarm, a health and a ladder section or none, a reference rung among the
    scores.
    """
    rng = np.random.default_rng(seed)
    days = _any_section(rng)
    n = int(rng.integers(1, 6))
    spec = PipelineSpec.from_toml(SPEC.format(days.n_features, rng.integers(1, n + 1), n))
    hidden = rng.integers(1, 20, rng.integers(0, 2)).tolist()
    layers = random_layers([days.n_features, *hidden, days.n_features], rng, per_channel=bool(rng.random() < 0.5))
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text(SPEC.format(days.n_features, rng.integers(1, n + 1), n))
    (folder / "model.tflite").write_bytes(write_tflite(layers))
    model = parse_tflite((folder / "model.tflite").read_bytes(), name="model.tflite")
    (folder / "calibration.json").write_text(make_calibration(spec, model, rng).model_dump_json())
    made = anomsdk.plan(folder)
    groups, codes = marks(days.groups, (False,))
    names = [DiaryColumn(f"column_{i}", "", "other") for i in range(days.columns)]
    plan = dataclasses.replace(
        made,
        folder=None,
        sensor=DiarySensorPlan(slot_s=DAY_S // days.slots, columns=tuple(names)),
        framer=FramerPlan(window=1, hop=1),
        extractor=days,
        context=StackPlan(frames=1, stride=1),
        score=dataclasses.replace(made.score, groups=_any_groups(days, rng)),
        baseline=dataclasses.replace(OFF, reference_score=1 << 31),
        reasons=ReasonsPlan(groups, codes, rng.integers(1, 1 << 20, len(codes)).astype("<i4")),
    )
    plan = _levelled(plan, rng)
    plan.check()
    return plan


def _levelled(plan: anomsdk.Plan, rng: np.random.Generator) -> anomsdk.Plan:
    """A plan with sections, votes, delays and levels that its scores reach, that of the reference rung among them."""
    scores = anomsdk.score(plan, any_diary(plan, 30, rng), "native")
    level, reference = (int(np.quantile([*scores.tolist(), 1000], rng.uniform(0.5, 1))) + 1 for _ in range(2))
    timing = any_timing(rng)
    sections: dict[str, Any] = {"alarm": any_alarm(rng)} if rng.random() < 0.6 else {}
    if rng.random() < 0.3:
        sections["health"] = any_health(plan, rng)
    if rng.random() < 0.4:
        timing = short_timing(timing)
        ladder = dataclasses.replace(any_ladder(level, rng), episode_gap=int(rng.choice([0, 1, 3, 254])))
        sections |= {"ladder": ladder, "promises": any_promises(ladder, rng)}
    baseline = dataclasses.replace(plan.baseline, reference_score=min(reference, 2**32 - 1))
    own = levels(min(level, 2**32 - 1), timing)
    return dataclasses.replace(plan, timing=timing, levels=own, baseline=baseline, **sections)


def _any_section(rng: np.random.Generator) -> DaysPlan:
    slots = int(rng.choice([12, 12, 12, 24, 24, int(rng.choice(SLOTS))], p=[0.2, 0.2, 0.2, 0.15, 0.15, 0.1]))
    columns = int(rng.integers(1, 9))
    n = int(rng.integers(1, min(4, columns) + 1))
    largest = largest_levels(slots, n)
    gain = (127 << 16) // largest // int(rng.choice([1, 1, 2]))
    return DaysPlan(
        columns=columns,
        judged=rng.permutation(columns)[:n].astype("u1"),
        shift=rng.integers(0, int(rng.choice([1, 15])), n).astype("u1"),
        cos_q14=np.rint(16384 * np.cos(2 * np.pi * np.arange(slots) / slots)).astype("<i2"),
        profile=ProfilePlan(slots, n, int(rng.integers(2, 8)), int(rng.integers(1, 4 * slots))),
        most_missing=int(rng.integers(0, slots // 4 + 1)),
        off_body=int(rng.choice([0, 1, 3, slots])),
        normalisation=AffinePlan(
            gain=gain.astype("<i4"),
            bias=np.full(len(gain), 1 << 15, "<i4"),
            shift=np.full(len(gain), 16, "u1"),
            low=-127,
            high=127,
        ),
    )


def _any_groups(days: DaysPlan, rng: np.random.Generator) -> tuple[ScoreGroup, ...]:
    """The parts of a frame, maybe joined, each with a gain from which some ticks reach the largest size."""
    parts = [list(part) for part in days.parts]
    while len(parts) > 1 and rng.random() < 0.2:
        last = parts.pop()
        parts[-1][1] = last[1]
    found = []
    for first, last, squared in parts:
        widest = (last - first + 1) * 40.0 * 2 ** rng.uniform(-3, 3)
        ratio = (40000.0**2 / (widest * 40) if squared else 40000.0 / widest) * 2 ** rng.uniform(-2, 2)
        shift = int(rng.integers(0, 20)) % max(1, int(30 - np.log2(max(ratio, 1))))
        found.append(ScoreGroup(first, last, squared, max(1, int(ratio * 2**shift)), shift))
    return tuple(found)


def any_diary(plan: anomsdk.Plan, days: int, rng: np.random.Generator) -> Rows:
    """Rows of days with a rhythm, and in them all that a profile must stand: see `_disturbed`."""
    section = plan.extractor
    assert isinstance(section, DaysPlan)
    n = days * section.slots
    at = np.arange(n)[:, None]
    rhythm = 1 + rng.uniform(0, 1, section.columns) * np.cos(2 * np.pi * (at / section.slots + rng.random()))
    loudest = 10 ** rng.uniform(0.5, 4.2, section.columns)
    rows = np.clip(rhythm * loudest * rng.gamma(3, 1 / 3, (n, section.columns)), 0, 32767).astype(np.int16)
    for _ in range(int(days * rng.choice([0.1, 0.5, 1]))):
        first = int(rng.integers(n))
        _disturbed(
            rows[first : first + int(rng.choice([1, 3, section.slots // 2, section.slots, 3 * section.slots]))], rng
        )
    return rows


def _disturbed(rows: Rows, rng: np.random.Generator) -> None:
    """Missing rows, rows of 0, the extremes, negative values, another level, another day; in place."""
    kind = int(rng.integers(7))
    if kind == 0:
        rows[rng.random(len(rows)) < 0.7] = MISSING
    elif kind == 1:
        rows[:, int(rng.integers(rows.shape[1]))] = MISSING
    elif kind == 2:
        rows[:] = 0
    elif kind == 3:
        rows[:] = rng.choice([0, 32767], rows.shape)
    elif kind == 4:
        rows[:] = rng.choice([-1, -32767, 32767, 1], rows.shape)
    elif kind == 5:
        rows[:] = np.clip(rows * float(rng.choice([0.2, 0.7, 3])), -32768, 32767)
    else:
        rows[:] = rows[::-1].copy()
