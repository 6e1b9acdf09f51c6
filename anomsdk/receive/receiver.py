"""Receiver: what many devices have said over lossy radios, and what is standing now."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.event import Event, State
from anomsdk.errors import InputError, quoted
from anomsdk.receive.batch import (
    LONGEST_ID,
    Indices,
    check_above_0,
    check_time,
    checked_times,
    decoded_batch,
    listed,
    not_an_id,
    not_finite,
    numbers_or_ids,
)
from anomsdk.receive.news import OUT_OF_SERVICE, Columns, news_of, why_malformed
from anomsdk.receive.reports import Conflict, Counts, Device, Silent, Standing, Taken, Technical
from anomsdk.receive.rounds import take_in_rounds
from anomsdk.receive.rows import CHECKS, EXPECTED, HEARD, NAN, NEW_ROW, WINDOW, Fate, read_row, write_row
from anomsdk.receive.step import follow
from anomsdk.receive.summary import COUNTED, device_of, known_time, standing_of, technical_of, urgency

MOST_DEVICES = 2**31 - 1


class Receiver:
    """Receiver of the events of many devices.

    It knows which alarms stand now, which devices are at fault or silent, and what was lost on the way. A device costs
    a fixed number of bytes; no event is kept. Times are seconds of any one clock of the receiver, for example
    ``time.time()``.

    Parameters
    ----------
    heartbeat_s : time from one heartbeat of a device to the next, above 0; None: no heartbeat can be late
    late_after : heartbeats without news after which a device is silent, above 0
    max_devices : most devices, 1 to 2**31 - 1; a further one is refused

    Raises
    ------
    InputError : a parameter is out of range. Every method raises it, and does nothing, if the receiver is in use by
        another thread

    Examples
    --------
    >>> import anomsdk
    >>> receiver = anomsdk.Receiver(heartbeat_s=3600)
    >>> raised = bytes.fromhex("21820500f4010000 630a 00 4413 00 cdab")
    >>> receiver.take("collar-17", raised, at_s=100.0).new
    True
    >>> [(alarm.device, alarm.state.word, alarm.reasons) for alarm in receiver.standing()]
    [('collar-17', 'alarm', ('loudness high', 'posture changed'))]
    >>> [device.device for device in receiver.silent(now_s=10_000)]
    ['collar-17']
    """

    def __init__(
        self, *, heartbeat_s: float | None = None, late_after: float = 2.5, max_devices: int = 1_000_000
    ) -> None:
        if heartbeat_s is not None:
            check_above_0("heartbeat_s", heartbeat_s)
        check_above_0("late_after", late_after)
        good = isinstance(max_devices, int) and max_devices is not True and 1 <= max_devices <= MOST_DEVICES
        require(good, f"Receiver: `max_devices` is {max_devices}, not 1 to {MOST_DEVICES}")
        self._late_s = None if heartbeat_s is None else heartbeat_s * late_after
        self._most = max_devices
        self._index: dict[str, int] = {}
        self._names: list[str] = []
        self._rows: Columns = np.zeros(0, NEW_ROW.dtype)
        self._checks = np.zeros((0, CHECKS), np.uint32)
        self._bad = 0
        self._busy = threading.Lock()

    def expect(self, devices: Iterable[str], at_s: float | None = None) -> None:
        """Register devices that should speak; `silent` lists those that never did.

        Parameters
        ----------
        devices : ids, each 1 to 64 characters
        at_s : time from which they should; None: unknown

        Raises
        ------
        InputError : an id or the time is wrong, or there are too many devices; none is registered
        """
        with self._used("expect"):
            if at_s is not None:
                check_time(at_s)
            at = self._registered(listed(devices, "devices", "ids"))
            first = at[self._rows["known"][at] & EXPECTED == 0]
            self._rows["expected_s"][first] = NAN if at_s is None else at_s
            self._rows["known"][first] |= EXPECTED

    def indices(self, devices: Iterable[str]) -> Indices:
        """Register devices and return their numbers, which `take_many` takes in place of ids.

        Returns
        -------
        int64 (n,), each from 0; the number of a device never changes
        """
        with self._used("indices"):
            return self._registered(listed(devices, "devices", "ids"))

    def take(self, device: str, event: bytes | Event, at_s: float) -> Taken:
        """Take one event.

        Parameters
        ----------
        device : id of the device, 1 to 64 characters
        event : Event, or its 16 or 11 bytes
        at_s : time of its arrival in seconds

        Raises
        ------
        InputError : the id, the event or the time is wrong, or there are too many devices; nothing changes
        """
        with self._used("take"):
            news = news_of(event)
            check_time(at_s)
            at = self._index.get(device) if isinstance(device, str) else None
            if at is None:
                at = int(self._registered([device])[0])
            row, slot = read_row(self._rows, at), news.number % WINDOW
            before = (row.restarts, row.conflicts)
            fate, lost = follow(row, news, float(at_s), int(self._checks[at, slot]))
            if fate != Fate.REPEATED:
                self._checks[at, slot] = news.number << 16 | news.check
            write_row(self._rows, at, row)
            return Taken(
                new=fate >= Fate.FIRST,
                repeated=fate == Fate.REPEATED,
                late=Fate.REPEATED < fate < Fate.FIRST,
                conflict=row.conflicts > before[1],
                restart=row.restarts > before[0],
                lost=lost,
            )

    def take_many(
        self,
        devices: Sequence[str] | NDArray[np.integer[Any]],
        events: NDArray[np.uint8] | Sequence[bytes],
        at_s: NDArray[np.float64] | float,
        *,
        skip_bad: bool = False,
    ) -> Counts:
        """Take many events in their order, exactly as `take` would one by one.

        Parameters
        ----------
        devices : n ids, or their numbers from `indices`
        events : uint8 (n, 16), or (n, 11) for compact events: the fastest; or a sequence of n bytes objects of either
            length
        at_s : times of arrival in seconds, float64 (n,), or one for all
        skip_bad : leave malformed rows out and count them

        Returns
        -------
        Counts of this batch

        Raises
        ------
        InputError : a row is malformed, the arrays do not fit together, or there are too many devices; nothing changes
        """
        if not isinstance(devices, np.ndarray):
            devices = listed(devices, "devices", "ids")
        if not isinstance(events, np.ndarray):
            events = listed(events, "events", "bytes")
        with self._used("take_many"):
            times = checked_times(at_s, len(devices))
            news, good = decoded_batch(events, len(devices))
            good &= np.isfinite(times)
            numbers, ids = numbers_or_ids(devices)
            if numbers is not None:
                good &= (numbers >= 0) & (numbers < len(self._names))
            else:
                good &= np.fromiter(map(self._is_id, ids), np.bool_, len(ids))
            n_bad = len(good) - int(good.sum())
            if n_bad and not skip_bad:
                first = int(np.argmin(good))
                raise InputError(f"take_many: row {first}: {self._why(devices[first], events[first], times[first])}")
            if n_bad:
                kept = np.flatnonzero(good)
                news, times = news[kept], times[kept]
                numbers, ids = None if numbers is None else numbers[kept], [ids[i] for i in kept.tolist() if ids]
            at = self._registered(ids) if numbers is None else numbers
            touched = np.unique(at)
            before = self._sums(touched)
            take_in_rounds(self._rows, self._checks, at, news, times)
            self._bad += n_bad
            after = self._sums(touched)
            return Counts(**{name: after[name] - before[name] for name in COUNTED}, bad=n_bad)

    def standing(self, now_s: float | None = None) -> list[Standing]:
        """List the alarms that stand or wait to be acknowledged.

        Parameters
        ----------
        now_s : time now, from which ages are counted; None: no ages

        Returns
        -------
        list of Standing: escalated ones first, then unacknowledged ones, in each the longest first
        """
        with self._used("standing"):
            if now_s is not None:
                check_time(now_s)
            found = (
                standing_of(self._names[at], read_row(self._rows, at), now_s)
                for at in np.flatnonzero(self._heard["state"] >= State.UNACK_ALARM).tolist()
            )
            return sorted((alarm for alarm in found if alarm is not None), key=urgency)

    def technical(self) -> list[Technical]:
        """List the devices with active technical conditions but warm-up, the longest first."""
        with self._used("technical"):
            found = (
                technical_of(self._names[at], read_row(self._rows, at))
                for at in np.flatnonzero(self._heard["health"]).tolist()
            )
            return sorted((each for each in found if each is not None), key=lambda each: (each.since_s, each.device))

    def silent(self, now_s: float) -> list[Silent]:
        """List the devices without news for more than ``late_after`` heartbeats, and expected ones that never spoke.

        News is an event that is newer than all before it: a repeated or a late one is no sign of life.

        Returns
        -------
        list of Silent: first those that never spoke, then the longest silence first
        """
        with self._used("silent"):
            check_time(now_s)
            rows = self._heard
            heard = rows["known"] & HEARD > 0
            silent = ~heard & (rows["known"] & EXPECTED > 0)
            if self._late_s is not None:
                silent |= heard & (now_s - rows["last_s"] > self._late_s)
            found = []
            for at in np.flatnonzero(silent).tolist():
                never = not heard[at]
                since = known_time(float(rows["expected_s" if never else "last_s"][at]))
                age = None if since is None else max(0.0, now_s - since)
                found.append(Silent(self._names[at], since, age, never))
            return sorted(found, key=lambda each: (not each.never, each.since_s or 0.0, each.device))

    def conflicts(self) -> list[Conflict]:
        """List the ids that two devices may share, the most signs of it first."""
        with self._used("conflicts"):
            rows = self._heard
            found = [
                Conflict(self._names[at], int(rows["conflicts"][at]), float(rows["conflict_s"][at]))
                for at in np.flatnonzero(rows["conflicts"]).tolist()
            ]
            return sorted(found, key=lambda each: (-each.conflicts, each.device))

    def out_of_service(self) -> list[str]:
        """List the devices that are out of service: they raise no alarm until they are back."""
        with self._used("out_of_service"):
            return sorted(self._names[at] for at in np.flatnonzero(self._heard["flags"] & OUT_OF_SERVICE).tolist())

    def device(self, name: str) -> Device:
        """Summarise one device.

        Raises
        ------
        InputError : the device is unknown
        """
        with self._used("device"):
            at = self._index.get(name) if isinstance(name, str) else None
            if at is None:
                raise InputError(
                    f"Receiver.device: {quoted(name, LONGEST_ID)} is unknown; it never spoke, nor was it expected"
                )
            return device_of(name, read_row(self._rows, at))

    def totals(self) -> Counts:
        """Return the counts of all devices together."""
        with self._used("totals"):
            return Counts(**self._sums(slice(len(self._names))), bad=self._bad)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def _heard(self) -> Columns:
        """Rows that belong to devices; the array has room for more."""
        return self._rows[: len(self._names)]

    def _sums(self, at: Indices | slice) -> dict[str, int]:
        return {name: int(self._rows[name][at].sum()) for name in COUNTED}

    def _is_id(self, device: object) -> bool:
        return isinstance(device, str) and (device in self._index or 1 <= len(device) <= LONGEST_ID)

    def _why(self, device: object, event: object, at_s: np.float64) -> str:
        """Return why a row of a batch is malformed."""
        event_is = why_malformed(event)
        if event_is or not np.isfinite(at_s):
            return event_is or not_finite(at_s)
        if isinstance(device, np.integer):
            return f"device number {device} is not one that `indices` gave"
        return not_an_id(device)

    def _registered(self, devices: Sequence[Any]) -> Indices:
        """Return the numbers of devices; register the unknown ones, all or none."""
        index = self._index
        try:
            return np.fromiter(map(index.__getitem__, devices), np.int64, len(devices))
        except (KeyError, TypeError):
            pass
        for device in devices:
            require(self._is_id(device), not_an_id(device))
        new = [str(device) for device in dict.fromkeys(devices) if device not in index]
        n = len(index) + len(new)
        require(n <= self._most, f"Receiver: {n:,} devices, more than `max_devices={self._most}`")
        if n > len(self._rows):
            room = min(self._most, max(n, len(self._rows) * 3 // 2, WINDOW))
            self._rows = np.concatenate([self._rows, np.full(room - len(self._rows), NEW_ROW)])
            self._checks = np.concatenate([self._checks, np.zeros((room - len(self._checks), CHECKS), np.uint32)])
        for device in new:
            index[device] = len(index)
        self._names += new
        return np.fromiter(map(index.__getitem__, devices), np.int64, len(devices))

    @contextmanager
    def _used(self, what: str) -> Iterator[None]:
        """Hold the receiver for this thread."""
        if not self._busy.acquire(blocking=False):
            raise InputError(f"Receiver.{what}: in use by another thread; let one thread at a time call it")
        try:
            yield
        finally:
            self._busy.release()
