"""Recordings in evaluate: labels, pieces of one length, padding, events with times, and sides that hold little."""

from __future__ import annotations

import json
import os
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import anomsdk
from anomsdk.cli import app as cli
from anomsdk.errors import InputError
from anomsdk.evaluate import as_html, as_json, as_text, evaluate, marked, open_marked, read_events
from anomsdk.evaluate.alarms_by_label import alarms_of_labels
from anomsdk.evaluate.clip_scores import ScoredClip, event_window, samples_to_decide, score_clip
from anomsdk.evaluate.segments import cuts, padded, pads, piece_length, split
from anomsdk.sources.clips import Clip, Clips, clip_from_array
from anomsdk.sources.stream_format import StreamFormat
from anomsdk.stats.intervals import share
from tests.support.make import EXTERNAL, collar_spec, make_collar, make_folder, make_plan, noise

RATE = 10.0
FIRST, LEVEL = 15, 20_000
"""Samples to the first tick of the collar, and its alarm level."""


@pytest.fixture(scope="module")
def collar(tmp_path_factory):
    """Motion at 10 Hz, a tick each 0.5 s from 1.5 s on; 2 of 3. Rest scores below 8,000, shaking above 40,000."""
    alert = "m = 2\nn = 3\nhigh_ratio = 0\noff_delay_s = 0.5\ncooldown_s = 0"
    plan = make_collar(tmp_path_factory.mktemp("collar"), collar_spec(alert))
    assert plan.levels.raise_score == LEVEL
    assert plan.samples_to_first_tick == FIRST and plan.samples_per_tick == 5
    return plan


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    """Rows of 3 at 10 Hz, a tick each row from the third on."""
    text = EXTERNAL.replace("n_features = 6", "n_features = 3").replace("[alert]", "[alert]\nhigh_ratio = 0")
    return anomsdk.plan(make_folder(tmp_path_factory.mktemp("meter"), text, raise_score=8000))


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return make_plan(tmp_path_factory.mktemp("room"), "bands")


def motion(n, shaken=(), *, seed=0):
    """Rest, shaken from a to b."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-10, 10, (n, 3)).astype(np.int16) + np.array([0, 0, 1000], np.int16)
    for start, stop in shaken:
        values[start:stop] += rng.integers(-8000, 8000, (stop - start, 3)).astype(np.int16)
    return values


def clips(*samples, labels=None, name="a", kind="motion", groups=None, events=None):
    n = len(samples)
    return Clips(
        tuple(
            marked(
                clip_from_array(f"{name}{i}", f"{name}{group}", x, kind=kind, rate_hz=RATE),
                label=label,
                label_key=None if label is None else "activity",
                event_s=event,
            )
            for i, (x, group, label, event) in enumerate(
                zip(samples, groups or range(n), labels or [None] * n, events or [None] * n, strict=True)
            )
        )
    )


def with_gaps(*parts, name="gaps", kind="motion"):
    """A clip whose parts do not follow on each other."""

    class Gaps(Clip):
        def blocks(self, cutter=None):
            for part in parts:
                for start in range(0, len(part), 7):
                    yield start == 0, part[start : start + 7]

    return Gaps(name, name, sum(map(len, parts)), kind, RATE, 3, None, lambda: iter(()))


def scored(label, seconds, raised=(), peak=5, group="g"):
    return ScoredClip(
        "c", group, seconds, np.array([1, peak], np.uint32), np.array([1.0, 2.0]), tuple(raised), label=label
    )


# --- what fires


def test_rows_say_what_was_counted():
    recordings = [
        scored("walk", 1800.0, (3.0,), 40),
        scored("walk", 1800.0, (), 20),
        scored("walk", 3600.0, (1.0, 2.0, 9.0), 90),
        scored("rest", 900.0, (), 10),
        scored(None, 900.0, (4.0,), 10),
        scored("trot", 360.0, (4.0,), 10),
    ]
    rows = alarms_of_labels(recordings, recordings, 20)
    assert [row.label for row in rows] == ["trot", "walk", "rest"], "what fires most comes first"
    trot, walk, rest = rows
    assert (walk.n_recordings, walk.hours, walk.n_raised, walk.n_alarms) == (3, 2.0, 2, 4)
    assert walk.raised.value == pytest.approx(2 / 3)
    # Clopper and Pearson, 2 of 3: low solves 3p^2 - 2p^3 = .025, high solves 1 - p^3 = .025.
    assert 3 * walk.raised.low**2 - 2 * walk.raised.low**3 == pytest.approx(0.025)
    assert walk.raised.high == pytest.approx(0.975 ** (1 / 3))
    assert walk.alarms_per_hour.value == 2.0 and walk.peak_over_raise == 2.0
    assert (rest.raised.value, rest.raised.low, rest.raised.high) == (0.0, 0.0, pytest.approx(0.975))
    assert rest.alarms_per_hour.high == pytest.approx(3.6889 / 0.25, rel=1e-4)
    assert trot.raised.low == pytest.approx(0.025) and trot.raised.high == 1.0
    pieces = [scored("walk", 1.0, (), 10), scored("walk", 1.0, (), 30)]
    assert [row.peak_over_raise for row in alarms_of_labels(recordings, pieces, 20)] == [None, 1.0, None]


@pytest.mark.parametrize(("count", "n"), [(0, 1), (1, 1), (3, 10), (10, 10), (7, 400)])
def test_the_interval_of_a_share_has_its_tails(count, n):
    from scipy.stats import binom

    found = share(count, n)
    assert found.value == count / n and found.low <= found.value <= found.high
    assert count == 0 or binom.sf(count - 1, n, found.low) == pytest.approx(0.025)
    assert count == n or binom.cdf(count, n, found.high) == pytest.approx(0.025)
    assert share(0, 0).value is None


def test_the_table_is_of_recordings_and_the_peaks_are_of_pieces(collar):
    """Guards alarms that are counted in pieces, where no cooldown ever lasts and every start is a fresh one."""
    normal = clips(motion(600), motion(300, [(100, 140)], seed=1), motion(450, seed=2), labels=["rest", "walk", "rest"])
    odd = clips(motion(60, [(20, 40)], seed=3), motion(40, seed=4), labels=["fall", "fall"], name="b")
    found = evaluate(collar, normal, odd, engine="reference")
    assert found.piece_s == 5.0, "the median of 6 and 4 s"
    whole = [score_clip(collar, clip.blocks(), "c", "g", engine="reference") for clip in normal.clips]
    assert [clip.raised_s for clip in found.recordings] == [clip.raised_s for clip in whole]
    assert len(found.recordings[1].raised_s) == 1 and not found.recordings[0].raised_s
    figures = found.figures
    assert (figures.n_recordings, figures.n_normal, figures.n_anomalous) == (3, 12 + 6 + 9, 2)
    assert figures.n_false_alarms == 1 and figures.normal_hours == pytest.approx(132 / 3600), "1 s fills a context"
    walk, rest = found.by_label_normal
    assert (walk.label, walk.n_recordings, walk.n_raised, walk.n_alarms) == ("walk", 1, 1, 1)
    assert (rest.label, rest.n_recordings, rest.n_raised) == ("rest", 2, 0)
    assert rest.hours == pytest.approx(103 / 3600)
    peaks = [clip.peak for clip in found.normal if clip.label == "rest"]
    assert len(peaks) == 21 and rest.peak_over_raise == np.median(peaks) / LEVEL
    (fall,) = found.by_label_anomalous
    assert (fall.label, fall.n_recordings, fall.n_raised) == ("fall", 2, 1)
    tree = as_json(found)
    assert tree["labels"]["keys"] == ["activity"] and tree["piece_s"] == 5.0 and tree["n_recordings"] == 3
    assert tree["labels"]["normal"][0].keys() == {
        *(
            "label",
            "n_recordings",
            "hours",
            "n_raised",
            "n_too_short",
            "raised",
            "n_alarms",
            "alarms_per_hour",
            "peak_over_raise",
        )
    }
    assert tree["labels"]["anomalous"][0]["raised"]["value"] == 0.5
    json.dumps(tree, allow_nan=False)
    text = as_text(found)
    assert re.search(r"^walk +1 +0\.00806 +1 +100\.0% +2\.5% +100\.0% ", text, re.M)
    assert "normal clips cut into 27 segments of about 5 s" in text and "27 segments + 2 clips" in text
    assert "flags unusual motion" in text and "other people, animals or devices" in text


def test_mixes_are_of_what_was_mixed_in(room):
    scenes = Clips(tuple(marked(clip_from_array(f"a{i}", i, noise(30_000, seed=i)), label="rain") for i in range(2)))
    events = Clips(tuple(marked(clip_from_array(w, w, noise(9000, seed=9)), label=w) for w in ("dog", "cat")))
    found = evaluate(room, scenes, events, snr=[20, 0])
    assert {row.label: row.n_recordings for row in found.by_label_anomalous} == {"dog": 2, "cat": 2}
    assert [row.label for row in found.by_label_normal] == ["rain"] and "mixes, by label" in as_text(found)


def test_many_and_long_labels_stay_within_a_terminal(meter):
    names = [f"a label of some length, number {i:03}" for i in range(50)]
    normal = clips(*(motion(9 + i, seed=i) for i in range(50)), labels=names, kind="external")
    found = evaluate(meter, normal, Clips(()))
    text = as_text(found)
    table = text[text.index("normal, by activity") :].split("\n\n")[0].splitlines()
    assert len(table) == 2 + 40 + 1 and "and 10 more" in table[-1] and max(map(len, table)) <= 100
    assert len(as_json(found)["labels"]["normal"]) == 50
    page = as_html(found)
    assert all(name in page for name in names)


def test_without_labels_there_is_no_table(meter):
    found = evaluate(meter, clips(motion(50), kind="external"), clips(motion(60), kind="external", name="b"))
    assert as_json(found)["labels"] == {"keys": [], "normal": [], "anomalous": []}
    assert "alarm in" not in as_text(found) and "unusual motion" not in as_text(found)


# --- pieces


@pytest.mark.parametrize(
    ("stretches", "piece", "wanted"),
    [
        ([100], 25, [25, 25, 25, 25]),
        ([110], 25, [27, 28, 27, 28]),  # what is left over is shared out
        ([115], 25, [23, 23, 23, 23, 23]),
        ([37], 25, [37]),
        ([38], 25, [19, 19]),
        ([20], 100, [20]),  # shorter than a piece: as it is
        ([12], 100, [12]),  # too short for a tick, but all there is
        ([50, 38], 25, [25, 25, 19, 19]),
        ([50, 12, 25], 25, [25, 25, 25]),  # 12: neither half a piece nor a tick
        ([50, 13, 25], 25, [25, 25, 13, 25]),  # half a piece
        ([50, 16], 100, [50, 16]),  # long enough for a tick
        ([9, 12, 10], 100, [12]),
        ([12], 3, [3, 3, 3, 3]),
    ],
)
def test_stretches_are_cut_evenly_and_never_across(collar, stretches, piece, wanted):
    found = cuts(collar, stretches, piece)
    assert [stop - start for start, stop in found] == wanted
    ends = np.cumsum([0, *stretches])
    for start, stop in found:
        assert np.searchsorted(ends, start, "right") == np.searchsorted(ends, stop, "left"), "across a gap"
    assert all(a[1] <= b[0] for a, b in pairwise(found))


def test_pieces_keep_near_their_length(collar):
    for length in range(1, 400):
        for piece in (1, 7, 20, 33):
            found = [stop - start for start, stop in cuts(collar, [length], piece)]
            assert sum(found) == length and max(found) - min(found) <= 1
            assert max(found) <= 1.5 * piece and (min(found) >= piece / 2 - 1 or found == [length])


def test_how_long_a_piece_is(collar, meter, room):
    assert piece_length(collar, None, [30, 90, 41]) == 41 and piece_length(collar, None, []) == 0
    assert piece_length(meter, None, [30]) == piece_length(room, None, [30]) == 0, "motion only, unless asked"
    assert piece_length(collar, 0.0, [30]) == 0 and piece_length(collar, 6.0, [30]) == 60
    assert piece_length(meter, 0.25, [30]) == 2 and piece_length(room, 2.0, []) == 32_000
    for plan, piece, words in (
        (collar, -1.0, "give seconds"),
        (collar, float("nan"), "give seconds"),
        (collar, float("inf"), "give seconds"),
        (collar, 0.01, "less than a sample"),
        (room, 0.1, "sound is not padded"),
    ):
        with pytest.raises(InputError, match=words):
            piece_length(plan, piece, [])
    assert pads(collar, None) and pads(collar, 0.0) and pads(meter, 3.0)
    assert not pads(meter, None) and not pads(meter, 0.0) and not pads(room, 3.0)


def test_blocks_are_split_where_pieces_begin():
    places = [(0, 4), (4, 8), (10, 12)]
    for size in range(1, 15):
        found = dict[int, list[int]]()
        for at in range(0, 14, size):
            for number, part in split(np.arange(at, min(at + size, 14), dtype=np.int16), at, places):
                assert len(part)
                found.setdefault(number, []).extend(part.tolist())
        assert found == {0: [0, 1, 2, 3], 1: [4, 5, 6, 7], 2: [10, 11]}


def test_pieces_are_scored_afresh_and_not_across_gaps(collar):
    parts = motion(95, [(30, 60)], seed=1), motion(62, seed=2), motion(9, seed=3)
    odd = clips(motion(30, seed=9), name="b")
    found = evaluate(collar, Clips((with_gaps(*parts),)), odd, engine="reference")
    wanted = [parts[0][0:31], parts[0][31:63], parts[0][63:95], parts[1][0:31], parts[1][31:62]]
    assert len(found.normal) == 5, "9 samples are neither a tick nor half a piece"
    for clip, samples in zip(found.normal, wanted, strict=True):
        assert np.array_equal(clip.scores, anomsdk.score(collar, samples, "reference"))
        assert clip.seconds == collar.ticks_in(len(samples)) / 2 and clip.group == "gaps" and not clip.padded
    assert [clip.name for clip in found.normal] == [f"gaps from {at} s" for at in ("0", "3.1", "6.3", "9.5", "12.6")]
    (whole,) = found.recordings
    assert whole.seconds == (collar.ticks_in(95) + collar.ticks_in(62)) / 2 and whole.name == "gaps"


def test_anomalous_recordings_stay_whole_and_pieces_can_be_turned_off_and_on(collar, meter):
    normal, odd = clips(motion(400), motion(90, seed=1)), clips(motion(300, seed=2), motion(20, seed=3), name="b")
    found = evaluate(collar, normal, odd, engine="reference", piece_s=2.0)
    assert [clip.seconds for clip in found.anomalous] == [29.0, 1.0] and len(found.normal) == 20 + 5
    off = evaluate(collar, normal, odd, engine="reference", piece_s=0)
    assert off.normal == off.recordings and off.piece_s is None and as_json(off)["piece_s"] is None
    assert "segments" not in as_text(off)
    sides = clips(motion(400), kind="external"), clips(motion(20, seed=2), kind="external", name="b")
    assert evaluate(meter, *sides).piece_s is None
    assert len(evaluate(meter, *sides, piece_s=4.0).normal) == 10


def test_sound_is_cut_on_request_into_pieces_that_are_long_enough(room):
    least = room.samples_to_first_tick
    sound = Clips((clip_from_array("a", 0, noise(4 * least + 9)),))
    odd = Clips((clip_from_array("b", 1, noise(2 * least, seed=1)),))
    found = evaluate(room, sound, odd, piece_s=least / room.rate_hz)
    assert len(found.normal) == 4 and not any(clip.padded for clip in found.normal)
    assert len(evaluate(room, sound, odd, piece_s=1.1 * least / room.rate_hz).normal) == 4
    assert len(cuts(room, [19 * least // 10], 12 * least // 10)) == 1, "half of it is nearer, but too short for a tick"
    with pytest.raises(InputError, match="`piece_s`: with `snr`"):
        evaluate(room, sound, odd, snr=[10], piece_s=2.0)


# --- too short for a tick


def test_padding_repeats_the_ends_evenly():
    samples = motion(4)
    for n in (4, 5, 8, 11):
        before, found = padded(samples, n)
        assert before == (n - 4) // 2
        assert np.array_equal(found, np.pad(samples, [(before, n - 4 - before), (0, 0)], mode="edge"))
        assert found.dtype == np.int16


def test_what_is_too_short_is_padded_and_counted(collar):
    short, exact = motion(8, [(2, 6)], seed=1), motion(FIRST, seed=2)
    normal = clips(motion(200), motion(7, seed=5))
    found = evaluate(collar, normal, clips(short, exact, motion(14, seed=4), name="b"), engine="reference")
    assert [clip.padded for clip in found.anomalous] == [True, False, True]
    wanted = np.pad(short, [(3, 4), (0, 0)], mode="edge")
    assert found.anomalous[0].scores.tolist() == anomsdk.score(collar, wanted, "reference").tolist()
    assert found.anomalous[1].scores.tolist() == anomsdk.score(collar, exact, "reference").tolist()
    assert [clip.seconds for clip in found.anomalous] == [0.5, 0.5, 0.5], "a tick each"
    assert found.anomalous[0].times_s.tolist() == [1.2], "from the beginning of the recording"
    assert found.left_out_anomalous.n == found.left_out_normal.n == 0
    assert found.piece_s == 1.5, "the median is 1.4, but no piece is shorter than the first tick if it need not be"
    assert found.figures.normal_hours == pytest.approx((collar.ticks_in(200) + 1) / 2 / 3600)
    padded_normal = sum(clip.padded for clip in found.normal)
    assert padded_normal == 1, "7 samples are all there is"
    assert as_json(found)["padded"] == {"normal": padded_normal, "anomalous": 2}
    assert "too short for a tick, anomalous: 2 of 3; their first and last samples were repeated" in as_text(found)


def test_of_short_stretches_the_longest_is_padded(collar):
    parts = motion(5, seed=1), motion(9, seed=2), motion(8, seed=3)
    (found,) = evaluate(collar, clips(motion(60)), Clips((with_gaps(*parts),)), engine="reference").anomalous
    assert found.padded and found.seconds == 0.5
    assert found.scores.tolist() == anomsdk.score(collar, padded(parts[1], FIRST)[1], "reference").tolist()
    parts = motion(5, seed=1), motion(30, seed=2)
    (found,) = evaluate(collar, clips(motion(60)), Clips((with_gaps(*parts),)), engine="reference").anomalous
    assert not found.padded and found.seconds == 2.0, "one that is long enough is enough"


def test_rows_are_padded_only_when_they_are_cut(meter):
    sides = clips(motion(90), kind="external"), clips(motion(2), motion(30, seed=1), kind="external", name="b")
    assert evaluate(meter, *sides).left_out_anomalous.too_short == ("b0",)
    cut = evaluate(meter, *sides, piece_s=1.0)
    assert cut.left_out_anomalous.n == 0 and [clip.padded for clip in cut.anomalous] == [True, False]


# --- events with times


def test_an_alarm_outside_the_event_does_not_find_it(collar):
    assert samples_to_decide(collar) == FIRST + 5
    samples = motion(300, [(60, 80), (200, 220)])
    raised = score_clip(collar, clips(samples).clips[0].blocks(), "a", "g", engine="reference").raised_s
    assert len(raised) == 2
    odd = clips(
        samples, samples[:-1], samples[:-2], name="b", events=[(20.0, 22.0), None, (10.0, 12.0)], groups=[0, 1, 2]
    )
    found = evaluate(collar, clips(motion(100)), odd, engine="reference")
    assert found.anomalous[0].event_s == event_window(collar, 200, 220)
    assert [clip.inside_s for clip in found.anomalous] == [(raised[1],), raised, ()]
    assert [clip.time_to_detect_s for clip in found.anomalous] == [raised[1] - 20.0, raised[0], None]
    assert found.figures.n_found == 2 and found.figures.precision.value == pytest.approx(3 / 6)
    assert as_json(found)["n_event_times"] == 2
    assert "2 of 3 anomalous clips say when their event is" in as_text(found)


def test_times_that_cannot_be_meant_are_refused(collar, room):
    clip = clips(motion(100)).clips[0]
    for event in ((-1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (float("nan"), 2.0), (0.0, float("inf"))):
        with pytest.raises(InputError, match="an event from"):
            marked(clip, event_s=event)
    late = clips(motion(100), name="b", events=[(10.0, 12.0)])
    with pytest.raises(InputError, match="b0: its event starts at 10 s, and it is 10 s long"):
        evaluate(collar, clips(motion(200)), late, engine="reference")
    cut = clip_from_array("cut", 0, np.concatenate([noise(20_000), np.zeros(4000, np.int16), noise(9000)]))
    with pytest.raises(InputError, match="cut: has an event with times, and gaps"):
        evaluate(
            room, Clips((clip_from_array("a", 0, noise(20_000, seed=1)),)), Clips((marked(cut, event_s=(0.1, 1)),))
        )
    with pytest.raises(InputError, match="`events`: with `snr`"):
        evaluate(
            room, Clips((clip_from_array("a", 0, noise(9000)),)), Clips((marked(cut, event_s=(0.1, 1)),)), snr=[10]
        )


def test_a_table_of_events(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text('note,recording,start_s,stop_s\nx,a.csv,1.5,2\n,b.csv,nan,NaN\n,c.csv,,\n"y,z",d[3],0,1e1\n')
    assert read_events(path) == {"a.csv": (1.5, 2.0), "d[3]": (0.0, 10.0)}
    for text, words in (
        ("", "no column recording; begin with the line recording,start_s,stop_s"),
        ("recording,start_s\na,1\n", "no column stop_s"),
        ("recording,start_s,stop_s\na,1,two\n", "line 2: '1 two' are not times; write seconds"),
        ("recording,start_s,stop_s\na,1\n", "line 2: an event from 1 to nan s"),
        ("recording,start_s,stop_s\na,3,2\n", "line 2: an event from 3 to 2 s"),
        ("recording,start_s,stop_s\na,1,2\na,3,4\n", "line 3: a occurs twice"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=re.escape(words)):
            read_events(path)
    path.write_bytes(b"recording,start_s,stop_s\n\xff,1,2\n")
    for bad in (path, tmp_path / "none.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            read_events(bad)


# --- sides that hold little


def test_without_anomalies_the_report_says_what_can_be_said(collar):
    normal = clips(motion(600), motion(400, [(50, 90)], seed=1), labels=["rest", "walk"])
    found = evaluate(collar, normal, Clips(()), engine="reference")
    assert found.piece_s is None and found.figures.n_false_alarms == 1
    text = as_text(found)
    assert "false alarms an hour" in text and "no anomalous clips" in text and "walk" in text
    assert "AUC" not in text and "recall" not in text and "time to detect" not in text
    assert "Evaluation of collar" in as_html(found) and as_json(found)["auc"]["value"] is None


def test_few_groups_are_named(collar):
    def notes(normal_groups, odd_groups):
        normal = [clips(motion(100, seed=i), groups=[g], name="g").clips[0] for i, g in enumerate(normal_groups)]
        odd = [clips(motion(50, seed=90 + i), groups=[g], name="g").clips[0] for i, g in enumerate(odd_groups)]
        return " ".join(evaluate(collar, Clips(tuple(normal)), Clips(tuple(odd)), engine="reference").figures.notes)

    one = notes([0, 0, 0], [1])
    assert "one group of normal clips: intervals take" in one and "one group of anomalous clips" in one
    assert "3 groups of normal clips: so few say little" in notes([0, 1, 2], [0, 1, 2, 3, 4])
    assert "groups of" not in notes(range(5), range(5)), "groups with one recording are groups"
    apart = "no group is on both sides"
    assert apart in notes([0, 0, 1, 2], [3, 3, 4]) and apart not in notes([0, 0, 1, 2], [2, 2, 4])
    assert apart not in notes([0, 1, 2], [3, 3, 4]), "each recording is a group of its own: nobody said what sets apart"


# --- the command


@pytest.fixture
def place(tmp_path, meter):
    """A plan, folders by activity, and an archive with labels."""
    anomsdk.write_plan(meter, tmp_path / "plan.json")
    for name, seeds in (("normal/walk", (0, 1)), ("normal/rest", (2,)), ("falls", (3, 4))):
        (tmp_path / name).mkdir(parents=True)
        for seed in seeds:
            loud = [(40, 60)] if name == "falls" else []
            np.savetxt(tmp_path / name / f"{seed}.csv", motion(100 + seed, loud, seed=seed), fmt="%d", delimiter=",")
    x = np.concatenate([motion(80, seed=20), motion(90, seed=21), motion(70, [(30, 50)], seed=22)])
    np.savez(
        tmp_path / "all.npz",
        x=x,
        offsets=np.array([0, 80, 170, 240]),
        fall=np.array([False, False, True]),
        behaviour=np.array(["sit", "stand", "drop"]),
        other=np.array(["p", "q", "r"]),
    )
    return tmp_path


def command(place, *arguments):
    before = Path.cwd()
    os.chdir(place)
    try:
        return CliRunner().invoke(cli.app, ["evaluate", "--plan", "plan.json", *map(str, arguments)])
    finally:
        os.chdir(before)


def tree_of(place, *arguments):
    done = command(place, "--json", *arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def rows_of(tree, side):
    return {row["label"]: row["n_recordings"] for row in tree["labels"][side]}


def test_labels_are_found_in_archives_and_folders(place):
    tree = tree_of(place, "--normal", "normal", "--anomalous", "falls")
    assert tree["labels"]["keys"] == ["folder"]
    assert rows_of(tree, "normal") == {"walk": 2, "rest": 1} and rows_of(tree, "anomalous") == {"falls": 2}
    sides = ("--normal", "all.npz:fall=False", "--anomalous", "all.npz:fall=True")
    tree = tree_of(place, *sides)
    assert tree["labels"]["keys"] == ["behaviour"]
    assert rows_of(tree, "normal") == {"sit": 1, "stand": 1} and rows_of(tree, "anomalous") == {"drop": 1}
    assert rows_of(tree_of(place, *sides, "--label", "other"), "normal") == {"p": 1, "q": 1}
    assert rows_of(tree_of(place, *sides, "--label", "folder"), "normal") == {place.name: 2}
    mixed = tree_of(place, "--normal", "normal", "--anomalous", "all.npz:fall=True")
    assert mixed["labels"]["keys"] == ["behaviour", "folder"]
    for key, words in (("nix", "no array nix"), ("x", "not one entry")):
        done = command(place, *sides, "--label", key)
        assert done.exit_code == 2 and words in done.stderr
    done = command(place, "--normal", "normal", "--anomalous", "falls", "--label", "other")
    assert done.exit_code == 2 and "has no array other for labels" in done.stderr


def test_the_first_key_that_fits_is_the_label(tmp_path):
    keys = {"activity": ["a"], "label": ["b", "c"], "class": ["d", "e"], "behaviour": ["f", "g"]}
    np.savez(tmp_path / "x.npz", x=motion(9), offsets=np.array([0, 4, 9]), **{k: np.array(v) for k, v in keys.items()})
    found = open_marked(tmp_path / "x.npz", stream_format=StreamFormat(10, "external", 3))
    assert [(clip.label_key, clip.label) for clip in found.clips] == [("label", "b"), ("label", "c")]


def test_events_and_pieces_on_the_command_line(place):
    (place / "events.csv").write_text("recording,start_s,stop_s\n3.csv,4,6\n4.csv,,\n")
    sides = ("--normal", "normal", "--anomalous", "falls")
    tree = tree_of(place, *sides, "--events", "events.csv", "--piece", "5")
    assert tree["n_event_times"] == 1 and tree["piece_s"] == 5.0 and tree["n_normal"] == 6
    assert tree["n_recordings"] == 3 and tree["recall"]["value"] == 1.0
    assert tree_of(place, *sides)["piece_s"] is None
    archive = ("--normal", "all.npz:fall=False", "--anomalous", "all.npz:fall=True")
    (place / "events.csv").write_text("recording,start_s,stop_s\nall.npz[2],3,5\nall.npz[0],1,2\n")
    assert tree_of(place, *archive, "--events", "events.csv")["n_event_times"] == 1, "those that are not chosen, too"
    (place / "events.csv").write_text("recording,start_s,stop_s\nall.npz[2],3,5\nall.npz[9],1,2\n")
    done = command(place, *archive, "--events", "events.csv")
    assert done.exit_code == 2 and "no recording is called all.npz[9]" in done.stderr and done.stderr.count("\n") == 1


def test_anomalies_can_be_left_out_but_not_what_is_about_them(place):
    done = command(place, "--normal", "normal")
    assert done.exit_code == 0 and "false alarms an hour" in done.stdout and "AUC" not in done.stdout
    (place / "events.csv").write_text("recording,start_s,stop_s\n")
    for option, value in (("--events", "events.csv"), ("--snr", "10")):
        done = command(place, "--normal", "normal", option, value)
        assert done.exit_code == 2 and f"{option}: is about --anomalous recordings" in done.stderr


def test_the_page_fits_a_phone(meter):
    """Nothing scrolls sideways: where tables have no room, each cell says which column it is of."""
    normal = clips(motion(90), motion(80, seed=1), labels=["<i>", "walk"], kind="external")
    page = as_html(evaluate(meter, normal, clips(motion(60), kind="external", name="b", labels=["fall"])))
    own = re.sub(r"<script>.*?</script>", "", page, count=1, flags=re.S)
    assert "overflow-x" not in own and "@media screen and (max-width: 44rem)" in own
    assert own.count('data-name="alarm in"') == 3 and "<h2>normal, by activity</h2>" in own
    assert "&lt;i&gt;" in own and "<i>" not in own
    for cell in re.findall(r"<td[^>]*>", own):
        assert "data-name=" in cell
