"""One reading of motion gives what two readings gave: blocks on approval, and no other note, error or score."""

from __future__ import annotations

import numpy as np
import pytest

import anomsdk
from anomsdk.errors import InputError
from anomsdk.sources import ReadOptions, StreamFormat
from anomsdk.sources.files import open_files
from anomsdk.sources.formats.motion.motion_parquet import BATCH_ROWS
from anomsdk.sources.recording import Recording
from anomsdk.watch.score_files import score_files
from benchmarks import parquet_cost

RATE, N = 50, 70_000
"""Rows beyond the 65,536 from which the kind of the stamps is found out."""
LATE = 67_000
W3 = StreamFormat(RATE, "motion", 3, 2048, None, 16)
pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")


def signal(n=N, seed=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.05, (n, 3)) + 0.4 * np.sin(np.arange(n)[:, None] / (7, 9, 11))
    x[:, 2] += 1
    return x.astype(np.float32)


def even(n=N, rate=RATE):
    return np.arange(n) * (1e6 / rate)


def shifted(at, by_us):
    stamps = even()
    stamps[at:] += by_us
    return stamps


def jittered(begin):
    stamps, rng = even(), np.random.default_rng(1)
    stamps[begin:] += rng.uniform(-9000, 9000, N - begin)
    return stamps


def without(rows, dropped):
    kept = np.setdiff1d(np.arange(rows), dropped)
    return kept, even(rows)[kept]


def written(path, stamps, x, **columns):
    axes = dict(zip(("ax_g", "ay_g", "az_g"), x.T, strict=True))
    time = pa.array(1_716_812_345_000_000 + np.rint(stamps).astype(np.int64), pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"time": time, **columns, **axes}), path, row_group_size=30_000)
    return path


def kinds():
    """Kind -> its stamps in microseconds and its rows, and whether one reading is enough."""
    x = signal()
    repeated = np.sort(np.append(np.arange(N), np.arange(LATE, LATE + 20)))
    few, few_stamps = without(N, np.arange(1000, N, 500))
    late = np.arange(66_000, N)
    many, many_stamps = without(N, np.append(np.arange(1000, 66_000, 40), late[late % 3 > 0]))
    long, long_stamps = without(N, [*range(20_000, 20_400), *range(LATE, LATE + 90)])
    slower = even()
    slower[LATE:] = slower[LATE] + np.arange(N - LATE) * 21_000.0
    stamps_of_packets = np.repeat(even(N // 10, RATE / 10), 10)
    return {
        "even": (even(), x, True),
        "short": (even(900), x[:900], True),
        "one batch and a row": (even(BATCH_ROWS + 1), x[: BATCH_ROWS + 1], True),
        "as many rows as are looked at": (even(65_536), x[:65_536], True),
        "another rate": (even(rate=80), x, True),
        "nearly the rate": (even(rate=50.2), x, True),
        "jitter": (jittered(1), x, True),
        "late jitter": (jittered(66_000), x, False),
        "short jitter": (jittered(1)[:900], x[:900], True),
        "bridged": (few_stamps, x[few], True),
        "more missing than is bridged": (many_stamps, x[many], False),
        "gaps": (long_stamps, x[long], True),
        "late gap and another rate": (slower + 9e6 * (np.arange(N) >= 69_000), x, False),
        "another rate without gaps": (slower, x, True),
        "repeats": (even()[repeated], x[repeated], True),
        "packets": (stamps_of_packets, x, False),
        "clock set back": (shifted(LATE, -3_600_000_000.0), x, True),
    }


@pytest.fixture(scope="module", params=kinds())
def kind(request, tmp_path_factory):
    stamps, x, once = kinds()[request.param]
    return written(tmp_path_factory.mktemp("kinds") / "a.parquet", stamps, x), once


def copies(blocks, _=None):
    return [block if isinstance(block, int) else block.copy() for block in blocks]


def alike(one, other):
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_blocks_on_approval_are_those_of_a_second_reading(kind):
    path, once = kind
    (plain,) = open_files(path, W3)[0].recordings
    (found,) = open_files(path, W3, hear=copies)[0].recordings
    assert (found.notes, found.odd, found.length, found.stored_hz, found.start_ns) == (
        plain.notes,
        plain.odd,
        plain.length,
        plain.stored_hz,
        plain.start_ns,
    )
    assert plain.heard is None and (found.heard is not None) == once
    second = list(plain.blocks())
    assert alike(list(found.blocks()), second)
    if once:
        assert alike(found.heard, second)


@pytest.mark.parametrize("jobs", [1, 2])
def test_scores_are_those_of_a_second_reading(kind, jobs):
    path, _ = kind
    plan = anomsdk.reference_model("human_motion")
    stream_format = StreamFormat.of(plan.sensor, plan.columns, plan.duty)
    (recording,) = open_files(path, stream_format, reading=ReadOptions(axes=("ax_g", "ay_g", "az_g")))[0].recordings
    pipeline, expected = anomsdk.Pipeline(plan), []
    for block in recording.blocks():
        if isinstance(block, int):
            pipeline.gap(block)
        else:
            expected += [result.score for result in pipeline.process(block) if result.score is not None]
    (found,) = score_files(plan, [path], jobs=jobs).values()
    assert found.tolist() == expected


def test_a_caller_that_stops_early_changes_nothing(tmp_path):
    path = written(tmp_path / "a.parquet", even(), signal())
    (plain,) = open_files(path, W3)[0].recordings
    (found,) = open_files(path, W3, hear=lambda blocks, _: len(next(blocks)))[0].recordings
    assert found.notes == plain.notes and found.length == plain.length and found.heard == len(next(plain.blocks()))


def damaged(row, value, axis=1):
    x = signal()
    x[row, axis] = value
    return x


@pytest.mark.parametrize("row", [3, N - 1])
@pytest.mark.parametrize("value", [np.nan, np.inf, 5e4, 2e9, -9999.0])
def test_damage_is_refused_with_the_same_words_and_nothing_is_scored(tmp_path, row, value):
    path = written(tmp_path / "a.parquet", even(), damaged(row, value))
    heard = []

    def hear(blocks, _):
        try:
            heard.extend(len(block) for block in blocks)
        except InputError:
            return "caught"  # as a caller may do who scores many
        return "scored"

    with pytest.raises(InputError) as plain:
        open_files(path, W3)
    with pytest.raises(InputError) as found:
        open_files(path, W3, hear=hear)
    assert str(found.value) == str(plain.value) and f"row {row}" in str(plain.value)
    plan = anomsdk.reference_model("human_motion")
    with pytest.raises(InputError, match=f"row {row}"):
        score_files(plan, [path], jobs=1)


@pytest.mark.parametrize(
    ("stamps", "x"),
    [
        (even()[np.r_[0 : N - 9, N - 8, N - 9, N - 7 : N]], signal()),  # two rows are out of order
        (np.append(even()[:-1], even()[-2]), signal()),  # and has the time of the one before
        (even(), np.where(np.arange(3) == 1, np.float32(0.2), signal())),  # an axis never changes
        (even(), signal() * 9.81),  # another unit
        (even(rate=10), signal()),  # too low a rate
    ],
)
def test_what_the_whole_recording_shows_is_refused_with_the_same_words(tmp_path, stamps, x):
    path = written(tmp_path / "a.parquet", stamps, x)
    with pytest.raises(InputError) as plain:
        open_files(path, W3)
    with pytest.raises(InputError) as found:
        open_files(path, W3, hear=copies)
    assert str(found.value) == str(plain.value)


def test_each_part_of_a_table_is_heard_on_its_own(tmp_path):
    x = signal()
    cows = ["a"] * 40_000 + ["b"] * 30_000
    path = written(tmp_path / "a.parquet", even(), damaged(5, np.nan), cow=cows)
    reading = ReadOptions(by=("cow",))
    bad, good = open_files(path, W3, reading=reading, hear=copies)[0].recordings
    assert bad.heard is None and alike(good.heard, list(good.blocks()))
    assert np.array_equal(np.concatenate(good.heard), np.clip(np.rint(x[40_000:] * 2048.0), -32768, 32767))


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_other_files_of_motion_are_read_once_too(tmp_path, suffix):
    x, path = signal(), tmp_path / f"a.{suffix}"
    if suffix == "npz":
        np.savez(path, x=np.rint(x * 2048).astype(np.int16), fs=RATE, unit="counts")
        reading = ReadOptions(unit="counts")
    else:
        rows = np.column_stack([even() / 1e6, x])
        np.savetxt(path, rows, fmt="%.4f", delimiter=",", header="time [s],ax_g,ay_g,az_g", comments="")
        reading = None
    (found,) = open_files(path, W3, reading=reading, hear=copies)[0].recordings
    assert alike(found.heard, list(found.blocks()))


def test_a_second_reading_is_not_made(tmp_path, monkeypatch):
    path = written(tmp_path / "a.parquet", even(), signal())
    monkeypatch.setattr(Recording, "blocks", lambda recording: pytest.fail("read again"))
    progress = []
    plan = anomsdk.reference_model("human_motion")
    (found,) = score_files(plan, [path], jobs=1, progress=lambda *each: progress.append(each)).values()
    assert len(found) and progress[-1][0] == progress[-1][1] > 0


def test_the_benchmark_scores_the_same_both_ways(tmp_path):
    """Its ratio is taken in `make bench-herds`; here it is only known to compare equal scores, and to count them."""
    plan, path = anomsdk.reference_model("cattle_collar"), tmp_path / "a.parquet"
    parquet_cost.write(path, plan, 0.05)
    ((arrays, of_file),) = parquet_cost.ratios(path, plan, 1)
    peak, ticks = parquet_cost.peak_mb(path, "cattle_collar")
    assert arrays > 0 < of_file and peak > 10 and ticks == plan.ticks_in(43_200)
