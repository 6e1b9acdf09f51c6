"""Gate of a release: limits on what may change from one plan to the next, and whether they are kept."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.compare.difference import Difference
from anomsdk.errors import InputError

_MOST = 10**9
"""Largest limit: more alarms than any comparison has."""


@dataclass(frozen=True)
class Limits:
    """Limits on what may change from one plan to the next; by default nothing may.

    Parameters
    ----------
    max_change : largest change of the rate on normal recordings, up or down, false alarms an hour, >= 0. At 0 each
        alarm counts by itself, as the next three limits say
    max_added, max_lost, max_moved : most alarms that may be added, lost and moved, on normal and anomalous recordings
        together. None: 0 where ``max_change`` is 0, else any number
    max_missed : most anomalous recordings that the old plan finds and the new one does not
    confident : compare ``max_change`` with the far end of the 95 % interval of the change, not with its value

    Raises
    ------
    InputError : a limit out of range
    """

    max_change: float = 0.0
    max_added: int | None = None
    max_lost: int | None = None
    max_moved: int | None = None
    max_missed: int = 0
    confident: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.max_change <= _MOST:
            raise InputError(f"`max_change={self.max_change:g}`: give false alarms an hour, 0 to {_MOST}")
        for name in ("max_added", "max_lost", "max_moved", "max_missed"):
            value = getattr(self, name) or 0
            if not 0 <= value <= _MOST:
                shown = f"={value}" if abs(value) < 10**20 else ""
                raise InputError(f"`{name}{shown}`: give a number of alarms, 0 to {_MOST}")
        if self.confident and not self.max_change:
            raise InputError("`confident`: it is about `max_change`; give a `max_change` above 0")


@dataclass(frozen=True)
class Judgement:
    """One limit, the value that it was compared with, and whether it is kept.

    Parameters
    ----------
    what : name of the limit, in words
    value : value that was found
    limit : largest value that passes
    note : what these recordings cannot show; may be empty
    """

    what: str
    value: float
    limit: float
    note: str = ""

    @property
    def kept(self) -> bool:
        """True where the value is within the limit."""
        return self.value <= self.limit


def judge(difference: Difference, limits: Limits | None = None) -> tuple[Judgement, ...]:
    """Compare what changed with the limits.

    Parameters
    ----------
    difference : result of `diff`
    limits : by default nothing may change

    Returns
    -------
    a judgement for each limit that applies; the release passes when all are kept

    Examples
    --------
    >>> all(judgement.kept for judgement in judge(difference, Limits(max_moved=3)))  # doctest: +SKIP
    """
    limits = Limits() if limits is None else limits
    found = []
    for what, count, limit in (
        ("alarms added", difference.n_added, limits.max_added),
        ("alarms lost", difference.n_lost, limits.max_lost),
        ("alarms moved", difference.n_moved, limits.max_moved),
    ):
        if limit is not None or not limits.max_change:
            found.append(Judgement(what, count, limit or 0))
    if limits.max_change:
        found.append(_change(difference, limits))
    if difference.detection is not None:
        found.append(Judgement("anomalous recordings missed", difference.detection.missed, limits.max_missed))
    return tuple(found)


def _change(difference: Difference, limits: Limits) -> Judgement:
    change = difference.rate_change
    measured = abs(change.value or 0.0)
    reach = max(abs(end) for end in (change.low, change.value, change.high) if end is not None)
    if limits.confident:
        return Judgement("change in false alarms an hour, 95 % confident", reach, limits.max_change)
    note = ""
    if measured <= limits.max_change < reach:
        note = f"the interval of the change reaches {reach:.3g} an hour: it takes more hours to be sure of the limit"
    return Judgement("change in false alarms an hour", measured, limits.max_change, note)
