"""The share of the time that was judged: after each gap a pipeline gathers a whole context before it judges again."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.core.plan import Plan
from anomsdk.errors import CheckError


@dataclass(frozen=True)
class Judged:
    """Ticks of recordings, and how many their time would have given without a gap.

    Parameters
    ----------
    ticks : runs of the model
    of : ticks that as many samples, missing ones among them, give without a gap; of a recording that is too short for a
        tick those that it would have given as a part of a longer one

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
        """0 to 1; 0 where there was nothing to judge."""
        return min(1.0, self.ticks / self.of) if self.of else 0.0

    def __str__(self) -> str:
        if self.share in (0, 1):
            return f"{self.share:.0%} of the time"
        return f"{min(max(100 * self.share, 0.1), 99.9):.1f}% of the time"


def judged(plan: Plan, ticks: int, samples: int) -> Judged:
    """Judged share of one recording.

    Parameters
    ----------
    plan : Plan
    ticks : that it gave
    samples : how long it is, missing samples among them
    """
    return Judged(ticks, plan.ticks_in(samples) or -(-samples // plan.samples_per_tick))


def require_judged(command: str, found: Judged) -> None:
    """Fail where there was something to judge and nothing was judged.

    Raises
    ------
    CheckError : no tick
    """
    if not found.ticks:
        raise CheckError(
            f"{command}: nothing was judged: no stretch without a gap is long enough; give longer recordings, or mend "
            "what loses samples"
        )
