"""Other votes and delays at the scores at hand: level, false alarms, recall and delay of each."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from anomsdk.core.ladder import LadderPlan, Unit
from anomsdk.core.plan import Plan
from anomsdk.core.rung import TimingPlan, levels
from anomsdk.evaluate.stretch_scores import ScoredRecording, has_no_pauses, score_stretches, without_ladder
from anomsdk.runtime.engines import default_engine
from anomsdk.runtime.ladders import always_on
from anomsdk.runtime.parallel import checked_jobs, in_order
from anomsdk.sources.clips import Clip, open_clips
from anomsdk.sources.stream_format import ReadOptions, StreamFormat
from anomsdk.train.alarm_simulation import alarms_of
from anomsdk.tune.certificates import rungs_of
from anomsdk.tune.device_scores import ScoredDevice
from anomsdk.tune.herd import Tuned
from anomsdk.utils.text import a_unit, figure, percent, rate_in, rate_unit, table

VOTES = ((1, 1), (2, 2), (2, 3), (3, 5), (5, 8))
"""Votes m of n that are compared with those of the plan."""
DELAYS_S = (0.0, 2.0, 10.0)
"""On-delays in seconds that are compared with that of the plan."""


@dataclass(frozen=True)
class Alternative:
    """Alert with other votes or another on-delay.

    Parameters
    ----------
    m, n, on_delay : votes, and ticks of delay
    level : lowest rung's score at which the scores at hand keep to the budget, as all rungs above; None: none does
    alarms_per_hour : at that level
    recall : share of anomalous recordings with an alarm; None: none were given
    delay_s : median time to the end of the tick that raised it; None: nothing was found
    """

    m: int
    n: int
    on_delay: int
    level: int | None
    alarms_per_hour: float | None
    recall: float | None
    delay_s: float | None


def alternatives_text(
    tuned: Tuned,
    anomalous: str | None = None,
    *,
    reading: ReadOptions | None = None,
    group: str | None = None,
    engine: str | None = None,
    jobs: int | None = None,
    on_bad: Callable[[str], None] | None = None,
) -> str:
    """Write the table of other votes and delays, and what the levels find; empty where no scores are at hand.

    Parameters
    ----------
    tuned : Tuned
    anomalous : anomalous recordings, a file or a folder; None: recall and delay are not known
    reading, group, engine, jobs, on_bad : as `anomsdk.tune.inputs.open_herd`
    """
    plan = tuned.plan
    odd: list[ScoredRecording] | None = None
    if anomalous is not None:
        stream_format = StreamFormat.of(plan.sensor, plan.columns, plan.duty)
        clips = open_clips(anomalous, stream_format, reading=reading, group=group, skip_bad=on_bad is not None)
        for line in clips.bad:
            assert on_bad is not None
            on_bad(line)
        odd = _scored(plan, clips.clips, engine, jobs)
    parts = list[str]()
    if odd is not None:
        parts.append(_found(tuned, odd))
    if tuned.herd.scores:
        parts.append(_table(tuned, alternatives(tuned, odd)))
        parts.append(
            "the levels of this table keep to the budget on the scores at hand; they are no certificates. Choose votes "
            "and delays on some days, and certify the level on others"
        )
    return "\n".join(parts)


def alternatives(tuned: Tuned, odd: Sequence[ScoredRecording] | None) -> list[Alternative]:
    """Compute the table, that of the plan's own votes and delay first."""
    plan = tuned.plan
    tick_s = plan.samples_per_tick / plan.rate_hz
    own = plan.timing
    delays = dict.fromkeys([own.on_delay, *(round(each / tick_s) for each in DELAYS_S)])
    tried = dict.fromkeys([(own.m, own.n, own.on_delay), *((*v, own.on_delay) for v in VOTES)])
    tried |= dict.fromkeys((own.m, own.n, delay) for delay in delays)
    devices = list(tuned.herd.scores.values())
    rungs = rungs_of(plan)
    if any(has_no_pauses(plan, device.stretches) for device in devices):
        rungs = always_on(plan, rungs)
    ticks = sum(len(each.scores) for device in devices for each in device.stretches)
    days = ticks * 65536 / rungs.day_q16
    found = []
    for m, n, on_delay in tried:
        timing = replace(own, m=m, n=n, on_delay=on_delay, cooldown=0)
        level, alarms = _level(tuned, devices, timing, rungs, days)
        recall, delay = (None, None) if odd is None or level is None else _detected(odd, level, timing)
        per_hour = None if level is None else alarms / (24 * days)
        found.append(Alternative(m, n, on_delay, level, per_hour, recall, delay))
    return found


def _level(
    tuned: Tuned, devices: Sequence[ScoredDevice], timing: TimingPlan, rungs: LadderPlan, days: float
) -> tuple[int | None, int]:
    """Walk down the rungs while the scores at hand keep to the budget; return the level and its alarms."""
    found, kept = None, 0
    most = float(tuned.budget.rate) * days
    for score in reversed(rungs.raise_scores.tolist()):
        counts = [_counts(device, score, timing, rungs, tuned.budget.unit, most) for device in devices]
        counted, alarms, in_alarm = map(sum, zip(*counts, strict=True))
        if counted > most or in_alarm * 65536 > tuned.max_alarm_fraction * days * rungs.day_q16:
            break
        found, kept = score, alarms
    return found, kept


def _counts(
    device: ScoredDevice, score: int, timing: TimingPlan, rungs: LadderPlan, unit: Unit, most: float
) -> tuple[int, int, int]:
    """Count in the unit of a budget, alarms, and ticks in alarm; no further than to the first beyond ``most``."""
    alarms, in_alarm, before = 0, 0, 0
    days, episodes, last = 0, 0, -1 - rungs.episode_gap  # last alarm-day
    for stretch in device.stretches:
        for first, stop in alarms_of(stretch.scores.astype(np.int64), levels(score, timing), timing):
            alarms += 1
            in_alarm += stop - first
            begin, end = (((before + tick) << 16) // rungs.day_q16 for tick in (first, stop - 1))
            episodes += begin - last > rungs.episode_gap
            days += end - max(begin - 1, last)
            last = end
            if (alarms, days, episodes)[unit] > most:
                break
        before += len(stretch.scores)
    return (alarms, days, episodes)[unit], alarms, in_alarm


def _scored(plan: Plan, clips: Sequence[Clip], engine: str | None, jobs: int | None) -> list[ScoredRecording]:
    fast, chosen = without_ladder(plan), default_engine(plan) if engine is None else engine

    def work(number: int, clip: Clip, stopped: Callable[[], bool]) -> ScoredRecording:
        return score_stretches(fast, clip, chosen, stopped)

    return list(in_order(work, clips, checked_jobs(jobs)))


def _detected(odd: Sequence[ScoredRecording], level: int, timing: TimingPlan) -> tuple[float | None, float | None]:
    """Return the share of recordings with an alarm, and the median time to it."""
    judged = [each for each in odd if each.stretches]
    times = list[float]()
    for each in judged:
        raised = (
            float(stretch.ends_s[first])
            for stretch in each.stretches
            for first, _ in alarms_of(stretch.scores.astype(np.int64), levels(level, timing), timing)
        )
        if (second := next(raised, None)) is not None:
            times.append(second)
    if not judged:
        return None, None
    return len(times) / len(judged), statistics.median(times) if times else None


def _found(tuned: Tuned, odd: Sequence[ScoredRecording]) -> str:
    """Say what the level of the table finds: the one of the certified devices, or else the plan's own."""
    plan = tuned.plan
    rung = tuned.own_rung
    level = plan.levels.raise_score if rung is None else int(rungs_of(plan).raise_scores[rung])
    recall, delay = _detected(odd, level, plan.timing)
    judged = sum(bool(each.stretches) for each in odd)
    if recall is None:
        return "no anomalous recording is long enough for a tick"
    after = "" if delay is None else f", the median after {delay:.3g} s"
    return f"at level {level:,}: {round(recall * judged):,} of {judged:,} anomalous recordings raise an alarm{after}"


def _table(tuned: Tuned, found: Sequence[Alternative]) -> str:
    tick_s = tuned.plan.samples_per_tick / tuned.plan.rate_hz
    unit = rate_unit(*(each.alarms_per_hour for each in found))
    rows = [["m of n", "on-delay s", "level", f"false alarms {a_unit(unit)}", "recall", "delay s"]]
    for each in found:
        level = "none" if each.level is None else f"{each.level:,}"
        rate = "" if each.alarms_per_hour is None else rate_in(each.alarms_per_hour, unit)
        recall = "" if each.recall is None else percent(each.recall)
        delay = "" if each.delay_s is None else figure(each.delay_s)
        rows.append([f"{each.m} of {each.n}", f"{each.on_delay * tick_s:g}", level, rate, recall, delay])
    return table(rows, right=range(1, 6))
