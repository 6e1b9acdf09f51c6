"""Rows with the time stamp of their packet: their rate, their gaps, and the stream of rows between the gaps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anomsdk.sources.formats.timing.device_clock import Piece, RowOrder
from anomsdk.sources.formats.timing.gaps import Gaps
from anomsdk.sources.formats.timing.packets import Packet, PacketForm, Packets
from anomsdk.sources.formats.timing.timeline import Rows, Stamped, Timeline, Values, bridge_rows

_MOST_UNSURE = 0.05
"""A measured rate within this share of the wanted rate, and within its own uncertainty, is the wanted rate."""
_NO_STAMPS: Values = np.zeros(0)


class PacketStamps:
    """Collects the packets and the gaps of a recording whose rows have the stamp of their packet.

    Parameters
    ----------
    form : PacketForm of the packets
    wanted_hz : rate of the plan, rows per second
    max_bridge : largest number of missing samples of a gap that may be bridged
    pause_s : as `anomsdk.sources.stream_format.StreamFormat`
    """

    def __init__(
        self, form: PacketForm, wanted_hz: float, max_bridge: int, pause_s: tuple[float, float] | None = None
    ) -> None:
        self._form, self._wanted_hz = form, wanted_hz
        self._packets = Packets(form)
        self._gaps = Gaps(max_bridge, pause_s)
        self._before: Packet | None = None
        self._rows = self._near = 0
        self._near_s = 0.0

    @property
    def held(self) -> int:
        """Number of rows in the packet that is not complete yet."""
        return self._packets.held

    @property
    def rows(self) -> int:
        """Usual number of rows in a packet."""
        return self._form.rows

    def push(self, piece: Piece, order: RowOrder) -> None:
        """Take the stamps of a piece."""
        if piece.broken:
            self._end(order)
            self._gaps.broken()
            self._packets = Packets(self._form)
        for packet in self._packets.push(piece.stamps):
            self._take(packet, order)

    def _end(self, order: RowOrder | None) -> None:
        """End a run of the clock: take the packets that were held back."""
        for packet in self._packets.finish():
            self._take(packet, order)
        self._before = None

    def _take(self, packet: Packet, order: RowOrder | None) -> None:
        """Count a packet, the gap before it, and its time if it follows on the packet before."""
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
        """Return the rate at which rows are spread, and the gaps."""
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
        # `PacketStretches` finds the same gaps with the same form.
        return Timeline(rate_hz, form=form, notes=(note,)), self._gaps


class PacketStretches:
    """Hands on rows of packets, bridges short gaps, and tells how many samples are missing in the others.

    The rows of up to two packets are held back: the packet that follows shows whether samples are missing.

    Parameters
    ----------
    timeline : Timeline, of `PacketStamps`
    form : PacketForm of the packets
    """

    def __init__(self, timeline: Timeline, form: PacketForm) -> None:
        self._timeline, self._form = timeline, form
        self._packets = Packets(form)
        self._held = list[Rows]()
        self._last: Rows | None = None

    def push(self, piece: Piece, values: Rows) -> Iterator[Stamped | int]:
        """Take rows; yield those of decided packets without stamps, and the number of samples missing in a gap."""
        self._held.append(values)
        yield from self._given(self._packets.push(piece.stamps))

    def finish(self) -> Iterator[Stamped | int]:
        """End the run of the clock: yield the rows that are held back."""
        yield from self._given(self._packets.finish())
        self._packets, self._last = Packets(self._form), None

    def _given(self, packets: Iterator[Packet]) -> Iterator[Stamped | int]:
        """Yield the rows of packets, and what stands for the gaps between them."""
        n = 0
        for packet in packets:
            if packet.missing:
                yield from self._taken(n)
                n = 0
                if packet.missing <= self._timeline.bridge and self._last is not None:
                    yield bridge_rows(packet.missing, 0.0, self._last, self._timeline)
                else:
                    yield packet.missing
            n += packet.rows
        yield from self._taken(n)

    def _taken(self, n: int) -> Iterator[Stamped]:
        """Yield the next ``n`` rows of those that are held back."""
        while n:
            rows, self._held[0] = self._held[0][:n], self._held[0][n:]
            if not len(self._held[0]):
                del self._held[0]
            if len(rows):
                n -= len(rows)
                self._last = rows[-1:].copy()
                yield _NO_STAMPS, rows
