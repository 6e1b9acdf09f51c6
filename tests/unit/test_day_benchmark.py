"""`benchmarks.days` on generated herds: what each detector sees, and how figures are counted."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from anomsdk.synthetic.days import ONE_DAY, usual_day
from anomsdk.synthetic.herd_days import generated_herd
from benchmarks import day_herds, days
from benchmarks.day_herds import MISSING, UNTOUCHED, Animal, Day
from benchmarks.day_peers import PEERS, Past


@pytest.fixture(scope="module")
def herd():
    """Return three generated animals of 15 days."""
    return [Animal(name, "generated", rows) for name, rows in generated_herd(3, 15, seed=11)]


@pytest.fixture
def computed(monkeypatch, herd):
    monkeypatch.setattr(day_herds, "animals", lambda name: herd)
    return [day_herds.days_of("people", number) for number in range(3)]


def seen(change):
    """Compare the last of 20 generated days with those before it; 8 animals."""
    found = []
    for _, rows in generated_herd(8, 20, seed=4):
        past = Past()
        for each in rows[: 19 * 24].reshape(-1, 24, 1):
            past.learn(day_herds.as_day(each, 5))
        last = rows[19 * 24 :]
        if change is not None:
            last = ONE_DAY[change].put(last, usual_day(rows[: 19 * 24], 24), np.random.default_rng(0))
        found.append(past.compare(day_herds.as_day(last, 5)))
    return found


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("daily total, z over 14 days", "less_50"),
        ("same hour, median and MAD", "shifted_4h"),
        ("same hour, winsorised", "shifted_4h"),
        ("five figures, herd's robust z", "no_rhythm"),
        ("five figures, own robust z", "no_rhythm"),
        ("Mahalanobis over the herd", "no_rhythm"),
        ("seasonal-naive error", "shifted_4h"),
        ("IsolationForest, own figures", "no_rhythm"),
        ("IsolationForest, own hours", "shifted_4h"),
    ],
)
def test_each_peer_sees_its_kind_of_change(name, change):
    normal, changed = seen(None), seen(change)
    detector = PEERS[name](normal)
    assert days.auc(detector(normal), detector(changed)) > 0.85
    assert set(PEERS) >= {name} and len(PEERS) == 9


def test_zeros_of_a_sensor_off_the_body_are_missing():
    rows = np.full((24, 1), 5, np.int16)
    rows[2:6], rows[10:13], rows[20] = 0, 0, MISSING
    day = day_herds.as_day(rows, 4)
    assert np.flatnonzero(np.isnan(day)).tolist() == [2, 3, 4, 5, 20]


def test_auc_and_sensitivity():
    assert days.auc(np.array([1.0, 2, 3]), np.array([2.0, 4])) == 0.75
    normal = np.arange(31.0)
    assert days.sensitivity(normal, np.array([28.9, 29.1, 40, 0])) == 0.5


def test_no_animal_trains_for_itself_and_kinds_come_from_one_morning(computed):
    table = days.DayTable([day for each in computed for day in each.days])
    assert set(ONE_DAY) | {UNTOUCHED} <= set(table.kind)
    n = len(table.at(UNTOUCHED))
    assert n == 3 * 8 and all(len(table.at(kind)) == n for kind in ONE_DAY)
    for held in days.folds(["a", "b", "c", "d"]):
        assert len(held) == 1
    assert sorted(name for held in days.folds([str(n) for n in range(37)]) for name in held) == sorted(
        map(str, range(37))
    )
    frames = {day.kind: day.frame for day in computed[0].days if day.day == 10 and day.kind in (UNTOUCHED, *ONE_DAY)}
    assert len({frame.tobytes() for frame in frames.values()}) == len(frames)


def test_the_report_names_all_detectors_and_missed_goals(computed):
    given = [day for each in computed for day in each.days]
    table = days.DayTable(given)
    out = io.StringIO()
    report = days.Report(Console(file=out, width=200), "people", table, days.scored("people", computed, given))
    good = report.main()
    report.more()
    text = out.getvalue()
    assert all(name in text for name in (days.PLAN, *PEERS))
    assert text.count("reached:") + text.count("MISSED:") == 3 and good == ("MISSED" not in text)
    assert "swapped collars" in text and "alarm-days on untouched days" in text


def test_draws_keep_the_kinds_of_a_day_together():
    given = [Day(name, day, kind, np.zeros(1, np.int64), {}) for name in "ab" for day in (7, 8) for kind in (UNTOUCHED, "less_30")]  # fmt: skip
    table = days.DayTable(given)
    for drawn in days.draws(table, ["less_30"], np.random.default_rng(0), 20):
        keys = [[(table.animal[i], table.day[i]) for i in drawn[kind]] for kind in (UNTOUCHED, "less_30")]
        assert keys[0] == keys[1] and len(keys[0]) == 4
