"""Reasons: which groups of features were most unusual at the tick that raised the alarm.

A group is the more unusual, the larger its part of the score, times a gain that makes groups comparable. It need not be
the cause: a model may reconstruct one feature badly because of another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast, require, require_array
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.core.score import ScorePlan, error, sizes

MAX_GROUPS = 16
MAX_CODE = 63
MAX_GAIN = 1 << 30
N_REASONS = 3
N_PARTS = 16


class Group(IntEnum):
    """Code of a group of features. Codes never change, so that a receiver needs nothing but the event."""

    LOW_BANDS = 1
    MID_BANDS = 2
    HIGH_BANDS = 3
    LOUDNESS = 4
    IMPULSES = 5
    MAGNITUDE = 16
    DYNAMIC_ACCELERATION = 17
    JERK = 18
    POSTURE = 19
    RHYTHM = 20
    SLOW_MOTION = 21
    MID_MOTION = 22
    FAST_MOTION = 23
    ROTATION = 24
    MOTION_X = 25
    MOTION_Y = 26
    MOTION_Z = 27
    DAY_TOTAL = 28
    HOURS_OF_DAY = 29
    DAY_RHYTHM = 30
    DAY_PHASE = 31
    QUIET_HOURS = 32
    BUSY_HOURS = 33
    LAST_HOURS = 34
    TREND = 35
    PART_1 = 48
    PART_2 = 49
    PART_3 = 50
    PART_4 = 51
    PART_5 = 52
    PART_6 = 53
    PART_7 = 54
    PART_8 = 55
    PART_9 = 56
    PART_10 = 57
    PART_11 = 58
    PART_12 = 59
    PART_13 = 60
    PART_14 = 61
    PART_15 = 62
    PART_16 = 63


class Direction(IntEnum):
    """Direction in which a group differs from normal: the direction of its most unusual input."""

    CHANGED = 0
    HIGH = 1
    LOW = 2
    UNSTEADY = 3


WITHOUT_DIRECTION = frozenset({Group.POSTURE, Group.HOURS_OF_DAY, Group.DAY_RHYTHM, Group.DAY_PHASE})
"""Groups whose features have no high or low: they are `Direction.CHANGED`."""


@dataclass(frozen=True, eq=False)
class ReasonsPlan:
    """Groups of the model's inputs. A code and a direction are one byte: ``code | direction << 6``.

    The residual of a group is a part of the score, or of one in groups at most 2**32 - 1, and a gain is at most 2**30:
    their product is below 2**62.
    """

    groups: NDArray[np.uint8]  # (n_in,), bits 0 to 3: the input's group; 4, 5: its direction above; 6, 7: below
    codes: NDArray[np.uint8]  # (n_groups,), 1 to 63
    gain: NDArray[np.int32]  # (n_groups,), 1 to 2**30

    def check(self, n: int) -> None:
        """Refuse missing groups, and prove that no product leaves 64 bits."""
        n_groups = len(self.codes)
        require(1 <= n_groups <= MAX_GROUPS, f"reasons: {n_groups} groups, not 1 to {MAX_GROUPS}")
        require_array(self.groups, "u1", (n,), "reasons: groups")
        require_array(self.codes, "u1", (n_groups,), "reasons: codes")
        require_array(self.gain, "<i4", (n_groups,), "reasons: gain")
        require((self.groups & 15 < n_groups).all(), "reasons: an input is of a group that is not there")
        require((self.codes >= 1).all() and (self.codes <= MAX_CODE).all(), f"reasons: a code is not 1 to {MAX_CODE}")
        require(len(set(self.codes.tolist())) == n_groups, "reasons: a code stands there twice")
        require((self.gain >= 1).all() and (self.gain <= MAX_GAIN).all(), "reasons: a gain is not 1 to 2**30")


def band_groups(n_bands: int) -> tuple[Group, ...]:
    """Return the group of each band: low, middle or high third of the bands, by the middle of the band."""
    thirds = (Group.LOW_BANDS, Group.MID_BANDS, Group.HIGH_BANDS)
    return tuple(thirds[(2 * band + 1) * 3 // (2 * n_bands)] for band in range(n_bands))


def part_groups(n_features: int) -> tuple[Group, ...]:
    """Return the group of each value of a row: parts of ``ceil(n / 16)`` values, so that up to 16 have one each."""
    width = -(-n_features // N_PARTS)
    return tuple(Group(Group.PART_1 + value // width) for value in range(n_features))


def marks(groups: tuple[Group, ...], unsteady: tuple[bool, ...]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Number the groups of the model's inputs, with their directions.

    Parameters
    ----------
    groups : group of each feature
    unsteady : for each statistic or frame in the input: True if a high value means "unsteady", not "high"

    Returns
    -------
    groups : uint8 (n_in,), as `ReasonsPlan` has them
    codes : uint8 (n_groups,), codes of the groups in ascending order
    """
    codes = sorted(set(groups))
    found = [codes.index(group) | _directions(group, part) << 4 for part in unsteady for group in groups]
    return checked_cast(found, "u1", "reasons: groups"), checked_cast(codes, "u1", "reasons: codes")


def _directions(group: Group, unsteady: bool) -> int:
    if unsteady:
        return Direction.UNSTEADY
    return 0 if group in WITHOUT_DIRECTION else Direction.HIGH | Direction.LOW << 2


def words(reasons: tuple[int, ...]) -> tuple[str, ...]:
    """Write the reasons of an event in words; they are the most unusual groups, not the cause.

    Parameters
    ----------
    reasons : bytes of an event: three in layout 1, two in layout 2

    Returns
    -------
    words for each byte that is not 0, the most unusual first

    Examples
    --------
    >>> words((0x44, 0x13, 0))
    ('loudness high', 'posture changed')
    """
    return tuple(_word(reason & 63, Direction(reason >> 6)) for reason in reasons if reason & 63)


def _word(code: int, direction: Direction) -> str:
    name = Group(code).name.lower().replace("_", " ") if code in list(Group) else f"group {code}"
    return f"{name} {direction.name.lower()}"


class Reasons:
    """Choice of the reasons for one plan."""

    def __init__(self, plan: ReasonsPlan, score: ScorePlan) -> None:
        self._plan, self._score = plan, score
        self._weights = score.weights.astype(np.int64)
        self._members = (plan.groups & 15) == np.arange(len(plan.codes))[:, None]  # (n_groups, n_in)

    def run(self, inputs: Ints, outputs: Ints) -> tuple[int, int, int]:
        """Choose the reasons of a tick: the groups with the largest products of residual and gain, ties to the first.

        Where the largest group of the score counts, the first reason is one of its own.

        Parameters
        ----------
        inputs, outputs : int64 (n_in,) in int8 range

        Returns
        -------
        three bytes, the most unusual first; 0 where no other group has a residual
        """
        errors = error(self._score, inputs, outputs)
        terms = self._weights * errors * errors
        products = np.minimum(self._members @ terms, UINT32_MAX) * self._plan.gain
        allowed = self._of_largest(errors)
        found = []
        for _ in range(N_REASONS):
            group = int(np.where(allowed, products, -1).argmax())
            named = products[group] > 0
            found.append(int(self._plan.codes[group]) | self._direction(group, inputs, terms) << 6 if named else 0)
            products[group] = 0
            allowed = np.ones(len(products), np.bool_)
        return found[0], found[1], found[2]

    def _of_largest(self, errors: Ints) -> NDArray[np.bool_]:
        """Return the groups that have an input in the group of the score that counts, (n_groups,)."""
        groups = self._score.groups
        if groups is None:
            return np.ones(len(self._members), np.bool_)
        counts = groups[int(sizes(self._score, errors[None])[0].argmax())]
        return self._members[:, counts.first : counts.last + 1].any(axis=1)

    def _direction(self, group: int, inputs: Ints, terms: Ints) -> int:
        """Return the direction of the first input with the group's largest term: above or below the zero point."""
        largest = int(np.where(self._members[group], terms, -1).argmax())
        mark, x = int(self._plan.groups[largest]), int(inputs[largest])
        if x > self._score.input_zero_point:
            return mark >> 4 & 3
        return mark >> 6 if x < self._score.input_zero_point else Direction.CHANGED
