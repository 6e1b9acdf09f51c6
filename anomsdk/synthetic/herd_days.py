"""Generated days of a herd: movement by slot of the day, and changes of single animals.

Each animal has its own level, its own hours and its own share of chance; the herd shares the weather. No animal was
recorded for it, so that figures found on it say nothing about real ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MISSING = -32768
"""Value of a missing slot in rows."""
LEVEL = 2000.0
"""Median movement of an animal in an hour of average activity."""
_BUSY_H = ((5.5, 1.6, 1.0), (12.5, 3.0, 0.55), (17.5, 1.9, 1.2))
"""Times of day when animals move most: the hour, its width in hours, and the height over that of the night."""
_NIGHT = 0.35


def weather(rng: np.random.Generator, days: int) -> Floats:
    """Draw the factor by which a whole herd moves more or less on each day, (days,)."""
    found = np.zeros(days)
    for day in range(1, days):
        found[day] = 0.5 * found[day - 1] + rng.normal(0, 0.03)
    return np.exp(found)


def animal_days(rng: np.random.Generator, days: int, slots: int = 24, shared: Floats | None = None) -> Floats:
    """Draw the movement of one animal.

    Parameters
    ----------
    rng : source of chance
    days : number of days
    slots : slots of a day
    shared : factor of the herd for each day, see `weather`; None: 1

    Returns
    -------
    (days, slots), counts

    Examples
    --------
    >>> animal_days(np.random.default_rng(0), 3).shape
    (3, 24)
    """
    hour = (np.arange(slots) + 0.5) * 24 / slots
    pattern = np.full(slots, _NIGHT)
    late = rng.normal(0, 0.5)
    for at, width, height in _BUSY_H:
        distance = (hour - at - late + 12) % 24 - 12
        pattern += height * rng.uniform(0.75, 1.25) * np.exp(-0.5 * (distance / width) ** 2)
    level = LEVEL * np.exp(rng.normal(0, 0.25)) / pattern.mean()
    of_day = np.exp(rng.normal(0, 0.05, (days, 1)))
    of_slot = np.exp(rng.normal(0, 0.16, (days, slots)))
    herd = np.ones(days) if shared is None else shared
    return np.asarray(level * pattern * of_day * of_slot * herd[:, None])


def generated_herd(n: int, days: int, seed: int = 0, slots: int = 24) -> list[tuple[str, NDArray[np.int16]]]:
    """Generate the diary rows of a herd, each animal from its first midnight on.

    About one slot in 200 is missing.

    Parameters
    ----------
    n : number of animals
    days : number of days
    seed : seed of everything; an animal's rows depend on its place in the herd, not on ``n``
    slots : slots of a day

    Returns
    -------
    name and rows int16 (days * slots, 1) of each animal

    Examples
    --------
    >>> [(name, rows.shape) for name, rows in generated_herd(2, 3)]
    [('animal 01', (72, 1)), ('animal 02', (72, 1))]
    """
    shared, found = weather(np.random.default_rng(seed), days), []
    for animal in range(n):
        rng = np.random.default_rng([seed, animal])
        rows = as_rows(animal_days(rng, days, slots, shared))
        rows[rng.random(len(rows)) < 0.005] = MISSING
        found.append((f"animal {animal + 1:02d}", rows))
    return found


def as_rows(days: Floats) -> NDArray[np.int16]:
    """Round days (days, slots) to diary rows int16 (days * slots, 1), at most 32767."""
    return np.clip(np.rint(days), 0, 32767).astype(np.int16).reshape(-1, 1)


def less(days: Floats, share: float, *, first: int, slot: int = 0) -> Floats:
    """Return days with a share of the movement missing, from a slot of the day ``first`` on."""
    changed = days.copy()
    changed[first, slot:] *= 1 - share
    changed[first + 1 :] *= 1 - share
    return changed


def shifted(days: Floats, slots: int, *, first: int) -> Floats:
    """Return days whose movement comes ``slots`` slots later, from the day ``first`` on."""
    changed = days.copy()
    changed[first:] = np.roll(days[first:], slots, axis=1)
    return changed
