"""What one pass over a recording of motion tells, at the edges of each rule, however it is cut into blocks."""

from __future__ import annotations

import numpy as np
import pytest

from anomsdk.errors import InputError
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings, read_recording
from anomsdk.sources.formats.motion.columns import Columns
from anomsdk.sources.formats.motion.survey import Survey, likely_unit, missing_mark, rests_oddly

UNITS, LIMITS = np.ones(6), np.array([8.0] * 3 + [1000.0] * 3)


def rows(n, **axes):
    """At rest, az 1 g, with values of single axes, one after the other."""
    values = np.zeros((n, 6))
    values[:, 2] = 1.0
    for axis, given in axes.items():
        values[: len(given), ("ax", "ay", "az", "gx", "gy", "gz").index(axis)] = given
    return values


def surveyed(values, cut, units=UNITS, limits=LIMITS):
    survey = Survey(units, limits)
    for start in range(0, len(values), cut):
        survey.push(Columns.of(values[start : start + cut]))
    return survey


CUTS = (1, 2, 3, 7, 100)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    "axes, pinned",
    [
        ({"ax": [2.0, 0, 2.0, 0, 2.0, 0, 2.0, 0, 2.0]}, ["2 g"]),
        ({"ax": [2.0, 0, 2.0, 0, 2.0, 0, 2.0]}, []),  # four are chance
        ({"ax": [-2.0, 0, -2.0, 0, -2.0, 0, -2.0, 0, -2.0]}, ["2 g"]),
        ({"ax": [2.0, -2.0, 2.0, -2.0, 2.0, -2.0, 2.0, -2.0]}, []),  # four on either side
        ({"ax": [2.0] * 9 + [2.01]}, []),  # one is beyond: no limit of the sensor
        ({"ax": [2.01] + [2.0] * 9}, []),
        ({"ax": [1.9] * 9 + [2.0] * 5}, ["2 g"]),
        ({"ax": [1.5] * 5}, ["1.5 g"]),
        ({"ax": [1.49] * 5}, []),
        ({"ax": [8.0] * 9}, []),  # the plan's own full scale
        ({"ax": [2.0] * 5, "ay": [-4.0] * 5}, ["4 g"]),
        ({"gx": [250.0] * 5}, ["2.5e+02 deg/s"]),
        ({"gz": [-200.0] * 5}, ["2e+02 deg/s"]),
        ({"gx": [199.0] * 5}, []),
        ({"gx": [1000.0] * 5}, []),
        ({"ax": [2.0] * 5, "gy": [500.0] * 5}, ["2 g", "5e+02 deg/s"]),
    ],
)
def test_a_sensor_that_cuts_off_is_seen_over_all_blocks(axes, pinned, cut):
    assert surveyed(rows(40, **axes), cut).pinned == pinned


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    "axes, stuck",
    [
        ({"ax": [0.26], "ay": [0.1], "gx": [1], "gy": [1], "gz": [1]}, ["az"]),
        ({"ax": [0.25], "ay": [0.1], "gx": [1], "gy": [1], "gz": [1]}, []),  # it did not move
        ({"ax": [0.1], "ay": [0.1], "az": [1.1], "gx": [20.1], "gy": [1]}, ["gz"]),
        ({"ax": [0.1], "ay": [0.1], "az": [1.1], "gx": [20.0], "gy": [1]}, []),
        ({"ax": [0.3], "gx": [1]}, ["ay", "az", "gy", "gz"]),
    ],
)
def test_an_axis_that_never_changes_is_seen_where_the_others_move(axes, stuck, cut):
    assert surveyed(rows(40, **axes), cut).stuck == stuck


@pytest.mark.parametrize("cut", CUTS)
def test_samples_beyond_the_full_scale_are_counted(cut):
    survey = surveyed(rows(40, ax=[8.0, 8.01, -8.01, -8.0], gy=[0, 1000.5, 0, 1001]), cut)
    assert survey.clipped == 3 and survey.rows == 40


def test_units_are_of_each_axis():
    survey = surveyed(rows(40, ax=[2000.0] * 5, gx=[300.0] * 5), 3, np.array([1e-3] * 3 + [0.5] * 3))
    assert survey.pinned == ["2 g"]


def test_the_magnitude_is_the_median_of_the_medians_of_blocks():
    values = rows(9)
    values[:, 2] = [1, 1, 9, 2, 2, 9, 7, 7, 9]
    assert surveyed(values, 3).magnitude_g == 2.0
    values[:, :2] = 3, 4
    values[:, 2] = 0
    assert surveyed(values, 3).magnitude_g == 5.0


def test_what_gravity_gives():
    assert [rests_oddly(g) for g in (0.2499, 0.25, 1, 4.0, 4.001, np.nan)] == [True, False, False, False, True, True]


@pytest.mark.parametrize(
    "magnitude, unit",
    [
        *((0.6, "g"), (0.59, None), (1.7, "g"), (1.71, None), (600, "mg"), (1700, "mg"), (1701, None)),
        *((9.81, "m/s2"), (5.9, "m/s2"), (5.88, None), (16.6, "m/s2"), (16.7, None)),
    ],
)
def test_units_are_told_from_the_magnitude(magnitude, unit):
    assert likely_unit(magnitude) == unit


# --- rates that are one

STREAM_FORMAT = StreamFormat(50, "motion", 3, 2048, None, 8)


def recording(tmp_path, rate_hz, n=400):
    values = np.random.default_rng(0).normal([0, 0, 1], 0.1, (n, 3))
    np.savez(tmp_path / "a.npz", x=values, fs=rate_hz, channels=["ax", "ay", "az"])
    return open_recordings(tmp_path / "a.npz", STREAM_FORMAT, reading=ReadOptions(unit="g"))[0]


@pytest.mark.parametrize(
    "rate_hz, note",
    [
        (50, None),
        (50.04, None),
        (50.06, "50.06 Hz taken as 50 Hz"),
        (49.94, "49.94 Hz taken as 50 Hz"),
        (50.5, "50.5 Hz taken as 50 Hz"),
        (50.52, "50.52 Hz resampled to 50 Hz"),
        (49.51, "49.51 Hz taken as 50 Hz"),
        (49.49, "49.49 Hz resampled to 50 Hz, nothing above 24.745 Hz in it"),
        (24.76, "24.76 Hz resampled to 50 Hz, nothing above 12.38 Hz in it"),  # a crystal that is 1 % slow
    ],
)
def test_rates_within_one_percent_are_one(tmp_path, rate_hz, note):
    found = recording(tmp_path, rate_hz)
    assert found.notes == (() if note is None else (note,))
    resampled = note is not None and "resampled" in note
    assert (len(read_recording(found)) == 400) != resampled


@pytest.mark.parametrize("rate_hz", [24.74, 20, 1])
def test_less_than_half_the_rate_is_refused(tmp_path, rate_hz):
    with pytest.raises(InputError, match=rf"at {rate_hz:g} Hz it holds nothing above"):
        recording(tmp_path, rate_hz)


@pytest.mark.parametrize(
    "units", [np.ones(6), np.array([1 / 2048] * 3 + [0.07] * 3), np.array([-9.81, 1, 9.81, 1, 1, 1])]
)
@pytest.mark.parametrize("n", [1, 2, 127, 128, 1000, 4096, 16_384])
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.3])
@pytest.mark.parametrize("gravity", [0.2, 1.0, 1.15])
def test_statistics_by_axis_are_those_by_row(units, n, noise, gravity):
    """Written down as defined, row by row; every figure that a rule compares is the same to the last bit."""
    rng = np.random.default_rng(n)
    rest = rng.normal(0, noise, (n, 6)) + np.array([0, 0, gravity, 0, 0, 0])
    rest[n // 2 :] += rng.normal(0, 5 * noise, (n - n // 2, 6))
    stored = rest / units
    survey, scaled = surveyed(stored, n, units), stored * units
    magnitude = np.sqrt((scaled[:, :3] ** 2).sum(axis=1))
    assert survey.magnitude_g == np.median(magnitude)
    assert survey.stored_magnitude == np.median(np.sqrt((stored[:, :3] ** 2).sum(axis=1)))
    assert survey.clipped == (np.abs(scaled) > LIMITS).any(axis=1).sum()
    pieces = n // 128
    if not pieces:
        assert survey.at_rest_g is None and survey.gravity_g is None
        return
    means = magnitude[: pieces * 128].reshape(pieces, 128).mean(axis=1)
    still = np.ptp(scaled[: pieces * 128, :3].reshape(pieces, 128, 3), axis=1).max(axis=1) < 0.1 * means
    assert survey.at_rest_g == (np.median(means[still]) if still.any() else None)
    size = min(1024, max(128, n // 4))
    vectors = scaled[: n // size * size, :3].reshape(-1, size, 3).mean(axis=1)
    length = np.median(np.sqrt((vectors**2).sum(axis=1)))
    assert survey.gravity_g is not None
    if 0.9 < length < 1.14:  # no rule is near
        assert abs(survey.gravity_g - length) < 1e-12
    else:
        assert survey.gravity_g == length


@pytest.mark.parametrize("seed", range(8))
def test_pieces_that_move_on_one_axis_are_not_at_rest(seed):
    """Spans about the rule, on any axis and anywhere in a piece; pieces rest at different magnitudes."""
    rng = np.random.default_rng(seed)
    pieces = rng.normal(0, 1e-4, (64, 128, 6)) + np.array([0, 0, 1, 0, 0, 0])
    pieces[:, :, 2] *= rng.uniform(0.9, 1.1, (64, 1))
    at = np.arange(64), rng.integers(0, 128, 64), rng.integers(0, 3, 64)
    pieces[at] += rng.choice([0, 0.05, 0.09, 0.0999, 0.1005, 0.11, 0.5], 64)
    magnitude = np.sqrt((pieces[:, :, :3].reshape(-1, 3) ** 2).sum(axis=1)).reshape(64, 128).mean(axis=1)
    still = np.ptp(pieces[:, :, :3], axis=1).max(axis=1) < 0.1 * magnitude
    assert 0 < still.sum() < 64
    assert surveyed(pieces.reshape(-1, 6), 64 * 128).at_rest_g == np.median(magnitude[still])


@pytest.mark.parametrize("mark", [32767, -32768, -32767])
def test_an_end_of_int16_on_all_axes_marks_a_missing_row(mark):
    values = rows(40, ax=[1.0], ay=[mark, 2.0], az=[mark, mark])
    assert missing_mark(Columns.of(values)) is None
    values[[3, 7], :3] = mark
    assert missing_mark(Columns.of(values)) == (3, 0)
