"""Rung: hits of one alarm level, and when it is up. M-of-N, on-delay, off-delay, then cooldown.

Durations are counted in ticks. One tick, with the score s, does this, in this order:

1. ``hit = s >= raise``; the last n hits hold at least m: ``votes``.
2. In alarm: ``in_row`` counts the ticks in a row with ``s < clear``, and ``calm`` counts them and the ticks of declared
   pauses among them. Once ``in_row`` exceeds off_delay, or ``calm`` reaches clear_after, the alarm clears, its hits are
   forgotten (a new alarm needs new ones) and the cooldown starts.
3. Not in alarm: ``in_row`` counts the ticks in a row with ``votes``; a running cooldown counts down by
   one and holds back whatever ``votes`` would raise. The alarm raises once ``in_row`` exceeds on_delay
   outside the cooldown, or at once, cooldown or not, when ``high > 0 and s >= high``.

Ticks that never came are lost in a gap, or were never due in a declared pause: a gap starts what is counted in a row
afresh, a pause does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from anomsdk.core.checks import require
from anomsdk.core.fixed import UINT32_MAX
from anomsdk.core.record import RungRecord

MAX_N = 16
MAX_TICKS = 2**31 - 1


class Change(IntEnum):
    """Change of a rung in one tick: its code, ANOM_CHANGE_<NAME> in C."""

    NONE = 0
    CLEARED = 1
    RAISED = 2
    RAISED_HIGH = 3  # the score reached the high level


@dataclass(frozen=True, eq=False)
class TimingPlan:
    """Votes, delays and ratios of the alert logic. Together with the score they determine `score_id`."""

    m: int
    n: int
    on_delay: int  # ticks
    off_delay: int  # ticks
    cooldown: int  # ticks
    clear_ratio_q16: int  # clear level over raise level
    high_ratio_q16: int  # high level over raise level; 0: no high level
    clear_after: int | None = None  # ticks without a score at the clear level that clear an alarm, >= 1; None: off

    @property
    def ticks_to_clear(self) -> int:
        """Ticks in a row below the clear level, without a pause among them, that clear an alarm."""
        return min(self.off_delay + 1, self.clear_after or self.off_delay + 1)

    def check(self) -> None:
        """Refuse timing that cannot be counted."""
        require(
            1 <= self.m <= self.n <= MAX_N,
            f"alert: m of n is {self.m} of {self.n}, not 1 <= m <= n <= {MAX_N}",
        )
        for name in ("on_delay", "off_delay", "cooldown"):
            ticks = getattr(self, name)
            require(0 <= ticks <= MAX_TICKS, f"alert: {name} is {ticks} ticks, not 0 to {MAX_TICKS}")
        require(
            0 < self.clear_ratio_q16 <= 1 << 16,
            f"alert: clear_ratio_q16 is {self.clear_ratio_q16}, not 1 to 65536",
        )
        require(
            self.high_ratio_q16 == 0 or 1 << 16 < self.high_ratio_q16 <= 1 << 26,
            f"alert: high_ratio_q16 is {self.high_ratio_q16}, neither 0 nor 65537 to 2**26",
        )
        after = self.clear_after
        require(after is None or 1 <= after <= MAX_TICKS, f"alert: clear_after is {after} ticks, not 1 to {MAX_TICKS}")


@dataclass(frozen=True, eq=False)
class LevelPlan:
    """Levels of the score; all three follow from ``raise_score`` and the ratios of the timing."""

    raise_score: int
    clear_score: int
    high_score: int  # 0: no high level

    def check(self, timing: TimingPlan) -> None:
        """Refuse levels that are inverted or do not follow from the raise level."""
        require(
            1 <= self.raise_score <= UINT32_MAX,
            f"alert: raise_score is {self.raise_score}, not 1 to 2**32 - 1",
        )
        expected = levels(self.raise_score, timing)
        require(
            (self.clear_score, self.high_score) == (expected.clear_score, expected.high_score),
            "alert: clear_score and high_score do not follow from raise_score and the ratios",
        )


def levels(raise_score: int, timing: TimingPlan) -> LevelPlan:
    """Derive levels from a raise level: the products are rounded down (clear, at least 1) and up (high, saturating)."""
    clear = max(1, raise_score * timing.clear_ratio_q16 >> 16)
    high = min(UINT32_MAX, -(-raise_score * timing.high_ratio_q16 >> 16))
    return LevelPlan(raise_score, clear, high)


class Rung:
    """Votes, delays and hysteresis of one alarm level.

    Parameters
    ----------
    timing : votes and delays
    level : levels of the score
    cooldown : ticks after a clear in which only the high level raises: ``timing.cooldown``, or 0 for none

    Examples
    --------
    >>> from anomsdk.core.rung import Rung, TimingPlan, levels
    >>> timing = TimingPlan(2, 3, 0, 0, 0, clear_ratio_q16=52429, high_ratio_q16=4 << 16)
    >>> rung = Rung(timing, levels(1000, timing), cooldown=0)
    >>> [rung.step(score).name for score in (1000, 900, 1200, 800, 799, 4000)]
    ['NONE', 'NONE', 'RAISED', 'NONE', 'CLEARED', 'RAISED_HIGH']
    """

    def __init__(self, timing: TimingPlan, level: LevelPlan, cooldown: int) -> None:
        self._timing, self._level, self._cools = timing, level, cooldown > 0
        self.reset()

    def reset(self) -> None:
        """Return to no alarm, as if no tick had been seen."""
        self.in_row = 0  # ticks in a row: in alarm below the clear level, else with enough hits
        self.calm = 0  # ticks since the last score at the clear level, in alarm: 0 to 2**32 - 1
        self.cooldown = 0  # ticks left
        self.hits = 0  # bit i: the score i ticks ago reached the raise level
        self.in_alarm = False

    def step(self, score: int) -> Change:
        """Judge one tick by its score, 0 to 2**32 - 1."""
        timing, level = self._timing, self._level
        self.hits = (self.hits << 1 | (score >= level.raise_score)) & ((1 << timing.n) - 1)
        votes = self.hits.bit_count() >= timing.m
        if self.in_alarm:
            quiet = score < level.clear_score
            self.in_row = min(self.in_row + 1, UINT32_MAX) if quiet else 0
            self.calm = min(self.calm + 1, UINT32_MAX) if quiet else 0
            if self.in_row <= timing.off_delay and not 0 < (timing.clear_after or 0) <= self.calm:
                return Change.NONE
            self.clear()
            return Change.CLEARED
        self.in_row = min(self.in_row + 1, UINT32_MAX) if votes else 0
        held_back = self.cooldown > 0
        self.cooldown -= held_back
        high = 0 < level.high_score <= score
        if not high and (self.in_row <= timing.on_delay or held_back):
            return Change.NONE
        self.in_row = self.calm = 0
        self.in_alarm = True
        return Change.RAISED_HIGH if high else Change.RAISED

    def clear(self) -> None:
        """End the alarm: its hits are forgotten, and the cooldown starts."""
        self.cooldown = self._timing.cooldown if self._cools else 0
        self.hits = self.in_row = self.calm = 0
        self.in_alarm = False

    def relevel(self, level: LevelPlan) -> None:
        """Go on at another level: counts of ticks say nothing of it, and an alarm that stands goes on."""
        self._level = level
        self.hits = self.in_row = self.calm = 0

    def gap(self, lost_ticks: int) -> None:
        """Account for lost ticks: all counts of ticks in a row start again, the cooldown runs on."""
        self.hits = self.in_row = 0
        self.cooldown -= min(self.cooldown, lost_ticks)

    def pause(self, ticks: int) -> None:
        """Account for the ticks of a declared pause: counts stay, what is calm stays calm, the cooldown runs on."""
        if self.calm > 0:
            self.calm = min(self.calm + ticks, UINT32_MAX)
        self.cooldown -= min(self.cooldown, ticks)

    def save(self, record: RungRecord) -> None:
        """Write the state into its part of a record."""
        record.in_row, record.calm, record.cooldown = self.in_row, self.calm, self.cooldown
        record.hits, record.in_alarm = self.hits, self.in_alarm

    def restore(self, record: RungRecord, *, releveled: bool = False) -> None:
        """Take the state from its part of a record.

        Parameters
        ----------
        record : RungRecord
        releveled : the record's levels were others: what they counted is forgotten, and an alarm that stands goes on
            until it clears by these
        """
        self.in_row, self.calm, self.cooldown = record.in_row, record.calm, record.cooldown
        self.hits, self.in_alarm = record.hits, record.in_alarm
        if releveled:
            self.hits = self.in_row = self.calm = 0
