"""Share of the time that was judged: after each gap a pipeline needs a whole context before it judges again."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.core.plan import Plan
from anomsdk.errors import CheckError


@dataclass(frozen=True)
class Judged:
    """Number of ticks that recordings gave, and the number that they would have given without gaps.

    Parameters
    ----------
    ticks : runs of the model
    of : ticks in the same number of samples without a gap, missing samples included; for a recording shorter than its
        first tick, the ticks that it would add to a longer recording

    Examples
    --------
    >>> Judged(198, 395) + Judged(0, 5)
    Judged(ticks=198, of=400)
    >>> str(Judged(198, 400)), str(Judged(3999, 4000)), str(Judged(0, 0))
    ('49.5% of the time', '99.9% of the time', '0% of the time')
    """

    ticks: int = 0
    of: int = 0

    def __add__(self, other: Judged) -> Judged:
        return Judged(self.ticks + other.ticks, self.of + other.of)

    @property
    def share(self) -> float:
        """Judged share of the time, 0 to 1; 0 if there was nothing to judge."""
        return min(1.0, self.ticks / self.of) if self.of else 0.0

    def __str__(self) -> str:
        if self.share in (0, 1):
            return f"{self.share:.0%} of the time"
        return f"{min(max(100 * self.share, 0.1), 99.9):.1f}% of the time"


def judged(plan: Plan, ticks: int, samples: int) -> Judged:
    """Return the judged share of one recording.

    Parameters
    ----------
    plan : Plan
    ticks : number of ticks that the recording gave
    samples : its length in samples, missing samples included
    """
    return Judged(ticks, plan.ticks_in(samples) or -(-samples // plan.samples_per_tick))


def require_judged(command: str, found: Judged) -> None:
    """Refuse a run in which nothing was judged; ``command`` begins the message.

    Raises
    ------
    CheckError : there was no tick
    """
    if not found.ticks:
        raise CheckError(
            f"{command}: nothing was judged: no stretch without a gap is long enough; give longer recordings, or "
            "repair what loses samples"
        )
