"""Budget: how many alarms, alarm-days or episodes a device may have in a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from anomsdk.core.checks import require
from anomsdk.core.ladder import Unit
from anomsdk.errors import quoted

LARGEST_RATE = 100
"""Most alarms a day that a budget may allow."""

_FORM = re.compile(r"\s*(\d{1,4})\s*(alarm-days?|alarms?|episodes?)\s*/\s*(\d{1,4})\s*(d|h)\s*", re.ASCII)
_UNITS = {"alarm": Unit.ALARM, "alarm-day": Unit.ALARM_DAY, "episode": Unit.EPISODE}


@dataclass(frozen=True)
class Budget:
    """Budget of alarms: at most ``count`` of a unit in ``days`` days, on the long-run average.

    Parameters
    ----------
    count : 1 or more
    unit : alarms, alarm-days or episodes
    days : length of the time, above 0; whole days, but for alarms, which may be counted in hours

    Examples
    --------
    >>> budget = Budget.parse("2 episodes/90d")
    >>> budget.unit.name, str(budget), str(budget.rate)
    ('EPISODE', '2 episodes/90d', '1/45')
    """

    count: int
    unit: Unit
    days: Fraction

    @classmethod
    def parse(cls, text: str | Budget) -> Budget:
        """Read a budget such as "1 alarm-day/30d", "1 alarm/7d", "1 alarm/8h" or "2 episodes/90d".

        Raises
        ------
        InputError : another form, nothing allowed, no time, hours for days, or as many alarm-days as days
        """
        if isinstance(text, Budget):
            return text
        found = _FORM.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            require(
                False,
                f"`budget`: '{quoted(str(text))}' is no budget; write it as '1 alarm-day/30d', '1 alarm/7d', "
                "'1 alarm/8h' or '2 episodes/90d', in days (d) or hours (h)",
            )
        assert found is not None
        count, word, per = int(found[1]), found[2].removesuffix("s"), 24 if found[4] == "h" else 1
        made = cls(count, _UNITS[word], Fraction(int(found[3]), per))
        require(
            count > 0, f"`budget`: '{made}' allows nothing, which no number of days can show; allow 1 in a longer time"
        )
        require(made.days > 0, f"`budget`: '{made}' is in no time; give days, as in '{count} {word}/7d'")
        if made.unit != Unit.ALARM:
            require(per == 1, f"`budget`: '{quoted(str(text))}' counts days in hours; give days")
            require(count < made.days, f"`budget`: '{made}' allows one on every day, which is no limit; give more days")
        require(made.rate <= LARGEST_RATE, f"`budget`: '{made}' is more than {LARGEST_RATE} a day; allow fewer")
        return made

    @property
    def rate(self) -> Fraction:
        """Rate a day."""
        return self.count / self.days

    @property
    def in_hours(self) -> bool:
        """Return True if the time is no whole number of days, so that service is told in hours."""
        return self.days.denominator > 1

    def time(self, days: float, more: str = "") -> str:
        """Write a time of service in the unit of the budget, with a word before the unit.

        Examples
        --------
        >>> Budget.parse("1 alarm/8h").time(0.05), Budget.parse("1 alarm-day/30d").time(109, "more ")
        ('1.2 hours', '109 more days')
        """
        value, unit = (24 * days, "hour") if self.in_hours else (days, "day")
        written = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
        return f"{written} {more}{unit}{'' if written == '1' else 's'}"

    def __str__(self) -> str:
        word = next(word for word, unit in _UNITS.items() if unit == self.unit)
        period = f"{self.days}d" if self.days.denominator == 1 else f"{self.days * 24}h"
        return f"{self.count} {word}{'' if self.count == 1 else 's'}/{period}"

    @property
    def period(self) -> str:
        """Time of the budget in words, such as 30 days or 8 hours."""
        return self.time(float(self.days))
