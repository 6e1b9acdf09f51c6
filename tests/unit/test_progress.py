"""Long tasks: a terminal has a bar, a log a line every ten seconds that says what is done and how far."""

import io
import re
import time

import numpy as np
import pytest

import anomsdk
from anomsdk.planner.spec import PipelineSpec
from anomsdk.utils import terminal
from anomsdk.watch.session import Watch
from tests.support.command_line import anomsdk_command

SPEC = """
format = 1
name = "rows"
sensor = {kind = "external", rate_hz = 10}
features = {kind = "external", n_features = 4}
context = {kind = "stack", frames = 2}
model = {max_macs = 200}
"""


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    return now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_has_a_line_every_ten_seconds(clock):
    stream = io.StringIO()
    with terminal.Progress(1000, stream, log="train") as progress:
        progress.doing("reading recordings")
        for second in range(25):
            clock[0] = 100.0 + second
            if second == 15:
                progress.doing("model 3, mahalanobis")
            progress.update(10 * second)
    assert stream.getvalue().splitlines() == [
        "train: 10 % after 0:00:10, 0:01:30 left, reading recordings",
        "train: 20 % after 0:00:20, 0:01:20 left, model 3, mahalanobis",
    ]


def test_short_tasks_and_those_without_a_name_write_nothing(clock):
    stream = io.StringIO()
    with terminal.Progress(10, stream, log="train") as progress:
        progress.update(5)
        clock[0] += 9.9
        progress.update(9)
    with terminal.Progress(10, stream) as progress:
        clock[0] += 60
        progress.update(5)
    assert stream.getvalue() == ""


def test_a_log_has_lines_where_the_task_itself_reports_nothing(monkeypatch):
    """A compiler, or one long file: no update comes for minutes."""
    monkeypatch.setattr(terminal, "LOGGED_EVERY_S", 0.05)
    stream = io.StringIO()

    def wait_for(line, times):
        end = time.monotonic() + 20
        while len(re.findall(line, stream.getvalue(), re.M)) < times:
            assert time.monotonic() < end, stream.getvalue()
            time.sleep(0.01)

    with terminal.Progress(stream=stream, log="footprint") as progress:
        progress.doing("compiling")
        wait_for(r"^footprint: after 0:00:\d\d, compiling$", 2)
        progress.update(1, 4)
        wait_for(r"^footprint: 25 % after 0:00:\d\d, 0:00:\d\d left, compiling$", 2)
    written = stream.getvalue()
    time.sleep(0.2)
    assert stream.getvalue() == written, "it ends with the task"


def test_a_live_stream_has_no_lines(monkeypatch):
    monkeypatch.setattr(terminal, "LOGGED_EVERY_S", 0.0)
    stream = io.StringIO()
    with terminal.Progress(stream=stream, log="watch") as progress:
        progress.update(0, 0)
        progress.doing("watching")
        progress.update(5, 0)
        time.sleep(0.2)
    assert stream.getvalue() == ""


def test_a_log_that_nobody_reads_stops_no_task(monkeypatch):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(terminal, "LOGGED_EVERY_S", 0.05)
    with terminal.Progress(4, Closed(), log="score"):
        time.sleep(0.2)


def test_what_is_printed_takes_the_bar_away_first(clock, capsys):
    stream = Terminal()
    with terminal.Progress(100, stream) as progress:
        clock[0] += 11
        progress.update(50)
        drawn = len(stream.getvalue())
        terminal.show("an alarm")
        assert "\x1b[2K" in stream.getvalue()[drawn:], "erased"
        clock[0] += 11
        progress.update(60)
        assert "60%" in stream.getvalue()[drawn:]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("progress")
    (folder / "normal").mkdir()
    days = [np.random.default_rng(i).normal(0, 100, (900, 4)).astype(np.int16) for i in range(4)]
    for i, day in enumerate(days):
        np.save(folder / "normal" / f"{i}.npy", day)
    anomsdk.train.fit(PipelineSpec.from_toml(SPEC), days, out=folder / "plan")
    return folder


COMMANDS = [
    "watch normal --plan plan",
    "watch normal --plan plan --jsonl",
    "score normal --plan plan --out OUT.npz",
    "calibrate plan --normal normal --out OUT",
    "evaluate --plan plan --normal normal",
    "diff plan plan --corpus normal",
    "verify plan normal/0.npy --hops 1",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_long_command_says_in_a_log_how_far_it_is(place, tmp_path, monkeypatch, command):
    monkeypatch.chdir(place)
    words = command.replace("OUT", str(tmp_path / "out")).split()
    short = anomsdk_command(*words)
    assert short.status == 0 and " % after" not in short.stderr, "none for what is over in 10 s"
    monkeypatch.setattr(terminal, "LOGGED_EVERY_S", 0.0)
    long = anomsdk_command(*command.replace("OUT", str(tmp_path / "second")).split())
    assert long.status == 0
    found = re.findall(rf"^{words[0]}: (\d+) % after 0:00:\d\d, (?:0:0\d:\d\d left, )?[a-z ]+$", long.stderr, re.M)
    percents = list(map(int, found))
    assert len(set(percents)) >= 3 and percents[-1] >= 80, long.stderr
    assert words[0] == "calibrate" or percents == sorted(percents), "calibrate reads twice"
    assert long.stdout.replace(str(tmp_path / "second"), str(tmp_path / "out")) == short.stdout


def test_watch_of_a_live_stream_writes_no_progress(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setattr(terminal, "LOGGED_EVERY_S", 0.0)
    opened = Watch.open

    def slowly(*arguments, **keywords):
        time.sleep(0.3)
        return opened(*arguments, **keywords)

    monkeypatch.setattr(Watch, "open", slowly)
    samples = np.load("normal/0.npy")
    for source, lines in (("normal", True), ("-", False)):
        ended = anomsdk_command("watch", source, "--plan", "plan", stdin=samples.tobytes())
        assert ended.status == 0, ended.stderr
        assert (" after 0:00:0" in ended.stderr) == lines, ended.stderr


def test_footprint_says_in_a_log_how_far_it_is(monkeypatch):
    import anomsdk.mcu

    class StoppedError(Exception):
        pass

    def footprint(plan, target, *, progress):
        progress(0, 1)
        progress(3, 4)
        raise StoppedError

    monkeypatch.setattr(anomsdk.mcu, "footprint", footprint)
    monkeypatch.setattr(terminal, "LOGGED_EVERY_S", 0.0)
    ended = anomsdk_command("footprint", "audio_scene", "--target", "cortex-m4")
    assert "footprint: 75 % after 0:00:00, 0:00:00 left, compiling, then running\n" in ended.stderr


def test_a_terminal_has_the_bar_and_no_lines(clock):
    stream = Terminal()
    with terminal.Progress(100, stream, log="train") as progress:
        progress.doing("reading recordings")
        clock[0] += 11
        progress.update(50)
    assert "train:" not in stream.getvalue() and "reading" not in stream.getvalue()


def test_train_says_what_it_is_at(tmp_path, monkeypatch):
    monkeypatch.setattr(terminal, "LOGGED_EVERY_S", 0.0)
    (tmp_path / "normal").mkdir()
    (tmp_path / "spec.toml").write_text(SPEC)
    for i in range(5):
        np.save(tmp_path / "normal" / f"{i}.npy", np.random.default_rng(i).normal(0, 100, (900, 4)).astype(np.int16))
    ended = anomsdk_command(
        "train", "--normal", tmp_path / "normal", "--spec", tmp_path / "spec.toml", "--out", tmp_path / "made"
    )
    assert ended.status == 0
    lines = [line for line in ended.stderr.splitlines() if not line.endswith(" opening recordings")]
    found = [re.fullmatch(r"train: (\d+) % after \d:\d\d:\d\d, (?:\d+:\d\d:\d\d left, )?(.*)", line) for line in lines]
    assert all(found) and len(found) > 40
    percents, words = [int(line[1]) for line in found], [line[2] for line in found]
    assert percents == sorted(percents) and percents[0] < 15 and percents[-1] >= 97
    assert words[0] == "reading recordings, and putting probes into excerpts of them"
    assert any(re.match(r"model \d+, autoencoder 8, \+-6 dev", each) for each in words)
    assert words.count(max(words, key=words.count)) > 20, "epochs count, too: an autoencoder may take minutes"
    assert words[-1].startswith("training ") or words[-1] == "placing the alarm level"
