"""Files of diaries: summed to slots, laid at midnight, divided by animal, and refused where they are no diary."""

from __future__ import annotations

import numpy as np
import pytest

from anomsdk.errors import InputError
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings, read_recording
from anomsdk.sources.clips import open_clips

GONE = -32768
DAY = 86_400
MAY = 1_588_291_200  # 2020-05-01T00:00 as seconds since 1970


def diary(*names, slot_s=3600, senses=()):
    names = names or ("activity",)
    senses = senses or ("movement",) * len(names)
    return StreamFormat(1 / slot_s, "diary", len(names), slot_s=slot_s, names=names, senses=senses)


def opened(path, stream_format=None, **reading):
    return open_recordings(path, stream_format or diary(), reading=ReadOptions(**reading))


def rows_of(path, stream_format=None, **reading):
    (recording,) = opened(path, stream_format, **reading)
    return read_recording(recording)[:, 0].tolist()


def csv(path, lines, heading="time,activity"):
    path.write_text("\n".join([heading, *lines]) + "\n")
    return path


def stamp(seconds):
    return str(np.datetime64(MAY + int(seconds), "s"))


def hourly(values, start=0):
    """Lines of a .csv: a value an hour from an hour of the first day on."""
    return [f"{stamp(3600 * (start + hour))},{value}" for hour, value in enumerate(values)]


@pytest.fixture(params=["csv", "parquet"])
def table(request, tmp_path):
    """Writes the same table as .csv and as .parquet."""

    def write(lines, heading="time,activity"):
        path = csv(tmp_path / "herd.csv", lines, heading)
        if request.param == "csv":
            return path
        pyarrow_csv = pytest.importorskip("pyarrow.csv")
        import pyarrow.parquet

        found = pyarrow_csv.read_csv(path)
        pyarrow.parquet.write_table(found, tmp_path / "herd.parquet")
        return tmp_path / "herd.parquet"

    return write


# --- sums


def test_steps_are_summed_to_slots_and_slots_begin_at_midnight(tmp_path):
    """Not at the first value: each slot would be of another hour than in all other files."""
    np.savez(
        tmp_path / "a.npz", x=np.arange(1, 9, dtype=np.int32), step_s=900, t0=MAY + DAY + 7200, columns=["activity"]
    )
    (recording,) = opened(tmp_path / "a.npz")
    assert read_recording(recording)[:, 0].tolist() == [GONE, GONE, 1 + 2 + 3 + 4, 5 + 6 + 7 + 8]
    assert recording.start_ns == (MAY + DAY) * 10**9
    assert recording.length == 4


def test_a_slot_with_half_of_its_steps_is_scaled_and_one_with_less_is_missing(tmp_path):
    x = np.array([10, -1, 30, -1] + [10, -1, -1, -1] + [-1] * 4 + [0, 0, 0, 0])
    np.savez(tmp_path / "a.npz", x=x, step_s=900, t0=MAY, columns=["activity"])
    assert rows_of(tmp_path / "a.npz") == [80, GONE, GONE, 0]


def test_scores_and_coverage_are_averaged(tmp_path):
    """A coverage of 90 % each quarter of an hour is not one of 360 % in an hour."""
    x = np.array([[90, 1], [80, 2], [70, 3], [60, 5]])
    np.savez(tmp_path / "a.npz", x=x, step_s=900, t0=MAY, columns=["worn", "activity"])
    stream_format = diary("activity", "worn", senses=("movement", "coverage"))
    (recording,) = opened(tmp_path / "a.npz", stream_format)
    assert read_recording(recording).tolist() == [[11, 75]]


def test_columns_are_found_by_their_names_in_any_order(table):
    path = table([f"{stamp(3600 * hour)},{hour},{100 + hour}" for hour in range(3)], "time,Steps,Activity")
    (recording,) = opened(path, diary("activity", "steps"))
    assert read_recording(recording).tolist() == [[100, 0], [101, 1], [102, 2]]
    (other,) = opened(path, diary("a", "b"), axes=("Steps", "3"))
    assert read_recording(other).tolist() == [[0, 100], [1, 101], [2, 102]]


def test_empty_cells_and_minus_one_are_missing_and_other_negatives_are_refused(table):
    assert rows_of(table(hourly([5, "", -1, 7]))) == [5, GONE, GONE, 7]
    with pytest.raises(InputError, match=r"(line 3|row 1 \(from 0\)): activity is -2; a diary has no negative"):
        rows_of(table(hourly([5, -2, 7])))


def test_a_sum_beyond_a_row_names_the_column_and_a_scale_that_fits(tmp_path):
    path = csv(tmp_path / "a.csv", [f"{stamp(60 * m)},1000" for m in range(60)])
    with pytest.raises(InputError, match=r"activity reaches 60,000 in a slot.*`scale=0\.1`"):
        rows_of(path)
    assert rows_of(path, scale=(0.1,)) == [6000]
    top = csv(tmp_path / "b.csv", hourly([32767, 32768]))
    with pytest.raises(InputError, match=r"reaches 32,768"):
        rows_of(top)
    assert rows_of(csv(tmp_path / "c.csv", hourly([32767]))) == [32767]


def test_a_step_longer_than_a_slot_is_refused(tmp_path):
    path = csv(tmp_path / "a.csv", [f"{stamp(7200 * n)},5" for n in range(24)])
    with pytest.raises(InputError, match=r"a row each 120 min, and a slot of the plan is 60 min"):
        rows_of(path)
    assert rows_of(path, diary(slot_s=7200)) == [5] * 24


def test_rows_of_a_device_pass_as_they_are(tmp_path):
    rows = np.array([[5, 6], [GONE, GONE], [7, 8]], np.int16)
    np.save(tmp_path / "a.npy", rows)
    (recording,) = opened(tmp_path / "a.npy", diary("a", "b"))
    assert (read_recording(recording) == rows).all()
    np.savez(tmp_path / "b.npz", x=rows)
    (recording,) = opened(tmp_path / "b.npz", diary("a", "b"))
    assert (read_recording(recording) == rows).all()


def test_a_jitter_of_seconds_moves_no_value_to_another_slot(tmp_path):
    """A logger that wakes two seconds before the hour: each second slot would be missing, the others doubled."""
    early = [f"{stamp(3600 * hour - 2 * (hour % 2))},{hour + 1}" for hour in range(48)]
    assert rows_of(csv(tmp_path / "a.csv", early)) == list(range(1, 49))


# --- time


def test_a_day_of_23_hours_lacks_a_slot_and_one_of_25_has_the_mean_of_the_hour_that_came_twice(table):
    spring = [line for hour, line in enumerate(hourly(range(1, 49))) if hour != 26]
    assert rows_of(table(spring)) == [*range(1, 27), GONE, *range(28, 49)]
    first, second = [f"{stamp(7200 + 900 * n)},10" for n in range(4)], [f"{stamp(7200 + 900 * n)},30" for n in range(4)]
    before, after = ([f"{stamp(3600 * h + 900 * n)},1" for h in hours for n in range(4)] for hours in ((0, 1), (3, 4)))
    path = table([*before, *first, *second, *after])
    assert rows_of(path) == [4, 4, 80, 4, 4]
    (recording,) = opened(path)
    assert any("4 times twice with other values" in note for note in recording.odd)


def test_rows_that_are_missing_twice_or_out_of_order_give_the_same_slots(table):
    lines = hourly(range(1, 49))
    shuffled = [lines[at] for at in np.random.default_rng(1).permutation(48)]
    assert rows_of(table([*shuffled, lines[3], lines[3]])) == list(range(1, 49))
    del lines[10:13]
    assert rows_of(table(lines)) == [*range(1, 11), GONE, GONE, GONE, *range(14, 49)]


def test_a_device_that_counts_anew_is_refused_at_its_line(table):
    lines = [f"{3600 * hour},{hour}" for hour in [*range(30), *range(20)]]
    with pytest.raises(InputError, match=r"(line 32|row 30 \(from 0\)): the time goes back: the device began to count"):
        rows_of(table(lines, "time_s,activity"))
    assert rows_of(table(lines[:30], "time_s,activity")) == list(range(30))


def test_a_clock_that_was_not_set_at_first_is_refused(tmp_path):
    path = csv(tmp_path / "a.csv", ["1970-01-01T00:00:00,4", "1970-01-01T01:00:00,4", *hourly([1, 2])])
    with pytest.raises(InputError, match=r"line 4: the time jumps by 18,3\d\d days; remove the rows before"):
        rows_of(path)


def test_slots_begin_at_the_midnight_of_the_zone_that_the_file_states(tmp_path):
    lines = ["2020-05-01T22:00:00+02:00,5", "2020-05-01T23:00:00+02:00,6", "2020-05-02T00:00:00+02:00,7"]
    (recording,) = opened(csv(tmp_path / "a.csv", lines))
    assert read_recording(recording)[:, 0].tolist() == [GONE] * 22 + [5, 6, 7]
    assert recording.start_ns == (MAY - 7200) * 10**9


def test_seconds_since_1970_begin_at_midnight_and_other_counts_at_their_first(table):
    lines = [f"{MAY + 7200 + 3600 * hour},{hour}" for hour in range(3)]
    assert rows_of(table(lines, "time_s,activity")) == [GONE, GONE, 0, 1, 2]
    lines = [f"{7200 + 3600 * hour},{hour}" for hour in range(3)]
    assert rows_of(table(lines, "uptime_s,activity")) == [0, 1, 2]


def test_a_table_without_time_is_one_row_a_slot(table):
    (recording,) = opened(table(["5,0", "6,0", "7,0"], "activity,steps"))
    assert read_recording(recording)[:, 0].tolist() == [5, 6, 7]
    assert any("no column of time" in note for note in recording.notes)
    (recording,) = opened(table([f"{m},0" for m in range(120)], "activity,steps"), rate_hz=1 / 60)
    assert read_recording(recording)[:, 0].tolist() == [sum(range(60)), sum(range(60, 120))]


def test_zeros_for_a_week_are_kept_and_told(tmp_path):
    values = [1] * 24 + [0] * 24 * 7 + [1] * 24
    (recording,) = opened(csv(tmp_path / "a.csv", hourly(values)))
    assert read_recording(recording)[:, 0].tolist() == values
    assert recording.odd == ("nothing but 0 for 7.0 days: the sensor was not on the body, or did not work",)


# --- animals


def test_a_table_is_divided_by_the_column_that_names_the_animal(table):
    lines = [f"{stamp(3600 * hour)},{cow},{10 * cow + hour}" for hour in range(3) for cow in (1, 2)]
    path = table(lines, "time,cow,activity")
    found = opened(path)
    assert [each.name for each in found] == [f"{path.name}[cow=1]", f"{path.name}[cow=2]"]
    assert [read_recording(each)[:, 0].tolist() for each in found] == [[10, 11, 12], [20, 21, 22]]
    assert [clip.group for clip in open_clips(path, diary()).clips] == ["1", "2"]
    (one,) = opened(f"{path}:cow=2")
    assert read_recording(one)[:, 0].tolist() == [20, 21, 22]


def test_two_devices_under_one_name_are_refused(table):
    """Their mean would be the day of no animal."""
    lines = [f"{stamp(3600 * hour)},a,{value}" for value in (1, 50) for hour in range(48)]
    with pytest.raises(InputError, match=r"two devices under one name\? Give each its own"):
        rows_of(table(lines, "time,device,activity"))


def test_a_damaged_animal_among_others_is_named_when_it_is_read(table):
    lines = [f"{stamp(3600 * hour)},{cow},{-5 if cow == 2 else 5}" for hour in range(3) for cow in (1, 2)]
    good, bad = opened(table(lines, "time,cow,activity"))
    assert read_recording(good)[:, 0].tolist() == [5, 5, 5]
    with pytest.raises(InputError, match=r"\[cow=2\].*activity is -5"):
        read_recording(bad)


# --- refusals


@pytest.mark.parametrize(
    ("heading", "line", "reading", "message"),
    [
        ("time,steps", "0", {}, "no column is activity; the plan takes activity, and there is time, steps"),
        ("time,activity,Activity", "0,0", {}, "several columns are activity"),
        ("time,activity", "x", {}, "line 2: activity is 'x', no number"),
        ("time,activity", "inf", {}, "line 2: activity is inf"),
        ("time,activity", "0", {"unit": "g"}, "`unit`: states how motion is stored, and this is diary"),
        ("time,activity", "0", {"scale": (-1.0,)}, "`scale`: a diary takes one scale above 0"),
        ("time,activity", "0", {"scale": (1.0, 2.0)}, "`scale`: a diary takes one scale above 0"),
        ("time,activity,cow,animal", "0,1,1", {}, "cow, animal may name the animals; choose with `by`"),
    ],
)
def test_a_table_that_is_no_diary_of_this_plan(tmp_path, heading, line, reading, message):
    path = csv(tmp_path / "a.csv", [f"{stamp(3600 * hour)},{line}" for hour in range(3)], heading)
    with pytest.raises(InputError, match=message.replace("(", r"\(")) as caught:
        rows_of(path, **reading)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((4, 2), np.int16)}, "2 columns without names"),
        ({"x": np.zeros(4, np.int16), "columns": ["steps"]}, "no column is activity"),
        ({"x": np.zeros(4, np.int16), "columns": ["a", "b"]}, "2 columns are named, and x has 1"),
        ({"x": np.zeros(4, np.int16), "step_s": 0}, "step_s is"),
        ({"x": np.zeros(4, np.int16), "step_s": 7200}, "a row each 120 min"),
        ({"x": np.zeros(4, np.int16), "step_s": 900, "fs": 1.0}, "steps of 900 and 1 s are stated"),
    ],
)
def test_an_npz_that_is_no_diary_of_this_plan(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=message) as caught:
        opened(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


def test_a_sound_file_holds_no_diary(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match="holds no diary"):
        opened(tmp_path / "a.wav")
