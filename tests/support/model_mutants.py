"""Damages .tflite files in thousands of ways: the interpreter never dies on one that `plan` accepts.

    python -m tests.support.model_mutants --count 10000

A model is planned, opened by engine tflite and run, each in a child process, so that a crash is noticed and named. What
the interpreter computes must be what the plan says. `--as-given` is the control, in which it dies: it gets the
file itself, whose offsets nobody checked.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

import anomsdk
from anomsdk.errors import InputError
from anomsdk.planner.planner import plan_from
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.tflite import offsets as tflite_offsets
from anomsdk.plans.tflite import reader as tflite_file
from anomsdk.plans.tflite.model import ACTIVATIONS, FullyConnected
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from anomsdk.runtime.engines import tflite
from tests.support.graphs import Graph, model_with_edges
from tests.support.make import make_calibration

SEED = 14
SECONDS = 20
"""Of one mutant."""
WORDS = (0, 1, 2, 4, 0x7F, 0x80, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF)
FLOATS = (0.0, -1.0, 1e-38, 1e-45, 1e-6, 1.0, 3e8, 1e38, float("inf"), float("nan"))
N = 6
SPEC = f"""
format = 1
name = "meter"
[sensor]
kind = "external"
rate_hz = 10
[features]
kind = "external"
n_features = {N}
[context]
kind = "stack"
frames = 1
"""


def _layer(n_in, n_out, edges, rng, *, per_channel=False, activation="NONE"):
    return FullyConnected(
        name=f"dense_{n_in}",
        weights=rng.integers(-127, 128, (n_out, n_in)).astype(np.int8),
        bias=rng.integers(-99, 99, n_out).astype(np.int32),
        input_scale=edges[0][0],
        input_zero_point=edges[0][1],
        weight_scales=np.full(n_out if per_channel else 1, 0.0078125, np.float32),
        weight_zero_point=0,
        output_scale=edges[1][0],
        output_zero_point=edges[1][1],
        activation=activation,
    )


@cache
def originals() -> tuple[bytes, ...]:
    """Whole files: of the writer, with other types at the edges, and as converters leave them."""
    rng = np.random.default_rng(SEED)
    first, middle, last = (0.5, 7), (0.25, -127), (1.0, 0)
    layers = [
        _layer(N, 3, (first, middle), rng, per_channel=True, activation=ACTIVATIONS[1]),
        _layer(3, N, (middle, last), rng),
    ]
    plain = [_layer(N, 4, (first, middle), rng), _layer(4, N, (middle, last), rng, activation=ACTIVATIONS[1])]
    converted = Graph(N, extras=True)
    converted.dense(n_in=N, n_out=3, target="hidden", options={"FusedActivationFunction": 1})
    converted.tensor("shape", "INT32", (2,), scales=(), data=np.array([1, 3], "<i4").tobytes())
    converted.tensor("flat", "INT8", (1, 3), scales=(1.0,))
    converted.operator("RESHAPE", ["hidden", "shape"], ["flat"], ("ReshapeOptions", {}))
    converted.dense("flat", n_in=3, n_out=N, target="y", b={"scales": (0.25,)})
    return (
        write_tflite(layers),
        write_tflite(layers, input_type="float32", output_type="float32"),
        model_with_edges(layers, "uint8", "uint8"),
        model_with_edges(plain, "float32", "float32"),
        converted.build(),
    )


# What is changed


class _Recorder(tflite_offsets._Walk):
    """Remembers where the numbers stand that hold a file together."""

    def __init__(self, data):
        super().__init__(data)
        self.places = {}

    def number(self, kind, at, what):
        self.places[at] = 2 if kind == "<H" else 4
        return super().number(kind, at, what)

    def fields(self, at, name):
        frame = at - self.number("<i", at, name)
        for slot in range(frame + 4, frame + self.number("<H", frame, name), 2):
            self.places[slot] = 2
            where = int.from_bytes(self.data[slot : slot + 2], "little")
            if where:
                self.places[at + where] = 4
        super().fields(at, name)


@cache
def _places(data: bytes) -> tuple[tuple[int, int], ...]:
    walk = _Recorder(data)
    walk.run()
    return tuple(sorted(walk.places.items()))


def _bytes(data, rng):
    for at in rng.integers(0, len(data), 2 ** rng.integers(4)):
        data[at] = rng.integers(256)


def _bits(data, rng):
    data[rng.integers(len(data))] ^= 1 << rng.integers(8)


def _end(data, rng):
    del data[int(rng.integers(len(data))) :]


def _word(data, rng):
    at = int(rng.integers(len(data) // 4)) * 4
    data[at : at + 4] = int(rng.choice(WORDS)).to_bytes(4, "little")


def _scale(data, rng):
    at = int(rng.integers(len(data) // 4)) * 4
    data[at : at + 4] = np.float32(rng.choice(FLOATS)).tobytes()


def _splice(data, rng):
    other = originals()[rng.integers(len(originals()))]
    n = 2 ** int(rng.integers(7))
    here, there = (int(rng.integers(max(1, len(file) - n))) for file in (data, other))
    data[here : here + n] = other[there : there + n]


def _insert(data, rng):
    at, n = int(rng.integers(len(data))), int(rng.integers(1, 17))
    if rng.integers(2):
        data[at:at] = rng.bytes(n)
    else:
        del data[at : at + n]


def _structure(data, rng, places):
    """One or two of the numbers that hold the file together: near to what they were, at another place, or far out."""
    for _ in range(rng.integers(1, 3)):
        at, n_bytes = places[rng.integers(len(places))]
        was = int.from_bytes(data[at : at + n_bytes], "little")
        target = places[rng.integers(len(places))][0]
        new = (
            was + int(rng.choice([-8, -4, -2, -1, 1, 2, 4, 8])),
            target - at,
            int(rng.integers(len(data))),
            int(rng.choice(WORDS)),
        )[rng.integers(4)]
        data[at : at + n_bytes] = (new % (1 << 8 * n_bytes)).to_bytes(n_bytes, "little")


KINDS = (_bytes, _bits, _bits, _end, _word, _word, _scale, _splice, _insert, _structure, _structure, _structure)


def mutant(index: int) -> bytes:
    """The file of this number; the same each time."""
    rng = np.random.default_rng([SEED, index])
    whole = originals()[index % len(originals())]
    kind = KINDS[index // len(originals()) % len(KINDS)]
    data = bytearray(whole)
    if kind is _structure:
        kind(data, rng, _places(whole))
    else:
        kind(data, rng)
    return bytes(data)


# The child


def fate_of(data: bytes, folder: Path) -> str:
    """ "refused", "same" or "differs": planned, opened and run as `anomsdk plan` and `anomsdk verify` do."""
    spec = PipelineSpec.from_toml(SPEC)
    try:
        model = parse_tflite(data, name="model.tflite")
        calibration = make_calibration(spec, model, np.random.default_rng(0)) if model.n_in == N else None
        plan = plan_from(spec, model, calibration)
    except InputError as error:
        line = str(error)
        assert line.isprintable(), "one line, and no byte of the file"
        return "refused"
    (folder / "model.tflite").write_bytes(data)
    anomsdk.write_plan(plan, folder / "plan.json")
    plan = anomsdk.read_plan(folder / "plan.json")
    rows = np.random.default_rng(1).integers(-128, 128, (20, N)).astype(np.int8)
    try:
        found = anomsdk.reconstruct(plan, rows, "tflite")
    except InputError as error:
        return f"not opened: {error}"
    return "same" if np.array_equal(found, anomsdk.reconstruct(plan, rows, "reference")) else "differs"


def _child(first: int, last: int, as_given: bool) -> None:
    """Say each index before, and its fate after it."""
    if as_given:
        tflite._written_anew = lambda model: model
        tflite_file.check_offsets = lambda data: None
    with tempfile.TemporaryDirectory() as folder:
        for index in range(first, last):
            print(index, flush=True)
            print(json.dumps(fate_of(mutant(index), Path(folder))), flush=True)


# The parent


@dataclass
class Found:
    """Fates of all mutants; `died` are those at which the child ended, with how."""

    fates: Counter = field(default_factory=Counter)
    died: list[tuple[int, str]] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)


def judge(first: int, last: int, *, as_given: bool = False) -> Found:
    """Run these mutants in child processes, one after the other; a new child follows one that died."""
    found = Found()
    while first < last:
        command = [sys.executable, "-m", "tests.support.model_mutants", "--child", str(first), str(last)]
        child = subprocess.Popen(
            [*command, *(["--as-given"] if as_given else [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            text=True,
        )
        at, ended = first, "exit"
        with child:
            for line in _lines(child):
                if line.isdecimal():
                    at = int(line)
                    continue
                fate = json.loads(line)
                found.fates[fate.partition(":")[0]] += 1
                if fate not in ("refused", "same"):
                    found.wrong.append((at, fate))
                first = at + 1
            errors = child.stderr.read() if child.stderr else ""
        if child.returncode:
            ended = signal.Signals(-child.returncode).name if child.returncode < 0 else errors.strip()[-300:]
            found.died.append((at, ended))
            found.fates["died"] += 1
            first = at + 1
    return found


def _lines(child: subprocess.Popen) -> list[str]:
    """Lines of a child as they come; it is ended where none comes for too long."""
    assert child.stdout is not None
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        rest = ""
        while waiting.select(SECONDS):
            text = os.read(child.stdout.fileno(), 1 << 16).decode()
            if not text:
                return
            *whole, rest = (rest + text).split("\n")
            yield from whole
        child.kill()


def main() -> int:
    """Judge so many mutants, and say what became of them."""
    parser = argparse.ArgumentParser(description="Damaged .tflite files")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--as-given", action="store_true", help="the control: the interpreter opens the file itself")
    parser.add_argument("--child", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        _child(*given.child, given.as_given)
        return 0
    if why := tflite.why_missing():
        parser.error(why)
    began = time.monotonic()
    found = judge(given.first, given.first + given.count, as_given=given.as_given)
    fates = ", ".join(f"{n:,} {fate}" for fate, n in sorted(found.fates.items()))
    print(f"{given.count:,} mutants in {time.monotonic() - began:.0f} s: {fates}; {len(found.died)} deaths")
    for index, what in [*found.died, *found.wrong]:
        print(f"mutant {index}: {what}")
    return bool(found.died or found.wrong)


if __name__ == "__main__":
    sys.exit(main())
