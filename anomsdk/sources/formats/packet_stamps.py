"""Rows that arrive in packets and bear the time stamp of their packet."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anomsdk.sources.formats.clock import Order, Piece
from anomsdk.sources.formats.packets import Form, Packet, Packets
from anomsdk.sources.formats.pauses import Gaps
from anomsdk.sources.formats.timeline import Rows, Stamped, Timeline, Values, bridge_rows

_MOST_UNSURE = 0.05
_NO_STAMPS: Values = np.zeros(0)


class PacketStamps:
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


class PacketStretches:
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
                    yield bridge_rows(packet.missing, 0.0, self._last, self._timeline)
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
