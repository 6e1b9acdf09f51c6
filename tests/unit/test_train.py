"""Training: small, on generated sound; what it writes, what it keeps apart, what it refuses."""

import numpy as np
import pytest

import anomsdk
from anomsdk.spec import PipelineSpec
from anomsdk.train.fitting import CALIBRATION_SHARE, STOPPING_SHARE, _Recording, _split
from anomsdk.train.network import hidden_widths
from anomsdk.train.prepare import without_constant
from anomsdk.train.quantise import short_scale
from tests.make import SPECS

SPEC = SPECS["bands"].replace("band_ms = 64", "band_ms = 32")
FILES = ["calibration.json", "model.tflite", "plan.json", "spec.toml"]


def room(seed, seconds=6):
    """Coloured noise whose colour and level wander: a room."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(16000 * seconds)
    x = np.convolve(x, rng.uniform(0.2, 1, 8), "same") * 500 * 2 ** np.sin(np.arange(len(x)) / 16000 + seed)
    return np.clip(x, -32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("train") / "room"
    lines = []
    plan = anomsdk.train.fit(
        PipelineSpec.from_toml(SPEC), [room(i) for i in range(8)], out=out, seed=3, report=lines.append
    )
    return out, plan, lines


def test_the_folder_is_whole_and_plans_to_what_was_returned(trained):
    out, plan, _ = trained
    assert sorted(p.name for p in out.iterdir()) == FILES
    assert sorted(p.name for p in out.parent.iterdir()) == ["room"]
    assert anomsdk.plan(out) == anomsdk.read_plan(out / "plan.json") == plan
    assert plan.macs <= 30_000


def test_activations_of_our_own_models_stay_within_127(trained):
    _, plan, _ = trained
    for layer in plan.layers[:-1]:
        assert (layer.output_zero_point, layer.act_low) == (-127, -127)
    assert plan.score.shift == 0 and plan.score.input_gain == plan.score.output_gain == 1


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


def test_no_alarm_on_the_calibration_recordings_and_the_bound_is_printed(trained, tmp_path):
    spec = PipelineSpec.from_toml(SPEC)
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
    assert any(f"at most {3 / hours:.1f} alarms an hour" in line for line in lines)


def test_the_same_seed_gives_the_same_plan(trained, tmp_path):
    _, plan, _ = trained
    spec, recordings = PipelineSpec.from_toml(SPEC), [room(i) for i in range(8)]
    assert anomsdk.train.fit(spec, recordings, out=tmp_path / "a", seed=3) == plan
    assert anomsdk.train.fit(spec, recordings, out=tmp_path / "b", seed=4) != plan


def test_int8_loses_little(trained):
    line = next(line for line in trained[2] if "SQNR" in line)
    assert float(line.split("SQNR ")[1].split(" ")[0]) > 20
    assert float(line.rsplit(" ", 1)[1]) > 0.99


def test_external_rows(tmp_path):
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((2, 6))
    rows = [np.round(rng.standard_normal((300, 2)) @ mixing * 500).astype(np.int16) for _ in range(6)]
    plan = anomsdk.train.fit(PipelineSpec.from_toml(SPECS["external"]), rows, out=tmp_path / "m")
    broken = rows[0].copy()
    broken[:, 2] *= -1
    assert np.median(anomsdk.score(plan, broken)) > 2 * np.median(anomsdk.score(plan, rows[0]))


def write_wavs(folder, seeds):
    import soundfile

    for i in seeds:
        path = folder / f"day {i % 2}" / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, room(i), 16000)
    return folder


def test_from_files_with_sub_folders_as_groups(tmp_path):
    text = "# my room\n" + SPEC
    (tmp_path / "spec.toml").write_text(text)
    normal = write_wavs(tmp_path / "normal", range(6))
    held = write_wavs(tmp_path / "held", range(10, 12))
    plan = anomsdk.train.fit_from(tmp_path / "spec.toml", normal, tmp_path / "out", calibration=held)
    assert (tmp_path / "out" / "spec.toml").read_text() == text
    assert anomsdk.read_plan(tmp_path / "out" / "plan.json") == plan
    with pytest.raises(anomsdk.InputError, match="3 of the calibration recordings also train"):
        anomsdk.train.fit_from(
            tmp_path / "spec.toml", normal, tmp_path / "out", calibration=tmp_path / "normal" / "day 1"
        )


def test_ctrl_c_between_two_renames_comes_after_the_last(trained, tmp_path, monkeypatch):
    import os
    import shutil
    import signal
    from pathlib import Path

    shutil.copytree(trained[0], tmp_path / "room")
    replace = Path.replace

    def interrupted(self, target):
        if Path(target).parent == tmp_path / "room":
            os.kill(os.getpid(), signal.SIGINT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    spec = PipelineSpec.from_toml(SPEC)
    with pytest.raises(KeyboardInterrupt):
        anomsdk.train.fit(spec, [room(20 + i) for i in range(6)], out=tmp_path / "room")
    monkeypatch.undo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["room"]
    assert anomsdk.plan(tmp_path / "room") == anomsdk.read_plan(tmp_path / "room" / "plan.json") != trained[1]


def test_another_projects_folder_is_left_alone(trained, tmp_path):
    for name in FILES[:2]:
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_bytes(b"mine")
    (tmp_path / "file").write_bytes(b"mine")
    recordings = [room(i) for i in range(4)]
    for out, words in (
        ("out", "holds model.tflite, calibration.json of another spec"),
        ("file", "is a file"),
        ("file/x", "cannot be written below"),
    ):
        with pytest.raises(anomsdk.InputError, match=words):
            anomsdk.train.fit(PipelineSpec.from_toml(SPEC), recordings, out=tmp_path / out)
    assert {p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == {b"mine"}


def test_ctrl_c_inside_an_epoch_stops_the_training(monkeypatch):
    """scikit-learn catches the interrupt itself, and only warns."""
    from sklearn.neural_network import MLPRegressor

    from anomsdk.train.network import train_network

    def interrupted(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(MLPRegressor, "_backprop", interrupted)
    rows = np.random.default_rng(0).standard_normal((200, 6))
    with pytest.raises(KeyboardInterrupt):
        train_network(rows, rows, (4, 2, 4), seed=0)


def test_groups_are_never_split():
    recordings = [_Recording(str(i % 5), ()) for i in range(40)]
    stay, held = _split(recordings, 0.25, seed=0)
    assert not {r.group for r in stay} & {r.group for r in held} and len(stay) + len(held) == 40 and held


@pytest.mark.parametrize("part", ["stopping", "calibrating"])
def test_what_is_held_out_teaches_nothing(tmp_path, part):
    """A recording that is held out, played 30 times louder, moves no map from levels to int8."""
    spec = PipelineSpec.from_toml(SPEC)
    recordings = [room(i) for i in range(8)]
    training, calibrating = _split([_Recording(str(i), ()) for i in range(8)], CALIBRATION_SHARE, 3)
    stopping = _split(training, STOPPING_SHARE, 4)[1]
    loud = int({"stopping": stopping, "calibrating": calibrating}[part][0].group)
    plans = [anomsdk.train.fit(spec, recordings, out=tmp_path / "a", seed=3)]
    recordings[loud] = np.clip(recordings[loud].astype(np.int32) * 30, -32768, 32767).astype(np.int16)
    plans.append(anomsdk.train.fit(spec, recordings, out=tmp_path / "b", seed=3))
    for section in ("extractor", "context"):
        maps = [getattr(plan, section).normalisation for plan in plans]
        assert (maps[0].gain == maps[1].gain).all() and (maps[0].bias == maps[1].bias).all()


def test_constant_samples_are_cut():
    x = np.concatenate([np.zeros(50), np.arange(30), np.full(20, 7), np.arange(40), np.zeros(9)]).astype(np.int16)[
        :, None
    ]
    pieces = without_constant(x, 10)
    assert [p[:, 0].tolist() for p in pieces] == [list(range(1, 30)), [*range(40), *[0] * 9]]
    assert without_constant(np.zeros((100, 1), np.int16), 10) == []


def test_scales_are_so_short_that_their_products_are_exact():
    rng = np.random.default_rng(0)
    for a, b in rng.uniform(1e-4, 1, (100, 2)):
        a, b = short_scale(a), short_scale(b)
        assert float(np.float32(a)) == a and float(np.float32(a) * np.float32(b)) == a * b


@pytest.mark.parametrize(("n", "budget"), [(54, 30_000), (640, 300_000), (18, 1000)])
def test_widths_keep_the_budget(n, budget):
    h, b, _ = hidden_widths(n, budget)
    assert 2 * (n * h + h * b) <= budget and 0 < b <= h


@pytest.mark.parametrize(
    ("recordings", "more", "words"),
    [
        ([room(0)], {}, "too few groups"),
        ([room(0), room(1)], {"groups": ["a", "a"]}, "too few groups"),
        ([room(0)], {"seed": -1}, "seed is -1"),
        ([room(0), room(1)], {"groups": ["a"]}, "one label for each recording"),
        ([room(0)], {"groups": ["a", "b"]}, "one label for each recording"),
        ([np.zeros(90_000, np.int16)] * 4, {}, "nothing to learn from"),
        ([room(i)[:4000] for i in range(5)], {}, "too few|shorter than"),
        ([room(0).astype(float)] * 4, {}, "must be an int16 array"),
    ],
)
def test_too_little_or_wrong(tmp_path, recordings, more, words):
    with pytest.raises(anomsdk.InputError, match=words):
        anomsdk.train.fit(PipelineSpec.from_toml(SPEC), recordings, out=tmp_path / "out", **more)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_folder(trained, tmp_path, monkeypatch):
    import shutil

    shutil.copytree(trained[0], tmp_path / "room")
    before = {p.name: p.read_bytes() for p in (tmp_path / "room").iterdir()}
    monkeypatch.setattr(
        "anomsdk.train.folder.write_plan", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(anomsdk.InputError, match="No space left"):
        anomsdk.train.fit(PipelineSpec.from_toml(SPEC), [room(i) for i in range(4)], out=tmp_path / "room")
    assert {p.name: p.read_bytes() for p in (tmp_path / "room").iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["room"]
