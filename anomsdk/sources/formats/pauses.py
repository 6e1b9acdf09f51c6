"""Where samples are missing: a few that are bridged, samples that were dropped, and the pauses of duty cycles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomsdk.sources.formats.clock import HOUR_S

PAUSE_S = 60.0
"""A gap of this length or more is a pause between recordings; samples missing in shorter ones were dropped."""
DUTY_S, DUTY_ROWS = 1.0, 10
"""So is a gap of this length and more beside this many rows without a gap: the burst of a duty cycle."""
MOST_BRIDGED = 0.05
"""Share of a recording that bridged samples are at most."""
_KEPT = 4096
_EVEN, _MOSTLY = 0.1, 0.8
"""A duty cycle is even when so many of its periods and pauses are within a tenth of their median."""
_LEAST_EVEN, _LEAST_UNEVEN = 0.05, 0.2
"""Share of a period, or of a recording, that pauses of a duty cycle take, at least."""


def in_seconds(seconds: float) -> str:
    """A length of time with three digits, and whole seconds.

    Examples
    --------
    >>> in_seconds(0.05), in_seconds(59.95), in_seconds(3600.04)
    ('0.05 s', '60 s', '3,600 s')
    """
    return f"{seconds:.3g} s" if seconds < 999.5 else f"{seconds:,.0f} s"


class Gaps:
    """Takes the gaps of a recording in order, and tells at the end which are what; its memory does not grow.

    Parameters
    ----------
    max_bridge : missing samples of a gap that may be bridged, at most

    Attributes
    ----------
    dropped, others : samples missing in gaps that are neither short nor pauses, and these gaps
    pauses : gaps that are pauses
    hours, n_hours : the first row before which the clock went on by whole hours, and how many such rows there are
    """

    def __init__(self, max_bridge: int) -> None:
        self._small = np.zeros(max_bridge + 1, np.int64)  # gaps of so many samples
        self._small_s = np.zeros(max_bridge + 1)
        self._rows = 0  # since a gap that is not bridged
        self._waits: _Gap | None = None  # what follows it decides what it is
        self.dropped = self.others = self.pauses = 0
        self._others_s = self._paused_s = 0.0
        self.hours: list[int] = []
        self.n_hours = 0
        self._all, self._step_s = 0, 0.0
        self._unsure = 0  # samples missing in pauses that may have been dropped as well
        self._between, self._cycles = _Values(), _Values()
        self._last: _Gap | None = None

    def rows(self, n: int) -> None:
        """Rows without a gap follow."""
        self._rows += n
        self._all += n

    def gap(
        self, row: int, before_s: float, after_s: float, missing: float, step_s: float, next_s: float | None = None
    ) -> None:
        """Samples are missing between the stamps of two rows, the second of which is usually ``next_s`` later.

        ``missing`` need not be whole.
        """
        n = max(1, round(missing))
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

    def broken(self) -> None:
        """The clock was set back: bursts and pauses begin anew."""
        self._decide()
        self._rows, self._last = 0, None

    def end(self) -> None:
        """The recording is over."""
        self._decide()

    def _decide(self) -> None:
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
        """What is bridged: samples of a gap, at most, so that no more than `MOST_BRIDGED` are; in all; and gaps."""
        for most in range(len(self._small) - 1, 0, -1):
            gaps = int(self._small[: most + 1].sum())
            samples = int((self._small[: most + 1] * np.arange(most + 1)).sum())
            if samples <= MOST_BRIDGED * (rows + samples):
                return most, samples, gaps
        return 0, 0, 0

    def share_dropped(self, rows: int) -> float:
        """Samples that were dropped, bridged ones among them, over all."""
        dropped = self.dropped + self.small() + (0 if self._even() or not self._broken() else self._unsure)
        return dropped / (dropped + rows)

    def left(self, bridged: int) -> tuple[int, float]:
        """Gaps that are neither bridged nor of a duty cycle, and how many seconds are missing in them."""
        small, small_s = self._small[bridged + 1 :].sum(), self._small_s[bridged + 1 :].sum()
        pauses, paused_s = (0, 0.0) if self.cycle() else (self.pauses, self._paused_s)
        return int(small) + self.others + pauses, float(small_s) + self._others_s + paused_s

    def small(self) -> int:
        """Samples missing in gaps that were short enough to be bridged."""
        return int((self._small * np.arange(len(self._small))).sum())

    def cycle(self) -> str | None:
        """The duty cycle in words; None: there is none."""
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
        """Whether bursts come at even distances."""
        cycle, pause = self._cycles.median, self._between.median
        near = min(self._cycles.share_near(cycle), self._between.share_near(pause))
        return self.pauses > 1 and near >= _MOSTLY and pause >= _LEAST_EVEN * cycle

    def _broken(self) -> bool:
        """Whether samples are missing so often between the pauses that these may be no pauses."""
        return self.others > 2 * self.pauses

    @property
    def lost_s(self) -> float:
        """Seconds that are missing in all gaps, bridged ones among them."""
        return float(self._small_s.sum()) + self._others_s + self._paused_s

    @property
    def n(self) -> int:
        """All gaps."""
        return int(self._small.sum()) + self.others + self.pauses


@dataclass(frozen=True)
class _Gap:
    """A gap, and the rows without one before it."""

    rows: int
    missing: float
    step_s: float
    before_s: float
    after_s: float


class _Values:
    """Least, most and about the median of values; when it is full, every second one is left out."""

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
        """Of those that are kept; 0 where there are none."""
        return float(np.median(self._kept)) if self._kept else 0.0

    def share_near(self, value: float) -> float:
        """Share of the values within a tenth of this one."""
        if not self._kept or value <= 0:
            return 0.0
        return float((np.abs(np.array(self._kept) - value) <= _EVEN * value).mean())
