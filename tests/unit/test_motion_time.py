"""Time as loggers, databases and spreadsheets write it: read as it is meant, or one line that says what to write."""

import datetime

import numpy as np
import pytest

from anomsdk.errors import InputError
from anomsdk.sources.formats.timing.dates import Dates, dates
from tests.support.motion_files import W3, N, advised, carried, counts, read, table

ROWS = carried()
START = datetime.datetime(2024, 3, 5, 11, 59, 57, 500_000)
"""Noon is passed, and a minute, and days above 12 are not."""
MIDNIGHT = datetime.datetime(2024, 10, 26, 23, 59, 56)
STEP = datetime.timedelta(milliseconds=20)


def moments(start=START, n=N):
    return [start + k * STEP for k in range(n)]


def ms(moment):
    return f"{moment.microsecond // 1000:03d}"


def hour_12(moment):
    return f"{(moment.hour + 11) % 12 + 1}:{moment:%M:%S}.{ms(moment)}"


def half(moment):
    return "AM" if moment.hour < 12 else "PM"


FORMS = {
    "iso": lambda m: m.isoformat(),
    "space": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)}",
    "comma": lambda m: f"{m:%Y-%m-%d %H:%M:%S},{ms(m)}",
    "slashes": lambda m: f"{m:%Y/%m/%d %H:%M:%S}.{ms(m)}",
    "Z": lambda m: f"{m:%Y-%m-%dT%H:%M:%S}.{ms(m)}Z",
    "UTC": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)} UTC",
    "GMT": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)} GMT",
    "+00": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)}+00",
    "+0000": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)}000+0000 [Europe/London]",
    "region": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)} [Europe/Rome]",
    "offset and region": lambda m: f"{m:%Y-%m-%dT%H:%M:%S}.{ms(m)}+01:00[Europe/Rome]",
    "offset and name": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)} +01:00 CET",
    "name": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)} CET",
    "GMT+1": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)} GMT+1",
    "UTC+01:00": lambda m: f"{m:%Y-%m-%d %H:%M:%S}.{ms(m)} UTC+01:00",
    "fff": lambda m: f"{m:%Y-%m-%d %H:%M:%S}:{ms(m)}",
    "underscore": lambda m: f"{m:%Y-%m-%d_%H:%M:%S}.{ms(m)}",
    "exif": lambda m: f"{m:%Y:%m:%d %H:%M:%S}.{ms(m)}",
    "AM/PM": lambda m: f"{m:%m/%d/%Y} {hour_12(m)} {half(m)}",
    "iso AM/PM": lambda m: f"{m:%Y-%m-%d} {hour_12(m)} {half(m).lower()}",
    "a.m.": lambda m: f"{m:%d/%m/%Y} {hour_12(m)} {half(m)[0].lower()}.m.",
    "d.m.y": lambda m: f"{m:%d.%m.%Y %H:%M:%S}.{ms(m)}",
    "d.m.y,": lambda m: f"{m:%d.%m.%Y %H:%M:%S},{ms(m)}",
    "d.m.yy": lambda m: f"{m:%d.%m.%y %H:%M:%S}.{ms(m)}",
    "m/d/y": lambda m: f"{m:%m/%d/%Y %H:%M:%S}.{ms(m)}",
    "d/m/y": lambda m: f"{m:%d/%m/%Y %H:%M:%S}.{ms(m)}",
    "d-m-y": lambda m: f"{m:%d-%m-%Y %H:%M:%S}.{ms(m)}",
    "m/d/yy": lambda m: f"{m.month}/{m.day}/{m:%y %H:%M:%S}.{ms(m)}",
    "d-Mon-y": lambda m: f"{m:%d-%b-%Y %H:%M:%S}.{ms(m)}",
    "Mon d, y": lambda m: f"{m:%b} {m.day}, {m:%Y %H:%M:%S}.{ms(m)}",
    "d Month y": lambda m: f"{m.day} {m:%B %Y %H:%M:%S}.{ms(m)}",
    "ctime": lambda m: f"{m:%a %b %d %H:%M:%S}.{ms(m)} {m:%Y}",
    "mail": lambda m: f"{m:%a, %d %b %Y %H:%M:%S}.{ms(m)} GMT",
    "weekday": lambda m: f"{m:%A %Y-%m-%d %H:%M:%S}.{ms(m)}",
    "basic": lambda m: f"{m:%Y%m%dT%H%M%S}.{ms(m)}",
    "basic Z": lambda m: f"{m:%Y%m%dT%H%M%S}.{ms(m)}Z",
    "digits": lambda m: f"{m:%Y%m%d%H%M%S}{ms(m)}",
    "digits.": lambda m: f"{m:%Y%m%d%H%M%S}.{ms(m)}",
    "digits 8 6": lambda m: f"{m:%Y%m%d %H%M%S}.{ms(m)}",
    "time of day": lambda m: f"{m:%H:%M:%S}.{ms(m)}",
    "time of day:": lambda m: f"{m:%H:%M:%S}:{ms(m)}",
    "time of day PM": lambda m: f"{hour_12(m)} {half(m)}",
}


def dated(path, cells, sep=",", heading="time"):
    if path.suffix == ".parquet":
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        axes = dict(zip(("ax_g", "ay_g", "az_g"), ROWS.T, strict=True))
        pq.write_table(pa.table({heading: cells, **axes}), path)
        return path
    quoted = [f'"{cell}"' if sep in cell else cell for cell in cells]
    axes = {f"a{axis}_g": list(map(str, column)) for axis, column in zip("xyz", ROWS.T, strict=True)}
    return table(path, {heading: quoted, **axes}, sep)


def refusal(path, stream_format=W3, **reading):
    with pytest.raises(InputError) as caught:
        read(path, stream_format, **reading)
    line = str(caught.value)
    assert line.startswith(str(path)) and "\n" not in line
    return line.replace(str(path), "FILE")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("start", [START, MIDNIGHT])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_dates_in_common_dress(tmp_path, form, start, suffix):
    """Every one gives what seconds would: no gap, no jitter, the same counts, over noon and over midnight."""
    cells = [FORMS[form](moment) for moment in moments(start)]
    found, notes = read(dated(tmp_path / f"a.{suffix}", cells, ";" if start is MIDNIGHT else ","))
    assert np.array_equal(found, counts(ROWS)) and notes == ()


@pytest.mark.parametrize("form", ["iso", "Z", "fff", "d.m.y", "AM/PM", "mail", "digits"])
def test_nanoseconds_of_dates(form):
    """Absolute where the form has an offset or the year first; else from its first day on."""
    found = Dates("time").push([FORMS[form](moment) for moment in moments(MIDNIGHT)], str)
    expected = np.array(moments(MIDNIGHT), "datetime64[ns]").astype(np.int64)
    if form in ("d.m.y", "AM/PM"):
        expected -= int(np.datetime64("2024-10-26", "ns").astype(np.int64))
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_step_of_summer_time_with_offsets(tmp_path, suffix):
    """02:59:59 +02:00 is followed by 02:00:00 +01:00, and nothing is missing."""
    start = datetime.datetime(2024, 10, 27, 0, 59, 56)
    cells = []
    for moment in moments(start):
        hours = 2 if moment < datetime.datetime(2024, 10, 27, 1) else 1
        cells.append(f"{(moment + datetime.timedelta(hours=hours)).isoformat(timespec='milliseconds')}+0{hours}:00")
    found, notes = read(dated(tmp_path / f"a.{suffix}", cells))
    assert np.array_equal(found, counts(ROWS)) and notes == ()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    "every, other, at", [("", "Z", 77), ("Z", "", 300), ("+01:00", "", 1), ("", " CET", 9), (" CET", " CEST", 200)]
)
def test_a_zone_in_some_rows_only(tmp_path, suffix, every, other, at):
    cells = [
        f"{moment.isoformat(timespec='milliseconds')}{other if k >= at else every}"
        for k, moment in enumerate(moments())
    ]
    line = refusal(dated(tmp_path / f"a.{suffix}", cells))
    assert (f"line {at + 2}: " if suffix == "csv" else f"row {at} (from 0): ") in line
    assert "and rows above have" in line and "write the same offset, such as +01:00, in each row" in line


def test_an_hour_without_its_zone_in_the_second_piece(tmp_path, monkeypatch):
    from anomsdk.sources.formats.tables import delimited_text

    monkeypatch.setattr(delimited_text, "PIECE_BYTES", 2000)
    cells = [
        f"{moment.isoformat(timespec='milliseconds')}{'Z' if k < 250 else ''}" for k, moment in enumerate(moments())
    ]
    assert "line 252: time is" in refusal(dated(tmp_path / "a.csv", cells))


# --- day or month


def test_day_and_month_that_contiguous_rows_tell(tmp_path):
    """On the second of January follows the third; on the 1st of February it would be the 1st of March."""
    start = datetime.datetime(2024, 1, 2, 23, 59, 56)
    for form in ("m/d/y", "d/m/y", "d-m-y", "AM/PM", "m/d/yy"):
        found, notes = read(dated(tmp_path / "a.csv", [FORMS[form](moment) for moment in moments(start)]))
        assert np.array_equal(found, counts(ROWS)) and notes == ()


def test_day_and_month_that_nothing_tells(tmp_path):
    later = [
        moment + (k >= 200) * datetime.timedelta(days=30)
        for k, moment in enumerate(moments(datetime.datetime(2024, 1, 2)))
    ]
    line = refusal(dated(tmp_path / "a.csv", [FORMS["d/m/y"](moment) for moment in later]))
    assert "line 202: time is '01/02/2024', and day and month cannot be told apart; write the year first" in line
    found = Dates("time").push([FORMS["d/m/y"](moment) for moment in (*later, datetime.datetime(2024, 2, 13))], str)
    assert found[-1] == 42 * 86_400 * 10**9, "the 13th tells"


def test_one_day_in_two_spellings_of_nothing(tmp_path):
    cells = [FORMS["d/m/y"](moment) for moment in moments()]
    cells[50] = "31/31/2024 12:00:00.000"
    assert "line 52: time is '31/31/2024 12:00:00.000', no date" in refusal(dated(tmp_path / "a.csv", cells))


@pytest.mark.parametrize("form", FORMS)
def test_one_bad_cell_in_any_dress(tmp_path, form):
    """As text and as a .parquet, which share what takes dates apart."""
    good = [FORMS[form](moment) for moment in moments()]
    for bad in ("", "x", "12:60:00.000", "2024-02-30 12:00:00.000", "12", "31.02.2024 12:00:00.000"):
        with pytest.raises(InputError, match="row 33: time is "):
            Dates("time").push([*good[:33], bad, *good[34:]], lambda row: f"row {row}")
    for suffix, where in (("csv", "line 35: "), ("parquet", "row 33 (from 0): ")):
        line = refusal(dated(tmp_path / f"a.{suffix}", [*good[:33], "x", *good[34:]]))
        assert where in line and "internal" not in line


@pytest.mark.parametrize(
    "first",
    ["2024-065T10:00:00", "2024-W10-2T10:00:00", "10h00m00s", "Tisdag 5 mars 2024 10:00:00", "2024-03-05T10:00:00+1"],
)
def test_dates_that_nobody_knows(tmp_path, first):
    assert "line 2: time is" in refusal(
        dated(tmp_path / "a.csv", [first, *(FORMS["iso"](each) for each in moments()[1:])])
    )


# --- day and time of day in two columns


@pytest.mark.parametrize("date", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%Y%m%d"])
@pytest.mark.parametrize("names", [("Date", "Time"), ("time", "date"), ("Date", "Heure"), ("Datum", "time of day")])
def test_day_and_time_in_two_columns(tmp_path, date, names):
    axes = {f"a{axis}_g": list(map(str, column)) for axis, column in zip("xyz", ROWS.T, strict=True)}
    days, clocks = ([f(m) for m in moments(MIDNIGHT)] for f in (lambda m: f"{m:{date}}", FORMS["time of day"]))
    columns = {name: days if name.lower() in ("date", "datum") else clocks for name in names}
    for sep in (",", ";"):
        found, notes = read(table(tmp_path / "a.csv", {**columns, **axes}, sep))
        assert np.array_equal(found, counts(ROWS))
        assert notes == (("time in Heure, by its heading",) if "Heure" in names else ())
    skipped = [each for k, each in enumerate(days) if k < 200] + ["2024-10-28" for _ in range(200)]
    if date == "%Y-%m-%d":
        read_ns = Dates("time").push([f"{a} {b}" for a, b in zip(skipped, clocks, strict=True)], str)
        assert np.diff(read_ns)[199] == 86_400 * 10**9 + 20_000_000, "a day in which nothing was recorded"


def test_a_column_of_days_beside_a_whole_time(tmp_path):
    """It belongs to a time of day only."""
    axes = {f"a{axis}_g": list(map(str, column)) for axis, column in zip("xyz", ROWS.T, strict=True)}
    for time in ([f"{k / 50:.2f}" for k in range(N)], [FORMS["iso"](moment) for moment in moments()]):
        found, _ = read(table(tmp_path / "a.csv", {"date": ["x"] * N, "time": time, **axes}))
        assert np.array_equal(found, counts(ROWS))


def test_day_and_time_in_two_columns_of_a_parquet(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    axes = dict(zip(("ax_g", "ay_g", "az_g"), ROWS.T, strict=True))
    there = moments(MIDNIGHT)
    for days, clocks in (
        ([m.date() for m in there], [m.time() for m in there]),
        ([f"{m:%d.%m.%Y}" for m in there], [FORMS["time of day"](m) for m in there]),
    ):
        pq.write_table(pa.table({"date": days, "time": clocks, **axes}), tmp_path / "a.parquet")
        assert np.array_equal(read(tmp_path / "a.parquet")[0], counts(ROWS))


def test_digits_of_a_parquet_are_whole(tmp_path):
    """17 digits are more than a float64 holds."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    axes = dict(zip(("ax_g", "ay_g", "az_g"), ROWS.T, strict=True))
    digits = pa.array([int(FORMS["digits"](moment)) for moment in moments()], pa.int64())
    pq.write_table(pa.table({"timestamp": digits, **axes}), tmp_path / "a.parquet")
    found, notes = read(tmp_path / "a.parquet")
    assert np.array_equal(found, counts(ROWS)) and notes == ()


@pytest.mark.parametrize("start", ["00:00:57", "09:59:56"])
def test_minutes_and_seconds(tmp_path, start):
    """As spreadsheets show mm:ss.000: after an hour they begin again."""
    there = moments(datetime.datetime.fromisoformat(f"2024-03-05T{start}"))
    for cells in ([f"{m:%M:%S}.{ms(m)}" for m in there], [f"{m.minute}:{m:%S},{ms(m)}" for m in there]):
        found, notes = read(dated(tmp_path / "a.csv", cells))
        assert np.array_equal(found, counts(ROWS)) and notes == ()


def test_another_form_below(tmp_path):
    cells = [FORMS["space"](moment) for moment in moments()]
    cells[50] = FORMS["d.m.y"](moments()[50])
    line = refusal(dated(tmp_path / "a.csv", cells))
    assert "line 52: time is '05.03.2024 11:59:58.500', in another form than the rows above" in line


# --- digits of a clock


@pytest.mark.parametrize("form", ["{0:%H%M%S}{1}", "{0:%H%M%S}.{1}"])
@pytest.mark.parametrize("start", [START, MIDNIGHT])
@pytest.mark.parametrize("heading", ["time", "timestamp", "time [HHMMSSmmm]"])
def test_digits_of_a_clock(tmp_path, form, start, heading):
    """A minute is 100 to whoever takes them for a number."""
    cells = [str(float(each) if "." in each else int(each)) for each in (form.format(m, ms(m)) for m in moments(start))]
    for suffix in ("csv", "parquet"):
        there = cells if suffix == "csv" else list(map(float, cells))
        found, notes = read(dated(tmp_path / f"a.{suffix}", there, heading=heading))
        assert np.array_equal(found, counts(ROWS)) and len(notes) == 1 and notes[0].startswith("time in HHMMSS")


def test_digits_of_a_clock_that_show_late(tmp_path, monkeypatch):
    """The first piece ends before the minute does."""
    from anomsdk.sources.formats.tables import delimited_text

    monkeypatch.setattr(delimited_text, "PIECE_BYTES", 2000)
    there = moments(datetime.datetime(2024, 3, 5, 14, 25, 54))
    cells = [f"{m:%H%M%S}{ms(m)}" for m in there]
    line = refusal(dated(tmp_path / "a.csv", cells))
    assert "time has digits of a clock (HHMMSS), from line" in line and "write seconds, or hh:mm:ss.fff" in line


def test_a_counter_of_milliseconds_is_no_clock(tmp_path):
    found, notes = read(dated(tmp_path / "a.csv", [str(142_558_000 + 20 * k) for k in range(N)]))
    assert np.array_equal(found, counts(ROWS)) and notes == ("time in ms, by its values",)


# --- headings


@pytest.mark.parametrize(
    "unit, factor", [("min", 60), ("minutes", 60), ("h", 3600), ("hours", 3600), ("days", 86400), ("d", 86400)]
)
def test_long_units_of_time(tmp_path, unit, factor):
    for heading, option in ((f"time [{unit}]", None), ("time", f"time:{unit}")):
        found, notes = read(
            dated(tmp_path / "a.csv", [repr(k / 50 / factor) for k in range(N)], heading=heading), time=option
        )
        assert np.array_equal(found, counts(ROWS))
        assert (len(notes) == 1 and "by its heading" in notes[0]) or option


@pytest.mark.parametrize("unit", ["ticks", "jiffies", "samples", "furlongs", "raw", "counts", "frames", "years"])
def test_units_of_time_that_nobody_knows(tmp_path, unit):
    path = dated(tmp_path / "a.csv", [str(20 * k) for k in range(N)], heading=f"time [{unit}]")
    line = refusal(path)
    assert f"time [{unit}]" in line and "give its unit, e.g. `time=" in line
    assert np.array_equal(read(path, time=f"time [{unit}]:ms")[0], counts(ROWS))


@pytest.mark.parametrize(
    "remark", ["UTC", "local", "unix", "epoch", "GMT+2", "Europe/Rome", "since start", "txt", "hh:mm:ss.fff"]
)
def test_remarks_that_are_no_units(tmp_path, remark):
    for cells in ([f"{1.7e9 + k / 50:.2f}" for k in range(N)], [FORMS["space"](moment) for moment in moments()]):
        assert np.array_equal(read(dated(tmp_path / "a.csv", cells, heading=f"timestamp ({remark})"))[0], counts(ROWS))


@pytest.mark.parametrize(
    "heading, step, believed, meant",
    [
        ("time(msec)", 0.02, "ms", "s"),
        ("time_us", 20, "us", "ms"),
        ("timestamp [ns]", 20_000, "ns", "us"),
        ("time_s", 20, "s", "ms"),
        ("time [ms]", 20_000, "ms", "us"),
        ("Time (sec)", 20_000_000, "s", "ns"),
        ("ms", 0.02, "ms", "s"),
        ("time/ms", 0.02, "ms", "s"),
    ],
)
@pytest.mark.parametrize("first", [0, 1.7e9])
def test_a_heading_that_its_values_contradict(tmp_path, heading, step, believed, meant, first):
    """A thousand times off, where another unit is about right: nobody can know which is wrong."""
    cells = [f"{first * (step / 0.02) + step * k:.2f}" for k in range(N)]
    path = dated(tmp_path / "a.csv", cells, heading=heading)
    line = refusal(path)
    assert f"says {believed}, and its steps of " in line and f"in {meant} they are 50" in line
    advice = advised(line)
    found, notes = read(path, **advice)
    assert (
        advice["time"].endswith(f":{meant}") and np.abs(found - counts(ROWS).astype(int)).max() <= 1 and len(notes) <= 1
    )


@pytest.mark.parametrize("rate_hz", [25, 100, 400, 1000, 1600, 3200])
def test_headings_of_fast_sensors_are_believed(tmp_path, rate_hz):
    cells = [f"{1000 * k / rate_hz:.4f}" for k in range(N)]
    _, notes = read(dated(tmp_path / "a.csv", cells, heading="time_ms"))
    assert notes[-1].startswith(f"{rate_hz} Hz resampled to 50 Hz")


def test_a_fast_sensor_is_believed_when_it_is_said(tmp_path):
    path = dated(tmp_path / "a.csv", [f"{k / 32:.5f}" for k in range(N)], heading="time_ms")
    assert read(path, time="time_ms:ms")[1] == ("32000 Hz resampled to 50 Hz",)


def test_a_day_of_excel(tmp_path):
    """Days since 1900, as a spreadsheet stores them."""
    cells = [f"{45356.5 + k / 50 / 86400:.10f}" for k in range(N)]
    found, notes = read(dated(tmp_path / "a.csv", cells, heading="time [days]"))
    assert len(found) == N and notes[0] == "time in days, by its heading"
    found, notes = read(dated(tmp_path / "b.csv", cells, heading="time"))
    assert len(found) == N and notes[0] == "time in days of a spreadsheet, by its values"


@pytest.mark.parametrize("heading", ["time", "Ticks", "timestamp"])
@pytest.mark.parametrize(("year", "since"), [(1601, 116_444_736 * 10**9), (1, 621_355_968 * 10**9)])
def test_counts_of_100_ns_are_read_by_their_values(tmp_path, heading, year, since):
    """As Windows and .NET give the time."""
    first = since + 10**7 * 1_709_640_000
    path = dated(tmp_path / "a.csv", [str(first + 200_000 * k) for k in range(N)], heading=heading)
    options = {"time": heading} if heading == "Ticks" else {}
    found, notes = read(path, **options)
    assert np.array_equal(found, counts(ROWS)) and notes == (f"time in 100 ns since the year {year}, by its values",)


# --- what is read at once and what cell by cell is one


@pytest.mark.parametrize("form", ["{}", "{}Z", "{}+02:00", "{}-0330", "{}+05"])
@pytest.mark.parametrize("digits", [0, 1, 3, 6, 9, 12])
def test_dates_at_once_are_dates_one_by_one(form, digits):
    rng = np.random.default_rng(digits)
    ns = np.sort(rng.integers(1_709_000_000 * 10**9, 1_709_400_000 * 10**9, 300))
    cells = []
    for each in ns.astype("datetime64[ns]"):
        text = str(each)[: 19 + (digits > 0) + min(digits, 9)] + "0" * (digits - 9)
        cells.append(form.format(text))
    whole = dates(cells, [""] * 300, "t")
    assert whole.tolist() == [int(dates([cell], [""], "t")[0]) for cell in cells]
    text = "\n".join(cells).encode()
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(np.append(data, 10) == 10)
    starts = np.concatenate([[0], ends[:-1] + 1])
    assert Dates("t").of_bytes(data, starts, ends, str).tolist() == whole.tolist()


@pytest.mark.parametrize(
    "bad", ["2024-03-05T24:00:00", "2024-03-05T23:60:00", "2024-03-05T23:00:60", "2024-02-30T23:00:00"]
)
def test_no_such_time_at_once(bad):
    cells = ["2024-02-28T23:00:00"] * 3 + [bad] + ["2024-03-05T23:30:00"] * 3
    with pytest.raises(InputError, match=f"row 3: t is '{bad}', no date"):
        Dates("t").push(cells, lambda row: f"row {row}")
    data = np.frombuffer("".join(cells).encode(), np.uint8)
    starts = 19 * np.arange(7)
    with pytest.raises(InputError, match=f"row 3: t is '{bad}', no date"):
        Dates("t").of_bytes(data, starts, starts + 19, lambda row: f"row {row}")
