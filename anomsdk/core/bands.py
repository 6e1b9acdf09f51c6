"""bands: band energies summed over ``band_ms``, their peak and crest.

From 16 bands every 256 ms a simple attacker recovered no intelligible speech, but told 61 % of known phrases
apart.

One frame has n_bands levels (the mean power of each band over the frame) and two fast scalars that an
impulse moves: the level of the loudest hop, all bands together, and its crest over the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from anomsdk.core import energy
from anomsdk.core.affine import AffinePlan
from anomsdk.core.checks import require
from anomsdk.core.extractor import Extractor
from anomsdk.core.fft import Fft, FftPlan
from anomsdk.core.filterbank import Filterbank, FilterbankPlan
from anomsdk.core.fixed import Ints
from anomsdk.core.framer import BATCH
from anomsdk.core.levels import HIGHEST_LOG2, LimitsPlan, floored, limited
from anomsdk.core.reasons import Group, band_groups

MAX_HOPS_PER_FRAME = 4096


@dataclass(frozen=True, eq=False)
class BandsPlan:
    """Tables of the band-energy extractor."""

    kind: ClassVar[str] = "bands"
    sensor: ClassVar[str] = "audio"
    warm_up: ClassVar[int] = 0
    parts: ClassVar[tuple[tuple[int, int, int], ...]] = ()

    fft: FftPlan
    filterbank: FilterbankPlan
    limits: LimitsPlan
    hops_per_frame: int
    mean_q10: int  # -log2(hops_per_frame): a sum over the hops becomes their mean
    headroom: int  # n_bands <= 2**headroom
    normalisation: AffinePlan

    @property
    def n_features(self) -> int:
        """Width of a frame: the bands, then peak and crest."""
        return self.filterbank.n_bands + 2

    @property
    def window(self) -> int:
        """Number of samples in a window."""
        return self.fft.length

    @property
    def groups(self) -> tuple[Group, ...]:
        """Group that a reason names for each feature, (n_features,)."""
        return (*band_groups(self.filterbank.n_bands), Group.LOUDNESS, Group.IMPULSES)

    @property
    def columns(self) -> int:
        """Number of values in a sample: 1."""
        return 1

    def check(self) -> None:
        """Prove that no integer of any stage leaves its range."""
        self.fft.check()
        self.filterbank.check(self.fft.length // 2 + 1)
        self.limits.check()
        n_bands = self.filterbank.n_bands
        require(
            1 <= self.hops_per_frame <= MAX_HOPS_PER_FRAME,
            f"bands: {self.hops_per_frame} hops a frame, not 1 to {MAX_HOPS_PER_FRAME}",
        )
        require(-(12 << 10) <= self.mean_q10 <= 0, f"bands: mean_q10 is {self.mean_q10}, not -12288 to 0")
        require(0 <= self.headroom <= 9, f"bands: headroom is {self.headroom}, not 0 to 9")
        require(n_bands <= 1 << self.headroom, f"bands: headroom {self.headroom} for {n_bands} bands")
        offset = self.filterbank.offset_q10.astype(np.int64)
        require((offset == offset[0]).all(), "bands: offset_q10 differs between bands")
        low, high = level_range(self.limits.floor_q10, int(offset[0]), n_bands)
        self.normalisation.check(n_bands + 2, low, high, "bands: normalisation")


def level_range(floor_q10: int, offset_q10: int, n_bands: int) -> tuple[Ints, Ints]:
    """Compute smallest and largest level of each feature; a crest can fall below 0 by rounding only."""
    top = max((HIGHEST_LOG2 << 10) + offset_q10, floor_q10)
    low = np.full(n_bands + 2, floor_q10, np.int64)
    high = np.full(n_bands + 2, top, np.int64)
    low[-1], high[-1] = -1024, top - floor_q10
    return low, high


class Bands(Extractor):
    """Streaming extractor: one feature frame every ``hops_per_frame`` windows, not overlapping."""

    def __init__(self, plan: BandsPlan, batch: int = BATCH) -> None:
        super().__init__(plan.normalisation)
        self._plan = plan
        self._offset_q10 = np.int64(plan.filterbank.offset_q10[0])
        self._fft = Fft(plan.fft, batch)
        self._filterbank = Filterbank(plan.filterbank, batch)
        self._sums = np.zeros((2, plan.filterbank.n_bands + 1), np.int64)  # mantissa, exponent: bands, then all
        self._hops, self._peak_q10 = 0, plan.limits.floor_q10

    def levels(self, frames: Ints) -> tuple[Ints, Ints]:
        """Compute levels of the frames that windows complete: log2 of librosa's power of x / 32768, in q10."""
        mantissa, exponent = self._filterbank.run(*self._fft.run(frames[:, :, 0]))
        together = energy.total(mantissa, exponent, self._plan.headroom)
        mantissa = np.concatenate([mantissa, together[0][None]])
        exponent = np.concatenate([exponent, together[1][None]])
        per, before, n = self._plan.hops_per_frame, self._hops, mantissa.shape[1]
        sums, peak_q10 = self._gather(mantissa, exponent)
        done, self._hops = divmod(before + n, per)
        levels = self._finish(sums[:, :, :done], peak_q10[:done])
        if self._hops == 0:
            self.restart()
        else:
            self._sums[:], self._peak_q10 = sums[:, :, done], int(peak_q10[done])
        sums.fill(0)
        return levels, np.arange(1, done + 1) * per - before - 1

    def restart(self) -> None:
        """Forget the hops that were gathered for the next frame."""
        self._sums.fill(0)
        self._peak_q10 = self._plan.limits.floor_q10
        self._hops = 0

    def wipe_scratch(self) -> None:
        """Zero the scratch that the last windows used."""
        self._fft.wipe()
        self._filterbank.wipe()

    def _gather(self, mantissa: Ints, exponent: Ints) -> tuple[Ints, Ints]:
        """Compute sums (2, n_bands + 1, frames) and peaks (frames,) of the frames that hops belong to.

        Energies are added one hop after the other within a frame, and for several frames at once.
        """
        per, before, n = self._plan.hops_per_frame, self._hops, mantissa.shape[1]
        frames = max(1, -(-(before + n) // per))
        sums = np.zeros((2, len(mantissa), frames), np.int64)
        peak_q10 = np.full(frames, self._plan.limits.floor_q10, np.int64)
        sums[:, :, 0], peak_q10[0] = self._sums, self._peak_q10
        level = floored(self._plan.limits, mantissa[-1], exponent[-1], self._offset_q10)
        for place in _places(per, before, n):
            first = place < before  # the frame that was begun has this hop already
            hops = slice(place - before + per * first, n, per)
            into = slice(first, first + len(range(*hops.indices(n))))
            so_far = sums[:, :, into]
            so_far[:] = energy.add(so_far[0], so_far[1], mantissa[:, hops], exponent[:, hops])
            peak_q10[into] = np.maximum(peak_q10[into], level[hops])
        return sums, peak_q10

    def _finish(self, sums: Ints, peak_q10: Ints) -> Ints:
        """Compute the levels (frames, n_features) of whole frames."""
        limits, mean_q10 = self._plan.limits, self._offset_q10 + self._plan.mean_q10
        mean = floored(limits, sums[0].T, sums[1].T, mean_q10)
        crest = peak_q10 - mean[:, -1]
        return np.concatenate([limited(limits, mean[:, :-1]), peak_q10[:, None], crest[:, None]], axis=1)


def _places(per: int, before: int, n: int) -> list[int]:
    """List the places of n hops within frames of ``per`` hops; the first frame already has ``before`` hops."""
    if n >= per:
        return list(range(per))
    return [*range(before + n - per), *range(before, min(per, before + n))]
