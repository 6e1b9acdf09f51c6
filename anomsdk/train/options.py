"""Options of training, and how a run says how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anomsdk.core.checks import require
from anomsdk.train.alarm_levels import MOST_TOLERATED
from anomsdk.train.search.search import SEARCHES

Report = Callable[[str], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Options:
    """How to train.

    Parameters
    ----------
    seed : of everything random; the same seed, recordings and environment give the same plan
    search : "model": which model, which range of its inputs, which weights in the score; "full": also which
        context and which features, never finer than the spec's in frequency or time
    gain_db : each recording is also heard at this much less and more (the microphone in use is never that of
        the recordings); 0: not. Audio only
    segment_s : cut each recording into stretches of so many seconds, each a group of its own, where one
        recording is all there is; neighbours are alike, so that the figures flatter. 0: not
    tolerate : alarms that the alarm level may raise on the calibration recordings; 0: none
    """

    seed: int = 0
    search: str = "model"
    gain_db: float = 6.0
    segment_s: float = 0.0
    tolerate: int = 0

    def check(self) -> None:
        """Refuse what cannot be meant."""
        require(0 <= self.seed < 2**31, f"train: seed is {self.seed}, not 0 to 2**31 - 1")
        require(self.search in SEARCHES, f"train: search is '{self.search}', not {' or '.join(SEARCHES)}")
        require(0 <= self.gain_db <= 40, f"train: gain_db is {self.gain_db:g}, not 0 to 40")
        require(
            0 <= self.tolerate <= MOST_TOLERATED,
            f"train: tolerate is {self.tolerate}, not 0 to {MOST_TOLERATED} alarms",
        )
        longest = 30 * 86_400
        require(0 <= self.segment_s <= longest, f"train: segment_s is {self.segment_s:g}, not 0 to {longest}")
