"""autoencoder: inputs through layers to outputs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from anomsdk.core.autoencoder import Autoencoder, LayerPlan, check_layers
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.fft import noise
from tests.support.stems.sections import Native, c_autoencoder, core_plan, rows_of

HALF = 2**30  # as a multiplier: one half


def by_scalar(given: Given) -> list:
    return [scalar.autoencoder(given["layers"], row) for row in given["inputs"]]


def by_core(given: Given) -> list:
    layers = tuple(core_plan(LayerPlan, layer) for layer in given["layers"])
    check_layers(layers)
    return Autoencoder(layers).run(rows_of(given["inputs"])).tolist()


def by_native(given: Given) -> list:
    native = Native()
    plan = native.struct("anom_autoencoder_plan", c_autoencoder(given["layers"], reach_of(given["inputs"])))
    scratch = native.new("int32_t[]", native.lib.anom_autoencoder_scratch_bytes(plan) // 4)
    outputs, found = native.new("int8_t[]", len(given["layers"][-1]["weights"])), []
    for row in given["inputs"]:
        native.lib.anom_autoencoder_run(plan, native.new("int8_t[]", row), outputs, scratch)
        found.append(list(outputs))
    return found


def c_case(given: Given, expect: list) -> dict[str, Any]:
    return {
        "plan": c_autoencoder(given["layers"], reach_of(given["inputs"])),
        "n_rows": len(expect),
        "inputs": [value for row in given["inputs"] for value in row],
        "outputs": [value for row in expect for value in row],
    }


def reach_of(rows: Json) -> int:
    """What a context would promise of these inputs."""
    return 127 if min(map(min, rows)) > -128 else 128


def layer(weights: Json, bias: Json, multiplier: Json, shift: Json, **others: int) -> dict[str, Any]:
    """A layer whose zero points are 0, and whose range is that of int8, unless said otherwise."""
    zero_points = {"input_zero_point": 0, "output_zero_point": 0, "weight_zero_point": 0}
    section = {"weights": weights, "bias": bias, "multiplier": multiplier, "shift": shift}
    return section | zero_points | {"act_low": -128, "act_high": 127} | others


def single(layer: dict[str, Any], *inputs: list[int]) -> Given:
    return {"layers": [layer], "inputs": list(inputs)}


def passes(bias: int = 0, multiplier: int = HALF, shift: int = 1, **others: int) -> dict[str, Any]:
    """A layer of one weight of 1: what happens to the accumulator is seen."""
    return layer([[1]], [bias], [multiplier], [shift], **others)


def each(*values: int) -> list[list[int]]:
    return [[value] for value in values]


def random_layer(n_in: int, n_out: int, seed: int, per_channel: bool = False, **others: int) -> dict[str, Any]:
    """Weights over all of int8, outputs spread over all of int8."""
    values = noise(n_in * n_out + 2 * n_out, seed)
    weights = [[values.pop() >> 8 for _ in range(n_in)] for _ in range(n_out)]
    bias = [values.pop() >> 4 for _ in range(n_out)]
    n = n_out if per_channel else 1
    multiplier = [HALF + abs(values.pop()) * 30000 for _ in range(n)]
    shift = [-5 - (n_in.bit_length() + 1) // 2 - i % 2 for i in range(n)]
    return layer(weights, bias, multiplier, shift, **others)


def random_rows(n: int, width: int, seed: int) -> list[list[int]]:
    values = noise(n * width, seed)
    return [[v >> 8 for v in values[i * width : (i + 1) * width]] for i in range(n)]


def network(widths: list[int], seed: int, per_channel: bool = False) -> Given:
    """Layers of these widths, each with zero points and a range of its own."""
    layers, zero_point = [], 5
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        others = {"input_zero_point": zero_point, "weight_zero_point": (i * 3) % 5 - 2}
        zero_point = -7 + 4 * i
        others |= {"output_zero_point": zero_point, "act_low": -120 - i, "act_high": 127 - 3 * i}
        layers.append(random_layer(n_in, n_out, seed + i, per_channel, **others))
    return {"layers": layers, "inputs": random_rows(2, widths[0], seed + 50)}


def cases() -> Iterator[Case]:
    for name, guards, given in [*_rounding(), *_zero_points(), *_ranges(), *_channels(), *_widths(), *_networks()]:
        yield Case(name, guards, given)


def _rounding() -> Iterator[tuple]:
    example = layer(
        [[3, -2, 5], [-128, 127, 1]],
        [100, -37],
        [1518500250, HALF],
        [-3, -8],
        input_zero_point=-3,
        output_zero_point=10,
    )
    rows = [10, -20, 127], [-128, 127, 0], [1, 1, 1]
    yield "The worked example", "Any slip: it is in docs/spec.md.", single(example, *rows)
    ties = each(-7, -6, -5, -3, -2, -1, 0, 1, 2, 3, 5, 6, 7)
    yield (
        "Two roundings",
        "One rounding of the whole product, as newer kernels do it.",
        single(passes(multiplier=HALF, shift=-1), *ties),
    )
    yield "Ties of the first rounding", "Ties away from zero.", single(passes(multiplier=HALF, shift=0), *ties)
    yield "A left shift", "A shift after the multiplication.", single(passes(multiplier=1518500251, shift=3), *ties)
    yield (
        "The widest right shift",
        "A right shift of 31 that is taken as 0.",
        single(passes(bias=2**31 - 400, multiplier=2**31 - 1, shift=-31), *each(-128, 0, 100)),
    )
    yield (
        "A multiplier of 0",
        "A zero point that is left out.",
        single(passes(multiplier=0, shift=0, output_zero_point=-9), *each(-128, 5, 127)),
    )
    yield (
        "Accumulators at the ends of int32",
        "An accumulator of fewer than 32 bits.",
        single(
            layer([[1, -1], [1, 1]], [2**31 - 512, -(2**31) + 512], [1250000000], [-24]),
            [127, -128],
            [-128, -128],
            [-128, 127],
            [0, 0],
        ),
    )


def _zero_points() -> Iterator[tuple]:
    spread = {"multiplier": [1100000000], "shift": [-8]}
    yield (
        "An input zero point of -128",
        "A difference of 255 in int8.",
        single(
            layer([[100, -3], [7, 127]], [5, -5], **spread, input_zero_point=-128), [127, 127], [-128, 0], [0, -128]
        ),
    )
    yield (
        "An input zero point of 127",
        "A difference of -255 in int8.",
        single(layer([[100, -3], [7, 127]], [5, -5], **spread, input_zero_point=127), [127, 127], [-128, 0], [0, -128]),
    )
    yield (
        "A weight zero point",
        "A weight zero point that is taken for 0, as it mostly is.",
        single(layer([[100, -3], [7, 127]], [5, -5], **spread, weight_zero_point=11), [127, 1], [-128, 0], [0, -128]),
    )
    yield (
        "The widest differences",
        "A product of 255 * 255 in 16 bits.",
        single(
            layer([[127] * 3, [-128] * 3], [0, 9], [1400000000], [-9], input_zero_point=-128, weight_zero_point=-128),
            [127, 127, 127],
            [127, -128, 126],
            [-128] * 3,
        ),
    )
    yield (
        "An output zero point",
        "A zero point that is added before the rounding, or after the clamp.",
        single(passes(output_zero_point=100), *each(-128, -1, 0, 26, 27, 28, 127)),
    )


def _ranges() -> Iterator[tuple]:
    yield (
        "Outputs beyond int8",
        "A cast to int8 before the clamp.",
        single(passes(shift=3), *each(-128, -33, -32, -31, 0, 31, 32, 64, 127)),
    )
    yield (
        "RELU",
        "A range that is fixed to int8, or a RELU at 0 in place of the zero point.",
        single(passes(output_zero_point=-20, act_low=-20), *each(-128, -1, 0, 1, 127)),
    )
    yield (
        "RELU6",
        "An upper end that is fixed to 127.",
        single(passes(output_zero_point=-128, act_low=-128, act_high=-33), *each(-5, 0, 94, 95, 96, 127)),
    )
    yield (
        "A range of one value",
        "A clamp that swaps its ends.",
        single(passes(act_low=7, act_high=7), *each(-9, 7, 99)),
    )


def _channels() -> Iterator[tuple]:
    weights, bias = [[1, 0], [0, 1], [1, 1]], [5, -7, 11]
    rows = [100, -50], [-128, 127], [3, 2]
    yield (
        "One multiplier for three outputs",
        "A multiplier that is read beyond the first.",
        single(layer(weights, bias, [1200000000], [-1]), *rows),
    )
    yield (
        "A multiplier for each of three outputs",
        "The first multiplier, or the first shift, for all.",
        single(layer(weights, bias, [HALF, 2**31 - 1, 1700000000], [0, -2, 1]), *rows),
    )
    yield (
        "Shifts to both sides in one layer",
        "A shift that is taken from the first output.",
        single(layer(weights, bias, [HALF, HALF, HALF], [2, -1, -3]), *rows),
    )
    yield (
        "Weights row by row",
        "Weights that are read column by column.",
        single(layer([[1, 2, 3], [40, 50, 60]], [0, 0], [HALF], [1]), [1, 0, 0], [0, 1, 0], [0, 0, 1]),
    )


def _widths() -> Iterator[tuple]:
    for width in (1, 2, 3, 5, 8, 16, 31):
        yield (
            f"A row of {width} weights",
            "A tail of a vector loop that is left out, or read beyond its end.",
            {
                "layers": [random_layer(width, 2, width, True, input_zero_point=3, weight_zero_point=-1)],
                "inputs": random_rows(2, width, 80 + width),
            },
        )
    yield "A row of 67 weights", "A tail of a vector loop of 16, 32 or 64.", network([67, 3], 7)
    yield "One output of one input", "A layer with no loop at all.", network([1, 1], 8)


def _networks() -> Iterator[tuple]:
    guards = "Hidden values that overwrite what the same layer reads, or the other buffer."
    yield "Two layers", guards, network([2, 3, 2], 61)
    yield "Three layers, the first hidden one wider", guards, network([3, 7, 2, 3], 62, True)
    yield "Four layers, the second hidden one wider", guards, network([3, 1, 9, 2, 3], 63)
    yield "Five layers of alternating widths", guards, network([2, 7, 1, 9, 3, 2], 64, True)
    yield "Five layers, the even ones wider", guards, network([2, 1, 7, 2, 9, 2], 65)
    yield "Five layers, the first hidden one widest", guards, network([2, 9, 3, 7, 1, 2], 67)
    yield "Five layers, the second hidden one widest", guards, network([2, 3, 9, 1, 7, 2], 68, True)
    yield "Six layers of one value", "A buffer of no bytes.", network([1] * 7, 66)
