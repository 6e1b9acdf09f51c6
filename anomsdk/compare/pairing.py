"""Pairing of recordings for two plans: each recording opened for both, sound at the rate of each plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, all_or_none
from anomsdk.evaluate.clip_sets import ClipSet, LeftOut, refuse_same, split_void, usable
from anomsdk.runtime.judged_share import Judged, judged_of_pieces
from anomsdk.sources.clips import Clip, Clips, open_clips
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

Place: TypeAlias = Clips | str | Path
"""Clips, or a path for `anomsdk.sources.clips.open_clips`."""


@dataclass(frozen=True)
class PairedRecordings:
    """Recordings of one side, each opened for both plans, and those that were left out.

    Parameters
    ----------
    pairs : each recording, opened for the old and for the new plan
    sides : sets of clips for the old and for the new plan; the same set twice where the rates are equal
    """

    pairs: tuple[tuple[Clip, Clip], ...]
    sides: tuple[ClipSet, ClipSet]

    @property
    def kept(self) -> int:
        """Number of samples that both plans will process together."""
        return self.sides[0].kept + self.sides[1].kept

    def left_out(self, plans: tuple[Plan, Plan], heard: Sequence[object | None]) -> LeftOut:
        """List the recordings that were left out: a pair without a result is too short for both plans, or void.

        Parameters
        ----------
        plans : the old and the new plan
        heard : result of each pair; None: no tick of either plan was judged
        """
        names = {clip.name for (clip, _), each in zip(self.pairs, heard, strict=True) if each is None}
        void = set[str]()
        for plan, side in zip(plans, self.sides, strict=True):
            without = [(clip.name, facts) for clip, facts in zip(side.clips, side.facts, strict=True)]
            void |= names.intersection(split_void(plan, without)[1])
        in_order = [clip.name for clip, _ in self.pairs if clip.name in names]
        return LeftOut(
            self._either("unreadable"),
            self._either("constant"),
            tuple(name for name in in_order if name not in void),
            tuple(name for name in in_order if name in void),
        )

    def judged(self, which: int, plan: Plan, ticks: Sequence[int]) -> Judged:
        """Count the ticks of one plan, and those that the time of the recordings would have given without gaps.

        Parameters
        ----------
        which, plan : 0 for the old plan or 1 for the new one, and that plan
        ticks : number of ticks that the plan judged of each pair
        """
        facts = {clip.name: each for clip, each in zip(self.sides[which].clips, self.sides[which].facts, strict=True)}
        found = Judged()
        for pair, n in zip(self.pairs, ticks, strict=True):
            of = facts[pair[which].name]
            found += judged_of_pieces(plan, n, of.piece_lengths, of.length)
        return found

    def _either(self, what: str) -> tuple[str, ...]:
        old, new = (getattr(side, what) for side in self.sides)
        return tuple(dict.fromkeys(old + new))


def refuse_other_sensor(old: Plan, new: Plan) -> None:
    """Refuse plans that cannot take the same recordings: only the rate of sound may differ."""
    differ = [("sensors", old.sensor.kind, new.sensor.kind), ("columns", old.columns, new.columns)]
    if old.sensor.kind == new.sensor.kind != "audio":
        differ.append(("rows a second", f"{old.rate_hz:g}", f"{new.rate_hz:g}"))
        theirs = asdict(new.sensor)
        differ += [(name, value, theirs[name]) for name, value in asdict(old.sensor).items()]
    for what, a, b in differ:
        if a != b:
            raise InputError(
                f"plans {old.name} and {new.name}: {what} differ, {a} and {b}; no recording fits both: give plans of "
                "one sensor"
            )


def read_corpora(
    old: Plan,
    new: Plan,
    places: Sequence[tuple[str, Place]],
    *,
    reading: ReadOptions | None,
    group: str | None,
    skip_bad: bool,
    progress: Callable[[int, int], None],
) -> list[PairedRecordings]:
    """Open recordings for both plans, and read each once at each rate.

    Parameters
    ----------
    old, new : plans of one sensor
    places : name of each side for messages, and its recordings; the normal side first
    reading, group, skip_bad : as `anomsdk.sources.clips.open_clips`
    progress : called with the number of recordings read, and of all of them

    Raises
    ------
    InputError : as `anomsdk.sources.clips.open_clips` and `anomsdk.evaluate.evaluate`; a file without a rate, where the
        plans differ in theirs
    """
    plans = [old] if old.rate_hz == new.rate_hz else [old, new]
    sets = all_or_none(
        *(partial(_opened, plan, place, reading, group, skip_bad) for _, place in places for plan in plans)
    )
    opened = [(what, sets[at * len(plans) : (at + 1) * len(plans)]) for at, (what, _) in enumerate(places)]
    if len(plans) == 2:
        _refuse_without_rate(old, new, [clip for _, sets in opened for clip in sets[0].clips])
    whole, before, corpora = sum(len(clips.clips) for _, sets in opened for clips in sets), 0, list[PairedRecordings]()

    def read(done: int) -> None:
        progress(before + done, whole)

    for what, sets in opened:
        sides = []
        for plan, clips in zip(plans, sets, strict=True):
            sides.append(usable(plan, clips, what, skip_bad, read))
            before += len(clips.clips)
        corpora.append(_paired(sides[0], sides[-1]))
    for corpus in corpora[1:]:
        refuse_same(corpora[0].sides[0], corpus.sides[0])
    return corpora


def _opened(plan: Plan, place: Place, reading: ReadOptions | None, group: str | None, skip_bad: bool) -> Clips:
    if isinstance(place, Clips):
        return place
    stream_format = StreamFormat.of(plan.sensor, plan.columns, plan.duty)
    return open_clips(place, stream_format, reading=reading, group=group, skip_bad=skip_bad)


def _refuse_without_rate(old: Plan, new: Plan, clips: Sequence[Clip]) -> None:
    """Refuse files without a rate: both plans would take them at different speeds."""
    for clip in clips:
        if clip.stored_hz is None:
            raise InputError(
                f"{clip.name}: does not say its rate, and the plans take {old.rate_hz:g} and {new.rate_hz:g} Hz; "
                "save it as .wav"
            )


def _paired(old: ClipSet, new: ClipSet) -> PairedRecordings:
    """Pair the clips that both plans can use by their names, which are unique within one place."""
    if old is new:
        return PairedRecordings(tuple((clip, clip) for clip in old.clips), (old, new))
    others = {clip.name: clip for clip in new.clips}
    return PairedRecordings(tuple((clip, others[clip.name]) for clip in old.clips if clip.name in others), (old, new))
