"""Sets of clips: those of one side that can be scored, and those that are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.evaluate.clip_scores import ScoredClip
from anomsdk.plans.recording_digests import KnownRecordings
from anomsdk.runtime.judged_share import Judged, judged_of_pieces
from anomsdk.sources.clips import Clip, Clips, Facts, survey
from anomsdk.utils.text import counted

_NAMED = 3  # clips that were left out are named up to this many, and then counted


@dataclass(frozen=True)
class LeftOut:
    """Clips of one side that were left out.

    Parameters
    ----------
    unreadable : one message for each file or clip that cannot be read
    constant : names of clips that hold only digitally constant samples
    too_short : names of clips that are too short for a tick
    void : names of clips in which a technical condition was active at every tick
    """

    unreadable: tuple[str, ...]
    constant: tuple[str, ...]
    too_short: tuple[str, ...]
    void: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of clips that were left out."""
        return len(self.unreadable) + len(self.constant) + len(self.too_short) + len(self.void)

    def lines(self, what: str) -> list[str]:
        """Say in lines why clips were left out, how many and which.

        Parameters
        ----------
        what : "normal" or "anomalous"
        """
        found = []
        for why, names in (
            ("cannot be read", self.unreadable),
            ("digitally constant", self.constant),
            ("too short for a tick", self.too_short),
            ("void, a technical condition was active at every tick", self.void),
        ):
            if names:
                more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
                found.append(f"left out, {what}, {why}: {len(names):,} ({', '.join(names[:_NAMED])}{more})")
        return found


@dataclass(frozen=True)
class Known:
    """Recordings of one side that a plan was made from; figures on them are no evidence.

    Parameters
    ----------
    trained, calibrated, chosen : names of recordings that trained the model, that set the alarm level, and that were
        the anomalies on which the model was chosen
    n : number of recordings of this side
    is_whole : True where the plan lists all recordings that it was made from; otherwise there may be more
    says : True where the plan lists any recordings
    """

    trained: tuple[str, ...]
    calibrated: tuple[str, ...]
    chosen: tuple[str, ...]
    n: int
    is_whole: bool
    says: bool

    @classmethod
    def of(cls, side: ClipSet, recordings: KnownRecordings) -> Known:
        """Find the clips of a side among the recordings of a plan."""
        did = [
            (clip.name, recordings.purposes(facts.digest)) for clip, facts in zip(side.clips, side.facts, strict=True)
        ]
        trained, calibrated, chosen = (
            tuple(name for name, purposes in did if purpose in purposes)
            for purpose in ("trained", "calibrated", "chosen")
        )
        return cls(trained, calibrated, chosen, len(side.clips), recordings.is_whole, recordings.says)

    @property
    def names(self) -> frozenset[str]:
        """Names of all these recordings."""
        return frozenset(self.trained + self.calibrated + self.chosen)

    def line(self, what: str, plan: str = "this plan") -> str:
        """Say in one line how many there are and what they did; empty where there are none.

        Parameters
        ----------
        what : "normal" or "anomalous"
        plan : words for the plan
        """
        if not self.names:
            return ""
        did = [
            word
            for word, names in (
                ("trained", self.trained),
                ("calibrated", self.calibrated),
                ("helped to choose", self.chosen),
            )
            if names
        ]
        least = "" if self.is_whole else "at least "
        count = f"{least}{len(self.names):,} of {counted(self.n, f'{what} recording')}"
        return f"{count} {' or '.join(did)} {plan}: figures on them are not evidence"


@dataclass(frozen=True)
class ClipSet:
    """Clips of one side with their facts, and those that were left out.

    Parameters
    ----------
    clips, facts : clips that hold samples, and what one pass over each told
    unreadable, constant : as `LeftOut`
    cut, clipped : number of samples that were cut out, and of clipped ones
    """

    clips: tuple[Clip, ...]
    facts: tuple[Facts, ...]
    unreadable: tuple[str, ...]
    constant: tuple[str, ...]
    cut: int
    clipped: int

    @property
    def kept(self) -> int:
        """Number of samples that were not cut out."""
        return sum(each.kept for each in self.facts)

    def judged(self, plan: Plan, scored: Sequence[ScoredClip | None]) -> Judged:
        """Count the ticks of the clips, and those that their time would have given without gaps and cuts.

        Ticks of padded clips do not count.
        """
        found = Judged()
        for facts, each in zip(self.facts, scored, strict=True):
            ticks = 0 if each is None or each.padded else len(each.scores)
            found += judged_of_pieces(plan, ticks, facts.piece_lengths, facts.length)
        return found

    def left_out(self, plan: Plan, scored: Sequence[ScoredClip | None]) -> LeftOut:
        """List the clips that were left out; a clip whose score is None is too short for a tick, or void."""
        without = [
            (clip.name, facts)
            for clip, facts, each in zip(self.clips, self.facts, scored, strict=False)
            if each is None
        ]
        too_short, void = split_void(plan, without)
        return LeftOut(self.unreadable, self.constant, too_short, void)


def split_void(plan: Plan, without: Sequence[tuple[str, Facts]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split clips without a judged tick, name and facts, into names of those too short for a tick and void ones."""
    gives = plan.ticks_in if plan.health is not None else lambda samples: 0
    void = tuple(name for name, facts in without if any(map(gives, facts.piece_lengths)))
    return tuple(name for name, _ in without if name not in void), void


def usable(plan: Plan, clips: Clips, what: str, skip_bad: bool, progress: Callable[[int], None]) -> ClipSet:
    """Read every clip once, and keep those that hold more than constant samples.

    Parameters
    ----------
    plan : plan that the clips must fit
    clips, skip_bad, progress : as `anomsdk.sources.clips.survey`
    what : "normal" or "anomalous", for messages

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
    return ClipSet(
        tuple(clip for clip, _ in pairs),
        tuple(each for _, each in pairs),
        readable.bad,
        constant,
        sum(each.cut for each in facts),
        sum(each.clipped for each in facts),
    )


def refuse_same(normal: ClipSet, anomalous: ClipSet) -> None:
    """Refuse clips whose samples are on both sides, whatever their names."""
    known = {facts.digest for facts in normal.facts}
    same = [clip.name for clip, facts in zip(anomalous.clips, anomalous.facts, strict=True) if facts.digest in known]
    if same:
        raise InputError(
            f"{same[0]}: these samples are among the normal recordings, too ({len(same)} of {len(anomalous.clips)} "
            "anomalous ones are); take them out of one side"
        )
