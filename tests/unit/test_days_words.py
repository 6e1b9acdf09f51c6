"""Words of a day: each kind of change is told by its own words, and a usual day by none."""

from __future__ import annotations

import numpy as np
import pytest

from anomsdk.herd.days.changes import described, own_night, sizes, usual_day
from anomsdk.utils.slots import midnight_s, slot_of

HOURS = np.arange(24)
OWN = 100 + 400.0 * ((HOURS >= 6) & (HOURS < 20))


def days(today, n=14, noise=0.08, own=OWN):
    rng = np.random.default_rng(3)
    return np.concatenate([own * np.exp(rng.normal(0, noise, (n, len(own)))), [today]])


def words(today, sense="movement", **how):
    return described(days(today, **how), sense, "activity")


def test_a_usual_day_has_no_words():
    assert words(OWN) == []
    assert words(OWN * 1.05) == []
    assert described(np.vstack([np.tile(OWN, (14, 1)), OWN * 1.08]), "movement", "activity") == [], "below 10 %"


@pytest.mark.parametrize(
    ("sense", "less", "more"),
    [
        ("movement", "moved 40 % less", "moved 40 % more"),
        ("sound", "was 40 % quieter", "was 40 % louder"),
        ("score", "activity 40 % lower", "activity 40 % higher"),
        ("other", "activity 40 % lower", "activity 40 % higher"),
        ("coverage", "was recorded 40 % less", "was recorded 40 % more"),
    ],
)
def test_less_and_more_in_the_words_of_the_sense(sense, less, more):
    for factor, expected in ((0.6, less), (1.4, more)):
        told = described(np.vstack([np.tile(OWN, (14, 1)), OWN * factor]), sense, "activity")
        assert told[0] == f"{expected} than in the last 14 days"


def test_a_change_in_the_day_has_its_hour_and_the_night_is_unchanged():
    today = OWN.copy()
    today[14:20] *= 0.2
    told = words(today)
    assert told == [told[0], "night unchanged"]
    assert told[0].startswith("moved ")
    assert told[0].endswith(" less than in the last 14 days, since 14:00")


def test_hours_that_have_no_row_count_on_neither_side():
    today = np.where(HOURS < 12, OWN * 0.5, np.nan)
    assert words(today)[0].startswith("moved 5")
    assert words(np.full(24, np.nan)) == []


def test_a_restless_night_is_told_where_the_day_is_as_usual():
    today = OWN.copy()
    today[HOURS < 5] *= 3
    assert "restless night" in words(today)
    assert not any("restless" in each for each in words(OWN * 1.8)), "the night of a day that is busier as a whole"


@pytest.mark.parametrize(("hours", "expected"), [(3, "rhythm 3 h later"), (-4, "rhythm 4 h earlier")])
def test_a_shift_is_told_alone(hours, expected):
    assert words(np.roll(OWN, hours)) == [expected]


def test_a_day_without_rhythm():
    assert words(np.full(24, OWN.mean())) == ["no rhythm: busy and quiet hours are alike"]


def test_too_few_days_give_no_size():
    assert np.isnan(sizes(days(OWN * 0.5, n=2)[None]).change[0])
    assert sizes(days(OWN * 0.5, n=3)[None]).direction[0] == -1


def test_a_slot_of_too_few_days_is_no_part_of_a_size():
    values = days(OWN * 0.5)
    values[:13, 10] = np.nan
    values[13, 10] = 30_000
    assert abs(sizes(values[None]).change[0] + 0.5) < 0.05


def test_a_change_within_own_days_has_no_direction():
    wild = np.tile(OWN, (15, 1)) * np.where(np.arange(15) % 2, 0.7, 1.3)[:, None]
    assert sizes(wild[None]).direction[0] == 0


def test_a_day_of_nothing_but_zeros_before_divides_by_nothing():
    assert described(np.zeros((15, 24)), "movement", "activity") == []
    assert np.isnan(sizes(np.zeros((1, 15, 24))).change[0])


def test_quiet_hours_of_the_day_are_not_called_night():
    assert own_night(usual_day(days(OWN)))[1] == "night"
    assert own_night(usual_day(days(OWN, own=np.roll(OWN, 12))))[1] == "quiet hours"


def test_slots_are_those_of_the_wall_clock():
    from datetime import date

    first = midnight_s(date(2026, 5, 1))
    assert first == 1_777_593_600
    times = np.array([first - 1, first, first + 899, first + 900])
    assert slot_of(times, first, 900).tolist() == [-1, 0, 0, 1]
