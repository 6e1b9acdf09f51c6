"""Figures say what they rest on: intervals of some width, events that cannot be judged, units that suit, what trained."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk import compare
from anomsdk.errors import InputError
from anomsdk.evaluate import as_html, as_json, as_text, evaluate, marked, open_clips
from anomsdk.evaluate.clip_scores import ScoredClip, samples_to_raise
from anomsdk.evaluate.figures import figures_of
from anomsdk.evaluate.report_text import figure_rows
from anomsdk.evaluate.segments import cuts, piece_length
from anomsdk.planner.planner import levels
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.describe import as_text as described
from anomsdk.plans.describe import describe
from anomsdk.plans.file import reference_model, reference_model_names, reference_models_folder
from anomsdk.plans.recording_digests import PURPOSES, entries_of, known_recordings
from anomsdk.sources.clips import Clips, clip_from_array, survey
from anomsdk.sources.stream_format import ReadOptions, StreamFormat
from anomsdk.stats.intervals import Figure, exact, median, poisson_rate, share, trials, trials_of_pairs
from anomsdk.stats.metrics import auc
from anomsdk.stats.paired import rate_change, share_change, share_found
from anomsdk.train import Options, calibrate
from anomsdk.utils.text import figure, in_hours, percent, rate, rate_in, rate_unit
from tests.support.make import EXTERNAL, ROOT, collar_spec, make_collar, make_folder, make_plan, noise


def scored(peaks, *, group="g", raised=(), event=None, seconds=3600.0, padded=False, longest_s=None):
    scores = np.atleast_1d(np.asarray(peaks, np.uint32))
    return ScoredClip(
        *("c", group, seconds, scores, np.arange(1.0, len(scores) + 1), tuple(raised), event),
        padded=padded,
        longest_s=longest_s,
    )


def intervals(figures):
    rates = figures.sensitivity_at_fa_per_hour
    return {
        **{f"sensitivity {key}": each for key, each in rates.items()},
        **{
            name: getattr(figures, name)
            for name in (
                *("auc", "auc_mean", "pauc", "precision", "recall", "false_alarms_per_hour", "time_to_detect_s"),
            )
        },
    }


def has_some_width(found):
    if found.low is None:
        return found.high is None
    return found.low <= found.value <= found.high and found.low < found.high


# --- intervals


clips = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3), st.lists(st.sampled_from([1.0, 2.0]), max_size=2), st.booleans()),
    max_size=12,
)


@given(normal=clips, anomalous=clips)
@example(normal=[(0, 0, [], False)] * 8, anomalous=[(6, i % 4, [1.0], True) for i in range(8)])
@example(normal=[(0, 0, [], False)] * 8, anomalous=[(0, 0, [], True)] * 24)
@example(normal=[(6, i % 4, [], False) for i in range(8)], anomalous=[(0, i % 3, [], False) for i in range(8)])
@settings(deadline=None, max_examples=40)
def test_no_interval_is_of_no_width_and_each_holds_its_value(normal, anomalous):
    sides = [
        [
            scored([2, peak], group=f"g{group}", raised=sorted(set(raised)), event=(0.0, 2.0) if timed else None)
            for peak, group, raised, timed in side
        ]
        for side in (normal, anomalous)
    ]
    found = figures_of(*sides, tick_s=0.5)
    for name, each in intervals(found).items():
        assert has_some_width(each), (name, each)
        if each.value is not None and name != "time_to_detect_s":
            assert each.low is not None, f"{name}: where there is a share there is an exact interval"


changes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=10)


@given(recordings=changes)
@example(recordings=[(1, 1, 0), (1, 1, 1)])
@example(recordings=[(0, 0, 0)])
@settings(deadline=None, max_examples=40)
def test_no_change_between_plans_is_known_for_sure(recordings):
    old, new, groups = (np.array(column) for column in zip(*recordings, strict=True))
    hours = np.ones(len(old)), np.ones(len(old))
    assert has_some_width(share_found(groups, new > 0, 0)) and share_found(groups, new > 0, 0).low is not None
    assert has_some_width(share_change(groups, old > 0, new > 0, 0))
    counts = int(np.maximum(new - old, 0).sum()), int(np.maximum(old - new, 0).sum())
    assert has_some_width(rate_change(groups, old, new, hours, counts, 0))


def test_an_event_never_found_may_be_found_one_time_in_seven():
    """0 of 24 is 0 to .14; of 24 in three groups 0 to .71, for they may be three observations."""
    apart = figures_of([], [scored(1, group=f"g{i}") for i in range(24)]).recall
    assert (apart.value, apart.low) == (0.0, 0.0) and apart.high == pytest.approx(1 - 0.025 ** (1 / 24))
    assert round(apart.high, 2) == 0.14
    three = figures_of([], [scored(1, group=f"g{i % 3}") for i in range(24)]).recall
    assert three.high == pytest.approx(1 - 0.025 ** (1 / 3))
    one = figures_of([], [scored(1) for i in range(24)]).recall
    assert one == apart, "of one group the clips are what there is"
    every = figures_of([], [scored(1, group=f"g{i}", raised=(1.0,)) for i in range(24)])
    assert every.recall.low == pytest.approx(0.025 ** (1 / 24)) and every.recall.high == 1.0
    assert every.precision.low == pytest.approx(0.025 ** (1 / 24)), "24 alarms, all of them in events"


def test_what_is_told_apart_always_is_not_known_to_be():
    normal, odd = [scored(i, group=f"a{i}") for i in range(8)], [scored(9 + i, group=f"b{i}") for i in range(5)]
    found = figures_of(normal, odd)
    for each in (found.auc, found.auc_mean, *found.sensitivity_at_fa_per_hour.values()):
        assert (each.value, each.high) == (1.0, 1.0) and each.low == pytest.approx(0.025 ** (1 / 5)), "5 pairs"
    assert found.pauc.value == 1.0
    assert found.pauc.low == pytest.approx(0.5 * (1 + (0.025 * 0.1 - 0.005) / 0.095)), "the highest of 8: one pair"
    assert trials("aab") == 2 and trials("aaa") == 3 and trials_of_pairs("aaa", "bc") == 2


@given(count=st.integers(0, 30), more=st.integers(0, 30))
@settings(deadline=None)
def test_exact_intervals_are_those_of_clopper_and_pearson(count, more):
    n = count + more
    if n:
        from scipy.stats import binomtest

        found, wanted = exact(count / n, n), binomtest(count, n).proportion_ci(0.95, "exact")
        assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)
        assert share(count, n) == found


def test_intervals_cover_a_share_that_is_nearly_always_all():
    """True recall .97 in 12 groups: the draws alone hold it only where an event was missed, 3 times in 10."""
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(60):
        odd = [scored(1, group=f"g{i}", raised=(1.0,) if rng.random() < 0.97 else ()) for i in range(12)]
        recall = figures_of([], odd).recall
        covered += recall.low <= 0.97 <= recall.high
    assert covered >= 57


def test_a_median_of_few_times_has_no_interval_and_equal_times_are_known_to_a_tick():
    assert median([2.5], ["a"], step=0.5) == Figure(2.5)
    assert median([1.0, 2.0, 3.0, 4.0, 5.0], "abcde") == Figure(3.0), "two of 32: five do not hold it often enough"
    same = median([1.5] * 8, "abcdefgh", step=0.25)
    assert (same.low, same.value, same.high) == (1.25, 1.5, 1.5)
    six = median([1, 2, 3, 4, 5, 6], "abcdef")
    assert (six.low, six.value, six.high) == (1.0, 3.5, 6.0), "the lowest and the highest, 62 of 64 times"
    found = figures_of([], [scored(1, group=f"{i}", raised=(2.0,), event=(1.0, 3.0)) for i in range(3)])
    assert found.time_to_detect_s == Figure(1.0)
    assert "3 times to detect: a median has an interval from 6 on" in found.notes


# --- what cannot be judged


COLLAR = collar_spec("m = 1\nn = 1\nhigh_ratio = 0\noff_delay_s = 0\ncooldown_s = 0")


@pytest.fixture(scope="module")
def collar(tmp_path_factory):
    """Motion at 10 Hz: the first tick, and an alarm if any, after 1.5 s."""
    return make_collar(tmp_path_factory.mktemp("collar"), COLLAR)


def rest(n, seed=0):
    return np.random.default_rng(seed).integers(-10, 10, (n, 3)).astype(np.int16) + np.array([0, 0, 1000], np.int16)


def shaken(n, seed=0):
    values = rest(n, seed)
    values[n // 3 : 2 * n // 3] += (
        np.random.default_rng(seed).integers(-8000, 8000, (2 * n // 3 - n // 3, 3)).astype(np.int16)
    )
    return values


def motion_clips(*samples, name="a", labels=None, events=None):
    return Clips(
        tuple(
            marked(
                clip_from_array(f"{name}{i}", f"{name}{i}", x, kind="motion", rate_hz=10),
                label=None if labels is None else labels[i],
                event_s=None if events is None else events[i],
            )
            for i, x in enumerate(samples)
        )
    )


def row(text, name):
    return next(line for line in text.splitlines() if line.startswith(name))


def test_events_that_nobody_could_find_are_named_and_the_others_have_figures(collar):
    """24 events, 3 of 15 that are long enough found, 9 shorter than a tick: .20 (.04 to .48)."""
    long = [shaken(60, i) for i in range(3)] + [rest(60, 10 + i) for i in range(12)]
    short = [rest(10, 30 + i) for i in range(9)]
    labels = ["fall"] * 15 + ["blip"] * 9
    found = evaluate(
        collar,
        motion_clips(*(rest(600, 90 + i) for i in range(4))),
        motion_clips(*long, *short, name="b", labels=labels),
    )
    figures = found.figures
    assert (figures.n_found, figures.n_anomalous, figures.n_too_short, figures.n_too_short_missed) == (3, 24, 9, 9)
    text = as_text(found)
    said = "3 of 24; 9 of the 21 missed are shorter than 1.5 s, the first tick"
    assert row(text, "recall").endswith(said)
    after = text.splitlines()[text.splitlines().index(row(text, "recall")) + 1]
    assert re.fullmatch(r"  judged clips only +0\.200 +0\.0[04]\d +0\.481  3 of 15", after)
    assert row(text, "AUC of highest scores").endswith("40 segments + 24 clips (9 padded)")
    assert "9 of the 21 missed are shorter than 1.5 s" in as_html(found)
    tree = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert (tree["n_too_short"], tree["n_too_short_missed"], tree["n_padded"]["anomalous"]) == (9, 9, 9)
    assert tree["raise_s"] == 1.5 and tree["judged"]["n_anomalous"] == 15
    assert tree["judged"]["recall"]["value"] == 0.2 and tree["judged"]["recall"]["high"] == pytest.approx(
        0.4809, abs=1e-4
    )
    low, high = ([clip.peak for clip in side if not clip.padded] for side in (found.normal, found.anomalous))
    assert tree["judged"]["auc"]["value"] == auc(low, high) != tree["auc"]["value"]
    assert {each["label"]: each["n_too_short"] for each in tree["labels"]["anomalous"]} == {"fall": 0, "blip": 9}
    assert re.search(r"^blip .* 9$", text, re.M) and "whatever their scores" in text


def test_what_was_padded_cannot_be_judged():
    assert scored(1, padded=True).too_short_for(0.0) and not scored(1).too_short_for(0.0)
    assert scored(1, longest_s=1.4).too_short_for(1.5) and not scored(1, longest_s=1.5).too_short_for(1.5)


def test_what_is_long_enough_for_votes_alone_can_be_judged(tmp_path):
    """2 of 2 with a delay of 1 s: 3 s, unless there is a high level, at which no alarm waits."""
    slow = COLLAR.replace("m = 1\nn = 1", "m = 2\nn = 2\non_delay_s = 1")
    patient = make_collar(tmp_path / "a", slow)
    hasty = make_collar(tmp_path / "b", slow.replace("high_ratio = 0", "high_ratio = 4"))
    assert (samples_to_raise(patient), samples_to_raise(hasty)) == (15 + 3 * 5, 15)
    sides = motion_clips(rest(600), rest(600, 1)), motion_clips(shaken(60), shaken(20, 1), name="b")
    found = evaluate(patient, *sides)
    assert "1 of the 1 missed is shorter than 3 s, the time to decide" in as_text(found)
    assert found.figures.n_padded_anomalous == 0 and found.figures.judged.recall.value == 1.0
    assert evaluate(hasty, *sides).figures.n_too_short == 0


def test_an_event_in_which_no_tick_ends_cannot_be_judged(collar):
    """Ticks end at 1.5, 2.0, ... 10.0 s of 10.4 s: an event at 10.2 s is over before the next one."""
    sides = motion_clips(rest(600), rest(600, 1)), motion_clips(rest(104), name="b", events=[(10.2, 10.3)])
    found = evaluate(collar, *sides)
    assert (found.figures.n_too_short, found.figures.n_no_tick, found.figures.judged.n_anomalous) == (1, 1, 0)
    assert "1 of the 1 missed is without a tick that ends in the event" in as_text(found)
    assert found.figures.judged.recall.value is None, "nothing is left to judge"


def test_sound_that_is_too_short_is_said_where_the_clips_are_counted(tmp_path):
    room = make_plan(tmp_path, "bands")
    odd = Clips(tuple(clip_from_array(f"b{i}", i, noise(n, seed=i)) for i, n in enumerate((30_000, 900, 800))))
    normal = Clips(tuple(clip_from_array(f"a{i}", i, noise(30_000, seed=9 + i)) for i in range(3)))
    found = evaluate(room, normal, odd)
    heard = 3 * room.ticks_in(30_000) * room.samples_per_tick / room.rate_hz
    assert f"3 normal clips ({heard:.2f} s), 1 anomalous clip (2 more: too short for a tick, left out)" in as_text(
        found
    )
    swapped = as_text(evaluate(room, odd, normal))
    assert re.search(
        r"\n1 normal clip \(\S+ s\) \(2 more: too short for a tick, left out\), 3 anomalous clips", swapped
    )


def test_no_piece_is_shorter_than_a_tick_that_need_not_be(collar):
    assert piece_length(collar, None, [8, 9, 60]) == 15 and piece_length(collar, 0.8, [8]) == 8
    for n in range(15, 200):
        assert min(stop - start for start, stop in cuts(collar, [n], 15)) >= 15


# --- units


@pytest.mark.parametrize("hours", [0.01, 1, 24, 240, 3000, 1e5, 1e9, 1e15])
def test_a_bound_on_alarms_is_never_none(hours):
    said = rate(3 / hours, "alarm")
    number, unit = re.fullmatch(r"([\d,.e+-]+) alarms an? (\w+)", said).groups()
    value = float(number.replace(",", ""))
    in_hours_of = {"hour": 1, "day": 24, "week": 168, "month": 730.5, "year": 8766}
    assert value > 0 and value / in_hours_of[unit] == pytest.approx(3 / hours, rel=0.05)
    assert value >= 1 or unit == "year"


def test_after_ten_quiet_days_the_bound_is_some_a_week():
    assert rate(3 / 240, "alarm") == "2.1 alarms a week"
    assert rate_unit(0.0, poisson_rate(0, 240).high) == "week"
    assert rate_in(0.0, "week") == "0" and rate_in(None, "day") == "-"


@given(value=st.floats(0, 1))
@example(0.99996)
@example(1e-12)
@example(1 - 1e-12)
@settings(deadline=None)
def test_no_share_reads_as_none_or_all_that_is_neither(value):
    assert (figure(value) in ("0.000", "1.000")) == (value in (0.0, 1.0))
    assert (percent(value) in ("0.0%", "100.0%")) == (value in (0.0, 1.0))
    assert len(figure(value)) <= 8 and len(percent(value)) <= 8


@given(value=st.floats(-1, 1))
@settings(deadline=None)
def test_no_difference_reads_as_none_that_is_one(value):
    assert (float(figure(value, signed=True)) == 0) == (value == 0)
    assert float(figure(value, signed=True)) == pytest.approx(value, abs=5.1e-4, rel=0.5)


def test_hours_are_not_in_powers_of_ten():
    assert [in_hours(h) for h in (8766.0, 1234.5, 1e-5)] == ["8,766 h", "1,234 h", "0.00001 h"]


def test_false_alarms_of_a_table_have_a_unit_that_suits(collar):
    empty = evaluate(collar, motion_clips(rest(60)), Clips(()))
    ten_days = figures_of([scored(1, group=f"{i}", seconds=86_400.0) for i in range(10)], [])
    assert figure_rows(ten_days, empty)[-1] == ("false alarms a week", "0", "0", "2.6", "0 alarms in 240 h")
    one = figures_of([scored(1, group=f"{i}", seconds=86_400.0, raised=(1.0,) * (i == 0)) for i in range(10)], [])
    assert figure_rows(one, empty)[-1] == ("false alarms a month", "3.0", "0.077", "17", "1 alarm in 240 h")


# --- means


def test_a_mean_tells_what_a_peak_does_not():
    """A machine that is off a little all the time, among normal ones with a knock now and then."""
    normal = [scored([1, 1, 1, 9], group=f"a{i}") for i in range(6)]
    odd = [scored([4, 4, 4, 4], group=f"b{i}") for i in range(6)]
    found = figures_of(normal, odd)
    assert (found.auc.value, found.auc_mean.value) == (0.0, 1.0)


def test_both_areas_are_printed_and_in_json(collar):
    found = evaluate(collar, motion_clips(rest(600), rest(600, 1)), motion_clips(shaken(60), rest(61, 3), name="b"))
    text, tree = as_text(found), as_json(found)
    means = [[clip.scores.mean() for clip in side] for side in (found.normal, found.anomalous)]
    assert tree["auc_mean"]["value"] == auc(*means)
    assert f"{figure(auc(*means))} " in row(text, "AUC of mean scores")
    assert "time to detect" not in text and tree["time_to_detect_s"]["value"] is None and tree["n_timed"] == 0
    timed = motion_clips(shaken(60), rest(61, 3), name="b", events=[(2.0, 4.0), None])
    found = evaluate(collar, motion_clips(rest(600), rest(600, 1)), timed)
    assert row(as_text(found), "time to detect, s (median)").endswith("1 event found, of 1 with times")


# --- what a plan was made from


METER = """
format = 1
name = "meter"
[sensor]
kind = "external"
rate_hz = 10
[features]
kind = "external"
n_features = 3
[context]
kind = "stack"
frames = 2
[model]
max_macs = 40
[score]
baseline_s = "chosen"
"""


def hours_of_a_meter(seed, n=700):
    return np.random.default_rng(seed).normal(0, 100, (n, 3)).astype(np.int16)


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    """Trained on recordings 0 to 3, its level set on 4 and 5."""
    out = tmp_path_factory.mktemp("meter") / "meter"
    spec = PipelineSpec.from_toml(METER)
    return anomsdk.train.fit(
        spec, [hours_of_a_meter(i) for i in range(4)], calibration=[hours_of_a_meter(i) for i in (4, 5)], out=out
    )


def saved(folder, seeds, suffix=".npy"):
    folder.mkdir(exist_ok=True)
    for i, seed in enumerate(seeds):
        values = hours_of_a_meter(seed)
        if suffix == ".npy":
            np.save(folder / f"renamed-{i}.npy", values)
        else:
            np.savetxt(folder / f"renamed-{i}.csv", values, fmt="%d", delimiter=",")
    return open_clips(folder, StreamFormat(10, kind="external", columns=3))


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_recordings_that_made_the_plan_are_known_whatever_they_are_called(meter, tmp_path, suffix):
    normal = saved(tmp_path / "normal", [8, 0, 4, 9, 1], suffix)
    odd = saved(tmp_path / "odd", [20, 21])
    found = evaluate(meter, normal, odd)
    line = "3 of 5 normal recordings trained or calibrated this plan: figures on them are not evidence"
    text = as_text(found)
    assert f"{line}; figures without them: 2 normal clips, below" in text
    assert row(text, "false alarms").endswith("; 3 of 5 recordings made the plan")
    assert line in as_html(found)
    tree = json.loads(json.dumps(as_json(found)))["made_from"]
    assert (tree["known"], tree["all_listed"], tree["normal"]["n"], tree["normal"]["n_made_from"]) == (True, True, 5, 3)
    names = [clip.name for clip in normal.clips]
    assert tree["normal"]["trained"] == [names[1], names[4]] and tree["normal"]["calibrated"] == [names[2]]
    assert tree["anomalous"]["n_made_from"] == 0
    alone = evaluate(meter, Clips((normal.clips[0], normal.clips[3])), odd)
    assert tree["without"]["normal_hours"] == alone.figures.normal_hours
    assert tree["without"]["auc"] == as_json(alone)["auc"] and tree["without"]["n_normal"] == 2
    assert as_json(alone)["made_from"]["without"] is None and "evidence" not in as_text(alone)


def test_where_nothing_else_is_left_that_is_said(meter, tmp_path):
    found = evaluate(meter, saved(tmp_path / "normal", [0, 1, 2, 3]), saved(tmp_path / "odd", [3 + 50]))
    assert (
        "4 of 4 normal recordings trained this plan: figures on them are not evidence; no others are left"
        in as_text(found)
    )
    assert found.unknown is None and as_json(found)["made_from"]["normal"]["calibrated"] == []


def test_anomalies_that_the_model_was_chosen_on_are_known(tmp_path):
    spec = PipelineSpec.from_toml(METER.replace('"chosen"', "0"))
    loud = [(3 * hours_of_a_meter(60 + i)).astype(np.int16) for i in range(3)]
    plan = anomsdk.train.fit(
        spec,
        [hours_of_a_meter(i) for i in range(4)],
        anomalous=loud[:2],
        calibration=[hours_of_a_meter(5)],
        out=tmp_path / "m",
    )
    odd = Clips(tuple(clip_from_array(f"b{i}", i, x, kind="external", rate_hz=10) for i, x in enumerate(loud)))
    found = evaluate(plan, saved(tmp_path / "normal", [8, 9]), odd)
    assert "2 of 3 anomalous recordings helped to choose this plan: figures on them are not evidence" in as_text(found)
    assert found.unknown.n_anomalous == 1 and found.unknown.n_recordings == 2


def test_a_recording_that_was_cut_for_training_is_known_whole(tmp_path):
    spec = PipelineSpec.from_toml(METER.replace('"chosen"', "0"))
    plan = anomsdk.train.fit(spec, [hours_of_a_meter(0, 2800)], out=tmp_path / "m", options=Options(segment_s=35))
    whole = Clips((clip_from_array("long", 0, hours_of_a_meter(0, 2800), kind="external", rate_hz=10),))
    found = evaluate(plan, whole, Clips(()))
    assert found.known_normal.trained == found.known_normal.calibrated == ("long",)


def test_calibrating_replaces_what_calibrated_and_no_id_depends_on_it(meter, tmp_path):
    own = [hours_of_a_meter(70), hours_of_a_meter(71)]
    made = calibrate(meter.folder, own, out=tmp_path / "mine")
    normal = saved(tmp_path / "normal", [0, 4, 70, 71])
    known = evaluate(made, normal, Clips(())).known_normal
    names = [clip.name for clip in normal.clips]
    assert known.trained == (names[0],) and known.calibrated == (names[2], names[3])
    bare = dataclasses.replace(made, provenance={})
    assert (bare.id, bare.score_id) == (made.id, made.score_id) and bare.canonical_bytes != made.canonical_bytes
    assert anomsdk.plan(tmp_path / "mine") == made

    many = entries_of("calibrated", [f"{i:064x}"[::-1] for i in range(200)])  # in three entries
    for path in (tmp_path / "mine").iterdir():
        if path.name == "calibration.json":
            tree = json.loads(path.read_text())
            path.write_text(json.dumps(tree | {"provenance": tree["provenance"] | many}))
    fewer = calibrate(tmp_path / "mine", own, out=tmp_path / "fewer")
    assert known_recordings(fewer.provenance) == known_recordings(made.provenance)


def test_a_level_that_rests_on_what_trained_is_said(meter, tmp_path):
    lines = []
    calibrate(meter.folder, [hours_of_a_meter(0), hours_of_a_meter(70)], out=tmp_path / "mine", report=lines.append)
    assert "1 of 2 recordings also trained the model, which knows them: the level may be too low" in lines
    calibrate(meter.folder, [hours_of_a_meter(70)], out=tmp_path / "other", report=lines.append)
    assert sum("also trained" in line for line in lines) == 1


def test_a_plan_that_says_nothing_is_said_to(meter, tmp_path):
    silent = dataclasses.replace(meter, provenance={"trained_from": "0" * 32})
    found = evaluate(silent, saved(tmp_path / "normal", [0, 1]), Clips(()))
    assert "does not say which recordings it was trained on" in as_text(found)
    assert as_json(found)["made_from"]["known"] is False


def test_many_recordings_are_counted_though_not_all_are_listed(meter, tmp_path):
    samples = survey(Clips(saved(tmp_path / "normal", [0, 1, 2]).clips))[1]
    digests = [f"{i:064x}"[::-1] for i in range(6000)] + [facts.digest for facts in samples]
    entries = {purpose: entries_of(purpose, digests) for purpose in PURPOSES}
    together = {key: text for part in entries.values() for key, text in part.items()} | dict(meter.provenance)
    plan = dataclasses.replace(meter, provenance=entries["trained"])
    plan.check()
    dataclasses.replace(meter, provenance=together).check()
    known = known_recordings(entries["trained"])
    assert known.counts["trained"] == 6003 and 1900 < len(known.listed["trained"]) < 6003 and not known.is_whole
    lowest = min(digests)
    assert known.purposes(lowest) == ("trained",) and known.purposes(max(digests)) == ()
    assert "made from more recordings than it lists" in as_text(
        evaluate(plan, open_clips(tmp_path / "normal", StreamFormat(10, kind="external", columns=3)), Clips(()))
    )


@pytest.mark.parametrize("value", ["", "many", "-1 recordings", "9" * 400])
def test_a_provenance_that_others_wrote_says_nothing(value):
    known = known_recordings({"trained_on": value, "trained_on_xx": "AAAAAA", "chosen_on_00": "AB"})
    assert known.counts["trained"] == 0 and known.purposes("0" * 64) == ()


def test_inspect_counts_them(meter):
    provenance = describe(meter)["provenance"]
    assert provenance["trained_on"] == "4 recordings" and provenance["calibrated_on"] == "2 recordings"
    assert not any(key.endswith("_00") for key in provenance) and "trained_on_00" not in described(describe(meter))


def test_diff_says_it_of_either_plan(meter, tmp_path):
    calibrate(meter.folder, [hours_of_a_meter(70), hours_of_a_meter(71)], out=tmp_path / "mine")
    new = anomsdk.read_plan(tmp_path / "mine" / "plan.json")
    normal = saved(tmp_path / "normal", [0, 4, 70, 8])
    found = compare.diff(meter, new, normal)
    text, tree = compare.as_text(found), compare.as_json(found)
    assert "2 of 4 normal recordings trained or calibrated the old plan: figures on them are not evidence" in text
    assert "2 of 4 normal recordings trained or calibrated the new plan: figures on them are not evidence" in text
    assert "without them: 1 recording" in text and "without recordings that made a plan" in text
    assert tree["made_from"]["new"]["normal"]["calibrated"] == (normal.clips[2].name,)
    alone = compare.diff(meter, new, Clips(normal.clips[3:]))
    assert found.unknown.old == alone.old_rate and found.unknown.change == alone.rate_change
    assert alone.unknown is None and "evidence" not in compare.as_text(alone)


def test_rates_of_a_difference_have_one_unit(tmp_path):
    plan = anomsdk.plan(make_folder(tmp_path, EXTERNAL, raise_score=8000))
    quiet = [np.random.default_rng(i).integers(-20, 20, (36_000, 6)).astype(np.int16) for i in range(2)]
    clips = Clips(tuple(clip_from_array(f"a{i}", i, x, kind="external", rate_hz=10) for i, x in enumerate(quiet)))
    other = dataclasses.replace(plan, levels=levels(9000, plan.timing))
    found = compare.diff(plan, other, clips)
    weeks = dataclasses.replace(found, old_rate=poisson_rate(0, 240), new_rate=poisson_rate(0, 240))
    assert re.search(r"^false alarms a week, old +0 +0 +2\.6 ", compare.as_text(weeks), re.M)


# --- specs that are copied


def test_the_spec_of_a_reference_model_carries_nothing_of_its_recordings():
    for name in reference_model_names():
        folder = reference_models_folder() / name
        spec = PipelineSpec.from_file(folder / "spec.toml")
        assert spec.alert.raise_score == "calibrated", name
        assert spec.score.baseline_s in (0.0, "chosen"), f"{name}: a time constant is of its place"
        assert "chosen from the recordings" not in (folder / "spec.toml").read_text()
        plan = anomsdk.plan(folder)
        assert plan == reference_model(name) and plan.canonical_bytes == (folder / "plan.json").read_bytes()
    assert reference_model("audio_scene").baseline.is_on, "4 s, as calibration.json says"


def test_chosen_is_what_training_chose_and_nothing_that_somebody_gave(meter, tmp_path):
    text = (meter.folder / "spec.toml").read_text()
    assert re.search(r"^baseline_s = [\d.]+ ", text, re.M), "of its own recordings it says the number"
    again = tmp_path / "again"
    again.mkdir()
    for path in meter.folder.iterdir():
        (again / path.name).write_bytes(path.read_bytes())
    (again / "spec.toml").write_text(re.sub(r"^baseline_s = .*$", 'baseline_s = "chosen"', text, flags=re.M))
    assert anomsdk.plan(again).id == meter.id
    made = calibrate(again, [hours_of_a_meter(70), hours_of_a_meter(71)], out=tmp_path / "mine")
    assert made.id == calibrate(meter.folder, [hours_of_a_meter(70), hours_of_a_meter(71)], out=tmp_path / "too").id
    tree = json.loads((again / "calibration.json").read_text())
    for damage, words in (
        (lambda t: t["provenance"].pop("baseline_s"), 'still "chosen"'),
        (lambda t: t["signal"]["score"].update(baseline_s="chosen"), "is no number of seconds"),
        (lambda t: t["signal"].update(score=5), "is no number of seconds"),
        (lambda t: t["signal"]["score"].update(baseline_s=-1), "is no number of seconds"),
    ):
        damaged = json.loads(json.dumps(tree))
        damage(damaged)
        (again / "calibration.json").write_text(json.dumps(damaged))
        with pytest.raises(InputError, match=words):
            anomsdk.plan(again)


def test_reference_models_know_the_recordings_that_made_them():
    data = ROOT.parent / "shared" / "data" / "umafall_dev.npz"
    counts = {name: known_recordings(reference_model(name).provenance).counts for name in reference_model_names()}
    assert counts == {
        "audio_scene": {"trained": 120, "calibrated": 40, "chosen": 0},
        "cattle_collar": {"trained": 160, "calibrated": 100, "chosen": 0},
        "human_motion": {"trained": 187, "calibrated": 85, "chosen": 0},
        "cattle_days": {"trained": 2, "calibrated": 1, "chosen": 0},
        "person_days": {"trained": 27, "calibrated": 10, "chosen": 0},
    }
    if data.exists():
        plan = reference_model("human_motion")
        reading = ReadOptions(unit="g", axes=("waist_ax", "waist_ay", "waist_az"))
        found = open_clips(f"{data}:is_fall_recording=0", StreamFormat.of(plan.sensor, plan.columns), reading=reading)
        known = known_recordings(plan.provenance)
        facts = survey(found)[1]
        assert len(facts) == 272 and all(known.purposes(each.digest) for each in facts)


# --- two plans, and what is too short


def test_recordings_too_short_to_judge_are_named_by_diff(tmp_path, collar):
    slow = COLLAR.replace("m = 1\nn = 1", "m = 2\nn = 2\non_delay_s = 1")
    patient = make_collar(tmp_path / "slow", slow)  # 3 s before it can raise
    odd = motion_clips(shaken(90), shaken(90, 1), rest(90, 2), shaken(24, 3), rest(12, 4), name="b")
    found = compare.diff(collar, patient, motion_clips(rest(300), rest(300, 1)), odd)
    detection = found.detection
    assert (detection.n, detection.n_old, detection.n_short_old) == (4, 3, 0), "12 samples give neither plan a tick"
    assert (detection.n_new, detection.n_short_new, detection.judged.n) == (2, 1, 3)
    text = compare.as_text(found)
    assert row(text, "anomalous recordings found, old ").endswith("3 of 4")
    assert row(text, "anomalous recordings found, new ").endswith("2 of 4; 1 of the 2 missed too short to judge")
    assert row(text, "anomalous recordings found, new, judged recordings only").endswith("2 of 3")
    tree = json.loads(json.dumps(compare.as_json(found)))["detection"]
    assert tree["n_short_new"] == 1 and tree["judged"]["new"]["value"] == pytest.approx(2 / 3)
    same = compare.diff(collar, collar, motion_clips(rest(300), rest(300, 1)), motion_clips(shaken(90), name="b"))
    assert same.detection.judged is None and "to judge" not in compare.as_text(same)


def test_a_limit_that_is_exceeded_does_not_read_as_kept():
    from anomsdk.compare.report_text import failed_limits

    assert failed_limits([compare.Judgement("change", 1.00001, 1.0)]) == "change: 1.00001, at most 1"
    assert failed_limits([compare.Judgement("change", 2.3456789, 1.0)]) == "change: 2.346, at most 1"
