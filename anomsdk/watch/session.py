"""Watching: a pipeline runs over recordings and gives alerts, in memory that does not grow with time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from anomsdk.core.duty import is_pause
from anomsdk.core.event import Condition, Kind
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, UnusableInputsError
from anomsdk.runtime.judged_share import Judged, judged
from anomsdk.runtime.memory import why_not_wiping, wiped_after_use
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.sources.files import open_skippable
from anomsdk.sources.formats.stored_samples import Block
from anomsdk.sources.recording import Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat
from anomsdk.watch.alarm_change import AlarmChange
from anomsdk.watch.sinks.scores import ScoresFile

_TICKS = 256
"""Most ticks in a part of a block: bounds memory when a source gives long blocks of short ticks."""


@dataclass(frozen=True)
class Summary:
    """Counts of a session up to now.

    Parameters
    ----------
    recordings : recordings begun, without those left out
    too_short : recordings that ended before the first tick
    samples : samples (rows) processed, without those missing in gaps and pauses
    seconds : duration of these samples
    ticks : runs of the model, with the void ones
    alarms : alarms raised
    missing : samples missing in gaps, without those of declared pauses
    judged : the ticks without the void ones, against the ticks that the same time would have given without a gap
    left_out : unusable inputs: files, and recordings found to be damaged while they were processed
    faults : technical conditions that began; warm-up is none
    paused : samples that were not due, in pauses that the duty of the plan declares
    """

    recordings: int
    too_short: int
    samples: int
    seconds: float
    ticks: int
    alarms: int
    missing: int
    judged: Judged
    left_out: int = 0
    faults: int = 0
    paused: int = 0


class Sink(Protocol):
    """Receiver of what happens in a session, in the order in which it happens."""

    def begin(self, recording: Recording) -> None:
        """Receive a recording that begins."""

    def alert(self, alert: AlarmChange) -> None:
        """Receive an event: an alarm that was raised or cleared, or any other."""

    def too_short(self, recording: Recording) -> None:
        """Receive a recording that ended before the first tick."""

    def end(self, summary: Summary, *, stopped: bool) -> None:
        """Receive the counts at the end; ``stopped``: the user ended the session early."""


class Watch:
    """Session that runs one pipeline over recordings.

    Leaving the context wipes the pipeline and completes the scores file. After an exception the scores file is dropped.

    Parameters
    ----------
    plan : Plan
    engine : as `anomsdk.Pipeline`
    scores : path of a .npy to write the scores to: uint32, one a tick, recordings one after the other. The file
        appears in its place at the end; after an exception nothing is left

    Raises
    ------
    InputError : the engine is not available, or the scores file cannot be written

    Examples
    --------
    >>> with Watch(plan) as watch:  # doctest: +SKIP
    ...     for recording in watch.open("room.wav"):
    ...         for alert in watch.hear(recording):
    ...             print(alert.time_s, alert.state)
    >>> watch.summary().alarms  # doctest: +SKIP
    """

    def __init__(self, plan: Plan, engine: str | None = None, *, scores: str | Path | None = None) -> None:
        self.plan = plan
        self._pipeline = Pipeline(plan, engine)
        self.engine = self._pipeline.engine
        self._recordings = self._too_short = self._samples = self._ticks = self._alarms = 0
        self._left_out = self._hearing = self._faults = 0
        self._void = self._missing = self._paused = 0
        self._begun = (0, 0, 0)  # ticks, void ticks and samples before the present recording
        self._judged = Judged()
        self._blocks: Generator[Block | int, None, None] | None = None
        self._scores = None if scores is None else ScoresFile(Path(scores))

    def open(
        self, path: str | Path, reading: ReadOptions | None = None, *, on_bad: Callable[[str], None] | None = None
    ) -> list[Recording]:
        """Open a source for the sensor of the plan; files that are left out are counted.

        Parameters
        ----------
        path, reading, on_bad : see `anomsdk.sources.open_recordings`
        """
        plan = self.plan

        def left_out(line: str) -> None:
            self._left_out += 1
            assert on_bad is not None
            on_bad(line)

        bad = None if on_bad is None else left_out
        return open_skippable(path, StreamFormat.of(plan.sensor, plan.columns, plan.duty), reading=reading, on_bad=bad)

    def hear(self, recording: Recording, progress: Callable[[int], None] | None = None) -> Iterator[AlarmChange]:
        """Run a recording through the pipeline, which is reset first.

        Parameters
        ----------
        recording : from `open`
        progress : called after each part of a block with the samples processed so far in all recordings

        Yields
        ------
        AlarmChange, as soon as the samples or the gap after which the event leaves have arrived

        Raises
        ------
        InputError : the samples are damaged, cut off or out of range; call `leave_out` to go on without the recording
        """
        self._stop_reading()
        self._hearing = self._ticks
        self._pipeline.reset()
        self._judged, self._begun = self._all_judged(), (self._ticks, self._void, self._passed)
        self._recordings += 1
        ticks, hops = self._ticks, _Hops()
        unbroken_from = ticks  # ticks before the last gap
        with closing(wiped_after_use(recording.blocks())) as blocks:
            self._blocks = blocks
            for block in blocks:
                if isinstance(block, int):
                    results = self._pipeline.gap(block)
                    if is_pause(self.plan.duty, block) and self._ticks > unbroken_from:
                        self._paused += block
                    else:
                        self._missing += block
                    unbroken_from = self._ticks
                    now_s = (self._passed - self._begun[-1]) / self.plan.rate_hz
                    for result in results:
                        yield from self._alerts(recording.name, result, hops.whole(result.hop), now_s)
                    continue
                for piece in _pieces(block, _TICKS * self.plan.samples_per_tick):
                    results = self._pipeline.process(piece)
                    self._samples += len(piece)
                    self._keep(results)
                    for result in results:
                        yield from self._alerts(recording.name, result, hops.whole(result.hop))
                    if progress is not None:
                        progress(self._samples)
        self._too_short += self._ticks == ticks

    def leave_out(self) -> None:
        """Count the last recording as left out, because it is damaged, and drop its scores."""
        self._stop_reading()
        self._left_out += 1
        self._recordings -= 1
        if self._scores is not None:
            self._scores.take_back(self._ticks - self._hearing)

    def more_is_held(self, recordings: Sequence[Recording]) -> str | None:
        """Say why memory may hold more than one window of samples and one context of features.

        Parameters
        ----------
        recordings : from `open`

        Returns
        -------
        the reason; None where freed memory is overwritten and no library keeps rows of its own
        """
        libraries = sorted({recording.kept_by for recording in recordings if recording.kept_by})
        return why_not_wiping() or (f"{' and '.join(libraries)} keeps what it reads" if libraries else None)

    def summary(self) -> Summary:
        """Count what was processed up to now."""
        seconds = self._samples / self.plan.rate_hz
        return Summary(
            self._recordings,
            self._too_short,
            self._samples,
            seconds,
            self._ticks,
            self._alarms,
            self._missing,
            self._all_judged(),
            self._left_out,
            self._faults,
            self._paused,
        )

    @property
    def _passed(self) -> int:
        """Return the length of all recordings in samples, with those missing in gaps and pauses."""
        return self._samples + self._missing + self._paused

    def _all_judged(self) -> Judged:
        """Judge all recordings, of the last one the part that was processed."""
        ticks, void, samples = self._begun
        voided = self._void - void
        length = self._passed - samples
        return self._judged + judged(self.plan, self._ticks - ticks - voided, length, void=voided)

    def close(self, *, complete: bool = True) -> None:
        """Wipe the pipeline and the last block; put the scores file in place, or drop it if not ``complete``."""
        self._stop_reading()
        self._pipeline.close()
        if self._scores is not None:
            self._scores.close(complete)
            self._scores = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(complete=kind is None)

    def _stop_reading(self) -> None:
        """Zero the last block of a recording that was not processed to its end."""
        blocks, self._blocks = self._blocks, None
        if blocks is not None:
            with suppress(ValueError):  # a block that is being read right now is zeroed by its reader
                blocks.close()

    def _keep(self, results: list[Result]) -> None:
        scores = [result.score for result in results if result.judged]
        self._ticks += len(scores)
        self._void += sum(result.void for result in results)
        if self._scores is not None:
            self._scores.append(scores)

    def _alerts(self, name: str, result: Result, hop: int, now_s: float | None = None) -> Iterator[AlarmChange]:
        """Yield the events of a result; ``now_s``: time at which it left, None: at the end of its hop."""
        framer, levels = self.plan.framer, self.plan.levels
        ended_s = (hop * framer.hop + framer.window) / self.plan.rate_hz
        for event in result.events:
            self._alarms += event.raised
            self._faults += event.active and event.condition != Condition.WARM_UP
            left_s = 0.0 if event.kind == Kind.RESTART else ended_s if now_s is None else now_s
            yield AlarmChange(
                recording=name,
                time_s=left_s,
                hop=hop,
                state=event.state.word,
                high=event.high,
                score=result.score,
                raise_score=levels.raise_score,
                event=event,
            )


class _Hops:
    """Hops of one recording, which results count modulo 2**32."""

    def __init__(self) -> None:
        self._before = self._wrapped = 0

    def whole(self, hop: int) -> int:
        """Return the hop of the next result, counted from the start of the recording."""
        self._wrapped += (hop < self._before) << 32
        self._before = hop
        return self._wrapped + hop


def _pieces(block: Block, length: int) -> Iterator[Block]:
    for start in range(0, len(block), length):
        yield block[start : start + length]


def watch_recordings(
    watch: Watch,
    recordings: Sequence[Recording],
    sink: Sink,
    *,
    on_bad: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Process recordings in order and hand what happens to a sink; its `Sink.end` is left to the caller.

    Parameters
    ----------
    watch : Watch, open
    recordings : from `Watch.open`
    sink : Sink
    on_bad : called with one line for each damaged recording, which is then left out. By default the first one is an
        error
    progress : called with the samples processed so far and the samples of all recordings; 0: not known

    Raises
    ------
    InputError : a recording is damaged; with ``on_bad``, all of them are
    """
    lengths, damaged = [recording.length for recording in recordings], list[str]()
    total = 0 if None in lengths else sum(length or 0 for length in lengths)
    for recording in recordings:
        before = watch.summary().too_short
        sink.begin(recording)
        try:
            for alert in watch.hear(recording, lambda done: progress(done, total)):
                sink.alert(alert)
        except InputError as error:
            if on_bad is None:
                raise UnusableInputsError([str(error)], skippable=len(recordings) > 1) from None
            watch.leave_out()
            damaged.append(str(error))
            on_bad(damaged[-1])
            continue
        if watch.summary().too_short > before:
            sink.too_short(recording)
    if damaged and len(damaged) == len(recordings):
        raise InputError(f"none of {len(damaged)} recordings can be read to its end; the first is {damaged[0]}")
