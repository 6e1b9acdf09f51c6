"""Many recordings at once: the scores of one after the other, in bounded memory."""

import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
import soundfile

import anomsdk
from anomsdk.runtime import parallel as in_order
from anomsdk.watch.score_files import score_files
from anomsdk.watch.sinks.scores import write_scores
from tests.support.make import make_plan, noise

JOBS = (1, 2, 5)
ENGINES = ("native", "reference", "tflite")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return make_plan(tmp_path_factory.mktemp("plan"), "logmel")


def lengths(n):
    """Of recordings: the first take longest, some are too short for a tick."""
    return [(n - i) * 3000 % 40_000 for i in range(n)]


def recordings(n):
    return [noise(length, seed=i) for i, length in enumerate(lengths(n))]


@pytest.mark.parametrize("jobs", JOBS)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_scores_are_those_of_one_by_one_in_order(plan, engine, jobs):
    given = recordings(13)
    found = list(anomsdk.score_many(plan, given, engine=engine, jobs=jobs))
    assert [len(scores) for scores in found] == [plan.ticks_in(length) for length in lengths(13)]
    for scores, samples in zip(found, given, strict=True):
        assert scores.dtype == np.uint32
        np.testing.assert_array_equal(scores, anomsdk.score(plan, samples, engine))


@pytest.mark.parametrize("jobs", JOBS)
def test_blocks_and_rows(tmp_path, jobs):
    plan = make_plan(tmp_path, "external")
    rows = np.random.default_rng(0).integers(-99, 99, (300, plan.columns)).astype(np.int16)
    given = [rows, iter(np.split(rows, [0, 1, 77])), [], rows[:100]]
    found = list(anomsdk.score_many(plan, given, jobs=jobs))
    for scores, samples in zip(found, (rows, rows, rows[:0], rows[:100]), strict=True):
        np.testing.assert_array_equal(scores, anomsdk.score(plan, samples))


def test_nothing_to_score(plan):
    assert list(anomsdk.score_many(plan, [])) == []
    assert list(anomsdk.score_many(plan, iter(()), jobs=2)) == []


class Counted:
    """Recordings that are made when they are asked for; how many are alive, at most, and how many were made."""

    def __init__(self, n):
        self.made = self.alive = self.most = 0
        self._n, self._lock = n, threading.Lock()

    def __iter__(self):
        for i in range(self._n):
            samples = noise(30_000, seed=i)
            with self._lock:
                self.made += 1
                self.alive += 1
                self.most = max(self.most, self.alive)
            weakref.finalize(samples, self._gone)
            yield samples
            del samples

    def _gone(self):
        with self._lock:
            self.alive -= 1


@pytest.mark.parametrize("jobs", JOBS)
def test_no_more_recordings_are_alive_than_jobs_and_one(plan, jobs):
    counted = Counted(60)
    assert len(list(anomsdk.score_many(plan, counted, jobs=jobs))) == 60
    assert counted.made == 60 and counted.alive == 0
    assert counted.most <= jobs + 1


@pytest.mark.parametrize("jobs", JOBS)
def test_recordings_are_taken_as_they_are_needed(plan, jobs):
    counted = Counted(1000)
    found = anomsdk.score_many(plan, counted, jobs=jobs)
    assert counted.made == 0
    next(found)
    time.sleep(0.1)
    assert 1 <= counted.made <= 8 * jobs + 1
    found.close()
    assert counted.alive == 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("anomsdk")]


@pytest.mark.parametrize("jobs", JOBS)
@pytest.mark.parametrize(
    "wrong",
    [np.zeros(5), np.zeros((5, 2), np.int16), 5, [np.zeros(5)]],
    ids=["floats", "rows", "a number", "blocks of floats"],
)
def test_an_error_comes_in_its_turn_with_its_number(plan, jobs, wrong):
    given = recordings(9)
    given[4] = wrong
    found = []
    with pytest.raises(anomsdk.InputError, match=r"^recordings\[4\]: samples "):
        found.extend(anomsdk.score_many(plan, given, jobs=jobs))
    assert len(found) == 4
    for scores, samples in zip(found, given, strict=False):
        np.testing.assert_array_equal(scores, anomsdk.score(plan, samples))


@pytest.mark.parametrize("jobs", JOBS)
def test_a_generator_is_closed_when_its_scoring_ends_early(plan, jobs):
    """Otherwise the error, which is kept with its traceback, would keep the generator and the block that it holds."""
    closed = []

    def blocks():
        try:
            yield noise(3000)
            yield noise(3000).astype(np.float32)
            pytest.fail("a wrong block was taken")
        finally:
            closed.append(True)

    with pytest.raises(anomsdk.InputError, match="float32") as caught:
        list(anomsdk.score_many(plan, [blocks()], jobs=jobs))
    assert caught.value.__context__ is not None
    assert closed == [True]


@pytest.mark.parametrize("jobs", JOBS)
def test_an_error_of_the_source_comes_after_what_was_before_it(plan, jobs):
    def source():
        yield from recordings(3)
        raise OSError("unplugged")

    stream = anomsdk.score_many(plan, source(), jobs=jobs)
    assert len([next(stream) for _ in range(3)]) == 3
    with pytest.raises(OSError, match="unplugged"):
        next(stream)


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True, "2"])
def test_jobs_are_checked_at_once(plan, jobs):
    with pytest.raises(anomsdk.InputError, match="`jobs="):
        anomsdk.score_many(plan, [], jobs=jobs)


def test_engine_and_plan_are_checked_at_once(plan):
    with pytest.raises(anomsdk.InputError, match="unknown"):
        anomsdk.score_many(plan, [], engine="fast")
    with pytest.raises(anomsdk.InputError, match="expected a Plan"):
        anomsdk.score_many("plan.json", [])


@pytest.mark.parametrize("jobs", [2, 5])
def test_work_runs_at_once_and_no_more_of_it_than_jobs(jobs):
    barrier = threading.Barrier(jobs, timeout=20)
    running, most, lock = 0, 0, threading.Lock()

    def work(number, item, stopped):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        barrier.wait()  # broken where one is missing
        with lock:
            running -= 1
        return number, item

    found = list(in_order.in_order(work, range(10, 10 + 4 * jobs), jobs))
    assert found == [(i, 10 + i) for i in range(4 * jobs)]
    assert most == jobs


def test_results_that_wait_are_bounded():
    go = threading.Event()
    taken = []

    def work(number, item, stopped):
        if number == 0:
            go.wait(20)
        return number

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    calls = []

    def meanwhile():
        calls.append(len(taken))
        if len(calls) > 100 or calls[-6:] == [16] * 6:
            go.set()

    assert list(in_order.in_order(work, items(), 2, meanwhile=meanwhile)) == list(range(100))
    assert 16 in calls and calls[-1] == 100


def test_what_is_no_longer_wanted_is_told_so():
    seen = []

    def work(number, item, stopped):
        while not stopped():
            if number == 0:
                return number
            time.sleep(0.001)
        seen.append(number)
        return number

    stream = in_order.in_order(work, range(10), 2)
    assert next(stream) == 0
    stream.close()
    assert seen


def test_ctrl_c_ends_it(plan, tmp_path):
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    code = (
        "import itertools, sys, anomsdk, numpy as np\n"
        f"plan = anomsdk.read_plan({str(tmp_path / 'plan.json')!r})\n"
        "endless = itertools.repeat(np.zeros(1000, np.int16))\n"
        "forever = anomsdk.score_many(plan, [itertools.repeat(np.zeros(100_000, np.int16))] * 9, jobs=2)\n"
        "print('on', flush=True)\n"
        "try:\n    next(forever)\nexcept KeyboardInterrupt:\n    print('off')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout.readline() == "on\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[0] == "off\n"


# Files


@pytest.fixture
def folder(tmp_path):
    """Recordings in sub-folders."""
    for i, length in enumerate(lengths(7)):
        place = tmp_path / "all" / f"day{i % 2}"
        place.mkdir(parents=True, exist_ok=True)
        soundfile.write(place / f"{i}.wav", noise(max(1, length), seed=i), 16_000, subtype="PCM_16")
    return tmp_path / "all"


def test_files(plan, folder):
    seen = []
    found = score_files(
        plan, [folder / "day0", folder / "day1" / "1.wav"], jobs=2, progress=lambda *at: seen.append(at)
    )
    assert list(found) == ["0.wav", "2.wav", "4.wav", "6.wav", "1.wav"]
    for name, scores in found.items():
        i = int(name[0])
        np.testing.assert_array_equal(scores, anomsdk.score(plan, noise(lengths(7)[i], seed=i)))
    assert {total for _, total in seen} == {sum(lengths(7)[i] for i in (0, 1, 2, 4, 6))}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_progress_reaches_the_end_with_one_job(plan, folder):
    seen = []
    score_files(plan, [folder], jobs=1, progress=lambda done, total: seen.append((done, total)))
    assert len(seen) > 7 and seen[-1] == (sum(lengths(7)), sum(lengths(7)))


def test_the_same_scores_are_the_same_bytes(plan, folder, tmp_path):
    for jobs, name in ((1, "a.npz"), (2, "b.npz")):
        write_scores(score_files(plan, [folder], jobs=jobs), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with np.load(tmp_path / "a.npz") as read:
        assert read.files == [f"day{i % 2}/{i}.wav" for i in (0, 2, 4, 6, 1, 3, 5)]
        np.testing.assert_array_equal(read["day1/1.wav"], anomsdk.score(plan, noise(lengths(7)[1], seed=1)))


def command(*arguments, cwd):
    line = [sys.executable, "-m", "anomsdk.cli.app", "score", *map(str, arguments)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(line, capture_output=True, text=True, env=environment, cwd=cwd, timeout=120)


@pytest.fixture
def planned(plan, tmp_path):
    anomsdk.write_plan(plan, tmp_path / "plan.json")
    return tmp_path


def test_command(plan, folder, planned):
    for _ in range(2):  # scores may be written over
        done = command("all", "--plan", "plan.json", "--out", "scores.npz", "--jobs", 2, cwd=planned)
        assert (done.returncode, done.stderr) == (0, "")
    ticks = sum(map(plan.ticks_in, lengths(7)))
    assert done.stdout == f"wrote scores.npz: 7 recordings, {ticks} ticks; judged 100% of the time\n"
    with np.load(planned / "scores.npz") as read:
        assert sum(len(read[name]) for name in read.files) == ticks


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no such file or folder"),
        (["all", "all"], "two recordings are named 'day0/0.wav'"),
        (["all", "broken.wav"], "broken.wav: "),
        (["cut.wav"], "cut.wav: "),
        (["all", "--engine", "fast"], "engine 'fast' is unknown"),
        (["all", "--out", "scores.npy"], "ends in .npz"),
        (["all", "--out", "no/scores.npz"], "there is no folder"),
        (["all", "--out", "other.npz"], "holds no scores"),
        (["all", "--out", "labels.npz"], "holds no scores"),
        (["all", "--out", "damaged.npz"], "holds no scores"),
        (["all", "--plan", "nothing"], "nothing"),
    ],
)
def test_command_refuses(folder, planned, arguments, says):
    (planned / "broken.wav").write_bytes(b"RIFF?")
    np.savez(planned / "other.npz", x=np.zeros(3))
    np.savez(planned / "labels.npz", x=np.zeros(3, np.uint32))  # of the type of scores, and somebody's work
    np.savez_compressed(planned / "damaged.npz", x=np.zeros(9999, np.uint32))
    packed = bytearray((planned / "damaged.npz").read_bytes())
    packed[60:70] = b"?" * 10
    (planned / "damaged.npz").write_bytes(packed)
    whole = (folder / "day0" / "0.wav").read_bytes()
    (planned / "cut.wav").write_bytes(whole[: len(whole) // 2])
    before = {path: path.read_bytes() for path in planned.rglob("*") if path.is_file()}
    given = {"--plan": "plan.json", "--out": "scores.npz"}
    extra = [word for pair in given.items() if pair[0] not in arguments for word in pair]
    done = command(*arguments, *extra, cwd=planned)
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert says in done.stderr and "recordings[" not in done.stderr
    assert {path: path.read_bytes() for path in planned.rglob("*") if path.is_file()} == before
