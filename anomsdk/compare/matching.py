"""Matching of the alarms of two plans on one recording: pairs of alarms, one to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STEPS = 1 << 30  # steps of a tolerance, in which distances are counted
_SLACK_S = 1e-9  # times are quotients: alarms exactly as far apart as the tolerance must not fail by the last bit

_SKIP_OLD, _SKIP_NEW, _PAIR = range(3)


@dataclass(frozen=True)
class AlarmChanges:
    """Alarms of two plans on one recording, matched; times are seconds.

    Parameters
    ----------
    same : times of alarms that both plans raised at the same time
    moved : (old, new) times of alarms that both plans raised at different times, within the tolerance
    added : times of alarms that only the new plan raised
    lost : times of alarms that only the old plan raised
    """

    same: tuple[float, ...]
    moved: tuple[tuple[float, float], ...]
    added: tuple[float, ...]
    lost: tuple[float, ...]

    @property
    def changed(self) -> bool:
        """True where any alarm was moved, added or lost."""
        return bool(self.moved or self.added or self.lost)


def match_alarms(old: Sequence[float], new: Sequence[float], within_s: float) -> AlarmChanges:
    """Match the alarms of two plans.

    Alarms at the same time are the same alarm. Of the others, as many as possible are paired. Among all such pairings
    the one with the least sum of distances is taken; a tie goes to the earlier alarm.

    Parameters
    ----------
    old, new : times of the alarms, seconds, ascending, no two equal
    within_s : largest distance of a pair, seconds, >= 0

    Examples
    --------
    >>> match_alarms([1.0, 5.0, 20.0], [5.0, 5.5, 21.0], within_s=2)
    AlarmChanges(same=(5.0,), moved=((20.0, 21.0),), added=(5.5,), lost=(1.0,))
    """
    same = set(old) & set(new)
    old_left, new_left = ([t for t in side if t not in same] for side in (old, new))
    pairs = _pairs(np.array(old_left, np.float64), np.array(new_left, np.float64), within_s)
    paired_old, paired_new = {i for i, _ in pairs}, {j for _, j in pairs}
    return AlarmChanges(
        same=tuple(t for t in old if t in same),
        moved=tuple((old_left[i], new_left[j]) for i, j in pairs),
        added=tuple(t for j, t in enumerate(new_left) if j not in paired_new),
        lost=tuple(t for i, t in enumerate(old_left) if i not in paired_old),
    )


def _pairs(old: NDArray[np.float64], new: NDArray[np.float64], within_s: float) -> list[tuple[int, int]]:
    """Indices of the largest set of pairs, and of such sets the one with the least sum of distances.

    Pairs of such a set need not cross, so that dynamic programming over both lists finds it. ``best[j]`` is the least
    cost of pairing the old alarms so far with the first j new ones. An old alarm changes it only for new alarms within
    reach, from ``first`` to ``stop``; entries after these cost as much as ``best[stop]``.
    """
    first = np.searchsorted(new, old - within_s - _SLACK_S, "left").tolist()
    stop = np.searchsorted(new, old + within_s + _SLACK_S, "right").tolist()
    a_pair = _STEPS * min(len(old), len(new)) + 1  # a pair outweighs all distances together
    best, known = np.zeros(len(new) + 1, np.int64), 0
    choices = []
    for t, a, b in zip(old, first, stop, strict=True):
        best[known + 1 : b + 1] = best[known]
        known = max(known, b)
        distance = np.rint(np.abs(new[a:b] - t) / max(within_s, _SLACK_S) * _STEPS).astype(np.int64)
        without, paired = best[a + 1 : b + 1].copy(), best[a:b] + distance - a_pair
        best[a + 1 : b + 1] = np.minimum.accumulate(np.append(best[a], np.minimum(without, paired)))[1:]
        cost, before = best[a + 1 : b + 1], best[a:b]
        choices.append(np.where(cost == without, _SKIP_OLD, np.where(cost == before, _SKIP_NEW, _PAIR)))
    pairs, i, j = list[tuple[int, int]](), len(old) - 1, len(new)
    while i >= 0:
        j = min(j, stop[i])
        choice = _SKIP_OLD if j <= first[i] else choices[i][j - first[i] - 1]
        if choice == _PAIR:
            pairs.append((i, j - 1))
        i -= choice != _SKIP_NEW
        j -= choice != _SKIP_OLD
    return pairs[::-1]
