"""Certified level of one device: its own recordings walk down the rungs of a ladder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from anomsdk.core.checks import require
from anomsdk.core.ladder import walk
from anomsdk.core.plan import Plan
from anomsdk.errors import CheckError
from anomsdk.evaluate.stretch_scores import (
    ScoredRecording,
    ScoredStretch,
    has_no_pauses,
    score_stretches,
    without_ladder,
)
from anomsdk.planner.calibration import Certified, alert_without_level
from anomsdk.planner.ladder import counted_in, promise_plan
from anomsdk.planner.sections import LadderSection
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.recording_digests import KnownRecordings, known_recordings
from anomsdk.runtime.engines import default_engine
from anomsdk.runtime.ladders import ScoreLadder
from anomsdk.runtime.parallel import checked_jobs, in_order
from anomsdk.sources.clips import Clip
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import bound, check_reachable, days_needed
from anomsdk.utils.text import counted, figure


def doubt_line(known: KnownRecordings) -> str:
    """Say that recordings may be counted that the plan was made from; empty where it lists all of these."""
    if not known.says:
        return (
            "this plan does not say which recordings it was made from, and these certify nothing: leave them out "
            "yourself"
        )
    if not known.is_whole:
        return (
            "this plan was made from more recordings than it lists: some of those counted may be among them, and these "
            "certify nothing"
        )
    return ""


@dataclass(frozen=True)
class CertifiedLevel:
    """Level that keeps a budget on a device, with its evidence.

    Parameters
    ----------
    budget, confidence : of the certificate
    raise_score : the alarm level
    rung : index of its rung
    count : alarms, alarm-days or episodes that it counted
    days : of service in which they were counted
    recordings : number of recordings that were counted
    left_out : names of recordings that certify nothing, as the plan was made from them
    doubt : line of `doubt_line`
    """

    budget: Budget
    confidence: float
    raise_score: int
    rung: int
    count: int
    days: float
    recordings: int
    left_out: tuple[str, ...]
    doubt: str = ""

    def entry(self, spec: PipelineSpec) -> Certified:
        """Return the entry of a calibration."""
        return Certified(
            budget=str(self.budget),
            confidence=self.confidence,
            raise_score=self.raise_score,
            alert=alert_without_level(spec),
        )

    def lines(self) -> Iterator[str]:
        """Yield lines that tell the user what the level is and what it rests on."""
        upper = bound(self.count, self.days, self.budget.unit, self.confidence) * float(self.budget.days)
        served = self.budget.time(self.days)
        yield (
            f"certified for {self.budget} at confidence {self.confidence:g}: {self.count:,} in {served} of service, at "
            f"most {figure(upper)} in the time of the budget (level tag {self.rung + 1})"
        )
        yield "the certificate is for this device in service like that of these days, not another season or wearer"
        if self.left_out:
            yield left_out_line(self.left_out)
        if self.doubt:
            yield self.doubt


def no_promise(hours: float) -> str:
    """Say what a level above one set of recordings does not promise, and how many days a certificate takes."""
    usual = Budget.parse("1 alarm-day/30d")
    return (
        f"no promise: {hours / 24:.3g} days of service set this level, and a certificate for '{usual}' takes "
        f"{days_needed(0, usual):,} days without an alarm; `budget` says how many are missing"
    )


def left_out_line(names: Sequence[str]) -> str:
    """Say which recordings were left out because the plan was made from them."""
    named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return (
        f"left out, as the plan was made from them and they certify nothing: {counted(len(names), 'recording')} "
        f"({named})"
    )


def with_ladder(spec: PipelineSpec, budget: Budget, confidence: float) -> PipelineSpec:
    """Return a spec that has a ladder: its own, or the default one, whose rungs calibration.json places.

    Raises
    ------
    InputError : a confidence out of its range, or a budget that needs more than a year without any alarm
    """
    check_reachable(budget, confidence)
    if spec.ladder is not None:
        return spec
    return spec.model_copy(update={"ladder": LadderSection(budgets=(str(budget),), confidence=confidence)})


def certified_level(
    plan: Plan,
    clips: Sequence[Clip],
    budget: Budget,
    confidence: float,
    *,
    max_alarm_fraction: float = 0.05,
    engine: str | None = None,
    jobs: int | None = None,
    progress: Callable[[int], None] = lambda samples: None,
) -> CertifiedLevel:
    """Find the lowest rung that keeps a budget on recordings of one device, in the order of their names.

    Parameters
    ----------
    plan : Plan with a ladder
    clips : recordings of one device; those that the plan was made from are left out
    budget, confidence, max_alarm_fraction : as `anomsdk.tune.choose`
    engine, jobs : as `anomsdk.score_many`
    progress : called with the number of samples processed so far

    Raises
    ------
    InputError : no recording is left, the same one twice, or none has a tick
    CheckError : no rung is certified; says how many days are missing
    """
    assert plan.ladder is not None
    promise = promise_plan(budget, confidence, max_alarm_fraction, plan.ladder)
    promise.check(plan.ladder)
    fast, chosen = without_ladder(plan), default_engine(plan) if engine is None else engine
    known, stretches = known_recordings(plan.provenance), list[ScoredStretch]()
    left_out, seen, done = list[str](), dict[str, str](), 0
    ordered = sorted(clips, key=lambda clip: clip.name)

    def work(number: int, clip: Clip, stopped: Callable[[], bool]) -> ScoredRecording:
        return score_stretches(fast, clip, chosen, stopped)

    for clip, scored in zip(ordered, in_order(work, ordered, checked_jobs(jobs)), strict=True):
        done += clip.length or 0
        progress(done)
        if known.purposes(scored.digest):
            left_out.append(clip.name)
            continue
        if not scored.stretches:
            continue
        first = seen.setdefault(scored.digest, clip.name)
        require(first == clip.name, f"{first} and {clip.name}: the same recording twice; give each once")
        stretches += scored.stretches
    require(
        bool(seen),
        f"calibrate: none of {counted(len(clips), 'recording')} certifies anything: "
        + ("the plan was made from them; give others" if left_out else "none is long enough; record for longer"),
    )
    ladder = ScoreLadder(plan, without_pauses=has_no_pauses(plan, stretches))
    for stretch in stretches:
        ladder.gap()
        ladder.take(stretch.scores)
    made = ladder.export(0)
    found = walk(plan.ladder, promise, made.counts, made.ticks, made.days)
    if found.rung is None:
        days = made.ticks * 65536 / plan.ladder.day_q16
        missing = float(found.days)
        if budget.in_hours and found.days:
            missing = max(0.0, days_needed(made.counts[-1].alarms, budget, confidence) - days)
        raise CheckError(_not_certified(missing, budget, days, left_out))
    count, days = counted_in(plan.ladder, made.counts[found.rung], made.ticks, made.days, budget.unit)
    level = int(plan.ladder.raise_scores[found.rung])
    return CertifiedLevel(
        budget, confidence, level, found.rung, count, days, len(seen), tuple(left_out), doubt_line(known)
    )


def _not_certified(missing: float, budget: Budget, days: float, left_out: Sequence[str]) -> str:
    """Say why no rung is certified, and what to do."""
    without = f", without {counted(len(left_out), 'recording')} that the plan was made from" if left_out else ""
    heard = f"{budget.time(days)} of service{without}"
    if missing:
        return (
            f"calibrate: '{budget}' needs {budget.time(missing, 'more ')} without another alarm, and these recordings "
            f"are {heard}; nothing was written"
        )
    return (
        f"calibrate: even the highest rung of the ladder is over '{budget}', or in alarm for too much of the time, in "
        f"{heard}; nothing was written: train on more recordings, or allow more"
    )
