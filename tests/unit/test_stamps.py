"""Time stamps as collars, phones and radios write them: what is read right, what is a gap, and what is refused."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

import numpy as np
import pytest
from typer.testing import CliRunner

from anomsdk.cli import app as cli
from anomsdk.errors import InputError
from anomsdk.planner.front_end import sensor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.file import reference_models_folder
from anomsdk.runtime.judged_share import Judged
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings
from anomsdk.sources.clips import open_clips
from anomsdk.sources.formats.timing.gaps import Gaps
from anomsdk.sources.formats.timing.timestamps import StampSurvey, stretches
from anomsdk.train.data.corpus import gather

N = 2000
RNG = np.random.default_rng(7)


def moving(n, rate_hz):
    t = np.arange(n)[:, None] / rate_hz
    rows = np.sin(2 * np.pi * (1.3 + 0.2 * np.arange(3)) * t) * 0.4 + RNG.normal(0, 0.1, (n, 3)) + [0, 0, 1]
    return np.round(rows, 5)


ROWS = {rate_hz: moving(12_000, rate_hz) for rate_hz in (20, 25, 50, 100, 104)}


def counts(rows):
    return np.rint(rows * 2048).astype(np.int16)


@dataclass
class Case:
    """Stamps in seconds of rows at a rate, which of them are there, and what becomes of them."""

    stamps: np.ndarray
    rate_hz: int = 20
    keep: np.ndarray | None = None
    gaps: list = field(default_factory=list)
    notes: tuple = ()
    digits: int = 6

    def written(self, path):
        keep = np.ones(len(self.stamps), bool) if self.keep is None else self.keep
        rows, stamps = ROWS[self.rate_hz][: len(keep)][keep], self.stamps[keep]
        if path.suffix == ".parquet":
            pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
            columns = {f"a{axis}_g": rows[:, k] for k, axis in enumerate("xyz")}
            pq.write_table(pa.table({"time_s": np.round(stamps, self.digits), **columns}), path, row_group_size=331)
        else:
            lines = [f"{t:.{self.digits}f},{','.join(map(str, row))}" for t, row in zip(stamps, rows, strict=True)]
            path.write_text("\n".join(["time_s,ax_g,ay_g,az_g", *lines]))
        return rows


def opened(path, rate_hz, **reading):
    (found,) = open_recordings(
        path, StreamFormat(rate_hz, "motion", 3, 2048, None, 16), reading=ReadOptions.parsed(unit="g", **reading)
    )
    return found


def read(recording):
    """All samples in one piece, lengths of the pieces, and the gaps between them."""
    parts, gaps, lengths = [], [], [0]
    for block in recording.blocks():
        if isinstance(block, int):
            gaps.append(block)
            lengths.append(0)
        else:
            parts.append(block)
            lengths[-1] += len(block)
    return np.concatenate(parts), lengths, gaps


def every(n, k, seconds, spread=0.0, late=0.0):
    """Stamps of packets of k rows every so many seconds, which arrive late; their rows are read one after the other."""
    packet = np.arange(n) // k
    rng = np.random.default_rng(3)
    arrival = (packet + 1) * seconds + rng.uniform(0, late, packet[-1] + 1)[packet]
    return arrival + np.sort(rng.uniform(0, spread, (packet[-1] + 1, k)), axis=1).ravel()[:n]


def without(n, *places):
    keep = np.ones(n, bool)
    for start, stop in places:
        keep[start:stop] = False
    return keep


def bursts(n, rate_hz, on_s, cycle_s, first_s=0.0):
    return (np.arange(n) / rate_hz + first_s) % cycle_s < on_s


T20 = np.arange(N) / 20
DUTY = bursts(12_000, 20, 10, 60, 7)
UNEVEN = without(12_000, (300, 900), (1200, 2300), (2420, 2900), (4000, 7000), (7300, 7500), (9000, 11_000))


def packets(rows, rate_hz):
    return f"time stamps are those of packets of about {rows} samples: spread evenly at {rate_hz:g} Hz"


BURSTS = ("recorded 10 s of every 60 s: each burst a piece of its own",)
BACK = "the clock goes back by {} at line 1202 (it was set, or the device restarted): a new piece begins there"
READ = {
    # packets: one arrival for all, nearly one, late ones, such that get lost
    "arrival": Case(every(N, 10, 0.5), notes=(packets(10, 20),)),
    "arrival, nearly one stamp": Case(every(N, 10, 0.5, spread=0.004), notes=(packets(10, 20),)),
    "arrival, late by up to 0.1 s": Case(every(N, 10, 0.5, 0.004, 0.1), notes=(packets(10, 20),)),
    "arrival, two lost": Case(
        every(N, 10, 0.5, 0.002, 0.05),
        keep=without(N, (300, 320), (600, 610)),
        gaps=[20, 10],
        notes=(packets(10, 20), "2 gaps, 1.5 s missing"),
    ),
    "arrival of pairs": Case(every(6000, 2, 2 / 104, late=0.009), 104, notes=(packets(2, 104),)),
    "one packet held up for 1.2 s": Case(
        np.maximum.accumulate(every(N, 10, 0.5) + 1.2 * (np.arange(N) // 10 % 40 == 20)), notes=(packets(10, 20),)
    ),
    "FIFO, 1 ms a row": Case(np.arange(N) // 25 * 0.5 + np.arange(N) % 25 * 1e-3, 50, notes=(packets(25, 50),)),
    "FIFO, one batch lost": Case(
        np.arange(N) // 25 * 0.5 + np.arange(N) % 25 * 1e-3,
        50,
        keep=without(N, (1000, 1025)),
        gaps=[25],
        notes=(packets(25, 50), "1 gap, 0.5 s missing"),
    ),
    # whole seconds: first and last partial, rounded, another crystal, a gap; coarser clocks
    "whole seconds": Case(np.floor(T20 + 0.35), digits=0, notes=(packets(20, 20),)),
    "seconds rounded": Case(np.rint(T20 + 0.35), digits=0, notes=(packets(19, 20),)),
    "19 rows at times": Case(np.floor(np.arange(N) / 19.97 + 0.3), digits=0, notes=(packets(20, 19.98),)),
    "21 rows at times": Case(
        np.floor(np.arange(N) / 20.04 + 0.3), digits=0, notes=("20.03 Hz taken as 20 Hz", packets(20, 20.03))
    ),
    "5 s of whole seconds": Case(np.floor(T20[:100] + 0.35), digits=0, notes=(packets(20, 20),)),
    "27 rows lost": Case(
        np.floor(T20 + 0.35),
        digits=0,
        keep=without(N, (400, 427)),
        gaps=[27],
        notes=(packets(20, 20), "1 gap, 1.35 s missing"),
    ),
    "104 Hz with two digits": Case(
        np.arange(6000) / 104,
        104,
        digits=2,
        notes=("time stamps are coarser than the samples: spread evenly at 104 Hz",),
    ),
    "ticks of 15.6 ms": Case(np.floor(np.arange(6000) / 100 * 64) / 64, 100, notes=(packets(2, 100),)),
    # clocks
    "uptime that restarts": Case(np.where(T20 < 60, T20 + 5000, T20 - 60), gaps=[1], notes=(BACK.format("5060 s"),)),
    "set back a little": Case(T20 - 0.7 * (T20 >= 60), gaps=[1], notes=(BACK.format("0.7 s"),)),
    "end of summer time": Case(T20 - 3600 * (T20 >= 60), gaps=[1], notes=(BACK.format("1 h"),)),
    "the same in whole seconds": Case(
        np.floor(T20 - 3600 * (T20 >= 60)), digits=0, gaps=[1], notes=(packets(20, 20), BACK.format("1 h"))
    ),
    "start of summer time": Case(
        T20 + 3600 * (T20 >= 60),
        gaps=[72_000],
        notes=(
            "the clock jumps forward by whole hours at line 1202: it was set, or samples are missing",
            "1 gap, 3,600 s missing",
        ),
    ),
    "a real gap of about an hour": Case(T20 + 3601 * (T20 >= 60), gaps=[72_020], notes=("1 gap, 3,601 s missing",)),
    "set from 1970 to today": Case(
        np.where(T20 < 60, T20, T20 + 1_700_000_000),
        gaps=[1],
        digits=2,
        notes=("the clock jumps forward by 19,676 days at line 1202 (it was set): a new piece begins there",),
    ),
    "restarts soon": Case(
        np.r_[T20[:5], T20[:-5]],
        gaps=[1],
        notes=(BACK.replace("1202", "7").format("0.25 s"),),
    ),
    "restarts in packets": Case(
        every(N, 10, 0.5) - 60 * (T20 >= 60), gaps=[1], notes=(packets(10, 20), BACK.format("60 s"))
    ),
    "an uptime for each burst": Case(
        T20 % 10,
        gaps=[1] * 9,
        notes=(BACK.replace("back by {} at line 1202", "back 9 times, first by 10 s at line 202"),),
    ),
    "whole minutes": Case(np.floor((np.arange(12_000) / 20 + 17) / 60) * 60, digits=0, notes=(packets(1200, 20),)),
    "ms of 32 bits": Case(
        (4_294_967.296 - 30 + T20) % 4_294_967.296,
        notes=("the time counter wraps around after 4294967.3 s: it is unwrapped",),
    ),
    "us of 32 bits": Case(
        (4294.967296 - 30 + T20) % 4294.967296,
        notes=("the time counter wraps around after 4294.9673 s: it is unwrapped",),
    ),
    "signed ms": Case(
        (T20 - 30 + 4_294_967.296) % 4_294_967.296 - 2_147_483.648 + 2_147_483.648,
        notes=("the time counter wraps around after 4294967.3 s: it is unwrapped",),
    ),
    "ms of 16 bits": Case(T20 % 65.536, notes=("the time counter wraps around after 65.536 s: it is unwrapped",)),
    "midnight": Case((T20 + 86_370) % 86_400, notes=("the time counter wraps around after 86400 s: it is unwrapped",)),
    "a wrap within a gap": Case(
        (4294.967296 - 30 + T20) % 4294.967296,
        keep=without(N, (595, 604)),
        gaps=[9],
        notes=("the time counter wraps around after 4294.9673 s: it is unwrapped", "1 gap, 0.45 s missing"),
    ),
    # duty cycles
    "10 s of each minute": Case(np.arange(12_000) / 20, keep=DUTY, gaps=[1000] * 10, notes=BURSTS),
    "bursts in whole seconds": Case(
        np.floor(np.arange(12_000) / 20 + 0.35), digits=0, keep=DUTY, gaps=[1000] * 10, notes=(packets(20, 20), *BURSTS)
    ),
    "short bursts in whole seconds, the first and the last of each partial": Case(
        (np.arange(12_000) + 8) // 20.0,
        digits=0,
        keep=np.arange(12_000) % 1200 < 40,
        gaps=[1160] * 9,
        notes=(packets(20, 20), "recorded 2 s of every 60 s: each burst a piece of its own"),
    ),
    "bursts of 3 s in whole seconds": Case(
        (np.arange(12_000) + 14) // 20.0,
        digits=0,
        keep=np.arange(12_000) % 400 < 60,
        gaps=[340] * 29,
        notes=(packets(20, 20), "recorded 3 s of every 20 s: each burst a piece of its own"),
    ),
    "bursts in packets": Case(
        every(12_000, 10, 0.5, 0.002), keep=DUTY, gaps=[1000] * 10, notes=(packets(10, 20), *BURSTS)
    ),
    "three bursts": Case(np.arange(2600) / 20, keep=bursts(2600, 20, 10, 60), gaps=[1000] * 2, notes=BURSTS),
    "a minute an hour": Case(
        np.arange(12_000) / 20 + 3540.0 * (np.arange(12_000) // 1200),
        gaps=[70_800] * 9,
        notes=("recorded 60 s of every 3,600 s: each burst a piece of its own",),
    ),
    "uneven bursts": Case(
        np.arange(12_000) / 20,
        keep=UNEVEN,
        gaps=[600, 1100, 480, 3000, 200, 2000],
        notes=("recorded in 7 bursts with pauses of 10 s to 150 s, 369 s in all: each burst a piece of its own",),
    ),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("name", READ)
def test_read_right(tmp_path, name, suffix):
    """Samples are those of the recording without its stamps, bit for bit, and pieces end where samples are missing."""
    case = READ[name]
    rows = case.written(tmp_path / f"a{suffix}")
    found = opened(tmp_path / f"a{suffix}", case.rate_hz)
    samples, lengths, gaps = read(found)
    assert np.array_equal(samples, counts(rows))
    assert gaps == case.gaps and len(lengths) == len(gaps) + 1
    if case.keep is not None:
        keep = np.flatnonzero(case.keep)
        starts = np.flatnonzero(np.diff(keep) > 1) + 1
        assert np.cumsum(lengths)[:-1].tolist() == starts.tolist(), "at the place, to the sample"
    notes = tuple(
        re.sub(r"row (\d+) \(from 0\)", lambda found: f"line {int(found[1]) + 2}", note) for note in found.notes
    )
    assert notes == case.notes


def test_bursts_of_which_no_second_is_full_tell_no_rate(tmp_path):
    """16 rows in the first second and 14 in the second one may be of any rate above 16 Hz."""
    k = np.arange(600)
    lines = [
        f"{t:.0f},{','.join(map(str, row))}" for t, row in zip(k // 30 * 30 + k % 30 // 16, ROWS[20], strict=False)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["time_s,ax_g,ay_g,az_g", *lines]))
    with pytest.raises(InputError, match=r"line 3: the same time as the row before; .*write times with more digits"):
        opened(tmp_path / "a.csv", 20)


def test_packets_that_are_read_at_once_tell_the_unit_of_their_times(tmp_path):
    stamps = np.arange(N) // 25 * 1.25 + np.arange(N) % 25 * 0.0007
    lines = [f"{t:.4f},{','.join(map(str, row))}" for t, row in zip(stamps, ROWS[20], strict=False)]
    (tmp_path / "a.csv").write_text("\n".join(["time,ax_g,ay_g,az_g", *lines]))
    found = opened(tmp_path / "a.csv", 20)
    assert np.array_equal(read(found)[0], counts(ROWS[20][:N])) and packets(25, 20) in found.notes


def moved(order):
    return lambda t, rows: (t[order], rows[order])


def jumbled(n):
    order = np.random.default_rng(1).permutation(n // 100)[:, None] * 100 + np.arange(100)
    return moved(order.ravel())


SORT = "before that of the row above; sort the rows by time, or split the file"


@pytest.mark.parametrize(
    "change",
    [
        moved(np.random.default_rng(2).permutation(N)),
        moved(np.arange(N)[::-1]),
        moved(np.r_[0:300, 301, 300, 302:N]),
        moved(np.r_[0:300, 900:1000, 300:900, 1000:N]),
        moved(np.r_[1000:N, 0:1000]),
        moved(np.argsort([f"{50 * k}" for k in range(N)], kind="stable")),
        jumbled(N),
        lambda t, rows: (t - 0.5 * (np.arange(N) == 1000), rows),
        lambda t, rows: (t + 0.5 * (np.arange(N) == 1000), rows),
        lambda t, rows: (t - 0.5 * ((np.arange(N) > 1000) & (np.arange(N) < 1015)), rows),
    ],
    ids=["random", "descending", "swap", "block", "halves", "text", "blocks", "one early", "one late", "some early"],
)
def test_disorder_is_no_clock_that_was_set(tmp_path, change):
    stamps, rows = change(T20, ROWS[20][:N])
    path = tmp_path / "a.csv"
    lines = [f"{t:.6f},{','.join(map(str, row))}" for t, row in zip(stamps, rows, strict=True)]
    path.write_text("\n".join(["time_s,ax_g,ay_g,az_g", *lines]))
    with pytest.raises(InputError, match=SORT):
        opened(path, 20)


@pytest.mark.parametrize("repeated", [[700], [10, 700, 1500], range(0, N, 30), range(N)], ids=len)
def test_rows_that_come_twice_are_left_out_and_counted(tmp_path, repeated):
    order = np.sort(np.r_[np.arange(N), list(repeated)])
    rows = ROWS[20][:N][order]
    lines = [f"{t:.2f},{','.join(map(str, row))}" for t, row in zip(T20[order], rows, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["time_s,ax_g,ay_g,az_g", *lines]))
    found = opened(tmp_path / "a.csv", 20)
    samples, _, gaps = read(found)
    assert np.array_equal(samples, counts(ROWS[20][:N])) and not gaps
    n = len(order) - N
    assert found.notes == (f"{n:,} row{'s' * (n > 1)} left out: time and values are those of an earlier row",)


@pytest.mark.parametrize(
    "order", [np.r_[0:310, 300:310, 310:N], np.r_[0:310, 290:300, 310:800, 700:800, 800:N]], ids=["one", "more"]
)
def test_a_packet_that_was_sent_again_is_left_out(order):
    parts = [(T20[order][at : at + 77], ROWS[20][:N][order][at : at + 77]) for at in range(0, len(order), 77)]
    survey = StampSurvey("a", str, 20, 2)
    for part in parts:
        survey.push(*part)
    timeline = survey.timeline()
    assert timeline.notes == (f"{len(order) - N} rows left out: time and values are those of an earlier row",)
    found = list(stretches(iter(parts), timeline))
    assert np.array_equal(np.concatenate([rows for _, rows in found]), ROWS[20][:N])


@pytest.mark.parametrize("cut", [70_110, 70_115, 70_120, 70_125])
def test_rows_that_are_sent_again_long_after_the_first_ones(cut):
    """The last row of a part, or the first one, is left out; it is not that whose stamp was the latest."""
    n = 80_000
    order = np.r_[0:70_110, 70_090:70_100, 70_110:n]
    stamps, rows = np.arange(n)[order] / 20, np.tile(ROWS[20][:N], (n // N + 1, 1))[:n] + np.arange(n)[:, None] * 1e-6
    parts = [(stamps[some], rows[order][some]) for some in (slice(cut - 30), slice(cut - 30, cut), slice(cut, None))]
    survey = StampSurvey("a", str, 20, 2)
    for part in parts:
        survey.push(*part)
    timeline = survey.timeline()
    assert timeline.notes == ("10 rows left out: time and values are those of an earlier row",)
    assert timeline.rate_hz == 20 and not timeline.gaps and not timeline.bridged
    assert np.array_equal(np.concatenate([each for _, each in stretches(iter(parts), timeline)]), rows)


@pytest.mark.parametrize("at", [70_000, 80_000, 80_001], ids=["within", "last of a part", "first of a part"])
@pytest.mark.parametrize(
    ("step", "said"), [(-0.05, "the same time as the row before"), (2e10, "a time more than 300 years from the first")]
)
def test_damage_long_after_the_first_rows_is_refused(at, step, said):
    stamps, rows = np.arange(90_000) / 20, np.random.default_rng(2).normal(size=(90_000, 3))
    stamps[at:] = stamps[at - 1] + (stamps[at:] - stamps[at]) if step < 0 else stamps[at:] + step
    survey = StampSurvey("a", lambda row: f"row {row}", 20, 2)
    with pytest.raises(InputError, match=f"a, row {at}: {said}"):
        for part in (slice(66_000), slice(66_000, 80_001), slice(80_001, None)):
            survey.push(stamps[part], rows[part])


@pytest.mark.parametrize("again", [[30], [30, 31, 90]], ids=len)
def test_packets_that_were_sent_again_under_one_stamp_are_said(tmp_path, again):
    order = np.concatenate([np.tile(np.arange(10) + 10 * k, 1 + (k in again)) for k in range(N // 10)])
    lines = [f"{t:.2f},{','.join(map(str, row))}" for t, row in zip(order // 10 * 0.5, ROWS[20][order], strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["time_s,ax_g,ay_g,az_g", *lines]))
    packets_ = "1 packet" if len(again) == 1 else f"{len(again)} packets"
    said = f"{packets_} came twice with the same times and values: remove the second ones"
    assert said in opened(tmp_path / "a.csv", 20).notes
    rest = np.where((order < 300)[:, None], ROWS[20][order], [0.0, 0.0, 1.0])
    lines = [f"{t:.2f},{','.join(map(str, row))}" for t, row in zip(order // 10 * 0.5, rest, strict=True)]
    (tmp_path / "b.csv").write_text("\n".join(["time_s,ax_g,ay_g,az_g", *lines]))
    assert not any("twice" in note for note in opened(tmp_path / "b.csv", 20).notes)


@pytest.mark.parametrize(
    "places", [[7], [700], np.sort(np.random.default_rng(5).choice(N, 50, replace=False))], ids=len
)
def test_other_values_at_the_same_time_are_refused(tmp_path, places):
    order = np.sort(np.r_[np.arange(N), list(places)])
    rows = np.round(ROWS[20][:N][order] + RNG.normal(0, 0.01, (len(order), 3)), 5)
    lines = [f"{t:.2f},{','.join(map(str, row))}" for t, row in zip(T20[order], rows, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["time_s,ax_g,ay_g,az_g", *lines]))
    with pytest.raises(InputError, match=f"line {places[0] + 3}: the same time as the row before"):
        opened(tmp_path / "a.csv", 20)


def test_a_sensor_at_rest_repeats_values_and_not_rows(tmp_path):
    rows = np.tile([[0.0, 0, 1]], (N, 1))
    rows[500:520] = ROWS[20][500:520]
    lines = [f"{t:.0f},{','.join(map(str, row))}" for t, row in zip(np.floor(T20 + 0.35), rows, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["time_s,ax_g,ay_g,az_g", *lines]))
    assert np.array_equal(read(opened(tmp_path / "a.csv", 20))[0], counts(rows))


def test_whole_seconds_as_dates_and_without_a_unit(tmp_path):
    seconds = np.floor(T20 + 0.35).astype(int)
    dates = np.datetime64("2024-03-01T10:00:00") + seconds.astype("timedelta64[s]")
    for heading, stamps in (("time", [str(each) for each in dates]), ("timestamp", 1_700_000_000 + seconds)):
        lines = [f"{t},{','.join(map(str, row))}" for t, row in zip(stamps, ROWS[20][:N], strict=True)]
        (tmp_path / "a.csv").write_text("\n".join([f"{heading},ax_g,ay_g,az_g", *lines]))
        found = opened(tmp_path / "a.csv", 20)
        assert np.array_equal(read(found)[0], counts(ROWS[20][:N])) and packets(20, 20) in found.notes


@pytest.mark.parametrize("name", ["arrival, two lost", "27 rows lost", "a wrap within a gap", "uptime that restarts"])
def test_the_same_however_the_rows_are_cut(name):
    case = READ[name]
    keep = np.ones(N, bool) if case.keep is None else case.keep
    stamps, rows = np.round(case.stamps[keep], case.digits), ROWS[case.rate_hz][: len(keep)][keep]
    results = []
    for cut in (1, 7, 331, N):
        parts = [(stamps[at : at + cut], rows[at : at + cut]) for at in range(0, len(stamps), cut)]
        survey = StampSurvey("a", str, case.rate_hz, 2)
        for part in parts:
            survey.push(*part)
        timeline = survey.timeline()
        found = [each if isinstance(each, int) else each[1].tolist() for each in stretches(iter(parts), timeline)]
        whole = [[]]
        for each in found:
            if isinstance(each, int):
                whole += [each, []]
            else:
                whole[-1] += each
        results.append((timeline, whole))
    assert all(result == results[0] for result in results)


CHANGES = (
    lambda t, rng: np.floor(t),
    lambda t, rng: t + rng.uniform(-0.02, 0.02, len(t)),
    lambda t, rng: np.where(
        np.arange(len(t)) < len(t) * rng.random(), t, t + rng.choice([3600, -3600, -5, 50, 1e9, -0.7])
    ),
    lambda t, rng: t[rng.random(len(t)) > 0.03],
    lambda t, rng: t[t % rng.uniform(1, 20) < rng.uniform(0.5, 10)],
    lambda t, rng: (t + rng.uniform(0, 100)) % 65.536,
    lambda t, rng: np.floor(t / 0.5) * 0.5 + t % 0.5 * 0.01,
    lambda t, rng: np.sort(np.r_[t, t[:3]]),
    lambda t, rng: rng.permutation(t),
)


@pytest.mark.parametrize("max_bridge", [0, 2, 15])
def test_what_is_said_is_what_is_done(max_bridge):
    """Any stamps: refused in one line, or read with as many rows and gaps as the survey counted."""
    rng, read_at_all = np.random.default_rng(11), 0
    for _ in range(500):
        stamps = np.arange(int(rng.integers(1, 400))) / 20
        for which in rng.integers(0, len(CHANGES), rng.integers(0, 4)):
            stamps = CHANGES[which](stamps, rng)
        rows, cut = np.round(rng.normal(size=(len(stamps), 3)), 1), int(rng.integers(1, 50))
        parts = [(stamps[at : at + cut], rows[at : at + cut]) for at in range(0, len(stamps), cut)]
        survey = StampSurvey("a", str, 20, max_bridge)
        try:
            for part in parts:
                survey.push(*part)
            timeline = survey.timeline()
        except InputError as error:
            assert "\n" not in str(error)
            continue
        found = list(stretches(iter(parts), timeline))
        again = sum(int(note.split()[0].replace(",", "")) for note in timeline.notes if "left out" in note)
        assert sum(len(each[1]) for each in found if not isinstance(each, int)) == (
            len(stamps) - again + timeline.bridged
        )
        gaps = [each for each in found if isinstance(each, int)]
        assert min(gaps, default=1) >= 1 and len(gaps) >= timeline.gaps
        read_at_all += 1
    assert read_at_all > 200


# --- gaps: bridged, dropped, paused


def lossy(n, every_nth, missing):
    return np.arange(n) % every_nth < every_nth - missing


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("keep", "options", "bridged", "note"),
    [
        (without(N, (200, 201)), {}, 1, "1 sample missing in 1 gap, bridged by repeating the sample before (0.1%)"),
        (
            without(N, (200, 202), (900, 901)),
            {},
            3,
            "3 samples missing in 2 gaps, bridged by repeating the sample before (0.1%)",
        ),
        (without(N, (200, 203)), {}, 0, "1 gap, 0.15 s missing"),
        (without(N, (200, 203)), {"max_bridge": "3"}, 3, "3 samples missing in 1 gap, bridged"),
        (without(N, (200, 201)), {"max_bridge": "0"}, 0, "1 gap, 0.05 s missing"),
        (without(N, (200, 202)), {"max_bridge": "1"}, 0, "1 gap, 0.1 s missing"),
        (lossy(N, 40, 2), {}, 98, "98 samples missing in 49 gaps, bridged by repeating the sample before (4.9%)"),
        (
            lossy(N, 20, 2),
            {},
            0,
            "198 samples missing in gaps of up to 2, more than 5% of the recording: no gap is bridged",
        ),
        (
            lossy(N, 40, 2) & without(N, *((at, at + 1) for at in range(110, 1900, 40))),
            {},
            45,
            "143 samples missing in gaps of up to 2, more than 5% of the recording: gaps of more than 1 are not bridged",
        ),
    ],
)
def test_what_is_bridged(tmp_path, keep, options, bridged, note, suffix):
    """The sample before, as often as samples are missing; never more than the option says, nor 5 %."""
    case = Case(T20, keep=keep)
    case.written(tmp_path / f"a{suffix}")
    found = opened(tmp_path / f"a{suffix}", 20, **options)
    samples, _, gaps = read(found)
    last = np.maximum.accumulate(np.where(keep, np.arange(N), 0))[: np.flatnonzero(keep)[-1] + 1]
    held = counts(ROWS[20])[last]
    if not gaps:
        assert np.array_equal(samples, held)
    assert len(samples) == keep.sum() + bridged and len(samples) + sum(gaps) == len(held)
    assert found.length == len(samples)
    assert any(each.startswith(note) for each in found.notes), found.notes


def test_at_most_5_percent_are_bridged_to_the_sample():
    for gaps, wanted in ((100, 2), (101, 0)):
        found = Gaps(2)
        for at in range(gaps):
            found.gap(at, at, at + 0.15, 1.0, 0.05)
        assert found.bridge(1900)[0] == wanted


def test_a_gap_is_bridged_before_the_rate_is_changed(tmp_path):
    """Bridged at the rate of the file, so that a piece goes through the resampler whole."""
    keep = without(N, (1000, 1002))
    Case(np.arange(N) / 100, 100, keep=keep).written(tmp_path / "a.csv")
    samples, _, gaps = read(opened(tmp_path / "a.csv", 50))
    filled = ROWS[100][:N].copy()
    filled[1000:1002] = filled[999]
    ROWS[100], kept = filled, ROWS[100]
    try:
        Case(np.arange(N) / 100, 100).written(tmp_path / "b.csv")
    finally:
        ROWS[100] = kept
    assert not gaps and np.array_equal(samples, read(opened(tmp_path / "b.csv", 50))[0])


@pytest.mark.parametrize("rate_hz", [10, 200])
@pytest.mark.parametrize(("gap_s", "is_pause"), [(59.0, False), (61.0, True)])
def test_a_pause_is_a_minute_at_any_rate(rate_hz, gap_s, is_pause):
    """Runs too short for a burst: only the length in seconds tells a pause from samples that were dropped."""
    found = Gaps(2)
    for at in range(20):
        found.rows(5)
        found.gap(at, 0.0, gap_s, gap_s * rate_hz, 1 / rate_hz)
    found.rows(5)
    found.end()
    assert (found.share_dropped(100) == 0) == is_pause


@pytest.mark.parametrize(("share", "jitters"), [(0.009, False), (0.011, True)])
def test_stamps_jitter_where_more_than_1_percent_are_off(tmp_path, share, jitters):
    stamps = np.arange(10_000) / 50
    early = np.arange(1, 10_000, round(2 / share))  # each makes two steps that are off
    stamps[early] -= 0.4 / 50
    Case(stamps, 50).written(tmp_path / "a.csv")
    assert ("time stamps jitter: interpolated linearly" in opened(tmp_path / "a.csv", 50).notes) == jitters


def test_dropped_samples_are_refused_and_a_duty_cycle_is_not(tmp_path):
    keep = np.repeat(np.random.default_rng(3).random(200) > 0.4, 10)
    Case(T20, keep=keep).written(tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"% of the samples were dropped, more than 30%"):
        opened(tmp_path / "a.csv", 20)
    lost = DUTY & (np.random.default_rng(3).random(12_000) > 0.02)
    Case(np.arange(12_000) / 20, keep=lost).written(tmp_path / "b.csv")
    found = opened(tmp_path / "b.csv", 20)
    assert BURSTS[0] in found.notes and len(read(found)[2]) == 10, "within bursts they are bridged"


# --- commands


def run(*words):
    return CliRunner().invoke(cli.app, [*map(str, words)], prog_name="anomsdk")


@pytest.fixture(scope="module")
def lossy_files(tmp_path_factory):
    root = tmp_path_factory.mktemp("lossy")
    for name, keep in (("whole", np.ones(N, bool)), ("d60", lossy(N, 60, 1)), ("d29", lossy(N, 29, 1))):
        (root / name).mkdir()
        Case(T20, keep=keep).written(root / name / f"{name}.csv")
    return root


def test_every_command_says_which_share_was_judged(lossy_files, tmp_path):
    plan, unbridged = ("--plan", "human_motion"), ("--max-bridge", "0")
    done = run("watch", lossy_files / "d29", *plan)
    assert done.exit_code == 0 and "; judged 100% of the time" in done.stdout
    done = run("watch", lossy_files / "d60", *plan, *unbridged)
    assert done.exit_code == 0 and "198 ticks" in done.stdout and "; judged 50.1% of the time" in done.stdout
    done = run("watch", lossy_files / "d29", *plan, *unbridged)
    assert done.exit_code == 1 and "; judged 0% of the time" in done.stdout
    assert done.stderr.count("\n") == 1 and "error: watch: nothing was judged: " in done.stderr
    done = run("watch", lossy_files / "d60", *plan, *unbridged, "--jsonl")
    assert '"missing": 33, "judged_share": 0.501266' in done.stdout
    done = run("score", lossy_files / "d60", *plan, *unbridged, "--out", tmp_path / "s.npz")
    assert done.exit_code == 0 and "198 ticks; judged 50.1% of the time" in done.stdout
    done = run("score", lossy_files / "d29", *plan, *unbridged, "--out", tmp_path / "s.npz")
    assert done.exit_code == 1 and "error: score: nothing was judged: " in done.stderr
    done = run("evaluate", *plan, "--normal", lossy_files / "d60", *unbridged)
    assert "judged 50.1% of the time of normal clips" in done.stdout
    assert "0 alarms in 0.0138 h" in done.stdout, "198 ticks of 0.25 s, not 98 s"
    done = run("evaluate", *plan, "--normal", lossy_files / "d29", *unbridged)
    assert done.exit_code == 1 and "error: evaluate: nothing was judged: " in done.stderr
    done = run("diff", "human_motion", "human_motion", "--corpus", lossy_files / "d60", *unbridged)
    assert (
        "judged: 50.1% of the time of normal recordings by the old plan, 50.1% of the time by the new one"
        in done.stdout
    )
    out = tmp_path / "mine"
    done = run("calibrate", "human_motion", "--normal", lossy_files / "d60", "--out", out, *unbridged)
    assert done.exit_code == 0 and "judged 50.1% of the time" in done.stdout


def test_train_says_which_share_has_a_context(lossy_files):
    """Ticks of pieces with the context of the spec, as a plan of it gives them."""
    spec = PipelineSpec.from_file(reference_models_folder() / "human_motion" / "spec.toml")
    stream_format = StreamFormat.of(sensor_plan(spec), spec.columns)
    for name, ticks in (("d60", 198), ("whole", 395)):
        clips = open_clips(lossy_files / name, stream_format, reading=ReadOptions(max_bridge=0)).clips
        corpus = gather(spec, clips, seed=0, excerpts=0)
        assert corpus.judged == Judged(ticks, 395) and f"judged {corpus.judged}" in list(corpus.lines())


@pytest.mark.parametrize("words", ["-1", "101", "2.5", "two", "²"])
def test_max_bridge_that_cannot_be_meant(lossy_files, words):
    done = run("watch", lossy_files / "d29", "--plan", "human_motion", f"--max-bridge={words}")
    assert done.exit_code == 2 and done.stderr.startswith(f"error: --max-bridge {shlex.quote(words)}: ")


def test_scores_are_those_of_samples_that_were_held(lossy_files):
    """What firmware that pushes the last sample again would give."""
    import anomsdk
    from anomsdk.watch.score_files import score_files

    plan = anomsdk.reference_model("human_motion")
    (scores,) = score_files(plan, [lossy_files / "d29"]).values()
    keep = lossy(N, 29, 1)
    held = counts(ROWS[20])[np.maximum.accumulate(np.where(keep, np.arange(N), 0))]
    stream_format = StreamFormat.of(plan.sensor, plan.columns)
    assert (stream_format.rate_hz, stream_format.counts_per_g) == (20, 2048)
    assert np.array_equal(scores, anomsdk.score(plan, held))
