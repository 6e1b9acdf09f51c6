"""Reader and writer of .tflite: what is refused, what is read, that the interpreter runs what was read."""

import dataclasses
import hashlib
import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomsdk.errors import InputError
from anomsdk.plans.tflite import reader as tflite_file
from anomsdk.plans.tflite.model import ACTIVATIONS, FullyConnected
from anomsdk.plans.tflite.reader import parse_tflite, read_tflite
from anomsdk.plans.tflite.writer import write_anew, write_tflite
from anomsdk.runtime.engines import tflite
from tests.support.graphs import Graph
from tests.support.model_mutants import originals

AD01 = Path(__file__).parents[2].parent / "shared" / "data" / "mlperf_tiny" / "ad01_int8.tflite"
needs_ad01 = pytest.mark.skipif(not AD01.exists(), reason="the MLPerf Tiny model is not on this machine")


def refusal(graph_or_bytes):
    data = graph_or_bytes.build() if isinstance(graph_or_bytes, Graph) else graph_or_bytes
    with pytest.raises(InputError) as caught:
        parse_tflite(data, name="model.tflite")
    message = str(caught.value)
    assert message.startswith("model.tflite: ") and len(message.splitlines()) == 1
    assert ": " in message.removeprefix("model.tflite: ")  # what is wrong: what to do
    return message


# -- the oracle -------------------------------------------------------------------------------------


def interpreter(data):
    """BUILTIN_REF of tflite-runtime 2.14, the oracle of the package, with its tensors allocated."""
    runtime = pytest.importorskip("tflite_runtime.interpreter", reason="tflite-runtime has no wheel here")
    made = runtime.Interpreter(
        model_content=data,
        experimental_op_resolver_type=runtime.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    made.allocate_tensors()
    return made


def run(data, x):
    made = interpreter(data)
    detail = made.get_input_details()[0]
    made.set_tensor(detail["index"], x.reshape(detail["shape"]))
    made.invoke()
    return made.get_tensor(made.get_output_details()[0]["index"]).ravel()


def quantise_multiplier(real):
    """TFLite's QuantizeMultiplier: a Q31 mantissa in [2^30, 2^31) and a left shift."""
    mantissa, shift = math.frexp(real)
    fixed = math.floor(mantissa * 2**31 + 0.5)
    return (fixed // 2, shift + 1) if fixed == 2**31 else (fixed, shift)


def requantise(accumulator, real):
    """TFLite's double rounding, in Python integers."""
    fixed, shift = quantise_multiplier(real)
    product = (accumulator << max(shift, 0)) * fixed
    product += 2**30 if product >= 0 else 1 - 2**30
    high = abs(product) // 2**31 * (1 if product >= 0 else -1)  # C's division
    right = max(-shift, 0)
    return (high >> right) + ((high & (2**right - 1)) > ((2**right - 1) >> 1) + (high < 0))


def integer_layer(layer, x):
    """What BUILTIN_REF computes, from nothing but what was read: int8 (n_out,)."""
    scales = layer.weight_scales
    if len(scales) == 1:  # the product of the scales is float32 here, float64 per channel
        reals = [float(np.float32(layer.input_scale) * scales[0]) / layer.output_scale] * len(layer.bias)
    else:
        reals = [layer.input_scale * float(scale) / layer.output_scale for scale in scales]
    weights = layer.weights.astype(np.int64) - layer.weight_zero_point
    sums = weights @ (x.astype(np.int64) - layer.input_zero_point) + layer.bias
    y = [requantise(int(s), real) + layer.output_zero_point for s, real in zip(sums, reals, strict=True)]
    edges = {"NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}
    low, high = edges[layer.activation]
    step, zero = np.float32(layer.output_scale), layer.output_zero_point
    low = -128 if low is None else max(-128, zero + round(float(np.float32(low) / step)))
    high = 127 if high is None else min(127, zero + round(float(np.float32(high) / step)))
    return np.clip(y, low, high).astype(np.int8)


def assert_interpreter_runs_what_was_read(data, seed=0):
    """Weights, biases and the output of every layer are tensors of the interpreter, value for value."""
    model = parse_tflite(data, name="model.tflite")
    made = interpreter(data)
    x = np.random.default_rng(seed).integers(-128, 128, model.n_in).astype(np.int8)
    detail = made.get_input_details()[0]
    made.set_tensor(detail["index"], x.reshape(detail["shape"]))
    made.invoke()
    tensors = [made.get_tensor(detail["index"]) for detail in made.get_tensor_details()]
    for layer in model.layers:
        x = integer_layer(layer, x)
        assert any(np.array_equal(t, layer.weights) for t in tensors), layer.name
        assert any(np.array_equal(t, layer.bias) for t in tensors) or not layer.bias.any(), layer.name
        assert any(np.array_equal(t.ravel(), x) for t in tensors if t.dtype == np.int8), layer.name
    np.testing.assert_array_equal(x, made.get_tensor(made.get_output_details()[0]["index"]).ravel())


# -- what is read -----------------------------------------------------------------------------------


def same_layers(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        for field in dataclasses.fields(FullyConnected):
            va, vb = getattr(a, field.name), getattr(b, field.name)
            np.testing.assert_array_equal(va, vb, err_msg=field.name)
            if isinstance(va, np.ndarray):
                assert va.dtype == vb.dtype and va.shape == vb.shape


@st.composite
def models(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    widths = draw(st.lists(st.integers(1, 20), min_size=2, max_size=5))
    edges = [(float(np.float32(rng.uniform(0.01, 2))), int(rng.integers(-128, 128))) for _ in widths]
    layers = []
    for number, (n_in, n_out) in enumerate(pairwise(widths), 1):
        per_channel = draw(st.booleans()) and n_out > 1
        layers.append(
            FullyConnected(
                name=f"layer {number} (dense_{number}/MatMul)",
                weights=rng.integers(-128, 128, (n_out, n_in)).astype(np.int8),
                bias=rng.integers(-5000, 5001, n_out).astype(np.int32),
                input_scale=edges[number - 1][0],
                input_zero_point=edges[number - 1][1],
                weight_scales=rng.uniform(0.001, 0.1, n_out if per_channel else 1).astype(np.float32),
                weight_zero_point=0 if per_channel else int(rng.choice([0, -128, 127, 5])),
                output_scale=edges[number][0],
                output_zero_point=edges[number][1],
                activation=draw(st.sampled_from(ACTIVATIONS)),
            )
        )
    return layers


@settings(max_examples=60, deadline=None)
@given(models())
def test_round_trip(layers):
    data = write_tflite(layers)
    model = parse_tflite(data, name="model.tflite")
    same_layers(model.layers, layers)
    assert (model.input_type, model.output_type) == ("int8", "int8")
    assert model.sha256 == hashlib.sha256(data).hexdigest()
    assert (model.n_in, model.n_out) == (layers[0].weights.shape[1], layers[-1].weights.shape[0])
    assert model.macs == sum(layer.weights.size for layer in layers)
    assert write_tflite(model.layers) == data


@settings(max_examples=40, deadline=None)
@given(models(), st.integers(0, 1000))
def test_interpreter_runs_what_was_read(layers, seed):
    assert_interpreter_runs_what_was_read(write_tflite(layers), seed)


@needs_ad01
def test_ad01_is_read_as_netron_shows_it():
    model = read_tflite(AD01)
    widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
    assert [layer.weights.shape[::-1] for layer in model.layers] == list(pairwise(widths))
    assert [layer.activation for layer in model.layers] == ["RELU"] * 9 + ["NONE"]
    assert (model.n_in, model.n_out, model.macs) == (640, 640, 264192)
    assert model.layers[2].name == "layer 3 (functional_1/dense_2/MatMul)"
    first, last = model.layers[0], model.layers[-1]
    assert first.input_scale == float(np.float32(0.3910152316093445)) and first.input_zero_point == 89
    assert last.output_scale == float(np.float32(0.36449846625328064)) and last.output_zero_point == 96
    assert (model.input_type, model.output_type) == ("int8", "int8")
    assert model.sha256 == hashlib.sha256(AD01.read_bytes()).hexdigest()


@needs_ad01
def test_ad01_written_again_runs_the_same():
    data = AD01.read_bytes()
    again = write_tflite(read_tflite(AD01).layers)
    same_layers(parse_tflite(again, name="again").layers, read_tflite(AD01).layers)
    rng = np.random.default_rng(3)
    for _ in range(20):
        x = rng.integers(-128, 128, 640).astype(np.int8)
        np.testing.assert_array_equal(run(data, x), run(again, x))


@needs_ad01
def test_ad01_interpreter_runs_what_was_read():
    assert_interpreter_runs_what_was_read(AD01.read_bytes())


def test_arrays_are_read_only_and_own_their_values():
    layer = Graph().dense().parse().layers[0]
    for values in (layer.weights, layer.bias, layer.weight_scales):
        assert not values.flags.writeable
        with pytest.raises(ValueError):
            values[0] = 0


@pytest.mark.parametrize("activation", [(0, "NONE"), (1, "RELU"), (2, "RELU_N1_TO_1"), (3, "RELU6")])
def test_fused_activations(activation):
    model = Graph().dense(options={"FusedActivationFunction": activation[0]}).parse()
    assert model.layers[0].activation == activation[1]


@pytest.mark.parametrize("inputs", [["x", "y/MatMul"], ["x", "y/MatMul", -1]])
def test_bias_may_be_missing(inputs):
    graph = Graph().dense()
    code, _, outputs, options, custom = graph.operators[0]
    graph.operators = [(code, inputs, outputs, options, custom)]
    layer = graph.parse().layers[0]
    assert layer.bias.dtype == np.int32 and layer.bias.tolist() == [0, 0, 0]
    assert_interpreter_runs_what_was_read(graph.build())


def test_options_may_be_missing():
    graph = Graph().dense()
    graph.operators = [(*graph.operators[0][:3], None, None)]
    assert graph.parse().layers[0].activation == "NONE"


def test_keep_num_dims_and_asymmetric_inputs_change_nothing():
    options = {"KeepNumDims": True, "AsymmetricQuantizeInputs": True}
    graph = Graph().dense(options=options)
    same_layers(graph.parse().layers, Graph().dense().parse().layers)
    assert_interpreter_runs_what_was_read(graph.build())


def test_batch_may_be_open_in_the_signature():
    graph = Graph(Signature=(-1, 4)).dense(y={"Signature": (-1, 3)})
    same_layers(graph.parse().layers, Graph().dense().parse().layers)


def test_float_edges_are_peeled_off():
    graph = Graph(kind="FLOAT32")
    graph.convert("QUANTIZE", "x", "q", "INT8", 4, zero_points=[7]).dense("q")
    graph.convert("DEQUANTIZE", "y", "out", "FLOAT32", 3)
    model = graph.parse()
    assert (model.input_type, model.output_type) == ("float32", "float32")
    inner = Graph(zero_points=[7]).dense()
    same_layers(model.layers, inner.parse().layers)
    x = np.array([-100, 0, 50, 127], np.int8)
    y = run(inner.build(), x).astype(np.float32)
    np.testing.assert_array_equal(run(graph.build(), (x.astype(np.float32) - 7) * 0.5), y)


def test_uint8_edges_are_peeled_off():
    graph = Graph(kind="UINT8", zero_points=[135])
    graph.convert("QUANTIZE", "x", "q", "INT8", 4, zero_points=[7]).dense("q")
    graph.convert("QUANTIZE", "y", "out", "UINT8", 3, scales=(1.0,), zero_points=[128])
    model = graph.parse()
    assert (model.input_type, model.output_type) == ("uint8", "uint8")
    inner = Graph(zero_points=[7]).dense()
    same_layers(model.layers, inner.parse().layers)
    x = np.array([-100, 0, 50, 127], np.int8)
    y = run(inner.build(), x).astype(np.int16) + 128
    np.testing.assert_array_equal(run(graph.build(), (x.astype(np.int16) + 128).astype(np.uint8)), y)


def reshaped(shape=(1, 4), target=None, constant=True, **fields):
    graph = Graph(shape=(1, 2, 2))
    graph.tensor("r", "INT8", target or shape, **fields)
    graph.tensor("shape", "INT32", (2,), (), None, np.array(shape, "<i4").tobytes() if constant else None)
    return graph.operator("RESHAPE", ["x", "shape"], ["r"])


def test_reshape_is_ignored():
    graph = reshaped().dense("r")
    same_layers(graph.parse().layers, Graph().dense().parse().layers)
    x = np.array([-100, 0, 50, 127], np.int8)
    np.testing.assert_array_equal(run(graph.build(), x), run(Graph().dense().build(), x))


def test_reshape_between_layers_and_at_the_end():
    graph = Graph().dense()
    graph.tensor("r", "INT8", (3,), scales=(1.0,))
    options = ("ReshapeOptions", {})
    graph.operator("RESHAPE", ["y"], ["r"], options)
    graph.dense("r", 3, 2, "z", b={"scales": (0.25,)})
    graph.tensor("end", "INT8", (1, 2, 1), scales=(1.0,))
    graph.operator("RESHAPE", ["z"], ["end"], options)
    assert [layer.weights.shape for layer in graph.parse().layers] == [(3, 4), (2, 3)]


# -- findings about the oracle that the reader relies on --------------------------------------------


@pytest.mark.parametrize("zero_point", [5, -100, 127])
def test_oracle_subtracts_the_zero_point_of_per_tensor_weights(zero_point):
    graph = Graph().dense(w={"zero_points": [zero_point]}, y={"scales": (10.0,)})
    layer = graph.parse().layers[0]
    assert layer.weight_zero_point == zero_point
    assert_interpreter_runs_what_was_read(graph.build())


def test_oracle_ignores_zero_points_of_per_channel_weights():
    scales = {"scales": (0.25, 0.5, 0.125)}
    bias = {"scales": (0.125, 0.25, 0.0625)}
    x = np.array([-100, 0, 50, 127], np.int8)
    with_zero_points = Graph().dense(w={**scales, "zero_points": [5, -9, 100]}, b=bias)
    without = Graph().dense(w=scales, b=bias)
    np.testing.assert_array_equal(run(with_zero_points.build(), x), run(without.build(), x))
    assert "per channel with a zero point" in refusal(with_zero_points)


@pytest.mark.parametrize(("bias_scale", "accepted"), [(0.125 + 0.019, True), (0.125 + 0.021, False)])
def test_oracle_and_reader_draw_the_line_for_bias_scales_alike(bias_scale, accepted):
    graph = Graph().dense(b={"scales": (bias_scale,)})
    if accepted:
        graph.parse()
        interpreter(graph.build())
    else:
        assert "bias y/bias has a scale other than" in refusal(graph)
        with pytest.raises(RuntimeError):
            interpreter(graph.build())


# -- containers -------------------------------------------------------------------------------------


def test_empty_file():
    assert "is empty" in refusal(b"")


@pytest.mark.parametrize("data", [b"x", b"not a model at all", b"\x1c\x00\x00\x00TFL2" + bytes(100)])
def test_not_a_tflite_file(data):
    assert "not a TensorFlow Lite file" in refusal(data)


def test_git_lfs_pointer():
    message = refusal(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert "Git LFS pointer" in message and "git lfs pull" in message


def test_too_big():
    assert "larger than 16777216 bytes" in refusal(b"\x1c\x00\x00\x00TFL3" + bytes(tflite_file.MAX_BYTES))


def test_file_names_and_missing_files(tmp_path):
    path = tmp_path / "model.tflite"
    with pytest.raises(InputError, match=r"^model\.tflite: there is no such file"):
        read_tflite(path)
    with pytest.raises(InputError, match="there is no such file"):
        read_tflite(tmp_path)
    path.write_bytes(Graph().dense().build())
    same_layers(read_tflite(str(path)).layers, Graph().dense().parse().layers)


def test_oversized_file_is_not_read_whole(tmp_path):
    path = tmp_path / "huge.tflite"
    with path.open("wb") as file:
        file.truncate(tflite_file.MAX_BYTES * 100)  # sparse: no disk is used
    with pytest.raises(InputError, match="larger than"):
        read_tflite(path)


def test_names_cannot_break_the_line():
    graph = Graph()
    graph.tensor("bad\nname\x1b[31m", "INT8", (1, 4))
    graph.operator("CONV_2D", ["x"], ["bad\nname\x1b[31m"])
    assert "(bad?name?[31m)" in refusal(graph)
    with pytest.raises(InputError) as caught:
        parse_tflite(b"", name="a\nb")
    assert str(caught.value).startswith("a?b: ")


def test_schema_version():
    graph = Graph().dense()
    graph.version = 4
    assert "schema version 4" in refusal(graph)


def test_damaged_files_are_named_as_such():
    data = bytearray(Graph().dense().build())
    data[:4] = b"\xff\xff\xff\x7f"
    assert "damaged" in refusal(bytes(data))


# -- graphs -----------------------------------------------------------------------------------------


def test_other_operators_are_named():
    graph = Graph().dense()
    graph.tensor("conv1/BiasAdd", "INT8", (1, 3))
    graph.operator("CONV_2D", ["y"], ["conv1/BiasAdd"])
    message = "model.tflite: operator 2 is CONV_2D (conv1/BiasAdd): only FULLY_CONNECTED layers run here: "
    assert refusal(graph) == message + "export a dense int8 autoencoder"


@pytest.mark.parametrize("code", ["ADD", "LOGISTIC", "SOFTMAX", "CONCATENATION", "GELU", "WHILE"])
def test_operators_that_do_not_run(code):
    graph = Graph().dense()
    graph.tensor("z", "INT8", (1, 3))
    assert f"operator 2 is {code} (z)" in refusal(graph.operator(code, ["y"], ["z"]))


def test_custom_operators():
    graph = Graph()
    graph.tensor("z", "INT8", (1, 4))
    graph.operator("CUSTOM", ["x"], ["z"], custom="TFLite_Detection")
    assert "operator 1 is the custom operator TFLite_Detection (z)" in refusal(graph)


def test_shapes_computed_at_run_time():
    graph = Graph()
    graph.tensor("s", "INT32", (2,), ())
    assert "fixed batch of 1" in refusal(graph.operator("SHAPE", ["x"], ["s"]))


@pytest.mark.parametrize("count", [0, 2])
def test_subgraphs(count):
    graph = Graph().dense()
    graph.subgraphs = count
    assert f"has {count} subgraphs" in refusal(graph)


@pytest.mark.parametrize("names", [[], ["x", "y"]])
def test_one_input_and_one_output(names):
    graph = Graph().dense()
    graph.inputs = names
    assert f"has {len(names)} inputs" in refusal(graph)
    graph = Graph().dense()
    graph.outputs = names
    assert f"has {len(names)} outputs" in refusal(graph)


def test_no_layer():
    assert "no FULLY_CONNECTED layer" in refusal(reshaped())


def test_the_chain_must_end_at_the_output():
    graph = Graph().dense().dense("y", 3, 2, "z", b={"scales": (0.25,)})
    graph.outputs = ["y"]
    assert "does not compute the model's output" in refusal(graph)


def test_branches():
    graph = Graph().dense().dense("x", 4, 3, "z")
    message = refusal(graph)
    assert "operator 2 is FULLY_CONNECTED (z)" in message and "linear chain" in message


def test_loops():
    graph = Graph().dense(n_out=4)
    code, inputs, _, options, custom = graph.operators[0]
    graph.operators = [(code, inputs, ["x"], options, custom)]
    assert "linear chain" in refusal(graph)


@pytest.mark.parametrize("index", [-1, 99])
def test_tensor_indices(index):
    graph = Graph().dense()
    graph.inputs = [index]
    assert f"no entry {index}" in refusal(graph)


def test_operator_without_inputs_or_with_two_outputs():
    graph = Graph().dense()
    code, inputs, outputs, options, custom = graph.operators[0]
    graph.operators = [(code, [], outputs, options, custom)]
    assert "linear chain" in refusal(graph)
    graph.operators = [(code, inputs, [*outputs, "x"], options, custom)]
    assert "linear chain" in refusal(graph)
    graph.operators = [(code, inputs[:1], outputs, options, custom)]
    assert "1 inputs, not 2 or 3" in refusal(graph)


def test_constant_activations():
    assert "x is a constant" in refusal(Graph(data=bytes(4)).dense())
    assert "y is a constant" in refusal(Graph().dense(y={"data": bytes(3)}))


@pytest.mark.parametrize("shape", [(0, 4), (-1, 4), ()])
def test_shapes_of_activations(shape):
    graph = Graph().dense()
    graph.tensors["x"]["shape"] = shape
    assert f"the activation x has the shape {list(shape)}" in refusal(graph)


def test_open_sizes_other_than_the_batch():
    assert "x has the open shape [1, -1]" in refusal(Graph(Signature=(1, -1)).dense())
    assert "x has the open shape [-1]" in refusal(Graph(Signature=(-1,)).dense())


def test_batch():
    message = refusal(Graph(shape=(2, 4)).dense(y={"shape": (2, 3)}))
    assert "the weights are [3, 4], but 8 values come in and 6 go out" in message and "batch of 1" in message


def test_too_wide():
    assert "has 4097 values, at most 4096" in refusal(Graph(4097).dense(n_in=4097))


def test_too_many_layers():
    def chain(n):
        graph = Graph()
        for k in range(n):
            source, scales = ("x", (0.5,)) if k == 0 else (f"y{k - 1}", (1.0,))
            b = {"scales": (scales[0] * 0.25,)}
            graph.dense(source, 4, 4, f"y{k}", b=b)
        return graph

    assert len(chain(64).parse().layers) == 64
    assert "at most 64 layers" in refusal(chain(65))


def test_too_many_macs():
    graph = Graph(4096).dense("x", 4096, 2048)
    assert graph.parse().macs == 8 * 1024 * 1024
    graph.dense("y", 2048, 1, "z", b={"scales": (0.25,)})
    assert "more than 8388608 multiply-accumulates" in refusal(graph)


# -- reshape and conversions ------------------------------------------------------------------------


def test_reshape_must_preserve_the_values():
    assert "operator 1 is RESHAPE (r): it turns 4 values into 3" in refusal(reshaped(target=(1, 3)))
    assert "changes the type, scale or zero point" in refusal(reshaped(scales=(0.25,)))
    assert "changes the type, scale or zero point" in refusal(reshaped(zero_points=[1]))
    assert "new shape is not a constant" in refusal(reshaped(constant=False))


def test_requantisation_is_refused():
    graph = Graph().convert("QUANTIZE", "x", "q", "INT8", 4, scales=(0.25,)).dense("q")
    assert "operator 1 is QUANTIZE (q): int8 to int8 does not belong here" in refusal(graph)


def test_conversions_in_the_middle_are_refused():
    graph = Graph().dense().convert("DEQUANTIZE", "y", "f", "FLOAT32", 3)
    graph.convert("QUANTIZE", "f", "q", "INT8", 3)
    assert "operator 3 is QUANTIZE (q): float32 to int8 does not belong here" in refusal(graph)
    graph = Graph().convert("DEQUANTIZE", "x", "f", "FLOAT32", 4)
    assert "int8 to float32 does not belong here" in refusal(graph)


def test_conversions_must_keep_the_values():
    graph = Graph(kind="FLOAT32").convert("QUANTIZE", "x", "q", "INT8", 3)
    assert "turns 4 values into 3" in refusal(graph)
    graph = Graph(kind="UINT8", zero_points=[134]).convert("QUANTIZE", "x", "q", "INT8", 4, zero_points=[7])
    assert "int8 and uint8 differ" in refusal(graph)
    graph = Graph(kind="UINT8", zero_points=[135], scales=(0.25,))
    graph.convert("QUANTIZE", "x", "q", "INT8", 4, zero_points=[7])
    assert "int8 and uint8 differ" in refusal(graph)


def test_quantize_to_int16_is_refused():
    graph = Graph(kind="FLOAT32").convert("QUANTIZE", "x", "q", "INT16", 4)
    message = refusal(graph)
    assert "float32 to int16" in message and "full int8" in message


def test_dequantised_weights_are_refused():
    graph = Graph(kind="FLOAT32")
    graph.tensor("w", "FLOAT16", (3, 4), (), None, bytes(24))
    graph.convert("DEQUANTIZE", "w", "wf", "FLOAT32", 12)
    assert "turns weights into float" in refusal(graph)


# -- types ------------------------------------------------------------------------------------------


def test_float_model():
    y = {"kind": "FLOAT32"}
    graph = Graph(kind="FLOAT32").dense(w={"kind": "FLOAT32", "scales": ()}, b={"kind": "FLOAT32"}, y=y)
    message = refusal(graph)
    assert "model is float, not quantised" in message and "full int8" in message
    assert "operator 1, FULLY_CONNECTED layer 1 (y/MatMul)" in message


def test_hybrid_model():
    graph = Graph(kind="FLOAT32").dense(b={"kind": "FLOAT32"}, y={"kind": "FLOAT32"})
    assert "a hybrid (int8 weights, float activations)" in refusal(graph)


def test_int16_activations():
    graph = Graph(kind="INT16").dense(b={"kind": "INT64"}, y={"kind": "INT16"})
    assert "the input is int16" in refusal(graph)
    assert "the output is int16" in refusal(Graph().dense(y={"kind": "INT16"}))


def test_int4_weights():
    assert "the weights are int4" in refusal(Graph().dense(w={"kind": "INT4", "data": bytes(6)}))


def test_uint8_activations():
    graph = Graph(kind="UINT8").dense(w={"kind": "UINT8"}, y={"kind": "UINT8"})
    message = refusal(graph)
    assert "the input is uint8" in message and "legacy" in message


# -- tensors of a layer -----------------------------------------------------------------------------


def test_missing_quantisation():
    none = {"scales": ()}
    assert "x has no quantisation" in refusal(Graph(scales=()).dense())
    assert "y has no quantisation" in refusal(Graph().dense(y=none))
    assert "y/MatMul has no quantisation" in refusal(Graph().dense(w=none))
    assert "y/bias has no quantisation" in refusal(Graph().dense(b=none))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 1e-40])
@pytest.mark.parametrize("tensor", ["x", "y", "y/MatMul", "y/bias"])
def test_scales_that_are_no_positive_normal_numbers(scale, tensor):
    graph = Graph().dense()
    graph.tensors[tensor]["scales"] = (scale,)
    assert f"{tensor} has a scale that is no positive normal number" in refusal(graph)


def test_one_bad_scale_among_channels():
    w = {"scales": (0.25, 0.0, 0.25)}
    assert "y/MatMul has a scale that is no positive" in refusal(Graph().dense(w=w))


def test_products_of_scales_that_are_no_normal_numbers():
    graph = Graph(scales=(1e-25,)).dense(w={"scales": (1e-25,)}, b={"scales": (1e-37,)})
    assert "input scale times weight scale is no normal float32" in refusal(graph)
    graph = Graph(scales=(1e25,)).dense(w={"scales": (1e25,)}, y={"scales": (1e38,)})
    assert "input scale times weight scale is no normal float32" in refusal(graph)


def test_counts_of_scales():
    two = {"scales": (0.25, 0.25)}
    assert "y/MatMul has 2 scales where 1 or 3 belong" in refusal(Graph().dense(w=two))
    assert "y/bias has 2 scales where 1 or 3 belong" in refusal(Graph().dense(b=two))
    assert "y has 2 scales where 1 belong" in refusal(Graph().dense(y=two))
    assert "x has 1 scales, 2 zero points" in refusal(Graph(zero_points=[0, 0]).dense())
    assert "y/MatMul has 1 scales, 0 zero points" in refusal(Graph().dense(w={"zero_points": []}))


def test_channels_along_the_inputs():
    w = {"scales": (0.25,) * 4, "QuantizedDimension": 1}
    graph = Graph().dense(n_out=4, w=w)
    assert "scales along its inputs" in refusal(graph)


def test_per_channel():
    w, b = {"scales": (0.25, 0.5, 0.125)}, {"scales": (0.125, 0.25, 0.0625)}
    graph = Graph().dense(w=w, b=b)
    assert graph.parse().layers[0].weight_scales.tolist() == [0.25, 0.5, 0.125]
    assert_interpreter_runs_what_was_read(graph.build())


@pytest.mark.parametrize("zero_point", [-129, 128, 2**40])
def test_zero_points_outside_int8(zero_point):
    assert f"x has the zero point {zero_point}" in refusal(Graph(zero_points=[zero_point]).dense())
    field = {"zero_points": [zero_point]}
    assert f"y has the zero point {zero_point}" in refusal(Graph().dense(y=field))
    assert f"y/MatMul has the zero point {zero_point}" in refusal(Graph().dense(w=field))


def test_bias():
    assert "is int8, not int32" in refusal(Graph().dense(b={"kind": "INT8"}))
    assert "has the shape [2], not [3]" in refusal(Graph().dense(b={"shape": (2,)}))
    assert "bias y/bias has a zero point" in refusal(Graph().dense(b={"zero_points": [1]}))
    w = {"scales": (0.25, 0.25, 0.25)}
    b = {"scales": (0.125, 0.5, 0.125)}
    assert "other than input scale times weight scale" in refusal(Graph().dense(w=w, b=b))


def test_shapes_of_weights():
    graph = Graph().dense(w={"shape": (3, 5)})
    assert "the weights are [3, 5], but 4 values come in and 3 go out" in refusal(graph)
    graph = Graph().dense(w={"shape": (3, 4, 1)})
    assert "the shape [3, 4, 1], not (outputs, inputs)" in refusal(graph)
    graph = Graph().dense(w={"shape": (3, -4), "data": bytes(12)})
    assert "the weights are [3, -4]" in refusal(graph)


def test_weights_must_be_constant():
    assert "y/MatMul is not a constant" in refusal(Graph().dense(w={"data": None}))
    assert "y/bias is not a constant" in refusal(Graph().dense(b={"data": None}))


def test_byte_lengths():
    assert "y/MatMul has 11 bytes, but its shape needs 12" in refusal(Graph().dense(w={"data": bytes(11)}))
    assert "y/bias has 13 bytes, but its shape needs 12" in refusal(Graph().dense(b={"data": bytes(13)}))


def test_sparse_variable_and_external_tensors():
    assert "y/MatMul is a sparse tensor" in refusal(Graph().dense(w={"Sparse": True}))
    assert "x is a variable tensor" in refusal(Graph(IsVariable=True).dense())
    external = {"data": None, "Offset": 2**33, "Size": 12}
    assert "y/MatMul has its values in an external buffer" in refusal(Graph().dense(w=external))


def test_custom_quantisation():
    assert "x has a custom quantisation" in refusal(Graph(DetailsType=1).dense())


def test_buffer_index():
    graph = Graph().dense()
    graph.tensors["y"]["Buffer"] = 77
    assert "Buffers has no entry 77" in refusal(graph)


def test_options_of_a_layer():
    assert "weights_format is not DEFAULT" in refusal(Graph().dense(options={"WeightsFormat": 1}))
    assert "activation TANH does not run" in refusal(Graph().dense(options={"FusedActivationFunction": 4}))
    assert "activation 99 does not run" in refusal(Graph().dense(options={"FusedActivationFunction": 99}))
    graph = Graph().dense()
    graph.operators = [(*graph.operators[0][:3], ("ReshapeOptions", {}), None)]
    assert "options belong to another operator" in refusal(graph)


def test_lengths_of_vectors():
    message = refusal(Graph(shape=(1,) * 8 + (4,)).dense())
    assert "it claims 9 entries of Shape, more than the 8 possible" in message
    graph = Graph()
    for k in range(257):
        graph.tensor(f"r{k}", "INT8", (1, 4))
        graph.operator("RESHAPE", [f"r{k - 1}" if k else "x"], [f"r{k}"])
    assert "it claims 257 entries of Operators, more than the 256 possible" in refusal(graph)
    graph = Graph().dense()
    graph.inputs = ["x"] * 4097
    assert "it claims 4097 entries of Inputs, more than the 4096 possible" in refusal(graph)


def test_long_names():
    graph = Graph()
    graph.tensor("n" * 1025, "INT8", (1, 4))
    assert "longer than 1024 bytes" in refusal(graph.operator("ADD", ["x"], ["n" * 1025]))


# -- the writer -------------------------------------------------------------------------------------


def layers_of(*graphs):
    return [graph.parse().layers[0] for graph in graphs]


def test_writer_is_deterministic_across_processes():
    script = (
        "import hashlib, sys; from anomsdk.plans.tflite.reader import parse_tflite;"
        "from anomsdk.plans.tflite.writer import write_tflite;"
        "layers = parse_tflite(sys.stdin.buffer.read(), name='x').layers;"
        "print(hashlib.sha256(write_tflite(layers)).hexdigest())"
    )
    data = Graph().dense().build()
    digests = set()
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(tflite_file.__file__).parents[3])}
        done = subprocess.run(
            [sys.executable, "-c", script], input=data, env=environment, capture_output=True, check=True
        )
        digests.add(done.stdout.decode().strip())
    here = write_tflite(parse_tflite(data, name="x").layers)
    assert digests == {hashlib.sha256(here).hexdigest()}


def test_writer_aligns_constants():
    import tflite

    model = tflite.Model.GetRootAs(write_tflite(layers_of(Graph().dense())), 0)
    for index in range(1, model.BuffersLength()):
        tab = model.Buffers(index)._tab
        assert tab.Vector(tab.Offset(4)) % 16 == 0


def test_writer_stores_the_description():
    import tflite

    data = write_tflite(layers_of(Graph().dense()), description="a room")
    assert tflite.Model.GetRootAs(data, 0).Description() == b"a room"


@pytest.mark.parametrize(
    ("written", "read"),
    [("layer 9 (a (b))", "layer 1 (a (b))"), ("a", "layer 1 (a)"), ("layer 4", "layer 1"), ("", "layer 1")],
)
def test_writer_keeps_names(written, read):
    layer = dataclasses.replace(layers_of(Graph().dense())[0], name=written)
    assert parse_tflite(write_tflite([layer]), name="x").layers[0].name == read


def test_writer_refuses_what_the_file_cannot_store():
    layer = layers_of(Graph().dense())[0]
    wrong = [
        ({"weights": layer.weights.astype(np.int16)}, "give int8 weights"),
        ({"bias": layer.bias.astype(np.int64)}, "int32 bias"),
        ({"weight_scales": layer.weight_scales.astype(np.float64)}, "float32 weight_scales"),
        ({"activation": "TANH"}, "no activation 'TANH'"),
        ({"input_scale": 0.1}, "not float32 values"),
        ({"output_scale": float("nan")}, "not float32 values"),
        ({"output_zero_point": 128}, "zero point 128"),
        ({"bias": layer.bias[:2]}, "has the shape [2], not [3]"),
        ({"weight_scales": np.ones(2, np.float32)}, "2 scales where 1 or 3 belong"),
    ]
    for change, words in wrong:
        with pytest.raises(InputError) as caught:
            write_tflite([dataclasses.replace(layer, **change)])
        assert words in str(caught.value) and len(str(caught.value).splitlines()) == 1
    with pytest.raises(InputError, match="at least one"):
        write_tflite([])


def test_writer_refuses_layers_that_do_not_fit():
    first, second = layers_of(Graph().dense(n_out=4), Graph().dense())
    with pytest.raises(InputError, match="layer 2 to write: input scale and zero point differ"):
        write_tflite([first, second])
    second = dataclasses.replace(second, input_scale=1.0, weights=second.weights[:, :3].copy())
    with pytest.raises(InputError, match=r"the weights are \[3, 3\], but 4 values come in"):
        write_tflite([first, second])


def test_import_needs_no_flatbuffers():
    script = "import sys, anomsdk.plans.tflite.reader; print({'tflite', 'flatbuffers'} & set(sys.modules))"
    environment = {"PYTHONPATH": str(Path(tflite_file.__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    assert done.stdout.decode().strip() == "set()"


# -- written anew: what an interpreter is given ------------------------------------------------------


def odd_files():
    """Layers as files have them and our writer alone would not write them."""
    yield "without bias", Graph().dense(bias=False).build()
    yield "asymmetric weights", Graph().dense(w={"zero_points": [5]}).build()
    channels = {"scales": (0.25, 0.125, 0.0625)}
    yield "per channel", Graph().dense(w=channels, b={"scales": (0.125, 0.0625, 0.03125)}).build()
    yield "one output, per channel", Graph().dense(n_out=1).build()
    yield "names that are long", Graph().dense(target="n" * 1000, bias=False).build()
    for number, data in enumerate(originals()):
        yield f"original {number}", data
    if AD01.exists():
        yield "ad01", AD01.read_bytes()


@pytest.mark.parametrize(("name", "data"), [pytest.param(*case, id=case[0]) for case in odd_files()])
def test_written_anew_it_computes_the_same(name, data):
    """In the oracle, which here opens the file as it lies there, too."""
    anew = write_anew(data, name=name)
    model = parse_tflite(data, name=name)
    again = parse_tflite(anew, name=name)
    assert (again.input_type, again.output_type) == (model.input_type, model.output_type)
    for a, b in zip(model.layers, again.layers, strict=True):
        same = [dataclasses.replace(layer, name="") for layer in (a, b)]
        same_layers(same[:1], same[1:])
    rng = np.random.default_rng(0)
    for _ in range(50):
        x = rng.integers(-128, 128, model.n_in)
        if model.input_type == "uint8":
            x = (x + 128).astype(np.uint8)
        elif model.input_type == "float32":
            first = model.layers[0]
            x = ((x - first.input_zero_point) * first.input_scale).astype(np.float32)
        else:
            x = x.astype(np.int8)
        np.testing.assert_array_equal(run(data, x), run(anew, x))


@pytest.mark.parametrize("edges", [("uint8", "int8"), ("float32", "uint8"), ("int8", "float32")])
def test_edges_are_written_as_they_were(edges):
    layers = parse_tflite(originals()[0], name="m").layers
    data = write_tflite(layers, input_type=edges[0], output_type=edges[1])
    read = parse_tflite(data, name="m")
    assert (read.input_type, read.output_type) == edges
    same_layers(read.layers, layers)
    run(data, np.zeros(6, edges[0]))
    with pytest.raises(InputError, match="no type 'int4' at an edge"):
        write_tflite(layers, input_type="int4")


def test_nothing_of_the_file_but_its_layers_is_written_anew():
    graph = Graph(extras=True).dense(target="secret")
    anew = write_anew(graph.build(), name="m")
    assert b"secret" in graph.build() and b"text 0" in graph.build()
    assert b"secret" not in anew and b"text" not in anew and b"2.14.0" not in anew


def test_a_bias_of_zeros_whose_scale_float32_cannot_tell_is_left_out():
    """As in the file: with a bias the interpreter would compare its scale in steps of the output."""
    scale = float(np.float32(1 / 3))
    layers = [FullyConnected("layer 1", np.ones((2, 2), np.int8), np.zeros(2, np.int32), scale, 0,
                             np.full(1, 1e9 / 7, np.float32), 0, 0.5, 0, "NONE")]  # fmt: skip
    data = write_tflite(layers)
    same_layers(parse_tflite(data, name="m").layers, layers)
    assert run(data, np.array([1, 1], np.int8)).tolist() == [127, 127]


def test_interpreters_are_given_nothing_else(monkeypatch):
    """The engine, and the other runtime that verify compares."""
    given = []

    class Runtime:
        __name__ = "runtime"
        OpResolverType = type("OpResolverType", (), {"BUILTIN_REF": 0})

        def Interpreter(self, model_content, **_):  # noqa: N802
            given.append(model_content)
            raise RuntimeError("opened \x1b[2J no further")

    monkeypatch.setattr(tflite, "_import", lambda name: Runtime())
    monkeypatch.setattr(tflite, "_prove", lambda runtime: None)
    data = Graph(extras=True).dense().build()
    for opened in (tflite.open_oracle, tflite.open_cross_check):
        with pytest.raises(InputError, match=r"opened \?\[2J no further"):
            opened(data)
    assert given == [write_anew(data, name="m")] * 2 and given[0] != data
    for opened in (tflite.open_oracle, tflite.open_cross_check):
        with pytest.raises(InputError, match="the file is damaged"):
            opened(data[:-100])
    assert len(given) == 2
