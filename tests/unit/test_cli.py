"""The command line from outside: what it prints, what it leaves behind, and how it ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import anomsdk
from anomsdk.audit.verify import verify
from anomsdk.cli import app as cli
from anomsdk.core.event import EVENT_BYTES
from anomsdk.demo import scene as demo
from anomsdk.plans import lookup as find_plan
from anomsdk.plans.describe import describe
from anomsdk.runtime import memory
from anomsdk.sources.stream_format import ReadOptions
from anomsdk.utils import terminal
from anomsdk.utils import text as display
from anomsdk.watch.session import Watch
from tests.support.make import EXTERNAL, LOGMEL, SPECS, make_folder, make_plan, noise, without_missing

RATE = 16_000


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    """Folders with a plan of every kind; copied where a test writes into one."""
    root = tmp_path_factory.mktemp("plans")
    for kind in SPECS:
        anomsdk.write_plan(make_plan(root, kind), root / kind / "plan.json")
    return root


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments, **keywords):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **keywords.pop("env", {})}
    line = [sys.executable, "-m", "anomsdk.cli.app", *map(str, arguments)]
    text = not isinstance(keywords.get("input"), bytes)
    return subprocess.run(line, capture_output=True, text=text, env=environment, timeout=120, **keywords)


def start(*arguments, **keywords):
    """A command that goes on; Ctrl-C works even where the tests run in the background."""
    return subprocess.Popen(
        [sys.executable, "-m", "anomsdk.cli.app", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=keywords.pop("stderr", subprocess.PIPE),
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **keywords,
    )


def text(stream):
    return stream.decode() if isinstance(stream, bytes) else stream


def refused(place, *arguments, **keywords):
    """The one line with which bad input is refused; nothing may be left behind."""
    before = sorted(place.rglob("*"))
    done = command(*arguments, **keywords)
    error = text(done.stderr)
    assert done.returncode == 2, (done.stdout, error)
    assert error.startswith("error: ") and error.count("\n") == 1 and error.endswith("\n")
    assert error[:-1].isprintable()
    assert sorted(place.rglob("*")) == before
    return error


def json_lines(stdout):
    return [json.loads(line) for line in stdout.splitlines()]


SPEECH = "these features can carry speech: allowed by the spec\n"
"""What is said of the plans of sound: 281 and 2500 feature values a second."""


# --- watch


def test_watch_says_what_it_does_to_the_sound_and_what_it_heard(plans, place):
    soundfile.write("a.wav", noise(44_100 * 8, columns=2), 44_100)
    done = command("watch", "a.wav", "--plan", plans / "bands")
    remark, *lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, remark + "\n") == (0, "", SPEECH)
    assert lines[0] == "a.wav: 2 channels mixed down, 44100 Hz resampled to 16000 Hz"
    assert "  ALARM  " in lines[1] and lines[1].startswith("  0:00:00.3")
    assert lines[-2].startswith("heard 0:00:08.0 of sound in 1 recording: 121 ticks, ")
    assert lines[-1] == "kept: nothing; held between blocks: at most 32 ms of sound, features of 272 ms"
    assert "\x1b" not in done.stdout


def test_watch_claims_what_it_holds_only_where_that_is_true(plans, place, native, monkeypatch):
    np.save("a.npy", noise(16_000))
    for engine in ("native", "reference"):
        done = command("watch", "a.npy", "--plan", plans / "bands", "--engine", engine)
        held = "kept: nothing; held between blocks: at most 32 ms of sound, features of 272 ms"
        assert done.stdout.splitlines()[-1] == held
    plan = anomsdk.reference_model("human_motion")
    rows = np.column_stack([np.arange(4000) / plan.rate_hz, noise(4000, columns=3) / 4000 + [0, 0, 1]])
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(
        pyarrow.table(dict(zip(("time_s", "ax_g", "ay_g", "az_g"), rows.T, strict=True))), "a.parquet"
    )
    done = command("watch", "a.parquet", "--plan", "human_motion")
    assert done.stdout.splitlines()[-1].endswith("is not claimed: pyarrow keeps what it reads"), (
        done.stdout + done.stderr
    )
    monkeypatch.setattr(memory, "_mallopt", lambda: None)
    with Watch(plan) as watch:
        assert "does not overwrite" in watch.more_is_held([])


@pytest.mark.parametrize("engine", ["reference", "tflite"])
@pytest.mark.parametrize("kind", list(SPECS))
def test_jsonl_and_scores_are_what_the_library_gives(plans, place, kind, engine):
    plan = anomsdk.read_plan(plans / kind / "plan.json")
    n = {1: 60_000, 3: 400}.get(plan.columns, 6000)
    samples = without_missing(plan, noise(n, columns=plan.columns, seed=3))
    np.save("a.npy", samples)
    done = command("watch", "a.npy", "--plan", plans / kind, "--engine", engine, "--jsonl", "--scores", "s.npy")
    assert (done.returncode, done.stderr) == (0, SPEECH if plan.sensor.kind == "audio" else "")
    *alerts, summary = json_lines(done.stdout)
    with anomsdk.Pipeline(plan, engine) as pipeline:
        results = pipeline.process(samples)
    scores = np.load("s.npy")
    assert scores.dtype == np.uint32 and np.array_equal(scores, anomsdk.score(plan, samples, engine))
    expected = [(result, event) for result in results for event in result.events]
    assert len(expected) >= 1 and len(alerts) == len(expected)
    for alert, (result, event) in zip(alerts, expected, strict=True):
        assert bytes.fromhex(alert.pop("event")) == bytes(event) and len(bytes(event)) == EVENT_BYTES
        end = result.hop * plan.framer.hop + plan.framer.window
        assert alert == {
            "type": "alert",
            "recording": "a.npy",
            "time_s": pytest.approx(end / plan.rate_hz, abs=1e-6),
            "hop": result.hop,
            "state": "alarm" if event.state else "normal",
            "high": event.high,
            "score": result.score,
            "raise_score": plan.levels.raise_score,
            "reasons": list(event.words),
        }
    assert summary == {
        "type": "summary",
        "recordings": 1,
        "too_short": 0,
        "samples": len(samples),
        "seconds": len(samples) / plan.rate_hz,
        "ticks": len(results),
        "alarms": sum(alert["state"] == "alarm" for alert in alerts),
        "left_out": 0,
        "missing": 0,
        "judged_share": 1.0,
        "stopped": False,
        "engine": engine,
        "plan_id": plan.id,
    }


def test_recordings_of_an_npz_are_fresh_streams_and_their_scores_are_joined(plans, place):
    plan = anomsdk.read_plan(plans / "bands" / "plan.json")
    x, offsets = noise(96_000), np.array([0, 16_000, 20_000, 60_000, 96_000])
    np.savez("m.npz", x=x, offsets=offsets, fs=RATE)
    done = command("watch", "m.npz", "--plan", plans / "bands", "--scores", "s.npy")
    parts = [anomsdk.score(plan, part) for part in np.split(x, offsets[1:-1])]
    assert np.array_equal(np.load("s.npy"), np.concatenate(parts))
    assert "m.npz[1]\n  too short: needs 272 ms\n" in done.stdout
    assert (
        "in 4 recordings, 1 too short: 78 ticks, 3 alarms; judged 95.1% of the time\nkept: the scores, in s.npy; "
        in done.stdout
    )
    assert done.stdout.count("0:00:00.3  ALARM") == 3, "times start anew with each recording"
    assert sorted(p.name for p in place.iterdir()) == ["m.npz", "s.npy"]
    rows = command("watch", "m.npz", "--plan", plans / "bands", "--jsonl")
    assert {row.get("recording") for row in json_lines(rows.stdout)[:-1]} == {"m.npz[0]", "m.npz[2]", "m.npz[3]"}
    assert rows.stderr == SPEECH + "m.npz[1]: too short: needs 272 ms\n"


def test_rows_of_one_value_every_two_seconds_stay_what_they_are(place):
    """Guards such a plan against taking its rows for sound, or its rate for 1."""
    spec = EXTERNAL.replace("n_features = 6", "n_features = 1").replace("rate_hz = 10", "rate_hz = 0.5")
    spec = spec.replace("off_delay_s = 1", "off_delay_s = 10").replace("cooldown_s = 3", "cooldown_s = 30")
    plan = anomsdk.plan(make_folder(place / "p", spec))
    anomsdk.write_plan(plan, place / "p" / "plan.json")
    rows = noise(400)
    np.savez("a.npz", x=rows, fs=0.5)
    soundfile.write("a.wav", rows, 100)
    done = command("watch", "a.npz", "--plan", "p", "--scores", "s.npy")
    assert (done.returncode, done.stderr) == (0, "")
    assert "read 400 rows (0:13:20.0) in 1 recording" in done.stdout
    assert np.array_equal(np.load("s.npy"), anomsdk.score(plan, rows))
    assert verify(plan, ["a.npz"], hops=20).differences == 0
    for arguments in (("watch", "a.wav", "--plan", "p"), ("verify", "p", "a.wav")):
        assert "100 rows a second; rows are not resampled, record at 0.5" in refused(place, *arguments)


def test_standard_input_is_raw_int16(plans, place):
    samples = noise(40_000)
    done = command("watch", "-", "--plan", plans / "bands", "--scores", "s.npy", input=samples.astype("<i2").tobytes())
    assert done.returncode == 0
    assert np.array_equal(np.load("s.npy"), anomsdk.score(anomsdk.read_plan(plans / "bands" / "plan.json"), samples))


def test_where_nothing_was_judged_the_status_is_1(plans, place):
    np.save("a.npy", np.zeros(100, np.int16))
    done = command("watch", "a.npy", "--plan", plans / "bands", "--scores", "s.npy")
    assert done.returncode == 1 and done.stderr.startswith("error: watch: nothing was judged: ")
    assert "too short: needs 272 ms" in done.stdout and "0 ticks, 0 alarms; judged 0% of the time" in done.stdout
    assert np.load("s.npy").shape == (0,)
    done = command("score", "a.npy", "--plan", plans / "bands", "--out", "s.npz")
    assert done.returncode == 1 and done.stderr.startswith("error: score: nothing was judged: ")
    assert "1 recording, 0 ticks; judged 0% of the time" in done.stdout
    Path("s.npy").unlink()
    Path("s.npz").unlink()
    np.save("b.npy", np.zeros(RATE, np.int16))
    assert command("watch", ".", "--plan", plans / "bands").returncode == 0, "something was"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopping_is_clean(plans, place, number, status):
    process = start("watch", "-", "--plan", plans / "bands", "--scores", "s.npy")
    process.stdin.write(noise(50_000).astype("<i2").tobytes())
    process.stdin.flush()
    first = b"".join(process.stdout.readline() for _ in range(3))
    assert b"ALARM" in first, "alerts come while the stream goes on"
    assert len(list(place.iterdir())) == 1, "the scores so far"
    time.sleep(0.5)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == status
    assert stderr == b""
    assert b"stopped: heard 0:00:03.1 of sound in 1 recording: 45 ticks, " in stdout
    assert b"kept: nothing; " in stdout
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("arguments", [("--version",), ("verify", "audio_scene"), ("inspect", "nothing.here")])
def test_a_closed_stream_is_one_line_and_never_changes_places(arguments):
    """As `>&-` and `2>&-` of a shell: notes do not go to stdout, and nothing counts as printed that was not."""
    command = shlex.join([sys.executable, "-m", "anomsdk", *arguments])
    whole, closed, silent = (
        subprocess.run(["sh", "-c", command + ending], capture_output=True, text=True, check=False)
        for ending in ("", " >&-", " 2>&-")
    )
    said = "error: standard output is closed; send it to a file, a pipe or /dev/null\n"
    assert (closed.returncode, closed.stdout, closed.stderr) == (2, "", said)
    assert (silent.returncode, silent.stdout, silent.stderr) == (whole.returncode, whole.stdout, "")


def test_a_reader_that_goes_away_ends_it_quietly(plans, place):
    """As `anomsdk watch - | head -1`: but not with status 0, since alerts had nobody to go to."""
    process = start("watch", "-", "--plan", plans / "external", "--jsonl", "--scores", "s.npy")
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(noise(50_000, columns=6).tobytes())
        process.stdin.close()
    assert process.wait(timeout=30) == 141
    assert process.stderr.read() == b""
    assert list(place.iterdir()) == []


def test_memory_does_not_grow_with_time(place):
    spec = LOGMEL.replace("fft_length = 512", "fft_length = 2048").replace("hop_length = 256", "hop_length = 2048")
    plan = anomsdk.plan(make_folder(place / "p", spec))
    anomsdk.write_plan(plan, place / "p" / "plan.json")
    for name, seconds in (("short", 10), ("long", 20 * 60)):
        stream = np.lib.format.open_memmap(f"{name}.npy", "w+", np.int16, (seconds * RATE,))
        stream[:] = np.resize(noise(10 * RATE), len(stream))
        stream.flush()
    peak = {}
    for name in ("short", "long"):
        code = (
            "from anomsdk.cli.app import app; from pathlib import Path\n"
            f"try: app(['watch', '{name}.npy', '--plan', 'p', '--scores', '{name}_scores.npy'])\n"
            "except SystemExit as end: assert end.code == 0\n"
            "print(next(l for l in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in l))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peak[name] = int(done.stdout.split()[-2])
    assert len(np.load("long_scores.npy")) == plan.ticks_in(20 * 60 * RATE)
    assert peak["long"] - peak["short"] < 20 * 1024, peak


def in_a_terminal(*arguments, which, env=None):
    """A command with stdout or stderr at a terminal: what it wrote there, and to the other one."""
    master, slave = pty.openpty()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, which: slave}
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **(env or {})}
    line = [sys.executable, "-m", "anomsdk.cli.app", *map(str, arguments)]
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, env=environment, **streams)
    os.close(slave)
    seen = b""
    with contextlib.suppress(OSError):  # how the end of a terminal is told
        while part := os.read(master, 65_536):
            seen += part
    os.close(master)
    others = process.communicate(timeout=120)
    assert process.returncode == 0
    return seen.decode(), b"".join(filter(None, others)).decode()


def test_a_terminal_gets_a_progress_line_and_a_pipe_none(plans, place):
    np.save("a.npy", np.zeros(RATE * 900, np.int16))
    slowly = ("watch", "a.npy", "--plan", plans / "bands", "--engine", "reference")
    seen, stdout = in_a_terminal(*slowly, which="stderr")
    assert "%" in seen and "\x1b[?25l" in seen
    assert "\r" not in stdout and "\x1b" not in stdout
    assert seen.endswith("\x1b[?25h\r\x1b[1A\x1b[2K"), "taken away at the end, the cursor shown again"
    seen, _ = in_a_terminal(*slowly, which="stderr", env={"TERM": "dumb"})
    assert seen == "", "nothing that this terminal cannot take away"


def test_states_have_colours_on_a_terminal_only(place):
    np.save("ALARM[red] a.npy", demo.scene()[0])
    arguments = ("watch", "ALARM[red] a.npy", "--plan", "audio_scene")
    plain = command(*arguments, env={"FORCE_COLOR": "1", "COLUMNS": "20"}).stdout
    assert "ALARM" in plain and "clear" in plain and "\x1b" not in plain
    seen, _ = in_a_terminal(*arguments, which="stdout", env={"COLUMNS": "20"})
    red, green = "  \x1b[31mALARM\x1b[0m  ", "  \x1b[32mclear\x1b[0m  "
    assert red in seen and green in seen and seen.count("\x1b") == 2 * (seen.count(red) + seen.count(green))
    assert seen.replace(red, "  ALARM  ").replace(green, "  clear  ").replace("\r\n", "\n") == plain
    seen, _ = in_a_terminal(*arguments, which="stdout", env={"NO_COLOR": "1"})
    assert seen.replace("\r\n", "\n") == plain


# --- bad input


def test_bad_plans_are_refused(plans, place):
    np.save("a.npy", noise(8000))
    shutil.copytree(plans / "bands", "bands")
    whole = Path("bands/plan.json").read_bytes()
    Path("cut.json").write_bytes(whole[:-100])
    Path("bent.json").write_bytes(whole.replace(b'"hop":256', b'"hop":128'))
    Path("empty").mkdir()
    for arguments, words in (
        (("watch", "a.npy", "--plan", "missing.json"), "no file, folder or reference model"),
        (("watch", "a.npy", "--plan", ""), "no file, folder or reference model"),
        (("watch", "a.npy", "--plan", "x" * 5000), "File name too long"),
        (("watch", "a.npy", "--plan", "empty"), "anomsdk plan empty"),
        (("watch", "a.npy", "--plan", "cut.json"), "not valid JSON"),
        (("watch", "a.npy", "--plan", "bent.json"), "sha256"),
        (("inspect", "bent.json"), "sha256"),
        (("verify", "bent.json"), "sha256"),
        (("plan", "empty"), "spec.toml"),
        (("plan", "missing"), "no such folder"),
        (("watch", "a.npy", "--plan", "bands", "--engine", "abacus"), "engine 'abacus' is unknown"),
        (("demo", "--engine", "abacus"), "engine 'abacus' is unknown"),
    ):
        assert words in refused(place, *arguments), arguments


def test_bad_inputs_are_refused(plans, place):
    np.save("float.npy", np.zeros(8000))
    bad = np.zeros(50_000, np.float32)
    bad[49_000] = np.nan
    soundfile.write("nan.wav", bad, RATE, subtype="FLOAT")
    np.save("good.npy", noise(8000))
    Path("folder").mkdir()
    watch = ("--plan", plans / "bands", "--scores", "s.npy")
    assert "missing.wav: no such file" in refused(place, "watch", "missing.wav", *watch)
    assert "convert to little-endian int16" in refused(place, "watch", "float.npy", *watch)
    assert "sample 49000 (from 0) is nan" in refused(place, "watch", "nan.wav", *watch)
    assert "no recordings in this folder" in refused(place, "watch", "folder", *watch)
    assert "ends with 1 of 2 bytes" in refused(place, "watch", "-", *watch, input=b"\0" * 16_001)
    assert "no samples" in refused(place, "watch", "-", *watch, input=b"")
    assert "holds no scores" in refused(place, "watch", "good.npy", "--plan", plans / "bands", "--scores", "good.npy")
    watched = ("watch", "good.npy", "--plan", plans / "bands", "--scores")
    assert "ends in .npy" in refused(place, *watched, "folder")
    Path("folder.npy").mkdir()
    Path("link.npy").symlink_to("good.npy")
    for name in ("folder.npy", "link.npy"):
        assert "holds no scores" in refused(place, *watched, name)
    Path("link.npy").unlink()
    Path("folder.npy").rmdir()
    assert "there is no folder no" in refused(place, *watched, "no/s.npy")
    assert "s.npy" not in {p.name for p in place.iterdir()}
    np.save("s.npy", np.arange(3, dtype=np.uint32))
    refused(place, "watch", "nan.wav", *watch)
    assert np.array_equal(np.load("s.npy"), np.arange(3)), "an older file stays as it was"


def test_a_hostile_file_name_cannot_drive_the_terminal(plans, place):
    name = "a\x1b]0;evil\x07\n[red].npy"
    np.save(name, noise(8000))
    done = command("watch", name, "--plan", plans / "bands")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1] == "a?]0;evil??[red].npy"
    assert "?]0;evil??[bold]x" in refused(place, "watch", "\x1b]0;evil\x07\n[bold]x", "--plan", plans / "bands")
    assert "[bold]" in refused(place, "inspect", "\x1b[bold]")


def test_usage_errors_end_with_2(plans):
    for arguments in ((), ("watch",), ("watch", "a.npy"), ("watch", "a", "--plan", plans, "--nope"), ("fly",)):
        done = command(*arguments)
        assert done.returncode == 2 and "Traceback" not in done.stderr, arguments
    assert command("verify", plans / "bands", "--hops", "0").returncode == 2


def test_faults_are_one_line_and_a_traceback_only_when_asked_for(plans, monkeypatch):
    def fault(text):
        raise ZeroDivisionError("by \x1b[0m zero")

    monkeypatch.setattr(find_plan, "find_plan", fault)
    result = CliRunner().invoke(cli.app, ["inspect", "x"])
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr == (
        "error: internal: ZeroDivisionError: by ?[0m zero (for a traceback: anomsdk --debug ...)\n"
    )
    result = CliRunner().invoke(cli.app, ["--debug", "inspect", "x"])
    assert isinstance(result.exception, ZeroDivisionError)
    done = command("--debug", "inspect", "missing")
    assert done.returncode == 1 and "Traceback" in done.stderr and "InputError" in done.stderr


def test_an_output_without_blocks_gets_ascii(plans, place):
    np.save("a.npy", noise(16_000))
    done = command("watch", "a.npy", "--plan", plans / "bands", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and done.stdout.isascii() and "####" in done.stdout


# --- plan, inspect, train, version


def test_plan_writes_the_plan_of_a_folder(plans, place):
    shutil.copytree(plans / "bands", "room")
    before = Path("room/plan.json").read_bytes()
    Path("room/plan.json").unlink()
    done = command("plan", "room")
    plan = anomsdk.plan("room")
    assert done.returncode == 0 and Path("room/plan.json").read_bytes() == before == plan.canonical_bytes
    assert done.stdout == (
        f"wrote room/plan.json: {len(before):,} bytes, {plan.macs:,} MACs a tick\n"
        f"id       {plan.id}\nscore_id {plan.score_id}\nraise    {plan.levels.raise_score}\n"
        f"speech   {SPEECH}"
    )
    assert sorted(p.name for p in Path("room").iterdir()) == [
        "calibration.json",
        "model.tflite",
        "plan.json",
        "spec.toml",
    ]


@pytest.mark.parametrize("kind", list(SPECS))
def test_inspect_says_what_is_kept_and_for_how_long(plans, kind):
    plan = anomsdk.read_plan(plans / kind / "plan.json")
    facts = json.loads(command("inspect", plans / kind / "plan.json", "--json").stdout)
    assert facts == describe(plan)
    assert facts["plan"]["id"] == plan.id
    expected = {
        "bands": {"samples_ms": 32.0, "features_ms": 272.0, "scores_ms": 0.0, "written": "nothing"},
        "logmel": {"samples_ms": 32.0, "features_ms": 96.0, "scores_ms": 0.0, "written": "nothing"},
        "motion": {"samples_ms": 1020.0, "features_ms": 1540.0, "scores_ms": 0.0, "written": "nothing"},
        "external": {"samples_ms": 0.0, "features_ms": 300.0, "scores_ms": 0.0, "written": "nothing"},
        "days": {"samples_ms": 0.0, "features_ms": 86_400_000.0, "scores_ms": 0.0, "written": "nothing"},
    }
    assert facts["retention"] == expected[kind] | {"baseline_bytes": 0}
    shown = command("inspect", plans / kind).stdout
    for words in (plan.id, plan.score_id, f"{plan.macs:,}", "retention", "features_ms", "3 of 5 ticks"):
        assert words in shown
    assert len(facts["model"]["layers"]) == len(plan.layers) == shown.count("per channel, outputs")


def test_train_hands_everything_on(monkeypatch, place):
    import anomsdk.train

    calls = []

    def fit_from(spec, normal, out, *, report, progress, doing, **more):
        calls.append((spec, normal, out, more))
        report("left out: a\x1b[2J")

    monkeypatch.setattr(anomsdk.train, "fit_from", fit_from)
    needed = ["train", "--normal", "n", "--spec", "s.toml", "--out", "o"]
    every = ["--calibration", "c.npz", "--anomalous", "a.npz:label=odd", "--group", "cow", "--segment", "60"]
    every += ["--search", "full", "--gain-db", "3", "--skip-bad", "--seed", "9", "--tolerate", "2"]
    every += ["--unit", "mg", "--axes", "a,b,c", "--time", "t:ms", "--scale", "0.5", "--array", "phone"]
    result = CliRunner().invoke(cli.app, [*needed, *every])
    assert (result.exit_code, result.stdout) == (0, "left out: a?[2J\n")
    assert CliRunner().invoke(cli.app, needed).exit_code == 0
    given = {"calibration": "c.npz", "anomalous": "a.npz:label=odd", "group": "cow", "skip_bad": True}
    given["reading"] = ReadOptions(unit="mg", axes=("a", "b", "c"), time="t:ms", scale=(0.5,), array="phone")
    plain = {"calibration": None, "anomalous": None, "group": None, "skip_bad": False, "reading": ReadOptions()}
    options = anomsdk.train.Options(seed=9, search="full", gain_db=3.0, segment_s=60.0, tolerate=2)
    assert calls == [
        (Path("s.toml"), "n", Path("o"), {**given, "options": options}),
        (Path("s.toml"), "n", Path("o"), {**plain, "options": anomsdk.train.Options()}),
    ]

    def stopped(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(anomsdk.train, "fit_from", stopped)
    result = CliRunner().invoke(cli.app, needed)
    assert result.exit_code == 130 and result.stderr.startswith(
        "stopped; nothing was written. Run the same command again"
    )


def test_train_refuses_a_missing_spec(place):
    np.save("n.npy", noise(8000))
    assert "s.toml" in refused(place, "train", "--normal", "n.npy", "--spec", "s.toml", "--out", "o")


def test_version():
    done = command("--version")
    assert (done.returncode, done.stdout) == (0, f"anomsdk {anomsdk.__version__}\n")


# --- the parts behind it


def test_hops_go_on_counting_after_2_to_the_32(plans, monkeypatch):
    """Guards the times of a watch that runs for years: a device's hop count wraps, its times must not."""
    plan = anomsdk.read_plan(plans / "external" / "plan.json")
    with Watch(plan) as watch:
        pipeline = watch._pipeline
        monkeypatch.setattr(pipeline, "reset", lambda: None)
        pipeline.gap(2**31 - 1)
        pipeline.gap(2**31 - 1499)
        hops = [alert.hop for alert in watch.hear(_recording(noise(4000, columns=6, seed=1)))]
    assert hops == sorted(hops) and hops[0] < 2**32 < hops[-1]


def _recording(samples):
    class Recording:
        name, notes, length = "x", (), None

        def blocks(self):
            yield samples

    return Recording()


def test_times_and_lengths_are_readable():
    assert [display.clock(s) for s in (0, 59.96, 3599.95, 360_000)] == [
        "0:00:00.0",
        "0:01:00.0",
        "1:00:00.0",
        "100:00:00.0",
    ]
    assert [display.duration(s) for s in (0.0005, 0.272, 1.04, 75, 1200)] == [
        "0.5 ms",
        "272 ms",
        "1.04 s",
        "75 s",
        "20 min",
    ]


def test_a_plot_marks_what_happened_and_fits_80_columns():
    shown = display.plot([0.01] * 50 + [2.0] * 10 + [0.5] * 40, 100.0, [51.0], [70.0]).splitlines()
    assert all(len(line) <= 80 for line in shown)
    raised = next(line for line in shown if line.startswith("raise"))
    columns = raised[7:]
    assert len(columns) == 72 and columns[:36] == "_" * 36 and set(columns[36:43]) == {"█"}
    marks = shown[-2][7:]
    assert marks.index("▲") == 36 and marks.index("▽") == 50
    assert shown[-1].replace(" s", "").split() == ["0", "20", "40", "60", "80", "100"]


def test_progress_is_silent_where_nobody_looks():
    stream = io.StringIO()
    progress = terminal.Progress(100, stream)
    progress._next = 0.0
    progress.update(50)
    progress.clear()
    assert stream.getvalue() == ""


def test_a_table_is_plain_text_as_wide_as_it_needs(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    shown = display.table([("what", "n"), ("[red]x[/red] :bell:" + "y" * 200, "1"), ("", "1,000")], right=(1,))
    assert shown.splitlines() == [
        f"{'what':219}      n",
        "─" * 226,
        f"[red]x[/red] :bell:{'y' * 200}      1",
        f"{'':219}  1,000",
    ]


def test_rich_is_imported_only_to_draw(plans):
    code = (
        "import sys; from anomsdk.cli import app; from anomsdk.utils import terminal; from anomsdk.watch.sinks import console\n"
        "terminal.show('plain', styles=terminal.STATE_STYLES)\n"
        "with terminal.Progress(9) as progress: progress.update(1)\n"
        "assert 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("magic", [b"RIFF", b"fLaC", b"OggS", b"\x93NUM", b"PK\x03\x04"])
def test_files_piped_in_whole_are_refused(plans, place, magic):
    assert "give the file's name instead" in refused(
        place, "watch", "-", "--plan", plans / "bands", input=magic + bytes(60_000)
    )
