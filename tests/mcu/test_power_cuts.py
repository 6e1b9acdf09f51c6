"""The collar of the how-to, whose power fails: in the middle of a save, and at any instruction for a week."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import anomsdk
from anomsdk.core.duty import DutyPlan
from anomsdk.core.event import Event, Restart, State
from anomsdk.core.plan import SensorPlan
from anomsdk.errors import InputError
from anomsdk.mcu import Machine, compile_firmware
from tests.support import tiny_plans
from tests.support.make import ROOT
from tests.support.pages import DOCS, blocks

PAGE = DOCS / "how-to" / "a-collar-that-sleeps.md"
TARGET = "cortex-m4"
ON, EVERY_MIN, WEEK = 10, 1, 7 * 24 * 60
"""Rows of a period, its minutes, periods of a week."""
SLOT_BYTES, RECORD = 256, 148
SETTLED_MIN = 16
"""Minutes after a cut in which what stands may differ: a record is up to ten old, and two more pass without power."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The C of the page, beside the emitted folder of a tiny plan that is called as the page's."""
    folder = tmp_path_factory.mktemp("power")
    for block in blocks(PAGE):
        if block.kind == "c" and block.title:
            (folder / block.title).parent.mkdir(exist_ok=True)
            (folder / block.title).write_text(block.text)
    anomsdk.emit_c(plan(), folder / "firmware")
    return folder


def plan():
    """One row a second, ten seconds a minute; an alarm clears after two minutes, pauses included."""
    tiny = tiny_plans.tiny_plan(
        m=2, n=3, off_delay=1000, clear_after=120, heartbeat=3600, duty=DutyPlan(ON, 60), clip_high=32767
    )
    return replace(tiny, name="collar", sensor=SensorPlan("external", 1000))


def compiled(place, names, keep, flags=()):
    firmware = place / "firmware"
    sources = [*sorted(firmware.glob("src/*.c")), firmware / "anom_plan_collar.c", *names]
    include = [firmware, firmware / "include", firmware / "src", place / "collar"]
    return compile_firmware(sources, TARGET, keep=keep, include=include, flags=flags)


@pytest.fixture(scope="module")
def store(place):
    names = [place / "collar" / "store.c", ROOT / "tests" / "c" / "power_cuts.c"]
    return compiled(place, names, ["start", "restore", "save", "feed", "slots", "bytes_left", "memory"])


def booted(store, slots):
    board = Machine(store, TARGET)
    board.write("memory", b"\xa5" * len(board.read("memory")))
    board.write("slots", slots)
    assert board.run("start") == 0
    return board


def test_a_save_that_is_cut_at_any_byte_leaves_the_record_before_it(store):
    """Whatever byte of the erased or written slot is the last: the newest whole record is restored, never none."""
    board = booted(store, bytes(2 * SLOT_BYTES))
    assert board.run("restore") == -1, "a new device"
    assert [board.run("feed", tiny_plans.ROOTS["hit"]) for _ in range(2)][-1] == State.UNACK_ALARM
    assert board.run("save", 1000) == 1
    assert board.run("save", 2000) == 1
    assert board.run("feed", tiny_plans.ROOTS["low"]) == -1
    before = board.read("slots")
    assert board.run("save", 3000) == 1, "and this one is cut"
    whole, found = board.read("slots"), []
    for left in range(SLOT_BYTES + RECORD + 1):
        board = booted(store, before)
        board.run("restore")
        board.write("bytes_left", left.to_bytes(4, "little"))
        if left < SLOT_BYTES + RECORD:
            with pytest.raises(InputError, match="instructions"):
                board.run("save", 3000, limit=100_000)
        else:
            assert board.run("save", 3000) == 1
        after = booted(store, board.read("slots"))
        found.append(after.run("restore"))
        assert after.run("feed", tiny_plans.ROOTS["low"]) == State.UNACK_ALARM, "the restart tells what stands"
    assert found == [2000] * (SLOT_BYTES + RECORD) + [3000]
    assert whole != before


@pytest.fixture(scope="module")
def script():
    """A week of rows: anomalies of half an hour to three hours, normal for as long in between."""
    rng = np.random.default_rng(7)
    roots, at = np.full(WEEK * ON, tiny_plans.ROOTS["low"], np.int16), 0
    anomalies = []
    while True:
        start = at + int(rng.integers(60, 300))
        at = start + int(rng.integers(30, 180))
        if at >= WEEK - 60:
            break
        anomalies.append((start, at))
        roots[start * ON : at * ON] = tiny_plans.ROOTS["hit"]
    assert len(anomalies) > 20
    return np.stack([roots, np.zeros_like(roots)], axis=1), anomalies


def world_of(program, minutes=WEEK):
    world = bytearray(len(Machine(program, TARGET).read("world")))
    world[4:8] = (minutes * 60_000).to_bytes(4, "little")
    return bytes(world)


def boot(program, world, rows, rng):
    board = Machine(program, TARGET)
    board.write("memory", rng.bytes(len(board.read("memory"))))
    board.write("world_script", rows.tobytes())
    board.write("world", world)
    return board


def run_until(program, rows, minutes=WEEK, cut_every=None):
    """Return what the radio sent, as (minute, event), and the minutes of the cuts."""
    rng, world, cuts = np.random.default_rng(3), world_of(program, minutes), []
    while True:
        board = boot(program, world, rows, rng)
        try:
            board.run("main", limit=4_000_000_000 if cut_every is None else int(rng.integers(1000, cut_every)))
            break
        except InputError:
            world = bytearray(board.read("world"))
            now = int.from_bytes(world[:4], "little")
            cuts.append(now / 60_000)
            world[:4] = (now + int(rng.integers(1_000, 120_000))).to_bytes(4, "little")
            world = bytes(world)
    world = board.read("world")
    at = 8 + 2 * SLOT_BYTES
    n = int.from_bytes(world[at : at + 4], "little")
    records = (world[at + 4 + 20 * i : at + 24 + 20 * i] for i in range(n))
    return [(int.from_bytes(row[:4], "little") / 60_000, row[4:15]) for row in records], cuts


def standing(sent):
    """Whether a receiver knows of an alarm at the end of each minute."""
    receiver, sent, found = anomsdk.Receiver(heartbeat_s=3600), iter([*sent, (WEEK + 1, b"")]), []
    minute, event = next(sent)
    for now in range(WEEK):
        while minute < now + 1:
            receiver.take("collar", event, 60 * minute)
            minute, event = next(sent)
        found.append(bool(receiver.standing()))
    return found, receiver


@pytest.fixture(scope="module")
def program(place, script):
    names = [place / "collar" / name for name in ("main.c", "store.c", "world.c")]
    return compiled(place, names, ["main", "world", "world_script", "memory"], [f"-DSCRIPT={len(script[0])}"])


def test_no_number_leaves_twice(program, script):
    """The power fails every few minutes, most often before the collar has run until its next save."""
    sent, cuts = run_until(program, script[0], minutes=600, cut_every=500_000)
    events = [Event.from_bytes(event) for _, event in sent]
    numbers = [event.sequence for event in events]
    assert 20 < len(cuts) < 60 and sum(event.restart == Restart.RESTORED for event in events) > 10
    assert len(set(numbers)) == len(numbers)


def test_a_week_of_power_cuts_gives_the_alarms_of_a_week_without(program, script):
    rows, anomalies = script
    whole, none = run_until(program, rows)
    cut, cuts = run_until(program, rows, cut_every=12_000_000)
    assert none == [] and len(cuts) > 20
    truth, _ = standing(whole)
    found, receiver = standing(cut)
    for start, end in anomalies:
        assert truth[start + 1 : end] == [True] * (end - start - 1) and not truth[end + 5], "the script is the truth"
    allowed = np.zeros(WEEK, bool)
    for at in cuts:
        allowed[int(at) : int(at) + SETTLED_MIN] = True
    for change in np.flatnonzero(np.diff(truth)):
        allowed[change : change + 3] = True  # the collar's minute begins anew at each cut
    differs = np.array(truth) != np.array(found)
    assert not (differs & ~allowed).any(), "only shortly after a cut may what stands differ"
    assert differs.sum() < allowed.sum() / 4, "and most of the time it does not"
    for start, end in anomalies:
        assert any(found[start:end]), "no alarm is lost"
        assert not found[(end + 20 if end + 20 < WEEK else WEEK - 1)] or allowed[end + 20], "and each one ends"
    begun = [each for _, event in cut if (each := Event.from_bytes(event).restart) is not None]
    assert begun == [Restart.ANEW] + [Restart.RESTORED] * (len(begun) - 1)
    unsent = len(cuts) - (len(begun) - 1)
    assert unsent <= 2, "the power may fail before a restart has left"
    counts = receiver.totals()
    assert (counts.restarts, counts.lost, counts.repeated, counts.conflicts) == (len(begun), 0, 0, 0)
