"""profile: values of slots and totals of days to levels, spreads and deviations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.profile import Profile, ProfilePlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native, core_plan, rows_of

OPERATIONS = ("learn", "day", "relearn", "deviations")
LARGEST = 32767


def by_scalar(given: Given) -> list:
    profile = scalar.Profile(given["profile"])
    return [_in_scalars(profile, *step) for step in given["steps"]]


def _in_scalars(profile: scalar.Profile, operation: str, *what: Json) -> list[int]:
    if operation == "learn":
        profile.learn(*what)
        return [*profile.level[what[0]], *profile.spread[what[0]], profile.seen[what[0]]]
    if operation == "day":
        profile.learn_day(*what)
        means = [profile.mean(column) for column in range(profile.columns)]
        anchors = [level for slot in profile.anchor for level in slot]
        return [*profile.totals[0], *means, *profile.total_anchor, *anchors, profile.n_totals, profile.days]
    if operation == "relearn":
        profile.relearn()
        return [*profile.seen, profile.n_totals]
    n = profile.columns
    values, totals = what
    return profile.deviations([values[i : i + n] for i in range(0, len(values), n)], totals)


def by_core(given: Given) -> list:
    plan = core_plan(ProfilePlan, given["profile"])
    plan.check()
    profile = Profile(plan)
    return [_in_core(profile, plan, *step) for step in given["steps"]]


def _in_core(profile: Profile, plan: ProfilePlan, operation: str, *what: Json) -> list[int]:
    if operation == "learn":
        profile.learn(what[0], rows_of(what[1]))
        return [*profile.level[what[0]].tolist(), *profile.spread[what[0]].tolist(), int(profile.seen[what[0]])]
    if operation == "day":
        profile.learn_day(rows_of(what[0]))
        means = (profile.totals[0], profile.mean_total, profile.total_anchor, profile.anchor.ravel())
        return [*(x for part in means for x in part.tolist()), profile.n_totals, profile.days]
    if operation == "relearn":
        profile.relearn()
        return [*profile.seen.tolist(), profile.n_totals]
    values, totals = map(rows_of, what)
    return profile.deviations_q8(values.reshape(-1, plan.columns), totals).ravel().tolist()


def by_native(given: Given) -> list:
    native, section = Native(), given["profile"]
    slots, n = section["slots"], section["columns"]
    profile = native.struct("anom_profile", {})
    memory = native.new("int16_t[]", n * (15 + 3 * slots) + 2 + (slots + 1) // 2)
    native.lib.anom_profile_init(profile, native.struct("anom_profile_plan", section), memory)
    native.lib.anom_profile_reset(profile)
    return [_in_c(native, profile, slots, n, *step) for step in given["steps"]]


def _in_c(native: Native, profile: Any, slots: int, n: int, operation: str, *what: Json) -> list[int]:
    lib, counts = native.lib, profile.counts
    if operation == "learn":
        slot = slice(what[0] * n, (what[0] + 1) * n)
        lib.anom_profile_learn(profile, what[0], native.new("int16_t[]", what[1]))
        return [*list(profile.level[slot]), *list(profile.spread[slot]), counts.seen[what[0]]]
    if operation == "day":
        lib.anom_profile_learn_day(profile, native.new("int32_t[]", what[0]))
        means = [lib.anom_profile_mean_total(profile, column) for column in range(n)]
        anchors = [*profile.total_anchor[0:n], *profile.anchor[0 : slots * n]]
        return [*profile.totals[0:n], *means, *anchors, counts.n_totals, counts.days]
    if operation == "relearn":
        lib.anom_profile_relearn(profile)
        return [*(counts.seen[slot] for slot in range(slots)), counts.n_totals]
    found = native.new("int32_t[]", len(what[0]) + n)
    values, totals = native.new("int16_t[]", what[0]), native.new("int32_t[]", what[1])
    lib.anom_profile_deviations_q8(profile, values, totals, found)
    return list(found)


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = [
        {
            "operation": OPERATIONS.index(operation),
            "slot": what[0] if operation == "learn" else 0,
            "values": what[operation == "learn"] if what else None,
            "totals": what[1] if operation == "deviations" else None,
            "expect": found,
        }
        for (operation, *what), found in zip(given["steps"], expect, strict=True)
    ]
    return {"plan": given["profile"], "n_steps": len(steps), "steps": steps}


def given(*steps: Json, slots: int = 2, columns: int = 1, mature: int = 2) -> Given:
    """Steps of a profile of few slots."""
    return {
        "profile": {"slots": slots, "columns": columns, "mature": mature, "hold": 5},
        "steps": [["learn", 0, step] if isinstance(step[0], int) else list(step) for step in steps],
    }


def learnt(*values: int) -> list[list[int]]:
    """One column of slot 0."""
    return [[value] for value in values]


def days(*totals: int) -> list[list]:
    return [["day", [total]] for total in totals]


def cases() -> Iterator[Case]:
    yield Case(
        "The first days of a slot",
        "A level that starts at 0, or one that moves by less than 1 / n at first.",
        given(*learnt(1000, 1100, 1100, 900, 1000)),
    )
    yield Case(
        "Parts are rounded away from 0",
        "A level that stays a step short of what it is shown for ever.",
        given(*learnt(100, *[101] * 8, *[100] * 16, *[99] * 16)),
    )
    yield Case(
        "Far values are winsorised from the fourth day on",
        "A limit from the third day, or one of other than three spreads.",
        given(*learnt(0, 32767, 0, 32767, 0, 32767), slots=1),
    )
    yield Case(
        "A value within three spreads, at them, and beyond",
        "A limit that is one off; a floor that is left out.",
        given(*learnt(1000, 1000, 1000), *learnt(1003, 1000, 1004, 997, 2000, 0)),
    )
    yield Case(
        "The floor follows the totals",
        "A floor of the slot instead of the day, or of another part of it.",
        given(*days(16000), *learnt(500, 500, 500, 9000, 500, 0), ["deviations", [1500, 1500], [0]]),
    )
    yield Case(
        "The extremes of a slot",
        "A spread or a level beyond int16.",
        given(*learnt(*[0, LARGEST] * 10), slots=1),
    )
    yield Case(
        "Fifteen days, all of them another level",
        "A part of 1 / 15, or one of 1 / 13.",
        given(*learnt(*range(0, 32000, 2000)), slots=1),
    )
    yield Case(
        "Each column and each slot by itself",
        "Columns that are mixed up, or slots.",
        given(
            *[["learn", slot, [1000 * slot + 10, 2000 * slot + 20, 5]] for slot in (0, 2, 1, 2, 0)],
            ["day", [100, 200, 300]],
            ["deviations", [10, 20, 5, 1010, 2020, 5, 0, 0, 0], [100, 300, 0]],
            slots=3,
            columns=3,
        ),
    )
    yield Case(
        "Totals of sixteen days",
        "A fifteenth total that counts; the newest one last; a mean by another reciprocal.",
        given(*days(*range(1000, 1160, 10)), slots=1),
    )
    yield Case(
        "The largest totals",
        "A mean beyond 32767.",
        given(*days(*[LARGEST] * 15), ["deviations", [0], [LARGEST]], ["deviations", [0], [0]], slots=1),
    )
    yield Case(
        "Totals that lie far are brought nearer",
        "A limit before the fourth day; one without its floor; a total below 0.",
        given(*days(1000, 1000, 1000, 9000, 0, 1200, 0, 0, 0), slots=1),
    )
    yield Case(
        "A day of nothing after days of nothing",
        "A floor of 0.",
        given(*days(0, 0, 0, 5, 0, 100), ["deviations", [0], [1]], slots=1),
    )
    yield Case(
        "Mature after three days",
        "An anchor that moves on, or one that is taken a day late.",
        given(
            *([["learn", 0, [value]], ["learn", 1, [value + 7]], ["day", [value]]][i] for value in (100, 200, 300, 400)
              for i in range(3)),
            mature=3,
        ),
    )  # fmt: skip
    yield Case(
        "A profile learns anew",
        "A relearnt level that moves by 1 / 14; totals that are all forgotten, or none.",
        given(
            *learnt(*[1000] * 9),
            *days(*[800] * 9),
            ["relearn"],
            *learnt(3000, 3000),
            *days(2000, 2000),
            ["relearn"],
            ["deviations", [1000, 0], [2000]],
        ),
    )
    yield Case(
        "Relearning after three days is none",
        "Counts that are set to four.",
        given(*learnt(10, 20, 30), *days(50, 60), ["relearn"], *learnt(40), *days(70)),
    )
    yield Case(
        "Deviations of both signs",
        "Division that rounds toward 0; a spread taken as the next power of 2.",
        given(
            *learnt(*[1000, 1100] * 8),
            *[["deviations", [1050 + d, d], [max(d, 0)]] for d in (-1050, -65, -2, -1, 0, 1, 2, 65, 500, 31717)],
        ),
    )
    yield Case(
        "Deviations of totals of both signs",
        "A root that is rounded up; a variance of n - 1.",
        given(
            *days(1000, 1300, 900, 1200),
            *[["deviations", [0, 0], [total]] for total in (0, 1050, 1100, 1101, 1300, LARGEST)],
        ),
    )
    yield Case(
        "A spread at every octave",
        "An exponent of the spread that is one off; deviations beyond eight spreads.",
        given(
            *[
                step
                for total in (0, 40, 600, 9000, LARGEST)
                for step in (["day", [total]], ["deviations", [12345, 0], [7]])
            ],
        ),
    )
