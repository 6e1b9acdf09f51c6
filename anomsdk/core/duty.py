"""Duty: the pauses between its samples that a plan declares.

A declared pause is no fault: counts of ticks in a row do not start again, and no tick was due in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.core.checks import require

MAX_EVERY = 2**31 - 1
"""Longest period, in samples."""
_SLACK = 16
"""A pause may be longer than declared by a 16th of the period, as clocks that wake a device are not exact."""


@dataclass(frozen=True)
class DutyPlan:
    """Duty cycle, in samples at the rate of the sensor: ``on`` of every ``every``."""

    on: int
    every: int

    def check(self) -> None:
        """Refuse a duty that is no part of its period."""
        require(2 <= self.every <= MAX_EVERY, f"duty: every is {self.every} samples, not 2 to {MAX_EVERY}")
        require(1 <= self.on < self.every, f"duty: on is {self.on} samples, not 1 to {self.every - 1}")

    @property
    def shortest_pause(self) -> int:
        """Shortest declared pause, in samples: half of the pause that the duty leaves. Less than that was lost."""
        return (self.every - self.on + 1) // 2

    @property
    def longest_pause(self) -> int:
        """Longest declared pause, in samples: the pause that the duty leaves, and a 16th of the period."""
        return self.every - self.on + self.every // _SLACK


def is_pause(duty: DutyPlan | None, n: int) -> bool:
    """Return True if ``n`` samples that did not come can be a declared pause; False without a duty."""
    return duty is not None and duty.shortest_pause <= n <= duty.longest_pause


def due_q31(duty: DutyPlan | None, ticks_on: int, hop: int, hops_per_tick: int) -> int:
    """Compute the ticks that are due in each hop of time, rounded up, 1 to 2**31.

    Parameters
    ----------
    duty : None: without a pause
    ticks_on : ticks in the ``on`` samples of the duty
    hop : samples
    hops_per_tick : hops from one tick to the next, without a pause
    """
    ticks, samples = (1, hops_per_tick * hop) if duty is None else (ticks_on, duty.every)
    return -(-(ticks * hop << 31) // samples)
