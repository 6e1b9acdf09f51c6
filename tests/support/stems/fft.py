"""fft: a window of samples to its spectrum."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from anomsdk.core.fft import Fft, FftPlan
from tests import scalar
from tests.support.stems import Case, Given
from tests.support.stems.sections import Native, c_fft, core_plan, rows_of


def by_scalar(given: Given) -> dict[str, Any]:
    spectrum, bits = scalar.Fft(given["fft"]).spectrum(given["samples"])
    return {"bits": bits, "spectrum": [list(z) for z in spectrum]}


def by_core(given: Given) -> dict[str, Any]:
    plan = core_plan(FftPlan, given["fft"])
    plan.check()
    spectrum, bits = Fft(plan, 1).run(rows_of([given["samples"]]))
    return {"bits": int(bits[0]), "spectrum": spectrum[:, :, 0].T.tolist()}


def by_native(given: Given) -> dict[str, Any]:
    native = Native()
    spectrum = native.new("anom_complex[]", given["fft"]["length"] // 2 + 1)
    plan = native.struct("anom_fft_plan", c_fft(given["fft"]))
    bits = native.lib.anom_fft_run(plan, native.new("int16_t[]", given["samples"]), spectrum)
    return {"bits": bits, "spectrum": [[z.re, z.im] for z in spectrum]}


def c_case(given: Given, expect: dict[str, Any]) -> dict[str, Any]:
    return {
        "plan": c_fft(given["fft"]),
        "samples": given["samples"],
        "bits": expect["bits"],
        "spectrum": expect["spectrum"],
    }


def rounded(x: float) -> int:
    return math.floor(x + 0.5 + 1e-9)


def tables(n: int, kind: str = "hann") -> dict[str, Any]:
    """The section of a plan: cos_q15 as the planner makes it, and one of three windows."""
    window_q15 = {
        "hann": lambda i: min(32767, rounded(32768 * (0.5 - 0.5 * math.cos(2 * math.pi * i / n)))),
        "flat": lambda i: 32767,
        "ragged": lambda i: 32767 - (i * 7919) % 20011,  # no two neighbours alike
    }[kind]
    return {
        "length": n,
        "window_q15": [window_q15(i) for i in range(n // 2 + 1)],
        "cos_q15": [min(32767, rounded(32768 * math.cos(2 * math.pi * j / n))) for j in range(n // 4 + 1)],
    }


def noise(n: int, seed: int, bits: int = 15) -> list[int]:
    """Samples of so many bits and a sign, from xorshift32."""
    samples, x = [], seed
    for _ in range(n):
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        samples.append((x >> 16) - 32768 >> 15 - bits)
    return samples


def chirp(n: int) -> list[int]:
    """The samples of the worked example."""
    return [(37 * i * i + 11 * i) % 2001 - 1000 for i in range(n)]


def square(n: int, half: int) -> list[int]:
    return [-32768 if i // half % 2 else 32767 for i in range(n)]


def cases() -> Iterator[Case]:
    for name, guards, kind, samples in [*_levels_of_input(), *_places(), *_signals()]:
        yield Case(name, guards, {"fft": tables(len(samples), kind), "samples": samples})


def _levels_of_input() -> Iterator[tuple]:
    yield "Silence", "A logarithm, or a count of leading zeros, of 0.", "hann", [0] * 64
    yield "All samples -1", "Bits of -1 that are those of 1: its y is 0.", "hann", [-1] * 64
    yield "One sample of 1", "A shift by 15 where 14 is due.", "flat", [0] * 5 + [1] + [0] * 58
    yield (
        "One sample of -32768",
        "The absolute value of -32768, which int16 does not hold.",
        "flat",
        [0] * 9 + [-32768] + [0] * 54,
    )
    yield "All samples -32768", "A load that leaves 31 bits.", "flat", [-32768] * 64
    yield "All samples 32767", "A load that leaves 31 bits.", "flat", [32767] * 64
    yield (
        "The largest sample is a power of two",
        "A shift that is taken from abs(x): 256 has 9 bits, -256 has 8.",
        "ragged",
        [-256 if i % 3 else 255 for i in range(64)],
    )
    yield "Noise of 3 bits", "A shift that is not undone in bits, or comes after the window.", "hann", noise(64, 1, 3)


def _places() -> Iterator[tuple]:
    for place, what in (
        (0, "the window's first value, 0 for others than this one"),
        (1, "the first twiddle, in the odd samples"),
        (2, "the second complex value: the leg of radix 4"),
        (31, "the last sample of the window's first half"),
        (33, "the first sample of the window's second half, which is read backwards"),
        (63, "the last sample, and the twiddles of the last leg"),
    ):
        samples = [0] * 64
        samples[place] = 32767
        guards = f"A wrong index for {what}: each bin shows the twiddle of this sample."
        yield f"An impulse at sample {place}", guards, "ragged", samples


def _signals() -> Iterator[tuple]:
    yield "The worked example of 64 samples", "Any slip: it is in docs/spec.md.", "hann", chirp(64)
    yield "A full-scale square", "Rounding: what is near 0 here is nothing else.", "hann", square(64, 8)
    yield (
        "The sample rate's half at full scale",
        "A last bin that is not divided as the first one is.",
        "flat",
        square(64, 1),
    )
    yield (
        "A square of a quarter of the sample rate",
        "The bin N/4, which is not split.",
        "flat",
        square(64, 2),
    )
    yield (
        "Odd samples only",
        "Real and imaginary parts that are swapped when the window is packed.",
        "ragged",
        [v if i % 2 else 0 for i, v in enumerate(noise(64, 2))],
    )
    yield (
        "A cosine between two bins",
        "A twiddle of the wrong sign beyond a quarter or a half of the circle.",
        "hann",
        [round(20000 * math.cos(2 * math.pi * 10.5 * i / 64)) for i in range(64)],
    )
    yield "Noise of full scale under a flat window", "A product that rounds in place of flooring.", "flat", noise(64, 3)
    yield "Noise of full scale under a ragged window", "A window that is read off by one.", "ragged", noise(64, 4)
    yield (
        "Packed extremes",
        "An intermediate that leaves 32 bits: b + d before its shift.",
        "flat",
        [-32768 if (i // 2 * 8 // 32) % 2 else 32767 for i in range(64)],
    )
    yield (
        "The worked example of 128 samples",
        "Stages of radix 4 alone, since log2(64) is even, with a radix 2 that is not due.",
        "hann",
        chirp(128),
    )
    yield "Noise of 128 samples", "Twiddles of three stages of radix 4.", "ragged", noise(128, 5)
    yield "Noise of 256 samples", "Twiddles of radix 2 and three stages of radix 4.", "ragged", noise(256, 6)
