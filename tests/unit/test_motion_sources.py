"""Files of motion into the plan's counts: what is converted, what is said, and each bad input with its line."""

from __future__ import annotations

import builtins
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomsdk.errors import InputError
from anomsdk.sources import MOTION_SUFFIXES, ReadOptions, StreamFormat, open_recordings, read_recording
from anomsdk.sources.clips import clip_from_array, open_clips, pieces
from anomsdk.sources.stream_format import G
from tests.support.motion_files import counts

W3 = StreamFormat(50, "motion", 3, 2048, None, 16)
W6 = StreamFormat(50, "motion", 6, 2048, 16, 16)
HEADINGS = ("ax_g", "ay_g", "az_g", "gx", "gy", "gz")


@pytest.fixture
def rng():
    return np.random.default_rng(20241)


def moving(rng, n=500, axes=3, noise=0.1):
    """Rows in g and deg/s of something that is carried: gravity, and a walk."""
    t = np.arange(n)[:, None] / 50
    rows = np.sin(2 * np.pi * (1.3 + 0.2 * np.arange(axes)) * t) * 0.4 + rng.normal(0, noise, (n, axes))
    rows[:, 2] += 1
    rows[:, 3:] *= 100
    return rows


def written(
    path,
    rows,
    stamps=None,
    *,
    headings=None,
    time="time_s",
    sep=",",
    decimal=".",
    digits=6,
    before="",
    encoding="utf-8",
    end="\n",
):
    stamps = np.arange(len(rows)) / 50 if stamps is None else stamps
    headings = HEADINGS[: rows.shape[1]] if headings is None else headings
    lines = [sep.join([time, *headings])] if headings else []
    for stamp, row in zip(stamps, rows, strict=True):
        cells = [stamp if isinstance(stamp, str) else f"{stamp:.{digits}f}", *(str(value) for value in row)]
        lines.append(sep.join(cell.replace(".", decimal) if decimal != "." else cell for cell in cells))
    path.write_text(before + end.join(lines) + end, encoding=encoding, newline="")
    return path


def opened(path, stream_format=W3, **reading):
    (recording,) = open_recordings(path, stream_format, reading=ReadOptions.parsed(**reading))
    return recording


def refused(path, stream_format=W3, **reading):
    """The message behind the path."""
    with pytest.raises(InputError) as caught:
        for recording in open_recordings(path, stream_format, reading=ReadOptions.parsed(**reading)):
            list(recording.blocks())
    message = str(caught.value)
    assert message.isprintable() and ";" in message, "one line, with what to do"
    return message.replace(str(path), "FILE")


# --- .csv: dialects


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"encoding": "utf-8-sig"},
        {"encoding": "utf-16"},
        {"sep": ";"},
        {"sep": ";", "decimal": ","},
        {"sep": "\t", "decimal": ","},
        {"sep": " "},
        {"sep": "|", "end": "\r\n"},
        {"sep": ", "},
        {"before": "Device: collar 7\nFirmware 1.2\n\n"},
        {"before": "# made by a logger\n# "},
        {"end": "\r\n\r\n"},
        {"headings": ("acc_x [g]", "acc_y [g]", "acc_z [g]")},
        {"headings": ("Accel X (g)", "Accel Y (g)", "Accel Z (g)")},
        {"headings": ("X_G", "Y_G", "Z_G"), "time": "Timestamp (s)"},
        {"headings": ("waist.accX_g", "waist.accY_g", "waist.accZ_g")},
        {"headings": ('"ax_g"', '"ay_g"', '"az_g"')},
    ],
    ids=str,
)
def test_dialects(tmp_path, rng, how):
    rows = moving(rng)
    recording = opened(written(tmp_path / "a.csv", rows, **how))
    assert np.array_equal(read_recording(recording), counts(rows))
    assert (recording.notes, recording.length, recording.stored_hz) == ((), 500, 50.0)


def test_quoted_decimal_commas(tmp_path, rng):
    rows = moving(rng)
    quoted = [",".join(f'"{value}"'.replace(".", ",") for value in (k / 50, *row)) for k, row in enumerate(rows)]
    (tmp_path / "a.csv").write_text("t_s,ax_g,ay_g,az_g\n" + "\n".join(quoted))
    assert np.array_equal(read_recording(opened(tmp_path / "a.csv")), counts(rows))


def test_other_columns_other_order_and_a_line_of_units(tmp_path, rng):
    rows = moving(rng, axes=6)
    lines = ["label,gz,gy,gx,az,ay,ax,battery,time", ",deg/s,deg/s,deg/s,g,g,g,V,ms"]
    lines += [f"walk_1,{','.join(map(str, row[::-1]))},3.3,{20 * k}" for k, row in enumerate(rows)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert np.array_equal(read_recording(opened(tmp_path / "a.csv", W6)), counts(rows, W6))
    assert np.array_equal(read_recording(opened(tmp_path / "a.csv", W3)), counts(rows[:, :3]))


def test_no_headings_takes_numbers_of_columns(tmp_path, rng):
    rows = moving(rng)
    path = written(tmp_path / "a.csv", rows, headings=())
    assert "no column ax, ay, az (there is no headings); name the columns with `axes`" in refused(path)
    assert "no column of time" in refused(path, axes="2,3,4", unit="g")
    found = opened(path, axes="2,3,4", time="1:s", unit="g")
    assert np.array_equal(read_recording(found), counts(rows))


@pytest.mark.parametrize("unit, of_g", [("g", 1), ("mg", 1000), ("m/s2", G), ("counts", 2048)])
def test_units(tmp_path, rng, unit, of_g):
    rows = np.round(moving(rng), 3)
    path = written(tmp_path / "a.csv", rows * of_g, headings=("ax", "ay", "az"))
    found = read_recording(opened(path, unit=unit)).astype(int)
    assert np.abs(found - counts(rows)).max() <= (0 if unit != "m/s2" else 1)
    if unit != "counts":
        headings = [f"{axis} [{unit}]" for axis in ("ax", "ay", "az")]
        assert np.array_equal(
            read_recording(opened(written(tmp_path / "b.csv", rows * of_g, headings=headings))), found
        )


def test_radians_are_turned(tmp_path, rng):
    rows = moving(rng, axes=6)
    there = rows.copy()
    there[:, 3:] = np.radians(rows[:, 3:])
    path = written(tmp_path / "a.csv", there, headings=("ax_g", "ay_g", "az_g", "gx_rad_s", "gy_rad_s", "gz_rad_s"))
    found = opened(path, W6)
    assert found.notes == ("rad/s turned into deg/s",)
    assert np.abs(read_recording(found).astype(int) - counts(rows, W6)).max() <= 1


def test_scale_and_full_scale(tmp_path, rng):
    rows = np.rint(moving(rng) * 100)
    rows[7, 0] = 5000
    path = written(tmp_path / "a.csv", rows, headings=("ax", "ay", "az"))
    found = opened(path, unit="g", scale="0.01")
    assert found.notes == ("1 samples clipped at the full scale of the plan",)
    assert read_recording(found)[7, 0] == 32767
    small = StreamFormat(50, "motion", 3, 2048, None, 2)
    assert np.abs(read_recording(opened(path, small, unit="g", scale="0.01"))).max() == 4096


# --- .csv: time


@pytest.mark.parametrize(
    "time, first, step, said",
    [
        ("t", 0, 0.02, "s"),
        ("t", 12.5, 20, "ms"),
        ("t", 0, 20_000, "us"),
        ("t", 0, 20_000_000, "ns"),
        ("timestamp", 1.7e9, 0.02, "s"),
        ("timestamp", 1.7e12, 20, "ms"),
        ("timestamp", 1.7e15, 20_000, "us"),
        ("timestamp", 1.7e18, 20_000_000, "ns"),
        ("time_s", 0, 0.02, None),
        ("Time (ms)", 0, 20, None),
        ("timestamp_us", 0, 20_000, None),
        ("epoch_ns", 1.7e18, 20_000_000, None),
        ("ms", 0, 20, None),
        ("seconds_elapsed", 0, 0.02, "s"),
    ],
)
def test_units_of_time(tmp_path, rng, time, first, step, said):
    rows = moving(rng)
    found = opened(written(tmp_path / "a.csv", rows, first + step * np.arange(500), time=time))
    assert found.notes == (() if said is None else (f"time in {said}, by its values",))
    assert np.array_equal(read_recording(found), counts(rows))


@pytest.mark.parametrize("form", ["{}", "{}Z", "{}+02:00", "{}-0330"])
def test_dates(tmp_path, rng, form):
    rows = moving(rng)
    stamps = np.datetime64("2024-03-01T23:59:58", "us") + 20_000 * np.arange(500)
    for text in (str, lambda stamp: str(stamp).replace("T", " ")):
        path = written(tmp_path / "a.csv", rows, [form.format(text(stamp)) for stamp in stamps])
        assert np.array_equal(read_recording(opened(path)), counts(rows))


def test_a_unit_of_time_that_nobody_can_know(tmp_path, rng):
    rows = moving(rng)
    path = written(tmp_path / "a.csv", rows, np.arange(500), time="t", digits=0)
    assert refused(path) == (
        "FILE: times in steps of 1 have no unit: say which, e.g. `time='t:ms'`; numbers of samples are no times"
    )
    found = opened(path, time="t:ms")
    assert found.notes == ("1000 Hz resampled to 50 Hz",)
    path = written(tmp_path / "b.csv", rows, 0.5 * np.arange(500), time="t", digits=1)
    assert "steps of 0.5 have no unit" in refused(path), "2000 Hz or 2 Hz"


# --- rates, jitter, gaps


def test_a_rate_that_differs_by_less_than_a_crystal(tmp_path, rng):
    rows = moving(rng)
    found = opened(written(tmp_path / "a.csv", rows, np.arange(500) / 50.2))
    assert found.notes == ("50.2 Hz taken as 50 Hz",)
    assert np.array_equal(read_recording(found), counts(rows))


@pytest.mark.parametrize("rate_hz", [25, 31.25, 47, 100, 104, 400, 1000])
def test_a_sine_at_another_rate(tmp_path, rate_hz):
    """Within 0.2 % of its amplitude away from the ends; nothing rings although gravity is there from the first row."""

    def sine(rate, n):
        t = np.arange(n) / rate
        return np.stack([0.5 * np.sin(2 * np.pi * 4 * t), np.cos(2 * np.pi * 2 * t), 1 + 0 * t + 1e-9 * t], axis=1)

    n = int(20 * rate_hz)
    found = opened(written(tmp_path / "a.csv", sine(rate_hz, n), np.arange(n) / rate_hz, digits=9))
    above = f", nothing above {rate_hz / 2:g} Hz in it" if rate_hz < 50 else ""
    assert found.notes == (f"{rate_hz:g} Hz resampled to 50 Hz{above}",)
    x = read_recording(found)
    assert abs(len(x) - 1000) <= 2 and abs(len(x) - found.length) <= 2
    error = np.abs(x - 2048 * sine(50, len(x)))
    assert error[50:-50].max() < 0.5 + 0.002 * 2048
    assert error[:, 2].max() <= 0.5


def test_what_lies_above_half_the_new_rate_is_filtered_out(tmp_path, rng):
    t = np.arange(4000) / 200
    rows = np.stack([np.sin(2 * np.pi * 40 * t), 0.3 * np.sin(2 * np.pi * 5 * t), 1 + 0.01 * np.sin(t)], axis=1)
    x = read_recording(opened(written(tmp_path / "a.csv", rows, t)))
    assert np.abs(x[50:-50, 0]).max() < 4, "40 Hz would be an alias at 10 Hz"


def test_jitter_is_interpolated_and_said(tmp_path, rng):
    t = np.arange(1000) / 50
    stamps = t + rng.uniform(-0.009, 0.009, 1000)
    rows = np.stack(
        [0.4 * np.sin(2 * np.pi * stamps), 0.3 * np.cos(2 * np.pi * stamps), 1 + 0.1 * np.sin(stamps)], axis=1
    )
    found = opened(written(tmp_path / "a.csv", rows, stamps))
    assert found.notes == ("time stamps jitter: interpolated linearly",)
    x = read_recording(found)
    at = stamps[0] + np.arange(len(x)) / 50
    assert np.abs(x[:, 0] - 2048 * 0.4 * np.sin(2 * np.pi * at)).max() < 30, "a line between neighbours"
    assert abs(len(x) - 1000) <= 3


def test_rounded_stamps_are_no_jitter(tmp_path, rng):
    """128 Hz in whole milliseconds: steps of 7 and 8 ms."""
    rows, stream_format = moving(rng, 1000), StreamFormat(128, "motion", 3, 2048, None, 16)
    found = opened(
        written(tmp_path / "a.csv", rows, np.rint(np.arange(1000) / 0.128), time="ms", digits=0), stream_format
    )
    assert found.notes == ()
    assert np.array_equal(read_recording(found), counts(rows))


def cut(found):
    """Pieces, and the samples missing between them."""
    joined, gaps = [[]], []
    for block in found.blocks():
        if isinstance(block, int):
            gaps.append(block)
            joined.append([])
        else:
            joined[-1].append(block)
    return [np.concatenate(blocks) for blocks in joined], gaps


def test_gaps_are_passed_on_and_not_bridged_where_that_is_said(tmp_path, rng):
    rows, keep = moving(rng, 1000), np.ones(1000, bool)
    keep[200] = keep[500:600] = False
    found = opened(written(tmp_path / "a.csv", rows[keep], np.arange(1000)[keep] / 50), max_bridge="0")
    assert found.notes == ("2 gaps, 2.02 s missing",)
    parts, gaps = cut(found)
    assert gaps == [1, 100]
    expected = counts(rows)
    assert all(
        np.array_equal(a, b) for a, b in zip(parts, (expected[:200], expected[201:500], expected[600:]), strict=True)
    )
    with pytest.raises(InputError, match="1 samples are missing"):
        read_recording(found)
    clips = open_clips(tmp_path / "a.csv", W3, reading=ReadOptions(max_bridge=0)).clips
    assert [len(piece) for piece in pieces(clips[0])] == [200, 299, 400]
    assert clips[0].notes == found.notes


def test_gaps_at_another_rate(tmp_path, rng):
    rows, keep = moving(rng, 2000), np.ones(2000, bool)
    keep[1000:1400] = False
    found = opened(written(tmp_path / "a.csv", rows[keep], np.arange(2000)[keep] / 100))
    parts, gaps = cut(found)
    assert ([len(part) for part in parts], gaps) == ([500, 300], [200])


def test_a_long_pause_is_a_gap_and_no_dropped_samples(tmp_path, rng):
    stamps = np.arange(1000) / 50 + np.repeat([0, 3600], 500)
    parts, gaps = cut(opened(written(tmp_path / "a.csv", moving(rng, 1000), stamps)))
    assert ([len(part) for part in parts], gaps) == ([500, 500], [180_000])


# --- .csv: each bad input, and its line


@pytest.mark.parametrize(
    "change, line",
    [
        (lambda x, t: (x, np.delete(np.append(t, 99), 100)), None),
        (
            lambda x, t: (x, np.where(np.arange(500) == 7, t - 0.5, t)),
            "FILE, line 9: its time is 0.48 s before that of the row above; sort the rows by time, or split the file",
        ),
        (
            lambda x, t: (x, np.where(np.arange(500) == 7, t - 0.02, t)),
            "FILE, line 9: the same time as the row before; remove duplicates, or write times with more digits",
        ),
        (
            lambda x, t: (x[::3], t[::3]),
            "FILE: at 16.67 Hz it holds nothing above 8.335 Hz, and the plan needs 50 Hz; record at 50 Hz, or plan for 16.67 Hz",
        ),
        (
            lambda x, t: (x[np.arange(500) % 5 < 3], t[np.arange(500) % 5 < 3]),
            "FILE: 40% of the samples were dropped, more than 30%; mend the logger or the radio link, and record again",
        ),
        (
            lambda x, t: (x * [1, 0, 1], t),
            "FILE: ay never changed while the others did; repair the sensor, or leave out the recording",
        ),
        (
            lambda x, t: (x * G, t),
            "FILE: in g its median acceleration is X g, at rest it is 1; the values look like m/s2: give `unit='m/s2'`",
        ),
        (
            lambda x, t: (x * 1000, t),
            "FILE: in g its median acceleration is X g, at rest it is 1; the values look like mg: give `unit='mg'`",
        ),
        (
            lambda x, t: ((x - [0, 0, 1]) / 10, t),
            "FILE: in g its median acceleration is X g, at rest it is 1; correct `unit` or `scale`; the acceleration must include gravity",
        ),
        (
            lambda x, t: (np.where(np.arange(500)[:, None] == 7, np.nan, x), t),
            "FILE, line 9: ax_g is nan; remove such lines: the gap is found by the time",
        ),
    ],
)
def test_bad_rows(tmp_path, rng, change, line):
    rows, stamps = change(moving(rng), np.arange(500) / 50)
    if line is None:
        assert opened(written(tmp_path / "a.csv", rows, stamps)).notes
    else:
        message = refused(written(tmp_path / "a.csv", rows, stamps))
        assert re.sub(r"acceleration is [0-9.]+ g", "acceleration is X g", message) == line


@pytest.mark.parametrize(
    "old, new, line",
    [
        (
            "ax_g",
            "magnitude",
            "FILE: no column ax (there is time_s, magnitude, ay_g, az_g); name the columns with `axes`",
        ),
        (
            "time_s",
            "index",
            "FILE: no column of time (there is index, ax_g, ay_g, az_g); name it time, or give `time`, "
            "or `rate_hz` where rows are evenly spaced",
        ),
        (
            "ax_g",
            "ax",
            "FILE: does not say its unit; give `unit`, one of g, mg, m/s2, counts, or name the columns ax_g or so",
        ),
        (
            "ay_g",
            "left_ax_g",
            "FILE: no column ay (there is time_s, ax_g, left_ax_g, az_g); name the columns with `axes`",
        ),
        ("ROW7", ",1,2,", "FILE, line 9: ay_g is empty; remove such lines: the gap is found by the time"),
        ("ROW7", ",1,2x,3", "FILE, line 9: ax_g is '1', no number; correct it"),
    ],
)
def test_bad_text(tmp_path, rng, old, new, line):
    path = written(tmp_path / "a.csv", moving(rng))
    lines = path.read_text().splitlines()
    if old == "ROW7":
        stamp = lines[8].split(",")[0]
        lines[8] = {",1,2,": f"{stamp},1,,2", ",1,2x,3": f"{stamp},1,2x,3"}[new]
        line = line.replace("ax_g is '1'", "ay_g is '2x'")
    else:
        lines[0] = lines[0].replace(old, new, 1)
    path.write_text("\n".join(lines))
    assert refused(path) == line


def test_more_bad_text(tmp_path, rng):
    path = written(tmp_path / "a.csv", moving(rng))
    text = path.read_text()
    path.write_text(text[:-20])
    assert "values, not 4; complete the line or remove it" in refused(path)
    path.write_text("t,ax_g,ay_g,az_g\n0,02,0,1,0,2,1,0\n0,04,0,1,0,2,1,0\n")
    assert refused(path) == "FILE, line 2: 8 values below 4 headings; separate with semicolons where commas are decimal"
    path.write_text("hello\nworld\n")
    assert refused(path) == "FILE: no rows of numbers in its first 128 lines; write each sample as a line of numbers"
    path.write_text("\n".join(text.splitlines()[:2]))
    assert refused(path) == "FILE: a single row has no rate; record more, or leave it out"
    path.write_text("waist_ax,wrist_ax,ay,az,time_s\n" + "1,2,3,4,0.02\n" * 3)
    assert refused(path, unit="g") == "FILE: ax could be waist_ax, wrist_ax; name the columns with `axes`"
    path.write_text("x" * 70_000)
    assert "65536 characters" in refused(path)
    dated = written(path, moving(rng), [f"01.02.2024 10:00:{k / 50:.2f}" for k in range(500)])
    assert "time_s is '01.02.2024 10:00:0.00', no number and no date" in refused(dated)


@pytest.mark.parametrize(
    "reading, line",
    [
        ({"unit": "furlong"}, "`unit='furlong'`: no such unit of acceleration; it is one of g, mg, m/s2, counts"),
        ({"axes": "a,b"}, "`axes`: 2 columns are named; name 3, for ax,ay,az in this order"),
        ({"axes": "a,b,a"}, "`axes='a,b,a'`: axes are different columns; name each once"),
        ({"scale": "x"}, "`scale='x'` is no number; write e.g. `scale='0.000488'`"),
        ({"scale": "0"}, "`scale`: a scale is neither 0 nor infinite; correct it"),
        (
            {"scale": "2", "unit": "counts"},
            "`scale`: counts of the plan are not scaled; give another `unit`, or no `scale`",
        ),
        ({"array": "phone"}, "`array='phone'`: name an array that ends in x, as in phone_x"),
    ],
)
def test_bad_options(tmp_path, rng, reading, line):
    path = written(tmp_path / "a.csv", moving(rng))
    with pytest.raises(InputError) as caught:
        opened(path, **reading)
    assert str(caught.value) == line


def test_options_of_motion_are_refused_elsewhere(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(10, np.int16))
    with pytest.raises(InputError, match="`unit`: states how motion is stored, and this is audio; leave it out"):
        open_recordings(tmp_path / "a.npy", StreamFormat(16_000), reading=ReadOptions(unit="g"))


# --- what is no fault


def test_a_device_that_lies_still_is_neither_cut_nor_refused(tmp_path):
    rows = np.tile([0.0, 0.0, 1.0], (500, 1))
    path = written(tmp_path / "a.csv", rows)
    assert np.array_equal(read_recording(opened(path)), counts(rows))
    (clip,) = open_clips(path, W3).clips
    assert [len(piece) for piece in pieces(clip)] == [500]
    assert len(pieces(clip_from_array("a", "a", counts(rows), kind="motion", rate_hz=50))) == 1


def test_saturation_is_noticed(tmp_path, rng):
    rows = moving(rng, noise=0.8)
    assert opened(written(tmp_path / "a.csv", rows)).notes == ()
    found = opened(written(tmp_path / "a.csv", np.clip(rows, -2, 2)))
    assert found.notes == ("saturated at 2 g, below the full scale of the plan",)


# --- .npz, .npy, .parquet


def npz(path, x, **arrays):
    np.savez_compressed(path, x=x, **arrays)
    return path


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<i4", "<f4", "<f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npz(tmp_path, rng, dtype, order):
    steps = np.rint(moving(rng, axes=6) * ([1000] * 3 + [10] * 3))
    names = np.array(["t0", "mpu_ax", "mpu_ay", "mpu_az", "mpu_gx", "mpu_gy", "mpu_gz"])
    x = np.concatenate([np.zeros((500, 1)), steps], axis=1).astype(dtype, order=order)
    scale = np.array([1, *[1e-3] * 3, *[0.1] * 3])
    path = npz(
        tmp_path / "a.npz",
        x,
        offsets=[0, 100, 300, 500],
        fs=50.0,
        scale=scale,
        unit="acc g = x/1000",
        channels=names,
        cow=[1, 2, 1],
    )
    expected = counts(steps * scale[1:], W6)
    found = open_recordings(path, W6)
    assert [each.name for each in found] == ["a.npz[0]", "a.npz[1]", "a.npz[2]"]
    assert np.array_equal(np.concatenate([read_recording(each) for each in found]), expected)
    assert np.array_equal(read_recording(found[1]), expected[100:300])
    assert np.array_equal(read_recording(open_recordings(path, W3)[2]), expected[300:, :3])
    chosen = open_clips(f"{path}:cow=1", W6, group="cow").clips
    assert [(clip.name, clip.group, clip.length) for clip in chosen] == [("a.npz[0]", "1", 100), ("a.npz[2]", "1", 200)]


def test_another_array_of_an_npz(tmp_path, rng):
    x = np.rint(moving(rng) * 2048).astype(np.int16)
    path = npz(
        tmp_path / "a.npz",
        np.zeros((5, 2), np.int8),
        fs=1.0,
        phone_x=x,
        phone_fs=50.0,
        phone_scale=1 / 2048,
        phone_offsets=[0, 200, 500],
    )
    assert (
        refused(path, array="phone_x")
        == "FILE: does not say its unit (no array phone_unit); give `unit`, one of g, mg, m/s2, counts"
    )
    found = open_recordings(path, W3, reading=ReadOptions(array="phone_x", unit="g"))
    assert found[0].notes == ("columns taken in order",)
    assert np.array_equal(np.concatenate([read_recording(each) for each in found]), x)
    assert "no array wrist_x" in refused(path, array="wrist_x")


def test_one_damaged_recording_of_many(tmp_path, rng):
    x = moving(rng, 600)
    x[250] = np.nan
    x[400:, 1] = 0.25
    path = npz(tmp_path / "a.npz", x, offsets=[0, 200, 400, 600], fs=50.0, unit="g")
    found = open_recordings(path, W3)
    assert len(read_recording(found[0])) == 200
    with pytest.raises(InputError, match=r"a.npz\[1\], row 50 \(from 0\): not a number"):
        read_recording(found[1])
    with pytest.raises(InputError, match=r"a.npz\[2\]: ay never changed"):
        read_recording(found[2])


@pytest.mark.parametrize(
    "arrays, line",
    [
        ({}, "FILE: does not say its unit (no array unit); give `unit`, one of g, mg, m/s2, counts"),
        ({"unit": "stones"}, "FILE: unit 'stones' is not one unit; give `unit`, one of g, mg, m/s2, counts"),
        ({"unit": "g", "scale": [1.0, 2.0]}, "FILE: 2 scales for 3 columns; correct scale, or give `scale`"),
        ({"unit": "g", "channels": ["ax", "ay"]}, "FILE: 2 channels are named, and x has 3 columns; correct channels"),
        (
            {"unit": "g", "channels": ["ax", "ay", "mz"]},
            "FILE: no column az (there is ax, ay, mz); name the columns with `axes`",
        ),
        (
            {"unit": "counts", "scale": 0.5},
            "FILE: its unit is counts, and it has a scale; say with `unit` to what it scales",
        ),
        (
            {"unit": "g", "fs": 10.0},
            "FILE: at 10 Hz it holds nothing above 5 Hz, and the plan needs 50 Hz; record at 50 Hz, or plan for 10 Hz",
        ),
    ],
)
def test_bad_npz(tmp_path, rng, arrays, line):
    assert refused(npz(tmp_path / "a.npz", moving(rng), **{"fs": 50.0, **arrays})) == line


def test_plain_counts_pass_bit_for_bit(tmp_path, rng):
    x = rng.integers(-32768, 32768, (1000, 6), dtype=np.int16)
    np.save(tmp_path / "a.npy", x)
    np.save(tmp_path / "b.npy", np.asfortranarray(x))
    for name in ("a.npy", "b.npy"):
        found = opened(tmp_path / name, W6)
        assert found.notes == () and np.array_equal(read_recording(found), x)
    assert np.array_equal(pieces(clip_from_array("x", "x", x, kind="motion", rate_hz=50))[0], x)


@pytest.mark.parametrize("time", ["number", "date", "text"])
def test_parquet(tmp_path, rng, time):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows, ms = moving(rng), 20 * np.arange(500)
    stamps = {
        "number": pa.array(ms.astype(np.int64)),
        "date": pa.array(np.datetime64("2024-01-01", "ms") + ms),
        "text": pa.array([f"{each}Z" for each in np.datetime64("2024-01-01", "ms") + ms]),
    }[time]
    columns = {"time_ms": stamps, **{f"acc_{axis} [g]": rows[:, k] for k, axis in enumerate("xyz")}}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert np.array_equal(read_recording(opened(tmp_path / "a.parquet")), counts(rows))
    columns["acc_y [g]"] = pa.array([None if k == 33 else value for k, value in enumerate(rows[:, 1])])
    pq.write_table(pa.table(columns), tmp_path / "b.parquet")
    assert refused(tmp_path / "b.parquet") == (
        "FILE, row 33 (from 0): acc_y [g] is empty or no number; remove such rows: the gap is found by the time"
    )
    columns["acc_z [g]"] = np.where(
        np.arange(500) == 8, np.inf, rows[:, 2]
    )  # the first axis is named, not the first row
    pq.write_table(pa.table(columns), tmp_path / "b.parquet")
    assert refused(tmp_path / "b.parquet").startswith("FILE, row 33 (from 0): acc_y [g] is empty or no number;")
    (tmp_path / "c.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-100])
    assert "cannot be read" in refused(tmp_path / "c.parquet")


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **keywords):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    assert refused(tmp_path / "a.parquet") == "FILE: needs pyarrow; pip install 'anomsdk[parquet]', or write a .csv"


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(16, 400),
    axes=st.sampled_from([3, 6]),
    unit=st.sampled_from(["counts", "g"]),
)
def test_csv_is_npz_is_array(tmp_path_factory, seed, n, axes, unit):
    folder, rng = tmp_path_factory.mktemp("same"), np.random.default_rng(seed)
    stream_format = W3 if axes == 3 else W6
    x = np.clip(np.rint(moving(rng, n, axes) * ([2048] * 3 + [16] * 3)[:axes]), -32768, 32767).astype(np.int16)
    rows = x if unit == "counts" else x / ([2048] * 3 + [16] * 3)[:axes]
    written(folder / "a.csv", rows, headings=("ax", "ay", "az", "gx", "gy", "gz")[:axes])
    npz(folder / "a.npz", rows, fs=50.0, unit=unit)
    np.save(folder / "a.npy", x)
    for name in ("a.csv", "a.npz"):
        assert np.array_equal(read_recording(opened(folder / name, stream_format, unit=unit)), x)
    assert np.array_equal(read_recording(opened(folder / "a.npy", stream_format)), x)


def test_folders_hold_what_motion_is_stored_in(tmp_path, rng):
    written(tmp_path / "b.csv", moving(rng))
    np.save(tmp_path / "a.npy", counts(moving(rng)))
    (tmp_path / "c.wav").write_bytes(b"x")
    assert [each.name for each in open_recordings(tmp_path, W3)] == ["a.npy", "b.csv"]
    with pytest.raises(InputError, match="holds no motion; convert it to one of " + ", ".join(MOTION_SUFFIXES)):
        open_recordings(tmp_path / "c.wav", W3)


def test_long_files_are_read_in_bounded_memory(tmp_path, rng):
    import tracemalloc

    path = written(tmp_path / "a.csv", moving(rng, 100_000))
    tracemalloc.start()
    n = sum(len(block) for block in opened(path).blocks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == 100_000 and peak < 24e6
