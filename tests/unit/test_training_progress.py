"""Training takes minutes: a terminal has a bar, a log a line every ten seconds that says what is done and how far."""

import io
import re

import numpy as np
import pytest

from anomsdk.utils import terminal
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
        "train: 10 % after 0:00:10, reading recordings",
        "train: 20 % after 0:00:20, model 3, mahalanobis",
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
    found = [re.fullmatch(r"train: (\d+) % after \d:\d\d:\d\d, (.*)", line) for line in ended.stderr.splitlines()]
    assert all(found) and len(found) > 40
    percents, words = [int(line[1]) for line in found], [line[2] for line in found]
    assert percents == sorted(percents) and percents[0] < 15 and percents[-1] >= 97
    assert words[0] == "reading recordings, and putting probes into some of them"
    assert any(re.match(r"model \d+, autoencoder 8, \+-6 dev", each) for each in words)
    assert words.count(max(words, key=words.count)) > 20, "epochs count, too: an autoencoder may take minutes"
    assert words[-1].startswith("training ") or words[-1] == "placing the alarm level"
