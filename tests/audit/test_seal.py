"""A sealed process from outside: what it dies of, what it prints, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import anomsdk
from anomsdk.audit.check import Subject, Verdict
from anomsdk.audit.seal import checks, denied_calls
from anomsdk.audit.seal.kernel import ARCHITECTURES
from anomsdk.audit.seal.warm_up import warm_up
from anomsdk.core.event import Event, Kind
from anomsdk.demo.scene import scene
from anomsdk.runtime import native_module, sealed_process
from tests.support.command_line import anomsdk_command
from tests.support.make import lively, make_plan
from tests.support.tiny_plans import ROOTS, row, tiny_plan, with_ladder

pytestmark = pytest.mark.usefixtures("native")

SEALED = "sealed: RLIMIT_CORE=0, RLIMIT_FSIZE=0, PR_SET_DUMPABLE=0, PR_SET_NO_NEW_PRIVS=1, Landlock, seccomp\n"
"""Line on a kernel that has all measures, with events at a pipe."""
KINDS = ("bands", "external", "motion", "tiny")


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    """Folders with plans; tiny has alarm, health and ladder, and days of a few ticks."""
    root = tmp_path_factory.mktemp("plans")
    for kind in KINDS[:-1]:
        anomsdk.write_plan(make_plan(root, kind), root / kind / "plan.json")
    (root / "tiny").mkdir()
    tiny = with_ladder(tiny_plan(m=1, n=2, heartbeat=7, repeat=3, latch=0))
    anomsdk.write_plan(tiny, root / "tiny" / "plan.json")
    return root


@pytest.fixture(scope="module")
def streams(plans):
    """Kind of plan -> bytes of a stream with events."""
    rng = np.random.default_rng(21)
    words = [*ROOTS, "fault", *4 * ["low"]]
    rows = np.array([row(words[i]) for i in rng.integers(0, len(words), 150).repeat(5)], np.int16)
    given = {kind: lively(anomsdk.read_plan(plans / kind / "plan.json")) for kind in KINDS[:-1]} | {"tiny": rows}
    return {kind: np.ascontiguousarray(samples).astype("<i2").tobytes() for kind, samples in given.items()}


def line(*arguments):
    return [sys.executable, "-m", "anomsdk", *map(str, arguments)]


def environment():
    return {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}


def watch(plans, kind, *more, **keywords):
    arguments = ("watch", "-", "--plan", plans / kind, *more)
    keywords = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(), **keywords}
    return subprocess.run(line(*arguments), timeout=120, check=False, **keywords)


def unsealed(plans, kind, *more, given):
    """The same command without a seal, in this process."""
    done = anomsdk_command("watch", "-", "--plan", plans / kind, *more, stdin=given)
    return done.status, done.stdout, done.stderr


def start(plans, kind, *more, **keywords):
    keywords = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **keywords}
    arguments = line("watch", "-", "--plan", plans / kind, *more)
    restored = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    return subprocess.Popen(arguments, env=environment(), preexec_fn=restored, **keywords)


# --- What it dies of


@pytest.fixture(scope="module")
def ended():
    """How processes ended: of attempts with a seal, of those without, and of an allowed call."""
    done = subprocess.run(
        [sys.executable, "-m", "anomsdk.audit.seal.denied_calls"], capture_output=True, check=True, timeout=120
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", denied_calls.ATTEMPTS)
def test_a_sealed_process_dies_of(ended, name):
    number = denied_calls.ATTEMPTS[name].numbers[ARCHITECTURES.index(os.uname().machine)]
    assert ended["sealed"][name] == (None if number is None else signal.SIGSYS)
    if number is not None and denied_calls.ATTEMPTS[name].returns_once:
        assert ended["unsealed"][name] == 0, "it proves nothing where a process dies of it anyway"


def test_a_sealed_process_writes_to_the_event_descriptor(ended):
    assert ended["allowed"] == 0


def python(code, **keywords):
    keywords = {"env": {**environment(), "OPENBLAS_NUM_THREADS": "1"}, "capture_output": True, **keywords}
    return subprocess.run([sys.executable, "-c", code], timeout=120, check=False, **keywords)


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/dev/null')",
        "open('kept', 'wb')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "os.memfd_create('kept')",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "threading.Thread(target=print).start()",
        "mmap.mmap(-1, 4096)",
        "mmap.mmap(fd, 4096, prot=mmap.PROT_READ)",
        "os.write(2, b'kept')",
        "os.write(fd, b'kept')",
        "os.kill(os.getppid(), 0)",
        "os.listdir('/')",
        "import wave",
        "i386()",
    ],
)
def test_python_in_a_sealed_process_dies_of(attempt, tmp_path):
    if attempt == "i386()" and os.uname().machine != "x86_64":
        pytest.skip("int 0x80 is an instruction of x86")
    code = (
        "import anomsdk, ctypes, mmap, os, socket, threading\n"
        "fd = os.open('own', os.O_RDWR | os.O_CREAT)\n"
        "os.pwrite(fd, bytes(4096), 0)\n"
        "page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)\n"
        "page.write(bytes.fromhex('b814000000cd80c3'))  # mov eax, 20 (getpid of i386); int 0x80; ret\n"
        "i386 = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))\n"
        "anomsdk.seal()\n"
        "os.write(1, b'sealed')\n"
        f"{attempt}\n"
        "os.write(1, b'alive')\n"
    )
    done = python(code, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGSYS, b"sealed", b"")
    assert [each.name for each in tmp_path.iterdir()] == ["own"] and (tmp_path / "own").read_bytes() == bytes(4096)


def test_a_thread_from_before_the_seal_is_under_it_too():
    code = (
        "import os, threading\n"
        "from anomsdk.audit.seal.kernel import Kernel\n"
        "from anomsdk.audit.seal.sealing import apply_seal\n"
        "go = threading.Event()\n"
        "over = threading.Event()\n"
        "work = lambda: (go.wait(), os.write(1, b'thread'), ATTEMPT, over.set(), threading.Event().wait())\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "apply_seal(Kernel(), (1,))\n"
        "go.set()\n"
        "over.wait()\n"
        "os._exit(0)\n"
    )
    done = python(code.replace("ATTEMPT", "0"))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"thread", b"")
    done = python(code.replace("ATTEMPT", "os.open('/dev/null', os.O_RDONLY)"))
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGSYS, b"thread", b"")


def test_a_process_with_two_threads_is_refused():
    code = (
        "import anomsdk, threading\n"
        "over = threading.Event()\n"
        "threading.Thread(target=over.wait).start()\n"
        "try:\n    anomsdk.seal()\nexcept anomsdk.InputError as error:\n    print(error)\n"
        "over.set()\n"
    )
    done = python(code)
    assert done.returncode == 0 and b"2 threads" in done.stdout and b"OPENBLAS_NUM_THREADS=1" in done.stdout


# --- What it prints


@pytest.mark.parametrize(
    ("kind", "form"),
    [("bands", ()), ("external", ()), ("motion", ("--jsonl",)), ("tiny", ()), ("tiny", ("--jsonl",))],
)
def test_a_sealed_run_prints_what_an_unsealed_one_does(plans, streams, kind, form):
    sealed = watch(plans, kind, *form, "--sealed", input=streams[kind])
    status, stdout, stderr = unsealed(plans, kind, *form, given=streams[kind])
    assert (status, sealed.returncode) == (0, 0), sealed.stderr
    assert (sealed.stdout.decode(), sealed.stderr.decode()) == (stdout, stderr + SEALED)
    assert len(stdout.splitlines()) > (20 if kind == "tiny" else 1)


def test_the_stream_of_the_tiny_plan_has_events_of_every_kind_that_samples_cause(plans, streams):
    lines = watch(plans, "tiny", "--jsonl", "--sealed", input=streams["tiny"]).stdout.splitlines()[:-1]
    found = {Event.from_bytes(bytes.fromhex(json.loads(each)["event"])).kind for each in lines}
    assert found == {Kind.ANOMALY, Kind.TECHNICAL, Kind.HEARTBEAT, Kind.RESTART, Kind.REPEAT}


def test_events_may_go_to_a_file_and_its_size_is_then_not_limited(plans, streams, tmp_path):
    with (tmp_path / "events").open("wb") as file:
        done = watch(plans, "tiny", "--sealed", input=streams["tiny"], stdout=file)
    assert done.returncode == 0
    assert done.stderr.decode() == (
        SEALED.replace("RLIMIT_FSIZE=0, ", "")
        + "could not apply RLIMIT_FSIZE=0: events go to a regular file (descriptor 1)\n"
    )
    assert (tmp_path / "events").read_text() == unsealed(plans, "tiny", given=streams["tiny"])[1]


def test_events_may_go_to_a_terminal(plans, streams):
    master, slave = pty.openpty()
    plain = unsealed(plans, "tiny", given=streams["tiny"])[1].encode()
    process = start(plans, "tiny", "--sealed", stdout=slave, stderr=slave)
    os.close(slave)
    process.stdin.write(streams["tiny"])
    process.stdin.close()
    seen = b""
    with contextlib.suppress(OSError):
        while part := os.read(master, 65_536):
            seen += part
    os.close(master)
    assert process.wait(120) == 0
    assert b"\x1b" not in seen and b"sealed: " in seen and plain.splitlines()[1] in seen


def test_blocks_of_a_bar_become_ascii(plans, streams):
    told = {**environment(), "PYTHONIOENCODING": "ascii"}
    plain, sealed = (watch(plans, "tiny", *more, input=streams["tiny"], env=told) for more in ((), ("--sealed",)))
    assert (sealed.returncode, sealed.stdout) == (0, plain.stdout)


class Heard:
    """Sink that notes what it is told."""

    def __init__(self):
        self.kinds, self.told = set(), []

    def begin(self, recording):
        self.told.append(f"begin {recording.name}")

    def alert(self, alert):
        self.kinds.add(alert.event.kind)
        alert.event.words  # noqa: B018

    def too_short(self, recording):
        self.told.append("too short")

    def end(self, summary, *, stopped):
        self.told.append((summary.ticks, stopped))


@pytest.mark.parametrize("kind", KINDS)
def test_a_warm_up_goes_through_all_that_a_stream_can_lead_to(plans, capsys, kind):
    plan, heard, said = anomsdk.read_plan(plans / kind / "plan.json"), Heard(), []
    streams = sys.stdin, sys.stdout, sys.stderr
    warm_up(plan, lambda *_: heard, lambda line: (said.append(line), print(line)))
    assert heard.kinds == set(Kind)
    assert heard.told == ["begin standard input", "too short", (2, True), (2, False)]
    assert said == [f"standard input: ends with 1 of {2 * plan.columns} bytes of a row; send whole rows"]
    assert (sys.stdin, sys.stdout, sys.stderr) == streams and capsys.readouterr() == ("", "")


@pytest.mark.parametrize("place", ["alert", "end"])
def test_what_the_command_imports_late_is_imported_before_the_seal(plans, streams, place):
    code = (
        "import sys\n"
        "from anomsdk.watch.sinks.console import Lines\n"
        f"before = Lines.{place}\n"
        "def late(*arguments, **keywords):\n"
        "    import wave\n"
        "    before(*arguments, **keywords)\n"
        f"Lines.{place} = late\n"
        "from anomsdk.cli.app import main\n"
        f"sys.argv = ['anomsdk', 'watch', '-', '--plan', {str(plans / 'tiny')!r}, '--sealed']\n"
        "main()\n"
    )
    done = python(code, input=streams["tiny"])
    assert (done.returncode, done.stdout.decode()) == (0, unsealed(plans, "tiny", given=streams["tiny"])[1])


# --- How it ends


@pytest.mark.parametrize("rows", [0, 1])
def test_an_empty_and_a_short_stream_end_as_unsealed_ones(plans, streams, rows):
    given = streams["external"][: rows * 8]
    sealed = watch(plans, "external", "--sealed", input=given)
    status, stdout, stderr = unsealed(plans, "external", given=given)
    assert (sealed.returncode, sealed.stdout.decode(), sealed.stderr.decode()) == (status, stdout, SEALED + stderr)


def test_a_stream_that_ends_within_a_sample_is_an_error_in_one_line(plans, streams):
    error = "error: standard input: ends with 1 of 4 bytes of a row; send whole rows\n"
    given = streams["tiny"] + b"\x01"
    sealed = watch(plans, "tiny", "--jsonl", "--sealed", input=given)
    status, stdout, stderr = unsealed(plans, "tiny", "--jsonl", given=given)
    assert (status, stderr) == (2, error)
    assert (sealed.returncode, sealed.stdout.decode(), sealed.stderr.decode()) == (2, stdout, SEALED + error)


SOUND = scene()[0][:8000]


@pytest.mark.parametrize(
    "given",
    [
        b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(2000),
        b"time,x,y,z\n" + b"0.01,1,2,3\n" * 200,
        ("time,x\n0,1\n" * 20).encode("utf-16"),
        (SOUND / 32768).astype("<f4").tobytes(),
        SOUND.astype(">i2").tobytes(),
        bytes(60_000) + SOUND.astype(">i2").tobytes(),
    ],
    ids=["wav", "text", "UTF-16", "floats", "big-endian", "big-endian after silence"],
)
def test_what_is_no_sound_is_refused_in_the_same_words(plans, given):
    sealed = watch(plans, "bands", "--sealed", input=given)
    status, stdout, stderr = unsealed(plans, "bands", given=given)
    assert (status, stderr[:23]) == (2, "error: standard input: ")
    assert (sealed.returncode, sealed.stdout.decode(), sealed.stderr.decode()) == (status, stdout, SEALED + stderr)


@pytest.mark.parametrize(
    ("number", "status", "form"),
    [(signal.SIGINT, 130, ()), (signal.SIGINT, 130, ("--jsonl",)), (signal.SIGTERM, 143, ())],
)
def test_a_signal_ends_it_with_a_summary(plans, streams, form, number, status):
    process = start(plans, "tiny", "--sealed", *form)
    process.stdin.write(streams["tiny"])
    process.stdin.flush()
    first = process.stdout.readline() + process.stdout.readline()
    assert first
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr.decode()) == (status, SEALED)
    assert (b'"stopped": true' if form else b"stopped: read ") in stdout


def test_a_reader_that_goes_away_ends_it(plans, streams):
    process = start(plans, "tiny", "--sealed")
    assert process.stderr.readline().decode() == SEALED
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(streams["tiny"])
        process.stdin.close()
    assert process.wait(120) == 141
    assert process.stderr.read() == b""


def test_it_waits_for_a_pipe_that_does_not_block(plans, streams):
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    process = start(plans, "tiny", "--sealed", stdin=reading)
    os.close(reading)
    assert process.stderr.readline().decode() == SEALED
    for at in range(0, len(streams["tiny"]), 501):
        os.write(writing, streams["tiny"][at : at + 501])
        time.sleep(0.01)
    os.close(writing)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (0, b"")
    assert stdout.decode() == unsealed(plans, "tiny", given=streams["tiny"])[1]


def test_the_kernel_says_that_the_process_is_sealed(plans, streams):
    process = start(plans, "tiny", "--sealed")
    assert process.stderr.readline().decode() == SEALED
    place = Path(f"/proc/{process.pid}")
    status = dict(each.split(":\t", 1) for each in (place / "status").read_text().splitlines() if ":\t" in each)
    limits = [resource.prlimit(process.pid, each) for each in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)]
    process.communicate(streams["tiny"], timeout=120)
    assert process.returncode == 0
    assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")
    assert limits == [(0, 0), (0, 0)]


# --- What is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("a.wav", "--plan", "audio_scene"),
            "a sealed process reads standard input only; pipe the samples, and give -",
        ),
        (("-", "--plan", "audio_scene", "--engine", "reference"), "--engine reference cannot be sealed; leave it out"),
        (("-", "--plan", "audio_scene", "--engine", "tflite"), "--engine tflite cannot be sealed; leave it out"),
        (("-", "--plan", "audio_scene", "--scores", "a.npy"), "a sealed process writes no file; leave out --scores"),
    ],
)
def test_what_cannot_be_sealed_is_refused_before_a_sample_is_read(arguments, said):
    reading, writing = os.pipe()
    os.write(writing, bytes(1000))
    os.close(writing)
    done = subprocess.run(line("watch", "--sealed", *arguments), stdin=reading, capture_output=True, timeout=120)
    assert os.read(reading, 2000) == bytes(1000)
    os.close(reading)
    error = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert error.startswith("error: watch: --sealed: ") and said in error and error.count("\n") == 1


def test_a_traceback_would_open_files():
    done = subprocess.run(
        line("--debug", "watch", "-", "--plan", "audio_scene", "--sealed"), input=b"", capture_output=True
    )
    assert b"InputError: watch: `sealed`: `debug` reads source files" in done.stderr and done.stdout == b""


def test_without_the_native_engine_there_is_no_seal(monkeypatch):
    def missing():
        raise anomsdk.InputError("engine native was not built: no C compiler worked")

    monkeypatch.setattr(native_module, "load_native", missing)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    done = anomsdk_command("watch", "-", "--plan", "audio_scene", "--sealed")
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr == "error: engine native was not built: no C compiler worked\n"


def test_a_sealed_process_hands_out_no_features(plans, monkeypatch):
    plan = anomsdk.read_plan(plans / "external" / "plan.json")
    samples = np.zeros((100, plan.columns), np.int16)
    opened = anomsdk.Pipeline(plan, "native", tap=True)
    opened.process(samples)
    assert len(opened.tapped)
    monkeypatch.setattr(sealed_process._State, "sealed", True)
    instead = " is not available in a sealed process; "
    with pytest.raises(anomsdk.InputError, match=f"^Pipeline: `tap`:{instead}leave it out$"):
        anomsdk.Pipeline(plan, "native", tap=True)
    with pytest.raises(anomsdk.InputError, match=f"^Pipeline.process: `tap=True`:{instead}open the pipeline without"):
        opened.process(samples)
    with pytest.raises(anomsdk.InputError, match=f"^Pipeline.tapped:{instead}"):
        _ = opened.tapped
    with pytest.raises(anomsdk.InputError, match=f"^features:{instead}"):
        anomsdk.features(plan, samples)
    with pytest.raises(anomsdk.InputError, match=f"^Pipeline: `engine='reference'`:{instead}take `engine='native'`$"):
        anomsdk.Pipeline(plan, "reference")
    opened.close()
    with anomsdk.Pipeline(plan, "native") as pipeline:
        assert pipeline.process(samples)


# --- Checks of an audit, and speed


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.id)
def test_the_checks_show_their_claims(plans, tmp_path, check):
    plan_file = plans / "tiny" / "plan.json"
    subject = Subject(anomsdk.read_plan(plan_file), plan_file, tmp_path)
    found = check.run(subject)
    assert found.verdict == Verdict.SHOWN, found
    again = check.run(subject)
    assert (again.result, again.evidence, again.looked_at) == (found.result, found.evidence, found.looked_at)
    assert list(tmp_path.iterdir()) == []


def _answering(stdout="", status=0):
    return lambda *arguments, **keywords: subprocess.CompletedProcess(arguments, status, stdout, b"")


@pytest.mark.parametrize(
    ("part", "name", "number", "said"),
    [
        ("sealed", "socket", 0, "a sealed process survived: socket"),
        ("unsealed", "socket", 31, "processes also died where they should have lived"),
        ("allowed", None, 31, "processes also died where they should have lived"),
    ],
)
def test_a_seal_that_leaks_fails_its_check(monkeypatch, tmp_path, ended, part, name, number, said):
    leaking = json.loads(json.dumps(ended))
    if name is None:
        leaking[part] = number
    else:
        leaking[part][name] = number
    monkeypatch.setattr(checks, "_run", _answering(json.dumps(leaking)))
    found = checks.CHECKS[0].run(Subject(None, None, tmp_path))
    assert found.verdict == Verdict.FAILED and said in found.result


def test_where_no_process_can_be_sealed_nothing_is_shown_and_nothing_fails(monkeypatch, plans, tmp_path):
    """As without /proc: a process that was not sealed has survived nothing."""

    def seal():
        raise anomsdk.InputError("seal: mount /proc")

    monkeypatch.setattr(denied_calls, "seal", seal)
    assert denied_calls.refusal() == "seal: mount /proc"
    monkeypatch.setattr(checks, "_run", _answering(json.dumps({"refused": "seal: mount /proc"})))
    with pytest.raises(anomsdk.InputError, match=r"^seal: mount /proc$"):
        checks.CHECKS[0].run(Subject(None, None, tmp_path))
    plan_file = plans / "tiny" / "plan.json"
    given = iter(((0, b"one\n", b""), (2, b"", b"note\nerror: seal: mount /proc\n")))
    monkeypatch.setattr(checks, "_run", lambda *_, **__: subprocess.CompletedProcess((), *next(given)))
    with pytest.raises(anomsdk.InputError, match=r"^no process can be sealed here: seal: mount /proc$"):
        checks.CHECKS[1].run(Subject(anomsdk.read_plan(plan_file), plan_file, tmp_path))


def test_other_alerts_fail_their_check(monkeypatch, plans, tmp_path):
    plan_file = plans / "tiny" / "plan.json"
    given = iter((b"one\n", b"two\n"))
    monkeypatch.setattr(checks, "_run", lambda *_, **__: _answering(next(given))())
    found = checks.CHECKS[1].run(Subject(anomsdk.read_plan(plan_file), plan_file, tmp_path))
    assert found.verdict == Verdict.FAILED


def test_a_seal_costs_no_speed(figure, plans):
    code = (
        "import time, sys, os, numpy as np, anomsdk\n"
        f"plan = anomsdk.read_plan({str(plans / 'bands' / 'plan.json')!r})\n"
        "stream, values = open(0, 'rb', buffering=0), np.zeros(4096, '<i2')\n"
        "view = values.data.cast('B')\n"
        "pipeline = anomsdk.Pipeline(plan, 'native')\n"
        "def seconds():\n"
        "    begun = time.perf_counter()\n"
        "    for _ in range(40):\n"
        "        stream.readinto(view)\n"
        "        pipeline.process(values)\n"
        "    return time.perf_counter() - begun\n"
        "seconds()\n"
        "before = min(seconds() for _ in range(9))\n"
        "anomsdk.seal()\n"
        "after = min(seconds() for _ in range(9))\n"
        "os.write(1, str(before / after).encode())\n"
    )
    with Path("/dev/zero").open("rb") as zeros:
        done = python(code, stdin=zeros)
    assert done.returncode == 0, done.stderr
    ratio = float(done.stdout)
    figure(f"seal: speed of a stream sealed over unsealed, in the same process {ratio:.2f}")
    assert ratio > 0.5
