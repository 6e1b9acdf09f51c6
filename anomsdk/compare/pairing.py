"""Recordings as two plans hear them: the same ones, each at its own rate where that is sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, all_or_none
from anomsdk.evaluate.clip_sets import ClipSet, LeftOut, refuse_same, usable
from anomsdk.runtime.judged_share import Judged, judged
from anomsdk.sources.clips import Clip, Clips, open_clips
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

Place: TypeAlias = Clips | str | Path
"""Clips, or a path as `anomsdk.sources.clips.open_clips` takes it."""


@dataclass(frozen=True)
class PairedRecordings:
    """Recordings that hold something, and what is known of the others.

    Parameters
    ----------
    pairs : each recording for the old and for the new plan
    sides : what one pass over them told, for either plan; the same twice where the rates are equal
    """

    pairs: tuple[tuple[Clip, Clip], ...]
    sides: tuple[ClipSet, ClipSet]

    @property
    def kept(self) -> int:
        """Samples to run, of both plans together."""
        return self.sides[0].kept + self.sides[1].kept

    def left_out(self, heard: Sequence[object | None]) -> LeftOut:
        """What is missing, given what became of each pair: None is too short for a tick of either plan."""
        too_short = tuple(clip.name for (clip, _), each in zip(self.pairs, heard, strict=True) if each is None)
        return LeftOut(self._either("unreadable"), self._either("constant"), too_short)

    def judged(self, which: int, plan: Plan, seconds: Sequence[float]) -> Judged:
        """Ticks of one plan, the old one is 0, and how many the time of the recordings would have given.

        Parameters
        ----------
        which, plan : 0 or 1, and that plan
        seconds : judged of each pair
        """
        facts = {clip.name: each for clip, each in zip(self.sides[which].clips, self.sides[which].facts, strict=True)}
        found = Judged()
        for pair, judged_s in zip(self.pairs, seconds, strict=True):
            ticks = round(judged_s * plan.rate_hz / plan.samples_per_tick)
            found += judged(plan, ticks, facts[pair[which].name].length)
        return found

    def _either(self, what: str) -> tuple[str, ...]:
        old, new = (getattr(side, what) for side in self.sides)
        return tuple(dict.fromkeys(old + new))


def refuse_other_sensor(old: Plan, new: Plan) -> None:
    """Refuse plans that cannot hear the same recordings: only the rate of sound may differ."""
    differ = [("sensors", old.sensor.kind, new.sensor.kind), ("columns", old.columns, new.columns)]
    if old.sensor.kind == new.sensor.kind != "audio":
        differ.append(("rows a second", f"{old.rate_hz:g}", f"{new.rate_hz:g}"))
        differ += [(name, value, getattr(new.sensor, name)) for name, value in asdict(old.sensor).items()]
    for what, a, b in differ:
        if a != b:
            raise InputError(
                f"plans {old.name} and {new.name}: {what} differ, {a} and {b}; no recording fits both, give plans of "
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
    """Open recordings for both plans, and read each once for each rate.

    Parameters
    ----------
    old, new : of one sensor
    places : what messages call the recordings, and where they are; normal ones first
    reading, group, skip_bad : as `anomsdk.sources.clips.open_clips`
    progress : called with the recordings read, and all of them

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
    wanted = StreamFormat.of(plan.sensor, plan.columns)
    return open_clips(place, wanted, reading=reading, group=group, skip_bad=skip_bad)


def _refuse_without_rate(old: Plan, new: Plan, clips: Sequence[Clip]) -> None:
    """A file that says no rate would be heard at two speeds."""
    for clip in clips:
        if clip.stored_hz is None:
            raise InputError(
                f"{clip.name}: says no rate, and the plans hear {old.rate_hz:g} and {new.rate_hz:g} Hz; save it as .wav"
            )


def _paired(old: ClipSet, new: ClipSet) -> PairedRecordings:
    """What either plan can use; names are unique where there are two sides, for they come from one place."""
    if old is new:
        return PairedRecordings(tuple((clip, clip) for clip in old.clips), (old, new))
    others = {clip.name: clip for clip in new.clips}
    return PairedRecordings(tuple((clip, others[clip.name]) for clip in old.clips if clip.name in others), (old, new))
