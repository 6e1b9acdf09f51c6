"""Watching recordings: a source and a plan become alerts, in memory that does not grow with time."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from anomsdk.core.checks import checked_cast
from anomsdk.core.event import Event, State
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.runtime.judged_share import Judged, judged
from anomsdk.runtime.memory import why_not_wiping, wiped_after_use
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.sources.files import open_skippable
from anomsdk.sources.formats.stored import Block
from anomsdk.sources.recording import Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat
from anomsdk.utils.files import unwritable

_TICKS = 256
"""Ticks that are handed on at once: bounds memory when a source gives long blocks of short ticks."""


@dataclass(frozen=True)
class Alert:
    """An event of a pipeline, with the time that it belongs to.

    Parameters
    ----------
    recording : name of the recording
    time_s : seconds from the start of the recording to the end of the tick
    hop : index of the tick's last hop since the start of the recording
    state : "alarm" or "normal", after the event
    high : the high level raised it
    score : score of the tick
    raise_score : raise level of the plan
    event : the 16 bytes that would leave a device
    """

    recording: str
    time_s: float
    hop: int
    state: str
    high: bool
    score: int
    raise_score: int
    event: Event

    @property
    def ratio(self) -> float:
        """Score over raise level."""
        return self.score / self.raise_score


@dataclass(frozen=True)
class Summary:
    """What was watched so far.

    Parameters
    ----------
    recordings : recordings begun, without those that were left out
    too_short : those of them that ended before the first tick
    samples : samples (rows) taken; what is missing in gaps is none
    seconds : how long they last
    ticks : runs of the model
    alarms : alarms raised
    missing : samples missing in gaps
    judged : the ticks, and how many the time of these recordings would have given without a gap
    left_out : inputs that could not be used: files, and recordings that turned out damaged while they were heard
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


class Watch:
    """Runs a pipeline over recordings; leaving wipes it, and completes or drops the scores file.

    Parameters
    ----------
    plan : Plan
    engine : as `anomsdk.Pipeline`
    scores : where to write the scores, a .npy of uint32, one a tick, recordings one after the other. It is
        written beside its place and put there when everything was heard; after an exception nothing is left

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
        self._left_out = self._hearing = 0
        self._missing, self._begun = 0, (0, 0)  # ticks and samples before the recording that is heard
        self._judged = Judged()
        self._blocks: Generator[Block | int, None, None] | None = None
        self._scores = None if scores is None else _ScoresFile(Path(scores))

    def open(
        self, path: str | Path, reading: ReadOptions | None = None, *, on_bad: Callable[[str], None] | None = None
    ) -> list[Recording]:
        """Recordings of a source, as the plan takes them; files that are left out are counted.

        Parameters
        ----------
        path, reading, on_bad : as `anomsdk.sources.open_recordings`
        """
        plan = self.plan

        def left_out(line: str) -> None:
            self._left_out += 1
            assert on_bad is not None
            on_bad(line)

        bad = None if on_bad is None else left_out
        return open_skippable(path, StreamFormat.of(plan.sensor, plan.columns), reading=reading, on_bad=bad)

    def hear(self, recording: Recording, progress: Callable[[int], None] | None = None) -> Iterator[Alert]:
        """Run a recording through the pipeline, which starts afresh.

        Parameters
        ----------
        recording : from `open`
        progress : called now and then with the samples heard so far, all recordings together

        Yields
        ------
        Alert, as soon as the samples that raise or clear it are there

        Raises
        ------
        InputError : the samples are damaged, cut off or out of range; `leave_out` goes on without it
        """
        self._stop_reading()
        self._hearing = self._ticks
        self._pipeline.reset()
        self._judged, self._begun = self._all_judged(), (self._ticks, self._samples + self._missing)
        self._recordings += 1
        ticks, before, wrapped = self._ticks, 0, 0
        with closing(wiped_after_use(recording.blocks())) as blocks:
            self._blocks = blocks
            for block in blocks:
                if isinstance(block, int):
                    self._pipeline.gap(block)
                    self._missing += block
                    continue
                for piece in _pieces(block, _TICKS * self.plan.samples_per_tick):
                    results = self._pipeline.process(piece)
                    self._samples += len(piece)
                    self._keep(results)
                    for result in results:
                        wrapped += (result.hop < before) << 32  # hops count modulo 2**32
                        before = result.hop
                        yield from self._alerts(recording.name, result, wrapped + result.hop)
                    if progress is not None:
                        progress(self._samples)
        self._too_short += self._ticks == ticks

    def leave_out(self) -> None:
        """Count the recording that was heard last as left out: it turned out damaged. Its scores are taken back."""
        self._stop_reading()
        self._left_out += 1
        self._recordings -= 1
        if self._scores is not None:
            self._scores.take_back(self._ticks - self._hearing)

    def more_is_held(self, recordings: Sequence[Recording]) -> str | None:
        """Why more than a window of samples and a context of features may be in memory while these are heard.

        Parameters
        ----------
        recordings : from `open`

        Returns
        -------
        a reason; None where no more is held from one block to the next: freed memory is overwritten, and no library
        keeps rows of its own
        """
        libraries = sorted({recording.kept_by for recording in recordings if recording.kept_by})
        return why_not_wiping() or (f"{' and '.join(libraries)} keeps what it reads" if libraries else None)

    def summary(self) -> Summary:
        """What was watched so far."""
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
        )

    def _all_judged(self) -> Judged:
        """Recordings that are over, and what was heard of the last one."""
        ticks, samples = self._begun
        return self._judged + judged(self.plan, self._ticks - ticks, self._samples + self._missing - samples)

    def close(self, *, complete: bool = True) -> None:
        """Wipe the pipeline and what was read last; put the scores file in place, or drop it if not ``complete``."""
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
        """Zero what was read of a recording that nobody hears to its end."""
        blocks, self._blocks = self._blocks, None
        if blocks is not None:
            with suppress(ValueError):  # what is read right now is zeroed by whoever reads it
                blocks.close()

    def _keep(self, results: list[Result]) -> None:
        self._ticks += len(results)
        if self._scores is not None:
            self._scores.append([result.score for result in results])

    def _alerts(self, name: str, result: Result, hop: int) -> Iterator[Alert]:
        framer, levels = self.plan.framer, self.plan.levels
        for event in result.events:
            raised = event.state == State.UNACK_ALARM
            self._alarms += raised
            yield Alert(
                recording=name,
                time_s=(hop * framer.hop + framer.window) / self.plan.rate_hz,
                hop=hop,
                state="alarm" if raised else "normal",
                high=event.high,
                score=result.score,
                raise_score=levels.raise_score,
                event=event,
            )


def _pieces(block: Block, length: int) -> Iterator[Block]:
    for start in range(0, len(block), length):
        yield block[start : start + length]


class _ScoresFile:
    """A .npy of uint32 whose length is known only at the end: the header is written last, into its place."""

    def __init__(self, path: Path) -> None:
        if path.suffix != ".npy":
            raise InputError(f"{path}: scores are written as .npy; give a name that ends so")
        path = path.resolve()  # a link stays a link
        if path.exists() and not _holds_scores(path):
            raise InputError(f"{path}: exists and holds no scores; choose another name, or move it away")
        self._path, self._n = path, 0
        try:
            handle, self._temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.")
        except OSError as error:
            raise unwritable(path, error) from None
        self._file: IO[bytes] = os.fdopen(handle, "wb")
        self._file.write(_npy_header(0))

    def append(self, scores: list[int]) -> None:
        self._write(checked_cast(scores, "<u4", "scores").tobytes())
        self._n += len(scores)

    def take_back(self, n: int) -> None:
        """Drop the scores that were written last."""
        self._n -= n
        self._file.seek(-4 * n, os.SEEK_END)
        self._file.truncate()

    def close(self, complete: bool) -> None:
        temporary = Path(self._temporary)
        try:
            if complete:
                self._file.seek(0)
                self._write(_npy_header(self._n))
                self._file.flush()
                os.fsync(self._file.fileno())
                temporary.chmod(0o644)
                temporary.replace(self._path)
        except OSError as error:
            raise unwritable(self._path, error) from None
        finally:
            with suppress(OSError):  # a full disk was reported once already
                self._file.close()
            temporary.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise unwritable(self._path, error) from None


def _holds_scores(path: Path) -> bool:
    """Whether this is a file that an earlier run may have written: nothing else is ever replaced."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(128)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; choose another name") from None
    return head[:10] == _npy_header(0)[:10] and head[10:].startswith(_npy_header(0)[10:24])


def _npy_header(n: int) -> bytes:
    """Header of a .npy of n uint32, always 128 bytes. Format: numpy.lib.format, version 1.0."""
    text = f"{{'descr': '<u4', 'fortran_order': False, 'shape': ({n},), }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.ljust(117).encode("ascii") + b"\n"
