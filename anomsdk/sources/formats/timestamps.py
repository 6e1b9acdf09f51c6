"""Time stamps of rows: their rate, how even they are, and where samples are missing. Nothing is done in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError
from anomsdk.sources.formats.clock import Clock, Order, Piece
from anomsdk.sources.formats.packets import MOST_ROWS, Form, Packet, Packets, packet_form
from anomsdk.sources.formats.pauses import MOST_BRIDGED, Gaps
from anomsdk.sources.formats.repeats import Digests, Repeats, digests, packets_again
from anomsdk.utils.text import counted

Values = NDArray[np.float64]
Rows = NDArray[Any]
Stamped: TypeAlias = tuple[Values, Values]
"""Stamps in seconds (n,), and rows (n, axes)."""

GAP_STEPS, JITTERED_GAP_STEPS = 1.5, 2.5
"""A step of so many usual ones is a gap; the second where stamps jitter, and one missing sample may be jitter."""
_OFF, _MOST_OFF = 0.3, 0.01
"""Stamps jitter when more than 1 % of the steps are more than 0.3 steps off."""
LONGEST_S = 1e10
"""Three centuries: stamps further from the first are damaged, or of another unit."""
MOST_DROPPED = 0.3
_HEAD_ROWS = 65_536
"""What stamps are is found out from so many rows."""
_REPEATED = 0.9
"""Rows with equal stamps are repetitions where so many of them have equal values, too."""
_MOST_UNSURE = 0.05


@dataclass(frozen=True)
class Timeline:
    """What stamps tell.

    Parameters
    ----------
    rate_hz : rows a second, where none are missing
    jittered : rows must be interpolated before they are a stream at this rate
    usual_s : usual step of the first rows, which tells gaps; 0: there are no stamps
    gaps, lost_s : gaps that are neither bridged nor pauses of a duty cycle, and how long all of them last
    form : of packets, whose rows are spread evenly; None: each row has a stamp of its own
    repeats : rows that repeat an earlier one, its stamp and its values, are left out
    bridge : missing samples of a gap up to which the row before it is repeated
    bridged : samples that are made so
    notes : what else is done or was noticed, in words
    """

    rate_hz: float
    jittered: bool = False
    usual_s: float = 0.0
    gaps: int = 0
    lost_s: float = 0.0
    form: Form | None = None
    repeats: bool = True
    bridge: int = 0
    bridged: int = 0
    notes: tuple[str, ...] = ()

    @property
    def longest_steps(self) -> float:
        """Beyond so many usual steps, samples are missing."""
        return JITTERED_GAP_STEPS if self.jittered else GAP_STEPS


class StampSurvey:
    """Takes all stamps of a recording once, in memory that does not grow with its length.

    Parameters
    ----------
    where : what messages call the recording
    row_name : what they call the row with an index from 0, as in ``line 12``
    wanted_hz : rate of the plan: packets are those that make a rate near it
    max_bridge : missing samples of a gap up to which it may be bridged; 0: never
    """

    def __init__(self, where: str, row_name: Callable[[int], str], wanted_hz: float, max_bridge: int) -> None:
        self._where, self._row_name = where, row_name
        self._wanted_hz, self._max_bridge = wanted_hz, max_bridge
        self._rows = 0
        self._last_raw: float | None = None
        self._head: list[tuple[Values, Digests]] | None = []
        self._even: _Even | None = None
        self._packed: _Packed | None = None
        self._clock: Clock | None = None
        self._order: Order | None = None
        self._repeats: Repeats | None = Repeats()
        self._repeated = self._kept = self._again = 0
        self._last: float | None = None
        self._numbers = np.zeros(0, np.int64)
        self._wraps: list[float] = []
        self._backs: list[tuple[int, float]] = []
        self._on: list[tuple[int, float]] = []
        self._n_wraps = self._n_backs = 0
        self._next_s = 0.0

    def push(self, stamps: Values, rows: Rows) -> None:
        """Take the next stamps (n,), seconds, and their rows (n, axes)."""
        if not len(stamps):
            return
        check_span(stamps, self._where, lambda at: self._row_name(self._rows + at))
        self._rows += len(stamps)
        found = digests(rows)
        if self._head is None:
            self._take(stamps, found)
            return
        self._head.append((stamps, found))
        if self._rows >= _HEAD_ROWS:
            self._begin()

    def timeline(self) -> Timeline:
        """What they tell.

        Raises
        ------
        InputError : too few rows, or too many dropped
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
        return replace(
            found,
            gaps=left,
            lost_s=lost_s,
            repeats=self._repeats is not None,
            bridge=bridge,
            bridged=bridged,
            notes=tuple(notes),
        )

    def _begin(self) -> None:
        """Find out from the first rows what the stamps are, and take them."""
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
            self._packed = _Packed(form, self._wanted_hz, self._max_bridge)
            step, slack, following = form.step_s, form.split_s, form.period_s
        else:
            steps = np.diff(own)
            step = following = usual_step(steps[steps > 0]) if (steps > 0).any() else 1.0
            slack = 0.0
            self._even = _Even(step, self._max_bridge)
        self._next_s = following
        self._order = Order(self._where, self._row_name, following)
        self._clock = Clock(_wrap_slack(form), slack, self._set, self._wrap)
        for part in (first, rest):
            self._take(stamps[part], found[part])

    def _take(self, stamps: Values, found: Digests) -> None:
        """Take stamps, and digests of their rows."""
        if not len(stamps):
            return
        assert self._clock is not None and self._order is not None
        begun = self._kept + self._repeated
        keep = np.ones(len(stamps), np.bool_) if self._repeats is None else self._repeats.keep(stamps, found)
        if self._repeats is None and self._packed is not None:
            self._again += packets_again(stamps, found, self._packed.rows)
        self._numbers = begun + np.flatnonzero(keep)
        self._repeated += int((~keep).sum())
        stamps = stamps[keep]
        if not len(stamps):
            return
        equal = np.diff(stamps, prepend=np.nan if self._last_raw is None else self._last_raw) == 0
        self._last_raw = float(stamps[-1])
        if self._even is not None and equal.any():
            row = self._row_name(int(self._numbers[equal.argmax()]))
            raise InputError(
                f"{self._where}, {row}: the same time as the row before; remove duplicates, or write times with more "
                "digits"
            )
        self._kept += len(stamps)
        if self._last is None:
            self._order.begin(float(stamps[0]))
        for piece in self._clock.push(stamps):
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
        assert self._order is not None and self._last is not None
        row = int(self._numbers[at - (self._kept - len(self._numbers))])
        if step > 0:
            self._on = self._on or [(row, step)]
            self._order.gap(row, self._last, self._last + step)
            return
        self._order.back(row, step, self._last)
        self._n_backs += 1
        self._backs = self._backs or [(row, self._next_s - step)]

    def _wrap(self, at: int, length: float) -> None:
        self._n_wraps += 1
        self._wraps = self._wraps or [length]

    def _clock_notes(self, gaps: Gaps) -> Iterator[str]:
        if self._repeated:
            yield f"{counted(self._repeated, 'row')} left out: time and values are those of an earlier row"
        if self._again:
            yield f"{counted(self._again, 'packet')} came twice, times and values: remove the second ones"
        if self._wraps:
            times = "" if self._n_wraps == 1 else f" {self._n_wraps} times,"
            yield f"the counter of time starts again{times} after {self._wraps[0]:.9g} s: read on"
        if self._backs:
            row, by = self._backs[0]
            how = f"goes back by {_length(by)} at {self._row_name(row)}"
            if self._n_backs > 1:
                how = f"goes back {self._n_backs} times, first by {_length(by)} at {self._row_name(row)}"
            yield f"the clock {how} (it was set, or the device restarted): a new piece begins there"
        if self._on:
            row, by = self._on[0]
            days = f"{by / 86_400:,.0f} days"
            yield f"the clock goes on by {days} at {self._row_name(row)} (it was set): a new piece begins there"
        if gaps.hours and not gaps.cycle():
            where = self._row_name(gaps.hours[0])
            times = "" if gaps.n_hours == 1 else f", and {gaps.n_hours - 1} more times"
            yield f"the clock goes on by whole hours at {where}{times}, to the step: it was set, or samples are missing"


class _Even:
    """Rows that have each a stamp of its own, even ones or such that jitter."""

    def __init__(self, step_s: float, max_bridge: int) -> None:
        self._step = step_s
        self._steps = self._off = self._regular = self._near = 0
        self._regular_s = self._near_s = 0.0
        self._longest = GAP_STEPS, JITTERED_GAP_STEPS
        self._gaps = Gaps(max_bridge), Gaps(max_bridge)

    def push(self, piece: Piece, last: float | None, numbers: NDArray[np.int64], order: Order) -> None:
        stamps = piece.stamps if last is None else np.concatenate([[last], piece.stamps])
        steps = np.diff(stamps)
        relative = steps / self._step
        self._steps += len(steps)
        near = (relative > 0.5) & (relative < 1.5)
        self._regular += int(near.sum())
        self._regular_s += float(steps[near].sum())
        self._near += int((relative <= JITTERED_GAP_STEPS).sum())
        self._near_s += float(steps[relative <= JITTERED_GAP_STEPS].sum())
        self._off += int((np.abs(relative - np.maximum(1, np.rint(relative))) > _OFF).sum())
        first = int(last is None)  # the row that no step leads to
        for gaps, longest in zip(self._gaps, self._longest, strict=True):
            if piece.broken:
                gaps.broken()
            done = 0
            for at in np.flatnonzero(relative > longest).tolist():
                gaps.rows(at + first - done)
                done = at + first
                row = int(numbers[at + first])
                gaps.gap(row, float(stamps[at]), float(stamps[at + 1]), float(relative[at]) - 1, self._step)
                if longest == GAP_STEPS:
                    order.gap(row, float(stamps[at]), float(stamps[at + 1]))
            gaps.rows(len(piece.stamps) - done)

    def timeline(self) -> tuple[Timeline, Gaps]:
        jittered = self._off > _MOST_OFF * self._steps
        step = self._regular_s / self._regular if self._regular else self._step
        if jittered:  # sums of neighbours: what one stamp is early, the next step makes up
            step = self._near_s / self._near
        return Timeline(float(f"{1 / step:.4g}"), jittered, self._step), self._gaps[jittered]


class _Packed:
    """Rows that bear the time of their packet."""

    def __init__(self, form: Form, wanted_hz: float, max_bridge: int) -> None:
        self._form, self._wanted_hz = form, wanted_hz
        self._packets = Packets(form)
        self._gaps = Gaps(max_bridge)
        self._before: Packet | None = None
        self._rows = self._near = 0
        self._near_s = 0.0

    @property
    def held(self) -> int:
        return self._packets.held

    @property
    def rows(self) -> int:
        """Usual size of a packet."""
        return self._form.rows

    def push(self, piece: Piece, order: Order) -> None:
        if piece.broken:
            self._end(order)
            self._gaps.broken()
            self._packets = Packets(self._form)
        for packet in self._packets.push(piece.stamps):
            self._take(packet, order)

    def _end(self, order: Order | None) -> None:
        for packet in self._packets.finish():
            self._take(packet, order)
        self._before = None

    def _take(self, packet: Packet, order: Order | None) -> None:
        form, before, row = self._form, self._before, self._rows
        self._rows += packet.rows
        if packet.missing and before is not None:
            self._gaps.gap(row, before.last_s, packet.first_s, packet.missing, form.step_s, form.period_s)
            if order is not None:
                order.gap(row, before.last_s, packet.first_s)
        elif packet.follows_s is not None:
            off = abs(packet.follows_s - form.step_s * packet.rows)
            if off <= form.tolerance_s:
                self._near += packet.rows
                self._near_s += packet.follows_s
        self._gaps.rows(packet.rows)
        self._before = packet

    def timeline(self) -> tuple[Timeline, Gaps]:
        self._end(None)
        form, rate_hz = self._form, 1 / self._form.step_s
        if self._near:
            rate_hz = self._near / self._near_s
            unsure = min(_MOST_UNSURE, 2 * form.noise_s / self._near_s)
            if abs(rate_hz - self._wanted_hz) <= unsure * self._wanted_hz:
                rate_hz = self._wanted_hz
        rate_hz = float(f"{rate_hz:.4g}")
        if form.rows > 1:
            note = f"time stamps are those of packets of about {form.rows} samples: spread evenly at {rate_hz:g} Hz"
        else:
            note = f"time stamps are coarser than the samples: spread evenly at {rate_hz:g} Hz"
        return Timeline(rate_hz, form=form, notes=(note,)), self._gaps  # the same form finds the same gaps


def _bridge_notes(gaps: Gaps, rows: int, bridge: int, bridged: int, places: int, most: int) -> Iterator[str]:
    if bridged:
        share = bridged / (rows + bridged)
        where = f"{counted(bridged, 'sample')} missing in {counted(places, 'gap')}"
        yield f"{where}, bridged with the sample before ({share:.1%})"
    if bridge < most and gaps.small() > bridged:
        which = f"longer ones than {bridge} are not" if bridged else "none is"
        few = f"{counted(gaps.small(), 'sample')} missing in gaps of up to {most}"
        yield f"{few}, more than {MOST_BRIDGED:.0%} of the recording: {which} bridged"


def _wrap_slack(form: Form | None) -> float:
    """Seconds from the last stamp before a counter starts again to the first one after it, at most."""
    return 2.0 if form is None else max(2.0, 1.5 * form.period_s)


def _length(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.0f} h" if round(hours) >= 1 and abs(hours - round(hours)) < 1e-4 else f"{seconds:.6g} s"


def check_span(stamps: Values, where: str, row_name: Callable[[int], str]) -> None:
    """Refuse stamps, seconds since the first, that no recording can last until."""
    beyond = ~(np.abs(stamps) <= LONGEST_S)  # true for NaN
    if beyond.any():
        row = row_name(int(beyond.argmax()))
        raise InputError(f"{where}, {row}: a time more than 300 years from the first; correct it, or say its unit")


def usual_step(steps: Values) -> float:
    """The step between neighbours: the median, unless every other sample or more is missing, or stamps are shared.

    Examples
    --------
    >>> usual_step(np.array([2.0, 1.0, 2.0, 2.0, 1.0, 3.0, 2.0, 2.0])), usual_step(np.array([0.0, 0.0, 0.0, 1.0] * 9))
    (1.0, 0.25)
    """
    middle = float(np.median(steps))
    if middle == 0 and (positive := steps[steps > 0]).size:
        return float(np.median(positive)) * len(positive) / len(steps)
    short = steps[steps < 0.75 * middle]
    if len(short) < 0.1 * len(steps):
        return middle
    half = float(np.median(short))
    even = np.mean(np.abs(short - half) < 0.1 * half) > 0.9
    return half if even and abs(middle / half - round(middle / half)) < 0.1 else middle


def stretches(rows: Iterator[Stamped], timeline: Timeline) -> Iterator[Stamped | int]:
    """Rows as they come, and between them the number of samples that are missing, 1 or more.

    Where the clock was set back, nobody knows how many are missing: 1, as little as a gap can be. Stamps of packets are
    left out.
    """
    form, repeats = timeline.form, Repeats()
    clock = Clock(_wrap_slack(form), 0.0 if form is None else form.split_s)
    found = _EvenStretches(timeline) if form is None else _PackedStretches(timeline, form)
    for stamps, values in rows:
        if not len(stamps):
            continue
        if timeline.repeats:
            keep = repeats.keep(stamps, digests(values))
            if not keep.all():
                stamps, values = stamps[keep], values[keep]
        for piece in clock.push(stamps):
            if piece.broken:
                yield from found.finish()
                yield 1
            yield from found.push(piece.stamps, values[piece.start : piece.stop])
    yield from found.finish()


class _EvenStretches:
    """Rows with a stamp each, run by run of the clock."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._last: tuple[float, Rows] | None = None

    def push(self, stamps: Values, values: Rows) -> Iterator[Stamped | int]:
        timeline = self._timeline
        steps = np.diff(stamps, prepend=stamps[0] if self._last is None else self._last[0])
        begin = 0
        relative = steps / timeline.usual_s
        for at in np.flatnonzero(relative > timeline.longest_steps).tolist():
            if at > begin:
                yield stamps[begin:at], values[begin:at]
                self._last = float(stamps[at - 1]), values[at - 1 : at]
            assert self._last is not None
            few = max(1, round(float(relative[at]) - 1))
            stamp, row = self._last
            if few <= timeline.bridge:
                yield _bridge(few, stamp, row, timeline)
            else:
                yield max(1, round(float(steps[at]) * timeline.rate_hz) - 1)
            begin = at
        yield stamps[begin:], values[begin:]
        self._last = float(stamps[-1]), values[-1:].copy()

    def finish(self) -> Iterator[Stamped | int]:
        self._last = None
        yield from ()


class _PackedStretches:
    """Rows of packets, run by run of the clock; those of two packets are held back."""

    def __init__(self, timeline: Timeline, form: Form) -> None:
        self._timeline, self._form = timeline, form
        self._packets = Packets(form)
        self._held = list[Rows]()
        self._last: Rows | None = None

    def push(self, stamps: Values, values: Rows) -> Iterator[Stamped | int]:
        self._held.append(values)
        yield from self._given(self._packets.push(stamps))

    def finish(self) -> Iterator[Stamped | int]:
        yield from self._given(self._packets.finish())
        self._packets, self._last = Packets(self._form), None

    def _given(self, packets: Iterator[Packet]) -> Iterator[Stamped | int]:
        n = 0
        for packet in packets:
            if packet.missing:
                yield from self._taken(n)
                n = 0
                if packet.missing <= self._timeline.bridge and self._last is not None:
                    yield _bridge(packet.missing, 0.0, self._last, self._timeline)
                else:
                    yield packet.missing
            n += packet.rows
        yield from self._taken(n)

    def _taken(self, n: int) -> Iterator[Stamped]:
        while n:
            rows, self._held[0] = self._held[0][:n], self._held[0][n:]
            if not len(self._held[0]):
                del self._held[0]
            if len(rows):
                n -= len(rows)
                self._last = rows[-1:].copy()
                yield _NO_STAMPS, rows


_NO_STAMPS: Values = np.zeros(0)


def _bridge(n: int, stamp: float, row: Rows, timeline: Timeline) -> Stamped:
    """The row before a gap, n times."""
    return stamp + np.arange(1, n + 1) / timeline.rate_hz, np.repeat(row, n, axis=0)
