"""Learnt bytes of a record of days: where each number stands, as docs/spec.md has it, and which rows are there."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from anomsdk.core.affine import AffinePlan
from anomsdk.core.days import SLOTS, Days, DaysPlan, largest_levels, state_bytes, takes_state
from anomsdk.core.figures import N_FIGURES
from anomsdk.core.profile import MOST_SEEN, ProfilePlan
from tests.support.make import ROOT


def plan_of(slots: int, n: int) -> DaysPlan:
    size = len(largest_levels(slots, n))
    cosine = np.rint(16384 * np.cos(2 * np.pi * np.arange(slots) / slots)).astype("<i2")
    zeros = np.zeros(size, "<i4")
    affine = AffinePlan(zeros, zeros, np.ones(size, "u1"), -127, 127)
    profile = ProfilePlan(slots=slots, columns=n, mature=2, hold=slots)
    return DaysPlan(n, np.arange(n, dtype="u1"), np.zeros(n, "u1"), cosine, profile, slots // 4, 0, affine)


def lived(plan: DaysPlan, rows: int, seed: int = 0) -> Days:
    rng = np.random.default_rng(seed)
    days = Days(plan)
    days.levels(rng.integers(1, 30_000, (rows, 1, plan.columns)))
    return days


def table() -> dict[str, tuple[str, str]]:
    """Field -> offset and bytes of the table in the specification, as Python expressions of S, n and E."""
    text = (ROOT / "docs/spec.md").read_text(encoding="utf-8").partition("The part of days, by its own offsets")[2]
    found = {}
    for line in text.partition("\n\n")[2].partition("\n\n")[0].splitlines()[2:]:
        offset, size, field, _ = (cell.strip() for cell in line.strip("|").split(" | "))
        found[field] = (spelt(offset), spelt(size))
    return found


def spelt(formula: str) -> str:
    return re.sub(r"(?<=[0-9Sn]) (?=[Sn])", " * ", formula)


@pytest.mark.parametrize("slots", [SLOTS[0], 24, SLOTS[-1]])
@pytest.mark.parametrize("n", [1, 3, 4])
def test_they_are_those_of_the_specification(slots, n):
    """An offset that moved, two arrays in another order, columns before slots: each number has one place."""
    plan = plan_of(slots, n)
    days = lived(plan, slots * 5 + 7)
    data, profile = days.save(), days._profile
    values = {
        "`slot`": np.array([7], "<i2"),
        "`frozen`": np.array([0], "<i2"),
        "`zeros`": np.array([0], "<i2"),
        "`own`": days._own.astype("<i2"),
        "`rows`": days._rows.astype("<i2"),
        "`total_anchor`": profile.total_anchor.astype("<i2"),
        "`totals`": profile.totals.astype("<i2"),
        "`level`": profile.level.astype("<i2"),
        "`spread`": profile.spread.astype("<i2"),
        "`anchor`": profile.anchor.astype("<i2"),
        "`days`, `n_totals`, `figures_seen`, 0": np.array([2, 5, 4, 0], "u1"),
        "`seen`": profile.seen.astype("u1"),
    }
    assert (days._slot, days._frozen, profile.days, profile.n_totals, days._seen) == (7, 0, 2, 5, 4)
    sizes = {"S": slots, "n": n, "R": 28 + 2 * slots * n, "E": 28 + 2 * slots * n + 30 * n}
    at = 0
    for field, (offset, size) in table().items():
        assert (eval(offset, {}, sizes), eval(size, {}, sizes)) == (at, values[field].nbytes), field
        assert data[at : at + values[field].nbytes] == values[field].tobytes(), field
        at += values[field].nbytes
    assert set(table()) == set(values) and at == len(data) == state_bytes(plan) == 32 + slots + n * (30 + 8 * slots)
    assert takes_state(plan, data)
    assert (N_FIGURES, MOST_SEEN) == (11, 14)


def test_the_sizes_on_the_pages():
    assert [state_bytes(plan_of(*each)) for each in ((24, 1), (24, 4), (96, 4))] == [278, 944, 3320]
    assert max(state_bytes(plan_of(slots, 4)) for slots in SLOTS) == 3320


@pytest.mark.parametrize(
    "field", ["slot", "frozen", "zeros", "row", "level", "days", "n_totals", "figures_seen", "zero", "seen"]
)
def test_a_number_out_of_its_range_is_refused(field):
    plan = plan_of(24, 1)
    data = bytearray(lived(plan, 24 * 4).save())
    at, value = {
        "slot": (0, b"\x18\x00"),
        "frozen": (2, b"\x19\x00"),
        "zeros": (4, b"\x01\x00"),
        "row": (28, b"\xff\xff"),
        "level": (106, b"\xff\xff"),
        "days": (250, b"\x03"),
        "n_totals": (251, b"\x0f"),
        "figures_seen": (252, b"\x0f"),
        "zero": (253, b"\x01"),
        "seen": (254, b"\x0f"),
    }[field]
    assert takes_state(plan, bytes(data))
    data[at : at + len(value)] = value
    assert not takes_state(plan, bytes(data))


def test_the_rows_are_those_of_the_last_24_hours_and_no_others():
    """Of two animals with the same last day and other days before, only what was learnt differs."""
    plan = replace(plan_of(24, 2), off_body=4)
    today = np.random.default_rng(5).integers(1, 30_000, (24, 1, 2))
    saved = []
    for seed in (1, 2):
        days = lived(plan, 24 * 4, seed)
        days.levels(today)
        saved.append(days.save())
    rows = slice(28, 28 + 2 * 24 * 2)
    assert saved[0][rows] == saved[1][rows] == today.astype("<i2").tobytes()
    assert saved[0][: rows.start] != saved[1][: rows.start] and saved[0][rows.stop :] != saved[1][rows.stop :]
    assert today[:3].astype("<i2").tobytes() not in saved[0][rows.stop :]
