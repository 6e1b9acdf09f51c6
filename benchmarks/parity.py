"""Outputs of the int8 layers against tflite-runtime BUILTIN_REF: none may differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anomsdk.core.autoencoder import Autoencoder, check_layers
from anomsdk.errors import InputError
from anomsdk.planner.layers import layer_plan, model_plan
from anomsdk.plans.tflite.model import ACTIVATIONS, FullyConnected, TfliteModel
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from anomsdk.runtime.engines.tflite import InterpreterModel, open_oracle


@dataclass(frozen=True)
class Parity:
    """Number of outputs that were compared with the oracle, and how many differed."""

    outputs: int
    differences: int


def compare_model(data: bytes, model: TfliteModel, n_outputs: int, rng: np.random.Generator) -> Parity:
    """Run random, extreme and saturating int8 inputs through both, until n outputs are compared."""
    layers = tuple(layer_plan(layer) for layer in model.layers)
    check_layers(layers)
    reference, oracle = Autoencoder(layers), InterpreterModel(open_oracle(data), model_plan(model))
    inputs = int8_inputs(-(-n_outputs // model.n_out), model.n_in, rng)
    ours, theirs = reference.run(inputs), oracle.run(inputs)
    return Parity(ours.size, int((ours != theirs).sum()))


def int8_inputs(n: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Rows (n, width) in turn of uniform values, of -128 and 127 only, of small values, and of one value."""
    rows = rng.integers(-128, 128, (n, width))
    rows[1::4] = np.where(rng.integers(0, 2, rows[1::4].shape) > 0, 127, -128)
    rows[2::4] = rng.integers(-3, 4, rows[2::4].shape)
    rows[3::16] = -128
    rows[7::16] = 127
    return rows


def random_models(n: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Random models that the oracle defines: widths 1 to 67, any zero points and scales, every activation."""
    rng = np.random.default_rng(seed)
    made = 0
    while made < n:
        layers = _random_chain(rng)
        try:
            check_layers(tuple(layer_plan(layer) for layer in layers))
        except InputError:
            continue  # sums beyond 32 bits: the planner refuses them, the oracle does not define them
        shape = "-".join(str(layer.weights.shape[1]) for layer in layers) + f"-{layers[-1].weights.shape[0]}"
        yield f"{made}: {shape}", write_tflite(layers)
        made += 1


def _random_chain(rng: np.random.Generator) -> list[FullyConnected]:
    widths = [int(rng.integers(1, 68)) for _ in range(rng.integers(2, 6))]
    if rng.random() < 0.2:
        widths[-1] = 1
    layers = []
    scale, zero_point = _scale(rng, 1e-3, 1.0), int(rng.integers(-128, 128))
    for n_in, n_out in pairwise(widths):
        per_channel = bool(rng.random() < 0.5)
        # The range of the outputs relative to int8, from far too small to far too large.
        gain = 2.0 ** rng.uniform(-6, 6)
        weight_scales = np.array([_scale(rng, 1e-4, 1e-1) for _ in range(n_out if per_channel else 1)], np.float32)
        out_scale = float(np.float32(scale * float(weight_scales.mean()) * 73 * 74 * np.sqrt(n_in) / 60 * gain))
        out_zero_point = int(rng.integers(-128, 128))
        bias_reach = int(73 * 74 * np.sqrt(n_in))
        layers.append(
            FullyConnected(
                name=f"layer {len(layers) + 1}",
                weights=rng.integers(-128, 128, (n_out, n_in)).astype(np.int8),
                bias=rng.integers(-bias_reach, bias_reach + 1, n_out).astype(np.int32),
                input_scale=scale,
                input_zero_point=zero_point,
                weight_scales=weight_scales,
                weight_zero_point=0 if per_channel and n_out > 1 else int(rng.integers(-5, 6)),
                output_scale=out_scale,
                output_zero_point=out_zero_point,
                activation=ACTIVATIONS[rng.integers(len(ACTIVATIONS))],
            )
        )
        scale, zero_point = out_scale, out_zero_point
    return layers


def _scale(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))


def parsed(data: bytes) -> TfliteModel:
    """Parse the bytes of a model that was just written."""
    return parse_tflite(data, name="model.tflite")
