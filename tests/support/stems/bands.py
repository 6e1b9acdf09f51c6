"""bands: windows to a frame of band levels, peak and crest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.support.stems import Case
from tests.support.stems.extractors import (
    LIMITS,
    by_core,
    by_native,
    by_scalar,
    c_case,
    exact,
    hearing,
    levels_of,
    seen_exactly,
)
from tests.support.stems.fft import chirp, noise, square, tables

__all__ = ["FRAGMENT", "by_core", "by_native", "by_scalar", "c_case", "cases"]
FRAGMENT = "extractors"

BANK = {
    "edges": [2, 3, 4, 5, 8, 9, 16, 17],
    "minus_rise_q15": [-16384] * 4,
    "value_bits": 14,
    "offset_q10": [-78848] * 3,
}
EXAMPLE = {
    "gain": [19574] * 5,
    "bias": [134217728] * 3 + [100925440, -26371686],
    "shift": [21] * 4 + [19],
    "low": -127,
    "high": 127,
}
UPPER = BANK | {"edges": [20, 21, 24, 25, 28, 29, 32, 33]}
"""Bands up to the last bin."""
MEAN_Q10 = {1: 0, 2: -1024, 3: -1623, 4: -2048}
GAP = ["gap"]
CLICK = [0] * 30 + [20000] + [0] * 33


def plan(hops_per_frame: int, normalisation: Any = EXAMPLE, **others: Any) -> dict[str, Any]:
    """The section of the worked example, with other hops a frame."""
    times = {"hops_per_frame": hops_per_frame, "mean_q10": MEAN_Q10[hops_per_frame], "headroom": 2}
    return hearing("bands", BANK, normalisation, **times | others)


def windows(*samples: list[int]) -> list:
    return [["window", window] for window in samples]


def quiet(shift: int, samples: list[int]) -> list[int]:
    return [v >> shift for v in samples]


def cases() -> Iterator[Case]:
    for name, guards, given in [*_frames(), *_sums(), *_limits()]:
        yield Case(name, guards, given)


def _frames() -> Iterator[tuple]:
    example = windows(chirp(64), quiet(3, chirp(64)))
    yield "The worked example", "Any slip: it is in docs/spec.md.", {"extractor": plan(2), "steps": example}
    yield "The worked example, to the last bit", "What int8 features hide.", seen_exactly(plan(2), example)
    yield (
        "A frame every hop",
        "A first hop that only begins a frame.",
        seen_exactly(plan(1), windows(chirp(64), quiet(1, chirp(64)))),
    )
    yield (
        "A frame every three hops",
        "Frames that overlap, or hops that are counted from the wrong number.",
        seen_exactly(plan(3), windows(*[quiet(i % 3, chirp(64)) for i in range(7)])),
    )
    loud = windows(noise(64, 31), noise(64, 32), quiet(6, chirp(64)), quiet(7, chirp(64)))
    yield (
        "A quiet frame after a loud one",
        "Sums, or a peak, that the next frame inherits.",
        seen_exactly(plan(2), loud, frame=1),
    )
    yield (
        "A gap within a frame",
        "A hop, a sum or a peak from before the gap.",
        seen_exactly(plan(2), [*loud[:1], GAP, *loud[2:]]),
    )
    yield (
        "A gap between frames, and two gaps",
        "A frame that is given, or begun, by a gap.",
        seen_exactly(plan(2), [*loud[2:], GAP, GAP, *loud[2:]], frame=1),
    )
    floor = -37418
    yield (
        "Silence",
        "A peak that starts from 0, a crest of nothing.",
        {
            "extractor": plan(2, exact([floor - 1, floor, floor + 1, floor - 9, 7])),
            "steps": windows([0] * 64, [0] * 64),
        },
    )


def _sums() -> Iterator[tuple]:
    hops = [noise(64, 33), quiet(1, noise(64, 34, 9)), quiet(2, noise(64, 35, 12)), noise(64, 36, 8)]
    yield (
        "Hops that get quieter",
        "Sums from the last hop to the first: the order is stated.",
        seen_exactly(plan(4), windows(*hops)),
    )
    yield (
        "The same hops, loudest last",
        "Sums that are taken at the end of the frame, from the largest.",
        seen_exactly(plan(4), windows(*hops[::-1])),
    )
    click = windows([0] * 64, CLICK, quiet(9, chirp(64)))
    yield "A click", "A peak of the mean, a crest that is not over the mean.", seen_exactly(plan(3), click)
    yield (
        "A crest below zero",
        "A crest that is clamped at 0: rounding may take it below.",
        _with_crest_below_zero(),
    )
    yield (
        "More headroom than three bands need",
        "A headroom that is left out: the bits that it costs are part of the result.",
        seen_exactly(plan(2, headroom=9), windows(chirp(64), quiet(3, chirp(64)))),
    )
    yield (
        "A mean that does not fit the hops",
        "A mean that is computed from hops_per_frame, or added to the peak.",
        seen_exactly(plan(2, mean_q10=-3000), windows(chirp(64), quiet(3, chirp(64)))),
    )
    sliver = {"edges": [20, 24, 24, 24], "minus_rise_q15": [-1] * 4, "value_bits": 14, "offset_q10": [0]}
    faint = hearing("bands", sliver, EXAMPLE, hops_per_frame=2, mean_q10=-1024, headroom=0)
    faint["fft"] = tables(64, "flat") | {"window_q15": [32767, 32766, *[32767] * 31]}
    yield (
        "Energies of a few units",
        "Sums that do not start from nothing, or whose first exponent is not 0.",
        seen_exactly(faint, windows([-1] * 64, [-1] * 64)),
    )
    upper = hearing("bands", UPPER, EXAMPLE, hops_per_frame=1, mean_q10=0, headroom=2)
    yield (
        "Bands up to the last bin",
        "Scratch that is too small: bands that overwrite the last bins before they are read.",
        seen_exactly(upper, windows(noise(64, 37))),
    )
    full = {name: [-32768 if i & 8 else 32767 for i in range(64)] for name in ("one", "two")}
    yield "Two hops of full scale", "A sum with a carry.", seen_exactly(plan(2), windows(full["one"], full["two"]))


def _with_crest_below_zero() -> dict[str, Any]:
    """Hops that are all alike: their mean is their peak, but for rounding."""
    for seed in range(1, 99):
        steps = windows(*[noise(64, seed, 6)] * 3)
        if levels_of(plan(3), steps)[0][-1] < 0:
            return seen_exactly(plan(3), steps)
    raise AssertionError("no such window was found")


def _limits() -> Iterator[tuple]:
    example = windows(chirp(64), quiet(3, chirp(64)))
    yield (
        "Bands below the range of the loudest band",
        "A range below the peak or the crest, or one that limits these.",
        seen_exactly(plan(2, limits=LIMITS | {"range_q10": 700}), example),
    )
    yield (
        "A floor among the levels",
        "A peak below the floor, or a floor that comes before the mean is taken.",
        seen_exactly(plan(2, limits={"floor_q10": -6900, "range_q10": 27213}), example),
    )
    yield (
        "A floor above all",
        "A crest from levels without a floor.",
        seen_exactly(plan(2, limits={"floor_q10": 0, "range_q10": 1}), example),
    )
    yield (
        "A band of silence beside others",
        "A range below the loudest that forgets a band of nothing.",
        seen_exactly(plan(1, limits=LIMITS | {"range_q10": 40000}), windows(square(64, 1))),
    )
