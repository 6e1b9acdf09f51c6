"""The time at which a recording begins: exactly as the file tells it, or None where it does not."""

import datetime

import numpy as np
import pytest

from anomsdk.errors import InputError
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings
from anomsdk.sources.clips import open_clips
from tests.support.motion_files import W3, N, carried, table

ROWS = carried()
START_S = 1_716_812_345
"""2024-05-27 12:19:05 UTC: the day is above 12, so that nothing else tells it from the month."""
START_NS = START_S * 10**9 + 250_000_000
AXES = dict(zip(("ax_g", "ay_g", "az_g"), ROWS.T, strict=True))
TICKS = START_S * 10**7 + 2_500_000


def moments(first_ns=START_NS, zone=datetime.timezone.utc):
    first = datetime.datetime.fromtimestamp(first_ns // 10**9, zone) + datetime.timedelta(
        microseconds=first_ns % 10**9 // 1000
    )
    return [first + k * datetime.timedelta(milliseconds=20) for k in range(N)]


def csv(path, cells, heading="time"):
    axes = {name: list(map(str, column)) for name, column in AXES.items()}
    return table(path, {heading: list(map(str, cells)), **axes}, ";")


def parquet(path, columns):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({**columns, **AXES}), path)
    return path


def start(path, stream_format=W3, **reading):
    (found,) = open_recordings(path, stream_format, reading=ReadOptions(**reading))
    return found.start_ns


@pytest.mark.parametrize(
    ("form", "zone_h"),
    [
        ("%Y-%m-%dT%H:%M:%S.%f", 0),
        ("%Y-%m-%dT%H:%M:%S.%fZ", 0),
        ("%Y-%m-%dT%H:%M:%S.%f+02:00", 2),
        ("%Y-%m-%d %H:%M:%S.%f +02:00 CEST", 2),
        ("%d.%m.%Y %H:%M:%S.%f", 0),
        ("%m/%d/%Y %H:%M:%S.%f", 0),
        ("%d/%m/%Y %H:%M:%S.%f", 0),
        ("%d %b %Y %H:%M:%S.%f", 0),
        ("%Y%m%d%H%M%S%f", 0),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_dates(tmp_path, form, zone_h, suffix):
    zone = datetime.timezone(datetime.timedelta(hours=zone_h))
    cells = [moment.strftime(form) for moment in moments(zone=zone)]
    path = tmp_path / f"a.{suffix}"
    assert start(csv(path, cells) if suffix == "csv" else parquet(path, {"time": cells})) == START_NS


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_day_and_time_in_two_columns(tmp_path, suffix):
    days = [f"{moment:%Y-%m-%d}" for moment in moments()]
    clock = [f"{moment:%H:%M:%S.%f}" for moment in moments()]
    if suffix == "parquet":
        found = start(parquet(tmp_path / "a.parquet", {"date": days, "time": clock}))
    else:
        axes = {name: list(map(str, column)) for name, column in AXES.items()}
        found = start(table(tmp_path / "a.csv", {"date": days, "time": clock, **axes}))
    assert found == START_NS


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_timestamps_of_parquet(tmp_path, unit, zone):
    pa = pytest.importorskip("pyarrow")
    cells = [moment if zone else moment.replace(tzinfo=None) for moment in moments()]
    assert start(parquet(tmp_path / "a.parquet", {"time": pa.array(cells, pa.timestamp(unit, zone))})) == START_NS


def test_durations_of_parquet_count_from_anything(tmp_path):
    pa = pytest.importorskip("pyarrow")
    cells = pa.array(START_NS + np.arange(N) * 20_000_000, pa.duration("ns"))
    assert start(parquet(tmp_path / "a.parquet", {"time": cells})) is None


@pytest.mark.parametrize(
    ("heading", "first", "step", "exact_ns"),
    [
        ("time", START_S + 0.25, 0.02, 0),
        ("time [s]", START_S + 0.25, 0.02, 0),
        ("timestamp_ms", START_S * 1000 + 250, 20, 0),
        ("time", START_S * 10**6 + 250_000, 20_000, 0),
        ("time", START_NS, 20_000_000, 128),
        ("time", TICKS + 116_444_736 * 10**9, 200_000, 800),
        ("time", TICKS + 621_355_968 * 10**9, 200_000, 3200),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_numbers_of_an_absolute_clock(tmp_path, heading, first, step, exact_ns, suffix):
    """Numbers pass through float64, whose half step is the largest error of the start."""
    cells, path = [first + k * step for k in range(N)], tmp_path / f"a.{suffix}"
    found = start(csv(path, cells, heading) if suffix == "csv" else parquet(path, {heading: cells}))
    assert found is not None and abs(found - START_NS) <= exact_ns


def test_unit_of_the_caller(tmp_path):
    cells = [START_S * 1000 + 250 + k * 20 for k in range(N)]
    assert start(csv(tmp_path / "a.csv", cells), time="time:ms") == START_NS


@pytest.mark.parametrize(
    ("heading", "cells"),
    [
        ("time [s]", [k * 0.02 for k in range(N)]),
        ("time [ms]", [5_000 + k * 20 for k in range(N)]),
        ("time [us]", [4_102_444_801 * 10**6 + k * 20_000 for k in range(N)]),  # after 2100
        ("time [s]", [900_000_000 + k * 0.02 for k in range(N)]),  # before 2000
        ("gps_time [s]", [1_400_000_000 + k * 0.02 for k in range(N)]),  # since 1980, or 1970
        ("time [min]", [START_S / 60 + k * 0.02 / 60 for k in range(N)]),
        ("time", [f"{moment:%H:%M:%S.%f}" for moment in moments()]),
        ("time", [f"{moment:%Y-%m-%d %H:%M:%S.%f} CET" for moment in moments()]),
        ("time", [f"{moment:%Y-%m-%d %H:%M:%S.%f} [Europe/Rome]" for moment in moments()]),
        ("time", [f"{moment:%Y-%m-%d %H:%M:%S.%f}" for moment in moments(0)]),  # 1970: a clock that was not set
        ("time", [f"{moment:%d/%m/%Y %H:%M:%S.%f}" for moment in moments(1_709_640_000 * 10**9)]),  # 5 March, or 3 May
        ("time", [f"{moment:%d/%m/%y %H:%M:%S.%f}" for moment in moments()]),  # 27/05/24: day or year first
    ],
)
def test_a_start_that_is_not_told_is_none(tmp_path, heading, cells):
    assert start(csv(tmp_path / "a.csv", cells, heading)) is None


def test_later_rows_tell_day_and_month_apart(tmp_path):
    """The last rows are on the 13th day: only then is the first one known to be the 12th of March."""
    cells = [f"{moment:%d/%m/%Y %H:%M:%S.%f}" for moment in moments(1_710_287_998 * 10**9)]
    assert cells[0].startswith("12/03") and cells[-1].startswith("13/03")
    assert start(csv(tmp_path / "a.csv", cells)) == 1_710_287_998 * 10**9


def test_no_time_no_start(tmp_path):
    assert start(csv(tmp_path / "a.csv", range(N), "n"), rate_hz=50.0) is None
    cells = [moment.isoformat() for moment in moments()]
    assert start(csv(tmp_path / "b.csv", cells), time="none", rate_hz=50.0) is None


def test_stamps_of_packets_are_no_stamps_of_samples(tmp_path):
    """Ten rows share the time at which their packet came: when the first was sampled is not told."""
    cells = [f"{moments()[k // 10 * 10]:%Y-%m-%d %H:%M:%S.%f}" for k in range(N)]
    (found,) = open_recordings(csv(tmp_path / "a.csv", cells), W3)
    assert any("packets" in note for note in found.notes) and found.start_ns is None


def test_a_row_that_holds_a_packet_begins_at_its_time(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    times = pa.array([moments()[k] for k in range(0, N, 10)], pa.timestamp("us", "UTC"))
    axes = {name: [column[k : k + 10].tolist() for k in range(0, N, 10)] for name, column in AXES.items()}
    pq.write_table(pa.table({"time": times, **axes}), tmp_path / "a.parquet")
    assert start(tmp_path / "a.parquet") == START_NS


@pytest.mark.parametrize(("set_s", "known"), [(-3600, True), (-86_400 * 3, False), (86_400 * 400, False)])
def test_a_clock_that_was_set(tmp_path, set_s, known):
    """Summer time ends, or the clock is set: then nothing tells which of its times are right."""
    shifted = [moment + datetime.timedelta(seconds=set_s * (k >= N // 2)) for k, moment in enumerate(moments())]
    found = start(csv(tmp_path / "a.csv", [moment.isoformat() for moment in shifted]))
    assert found == (START_NS if known else None)


@pytest.mark.parametrize("jitter_ms", [0, 8])
@pytest.mark.parametrize("rate_hz", [50, 100])
def test_interpolated_and_resampled_recordings_begin_at_the_first_row(tmp_path, jitter_ms, rate_hz):
    late = np.random.default_rng(3).uniform(0, jitter_ms, N) * (np.arange(N) > 0)
    cells = [START_S * 1000 + 250 + k * 1000 / rate_hz + late[k] for k in range(N)]
    assert start(csv(tmp_path / "a.csv", cells, "time [ms]")) == START_NS


def test_each_part_of_a_table_begins_at_its_own_first_row(tmp_path):
    both = [("a", moment) for moment in moments()] + [("b", moment) for moment in moments(START_NS + 10**13)]
    columns = {"cow": [cow for cow, _ in both], "time": [moment.isoformat() for _, moment in both]}
    axes = {name: [*map(str, column)] * 2 for name, column in AXES.items()}
    path = table(tmp_path / "a.csv", {**columns, **axes})
    found = open_recordings(path, W3, reading=ReadOptions(by=("cow",)))
    assert [each.start_ns for each in found] == [START_NS, START_NS + 10**13]
    assert [each.start_ns for each in open_clips(path, W3, reading=ReadOptions(by=("cow",))).clips] == [
        START_NS,
        START_NS + 10**13,
    ]


def archive(path, t0, array="x", n=2):
    before = array.removesuffix("x")
    x = np.concatenate([np.rint(ROWS * 1000)] * n).astype(np.int16)
    arrays = {"x": x, "offsets": np.arange(n + 1) * N, "fs": 50, "unit": np.array("mg"), "t0": t0}
    np.savez(path, **{before + key: value for key, value in arrays.items() if value is not None})
    return path


def test_t0_of_an_archive(tmp_path):
    def starts(t0, array="x"):
        path = archive(tmp_path / "a.npz", t0, array)
        return [each.start_ns for each in open_recordings(path, W3, reading=ReadOptions(array=array))]

    assert starts(None) == [None, None]
    assert starts(START_S + 0.25) == [START_NS, START_NS]
    assert starts(np.array([START_S + 0.25, START_S + 100])) == [START_NS, (START_S + 100) * 10**9]
    assert starts(np.array([0.0, np.nan])) == [None, None]
    assert starts(np.array([START_S, np.inf]), "wrist_x") == [START_S * 10**9, None]


def test_t0_of_an_archive_of_sound(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(32_000, dtype=np.int16), offsets=[0, 16_000, 32_000], t0=[START_S, 5])
    found = open_recordings(tmp_path / "a.npz", StreamFormat(16_000))
    assert [each.start_ns for each in found] == [START_S * 10**9, None]


@pytest.mark.parametrize(
    ("t0", "said"),
    [(np.full(3, float(START_S)), "t0 has 3 times for 2 recordings"), (np.array("2024-05-27"), "t0 is <U10")],
)
def test_t0_that_fits_no_recording_is_refused(tmp_path, t0, said):
    with pytest.raises(InputError, match=said):
        open_recordings(archive(tmp_path / "a.npz", t0), W3)
