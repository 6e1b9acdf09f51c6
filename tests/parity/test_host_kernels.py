"""Kernels of this machine: the integers of the portable code, with each set of instructions that is used."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import pytest
from cffi import FFI

from anomsdk.cport.structs import weight_blocks
from tests.mcu.test_kernels import (  # the same tests as on boards, with the fixture that is here
    ARRAYS,
    FUNCTIONS,
    STEMS,
    test_energies_and_levels,  # noqa: F401
    test_fft,  # noqa: F401
    test_filterbank,  # noqa: F401
    test_filterbank_of_sums_that_carry,  # noqa: F401
    test_wipes_and_copies,  # noqa: F401
)
from tests.support.c_build import C_PROGRAMS, C_WARNINGS, INCLUDES, PORT, gcc

pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="kernels of x86-64")

BUILDS = {
    "baseline": ("-DANOM_X86_MOST=0",),
    "avx2": ("-DANOM_X86_MOST=1",),
    "most": (),
    "emulated": ("-include", str(C_PROGRAMS / "emulated_vnni.h")),
}
"""What each uses at most; the last has AVX-512 VNNI on every processor."""
BUILDS |= {f"{name}, char unsigned": (*flags, "-funsigned-char") for name, flags in BUILDS.items()}


def library(folder, sources, declarations, *flags):
    """A shared library, loaded."""
    made = folder / "library.so"
    gcc().run("-std=c99", "-O2", "-shared", "-fPIC", *flags, *INCLUDES, *sources, "-o", made)
    ffi = FFI()
    ffi.cdef(declarations)
    return ffi, ffi.dlopen(str(made))


# The front end


class Here:
    """`anomsdk.mcu.Machine`, as far as these tests use one, on this machine."""

    def __init__(self, folder, *flags):
        declared = "int32_t fft_differs(int32_t);\nint32_t filterbank_differs(int32_t, int32_t, int32_t);\n"
        declared += "int32_t energies_differ(int32_t, int32_t, int32_t);\nint32_t bytes_differ(void);\n"
        declared += "".join(f"extern uint8_t {name}[];\n" for name in ARRAYS)
        sources = [C_PROGRAMS / "kernels.c", C_PROGRAMS / "portable.c", *(PORT / f"src/anom_{s}.c" for s in STEMS)]
        self._ffi, self._library = library(folder, sources, declared, *flags)

    def write(self, name, data):
        self._ffi.memmove(getattr(self._library, name), data, len(data))

    def run(self, function, *arguments):
        assert function in FUNCTIONS
        return getattr(self._library, function)(*arguments)


@pytest.fixture(scope="module", params=["baseline", "avx2", "avx2, char unsigned"])
def machine(request, tmp_path_factory):
    return Here(tmp_path_factory.mktemp(request.param), *BUILDS[request.param])


# The model

LAYER = """
typedef union { uint8_t bytes[16]; uint32_t rows[4]; } anom_weights;
typedef struct {
    const anom_weights *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
    int16_t weight_zero_point, output_zero_point, act_low, act_high, n_in, n_out, n_multipliers;
    int16_t input_reach, weight_reach;
} anom_layer_plan;
uint32_t run_one_layer(const anom_layer_plan *layer, const int8_t *inputs, int8_t *outputs, void *scratch);
uint32_t layer_scratch_bytes(const anom_layer_plan *layer);
"""


class Layers:
    """Runs layers with one set of instructions; each array is as long as it has to be, and no longer."""

    def __init__(self, folder, *flags):
        self._ffi, self._library = library(folder, [C_PROGRAMS / "layers.c"], LAYER, *flags)

    def run(self, layer: dict[str, Any], inputs):
        arrays = {
            "weights": ("anom_weights *", weight_blocks(layer["weights"])),
            "bias": ("int32_t *", layer["bias"]),
            "multiplier": ("int32_t *", layer["multiplier"]),
            "shift": ("int8_t *", layer["shift"]),
        }
        plan = self._ffi.new("anom_layer_plan *", {name: layer[name] for name in layer if name not in arrays})
        for name, (ctype, array) in arrays.items():
            setattr(plan, name, self._ffi.cast(ctype, array.ctypes.data))
        n_out = layer["n_out"]
        outputs = np.full(n_out + 64, 0x5A, np.int8)
        size = self._library.layer_scratch_bytes(plan)
        scratch = np.full(size + 64, 0x5A, np.int8)
        for array in (outputs, scratch):
            assert array.ctypes.data % 4 == 0
        self._library.run_one_layer(
            plan,
            self._ffi.cast("int8_t *", inputs.ctypes.data),
            self._ffi.cast("int8_t *", outputs.ctypes.data),
            self._ffi.cast("void *", scratch.ctypes.data),
        )
        assert (outputs[n_out:] == 0x5A).all() and (scratch[size:] == 0x5A).all()
        return outputs[:n_out]


@pytest.fixture(scope="module")
def portable(tmp_path_factory):
    return Layers(tmp_path_factory.mktemp("portable"), "-DANOM_PORTABLE")


@pytest.fixture(scope="module", params=BUILDS)
def layers(request, tmp_path_factory):
    return Layers(tmp_path_factory.mktemp(request.param), *BUILDS[request.param])


def a_layer(rng, n_in, n_out, kind):
    """A layer whose outputs are spread over their range, or at its limits."""
    weights = rng.integers(-128, 128, (n_out, n_in)).astype(np.int8)
    if kind == "lowest":
        weights[:] = -128
    elif kind == "highest":
        weights[:] = 127
    each = bool(rng.integers(2))
    n = n_out if each else 1
    shift = rng.integers(-12, -4, n)
    if rng.integers(4) == 0:
        shift = rng.integers(-31, 1, n)
    multiplier = rng.integers(2**30, 2**31, n)
    multiplier[rng.random(n) < 0.1] = rng.choice([0, 2**30, 2**31 - 1])
    low, high = (-128, 127) if rng.integers(2) else sorted(rng.integers(-128, 128, 2).tolist())
    return {
        "weights": weights,
        "bias": rng.integers(-(2**16), 2**16, n_out).astype(np.int32),
        "multiplier": multiplier.astype(np.int32),
        "shift": shift.astype(np.int8),
        "weight_zero_point": int(rng.choice([0, 0, -128, 127, 3])),
        "output_zero_point": int(rng.integers(-128, 128)),
        "act_low": low,
        "act_high": high,
        "n_in": n_in,
        "n_out": n_out,
        "n_multipliers": n,
        "input_reach": 127,  # inputs may reach farther all the same
        "weight_reach": 128,
    }


def compare(layers, portable, rng, n_in, n_out, kind):
    layer = a_layer(rng, n_in, n_out, kind)
    for inputs in (rng.integers(-128, 128, n_in), np.full(n_in, -128), np.full(n_in, 127)):
        given = inputs.astype(np.int8)
        np.testing.assert_array_equal(layers.run(layer, given), portable.run(layer, given))


@pytest.mark.parametrize("kind", ["any", "lowest", "highest"])
def test_layers_of_every_width(layers, portable, kind):
    rng = np.random.default_rng(0)
    for n_in in range(1, 71):
        compare(layers, portable, rng, n_in, int(rng.integers(1, 71)), kind)
    for n_out in range(1, 71):
        compare(layers, portable, rng, int(rng.integers(1, 71)), n_out, kind)


@pytest.mark.parametrize(("n_in", "n_out"), [(640, 128), (128, 640), (4096, 5), (3, 4096), (1023, 9)])
def test_wide_layers(layers, portable, n_in, n_out):
    rng = np.random.default_rng(n_in)
    for kind in ("any", "lowest", "highest"):
        compare(layers, portable, rng, n_in, n_out, kind)


def test_every_shift_and_rounding(layers, portable):
    """One weight of 1: the accumulator is the input and the bias, at and beside each tie."""
    rng = np.random.default_rng(1)
    for shift in range(-31, 31):
        layer = a_layer(rng, 1, 64, "any")
        layer["weights"][:] = 1
        reach = max(1, 2 ** (31 - max(shift, 0)) - 256)
        ties = rng.integers(-4, 5, 64) * 2 ** min(30, max(0, -shift)) // 2 + rng.integers(-2, 3, 64)
        anything = rng.integers(-reach, reach, 64)
        layer["bias"] = np.clip(np.where(rng.random(64) < 0.7, ties, anything), -reach, reach).astype(np.int32)
        layer |= {"weight_zero_point": 0, "act_low": -128, "act_high": 127, "n_multipliers": 64}
        layer["shift"] = np.full(64, shift, np.int8)
        layer["multiplier"] = rng.choice([2**30, 2**30 + 1, 3 * 2**29, 2**31 - 1], 64).astype(np.int32)
        for x in (-128, -1, 0, 1, 127):
            given = np.array([x if abs(x) << max(shift, 0) < 2**31 else 0], np.int8)
            np.testing.assert_array_equal(layers.run(layer, given), portable.run(layer, given))


def test_kernels_have_no_warnings(tmp_path):
    for flags in BUILDS["baseline"], BUILDS["avx2"], ("-DANOM_PORTABLE",):
        for stem in ("autoencoder", "fft", "filterbank"):
            source = PORT / f"src/anom_{stem}.c"
            gcc().run("-std=c99", "-O2", *C_WARNINGS, *flags, *INCLUDES, "-c", source, "-o", tmp_path / "made.o")
