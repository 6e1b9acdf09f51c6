"""Options of training, and the functions that report its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anomsdk.core.checks import require
from anomsdk.train.alarm_levels import MOST_TOLERATED
from anomsdk.train.search.search import SEARCHES

Report = Callable[[str], None]
"""Function that takes a line of text for the user."""
Progress = Callable[[int, int], None]
"""Function that takes the work done and the whole work."""


@dataclass(frozen=True)
class Options:
    """Options of training that are not part of the spec.

    Parameters
    ----------
    seed : seed of everything random, 0 to 2**31 - 1; the same seed, recordings and environment give the same plan
    search : "model": choose the model, the range of its inputs and the weights of the score. "full": also choose the
        context and the features, never finer than those of the spec in frequency or time
    gain_db : also train on each recording attenuated and amplified by this many dB, 0 to 40, because a device has
        another microphone than the recordings; 0: off. Sound only
    segment_s : cut each recording into segments of this many seconds, each a group of its own, 0 to 30 days; 0: off.
        This is for a single long recording. Neighbouring segments are alike, so that figures are too favourable
    tolerate : number of alarms that the alarm level may raise on the calibration recordings, 0 to 1000
    """

    seed: int = 0
    search: str = "model"
    gain_db: float = 6.0
    segment_s: float = 0.0
    tolerate: int = 0

    def check(self) -> None:
        """Refuse options out of range.

        Raises
        ------
        InputError : an option out of range
        """
        require(0 <= self.seed < 2**31, f"`seed={self.seed}`: give 0 to {2**31 - 1}")
        require(self.search in SEARCHES, f"`search='{self.search}'`: give {' or '.join(SEARCHES)}")
        require(0 <= self.gain_db <= 40, f"`gain_db={self.gain_db:g}`: give 0 to 40")
        require(
            0 <= self.tolerate <= MOST_TOLERATED,
            f"`tolerate={self.tolerate}`: give 0 to {MOST_TOLERATED} alarms",
        )
        longest = 30 * 86_400
        require(0 <= self.segment_s <= longest, f"`segment_s={self.segment_s:g}`: give 0 to {longest} seconds")
