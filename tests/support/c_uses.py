"""Uses of pipelines with an alarm, a health or a ladder section, call by call, and what tests/scalar.py gives for them.

Data for tests/c/uses.c. A call is one of a function of anomsdk.h. The queue of inputs that wait is kept here, as anomsdk.h
describes it, and tests/scalar.py applies each input at once: what leaves is the same.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

import anomsdk
from anomsdk.core.alarm import PLAIN
from anomsdk.core.baseline import BaselinePlan
from anomsdk.core.days import DaysPlan, state_bytes
from anomsdk.core.diary import DiaryPlan
from anomsdk.core.duty import DutyPlan
from anomsdk.core.event import Condition
from anomsdk.core.health import N_CONDITIONS
from anomsdk.core.ladder import Unit
from anomsdk.core.plan import Plan
from anomsdk.core.record import RECORD_BYTES
from anomsdk.core.rung import levels
from tests import scalar
from tests.support.day_plans import any_days_plan, any_diary
from tests.support.make import MOTION, make_folder
from tests.support.supervised import any_samples, forged, sealed
from tests.support.tiny_plans import CLIPS, RAISE, ROOTS, health_plan, promise_plan, tiny_plan, with_ladder

HIGHEST = {
    "ACKNOWLEDGE": 0,
    "SILENCE": 2**31 - 1,
    "CANCEL": 0,
    "OUT_OF_SERVICE": 1,
    "TEST": 0,
    "SUPPLY": 1,
    "SELF_TEST": 1,
    "MISSING": 2**32 - 1,
    "CLOCK": 2**32 - 1,
}
"""Input -> largest argument."""
OF_HEALTH, OF_LADDER = ("SUPPLY", "SELF_TEST", "MISSING", "CLOCK"), ("CALIBRATE", "SET_LEVEL")
WITH_NUMBER = ("SILENCE", "MISSING", "CLOCK", *OF_LADDER)
WAITING, LONGEST_GAP = 3, 2**31 - 1
ERROR_NULL, ERROR_MEMORY, ERROR_SECTION, ERROR_RANGE, ERROR_RECORD = -1, -3, -6, -7, -8
NO_DOWNLINK = 255
"""Length with which no downlink is given."""
NO_RECORD = 0xFFFF
"""Size with which no record is given."""
UNKNOWN, CALLS, MORE = -1, 3000, 8000
"""Signals that are not known; calls that are drawn; rows more for the fixed calls of a ladder."""

Rows: TypeAlias = list[list[int]]


class Call(NamedTuple):
    """One call; a poll is called until it gives 0, a take as often as it gives something."""

    name: str
    argument: int
    """Of an input or a gap; of a downlink its bytes and its length; of a push the samples offered; of a record a size, and 65536 times its index; of an export its index."""
    gives: int  # what the function returns; of a poll or a take how many results
    signals: int
    """Behind the call: annunciation, in bits 8 to 15 health, in bits 16 to 23 the level tag; UNKNOWN between two results."""


class Export(NamedTuple):
    """An export that is asked for, and what it gives."""

    device: int
    boot: int
    size: int  # of the room for it; NO_RECORD: there is none
    since: bytes | None
    made: bytes  # b"": it is refused


class Waiting(NamedTuple):
    """A result that a poll has not given yet."""

    result: scalar.Result
    n_inputs: int  # that have been applied when it leaves
    is_behind: bool  # the window that was filled last has run when it leaves


class Caller:
    """Calls of one pipeline in C.

    Parameters
    ----------
    plan : may lack the sections; then inputs are refused
    """

    def __init__(self, plan: Plan) -> None:
        self.columns, self._supervised = plan.columns, plan.is_supervised
        self._has_health = plan.health is not None
        self._highest = dict(HIGHEST)
        self.n_rungs = 0 if plan.ladder is None else plan.ladder.n_rungs
        if plan.ladder is not None:
            self._highest |= {"CALIBRATE": len(plan.promises or ()) - 1, "SET_LEVEL": self.n_rungs}
        self.learnt_bytes = state_bytes(plan.extractor) if isinstance(plan.extractor, DaysPlan) else 0
        self.record_bytes = RECORD_BYTES + (32 + 17 * self.n_rungs if self.n_rungs else 0) + self.learnt_bytes
        self.export_bytes = 44 + 12 * self.n_rungs
        self._pipeline = scalar.pipeline_of(plan.canonical_bytes)
        self._as_rows = plan.sensor.kind != "audio"
        self.calls: list[Call] = []
        self.results: list[scalar.Result] = []
        self.taken: Rows = []
        self.records: list[bytes] = [bytes(self.record_bytes)]
        self.exports: list[Export] = []
        self._begin()

    def _begin(self) -> None:
        self._waiting: list[str] = []
        self._left: list[Waiting] = []
        self._n_inputs = self._gap = 0
        self._full = False
        self._signals = self._now()

    def _now(self) -> int:
        if not self._supervised:
            return 0
        supervisor = self._pipeline.supervisor
        tag = supervisor.ladder.head["tag"] if supervisor.ladder else 0
        return supervisor.annunciation | supervisor.byte << 8 | tag << 16

    @property
    def tag(self) -> bytes:
        """First two bytes of the plan's id."""
        tag: bytes = self._pipeline.tag
        return tag

    @property
    def happened(self) -> Counter[str]:
        """What the results say: kinds of events and conditions, states, flags."""
        found: Counter[str] = Counter()
        for result in self.results:
            found.update({"void": result.void, "judged": result.judged})
            for event in result.events:
                kind, state = event[0] & 15, event[1]
                found.update([f"kind {kind}", f"state {state & 7}"])
                found.update(f"flag {bit}" for bit in range(3, 8) if state >> bit & 1)
                if kind == scalar.LEVEL:
                    found.update([f"promise {event[11]}", f"level {event[13]}"])
                if kind == scalar.OPERATOR:
                    found[f"input {event[11]}"] += 1
                if kind == scalar.TECHNICAL:
                    found[f"condition {event[11]} {'on' if event[12] else 'off'}"] += 1
        return found

    def _call(self, name: str, argument: int, gives: int) -> None:
        self.calls.append(Call(name, argument, gives, self._signals))

    def _apply(self, results: list[scalar.Result], *, is_behind: bool = True) -> None:
        self._left += [Waiting(result, self._n_inputs, is_behind or result.judged) for result in results]

    def push(self, rows: Rows) -> None:
        """Offer samples; none are taken while an input or a gap waits, or the window is full."""
        framer = self._pipeline.framer
        room = 0 if self._full or self._waiting or self._gap else framer.window - framer.p
        taken = rows[:room]
        self._call("PUSH", len(rows), len(taken))
        if room == 0:
            return
        self._full = len(taken) == room
        self.taken += taken
        self._left = [waiting._replace(is_behind=False) for waiting in self._left]
        self._apply(self._pipeline.process(taken if self._as_rows else [x for (x,) in taken]), is_behind=False)

    def operate(self, name: str, argument: int = 0) -> None:
        """Give an input from outside."""
        gives = self._status(name, argument)
        self._call(name, argument, gives)
        if gives == 1:
            self._waiting.append(name)
            self._n_inputs += 1
            self._apply(self._pipeline.operate(name.lower(), argument))

    def _status(self, name: str, argument: int) -> int:
        if not self._supervised or (name in OF_HEALTH and not self._has_health):
            return ERROR_SECTION
        if name in OF_LADDER and not self.n_rungs:
            return ERROR_SECTION
        if argument > self._highest[name]:
            return ERROR_RANGE
        number_waits = name in WITH_NUMBER and any(each in WITH_NUMBER for each in self._waiting)
        return int(not self._gap and not number_waits and len(self._waiting) < WAITING)

    def downlink(self, data: bytes | None) -> None:
        """Give a downlink of up to three bytes, or more with zeros behind them; None: no bytes."""
        given = b"" if data is None else data
        n = NO_DOWNLINK if data is None else len(given)
        argument = int.from_bytes(given[:3], "little") | n << 24
        if data is None or len(given) != 3 or given[1:] != self._pipeline.tag:
            self._call("DOWNLINK", argument, ERROR_RECORD)
            return
        gives = self._status("SET_LEVEL", given[0])
        self._call("DOWNLINK", argument, gives)
        if gives == 1:
            self._waiting.append("SET_LEVEL")
            self._n_inputs += 1
            self._apply(self._pipeline.operate("set_level", given[0]))

    def gap(self, n: int) -> None:
        """Say that samples were lost; of 0 or fewer nothing is said. A plan without the sections is polled before."""
        if not self._supervised:
            self.poll()
        self._call("GAP", n % 2**32, 0)
        if n > 0 and self._supervised:
            self._gap = min(self._gap + n, LONGEST_GAP)
        elif n > 0:
            self._pipeline.gap(n)
            self._full = False

    def poll(self) -> None:
        """Poll until nothing is left."""
        if self._gap:
            self._apply(self._pipeline.gap(self._gap))
        elif self._supervised:
            self._apply(self._pipeline.process([]))
        results = [waiting.result for waiting in self._left]
        self._waiting, self._left, self._gap, self._full = [], [], 0, False
        self._signals = self._now()
        self.results += results
        self._call("POLL", 0, len(results))
        if self._pipeline.diary:
            rows = self._pipeline.diary.rows()
            self._call("ROWS", fnv1a(b"".join(np.array(row, "<i2").tobytes() for row in rows)), len(rows))

    def take(self, n: int) -> None:
        """Poll for the next results only, while inputs wait behind them."""
        taken, self._left = self._left[:n], self._left[n:]
        if not taken:
            return
        n_waiting = min(len(self._waiting), self._n_inputs - taken[-1].n_inputs)
        self._waiting = self._waiting[len(self._waiting) - n_waiting :]
        self._full = self._full and not any(waiting.is_behind for waiting in taken)
        self.results += [waiting.result for waiting in taken]
        self._signals = UNKNOWN
        self._call("TAKE", 0, len(taken))

    @property
    def is_settled(self) -> bool:
        """Whether C has nothing left to do but what an input or a gap that waits asks for."""
        return not self._left and not self._full

    def save(self, size: int | None = None) -> None:
        """Save into so many bytes; only where nothing is left to poll for but inputs and a gap."""
        size = self.record_bytes if size is None else size
        if size < self.record_bytes or size == NO_RECORD:
            self._call("SAVE", size, ERROR_NULL if size == NO_RECORD else ERROR_MEMORY)
        elif self._waiting or self._gap:
            self._call("SAVE", size, 0)
        elif self.is_settled:
            self.records.append(self._pipeline.state())
            self._call("SAVE", size | len(self.records) - 1 << 16, self.record_bytes)

    def save_within_a_hop(self) -> None:
        """Save behind the first event of a hop whose window has not run: it is refused. All before must be polled."""
        if self._left and not self._left[0].result.judged:
            self.take(1)
            self._call("SAVE", self.record_bytes, 0)
            self.poll()

    def export(self, device: int, boot: int, since: bytes | None = None, size: int | None = None) -> bytes:
        """Export into so many bytes, and return them; only where nothing is left to poll for."""
        assert self.is_settled
        assert not self._waiting
        assert not self._gap
        size = self.export_bytes if size is None else size
        made = b""
        if size == NO_RECORD:
            gives = ERROR_NULL
        elif size < self.export_bytes:
            gives = ERROR_MEMORY
        elif boot == 0:
            gives = ERROR_RANGE
        else:
            made = self._pipeline.export(device, boot, since) or b""
            gives = len(made) or ERROR_RECORD
        self.exports.append(Export(device, boot, size, since, made))
        self._call("EXPORT", len(self.exports) - 1, gives)
        return made

    def restore(self, record: bytes, size: int | None = None) -> None:
        """Restore so many bytes, of which C is given no more than a record has."""
        size = self.record_bytes if size is None else size
        whole = (record * 2)[:size] if size < NO_RECORD else b""
        taken = self._pipeline.restore(whole)
        self._begin()
        self.records.append(record)
        self._call("RESTORE", size | len(self.records) - 1 << 16, 0 if taken else ERROR_RECORD)

    def reset(self) -> None:
        """Start again."""
        self._pipeline.reset()
        self._begin()
        self._call("RESET", 0, 0)


# Plans

HERD = MOTION.replace("frames = 3", "frames = 256").replace("hop_s = 0.26", "hop_s = 1")
"""Its golden stream is no longer than 16 ticks."""


def make_plans(folder: Path, comb: Plan) -> dict[str, Plan]:
    """Plans of which each is used here.

    Parameters
    ----------
    folder : new; a spec is written there
    comb : of sound, whose windows overlap
    """
    pendant = tiny_plan(
        n=9, latch=1, cancel=4, escalate_ratio_q16=2 << 16, escalate_after=5, escalate_every=3, repeat=5, heartbeat=9,
        off_delay=1, warm_up=2, missing_ms=1500, rate_tolerance_q16=1310, clear_after=9, heartbeat_rest_q16=20000,
        duty=DutyPlan(4, 20),
    )  # fmt: skip
    siren = tiny_plan(
        stride=2, m=2, n=3, cooldown=2, latch=1, escalate_ratio_q16=2 << 16, repeat=1, heartbeat=2**31 - 1, test=3,
        duty=DutyPlan(2, 9),
    )  # fmt: skip
    baseline = BaselinePlan(start=5, rise_q16=3_000, fall_q16=20_000, limit_q16=9 << 16, hold=3, reference_score=50)
    raised, cleared = np.zeros((2, N_CONDITIONS), np.uint16)
    for condition in (Condition.STUCK, Condition.FLAT, Condition.CLIPPED, Condition.NOISE_FLOOR, Condition.GAP):
        raised[condition - 1], cleared[condition - 1] = 1, 2
    health = health_plan(
        block=3, stuck=40, flat_range=3, floor_range=30, clip_share_q16=3000, lost_share_q16=1 << 15,
        missing_ms=70, rate_tolerance_q16=1, samples_per_ms_q20=(comb.sensor.rate_millihertz << 20) // 10**6, raise_blocks=raised, clear_blocks=cleared,
    )  # fmt: skip
    herd = anomsdk.plan(make_folder(folder, HERD))
    watched = tiny_plan(
        stride=2, m=2, n=3, on_delay=1, off_delay=2, cooldown=3, latch=1, heartbeat=50, missing_ms=1500,
        duty=DutyPlan(6, 20),
    )  # fmt: skip
    twice = dataclasses.replace(watched.timing, high_ratio_q16=2 << 16)
    watched = dataclasses.replace(watched, baseline=baseline, timing=twice, levels=levels(RAISE, twice))
    clears = dataclasses.replace(watched, timing=dataclasses.replace(twice, off_delay=9, clear_after=6))
    promises = [
        promise_plan(Unit.ALARM_DAY, 3, event_q16=60_000, day_q16=20_000, broken_q16=90_000),
        promise_plan(Unit.ALARM, 4, most=20_000, event_q16=50_000, day_q16=30_000, broken_q16=70_000),
        promise_plan(Unit.EPISODE, 1, event_q16=100_000, day_q16=9_000, broken_q16=150_000),
        promise_plan(Unit.ALARM, 9_000),
    ]
    plans = {
        "pendant": dataclasses.replace(pendant, baseline=baseline, levels=levels(60, pendant.timing)),
        "siren": dataclasses.replace(siren, health=None),
        "microphone": dataclasses.replace(
            comb, alarm=None, health=health, diary=DiaryPlan(9000 << 16, 0, ("coverage", "highest_score"))
        ),
        "herd": dataclasses.replace(herd, alarm=PLAIN, diary=DiaryPlan(900 << 16, 0, ("mean_score", "coverage"))),
        "barn": barn(folder.parent / "barn"),
        "ladder": with_ladder(watched, *RUNGS, day=3, rest=20_000, gap=2, promises=promises),
        "clears": with_ladder(clears, 41, 100, 401, day=3, rest=20_000, gap=2, promises=promises),
        "neither": dataclasses.replace(pendant, alarm=None, health=None),
    }
    plans = {name: dataclasses.replace(plan, name=name, folder=None) for name, plan in plans.items()}
    for plan in plans.values():
        dataclasses.replace(plan, diary=None).check()  # slots of seconds: rows in no time
    return plans


def barn(folder: Path) -> Plan:
    """A plan of short days with an alarm, mature after two."""
    plan = any_days_plan(folder, 0)
    assert isinstance(plan.extractor, DaysPlan)
    assert plan.extractor.slots == 12
    days = dataclasses.replace(plan.extractor, profile=dataclasses.replace(plan.extractor.profile, mature=2))
    return dataclasses.replace(plan, extractor=days, alarm=plan.alarm or PLAIN, health=None, ladder=None, promises=None)


def fnv1a(data: bytes) -> int:
    """Hash of bytes, as tests/c/streams.c computes it."""
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 % 2**32
    return value


RUNGS = (41, 80, 81, 82, 90, 99, 100, 101, 113, 200, 225, 226, 300, 399, 400, 401, 2000, 2**32 - 1)
"""Scores of rungs: at, below and above each score of a tiny plan, also below twice the score; an export of them is longer than 255 bytes."""

# Uses


def make_uses(plan: Plan, seed: int, n: int) -> Caller:
    """Calls in a fixed order, then about ``n`` drawn from ``seed``."""
    rng, caller = np.random.default_rng(seed), Caller(plan)
    rows = any_rows(plan, n * plan.framer.window // 2 + (MORE if caller.n_rungs else 0), rng)
    first_calls(caller, plan, rows)
    for _ in range(n):
        if caller.n_rungs and rng.random() < 0.15:
            ladder_call(caller, rng)
        draw = rng.random()
        at, size = len(caller.taken), int(rng.integers(1, 2 + plan.framer.window))
        if draw < 0.45:
            caller.push(rows[at : at + size])
        elif draw < 0.6:
            caller.operate(*any_input(rng))
        elif draw < 0.61:
            caller.gap(int(rng.choice([1, 2, plan.framer.hop, 7 * plan.framer.hop, 2**31 - 1])))
        elif draw < 0.63 and plan.duty is not None:
            shortest, longest = plan.duty.shortest_pause, plan.duty.longest_pause
            caller.poll()
            caller.gap(int(rng.choice([shortest - 1, shortest, longest, longest, longest + 1])))
        elif draw < 0.64:
            whole = caller.record_bytes
            caller.save(int(rng.choice([0, whole - 1, whole, whole, 2 * whole, NO_RECORD])))
        elif draw < 0.643:
            record = caller.records[-int(rng.integers(1, 1 + min(3, len(caller.records))))]
            caller.restore(forged(record, rng) if rng.random() < 0.4 else record)
        elif draw < 0.68:
            caller.take(int(rng.integers(1, 3)))
        elif draw < 0.681:
            caller.reset()
        else:
            caller.poll()
    caller.poll()
    assert len(caller.taken) < len(rows) - plan.framer.window
    return caller


def any_rows(plan: Plan, n: int, rng: np.random.Generator) -> Rows:
    """Samples with faults; of a tiny plan, rows of any score, with one that clips now and then."""
    if plan.sensor.kind == "diary":
        return any_diary(plan, n // plan.extractor.slots + 1, rng)[:n].tolist()  # type: ignore[attr-defined]
    if plan.sensor.kind != "external":
        rows: Rows = any_samples(plan, n, rng).tolist()
        return rows
    roots = np.repeat(rng.choice(list(ROOTS.values()), n, p=[0.4, 0.1, 0.3, 0.1, 0.1]), rng.integers(1, 4, n))[:n]
    clips = rng.choice([0, 1, 2, CLIPS], n, p=[0.3, 0.3, 0.35, 0.05])
    return np.stack([roots, clips], axis=1).tolist()


def any_input(rng: np.random.Generator) -> tuple[str, int]:
    """An input with an argument, which may be too large."""
    name = str(rng.choice(list(HIGHEST), p=[0.25, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.08, 0.07]))
    highest = HIGHEST[name]
    if highest <= 1:
        return name, int(highest == 1 and rng.random() < 0.3)
    small = {"CLOCK": 60_000, "MISSING": 400, "SILENCE": 12}[name]
    return name, int(rng.choice([0, 1, small, int(rng.integers(0, small)), highest], p=[0.1, 0.1, 0.3, 0.45, 0.05]))


def ladder_call(caller: Caller, rng: np.random.Generator) -> None:
    """Calibrate or set a level, by a call or by a downlink, with an argument that may be too large; or export, in whole or since an earlier one."""
    draw, made = rng.random(), [export.made for export in caller.exports if export.made]
    if draw < 0.7:
        caller.operate("CALIBRATE", int(rng.choice([0, 0, 0, 1, 1, 2, 2, 2, 3, 4])))
    elif draw < 0.75:
        caller.operate("SET_LEVEL", int(rng.integers(0, caller.n_rungs + 2)))
    elif draw < 0.8:
        caller.downlink(bytes([int(rng.integers(0, caller.n_rungs + 2))]) + caller.tag)
    else:
        caller.poll()
        since = made[-int(rng.integers(1, 1 + min(4, len(made))))] if made and rng.random() < 0.7 else None
        caller.export(int(rng.choice([1, 1, 1, 2])), int(rng.choice([1, 1, 1, 2])), since)


def ladder_calls(caller: Caller, plan: Plan, rows: Rows) -> None:
    """Exports at the worst of times, and records of a ladder with each number at its limit and beyond."""
    assert plan.ladder is not None

    def run(*words: str) -> None:
        start = len(caller.taken)
        for _ in range(plan.samples_per_tick * len(words)):
            at = len(caller.taken)
            rows[at] = [ROOTS[words[(at - start) // plan.samples_per_tick]], 0]
            caller.push(rows[at : at + 1])
            caller.poll()

    caller.reset()
    for beyond in (plan.ladder.n_rungs + 1, 2**32 - 1):
        caller.operate("SET_LEVEL", beyond)
        caller.operate("CALIBRATE", beyond)
    caller.operate("CALIBRATE", len(plan.promises or ()))
    for names in (("SET_LEVEL", "CALIBRATE"), ("CALIBRATE", "SILENCE"), ("MISSING", "SET_LEVEL")):
        for name in names:
            caller.operate(name, 1)
        caller.poll()

    # Downlinks: each level and beyond, of another plan, of each wrong length, and while other inputs wait
    for level in (*range(plan.ladder.n_rungs + 2), 255):
        caller.downlink(bytes([level]) + caller.tag)
        caller.downlink(bytes([level]) + caller.tag)
        caller.poll()
    for at in range(16):
        caller.downlink(b"\1" + (int.from_bytes(caller.tag, "little") ^ 1 << at).to_bytes(2, "little"))
    for n in (0, 1, 2, 4, 5, 6, 254):
        caller.downlink((b"\1" + caller.tag + bytes(254))[:n])
    caller.downlink(None)
    caller.gap(1)
    caller.downlink(b"\1" + caller.tag)
    caller.poll()

    # Every answer to a budget; a promise of each unit that is broken
    run(*["low"] * 30)
    for promise in (3, 0, 1, 2):
        caller.reset()
        caller.operate("CALIBRATE", promise)
        run(*["low"] * 60)
        caller.operate("CALIBRATE", promise)
        run(*["low"] * 8)
        for _ in range(12):
            run(*["hit"] * 6, *["low"] * 8)
            caller.save()
        caller.operate("CALIBRATE", promise)
        run("low")

    # Exports: of nothing, of all, since an earlier one, and since what is none of this ladder
    caller.reset()
    caller.poll()
    whole = caller.export_bytes
    for size in (NO_RECORD, 0, whole - 1):
        caller.export(2**64 - 1, 0xFEDC, None, size)
    caller.export(1, 0)
    device, boot = 0x0807060504030201, 0xA0B1
    nothing = caller.export(device, boot)
    run(*["top"] * 5, *["low"] * 11, *["hit"] * 4)
    first = caller.export(device, 3, None, whole + 5)
    run(*["low"] * 9, *["top"] * 9)
    difference = caller.export(device, boot, first)
    later = caller.export(device, boot)
    for since in (nothing, later, difference):
        caller.export(device, boot, since)
    caller.export(device ^ 1 << 63, boot, first)
    for at in (*range(64), *range(whole - 8, whole)):
        caller.export(device, boot, bytes([*first[:at], first[at] ^ 1, *first[at + 1 :]]))
        if at < whole - 4:
            for value in (first[at] + 1 & 255, first[at] - 1 & 255, 255):
                caller.export(device, boot, sealed(first, {at: bytes([value])}))
    caller.save()
    caller.restore(caller.records[-1])
    caller.poll()
    caller.export(device, boot, first)
    run("top", "top", "top", "low", "low")
    caller.export(device, boot, later)

    # Records
    caller.save()
    record, n, hits = caller.records[-1], plan.ladder.n_rungs, 1 << plan.timing.n
    counts, states, quiet = 164, 164 + 12 * n, 164 + 16 * n
    changes: list[tuple[int, int, int]] = [(at, 4, 1 << n) for at in (132, 136)]
    changes += [(at, 4, given) for at in (132, 136) for given in (0, (1 << n) - 1, 1 << 31)]
    changes += [(144, 4, given) for given in (0, 2, 3, 4, 2**32 - 1)] + [
        (152, 2, given) for given in (0, 19_999, 2**16 - 1)
    ]
    changes += [(148, 4, given % 2**32) for given in (2**30, 2**30 + 1, -(2**30), -(2**30) - 1, 2**31 - 1, 2**31, 0)]
    changes += [(at, 1, given) for at in (158, 159, 160, 161, 162, 163) for given in (0, 1, n - 1, n, n + 1, 5, 6, 255)]
    rungs = (0, 1, n - 1)
    changes += [(states + 4 * i + 2, 2, given) for i in rungs for given in (hits - 1, hits, 2**16 - 1)]
    changes += [(quiet + i, 1, given) for i in rungs for given in (0, 2, 3, 255)]
    changes += [(140, 4, 2**32 - 1), (154, 2, 2**16 - 1)]
    changes += [(counts + 12 * i + at, 2, 2**16 - 1) for i in rungs for at in range(0, 12, 2)]
    for at, size, given in changes:
        for tags in ({}, {16: b"\1", 158: b"\1", 159: b"\1"}):
            caller.restore(sealed(record, tags | {at: given.to_bytes(size, "little")}))
            caller.save()
            caller.poll()
            run("hit", "hit", "top", "low")
            caller.export(device, boot)
    for tag in range(n + 2):  # in force, in both places; with news that waits; under a plan of other levels
        both = {16: bytes([tag]), 158: bytes([tag])}
        for more in ({}, {162: b"\3\2"}, {6: b"\0\0"}, {6: b"\0\0", 159: b"\4"}):
            caller.restore(sealed(record, both | more))
            caller.poll()
            run("hit", "hit", "hit")
            caller.save()
    caller.restore(sealed(record, {140: b"\4\3\2\1"}))  # ticks beyond 24 bits
    caller.poll()
    since = caller.export(device, boot)
    run("low", "top")
    caller.export(device, boot, since)
    for ticks in range(9_000 - 3 * 256, 9_000 - 3 * 252):  # 253 to 256 days that are missing
        caller.restore(sealed(record, {140: ticks.to_bytes(4, "little")}))
        caller.operate("CALIBRATE", 3)
        caller.poll()
    second = {132: b"\2\0\0\0", states: b"\0\0\1\0\0\0\xff\xff"}  # an alarm of the second rung, calm for long
    out = {18: bytes([record[18] | 32])}
    for more in ({}, out, {states + 2: b"\7"}, {states + 2: b"\x08"}):
        caller.restore(sealed(record, second | more))
        caller.save()
        caller.operate("OUT_OF_SERVICE", int(more is not out))
        caller.poll()
        caller.save()
        caller.restore(sealed(record, second | more))
        run("low")
        caller.save()
    for words in (["low", "hit"], ["hit", "hit", "hit", "low"]):  # out of service within hits, and within an alarm
        caller.reset()
        run(*words)
        caller.operate("OUT_OF_SERVICE", 1)
        caller.poll()
        caller.save()
        caller.operate("OUT_OF_SERVICE", 0)
        run("hit", "hit")
        caller.save()
    elapsed = {144: b"\3\0\0\0"}
    for late in (0, 19_999, 20_000, 2**16 - 1):
        caller.restore(sealed(record, elapsed | {152: late.to_bytes(2, "little")}))
        run("low")
        caller.save()


def first_calls(caller: Caller, plan: Plan, rows: Rows) -> None:
    """What a caller may do at the worst of times."""
    # Before the first sample: refused, then taken, while a full queue and a gap behind it refuse others
    for name in ("SILENCE", "OUT_OF_SERVICE", "SUPPLY", "SELF_TEST"):
        for beyond in (HIGHEST[name] + 1, 2**32 - 1):
            caller.operate(name, beyond)
    for name, argument in (("ACKNOWLEDGE", 0), ("SILENCE", 2**31 - 1), ("MISSING", 5), ("CLOCK", 5), ("CANCEL", 0)):
        caller.operate(name, argument)
    caller.operate("TEST")
    caller.push(rows[:1])
    caller.gap(0)
    caller.gap(-1)
    caller.gap(1)
    caller.operate("TEST")
    caller.poll()

    # A gap alone, and gaps that are too long together
    window = plan.framer.window
    for gaps in ((plan.framer.hop + 1,), (2**31 - 1, 5), (1, 2**31 - 1, 2**31 - 1)):
        for n in gaps:
            caller.gap(n)
        caller.operate("ACKNOWLEDGE")
        caller.push(rows[:1])
        caller.poll()

    # A full window before an input, and one input while another one waits, in each order
    inputs = (
        (("OUT_OF_SERVICE", 1), ("TEST", 0), ("OUT_OF_SERVICE", 0)),
        (("SUPPLY", 1), ("CLOCK", 70), ("SELF_TEST", 1)),
        (("MISSING", 70), ("TEST", 0)),
    )
    for waiting in inputs:
        for take in (0, 1, 2):
            at = len(caller.taken)
            caller.push(rows[at : at + window + 3])
            caller.push(rows[at : at + window + 3])
            for name, argument in waiting:
                caller.operate(name, argument)
            caller.take(take)
            caller.push(rows[at : at + 1])
            caller.operate("TEST")
            caller.operate("SILENCE", 3)
            caller.gap(take)
            caller.poll()
            caller.poll()
    clock_calls(caller, plan, rows)
    record_calls(caller, plan, rows)
    if caller.n_rungs:
        ladder_calls(caller, plan, rows)
    caller.reset()
    caller.operate("SILENCE", 0)
    caller.reset()
    caller.gap(3)
    caller.reset()
    caller.poll()

    # The very first window clips where later ones do not begin, and nothing else does
    at, hop, n = len(caller.taken), plan.framer.hop, window + 2 * plan.framer.hop
    rows[at : at + hop] = [[CLIPS] * plan.columns for _ in range(hop)]
    rows[at + hop : at + n] = [[k % 50 for _ in range(plan.columns)] for k in range(n - hop)]
    while len(caller.taken) < at + n:
        caller.push(rows[len(caller.taken) : at + n])
        caller.poll()


def record_calls(caller: Caller, plan: Plan, rows: Rows) -> None:
    """Records at the worst of times, of each wrong size, and with each number at its limit and beyond."""
    caller.reset()
    caller.save()
    caller.restore(caller.records[-1])
    caller.poll()
    for _ in range(20):
        at = len(caller.taken)
        caller.push(rows[at : at + plan.framer.window])
        caller.save_within_a_hop()
        caller.poll()
    caller.operate("TEST")
    caller.save()
    caller.poll()
    caller.gap(1)
    caller.save()
    caller.poll()
    whole = caller.record_bytes
    for size in (0, whole - 1, NO_RECORD, whole + 1, whole):
        caller.save(size)
    record = caller.records[-1]
    for size in (0, whole - 1, whole + 1, 2 * whole, NO_RECORD):
        caller.restore(record, size)
        caller.poll()
    for at in (0, 1, 2, 4, 5, *range(8, 16), whole - 5, whole - 1):
        caller.restore(bytes([*record[:at], record[at] ^ 1, *record[at + 1 :]]))
        if at < whole - 4:
            caller.restore(sealed(record, {at: (record[at] ^ 1).to_bytes(1, "little")}))
    hop, window, hits = plan.framer.hop, plan.framer.window, 1 << plan.timing.n
    changes: list[tuple[int, int, int]] = [(17, 1, state) for state in range(256)]
    changes += [(22, 2, ahead % 2**16) for ahead in (-hop - 1, -hop, 1 - hop, -1, 0, 1, window, window + 1, 2**15)]
    changes += [(at, 2, given) for at in (52, 54) for given in (hits - 1, hits, 2**16 - 1)]
    changes += [(56, 8, given) for given in (2**48 - 1, 2**48, 2**64 - 1)]
    changes += [(104, 2, given) for given in (2**13 - 1, 2**13, 2**16 - 1)]
    changes += [(at, 1, given) for at in (3, 16, 18, 19) for given in (0, 1, 2, 4, 16, 32, 255)]
    changes += [(at, 2, 1 << bit) for at in (6, 108, 110) for bit in range(16)]
    changes += [(at, 2, 2**16 - 1) for at in range(106, 132, 2)]
    changes += [(at, 4, given) for at in (*range(24, 52, 4), *range(64, 104, 4)) for given in (0, 1, 2**31, 2**32 - 1)]
    if caller.learnt_bytes:
        changes += [(132 + at, 2, given) for at in (0, 2, 26, caller.learnt_bytes - 2) for given in (0, 1, 2**16 - 1)]
    for at, size, given in changes:
        caller.restore(sealed(record, {at: given.to_bytes(size, "little")}))
        caller.save()
        caller.poll()
        caller.save()
    for state in (2, 3, 4, 5):  # an alarm of any state, under this plan and under another one's levels
        for tag in (record[6:8], b"\0\0"):
            numbers = {6: tag, 17: bytes([state, 1]), 19: b"\x07", 28: bytes([2, 0, 0, 0, 3, 0, 0, 0, 1]), 52: b"\1"}
            numbers |= {40: bytes([2, 0, 0, 0, 3, 0, 0, 0])}
            caller.restore(sealed(record, numbers))
            caller.poll()
            caller.gap(0 if plan.duty is None else plan.duty.longest_pause)
            caller.poll()
            caller.save()
            at = len(caller.taken)
            caller.push(rows[at : at + plan.framer.window])
            caller.poll()
            caller.gap(0 if plan.duty is None else plan.duty.longest_pause)
            caller.poll()
            caller.save()


def clock_calls(caller: Caller, plan: Plan, rows: Rows) -> None:
    """Readings of a clock inside a window and before one begins, on time and 100 samples late."""
    if plan.health is None or plan.framer.window == 1:
        return
    caller.reset()
    caller.operate("CLOCK", 0)
    caller.poll()
    ms, samples = 0, 0
    for before, behind, late in ((40, 45, 0), (40, 0, 0), (0, 45, 0), (7, 3, 100), (7, 30, 100)):
        ms += 70_001
        wanted = ms * plan.health.samples_per_ms_q20 >> 20
        caller.push(rows[:before])
        caller.gap(wanted + late - samples - before - behind)
        caller.poll()
        caller.push(rows[:behind])
        caller.operate("CLOCK", ms)
        caller.poll()
        samples = wanted + late
