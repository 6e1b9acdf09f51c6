"""The collar of the how-to that certifies its own level: on an emulated core, in Python, and with power cuts."""

from __future__ import annotations

import csv
import runpy
from itertools import pairwise

import numpy as np
import pytest

import anomsdk
from anomsdk.core.event import Event, Kind, Promise, Restart
from anomsdk.core.export import Export
from anomsdk.errors import InputError
from anomsdk.mcu import Machine, compile_firmware
from tests.support.pages import DOCS, blocks, run_page

PAGE = DOCS / "how-to" / "a-promise-for-my-device.md"
STORE_PAGE = DOCS / "how-to" / "a-collar-that-sleeps.md"
TARGET = "cortex-m4"
DAY_MIN, NEEDED = 24 * 60, 109
"""Minutes of a day, and days without an alarm that the budget needs."""
TICKS, TICKS_OF_A_CUT = 3, 3 * (4 + 1)
"""Ticks of a period; those since the last save, at most, and of the period that was cut."""
LOG, ROW = 24 + 2 * 1024, 340
"""Offset of the first row of the log in `world`, and the bytes of a row."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The page's folder after all of its commands and programs; its last program compares with engine native."""
    folder = tmp_path_factory.mktemp("promise")
    for block in blocks(STORE_PAGE):
        if block.title.endswith((".h", ".c")):
            (folder / block.title).parent.mkdir(exist_ok=True)
            (folder / block.title).write_text(block.text)
    run_page(PAGE, folder)
    return folder / "promise"


@pytest.fixture(scope="module")
def scenario(place):
    return runpy.run_path(str(place / "scenario.py"))


@pytest.fixture(scope="module")
def program(place):
    firmware = place / "firmware"
    sources = [*sorted(firmware.glob("src/*.c")), firmware / "anom_plan_collar.c"]
    sources += [place / name for name in ("main.c", "store.c", "world.c")]
    include = [firmware, firmware / "include", firmware / "src", place]
    return compile_firmware(sources, TARGET, keep=["main", "world", "world_script", "memory"], include=include)


def log_of(world: bytes) -> list[tuple[int, bytes]]:
    """(minute, bytes) of all that the radio sent."""
    sent = int.from_bytes(world[20:24], "little")
    rows = [world[at : at + ROW] for at in range(LOG, LOG + ROW * sent, ROW)]
    return [(int.from_bytes(row[:4], "little"), row[8 : 8 + int.from_bytes(row[4:8], "little")]) for row in rows]


def run_with_cuts(program, scenario, cut_every):
    """Run to the end of the script: what was sent, and the minutes at which the power was cut."""
    rng, cuts = np.random.default_rng(3), []
    world = bytearray(len(Machine(program, TARGET).read("world")))
    world[8:16] = (scenario["DAYS"] * DAY_MIN * 60_000).to_bytes(8, "little")
    while True:
        board = Machine(program, TARGET)
        board.write("memory", rng.bytes(len(board.read("memory"))))
        board.write("world_script", scenario["samples"].tobytes())
        board.write("world", bytes(world))
        try:
            board.run("main", limit=int(rng.integers(1000, cut_every)))
            return log_of(board.read("world")), cuts
        except InputError:
            world = bytearray(board.read("world"))
            now = int.from_bytes(world[:8], "little")
            cuts.append(now // 60_000)
            world[:8] = (now + int(rng.integers(1_000, 120_000))).to_bytes(8, "little")


@pytest.fixture(scope="module")
def whole(place):
    """All that the radio sent without a power cut, as the page writes it down."""
    rows = [row.split() for row in (place / "log.txt").read_text().splitlines()]
    return [(int(minute), bytes.fromhex(data)) for minute, data in rows]


def events_of(log):
    return [(minute, Event.from_bytes(data)) for minute, data in log if len(data) == 16]


def exports_of(log):
    return [(minute, Export.from_bytes(data)) for minute, data in log if len(data) > 16]


def news_of(log):
    """(day, news, argument, level tag) of each level event."""
    return [
        (minute / DAY_MIN, event.promise, event.reasons[1], event.level_tag)
        for minute, event in events_of(log)
        if event.promise is not None
    ]


def test_the_board_does_what_the_pipeline_says(place, scenario, whole):
    """All events and all exports of 120 days, against engine reference, byte for byte."""
    on, every, a_day = scenario["ON"], scenario["EVERY"], scenario["PERIODS_A_DAY"]
    twin = []
    with anomsdk.Pipeline(anomsdk.read_plan(place / "plan.json"), "reference") as pipeline:

        def note(minute, results):
            twin.extend((minute, bytes(event)) for result in results for event in result.events)

        for period in range(scenario["DAYS"] * a_day + 1):
            if period % a_day == 0:
                note(30 * period, pipeline.calibrate(0) if period else pipeline.process(scenario["samples"][:0]))
                if period == 0:
                    note(0, pipeline.calibrate(0))
                twin.append((30 * period, pipeline.export(7, 1)))
            note(30 * period, pipeline.process(scenario["samples"][period * on : (period + 1) * on]))
            if period < scenario["DAYS"] * a_day:
                note(30 * (period + 1), pipeline.gap(every - on))
    assert whole == twin


def test_the_log_tells_the_story(scenario, whole):
    """The days that are missing grow fewer, a level is certified on the first day it can be, and its promise breaks."""
    news = news_of(whole)
    waiting = [(day, days, tag) for day, what, days, tag in news if what == Promise.NEEDS]
    assert waiting == [(day, NEEDED - day, 0) for day in range(NEEDED)]
    certified = [(day, tag) for day, what, _, tag in news if what == Promise.CERTIFIED]
    assert certified[0][0] == NEEDED and certified[0][1] > 0
    broken = [(day, tag) for day, what, _, tag in news if what == Promise.BROKEN]
    assert broken[0][0] > scenario["FLIES"], "the flies are what breaks it"
    tags = [certified[0][1], *(tag for _, tag in broken)]
    assert len(tags) > 1 and tags == sorted(set(tags)), "and each break puts a higher rung in force"
    alarms = [(minute // DAY_MIN, event.level_tag) for minute, event in events_of(whole) if event.raised]
    assert len({day for day, _ in alarms if day < NEEDED}) > NEEDED / 30, "the level of training is over the budget"
    assert [day for day, _ in alarms if NEEDED <= day < scenario["FLIES"]] == [], "the certified one is not"
    assert sum(event.kind == Kind.HEARTBEAT for _, event in events_of(whole)) >= scenario["DAYS"] - 1


def test_the_desk_chooses_the_level_that_the_collar_chose(place, scenario, whole):
    """`anomsdk tune` on all exports before the flies came, of which each holds the one before."""
    (row,) = csv.DictReader((place / "levels.csv").open())
    chosen = {tag for day, what, _, tag in news_of(whole) if what == Promise.CERTIFIED and day < scenario["FLIES"]}
    assert {int(row["level_tag"])} == chosen and row["status"] == "certified"
    for (_, earlier), (_, later) in pairwise(exports_of(whole)):
        assert later.since(earlier).days == later.days - earlier.days == 1


def test_a_power_cut_loses_no_day(program, scenario, whole):
    """A cut loses the service since the last save, and no day that was counted: the level is as good as in time."""
    cut, cuts = run_with_cuts(program, scenario, cut_every=100_000_000)
    assert len(cuts) >= 4
    restarts = [event.restart for _, event in events_of(cut) if event.restart is not None]
    assert restarts == [Restart.ANEW] + [Restart.RESTORED] * len(cuts)
    exports = exports_of(cut)
    assert {export.boot for _, export in exports} == {1}, "it is one ladder, whatever was cut"
    for (_, earlier), (_, later) in pairwise(exports):
        later.since(earlier)  # refuses counts that go back
    minute, last = exports[-1]
    assert last.ticks >= minute // 30 * TICKS - len(cuts) * TICKS_OF_A_CUT
    assert minute // DAY_MIN - last.days <= 1 + len(cuts) * TICKS_OF_A_CUT // (TICKS * scenario["PERIODS_A_DAY"])
    first = [next(each for each in news_of(log) if each[1] == Promise.CERTIFIED) for log in (whole, cut)]
    assert first[1][0] - first[0][0] <= 1 and first[1][3] == first[0][3]
