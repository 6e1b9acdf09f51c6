"""Generated days of a herd, in files as collars send them, with a plan for them: to try the list of a day."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import Plan
from anomsdk.demo.recordings import new_folder
from anomsdk.errors import InputError, printable
from anomsdk.herd.days.overview import DaysList, days_list
from anomsdk.herd.days.report_text import as_text
from anomsdk.planner.spec import PipelineSpec
from anomsdk.synthetic.herd_days import animal_days, as_rows, less, shifted, weather
from anomsdk.train.fitting import fit
from anomsdk.utils.text import counted

SEED = 7
ANIMALS, TRAINED_ON, TRAINED_DAYS = 24, 12, 28
FIRST, TODAY = date(2026, 5, 1), date(2026, 5, 15)
COMMON_DAY = TODAY + timedelta(days=1)
"""Day on which the whole herd moves less."""
LESS, SHIFTED, OFF, SILENT, LEARNING = 3, 7, 11, 15, 19
"""Numbers of animals: moves less, comes later, lost the collar, sends nothing, new in the herd."""
SHARE_LESS, LESS_SLOT, SHIFT_H, OFF_SLOT, COMMON_LESS, LEARNT_DAYS = 0.5, 10, 4, 9, 0.45, 3
SPEC = {
    "format": 1,
    "name": "herd_days",
    "sensor": {
        "kind": "diary",
        "slot_s": 3600,
        "columns": [{"name": "movement", "unit": "counts", "sense": "movement", "largest": 16383}],
    },
    "features": {"kind": "days"},
    "context": {"kind": "stack", "frames": 1},
    "alert": {"m": 2, "n": 3, "off_delay_s": 3600, "cooldown_s": 0, "high_ratio": 0},
    "alarm": {"heartbeat_s": 86400},
    "health": {},
}


@dataclass(frozen=True)
class WrittenDays:
    """Content of the folder that `write` wrote.

    Parameters
    ----------
    folder : holds rows/ and plan/
    animals, days : numbers of animals and of days
    """

    folder: Path
    animals: int
    days: int


@dataclass(frozen=True)
class DaysDemo:
    """Lists of two days, and what of the generated changes they miss.

    Parameters
    ----------
    today, common : list of a day on which single animals changed, and of one on which the herd did
    missed : changes that the lists do not have
    """

    today: DaysList
    common: DaysList
    missed: tuple[str, ...]


def write(
    folder: str | Path, *, seed: int = SEED, progress: Callable[[int, int], None] = lambda done, n: None
) -> WrittenDays:
    """Write diaries of a herd, an hour in each row, and a plan that was trained on another herd.

    Parameters
    ----------
    folder : new or empty; ``rows/<animal>.csv`` and ``plan/`` with spec.toml and plan.json appear in it together
    seed : seed of all random numbers, 0 or more
    progress : called with the number of steps done and of all

    Raises
    ------
    InputError : the folder is not empty, or cannot be written
    """
    if seed < 0:
        raise InputError(f"demo: `seed={seed}`; it must be 0 or more")
    with new_folder(folder) as fresh:
        progress(0, 2)
        days_plan(fresh / "plan", seed)
        progress(1, 2)
        (fresh / "rows").mkdir()
        for name, first, rows in herd_rows(seed):
            (fresh / "rows" / f"{name}.csv").write_text(_csv(first, rows), encoding="utf-8")
    return WrittenDays(Path(folder), ANIMALS, (COMMON_DAY - FIRST).days + 1)


def days_plan(folder: Path, seed: int = SEED) -> Plan:
    """Train a plan on the normal days of a generated herd, and write its folder."""
    shared = weather(np.random.default_rng([seed, 8]), TRAINED_DAYS)
    rows = [
        as_rows(animal_days(np.random.default_rng([seed, 9, each]), TRAINED_DAYS, shared=shared))
        for each in range(TRAINED_ON)
    ]
    return fit(PipelineSpec.from_dict(SPEC), rows, groups=[f"other-{each}" for each in range(TRAINED_ON)], out=folder)


def herd_rows(seed: int = SEED) -> list[tuple[str, date, NDArray[np.int16]]]:
    """Generate the diaries: name, first day and movement of each hour (hours,) of each animal."""
    n_days, at = (COMMON_DAY - FIRST).days + 1, (TODAY - FIRST).days
    shared = weather(np.random.default_rng([seed, 10]), n_days)
    shared[at + 1] *= 1 - COMMON_LESS
    found = []
    for animal in range(1, ANIMALS + 1):
        days, first = animal_days(np.random.default_rng([seed, 11, animal]), n_days, shared=shared), 0
        if animal == LESS:
            days = less(days, SHARE_LESS, first=at, slot=LESS_SLOT)
        if animal == SHIFTED:
            days = shifted(days, SHIFT_H, first=at)
        if animal == OFF:
            days[at, OFF_SLOT:] = days[at + 1 :] = 0
        if animal == LEARNING:
            first = at + 1 - LEARNT_DAYS
        if animal == SILENT:
            days = days[:at]
        found.append((f"cow-{animal:02}", FIRST + timedelta(days=first), as_rows(days[first:])[:, 0]))
    return found


def run(
    engine: str | None = None,
    *,
    seed: int = SEED,
    progress: Callable[[int, int], None] = lambda done, n: None,
) -> DaysDemo:
    """Generate a herd, list a day on which single animals changed, and one on which the herd did."""
    with tempfile.TemporaryDirectory() as place:
        from anomsdk.plans.file import read_plan

        written = write(Path(place) / "herd", seed=seed, progress=progress)
        plan = read_plan(written.folder / "plan" / "plan.json")
        today, common = (
            days_list(written.folder / "rows", plan, day, engine=engine, progress=progress)
            for day in (TODAY, COMMON_DAY)
        )
    return DaysDemo(today, common, tuple(_missed(today, common)))


def report(found: DaysDemo) -> str:
    """Show both lists."""
    return "\n".join([as_text(found.today), "", "the day after:", as_text(found.common)])


def written_report(written: WrittenDays) -> str:
    """Lay out what was written, and what is the matter with some of the animals."""
    return "\n".join(
        [
            printable(f"wrote {written.folder}: generated movement of cows with collars, a row for each hour"),
            f"  rows/  {counted(written.animals, 'file')}  {FIRST} to {COMMON_DAY}, one .csv for each cow",
            f"  plan/  plan.json  trained on {TRAINED_DAYS} days of {TRAINED_ON} other cows, with its spec.toml",
            f"on {TODAY} cow-{LESS:02} moves less, cow-{SHIFTED:02} does all {SHIFT_H} h later, cow-{OFF:02} lost her "
            "collar,",
            f"cow-{SILENT:02} sends nothing, and cow-{LEARNING:02} is new; on {COMMON_DAY} the whole herd moves less",
        ]
    )


def _missed(today: DaysList, common: DaysList) -> list[str]:
    words = {each.device: "; ".join(each.changes) for each in today.changed}
    quiet = {each.device: each.why for each in today.quiet}
    checks = {
        f"cow-{LESS:02} moves less": "less" in words.get(f"cow-{LESS:02}", ""),
        f"cow-{SHIFTED:02} comes later": "later" in words.get(f"cow-{SHIFTED:02}", ""),
        f"cow-{OFF:02} lost her collar": quiet.get(f"cow-{OFF:02}") == "off the body",
        f"cow-{SILENT:02} is silent": quiet.get(f"cow-{SILENT:02}") == "silent",
        f"cow-{LEARNING:02} is learning": quiet.get(f"cow-{LEARNING:02}") == "learning",
        f"no common-mode day on {TODAY}": not today.common,
        f"a common-mode day on {COMMON_DAY}": "less" in {each.kind for each in common.common},
    }
    return [what for what, is_found in checks.items() if not is_found]


def _csv(first: date, rows: NDArray[np.int16]) -> str:
    start = datetime(first.year, first.month, first.day)
    lines = [f"{start + timedelta(hours=at):%Y-%m-%dT%H:%M:%S},{value}" for at, value in enumerate(rows.tolist())]
    return "\n".join(["time,movement", *lines, ""])
