"""Common-mode days, on which far more of a herd is in alarm than on the days before, from a cause that it shares."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.stats.intervals import Figure, exact
from anomsdk.stats.promises import dispersion

FACTOR = 2.0
"""Smallest ratio of the day's share of devices in alarm to that of the days before, on a common-mode day."""


@dataclass(frozen=True)
class HerdShare:
    """Devices in alarm on a day and on the days before.

    Parameters
    ----------
    in_alarm, devices : of the day: devices in alarm, and devices that were heard of
    in_alarm_before, devices_before : (days,), the same of each day before
    """

    in_alarm: int
    devices: int
    in_alarm_before: tuple[int, ...] = ()
    devices_before: tuple[int, ...] = ()

    @property
    def value(self) -> float | None:
        """Share of the day, 0 to 1; None without a device."""
        return self.in_alarm / self.devices if self.devices else None

    @property
    def before(self) -> float | None:
        """Share of all device days before, 0 to 1; None without one."""
        total = sum(self.devices_before)
        return sum(self.in_alarm_before) / total if total else None

    @property
    def dispersion(self) -> float:
        """Dispersion of the days before, 1 or more, see `anomsdk.stats.promises.dispersion`."""
        heard = [(x, n) for x, n in zip(self.in_alarm_before, self.devices_before, strict=True) if n]
        return max(1.0, dispersion([x for x, _ in heard], [n for _, n in heard])) if heard else 1.0

    @property
    def interval(self) -> Figure:
        """Share of the day with its 95 % interval, of as many independent devices as the dispersion leaves."""
        return Figure(None) if self.value is None else exact(self.value, self.devices / self.dispersion)

    @property
    def interval_before(self) -> Figure:
        """Share of the days before with its 95 % interval, of as many independent device days."""
        return Figure(None) if self.before is None else exact(self.before, sum(self.devices_before) / self.dispersion)

    @property
    def is_common_mode(self) -> bool:
        """Return True if the day's share is far above that of the days before.

        It is at least `FACTOR` times as large, and its 95 % interval lies above theirs.

        Examples
        --------
        >>> HerdShare(12, 998, (3,) * 7, (1000,) * 7).is_common_mode
        True
        >>> HerdShare(2, 10, (1,) * 7, (10,) * 7).is_common_mode
        False
        """
        low, high = self.interval.low, self.interval_before.high
        if self.value is None or self.before is None or low is None or high is None:
            return False
        return self.value >= FACTOR * self.before and low > high
