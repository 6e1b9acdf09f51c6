"""Packets: rows that a device sends together, so that they share a time stamp or have nearly the same one.

The form of the packets (size, period, jitter) is found from the first stamps. `Packets` then follows them one by one
and tells where samples are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_BELIEVED = (0.45, 8.0)
"""Lowest and highest rate that is believed of packets, in multiples of the rate of the plan."""
_TOGETHER, _SPLIT = 0.35, 0.6
"""Longest step within a packet, in sample periods: the median of these steps, and each of them."""
_ALIKE = 1.25
"""Ratio of the longest to the shortest step below which each row has a stamp of its own."""
_LONGEST_READ_S = 1.0
"""Longest time in seconds that a packet takes; rows that come evenly for longer are a burst of samples."""
_EQUAL, _FEW_EQUAL = 0.05, 0.01
"""Share of equal stamps from which on they are packets; the second one holds where they recur evenly."""
_PARTIAL = 1.1
"""Ratio of the sizes of the first and the last packets of bursts from which on the last ones are partial."""
MOST_ROWS = 65_536
"""Most rows of a packet; more rows with one time mean a clock that stands still."""


@dataclass(frozen=True)
class PacketForm:
    """The form of the packets of a recording.

    Parameters
    ----------
    split_s : longest step within a packet, seconds; a longer one begins the next packet
    step_s : time from sample to sample, seconds
    period_s : usual time from packet to packet, seconds
    rows : usual number of rows in a packet
    noise_s : jitter of the packets in seconds: 90 % of them are at most this far from their due time
    """

    split_s: float
    step_s: float
    period_s: float
    rows: int
    noise_s: float

    @property
    def tolerance_s(self) -> float:
        """Largest delay in seconds of a packet before which no samples are missing."""
        return max(2.5 * self.step_s, min(3 * self.noise_s, 0.6 * self.period_s))


@dataclass
class Packet:
    """Rows that came together.

    Parameters
    ----------
    rows : number of rows
    first_s, last_s : stamps of the first and the last row, seconds
    missing : number of samples missing before the packet
    follows_s : seconds since the packet before; None for a first or partial packet, and where samples are missing
    """

    rows: int
    first_s: float
    last_s: float
    missing: int = 0
    follows_s: float | None = None


def packet_form(stamps: Values, wanted_hz: float) -> PacketForm | None:
    """Find the form of the packets that stamps come from; None where each row has a stamp of its own.

    Parameters
    ----------
    stamps : float64 (n,), seconds, those of the first rows of a recording
    wanted_hz : rate of the plan, rows per second; only packets with a rate near it are believed
    """
    steps = np.abs(np.diff(stamps))
    if len(steps) < 4 or not (steps > 0).any():
        return None
    if float(steps.max()) < _ALIKE * float(steps.min()):
        return None  # no step is shorter than 0.6 of the mean, so that none lies within a packet
    low, high = (times * wanted_hz for times in _BELIEVED)
    equal = _equal_stamps(steps)
    split, found = 0.0, None
    for _ in range(8):
        found = _form(stamps, steps, split)
        if found is None:
            return None
        if 1 / found.step_s <= high:
            break
        split = 4 * max(found.step_s, float(np.median(steps)), split / 4)
    shared = equal and split == 0
    for _ in range(3):
        found = None if found is None else _form(stamps, steps, _SPLIT * found.step_s)
        if found is None or not low <= 1 / found.step_s <= high:
            return None
    if found is None or shared:
        return found
    inner = steps[steps <= found.split_s]
    if found.rows < 2 or not len(inner) or np.median(inner) > _TOGETHER * found.step_s:
        return None
    together = float(np.median(inner))
    return found if together * 3 * wanted_hz <= 1 and together * found.rows <= _LONGEST_READ_S else None


def _equal_stamps(steps: Values) -> bool:
    """Tell whether stamps are equal because the clock is coarser than the sample period, and not by accident."""
    equal = steps == 0
    if equal.mean() >= _EQUAL:
        return True
    if equal.mean() < _FEW_EQUAL or equal.sum() < 4:
        return False
    usual = float(np.median(steps))
    apart = np.diff(np.flatnonzero(equal))
    even = np.abs(apart - np.median(apart)) <= 2 + 0.1 * np.median(apart)
    return bool((steps > 1.5 * usual).mean() < equal.mean() / 4 and even.mean() > 0.9)


def _form(stamps: Values, steps: Values, split: float) -> PacketForm | None:
    """Find the form of packets when steps of more than ``split`` seconds begin one; None where none is found."""
    begins = np.flatnonzero(steps > split) + 1
    if len(begins) < 2:
        return None
    sizes = np.diff(np.append(begins, len(stamps)))
    ends = stamps[np.append(begins, len(stamps)) - 1]  # the last stamp of each packet
    apart = np.diff(ends)
    apart = np.where(apart > 0, apart, np.inf)  # the clock was set back
    period, rows = float(np.median(apart)), max(1, int(np.median(sizes)))
    if not np.isfinite(period):
        return None
    if sizes[-1] < rows and len(sizes) > 2:
        sizes, apart = sizes[:-1], apart[:-1]  # the last one may be partial
    near = apart <= 1.5 * period
    within = near & np.append(near[1:], bool(near.all()))  # the first and the last one of a burst may be partial
    if within.any():
        sizes, apart = sizes[within], apart[within]
        near, rows = np.ones(len(sizes), np.bool_), max(1, int(np.median(sizes)))
    elif near.any() and not near.all() and np.median(sizes[~near]) > _PARTIAL * np.median(sizes[near]):
        return None  # each burst has two packets, and the last one is partial: nothing tells the rate
    step, noise, most = float(apart[near].sum() / sizes[near].sum()), 0.0, 0.5 * period
    for _ in range(4):
        off = np.abs(apart - sizes * step)
        near = off <= max(2.5 * step, most)
        if near.any():
            step, noise = float(apart[near].sum() / sizes[near].sum()), float(np.quantile(off[near], 0.9))
            most = min(3 * noise, 0.5 * period)
    return PacketForm(split, step, period, rows, noise)


class Packets:
    """Follows the packets of one run of a clock, and tells where samples are missing.

    Samples are missing where a packet and the next one are both late: after a mere delay the next one is on time.

    Parameters
    ----------
    form : PacketForm of the packets
    """

    def __init__(self, form: PacketForm) -> None:
        self._form = form
        self._packets = list[Packet]()  # up to one that waits for its successor, and one that is not complete
        self._taken, self._base = 0, 0.0
        self._before: Packet | None = None

    def push(self, stamps: Values) -> Iterator[Packet]:
        """Take stamps (n,) in seconds; yield the packets that are decided, in order."""
        if not len(stamps):
            return
        steps = np.diff(stamps)
        begins = [0, *(np.flatnonzero(steps > self._form.split_s) + 1).tolist()]
        for begin, end in zip(begins, [*begins[1:], len(stamps)], strict=True):
            first, last = float(stamps[begin]), float(stamps[end - 1])
            current = self._packets[-1] if self._packets else None
            if begin == 0 and current is not None and first - current.last_s <= self._form.split_s:
                current.rows, current.last_s = current.rows + end, last
            else:
                self._packets.append(Packet(end - begin, first, last))
            while len(self._packets) > 2:
                yield self._decided()

    def finish(self) -> Iterator[Packet]:
        """End the run; yield the packets that were held back."""
        while self._packets:
            yield self._decided()

    @property
    def held(self) -> int:
        """Number of rows in the packet that is not complete yet."""
        return self._packets[-1].rows if self._packets else 0

    def _decided(self) -> Packet:
        """Return the oldest packet with the samples that are missing before it, which the next packet confirms."""
        packet = self._packets.pop(0)
        following = self._packets[0] if self._packets else None
        before, self._before = self._before, packet
        if before is None:
            self._base = packet.last_s - self._form.step_s * packet.rows
            self._taken = packet.rows
            return packet
        step, tolerance = self._form.step_s, self._form.tolerance_s
        late, by_end = self._late(packet, 0)
        next_late = 0.0
        if following is not None:
            next_late, next_by_end = self._late(following, packet.rows)
            late, by_end = min(late, next_late), min(by_end, next_by_end)
        else:
            by_end = late
        if late > tolerance:
            packet.missing = self._whole_packets(round(by_end / step))
            self._base += by_end
        else:
            whole = (following is not None and next_late <= tolerance) or packet.rows >= self._form.rows
            packet.follows_s = packet.last_s - before.last_s if whole else None
            self._base += late * (0.1 if late > 0 else 0.2)
        self._taken += packet.rows
        if self._taken > 1 << 30:  # so that a long recording loses no digits
            self._base, self._taken = self._base + self._taken * step, 0
        return packet

    def _late(self, packet: Packet, more: int) -> tuple[float, float]:
        """Return how many seconds late a packet is if it has the usual size at least, and by its own size.

        ``more`` rows lie between the packets that are decided and this one.
        """
        form = self._form
        due = self._base + form.step_s * (self._taken + more)
        usual = packet.last_s - due - form.step_s * max(packet.rows, form.rows)
        return usual, packet.last_s - due - form.step_s * packet.rows

    def _whole_packets(self, missing: int) -> int:
        """Round a number of missing samples to whole packets where packets jitter and it is close to one; 1 or more."""
        rows = self._form.rows
        whole = round(missing / rows) * rows
        jitters = self._form.noise_s > 0.5 * self._form.step_s
        return whole if jitters and whole and abs(missing - whole) <= 0.3 * rows else max(1, missing)
