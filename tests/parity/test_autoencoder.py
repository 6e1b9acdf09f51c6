"""The model stage equals tflite-runtime BUILTIN_REF, output for output."""

import numpy as np
import pytest

import anomsdk
from anomsdk.core.fixed import multiply_by_quantized_multiplier
from anomsdk.planner.layers import layer_plan, model_plan, quantize_multiplier
from anomsdk.plans.tflite.model import FullyConnected
from anomsdk.plans.tflite.writer import write_tflite
from anomsdk.runtime.engines import probe
from anomsdk.runtime.engines.tflite import InterpreterModel, open_oracle
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


def scaled(accumulators, real):
    mantissa, shift = quantize_multiplier(real)
    return multiply_by_quantized_multiplier(np.asarray(accumulators, np.int64), np.int64(mantissa), np.int64(shift))


def layer_where_the_products_part(rng, n_out, per_channel):
    """Weights 0, so that each accumulator is a bias: one at which the float32 and float64 products differ."""
    while True:
        scale = float(np.float32(rng.uniform(0.01, 0.1)))
        weight_scales = rng.uniform(1e-3, 2e-3, n_out if per_channel else 1).astype(np.float32)
        out_scale = float(np.float32(scale * float(weight_scales[0]) * 2**23))
        bias = []
        for output in range(n_out):
            weight_scale = weight_scales[output if per_channel else 0]
            single = float(np.float32(scale) * weight_scale) / out_scale
            double = scale * float(weight_scale) / out_scale
            for k in rng.permutation(np.arange(-100, 101)):
                near = np.arange(-300, 301) + int((k + 0.5) / double)
                near = near[np.abs(near) < 2**31 - 1000]
                differ = near[scaled(near, single) != scaled(near, double)]
                if len(differ):
                    bias.append(int(differ[len(differ) // 2]))
                    break
            else:
                break
        if len(bias) == n_out:
            weights, biases = np.zeros((n_out, 2), np.int8), np.array(bias, np.int32)
            return FullyConnected("layer 1", weights, biases, scale, 0, weight_scales, 0, out_scale, 0, "NONE")


@pytest.mark.parametrize(("n_out", "per_channel"), [(16, False), (16, True), (1, False), (1, True)])
def test_multipliers_come_from_the_product_that_the_oracle_takes(tflite, n_out, per_channel):
    layer = layer_where_the_products_part(np.random.default_rng(n_out), n_out, per_channel)
    data = write_tflite([layer])
    found = parity.compare_model(data, parity.parsed(data), n_out, np.random.default_rng(0))
    assert found.outputs >= n_out and found.differences == 0


def activation_scales():
    """Scales at which a float64 quotient, or ties half up, would give another end of the range."""
    yield "RELU_N1_TO_1", 2.0
    for k in range(1, 120):
        scale = np.float32(6 / (k + 0.5))
        for near in (np.nextafter(scale, np.float32(0)), scale, np.nextafter(scale, np.float32(9))):
            yield "RELU6", float(near)


def test_activations_end_where_the_oracles_do(tflite):
    for activation, scale in activation_scales():
        layer = FullyConnected(
            name="layer 1",
            weights=np.array([[127], [-127]], np.int8),
            bias=np.zeros(2, np.int32),
            input_scale=scale,
            input_zero_point=0,
            weight_scales=np.array([1.0], np.float32),
            weight_zero_point=0,
            output_scale=scale,
            output_zero_point=0,
            activation=activation,
        )
        data = write_tflite([layer])
        model = parity.parsed(data)
        outputs = InterpreterModel(open_oracle(data), model_plan(model)).run(np.array([[127]]))
        planned = layer_plan(model.layers[0])
        assert outputs.tolist() == [[planned.act_high, planned.act_low]], (activation, scale)


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
