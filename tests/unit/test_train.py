"""Training, end to end on small generated sound: what it writes, what it keeps apart, what it refuses."""

import hashlib
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile

import anomsdk
from anomsdk.planner.calibration import Calibration
from anomsdk.planner.planner import plan_from
from anomsdk.planner.score import reasons_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from anomsdk.train import Options
from anomsdk.train.alarm_levels import at_most
from anomsdk.train.models.family import family, train_candidate
from anomsdk.train.models.quantise import quantise
from anomsdk.train.search.budget import Need, Needs, candidates, need_of
from anomsdk.train.training_run import spec_digest, split_groups
from tests.support.make import SPECS, make_calibration

TEXT = (
    SPECS["bands"].replace("band_ms = 64", "band_ms = 32")
    + """
[model]
max_macs = 800
[score]
baseline_s = "chosen"
"""
)
QUICK = PipelineSpec.from_toml(TEXT)
"""Only the cheapest models fit."""
FILES = ["calibration.json", "model.tflite", "plan.json", "spec.toml"]


def room(seed, seconds=6):
    """Coloured noise whose colour and level wander: a room."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(16000 * seconds)
    x = np.convolve(x, rng.uniform(0.2, 1, 8), "same") * 500 * 2 ** np.sin(np.arange(len(x)) / 16000 + seed)
    return np.clip(x, -32768, 32767).astype(np.int16)


def write_wavs(folder, seeds, rate=16000):
    for i in seeds:
        path = folder / f"day {i % 3}" / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, room(i), rate)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("train") / "room"
    lines = []
    plan = anomsdk.train.fit(QUICK, [room(i) for i in range(8)], out=out, seed=3, report=lines.append)
    return out, plan, lines


def test_the_folder_is_whole_and_plans_to_what_was_returned(trained):
    out, plan, _ = trained
    assert sorted(p.name for p in out.iterdir()) == FILES
    assert sorted(p.name for p in out.parent.iterdir()) == ["room"]
    assert anomsdk.plan(out) == anomsdk.read_plan(out / "plan.json") == plan
    assert plan.macs <= 800


def test_the_spec_that_is_written_says_what_was_chosen(trained):
    out, plan, lines = trained
    written = PipelineSpec.from_file(out / "spec.toml")
    seconds = written.score.baseline_s
    assert seconds in (0, 4, 16, 60) and plan.baseline.is_on == (seconds > 0)
    assert any(line.startswith(f"score.baseline_s = {seconds:g} ") for line in lines)
    assert written.features == QUICK.features and written.context == QUICK.context


def test_activations_of_our_own_models_stay_within_127(trained):
    _, plan, _ = trained
    for layer in plan.layers[:-1]:
        assert (layer.output_zero_point, layer.act_low) == (-127, -127)
    assert plan.score.shift == 0 and plan.score.input_gain == plan.score.output_gain == 1


def test_the_calibration_says_how_unusual_each_group_normally_is(trained):
    out, plan, _ = trained
    levels = Calibration.from_file(out / "calibration.json").group_levels
    assert list(levels) == ["low_bands", "mid_bands", "high_bands", "loudness", "impulses"]
    assert all(level > 0 for level in levels.values())
    planned = reasons_plan(plan.extractor, plan.context, plan.score, levels)
    assert plan.reasons.gain.tolist() == planned.gain.tolist() and len(set(planned.gain.tolist())) > 3


def test_it_hears_what_it_was_not_taught(trained):
    _, plan, _ = trained
    quiet = room(100, 10)
    loud = quiet.copy()
    t = np.arange(16000) / 16000
    loud[80_000:96_000] = np.round(8000 * np.sign(np.sin(2 * np.pi * (300 + 900 * t) * t)))
    scores = [anomsdk.score(plan, x) for x in (quiet, loud)]
    assert scores[1].max() > 3 * scores[0].max()
    with anomsdk.Pipeline(plan) as pipeline:
        events = [e for r in pipeline.process(loud) for e in r.events]
    assert events and 5.0 <= (events[0].hop * 256 + 512) / 16000 <= 6.6


@pytest.mark.parametrize("baseline_s", [0, 2])
def test_no_alarm_on_the_calibration_recordings_and_the_bound_is_printed(tmp_path, baseline_s):
    """With a follower, too: the level is that of the scores above it."""
    spec = PipelineSpec.from_toml(TEXT.replace('"chosen"', str(baseline_s)))
    calibration = [room(50 + i) for i in range(3)]
    lines = []
    plan = anomsdk.train.fit(
        spec, [room(i) for i in range(5)], calibration=calibration, out=tmp_path / "r", report=lines.append
    )
    for x in calibration:
        with anomsdk.Pipeline(plan) as pipeline:
            assert not any(r.events for r in pipeline.process(x))
    ticks = sum(plan.ticks_in(len(x)) for x in calibration)
    hours = ticks * spec.tick_s / 3600
    assert any(f"at most {at_most(0, hours)}" in line for line in lines)
    assert any(line.startswith("set by calibration recording ") for line in lines)
    spec_below = tmp_path / "r" / "spec.toml"
    spec_below.write_text(
        spec_below.read_text().replace('raise_score = "calibrated"', f"raise_score = {plan.levels.raise_score - 1}")
    )
    lower = anomsdk.plan(tmp_path / "r")
    alarms = 0
    for x in calibration:
        with anomsdk.Pipeline(lower) as pipeline:
            alarms += sum(len(r.events) for r in pipeline.process(x))
    assert alarms, "one lower, and it would have alarmed"


def test_the_same_seed_gives_the_same_plan(trained, tmp_path):
    _, plan, _ = trained
    recordings = [room(i) for i in range(8)]
    assert anomsdk.train.fit(QUICK, recordings, out=tmp_path / "a", seed=3) == plan
    assert anomsdk.train.fit(QUICK, recordings, out=tmp_path / "b", seed=4) != plan


def meter_rows():
    """Six values that hang together, of six recordings."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((2, 6))
    return [np.round(rng.standard_normal((300, 2)) @ mixing * 500).astype(np.int16) for _ in range(6)]


def test_external_rows(tmp_path):
    rows = meter_rows()
    spec = PipelineSpec.from_toml(SPECS["external"] + "[model]\nmax_macs = 700\n")
    plan = anomsdk.train.fit(spec, rows, out=tmp_path / "m")
    broken = rows[0].copy()
    broken[:, 2] *= -1
    assert np.median(anomsdk.score(plan, broken)) > 2 * np.median(anomsdk.score(plan, rows[0]))


def test_from_files_with_sub_folders_as_groups(tmp_path):
    text = "# my room\n" + TEXT.replace('"chosen"', "0")
    (tmp_path / "spec.toml").write_text(text)
    normal = write_wavs(tmp_path / "normal", range(6))
    held = write_wavs(tmp_path / "held", range(10, 12))
    plan = anomsdk.train.fit_from(tmp_path / "spec.toml", normal, tmp_path / "out", calibration=held)
    written = iter((tmp_path / "out" / "spec.toml").read_text().splitlines())
    assert all(line in written for line in text.rstrip().splitlines()), "nothing was chosen in it: comments stay"
    assert anomsdk.read_plan(tmp_path / "out" / "plan.json") == plan
    assert sorted(p.name for p in tmp_path.iterdir()) == ["held", "normal", "out", "spec.toml"]
    with pytest.raises(anomsdk.InputError, match="2 of the calibration recordings also train"):
        anomsdk.train.fit_from(
            tmp_path / "spec.toml", normal, tmp_path / "out", calibration=tmp_path / "normal" / "day 1"
        )


def test_a_stopped_search_goes_on_where_it_was(tmp_path):
    """The plan is that of a search that nobody stopped, and no trial is done twice."""
    (tmp_path / "spec.toml").write_text(TEXT)
    normal = write_wavs(tmp_path / "normal", range(6))
    arguments = tmp_path / "spec.toml", normal
    whole = anomsdk.train.fit_from(*arguments, tmp_path / "whole", group="file")

    journal = tmp_path / ".out.search"
    seen = []

    def stop(done, total):
        seen.append(done / total)
        if journal.exists() and len(journal.read_text().splitlines()) == 1 + 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        anomsdk.train.fit_from(*arguments, tmp_path / "out", group="file", progress=stop)
    assert seen == sorted(seen) and 0 <= seen[0] < seen[-1] < 1
    assert len(journal.read_text().splitlines()) == 1 + 2 and not (tmp_path / "out").exists()
    with journal.open("a") as file:
        file.write('{"name": "cut o')  # the power went while a line was written
    lines = []
    plan = anomsdk.train.fit_from(*arguments, tmp_path / "out", group="file", report=lines.append)
    assert "continuing a search that was stopped: 2 trials are done" in lines
    assert plan == whole and not journal.exists()


def test_a_stopped_search_is_not_taken_for_one_on_other_recordings(tmp_path):
    """With calibration recordings all of the normal ones train: trials of a part of them say nothing."""
    (tmp_path / "spec.toml").write_text(TEXT)
    normal = write_wavs(tmp_path / "normal", range(4))
    held = write_wavs(tmp_path / "held", range(10, 12))

    def stop(done, total):
        if (tmp_path / ".out.search").exists() and len((tmp_path / ".out.search").read_text().splitlines()) == 2:
            raise KeyboardInterrupt

    arguments = tmp_path / "spec.toml", normal, tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        anomsdk.train.fit_from(*arguments, group="file", progress=stop)
    lines = []
    anomsdk.train.fit_from(*arguments, group="file", calibration=held, report=lines.append)
    assert not any("continuing" in line for line in lines)


def test_a_search_for_something_else_starts_anew(tmp_path):
    from anomsdk.train.models.family import Candidate
    from anomsdk.train.search.journal import Journal
    from anomsdk.train.search.trials import Trial

    candidate = Candidate("autoencoder", (8,), 6.0)
    first = Journal(tmp_path / "j", ["a", 1])
    first.put("setting", Trial(candidate, 0.5, 0.6, 7, 8))
    again = Journal(tmp_path / "j", ["a", 1])
    assert again.get("setting", candidate) == Trial(candidate, 0.5, 0.6, 7, 8) and len(again) == 1
    assert again.get("other setting", candidate) is None
    assert again.get("setting", Candidate("autoencoder", (8,), 6.0, weighted=True)) is None
    assert len(Journal(tmp_path / "j", ["a", 2])) == 0


def test_one_long_recording_can_be_cut(tmp_path):
    long = np.concatenate([room(i) for i in range(8)])
    with pytest.raises(anomsdk.InputError, match=r"1 group.*`segment_s`"):
        anomsdk.train.fit(QUICK, [long], out=tmp_path / "out")
    lines = []
    anomsdk.train.fit(QUICK, [long], out=tmp_path / "out", options=Options(segment_s=6), report=lines.append)
    assert lines[0].startswith("8 recordings, 48 s")


def test_labelled_anomalies_are_what_it_is_judged_on(tmp_path):
    recordings = [room(i) for i in range(6)]
    lines = []
    odd = [np.clip(room(40 + i) * 8.0, -32768, 32767).astype(np.int16) for i in range(3)]
    anomsdk.train.fit(QUICK, recordings, anomalous=odd, out=tmp_path / "a", report=lines.append)
    assert any("on labelled anomalies in 4 folds" in line for line in lines)
    with pytest.raises(anomsdk.InputError, match="1 of the anomalous recordings also train"):
        anomsdk.train.fit(
            QUICK, recordings, anomalous=[odd[0], recordings[0]], out=tmp_path / "b", calibration=[room(90)]
        )


def test_ctrl_c_between_two_renames_comes_after_the_last(trained, tmp_path, monkeypatch):
    shutil.copytree(trained[0], tmp_path / "room")
    replace = Path.replace

    def interrupted(self, target):
        if Path(target).parent == tmp_path / "room":
            os.kill(os.getpid(), signal.SIGINT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started without
    with pytest.raises(KeyboardInterrupt):
        anomsdk.train.fit(QUICK, [room(20 + i) for i in range(6)], out=tmp_path / "room")
    monkeypatch.undo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["room"]
    assert anomsdk.plan(tmp_path / "room") == anomsdk.read_plan(tmp_path / "room" / "plan.json") != trained[1]


def test_another_projects_folder_is_left_alone(trained, tmp_path):
    for name in FILES[:2]:
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_bytes(b"mine")
    (tmp_path / "file").write_bytes(b"mine")
    shutil.copytree(trained[0], tmp_path / "other")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    other = QUICK.model_copy(update={"name": "other"})
    for out, spec, words in (
        ("out", QUICK, "holds model.tflite, calibration.json of another spec"),
        ("other", other, "of another spec"),
        ("file", QUICK, "is a file"),
        ("file/x", QUICK, "cannot be written below"),
    ):
        with pytest.raises(anomsdk.InputError, match=words):
            anomsdk.train.fit(spec, [room(i) for i in range(4)], out=tmp_path / out)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_groups_are_never_split():
    stay, held = split_groups(frozenset("abcdefgh"), seed=0)
    assert not stay & held and stay | held == frozenset("abcdefgh") and len(held) == 2


def test_what_sets_the_alarm_level_teaches_nothing(tmp_path):
    """A calibration recording, played 30 times louder, moves no map from levels to int8 and no weight."""
    recordings = [room(i) for i in range(8)]
    held = sorted(split_groups(frozenset(map(str, range(8))), 3)[1])
    plans = [anomsdk.train.fit(QUICK, recordings, out=tmp_path / "a", seed=3)]
    loud = int(held[0])
    recordings[loud] = np.clip(recordings[loud].astype(np.int32) * 30, -32768, 32767).astype(np.int16)
    plans.append(anomsdk.train.fit(QUICK, recordings, out=tmp_path / "b", seed=3))
    for section in ("extractor", "context"):
        maps = [getattr(plan, section).normalisation for plan in plans]
        assert (maps[0].gain == maps[1].gain).all() and (maps[0].bias == maps[1].bias).all()
    assert plans[0].levels.raise_score != plans[1].levels.raise_score


def clipped(seed):
    return np.where(room(seed) > 0, 32767, -32768).astype(np.int16)


@pytest.mark.parametrize(
    ("recordings", "more", "words"),
    [
        ([room(0)], {}, "1 group"),
        ([room(0), room(1)], {"groups": ["a", "a"]}, "1 group"),
        ([room(0)], {"seed": -1}, "`seed=-1`: give 0 to"),
        ([room(0)], {"options": Options(search="wide")}, "`search='wide'`: give model or full"),
        ([room(0)], {"options": Options(gain_db=-1)}, "`gain_db=-1`: give 0 to 40"),
        ([room(0), room(1)], {"groups": ["a"]}, "one label for each recording"),
        ([room(0)], {"groups": ["a", "b"]}, "one label for each recording"),
        ([np.zeros(90_000, np.int16)] * 4, {}, "every recording is constant"),
        ([room(0)] * 4, {}, "4 recordings, and all of them are the same one"),
        ([clipped(i) for i in range(4)], {}, "every recording is clipped"),
        ([room(i)[:4000] for i in range(5)], {}, "too few|shorter than"),
        ([room(0).astype(float)] * 4, {}, "must be an int16 array"),
    ],
)
def test_too_little_or_wrong(tmp_path, recordings, more, words):
    with pytest.raises(anomsdk.InputError, match=words) as caught:
        anomsdk.train.fit(QUICK, recordings, out=tmp_path / "out", **more)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_budget_that_nothing_fits(tmp_path):
    spec = PipelineSpec.from_toml(TEXT.replace("800", "100"))
    with pytest.raises(anomsdk.InputError, match="max_macs 100 is too small for 54 inputs"):
        anomsdk.train.fit(spec, [room(i) for i in range(4)], out=tmp_path / "out")


# Bytes


def within(text, **budgets):
    return PipelineSpec.from_toml(f"{text}[model]\n" + "".join(f"{key} = {n}\n" for key, n in budgets.items()))


SUMMARY = 'kind = "summary"\nframes = 7'
SIZED = {
    "bands, summary": SPECS["bands"],
    "bands, stack": SPECS["bands"].replace("summary", "stack").replace('statistics = ["mean", "deviation", "max"]', ""),
    "logmel, stack": SPECS["logmel"].replace("n_mels = 40", "n_mels = 13"),
    "logmel, summary": SPECS["logmel"].replace('kind = "stack"\nframes = 5', SUMMARY),
    "external, stack": SPECS["external"],
    "external, summary": SPECS["external"].replace('kind = "stack"\nframes = 3', SUMMARY),
    "external, narrow": SPECS["external"]
    .replace("n_features = 6", "n_features = 1")
    .replace("frames = 3", "frames = 1"),
    "external, with an alarm": SPECS["external"] + "\n[alarm]\n",
    "external, with health": SPECS["external"] + "\n[health]\n",
}


@pytest.mark.parametrize("words", SIZED)
def test_what_a_candidate_needs_is_what_its_plan_takes(words):
    spec = PipelineSpec.from_toml(SIZED[words])
    rng = np.random.default_rng(0)
    needs = Needs(spec)
    inputs = rng.standard_normal((60, needs.n_inputs)) @ rng.standard_normal((needs.n_inputs, needs.n_inputs))
    found = family(needs.n_inputs, 10**6)
    assert len(found) > 8 or "narrow" in words
    for candidate in found:
        network, _ = train_candidate(candidate, inputs, None, seed=0, epochs=1)
        model = parse_tflite(write_tflite(quantise(network, inputs, 0.1)), name="model.tflite")
        plan = plan_from(spec, model, make_calibration(spec, model, rng))
        assert needs.of(candidate) == need_of(plan), candidate
        alone = needs.alone()
        assert 0 < alone.ram <= needs.of(candidate).ram and 0 < alone.flash < needs.of(candidate).flash


LINEAR = SPECS["external"].replace("n_features = 6", "n_features = 4")
"""12 inputs: of 150 MACs, linear models only."""


def fit_linear(out, **budgets):
    lines = []
    rows = [rows[:, :4].copy() for rows in meter_rows()]
    spec = within(LINEAR, max_macs=150, **budgets)
    plan = anomsdk.train.fit(spec, rows, out=out, report=lines.append)
    assert need_of(plan).within(spec.model) and PipelineSpec.from_file(out / "spec.toml") == spec
    return plan, lines


def test_what_a_plan_needs_is_what_the_emitted_folder_says(tmp_path):
    plan, lines = fit_linear(tmp_path / "m", max_ram=10_000, max_flash=10_000)
    emitted = anomsdk.emit_c(plan, tmp_path / "c")
    need = Need(emitted.ram_bytes, emitted.tables_bytes + emitted.model_bytes)
    assert need_of(plan) == need and not any("left out" in line for line in lines)
    shown = f"in C it takes {need.ram:,} bytes of RAM and {need.flash:,} of constant data on a 32-bit processor; "
    assert f"{shown}stack and code come on top" in lines


def test_budgets_of_bytes_are_kept_and_change_nothing_else(tmp_path):
    plan, lines = fit_linear(tmp_path / "none")
    need = need_of(plan)
    assert plan.provenance["model"].startswith("mahalanobis")
    assert not any("left out" in line or "in C it takes" in line for line in lines)

    least = {"max_ram": need.ram, "max_flash": need.flash}
    plan_within, lines = fit_linear(tmp_path / "exact", **least)
    assert plan_within.id == plan.id and candidates(within(LINEAR, max_macs=150, **least))
    signals = [json.loads((tmp_path / n / "calibration.json").read_text())["signal"] for n in ("none", "exact")]
    assert signals[0] == signals[1]

    other, lines = fit_linear(tmp_path / "less", max_flash=need.flash - 1)
    assert "components" in other.provenance["model"] and need_of(other).ram > need.ram
    every = candidates(within(LINEAR, max_macs=150))
    kept = candidates(within(LINEAR, max_macs=150, max_flash=need.flash - 1))
    left_out = [str(candidate) for candidate in every if candidate not in kept]
    assert kept and left_out and not any(f" {model} " in line for model in left_out for line in lines)
    words = "models left out: they do not fit into model.max_ram or model.max_flash"
    assert f"{len(left_out)} of {len(every)} {words}" in lines


@pytest.mark.parametrize(
    ("text", "budgets", "words"),
    [
        (
            SPECS["bands"],
            {"max_ram": 2000},
            "model.max_ram 2000 is too small: the smallest model needs 3,544 bytes, all of them without any model; "
            "allow more, or choose features and a context that need less",
        ),
        (
            SPECS["external"],
            {"max_ram": 271, "max_flash": 10_000},
            "model.max_ram 271 is too small: the smallest model needs 272 bytes, 176 of them without any model",
        ),
        (
            SPECS["external"],
            {"max_ram": 10_000, "max_flash": 450},
            "model.max_flash 450 is too small: the smallest model needs 451 bytes, 120 of them without any model",
        ),
        (SPECS["external"], {"max_ram": 1, "max_flash": 1}, "model.max_ram 1 is too small"),
        (
            SPECS["external"],
            {"max_ram": 272, "max_flash": 451},
            "model.max_ram 272 and model.max_flash 451 are too small together: the model with the least RAM needs 272 "
            "and 682 bytes, the one with the least flash 280 and 451; allow more of one",
        ),
    ],
)
def test_budgets_of_bytes_that_nothing_fits(tmp_path, text, budgets, words):
    """Said before a recording is read: these are nowhere."""
    (tmp_path / "spec.toml").write_text(f"{text}[model]\n" + "".join(f"{key} = {n}\n" for key, n in budgets.items()))
    with pytest.raises(anomsdk.InputError) as caught:
        anomsdk.train.fit_from(tmp_path / "spec.toml", tmp_path / "nowhere", tmp_path / "out")
    assert str(caught.value).startswith(words) and "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["spec.toml"]


def test_a_plan_that_outgrew_its_budget_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(Needs, "of", lambda self, candidate: Need(1, 1))
    for key in ("max_ram", "max_flash"):
        with pytest.raises(anomsdk.CheckError, match=r"more than was foreseen .* nothing is written"):
            fit_linear(tmp_path / "m", **{key: 100})
    assert not list(tmp_path.iterdir())


def test_a_spec_without_newer_keys_is_the_spec_that_it_was():
    """Folders that were trained before there were any are still known as its own."""
    newer = {"model": {"max_ram", "max_flash"}, "features": {"band_hops", "allow_speech_features"}}
    newer |= dict.fromkeys(("alarm", "health", "ladder", "diary"), True)
    newer |= {"sensor": {"duty"}, "alert": {"clear_after_s"}}
    tree = QUICK.model_dump(mode="json", exclude=newer)
    assert spec_digest(QUICK) == hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:32]
    other = QUICK.model_copy(update={"alert": QUICK.alert.model_copy(update={"clear_after_s": 5.0})})
    assert spec_digest(other) != spec_digest(QUICK)


def test_a_damaged_file_is_named_or_left_out(tmp_path):
    (tmp_path / "spec.toml").write_text(TEXT)
    normal = write_wavs(tmp_path / "normal", range(6))
    (normal / "day 1" / "x.wav").write_bytes(b"RIFF")
    sound = normal / "day 2" / "9.flac"
    soundfile.write(sound, room(9), 16000)
    whole = sound.read_bytes()
    sound.write_bytes(whole[:5000] + bytes(1000) + whole[6000:])  # what only reading shows: both are named at once
    arguments = tmp_path / "spec.toml", normal, tmp_path / "out"
    with pytest.raises(anomsdk.InputError, match=r"day 1/x\.wav.* 1 more input that cannot be used") as refused:
        anomsdk.train.fit_from(*arguments)
    assert refused.value.skippable and "9.flac" in refused.value.lines[1]
    (normal / "day 1" / "x.wav").rename(tmp_path / "x.wav")
    with pytest.raises(anomsdk.InputError, match=r"9\.flac.*`skip_bad` leaves it out"):
        anomsdk.train.fit_from(*arguments)
    (tmp_path / "x.wav").rename(normal / "day 1" / "x.wav")
    lines = []
    anomsdk.train.fit_from(*arguments, group="file", skip_bad=True, report=lines.append)
    left_out = [line for line in lines if line.startswith("left out: ")]
    assert lines[0].startswith("6 recordings") and len(left_out) == 2
    assert "x.wav" in left_out[0] and "9.flac" in left_out[1]


def test_a_recording_without_the_upper_bands_is_refused(tmp_path):
    (tmp_path / "spec.toml").write_text(TEXT)
    normal = write_wavs(tmp_path / "normal", range(4), rate=8000)
    with pytest.raises(anomsdk.InputError, match=r"0\.wav: recorded at 8000 Hz, which holds nothing above 4000 Hz"):
        anomsdk.train.fit_from(tmp_path / "spec.toml", normal, tmp_path / "out")


def test_a_failed_write_leaves_the_old_folder(trained, tmp_path, monkeypatch):
    shutil.copytree(trained[0], tmp_path / "room")
    before = {p.name: p.read_bytes() for p in (tmp_path / "room").iterdir()}
    write = Path.write_bytes

    def full(path, data):
        if path.name == "plan.json":
            raise OSError(28, "No space left")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(anomsdk.InputError, match="No space left"):
        anomsdk.train.fit(QUICK, [room(i) for i in range(4)], out=tmp_path / "room")
    assert {p.name: p.read_bytes() for p in (tmp_path / "room").iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["room"]


def test_what_it_was_trained_from_is_in_the_calibration(trained):
    out, plan, _ = trained
    provenance = json.loads((out / "calibration.json").read_text())["provenance"]
    assert provenance["model"] == plan.provenance["model"] and len(provenance["trained_from"]) == 32
