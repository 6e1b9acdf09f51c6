"""alarm: ticks, hops and inputs to the notices of a life cycle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.alarm import Alarm, AlarmPlan, Notice
from anomsdk.core.rung import LevelPlan, TimingPlan
from anomsdk.core.supervisor import Operation
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.alert import FOUR, HIGH, HIT, LONGEST, LOW, MIDDLE, TOP, Setting
from tests.support.stems.sections import Native, c_timing, core_plan

OPERATIONS = (
    *("tick", "advance", "due", "gap", "acknowledge", "silence", "cancel", "out_of_service", "test", "reset", "pause"),
)
"""Steps, in the order of their codes in C; one that takes no number is given 0."""
FLAGS = {"escalated": 1, "silenced": 16, "out_of_service": 32}
"""Bits of `flags` in C."""
STATE = ("state", "out_of_service", "silenced", "escalated", "peak", "base")
CLOCKS = ("waiting", "hold", "repeating", "silence", "test")
NOTICE = ("kind", "score", "flags", "input", "explained")
NOTHING = [0] * len(NOTICE)
DUE = ["due", 0]


def by_scalar(given: Given) -> list:
    def fresh() -> scalar.Alarm:
        return scalar.Alarm(given["plan"], given["timing"], given["levels"], given["hops_per_tick"])

    alarm, found = fresh(), []
    for operation, number in given["steps"]:
        notice = None
        if operation == "reset":
            alarm = fresh()
        elif operation in ("tick", "advance", "gap", "pause"):
            notice = getattr(alarm, operation)(number)
        else:
            notice = alarm.due() if operation == "due" else alarm.operate(operation, number)
        said = NOTHING
        if notice is not None:
            flags = notice.marked << 6 | notice.high << 7
            said = [notice.kind, notice.score, flags, notice.codes[0], int(notice.reasons)]
        numbers = [int(getattr(alarm, name)) for name in (*STATE, *CLOCKS)]
        found.append([numbers, [int(alarm.latched), alarm.annunciation], said])
    return found


def by_core(given: Given) -> list:
    plan = core_plan(AlarmPlan, given["plan"])
    plan.check()
    timing, levels = core_plan(TimingPlan, given["timing"]), core_plan(LevelPlan, given["levels"])
    alarm, found = Alarm(plan, timing, levels, given["hops_per_tick"]), []
    for operation, number in given["steps"]:
        notice: Notice | None = None
        if operation in ("tick", "advance", "gap", "pause", "silence"):
            notice = getattr(alarm, "step" if operation == "tick" else operation)(number)
        elif operation == "out_of_service":
            notice = alarm.serve(number == 0)
        else:
            notice = getattr(alarm, operation)()
        said = NOTHING
        if notice is not None:
            flags = notice.marked << 6 | notice.high << 7
            said = [int(notice.kind), notice.score, flags, int(notice.input or 0), int(notice.explained)]
        private = {name: f"_{name}" for name in (*STATE, *CLOCKS)} | {
            name: name for name in ("out_of_service", "silenced")
        }
        numbers = [int(getattr(alarm, name)) for name in private.values()]
        found.append([numbers, [int(alarm.latched), int(alarm.annunciation)], said])
    return found


def by_native(given: Given) -> list:
    native, found = Native(), []
    alarm = native.struct("anom_alarm", {})
    timing, level = native.struct("anom_timing_plan", c_timing(given["timing"])), given["levels"]
    native.lib.anom_alarm_init(
        alarm, native.struct("anom_alarm_plan", c_plan(given)), timing, native.struct("anom_level_plan", level)
    )
    for operation, number in given["steps"]:
        notice = _in_c(native.lib, alarm, operation, number)
        flags = {name: int(alarm.flags & bit != 0) for name, bit in FLAGS.items()}
        numbers = [flags[name] if name in flags else getattr(alarm, name) for name in (*STATE, *CLOCKS)]
        signals = [int(native.lib.anom_alarm_latched(alarm) != 0), native.lib.anom_alarm_annunciation(alarm)]
        said = [notice & 15, notice >> 32, notice >> 8 & 255, notice >> 16 & 255, notice >> 4 & 1]
        found.append([numbers, signals, said])
    return found


def _in_c(lib: Any, alarm: Any, operation: str, number: int) -> int:
    """Give a step to the C port; its notice."""
    if operation in ("advance", "gap", "pause"):
        getattr(lib, f"anom_alarm_{operation}")(alarm, number)
        return 0
    if operation == "reset":
        lib.anom_alarm_reset(alarm)
        return 0
    if operation == "tick":
        return lib.anom_alarm_step(alarm, number)
    if operation == "due":
        return lib.anom_alarm_due(alarm)
    return lib.anom_alarm_operate(alarm, Operation[operation.upper()], number)


def c_plan(given: Given) -> Json:
    """All of `anom_alarm_plan`."""
    return {**given["plan"], "hops_per_tick": given["hops_per_tick"]}


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = []
    for (operation, number), (numbers, signals, said) in zip(given["steps"], expect, strict=True):
        kind, score, flags, given_input, explained = said
        step = {"operation": OPERATIONS.index(operation), "number": number, "latched": signals[0]}
        step |= {"annunciation": signals[1], "score": score}
        step["notice"] = kind | explained << 4 | flags << 8 | given_input << 16
        steps.append(step | dict(zip((*STATE, *CLOCKS), numbers, strict=True)))
    return {
        "plan": c_plan(given),
        "timing": c_timing(given["timing"]),
        "level": given["levels"],
        "n_steps": len(steps),
        "steps": steps,
    }


def given_of(*steps: Json, hops_per_tick: int = 1, setting: Setting | None = None, **plan: int) -> Given:
    """A life cycle of one vote without delays, unless a setting says otherwise; a number is a hop with its tick."""
    setting = setting or Setting(1, 1, high=FOUR)
    made: list[Json] = []
    for step in steps:
        if isinstance(step, int):
            made += [["advance", hops_per_tick], DUE, ["tick", step]]
        else:
            made.append([step, 0] if isinstance(step, str) else list(step))
    return {
        "plan": scalar.NO_ALARM | plan,
        "hops_per_tick": hops_per_tick,
        "timing": setting.timing,
        "levels": setting.levels,
        "steps": made,
    }


ONE, TWO = 1 << 16, 2 << 16
RATIO = {"escalate_ratio_q16": TWO}


def cases() -> Iterator[Case]:
    for name, guards, given in [*_plain(), *_prealarm(), *_escalation(), *_operator(), *_pauses(), *_large()]:
        yield Case(name, guards, given)


def _plain() -> Iterator[tuple]:
    yield (
        "Raise and clear",
        "A clear that reports its own score, not the highest.",
        given_of(LOW, HIT, 1500, MIDDLE, LOW),
    )
    yield "High level", "A flag that an event without the high level bears.", given_of(HIGH, HIGH, LOW, HIT)
    yield (
        "Latch",
        "An alarm that ends by itself; one that stays although it was acknowledged.",
        given_of(HIT, LOW, LOW, "acknowledge", LOW, HIT, "acknowledge", LOW, latch=1),
    )
    yield (
        "A latched alarm comes again",
        "A prealarm over an alarm that nobody acknowledged; a wait that begins anew.",
        given_of(HIT, HIT, LOW, HIT, LOW, LOW, LOW, latch=1, cancel=1, escalate_after=4),
    )
    votes = Setting(2, 3, 1, 1, 2, high=FOUR)
    yield (
        "Votes, delays and cooldown",
        "A life cycle that counts otherwise than its rung.",
        given_of(HIT, HIT, HIT, LOW, LOW, HIT, HIT, HIT, HIT, ("gap", 1), LOW, LOW, LOW, setting=votes),
    )
    yield (
        "Votes and a wait in a gap",
        "Hits, a wait or a quiet that a gap leaves; a cooldown that stands still in it.",
        given_of(
            HIT,
            ("gap", 1),
            HIT,
            LOW,
            HIT,
            HIT,
            LOW,
            ("gap", 1),
            LOW,
            LOW,
            ("gap", 3),
            HIT,
            HIT,
            HIT,
            HIT,
            setting=Setting(2, 3, 0, 1, 5),
        ),
    )
    yield (
        "The highest score again, after a hold",
        "An escalation that has no reasons, because its score is not new.",
        given_of(
            *(("tick", HIT), ("tick", 3 * HIT), ("tick", 10 * HIT), ("advance", 5), ("tick", 10 * HIT)),
            escalate_every=5,
            **RATIO,
        ),
    )
    yield (
        "A silence of more than 2**31 hops",
        "A number of hops that saturates too early.",
        given_of(HIT, ("silence", 1 << 30), hops_per_tick=3),
    )
    yield (
        "Still alarming",
        "A repeat of an alarm that returned to normal, or of a prealarm; one that an escalation does not put off.",
        given_of(HIT, HIT, HIT, HIT, "acknowledge", HIT, 3000, HIT, LOW, LOW, LOW, latch=1, repeat=2, **RATIO),
    )


def _prealarm() -> Iterator[tuple]:
    yield (
        "A prealarm becomes an alarm",
        "A window that is a hop too short or too long; an alarm that forgets the highest score of the window.",
        given_of(HIT, 1500, LOW, LOW, LOW, LOW, cancel=3),
    )
    yield (
        "A prealarm that grows",
        "An escalation of what is no alarm yet.",
        given_of(HIT, 3000, 9000, LOW, LOW, LOW, cancel=4, **RATIO),
    )
    yield (
        "A prealarm is cancelled",
        "A cancel without a cooldown, or with the hits from before it.",
        given_of(HIT, HIT, "cancel", HIT, HIT, HIT, HIT, cancel=3, setting=Setting(2, 3, 0, 0, 2)),
    )
    yield (
        "Cancelling nothing",
        "A cancel of what is no prealarm.",
        given_of(
            "cancel", HIT, LOW, "cancel", "acknowledge", "cancel", HIT, HIT, "cancel", LOW, "cancel", latch=1, cancel=1
        ),
    )
    yield (
        "Time without ticks",
        "A window that waits for ticks.",
        given_of(HIT, ("advance", 1), DUE, ("advance", 1), DUE, DUE, ("advance", 7), DUE, cancel=2, escalate_after=5),
    )


def _escalation() -> Iterator[tuple]:
    yield (
        "An alarm that grows",
        "A ratio that is met and not exceeded; one against the last score instead of the last event.",
        given_of(HIT, 2000, 2001, 4002, 4003, LOW, **RATIO),
    )
    yield (
        "At most one escalation",
        "An escalation that is lost while another one holds it back, or that leaves too early.",
        given_of(HIT, 1500, 1600, 1700, 1600, 1600, 1600, LOW, escalate_ratio_q16=ONE, escalate_every=3),
    )
    yield (
        "Nobody acknowledges",
        "An escalation of an acknowledged alarm; one every hop.",
        given_of(*[HIT] * 6, "acknowledge", *[HIT] * 4, escalate_after=2, escalate_every=3),
    )
    yield (
        "Escalation of a latched alarm",
        "A state that an escalation changes; louder annunciation that stays after the acknowledgement.",
        given_of(HIT, LOW, LOW, LOW, "acknowledge", LOW, latch=1, escalate_after=2),
    )
    yield (
        "An acknowledged alarm grows",
        "An escalation that leaves an alarm acknowledged, or silenced.",
        given_of(HIT, "acknowledge", ("silence", 9), 5000, "acknowledge", 5000, 20000, LOW, **RATIO),
    )
    yield (
        "Grown and gone in a hold",
        "An escalation by growth of an alarm that returned to normal.",
        given_of(HIT, 3000, 9000, LOW, LOW, LOW, LOW, latch=1, escalate_every=2, **RATIO),
    )
    yield (
        "Highest score in a hold",
        "An escalation by time that counts as growth, or leaves a silence as it is although the score has grown.",
        given_of(
            HIT, 3000, ("silence", 9), 9000, 100000, LOW, LOW, latch=1, escalate_after=1, escalate_every=4, **RATIO
        ),
    )


def _operator() -> Iterator[tuple]:
    yield (
        "Silence",
        "A silence in hops instead of ticks; one that never expires, or that mutes the light.",
        given_of(
            "test", HIT, ("silence", 2), HIT, HIT, HIT, ("silence", 0), ("silence", 3), ("silence", 0), hops_per_tick=4
        ),
    )
    yield (
        "Silence before an alarm",
        "A silence that a raise ends.",
        given_of(("silence", 2), HIT, HIT, LOW, cancel=1, latch=1),
    )
    yield (
        "Out of service",
        "An alarm that goes on out of service; hits or a cooldown that survive it.",
        given_of(
            HIT,
            ("out_of_service", 1),
            HIT,
            ("out_of_service", 1),
            LOW,
            ("out_of_service", 0),
            HIT,
            LOW,
            HIT,
            ("out_of_service", 1),
            ("out_of_service", 0),
            HIT,
            setting=Setting(1, 2, 0, 0, 5),
        ),
    )
    yield (
        "Out of service in each state",
        "A closing event without the highest score.",
        given_of(
            HIT,
            1500,
            ("out_of_service", 1),
            ("out_of_service", 0),
            HIT,
            HIT,
            LOW,
            ("out_of_service", 1),
            ("out_of_service", 0),
            HIT,
            HIT,
            "acknowledge",
            ("out_of_service", 1),
            ("out_of_service", 0),
            latch=1,
            cancel=1,
        ),
    )
    yield (
        "Test",
        "A test that changes a state, or that is annunciated for ever.",
        given_of("test", LOW, LOW, LOW, HIT, "test", HIT, LOW, test=2),
    )
    yield (
        "A reset in an alarm",
        "A timer, a silence or a score that survives.",
        given_of(HIT, 9000, ("silence", 5), "test", "reset", DUE, LOW, HIT, latch=1, test=4, escalate_every=3, **RATIO),
    )
    yield (
        "All inputs at once",
        "An input that waits for a tick.",
        given_of(
            HIT,
            "acknowledge",
            ("silence", 2),
            "cancel",
            ("out_of_service", 1),
            ("out_of_service", 0),
            "test",
            ("silence", 0),
            cancel=2,
        ),
    )


def _pauses() -> Iterator[tuple]:
    votes = Setting(2, 3, 1, 1, 4, high=FOUR)
    yield (
        "Votes and delays across declared pauses",
        "Hits, an on-delay or an off-delay that a pause takes back; a cooldown that stands still in it.",
        given_of(HIT, ("pause", 9), HIT, HIT, LOW, ("pause", 9), LOW, HIT, HIT, ("pause", 2), HIT, HIT, setting=votes),
    )
    by_time = Setting(1, 1, 0, 99, high=FOUR, clear_after=6)
    yield (
        "Clear by time in each state",
        "A pause that clears without a judged tick; a clear by time that does not latch.",
        given_of(
            *(
                HIT,
                LOW,
                ("pause", 5),
                LOW,
                HIT,
                "acknowledge",
                "acknowledge",
                LOW,
                ("gap", 9),
                MIDDLE,
                ("pause", 9),
                LOW,
            ),
            *(("pause", 5), LOW, HIT, LOW, ("pause", 9), "silence", LOW),
            latch=1,
            setting=by_time,
        ),
    )
    yield (
        "Calm from before a prealarm's end",
        "Ticks and pauses within a prealarm, which judges none, that count as calm.",
        given_of(HIT, LOW, ("pause", 9), LOW, LOW, ("pause", 5), LOW, cancel=3, setting=by_time),
    )
    yield (
        "Out of service in a declared pause",
        "A cooldown or a calm from before.",
        given_of(
            *(HIT, LOW, ("out_of_service", 1), ("pause", 9), ("out_of_service", 0), HIT, LOW, ("pause", 4), LOW),
            setting=by_time,
        ),
    )


def _large() -> Iterator[tuple]:
    far = ("advance", TOP)
    yield (
        "The largest scores",
        "A comparison in 32 bits; one in int32.",
        given_of(2**31 - 1, 2**31, TOP, TOP, LOW, setting=Setting(1, 1, raised=2**30), escalate_ratio_q16=65537),
    )
    yield (
        "The largest ratio",
        "A product in 32 bits.",
        given_of(HIT, 1024000, 1024001, escalate_ratio_q16=2**26),
    )
    yield (
        "Counters at their end",
        "A counter that wraps.",
        given_of(
            HIT,
            far,
            DUE,
            far,
            DUE,
            DUE,
            ("silence", LONGEST),
            far,
            far,
            DUE,
            hops_per_tick=3,
            escalate_after=LONGEST,
            escalate_every=LONGEST,
            repeat=LONGEST,
            latch=1,
        ),
    )
    yield (
        "The longest durations",
        "Durations that are compared as negative numbers.",
        given_of(HIT, ("advance", LONGEST - 1), DUE, ("advance", 1), DUE, "test", cancel=LONGEST, test=LONGEST),
    )
