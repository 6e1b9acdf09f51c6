"""Time stamps of a whole recording: one survey finds their rate and gaps, one pass makes an even stream of the rows.

Whatever is done to the rows (bridged, spread, left out) is a note of the timeline, which the user reads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError
from anomsdk.sources.formats.timing.device_clock import Clock, RowOrder
from anomsdk.sources.formats.timing.duplicate_rows import (
    Digests,
    KnownDigests,
    Repeats,
    RowDigests,
    digests,
    repeated_packets,
)
from anomsdk.sources.formats.timing.gaps import MOST_BRIDGED, Gaps, in_seconds
from anomsdk.sources.formats.timing.packet_stamps import PacketStamps, PacketStretches
from anomsdk.sources.formats.timing.packets import MOST_ROWS, PacketForm, packet_form
from anomsdk.sources.formats.timing.row_stamps import RowStamps, RowStretches
from anomsdk.sources.formats.timing.steps import Steps
from anomsdk.sources.formats.timing.timeline import Rows, Stamped, Timeline, Values, usual_step
from anomsdk.utils.text import counted

LONGEST_S = 1e10
"""Longest time from the first stamp in seconds, three centuries: later stamps are damaged or have another unit."""
MOST_DROPPED = 0.3
"""Largest share of dropped samples of a recording that is read."""
_HEAD_ROWS = 65_536
"""Number of rows at the start from which the kind of the stamps is found out."""
_REPEATED = 0.9
"""Share of rows with equal stamps that also have equal values, from which on they are repeated rows, not packets."""


class StampSurvey:
    """Surveys all time stamps of a recording in one pass; its memory does not grow with the recording.

    Parameters
    ----------
    where : name of the recording in messages
    row_name : names the row with an index from 0 in messages, as in ``line 12``
    wanted_hz : rate of the plan, rows per second; only packets with a rate near it are believed
    max_bridge : largest number of missing samples of a gap that may be bridged; 0 bridges none
    pause_s : as `anomsdk.sources.stream_format.StreamFormat`
    """

    def __init__(
        self,
        where: str,
        row_name: Callable[[int], str],
        wanted_hz: float,
        max_bridge: int,
        pause_s: tuple[float, float] | None = None,
    ) -> None:
        self._where, self._row_name = where, row_name
        if pause_s is not None:  # a declared pause is never bridged
            max_bridge = max(0, min(max_bridge, math.ceil(pause_s[0] * wanted_hz) - 1))
        self._wanted_hz, self._max_bridge, self._pause_s = wanted_hz, max_bridge, pause_s
        self._rows = 0
        self._last_raw: float | None = None
        self._head: list[tuple[Values, Digests]] | None = []
        self._even: RowStamps | None = None
        self._packed: PacketStamps | None = None
        self._clock: Clock | None = None
        self._order: RowOrder | None = None
        self._repeats: Repeats | None = Repeats()
        self._repeated = self._kept = self._again = 0
        self._last: float | None = None
        self._numbers: Sequence[int] | NDArray[np.int64] = range(0)
        self._wraps: list[float] = []
        self._backs: list[tuple[int, float]] = []
        self._on: list[tuple[int, float]] = []
        self._n_wraps = self._n_backs = 0
        self._set_s = 0.0
        self._next_s = 0.0

    def push(self, stamps: Values, rows: Rows) -> None:
        """Take the next stamps (n,) in seconds, and their rows (n, axes)."""
        if not len(stamps):
            return
        steps = None if self._head is not None or self._last_raw is None else Steps.of(stamps, self._last_raw)
        if steps is None or not steps.rise or not -LONGEST_S <= stamps[0] <= stamps[-1] <= LONGEST_S:
            check_span(stamps, self._where, lambda at: self._row_name(self._rows + at))
        self._rows += len(stamps)
        if self._head is None:
            self._take(stamps, RowDigests(rows), steps)
            return
        self._head.append((stamps, digests(rows)))
        if self._rows >= _HEAD_ROWS:
            self._begin()

    @property
    def begun(self) -> bool:
        """Tell whether the kind of the stamps was found out from the first rows."""
        return self._head is None

    def expected(self) -> Timeline | None:
        """Return the timeline of a recording that goes on as it began; None where rows are too few, or form packets."""
        if self._even is None:
            return None
        found, _ = self._even.timeline()
        return replace(found, repeats=self._repeats is not None, bridge=self._max_bridge)

    def timeline(self) -> Timeline:
        """Return the timeline of all rows.

        Raises
        ------
        InputError : there is a single row, rows are in disorder, or more than 30 % of the samples were dropped
        """
        if self._head is not None:
            self._begin()
        if self._even is None and self._packed is None:
            raise InputError(f"{self._where}: a single row has no rate; record more, or leave it out")
        assert self._order is not None and self._last is not None
        self._order.end(self._last)
        found, gaps = self._packed.timeline() if self._packed else self._even.timeline()  # type: ignore[union-attr]
        gaps.end()
        rows = self._kept
        share = gaps.share_dropped(rows)
        if share > MOST_DROPPED:
            raise InputError(
                f"{self._where}: {share:.0%} of the samples were dropped, more than {MOST_DROPPED:.0%}; mend the "
                "logger or the radio link, and record again"
            )
        bridge, bridged, places = gaps.bridge(rows)
        left, lost_s = gaps.left(bridge)
        notes = [*found.notes, *self._clock_notes(gaps)]
        notes += _bridge_notes(gaps, rows, bridge, bridged, places, self._max_bridge)
        if cycle := gaps.cycle():
            notes.append(cycle)
        if gaps.declared:
            times = counted(gaps.declared, "time")
            notes.append(f"paused {times} as the plan declares, {in_seconds(gaps.declared_s)} in all")
        return replace(
            found,
            gaps=left,
            lost_s=lost_s,
            repeats=self._repeats is not None,
            bridge=bridge,
            bridged=bridged,
            set_s=self._set_s,
            notes=tuple(notes),
        )

    def _begin(self) -> None:
        """Find out from the first rows whether stamps are those of rows or of packets, and take these rows."""
        assert self._head is not None
        stamps = np.concatenate([each for each, _ in self._head]) if self._head else np.zeros(0)
        found = np.concatenate([each for _, each in self._head]) if self._head else np.zeros(0, np.uint64)
        self._head = None
        if len(stamps) < 2:
            return
        first, rest = slice(0, _HEAD_ROWS), slice(_HEAD_ROWS, None)
        equal = np.diff(stamps[first], prepend=np.nan) == 0
        same = np.append(False, found[first][1:] == found[first][:-1])
        repeated = equal & same
        mostly = repeated.sum() >= _REPEATED * equal.sum() and same[~equal].mean() < 0.5
        own = stamps[first][~repeated] if mostly else stamps[first]
        form = packet_form(own, self._wanted_hz)
        if form is not None and not mostly:
            self._repeats = None
        if form is not None:
            self._packed = PacketStamps(form, self._wanted_hz, self._max_bridge, self._pause_s)
            step, slack, following = form.step_s, form.split_s, form.period_s
        else:
            steps = np.diff(own)
            step = following = usual_step(steps[steps > 0]) if (steps > 0).any() else 1.0
            slack = 0.0
            self._even = RowStamps(step, self._max_bridge, self._pause_s)
        self._next_s = following
        self._order = RowOrder(self._where, self._row_name, following)
        self._clock = Clock(_wrap_slack(form), slack, self._set, self._wrap)
        for part in (first, rest):
            self._take(stamps[part], KnownDigests(found[part]))

    def _take(self, stamps: Values, found: RowDigests, steps: Steps | None = None) -> None:
        """Take stamps (n,), what gives the digests of their rows, and their steps from the last row that was kept."""
        if not len(stamps):
            return
        assert self._clock is not None and self._order is not None
        begun = self._kept + self._repeated
        keep = None if self._repeats is None else self._repeats.keep(stamps, found, steps)
        if self._repeats is None and self._packed is not None:
            self._again += repeated_packets(stamps, found(slice(0, len(stamps))), self._packed.rows)
        self._numbers = range(begun, begun + len(stamps))
        if keep is not None:
            self._numbers = begun + np.flatnonzero(keep)
            self._repeated += int((~keep).sum())
            stamps, steps = stamps[keep], None
        if not len(stamps):
            return
        if self._even is not None and (steps is None or not steps.rise):
            equal = np.diff(stamps, prepend=np.nan if self._last_raw is None else self._last_raw) == 0
            if equal.any():
                row = self._row_name(int(self._numbers[int(equal.argmax())]))
                raise InputError(
                    f"{self._where}, {row}: the same time as the row before; remove duplicates, or write times with "
                    "more digits"
                )
        self._last_raw = float(stamps[-1])
        self._kept += len(stamps)
        if self._last is None:
            self._order.begin(float(stamps[0]))
        for piece in self._clock.push(stamps, steps):
            numbers = self._numbers[piece.start : piece.stop]
            last = None if piece.broken else self._last
            if self._packed is not None:
                self._packed.push(piece, self._order)
                if self._packed.held > MOST_ROWS:
                    row = self._row_name(int(numbers[-1]))
                    raise InputError(
                        f"{self._where}, {row}: the time stands still for {MOST_ROWS:,} rows; mend the clock, or leave "
                        "the recording out"
                    )
            elif self._even is not None:
                self._even.push(piece, last, numbers, self._order)
            self._last = float(piece.stamps[-1])

    def _set(self, at: int, step: float) -> None:
        """Record that the clock was set before a row, by ``step`` seconds."""
        assert self._order is not None and self._last is not None
        row = int(self._numbers[at - (self._kept - len(self._numbers))])
        self._set_s = max(self._set_s, abs(step))
        if step > 0:
            self._on = self._on or [(row, step)]
            self._order.gap(row, self._last, self._last + step)
            return
        self._order.back(row, step, self._last)
        self._n_backs += 1
        self._backs = self._backs or [(row, self._next_s - step)]

    def _wrap(self, at: int, length: float) -> None:
        """Record that the time counter wrapped around after ``length`` seconds."""
        self._n_wraps += 1
        self._wraps = self._wraps or [length]

    def _clock_notes(self, gaps: Gaps) -> Iterator[str]:
        """Yield what repeated rows, wraps and settings of the clock have to be told to the user."""
        if self._repeated:
            yield f"{counted(self._repeated, 'row')} left out: time and values are those of an earlier row"
        if self._again:
            yield f"{counted(self._again, 'packet')} came twice with the same times and values: remove the second ones"
        if self._wraps:
            times = "" if self._n_wraps == 1 else f" {self._n_wraps} times,"
            yield f"the time counter wraps around{times} after {self._wraps[0]:.9g} s: it is unwrapped"
        if self._backs:
            row, by = self._backs[0]
            how = f"goes back by {_length(by)} at {self._row_name(row)}"
            if self._n_backs > 1:
                how = f"goes back {self._n_backs} times, first by {_length(by)} at {self._row_name(row)}"
            yield f"the clock {how} (it was set, or the device restarted): a new piece begins there"
        if self._on:
            row, by = self._on[0]
            days = f"{by / 86_400:,.0f} days"
            yield f"the clock jumps forward by {days} at {self._row_name(row)} (it was set): a new piece begins there"
        if gaps.hours and not gaps.cycle():
            where = self._row_name(gaps.hours[0])
            times = "" if gaps.n_hours == 1 else f", and {gaps.n_hours - 1} more times"
            yield f"the clock jumps forward by whole hours at {where}{times}: it was set, or samples are missing"


def _bridge_notes(gaps: Gaps, rows: int, bridge: int, bridged: int, places: int, most: int) -> Iterator[str]:
    """Yield which missing samples are bridged, and why others of short gaps are not."""
    if bridged:
        share = bridged / (rows + bridged)
        where = f"{counted(bridged, 'sample')} missing in {counted(places, 'gap')}"
        yield f"{where}, bridged by repeating the sample before ({share:.1%})"
    if bridge < most and gaps.small() > bridged:
        which = f"gaps of more than {bridge} are not" if bridged else "no gap is"
        few = f"{counted(gaps.small(), 'sample')} missing in gaps of up to {most}"
        yield f"{few}, more than {MOST_BRIDGED:.0%} of the recording: {which} bridged"


def _wrap_slack(form: PacketForm | None) -> float:
    """Return the longest time in seconds between the stamps before and after a wrap of the time counter."""
    return 2.0 if form is None else max(2.0, 1.5 * form.period_s)


def _length(seconds: float) -> str:
    """Return a length of time in words, whole hours as such."""
    hours = seconds / 3600
    return f"{hours:.0f} h" if round(hours) >= 1 and abs(hours - round(hours)) < 1e-4 else f"{seconds:.6g} s"


def check_span(stamps: Values, where: str, row_name: Callable[[int], str]) -> None:
    """Refuse stamps, seconds since the first one, that lie beyond `LONGEST_S`, and NaN."""
    if not -LONGEST_S <= float(stamps.min()) <= float(stamps.max()) <= LONGEST_S:  # NaN is not, either
        beyond = ~(np.abs(stamps) <= LONGEST_S)
        row = row_name(int(beyond.argmax()))
        advice = "correct it, or give its unit with `time='NAME:UNIT'`"
        raise InputError(f"{where}, {row}: a time more than 300 years from the first; {advice}")


def stretches(rows: Iterator[Stamped], timeline: Timeline) -> Iterator[Stamped | int]:
    """Yield the rows of a recording as an even stream, and between them the number of samples missing in each gap.

    Where the clock was set back the number of missing samples is unknown, and 1 is yielded. Rows of packets are yielded
    without stamps.
    """
    form, repeats = timeline.form, Repeats()
    clock = Clock(_wrap_slack(form), 0.0 if form is None else form.split_s)
    found = RowStretches(timeline) if form is None else PacketStretches(timeline, form)
    last: float | None = None
    for stamps, values in rows:
        if not len(stamps):
            continue
        steps = None if last is None else Steps.of(stamps, last)
        if timeline.repeats:
            keep = repeats.keep(stamps, RowDigests(values), steps)
            if keep is not None:
                stamps, values, steps = stamps[keep], values[keep], None
        if len(stamps):
            last = float(stamps[-1])
        for piece in clock.push(stamps, steps):
            if piece.broken:
                yield from found.finish()
                yield 1
            yield from found.push(piece, values[piece.start : piece.stop])
    yield from found.finish()
