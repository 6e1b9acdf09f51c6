"""ladder: scores and requests to the whole state of a ladder, in the bytes of a record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.ladder import Ladder, LadderPlan, PromisePlan
from anomsdk.core.record import Record
from anomsdk.core.rung import TimingPlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.alert import FOUR, TOP, Setting
from tests.support.stems.sections import Native, Symbol, c_timing, core_plan

TAG_AT = 26
"""Place of the level tag in a state."""
OPERATIONS = ("ticks", "gap", "pause", "stop", "reset", "calibrate", "set_level", "take_news", "restore")
"""Each changes the state; `ticks` is a list of scores and how often each comes, `restore` a state and `releveled`."""


def by_scalar(given: Given) -> list[str]:
    sections = given["plan"], given["promises"], given["timing"]
    ladder, found = scalar.Ladder(*sections), []
    for operation, *what in given["steps"]:
        if operation == "ticks":
            for score, n in what[0]:
                for _ in range(n):
                    ladder.tick(score)
        elif operation == "reset":
            ladder = scalar.Ladder(*sections)
        elif operation == "restore":
            state = bytes.fromhex(what[0])
            assert ladder.takes(state)
            ladder = scalar.Ladder(*sections)
            ladder.restore(state, bool(what[1]))
        else:
            getattr(ladder, operation)(*what)
        found.append(ladder.save().hex())
    return found


def by_core(given: Given) -> list[str]:
    plan, timing = core_plan(LadderPlan, given["plan"]), core_plan(TimingPlan, given["timing"])
    promises = [core_plan(PromisePlan, promise) for promise in given["promises"]]
    plan.check(timing)
    for promise in promises:
        promise.check(plan)
    ladder, found = Ladder(plan, promises, timing), []
    for operation, *what in given["steps"]:
        if operation == "ticks":
            for score, n in what[0]:
                for _ in range(n):
                    ladder.step(score)
        elif operation == "restore":
            ladder.reset()
            ladder.restore(Record(0, b"", 0, 0, ladder=bytes.fromhex(what[0])), releveled=bool(what[1]))
        elif operation == "gap":
            ladder.gap()
        else:
            getattr(ladder, operation)(*what)
        record = Record(0, b"", 0, 0)
        ladder.save(record)
        assert record.level_tag == ladder.tag
        found.append(record.ladder.hex())
    return found


def by_native(given: Given) -> list[str]:
    native, found = Native(), []
    lib = native.lib
    plan, timing = (
        native.struct("anom_ladder_plan", c_plan(given)),
        native.struct("anom_timing_plan", c_timing(given["timing"])),
    )
    size = 32 + 17 * len(given["plan"]["raise_scores"])
    held = native.ffi.sizeof("anom_ladder") + 17 * len(given["plan"]["raise_scores"])
    ladder = native.ffi.cast("anom_ladder *", native.new("uint64_t[]", held // 8 + 1))
    lib.anom_ladder_reset(ladder, plan)
    for operation, *what in given["steps"]:
        if operation == "ticks":
            for score, n in what[0]:
                for _ in range(n):
                    lib.anom_ladder_step(ladder, plan, timing, score)
        elif operation == "restore":
            state, releveled = bytes.fromhex(what[0]), what[1]
            assert lib.anom_ladder_restore(ladder, plan, timing, state, state[TAG_AT], releveled) == 1
        elif operation == "take_news":
            lib.anom_ladder_take_news(ladder)
        else:
            getattr(lib, f"anom_ladder_{operation}")(ladder, plan, *what)
        part = native.new("uint8_t[]", size)
        lib.anom_ladder_save(ladder, plan, part)
        found.append(bytes(part).hex())
    return found


def c_plan(given: Given, offset: Any = 0, own: Json | None = None) -> dict[str, Any]:
    """All of `anom_ladder_plan`: in C the plan's own level stands before those of the rungs."""
    timing, ladder = given["timing"], given["plan"]
    ratios = timing["clear_ratio_q16"], timing["high_ratio_q16"]
    rungs = [scalar.levels_of(score, *ratios) for score in ladder["raise_scores"]]
    return {
        "levels": [own or rungs[0], *rungs],
        "promises": given["promises"] or None,
        "type": Symbol("anom_ladder_functions"),
        **{name: value for name, value in ladder.items() if name != "raise_scores"},
        "n_rungs": len(rungs),
        "n_promises": len(given["promises"]),
        "offset": offset,
    }


def c_case(given: Given, expect: list[str]) -> dict[str, Any]:
    steps = []
    for (operation, *what), found in zip(given["steps"], expect, strict=True):
        step: dict[str, Any] = {"operation": OPERATIONS.index(operation)}
        if operation == "ticks":
            step |= {"n": len(what[0]), "scores": [number for pair in what[0] for number in pair]}
        elif operation == "restore":
            step |= {"given": list(bytes.fromhex(what[0])), "n": what[1]}
        elif what:
            step |= {"n": what[0]}
        steps.append(step | {"state": list(bytes.fromhex(found))})
    return {"plan": c_plan(given), "timing": c_timing(given["timing"]), "n_steps": len(steps), "steps": steps}


# Plans, states and steps

NEEDS = [3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33]
"""Days (alarms: ticks) to be watched with 0 to 15 counted: few, so that cases are short."""
LONG = [4000 + 100 * count for count in range(16)]
SCORES = (1000, 1200, 1440)
PAIR = SCORES[:2]
LOW, FIRST, SECOND, THIRD = 0, 1000, 1200, 1440
"""Scores below all rungs, and at the level of each."""
ONE = Setting(1, 1)
ALARMS, DAYS, EPISODES = range(3)


def plan_of(*scores: int, day: int = 4, rest: int = 0, gap: int = 0) -> Json:
    """A ladder; a day of ``day`` ticks and ``rest`` / 65536."""
    rungs = list(scores or SCORES)
    return {"raise_scores": rungs, "day_ticks": day, "day_rest_q16": rest, "episode_gap": gap}


def promise_of(unit: int = DAYS, needs: Json = NEEDS, most: int = 65536, event: int = 72000, day: int = 4370) -> Json:
    """A promise whose evidence breaks it at 200000."""
    numbers = {"unit": unit, "needs": needs, "most_in_alarm_q16": most}
    return numbers | {"event_q16": event, "day_q16": day, "broken_q16": 200000}


def given_of(
    *steps: Json, plan: Json | None = None, promises: Json | None = None, setting: Setting = ONE, **changes: Json
) -> Given:
    """A number is a tick of this score; a pair is a score and how often it comes; the state is told after a step."""
    made: list[Json] = []
    for step in steps:
        if isinstance(step, int | tuple):
            pair = list(step) if isinstance(step, tuple) else [step, 1]
            if made and made[-1][:1] == ["ticks"]:
                made[-1][1].append(pair)
            else:
                made.append(["ticks", [pair]])
        else:
            made.append(list(step))
    made = [step for step in made if step != SHOW]
    sections = {"plan": plan or plan_of(**changes), "promises": [promise_of()] if promises is None else promises}
    return {**sections, "timing": setting.timing, "steps": made}


def calibrate(promise: int = 0) -> list:
    return ["calibrate", promise]


def set_level(tag: int) -> list:
    return ["set_level", tag]


NEWS, STOP, RESET, GAP = ["take_news"], ["stop"], ["reset"], ["gap"]
SHOW = []
"""Between ticks: those before it are a step of their own."""


def state_of(counts: Json = (), states: Json = (), quiet: Json = (), n: int = 3, **head: int) -> list:
    """The step that restores a state: what is not given is 0."""
    data = scalar.packed(scalar.LADDER, dict.fromkeys((name for name, _ in scalar.LADDER), 0) | head)
    zeros = dict.fromkeys((name for name, _ in scalar.COUNTS), 0)
    for i in range(n):
        data += scalar.packed(scalar.COUNTS, zeros | (counts[i] if i < len(counts) else {}))
    for i in range(n):
        in_row, second = states[i] if i < len(states) else (0, 0)
        data += in_row.to_bytes(2, "little") + second.to_bytes(2, "little")
    data += bytes(quiet[i] if i < len(quiet) else 0 for i in range(n))
    return ["restore", data.hex(), 0]


def releveled(step: list) -> list:
    return [*step[:2], 1]


def days(*numbers: int) -> list[dict]:
    """Counts of rungs with these alarm-days."""
    return [{"days": number} for number in numbers]


def cases() -> Iterator[Case]:
    for name, guards, given in [
        *_counts(),
        *_days(),
        *_episodes(),
        *_ends(),
        *_walks(),
        *_levels(),
        *_broken(),
        *_states(),
    ]:
        yield Case(name, guards, given)


def _counts() -> Iterator[tuple]:
    yield (
        "Each rung counts for itself",
        "A count of another rung; an alarm that is counted at each tick; a tick that clears and counts.",
        given_of(LOW, FIRST, 999, SECOND, 1300, THIRD, 1151, LOW, (THIRD, 3), LOW, plan=plan_of(day=100)),
    )
    example = Setting(2, 3, 1, 1, 9, high=FOUR)
    yield (
        "Votes, delays and a high level, without the cooldown",
        "A rung with the cooldown of the alarm; a high level of another rung; hits that survive a clear.",
        given_of(
            *(
                1000,
                999,
                1200,
                1100,
                1100,
                900,
                799,
                700,
                1500,
                1500,
                1500,
                1500,
                1500,
                4000,
                100,
                100,
                5000,
                100,
                5760,
            ),
            *((1440, 4), (0, 3), (1200, 3), SHOW, (0, 3)),
            plan=plan_of(day=100),
            setting=example,
        ),
    )
    yield (
        "Sixteen of sixteen on each rung",
        "Hits of fewer than 16 bits, or shared ones.",
        given_of((SECOND, 15), SHOW, SECOND, THIRD, SHOW, (THIRD, 15), plan=plan_of(day=100), setting=Setting(16, 16)),
    )
    top = [TOP - 2, TOP - 1, TOP]
    yield (
        "Levels at the top",
        "A score that is signed; a high level that wraps.",
        given_of(2**31, TOP - 2, LOW, TOP - 1, LOW, TOP, LOW, plan=plan_of(*top), setting=Setting(1, 1, high=FOUR)),
    )
    many = [100 + 10 * i for i in range(24)]
    yield (
        "Twenty-four rungs",
        "A rung that nobody looks at; bits of more than 24 rungs, or of fewer.",
        given_of(*[330 - 10 * i for i in range(0, 24, 7)], 330, LOW, plan=plan_of(*many, day=3, gap=1)),
    )
    yield (
        "Two rungs",
        "A rung beyond the last.",
        given_of(FIRST, LOW, SECOND, calibrate(), LOW, plan=plan_of(FIRST, SECOND)),
    )
    yield (
        "Gaps",
        "Votes, delays or alarms that a gap leaves or ends; a lost tick that is service.",
        given_of(SECOND, GAP, SECOND, SECOND, GAP, LOW, GAP, LOW, LOW, setting=Setting(2, 2, 0, 1)),
    )
    yield (
        "Declared pauses",
        "A pause that is a gap; one that is service.",
        given_of(
            *(SECOND, ["pause", 9], SECOND, LOW, ["pause", 2], ["pause", 70000], LOW, (SECOND, 2), LOW, ["pause", TOP]),
            LOW,
            setting=Setting(2, 2, 0, 99, clear_after=4),
        ),
    )
    yield (
        "Out of service",
        "An alarm, or hits, that go on; a day that forgets its alarm.",
        given_of(SECOND, SECOND, STOP, LOW, LOW, SECOND, calibrate(), setting=Setting(2, 2)),
    )


def _days() -> Iterator[tuple]:
    yield (
        "Days, and one that is not complete",
        "A day that is one tick too short or too long; an alarm of today that counts already.",
        given_of((LOW, 3), SHOW, LOW, FIRST, SHOW, (LOW, 2), SHOW, LOW, (LOW, 3), SECOND, plan=plan_of(*PAIR)),
    )
    yield (
        "An alarm over the end of a day",
        "A day that counts raises: it has none on the second day, and is in alarm for all of it.",
        given_of((LOW, 3), FIRST, (900, 4), (900, 3), LOW, (LOW, 4), plan=plan_of(*PAIR)),
    )
    for day, rest in ((3, 32768), (1, 65535), (2, 1)):
        yield (
            f"Days of {day} and {rest}/65536 ticks",
            "A rest that is lost, that counts a whole tick, or that is not carried on.",
            given_of(
                *(step for i in range(4) for step in ((LOW, 3 + i), FIRST, SHOW)),
                plan=plan_of(*PAIR, day=day, rest=rest),
            ),
        )
    yield (
        "Days of one tick",
        "A day that never ends, or ends without a tick.",
        given_of(LOW, FIRST, SHOW, FIRST, LOW, THIRD, SHOW, LOW, plan=plan_of(*PAIR, day=1, gap=1)),
    )
    yield (
        "The longest day",
        "Ticks of a day in int32; a day that ends early.",
        given_of(
            state_of(n=2, elapsed=TOP - 2, late_q16=65534, ticks=TOP - 2),
            *(LOW, SHOW, LOW, SHOW, FIRST, SHOW, LOW),
            plan=plan_of(*PAIR, day=TOP, rest=65535),
        ),
    )


def _episodes() -> Iterator[tuple]:
    def of_days(*scores: int) -> list:
        """A day of two ticks for each of the scores, each shown."""
        return [step for score in scores for step in (score, LOW, SHOW)]

    yield (
        "Episodes after one quiet day",
        "An episode a day; one that begins on the day after; a start that is not at risk.",
        given_of(*of_days(FIRST, FIRST, LOW, SECOND, LOW, LOW, FIRST), plan=plan_of(*PAIR, day=2, gap=1)),
    )
    yield (
        "Episodes after three quiet days",
        "A gap that is one day too short or too long; days at risk that go on in an episode.",
        given_of(*of_days(FIRST, LOW, LOW, SECOND, LOW, LOW, LOW, FIRST, LOW), plan=plan_of(*PAIR, day=2, gap=3)),
    )
    yield (
        "Episodes after 254 quiet days",
        "Quiet days of fewer than 8 bits, or that go on.",
        given_of(*of_days(FIRST), (LOW, 2 * 253), SHOW, *of_days(LOW, FIRST, LOW), plan=plan_of(*PAIR, day=2, gap=254)),
    )
    yield (
        "No episodes",
        "Days at risk of a ladder that counts none.",
        given_of(*of_days(FIRST, LOW, LOW, FIRST), plan=plan_of(*PAIR, day=2, gap=0)),
    )


def _ends() -> Iterator[tuple]:
    full = {"ticks": TOP - 1, "alarms": 65534, "days": 65534, "episodes": 65534, "at_risk": 65534}
    yield (
        "Counts at their end",
        "A count that wraps, or that stops one too early.",
        given_of(
            state_of([full] * 2, n=2, ticks=TOP - 1, days=65534, quiet=[1, 1]),
            *(SECOND, LOW, SHOW, SECOND, LOW, SHOW, LOW, LOW, SHOW, SECOND),
            plan=plan_of(*PAIR, day=2, gap=1),
        ),
    )
    yield (
        "Ticks in a row at their end",
        "A record that keeps a part of a number.",
        given_of(
            (FIRST, 65534), SHOW, FIRST, SHOW, FIRST, plan=plan_of(*PAIR, day=2**30), setting=Setting(1, 1, 65534)
        ),
    )
    yield (
        "Calm ticks at their end",
        "Calm ticks in a record that wrap.",
        given_of(
            *(FIRST, LOW, ["pause", 65532], SHOW, ["pause", 9], LOW, FIRST, LOW, ["pause", TOP], LOW),
            plan=plan_of(*PAIR),
            setting=Setting(1, 1, 0, 65534, clear_after=65534),
        ),
    )


def _walks() -> Iterator[tuple]:
    yield (
        "A certificate on the day it is due",
        "A day too early or too late; a rung that is not the lowest.",
        given_of((LOW, 11), calibrate(), LOW, NEWS, calibrate(), NEWS, calibrate()),
    )
    yield (
        "Counts that cost days",
        "Needs of another count; a walk that begins at the lowest rung.",
        given_of(FIRST, LOW, (LOW, 10), calibrate(), (LOW, 7), calibrate(), LOW, calibrate()),
    )
    for lower in (0, 2):
        yield (
            f"The walk stops at the first rung that fails, {lower} below it",
            "A rung below one that fails: it was not watched by the rules.",
            given_of(state_of(days(lower, 2, 1), days=6, ticks=24), calibrate()),
        )
    yield (
        "The highest rung needs more days",
        "Days of another rung; a rung below that is taken.",
        given_of(state_of(days(0, 0, 2), days=5, ticks=20), calibrate(), NEWS, (LOW, 4), calibrate()),
    )
    yield (
        "More days than a byte holds",
        "An argument that wraps.",
        given_of(
            *(state_of(days=3999 - 255), calibrate(), state_of(days=4000 - 255), calibrate(), state_of(), calibrate()),
            promises=[promise_of(needs=LONG)],
        ),
    )
    yield (
        "Fifteen and sixteen counted",
        "A table that is read beyond its end; a rung that passes with more than the table has.",
        given_of(
            *(state_of(days(16, 15, 15), days=33), calibrate(), state_of(days(16, 16, 16), days=65535), calibrate()),
            *(state_of(days(0, 0, 15), days=32), calibrate()),
        ),
    )
    share = promise_of(most=16384)
    for ticks in (25, 26):
        counts = [{"ticks": 26}, {"ticks": ticks}, {"ticks": 25}]
        yield (
            f"In alarm for {ticks} of 100 ticks, where 25 are allowed",
            "A share that must not be reached; one of the days.",
            given_of(state_of(counts, days=25, ticks=100), calibrate(), promises=[share]),
        )
    yield (
        "The highest rung is in alarm for too long",
        "Days that are missing of a rung that has failed.",
        given_of(state_of([{}, {}, {"ticks": 26}], days=2, ticks=100), calibrate(), promises=[share]),
    )
    yield (
        "Shares of large numbers",
        "A product that leaves 32 bits, or 63.",
        given_of(
            *(state_of([{"ticks": TOP >> 1}] * 3, days=99, ticks=TOP), calibrate()),
            *(state_of([{"ticks": TOP}] * 3, days=99, ticks=TOP), calibrate()),
            promises=[promise_of(most=32768)],
        ),
    )
    units = [promise_of(ALARMS, [10, 20, *range(21, 35)]), promise_of(EPISODES, [2, *NEEDS[1:]])]
    counted = [{"alarms": 1, "days": 9, "at_risk": 5}, {"alarms": 1, "days": 9, "at_risk": 1}, {"at_risk": 2}]
    yield (
        "Alarms by ticks, episodes by days at risk",
        "A count or a time of another unit.",
        given_of(
            *(state_of(counted, days=0, ticks=19), calibrate(0), calibrate(1)),
            *(state_of(counted, days=0, ticks=20), calibrate(0), calibrate(1)),
            gap=3,
            promises=units,
        ),
    )
    yield (
        "Missing ticks in days",
        "Days that are rounded down, or days of the rest.",
        given_of(
            *(state_of(ticks=1), calibrate(), state_of(ticks=2), calibrate(), state_of(ticks=9), calibrate()),
            promises=units,
            rest=65535,
            gap=1,
        ),
    )


def _levels() -> Iterator[tuple]:
    two = [promise_of(), promise_of(needs=[1, 2, *NEEDS[2:]])]
    lowered = [
        *(state_of(days(1, 1, 0), days=4, ticks=16), calibrate(), NEWS, (LOW, 4), calibrate(), NEWS),
        *((THIRD, 1), (LOW, 15), calibrate(), NEWS),
    ]
    yield (
        "Under the same promise a level is only lowered",
        "A certificate that ends with a bad day; evidence that begins anew where nothing changes.",
        given_of(*lowered, (LOW, 4), calibrate()),
    )
    held = state_of(days(0, 0, 2), days=5, ticks=20, tag=2, promise=1)
    yield (
        "What was certified stays",
        "A promise that is not broken and is said to need more days; another promise that passes for the one that runs.",
        given_of(held, calibrate(0), NEWS, calibrate(1), NEWS, promises=two),
    )
    yield (
        "Another promise may raise it",
        "A level that only ever goes down.",
        given_of(
            *(state_of(days(1, 0, 0), days=3, ticks=12), calibrate(1), NEWS, calibrate(0), NEWS, calibrate(1)),
            promises=two,
        ),
    )
    yield (
        "A level that somebody set",
        "A promise that goes on; a level that calibrate does not raise.",
        given_of(
            *(
                state_of(days(4, 0, 0), days=3, ticks=12),
                calibrate(),
                set_level(1),
                calibrate(),
                set_level(0),
                set_level(3),
            ),
            calibrate(),
        ),
    )
    yield (
        "News are told once, the last ones",
        "News that are told twice; an argument that stays.",
        given_of(calibrate(), set_level(2), NEWS, NEWS, calibrate(), NEWS),
    )


def _broken() -> Iterator[tuple]:
    running = {"promise": 1, "tag": 1, "days": 3, "ticks": 12}
    for start in (200000 - 72000 + 4370, 200000 - 72000 + 4369):
        yield (
            f"Evidence from {start}, and an alarm-day",
            "Evidence that must exceed the limit; a day that takes nothing off.",
            given_of(state_of(**running, evidence_q16=start), FIRST, (LOW, 2), NEWS, LOW, NEWS, calibrate()),
        )
    yield (
        "No level comes back below a broken promise",
        "A calibrate that comes back below it; a lowest rung that stays when somebody sets a level.",
        given_of(
            *(state_of(**running | {"days": 30}, evidence_q16=199000), FIRST, (LOW, 3), NEWS, calibrate(), (LOW, 4)),
            *(calibrate(), set_level(0), calibrate()),
        ),
    )
    yield (
        "A broken promise leaves out a rung that does not keep it either",
        "A level that is raised by one rung only; a rung that keeps the promise and is left out.",
        given_of(
            state_of(days(5, 3, 0), **running | {"days": 7}, evidence_q16=199000),
            FIRST,
            (LOW, 3),
            NEWS,
            (LOW, 4),
            calibrate(),
        ),
    )
    yield (
        "A broken promise of the highest rung",
        "A level above the highest.",
        given_of(
            *(
                state_of(**running | {"tag": 3}, evidence_q16=199000),
                THIRD,
                (LOW, 3),
                calibrate(),
                (LOW, 4),
                calibrate(),
            ),
        ),
    )
    alarms = promise_of(ALARMS)
    yield (
        "Alarms are evidence at once, and a day is paid in advance",
        "An alarm that waits for the day; an alarm of another rung, or each tick of it; a first day for nothing.",
        given_of(
            state_of(days=3, ticks=12),
            *(calibrate(), THIRD, FIRST, LOW, NEWS, SECOND, LOW, NEWS, THIRD, LOW, THIRD, NEWS, LOW, LOW, calibrate()),
            promises=[alarms],
        ),
    )
    yield (
        "Evidence of alarms at the limit",
        "Evidence that is looked at before the day's part; a limit that must be exceeded.",
        given_of(
            state_of(**running, evidence_q16=200000 - 72000 + 4370, elapsed=3),
            *(FIRST, NEWS, LOW, FIRST, NEWS),
            promises=[alarms],
        ),
    )
    episodes = promise_of(EPISODES)
    yield (
        "Episodes are evidence on days at risk",
        "A day of an episode that counts; a quiet day that is not at risk and takes off.",
        given_of(
            state_of(**running, quiet=[1, 1, 1]),
            *(step for score in (LOW, FIRST, FIRST, LOW, LOW, SECOND, LOW) for step in (score, (LOW, 3), SHOW)),
            promises=[episodes],
            gap=2,
        ),
    )
    yield (
        "Evidence has a floor",
        "Evidence that leaves its register after years.",
        given_of(
            state_of(**running, evidence_q16=-(2**30) + 4371), *((LOW, 4), SHOW, (LOW, 4), SHOW, FIRST, (LOW, 3)), SHOW
        ),
    )
    yield (
        "The plan's own level has no promise",
        "Evidence of a promise that does not run.",
        given_of(FIRST, (LOW, 3), NEWS, set_level(1), FIRST, (LOW, 3), NEWS),
    )
    yield (
        "A level that is lowered begins its evidence anew",
        "Evidence against another level.",
        given_of(
            state_of(days(1, 0, 0), days=4, ticks=16, tag=2, promise=1, evidence_q16=5000),
            *(calibrate(), NEWS, (LOW, 4), calibrate()),
        ),
    )


def _states() -> Iterator[tuple]:
    counts = [
        dict(zip(("ticks", "alarms", "days", "episodes", "at_risk"), row, strict=True))
        for row in ((0x04030201, 0x0605, 0x0807, 0x0A09, 0x0C0B), (1, 2, 3, 4, 5), (9, 8, 7, 6, 5))
    ]
    whole = state_of(
        counts,
        states=[(0x0201, 0x0403), (1, 1), (2, 0)],
        quiet=[3, 2, 0],
        in_alarm=1,
        today=6,
        ticks=0xF4030201,
        elapsed=77,
        evidence_q16=-3,
        late_q16=0x0807,
        days=0x0A09,
        boot=0x0C0B,
        tag=3,
        promise=1,
        lowest=2,
        news=3,
    )
    setting = Setting(1, 2, 5, 9, clear_after=60000)
    yield (
        "Every number of a state",
        "A number that is lost, or in the byte order of the processor.",
        given_of(whole, FIRST, LOW, NEWS, whole, RESET, plan=plan_of(day=100, gap=3), setting=setting),
    )
    yield (
        "A state of a plan with other levels",
        "A promise that goes on under a plan that may not have it; a level or a lowest rung that is lost.",
        given_of(releveled(whole), (FIRST, 2), calibrate(), plan=plan_of(day=100, gap=3), setting=setting),
    )
    yield (
        "A reset forgets all",
        "A count, a level, a promise or news that survive; quiet days that begin at 0.",
        given_of(whole, calibrate(), RESET, FIRST, LOW, plan=plan_of(day=78, gap=3), setting=Setting(1, 2)),
    )
