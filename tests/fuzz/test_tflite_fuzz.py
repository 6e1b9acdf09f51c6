"""Damaged .tflite files: each is refused in one line or is another valid model, quickly and in little memory.

Interpreters crash and hang on such files: none opens one in this process, and in others only what was written anew.
"""

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from anomsdk.errors import InputError
from anomsdk.plans.tflite.model import ACTIVATIONS, FullyConnected, TfliteModel
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from anomsdk.runtime.engines.tflite import why_missing
from tests.support import model_mutants

AD01 = Path(__file__).parents[2].parent / "shared" / "data" / "mlperf_tiny" / "ad01_int8.tflite"
WORDS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF)
SECONDS = 1.0  # of this process, so that a busy machine does not fail the test
BYTES = 64 * 1024 * 1024  # four times the largest file


def small_model():
    """Two layers, one per channel: every kind of table that the writer knows."""
    rng = np.random.default_rng(5)
    edges = [(0.5, 7), (0.25, -127), (2.0, 0)]
    layers = []
    for number, (n_in, n_out) in enumerate([(6, 3), (3, 6)]):
        layers.append(
            FullyConnected(
                name=f"dense_{number}",
                weights=rng.integers(-127, 128, (n_out, n_in)).astype(np.int8),
                bias=rng.integers(-99, 99, n_out).astype(np.int32),
                input_scale=edges[number][0],
                input_zero_point=edges[number][1],
                weight_scales=np.full(n_out if number else 1, 0.125, np.float32),
                weight_zero_point=0,
                output_scale=edges[number + 1][0],
                output_zero_point=edges[number + 1][1],
                activation=ACTIVATIONS[1 - number],
            )
        )
    return write_tflite(layers)


def parse(data):
    """Parse a damaged file; return whether it is a model, after the checks that every result must pass."""
    start = time.process_time()
    try:
        model = parse_tflite(data, name="damaged.tflite")
    except InputError as error:
        message = str(error)
        assert message.startswith("damaged.tflite: ") and len(message.splitlines()) == 1
        model = None
    assert time.process_time() - start < SECONDS
    if model is not None:
        check(model)
    return model is not None


def check(model):
    assert isinstance(model, TfliteModel)
    assert 1 <= len(model.layers) <= 64 and 1 <= model.macs <= 8 * 1024 * 1024
    n_in = model.n_in
    for layer in model.layers:
        n_out = layer.weights.shape[0]
        assert layer.weights.shape == (n_out, n_in) and layer.weights.dtype == np.int8
        assert layer.bias.shape == (n_out,) and layer.bias.dtype == np.int32
        assert layer.weight_scales.shape in ((1,), (n_out,))
        scales = np.array([layer.input_scale, layer.output_scale, *layer.weight_scales])
        assert np.isfinite(scales).all() and (scales > 0).all()
        zero_points = (layer.input_zero_point, layer.weight_zero_point, layer.output_zero_point)
        assert all(-128 <= zero_point <= 127 for zero_point in zero_points)
        assert layer.activation in ACTIVATIONS
        n_in = n_out
    write_tflite(model.layers)


def mutants(data, positions, count, seed):
    """Files with one to eight bytes of `positions` changed at random."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        changed = bytearray(data)
        for position in rng.choice(positions, rng.integers(1, 9)):
            changed[position] = rng.integers(256)
        yield bytes(changed)


def structure(data):
    """Positions that are not in a weight: where the offsets, lengths and indices are."""
    free = np.ones(len(data), bool)
    for layer in parse_tflite(data, name="whole").layers:
        start = data.find(layer.weights.tobytes())
        free[start : start + layer.weights.size] = False
    return np.flatnonzero(free)


@pytest.fixture(scope="module")
def ad01():
    if not AD01.exists():
        pytest.skip("the MLPerf Tiny model is not on this machine")
    return AD01.read_bytes()


def test_whole_files_parse(ad01):
    assert parse(small_model()) and parse(ad01)


def test_every_truncation_of_a_small_model():
    data = small_model()
    accepted = [end for end in range(len(data)) if parse(data[:end])]
    # Flatbuffers are written from the back: the last bytes may be padding, and no part is optional.
    assert all(end > len(data) - 16 for end in accepted)


def test_truncations_of_ad01(ad01):
    ends = np.random.default_rng(1).integers(0, len(ad01), 300)
    assert not any(parse(ad01[:end]) for end in ends if end < len(ad01) - 16)


def test_every_word_of_a_small_model():
    data = small_model()
    results = set()
    for position in range(0, len(data) - 3, 4):
        for word in WORDS:
            results.add(parse(data[:position] + word.to_bytes(4, "little") + data[position + 4 :]))
    assert results == {True, False}


def test_random_bytes_of_a_small_model():
    data = small_model()
    accepted = sum(parse(mutant) for mutant in mutants(data, np.arange(len(data)), 3000, seed=2))
    assert 0 < accepted < 3000  # both outcomes are exercised


def test_random_bytes_of_ad01(ad01):
    accepted = sum(parse(mutant) for mutant in mutants(ad01, structure(ad01), 300, seed=3))
    assert 0 < accepted < 300


def test_every_bit_of_the_first_tables_of_ad01(ad01):
    for position in structure(ad01)[:200]:
        changed = bytearray(ad01)
        changed[position] ^= 0x80
        parse(bytes(changed))


def test_random_words_of_ad01(ad01):
    rng = np.random.default_rng(4)
    positions = structure(ad01)
    for position in rng.choice(positions[positions < len(ad01) - 4], 150):
        word = int(rng.choice(WORDS)).to_bytes(4, "little")
        parse(ad01[:position] + word + ad01[position + 4 :])


def test_memory_stays_small():
    data = small_model()
    tracemalloc.start()
    try:
        for mutant in mutants(data, np.arange(len(data)), 300, seed=6):
            parse(mutant)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BYTES


def test_noise_behind_the_mark():
    rng = np.random.default_rng(7)
    for size in rng.integers(8, 4096, 500):
        data = bytearray(rng.bytes(int(size)))
        data[:8] = int(rng.integers(size)).to_bytes(4, "little") + b"TFL3"
        assert not parse(bytes(data))


def test_lengths_as_long_as_the_file():
    """A vector that claims the rest of a large file must cost no more than a look."""
    data = small_model() + bytes(2 * 1024 * 1024)
    claim = (1024 * 1024).to_bytes(4, "little")
    for position in range(0, len(small_model()) - 3, 4):
        parse(data[:position] + claim + data[position + 4 :])


# What is accepted, and then opened


needs_oracle = pytest.mark.skipif(why_missing() is not None, reason="no tflite-runtime here")


@needs_oracle
def test_the_interpreter_lives_on_what_plan_accepts():
    """`make fuzz-models` runs 10,000."""
    found = model_mutants.judge(0, 600)
    assert found.died == [] and found.wrong == []
    assert found.fates["same"] > 30 and found.fates["refused"] > 300


@needs_oracle
def test_an_interpreter_that_is_given_the_file_itself_dies():
    """The control of the test above: these are some of its mutants."""
    killers = (69, 167, 179)
    found = [model_mutants.judge(index, index + 1, as_given=True).died for index in killers]
    assert any("SIG" in how for died in found for _, how in died)
    assert all(model_mutants.judge(index, index + 1).died == [] for index in killers)


def test_a_child_that_hangs_is_noticed(monkeypatch):
    monkeypatch.setattr(model_mutants, "SECONDS", 0.0)
    assert [how for _, how in model_mutants.judge(0, 1).died] == ["SIGKILL"]
