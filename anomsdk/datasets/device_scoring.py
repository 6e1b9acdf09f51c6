"""Recordings of one device through one pipeline, as rows of a data set. Nothing of the signal is kept.

Rows end at midnight of UTC, or after 24 h of samples where no time is known. A tick belongs to the day in which it
ends; one that ends at midnight belongs to the day that is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.duty import is_pause
from anomsdk.core.event import Event, Kind
from anomsdk.core.fixed import UINT32_MAX
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import MAX_GAP, DiarySensorPlan, Plan
from anomsdk.datasets.device_day import DeviceDay, day_of
from anomsdk.datasets.open_row import OpenRow, pairs_of
from anomsdk.datasets.sample_clock import DAY_US, SampleClock
from anomsdk.datasets.schema import SCORE_ID_DIGITS, ScoreColumn
from anomsdk.datasets.service import Counted, Service
from anomsdk.errors import InputError
from anomsdk.runtime.blocks import checked_block, lose, restore
from anomsdk.runtime.engines import Engine
from anomsdk.runtime.engines.block_results import Processed
from anomsdk.runtime.judged_share import Judged, judged, whole_ticks_due

_SLACK_US = 1_000_000
"""Two recordings may overlap by as much, as the times in files are often whole seconds."""
_WHERE = "score"


@dataclass(frozen=True)
class Scoring:
    """Plan and options with which devices are scored.

    Parameters
    ----------
    plan : Plan that devices run
    counted : the same with the ladder that counts; without one no rungs are counted
    scores : how scores are kept in rows
    """

    plan: Plan
    counted: Plan
    scores: ScoreColumn = "log2"


class DeviceScoring:
    """Pipeline of one device, from blocks to rows.

    Parameters
    ----------
    scoring : Scoring
    engine : opened for the plan, and fresh
    device : name of the device
    """

    def __init__(self, scoring: Scoring, engine: Engine, device: str) -> None:
        self._scoring, self._engine, self._device = scoring, engine, device
        self._plan, self._service = scoring.plan, Service(scoring.counted)
        self._position = self._covered = 0  # samples since the first one, with those missing; up to which rows reach
        sensor = self._plan.sensor
        if isinstance(sensor, DiarySensorPlan):
            self._clock = SampleClock(1, sensor.slot_s * 1_000_000)
        else:
            self._clock = SampleClock(sensor.rate_millihertz)
        self._begun = False
        self._alarm, self._level, self._stop_us = False, engine.level, 0
        self._row: OpenRow | None = None
        self._waiting = list[tuple[DeviceDay, list[Counted]]]()  # rows before it is known whether pauses are left out
        self._unsaid = list[tuple[int, Event]]()  # events before the first tick
        self._lost = 0  # samples that are missing before the next tick
        self._name = ""
        self.share = Judged()  # that was judged of the recording that `take` has taken to its end

    def take(
        self,
        name: str,
        blocks: Iterable[NDArray[np.int16] | int],
        start_us: int | None,
        *,
        certifies: bool = True,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[DeviceDay]:
        """Score a recording, and yield the rows that it completes.

        Parameters
        ----------
        name : of the recording
        blocks : int16 (n,) or (n, columns), and numbers of missing samples
        start_us : time of its first sample in microseconds since 1970-01-01 UTC; None: not known
        certifies : False: its ticks are no service, as the plan was made from them
        stopped : asked before each block

        Raises
        ------
        InputError : as `anomsdk.sources.Recording.blocks`, or the recording begins before the one before it ends
        """
        self._begin(name, start_us)
        begin, ticks, void = self._position, 0, 0
        if not certifies:
            self._service.gap(pause=False)
        for block in blocks:
            if stopped():
                raise InputError("scoring was stopped")
            if isinstance(block, (int, np.integer)):
                self._miss(int(block))
                continue
            before = self._position
            samples = checked_block(block, self._plan.columns)
            processed = self._engine.process(samples)
            self._position += len(samples)
            ticks, void = ticks + len(processed.scores), void + processed.n_void
            yield from self._rows(processed, before, certifies)
        if not certifies:
            self._service.gap(pause=False)
        self.share = judged(self._plan, ticks - void, self._position - begin, void=void)

    @property
    def stop_us(self) -> int | None:
        """Time at which the last recording ends, in microseconds since 1970-01-01 UTC; None: not known."""
        return self._clock.time(self._position) if self._clock.is_set else None

    def finish(self) -> Iterator[DeviceDay]:
        """End the row that is open, and yield what is left."""
        if self._row is None and self._unsaid:
            self._open(self._day_at(self._position))
        if self._row is not None:
            self._note_lost(self._row)
            yield from self._cut(self._position)
        self._service.decide(without_pauses=False)
        yield from self._settled()

    def record(self) -> dict[str, Any]:
        """Return the state after `finish` as a tree of JSON, so that a later run goes on from it."""
        return {
            "pipeline": self._engine.state().hex(),
            "service": self._service.save(),
            "position": self._position,
            "covered": self._covered,
            "stop_us": self.stop_us,
            "alarm": self._alarm,
            "last_us": self._stop_us,
        }

    def go_on(self, record: dict[str, Any]) -> None:
        """Go on from a record, before the first recording.

        Raises
        ------
        InputError : the record is damaged, or of another plan
        """
        try:
            self._service.restore(record["service"])
            self._position, self._covered = int(record["position"]), int(record["covered"])
            self._stop_us, stop_us = int(record["last_us"]), record["stop_us"]
            if stop_us is not None:
                self._clock.set(self._position, int(stop_us))
            self._alarm, self._begun = bool(record["alarm"]), True
            results = restore(self._engine, self._plan, bytes.fromhex(record["pipeline"]), _WHERE)
        except (KeyError, TypeError, ValueError) as error:
            why = f": {error}" if isinstance(error, InputError) else ""
            raise InputError(f"device {self._device}: its record is damaged{why}; score into a new folder") from None
        self._level = self._engine.level
        self._say(results)

    def _begin(self, name: str, start_us: int | None) -> None:
        """Tell the time between two recordings to the pipeline, and where the next one begins."""
        before, self._name = self._name, name
        if self._begun:
            end_us = self._clock.time(self._position)
            if (start_us is not None) != self._clock.is_set:
                which = ("has no time", "has one") if start_us is None else ("has a time", "has none")
                raise InputError(
                    f"{name}: {which[0]}, and the recording of device {self._device} before it {which[1]}; score those "
                    "of one kind, or give `start`"
                )
            if start_us is not None and start_us < end_us - _SLACK_US:
                advice = "leave one of them out, or name devices apart with `group`"
                if not before:
                    advice = "an earlier run scored that one: leave this one out, or score all into a new folder"
                raise InputError(
                    f"{name}: begins {(end_us - start_us) / 1e6:g} s before the recording of device {self._device} "
                    f"before it ends; {advice}"
                )
            missing = 1 if start_us is None else max(0, self._clock.samples(start_us - end_us))
            self._miss(missing)
        if start_us is not None:
            self._clock.set(self._position, start_us)
        self._begun = True

    def _miss(self, samples: int) -> None:
        """Account for missing samples."""
        if samples == 0:
            return
        self._service.gap(pause=is_pause(self._plan.duty, samples))
        self._position += samples
        self._lost += samples
        while samples:
            part = min(samples, MAX_GAP)
            self._say(lose(self._engine, part, _WHERE))
            samples -= part

    def _say(self, results: Sequence[Result]) -> None:
        """Take events that left without a tick, after all ticks so far."""
        for event in (event for result in results for event in result.events):
            self._follow(event)
            if self._row is None:
                self._unsaid.append((0, event))
            else:
                self._row.say([(0, event)])

    def _follow(self, event: Event) -> None:
        """Follow the alarm and the level in force."""
        if event.raised or event.cleared:
            self._alarm = event.raised
        if event.kind == Kind.LEVEL:
            self._level = event.level_tag

    def _rows(self, processed: Processed, before: int, certifies: bool) -> Iterator[DeviceDay]:
        """Add the ticks of a block to rows, and yield the rows that end in it."""
        n = len(processed.scores)
        at = [(before, 0, event) for before, event in processed.notices]
        events = sorted(at + [(tick, 1, event) for tick, event in processed.events], key=lambda each: each[:2])
        if n == 0:
            self._say([Result(event.hop, 0, (event,), judged=False) for _, _, event in events])
            return
        hops = _whole(processed.hops, before // self._plan.framer.hop)
        ends_us = self._clock.times(hops * self._plan.framer.hop + self._plan.framer.window)
        days = (ends_us - 1) // DAY_US
        if self._row is not None:
            days = np.maximum(days, self._row.day)  # times may go back by a moment from one recording to the next
        starts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist()]
        for start, stop in zip(starts, [*starts[1:], n], strict=True):
            day = int(days[start])
            if self._row is not None and self._row.day != day:
                yield from self._cut(self._clock.position((self._row.day + 1) * DAY_US))
            row = self._row or self._open(day)
            self._note_lost(row)
            mine = [(tick, event) for tick, _, event in events if start <= tick < stop or tick == n == stop]
            alarm = self._in_alarm(mine, start, stop)
            row.say([(tick - start, event) for tick, event in mine])
            void = None if processed.void is None else processed.void[start:stop]
            scores = processed.scores[start:stop]
            row.take(scores, void, alarm, ends_us[start:stop])
            if certifies:
                kept = slice(None) if void is None else ~void
                self._service.take(np.ascontiguousarray(scores[kept]), hops[start:stop][kept])
                if self._waiting and self._service.is_decided:
                    yield from self._settled()

    def _in_alarm(self, events: Sequence[tuple[int, Event]], start: int, stop: int) -> NDArray[np.bool_]:
        """Follow events, and tell for each tick whether it is in alarm."""
        alarm, at = np.zeros(stop - start, np.bool_), 0
        for tick, event in events:
            alarm[at : tick - start] = self._alarm
            at = tick - start
            self._follow(event)
        alarm[at:] = self._alarm
        return alarm

    def _open(self, day: int) -> OpenRow:
        """Open a row; what came before its first tick belongs to it."""
        row = OpenRow(day, self._name, self._scoring.scores)
        row.say(self._unsaid)
        self._unsaid = []
        self._row = row
        if self._clock.is_set:
            self._covered = max(self._covered, self._clock.position(day * DAY_US))
        return row

    def _note_lost(self, row: OpenRow) -> None:
        """Tell a row the samples that are missing before its next tick."""
        if self._lost:
            row.lose(self._lost)
        self._lost = 0

    def _cut(self, until: int) -> Iterator[DeviceDay]:
        """End the open row, which reaches to a position, and yield the rows that are complete."""
        row, plan, counted = self._row, self._plan, self._service.cut()
        assert row is not None
        self._row = None
        until = min(max(until, self._covered), self._position)
        due = self._due(until) - self._due(self._covered)
        self._covered = until
        judged_ticks = row.ticks - row.void_ticks
        start_us = stop_us = None
        if self._clock.is_set and row.first_us is not None and row.last_us is not None:
            start_us = max(row.first_us - self._clock.duration(plan.samples_per_tick), self._stop_us)
            stop_us = self._stop_us = max(row.last_us, start_us)
        day = DeviceDay(
            device=self._device,
            day=day_of(row.day * DAY_US) if self._clock.is_set else None,
            score_id=self._scoring.counted.score_id[:SCORE_ID_DIGITS],
            tick_s=float(plan.samples_per_tick / plan.rate_hz),
            ticks=row.ticks,
            counts=counted[0].counts,
            recording=row.recording,
            start_us=start_us,
            stop_us=stop_us,
            void_ticks=row.void_ticks,
            coverage=min(1.0, judged_ticks / max(due, 1)),
            highest=row.highest,
            alarms=row.alarms,
            alarm_ticks=row.alarm_ticks,
            technical=row.technical,
            level_tag=self._level,
            gaps=pairs_of(row.gaps),
            void=pairs_of(row.void),
            events=tuple(row.events),
            scores=row.joined(),
        )
        self._waiting.append((day, counted))
        if len(self._waiting) > 1 and plan.duty is not None and self._position > plan.duty.every:
            self._service.decide(without_pauses=False)  # no pause and no long run in whole days
        if self._service.is_decided:
            yield from self._settled()

    def _settled(self) -> Iterator[DeviceDay]:
        """Yield rows that wait, with the counts that hold."""
        for day, counted in self._waiting:
            found = counted[self._service.chosen if len(counted) > 1 else 0]
            yield replace(
                day, first=found.first, service_ticks=found.ticks, service_days=found.days, counts=found.counts
            )
        self._waiting = []

    def _due(self, samples: int) -> int:
        return whole_ticks_due(self._plan.duty, self._plan.ticks_in, samples)

    def _day_at(self, position: int) -> int:
        return max(0, self._clock.time(position) - 1) // DAY_US


def _whole(hops: NDArray[np.uint32], near: int) -> NDArray[np.int64]:
    """Return hops of a pipeline, which count modulo 2**32, as whole numbers near one of them."""
    return near + (hops - np.uint32(near & UINT32_MAX)).view(np.int32).astype(np.int64)
