"""Diary: ticks and movement of a pipeline, summed over a slot into a row of at most 8 numbers.

Slots count from the start of the pipeline. The sums live for one slot, and a row until it is taken. Hops whose ticks
are void and hops that were lost are not counted; those of a declared pause are not due. A row is missing, but for its
coverage, where less than half of the hops that were due were counted, or no tick was judged.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from anomsdk.core.checks import require
from anomsdk.core.event import score_log2_q8

COLUMNS = {"mean_score": 1, "highest_score": 2, "vedba_mean": 3, "jerk_mean": 4, "coverage": 5}
"""Column -> its code in C. Scores are log2 in q8, movement is in 0.1 mg, coverage in 0.1 %."""
MOVEMENT = ("vedba_mean", "jerk_mean")
"""Columns that are means over the windows of a slot; features of motion have their names."""
MISSING = -32768
MAX_COLUMNS = 8
ROW_VERSION = 1
ROW = struct.Struct(f"<HBB{MAX_COLUMNS}h")
"""Row for a radio: slot modulo 2**16, coverage in 0.5 %, tag, then 8 columns; those that a plan lacks are missing."""
_FULL = 1000
_INT16 = 32767
_FEWEST_HOPS = 60
_LOG_LOW, _LOG_HIGH = -1024, 20 << 10
# fmt: off
POWER_Q15 = (32768, 34219, 35734, 37316, 38968, 40693, 42495, 44376, 46341, 48393, 50535, 52773, 55109, 57549, 60097,
             62757, 65536)
"""``round(2**15 * 2**(i / 16))`` for i = 0 to 16."""
# fmt: on


@dataclass(frozen=True, eq=False)
class DiaryPlan:
    """Length of a slot and the columns of a row."""

    slot_q16: int  # hops
    gain_q16: int  # 0.1 mg in a count of acceleration; 0: no column of movement
    columns: tuple[str, ...]  # of COLUMNS

    def check(self) -> None:
        """Refuse a slot that cannot be counted, and columns that are unknown or named twice."""
        low, high = _FEWEST_HOPS << 16, (1 << 47) - 1
        require(low <= self.slot_q16 <= high, f"diary: a slot of {self.slot_q16} / 65536 hops is not 60 to 2**31")
        require(0 <= self.gain_q16 < 1 << 31, f"diary: gain_q16 is {self.gain_q16}, not 0 to 2**31 - 1")
        known = set(self.columns) <= set(COLUMNS) and len(set(self.columns)) == len(self.columns)
        require(known and len(self.columns) > 0, "diary: columns are none, unknown or named twice")
        needs = any(name in MOVEMENT for name in self.columns)
        require(needs == (self.gain_q16 > 0), "diary: gain_q16 is for columns of movement only")


def _power_q8(level: int) -> int:
    """Compute ``2**level`` in q8 from a level in q10."""
    level = min(max(level, _LOG_LOW), _LOG_HIGH)
    at, rest = level >> 6 & 15, level & 63
    mantissa = POWER_Q15[at] + ((POWER_Q15[at + 1] - POWER_Q15[at]) * rest >> 6)
    return mantissa << (level >> 10) + 1 >> 8


def _divided(x: int, by: int) -> tuple[int, int]:
    """Divide, rounded down, with the remainder."""
    return divmod(x, by)


class Diary:
    """Sums of the running slot, and rows that are finished.

    Parameters
    ----------
    plan : DiaryPlan
    floor : counts that the levels of movement have in them and that a row leaves out
    """

    def __init__(self, plan: DiaryPlan, floor: int) -> None:
        self._plan, self._floor = plan, floor
        self.reset()

    def reset(self) -> None:
        """Start again with an empty slot, and without rows."""
        self._elapsed_q16 = self._ticks = self._highest = 0
        self._rows: list[tuple[int, ...]] = []
        self._clear()

    def resume(self, hop: int) -> None:
        """Go on at a hop in the middle of its slot, of which nothing was seen; only after `reset`."""
        self._elapsed_q16 = _divided(hop << 16, self._plan.slot_q16)[1]

    def hop(self, void: bool, levels: Sequence[int]) -> None:
        """Count one hop that was seen.

        Parameters
        ----------
        void : its ticks are void
        levels : of `MOVEMENT`, log2 in q10; empty: the extractor has none
        """
        self._settle()
        self._elapsed_q16 += 1 << 16
        if void:
            return
        self._seen += 1
        for at, level in enumerate(levels):
            self._movement[at] += max(0, _power_q8(level) - (self._floor << 8))

    def tick(self, score: int) -> None:
        """Count the score of a tick that is not void, in the hop that was counted last."""
        self._ticks += 1
        self._scores += score
        self._highest = max(self._highest, score)

    def lose(self, hops: int, pause: bool) -> None:
        """Let hops pass without a sample; in a declared pause they are not due."""
        self._settle()
        while hops > 0:
            left = min(hops, -(-(self._plan.slot_q16 - self._elapsed_q16) >> 16))
            self._elapsed_q16 += left << 16
            self._paused += left * pause
            hops -= left
            self._settle()

    def rows(self) -> list[tuple[int, ...]]:
        """Take the rows that are finished."""
        self._settle()
        found, self._rows = self._rows, []
        return found

    def _clear(self) -> None:
        self._scores = self._highest = self._ticks = self._seen = self._paused = 0
        self._movement = [0, 0]

    def _row_value(self, name: str) -> int:
        if name == "mean_score":
            return score_log2_q8(_divided(self._scores, self._ticks)[0])
        if name == "highest_score":
            return score_log2_q8(self._highest)
        mean_q8 = _divided(self._movement[MOVEMENT.index(name)], self._seen)[0]
        return min(_INT16, mean_q8 * self._plan.gain_q16 + (1 << 23) >> 24)

    def _row(self) -> tuple[int, ...]:
        due = max(1, (self._elapsed_q16 >> 16) - self._paused)
        coverage = _divided(self._seen * _FULL, due)[0]
        missing = self._seen == 0 or self._ticks == 0 or 2 * self._seen < due
        return tuple(
            coverage if name == "coverage" else MISSING if missing else self._row_value(name)
            for name in self._plan.columns
        )

    def _settle(self) -> None:
        """Finish the row of a slot that has ended."""
        if self._elapsed_q16 < self._plan.slot_q16:
            return
        self._rows.append(self._row())
        self._elapsed_q16 -= self._plan.slot_q16
        self._clear()


def encode(plan: DiaryPlan, slot: int, row: Sequence[int]) -> bytes:
    """Write the 20 bytes of a row for a radio.

    Parameters
    ----------
    plan : DiaryPlan
    slot : number of the row, taken modulo 2**16
    row : columns of the plan
    """
    coverage = dict(zip(plan.columns, row, strict=True)).get("coverage", 0)
    tag = ROW_VERSION << 4 | len(plan.columns)
    return ROW.pack(slot & 0xFFFF, coverage // 5, tag, *row, *(MISSING,) * (MAX_COLUMNS - len(row)))


def decoded(data: bytes) -> tuple[int, int, tuple[int, ...]]:
    """Read the 20 bytes of a row.

    Returns
    -------
    slot : number of the row, modulo 2**16
    coverage : in 0.5 %; 0 where the plan has no such column
    row : columns

    Raises
    ------
    InputError : another length or tag
    """
    require(len(data) == ROW.size, f"row: {len(data)} bytes, not {ROW.size}; give one row as it was sent")
    slot, coverage, tag, *values = ROW.unpack(data)
    n = tag & 15
    require(tag >> 4 == ROW_VERSION and 1 <= n <= MAX_COLUMNS, f"row: tag {tag} is of no row of this release; update")
    return slot, coverage, tuple(values[:n])
