"""Levels certified on recordings of some people and animals, and what the others have at them.

Each data set is split by person or animal: some train and calibrate the plan, which places the rungs; some certify a
level; the others are watched at it. Recordings that a plan knows certify nothing. The recordings of people in motion,
collars and rooms are minutes to hours long, so budgets of alarms an hour are all they can certify, for several of them
together. Two data sets have days: counts of movement of 37 people and of 3 cows.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import anomsdk
from anomsdk.core.export import Export
from anomsdk.core.ladder import RungCounts, Unit, walk
from anomsdk.core.plan import Plan
from anomsdk.planner.ladder import promise_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.file import reference_models_folder
from anomsdk.plans.recording_digests import known_recordings
from anomsdk.runtime.ladders import ScoreLadder
from anomsdk.sources.clips import clip_from_array, pieces
from anomsdk.sources.dropouts import Samples
from anomsdk.stats.budgets import Budget
from anomsdk.stats.intervals import Figure, poisson_rate, share
from benchmarks import motion_recordings, signals
from benchmarks.day_recordings import COWS, FRAMES, PEOPLE, ROW_S, ROWS, Device, day_recordings
from benchmarks.motion_recordings import DATA, Movement

CONFIDENCE, MOST_IN_ALARM = 0.95, 0.05
HOURS = ("4 alarms/1h", "1 alarm/1h", "1 alarm/8h")
DAYS = ("1 alarm-day/4d", "1 alarm-day/7d", "1 alarm-day/30d")
PROVISIONAL = 0.9
TRAIN = anomsdk.train.Options(seed=1)


def missing() -> str | None:
    """The files that do not exist, in words, or None."""
    absent = [name for name in (PEOPLE, COWS) if not (DATA / name).exists()]
    return motion_recordings.missing() or (f"{', '.join(absent)} not in {DATA}" if absent else None)


def with_ladder(folder: Path, budget: str, day_ticks: int | None = None) -> Plan:
    """Plan a folder with a ladder for one budget, its rungs placed by calibration.json.

    Parameters
    ----------
    day_ticks : ticks of a day, where the rate of the plan does not say it
    """
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / folder.name
        shutil.copytree(folder, copy)
        spec = copy / "spec.toml"
        spec.write_text(spec.read_text(encoding="utf-8") + f'\n[ladder]\nbudgets = ["{budget}"]\n', encoding="utf-8")
        made = anomsdk.plan(copy)
    if day_ticks is None or made.ladder is None:
        return made
    ladder = replace(made.ladder, day_ticks=day_ticks, day_rest_q16=0)
    return replace(
        made, ladder=ladder, promises=(promise_plan(Budget.parse(budget), CONFIDENCE, MOST_IN_ALARM, ladder),)
    )


def unknown(plan: Plan, devices: Sequence[Device]) -> tuple[list[Device], int]:
    """Leave out the recordings that a plan was made from; return the rest, and the number left out."""
    known, left = known_recordings(plan.provenance), 0
    found = []
    for device in devices:
        kept = [x for x in device.recordings if not known.purposes(_digest(plan, x))]
        left += len(device.recordings) - len(kept)
        found += [Device(device.name, kept)] if kept else []
    return found, left


def _digest(plan: Plan, samples: Samples) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(plan, samples):
        digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()


def _pieces(plan: Plan, samples: Samples) -> list[Samples]:
    sensor = plan.sensor
    return pieces(clip_from_array("clip", 0, samples, kind=sensor.kind, rate_hz=sensor.rate_millihertz / 1000))


def counted(plan: Plan, device: Device) -> Export:
    """Count the scores of a device in a ladder, with a gap between recordings and where samples were cut out."""
    ladder = ScoreLadder(plan)
    parts = [piece for x in device.recordings for piece in _pieces(plan, x)]
    for scores in anomsdk.score_many(replace(plan, ladder=None, promises=None), parts):
        ladder.take(scores)
        ladder.gap()
    return ladder.export(1)


def together(plan: Plan, devices: Sequence[Device]) -> Export:
    """Count several devices one after the other in one ladder: their mean rate, if alarms come independently."""
    return counted(plan, Device("all", [x for device in devices for x in device.recordings]))


@dataclass(frozen=True)
class Level:
    """Result of a walk.

    Parameters
    ----------
    rung : None: none is certified
    days : days of service that are missing; 0 with no rung: the highest one fails
    """

    rung: int | None
    days: float

    @classmethod
    def of(cls, plan: Plan, found: Export) -> Level:
        """Walk down the ladder of a plan."""
        assert plan.ladder is not None and plan.promises is not None
        promise, counts = plan.promises[0], found.counts
        rung = walk(plan.ladder, promise, counts, found.ticks, found.days).rung
        if rung is not None or counts[-1].ticks > MOST_IN_ALARM * found.ticks:
            return cls(rung, 0)
        n, watched = _of(promise.unit, counts[-1], found)
        unit = plan.ladder.day_q16 / 65536 if promise.unit == Unit.ALARM else 1
        return cls(None, max(0, float(promise.needs[n]) - watched) / unit if n < len(promise.needs) else 0)


def _of(unit: int, counts: RungCounts, found: Export) -> tuple[int, int]:
    return (counts.alarms, found.ticks) if unit == Unit.ALARM else (counts.days, found.days)


class Recordings:
    """Measurements on recordings.

    Parameters
    ----------
    console : where tables go
    folder : where models that are trained go
    """

    def __init__(self, console: Console, folder: Path) -> None:
        self._console, self._folder = console, folder

    def run(self) -> None:
        """Print all tables."""
        table = Table(
            "hours, several together",
            "budget",
            "certified on",
            "level (rung)",
            "alarms of the others",
            "an hour (95 %)",
        )
        self._people_in_motion(table)
        self._cattle(table)
        self._rooms(table)
        self._console.print(table)
        table = Table(
            "days, one device at a time",
            "budget",
            "certified",
            "days watched",
            "alarm-days of the others",
            "share (95 %)",
            "devices above the budget",
        )
        self._cows(table)
        self._people(table)
        self._console.print(table)

    def _people_in_motion(self, table: Table) -> None:
        """Certify human_motion on half of the people of SisFall, of whom it knows none."""
        folder = reference_models_folder() / "human_motion"
        spec = PipelineSpec.from_file(folder / "spec.toml")
        devices = by_group(motion_recordings.sisfall(), spec)
        for first in (0, 1):
            for budget in HOURS:
                name = f"human_motion, SisFall, {'odd' if first else 'even'} half"
                self._hours(
                    table, name, with_ladder(folder, budget), budget, devices[first::2], devices[1 - first :: 2]
                )

    def _cattle(self, table: Table) -> None:
        """Train on some cows, certify on others, and watch the rest."""
        folder = reference_models_folder() / "cattle_collar"
        recipe = signals.recipe("cattle_collar")
        spec = PipelineSpec.from_file(folder / "spec.toml")
        cows: dict[str, list[Samples]] = {}
        for cow, x in recipe.load(recipe.DATA[0], spec):
            cows.setdefault(cow, []).append(x)
        every = [Device(cow, recordings) for cow, recordings in sorted(cows.items())]
        self._hours(table, "cattle_collar, WASP", with_ladder(folder, HOURS[0]), HOURS[0], every[::2], every[1::2])
        made = self._folder / "cattle"
        learning, level, rest = every[:2], every[2:3], every[3:]
        anomsdk.train.fit(
            spec,
            [x for device in learning for x in device.recordings],
            groups=[device.name for device in learning for _ in device.recordings],
            calibration=[x for device in level for x in device.recordings],
            out=made,
            options=TRAIN,
        )
        for out in range(len(rest)):
            certify = [device for i, device in enumerate(rest) if i != out]
            for budget in HOURS[:2]:
                name = f"trained on 3 cows, cow {rest[out].name} watched"
                self._hours(table, name, with_ladder(made, budget), budget, certify, rest[out : out + 1])

    def _rooms(self, table: Table) -> None:
        """Certify audio_scene on its own scenes, which it knows."""
        recipe = signals.recipe("audio_scene")
        clips, label, _ = recipe.load(signals.ESC10)
        rooms = [Device(name, list(clips[label == name])) for name in recipe.NORMAL]
        folder = reference_models_folder() / "audio_scene"
        self._hours(table, "audio_scene, ESC-10", with_ladder(folder, HOURS[0]), HOURS[0], rooms[::2], rooms[1::2])

    def _hours(
        self, table: Table, name: str, plan: Plan, budget: str, certify: Sequence[Device], others: Sequence[Device]
    ) -> None:
        """Add a row: the level that some certify together, and the alarms of the others at it."""
        assert plan.ladder is not None
        usable, left = unknown(plan, certify)
        hour = plan.ladder.day_q16 / 65536 / 24
        if not usable:
            table.add_row(name, budget, f"none: the plan knows all {left} recordings", "", "", "")
            return
        found = together(plan, usable)
        level, on = Level.of(plan, found), f"{len(usable)}, {found.ticks / hour:.2f} h"
        if level.rung is None:
            said = f"needs {24 * level.days:.1f} more hours" if level.days else "the highest rung fails"
            top = found.counts[-1]
            table.add_row(name, budget, on, f"none: {said}", f"({top.alarms} at the highest rung here)", "")
            return
        achieved = together(plan, others)
        alarms, hours = achieved.counts[level.rung].alarms, achieved.ticks / hour
        value = f"{plan.ladder.raise_scores[level.rung]:,} ({level.rung})"
        table.add_row(
            name, budget, on, value, f"{alarms} in {hours:.2f} h, {len(others)}", _shown(poisson_rate(alarms, hours))
        )

    def _cows(self, table: Table) -> None:
        """Train on one cow, certify another, and watch the third; each in each part."""
        cows = day_recordings(COWS)
        for a, b, c in permutations(cows, 3):
            folder = self._folder / f"cow_{a.name}"
            self._train_rows(folder, [a])
            self._days(table, f"cow {a.name} trains, {b.name} certifies", folder, DAYS[1], [b], [c])

    def _people(self, table: Table) -> None:
        """Train on a quarter of the people, certify half of the others one by one, and watch the rest."""
        people = day_recordings(PEOPLE)
        folder = self._folder / "people"
        self._train_rows(folder, people[::4])
        rest = [person for i, person in enumerate(people) if i % 4]
        for budget in DAYS:
            self._days(table, f"people: {len(people[::4])} train", folder, budget, rest[::2], rest[1::2])

    def _train_rows(self, folder: Path, devices: Sequence[Device]) -> None:
        """Train on rows; groups are devices, or thirds of the days of a single one. Every fourth day calibrates."""
        if folder.exists():
            return
        learning, level, groups = [], [], []
        for device in devices:
            rows = 86_400 // ROW_S
            days = [x[at : at + rows] for x in device.recordings for at in range(0, len(x) - FRAMES, rows)]
            for i, day in enumerate(days):
                if len(day) < FRAMES:
                    continue
                if i % 4 == 3:
                    level.append(day)
                else:
                    learning.append(day)
                    groups.append(device.name if len(devices) > 1 else str(3 * i // len(days)))
        spec = PipelineSpec.from_toml(ROWS)
        anomsdk.train.fit(spec, learning, groups=groups, calibration=level, out=folder, options=TRAIN)

    def _days(
        self, table: Table, name: str, folder: Path, budget: str, certify: Sequence[Device], others: Sequence[Device]
    ) -> None:
        """Add a row: the levels that devices certify one by one, and what the others have at the provisional one."""
        plan = with_ladder(folder, budget, day_ticks=86_400 // ROW_S)
        assert plan.ladder is not None
        exports = [counted(plan, device) for device in certify]
        found = [Level.of(plan, export) for export in exports]
        rungs = sorted(level.rung for level in found if level.rung is not None)
        days = sorted(export.days for export in exports)
        need = [level.days for level in found if level.rung is None and level.days]
        fails = sum(level.rung is None and not level.days for level in found)
        parts = [f"{len(rungs)} of {len(found)}"]
        parts += [f"{len(need)} need {_range(min(need), max(need))} more days"] if need else []
        parts += [f"{fails} fail at the highest rung"] if fails else []
        watched = _range(days[0], days[-1])
        if not rungs:
            table.add_row(name, budget, "; ".join(parts), watched, "", "", "")
            return
        rung = rungs[min(len(rungs) - 1, int(np.ceil(PROVISIONAL * len(rungs))) - 1)]
        others_have = [counted(plan, device) for device in others]
        n, of = sum(each.counts[rung].days for each in others_have), sum(each.days for each in others_have)
        rate = float(Budget.parse(budget).rate)
        above = sum(each.counts[rung].days > rate * each.days for each in others_have)
        table.add_row(
            name,
            budget,
            "; ".join(parts),
            watched,
            f"{n} in {of} days, {len(others)} at rung {rung}",
            f"{_shown(share(n, of))}; allowed {rate:.3f}",
            f"{above} of {len(others)}",
        )


def by_group(movement: Movement, spec: PipelineSpec) -> list[Device]:
    """Read the normal recordings of a data set, by person or animal."""
    normal = movement.part(~movement.anomalous)
    samples, found = normal.counts(spec), dict[str, list[Samples]]()
    for group, x in zip(normal.groups.tolist(), samples, strict=True):
        found.setdefault(group, []).append(x)
    return [Device(name, recordings) for name, recordings in sorted(found.items())]


def _range(low: float, high: float) -> str:
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def _shown(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def measure(console: Console) -> bool:
    """Print what recordings certify; there is no bound. Return True."""
    if (absent := missing()) is not None:
        console.print(f"recordings: skipped, {absent}")
        return True
    with tempfile.TemporaryDirectory() as folder:
        Recordings(console, Path(folder)).run()
    return True
