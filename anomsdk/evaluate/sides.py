"""The normal and the anomalous side: clips that hold something, and those that tell nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anomsdk.clips import Clip, Clips, Facts, survey
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.evaluate.scoring import ScoredClip
from anomsdk.judged import Judged, judged

_NAMED = 3  # clips that were left out are named up to here, then counted


@dataclass(frozen=True)
class LeftOut:
    """Clips of one side that tell nothing.

    Parameters
    ----------
    unreadable : one line for each file or clip that cannot be read
    constant : names of clips that hold nothing but digitally constant samples
    too_short : names of clips that are too short for a tick
    """

    unreadable: tuple[str, ...]
    constant: tuple[str, ...]
    too_short: tuple[str, ...]

    @property
    def n(self) -> int:
        """How many."""
        return len(self.unreadable) + len(self.constant) + len(self.too_short)

    def lines(self, what: str) -> list[str]:
        """Why, how many and which, in lines; ``what`` is what they call this side."""
        found = []
        for why, names in (
            ("cannot be read", self.unreadable),
            ("digitally constant", self.constant),
            ("too short for a tick", self.too_short),
        ):
            if names:
                more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
                found.append(f"left out, {what}, {why}: {len(names):,} ({', '.join(names[:_NAMED])}{more})")
        return found


@dataclass(frozen=True)
class Side:
    """Clips that hold something, with what is known of them, and those that do not."""

    clips: tuple[Clip, ...]
    facts: tuple[Facts, ...]
    unreadable: tuple[str, ...]
    constant: tuple[str, ...]
    cut: int
    clipped: int

    @property
    def kept(self) -> int:
        """Samples that are not cut."""
        return sum(each.kept for each in self.facts)

    def judged(self, plan: Plan, scored: Sequence[ScoredClip | None]) -> Judged:
        """Ticks, and how many the time of the clips would have given without gaps and cuts; padding judges nothing."""
        found = Judged()
        for facts, each in zip(self.facts, scored, strict=True):
            ticks = 0 if each is None or each.padded else len(each.scores)
            found += judged(plan, ticks, facts.length)
        return found

    def left_out(self, scored: Sequence[ScoredClip | None]) -> LeftOut:
        """What is missing, given what became of each clip: None is too short for a tick."""
        too_short = (clip.name for clip, each in zip(self.clips, scored, strict=False) if each is None)
        return LeftOut(self.unreadable, self.constant, tuple(too_short))


def usable(plan: Plan, clips: Clips, what: str, skip_bad: bool, progress: Callable[[int], None]) -> Side:
    """Read every clip once and keep those that hold something.

    Parameters
    ----------
    plan : what the clips must fit
    clips, skip_bad, progress : as `anomsdk.clips.survey`
    what : what messages call this side

    Raises
    ------
    InputError : a clip that does not fit the plan, a damaged one, or all of them constant
    """
    for clip in clips.clips:
        if (clip.kind, clip.rate_hz, clip.columns) != (plan.sensor.kind, plan.rate_hz, plan.columns):
            raise InputError(
                f"{clip.name}: {clip.kind} at {clip.rate_hz:g} Hz, {clip.columns} wide; this plan takes "
                f"{plan.sensor.kind} at {plan.rate_hz:g} Hz, {plan.columns} wide"
            )
    readable, facts = survey(clips, skip_bad=skip_bad, progress=progress)
    pairs = [(clip, each) for clip, each in zip(readable.clips, facts, strict=True) if each.kept]
    constant = tuple(clip.name for clip, each in zip(readable.clips, facts, strict=True) if not each.kept)
    if constant and not pairs:
        raise InputError(
            f"{what} recordings: nothing but digitally constant samples in all {len(constant)}, "
            f"e.g. {constant[0]}; record them again"
        )
    return Side(
        tuple(clip for clip, _ in pairs),
        tuple(each for _, each in pairs),
        readable.bad,
        constant,
        sum(each.cut for each in facts),
        sum(each.clipped for each in facts),
    )


def refuse_same(normal: Side, anomalous: Side) -> None:
    """Refuse clips that are on both sides, whatever their names: their samples tell."""
    known = {facts.digest for facts in normal.facts}
    same = [clip.name for clip, facts in zip(anomalous.clips, anomalous.facts, strict=True) if facts.digest in known]
    if same:
        raise InputError(
            f"{same[0]}: these samples are among the normal recordings, too ({len(same)} of {len(anomalous.clips)} "
            "anomalous ones are); a clip is one or the other"
        )
