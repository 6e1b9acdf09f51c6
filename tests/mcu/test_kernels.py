"""Kernels of the front end on emulated cores: the integers of the portable code, compiled into the same program."""

import numpy as np
import pytest

from anomsdk.core.fft import FftPlan
from anomsdk.cport.structs import fft_fields
from anomsdk.mcu import TARGETS, Machine, compile_firmware
from anomsdk.planner.tables import cos_q15, hann_q15
from tests.support.c_build import C_PROGRAMS, PORT

FUNCTIONS = ["fft_differs", "filterbank_differs", "energies_differ", "bytes_differ"]
ARRAYS = ["frame", "window_pairs", "twiddles", "spectrum", "edges", "minus_rise", "energies", "offsets"]
STEMS = ["copy", "energy", "fft", "filterbank", "fixed", "levels", "wipe"]
LENGTHS = [64, 128, 256, 512, 1024, 2048, 4096]


@pytest.fixture(scope="module", params=TARGETS)
def machine(request):
    sources = [C_PROGRAMS / "kernels.c", C_PROGRAMS / "portable.c", *(PORT / f"src/anom_{stem}.c" for stem in STEMS)]
    elf = compile_firmware(sources, request.param, keep=[*FUNCTIONS, *ARRAYS], include=[PORT / "src"])
    return Machine(elf, request.param)


def frames(n, rng):
    """Windows of every level, and those at the limits."""
    i = np.arange(n)
    yield from (np.zeros(n), np.full(n, -1), np.full(n, -32768), np.full(n, 32767))
    for half in (1, 2, 4, n // 4):
        yield np.where(i // half % 2, -32768, 32767)
    for at in (0, 1, n - 1):
        yield np.where(i == at, -32768, 0)
    for bits in range(16):
        yield rng.integers(-(2**bits), 2**bits, n)


@pytest.mark.parametrize("length", LENGTHS)
def test_fft(machine, length):
    rng = np.random.default_rng(length)
    ragged = rng.integers(0, 32768, length // 2 + 1).astype(np.int16)
    flat = np.full(length // 2 + 1, 32767, np.int16)
    for number, frame in enumerate(frames(length, rng)):
        window = (ragged, flat, hann_q15(length))[number % 3]
        made = fft_fields(FftPlan(length, window, cos_q15(length)))
        machine.write("window_pairs", made["window_pairs_q15"].astype("<i4").tobytes())
        machine.write("twiddles", made["twiddles_q15"].astype("<i4").tobytes())
        machine.write("frame", frame.astype("<i2").tobytes())
        assert machine.run("fft_differs", length) == 0, number


@pytest.mark.parametrize("value_bits", range(8, 15))
def test_filterbank(machine, value_bits):
    rng = np.random.default_rng(value_bits)
    widest = (2**31 - 1) // (4**value_bits + 1)
    for number in range(30):
        n_bands = int(rng.integers(1, 40))
        widths = rng.integers(0, min(widest, (2, 8, 40)[number % 3]) + 1, 2 * n_bands + 1)
        widths[rng.random(len(widths)) < 0.2] = 0
        edges = int(rng.integers(0, 5)) + np.concatenate([[0], widths.cumsum()])
        shared = int(widths[::2].sum())
        rises = rng.integers(-32768, 1, shared)
        rises[rng.random(shared) < 0.2] = (-32768, 0, -1)[number % 3]
        magnitudes = 2.0 ** rng.integers(0, (3, 15, 31)[number // 3 % 3], (edges[-1] + 1, 2))
        parts = np.clip(rng.choice([-1, 1, 0.7, -0.3, 0], magnitudes.shape) * magnitudes, -(2**31), 2**31 - 1)
        write_filterbank(machine, edges, rises, np.round(parts))
        assert machine.run("filterbank_differs", n_bands, value_bits, number % 16) == 0, number


@pytest.mark.parametrize("value_bits", [12, 13, 14])
def test_filterbank_of_sums_that_carry(machine, value_bits):
    width = (2**31 - 1) // (4**value_bits + 1)
    edges = width * np.array([0, 1, 1, 2, 3, 4])
    rises = np.repeat([-32768, 0, 0], width)
    write_filterbank(machine, edges, rises, np.full((edges[-1] + 1, 2), -(2**31)))
    assert machine.run("filterbank_differs", 2, value_bits, 15) == 0


def write_filterbank(machine, edges, rises, spectrum):
    machine.write("edges", edges.astype("<u2").tobytes())
    machine.write("minus_rise", rises.astype("<i2").tobytes())
    machine.write("spectrum", spectrum.astype("<i4").tobytes())


@pytest.mark.parametrize("n", [1, 2, 5, 127, 256])
def test_energies_and_levels(machine, n):
    rng = np.random.default_rng(n)
    for number in range(8):
        mantissas = rng.integers(0, 2 ** rng.integers(0, 32, 2 * n))
        mantissas[rng.random(2 * n) < 0.1] = 2**31 - 1
        exponents = np.where(mantissas > 0, rng.integers(0, (4, 100)[number % 2], 2 * n), 0)
        machine.write("energies", np.stack([mantissas, exponents], 1).astype("<u4").tobytes())
        machine.write("offsets", rng.integers(-(2**20), 2**20, n).astype("<i4").tobytes())
        floor, span = -int(rng.integers(0, 2**20)), int(rng.integers(1, 2**17))
        assert machine.run("energies_differ", n, floor, span) == 0, number


def test_wipes_and_copies(machine):
    assert machine.run("bytes_differ") == 0
