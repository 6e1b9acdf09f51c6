"""spectrum: a short signal to the levels of its bands and its strongest bin."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from anomsdk.core.spectrum import Spectrum, SpectrumPlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.fft import chirp, noise
from tests.support.stems.sections import Native, c_spectrum, core_plan, rows_of


def by_scalar(given: Given) -> list:
    levels, strongest = scalar.Spectrum(given["tables"]).run(given["signal"])
    return [levels, strongest]


def by_core(given: Given) -> list:
    plan = core_plan(SpectrumPlan, given["tables"])
    plan.check()
    levels, strongest = Spectrum(plan).run(rows_of([given["signal"]]))
    return [levels[0].tolist(), int(strongest[0])]


def by_native(given: Given) -> list:
    native = Native()
    plan = native.struct("anom_spectrum_plan", c_spectrum(given["tables"]))
    levels = native.new("int32_t[]", plan.n_bands)
    strongest = native.lib.anom_spectrum_run(plan, native.new("int16_t[]", given["signal"]), levels)
    return [list(levels), strongest]


def c_case(given: Given, expect: list) -> dict[str, Any]:
    levels, strongest = expect
    return {"plan": c_spectrum(given["tables"]), "signal": given["signal"], "levels": levels, "strongest": strongest}


def tables(n: int, *first_bin: int, floor: int = 1, bin_floor: int = 1) -> Json:
    """Of one turn, with bands of the same floor."""
    bands = {"first_bin": list(first_bin), "floor": [floor] * (len(first_bin) - 1), "bin_floor": bin_floor}
    return {
        "cos_q15": [_q15(math.cos, i, n) for i in range(n)],
        "sin_q15": [_q15(math.sin, i, n) for i in range(n)],
    } | bands


def _q15(function: Any, i: int, n: int) -> int:
    return max(-32767, min(32767, round(32768 * round(function(2 * math.pi * i / n), 12))))


def constant(n: int, *first_bin: int) -> Json:
    """Tables in which every product has one sign: sums are as large as they can be."""
    return tables(n, *first_bin) | {"cos_q15": [-32767] * n, "sin_q15": [32767] * n}


def tone(n: int, k: int, height: int, phase: float = 0.3) -> list[int]:
    return [round(height * math.cos(2 * math.pi * k * i / n + phase)) for i in range(n)]


def impulse(n: int, at: int, height: int) -> list[int]:
    return [height if i == at else 0 for i in range(n)]


def given(tables: Json, signal: list[int]) -> Given:
    return {"tables": tables, "signal": signal}


def cases() -> Iterator[Case]:
    plain = tables(16, 1, 3, 5, 9)
    yield Case("A tone on bin 3", "A bin that is counted from the first of the bands.", given(plain, tone(16, 3, 900)))
    yield Case(
        "A tone on bin 5 of bands that begin at 4",
        "Bins that are counted from 1, or from 0.",
        given(tables(24, 4, 6, 9), tone(24, 5, 900)),
    )
    yield Case(
        "A tone on the last bin",
        "A band without its last bin; half the length taken for what is below it.",
        given(plain, tone(16, 8, 900, 0)),
    )
    yield Case("Noise, 16 values", "Any slip in the sums.", given(plain, noise(16, 1)))
    yield Case(
        "A chirp of 64 values", "A turn that is not taken modulo the length.", given(tables(64, 1, 9, 33), chirp(64))
    )
    yield Case(
        "An odd length",
        "A sample in the middle where there is none; a difference that is taken from the wrong end.",
        given(tables(15, 1, 2, 4, 8), noise(15, 2)),
    )
    yield Case(
        "The shortest", "A loop that takes the middle twice.", given(tables(4, 1, 2, 3), [-700, 900, 300, -1200])
    )
    yield Case(
        "Five values", "A loop that leaves out the last pair.", given(tables(5, 1, 2, 3), [-700, 900, 300, -200, 50])
    )
    yield Case(
        "Equal bins",
        "The last of equal bins, by >= in place of >.",
        given(plain, impulse(16, 8, 901)),
    )
    yield Case("Equal bins, negative", "The last of equal bins.", given(plain, impulse(16, 8, -901)))
    yield Case(
        "Silence",
        "A logarithm of 0 without the floor, a strongest bin of nothing.",
        given(tables(16, 1, 3, 5, 9, floor=70000, bin_floor=5), [0] * 16),
    )
    at = 900 * 900
    yield Case(
        "A bin at its floor",
        "A bin that need not exceed the floor.",
        given(tables(16, 1, 9, bin_floor=at), impulse(16, 8, 900)),
    )
    yield Case(
        "A bin above its floor by one",
        "A floor that is compared with the energy before its shift, or with a bin that is not the strongest.",
        given(tables(16, 1, 9, bin_floor=at - 1), impulse(16, 8, 900)),
    )
    yield Case(
        "A loud bin at its floor",
        "An energy that is shifted back too far.",
        given(tables(16, 1, 3, 5, 9, bin_floor=1295839144), tone(16, 3, 9000)),
    )
    yield Case(
        "A loud bin above its floor by one",
        "An energy that is not shifted back far enough.",
        given(tables(16, 1, 3, 5, 9, bin_floor=1295839143), tone(16, 3, 9000)),
    )
    loud = [32767 if i // 3 % 2 else -32767 for i in range(64)]
    yield Case("Full scale", "A shift that the level does not get back.", given(tables(64, 1, 3, 9, 33), loud))
    yield Case(
        "Full scale against the largest floor",
        "An energy that is compared before it is shifted back.",
        given(tables(64, 1, 33, floor=2**31 - 1, bin_floor=2**31 - 1), loud),
    )
    yield Case(
        "A shift of negative values",
        "A shift that truncates toward zero.",
        given(
            tables(17, 1, 3, 9),
            [-20001, -3, -32767, 5, -9999, -1, -30001, -7, -12345, -20003, -3, 31, -5, 4, -7, 1, -77],
        ),
    )
    yield Case(
        "A sum of 2**15 - 1",
        "A sum that begins at 1.",
        given(constant(8, 1, 2), [15999, 16001, 767, 0, 0, 0, 0, 0]),
    )
    yield Case(
        "A sum of 2**15",
        "A sum that begins below 0, a -1 that counts as itself.",
        given(constant(8, 1, 2), [15999, 16001, 767, -1, 0, 0, 0, 0]),
    )
    yield Case(
        "The sum just below a shift",
        "A shift at 2**15 - 1, or none at 2**15.",
        given(constant(8, 1, 2), [32767, 1, 0, 0, 0, 0, 0, 0]),
    )
    yield Case("The sum at a shift", "No shift at 2**15.", given(constant(8, 1, 2), [32767, 1, 1, 0, 0, 0, 0, 0]))
    yield Case(
        "The largest sums",
        "An energy in 31 bits: both parts are near 2**15.",
        given(constant(16, 1, 2), [0] + [4680] * 7 + [0] * 8),
    )
    yield Case(
        "A band of many large bins",
        "A band that is summed in 32 bits.",
        given(constant(16, 1, 9), [0] + [4680] * 7 + [0] * 8),
    )
    yield Case(
        "Two ends of int16",
        "Sums and differences of two samples that leave int16.",
        given(constant(8, 1, 5), [0, -32767, 32767, -32767, 5, -32767, -32767, -32767]),
    )
    yield Case(
        "Bands with floors of their own",
        "The floor of band 0 for all.",
        given(tables(16, 1, 3, 5, 9) | {"floor": [1, 5000, 90000000]}, [x >> 3 for x in noise(16, 3)]),
    )
