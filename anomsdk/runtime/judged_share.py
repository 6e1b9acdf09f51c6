"""Share of the time that was judged.

After each gap a pipeline needs a whole context before it judges again, and while a technical condition is active its
ticks are void. With a duty cycle only the time counts in which the plan declares that the device samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from anomsdk.core.duty import DutyPlan
from anomsdk.core.plan import Plan
from anomsdk.errors import CheckError


@dataclass(frozen=True)
class Judged:
    """Number of ticks that were judged, and the number that would have been without gaps and technical conditions.

    Parameters
    ----------
    ticks : runs of the model whose score was judged
    of : ticks in the same number of samples without a gap, missing samples included; for a recording shorter than its
        first tick, the ticks that it would add to a longer recording
    void : runs of the model whose score led to nothing, because a technical condition was active; not in ``ticks``
    duty : ``of`` are the ticks that a duty cycle declares

    Examples
    --------
    >>> Judged(198, 395) + Judged(0, 5)
    Judged(ticks=198, of=400, void=0)
    >>> str(Judged(198, 400)), str(Judged(3999, 4000)), str(Judged(0, 0))
    ('49.5% of the time', '99.9% of the time', '0% of the time')
    >>> str(Judged(198, 400, 50))
    '49.5% of the time, void 12.5%'
    >>> str(Judged(390, 400, duty=True))
    '97.5% of the time that the duty declares'
    """

    ticks: int = 0
    of: int = 0
    void: int = 0
    duty: bool = field(default=False, repr=False)

    def __add__(self, other: Judged) -> Judged:
        return Judged(
            self.ticks + other.ticks, self.of + other.of, self.void + other.void, duty=self.duty or other.duty
        )

    @property
    def share(self) -> float:
        """Judged share of the time, 0 to 1; 0 if there was nothing to judge."""
        return min(1.0, self.ticks / self.of) if self.of else 0.0

    @property
    def void_share(self) -> float:
        """Share of the time in which a technical condition made ticks void, 0 to 1; 0 if there was nothing to judge."""
        return min(1.0, self.void / self.of) if self.of else 0.0

    def __str__(self) -> str:
        void = f", void {_percent(self.void_share)}" if self.void else ""
        which = " that the duty declares" if self.duty else ""
        return f"{_percent(self.share)} of the time{which}{void}"


def judged(plan: Plan, ticks: int, samples: int, *, void: int = 0) -> Judged:
    """Return the judged share of one recording.

    With a duty cycle in the plan the ticks that are due are those that the plan declares for this time, and not fewer
    than there were: a recording without pauses is no reason to call another one whole.

    Parameters
    ----------
    plan : Plan
    ticks : number of ticks of the recording that were judged
    samples : its length in samples, missing samples included
    void : number of its ticks that were void
    """
    due = ticks_due(plan.duty, plan.ticks_in, plan.samples_per_tick, samples)
    if plan.duty is None:
        return Judged(ticks, due, void)
    return Judged(ticks, max(due, ticks + void), void, duty=True)


def ticks_due(duty: DutyPlan | None, ticks_in: Callable[[int], int], samples_per_tick: int, samples: int) -> int:
    """Count the ticks that are due in a recording, at least 1 where it has a sample.

    Parameters
    ----------
    duty : None: without a pause
    ticks_in : ticks in a number of samples without a gap
    samples_per_tick : samples from one tick to the next
    samples : length of the recording, with missing samples and pauses
    """
    on = samples if duty is None else min(samples % duty.every, duty.on)
    return whole_ticks_due(duty, ticks_in, samples) or -(-on // samples_per_tick)


def whole_ticks_due(duty: DutyPlan | None, ticks_in: Callable[[int], int], samples: int) -> int:
    """Count the ticks that are due in a recording; 0 where it is shorter than its first tick.

    Parameters
    ----------
    duty, ticks_in, samples : as `ticks_due`
    """
    if duty is None:
        return ticks_in(samples)
    periods, rest = divmod(samples, duty.every)
    return periods * ticks_in(duty.on) + ticks_in(min(rest, duty.on))


def judged_of_pieces(plan: Plan, ticks: int, pieces: Iterable[int], samples: int) -> Judged:
    """Return the judged share of one recording, each stretch of which went through a fresh pipeline.

    Parameters
    ----------
    plan : Plan
    ticks : number of ticks of the recording that were judged; all others were void
    pieces : lengths of the stretches between gaps, in samples
    samples : as `judged`
    """
    given = sum(map(plan.ticks_in, pieces)) if plan.health is not None else ticks
    return judged(plan, ticks, samples, void=given - ticks)


def require_judged(command: str, found: Judged) -> None:
    """Refuse a run in which nothing was judged; ``command`` begins the message.

    Raises
    ------
    CheckError : there was no tick, or all were void
    """
    if not found.ticks and found.void:
        see = "" if command == "watch" else "see which one with watch, and "
        raise CheckError(
            f"{command}: nothing was judged: a technical condition was active at every tick; {see}repair the sensor or "
            "the [health] section of the plan"
        )
    if not found.ticks:
        raise CheckError(
            f"{command}: nothing was judged: no stretch without a gap is long enough; give longer recordings, or "
            "repair what loses samples"
        )


def _percent(share: float) -> str:
    """Write a share so that 0 % and 100 % mean none and all."""
    return f"{share:.0%}" if share in (0, 1) else f"{min(max(100 * share, 0.1), 99.9):.1f}%"
