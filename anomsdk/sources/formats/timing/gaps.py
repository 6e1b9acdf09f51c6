"""Gaps in a recording: a few missing samples that are bridged, longer dropouts, and pauses of a duty cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomsdk.sources.formats.timing.device_clock import HOUR_S

PAUSE_S = 60.0
"""Shortest pause in seconds; samples missing in a shorter gap were dropped."""
DUTY_S, DUTY_ROWS = 1.0, 10
"""Shortest pause of a duty cycle in seconds, and the fewest rows of the burst before or after it."""
MOST_BRIDGED = 0.05
"""Largest share of bridged samples in a recording."""
_KEPT = 4096
"""Most values that are kept for a median."""
_EVEN, _MOSTLY = 0.1, 0.8
"""A duty cycle is even where 80 % of its periods and pauses are within 10 % of their median."""
_LEAST_EVEN, _LEAST_UNEVEN = 0.05, 0.2
"""Smallest share that pauses take of the period of an even duty cycle, and of a recording with an uneven one."""


def in_seconds(seconds: float) -> str:
    """Write a length of time with three digits, from 1,000 s on in whole seconds.

    Examples
    --------
    >>> in_seconds(0.05), in_seconds(59.95), in_seconds(3600.04)
    ('0.05 s', '60 s', '3,600 s')
    """
    return f"{seconds:.3g} s" if seconds < 999.5 else f"{seconds:,.0f} s"


class Gaps:
    """Takes the gaps of a recording in order, and tells bridged gaps, dropouts and pauses apart in constant memory.

    Parameters
    ----------
    max_bridge : largest number of missing samples of a gap that may be bridged
    pause_s : shortest and longest gap, in seconds, that is a pause which a plan declares; None: none is declared

    Attributes
    ----------
    dropped, others : number of samples missing in gaps that are neither short nor pauses, and number of these gaps
    pauses : number of gaps that are pauses and not declared
    declared, declared_s : number of gaps that are declared pauses, and their total length in seconds
    hours, n_hours : the first row before which the clock jumped by whole hours, if any, and the number of such rows
    """

    def __init__(self, max_bridge: int, pause_s: tuple[float, float] | None = None) -> None:
        self._declares = pause_s
        self.declared, self.declared_s = 0, 0.0
        self._small = np.zeros(max_bridge + 1, np.int64)  # number of gaps by their missing samples
        self._small_s = np.zeros(max_bridge + 1)
        self._rows = 0  # since the last gap that is not bridged
        self._waits: _Gap | None = None  # the number of rows after it decides its kind
        self.dropped = self.others = self.pauses = 0
        self._others_s = self._paused_s = 0.0
        self.hours: list[int] = []
        self.n_hours = 0
        self._all, self._step_s = 0, 0.0
        self._unsure = 0  # samples missing in pauses that may be dropouts
        self._between, self._cycles = _Values(), _Values()
        self._last: _Gap | None = None

    def rows(self, n: int) -> None:
        """Take ``n`` rows without a gap."""
        self._rows += n
        self._all += n

    def gap(
        self, row: int, before_s: float, after_s: float, missing: float, step_s: float, next_s: float | None = None
    ) -> None:
        """Take a gap.

        Parameters
        ----------
        row : row behind the gap
        before_s, after_s : stamps before and behind the gap, seconds
        missing : number of samples missing, which may be a fraction
        step_s : time from sample to sample, seconds
        next_s : usual time from one stamp to the next, seconds; None for ``step_s``
        """
        n = max(1, round(missing))
        if self._is_declared(missing * step_s, step_s):
            self.declared += 1
            self.declared_s += missing * step_s
            self.broken()  # of all others bursts and pauses are counted anew behind it
            return
        if n < len(self._small):
            self._small[n] += 1
            self._small_s[n] += missing * step_s
            return
        hours = (after_s - before_s - (step_s if next_s is None else next_s)) / HOUR_S
        if round(hours) >= 1 and abs(hours - round(hours)) * HOUR_S <= max(step_s, 1e-3):
            self.n_hours += 1
            self.hours = self.hours or [row]
        self._decide()
        self._waits = _Gap(self._rows, missing, step_s, before_s, after_s)
        self._rows, self._step_s = 0, step_s

    def _is_declared(self, lost_s: float, step_s: float) -> bool:
        """Return True for the length of a declared pause; half a step beside it counts, as stamps are rounded."""
        if self._declares is None:
            return False
        shortest, longest = self._declares
        return shortest - step_s / 2 <= lost_s <= longest + step_s / 2

    def broken(self) -> None:
        """Take a setting of the clock, behind which bursts and pauses are counted anew."""
        self._decide()
        self._rows, self._last = 0, None

    def end(self) -> None:
        """End the recording."""
        self._decide()

    def _decide(self) -> None:
        """Count the gap that waits as a pause or as a dropout, by its length and by the rows on both sides of it."""
        gap, self._waits = self._waits, None
        if gap is None:
            return
        lost_s = gap.missing * gap.step_s
        duty = lost_s >= DUTY_S and max(gap.rows, self._rows) >= DUTY_ROWS
        if not duty and lost_s < PAUSE_S:
            self.dropped += round(gap.missing)
            self.others += 1
            self._others_s += lost_s
            return
        self.pauses += 1
        self._paused_s += lost_s
        self._unsure += round(gap.missing) * (lost_s < PAUSE_S)
        self._between.add(lost_s)
        if self._last is not None:
            self._cycles.add(gap.before_s - self._last.before_s)
            self._cycles.add(gap.after_s - self._last.after_s)
        self._last = gap

    def bridge(self, rows: int) -> tuple[int, int, int]:
        """Choose the gaps that are bridged so that bridged samples are no more than `MOST_BRIDGED` of the recording.

        Returns
        -------
        the largest number of missing samples of a bridged gap, the number of bridged samples, and of bridged gaps
        """
        for most in range(len(self._small) - 1, 0, -1):
            gaps = int(self._small[: most + 1].sum())
            samples = int((self._small[: most + 1] * np.arange(most + 1)).sum())
            if samples <= MOST_BRIDGED * (rows + samples):
                return most, samples, gaps
        return 0, 0, 0

    def share_dropped(self, rows: int) -> float:
        """Return the share of samples that were dropped, bridged ones included, in a recording of ``rows`` rows."""
        dropped = self.dropped + self.small() + (0 if self._even() or not self._broken() else self._unsure)
        return dropped / (dropped + rows)

    def left(self, bridged: int) -> tuple[int, float]:
        """Return the number of gaps that are neither bridged nor pauses of a duty cycle, and their total in seconds."""
        small, small_s = self._small[bridged + 1 :].sum(), self._small_s[bridged + 1 :].sum()
        pauses, paused_s = (0, 0.0) if self.cycle() else (self.pauses, self._paused_s)
        return int(small) + self.others + pauses, float(small_s) + self._others_s + paused_s

    def small(self) -> int:
        """Return the number of samples missing in gaps that are short enough to be bridged."""
        return int((self._small * np.arange(len(self._small))).sum())

    def cycle(self) -> str | None:
        """Describe the duty cycle in words; None where there is none, or where the plan declares one."""
        if self._declares is not None:
            return None
        if self._even():
            cycle = self._cycles.median
            burst = in_seconds(cycle - self._between.median)
            return f"recorded {burst} of every {in_seconds(cycle)}: each burst a piece of its own"
        uneven = self._paused_s >= _LEAST_UNEVEN * (self._paused_s + self._all * self._step_s)
        if self.pauses < 3 or not uneven or self._broken():
            return None
        return (
            f"recorded in {self.pauses + 1:,} bursts with pauses of {in_seconds(self._between.least)} to "
            f"{in_seconds(self._between.most)}, {in_seconds(self._paused_s)} in all: each burst a piece of its own"
        )

    def _even(self) -> bool:
        """Tell whether bursts and pauses recur evenly."""
        cycle, pause = self._cycles.median, self._between.median
        near = min(self._cycles.share_near(cycle), self._between.share_near(pause))
        return self.pauses > 1 and near >= _MOSTLY and pause >= _LEAST_EVEN * cycle

    def _broken(self) -> bool:
        """Tell whether dropouts are so frequent that the pauses may be dropouts, too."""
        return self.others > 2 * self.pauses

    @property
    def lost_s(self) -> float:
        """Total length of all gaps in seconds, bridged ones included."""
        return float(self._small_s.sum()) + self._others_s + self._paused_s + self.declared_s

    @property
    def n(self) -> int:
        """Number of all gaps, bridged ones included."""
        return int(self._small.sum()) + self.others + self.pauses + self.declared


@dataclass(frozen=True)
class _Gap:
    """A gap whose kind is not decided yet, and the number of rows without a gap before it."""

    rows: int
    missing: float
    step_s: float
    before_s: float
    after_s: float


class _Values:
    """Least, greatest and approximate median of values; when full, it drops every second one that it keeps."""

    def __init__(self) -> None:
        self.least, self.most = np.inf, -np.inf
        self._kept, self._each, self._seen = list[float](), 1, 0

    def add(self, value: float) -> None:
        """Take a value."""
        self.least, self.most = min(self.least, value), max(self.most, value)
        if self._seen % self._each == 0:
            self._kept.append(value)
        self._seen += 1
        if len(self._kept) == _KEPT:
            self._kept, self._each = self._kept[::2], 2 * self._each

    @property
    def median(self) -> float:
        """Median of the values that are kept; 0 where there are none."""
        return float(np.median(self._kept)) if self._kept else 0.0

    def share_near(self, value: float) -> float:
        """Return the share of the kept values within 10 % of ``value``."""
        if not self._kept or value <= 0:
            return 0.0
        return float((np.abs(np.array(self._kept) - value) <= _EVEN * value).mean())
