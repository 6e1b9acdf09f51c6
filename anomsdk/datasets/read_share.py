"""Share of the work that is done, while a recording is read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from anomsdk.sources.formats.motion.first_reading import Blocks


class ReadShare:
    """Share of a unit that is done, while one of its recordings is read.

    Parameters
    ----------
    length : of the recording in samples; None: not known, and nothing is told
    before : share of the unit that was done before, 0 to 1
    part : share of the unit that the recording is
    heard : called with the share that is done
    """

    def __init__(self, length: int | None, before: float, part: float, heard: Callable[[float], None]) -> None:
        self._length, self._before, self._part, self._heard = length, before, part, heard

    def counted(self, blocks: Blocks) -> Blocks:
        """Yield the blocks of the recording, and tell after each how far it is."""
        done = 0
        with closing(blocks):
            for block in blocks:
                yield block
                done += 0 if isinstance(block, int) else len(block)
                if self._length:
                    self._heard(self._before + self._part * min(1.0, done / self._length))
