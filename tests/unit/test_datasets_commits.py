"""Commits of a data set: kills, full disks and other runs leave whole files only, and nothing is counted twice."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import anomsdk
from anomsdk.datasets import commits, parts, score_run
from anomsdk.datasets.score_run import score_into
from anomsdk.errors import InputError, UnusableInputsError
from tests.support.data_sets import MIDNIGHT_S, days, rows_in, write_recording
from tests.support.herds import plan_with_ladder

N = 7
ENDS_WITH_KILL = """
import os, signal, sys
from pathlib import Path
calls = int(sys.argv[1])
def counted(function):
    def call(*given, **named):
        global calls
        calls -= 1
        if calls == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*given, **named)
    return call
os.fsync = counted(os.fsync)
Path.rename, Path.replace = counted(Path.rename), counted(Path.replace)
import anomsdk
from anomsdk.datasets import score_run
score_run._MOST_UNITS = 2
score_run.score_into(anomsdk.read_plan(sys.argv[2]), [sys.argv[3]], Path(sys.argv[4]), jobs=1, engine="reference")
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A plan, and 7 recordings that each begin 2 s before midnight of UTC or on the day before."""
    folder = tmp_path_factory.mktemp("made")
    anomsdk.write_plan(plan_with_ladder(), folder / "plan.json")
    for each in range(N):
        write_recording(folder / "cows" / f"cow{each}.npz", t0=MIDNIGHT_S - 2 - 86_400 * (each % 2), seed=each)
    return folder


@pytest.fixture(scope="module")
def whole(made):
    score(made, made / "whole", jobs=1)
    return rows_in(made / "whole")


def score(made, out, source=None, **options):
    options = {"jobs": 1, "engine": "reference"} | options
    return score_into(anomsdk.read_plan(made / "plan.json"), [source or made / "cows"], out, **options)


def test_each_recording_has_a_row_for_each_day(made, whole):
    assert days(made / "whole") == {"day=2026-05-30", "day=2026-05-31", "day=2026-06-01"}
    assert len(whole) == 2 * N
    assert {row["device"] for row in whole} == {f"cow{each}.npz" for each in range(N)}
    assert {row["ticks"] for row in whole} == {20}
    assert not list((made / "whole").glob("**/*.tmp"))


@pytest.mark.parametrize("calls", [1, 3, 5, 6, 8, 11])
def test_after_a_kill_a_second_run_completes_the_data_set(made, whole, tmp_path, calls):
    """Calls of fsync and rename are counted, and the process is killed before one of them."""
    words = [sys.executable, "-c", ENDS_WITH_KILL, str(calls), made / "plan.json", made / "cows", tmp_path / "out"]
    killed = subprocess.run([str(word) for word in words], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()
    visible = sum(len(json.loads(path.read_text())["inputs"]) for path in (tmp_path / "out/_commits").glob("*.json"))
    assert visible in (0, 2, 4)
    written = score(made, tmp_path / "out")
    assert (written.done_before, written.inputs) == (visible, N - visible)
    assert rows_in(tmp_path / "out") == whole
    assert not list((tmp_path / "out").glob("**/*.tmp"))


def test_three_threads_write_the_rows_of_one(made, whole, tmp_path):
    score(made, tmp_path / "out", jobs=3)
    assert rows_in(tmp_path / "out") == whole
    one, three = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("day=*/*")}
        for folder in (made / "whole", tmp_path / "out")
    )
    assert one == three


def test_little_memory_gives_the_same_rows_in_more_files(made, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("anomsdk.datasets.row_buffer.RowMemory.__init__.__defaults__", (1000,))
    monkeypatch.setattr("anomsdk.datasets.unit_scoring.RECORDING_BYTES", 300)
    written = score(made, tmp_path / "out")
    assert rows_in(tmp_path / "out") == whole
    assert written.files > 3
    assert not list((tmp_path / "out").glob("**/*.tmp"))


def test_a_further_run_adds_only_what_is_new(made, whole, tmp_path):
    folder = shutil.copytree(made / "cows", tmp_path / "cows")
    (folder / "cow6.npz").rename(tmp_path / "later.npz")
    first = score(made, tmp_path / "out", folder)
    assert (first.devices, first.device_days, first.done_before) == (N - 1, 2 * N - 2, 0)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("day=*/*")}
    (tmp_path / "later.npz").rename(folder / "cow6.npz")
    second = score(made, tmp_path / "out", folder)
    assert (second.devices, second.device_days, second.done_before) == (1, 2, N - 1)
    assert rows_in(tmp_path / "out") == whole
    assert before.items() <= {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("day=*/*")}.items()
    third = score(made, tmp_path / "out", folder)
    assert (third.devices, third.files, third.done_before) == (0, 0, N)
    assert str(third) == "0 devices, 0 device days in 0 files; 7 done before"


def test_a_changed_input_is_refused(made, tmp_path):
    folder = shutil.copytree(made / "cows", tmp_path / "cows")
    score(made, tmp_path / "out", folder)
    write_recording(folder / "cow2.npz", t0=MIDNIGHT_S, seed=99)
    with pytest.raises(
        UnusableInputsError, match=r"cow2.npz: has changed since it was scored into .*out; put the file"
    ):
        score(made, tmp_path / "out", folder)


def test_other_settings_are_refused_in_one_line(made, tmp_path):
    score(made, tmp_path / "out")
    other = plan_with_ladder(m=1, n=2)
    with pytest.raises(InputError, match=f"is of plan {plan_with_ladder().id[:16]}, and this plan is {other.id[:16]}"):
        score_into(other, [made / "cows"], tmp_path / "out")
    with pytest.raises(InputError, match="was written with `scores='log2'`, not `scores='exact'`; give a new folder"):
        score(made, tmp_path / "out", scores="exact")
    with pytest.raises(InputError, match="was written with `go_on=False`, not `go_on=True`; give a new folder"):
        score(made, tmp_path / "out", go_on=True)
    with pytest.raises(
        InputError, match="names devices by their recordings, and these inputs name them by folder; give `gro"
    ):
        score(made, tmp_path / "out", group="folder")


def test_a_disk_that_is_full_leaves_what_was_committed(made, whole, tmp_path, monkeypatch):
    """The error names the file and the reason; nothing half-written is visible, and the next run completes."""
    monkeypatch.setattr(score_run, "_MOST_UNITS", 2)
    real, left = os.fsync, [9]

    def fsync(handle):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(InputError, match=r"cannot be written: No space left on device; free some space"):
            score(made, tmp_path / "out")
    done = len(rows_in(tmp_path / "out"))
    assert 0 < done < 2 * N
    assert not list((tmp_path / "out").glob("**/*.tmp"))
    score(made, tmp_path / "out")
    assert rows_in(tmp_path / "out") == whole


def test_a_limit_of_the_system_on_files_is_one_line(made, whole, tmp_path):
    """RLIMIT_FSIZE makes the write itself fail, in the command."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)); "
        "from anomsdk.cli.app import main; sys.exit(main())"
    )
    words = [
        sys.executable,
        "-c",
        code,
        "score",
        made / "cows",
        "--plan",
        made / "plan.json",
        "--out",
        tmp_path / "out",
    ]
    failed = subprocess.run(list(map(str, words)), check=False, capture_output=True, text=True)
    assert failed.returncode == 2
    assert failed.stderr.strip().count("\n") == 0
    assert "File too large; free some space, or choose another place" in failed.stderr
    assert rows_in(tmp_path / "out") == []
    score(made, tmp_path / "out")
    assert rows_in(tmp_path / "out") == whole


def test_what_others_left_is_removed_or_refused(made, whole, tmp_path):
    out = tmp_path / "out"
    score(made, out)
    (out / "day=2026-06-01" / "part-00077.parquet.tmp").write_bytes(b"half")
    (out / "day=2020-01-01").mkdir()
    (out / "day=2020-01-01" / "part-00078.parquet.tmp").write_bytes(b"half")
    score(made, out)
    assert days(out) == {"day=2026-05-30", "day=2026-05-31", "day=2026-06-01"}
    assert rows_in(out) == whole
    foreign = out / "day=2026-06-01" / "part-00077.parquet"
    foreign.write_bytes(b"half")
    with pytest.raises(InputError, match=r"part-00077.parquet: is in no record of this data set; move it away"):
        score(made, out)
    foreign.unlink()
    own = next(out.glob("day=2026-06-01/*.parquet"))
    data = own.read_bytes()
    own.write_bytes(data[:-9])
    with pytest.raises(InputError, match=r"part-\d+.parquet: is not as it was written, [\d,]+ bytes long"):
        score(made, out)
    own.unlink()
    with pytest.raises(InputError, match=r"part-\d+.parquet: is missing from this data set"):
        score(made, out)


def test_a_place_that_is_no_data_set_is_refused(made, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: is a file, and a data set is a folder; give a new folder"):
        score(made, tmp_path / "file")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("")
    with pytest.raises(InputError, match="other: holds other files than a data set; give a new folder"):
        score(made, tmp_path / "other")
    with pytest.raises(InputError, match=r"there is no folder .*missing; make it first"):
        score(made, tmp_path / "missing" / "out")
    for damage in (b"{", b"[]", b'{"format": "anomsdk commit", "version": 2}', b'{"format": "anomsdk commit"}'):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        (tmp_path / "out" / "_commits").mkdir(parents=True)
        (tmp_path / "out" / "_commits" / "00000.json").write_bytes(damage)
        with pytest.raises(InputError, match=r"00000.json: (is damaged|was written by another release)"):
            score(made, tmp_path / "out")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="needs pyarrow; pip install 'anomsdk"):
        score(made, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_two_runs_do_not_write_at_once(made, tmp_path):
    pytest.importorskip("fcntl", reason="locks of files")
    data_set = commits.DataSet(tmp_path / "out", {})
    with data_set.opened(), pytest.raises(InputError, match="another run is writing to it; wait until it has ended"):
        score(made, tmp_path / "out")


def test_an_interrupt_keeps_what_is_committed(made, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(score_run, "_MOST_UNITS", 2)
    real = parts.PartWriter.write
    calls = []

    def write(self, *given):
        calls.append(given)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(parts.PartWriter, "write", write)
        with pytest.raises(KeyboardInterrupt):
            score(made, tmp_path / "out")
    assert 0 < len(rows_in(tmp_path / "out")) < 2 * N
    assert not list(Path(tmp_path / "out").glob("**/*.tmp"))
    score(made, tmp_path / "out", jobs=2)
    assert rows_in(tmp_path / "out") == whole
