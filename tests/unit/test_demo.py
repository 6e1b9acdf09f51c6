"""The demonstration finds its two anomalies, and only them."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys

import numpy as np
import pytest

import anomsdk
from anomsdk.core.event import State
from anomsdk.demo import alarm as demo_alarm
from anomsdk.demo import recordings as demo_recordings
from anomsdk.demo import scene as demo
from anomsdk.errors import InputError
from anomsdk.runtime.engines.tflite import why_missing
from anomsdk.synthetic.sound import RATE_HZ
from anomsdk.watch.sinks.event_words import heading
from tests.support.command_line import anomsdk_command
from tests.support.make import make_plan


@pytest.fixture(scope="module")
def scene():
    return demo.scene()


def level_db(samples):
    return 10 * np.log10(np.mean((samples / 32768.0) ** 2))


def test_the_scene_is_a_bed_with_two_anomalies(scene):
    samples, anomalies = scene
    assert samples.dtype == np.int16 and samples.shape == (75 * 16_000,)
    assert [(a.start_s, a.end_s) for a in anomalies] == [(20.0, 25.0), (48.0, 53.0)]
    quiet = np.ones(75, bool)
    for a in anomalies:
        quiet[int(a.start_s) : int(a.end_s)] = False
    levels = np.array([level_db(second) for second in samples.reshape(75, 16_000)])
    assert levels[quiet].min() > -31 and levels[quiet].max() < -24, "rain and sea, slowly changing"
    assert np.ptp(levels[quiet]) > 1
    assert levels[~quiet].min() > -10
    assert np.abs(samples.astype(int)).max() < 32767, "nothing is clipped"


def test_a_seed_gives_one_scene(scene):
    assert np.array_equal(demo.scene(demo.SEED)[0], scene[0])
    assert not np.array_equal(demo.scene(1)[0], scene[0])
    with pytest.raises(InputError, match="seed"):
        demo.scene(-1)


@pytest.mark.parametrize("seed", [demo.SEED, 0, 1])
def test_the_reference_model_finds_both_and_nothing_else(seed):
    found = demo.run(anomsdk.reference_model("audio_scene"), seed=seed)
    assert found.passed and found.elsewhere == ()
    for anomaly, at in found.found:
        assert anomaly.start_s < at < anomaly.start_s + 2
    calm = [r for r, t in zip(found.ratios, _times(found), strict=True) if t < 20 or 27 < t < 48 or t > 55]
    assert max(calm) < 0.5, "the bed is far from an alarm"


def _times(found):
    plan = found.plan
    return (plan.samples_to_first_tick + np.arange(len(found.ratios)) * plan.samples_per_tick) / RATE_HZ


def test_a_plan_that_finds_nothing_fails(tmp_path):
    found = demo.run(make_plan(tmp_path, "logmel"))
    assert not found.passed
    shown = demo.report(found)
    assert "none" in shown or "where nothing unusual is" in shown
    with pytest.raises(InputError, match="external at 10 Hz"):
        demo.run(make_plan(tmp_path, "external"))


def test_every_alarm_is_somewhere(tmp_path):
    """Alarms of a random model: each belongs to an anomaly or is counted as a false one."""
    found = demo.run(make_plan(tmp_path, "bands"))
    inside = [t for t, _ in found.alarms if any(a.start_s <= t <= a.end_s + 2 for a, _ in found.found)]
    assert len(inside) + len(found.elsewhere) == len(found.alarms)


@pytest.mark.parametrize("engine", ["reference", "tflite"])
def test_the_command_is_quick_and_writes_nothing(tmp_path, engine):
    if engine == "tflite" and why_missing():
        pytest.skip(f"engine tflite: {why_missing()}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "anomsdk.cli.app", "demo", "--engine", engine],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10
    )  # of the processor: others may be busy
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
    assert "generated" in done.stdout and done.stdout.count("  ALARM  ") == 2
    assert done.stdout.count("▲") == 3 and "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "siren" in done.stdout and "two-tone alarm" in done.stdout


HEARD = [
    ("restart", "-"),
    ("ready", "-"),
    ("test", "test tone"),
    ("ALARM", "horn, red lamp"),
    ("silenced", "red lamp, muted"),
    ("ESCALATED", "loud horn, red lamp"),
    ("acknowledged", "red lamp"),
    ("clear", "-"),
    ("ALARM", "horn, red lamp"),
    ("ESCALATED", "loud horn, red lamp"),
    ("clear", "loud horn, red lamp"),
    ("acknowledged", "-"),
    ("FAULT", "fault lamp"),
    ("fault over", "-"),
    ("ready", "-"),
    ("heartbeat", "-"),
    ("out of service", "off duty"),
    ("in service", "-"),
]
"""Life of an alarm: what each event says, and what horn and lamp do after it."""


@pytest.fixture(scope="module")
def played():
    return demo_alarm.play("reference")


def test_the_life_of_an_alarm(played):
    """Each stage in its order; the siren that comes close ends the silence, and out of service nothing is raised."""
    events = [step for step in played.steps if step.event is not None]
    assert [(heading(step.event), demo_alarm.outputs(step.annunciation)) for step in events] == HEARD
    assert events[10].event.state == State.RTN_UNACK, "latched: the tones are over, and nobody has acknowledged"
    assert [events[i].event.health for i in (11, 12, 13, 14)] == [0, 0x41, 0x40, 0]
    assert 0.5 < events[15].event.judged_share < 1
    assert [step.event.sequence for step in events] == list(range(len(events)))


@pytest.mark.parametrize("engine", ["native", "tflite"])
def test_every_engine_plays_the_same(played, engine):
    if engine == "tflite" and why_missing():
        pytest.skip(f"engine tflite: {why_missing()}")
    assert demo_alarm.play(engine).steps == played.steps


@pytest.mark.parametrize(("columns", "width", "lines"), [("", 108, 1), ("80", 80, 2)])
def test_the_life_of_an_alarm_fits_on_a_screen(played, monkeypatch, columns, width, lines):
    monkeypatch.setenv("COLUMNS", columns)
    shown = demo_alarm.report(played).splitlines()
    assert max(map(len, shown)) <= width and len(shown) <= 8 + lines * len(played.steps)
    sent = [line.split()[-1] for line in shown if re.search(r" [0-9a-f]{32}$", line)]
    assert sent == [bytes(step.event).hex() for step in played.steps if step.event is not None]


def test_the_command_that_plays_it(tmp_path, monkeypatch):
    """In a log: no colours, nothing written; and files are not for it."""
    monkeypatch.chdir(tmp_path)
    done = anomsdk_command("demo", "--alarm", "--engine", "reference")
    assert done.status == 0 and "\x1b" not in done.stdout and done.stderr == ""
    assert "button: acknowledge    acknowledged" in done.stdout and "FAULT stuck, health 41" in done.stdout
    assert list(tmp_path.iterdir()) == []
    refused = anomsdk_command("demo", "--alarm", "--write", tmp_path / "room")
    assert refused.status == 2 and "--alarm" in refused.stderr and list(tmp_path.iterdir()) == []


def test_written_recordings_are_what_was_said(tmp_path):
    import soundfile

    written = demo_recordings.write(tmp_path / "room")
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["room"], "nothing is left beside it"
    room = tmp_path / "room"
    normal, later, events = (sorted(room.glob(each)) for each in ("normal/*/*.wav", "later/*/*.wav", "events/*.wav"))
    assert (len(normal), len(later)) == written.recordings and len(events) == len(written.events)
    assert len({path.parent for path in normal}) == demo_recordings.DAYS
    contents = set()
    for path in [*normal, *later, *events, room / "tonight.wav"]:
        samples, rate = soundfile.read(path, dtype="int16")
        assert rate == RATE_HZ and samples.ndim == 1
        assert soundfile.info(path).subtype == "PCM_16"
        assert np.abs(samples.astype(int)).max() < 32767, "nothing is clipped"
        contents.add(samples.tobytes())
    assert len(contents) == len(normal) + len(later) + len(events) + 1, "no recording is a copy of another"
    tonight, _ = soundfile.read(room / "tonight.wav", dtype="int16")
    peaks = np.abs(tonight.astype(int)).reshape(-1, RATE_HZ).max(axis=1)
    planted = [peaks[int(a.start_s) : int(a.end_s)].max() for a in written.anomalies]
    for a in written.anomalies:
        peaks[int(a.start_s) : int(a.end_s)] = 0
    assert min(planted) > 1.2 * peaks.max(), "the sounds lie where they are said to lie, and nowhere else"
    shown = demo_recordings.written_report(written)
    for anomaly in written.anomalies:
        assert anomaly.name in shown and f"{anomaly.start_s:.1f} s" in shown


def test_writing_is_repeatable_and_overwrites_nothing(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()  # empty: fine
        demo_recordings.write(tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.wav"))
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    with pytest.raises(InputError, match="not empty"):
        demo_recordings.write(tmp_path / "a")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        demo_recordings.write(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        demo_recordings.write("/proc/nowhere/room")
    with pytest.raises(InputError, match="seed"):
        demo_recordings.write(tmp_path / "c", seed=-1)


def test_stopped_writing_leaves_nothing(tmp_path):
    def stop(done, n):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo_recordings.write(tmp_path / "room", progress=stop)
    assert list(tmp_path.iterdir()) == []
