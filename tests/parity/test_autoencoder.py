"""The model stage equals tflite-runtime BUILTIN_REF, output for output."""

import numpy as np
import pytest

import anomsdk
from anomsdk.engines import probe
from anomsdk.engines.tflite import open_oracle
from anomsdk.tflite_file import FullyConnected
from anomsdk.tflite_writer import write_tflite
from benchmarks import parity, signals


def test_fifty_random_models(tflite):
    rng = np.random.default_rng(0)
    seen = set()
    for name, data in parity.random_models(50, seed=1):
        model = parity.parsed(data)
        found = parity.compare_model(data, model, 4000, rng)
        assert found.differences == 0, name
        seen |= {layer.activation for layer in model.layers}
        seen |= {"per tensor" if len(layer.weight_scales) == 1 else "per channel" for layer in model.layers}
        seen |= {"one output"} if model.n_out == 1 else set()
    assert seen == {"NONE", "RELU", "RELU6", "RELU_N1_TO_1", "per tensor", "per channel", "one output"}


@pytest.mark.skipif(not signals.AD01.exists(), reason="../shared/data/mlperf_tiny is absent: ad01 not compared")
def test_ad01(tflite):
    data = signals.AD01.read_bytes()
    found = parity.compare_model(data, parity.parsed(data), 100_000, np.random.default_rng(1))
    assert found.outputs >= 100_000 and found.differences == 0


def test_reconstruct_takes_any_int8(plans, tflite):
    for plan in plans.values():
        rows = parity.int8_inputs(200, plan.n_inputs, np.random.default_rng(2)).astype(np.int8)
        ours = anomsdk.reconstruct(plan, rows)
        assert ours.dtype == np.int8 and (ours == anomsdk.reconstruct(plan, rows, engine="tflite")).all()


def test_the_probe_is_what_the_writer_writes_and_the_oracle_answers_it(tflite):
    layer = FullyConnected(
        name="probe",
        weights=np.array([[1]], np.int8),
        bias=np.array([0], np.int32),
        input_scale=1.0,
        input_zero_point=0,
        weight_scales=np.array([(1 - 2**-20) / 16], np.float32),
        weight_zero_point=0,
        output_scale=1.0,
        output_zero_point=0,
        activation="NONE",
    )
    assert write_tflite([layer], description="anomsdk probe") == probe.MODEL
    open_oracle(probe.MODEL)


def test_a_runtime_that_rounds_once_is_not_trusted(tflite, monkeypatch):
    monkeypatch.setattr(probe, "OUTPUTS", (-1, 0, 0, 0, 1))
    with pytest.raises(anomsdk.InputError, match="rounds otherwise than the contract"):
        open_oracle(probe.MODEL)
