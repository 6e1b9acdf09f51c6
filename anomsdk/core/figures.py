"""Figures of a day: its size, its shape, and how both lie to the own profile. Logarithms are in q10.

With v the slots of the last 24 hours in the order of the day, circular, p the own levels of these slots, and e a floor
of about 1.5 % of the own total:

- `total`: ``log2(sum v + e)``
- `busiest_10h`, `quietest_10h`: ``log2`` of the share of the ten hours in a row with the largest and the smallest sum.
  Source: M10 and L5 of Van Someren et al., Chronobiol. Int. 1999, with ten hours for both
- `unlikeness`: ``log2`` of the sum of distances between the shares ``v / sum v`` and ``p / sum p``, plus 1 / 32
- `amplitude`: ``log2`` of the length of the 24-hour component over the total; `phase`: its angle against that of the
  profile, radians in q12
- `quiet_hours`, `busy_hours`: ``log2`` of the third of the slots with the lowest and the highest own levels, over those
- `lag`: slots by which the profile must be moved to be most like the day, at most 6 hours, without its sign, in q8
- `roughness`: ``log2`` of the sum of steps between neighbouring slots over the total
- `last_6h`: ``log2`` of the last six hours over their own levels
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from anomsdk.core.fixed import Ints, angle_q12, bit_length, log2_q10
from anomsdk.core.reasons import Group

LARGEST = 8191
"""Largest figure of a day about its own level, in magnitude."""
BUSY_HOURS, LAST_HOURS, LAG_HOURS = 10, 6, 6


class Figure(IntEnum):
    """Figure of a day: its place among the figures."""

    TOTAL = 0
    BUSIEST_10H = 1
    QUIETEST_10H = 2
    UNLIKENESS = 3
    AMPLITUDE = 4
    PHASE = 5
    QUIET_HOURS = 6
    BUSY_HOURS = 7
    LAG = 8
    ROUGHNESS = 9
    LAST_6H = 10

    @property
    def group(self) -> Group:
        """Group that a reason names."""
        return _GROUPS[self]


N_FIGURES = len(Figure)
_GROUPS = {
    Figure.TOTAL: Group.DAY_TOTAL,
    Figure.BUSIEST_10H: Group.DAY_RHYTHM,
    Figure.QUIETEST_10H: Group.DAY_RHYTHM,
    Figure.UNLIKENESS: Group.DAY_RHYTHM,
    Figure.AMPLITUDE: Group.DAY_RHYTHM,
    Figure.PHASE: Group.DAY_PHASE,
    Figure.QUIET_HOURS: Group.QUIET_HOURS,
    Figure.BUSY_HOURS: Group.BUSY_HOURS,
    Figure.LAG: Group.DAY_PHASE,
    Figure.ROUGHNESS: Group.DAY_RHYTHM,
    Figure.LAST_6H: Group.LAST_HOURS,
}


def of_day(values: Ints, levels: Ints, latest: int, cos_q14: Ints) -> Ints:
    """Compute the figures of a day.

    Parameters
    ----------
    values : (slots,), 0 to 32767, by slot of the day; the last day ends with the slot ``latest``
    levels : (slots,), 0 to 32767, own levels
    latest : index of the newest slot
    cos_q14 : (slots,), one period of the cosine

    Returns
    -------
    (N_FIGURES,)
    """
    slots = len(values)
    hours = slots * np.array([BUSY_HOURS, LAST_HOURS, LAG_HOURS]) // 24
    total, own = values.sum(), levels.sum()
    floor = np.maximum(own >> 6, 1)
    log_total = log2_q10(total + floor)
    found = np.zeros(N_FIGURES, np.int64)
    found[Figure.TOTAL] = log_total
    # Ten hours in a row
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate([values, values[: hours[0]]]))])
    stretches = (sums[hours[0] :] - sums[: -hours[0]])[:slots]
    found[Figure.BUSIEST_10H] = log2_q10(stretches.max() + floor) - log_total
    found[Figure.QUIETEST_10H] = log2_q10(stretches.min() + floor) - log_total
    # Shape against the profile: shares times both totals, which are cut to 15 bits
    cut = np.maximum(bit_length(np.maximum(total, own)) - 15, 0)
    short_total, short_own = total >> cut, own >> cut
    apart = (np.abs(values * short_own - levels * short_total) >> 8).sum()
    product = short_total * short_own >> 8 << cut
    found[Figure.UNLIKENESS] = log2_q10(apart + (product >> 5) + 1) - log2_q10(product + 1)
    # 24-hour component
    x, y = _component(values, cos_q14)
    own_x, own_y = _component(levels, cos_q14)
    cut = np.maximum(bit_length(np.maximum(np.abs(x), np.abs(y))) - 15, 0)
    x, y = x >> cut, y >> cut
    found[Figure.AMPLITUDE] = (log2_q10(x * x + y * y) >> 1) + (cut << 10) - log_total
    own_cut = np.maximum(bit_length(np.maximum(np.abs(own_x), np.abs(own_y))) - 15, 0)
    own_x, own_y = own_x >> own_cut, own_y >> own_cut
    along, across = (x * own_x + y * own_y) >> 15, (y * own_x - x * own_y) >> 15
    found[Figure.PHASE] = np.where(across < 0, -1, 1) * angle_q12(along, np.abs(across))
    # Own quiet and busy slots
    order = np.argsort(levels, kind="stable")
    for figure, part in ((Figure.QUIET_HOURS, order[: slots // 3]), (Figure.BUSY_HOURS, order[-(slots // 3) :])):
        found[figure] = log2_q10(values[part].sum() + floor) - log2_q10(levels[part].sum() + floor)
    found[Figure.LAG] = _lag(values, levels, int(hours[2])) << 8
    steps = np.abs(values - np.roll(values, 1)).sum()
    found[Figure.ROUGHNESS] = log2_q10(steps + floor) - log_total
    last = (latest - np.arange(hours[1])) % slots
    found[Figure.LAST_6H] = log2_q10(values[last].sum() + floor) - log2_q10(levels[last].sum() + floor)
    return found


def _component(values: Ints, cos_q14: Ints) -> tuple[Ints, Ints]:
    """Compute the 24-hour component, rounded down to whole counts."""
    sin_q14 = np.roll(cos_q14, len(cos_q14) // 4)
    return (values * cos_q14 >> 14).sum(), (values * sin_q14 >> 14).sum()


def _lag(values: Ints, levels: Ints, most: int) -> int:
    """Return the smallest number of slots by which the profile is most like the day, either way."""
    best, found = -1, 0
    for lag in range(most + 1):
        for side in (lag, -lag):
            like = int((np.roll(levels, side) * values >> 8).sum())
            if like > best:
                best, found = like, lag
    return found
