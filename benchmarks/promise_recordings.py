"""Levels certified on recordings of some people and animals, and what the others have at them.

Each data set is split by person or animal: some train and calibrate the plan, which places the rungs; some certify a
level; the others are watched at it. Recordings that a plan knows certify nothing. The recordings of people in motion,
collars and rooms are minutes to hours long, so budgets of alarms an hour are all they can certify, for several together.
Two data sets have days: counts of movement of 37 people and of 3 cows.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import anomsdk
from anomsdk.core.export import Export
from anomsdk.core.ladder import Unit, walk
from anomsdk.core.plan import Plan
from anomsdk.planner.ladder import promise_plan
from anomsdk.planner.sections import LadderSection
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.file import reference_models_folder
from anomsdk.plans.recording_digests import known_recordings
from anomsdk.runtime.ladders import ScoreLadder
from anomsdk.sources.clips import clip_from_array, pieces
from anomsdk.sources.dropouts import Samples
from anomsdk.stats.intervals import Figure, poisson_rate, share
from anomsdk.stats.promises import Budget
from benchmarks import motion_recordings, scenes, signals
from benchmarks.motion_recordings import DATA

CONFIDENCE, MOST_IN_ALARM = 0.95, 0.05
HOURS = ("4 alarms/1h", "1 alarm/1h", "1 alarm/8h")
DAYS = ("1 alarm-day/4d", "1 alarm-day/7d", "1 alarm-day/30d")
PEOPLE, COWS = "people_days_1min.npz", "cow_days_15min.npz"
ROW_S = 900
OFF_S = 4 * 3600
"""Shortest time without any movement after which a day counts as one with the sensor off the body."""
PROVISIONAL = 0.9
TRAIN = anomsdk.train.Options(seed=1)

ROWS = """
format = 1
name = "days"
[sensor]
kind = "external"
rate_hz = 0.001  # stands for a row in 15 minutes, which a plan cannot say: rates are in thousandths of a hertz
[features]
kind = "external"
n_features = 4
[context]
kind = "summary"
frames = 8
statistics = ["mean", "max"]
[model]
max_macs = 5000
[alert]
m = 1
n = 1
off_delay_s = 4000
cooldown_s = 0
"""


@dataclass(frozen=True, eq=False)
class Device:
    """Recordings of one person, animal or room.

    Parameters
    ----------
    name : person, animal or room
    recordings : int16 (n,) or (n, columns) each, with a gap between one and the next
    """

    name: str
    recordings: Sequence[Samples]


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
    spec = PipelineSpec.from_file(folder / "spec.toml")
    section = LadderSection(budgets=(budget,), confidence=CONFIDENCE, max_alarm_fraction=MOST_IN_ALARM)
    made = anomsdk.plan_of(folder, spec.model_copy(update={"ladder": section}))
    if day_ticks is None:
        return made
    ladder = replace(made.ladder, day_ticks=day_ticks, day_rest_q16=0)
    promise = promise_plan(Budget.parse(budget), CONFIDENCE, MOST_IN_ALARM, ladder)
    return replace(made, ladder=ladder, promises=(promise,))


def unknown(plan: Plan, devices: Sequence[Device]) -> tuple[list[Device], int]:
    """Leave out the recordings that a plan was made from; return the rest, and the number left out."""
    known, left = known_recordings(plan.provenance), 0
    found = []
    for device in devices:
        kept = [x for x in device.recordings if not known.purposes(_digest(x))]
        left += len(device.recordings) - len(kept)
        found += [Device(device.name, kept)] if kept else []
    return found, left


def _digest(samples: Samples) -> str:
    digest = hashlib.sha256()
    for piece in pieces(clip_from_array("clip", 0, samples)):
        digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()
