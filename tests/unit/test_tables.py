"""Tables as loggers, spreadsheets and pandas write them: read to the last count, or refused in one line."""

from __future__ import annotations

import decimal
import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomsdk.errors import InputError
from anomsdk.evaluate.labels import open_marked
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings, read_recording
from anomsdk.sources.clips import open_clips
from anomsdk.sources.formats.tables.delimited_text import Cells, pieces_of
from anomsdk.sources.formats.tables.dialect import dialect_of
from anomsdk.sources.stream_format import G

HZ, N, EACH = 20, 160, 8
W = StreamFormat(HZ, "motion", 3, 2048, None, 16)
T = np.arange(N) / HZ


def _moving():
    rng = np.random.default_rng(7)
    x = np.stack([0.3 * np.sin(2 * T), 0.2 * np.cos(3 * T), 1 + 0.3 * np.sin(5 * T)], axis=1)
    return np.round(x + 0.02 * rng.standard_normal((N, 3)), 4)


X = _moving()
COUNTS = np.rint(X * 2048).astype(np.int16)
STEPS = np.rint(X * 64).astype(int)
HEAD = "time_s,ax_g,ay_g,az_g\n"
AXES = {f"a{axis}_g": X[:, i].copy() for i, axis in enumerate("xyz")}
DATES = np.datetime64("2024-03-01T10:00:00", "ms") + np.arange(N) * (1000 // HZ)


def rows(sep=",", *, time=True, decimal=".", first=lambda k: ""):
    lines = []
    for k in range(N):
        cells = [f"{T[k]:.2f}"] * time + [f"{value:.4f}" for value in X[k]]
        lines.append(first(k) + sep.join(cell.replace(".", decimal) for cell in cells) + "\n")
    return "".join(lines)


def dated(sep=","):
    return "".join(f"{str(DATES[k]).replace('T', ' ')}{sep}{sep.join(map(str, X[k]))}\n" for k in range(N))


def packets(form):
    return "".join(
        f"{T[k]:.2f};" + ";".join(form(X[k : k + EACH, axis].tolist()) for axis in range(3)) + "\n"
        for k in range(0, N, EACH)
    )


def herd(*, name="cow", who=("12", "7"), interleaved=False, head=HEAD):
    lines = rows().splitlines()
    body = [f"{w},{x}" for x in lines for w in who] if interleaved else [f"{w},{x}" for w in who for x in lines]
    return f"{name},{head}" + "\n".join(body) + "\n"


def put(folder, text, name="a.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def opened(path, **reading):
    return open_recordings(path, W, reading=ReadOptions.parsed(**reading))


def refused(path, **reading):
    """The message, without the path of the folder."""
    with pytest.raises(InputError) as caught:
        for recording in opened(path, **reading):
            list(recording.blocks())
    message = str(caught.value)
    assert "\n" not in message and message.isprintable() and len(message) < 420
    return message.replace(f"{Path(path).parent}/", "")


def assert_same(recordings, expected=COUNTS):
    for each in recordings:
        assert np.array_equal(read_recording(each), expected), each.name


# --- lines above and below the headings


ABOVE = [
    "fs,20\n",
    "# fs,20\n",
    "fs: 20\nrange: 8\n",
    "Serial number,12345\nSample rate,20\nRange,8\nGain,2\n",
    "fs,20,,\nrange,8,,\n",
    "offset,0.1,0.2,0.3\n",
    "1,0,0\n0,1,0\n0,0,1\n",
    "Subject 12\nDate,2024-03-01 10:00:00\n\n",
    "sep=,\n",
    "s,g,g,g\n",
    "key,value\n" + "".join(f"item {i},{i}\n" for i in range(90)),
]


@pytest.mark.parametrize("above", ABOVE, ids=lambda text: repr(text[:20]))
@pytest.mark.parametrize("form", [(",", "."), (";", ","), ("\t", ".")], ids=str)
def test_lines_above_the_headings(tmp_path, above, form):
    sep, point = form
    text = (above + HEAD).replace(",", sep) + rows(sep, decimal=point)
    (found,) = opened(put(tmp_path, text))
    assert_same([found])
    assert found.notes == ()


@pytest.mark.parametrize("sep", [",", ";"])
def test_separators_that_only_rows_end_with(tmp_path, sep):
    assert_same(opened(put(tmp_path, HEAD.replace(",", sep) + rows(sep).replace("\n", f"{sep}\n"))))


def test_a_table_of_r(tmp_path):
    """White space separates, and headings are quoted."""
    head = " ".join(f'"{name}"' for name in HEAD.strip().split(",")) + "\n"
    assert_same(opened(put(tmp_path, head + rows(" "))))


SHIMMER = "S1_Timestamp_Unix_CAL\tS1_Accel_{0}_X_CAL\tS1_Accel_{0}_Y_CAL\tS1_Accel_{0}_Z_CAL\t\ns\tg\tg\tg\t\n"


@pytest.mark.parametrize("sensor", ["LN", "WR"])
def test_shimmer(tmp_path, sensor):
    text = "sep=\t\n" + SHIMMER.format(sensor) + rows("\t").replace("\n", "\t\n")
    (found,) = opened(put(tmp_path, text))
    assert_same([found])
    assert found.notes == ("time in S1_Timestamp_Unix_CAL [s], by its heading",)


@pytest.mark.parametrize(
    "name", ["uptime [s]", "Zeit [s]", "unix_timestamp_s", "time_since_boot_s", "temps (s)", "seconds"]
)
def test_times_by_their_words(tmp_path, name):
    (found,) = opened(put(tmp_path, HEAD.replace("time_s", name) + rows()))
    assert_same([found])
    assert f"time in {name}, by its heading" in found.notes


@pytest.mark.parametrize("name", ["time_to_fix", "Zeit bis Fix", "tick", "temperature [s]", "daytime"])
def test_other_words_are_no_time(tmp_path, name):
    assert refused(put(tmp_path, HEAD.replace("time_s", name) + rows())).startswith(
        "a.csv: no column of time (there is "
    )


def test_whole_seconds_beside_what_is_below_them(tmp_path):
    """ROS: a column of nanoseconds counts within the second, and names no animals."""
    body = "".join(f"{int(T[k])},{round(T[k] % 1 * 1e9)},{','.join(map(str, X[k]))}\n" for k in range(N))
    path = put(tmp_path, "%stamp.secs,stamp.nsecs,ax_g,ay_g,az_g\n" + body)
    for time in ("%stamp.secs:s", "stamp.secs"):
        (found,) = opened(path, time=time)
        assert_same([found])
        assert "packets of about 20 samples" in " ".join(found.notes)


BELOW = ["fs,20\n", "fs,20,,\n", "\n", "# a note\n", "float,float,float,float\n", "s,g,g,g\n", "[s],[g],[g],[g]\n"]


@pytest.mark.parametrize("below", BELOW, ids=repr)
def test_lines_below_the_headings(tmp_path, below):
    assert_same(opened(put(tmp_path, HEAD + below + rows())))


@pytest.mark.parametrize(
    "head",
    [
        "time,x,y,z\ns,g,g,g\n",
        "s,g,g,g\ntime,x,y,z\n",
        "time,x,y,z\n(s),(g),(g),(g)\n",
        ",Accelerometer (g),,\ntime [s],x,y,z\n",
        ",Acc,Acc,Acc\ntime,x,y,z\ns,g,g,g\n",
        "time,x,y,z\nfloat64,float64,float64,float64\ns,g,g,g\n",
        ",acc [g],acc [g],acc [g]\n,x,y,z\ntime_s,,,\n",
    ],
    ids=repr,
)
def test_units_and_sensors_in_lines_of_their_own(tmp_path, head):
    assert_same(opened(put(tmp_path, head + rows())))


@pytest.mark.parametrize("unit", ["m/s^2", "m/(s^2)", "(m/s^2)", "[m/s²]"])
def test_units_in_brackets(tmp_path, unit):
    lines = "".join(f"{T[k]:.2f},{','.join(f'{v * G:.9f}' for v in X[k])}\n" for k in range(N))
    assert_same(opened(put(tmp_path, f"time,x,y,z\ns,{unit},{unit},{unit}\n{lines}")))


def test_a_sensor_above_its_columns_says_which_axes_they_are(tmp_path):
    other = "".join(line + ",5,6,7\n" for line in rows().splitlines())
    assert_same(opened(put(tmp_path, ",Acc,,,Gyro,,\ntime_s,x,y,z,x,y,z\n" + other), unit="g"))
    path = put(tmp_path, ",Gyroscope,,\ntime_s,x,y,z\n" + rows())
    assert refused(path, unit="g") == (
        "a.csv: no column ax, ay, az (there is time_s, Gyroscope x, Gyroscope y, Gyroscope z); name the columns with `axes`"
    )


def test_units_that_contradict_the_headings_are_refused(tmp_path):
    path = put(tmp_path, HEAD + "s,m/s2,m/s2,m/s2\n" + rows())
    assert "no column ax, ay, az (there is time_s, ax_g [m/s2]" in refused(path)


@pytest.mark.parametrize(
    "first, line",
    [
        ("0.00,1,2x,3\n", "a.csv, line 2: ay_g is '2x', no number; correct it"),
        ("x,1,2,3\n", "a.csv, line 2: time_s is 'x', no number; correct it"),
        (
            "0.00,1,2\n",
            "a.csv, line 2: 3 values, not 4; complete the line or remove it: the gap is found by the time",
        ),
    ],
)
def test_a_damaged_first_row_is_no_line_above(tmp_path, first, line):
    assert refused(put(tmp_path, HEAD + first + rows())) == line


def test_columns_that_pandas_numbered_have_no_names(tmp_path):
    path = put(tmp_path, "0,1,2,3\n" + rows())
    assert_same(opened(path, axes="2,3,4", time="1:s", unit="g"))


# --- no column of time


ACTIGRAPH = (
    "------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.4 Firmware v1.9.2 date format dd.MM.yyyy at 20 Hz "
    " Filter Normal -----------\nSerial Number: XXX2E00000000\nStart Time 10:15:00\nStart Date 26.03.2020\n"
    "Epoch Period (hh:mm:ss) 00:00:00\nDownload Time 10:41:48\nDownload Date 09.04.2020\nCurrent Memory Address: 0\n"
    "Current Battery Voltage: 3.85     Mode = 12\n--------------------------------------------------\n"
)
ACTI_HEAD = "Accelerometer X,Accelerometer Y,Accelerometer Z\n"
BARE = "ax_g,ay_g,az_g\n"


@pytest.mark.parametrize("sep, point", [(",", "."), (";", ",")])
def test_actigraph(tmp_path, sep, point):
    path = put(tmp_path, ACTIGRAPH + ACTI_HEAD.replace(",", sep) + rows(sep, time=False, decimal=point))
    (found,) = opened(path, unit="g")
    assert_same([found])
    assert (found.notes, found.stored_hz) == (("20 Hz, as line 1 says",), 20)
    assert_same(opened(path, unit="g", rate_hz="20"))
    assert refused(path, unit="g", rate_hz="30") == (
        "a.csv: `rate_hz` is 30, and line 1 says 20 Hz; leave `rate_hz` out, or correct the line"
    )
    assert "does not say its unit; give `unit`" in refused(path)


def test_actigraph_without_headings_and_of_epochs(tmp_path):
    assert_same(opened(put(tmp_path, ACTIGRAPH + rows(time=False)), unit="g", axes="1,2,3"))
    path = put(tmp_path, ACTIGRAPH.replace("00:00:00", "00:00:10", 1) + ACTI_HEAD + rows(time=False))
    assert refused(path, unit="g") == (
        "a.csv, line 5: each row is the sum of an epoch of 00:00:10, not a sample; export raw data"
    )


def test_empatica(tmp_path):
    text = "1394727810.000000, 1394727810.000000, 1394727810.000000\n20.000000, 20.000000, 20.000000\n"
    text += "".join(",".join(map(str, row)) + "\n" for row in STEPS)
    expected = np.rint(STEPS / 64 * 2048).astype(np.int16)
    (found,) = opened(put(tmp_path, text, "ACC.csv"))
    assert_same([found], expected)
    assert found.notes == ("Empatica E4: steps of 1/64 g", "columns taken in order", "20 Hz, as line 2 says")
    assert_same(opened(tmp_path / "ACC.csv", unit="g", scale="0.015625"), expected)
    assert "line 2 says 20 Hz" in refused(tmp_path / "ACC.csv", rate_hz="32")
    path = put(tmp_path, text.replace("20.000000", "20.5", 1), "b.csv")
    assert "no column ax" in refused(path, unit="g"), "a line that is not the same in each column is no rate"


def test_geneactiv(tmp_path):
    head = "Device Type,GENEActiv\nDevice Unique Serial Code,012345\n" + "".join(f"Key {i},{i}\n" for i in range(82))
    text = head + "Measurement Frequency,20.0 Hz\n" + "Volts,3\n" * 15 + dated().replace("\n", ",1,0,23.5\n")
    (found,) = opened(put(tmp_path, text), axes="2,3,4", time="none", unit="g")
    assert_same([found])
    assert found.notes == ("20 Hz, as line 85 says",)


@pytest.mark.parametrize(
    "line",
    [
        *("Sample rate,20", "Sample Rate: 20 Hz", "Sampling frequency (Hz);20", "Abtastrate;20", "# rate_hz = 20"),
        *("fs=20.0", "Sampling_Rate_Hz: 20", "Frequency,20,Hz", "Sample Rate, 20 Hz", "ODR = 20Hz", "sample rate\t20"),
        *("Sampling rate [Hz],20,", "Sample rate,20\nGyro rate,50", "Data rate,20\nSample rate,20"),
    ],
)
def test_a_rate_that_a_line_says(tmp_path, line):
    (found,) = opened(put(tmp_path, f"{line}\n{BARE}{rows(time=False)}"))
    assert_same([found])
    assert found.notes == ("20 Hz, as line 1 says",)


@pytest.mark.parametrize(
    "line", ["Baud rate: 115200", "Heart rate,80", "Rate: 20 kHz", "Sample interval,50 ms", "Sample rate,high", ""]
)
def test_what_is_no_rate_is_none(tmp_path, line):
    path = put(tmp_path, f"{line}\n{BARE}{rows(time=False)}")
    assert refused(path) == (
        "a.csv: no column of time (there is ax_g, ay_g, az_g); name it time, or give `time`, or `rate_hz` where rows are "
        "evenly spaced"
    )
    assert_same(opened(path, rate_hz="20"))


def test_two_rates_are_none(tmp_path):
    path = put(tmp_path, f"Sample rate,20\nRate,50\n{BARE}{rows(time=False)}")
    assert refused(path) == (
        "a.csv: no column of time, and its lines say 20 Hz (line 1) and 50 Hz (line 2); say which is right with `rate_hz`"
    )
    assert_same(opened(path, rate_hz="20"))


def test_rate_is_resampled_from(tmp_path):
    (found,) = opened(put(tmp_path, BARE + rows(time=False)), rate_hz="40")
    assert (found.notes, found.length) == (("40 Hz resampled to 20 Hz",), N // 2)


def test_rate_and_times_contradict(tmp_path):
    path = put(tmp_path, HEAD + rows())
    assert refused(path, rate_hz="20") == (
        "a.csv: time_s says when each row was, and `rate_hz` how many rows are a second; leave `rate_hz` out, or "
        "pass over the column with `time='none'`"
    )
    assert_same(opened(path, rate_hz="20", time="none"))
    assert refused(path, time="none") == (
        "a.csv: has no column of time that is read; say with `rate_hz` how many rows are a second"
    )
    assert refused(path, rate_hz="20", time="time_s") == (
        "`rate_hz`: the stamps of `time='time_s'` tell the rate; give one of the two options"
    )


@pytest.mark.parametrize(
    "rate, line",
    [
        ("0", "`rate_hz=0`: rows a second are above 0 and finite; correct it"),
        ("nan", "`rate_hz=nan`: rows a second are above 0 and finite; correct it"),
        ("20Hz", "`rate_hz='20Hz'` is no number; write rows a second, e.g. `rate_hz=50`"),
        ("1e9", "a.csv: 1e+09 Hz is no rate of motion (at most 100000 Hz); correct it"),
    ],
)
def test_rates_that_are_none(tmp_path, rate, line):
    assert refused(put(tmp_path, BARE + rows(time=False)), rate_hz=rate) == line


def test_rate_of_arrays(tmp_path):
    np.save(tmp_path / "a.npy", COUNTS)
    assert_same(opened(tmp_path / "a.npy"))
    assert_same(opened(tmp_path / "a.npy", rate_hz="20"))
    (found,) = opened(tmp_path / "a.npy", rate_hz="40")
    assert (found.notes, found.length) == (("40 Hz resampled to 20 Hz",), N // 2)
    np.savez(tmp_path / "a.npz", x=X, unit="g")
    assert opened(tmp_path / "a.npz", rate_hz="40")[0].length == N // 2
    np.savez(tmp_path / "b.npz", x=X, unit="g", fs=20)
    assert_same(opened(tmp_path / "b.npz", rate_hz="20"))
    assert refused(tmp_path / "b.npz", rate_hz="40") == (
        "b.npz: `rate_hz` is 40, and its fs says 20 Hz; leave `rate_hz` out, or correct fs"
    )


# --- one file of a whole herd


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("name, who", [("cow", ("12", "7")), ("krava", ("3", "1")), ("name", ("Bella", "Rosa"))])
def test_a_herd(tmp_path, interleaved, name, who):
    path = put(tmp_path, herd(name=name, who=who, interleaved=interleaved))
    assert refused(path) == (
        f"a.csv: times go back where {name} becomes {who[1]}: rows of several; divide them with `by='{name}'`, or "
        f"choose one with `where='{name}={who[1]}'`"
    )
    found = opened(path, by=name)
    assert [each.name for each in found] == [f"a.csv[{name}={each}]" for each in who]
    assert_same(found)
    for chosen in (f"{name}={who[0]}", f"{name}!={who[1]}"):
        assert_same(opened(path, where=chosen))
        assert_same(opened(f"{path}:{chosen}"))
    listed = ", ".join(sorted(who, key=lambda each: int(each) if each.isdecimal() else each))
    assert refused(path, where=f"{name}=99") == f"a.csv: no {name} is 99; there is {listed}"


@pytest.mark.parametrize("order", ["row by row", "second by second", "one after the other"])
def test_a_herd_in_whole_seconds(tmp_path, order):
    """Many rows have one time: of two animals they are twice as many, and no packets of one at twice the rate."""
    lines = [f"{int(t)},{','.join(map(str, x))}" for t, x in zip(T, X, strict=True)]
    each = {"row by row": 1, "second by second": HZ, "one after the other": N}[order]
    body = "".join(f"{who},{line}\n" for at in range(0, N, each) for who in "ab" for line in lines[at : at + each])
    path = put(tmp_path, f"krava,{HEAD}{body}")
    back = "go back" if order == "one after the other" else "stand still"
    assert refused(path) == (
        f"a.csv: times {back} where krava becomes b: rows of several; divide them with `by='krava'`, or choose one "
        "with `where='krava=b'`"
    )
    assert_same(opened(path, by="krava"))


@pytest.mark.parametrize(
    "labels", [["0", "1"] * (N // 2), ["walk"] * 90 + ["run"] * (N - 90), [*"AAABABBAAA"] * (N // 10)]
)
def test_a_label_beside_whole_seconds_is_no_herd(tmp_path, labels):
    body = "".join(f"{who},{int(t)},{','.join(map(str, x))}\n" for who, t, x in zip(labels, T, X, strict=True))
    assert_same(opened(put(tmp_path, f"nr,{HEAD}{body}")))


@pytest.mark.parametrize("cow", ["text", "integers", "floats", "categories", "empty"])
@pytest.mark.parametrize("interleaved", [False, True])
def test_a_herd_in_parquet(tmp_path, cow, interleaved):
    names = {
        "text": pa.array(["12"] * N + ["7"] * N),
        "integers": pa.array([12] * N + [7] * N),
        "floats": pa.array([12.0] * N + [7.0] * N),
        "categories": pa.array(["12"] * N + ["7"] * N).dictionary_encode(),
        "empty": pa.array([12] * N + [None] * N, pa.int64()),
    }[cow]
    table = pa.table({"cow": names, "time_s": np.tile(T, 2), **{k: np.tile(v, 2) for k, v in AXES.items()}})
    if interleaved:
        table = table.take(pa.array(np.argsort(np.tile(T, 2), kind="stable")))
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=50)
    assert "times go back where cow becomes" in refused(tmp_path / "a.parquet")
    found = opened(tmp_path / "a.parquet", by="cow")
    assert len(found) == 2 and all(each.kept_by == "pyarrow" for each in found)
    assert_same(found)
    assert_same(opened(tmp_path / "a.parquet", where="cow=12"))
    assert_same(opened(f"{tmp_path / 'a.parquet'}:cow!=12"))


def test_rows_beyond_the_first_batch_of_a_parquet(tmp_path):
    n = 20_000
    values = {name: np.resize(each, n).copy() for name, each in AXES.items()}
    values["az_g"][18_000] = np.nan
    pq.write_table(
        pa.table({"sick": np.arange(n) % 3 == 0, "time_s": np.arange(n) / HZ, **values}), tmp_path / "a.parquet"
    )
    assert "row 18000 (from 0): az_g is empty" in refused(tmp_path / "a.parquet")
    assert "row 18000 (from 0): az_g is empty" in refused(tmp_path / "a.parquet", where="sick=true")
    values["az_g"][18_000] = 1e12
    pq.write_table(
        pa.table({"sick": np.arange(n) % 3 == 0, "time_s": np.arange(n) / HZ, **values}), tmp_path / "a.parquet"
    )
    assert "row 18000 (from 0): more than 1e+09 g" in refused(tmp_path / "a.parquet", where="sick=true")


@pytest.mark.parametrize("n", [16_384, 20_000])
def test_a_herd_that_is_longer_than_a_batch(tmp_path, n):
    lines = [f"{cow},{k / HZ:.2f},{','.join(map(str, X[k % N]))}" for cow in (1, 2) for k in range(n)]
    path = put(tmp_path, f"krava,{HEAD}" + "\n".join(lines))
    assert "times go back where krava becomes 2" in refused(path)
    found = opened(path, by="krava")
    assert_same(found, np.resize(COUNTS, (n, 3)))


@pytest.mark.parametrize("name", ["cow", "Animal ID", "device", "subject_no"])
def test_a_herd_whose_times_rise(tmp_path, name):
    """One animal the one day, another the next: no time goes back, and they are two all the same."""
    lines = [
        f"{cow},{T[k] + day:.2f},{','.join(map(str, X[k]))}" for day, cow in ((0, 7), (86400, 8)) for k in range(N)
    ]
    path = put(tmp_path, f"{name},{HEAD}" + "\n".join(lines))
    assert refused(path) == (
        f"a.csv: {name} is 7 and 8: rows of several; divide them with `by='{name}'`, or choose one with `where='{name}=8'`"
    )
    assert_same(opened(path, by=name))
    assert_same(opened(path, where=f"{name}=8"))
    for other in ("activity", "note", "sensor_temp"):
        (found,) = opened(put(tmp_path, f"{other},{HEAD}" + "\n".join(lines)))
        assert found.length == 2 * N


@pytest.mark.parametrize(
    "name, values", [("battery", "90 80"), ("note", "x x"), ("volt_x", "3.71 3.65"), ("boots", "0 1")]
)
def test_what_is_no_herd(tmp_path, name, values):
    """A clock that was set, where nothing says that another animal begins; a column that counts, or measures."""
    lines = [
        f"{value},{T[k]:.2f},{','.join(map(str, sign * X[k]))}"
        for value, sign in zip(values.split(), (1, -1), strict=True)
        for k in range(N)
    ]
    (found,) = opened(put(tmp_path, f"{name},{HEAD}" + "\n".join(lines)))
    (note,) = found.notes
    assert note.startswith(f"the clock goes back by 8 s at line {N + 2} ") and note.endswith("a new piece begins there")
    first, gap, second = joined(found)
    assert gap == 1
    assert np.array_equal(first, COUNTS) and np.array_equal(second, -COUNTS)


@pytest.mark.parametrize("size, is_herd", [(2, True), (5, False), (10, False)])
def test_a_column_that_counts_the_rows_of_a_packet_names_no_animals(tmp_path, size, is_herd):
    """One time for all rows of a packet; two or three rows with one time may be of as many animals."""
    lines = [f"{k % size},{k // size * size / HZ:.2f},{','.join(map(str, X[k]))}" for k in range(N)]
    path = put(tmp_path, f"slot,{HEAD}" + "\n".join(lines))
    if is_herd:
        assert "times go back where slot becomes 1" in refused(path)
    else:
        (found,) = opened(path)
        assert f"packets of about {size} samples" in found.notes[0]
        assert_same([found])
    for name in ("cow", "sensor"):
        assert f"divide them with `by='{name}'`" in refused(put(tmp_path, f"{name},{HEAD}" + "\n".join(lines)))


def joined(recording):
    """Samples in a piece, gaps between them."""
    found = []
    for block in recording.blocks():
        if not isinstance(block, int) and found and not isinstance(found[-1], int):
            found[-1] = np.concatenate([found[-1], block])
        else:
            found.append(block)
    return found


def test_a_herd_without_time(tmp_path):
    text = f"cow,{BARE}" + "".join(f"{cow},{line}\n" for cow in (1, 2) for line in rows(time=False).splitlines())
    path = put(tmp_path, text)
    assert refused(path, rate_hz="20") == (
        "a.csv: cow is 1 and 2: rows of several; divide them with `by='cow'`, or choose one with `where='cow=2'`"
    )
    assert_same(opened(path, rate_hz="20", by="cow"))


def test_rows_are_named_as_in_the_file(tmp_path):
    lines = herd().splitlines()
    lines[N + 5] = lines[N + 5].rpartition(",")[0] + ",x"
    path = put(tmp_path, "\n".join(lines))
    assert refused(path, where="cow=7") == f"a.csv, line {N + 6}: az_g is 'x', no number; correct it"
    good, bad = opened(path, by="cow")
    assert_same([good])
    with pytest.raises(InputError, match=rf"line {N + 6}: az_g is 'x'"):
        list(bad.blocks())
    lines = herd().splitlines()
    lines[N + 5] = lines[N + 5].rpartition(",")[0] + ",1e300"
    assert f"line {N + 6}: more than" in refused(put(tmp_path, "\n".join(lines)), where="cow=7")
    values = {k: np.tile(v, 2) for k, v in AXES.items()}
    values["ay_g"][N + 3] = np.nan
    pq.write_table(
        pa.table({"sick": [False] * N + [True] * N, "time_s": np.tile(T, 2), **values}), tmp_path / "a.parquet"
    )
    assert f"row {N + 3} (from 0): ay_g is empty" in refused(tmp_path / "a.parquet", where="sick=1")
    assert_same(opened(tmp_path / "a.parquet", where="sick=false"))


def test_groups_and_labels_of_a_divided_table(tmp_path):
    text = f"cow,state,{HEAD}" + "".join(
        f"{cow},{state},{line}\n" for cow in (1, 2) for state in ("calm", "oestrus") for line in rows().splitlines()
    )
    path, reading = put(tmp_path, text), ReadOptions.parsed(by="cow,state")
    names = [f"a.csv[cow={cow}][state={state}]" for cow in (1, 2) for state in ("calm", "oestrus")]
    for group, groups in (
        (None, ["1", "1", "2", "2"]),
        ("cow", ["1", "1", "2", "2"]),
        ("state", ["calm", "oestrus"] * 2),
    ):
        clips = open_clips(path, W, reading=reading, group=group).clips
        assert [(clip.name, clip.group) for clip in clips] == list(zip(names, groups, strict=True))
    with pytest.raises(
        InputError, match=r"has no array pig to group by; that takes an \.npz or a column that `by` names"
    ):
        open_clips(path, W, reading=reading, group="pig")
    marked = open_marked(f"{path}:cow!=1", stream_format=W, reading=reading, label="state").clips
    assert [(clip.group, clip.label) for clip in marked] == [("2", "calm"), ("2", "oestrus")]


@pytest.mark.parametrize(
    "reading, line",
    [
        ({"by": "pig"}, "a.csv: no column is pig; `by` takes one of cow, time_s, ax_g, ay_g, az_g, or a number from 1"),
        (
            {"where": "pig=1"},
            "a.csv: no column is pig; `where` takes one of cow, time_s, ax_g, ay_g, az_g, or a number from 1",
        ),
        ({"where": "cow"}, "`where`: cow is no condition; write `where='column=value,value:column!=value'`"),
        ({"where": "cow=12:cow=7"}, "a.csv: no row fulfils all conditions; remove one of them"),
        ({"by": "cow,,"}, "`by='cow,,'`: name each column once, e.g. `by='cow'`"),
    ],
)
def test_what_cannot_be_chosen(tmp_path, reading, line):
    assert refused(put(tmp_path, herd()), **reading) == line


def test_too_many_parts(tmp_path):
    text = HEAD + "".join(f"{k / HZ:.2f},{','.join(map(str, X[k % N]))}\n" for k in range(1001))
    assert refused(put(tmp_path, text), by="time_s") == (
        "a.csv: more than 1000 values of time_s; choose a column that names animals or devices"
    )
    assert "no time_s is 99" in refused(tmp_path / "a.csv", where="time_s=99"), "rows are chosen of more"


def test_columns_by_number_and_in_other_letters(tmp_path):
    path = put(tmp_path, herd())
    for by in ("1", "COW"):
        clips = open_clips(path, W, reading=ReadOptions.parsed(by=by), group="cow").clips
        assert [(clip.name, clip.group) for clip in clips] == [("a.csv[cow=12]", "12"), ("a.csv[cow=7]", "7")]
        assert [clip.group for clip in open_clips(path, W, reading=ReadOptions.parsed(by=by), group=by).clips] == [
            "12",
            "7",
        ]


def test_a_folder_is_chosen_from_as_a_whole(tmp_path):
    """A value may occur in one file only; in none it is misspelt."""
    put(tmp_path, herd(who=("12", "7")), "a.csv")
    put(tmp_path, herd(who=("7", "9")), "b.csv")
    np.savez(tmp_path / "c.npz", x=np.concatenate([X] * 2), unit="g", fs=HZ, offsets=[0, N, 2 * N], cow=[12, 9])

    def names(where, **more):
        return [each.name for each in opened(tmp_path, where=where, **more)]

    assert names("cow=12") == ["a.csv", "c.npz[0]"]
    assert names("cow!=7") == ["a.csv", "b.csv", "c.npz[0]", "c.npz[1]"]
    assert names("cow!=12,9") == ["a.csv", "b.csv"]
    assert names("cow=9:cow!=12") == ["b.csv", "c.npz[1]"]
    assert refused(tmp_path, where="cow=5").endswith("no cow is 5; there is 7, 9, 12")
    (tmp_path / "c.npz").unlink()
    assert refused(tmp_path, where="cow!=5", by="cow").endswith("no cow is 5; there is 7, 9, 12")
    assert refused(tmp_path, where="cow=9:cow=12").endswith("no recording fulfils all conditions; remove one of them")
    assert names("cow!=12", by="cow") == ["a.csv[cow=7]", "b.csv[cow=7]", "b.csv[cow=9]"]
    clips = open_clips(tmp_path, W, reading=ReadOptions.parsed(by="cow")).clips
    assert [clip.group for clip in clips] == ["12", "7", "7", "9"], "an animal is one group, whatever file it is in"


# --- packets


@pytest.mark.parametrize(
    "form",
    [
        lambda values: "[" + ", ".join(map(str, values)) + "]",
        lambda values: " ".join(map(str, values)),
        lambda values: "[" + "  ".join(map(str, values)) + "]",
        lambda values: '"(' + ";".join(map(str, values)) + ')"',
        lambda values: "[" + " ".join(map(str, values)).replace(".", ",") + "]",
        lambda values: '"(' + "; ".join(map(str, values)).replace(".", ",") + ')"',
    ],
)
def test_packets(tmp_path, form):
    (found,) = opened(put(tmp_path, HEAD.replace(",", ";") + packets(form)))
    assert_same([found])
    assert found.notes == ("each row is a packet of samples, spread evenly from its time to that of the next row",)
    assert found.stored_hz == HZ


@pytest.mark.parametrize(
    "cells, what",
    [
        (
            "[0,1, 0,2, 0,3]",
            "has commas within numbers, and commas that may separate numbers; write decimal points in lists",
        ),
        ("[1,5]", "has commas within numbers, and commas that may separate numbers; write decimal points in lists"),
        ("[1,234 999 1,001]", "has three digits behind each ',' and numbers without any: they may be thousands; write"),
    ],
)
def test_commas_in_lists_that_may_be_either(tmp_path, cells, what):
    body = packets(lambda values: "[" + " ".join(map(str, values)).replace(".", ",") + "]")
    body = body if "234" not in cells else "".join(f"{k};{cells};{cells};{cells}\n" for k in range(40))
    last = f"{T[-1] + 0.05:.2f};{cells};{cells};{cells}\n" if "234" not in cells else ""
    message = refused(put(tmp_path, HEAD.replace(",", ";") + body + last))
    assert f"ax_g {what}" in message


def listed(axes=AXES, each=EACH):
    return {name: [values[k : k + each].tolist() for k in range(0, N, each)] for name, values in axes.items()}


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float64()), pa.list_(pa.float64(), EACH), pa.large_list(pa.float32()), pa.list_(pa.float64())]
)
@pytest.mark.parametrize("times", ["seconds", "dates", "lists"])
def test_packets_in_parquet(tmp_path, kind, times):
    stamps = {
        "seconds": {"time_s": T[::EACH].copy()},
        "dates": {"time": DATES[::EACH].copy()},
        "lists": {"time_s": [T[k : k + EACH].tolist() for k in range(0, N, EACH)]},
    }[times]
    table = pa.table({**stamps, **{name: pa.array(each, kind) for name, each in listed().items()}})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=7)
    assert_same(opened(tmp_path / "a.parquet"))


def test_packets_of_a_herd(tmp_path):
    lines = packets(str).splitlines()
    body = "".join(f"{cow};{line}\n" for cow in (1, 2) for line in lines)
    path = put(tmp_path, "cow;" + HEAD.replace(",", ";") + body)
    assert "rows of several; divide them with `by='cow'`" in refused(path)
    assert_same(opened(path, by="cow"))
    path = put(tmp_path, "krava;" + HEAD.replace(",", ";") + body)
    assert "times go back where krava becomes 2" in refused(path)
    values = {name: each * 2 for name, each in listed().items()}
    table = pa.table({"cow": np.repeat([1, 2], N // EACH), "time_s": np.tile(T[::EACH], 2), **values})
    pq.write_table(table, tmp_path / "a.parquet")
    assert_same(opened(tmp_path / "a.parquet", by="cow"))
    assert_same(opened(tmp_path / "a.parquet", where="cow!=1"))


def test_packets_of_any_length_and_lost_ones(tmp_path):
    cuts = [0, 7, 7, 30, 31, 100, N]
    values = {name: [v[a:b].tolist() for a, b in pairwise(cuts)] for name, v in AXES.items()}
    pq.write_table(pa.table({"time_s": T[np.minimum(cuts[:-1], N - 1)], **values}), tmp_path / "a.parquet")
    assert_same(opened(tmp_path / "a.parquet"))
    lost = {name: each[:5] + each[6:] for name, each in listed().items()}
    pq.write_table(pa.table({"time_s": np.delete(T[::EACH], 5), **lost}), tmp_path / "b.parquet")
    (found,) = opened(tmp_path / "b.parquet")
    blocks = list(found.blocks())
    gaps = [each for each in blocks if isinstance(each, int)]
    assert gaps == [EACH]
    samples = np.concatenate([each for each in blocks if not isinstance(each, int)])
    assert np.array_equal(samples, np.delete(COUNTS, np.s_[5 * EACH : 6 * EACH], axis=0))


@pytest.mark.parametrize(
    "change, line",
    [
        ({"ax_g": [None]}, "a.parquet, row 0 (from 0): ax_g is empty; remove such rows"),
        (
            {"ax_g": [[1.0]]},
            "a.parquet, row 0 (from 0): lists of 1 and of 8 values; all axes must have the same number",
        ),
        (
            {"ay_g": [[*[0.5] * 7, None]]},
            "a.parquet, row 0 (from 0): ay_g is empty or no number; remove such rows: the gap is found by the time",
        ),
    ],
)
def test_damaged_packets(tmp_path, change, line):
    values = listed()
    for name, first in change.items():
        values[name] = first + values[name][1:]
    pq.write_table(pa.table({"time_s": T[::EACH].copy(), **values}), tmp_path / "a.parquet")
    assert refused(tmp_path / "a.parquet") == line


def test_packets_that_are_none(tmp_path):
    def said(values, **reading):
        pq.write_table(pa.table(values), tmp_path / "a.parquet")
        return refused(tmp_path / "a.parquet", **reading)

    assert said({"time_s": T[::EACH].copy(), **listed(), "ax_g": X[::EACH, 0].copy()}) == (
        "a.parquet: some axes are lists and others are not; store all of them as lists, or none"
    )
    assert said({"time_s": [0.0], **listed(each=N)}) == (
        "a.parquet: a single time of 160 samples tells no rate; give `rate_hz` and `time='none'`"
    )
    assert_same(opened(tmp_path / "a.parquet", rate_hz="20", time="none"))
    assert "lists of more than 4096 values; write at most 4096 a row" in said(
        {name: [np.tile(values, 30).tolist()] for name, values in AXES.items()}, rate_hz="20"
    )
    several = "acc holds several values in each cell, and does not say which axes they are; write one column for each axis, e.g. acc_x"
    assert several in said({"time_s": T, "acc": X.tolist()}, unit="g")
    assert several in said({"time_s": T, "acc": [{"x": a, "y": b, "z": c} for a, b, c in X.tolist()]}, unit="g")
    vectors = "".join(f'{T[k]:.2f},"{X[k].tolist()}"\n' for k in range(N))
    assert several in refused(put(tmp_path, "time_s,acc\n" + vectors), unit="g")
    path = put(tmp_path, HEAD.replace(",", ";") + packets(str).replace("]", "", 1))
    assert refused(path) == "a.csv, line 2: ax_g is no list of numbers; correct it"


# --- per device


def devices(folder, text):
    return {"devices": str(put(folder, text, "devices.csv"))}


@pytest.fixture
def two_devices(tmp_path):
    """One collar that writes g, one that writes mg, and neither says so."""
    for name, factor in (("cow-7/a.csv", 1), ("cow-9/b.csv", 1000)):
        path = tmp_path / "herd" / name
        path.parent.mkdir(parents=True)
        body = "".join(f"{T[k]:.2f},{','.join(repr(float(v * factor)) for v in X[k])}\n" for k in range(N))
        path.write_text("time_s,ax,ay,az\n" + body)
    return tmp_path / "herd"


@pytest.mark.parametrize(
    "text",
    [
        "device,unit\ncow-7,g\ncow-9,mg\n",
        "file,unit\ncow-7/a.csv,g\nb.csv,mg\n",
        "file,unit\ncow-7/*,g\n*,mg\n",
        "device;unit;scale\ncow-7;g;1 1 1\ncow-9;g;0.001\n",
        'device,unit,axes\n# a note\ncow-7,g,ax ay az\n\ncow-9,mg,"ax,ay,az"\n',
        "device,unit,rate,time\ncow-7,g,20,none\ncow-9,mg,20,none\n",
        "file,device,unit\n*,*,mg\n*,cow-7,g\na.csv,cow-7,g\n",
    ],
)
def test_devices(two_devices, tmp_path, text):
    assert_same(opened(two_devices, **devices(tmp_path, text)))


@pytest.mark.parametrize(
    "text, line",
    [
        (
            "device,unit\ncow-7,g\n",
            "cow-9/b.csv: no line of FILE fits it; add one, or one whose file is * for all others",
        ),
        ("device,unit\ncow-7,g\ncow-9,mg\na,mg\n", "FILE: lines 2 and 4 both fit cow-7/a.csv; delete one of them"),
        (
            "device,unit\ncow-7,furlong\n",
            "FILE, line 2: unit furlong: no such unit of acceleration; it is one of g, mg, m/s2, counts",
        ),
        (
            "device,unit,colour\ncow-7,g,red\n",
            "FILE, line 1: colour is no known heading; known are file, device, unit, scale, axes, rate, time, array",
        ),
        (
            "cow-7,g\n",
            "FILE, line 1: no headings such as file,unit,scale; name file or device, and at least one of unit, scale, axes, rate, time, array",
        ),
        ("device,unit\n", "FILE: no line of a device; write e.g. file,unit,scale and one line for each file"),
        (
            "device;unit;scale\n*;g;1,5\n",
            "FILE, line 2: scale 1,5 may be one number with a decimal comma, or two numbers; write 1.5 or 1 5",
        ),
        ("device,unit\n,g\n", "FILE, line 2: no file and no device is named; name one, or * for all others"),
        (
            "device,scale\ncow-7,1,2,3\n",
            "FILE, line 2: 4 cells below 2 headings; separate several values in one cell by spaces",
        ),
        (
            "device,unit,scale\ncow-7,g,1 x 1\n",
            "FILE, line 2: scale 1,x,1 is no number; write e.g. scale 0.000488",
        ),
        ("device,axes\ncow-7,ax ay\n", "FILE, line 2: axes: 2 columns are named; name 3, for ax,ay,az in this order"),
        (
            "device,unit\ncow-7,g\ncow-9,g\n",
            "HERD/cow-9/b.csv: in g its median acceleration is X g, at rest it is 1; the values look like mg: give `unit='mg'` "
            "(read as line 3 of FILE says: correct it there)",
        ),
    ],
)
def test_devices_that_are_wrong(two_devices, tmp_path, text, line):
    import re

    given = devices(tmp_path, text)
    message = refused(two_devices, **given).replace(given["devices"], "FILE").replace("devices.csv", "FILE")
    message = message.replace(str(two_devices), "HERD").replace("herd/", "HERD/")
    assert re.sub(r"acceleration is [0-9.]+ g", "acceleration is X g", message).replace("HERD/cow", "HERD/cow") == line


def test_devices_of_one_file(tmp_path):
    body = "".join(
        f"{collar},{T[k]:.2f},{','.join(repr(float(v * factor)) for v in X[k])}\n"
        for collar, factor in (("A", 1), ("B", 1000))
        for k in range(N)
    )
    path = put(tmp_path, "collar,time_s,ax,ay,az\n" + body, "h.csv")
    assert_same(opened(path, by="collar", **devices(tmp_path, "device,unit\nA,g\nB,mg\n")))
    assert "h.csv (B): no line of" in refused(path, by="collar", **devices(tmp_path, "device,unit\nA,g\n"))
    good, bad = opened(path, by="collar", **devices(tmp_path, "device,unit\nA,g\nB,g\n"))
    assert_same([good])
    with pytest.raises(InputError, match=r"h.csv\[collar=B\]: in g .* line 3 of .*devices.csv says: correct it there"):
        list(bad.blocks())


@pytest.mark.parametrize("unit", ["m/s2 rad/s", '"m/s2,rad/s"', "m/s2;rad/s"])
def test_devices_that_differ_in_the_unit_of_the_gyroscope(tmp_path, unit):
    turned = np.concatenate([X * G, X], axis=1)
    body = "".join(f"{T[k]:.2f},{','.join(repr(float(v)) for v in turned[k])}\n" for k in range(N))
    path = put(tmp_path, "time_s,ax,ay,az,gx,gy,gz\n" + body)
    six = StreamFormat(HZ, "motion", 6, 2048, 16, 16)
    reading = ReadOptions.parsed(unit="m/s2,deg/s", **devices(tmp_path, f"file,unit\na.csv,{unit}\n"))
    (found,) = open_recordings(path, six, reading=reading)
    expected = np.concatenate([COUNTS, np.rint(np.degrees(X) * 16).astype(np.int16)], axis=1)
    assert np.array_equal(read_recording(found), expected)


def test_each_animal_of_a_table_has_its_own_unit(tmp_path):
    """The other half rests as it should; that one rests at a thousandth of 1 g is no matter of calibration."""
    text = herd().splitlines()
    text[1 + N :] = [
        ",".join([*line.split(",")[:2], *(str(float(v) / 1000) for v in line.split(",")[2:])]) for line in text[1 + N :]
    ]
    good, bad = opened(put(tmp_path, "\n".join(text)), by="cow")
    assert_same([good])
    with pytest.raises(InputError, match=r"a.csv\[cow=7\]: in g its median acceleration is 0.00"):
        list(bad.blocks())


def test_no_file_of_devices(two_devices):
    assert refused(two_devices, devices="gone.csv") == "`devices='gone.csv'`: no such file; check the path"


# --- packed, encoded, and what pandas leaves


TEXT = HEAD + rows()


@pytest.mark.parametrize(
    "data, name",
    [
        (gzip.compress(TEXT.encode()), "a.csv.gz"),
        (gzip.compress(TEXT.encode()), "A.CSV.GZ"),
        (gzip.compress(TEXT.encode()), "a.csv"),
        (gzip.compress(TEXT[:900].encode()) + gzip.compress(TEXT[900:].encode()), "a.csv.gz"),
        (gzip.compress(TEXT.encode("utf-16")), "a.csv.gz"),
        (TEXT.encode(), "a.csv.gz"),
        (TEXT.encode("utf-16-le"), "a.csv"),
        (TEXT.encode("utf-16-be"), "a.csv"),
        (TEXT.encode("utf-16"), "a.csv"),
        (TEXT.encode("utf-32"), "a.csv"),
        (TEXT.replace("time_s", "t [s]").replace("ay_g", "ay [g]").encode("utf-8-sig"), "a.csv"),
        (("temp °C," + HEAD + rows(first=lambda k: "21,")).encode("latin-1"), "a.csv"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_packed_and_encoded(tmp_path, data, name):
    assert_same(opened(put(tmp_path, data, name)))
    assert_same([recording for each in [tmp_path] for recording in open_recordings(each, W)])


def test_latin_1_says_its_units(tmp_path):
    stream_format, turned = StreamFormat(HZ, "motion", 6, 2048, 16, 16), np.round(X * 40, 3)
    lines = "".join(f"{T[k] * 1e6:.0f},{','.join(map(str, [*X[k], *turned[k]]))}\n" for k in range(N))
    path = put(tmp_path, "t [µs],ax_g,ay_g,az_g,gx [°/s],gy [°/s],gz [°/s]\n" + lines, encoding="latin-1")
    (found,) = open_recordings(path, stream_format)
    assert np.array_equal(read_recording(found), np.rint(np.c_[X * 2048, turned * 16]).astype(np.int16))


def test_damaged_packing(tmp_path):
    good = gzip.compress(TEXT.encode())
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 16
    assert refused(put(tmp_path, good[:-40], "a.csv.gz")) == (
        "a.csv.gz: cannot be read (it ends too early); check the file or copy it again"
    )
    for data in (bytes(flipped), good + b"rest", good[:-8] + bytes(8)):
        message = refused(put(tmp_path, data, "a.csv.gz"))
        assert message == "a.csv.gz: cannot be read (what is packed in it is damaged); check the file or copy it again"
    bomb = gzip.compress(TEXT.encode() + (b" " * 9999 + b"\n") * 900)
    assert refused(put(tmp_path, bomb, "a.csv.gz")) == (
        "a.csv.gz: unpacks to over 200 times its size, as no recording does; unpack it first"
    )
    assert refused(put(tmp_path, b"PK\x03\x04" + bytes(99), "a.csv")) == (
        "a.csv: is a .zip archive or a spreadsheet; unpack it, or save it as .csv"
    )
    for name in ("a.csv.zip", "a.parquet.gz", "a.npz.xz"):
        assert refused(put(tmp_path, good, name)) == (
            f"{name}: packed, and only .csv.gz is read packed: unpack it; convert it to one of .csv, .csv.gz, .parquet, .npy, .npz"
        )


@pytest.mark.parametrize("kind, columns", [("audio", 1), ("external", 3)])
def test_packed_rows_of_integers(tmp_path, kind, columns):
    values = COUNTS[:, :columns]
    text = "\n".join(",".join(map(str, row)) for row in values)
    path = put(tmp_path, gzip.compress(text.encode()), "a.csv.gz")
    (found,) = open_recordings(path, StreamFormat(16_000 if kind == "audio" else 10, kind, columns))
    assert np.array_equal(read_recording(found).reshape(-1, columns), values)


@pytest.mark.parametrize("heading", ["Unnamed: 0", "", "Datum", "__index_level_0__"])
def test_an_index_of_dates_is_the_time(tmp_path, heading):
    (found,) = opened(put(tmp_path, f"{heading},ax_g,ay_g,az_g\n" + dated()))
    assert_same([found])
    assert found.notes == (f"time in {heading or 'column 1'}, the only column of dates",)


def test_an_index_of_numbers_is_passed_over(tmp_path):
    numbered = "".join(f"{k},{line}\n" for k, line in enumerate(rows().splitlines()))
    for heading in ("", "Unnamed: 0", "index"):
        assert_same(opened(put(tmp_path, f"{heading},{HEAD}{numbered}")))


def as_float16():
    return {name: values.astype(np.float16) for name, values in AXES.items()}


NS = (T * 1e9).astype(np.int64)
COLUMNS = {
    "index of dates": {**AXES, "__index_level_0__": DATES},
    "index of dates in a zone": {**AXES, "__index_level_0__": pa.array(NS, pa.timestamp("ns", "Europe/Rome"))},
    "index of durations": {**AXES, "__index_level_0__": pa.array(NS, pa.duration("ns"))},
    "index of numbers": {**AXES, "time_s": T, "__index_level_0__": np.arange(N)[::-1].copy()},
    "index beside a time": {**AXES, "time": DATES, "__index_level_0__": DATES},
    "durations": {**AXES, "time": pa.array(NS, pa.duration("ns"))},
    "time of day": {**AXES, "time": pa.array(NS // 1000, pa.time64("us"))},
    "time of day, 32 bits": {**AXES, "time": pa.array((NS // 10**6).astype(np.int32), pa.time32("ms"))},
    "dictionaries": {"time_s": pa.array(T).dictionary_encode(), **AXES, "ax_g": pa.array(X[:, 0]).dictionary_encode()},
    "dictionary of dates": {"time": pa.array(DATES).dictionary_encode(), **AXES},
    "decimals": {
        "time_s": [decimal.Decimal(f"{t:.2f}") for t in T],
        **{name: [decimal.Decimal(f"{v:.4f}") for v in values] for name, values in AXES.items()},
    },
    "unsigned": {"time_ms": np.rint(T * 1000).astype(np.uint64), **AXES},
    "float32": {"time_s": T, **{name: values.astype(np.float32) for name, values in AXES.items()}},
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_every_type(tmp_path, name):
    pq.write_table(pa.table(COLUMNS[name]), tmp_path / "a.parquet")
    assert_same(opened(tmp_path / "a.parquet"))


def test_float16(tmp_path):
    pq.write_table(pa.table({"time_s": T, **{k: pa.array(v) for k, v in as_float16().items()}}), tmp_path / "a.parquet")
    expected = np.rint(X.astype(np.float16).astype(np.float64) * 2048).astype(np.int16)
    assert_same(opened(tmp_path / "a.parquet"), expected)


@pytest.mark.parametrize(
    "column, line",
    [
        (X[:, 0] > 0, "a.parquet: ax_g is bool, no numbers; convert it"),
        ([str(v) for v in X[:, 0]], "a.parquet: ax_g is string, no numbers; convert it"),
        (
            [None, *(decimal.Decimal(f"{v:.4f}") for v in X[1:, 0])],
            "a.parquet, row 0 (from 0): ax_g is empty or no number; remove such rows: the gap is found by the time",
        ),
    ],
)
def test_columns_that_are_no_numbers(tmp_path, column, line):
    pq.write_table(pa.table({"time_s": T, **AXES, "ax_g": column}), tmp_path / "a.parquet")
    assert refused(tmp_path / "a.parquet") == line


def test_columns_that_are_no_labels(tmp_path):
    for note, said in (
        (["x" * 5000] * N, "note has 5000 characters; it is no label"),
        ([[1]] * N, "note is list<element: int64>, and no labels; choose another column"),
        ([b"x"] * N, "note is binary, and no labels; choose another column"),
    ):
        pq.write_table(pa.table({"time_s": T, **AXES, "note": note}), tmp_path / "a.parquet")
        assert said in refused(tmp_path / "a.parquet", where="note=x")
    path = put(tmp_path, f"note,{HEAD}" + rows(first=lambda k: "y" * 2000 + ","))
    assert refused(path, by="note") == "a.csv, line 2: note has 2000 characters; it is no label"


# --- selectors


SUBJECTS = {
    "subject": [1, 2, 3, 5],
    "is_fall": [True, False, True, False],
    "name": ["a", "b", "c, d", "e"],
    "dose": [1.0, 2.0, 3.5, 5.0],
    "flag": [0, 1, 0, 1],
}


@pytest.fixture
def subjects(tmp_path):
    path = tmp_path / "c.npz"
    np.savez(path, x=np.concatenate([X] * 4), unit="g", fs=HZ, offsets=np.arange(5) * N, **SUBJECTS)
    return path


@pytest.mark.parametrize(
    "chosen, indices",
    [
        ("subject!=5", [0, 1, 2]),
        ("subject=1,5", [0, 3]),
        ("subject!=1,2", [2, 3]),
        ("subject=1, 5", [0, 3]),
        ("is_fall=true", [0, 2]),
        ("is_fall=True", [0, 2]),
        ("is_fall=TRUE", [0, 2]),
        ("is_fall=1", [0, 2]),
        ("is_fall=false", [1, 3]),
        ("is_fall!=true", [1, 3]),
        ("is_fall=0:subject!=2", [3]),
        ("subject!=1:subject!=2", [2, 3]),
        ("name=c, d", [2]),
        ("name!=a,b", [2, 3]),
        ("dose=1", [0]),
        ("dose!=3.50", [0, 1, 3]),
        ("flag=true", [1, 3]),
    ],
)
def test_selectors(subjects, chosen, indices):
    names = [f"c.npz[{index}]" for index in indices]
    found = opened(f"{subjects}:{chosen}")
    assert [each.name for each in found] == names
    assert_same(found)
    assert [each.name for each in opened(subjects, where=chosen)] == names
    clips = open_clips(f"{subjects}:{chosen}", W, group="subject").clips
    assert [clip.group for clip in clips] == [str(SUBJECTS["subject"][index]) for index in indices]


@pytest.mark.parametrize(
    "chosen, line",
    [
        ("subject=9", "c.npz: no subject is 9; there is 1, 2, 3, 5"),
        ("subject!=9", "c.npz: no subject is 9; there is 1, 2, 3, 5"),
        ("is_fall=maybe", "c.npz: no is_fall is maybe; there is False, True"),
        (
            "pig=1",
            "c.npz: no array pig; arrays with one entry for each of its 4 recordings: dose, flag, is_fall, name, subject",
        ),
        ("subject!=1,2,3,5", "c.npz: no recording fulfils all conditions; remove one of them"),
        ("subject", "c.npz:subject: subject is no condition; write file.npz:key=value,value or file.npz:key!=value"),
        ("=1", "c.npz:=1: =1 is no condition; write file.npz:key=value,value or file.npz:key!=value"),
        (
            "subject!=",
            "c.npz:subject!=: subject!= is no condition; write file.npz:key=value,value or file.npz:key!=value",
        ),
    ],
)
def test_selectors_that_choose_nothing(subjects, chosen, line):
    assert refused(f"{subjects}:{chosen}") == line


def test_a_recording_that_was_not_chosen_is_not_read(tmp_path):
    x = np.concatenate([X, X * np.nan])
    np.savez(tmp_path / "a.npz", x=x, unit="g", fs=HZ, offsets=[0, N, 2 * N], subject=[1, 2])
    assert_same(opened(f"{tmp_path / 'a.npz'}:subject=1"))
    with pytest.raises(InputError, match="not a number"):
        opened(f"{tmp_path / 'a.npz'}:subject!=1")


def test_what_is_not_chosen_from(subjects, tmp_path):
    np.save(tmp_path / "a.npy", COUNTS)
    assert "no such file" in refused(f"{tmp_path / 'a.npy'}:subject=1")
    assert refused(f"{tmp_path}:subject=1").endswith(
        "no such file or folder; only an .npz or a table takes conditions behind a colon: in folders choose with `where`"
    )
    assert refused(tmp_path / "a.npy", where="subject=1") == "`where`: a.npy has no columns with names; leave it out"
    assert refused(subjects, by="subject") == (
        "`by`: c.npz is no table; its recordings are apart already, choose with :key=value"
    )
    put(tmp_path, "1\n2\n", "a.csv")
    with pytest.raises(InputError, match=r"a.csv: only an .npz and a table of motion take conditions"):
        open_recordings(f"{tmp_path / 'a.csv'}:x=1", StreamFormat(16_000))
    with pytest.raises(InputError, match="`where`: states how motion is stored, and this is audio; leave it out"):
        open_recordings(tmp_path / "a.csv", StreamFormat(16_000), reading=ReadOptions.parsed(where="x=1"))
    with pytest.raises(InputError, match="`rate_hz`: states how motion is stored, and this is audio; leave it out"):
        open_recordings(tmp_path / "a.csv", StreamFormat(16_000), reading=ReadOptions.parsed(rate_hz="1"))


def test_a_file_with_literally_this_name_wins(subjects, tmp_path):
    np.savez(tmp_path / "c.npz:subject=9", x=X)
    path = tmp_path / "c.npz:subject=1.npz"
    np.savez(path, x=X, unit="g", fs=HZ)
    assert [each.name for each in opened(path)] == ["c.npz:subject=1.npz"]


# --- together with what numbers, units and times mean


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_plain_rows_are_read_many_at_once(tmp_path, name, encoding):
    text = ("time,ax [m/s²],ay [m/s²],az [m/s²],note\n" + dated()).replace("\n", ",é\n").replace("note,é", "note")
    data = text.encode(encoding)
    path = put(tmp_path, gzip.compress(data) if name.endswith("gz") else data, name)
    pieces = list(pieces_of(path, "a", dialect_of(path, "a")))
    assert pieces and all(isinstance(each, Cells) for each in pieces)
    with pytest.raises(InputError, match="the values look like g"):
        opened(path)
    assert_same(opened(path, unit="g"))
    assert_same(opened(path, unit="g", where="note=é"))


def test_rows_that_unpack_without_end(tmp_path):
    path = put(tmp_path, gzip.compress(HEAD.encode() + b"0.00,0.0,0.0,1.0\n" * 600_000), "a.csv.gz")
    assert refused(path) == "a.csv.gz: unpacks to over 200 times its size, as no recording does; unpack it first"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_herd_with_days_beside_its_times_of_day(tmp_path, suffix):
    """Past midnight, in German dress: date and time in columns of their own, decimal commas, two animals."""
    start = np.datetime64("2024-10-26T23:59:56", "ms")
    times = start + np.arange(N) * (1000 // HZ)
    days = [f"{day[8:]}.{day[5:7]}.{day[:4]}" for day in np.datetime_as_string(times, "D")]
    clock = [each[11:].replace(".", ",") for each in np.datetime_as_string(times, "ms")]
    cows = ("8", "9")
    if suffix == ".csv":
        cells = [
            ";".join([cow, days[k], clock[k], *(f"{value:.4f}".replace(".", ",") for value in X[k])])
            for cow in cows
            for k in range(N)
        ]
        path = put(tmp_path, "krava;date;time;ax_g;ay_g;az_g\n" + "\n".join(cells))
    else:
        path = tmp_path / "a.parquet"
        axes = {name: np.tile(values, 2) for name, values in AXES.items()}
        table = {"krava": np.repeat(cows, N), "date": days * 2, "time": clock * 2, **axes}
        pq.write_table(pa.table(table), path)
    assert_same(opened(path, by="krava"))
    assert_same(opened(path, where="krava=9"))
    assert "divide them with `by='krava'`" in refused(path)
    assert_same(opened(path, rate_hz=str(HZ), time="none", by="krava"))
    if suffix == ".csv":
        path.write_text(path.read_text().replace(cells[N + 9], cells[N + 9].replace(clock[9], "x")))
        assert refused(path, where="krava=9").startswith(f"a.csv, line {N + 11}: time is ")


def test_packets_with_days_beside_their_times_of_day(tmp_path):
    times = np.datetime64("2024-10-26T23:59:56", "ms") + np.arange(0, N, EACH) * (1000 // HZ)
    stamps = [(str(each)[:10], str(each)[11:]) for each in times]
    lines = [
        f"{day};{clock};{line.partition(';')[2]}"
        for (day, clock), line in zip(stamps, packets(str).splitlines(), strict=True)
    ]
    path = put(tmp_path, "date;time;ax_g;ay_g;az_g\n" + "\n".join(lines))
    assert_same(opened(path))
    lists = {name: [values[k : k + EACH].tolist() for k in range(0, N, EACH)] for name, values in AXES.items()}
    days, clocks = zip(*stamps, strict=True)
    pq.write_table(pa.table({"date": days, "time": clocks, **lists}), tmp_path / "a.parquet")
    assert_same(opened(tmp_path / "a.parquet"))


def test_a_day_is_no_time_of_a_row(tmp_path):
    """Beside the only column of dates with a time, and beside a rate."""
    lines = [f"2024-03-01,{line}\n" for line in dated().splitlines()]
    (found,) = opened(put(tmp_path, "date,moment,ax_g,ay_g,az_g\n" + "".join(lines)))
    assert_same([found])
    assert found.notes == ("time in moment, the only column of dates",)
    lines = [f"2024-03-01,{line}\n" for line in rows(time=False).splitlines()]
    assert_same(opened(put(tmp_path, "date,ax_g,ay_g,az_g\n" + "".join(lines)), rate_hz=str(HZ)))


def test_millions_with_blanks_are_no_lists(tmp_path):
    """``1 012 345`` in each row of a column is a number; a packet has other values, too."""
    counts = np.rint((X + np.array([2, 2, 1])) * 1e6).astype(int)
    lines = [f"{T[k]:.2f};" + ";".join(f"{value:,}".replace(",", " ") for value in counts[k]) for k in range(N)]
    path = put(tmp_path, "time_s;ax;ay;az\n" + "\n".join(lines))
    (found,) = opened(path, unit="g", scale="1/2000000")
    assert np.array_equal(read_recording(found), np.rint(counts / 2e6 * 2048).astype(np.int16))


def test_lines_of_long_units(tmp_path):
    text = "time,ax,ay,az\nmilliseconds,metres/second²,metres/second²,metres/second²\n" + "".join(
        f"{1000 * T[k]:.0f},{','.join(f'{value * G:.4f}' for value in X[k])}\n" for k in range(N)
    )
    expected = np.rint(np.round(X * G, 4) / G * 2048)
    assert_same(opened(put(tmp_path, text)), expected)


def test_units_of_both_sensors_of_a_device(tmp_path):
    stream_format, turned = StreamFormat(HZ, "motion", 6, 2048, 16, 16), np.round(X * 40, 3)
    lines = [f"{T[k]:.2f},{','.join(map(str, [*X[k], *turned[k]]))}\n" for k in range(N)]
    path = put(tmp_path, "time_s,ax,ay,az,gx,gy,gz\n" + "".join(lines))

    def read(text, **options):
        reading = ReadOptions.parsed(**options, **devices(tmp_path, text))
        (found,) = open_recordings(path, stream_format, reading=reading)
        return read_recording(found)

    degrees = np.concatenate([COUNTS, np.rint(turned * 16).astype(np.int16)], axis=1)
    radians = np.clip(np.rint(np.degrees(turned) * 16), -32768, 32767)
    assert np.array_equal(read("device,unit\na,g deg/s\n"), degrees)
    for text, options in (
        ("device,unit\na,g rad/s\n", {}),
        ('device,unit\na,"g,rad/s"\n', {}),
        ("device,unit\na,g\n", {"unit": ",rad/s"}),
        ('device,unit\na,",rad/s"\n', {"unit": "g"}),
    ):
        assert np.array_equal(read(text, **options), np.concatenate([COUNTS, radians], axis=1)), (text, options)
