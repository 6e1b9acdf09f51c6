"""logmel: one frame of log-mel energies a hop, the front end of MLPerf Tiny and DCASE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from anomsdk.core.affine import AffinePlan
from anomsdk.core.extractor import Extractor
from anomsdk.core.fft import Fft, FftPlan
from anomsdk.core.filterbank import Filterbank, FilterbankPlan
from anomsdk.core.fixed import Ints
from anomsdk.core.framer import BATCH
from anomsdk.core.levels import HIGHEST_LOG2, LimitsPlan, floored, limited
from anomsdk.core.reasons import Group, band_groups


@dataclass(frozen=True, eq=False)
class LogmelPlan:
    """Tables of the log-mel extractor."""

    kind: ClassVar[str] = "logmel"
    sensor: ClassVar[str] = "audio"
    warm_up: ClassVar[int] = 0
    parts: ClassVar[tuple[tuple[int, int, int], ...]] = ()
    hops_per_frame: ClassVar[int] = 1

    fft: FftPlan
    filterbank: FilterbankPlan
    limits: LimitsPlan
    normalisation: AffinePlan

    @property
    def n_features(self) -> int:
        """Width of a frame: one feature a band."""
        return self.filterbank.n_bands

    @property
    def window(self) -> int:
        """Number of samples in a window."""
        return self.fft.length

    @property
    def groups(self) -> tuple[Group, ...]:
        """Group that a reason names for each feature, (n_features,)."""
        return band_groups(self.filterbank.n_bands)

    @property
    def columns(self) -> int:
        """Number of values in a sample: 1."""
        return 1

    def check(self) -> None:
        """Prove that no integer of any stage leaves its range."""
        self.fft.check()
        self.filterbank.check(self.fft.length // 2 + 1)
        self.limits.check()
        n = self.n_features
        highest = (HIGHEST_LOG2 << 10) + self.filterbank.offset_q10.astype(np.int64)
        lowest = np.full(n, self.limits.floor_q10, np.int64)
        self.normalisation.check(n, lowest, np.maximum(highest, lowest), "logmel: normalisation")


class Logmel(Extractor):
    """Streaming extractor: one feature frame for each window."""

    def __init__(self, plan: LogmelPlan, batch: int = BATCH) -> None:
        super().__init__(plan.normalisation)
        self._limits = plan.limits
        self._offset_q10 = plan.filterbank.offset_q10.astype(np.int64)
        self._fft = Fft(plan.fft, batch)
        self._filterbank = Filterbank(plan.filterbank, batch)

    def levels(self, frames: Ints) -> tuple[Ints, Ints]:
        """Compute log-mel levels of windows: log2 of librosa's power of x / 32768, in q10 (1024 is 3.01 dB)."""
        mantissa, exponent = self._filterbank.run(*self._fft.run(frames[:, :, 0]))
        levels = floored(self._limits, mantissa.T, exponent.T, self._offset_q10)
        return limited(self._limits, levels), np.arange(len(frames))

    def wipe_scratch(self) -> None:
        """Zero the scratch that the last windows used."""
        self._fft.wipe()
        self._filterbank.wipe()
