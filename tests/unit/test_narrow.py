"""Forty columns: every command's output fits, and no number of it is lost."""

import contextlib
import io
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import anomsdk
from anomsdk.demo import herd_files
from anomsdk.demo import motion as demo_motion
from anomsdk.demo import recordings as demo_recordings
from anomsdk.planner.spec import PipelineSpec
from anomsdk.synthetic.sound import Anomaly
from anomsdk.utils import terminal
from anomsdk.utils import text as display
from tests.support.command_line import anomsdk_command
from tests.support.make import ROOT, SPECS, noise

METER = PipelineSpec.from_toml(
    SPECS["external"].replace("n_features = 6", "n_features = 3").replace("frames = 3", "frames = 2")
    + "[model]\nmax_macs = 40\n"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("narrow")
    days = [np.random.default_rng(i).normal(0, 100, (600, 3)).astype(np.int16) for i in range(4)]
    for i, day in enumerate(days):
        (folder / "normal" / f"day-{i}").mkdir(parents=True)
        np.save(folder / "normal" / f"day-{i}" / "a_recording_with_a_long_name_of_its_own.npy", day)
    (folder / "odd").mkdir()
    np.save(folder / "odd" / "odd.npy", noise(600, columns=3))
    (folder / "spec.toml").write_text(METER.to_toml())
    anomsdk.train.fit(METER, days, out=folder / "meter")
    return folder


COMMANDS = {
    "train": "train --normal normal --spec spec.toml --out OUT",
    "watch": "watch odd --plan meter",
    "score": "score odd --plan meter --out OUT.npz",
    "evaluate": "evaluate --plan meter --normal normal --anomalous odd",
    "diff": "diff meter meter --corpus normal --anomalous odd",
    "plan": "plan meter",
    "verify": "verify meter --hops 1",
    "inspect": "inspect meter",
    "emit-c": "emit-c meter --out OUT",
    "calibrate": "calibrate meter --normal normal --out OUT",
    "demo": "demo",
    "help": "--help",
    "train help": "train --help",
    "evaluate help": "evaluate --help",
}


def lines_of(place, monkeypatch, tmp_path, command, columns, out="out"):
    monkeypatch.chdir(place)
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", str(columns))
    done = anomsdk_command(*command.replace("OUT", str(tmp_path / out)).split())
    assert done.status == 0, done.stderr
    return done.stdout.splitlines()


def numbers(lines):
    """Numbers, and ids without the breaks in them."""
    text = "\n".join(lines)
    ids = set(re.findall(r"\b[0-9a-f]{64}\b", re.sub(r"(?<=[0-9a-f])\n +(?=[0-9a-f])", "", text)))
    return ids | set(re.findall(r"[-+]?\d[\d,.:]*(?<=\d)", re.sub(r"\b[0-9a-f]{20,}\b", "", text)))


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("columns", [40, 30])
def test_every_command_fits(place, monkeypatch, tmp_path, name, columns):
    if "help" in name and columns < 40:
        return  # names of options are longer
    wide = lines_of(place, monkeypatch, tmp_path, COMMANDS[name], None, "wide")
    narrow = lines_of(place, monkeypatch, tmp_path, COMMANDS[name], columns, "slim")
    assert max(map(len, narrow)) <= columns, max(narrow, key=len)
    if columns == 40 and "help" not in name and name != "demo":  # a shorter axis has fewer labels
        lost = numbers(wide) - numbers(narrow)
        whole = "".join("".join(narrow).split())
        assert not [each for each in lost if each not in whole], lost


def test_a_wide_terminal_and_a_pipe_get_the_same(place, monkeypatch, tmp_path):
    for command in ("inspect meter", "evaluate --plan meter --normal normal --anomalous odd"):
        assert lines_of(place, monkeypatch, tmp_path, command, None) == lines_of(
            place, monkeypatch, tmp_path, command, 200
        )


@pytest.mark.parametrize(
    "command",
    ["inspect meter --json", "watch odd --plan meter --jsonl", "evaluate --plan meter --normal normal --json"],
)
def test_json_is_never_broken(place, monkeypatch, tmp_path, command):
    assert lines_of(place, monkeypatch, tmp_path, command, 40) == lines_of(place, monkeypatch, tmp_path, command, None)


@pytest.mark.parametrize("columns", ["", "0", "-5", "x", "1e3", "²", "9" * 5000, "1"])
def test_odd_columns_are_no_error(place, monkeypatch, tmp_path, columns):
    assert lines_of(place, monkeypatch, tmp_path, "inspect meter", columns)


def test_a_wide_table_becomes_paragraphs_that_name_every_cell():
    rows = [("", "model", "MACs", "AUC"), (">", "components 4, wide", "432", "0.998"), ("", "autoencoder", "1,024", "")]
    assert display.table(rows, width=24).splitlines() == [
        *("> model: components 4,", "    wide", "  MACs 432, AUC 0.998"),
        *("- model: autoencoder", "  MACs 1,024"),
    ]
    assert display.table(rows, width=60).splitlines()[0].split() == ["model", "MACs", "AUC"]


@pytest.mark.parametrize("scene", ["room", "wearable", "collar", "herd"])
def test_what_demo_write_reports_fits(monkeypatch, capsys, scene):
    if scene == "room":
        anomalies = (Anomaly(30.0, 33.0, "siren"), Anomaly(65.0, 68.0, "knocking"))
        written = demo_recordings.Written(Path("a/long/path/to/the/folder"), (24, 8), ("siren",), anomalies)
    elif scene == "herd":
        written = herd_files.WrittenHerd(Path("a/long/path/to/the/folder"), 24, 11)
    else:
        written = demo_motion.WrittenMotion(Path("a/long/path/to/the/folder"), scene)
    report = {"room": demo_recordings, "herd": herd_files}.get(scene, demo_motion).written_report
    monkeypatch.setenv("COLUMNS", "40")
    terminal.show(report(written))
    lines = capsys.readouterr().out.splitlines()
    monkeypatch.delenv("COLUMNS")
    assert max(map(len, lines)) <= 40 and numbers(report(written).splitlines()) == numbers(lines)


def test_a_plot_takes_the_room_there_is(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    lines = display.plot([0.1, 3.0, 0.5] * 30, 3600.0, [1200.0], [3599.0]).splitlines()
    assert max(map(len, lines)) <= 40 and "▲" in lines[-2] and lines[-2].rstrip().endswith("▽")
    assert re.findall(r"\d+ s", lines[-1])[0] == "0 s" and len(re.findall(r"\d+ s", lines[-1])) >= 2


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_fits(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with terminal.Progress(1000, stream) as progress:
        for done in range(0, 1000, 100):
            progress._next = 0
            progress.update(done)
            time.sleep(0.01)
    drawn = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part) for part in re.split(r"[\r\n]", stream.getvalue())]
    assert any("90%" in part for part in drawn) and max(map(len, drawn)) <= 40, drawn


def test_a_real_terminal_of_forty_columns(place):
    """Errors are broken there, too; elsewhere they are one line."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 40, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    seen = b""
    for arguments in (["inspect", "meter"], ["watch", "nothing-of-this-name.npy", "--plan", "meter"]):
        done = subprocess.Popen(
            [sys.executable, "-m", "anomsdk", *arguments],
            **{"stdin": theirs, "stdout": theirs, "stderr": theirs, "cwd": place},
            env={**environment, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "TERM": "xterm"},
        )
        while done.poll() is None:
            time.sleep(0.02)
            os.set_blocking(ours, False)
            try:
                seen += os.read(ours, 1 << 16)
            except BlockingIOError:
                continue
    with contextlib.suppress(BlockingIOError):
        seen += os.read(ours, 1 << 16)
    os.close(ours)
    os.close(theirs)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r", "").split("\n")
    assert max(map(len, lines)) <= 40 and any("score_id" in line for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "error: nothing-of-this-name.npy: no such file or folder; check the path" in text
