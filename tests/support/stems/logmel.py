"""logmel: a window to a frame of one feature a band."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.stems import Case
from tests.support.stems.extractors import LIMITS, by_core, by_native, by_scalar, c_case, exact, hearing, seen_exactly
from tests.support.stems.fft import chirp, noise, square
from tests.support.stems.filterbank import shares

__all__ = ["FRAGMENT", "by_core", "by_native", "by_scalar", "c_case", "cases"]
FRAGMENT = "extractors"

BANK = {
    "edges": [2, 5, 5, 9, 9, 14, 14, 20],
    "minus_rise_q15": shares(18),
    "value_bits": 13,
    "offset_q10": [-78848, -78848, -78848],
}
LEARNT = {"gain": [8156] * 3, "bias": [111236437] * 3, "shift": [19] * 3, "low": -127, "high": 127}
WINDOW = "window"


def tone(n: int, period: int, size: int) -> list[int]:
    """A triangle wave, in integers."""
    return [size * (abs(4 * (i % period) - 2 * period) - period) // period for i in range(n)]


def cases() -> Iterator[Case]:
    plain = hearing("logmel", BANK, LEARNT)
    silence = plain | {"normalisation": exact([-37418 - i for i in (3, 0, -3)])}
    yield Case(
        "Silence is at the floor",
        "A logarithm of 0 that gets the offset.",
        {"extractor": silence, "steps": [[WINDOW, [0] * 64]]},
    )
    yield Case(
        "All samples -1",
        "A window that is taken for silence, since its bits are 0.",
        seen_exactly(plain, [[WINDOW, [-1] * 64]]),
    )
    yield Case("The worked example's samples", "Any slip, to the last bit.", seen_exactly(plain, [[WINDOW, chirp(64)]]))
    yield Case(
        "A full-scale square",
        "An exponent of 15 bits that wraps.",
        seen_exactly(plain | {"limits": LIMITS | {"range_q10": 2**20}}, [[WINDOW, square(64, 8)]]),
    )
    yield Case(
        "Noise of 4 bits", "Bits that are not in the exponent.", seen_exactly(plain, [[WINDOW, noise(64, 21, 4)]])
    )
    offsets = BANK | {"offset_q10": [-78848, -60000, 3000]}
    yield Case(
        "Each band has its own offset",
        "The offset of band 0 for all.",
        seen_exactly(plain | {"filterbank": offsets, "limits": LIMITS | {"range_q10": 2**20}}, [[WINDOW, chirp(64)]]),
    )
    near = plain | {"limits": LIMITS | {"range_q10": 1500}}
    yield Case(
        "Bands far below the loudest",
        "A range that is left out, or taken from the floor.",
        seen_exactly(near, [[WINDOW, tone(64, 16, 9000)]]),
    )
    floor = plain | {"limits": {"floor_q10": -9000, "range_q10": 3000}}
    yield Case(
        "Bands below the floor and below the range",
        "A floor that comes after the range in place of before it, or only one of them.",
        seen_exactly(floor, [[WINDOW, tone(64, 16, 300)]]),
    )
    below = plain | {"limits": {"floor_q10": -100, "range_q10": 3000}, "normalisation": exact([-105, -100, -95])}
    yield Case(
        "All bands below the floor",
        "A range below the loudest band before the floor.",
        {"extractor": below, "steps": [[WINDOW, chirp(64)]]},
    )
    above = plain | {"filterbank": BANK | {"offset_q10": [1000] * 3}}
    yield Case("Levels above zero", "A level that is clipped to 0.", seen_exactly(above, [[WINDOW, noise(64, 22)]]))
    yield Case(
        "A learnt map, loud and quiet",
        "A map that saturates on the wrong side.",
        {"extractor": plain, "steps": [[WINDOW, noise(64, 23)], [WINDOW, noise(64, 24, 1)], [WINDOW, chirp(64)]]},
    )
    entries = {"gain": [8156, 4000, 12000], "bias": [111236437, 9, -7], "shift": [19, 17, 20], "low": -128, "high": 127}
    yield Case(
        "Each feature has its own map",
        "The map of feature 0 for all.",
        {"extractor": plain | {"normalisation": entries}, "steps": [[WINDOW, chirp(64)], [WINDOW, square(64, 8)]]},
    )
    yield Case(
        "A loud window, silence, the loud one again",
        "Something of a window that is left for the next one.",
        {"extractor": plain, "steps": [[WINDOW, square(64, 8)], [WINDOW, [0] * 64], ["gap"], [WINDOW, square(64, 8)]]},
    )
    single = BANK | {"edges": [3, 3, 4, 4], "minus_rise_q15": [], "offset_q10": [-78848]}
    yield Case(
        "One band of one bin",
        "A bank without a shared bin.",
        seen_exactly(hearing("logmel", single, exact([0])), [[WINDOW, chirp(64)]]),
    )
    many = {
        "edges": [11 + (i + 1) // 2 * 3 for i in range(2, 36)],
        "minus_rise_q15": shares(51),
        "value_bits": 11,
        "offset_q10": [-76800 - 10 * i for i in range(16)],
    }
    long = hearing("logmel", many, exact([0] * 16), 128, limits={"floor_q10": -37418, "range_q10": 2**20})
    yield Case(
        "Sixteen bands up to the last bin of a window of 128",
        "Scratch that is too small: bands that overwrite the last bins before they are read.",
        seen_exactly(long, [[WINDOW, noise(128, 25)]]),
    )
