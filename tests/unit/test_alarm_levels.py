"""Where the alarm level lies on normal recordings, what set it there, and what it is worth."""

from itertools import pairwise

import numpy as np
import pytest

import anomsdk
from anomsdk.core.alert import Alert
from anomsdk.core.baseline import Baseline
from anomsdk.core.event import State
from anomsdk.core.rung import Rung, levels
from anomsdk.planner.alert import timing_plan
from anomsdk.planner.score import baseline_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources.clips import clip_from_array
from anomsdk.sources.dropouts import ConstantCutter
from anomsdk.train.alarm_levels import (
    alarm_levels_from,
    alarms_at,
    at_most,
    first_tick_s,
    place_alarm_level,
    tolerated_of,
)
from anomsdk.train.alarm_simulation import ScoredPiece
from anomsdk.train.data.corpus import gather
from tests.support.command_line import anomsdk_command

TEXT = """
format = 1
name = "rows"
sensor = {kind = "external", rate_hz = 10}
features = {kind = "external", n_features = 2}
context = {kind = "stack", frames = 2}
"""


def spec_of(baseline_s=0, hold_s=60, **alert):
    tree = PipelineSpec.from_toml(TEXT).model_dump()
    return PipelineSpec.from_dict(
        {**tree, "score": {"baseline_s": baseline_s, "baseline_hold_s": hold_s}, "alert": alert}
    )


ALERTS = {
    "one tick": {"m": 1, "n": 1, "off_delay_s": 0, "cooldown_s": 0},
    "votes": {"m": 2, "n": 5, "on_delay_s": 0.3, "off_delay_s": 0.5, "cooldown_s": 2, "clear_ratio": 0.5},
    "high": {"m": 3, "n": 3, "on_delay_s": 1, "off_delay_s": 0.2, "cooldown_s": 5, "high_ratio": 1.5},
    "long": {"m": 1, "n": 1, "off_delay_s": 300, "cooldown_s": 0},
    "no high": {"m": 2, "n": 2, "high_ratio": 0, "off_delay_s": 1, "cooldown_s": 1},
}


def herd(seed, n=3, ticks=120):
    """Scores with bursts, of recordings of several lengths."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        scores = rng.gamma(2, 50, ticks + 10 * i)
        for at in rng.integers(0, len(scores), 4):
            scores[at : at + rng.integers(1, 12)] *= rng.uniform(2, 8)
        found.append(ScoredPiece(f"recording {i}", f"day {i % 2}", 0.0, scores.astype(np.uint32)))
    return found


def life_cycle(pieces, spec, level, start):
    """(recording, tick) of the alarms, tick by tick, with the reference rung of the plan that they are calibrated for."""
    timing = timing_plan(spec)
    table = alarm_levels_from([piece.scores for piece in pieces], spec)[1]
    reference = table.raise_score(timing.m, timing.n, timing.on_delay, timing.high_ratio_q16 / 65536)
    plan = baseline_plan(start, baseline_s=spec.score.baseline_s, hold_s=spec.score.baseline_hold_s, tick_s=spec.tick_s)
    found = []
    for piece in pieces:
        alert, baseline = Alert(timing, levels(level, timing), 0), Baseline(plan)
        rung = Rung(timing, levels(reference, timing), cooldown=0)
        for tick, raw in enumerate(piece.scores.tolist()):
            events = alert.step(baseline.above(raw), tick)
            rung.step(baseline.above(raw))
            baseline.follow(raw, alarm=rung.in_alarm)
            if events and events[0].state == State.UNACK_ALARM:
                found.append((piece.recording, tick))
    return found


def one_of_each(pieces, spec, start, tried):
    """Levels of a range of which no two part the scores alike: at all others the alarms are those of one of these."""
    plan = baseline_plan(start, baseline_s=spec.score.baseline_s, hold_s=spec.score.baseline_hold_s, tick_s=spec.tick_s)
    scores = np.unique(np.concatenate([Baseline(plan).run(piece.scores) for piece in pieces]))
    three = [levels(level, timing_plan(spec)) for level in tried]
    parted = [np.searchsorted(scores, [of.raise_score, of.clear_score, of.high_score]) for of in three]
    return [tried[first] for first in np.unique(parted, axis=0, return_index=True)[1]]


def start_of(pieces, spec):
    return alarm_levels_from([piece.scores for piece in pieces], spec)[0]


@pytest.mark.parametrize("baseline_s", [0, 3])
@pytest.mark.parametrize("alert", list(ALERTS))
def test_alarms_are_counted_as_the_life_cycle_raises_them(alert, baseline_s):
    for seed in range(4):
        spec, pieces = spec_of(baseline_s, hold_s=seed % 2, **ALERTS[alert]), herd(seed)
        start = start_of(pieces, spec)
        for level in (1, 60, 150, 300, 500, 900):
            expected = life_cycle(pieces, spec, level, start)
            found = [(at.recording, round(at.second * 10)) for at in alarms_at(pieces, spec, level)]
            assert found == expected, (seed, level)


@pytest.mark.parametrize("baseline_s", [0, 3])
@pytest.mark.parametrize("alert", [name for name in ALERTS if name != "long"])
def test_the_level_is_the_lowest_that_keeps_to_the_alarms_that_are_tolerated(alert, baseline_s):
    spec, pieces = spec_of(baseline_s, **ALERTS[alert]), herd(7)
    start, table = alarm_levels_from([piece.scores for piece in pieces], spec)
    found = [place_alarm_level(pieces, spec, k) for k in range(5)]
    timing = timing_plan(spec)
    ratio = timing.high_ratio_q16 / 65536
    assert found[0].raise_score == table.raise_score(timing.m, timing.n, timing.on_delay, ratio)
    assert all(one.raise_score >= other.raise_score for one, other in pairwise(found))
    assert found[4].raise_score < found[0].raise_score
    for k, each in enumerate(found):
        counted = life_cycle(pieces, spec, each.raise_score, start)
        assert len(counted) <= k
        assert [(at.recording, round(at.second * 10)) for at in each.tolerated] == counted
    lower = range(found[2].raise_score - 1, 0, -1)
    more = next(level for level in lower if len(life_cycle(pieces, spec, level, start)) > 2)
    assert found[2].raise_score - more == 1, "one lower, and it is one too many"
    for level in one_of_each(pieces, spec, start, range(found[2].raise_score, found[0].raise_score)):
        assert len(life_cycle(pieces, spec, level, start)) <= 2, "no level above it has more"


def test_an_alarm_that_never_ends_is_no_one_alarm():
    spec = spec_of(**ALERTS["long"])
    scores = np.full(1000, 100, np.uint32)
    scores[10] = 5000
    (one,) = pieces = [ScoredPiece("a", "a", 0.0, scores)]
    found = place_alarm_level(pieces, spec, 3)
    assert found.raise_score == 5001 and found.tolerated == ()
    calm = [ScoredPiece(str(i), "b", 0.0, np.full(900, 50, np.uint32)) for i in range(3)]
    assert place_alarm_level([one, *calm], spec, 1).raise_score == 51, "of the whole time it is up for little"


def test_the_recording_and_the_second_that_set_the_level_are_named():
    spec, pieces = spec_of(m=1, n=1), herd(1)
    scores = pieces[2].scores.copy()
    scores[100] = 9000
    pieces[2] = ScoredPiece("bus.wav", "day 1", first_tick_s(spec, 100), scores)
    found = place_alarm_level(pieces, spec)
    without = place_alarm_level([piece for piece in pieces if piece.recording != "bus.wav"], spec).raise_score
    assert str(found.set_by) == "bus.wav at 0:00:20.2", (
        "100 rows, the two of its first tick, and 100 more, of 0.1 s each"
    )
    assert found.without == without < 0.8 * 9001
    line = next(line for line in found.lines(0, "external", found.raise_score) if line.startswith("set by"))
    assert f"without this recording the level would be {without:,}, {without / 9001:.2g} of it: one recording" in line


def test_no_recording_decides_where_another_says_nearly_the_same():
    same = [ScoredPiece(name, name, 0.0, np.array([5, top], np.uint32)) for name, top in (("a", 1000), ("b", 990))]
    lines = list(place_alarm_level(same, spec_of(m=1, n=1)).lines(0, "audio", 1001))
    assert any("the level would be 991, 0.99 of it" in line for line in lines)
    assert not any("decides" in line or "one group" in line for line in lines)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("motion", "of one wearer (or animal): levels that single people of SisFall"),
        ("audio", "of one place or day; calibrate on several"),
    ],
)
def test_what_one_group_is_worth_is_said(kind, words):
    """Three recordings of one person or day."""
    pieces = [ScoredPiece(str(i), "anna", 0.0, np.arange(1, 99, dtype=np.uint32)) for i in range(3)]
    assert any(words in line for line in place_alarm_level(pieces, spec_of()).lines(0, kind, 1))


@pytest.mark.parametrize(
    ("alarms", "hours", "words"),
    [
        (0, 0.029, "103 alarms an hour"),
        (0, 1.0, "3.0 alarms an hour"),
        (3, 24, "7.8 alarms a day"),
        (0, 240, "2.1 alarms a week"),
        (0, 9000, "2.9 alarms a year"),
        (1, 100_000, "0.42 alarms a year"),
    ],
)
def test_the_bound_is_exact_and_never_nought(alarms, hours, words):
    """Garwood's upper bounds of 0, 1 and 3 at 95 %, one-sided: 2.996, 4.744 and 7.754."""
    assert at_most(alarms, hours) == words


def rows(seed, odd=()):
    x = np.random.default_rng(seed).normal(0, 100, (3000, 2))
    for at in odd:
        x[at : at + 3] += 1500
    return x.round().astype(np.int16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    spec = PipelineSpec.from_toml(
        TEXT + "model = {max_macs = 40}\nalert = {m = 1, n = 1, off_delay_s = 1, cooldown_s = 1}"
    )
    return anomsdk.train.fit(spec, [rows(i) for i in range(5)], out=tmp_path_factory.mktemp("t") / "rows").folder


def alarms_of(plan, recordings):
    found = 0
    for each in recordings:
        with anomsdk.Pipeline(plan) as pipeline:
            found += sum(e.state == State.UNACK_ALARM for r in pipeline.process(each) for e in r.events)
    return found


def test_calibrate_tolerates_alarms_and_the_plan_raises_just_these(folder, tmp_path):
    own, lines = [rows(10, odd=(500, 2000)), rows(11, odd=(1000,)), rows(12)], []
    strict = anomsdk.train.calibrate(folder, own, out=tmp_path / "0")
    made = anomsdk.train.calibrate(folder, own, out=tmp_path / "3", tolerate=3, report=lines.append)
    assert made.levels.raise_score < strict.levels.raise_score / 5
    assert (alarms_of(strict, own), alarms_of(made, own)) == (0, 3)
    assert any(line.startswith("tolerated: recording 0 at 0:00:50.") and line.count("recording") == 3 for line in lines)
    assert any(line.startswith("3 alarms in 0.25 h of 3 calibration recordings at an alarm level of") for line in lines)
    assert anomsdk.plan(tmp_path / "3").id == made.id


def test_a_level_that_tolerates_alarms_holds_for_the_alert_that_it_was_counted_with(folder, tmp_path):
    anomsdk.train.calibrate(folder, [rows(10, odd=(500, 2000)), rows(11)], out=tmp_path / "own", tolerate=2)
    path = tmp_path / "own" / "spec.toml"
    text = path.read_text()
    path.write_text(text.replace("cooldown_s = 1", "cooldown_s = 7"))
    assert path.read_text() != text
    with pytest.raises(
        anomsdk.InputError, match=r"alert\.cooldown_s is 7, but .* 2 alarms was counted at 1: calibrate"
    ):
        anomsdk.plan(tmp_path / "own")
    path.write_text(path.read_text().replace('raise_score = "calibrated"', "raise_score = 1234"))
    assert anomsdk.plan(tmp_path / "own").levels.raise_score == 1234


def test_train_tolerates_alarms_too(tmp_path):
    spec = PipelineSpec.from_toml(
        TEXT + "model = {max_macs = 40}\nalert = {m = 1, n = 1, off_delay_s = 1, cooldown_s = 1}"
    )
    own, lines = [rows(10, odd=(500, 2000)), rows(11)], []
    options = anomsdk.train.Options(tolerate=2)
    made = anomsdk.train.fit(
        spec, [rows(i) for i in range(4)], calibration=own, out=tmp_path / "r", options=options, report=lines.append
    )
    assert alarms_of(made, own) == 2
    assert any(line.startswith("tolerated: calibration recording 0 at 0:00:50.") for line in lines)


@pytest.mark.parametrize("tolerate", [-1, 1001])
def test_no_such_number_of_alarms(folder, tmp_path, tolerate):
    with pytest.raises(anomsdk.InputError, match=r"`tolerate=-?[0-9]+`: give 0 to 1000 alarms"):
        anomsdk.train.calibrate(folder, [rows(10)], out=tmp_path / "own", tolerate=tolerate)
    with pytest.raises(anomsdk.InputError, match=r"`tolerate=-?[0-9]+`: give 0 to 1000 alarms"):
        anomsdk.train.Options(tolerate=tolerate).check()


def test_a_level_that_a_person_set_is_not_taken_for_that_of_the_recordings():
    found = place_alarm_level(herd(2), spec_of())
    first, second, *_ = found.lines(0, "audio", 77)
    assert first == "the alarm level is 77, as alert.raise_score says; the recordings would have set another one:"
    assert f"at an alarm level of {found.raise_score:,}" in second


def test_nothing_is_said_of_toleration_where_none_was_asked():
    spec, pieces = spec_of(), herd(2)
    found = place_alarm_level(pieces, spec)
    assert tolerated_of(found, spec, 0) is None
    assert not any("tolerated" in line for line in found.lines(0, "audio", found.raise_score))


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
@pytest.mark.parametrize("shortest", [None, 4])
def test_the_start_of_each_piece_is_known_however_the_stream_is_cut(size, shortest):
    """Constant stretches that were cut out, and samples that are missing in gaps, count."""
    rng = np.random.default_rng(3)
    stream = np.concatenate(
        [
            part
            for _ in range(30)
            for part in (rng.integers(-99, 99, rng.integers(1, 30)), np.full(rng.integers(1, 9), 7))
        ]
    ).astype(np.int16)
    cutter, found, gap_at, missing = ConstantCutter(shortest), [], 300, 40
    for start in range(0, len(stream), size):
        block, before = stream[start : start + size], max(0, gap_at - start)
        if start <= gap_at < start + size:
            found += cutter.push(block[:before])
            found += cutter.gap(missing)
            block = block[before:]
        found += cutter.push(block)
    found += cutter.finish()
    pieces: list[list[np.ndarray]] = []
    for new_piece, samples in found:
        if new_piece:
            pieces.append([])
        pieces[-1].append(samples)
    assert len(cutter.starts) == len(pieces) > (10 if shortest else 1)
    for start, piece in zip(cutter.starts, map(np.concatenate, pieces), strict=True):
        place = start if start < gap_at else start - missing
        assert np.array_equal(stream[place : place + len(piece)], piece)
    assert any(start >= gap_at + missing for start in cutter.starts)


def test_training_knows_when_each_piece_of_a_recording_begins():
    spec = spec_of()
    clip = clip_from_array("a", "a", rows(1)[:1000], kind="external", rate_hz=10)
    (whole,) = gather(spec, [clip], seed=0, excerpts=0).recordings
    assert whole.starts == (0,)
    parts = gather(spec, [clip], seed=0, excerpts=0, segment_s=30).recordings
    assert [part.starts for part in parts] == [(0,), (300,), (600,), (900,)]
    audio = PipelineSpec.from_dict({
        "format": 1, "name": "a", "sensor": {"kind": "audio", "rate_hz": 8000}, "context": {"kind": "stack", "frames": 1},
        "features": {"kind": "bands", "fft_length": 64, "hop_length": 64, "n_bands": 4, "fmin_hz": 200, "fmax_hz": 4000,
                     "band_hops": 2},
    })  # fmt: skip
    sound = np.random.default_rng(0).integers(-999, 999, 20_000).astype(np.int16)
    sound[5000:9000] = 3
    (recorded,) = gather(audio, [clip_from_array("b", "b", sound, rate_hz=8000)], seed=0, excerpts=0).recordings
    assert recorded.starts == (0, 9000) and len(recorded.pieces) == 2
    assert first_tick_s(audio, 9000) == (9000 + 128) / 8000


def test_calibrate_groups_files_and_tolerates_alarms_on_the_command_line(folder, tmp_path):
    """What people type: sub-folders or --group file say what belongs together."""
    normal = tmp_path / "normal"
    normal.mkdir()
    for name, each in {"a": rows(10, odd=(500, 2000)), "b": rows(11)}.items():
        np.save(normal / f"{name}.npy", each)
    ended = anomsdk_command("calibrate", folder, "--normal", normal, "--out", tmp_path / "own", "--tolerate", "2")
    assert ended.status == 0 and "\ntolerated: a.npy at 0:00:50." in ended.stdout and "one group" not in ended.stdout
    (normal / "b.npy").unlink()
    ended = anomsdk_command("calibrate", folder, "--normal", normal, "--out", tmp_path / "two", "--group", "file")
    assert ended.status == 0 and "\none recording is all there is: the level is that of one source" in ended.stdout
