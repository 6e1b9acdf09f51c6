"""Folders that are written: one training at a time, and on a full disk one line that names the target, and nothing left."""

import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import anomsdk
from anomsdk.demo import motion as demo_motion
from anomsdk.demo import recordings as demo_recordings
from anomsdk.errors import InputError
from anomsdk.evaluate import report_html as page
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.folder import claimed
from anomsdk.utils.files import parents_made, write_atomically
from anomsdk.watch.session import Watch
from anomsdk.watch.sinks.scores import write_scores
from tests.support.make import ROOT, SPECS, make_folder, noise

METER = PipelineSpec.from_toml(
    SPECS["external"].replace("n_features = 6", "n_features = 3").replace("frames = 3", "frames = 2")
    + "[model]\nmax_macs = 40\n"
)
DAYS = [np.random.default_rng(i).normal(0, 100, (600, 3)).astype(np.int16) for i in range(4)]
IN_USE = "is in use, another training or calibration writes to it; wait, or give a new folder"


# One training a folder


def test_a_second_training_into_a_folder_is_refused(tmp_path):
    out = tmp_path / "meter"
    (tmp_path / "alias").symlink_to("meter")
    make_folder(tmp_path / "made", SPECS["external"])
    (tmp_path / "rows.npy").write_bytes(b"")
    with claimed(out):
        for place in (out, tmp_path / "alias", tmp_path / "made" / ".." / "meter"):
            with pytest.raises(InputError, match=IN_USE):
                anomsdk.train.fit(METER, DAYS, out=place)
            with pytest.raises(InputError, match=IN_USE):  # before it reads anything
                anomsdk.train.fit_from(tmp_path / "made" / "spec.toml", tmp_path / "rows.npy", place)
            with pytest.raises(InputError, match=IN_USE):
                anomsdk.train.calibrate(tmp_path / "made", [noise(900, columns=6)], out=place)
        with claimed(tmp_path / "another"):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alias", "made", "rows.npy"]


def test_a_training_claims_its_folder_while_it_runs_and_leaves_no_claim(tmp_path):
    seen = []

    def report(line):
        with pytest.raises(InputError, match=IN_USE), claimed(tmp_path / "meter"):
            pass
        seen.append(line)

    anomsdk.train.fit(METER, DAYS, out=tmp_path / "meter", report=report)
    assert seen and [path.name for path in tmp_path.iterdir()] == ["meter"]
    anomsdk.train.calibrate(tmp_path / "meter", DAYS[:1], out=tmp_path / "mine", report=lambda line: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["meter", "mine"]


@pytest.mark.parametrize("error", [InputError("bad"), KeyboardInterrupt(), SystemExit(143)])
def test_a_training_that_fails_gives_the_folder_free(tmp_path, error):
    def report(line):
        raise error

    with pytest.raises(type(error)):
        anomsdk.train.fit(METER, DAYS, out=tmp_path / "new" / "folders" / "meter", report=report)
    assert not list(tmp_path.iterdir())


def test_a_training_that_finds_too_little_leaves_no_search(tmp_path):
    (tmp_path / "spec.toml").write_text(METER.to_toml())
    for i, day in enumerate(DAYS):
        (tmp_path / "normal" / str(i)).mkdir(parents=True)
        np.save(tmp_path / "normal" / str(i) / "rows.npy", day[:10])
    with pytest.raises(InputError, match=r"too few recordings for a model that stores no single window .* give more"):
        anomsdk.train.fit_from(tmp_path / "spec.toml", tmp_path / "normal", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["normal", "spec.toml"]


def test_a_claim_ends_with_its_process(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from anomsdk.train.folder import claimed\n"
        "with claimed(Path(sys.argv[1])):\n print('mine', flush=True)\n time.sleep(60)"
    )
    out = tmp_path / "meter"
    holder = subprocess.Popen([sys.executable, "-c", script, out], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert holder.stdout.readline() == b"mine\n"
        with pytest.raises(InputError, match=IN_USE), claimed(out):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    finally:
        holder.kill()
    assert [path.name for path in tmp_path.iterdir()] == [".meter.lock"]
    with claimed(out):
        pass
    assert not list(tmp_path.iterdir())


def test_only_one_of_many_has_a_claim(tmp_path):
    """Those that come and go at once never hold it together, whatever becomes of the file."""
    script = (
        "import sys, os; from pathlib import Path; from anomsdk.errors import InputError\n"
        "from anomsdk.train.folder import claimed\nout, mark = map(Path, sys.argv[1:])\nhad = 0\n"
        "while had < 200:\n try:\n  with claimed(out):\n"
        "   os.close(os.open(mark, os.O_CREAT | os.O_EXCL)); mark.unlink(); had += 1\n except InputError:\n  pass"
    )
    arguments = [sys.executable, "-c", script, tmp_path / "meter", tmp_path / "mark"]
    running = [subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(2)]
    for each in running:
        assert not each.communicate()[1] and each.returncode == 0
    assert not list(tmp_path.iterdir())


def test_the_claim_is_no_link_of_others(tmp_path):
    (tmp_path / "theirs").write_text("mine")
    (tmp_path / ".meter.lock").symlink_to("theirs")
    with pytest.raises(InputError, match="meter: cannot be written: "), claimed(tmp_path / "meter"):
        pass
    assert (tmp_path / "theirs").read_text() == "mine"


# A full disk


@contextmanager
def full(n):
    """No file may have more than n bytes: what a full disk and a quota look like to a writer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    made = anomsdk.train.fit(METER, DAYS, out=folder / "meter")
    np.save(folder / "rows.npy", DAYS[0])
    return made


def watch(plan, place):
    with Watch(plan, scores=place) as watching:
        for _ in range(30):
            for recording in watching.open(plan.folder.parent / "rows.npy"):
                list(watching.hear(recording))


WRITERS = {
    "demo room": ("room", lambda plan, place: demo_recordings.write(place)),
    "demo wearable": ("wearer", lambda plan, place: demo_motion.write(place, "wearable")),
    "emit-c": ("firmware", lambda plan, place: anomsdk.emit_c(plan, place)),
    "train": ("trained", lambda plan, place: anomsdk.train.fit(METER, DAYS, out=place)),
    "calibrate": ("own", lambda plan, place: anomsdk.train.calibrate(plan.folder, DAYS[:1], out=place)),
    "plan": ("plan.json", lambda plan, place: anomsdk.write_plan(plan, place)),
    "score": ("scores.npz", lambda plan, place: write_scores({"a": np.arange(9000, dtype=np.uint32)}, place)),
    "watch": ("scores.npy", watch),
    "page": ("page.html", lambda plan, place: write_atomically(page.check_place(place), b"<html>" * 9000)),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("room", [0, 1500])
def test_a_full_disk(meter, tmp_path, name, room):
    """The target is named, with what to do; what was there stays, and nothing else is left."""
    target, write = WRITERS[name]
    (tmp_path / "kept").write_text("mine")
    places = [tmp_path / target] if "." in target else [tmp_path / target, tmp_path / "deep" / "er" / target]
    for place in places:
        before = contents(tmp_path)
        with full(room), pytest.raises(InputError) as caught:
            write(meter, place)
        line = str(caught.value)
        assert line.startswith(f"{place}: cannot be written: File too large; free some space, or choose another pl"), (
            line
        )
        assert contents(tmp_path) == before


def test_a_full_disk_keeps_the_old_files(meter, tmp_path):
    """Where something is replaced, the old one is there afterwards, whole."""
    for name, (target, write) in WRITERS.items():
        if name.startswith(("demo", "calibrate")):  # they replace nothing
            continue
        write(meter, tmp_path / target)
    before = contents(tmp_path)
    for name, (target, write) in WRITERS.items():
        if not name.startswith(("demo", "calibrate")):
            with full(1000), pytest.raises(InputError, match=f"{target}: cannot be written"):
                write(meter, tmp_path / target)
    assert contents(tmp_path) == before


def test_a_stopped_search_on_a_full_disk_is_one_line(meter, tmp_path):
    """From the command line, with a journal beside the folder."""
    for i, day in enumerate(DAYS):
        (tmp_path / "normal" / str(i)).mkdir(parents=True)
        np.save(tmp_path / "normal" / str(i) / "rows.npy", day)
    (tmp_path / "spec.toml").write_text(METER.to_toml())
    with full(0), pytest.raises(InputError, match=r"cannot be written: File too large; free some space"):
        anomsdk.train.fit_from(tmp_path / "spec.toml", tmp_path / "normal", tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".*.lock"))
    assert anomsdk.train.fit_from(tmp_path / "spec.toml", tmp_path / "normal", tmp_path / "out").id
    assert sorted(path.name for path in tmp_path.iterdir()) == ["normal", "out", "spec.toml"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the version that runs the tests has no /dev/full")
@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["inspect", "audio_scene", "--json"], ["watch", "--help"]]
)
def test_output_that_cannot_be_written_is_one_line(arguments):
    with open("/dev/full", "w") as nowhere:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "anomsdk", *arguments], stdout=nowhere, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert done.returncode == 1
    line = "error: the output cannot be written: No space left on device; free some space, or send it elsewhere\n"
    assert done.stderr == line


def test_parents_that_were_made_go_again(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ZeroDivisionError), parents_made(tmp_path / "a" / "b" / "c" / "d"):
        assert (tmp_path / "a" / "b" / "c").is_dir()
        raise ZeroDivisionError
    assert contents(tmp_path) == {"a": False}
    with pytest.raises(ZeroDivisionError), parents_made(tmp_path / "a" / "b" / "c" / "d"):
        (tmp_path / "a" / "b" / "theirs").write_text("")
        raise ZeroDivisionError
    assert contents(tmp_path) == {"a": False, "a/b": False, "a/b/theirs": b""}
