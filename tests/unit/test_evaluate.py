"""Evaluating a plan: what counts as found, what is mixed in, and what the command prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import anomsdk
from anomsdk.cli import app as cli
from anomsdk.errors import InputError
from anomsdk.evaluate import as_html, as_json, as_text, evaluate, mixed, open_marked
from anomsdk.evaluate.clip_scores import ScoredClip, event_window, samples_to_decide, score_clip
from anomsdk.evaluate.figures import figures_of
from anomsdk.runtime.engines import default_engine
from anomsdk.runtime.engines.tflite import why_missing
from anomsdk.sources.clips import Clips, clip_from_array
from anomsdk.sources.stream_format import StreamFormat
from anomsdk.stats.intervals import exact
from anomsdk.synthetic.mixing import loudest_piece, parse_snr
from tests.support.make import EXTERNAL, make_folder, make_plan, noise

RATE = 16_000
JSON_KEYS = {"auc", "pauc", "sensitivity_at_fa_per_hour", "normal_hours", "n_normal", "n_anomalous"}


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    """Rows at 10 Hz: rest scores far below the alarm level, 3 loud rows far above; 3 of 5, no high level."""
    folder = tmp_path_factory.mktemp("meter")
    text = EXTERNAL.replace("[alert]", "[alert]\nhigh_ratio = 0")
    return anomsdk.plan(make_folder(folder, text, raise_score=8000))


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return make_plan(tmp_path_factory.mktemp("room"), "bands")


def rows(n, loud=(), *, seed=0):
    """Rows at rest, loud from a to b."""
    values = np.random.default_rng(seed).integers(-20, 20, (n, 6)).astype(np.int16)
    for start, stop in loud:
        values[start:stop] += 6000
    return values


def rest(*samples, groups=None, name="a", rate_hz=10.0):
    groups = groups or range(len(samples))
    return Clips(
        tuple(
            clip_from_array(f"{name}{i}", f"{name}{g}", x, kind="external", rate_hz=rate_hz)
            for i, (x, g) in enumerate(zip(samples, groups, strict=True))
        )
    )


def sound(*samples, groups=None, name="a"):
    groups = groups or range(len(samples))
    return Clips(
        tuple(
            clip_from_array(f"{name}{i}", f"{name}{g}", x) for i, (x, g) in enumerate(zip(samples, groups, strict=True))
        )
    )


def scored(peak, *, group="g", raised=(), event=None, seconds=3600.0, snr=None):
    return ScoredClip("c", group, seconds, np.array([1, peak], np.uint32), np.array([1.0, 2.0]), raised, event, snr)


# --- scores and alarms


def test_scores_are_those_of_fresh_pipelines_piece_by_piece(room):
    """Guards a pipeline that is not started afresh, and scores across what was cut out."""
    parts = [noise(30_000, seed=1), noise(900, seed=2), noise(40_000, seed=3)]
    silence = np.zeros(5000, np.int16)
    clip = sound(np.concatenate([parts[0], silence, parts[1], silence, parts[2]])).clips[0]
    found = score_clip(room, clip.blocks(), "a", "g")
    assert room.ticks_in(900) == 0
    wanted = [anomsdk.score(room, parts[0]), anomsdk.score(room, parts[2])]
    assert np.array_equal(found.scores, np.concatenate(wanted))
    assert found.peak == max(part.max() for part in wanted)
    ticks_s = sum(map(len, wanted)) * room.samples_per_tick / RATE
    assert found.seconds == ticks_s < 70_000 / RATE, "neither the short piece nor what fills a context was judged"
    with anomsdk.Pipeline(room) as pipeline:
        first = pipeline.process(parts[0])
    hop, window = room.framer.hop, room.framer.window
    ends = [(result.hop * hop + window) / RATE for result in first]
    assert found.times_s[: len(first)].tolist() == ends
    assert found.times_s[len(first)] == (30_900 + room.samples_to_first_tick) / RATE
    assert found.times_s[-1] <= 70_900 / RATE


def test_alarms_are_those_of_the_plan_and_timed_at_the_end_of_their_tick(meter):
    clips = rest(rows(100, [(50, 53)]), rows(100, [(50, 80)], seed=1), rows(100, [(50, 51)], seed=2))
    found = [score_clip(meter, clip.blocks(), "a", "g") for clip in clips.clips]
    assert max(found[0].scores[: 50 - 2]) < meter.levels.clear_score
    # The third tick with a loud row is the third hit of 3 of 5: it ends with row 52.
    assert [clip.raised_s for clip in found] == [(5.3,), (5.3,), (5.3,)]
    short = score_clip(meter, rest(rows(2)).clips[0].blocks(), "a", "g")
    assert short is None


def test_an_event_lasts_until_the_plan_can_have_decided(meter):
    assert samples_to_decide(meter) == meter.samples_to_first_tick + 2 * meter.samples_per_tick == 5
    assert event_window(meter, 50, 53) == (5.0, 5.8)
    (clip,) = rest(rows(200, [(50, 51), (150, 151)])).clips
    for event, inside, delay in (
        ((50, 51), (5.3,), 0.3),
        ((48, 49), (5.3,), 0.5),  # its window ends at 5.4
        ((47, 48), (5.3,), 0.6),  # at 5.3 exactly
        ((46, 47), (), None),  # at 5.2
        ((53, 160), (15.3,), 10.0),  # 5.3 is where it starts: too early to be its own
    ):
        found = score_clip(meter, clip.blocks(), "a", "g", event_s=event_window(meter, *event))
        assert found.raised_s == (5.3, 15.3)
        assert found.inside_s == inside and found.time_to_detect_s == pytest.approx(delay), event


def test_precision_recall_and_time_are_of_alarms_not_of_points():
    normal = [scored(5, group="a", raised=(1.0,)), scored(3, group="b", seconds=1800.0)]
    odd = [
        scored(9, group="a", raised=(0.5, 2.0, 2.2), event=(1.0, 3.0)),  # one before it, two in it
        scored(7, group="b", raised=(4.0,), event=(1.0, 3.0)),  # too late
        scored(4, group="c", raised=(3.0,)),  # the whole clip is the event
    ]
    found = figures_of(normal, odd)
    assert (found.n_found, found.n_alarms, found.n_false_alarms, found.n_groups) == (2, 6, 1, 3)
    assert found.precision.value == pytest.approx(3 / 6)
    assert found.recall.value == pytest.approx(2 / 3)
    assert found.time_to_detect_s.value == 1.0, "of the one that says when it is, and was found"
    assert (found.n_timed, found.n_timed_found) == (2, 1)
    assert found.normal_hours == 1.5 and found.false_alarms_per_hour.value == pytest.approx(1 / 1.5)
    assert found.false_alarms_per_hour.high == pytest.approx(5.5716 / 1.5, rel=1e-4)
    assert found.auc.value == pytest.approx(5 / 6)
    assert found.sensitivity_at_fa_per_hour["1"].value == pytest.approx(1.0), "one alarm in 1.5 h: above 3"
    assert found.sensitivity_at_fa_per_hour["0.1"].value == pytest.approx(2 / 3), "none: above 5"


def test_figures_of_a_plan_whose_scores_are_known(meter):
    normal = rest(*(rows(3000, seed=i) for i in range(4)))
    odd = rest(*(rows(100, [(50, 60)], seed=9 + i) for i in range(3)), rows(100, seed=20), rows(2), name="b")
    found = evaluate(meter, normal, odd)
    figures = found.figures
    assert (figures.n_normal, figures.n_anomalous, figures.n_groups) == (4, 4, 8)
    assert found.left_out_anomalous.too_short == ("b4",) and found.left_out_anomalous.n == 1
    assert figures.normal_hours == pytest.approx(4 * meter.ticks_in(3000) * meter.samples_per_tick / 10 / 3600)
    assert figures.recall.value == 0.75 and figures.precision.value == 1.0
    assert figures.time_to_detect_s.value is None, "no event says when it is"
    assert "time to detect" not in as_text(found)
    assert 0.75 <= figures.auc.value <= 1.0 and figures.false_alarms_per_hour.value == 0.0
    assert [len(clip.scores) for clip in found.normal] == [2998] * 4


def test_engines_agree(meter):
    if why := why_missing():
        pytest.skip(f"engine tflite: {why}")
    sides = rest(rows(300), rows(300, seed=1)), rest(rows(100, [(50, 60)]), rows(99, [(40, 60)]), name="b")
    one, two = (as_json(evaluate(meter, *sides, engine=engine)) for engine in ("reference", "tflite"))
    assert one.pop("engine") != two.pop("engine") and one == two


# --- mixing


@pytest.mark.parametrize("snr", [20.0, 0.0, -12.5])
@pytest.mark.parametrize("length", [100, 9_000, RATE, 3 * RATE])
def test_the_ratio_of_a_mix_is_the_one_that_was_asked_for(snr, length):
    scene = np.random.default_rng(0).normal(0, 300, 5 * RATE).round().astype(np.int16)
    event = np.random.default_rng(1).normal(0, 2000, length).round().astype(np.int16)
    samples, start, stop = mixed(scene, event, snr, np.random.default_rng(2))
    assert stop - start == min(length, RATE)
    outside = np.r_[0:start, stop : len(scene)]
    assert np.array_equal(samples[outside], scene[outside])
    there = scene[start:stop].astype(float)
    added = samples[start:stop] - there
    assert 10 * np.log10(np.mean(added**2) / np.mean(there**2)) == pytest.approx(snr, abs=0.02)


@pytest.mark.parametrize("snr", [40, 20, 0])
def test_in_silence_the_ratio_is_to_one_step(snr):
    """A scene that is silent has no power: one step squared stands for it, and the event is there."""
    scene = np.zeros(3 * RATE, np.int16)
    event = 1000 * np.where(np.arange(RATE) % 2, 1, -1).astype(np.int16)
    samples, start, stop = mixed(scene, event, snr, np.random.default_rng(2))
    assert set(np.abs(samples[start:stop]).tolist()) == {round(10 ** (snr / 20))}
    assert not samples[:start].any() and not samples[stop:].any()
    faint = np.ones(3 * RATE, np.int16)  # its power and the step are of one size
    samples, start, stop = mixed(faint, event, 20, np.random.default_rng(2))
    assert set((samples[start:stop] - 1).tolist()) == {14, -14}


def test_a_silent_event_leaves_the_scene_as_it_is():
    scene = np.random.default_rng(0).integers(-500, 500, 2 * RATE).astype(np.int16)
    assert np.array_equal(mixed(scene, np.zeros(RATE, np.int16), 20, np.random.default_rng(0))[0], scene)


def test_the_place_of_a_mix_is_any_that_fits():
    event = np.array([1000], np.int16)
    places = {mixed(np.zeros(4, np.int16), event, 20, np.random.default_rng(seed))[1] for seed in range(60)}
    assert places == {0, 1, 2}


def test_the_loudest_second_is_mixed_and_saturates():
    scene = np.random.default_rng(0).integers(-500, 500, 4 * RATE).astype(np.int16)
    event = np.ones(5 * RATE, np.int16)
    event[RATE * 2 : RATE * 3] = 1000 * np.sign(np.cos(np.arange(RATE)))
    samples, start, stop = mixed(scene, event, 10, np.random.default_rng(0))
    added = samples[start:stop].astype(int) - scene[start:stop]
    assert np.corrcoef(added, event[RATE * 2 : RATE * 3])[0, 1] > 0.999
    loud = mixed(np.full(RATE, 20_000, np.int16), event, 20, np.random.default_rng(0))[0]
    assert set(np.unique(loud)) <= {-32768, 32767}, "no wrapping around"
    assert np.array_equal(mixed(scene, event, 10, np.random.default_rng(0))[0], samples), "reproducible"
    assert mixed(scene, event, 10, np.random.default_rng(1))[1] != start, "the place is random"
    assert mixed(scene[:50], event, 0, np.random.default_rng(1))[1:] == (0, 50), "as much as fits"
    quiet = [event[:100], event[2 * RATE : 2 * RATE + 50], event[: 2 * RATE - 1]]
    assert loudest_piece(quiet, RATE) is quiet[1]


def test_every_event_is_mixed_into_scenes_in_turn_at_every_ratio(room):
    scenes = sound(*(noise(40_000, seed=i) for i in range(3)), groups=[0, 0, 1])
    events = sound(*(noise(12_000, seed=9 + i) for i in range(5)), name="event")
    found = evaluate(room, scenes, events, snr=[20, 0])
    assert (found.figures.n_normal, found.figures.n_anomalous, found.figures.n_groups) == (3, 10, 2)
    assert list(found.by_snr) == ["20", "0"] and [f.n_anomalous for f in found.by_snr.values()] == [5, 5]
    assert {clip.group for clip in found.anomalous} == {"a0", "a1"}, "that of the scene"
    names = [clip.name for clip in found.anomalous if clip.snr_db == 0]
    assert [name.split(" in ")[0] for name in names] == [f"event{i}" for i in range(5)]
    assert len({name.split(" in ")[1] for name in names[:3]}) == 3
    windows = [clip.event_s for clip in found.anomalous]
    assert windows[::2] == windows[1::2], "at the same place at every ratio"
    for start, stop in windows:
        assert stop - start == pytest.approx((12_000 + samples_to_decide(room)) / RATE)
    more = evaluate(room, scenes, Clips(events.clips[:2]), snr=[20])
    assert more.figures.n_anomalous == 3, "as many mixes as scenes"
    assert as_json(evaluate(room, scenes, events, snr=[20, 0])) == as_json(found), "reproducible"


def test_a_mix_is_scored_with_the_event_in_the_longest_piece(room):
    long, event = noise(40_000, seed=1), noise(12_000, seed=9)
    scene = np.concatenate([noise(20_000, seed=2), np.zeros(4000, np.int16), long])
    found = evaluate(room, sound(scene), sound(event, name="event"), snr=[6], seed=5)
    samples, start, stop = mixed(long, event, 6, np.random.default_rng([5, 0]))
    (mix,) = found.anomalous
    assert np.array_equal(mix.scores, anomsdk.score(room, samples))
    assert mix.event_s == event_window(room, start, stop)
    assert found.cut_s == 4000 / RATE


@pytest.mark.parametrize("text", ["", "a", "10,", "10,10", "nan", "inf", "81", "1;2"])
def test_ratios_that_cannot_be_meant_are_refused(text):
    with pytest.raises(InputError, match="20,10,0"):
        parse_snr(text)
    assert parse_snr("20, -3.5,0") == (20.0, -3.5, 0.0)


# --- what is refused, left out, undefined


def test_the_same_samples_on_both_sides_are_refused(room):
    odd = [noise(20_000, seed=i) for i in range(4)]
    padded = np.concatenate([np.zeros(3000, np.int16), odd[2]])
    with pytest.raises(InputError, match=r"b1: these samples .*\(2 of 3 anomalous") as caught:
        evaluate(room, sound(*odd[:2], padded), sound(odd[3], odd[1], odd[2], name="b"))
    assert "\n" not in str(caught.value)


def test_constant_clips_are_left_out_and_nothing_else_is_an_error(room):
    silence = np.full(20_000, 3, np.int16)
    odd = sound(noise(20_000, seed=8), silence, name="b")
    found = evaluate(room, sound(noise(20_000), silence), odd)
    assert found.left_out_normal.constant == ("a1",) and found.left_out_anomalous.constant == ("b1",), (
        "not the same clip"
    )
    assert found.cut_s == 40_000 / RATE
    with pytest.raises(InputError, match="normal recordings: nothing but digitally constant samples in all 2"):
        evaluate(room, sound(silence, silence), odd)
    with pytest.raises(InputError, match="anomalous recordings: nothing but"):
        evaluate(room, sound(noise(20_000)), sound(silence, name="b"))


def test_clips_that_do_not_fit_the_plan_are_refused(meter, room):
    with pytest.raises(InputError, match="a0: external at 20 Hz, 6 wide; this plan takes external at 10 Hz, 6 wide"):
        evaluate(meter, rest(rows(50), rate_hz=20), rest(rows(60)))
    with pytest.raises(InputError, match="this plan takes audio"):
        evaluate(room, rest(rows(50)), rest(rows(60)))
    with pytest.raises(InputError, match="only sound can be mixed"):
        evaluate(meter, rest(rows(50)), rest(rows(60)), snr=[10])
    with pytest.raises(InputError, match="engine 'abacus'"):
        evaluate(meter, rest(rows(50)), rest(rows(60)), engine="abacus")


def test_what_is_undefined_is_null_and_said_in_words(meter):
    found = evaluate(meter, rest(rows(200), rows(201)), Clips(()))
    tree = as_json(found)
    nothing = {"value": None, "low": None, "high": None}
    assert tree["auc"] == tree["pauc"] == tree["recall"] == tree["precision"] == tree["time_to_detect_s"] == nothing
    assert tree["sensitivity_at_fa_per_hour"] == {"1": nothing, "0.1": nothing}
    assert tree["false_alarms_per_hour"]["value"] == 0.0
    assert any("no anomalous clips" in note for note in tree["notes"]) and "no anomalous clips" in as_text(found)
    assert "nan" not in json.dumps(tree).lower()
    one = evaluate(meter, rest(rows(200), rows(201), groups=[0, 0]), rest(rows(60, [(30, 40)]), rows(61), name="b"))
    two = exact(one.figures.auc.value, 2)
    assert (one.figures.auc.low, one.figures.auc.high) == (two.low, two.high), "of one group, clips count"
    assert one.figures.recall.low is not None, "it rests on the anomalous clips alone"
    assert any("one group of normal clips" in note for note in one.figures.notes)
    short = evaluate(meter, rest(rows(2)), rest(rows(60), name="b"))
    assert as_json(short)["false_alarms_per_hour"] == as_json(short)["auc"] == nothing
    assert short.left_out_normal.too_short == ("a0",)


# --- the page


def test_a_page_needs_nothing_else_and_holds_no_sound(room):
    import plotly.offline

    scenes, events = sound(noise(40_000), noise(40_000, seed=1)), sound(noise(9000, seed=2), name="<b>&")
    page = as_html(evaluate(room, scenes, events, snr=[20, 10]))
    library = plotly.offline.get_plotlyjs()
    assert page.count(library) == 1
    own = page.replace(library, "")
    assert len(own) < 200_000
    for tag in re.findall(r"<(?:script|link|img|iframe|object|embed|source|base|form)\b[^>]*>", page):
        assert not re.search(r"(?:src|href|action|data)\s*=", tag), tag
    assert "http://" not in own and "https://" not in own and "@import" not in own and "url(" not in own
    assert "default-src 'none'" in own and 'name="viewport"' in own and "@media print" in own
    assert "<b>" not in own and "&lt;b&gt;&amp;0" in own, "names are text"
    assert own.count("Plotly.newPlot") == 2 + 6, "histogram, ROC, 2 + 2 mixes and 2 normal clips"
    for words in ("alarm level", "Evaluation of room", "FPR &lt;= 10 %", "AUC", "resamples of whole groups", "10 dB"):
        assert words in own


def test_a_page_without_anomalies_or_plotly(room, monkeypatch):
    found = evaluate(room, sound(noise(40_000)), Clips(()))
    assert "no anomalous clips" in as_html(found)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(InputError, match=r"pip install 'anomsdk\[report\]'"):
        as_html(found)


# --- the command


@pytest.fixture(scope="module")
def folders(tmp_path_factory, room):
    """A plan, normal and anomalous folders."""
    root = tmp_path_factory.mktemp("folders")
    anomsdk.write_plan(room, root / "plan.json")
    for name, seed, n in (("normal", 0, 3), ("odd", 9, 2)):
        (root / name).mkdir()
        for i in range(n):
            soundfile.write(root / name / f"{i}.wav", noise(30_000, seed=seed + i), RATE)
    return root


def command(folders, *arguments, **changed):
    options = {"--plan": "plan.json", "--normal": "normal", "--anomalous": "odd", **changed}
    line = ["evaluate", *(str(part) for pair in options.items() for part in pair), *map(str, arguments)]
    before = Path.cwd()
    os.chdir(folders)
    try:
        return CliRunner().invoke(cli.app, line)
    finally:
        os.chdir(before)


def test_json_is_all_that_json_prints(folders, room):
    line = [sys.executable, "-m", "anomsdk.cli.app", "evaluate", "--plan", "plan.json", "--normal", "normal"]
    done = subprocess.run(
        [*line, "--anomalous", "odd", "--json", "--snr", "10,0", "--seed", "3"],
        capture_output=True,
        text=True,
        cwd=folders,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    tree = json.loads(done.stdout)
    assert tree.keys() >= JSON_KEYS and set(tree["by_snr"]) == {"10", "0"}
    for part in (tree, *tree["by_snr"].values()):
        assert part.keys() >= JSON_KEYS and part["n_normal"] == 3
        assert set(part["sensitivity_at_fa_per_hour"]) == {"1", "0.1"}
        for figure in (part["auc"], part["pauc"], *part["sensitivity_at_fa_per_hour"].values()):
            assert set(figure) == {"value", "low", "high"} and figure["low"] <= figure["value"] <= figure["high"]
    assert tree["n_anomalous"] == 6 and tree["normal_hours"] == pytest.approx(4.992 / 3600)
    assert (tree["plan"]["id"], tree["engine"], tree["seed"], tree["confidence"]) == (
        room.id,
        default_engine(),
        3,
        0.95,
    )
    sides = [open_marked(folders / name, stream_format=StreamFormat(RATE)) for name in ("normal", "odd")]
    assert tree == json.loads(json.dumps(as_json(evaluate(room, *sides, snr=(10, 0), seed=3))))


def test_text_and_page(folders, tmp_path):
    done = command(folders, "--html", tmp_path / "out.html")
    assert done.exit_code == 0, done.output
    assert "3 normal clips (4.99 s), 2 anomalous clips, 5 groups" in done.stdout
    assert "AUC" in done.stdout and "95 % low" in done.stdout and "Garwood" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 160
    assert (tmp_path / "out.html").read_text().startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]


def test_bad_files_are_named_counted_and_left_out(folders, tmp_path):
    for path in (folders / "normal").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    (tmp_path / "late.csv").write_text("1\n2\nthree\n")  # shows only while it is read
    done = command(folders, **{"--normal": tmp_path})
    assert done.exit_code == 2 and "bad.wav" in done.stderr and done.stderr.endswith("; --skip-bad leaves it out\n")
    done = command(folders, "--skip-bad", "--json", **{"--normal": tmp_path})
    tree = json.loads(done.stdout)
    assert done.exit_code == 0 and tree["n_normal"] == 3
    left = tree["left_out"]["normal"]
    assert left["n"] == 2 and ["bad.wav" in left["unreadable"][0], "late.csv" in left["unreadable"][1]] == [True, True]
    assert "left out, normal, cannot be read: 2 (" in command(folders, "--skip-bad", **{"--normal": tmp_path}).stdout


def test_bad_requests_are_one_line(folders, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(30_000, np.int16), RATE)
    for arguments, changed, words in (
        (("--snr", "loud"), {}, "give ratios from -80 to 80 dB"),
        ((), {"--anomalous": "normal"}, "these samples are among the normal recordings"),
        ((), {"--normal": tmp_path}, "nothing but digitally constant samples"),
        ((), {"--plan": "nix"}, "'nix' is no file, folder or reference model"),
        ((), {"--normal": "nix"}, "nix: no such file or folder"),
        (("--engine", "abacus"), {}, "engine 'abacus' is unknown"),
        (("--group", "cow"), {}, "no array cow"),
        (("--html", "out.txt"), {}, "a page is written as .html"),
        (("--html", "no/out.html"), {}, "no such folder"),
    ):
        done = command(folders, *arguments, **changed)
        assert done.exit_code == 2 and words in done.stderr, (words, done.output)
        assert done.stdout == "" and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
