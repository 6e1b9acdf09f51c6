"""Real days of cows and people as diary rows, and the frames and comparisons of changed days of each animal."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.days import MISSING, Days, DaysPlan
from anomsdk.core.fixed import Ints
from anomsdk.planner.front_end import extractor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.synthetic.days import CHANGES, ONE_DAY, Change, Rows, usual_day
from benchmarks.day_peers import Past, Seen
from benchmarks.signals import SHARED

SLOTS = 24
MOST_MISSING = 6
OFF_BODY_H = {"cows": 4, "people": 5}
SCALES = {"cows": 16.0, "people": 4.0}
"""Factor by which the mean of an hour becomes an integer."""
FILES = {"cows": ("cow_days_15min.npz", "cow_days_1min.npz"), "people": ("people_days_1min.npz",)}
UNTOUCHED = "untouched"
DECLINE_STEP = 2
"""Slow changes and those of three days begin on every second judged day."""
RESAMPLED = 3
"""Herds of resampled days in which declines over 21 days are put."""


@dataclass(frozen=True)
class Animal:
    """Rows of one animal or person, whole days from midnight on."""

    name: str
    source: str
    rows: Rows


@dataclass(frozen=True)
class Day:
    """Last frame of a day, untouched or changed, and its comparison for the simple detectors."""

    animal: str
    day: int
    kind: str
    frame: Ints
    seen: Seen


@dataclass
class AnimalDays:
    """Frames of all judged slots of an untouched animal, which train, and its days."""

    name: str
    frames: Ints
    days: list[Day] = field(default_factory=list)


def spec_of(herd: str) -> PipelineSpec:
    """Return the spec of a plan that judges one column of activity by the hour."""
    return PipelineSpec.from_dict(
        {
            "format": 1,
            "name": f"{herd}_days",
            "sensor": {"kind": "diary", "slot_s": 3600, "columns": [{"name": "activity", "largest": 8191}]},
            "features": {"kind": "days", "off_body_h": OFF_BODY_H[herd]},
            "context": {"kind": "stack", "frames": 1},
        }
    )


def missing() -> str | None:
    """Say which file of recordings does not exist; None: all do."""
    files = [name for names in FILES.values() for name in names]
    gone = [name for name in files if not (SHARED / name).is_file()]
    return f"{gone[0]} is not in {SHARED}" if gone else None


def animals(herd: str) -> list[Animal]:
    """Read the animals of a herd; an hour with less than half of its steps is missing."""
    found = []
    for name in FILES[herd]:
        with np.load(SHARED / name) as file:
            x, offsets, step, t0 = file["x"], file["offsets"], int(file["step_s"]), file["t0"]
            subjects = file["subject"]
        for at, (first, last) in enumerate(itertools.pairwise(offsets)):
            lead = int(t0[at] % 86_400) // step
            values = np.concatenate([np.full(lead, -1.0), x[first:last, 0].astype(np.float64)])
            per_slot = 3600 // step
            values = values[: len(values) // (per_slot * SLOTS) * per_slot * SLOTS].reshape(-1, per_slot)
            there = values >= 0
            mean = (values * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
            rows = np.clip(np.rint(mean * SCALES[herd]), 0, 32767)
            rows[there.mean(axis=1) < 0.5] = MISSING
            found.append(Animal(str(subjects[at]), name, rows.astype(np.int16).reshape(-1, 1)))
    return found


def as_day(rows: Rows, off_body: int) -> NDArray[np.float64]:
    """Return a day as float64 (24,), NaN where missing and where nothing but 0 stands for ``off_body`` slots."""
    values = rows[:, 0].astype(np.float64)
    zero = np.diff(np.concatenate([[0], (values == 0).astype(int), [0]]))
    for first, last in zip(np.flatnonzero(zero == 1), np.flatnonzero(zero == -1), strict=True):
        if last - first >= off_body:
            values[first:last] = np.nan
    values[values == MISSING] = np.nan
    return values


def is_whole(day: NDArray[np.float64]) -> bool:
    """Tell whether a day has few enough missing slots to be judged."""
    return int(np.isnan(day).sum()) <= MOST_MISSING


class Watched:
    """Extractor and past of one animal, day by day."""

    def __init__(self, plan: DaysPlan) -> None:
        self._off_body = plan.off_body
        self._extractor, self.past = Days(plan), Past()

    def copy(self) -> Watched:
        """Return an independent copy."""
        other = copy.copy(self)
        other._extractor, other.past = copy.deepcopy(self._extractor), self.past.copy()
        return other

    def push(self, rows: Rows) -> Ints:
        """Take the rows of a day, and return its frames (n, n_features)."""
        found, _ = self._extractor.levels(rows[:, None].astype(np.int64))
        return found

    def learn(self, rows: Rows) -> None:
        """Let the simple detectors learn a day."""
        day = as_day(rows, self._off_body)
        if is_whole(day):
            self.past.learn(day)

    def judge(self, animal: str, day: int, kind: str, rows: Rows, frames: Ints) -> Day | None:
        """Return a day with its frames; None where it is not judged. The past does not learn it."""
        values = as_day(rows, self._off_body)
        if not len(frames) or not is_whole(values) or not self.past.is_mature:
            return None
        return Day(animal, day, kind, frames[-1], self.past.compare(values))

    def follow(self, animal: str, day: int, kind: str, rows: Rows) -> Day | None:
        """Take the rows of several days and judge the last one."""
        for each in rows[:-SLOTS].reshape(-1, SLOTS, rows.shape[1]):
            self.push(each)
            self.learn(each)
        last = rows[-SLOTS:]
        return self.judge(animal, day, kind, last, self.push(last))


def days_of(herd: str, number: int, seed: int = 0) -> AnimalDays:
    """Compute frames and days of one animal of a herd, untouched and with every change."""
    herd_animals, plan = animals(herd), extractor_plan(spec_of(herd), None)
    assert isinstance(plan, DaysPlan)
    animal = herd_animals[number]
    same = [each for each in herd_animals if each.source == animal.source and each is not animal] or [
        each for each in herd_animals if each is not animal
    ]
    rng = np.random.default_rng([seed, number])
    watched, frames, found = Watched(plan), [], list[Day]()
    n_judged = 0
    for day in range(len(animal.rows) // SLOTS):
        today = animal.rows[day * SLOTS : (day + 1) * SLOTS]
        before = watched.copy()
        frames.append(watched.push(today))
        whole = watched.judge(animal.name, day, UNTOUCHED, today, frames[-1])
        if whole is not None:
            found.append(whole)
            usual = usual_day(animal.rows[: day * SLOTS], SLOTS)
            begin = n_judged % DECLINE_STEP == 0
            found += _changed(before, animal, day, usual, rng, several=begin)
            if begin:
                other = same[int(rng.integers(len(same)))]
                found += _swapped(before, other, animal.name, day, rng)
            n_judged += 1
        watched.learn(today)
    return AnimalDays(animal.name, np.concatenate(frames), found)


def _changed(
    before: Watched, animal: Animal, day: int, usual: NDArray[np.float64], rng: np.random.Generator, *, several: bool
) -> Iterator[Day]:
    """Yield the day with each change; with ``several``, also three days and a slow decline that begin on it."""
    plans: list[tuple[str, Change, int]] = [(name, change, 1) for name, change in ONE_DAY.items()]
    if several:
        plans += [(f"{name}, 3 days", change, 3) for name, change in ONE_DAY.items()]
        plans.append(("decline_7d", CHANGES["decline_7d"], 7))
    for name, change, n in plans:
        rows = animal.rows[day * SLOTS : (day + n) * SLOTS]
        if len(rows) == n * SLOTS:
            seeds = np.random.default_rng(rng.integers(1 << 32))
            made = before.copy().follow(animal.name, day + n - 1, name, change.put(rows, usual, seeds))
            if made is not None:
                yield made


def _swapped(before: Watched, other: Animal, name: str, day: int, rng: np.random.Generator) -> Iterator[Day]:
    """Yield the first and the second day on which the collar sits on another animal."""
    last = len(other.rows) // SLOTS - 2
    at = min(day, last)
    for n in (1, 2):
        rows = other.rows[at * SLOTS : (at + n) * SLOTS]
        made = before.copy().follow(name, day, f"swapped, day {n}", rows)
        if made is not None:
            yield made


def resampled(herd: str, number: int, seed: int = 0) -> list[Day]:
    """Put declines over 21 days into days that are drawn from the animal's own whole days, with replacement."""
    plan = extractor_plan(spec_of(herd), None)
    assert isinstance(plan, DaysPlan)
    animal, rng = animals(herd)[number], np.random.default_rng([seed, number, 21])
    days = animal.rows.reshape(-1, SLOTS, 1)
    whole = [each for each in days if is_whole(as_day(each, plan.off_body))]
    found = []
    for trial in range(RESAMPLED):
        drawn = np.concatenate([whole[at] for at in rng.integers(len(whole), size=14 + 21)])
        watched = Watched(plan)
        watched.follow(animal.name, trial, "", drawn[: 14 * SLOTS])
        watched.learn(drawn[13 * SLOTS : 14 * SLOTS])
        rows, usual = drawn[14 * SLOTS :], usual_day(drawn[: 14 * SLOTS], SLOTS)
        for kind, given in (
            ("resampled", rows),
            ("decline_21d", CHANGES["decline_21d"].put(rows, usual, rng)),
        ):
            made = watched.copy().follow(animal.name, trial, kind, given)
            if made is not None:
                found.append(made)
    return found
