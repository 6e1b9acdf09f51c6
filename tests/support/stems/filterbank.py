"""filterbank: a spectrum to the energies of its bands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from anomsdk.core.filterbank import Filterbank, FilterbankPlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.fft import chirp, noise, tables
from tests.support.stems.sections import Native, c_filterbank, core_plan, rows_of


def by_scalar(given: Given) -> list:
    spectrum = [scalar.Pair(*z) for z in given["spectrum"]]
    return [list(band) for band in scalar.Filterbank(given["filterbank"]).bands(spectrum, given["bits"])]


def by_core(given: Given) -> list:
    n_bands = len(given["filterbank"]["edges"]) // 2 - 1
    plan = core_plan(FilterbankPlan, given["filterbank"] | {"offset_q10": [0] * n_bands})
    plan.check(len(given["spectrum"]))
    found = Filterbank(plan, 1).run(rows_of(given["spectrum"]).T[:, :, None], np.array([given["bits"]]))
    return np.array(found)[:, :, 0].T.tolist()


def by_native(given: Given) -> list:
    native = Native()
    plan = native.struct("anom_filterbank_plan", c_filterbank(given["filterbank"]))
    bands = native.new("anom_energy[]", plan.n_bands)
    native.lib.anom_filterbank_run(plan, native.new("anom_complex[]", given["spectrum"]), given["bits"], bands)
    return [[band.mantissa, band.exponent] for band in bands]


def c_case(given: Given, expect: list) -> dict[str, Any]:
    return {
        "plan": c_filterbank(given["filterbank"]),
        "spectrum": given["spectrum"],
        "bits": given["bits"],
        "bands": expect,
    }


OWN = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
"""Edges of four bands of a bin each, of which none is shared."""
WIDE = -32768, -32768


def case(
    edges: list[int], spectrum: Json, minus_rise_q15: Json = (), value_bits: int = 14, bits: int = 0
) -> dict[str, Any]:
    filterbank = {"edges": edges, "minus_rise_q15": list(minus_rise_q15), "value_bits": value_bits}
    return {"filterbank": filterbank, "spectrum": [list(z) for z in spectrum], "bits": bits}


def shares(n: int) -> list[int]:
    """n shares that rise, no two alike."""
    return [-(32768 * (2 * i + 1) // (2 * n)) for i in range(n)]


def random_spectrum(n: int, seed: int, scale: int = 40000) -> list[list[int]]:
    """Bins whose levels differ by octaves."""
    values = noise(3 * n, seed)
    return [[re * scale >> (k % 9), im * scale >> (k % 9)] for re, im, k in zip(*[iter(values)] * 3, strict=True)]


def cases() -> Iterator[Case]:
    for name, guards, given in [*_segments(), *_shares(), *_shifts(), *_exponents(), *_whole()]:
        yield Case(name, guards, given)


def _segments() -> Iterator[tuple]:
    bins = [(900, 900), (3, 4), (5, -12), (-8, 15), (700, 700)]
    yield "One band of its own bins", "A first or last bin that is off by one.", case([1, 1, 4, 4], bins)
    yield (
        "Rectangular bands that share no bin",
        "An empty segment that is read all the same.",
        case([0, 0, 2, 2, 3, 3, 5, 5], bins),
    )
    yield (
        "Triangular bands that hold no bin of their own",
        "Segments of the wrong parity taken for shared ones.",
        case([0, 1, 1, 3, 3, 4, 4, 5], bins, shares(5)),
    )
    yield (
        "Rectangular bands that share a bin",
        "A bin that goes whole to both of its bands, or to one.",
        case([0, 1, 2, 3, 3, 4, 5, 5], bins, shares(3)),
    )
    yield (
        "Shared bins at both ends",
        "The lower share of the first segment, or the upper one of the last, that is not left out.",
        case([0, 2, 3, 5], bins, [-10000, -20000, -8000, -30000]),
    )
    yield (
        "A band without one of its segments",
        "Shares that are counted for segments of one owner, too.",
        case([0, 0, 1, 1, 1, 2, 3, 5], bins, [-12345, -5, -32000]),
    )
    yield "A spectrum of zeros", "An exponent of nothing that is not 0.", case(OWN, [(0, 0)] * 4, bits=15)


def _shares() -> Iterator[tuple]:
    shared = [0, 0, 0, 4, 4, 4]
    yield (
        "Rounding takes more than there is",
        "A rest below 0 that wraps to a huge energy: each product floors by itself.",
        case([0, 0, 1, 5, 5, 5], [(9, 9), (1, 0), (0, 1), (-1, 0), (0, -1)], [-1, -2, -3, -16384]),
    )
    yield (
        "All goes to the upper band",
        "A rest below 0: half of an odd power is floored on both sides.",
        case(shared, [(1, 0), (2, 1), (3, 0), (1, 2)], [-32768] * 4),
    )
    yield (
        "All goes to the lower band",
        "A share of 0 that is read as missing.",
        case(shared, [(1, 0), (2, 1), (3, 0), (1, 2)], [0] * 4),
    )
    yield (
        "Shares floor bin by bin",
        "A sum of shares that is floored once, or rounded.",
        case(shared, [(3, 2), (5, 4), (7, 6), (9, 8)], [-16384, -16383, -1, -32767]),
    )
    yield (
        "Halves floor bin by bin",
        "A sum that is halved once.",
        case([0, 0, 4, 4], [(1, 0), (2, 1), (3, 2), (4, 3)]),
    )


def _shifts() -> Iterator[tuple]:
    yield (
        "Values around 2**14",
        "Bits of abs(x): -2**14 fits without a shift, 2**14 does not.",
        case(OWN, [(16383, 0), (16384, 0), (-16384, 0), (-16385, 0)]),
    )
    yield (
        "The imaginary part decides",
        "A shift from real parts only, or from their maximum without its sign.",
        case(OWN, [(1, 16384), (5, -16385), (0, 1 << 20), (-3, -(1 << 20) - 1)]),
    )
    yield (
        "A shift below zero floors",
        "A shift that truncates: -1 >> 1 is -1.",
        case([0, 0, 4, 4], [(32768, 0), (-1, -3), (-5, 0), (-16385, -32767)]),
    )
    yield (
        "The loudest bin of a segment decides for all of it",
        "A shift bin by bin, or from the first or the last bin.",
        case([0, 0, 3, 3, 6, 6], [(7, 1), (1 << 20, 3), (9, 5), (1 << 18, 7), (3, 1), (1, 1 << 19)]),
    )
    yield (
        "A shift of 23 in bands of 8 bits",
        "A shift that is limited, or a value of 8 bits and a sign that is cut further.",
        case([0, 0, 1, 2, 3, 3], [(1518000000, -1518000000), (-1518000000, 1 << 30), (255, -256)], [-20000], 8, 15),
    )
    yield (
        "Values of 31 bits",
        "A power that leaves 30 bits.",
        case(
            [0, 1, 2, 3, 4, 4], [(1518000000,) * 2, (-1518000000,) * 2, (1 << 30, -1), (-1, -(1 << 30))], [-9, -32768]
        ),
    )
    yield (
        "The widest segment at its loudest",
        "A sum that leaves 31 bits.",
        case([0, 0, 7, 14, 14, 14], [(-16384, -16384)] * 14, [-32768] * 7),
    )
    yield (
        "All values -1",
        "A y of -1 that is 1: no shift is due, and a power is 2.",
        case([0, 2, 3, 5], [(-1, -1)] * 5, [-32768, -1, 0, -16384]),
    )
    yield (
        "The widest segment of 8 bits",
        "Sums in 16 bits.",
        case([0, 30, 30, 60], [(-256, -256)] * 60, [-32768] * 30 + [-16384] * 30, 8),
    )


def _exponents() -> Iterator[tuple]:
    yield (
        "A quiet segment beside a loud one",
        "One shift for the whole band.",
        case(
            [0, 2, 4, 6], [(1 << 28, 5), (3, 3), (90, 10), (5, 5), (1 << 22, 0), (0, 77)], [-9000, -1, -20000, -32768]
        ),
    )
    yield (
        "Bits count twice in the exponent",
        "An exponent that is not doubled, or that lacks the bits of the window.",
        case(OWN, [(1, 1), (1 << 15, 0), (1 << 20, 1), (0, 0)], bits=13),
    )
    yield (
        "Rise and rest come first, the band's own last",
        "Energies that are added in another order: bits that one order keeps are lost in the other.",
        case([0, 1, 2, 3], [(2, 0), (16384, 0), (2, 0)], [-32768, 0]),
    )
    yield (
        "Sums with a carry",
        "A carry that is not counted in the exponent.",
        case([0, 7, 14, 21], [(-16384, -16384)] * 21, [-32768] * 7 + [0] * 7, bits=2),
    )


def _whole() -> Iterator[tuple]:
    example = [2, 3, 4, 5, 8, 9, 16, 17]
    for shift, bits in ((0, 10), (3, 7)):
        spectrum, found = scalar.Fft(tables(64)).spectrum([v >> shift for v in chirp(64)])
        assert found == bits
        name = f"The worked example, samples >> {shift}"
        yield name, "Any slip: it is in docs/spec.md.", case(example, spectrum, [-16384] * 4, 14, bits)
    for seed, value_bits in ((11, 8), (12, 11), (13, 14)):
        yield (
            f"Five bands of {value_bits} bits",
            "Anything that the cases above leave open.",
            case([1, 3, 5, 8, 8, 11, 14, 15, 19, 22, 24, 27], random_spectrum(27, seed), shares(15), value_bits, seed),
        )
