"""The first reading of a recording of motion, in which its blocks can be used on approval while it is checked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias

from anomsdk.errors import InputError
from anomsdk.sources.formats.motion.motion_checks import Checks
from anomsdk.sources.formats.motion.motion_rows import MotionRecording, MotionRows
from anomsdk.sources.formats.stored_samples import Block
from anomsdk.sources.formats.timing.timeline import Stamped, Timeline
from anomsdk.sources.stream_format import StreamFormat

Blocks: TypeAlias = Generator[Block | int, None, None]


@dataclass(frozen=True)
class Beginning:
    """Facts about a recording that are known before its blocks are read.

    Parameters
    ----------
    name : name of the recording
    start_ns : time of its first sample, as in `anomsdk.sources.Recording`
    """

    name: str
    start_ns: int | None


Hear: TypeAlias = Callable[[Blocks, Beginning], Any]
"""Function that takes the blocks and gaps of a recording of motion on approval, as `Recording.blocks` yields them.

They are read while the recording is checked. Its result, other than None, counts only if the recording is approved:
where it turns out to be damaged, or to need another conversion than its first rows showed, the result is dropped.
"""


_GATHERED_VALUES = 1 << 21
"""Values that are read before they are used: 4 MiB."""


def gathered(blocks: Blocks) -> Blocks:
    """Yield blocks, several of which are read before the first of them: reading and scoring share a cache badly."""
    held, values = deque[Block | int](), 0
    for block in blocks:
        held.append(block)
        values += 1 if isinstance(block, int) else block.size
        del block
        while held and values >= _GATHERED_VALUES:
            yield held.popleft()
            values = values if held else 0
    while held:
        yield held.popleft()


def surveyed(
    rows: MotionRows, stream_format: StreamFormat, max_bridge: int, hear: Hear | None = None
) -> MotionRecording:
    """Read a recording once, and refuse implausible values, stamps and rates.

    Parameters
    ----------
    rows : rows of the recording
    stream_format : format that the pipeline takes
    max_bridge : missing samples, as `anomsdk.sources.stream_format.ReadOptions`
    hear : called with the blocks on approval; its result is `MotionRecording.heard` where they were right

    Raises
    ------
    InputError : damaged values or stamps, too low a rate, too many missing samples, an axis that never changes, or an
        unclear unit of the gyroscope
    """
    checks = Checks(rows, stream_format, max_bridge)
    failed = deque[InputError](maxlen=1)
    reading = _checked(checks, failed)
    head = deque[Stamped]()
    if hear is not None:
        head.extend(_until_begun(reading, checks))
        timeline = checks.expected()
        if timeline is not None:
            expected = MotionRecording(rows, stream_format, timeline, checks.survey, (), rows.start_ns())
            gaps = list[bool]()
            blocks = _noting_gaps(expected.converted(chain(_taken(head), reading)), gaps)
            heard = hear(blocks, Beginning(rows.name, expected.start_ns))
            if failed:  # the caller may have caught it
                raise failed[0]
            _exhaust(reading)
            found = checks.finish()
            return replace(found, heard=heard if _same(expected, found, gaps=bool(gaps)) else None)
    begun = checks.begun
    _exhaust(reading)
    found = checks.finish()
    if hear is None or begun:
        return found
    return replace(found, heard=hear(found.converted(_taken(head)), Beginning(rows.name, found.start_ns)))


def _checked(checks: Checks, failed: deque[InputError]) -> Iterator[Stamped]:
    """Yield the rows of a recording after each batch was checked; keep the error that ends them."""
    try:
        for stamps, values in checks.rows.read():
            checks.take(stamps, values)
            yield stamps, values
    except InputError as error:
        failed.append(error)
        raise


def _until_begun(reading: Iterator[Stamped], checks: Checks) -> Iterator[Stamped]:
    """Yield the first rows, from which the kind of the stamps is found out; all rows of a short recording."""
    while not checks.begun and (batch := next(reading, None)) is not None:
        yield batch


def _taken(batches: deque[Stamped]) -> Iterator[Stamped]:
    """Yield batches, each of which is then kept alive by the caller only."""
    while batches:
        yield batches.popleft()


def _exhaust(reading: Iterator[Stamped]) -> None:
    for _ in reading:
        pass


def _noting_gaps(blocks: Blocks, gaps: list[bool]) -> Blocks:
    for block in blocks:
        if isinstance(block, int) and not gaps:
            gaps.append(True)
        yield block


def _same(expected: MotionRecording, found: MotionRecording, *, gaps: bool) -> bool:
    """Tell whether a recording that was read as ``expected`` gives the same blocks as it does by what was found.

    Parameters
    ----------
    expected, found : the recording with the timeline by which it was read, and with that of all rows
    gaps : gaps were among the blocks, whose lengths follow from the exact rate
    """
    if gaps and expected.timeline.rate_hz != found.timeline.rate_hz:
        return False
    if expected.start_ns != found.start_ns:
        return False
    return _converts(expected) == _converts(found)


def _converts(recording: MotionRecording) -> tuple[float, Timeline]:
    """Return the part of a recording's facts that decides its blocks, gaps apart."""
    timeline = recording.timeline
    deciding = replace(timeline, rate_hz=0.0, gaps=0, lost_s=0.0, bridged=0, set_s=0.0, notes=())
    return recording.from_hz, deciding
