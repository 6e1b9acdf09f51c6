"""Whether a release may pass: what may change, and what did."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.compare.difference import Difference
from anomsdk.errors import InputError

_MOST = 10**9
"""More alarms than any comparison has."""


@dataclass(frozen=True)
class Limits:
    """What may change from one plan to the next; by default nothing.

    Parameters
    ----------
    max_change : false alarms an hour, >= 0: how many more or fewer the new plan may raise on the normal recordings.
        At 0 every alarm is judged by itself: none may be added, lost or moved beyond the next three
    max_added, max_lost, max_moved : alarms, normal and anomalous recordings together. None: 0 where ``max_change`` is
        0, else any number
    max_missed : anomalous recordings that the old plan finds and the new one does not
    confident : judge ``max_change`` by the far end of the change's 95 % interval, not by what was measured

    Raises
    ------
    InputError : a limit that cannot be meant
    """

    max_change: float = 0.0
    max_added: int | None = None
    max_lost: int | None = None
    max_moved: int | None = None
    max_missed: int = 0
    confident: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.max_change <= _MOST:
            raise InputError(f"--max-change {self.max_change:g}: give false alarms an hour, 0 to {_MOST}")
        for name in ("max_added", "max_lost", "max_moved", "max_missed"):
            value = getattr(self, name) or 0
            if not 0 <= value <= _MOST:
                shown = f" {value}" if abs(value) < 10**20 else ""
                raise InputError(f"--{name.replace('_', '-')}{shown}: give a count of alarms, 0 to {_MOST}")
        if self.confident and not self.max_change:
            raise InputError("--confident: it judges --max-change; give one above 0")


@dataclass(frozen=True)
class Judgement:
    """One limit, and what it was compared with.

    Parameters
    ----------
    what : in words
    value : what was found
    limit : the most that passes
    note : what these recordings cannot show; empty otherwise
    """

    what: str
    value: float
    limit: float
    note: str = ""

    @property
    def kept(self) -> bool:
        """Whether it passes."""
        return self.value <= self.limit


def judge(difference: Difference, limits: Limits | None = None) -> tuple[Judgement, ...]:
    """Compare what changed with what may change.

    Parameters
    ----------
    difference : of `diff`
    limits : nothing may change unless told otherwise

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
