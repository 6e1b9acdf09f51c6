"""motion: windows of samples to frames of statistics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from anomsdk.core.motion import FEATURES
from tests.support.stems import Case, Given, Json
from tests.support.stems.extractors import by_core, by_native, by_scalar, c_case, exact, seen_exactly
from tests.support.stems.fft import noise
from tests.support.stems.spectrum import tables

__all__ = ["FRAGMENT", "by_core", "by_native", "by_scalar", "c_case", "cases"]
FRAGMENT = "extractors"


def section(axes: int, window: int, gravity: int, features: Sequence[str], floor: int = 16, **others: Any) -> Json:
    """The section of an extractor, but its map."""
    half = window // 2
    bands = sorted({1, max(2, half // 2), half + 1})
    return {
        "kind": "motion",
        "axes": axes,
        "window": window,
        "gravity": gravity,
        "window_q31": round(2**31 / window),
        "gravity_q31": round(2**31 / gravity),
        "window_log2_q10": round(1024 * math.log2(window)),
        "jerk_log2_q10": round(1024 * math.log2(window - 1)),
        "floor": floor,
        "rotation_floor": floor + 7,
        "features": [name for name in FEATURES if name in features],
        "spectrum": tables(window, *bands, floor=floor * floor, bin_floor=floor),
        "normalisation": exact([]),
    } | others


def seen(extractor: Json, *windows: list[int], frame: int = 0) -> Given:
    return seen_exactly(extractor, [["window", window] for window in windows], frame)


def rows(*vectors: Sequence[int]) -> list[int]:
    """A window from its samples."""
    return [value for vector in vectors for value in vector]


def walk(axes: int, n: int, seed: int) -> list[int]:
    """About 1 g on z, or in each axis of a gyroscope, and noise that grows."""
    found = noise(axes * n, seed)
    return [(4096 if i % axes % 3 == 2 else 300) + (x >> (4 - 3 * i // len(found))) for i, x in enumerate(found)]


def along_x(*values: int) -> list[int]:
    return rows(*((value, 0, 0) for value in values))


OF_ACCELERATION = tuple(name for name, each in FEATURES.items() if each.axes == 3)
OF_ROTATION = tuple(name for name, each in FEATURES.items() if each.axes == 6)
GRAVITY = ("odba", "vedba_mean", "vedba_max", "posture_change")


def cases() -> Iterator[Case]:
    yield from of_all()
    yield from of_gravity()
    yield from of_crossings()
    yield from of_edges()
    yield from of_selections()


def of_all() -> Iterator[Case]:
    yield Case("All of 3 axes", "Any slip.", seen(section(3, 16, 8, OF_ACCELERATION), walk(3, 16, 1)))
    yield Case(
        "All of 6 axes",
        "A stride of 3, rotation from the wrong column.",
        seen(section(6, 12, 5, FEATURES), walk(6, 12, 2)),
    )
    yield Case("An odd window", "A half that is rounded up.", seen(section(3, 15, 7, OF_ACCELERATION), walk(3, 15, 3)))
    yield Case(
        "The smallest window",
        "A loop that runs once too often.",
        seen(section(3, 4, 2, OF_ACCELERATION), walk(3, 4, 4)),
    )
    two = seen(section(3, 8, 4, OF_ACCELERATION), walk(3, 8, 5), walk(3, 8, 6), frame=1)
    two["steps"].insert(1, ["gap"])
    yield Case("Two windows and a gap", "State that one window leaves to the next.", two)


def of_gravity() -> Iterator[Case]:
    for name, guards, window, gravity in (
        ("A running mean of 2", "Ties of the division that are rounded down, or away from zero.", 8, 2),
        ("A running mean of 3", "A half of 2: the mean is not centred.", 9, 3),
        ("A running mean of all but one", "A mean that moves one sample early or late.", 9, 8),
        ("A running mean as long as the window", "A mean that leaves the window.", 8, 8),
        ("A mean of an even number in a long window", "A mean that goes on beyond the end.", 20, 6),
    ):
        yield Case(name, guards, seen(section(3, window, gravity, GRAVITY, 1), walk(3, window, window + gravity)))
    turn = rows(*([(4096, 7, -9)] * 5), *([(-4096, -3, 11)] * 5))
    yield Case(
        "A turn",
        "A change from the end to the beginning, which rounds otherwise.",
        seen(section(3, 10, 3, GRAVITY, 1), turn),
    )
    step = rows(*([(32767, -32768, 32767)] * 6), *([(-32768, 32767, -32768)] * 6))
    yield Case(
        "Full scale turned over",
        "Parts of a vector that are not saturated before they are squared.",
        seen(section(3, 12, 4, GRAVITY, 1), step),
    )


def of_crossings() -> Iterator[Case]:
    names = ["mean_crossings", "magnitude_mean"]
    for name, guards, values in (
        ("Crossings of the mean", "A crossing each time the band is entered.", (90, 110, 90, 110, 110, 90, 90, 110)),
        ("Values at the edge of the band", "A band without its edges.", (97, 103, 97, 103, 97, 103, 97, 103)),
        ("Values just beyond the band", "A band that is too wide.", (96, 104, 96, 104, 96, 104, 96, 104)),
        (
            "Values that rest in the band",
            "A side that is forgotten in the band.",
            (90, 100, 100, 110, 100, 90, 100, 120),
        ),
        (
            "A window that begins in the band",
            "A first side that counts as a crossing.",
            (100, 100, 110, 110, 110, 90, 90, 90),
        ),
    ):
        yield Case(name, guards, seen(section(3, 8, 4, names, 3), along_x(*values)))


def of_edges() -> Iterator[Case]:
    lowest = rows(*[(-32768, -32768, -32768)] * 6)
    yield Case(
        "Stuck at the lowest",
        "Squares of -32768, whose sum of three is more than that of the largest vector; a length in int16.",
        seen(section(3, 6, 2, OF_ACCELERATION, 1), lowest),
    )
    swing = rows(*[(-32768, 32767, -32768), (32767, -32768, 32767)] * 5)
    yield Case(
        "Full scale to and fro",
        "Differences, ranges and sums of squares that leave 32 bits.",
        seen(section(3, 10, 3, OF_ACCELERATION, 1), swing),
    )
    yield Case(
        "Full scale to and fro, rotation",
        "Sums of squares that leave 32 bits.",
        seen(section(6, 8, 2, OF_ROTATION, 1), rows(*[(1, 2, 3, -32768, 32767, -32768), (1, 2, 3, 32767, 5, 9)] * 4)),
    )
    blow = rows(*[(0, 0, 0)] * 7, (32767, -32768, 32767))
    yield Case(
        "A blow in silence",
        "A magnitude that lies more than 32767 above its mean.",
        seen(section(3, 8, 4, OF_ACCELERATION, 1), blow),
    )
    pause = rows(*[(32767, -32768, 32767)] * 7, (0, 0, 0))
    yield Case(
        "A pause in full scale",
        "A magnitude that lies more than 32767 below its mean.",
        seen(section(3, 8, 4, OF_ACCELERATION, 1), pause),
    )
    yield Case("Silence", "A logarithm of 0.", seen(section(6, 8, 4, FEATURES, 1), [0] * 48))
    still = rows(*[(300, -400, 1200)] * 9)
    yield Case(
        "At rest",
        "A deviation or a range that is not that of the floor alone.",
        seen(section(3, 9, 4, OF_ACCELERATION, 32760), still),
    )


def of_selections() -> Iterator[Case]:
    for name, guards, names in (
        ("The dominant frequency alone", "Bands that nobody selected in the frame.", ["dominant_frequency"]),
        ("The bands alone", "A dominant frequency that nobody selected.", ["band_energies"]),
        (
            "Bands and what follows them",
            "A frame that goes on at the wrong place.",
            ["band_energies", "odba", "axis_range"],
        ),
        ("Frequency and what follows it", "The same.", ["dominant_frequency", "sma", "axis_mean"]),
        (
            "The largest values",
            "A mean that is made where a maximum is wanted.",
            ["magnitude_max", "vedba_max", "jerk_max"],
        ),
        ("Jerk alone", "A jerk that needs the magnitude; its own count of samples.", ["jerk_mean"]),
        ("Posture alone", "A posture that needs the dynamic acceleration.", ["posture_change"]),
        ("Rotation alone", "The floor of acceleration.", ["rotation_mean", "rotation_deviation"]),
        ("Axes of rotation alone", "Axes of acceleration.", ["rotation_axis_deviation"]),
    ):
        yield Case(name, guards, seen(section(6, 10, 4, names), walk(6, 10, 9)))
