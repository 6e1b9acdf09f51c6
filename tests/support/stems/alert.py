"""alert: scores to events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.alert import Alert
from anomsdk.core.rung import LevelPlan, TimingPlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native, c_timing, core_plan

OPERATIONS = ("tick", "gap", "reset", "pause")
STATE = ("state", "hits", "in_row", "calm", "cooldown")
TAG = 0xABCD
LONGEST = 2**31 - 1
TOP = 2**32 - 1
RESET = ["reset"]


def by_scalar(given: Given) -> list:
    alert, found = None, []
    for operation, *what in [RESET, *given["steps"]]:
        events = []
        if operation == "tick":
            events = alert.tick(*what)
        elif operation in ("gap", "pause"):
            getattr(alert, operation)(*what)
        else:
            alert = scalar.Alert(given["timing"], given["levels"], given["tag"].to_bytes(2, "little"))
            alert.sequence = 0 if found else given["sequence"]
        found.append([*(getattr(alert, name) for name in STATE), "".join(event.hex() for event in events)])
    return found[1:]


def by_core(given: Given) -> list:
    timing, levels = core_plan(TimingPlan, given["timing"]), core_plan(LevelPlan, given["levels"])
    timing.check()
    levels.check(timing)
    alert, found = Alert(timing, levels, given["tag"]), []
    alert._sequence = given["sequence"]
    for operation, *what in given["steps"]:
        events = []
        if operation == "tick":
            events = alert.step(what[1], what[0])
        else:
            {"gap": alert.gap, "pause": alert.pause, "reset": alert.reset}[operation](*what)
        state = [int(alert.state), *(getattr(alert._rung, name) for name in STATE[1:])]
        found.append([*state, "".join(bytes(event).hex() for event in events)])
    return found


def by_native(given: Given) -> list:
    native, found = Native(), []
    alert, event = native.struct("anom_alert", {}), native.struct("anom_event", {})
    timing = native.struct("anom_timing_plan", c_timing(given["timing"]))
    native.lib.anom_alert_init(alert, timing, native.struct("anom_level_plan", given["levels"]), given["tag"])
    alert.sequence = given["sequence"]
    for operation, *what in given["steps"]:
        n_events = 0
        if operation == "tick":
            n_events = native.lib.anom_alert_step(alert, what[1], what[0], event)
        elif operation == "gap":
            native.lib.anom_alert_gap(alert, *what)
        elif operation == "pause":
            native.lib.anom_rung_pause(native.ffi.addressof(alert, "rung"), *what)
        else:
            native.lib.anom_alert_reset(alert)
        state = 2 if alert.rung.in_alarm else int(alert.rung.in_row > 0)
        counters = [getattr(alert.rung, name) for name in STATE[1:]]
        found.append([state, *counters, bytes(event.bytes).hex() * n_events])
    return found


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = []
    for (operation, *what), found in zip(given["steps"], expect, strict=True):
        step = dict(zip(STATE, found, strict=False)) | {"operation": OPERATIONS.index(operation)}
        if operation == "tick":
            step |= {"hop": what[0], "score": what[1]}
        elif operation != "reset":
            step |= {"lost_ticks": what[0]}
        steps.append(step | {"event": list(bytes.fromhex(found[-1])) or None})
    return {
        "timing": c_timing(given["timing"]),
        "level": given["levels"],
        "tag": given["tag"],
        "sequence": given["sequence"],
        "n_steps": len(steps),
        "steps": steps,
    }


class Setting:
    """A timing and its levels; a case is made of scores, and steps that are given as such."""

    def __init__(self, m: int, n: int, on_delay: int = 0, off_delay: int = 0, cooldown: int = 0, **others: int) -> None:
        ratios = {"clear_ratio_q16": others.get("clear", 52429), "high_ratio_q16": others.get("high", 0)}
        delays = {"on_delay": on_delay, "off_delay": off_delay, "cooldown": cooldown}
        self.timing = {"m": m, "n": n, **delays, **ratios}
        if "clear_after" in others:
            self.timing["clear_after"] = others["clear_after"]
        self.levels = scalar.levels_of(others.get("raised", 1000), *ratios.values())

    def given(self, *steps: Json, tag: int = TAG, sequence: int = 0) -> Given:
        """Scores at hops 100, 101, ..."""
        made = [["tick", 100 + i, s] if isinstance(s, int) else s for i, s in enumerate(steps)]
        return {"timing": self.timing, "levels": self.levels, "tag": tag, "sequence": sequence, "steps": made}


def gap(lost_ticks: int) -> list:
    return ["gap", lost_ticks]


def pause(ticks: int) -> list:
    return ["pause", ticks]


HIT, LOW, MIDDLE, HIGH = 1000, 0, 900, 4000
"""Scores that raise, that clear, that do neither, and that pass the cooldown where `high` is 4 * 65536."""
FOUR = 4 * 65536


def cases() -> Iterator[Case]:
    parts = [_levels(), _votes(), _delays(), _cooldowns(), _high(), _clears(), _gaps(), _pauses(), _events()]
    for name, guards, given in [row for part in parts for row in part]:
        yield Case(name, guards, given)


def _levels() -> Iterator[tuple]:
    scores = (1000, 999, 1200, 1100, 1100, 900, 799, 700, 1500, 1500, 1500, 1500, 1500, 4000, 100, 100, 5000, 100, 100)
    yield "The worked example", "Any slip: it is in docs/spec.md.", Setting(2, 3, 1, 1, 3, high=FOUR).given(*scores)
    yield (
        "Scores around the raise level",
        "A raise level that must be exceeded.",
        Setting(1, 1).given(999, 0, 1000, 0, 1001, 0, 999),
    )
    yield (
        "Scores around the clear level",
        "A clear level that clears when it is met; a raise level that clears.",
        Setting(1, 1).given(HIT, 999, 801, 800, 799, 800),
    )
    yield (
        "Clear level at the raise level",
        "A score that counts as a hit and as quiet.",
        Setting(1, 1, clear=65536).given(1000, 1000, 999, 1000, 999),
    )
    yield (
        "The largest levels",
        "Levels in int32.",
        Setting(1, 2, raised=TOP, clear=65536, high=70000).given(TOP - 1, LONGEST, TOP, TOP - 1, 2**31),
    )
    yield (
        "The smallest levels",
        "A clear level of 0, below which nothing lies.",
        Setting(1, 1, raised=1, clear=1, high=65537).given(0, 1, 1, 0, 2, 0),
    )


def _votes() -> Iterator[tuple]:
    yield (
        "Two of three",
        "A hit that counts for longer than n ticks.",
        Setting(2, 3).given(HIT, LOW, LOW, HIT, LOW, HIT),
    )
    yield "Three of three", "A hit register that is a counter.", Setting(3, 3).given(HIT, HIT, LOW, HIT, HIT, HIT)
    yield (
        "Sixteen of sixteen",
        "A register of fewer than 16 bits, or a mask of 1 << 16 in 16 bits.",
        Setting(16, 16).given(*[HIT] * 15, LOW, *[HIT] * 16),
    )
    yield (
        "One of sixteen",
        "The oldest bit of 16 that falls out a tick early, or never.",
        Setting(1, 16, 17).given(HIT, *[LOW] * 17),
    )
    yield (
        "Hits go on in an alarm",
        "A register that stands still in an alarm.",
        Setting(2, 4, 0, 2).given(HIT, HIT, LOW, HIT, MIDDLE, LOW, LOW, LOW),
    )
    yield (
        "A clear forgets the hits",
        "A new alarm from the hits of the last one.",
        Setting(2, 4).given(HIT, HIT, LOW, HIT, LOW, LOW, HIT, LOW, HIT),
    )


def _delays() -> Iterator[tuple]:
    yield (
        "An on-delay of two ticks",
        "A delay that is one tick too short or too long.",
        Setting(1, 1, 2).given(HIT, HIT, LOW, HIT, HIT, HIT),
    )
    yield (
        "An on-delay begins again",
        "Ticks with votes that are counted although they are not in a row.",
        Setting(1, 1, 1).given(HIT, LOW, HIT, LOW, HIT, HIT),
    )
    yield (
        "An off-delay of two ticks",
        "Quiet ticks that are counted although they are not in a row.",
        Setting(1, 1, 0, 2).given(HIT, LOW, LOW, MIDDLE, LOW, LOW, HIT, LOW, LOW, LOW),
    )
    yield (
        "The quiet ticks of the last alarm do not count",
        "A count that a raise does not take back.",
        Setting(1, 1, 0, 1).given(HIT, LOW, LOW, HIT, LOW, LOW),
    )
    yield (
        "The longest delays",
        "Delays that are compared as negative numbers.",
        Setting(1, 1, LONGEST, LONGEST, LONGEST, high=FOUR).given(HIT, HIT, HIGH, LOW, LOW, MIDDLE),
    )


def _cooldowns() -> Iterator[tuple]:
    yield (
        "A cooldown of three ticks",
        "A cooldown that is one tick too short or too long; votes that do not count on in it.",
        Setting(1, 1, 0, 0, 3).given(HIT, LOW, HIT, HIT, HIT, HIT),
    )
    yield (
        "A cooldown of one tick",
        "A cooldown that is counted down before it holds back.",
        Setting(1, 1, 0, 0, 1).given(HIT, LOW, HIT, HIT),
    )
    yield (
        "A cooldown ends while an on-delay runs",
        "A delay that begins only after the cooldown.",
        Setting(1, 1, 2, 0, 2).given(HIT, HIT, HIT, LOW, LOW, HIT, HIT, HIT),
    )
    yield (
        "A cooldown stands still in an alarm",
        "A cooldown that runs on in an alarm.",
        Setting(1, 1, 0, 2, 4, high=FOUR).given(HIT, LOW, LOW, LOW, LOW, HIGH, HIT, HIT, LOW, LOW, LOW, HIT),
    )


def _high() -> Iterator[tuple]:
    yield (
        "A high level passes the cooldown",
        "A high score that is held back.",
        Setting(1, 1, 0, 0, 5, high=FOUR).given(HIT, LOW, HIT, HIGH, LOW),
    )
    yield (
        "A high level passes the on-delay and the votes",
        "A high score that waits for m hits.",
        Setting(3, 4, 9, high=FOUR).given(LOW, HIGH, LOW, LOW),
    )
    yield (
        "Scores around the high level",
        "A high level that must be exceeded.",
        Setting(1, 1, 5, high=FOUR).given(3999, 4000, LOW, 4001),
    )
    yield (
        "High and votes at once",
        "A flag that is left out where the votes would have raised it, too.",
        Setting(1, 1, high=FOUR).given(HIT, LOW, HIGH, LOW, HIT),
    )
    yield (
        "High on the last tick of a cooldown",
        "A cooldown that a high score leaves as it is.",
        Setting(1, 1, 0, 0, 1, high=FOUR).given(HIT, LOW, HIGH, HIT, LOW, HIT),
    )
    yield (
        "No high level",
        "A high level of 0 that every score reaches.",
        Setting(2, 2).given(0, TOP, 0, TOP, TOP),
    )
    yield (
        "High in an alarm",
        "A second event while the alarm is up.",
        Setting(1, 1, high=FOUR).given(HIT, HIGH, HIGH, LOW),
    )


def _clears() -> Iterator[tuple]:
    yield (
        "Pending becomes normal without an event",
        "An event of a state that is never in one.",
        Setting(1, 2, 5).given(HIT, LOW, LOW, HIT),
    )
    yield (
        "A reset in an alarm",
        "An alarm, a cooldown, hits or a sequence number that survive.",
        Setting(1, 2, 0, 0, 3).given(HIT, LOW, HIT, RESET, LOW, HIT, LOW, RESET, HIT),
    )
    yield "A reset while pending", "A count that survives.", Setting(2, 3, 1).given(HIT, HIT, RESET, LOW, HIT, HIT, HIT)


def _gaps() -> Iterator[tuple]:
    yield (
        "A gap forgets hits",
        "Votes across a gap.",
        Setting(2, 3).given(HIT, gap(0), HIT, LOW, gap(1), HIT, HIT),
    )
    yield (
        "A gap while pending",
        "A state of PENDING that stays, or an event of a gap.",
        Setting(1, 3, 2).given(HIT, HIT, gap(1), LOW, HIT, HIT, HIT),
    )
    yield (
        "A gap in an alarm",
        "An alarm that a gap ends; quiet ticks across a gap.",
        Setting(1, 2, 0, 1).given(HIT, LOW, gap(7), LOW, LOW),
    )
    yield (
        "A cooldown runs on in a gap",
        "Lost ticks that are not counted, or that take the cooldown below 0.",
        Setting(1, 1, 0, 0, 5).given(HIT, LOW, gap(2), HIT, gap(1), HIT, HIT, LOW, gap(4), HIT, HIT, LOW, gap(5), HIT),
    )
    yield (
        "A gap longer than any cooldown",
        "Lost ticks in int32, a cooldown that wraps.",
        Setting(1, 1, 0, 0, LONGEST).given(HIT, LOW, gap(LONGEST - 1), HIT, HIT, LOW, gap(2**31 + 4094), HIT),
    )
    yield (
        "A cooldown of an alarm that a gap meets",
        "A cooldown in an alarm that a gap leaves as it is.",
        Setting(1, 1, 0, 1, 5, high=FOUR).given(HIT, LOW, LOW, HIGH, gap(3), LOW, LOW),
    )


def _pauses() -> Iterator[tuple]:
    yield (
        "A declared pause while pending",
        "A state of PENDING that a pause ends.",
        Setting(1, 1, 2).given(HIT, HIT, pause(9), HIT, LOW, HIT, pause(9), LOW),
    )
    yield (
        "A declared pause in an alarm that clears by time",
        "An event of a pause; an alarm that goes on for ever.",
        Setting(1, 1, 0, 9, clear_after=10).given(
            HIT, LOW, pause(9), LOW, HIT, pause(9), LOW, gap(9), LOW, pause(7), LOW
        ),
    )


def _events() -> Iterator[tuple]:
    yield (
        "The sequence number wraps",
        "A number of more than 16 bits, or one that skips 0.",
        Setting(1, 1).given(HIT, LOW, HIT, LOW, sequence=65534),
    )
    yield (
        "A clear event of score 0, a raise of the largest score",
        "A logarithm of 0.",
        Setting(1, 1).given(TOP, 0, 2**31, 1),
    )
    yield (
        "Bytes of hop and tag",
        "Numbers in the byte order of the processor.",
        Setting(1, 1).given(
            ["tick", 0x03040506, HIT], ["tick", TOP, LOW], ["tick", 0, HIT], tag=0x0102, sequence=0x1718
        ),
    )
