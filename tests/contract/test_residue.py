"""What is left of a signal in a process that runs the commands and classes people use, looked at from outside.

Each test has its controls: a copy that was planted is found, a signal of another seed is not, and a variant that leaks
is noticed.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

import anomsdk
from anomsdk.core.framer import Framer
from anomsdk.core.pipeline import extractor_for
from anomsdk.plans.file import reference_models_folder
from anomsdk.runtime.memory import why_not_wiping
from tests.support.residue import Memory, Stopped, at_rest, noise, waiting_bytes

PLAN = "audio_scene"
WINDOW = 512
RATE = 16_000

pytestmark = pytest.mark.skipif(why_not_wiping() is not None, reason=f"nothing is claimed here: {why_not_wiping()}")

NO_LIBRARIES = "import anomsdk.runtime.memory as m; m._mallopt = lambda: None\n"
NO_ARRAYS = "import anomsdk.runtime.memory as m; m._wiping_handler = lambda: None\n"
NO_WIPE = "import anomsdk.runtime.memory as m; m.wipe = lambda block: None\n"
LEAKING = NO_LIBRARIES + NO_ARRAYS + NO_WIPE

OLD_STDIN = """
import sys, numpy as np
from anomsdk.sources.formats import standard_input
from anomsdk.sources.formats.stored_samples import StoredRecording
from functools import partial
def blocks(columns, rows):
    buffer = bytearray(rows * 2)
    while count := sys.stdin.buffer.raw.readinto(buffer):
        yield np.frombuffer(memoryview(buffer)[:count // 2 * 2], "<i2").astype(np.int16).reshape(-1, 1)
from anomsdk.sources import files
files.standard_input = lambda columns, *_: StoredRecording("-", "-", None, columns, None, partial(blocks, columns))
"""


def lengths(found):
    """How many samples of each form: what a failing test prints."""
    return {form: len(hits) for form, hits in found.items()}


@pytest.fixture(scope="module", params=["plain", "supervised"])
def folder(request, tmp_path_factory):
    """Folder of a plan, without and with an alarm and a health section."""
    if request.param == "plain":
        return reference_models_folder() / PLAN
    folder = tmp_path_factory.mktemp("plans") / PLAN
    shutil.copytree(reference_models_folder() / PLAN, folder)
    with (folder / "spec.toml").open("a", encoding="utf-8") as spec:
        spec.write("\n[alarm]\nlatch = true\nheartbeat_s = 1\n[health]\n")
    anomsdk.write_plan(anomsdk.plan(folder), folder / "plan.json")
    return folder


# --- the scanner itself


PLANTED = """
import numpy as np, sys
x = load(sys.argv[1])[:600]
kept = [x, x.astype(np.int32), x.astype(np.int64), x.astype(np.float32), x.astype(np.float64),
        (x / 32768).astype(np.float32), x / 32768]
text = bytearray(b"\\n".join(b"%d" % v for v in x.tolist()))
stop()
text[:] = bytes(len(text))
for each in kept:
    each.fill(0)
stop()
"""


def test_the_scanner_finds_what_is_planted_in_each_form_and_nothing_else(tmp_path):
    x = noise(1)
    x[600:] = 0
    np.save(tmp_path / "x.npy", x)
    with Stopped(PLANTED, str(tmp_path / "x.npy")) as child:
        planted, wiped = child.memory(), child.memory()
    found = planted.samples(x[:600])
    assert len(found) == 7 and all(hits == list(range(600)) for hits in found.values()), lengths(found)
    assert planted.text(x[:600]) >= 60
    assert planted.samples(noise(2)) == {} and planted.text(noise(2)) == 0, "another seed"
    assert lengths(wiped.samples(x[:600])) == {}


# --- standard input


def watched(prefix="", plan=PLAN):
    """`anomsdk watch -` as people start it, or with a change to its code before."""
    if not prefix:
        return [sys.executable, "-m", "anomsdk", "watch", "-", "--plan", str(plan), "--jsonl"]
    code = f"{prefix}\nimport sys; from anomsdk.cli.app import main; sys.argv[1:] = ['watch', '-', '--plan', {PLAN!r}]; main()"
    return [sys.executable, "-c", code]


def after_a_backlog(command, x):
    """Memory of a watching process at rest: a backlog at start, pauses, pieces that are cut within samples."""
    data = x.tobytes()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            descriptor = child.stdin.fileno()
            os.write(descriptor, data[:60_001])  # before it reads: 1.9 s
            at = 60_001
            while waiting_bytes(descriptor):
                time.sleep(0.02)
            for size in (3, 1, 700, 1999, 2, 5001, 640, 333):
                os.write(descriptor, data[at : at + size])
                at += size
                time.sleep(0.01)
            at_rest(child, [descriptor])
            return Memory.of(child.pid), at // 2
        finally:
            child.kill()


def test_a_live_stream_with_a_backlog_leaves_a_window(folder):
    x = noise(3, 40_000)
    memory, heard = after_a_backlog(watched(plan=folder), x)
    found = memory.samples(x)
    for form, hits in found.items():
        assert len(hits) <= WINDOW and min(hits) >= heard - 2 * WINDOW, (form, len(hits), min(hits))
    assert found, "the last window is there: the scan sees what the framer holds"
    assert memory.samples(noise(4, 40_000)) == {}


@pytest.mark.parametrize("prefix", [OLD_STDIN, OLD_STDIN + LEAKING])
def test_a_live_stream_that_leaks_is_noticed(prefix):
    x = noise(3, 40_000)
    memory, _ = after_a_backlog(watched(prefix), x)
    assert max(map(len, memory.samples(x).values())) > 10 * WINDOW


KEEPING = """
from anomsdk.sources.formats import standard_input
class Kept(bytes):
    of = []
    def __new__(cls, value=b""):
        cls.of.append(bytes(value))
        return cls.of[-1]
standard_input.bytes = Kept
"""


@pytest.mark.parametrize("start", [b"RIFF", b"12,-4\n"])
@pytest.mark.parametrize("change", ["", KEEPING])
def test_what_is_refused_at_the_start_of_a_stream_is_not_kept(tmp_path, start, change):
    """A file that is piped in: its samples are behind the bytes that it is known by."""
    x = noise(6, 40_000)
    (tmp_path / "piped").write_bytes(start + b"13,-5,1001\n" * 4 + x.tobytes())
    with Stopped(change + REFUSED, str(tmp_path / "piped")) as child:
        memory = child.memory()
    found = lengths(memory.samples(x))
    assert found if change else not found, found


REFUSED = """
import sys, gc, os
os.dup2(os.open(sys.argv[1], os.O_RDONLY), 0)
import anomsdk
from anomsdk.watch.session import Watch
kept = []
try:
    with Watch(anomsdk.reference_model("audio_scene")) as watch:
        for recording in watch.open("-"):
            for alert in watch.hear(recording):
                pass
except anomsdk.InputError as error:
    kept.append(error)
assert kept
gc.collect()
stop()
"""


def test_a_live_stream_is_heard_to_its_end():
    """The same pieces, closed after them: as many samples as were sent."""
    x = noise(3, 40_000)
    done = subprocess.run(watched(), input=x.tobytes(), capture_output=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["samples"] == 40_000


# --- files of each format


def _wav(x, *, bits=16, align=2, order="<", size=None):
    fmt = struct.pack(order + "4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * align, align, bits)
    data = struct.pack(order + "4sI", b"data", x.nbytes if size is None else size) + x.tobytes()
    return (b"RIFF" if order == "<" else b"RIFX") + struct.pack(order + "I", 36 + x.nbytes) + b"WAVE" + fmt + data


def sounds(folder):
    """A file of each format of sound, each with a signal of its own."""
    made = {}

    def add(name, write):
        made[name] = noise(100 + len(made))
        write(folder / name, made[name])

    add("mono.wav", lambda path, x: soundfile.write(path, x, RATE, "PCM_16"))
    add("stereo.wav", lambda path, x: soundfile.write(path, np.stack([x, x], 1), RATE, "PCM_16"))
    add("24.wav", lambda path, x: soundfile.write(path, x.astype(np.int32) << 16, RATE, "PCM_24"))
    add("float.wav", lambda path, x: soundfile.write(path, x / 32768, RATE, "FLOAT"))
    add("22050.wav", lambda path, x: soundfile.write(path, x, 22_050, "PCM_16"))
    add("inverted.wav", lambda path, x: soundfile.write(path, np.stack([x, -x // 2], 1), RATE, "PCM_16"))
    add("bottom.wav", lambda path, x: path.write_bytes(_wav(x.astype("<i4") << 8, bits=24, align=4)))
    add("never_closed.wav", lambda path, x: path.write_bytes(_wav(x, size=0) + b"\x01"))
    add("big_endian.wav", lambda path, x: path.write_bytes(_wav(x.astype(">i2"), order=">")))
    add("rows.npy", lambda path, x: np.save(path, np.stack([x, x], 1)))
    add("a.flac", lambda path, x: soundfile.write(path, x, RATE, "PCM_16"))
    add("a.npy", np.save)
    add("a.npz", lambda path, x: np.savez(path, x=x, fs=RATE))
    add("packed.npz", lambda path, x: np.savez_compressed(path, x=x, fs=RATE))
    add("a.csv", lambda path, x: np.savetxt(path, x, "%d"))
    add("a.csv.gz", lambda path, x: np.savetxt(path, x, "%d"))
    return made


EACH = """
import sys, gc
from pathlib import Path
import anomsdk
from anomsdk.watch.session import Watch
from anomsdk.watch.score_files import score_files
plan = anomsdk.reference_model("audio_scene")
files = sys.argv[2:]
if sys.argv[1] == "watch":
    for path in files:
        with Watch(plan) as watch:
            for recording in watch.open(path):
                for alert in watch.hear(recording):
                    pass
elif sys.argv[1] == "score":
    score_files(plan, files, jobs=2)
elif sys.argv[1] == "set":
    from anomsdk.datasets.score_run import score_into
    score_into(plan, files, Path(files[0]).parent / "set", jobs=2)
elif sys.argv[1] == "many":
    from anomsdk.sources import StreamFormat, open_recordings
    opened = [r for path in files for r in open_recordings(path, StreamFormat.of(plan.sensor, plan.columns))]
    for scores in anomsdk.score_many(plan, (r.blocks() for r in opened), jobs=2):
        pass
elif sys.argv[1] == "evaluate":
    from anomsdk.cli.app import app
    folder = Path(files[0]).parent
    (folder / "events").mkdir()
    Path(files[0]).rename(folder / "events" / "mono.wav")
    of = ["--normal", str(folder), "--anomalous", str(folder / "events"), "--snr", "10", "--jobs", "2"]
    app(["evaluate", "--plan", "audio_scene", *of, "--group", "file"], standalone_mode=False)
elif sys.argv[1] == "diff":
    from anomsdk.cli.app import app
    corpus = str(Path(files[0]).parent)
    app(["diff", "audio_scene", "audio_scene", "--corpus", corpus, "--jobs", "2"], standalone_mode=False)
gc.collect()
stop()
"""


@pytest.mark.parametrize("what", ["watch", "score", "set", "many", "evaluate", "diff"])
def test_nothing_of_files_is_left(tmp_path, what):
    made = sounds(tmp_path)
    with Stopped(EACH, what, *(str(tmp_path / name) for name in made)) as child:
        memory = child.memory()
    left = dict(zip(made, map(lengths, memory.samples_of(list(made.values()))), strict=True))
    assert not any(left.values()), left
    assert memory.text(made["a.csv"]) == memory.text(made["a.csv.gz"]) == 0


@pytest.mark.parametrize("what", ["watch", "score", "set", "many", "evaluate", "diff"])
def test_a_reader_that_leaks_is_noticed(tmp_path, what):
    made = sounds(tmp_path)
    with Stopped(LEAKING + EACH, what, *(str(tmp_path / name) for name in made)) as child:
        memory = child.memory()
    leaks = [name for name, found in zip(made, memory.samples_of(list(made.values())), strict=True) if found]
    assert leaks, "how much of it is overwritten is luck"


@pytest.mark.parametrize("change, name", [(NO_LIBRARIES, "packed.npz"), (NO_ARRAYS + NO_WIPE, "a.npy")])
def test_each_of_both_ways_of_wiping_is_needed(tmp_path, change, name):
    made = sounds(tmp_path)
    with Stopped(change + EACH, "watch", str(tmp_path / name)) as child:
        assert child.memory().samples(made[name])


MOTION = """
import sys, gc
from pathlib import Path
import anomsdk
from anomsdk.datasets.score_run import score_into
from anomsdk.watch.session import Watch
from anomsdk.sources import ReadOptions
plan = anomsdk.reference_model("human_motion")
if sys.argv[1] == "set":
    out = Path(sys.argv[2]).parent / "set"
    score_into(plan, sys.argv[2:], out, reading=ReadOptions(unit="mg"), jobs=2)
for path in sys.argv[2:] if sys.argv[1] == "watch" else ():
    with Watch(plan) as watch:
        for recording in watch.open(path, ReadOptions(unit="mg")):
            for alert in watch.hear(recording):
                pass
gc.collect()
stop()
"""


def movements(folder):
    """Files of motion at the plan's rate and beside it, each with a signal of its own."""
    rate = anomsdk.reference_model("human_motion").rate_hz
    made = {}
    names = dict.fromkeys(("a.csv", "a.csv.gz", "jitter.csv", "a.npz", "packets.csv", "dated.csv", "odd.csv"), rate)
    for name, hz in (*names.items(), ("other.csv", 1.37 * rate)):
        x = made[name] = noise(200 + len(made), 8000, 3)
        if name.endswith("npz"):
            np.savez(folder / name, x=x, fs=hz)
            continue
        t = np.arange(len(x)) / hz
        if name == "packets.csv":
            lists = ("; ".join(str(x[at : at + 20, axis].tolist()) for axis in range(3)) for at in range(0, len(x), 20))
            lines = (f"{t[at]:.5f};{each}" for at, each in zip(range(0, len(x), 20), lists, strict=True))
            (folder / name).write_text("time_s;ax;ay;az\n" + "\n".join(lines))
            continue
        if name in ("dated.csv", "odd.csv"):  # as many digits as are read at once; a quote, and rows one by one
            moments = np.datetime64("2024-03-05T09:24:51", "us") + np.rint(1e6 * t).astype(np.int64)
            rows = [",".join([str(m), *(f"{v:.16f}" for v in row)]) for m, row in zip(moments, x, strict=True)]
            rows[4000] = f'"{rows[4000].replace(",", chr(34) + "," + chr(34))}"' if name == "odd.csv" else rows[4000]
            (folder / name).write_text("\n".join(["time,ax,ay,az", *rows]))
            continue
        if name == "jitter.csv":
            t = t + np.random.default_rng(0).uniform(0, 0.4, len(t)) / hz
        np.savetxt(
            folder / name, np.column_stack([t, x]), ["%.5f"] + ["%d"] * 3, ",", header="time_s,ax,ay,az", comments=""
        )
    return made


@pytest.mark.parametrize("what", ["watch", "set"])
@pytest.mark.parametrize("change", ["", LEAKING])
def test_nothing_of_motion_is_left(tmp_path, what, change):
    made = movements(tmp_path)
    with Stopped(change + MOTION, what, *(str(tmp_path / name) for name in made)) as child:
        memory = child.memory()
    left = dict(zip(made, map(lengths, memory.samples_of(list(made.values()), run=4)), strict=True))
    assert any(left.values()) if change else not any(left.values()), left


# --- what goes wrong


WRONG = """
import sys, gc
import anomsdk
from anomsdk.watch.session import Watch
from anomsdk.watch.score_files import score_files
plan = anomsdk.read_plan(sys.argv[4])
kept = []
def stopped(samples):
    raise KeyboardInterrupt
path, bad, long = sys.argv[1:4]
for file, progress in ((bad, None), (path, stopped)):
    try:
        with Watch(plan) as watch:
            for recording in watch.open(file):
                for alert in watch.hear(recording, progress):
                    pass
    except BaseException as error:
        kept.append(error)  # with its traceback, and so every frame and every local variable
try:
    score_files(plan, [bad], jobs=1)
except anomsdk.InputError as error:
    kept.append(error)
assert len(kept) == 3
left = Watch(plan)
for recording in left.open(long):
    hearing = left.hear(recording, lambda n: None)
    next(hearing, None)  # and never again
left.close()
del recording, watch
gc.collect()
stop()
"""


@pytest.mark.parametrize("change", ["", NO_WIPE])
def test_an_exception_or_a_loop_that_was_left_keeps_nothing(tmp_path, folder, change):
    good, bad, loud = noise(301), noise(302), noise(303, 200_000)
    np.save(tmp_path / "good.npy", good)
    (tmp_path / "bad.csv").write_text("".join(f"{value}\n" for value in bad) + "x\n")
    loud[30_000:] *= 8
    np.save(tmp_path / "long.npy", loud)
    files = [tmp_path / name for name in ("good.npy", "bad.csv", "long.npy")]
    with Stopped(change + WRONG, *map(str, [*files, folder / "plan.json"])) as child:
        memory = child.memory()
    left = [lengths(found) for found in memory.samples_of((good, bad, loud))]
    assert any(left) if change else not any(left), left


INPUTS = """
import sys, gc
import numpy as np
import anomsdk
plan = anomsdk.read_plan(sys.argv[3])
def use(pipeline, x, gaps):
    \"\"\"Blocks of samples; of a supervised plan also inputs and gaps, none of them in the last half second.\"\"\"
    for at in range(0, len(x), 1000):
        pipeline.process(x[at : at + 1000])
        if not plan.is_supervised or at >= len(x) - 8_000:
            continue
        pipeline.acknowledge(), pipeline.silence(at // 1000), pipeline.test(), pipeline.supply(at % 2000 == 0)
        pipeline.clock(at * 30)
        if gaps and at % 7000 == 0:
            pipeline.missing(37), pipeline.gap(100)
"""
NEVER_CLOSED = """
pipelines = [anomsdk.Pipeline(plan, engine, tap=engine == "reference") for engine in sys.argv[2].split(",")]
x = load(sys.argv[1])
for pipeline in pipelines:
    use(pipeline, x, True)
x.fill(0)
stop()
del pipeline, pipelines
gc.collect()
stop()
"""


@pytest.mark.parametrize("engines", ["native", "reference,tflite", "native,reference"])
def test_a_pipeline_that_is_never_closed_keeps_a_window_and_then_nothing(tmp_path, folder, engines):
    if "tflite" in engines:
        from anomsdk.runtime.engines.tflite import why_missing

        if why := why_missing():
            pytest.skip(why)
    x = noise(401)
    np.save(tmp_path / "x.npy", x)
    with Stopped(INPUTS + NEVER_CLOSED, str(tmp_path / "x.npy"), engines, str(folder / "plan.json")) as child:
        alive, dropped = child.memory(), child.memory()
    found = alive.samples(x)
    assert found, "the framer's window is seen"
    for form, hits in found.items():
        assert len(hits) <= WINDOW and min(hits) >= len(x) - 2 * WINDOW, (form, len(hits))
    assert lengths(dropped.samples(x)) == {}


# --- features, energies and inputs, in every engine


FEATURES = """
x = load(sys.argv[1])
with anomsdk.Pipeline(plan, sys.argv[2]) as pipeline:
    use(pipeline, x, False)  # so that the windows are those of `derived`
x.fill(0)
del pipeline
gc.collect()
stop()
"""


def derived(plan, x):
    """What a chain makes of a signal on the way: byte strings that are nowhere by chance."""
    framer, extractor = Framer(plan.framer, 1), extractor_for(plan.extractor)
    levels = []
    for _, frames in framer.push(x.reshape(-1, 1)):
        levels += list(extractor.levels(frames)[0])
    needles = {f"levels {i}": row.astype(np.int64).tobytes() for i, row in enumerate(levels)}
    again, extractor = Framer(plan.framer, 1), extractor_for(plan.extractor)
    features = [row for _, frames in again.push(x.reshape(-1, 1)) for row in extractor.push(frames)[0]]
    for i, row in enumerate(features):
        for dtype in (np.int8, np.int64, np.float64):
            needles[f"features {i} {dtype.__name__}"] = row.astype(dtype).tobytes()
    for i, row in enumerate(anomsdk.features(plan, x, "reference")):
        for dtype in (np.int8, np.int64, np.float32, np.float64):
            needles[f"inputs {i} {dtype.__name__}"] = row.astype(dtype).tobytes()
    return needles


@pytest.mark.parametrize("engine", ["native", "reference", "tflite"])
@pytest.mark.parametrize("change", ["", LEAKING])
def test_no_feature_is_left_in_any_engine(tmp_path, folder, engine, change):
    if engine == "tflite":
        from anomsdk.runtime.engines.tflite import why_missing

        if why := why_missing():
            pytest.skip(why)
    if change and engine == "native":
        return  # it has nothing to leak: all of it lies in one buffer
    plan, x = anomsdk.reference_model("audio_scene"), noise(501)
    x[::7] = 0
    np.save(tmp_path / "x.npy", x)
    with Stopped(INPUTS + change + FEATURES, str(tmp_path / "x.npy"), engine, str(folder / "plan.json")) as child:
        memory = child.memory()
    left = [name for name, needle in derived(plan, x).items() if memory.holds(needle)]
    assert left if change else not left, left


# --- a record


RECORDED = """
import gc
import anomsdk
plan = anomsdk.read_plan(sys.argv[2])
x = load(sys.argv[1])
pipeline = anomsdk.Pipeline(plan, "native")
for at in range(0, 20_100, 1500):
    pipeline.process(x[at : at + 1500])
    record = pipeline.state()
x[:] = 0
gc.collect()
stop()
pipeline.restore(record)
gc.collect()
stop()
"""


def test_a_record_keeps_no_sample_and_restoring_it_wipes_the_window(tmp_path, folder):
    x = noise(304)
    np.save(tmp_path / "x.npy", x)
    with Stopped("import sys\n" + RECORDED, str(tmp_path / "x.npy"), str(folder / "plan.json")) as child:
        running, restored = child.memory(), child.memory()
    assert set(running.samples(x, run=4)) == {"int16"}, "the window is there: the scan sees it"
    assert len(running.samples(x, run=4)["int16"]) <= WINDOW
    assert restored.samples(x, run=4) == {}
