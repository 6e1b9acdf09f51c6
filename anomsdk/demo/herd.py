"""Herd from motion to levels: scores, ladders, a table of levels, the day of the herd, and a level by downlink."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anomsdk.core.export import Export
from anomsdk.core.ladder import LadderPlan
from anomsdk.core.plan import MAX_GAP, Plan
from anomsdk.datasets.score_run import score_into
from anomsdk.datasets.units import Inputs
from anomsdk.demo.herd_device import TARGET, LevelByDownlink, missing_tools, take_level
from anomsdk.demo.herd_motion import HOURS, Pieces, name_of, pieces, recordings_of
from anomsdk.errors import InputError, printable
from anomsdk.herd.levels import read_levels
from anomsdk.herd.overview import herd_day
from anomsdk.herd.report_text import as_text as herd_text
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration
from anomsdk.planner.planner import SPEC_FILE, plan_from
from anomsdk.planner.sections import LadderSection
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.file import reference_models_folder, write_plan
from anomsdk.plans.tflite.reader import read_tflite
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.sources.recording import Recording, read_recording
from anomsdk.stats.budgets import Budget
from anomsdk.tune.data_sets import DataSetLadders
from anomsdk.tune.herd import Herd
from anomsdk.tune.herd import tune as tuned_herd
from anomsdk.tune.inputs import open_herd
from anomsdk.tune.report_text import sentence
from anomsdk.tune.table import write_table
from anomsdk.utils.text import counted, duration, table

SEED = 7
ANIMALS = 1000
MODEL = "cattle_collar"
BUDGET, CONFIDENCE = "1 alarm/1h", 0.95
DAYS, LEVELS = "days", "levels.csv"
"""Names of the data set and of the table below the folder of the demonstration."""
_COUNTED_AGAIN = 3
"""Animals whose ladders a pipeline counts again."""
_COLUMNS = ("device", "status", "level", "level_tag", "downlink", "bound", "missing_days", "count")
_ROWS, _HERD_LINES = 3, 8
_DEVICE_S = 60


@dataclass(frozen=True)
class HerdDemo:
    """Result of `run`.

    Parameters
    ----------
    plan : Plan with the ladder
    devices, rows : devices and device days that were added up
    level : what a device did with its downlink; None: compiler or emulator is missing
    failed : what a step's own check found wrong, in words; empty: nothing
    """

    plan: Plan
    devices: int
    rows: int
    level: LevelByDownlink | None
    failed: tuple[str, ...]


def herd_plan() -> Plan:
    """Plan the reference model for collars with a ladder that counts for a budget in hours."""
    folder = reference_models_folder() / MODEL
    ladder = LadderSection(budgets=(BUDGET,), confidence=CONFIDENCE)
    spec = PipelineSpec.from_file(folder / SPEC_FILE).model_copy(update={"ladder": ladder})
    calibration = Calibration.from_file(folder / CALIBRATION_FILE)
    return plan_from(spec, read_tflite(folder / "model.tflite"), calibration, folder=folder)


def run(
    folder: Path,
    *,
    animals: int = ANIMALS,
    recordings: Path | None = None,
    engine: str | None = None,
    seed: int = SEED,
    say: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> HerdDemo:
    """Take a herd from motion to the level of each animal, step by step, and check each step.

    Parameters
    ----------
    folder : where the data set ``days``, the table ``levels.csv`` and ``plan.json`` are written
    animals : number of animals, 1 or more
    recordings : file of real recordings to resample, see `anomsdk.demo.herd_motion.pieces`; None: generate motion
    engine : see `anomsdk.Pipeline`
    seed : of all random numbers, 0 or more
    say : called with the lines of each step as soon as it is done
    progress : called with the samples in bytes that were scored, and with those of all animals

    Raises
    ------
    InputError : the recordings cannot be used, pyarrow is missing, or the folder cannot be written
    """
    if seed < 0 or animals < 1:
        raise InputError(f"demo: `seed={seed}` with {animals:,} animals; give 0 or more, and at least one animal")
    plan, budget = herd_plan(), Budget.parse(BUDGET)
    of = pieces(plan, recordings, seed)
    herd_of = {name_of(animal): recordings_of(animal, of, plan, seed) for animal in range(animals)}
    say(_step("resample", f"{counted(animals, 'animal')} of {HOURS} h on two days, made of {of.source}"))

    begin = time.monotonic()
    days, levels, failed = folder / DAYS, folder / LEVELS, list[str]()
    written = score_into(plan, Inputs.at_hand(herd_of), days, go_on=True, engine=engine, progress=progress)
    write_plan(plan, folder / "plan.json")
    say(_step("score", f"{written}, in {duration(time.monotonic() - begin)}"))

    herd = open_herd(plan, [days], budget, CONFIDENCE)
    data = herd.data
    assert data is not None
    again = [name_of(animal) for animal in range(min(_COUNTED_AGAIN, animals))]
    failed += [wrong for name in again if (wrong := _differs(plan, herd, name, herd_of[name], engine))]
    if data.rows != written.device_days or len(data.ladders) != animals:
        failed.append(f"{data.rows:,} rows of {len(data.ladders):,} devices were added up, not all that were written")
    say(_step("ladders", _added_up(data, plan, again, failed)))

    tuned = tuned_herd(herd, budget, CONFIDENCE)
    say(_step("tune", sentence(tuned)))
    write_table(tuned, levels)
    with levels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if [row["device"] for row in rows] != sorted(herd_of):
        failed.append(f"the table has {counted(len(rows), 'row')} for {counted(animals, 'animal')}")
    say(_step("table", f"{counted(len(rows), 'row')}, a device each; the first are"))
    say(table([_COLUMNS, *([row[name] for name in _COLUMNS] for row in rows[:_ROWS])], right=(2, 3, 5, 6, 7)))

    day = herd_day(days, plan, levels=read_levels(levels, plan))
    say(_step("herd", f"{day.day}, each animal at its level of the table"))
    say("\n".join(herd_text(day).splitlines()[:_HERD_LINES]))

    level = None
    if missing := missing_tools():
        say(_step("downlink", f"left out: {missing}"))
    else:
        row = next((row for row in rows if row["status"] == "certified"), rows[0])
        samples = read_recording(herd_of[row["device"]][0])[: round(_DEVICE_S * plan.rate_hz)]
        level = take_level(plan, bytes.fromhex(row["downlink"]), samples)
        if not level.is_taken:
            failed.append(f"device {row['device']}: the events of C are not those of Python, or no level was set")
        say(_step("downlink", _by_downlink(row, level)))
    say(_limit(of))
    return HerdDemo(plan, len(data.ladders), data.rows, level, tuple(failed))


def _step(name: str, what: str) -> str:
    return printable(f"{name:<9} {what}")


def _added_up(data: DataSetLadders, plan: Plan, again: Sequence[str], failed: Sequence[str]) -> str:
    assert isinstance(plan.ladder, LadderPlan)
    what = (
        f"{counted(data.rows, 'row')} of {counted(len(data.ladders), 'device')} added up, {plan.ladder.n_rungs} rungs"
    )
    same = "not equal" if failed else "equal"
    return f"{what}; a pipeline counts {', '.join(again)} again: {same}"


def _differs(plan: Plan, herd: Herd, name: str, recordings: Sequence[Recording], engine: str | None) -> str:
    """Count a device again with the ladder of one pipeline, and say what differs; empty: nothing."""
    export, found = _export_of(plan, recordings, engine), herd.ladders[name]
    counts = [(each.ticks, each.alarms) for each in found.counts]
    if (found.ticks, found.days, counts) == (
        export.ticks,
        export.days,
        [(each.ticks, each.alarms) for each in export.counts],
    ):
        return ""
    return f"device {name}: the sum of its rows is not what a pipeline counts"


def _export_of(plan: Plan, recordings: Sequence[Recording], engine: str | None) -> Export:
    with Pipeline(plan, engine) as pipeline:
        stop_ns = None
        for each in recordings:
            assert each.start_ns is not None and each.length is not None
            missing = 0 if stop_ns is None else round((each.start_ns - stop_ns) * plan.rate_hz / 1e9)
            while missing:
                part = min(missing, MAX_GAP)
                pipeline.gap(part)
                missing -= part
            pipeline.process(read_recording(each))
            stop_ns = each.start_ns + round(each.length * 1e9 / plan.rate_hz)
        return Export.from_bytes(pipeline.export(device=0, boot=1))


def _by_downlink(row: dict[str, str], level: LevelByDownlink) -> str:
    event = level.level_event
    receipt = "no level event" if event is None else f"level event {bytes(event).hex()}"
    same = "equal to those of Python" if level.in_c == level.in_python else "not those of Python"
    return (
        f"{level.downlink.hex()} puts level {row['level_tag']} in force on {row['device']}, an emulated {TARGET}: "
        f"{receipt}; its {counted(len(level.in_c), 'event')} of 16 bytes are {same}"
    )


def _limit(of: Pieces) -> str:
    """Say why the certificates of the demonstration are none."""
    why = (
        "recordings like these trained the model, and the same pieces come again and again"
        if of.are_real
        else "the motion is generated"
    )
    return (
        f"These levels certify nothing: {why}. The demo shows the way from scores to levels; evidence takes days of "
        "your own animals."
    )
