"""Baseline: a follower of the score, in integers; what is judged is the score above it.

It is asymmetric on purpose. A rising level makes the detector less sensitive: the rise is slow and limited, so that
nobody can raise it quickly. A falling level makes it more sensitive: the fall is fast. During an alarm of the reference
rung the level stands still, so that an anomaly is not learnt, but for ``hold`` ticks at most, so that a lasting change
cannot block the detector for ever.

The reference rung is a rung at the level that training calibrated. It is a part of the score: no alarm level that
somebody chooses for a device changes a score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomsdk.core.checks import require
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.core.record import Record

MAX_LIMIT_Q16 = 1 << 48
"""Largest rise that can occur: a score is below 2**32, a rate at most 2**16."""
MAX_TICKS = 2**31 - 1
STATE_BYTES = 12
"""Size of the state in C: ``level_q16`` in 8 bytes, ``frozen`` in 4; the reference rung has its own."""


@dataclass(frozen=True)
class BaselinePlan:
    """Rates at which the level follows the score. With all rates 0 it is off: the level stays 0. A reference rung
    without rates is there for an extractor that learns.

    Nothing leaves 64 bits, and the level stays within 0 to 2**32 - 1, for any scores: with
    ``d = score - (level_q16 >> 16)``, a rise is at most ``d << 16`` and a fall is no more than that, since both
    rates are at most 65536. So ``level_q16`` ends between where it was and ``(score << 16) + 65535``, below 2**48,
    and every product is below 2**48 in magnitude.
    """

    start: int  # score: where the level starts
    rise_q16: int  # part of the distance that it rises a tick; 0: off
    fall_q16: int  # part of the distance that it falls a tick; 0: off
    limit_q16: int  # largest rise a tick, score in q16
    hold: int  # ticks: the longest that an alarm freezes it; 0: as long as the alarm lasts
    reference_score: int | None = None  # level of the rung whose alarm freezes what is learnt; None: none

    @property
    def is_on(self) -> bool:
        """Return True if the level moves."""
        return self.rise_q16 > 0

    def check(self) -> None:
        """Refuse rates at which the level could overshoot the score, and an off that is not all 0."""
        require(0 <= self.start <= UINT32_MAX, f"baseline: start is {self.start}, not 0 to 2**32 - 1")
        for name in ("rise_q16", "fall_q16"):
            rate = getattr(self, name)
            require(0 <= rate <= 1 << 16, f"baseline: {name} is {rate}, not 0 to 65536")
        require(
            (self.rise_q16 > 0) == (self.fall_q16 > 0),
            f"baseline: rise_q16 is {self.rise_q16} and fall_q16 is {self.fall_q16}, both or neither must be 0",
        )
        if not self.is_on:
            require(
                self.start == self.limit_q16 == self.hold == 0,
                "baseline: start, limit_q16 and hold must be 0 where the rates are 0 (off)",
            )
            reference = self.reference_score
            require(
                reference is None or 1 <= reference <= UINT32_MAX,
                f"baseline: reference_score is {reference}, not 1 to 2**32 - 1",
            )
            return
        require(
            1 <= self.limit_q16 <= MAX_LIMIT_Q16,
            f"baseline: limit_q16 is {self.limit_q16}, not 1 to 2**48",
        )
        require(0 <= self.hold <= MAX_TICKS, f"baseline: hold is {self.hold} ticks, not 0 to {MAX_TICKS}")
        reference = self.reference_score
        require(
            reference is not None, "baseline: reference_score is missing, the alarm level that freezes the baseline"
        )
        require(
            reference is not None and 1 <= reference <= UINT32_MAX,
            f"baseline: reference_score is {reference}, not 1 to 2**32 - 1",
        )


OFF = BaselinePlan(start=0, rise_q16=0, fall_q16=0, limit_q16=0, hold=0)


class Baseline:
    """Level of one pipeline: a tick takes the score `above` it, then lets it `follow`.

    Examples
    --------
    >>> import numpy as np
    >>> from anomsdk.core.baseline import Baseline, BaselinePlan
    >>> baseline = Baseline(BaselinePlan(start=100, rise_q16=6554, fall_q16=32768, limit_q16=2 << 16, hold=0))
    >>> baseline.run(np.array([150, 150, 50, 150])).tolist(), baseline.level_q16 / 65536
    ([50, 48, 0, 73], 79.0)
    """

    def __init__(self, plan: BaselinePlan) -> None:
        self._plan = plan
        self.reset()

    def reset(self) -> None:
        """Return to the start, as if no score had been seen."""
        self.level_q16 = self._plan.start << 16  # 0 to 2**48 - 1
        self._frozen = 0  # ticks in alarm so far, 0 to hold

    def save(self, record: Record) -> None:
        """Write the state into a record."""
        record.level_q16, record.frozen = self.level_q16, self._frozen

    def restore(self, record: Record) -> None:
        """Take the state from a record of a plan with the same baseline."""
        self.level_q16, self._frozen = record.level_q16, record.frozen

    def above(self, score: int) -> int:
        """Return the part of a score, 0 to 2**32 - 1, that is above the level."""
        return max(0, score - (self.level_q16 >> 16))

    def follow(self, score: int, alarm: bool) -> None:
        """Move the level toward a score; ``alarm``: the reference rung is in alarm after this tick."""
        plan = self._plan
        stays = alarm and (plan.hold == 0 or self._frozen < plan.hold)
        self._frozen = min(self._frozen + 1, plan.hold) if alarm else 0
        if stays:
            return
        d = score - (self.level_q16 >> 16)
        self.level_q16 += min(d * plan.rise_q16, plan.limit_q16) if d > 0 else d * plan.fall_q16

    def run(self, scores: Ints) -> Ints:
        """Compute the scores above the level for a stream without an alarm.

        Parameters
        ----------
        scores : int64 (n,), 0 to 2**32 - 1, one a tick

        Returns
        -------
        int64 (n,), 0 to 2**32 - 1
        """
        above = np.zeros(len(scores), np.int64)
        for tick, score in enumerate(scores.tolist()):
            above[tick] = self.above(score)
            self.follow(score, alarm=False)
        return above
