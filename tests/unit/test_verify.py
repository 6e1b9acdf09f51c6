"""verify finds what differs, counts what it compared, and its golden stream can be made anywhere."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
from typer.testing import CliRunner

import anomsdk
from anomsdk.audit.streams import MIN_OUTPUTS, random_streams
from anomsdk.audit.verify import Comparison, Report, as_text, verify
from anomsdk.cli import app as cli
from anomsdk.core.baseline import OFF
from anomsdk.core.supervisor import Operation
from anomsdk.demo import alarm as demo_alarm
from anomsdk.errors import InputError
from anomsdk.runtime import golden, native_module
from anomsdk.runtime.engines import native, tflite
from tests.support.make import SPECS, make_plan, noise, without_missing
from tests.support.tiny_plans import with_ladder


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    root = tmp_path_factory.mktemp("plans")
    return {kind: make_plan(root, kind) for kind in SPECS}


def invoke(*arguments):
    return CliRunner().invoke(cli.app, ["verify", *map(str, arguments)])


needs_oracle = pytest.mark.skipif(tflite.why_missing() is not None, reason=f"engine tflite: {tflite.why_missing()}")


NO_DAY = {"silence", "stuck at -32768", "impulses"}
"""Streams whose rows are off the body, or missing."""


def plan_ticks(plan):
    """Of the golden stream."""
    return max(16, min(200, plan.ticks_in(65_536 // plan.columns)))


@needs_oracle
@pytest.mark.parametrize("kind", list(SPECS))
def test_engines_agree_and_everything_is_counted(plans, kind, tmp_path):
    plan = plans[kind]
    n = 800 if kind == "days" else 8000
    np.save(tmp_path / "a.npy", without_missing(plan, noise(n, columns=plan.columns)))
    steps = []
    report = verify(plan, [tmp_path / "a.npy"], hops=200, progress=lambda *step: steps.append(step))
    assert report.differences == 0 and report.missing == () and report.plan_id == plan.id
    counts = {(c.what, c.unit): c.compared for c in report.comparisons}
    assert counts["a.npy", "results"] == plan.ticks_in(n)
    assert counts["a.npy", "features"] == plan.ticks_in(n) * plan.n_inputs
    assert counts["golden stream", "results"] == report.golden_ticks
    if kind == "days":  # of which some rows are missing
        assert plan_ticks(plan) * 3 // 4 < report.golden_ticks < plan_ticks(plan)
    else:
        assert report.golden_ticks == plan_ticks(plan)
    empty = {what for (what, _), count in counts.items() if count == 0}
    assert empty == (NO_DAY if kind == "days" else set())
    outputs = [c.compared for c in report.comparisons if c.unit == "outputs"]
    assert len(outputs) == 4 and min(outputs) >= MIN_OUTPUTS, "two kinds of inputs, two engines"
    assert {c.against for c in report.comparisons} == {"tflite", "native"}
    assert report.golden_events > 0, "the digest covers events"
    assert steps == sorted(steps) and {step for step in steps if step[0] % 1000 == 0} == {
        (1000 * done, 9000) for done in range(9)
    }
    assert (7999, 9000) in steps, "within a recording, too"


@needs_oracle
def test_engines_agree_on_a_baseline(following):
    """Scores above it depend on the alarms: the golden digest and the comparisons hold both."""
    plan = following["external"]
    report, off = verify(plan, hops=200), verify(dataclasses.replace(plan, baseline=OFF), hops=200)
    assert report.differences == 0 and report.golden_events > off.golden_events
    assert report.digest != off.digest


@needs_oracle
@pytest.mark.parametrize("part", ["bias", "weights"])
def test_a_model_that_is_off_by_one_is_found(plans, part, tmp_path):
    """A plan whose integers are not those of the model beside it: sha256 and hashes are all in order."""
    plan = plans["bands"]
    first = plan.layers[0]
    changed = getattr(first, part).copy()
    changed.flat[0] += 60 if part == "bias" else -1 if changed.flat[0] > 0 else 1
    layers = (dataclasses.replace(first, **{part: changed}), *plan.layers[1:])
    other = dataclasses.replace(plan, layers=layers)
    report = verify(other, hops=200)
    assert report.differences > 0
    assert report.digest != golden.golden_digest(plan)[0]
    (tmp_path / "model.tflite").write_bytes((plan.folder / "model.tflite").read_bytes())
    anomsdk.write_plan(other, tmp_path / "plan.json")
    result = invoke(tmp_path, "--hops", 200)
    assert result.exit_code == 1
    assert "golden" in result.stdout, "the table is printed all the same"
    assert result.stderr.startswith("error: verify: ") and result.stderr.count("\n") == 1


def test_without_the_oracle_block_cuts_are_compared(plans, monkeypatch):
    monkeypatch.setattr(tflite, "why_missing", lambda: "not for this Python")
    monkeypatch.setattr(native_module, "why_missing", lambda extractor=None: "no compiler")
    report = verify(plans["logmel"], hops=200)
    assert report.missing == (("tflite", "not for this Python"), ("native", "no compiler"))
    assert report.differences == 0
    assert {c.against for c in report.comparisons} == {"reference"}
    folder = plans["logmel"].folder
    anomsdk.write_plan(plans["logmel"], folder / "plan.json")
    result = invoke(folder, "--hops", 200)
    assert result.exit_code == 0 and "missing: tflite: not for this Python" in result.stdout
    result = invoke(folder, "--hops", 200, "--require-all")
    assert result.exit_code == 1 and result.stderr == "error: verify: engine tflite is missing\n"


@needs_oracle
def test_cross_check_is_counted_and_never_judged(plans, monkeypatch):
    """The oracle stands in for the other runtime; a plan that differs from it must still pass."""
    plan = plans["bands"]
    monkeypatch.setattr(tflite, "open_cross_check", tflite.open_oracle)
    (row,) = (c for c in verify(plan, hops=1, cross_check=True).comparisons if not c.judged)
    assert (row.against, row.different) == ("litert", 0) and row.compared >= MIN_OUTPUTS
    monkeypatch.setattr(
        tflite.InterpreterModel, "run", lambda self, rows: np.zeros((len(rows), plan.n_inputs), np.int64)
    )
    monkeypatch.setattr(tflite, "why_missing", lambda: "not here")
    report = verify(plan, hops=1, cross_check=True)
    (row,) = (c for c in report.comparisons if not c.judged)
    assert row.different > 0 and report.differences == 0


def test_cross_check_without_its_runtime_says_so(plans, monkeypatch):
    def missing(model):
        raise InputError("ai-edge-litert is not installed")

    monkeypatch.setattr(tflite, "open_cross_check", missing)
    assert ("litert", "ai-edge-litert is not installed") in verify(plans["bands"], hops=1, cross_check=True).missing


@needs_oracle
def test_a_model_that_is_not_the_plans_is_bad_input(plans, tmp_path):
    anomsdk.write_plan(plans["bands"], tmp_path / "plan.json")
    assert invoke(tmp_path, "--hops", 1).exit_code == 2
    (tmp_path / "model.tflite").write_bytes(b"something else")
    result = invoke(tmp_path, "--hops", 1)
    assert result.exit_code == 2 and "sha256 differs" in result.stderr


def test_bad_arguments_are_refused(plans):
    for keywords in ({"hops": 0}, {"hops": 10**9}, {"seed": -1}):
        with pytest.raises(InputError, match="hops"):
            verify(plans["bands"], **keywords)


def test_random_streams_reach_the_extremes(plans):
    streams = random_streams(plans["bands"], 300, 0)
    n = 512 + 299 * 256
    for name, pieces in streams.items():
        assert sum(len(piece) for piece in pieces if not isinstance(piece, int)) == n, name
    assert sum(isinstance(piece, int) for piece in streams["noise with gaps"]) == 8
    (loud,) = streams["noise at changing levels"]
    assert loud.min() == -32768 and loud.max() == 32767
    assert np.unique(streams["full-scale square"][0]).tolist() == [-32768, 32767]
    assert np.unique(streams["impulses"][0]).tolist() == [-32768, 0, 32767]


@needs_oracle
def test_a_self_test_that_fails_is_a_difference(plans, monkeypatch):
    monkeypatch.setattr(native, "passes_selftest", lambda plan, digest: False)
    report = verify(plans["external"], hops=20)
    assert report.differences == 1
    (row,) = (c for c in report.comparisons if c.different)
    assert (row.what, row.against) == ("boot self-test in C", "native")


def test_recordings_of_one_name_have_a_row_each():
    rows = [Comparison("01.wav", engine, "results", 7, d) for d in (5, 0) for engine in ("tflite", "native")]
    text = as_text(Report("id", tuple(rows), (), "digest", 1, 0))
    assert [line.split() for line in text.splitlines() if "01.wav" in line] == [
        ["01.wav", "results", "7", "5", "5"],
        ["01.wav", "results", "7", "0", "0"],
    ]


# --- the golden stream


def test_golden_stream_is_what_its_description_says(plans):
    """Another way of making it: array by array, in unsigned 32-bit arithmetic."""
    stream = golden.golden_stream(plans["bands"])
    n = plans["bands"].samples_to_first_tick + 59 * plans["bands"].samples_per_tick
    assert 65_536 - plans["bands"].samples_per_tick < n <= 65_536
    assert stream.shape == (n,) and stream.dtype == np.int16
    x, states = np.array([0x6D2B79F5], np.uint32), np.zeros(n, np.uint32)
    for i in range(n):
        x ^= x << np.uint32(13)
        x ^= x >> np.uint32(17)
        x ^= x << np.uint32(5)
        states[i] = x[0]
    i = np.arange(n, dtype=np.uint32)
    k = i // 2048 % 16
    noise_part = (states >> 16).astype(np.uint16).view(np.int16) >> np.minimum(k, 10).astype(np.int16)
    rising = ((i * i) >> np.uint32(6)).astype(np.uint16).view(np.int16)  # i * i modulo 2**32 has the bits
    expected = np.select(
        [k <= 10, k == 11, k == 12, k == 13, k == 14],
        [
            noise_part,
            np.where(i & 64, 32767, -32768),
            0,
            -32768,
            np.where(i % 512 == 0, 32767, 0),
        ],
        rising,
    )
    assert np.array_equal(stream, expected)


def test_a_context_of_days_is_refused_in_one_line(plans, monkeypatch):
    monkeypatch.setattr(golden, "MAX_VALUES", 10_000)
    monkeypatch.setattr(golden, "TICKS", 16)
    with pytest.raises(InputError, match="16 ticks take 19712 samples"):
        golden.golden_stream(plans["bands"])


def test_golden_stream_never_changes(plans):
    """Guards every digest that was ever published."""
    stream = golden.golden_stream(plans["external"])
    assert stream.shape == (202, 6)
    digest = hashlib.sha256(stream.astype("<i2").tobytes()).hexdigest()
    assert digest == "4198f37b2a2e3ca18b283aa7a8cdf2ac5069d50f4a548d3b8c3fc711eb130770"
    assert golden.golden_stream(plans["bands"])[:6].tolist() == stream[0].tolist()


@pytest.mark.parametrize("kind", list(SPECS))
def test_golden_digest_is_the_hash_of_documented_bytes(plans, kind):
    plan = plans[kind]
    stream = golden.golden_stream(plan)
    inputs = anomsdk.features(plan, stream)
    outputs, scores = anomsdk.reconstruct(plan, inputs), anomsdk.score(plan, stream)
    with anomsdk.Pipeline(plan) as pipeline:
        events = [[bytes(event) for event in result.events] for result in pipeline.process(stream)]
    joined = b"".join(
        b"".join([x.tobytes(), y.tobytes(), s.astype("<u4").tobytes(), len(e).to_bytes(1, "little"), *e])
        for x, y, s, e in zip(inputs, outputs, scores, events, strict=True)
    )
    expected = hashlib.sha256(bytes.fromhex(plan.id) + joined).hexdigest(), len(inputs), sum(map(len, events))
    assert golden.golden_digest(plan, "reference") == expected
    if tflite.why_missing() is None:
        assert golden.golden_digest(plan, "tflite") == expected


@pytest.fixture
def supervised():
    """The reference model with a life cycle and health; a heartbeat every 8 hops, so that gaps send events, too."""
    plan = demo_alarm.plan()
    alarm = dataclasses.replace(plan.alarm, heartbeat=8)
    return dataclasses.replace(plan, alarm=alarm, folder=anomsdk.reference_model("audio_scene").folder)


def test_inputs_and_gaps_of_supervised_plans_are_compared(supervised):
    found = verify(supervised, hops=400)
    assert not found.differences
    assert {"noise with inputs", "noise with gaps"} <= {each.what for each in found.comparisons}


def test_inputs_of_plans_with_a_ladder_are_compared(supervised, monkeypatch):
    """Calibrations and levels, too; without a ladder none is tried."""
    pressed = set()
    operate = native.NativeEngine.operate
    monkeypatch.setattr(
        native.NativeEngine, "operate", lambda self, what, n: pressed.add(what) or operate(self, what, n)
    )
    assert not verify(supervised, hops=400).differences
    assert not any(each.needs_ladder for each in pressed)
    assert not verify(with_ladder(supervised), hops=400).differences
    assert {each for each in pressed if each.needs_ladder} == {Operation.CALIBRATE, Operation.SET_LEVEL}


@pytest.mark.parametrize("method", ["gap", "operate"])
def test_a_difference_in_what_a_gap_or_an_input_sends_is_noticed(supervised, monkeypatch, method):
    """Also where the results of later blocks are the same."""
    right = getattr(native.NativeEngine, method)

    def wrong(self, *arguments):
        right(self, *arguments)
        return []

    monkeypatch.setattr(native.NativeEngine, method, wrong)
    names = {each.what for each in verify(supervised, hops=400).comparisons if each.different}
    assert names == {"noise with gaps" if method == "gap" else "noise with inputs"}


def test_another_annunciation_is_noticed(supervised, monkeypatch):
    monkeypatch.setattr(native.NativeEngine, "annunciation", property(lambda self: 0))
    assert {each.what for each in verify(supervised, hops=400).comparisons if each.different} == {"noise with inputs"}
