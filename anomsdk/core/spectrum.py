"""Spectrum: band energies and the strongest frequency of a short signal, by a direct discrete Fourier transform.

A window of motion has tens of samples and tens of bins of interest: a sum for each bin takes less code than a fast
transform, and any length will do. Samples that a cosine or a sine weighs alike are added first, which halves the
number of products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require, require_array
from anomsdk.core.fixed import Ints, bit_length, log2_wide_q10

MAX_BANDS = 16
MIN_LENGTH = 4
MAX_LENGTH = 1024
LEVELS = (0, 63 << 10)
"""Smallest and largest level of a band."""
_MAGNITUDE_BITS = 15
"""Largest number of bits in the sum of the signal's absolute values; a larger signal is shifted down."""
_MAX_FLOOR = 2**31 - 1


@dataclass(frozen=True, eq=False)
class SpectrumPlan:
    """Tables of a transform of ``length`` samples, and the bins of each band."""

    cos_q15: NDArray[np.int16]  # (length,), one turn
    sin_q15: NDArray[np.int16]  # (length,), one turn
    first_bin: NDArray[np.uint16]  # (n_bands + 1,), rising from 1: band b has first_bin[b] to first_bin[b + 1] - 1
    floor: NDArray[np.int32]  # (n_bands,), energy that counts as none, added before the logarithm
    bin_floor: int  # energy that a bin must exceed to be the strongest

    @property
    def length(self) -> int:
        """Number of samples."""
        return len(self.cos_q15)

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return len(self.floor)

    def check(self) -> None:
        """Prove the 32-bit bounds: a sum is below 2**31, the energy of a band below 2**63."""
        n, bands = self.length, self.n_bands
        require(MIN_LENGTH <= n <= MAX_LENGTH, f"spectrum: {n} samples, not {MIN_LENGTH} to {MAX_LENGTH}")
        require(1 <= bands <= MAX_BANDS, f"spectrum: {bands} bands, not 1 to {MAX_BANDS}")
        for name in ("cos_q15", "sin_q15"):
            table = getattr(self, name)
            require_array(table, "<i2", (n,), f"spectrum: {name}")
            require((table > -32768).all(), f"spectrum: a value of {name} is -32768")
        require_array(self.first_bin, "<u2", (bands + 1,), "spectrum: first_bin")
        first = self.first_bin.astype(np.int64)
        require(
            (np.diff(first) >= 1).all() and first[0] >= 1 and first[-1] <= n // 2 + 1,
            f"spectrum: the bins of the bands do not rise from 1 to at most {n // 2 + 1}",
        )
        require_array(self.floor, "<i4", (bands,), "spectrum: floor")
        require((self.floor >= 1).all(), "spectrum: a floor is below 1")
        require(1 <= self.bin_floor <= _MAX_FLOOR, f"spectrum: bin_floor is {self.bin_floor}, not 1 to 2**31 - 1")


class Spectrum:
    """Transform of a `SpectrumPlan`, applied to many signals at once."""

    def __init__(self, plan: SpectrumPlan) -> None:
        self._plan = plan
        n = plan.length
        self._window = (32768 - plan.cos_q15.astype(np.int64)) >> 1  # Hann, q15
        bins = np.arange(plan.first_bin[0], plan.first_bin[-1])
        turn = np.arange(n // 2 + 1)[:, None] * bins % n
        # Sums of products of 32-bit integers are below 2**53 here: BLAS computes them without an error.
        self._cos, self._sin = (t[turn].astype(np.float64) for t in (plan.cos_q15, plan.sin_q15))

    def run(self, signal: Ints) -> tuple[Ints, Ints]:
        """Compute the levels of the bands, and the strongest bin.

        Parameters
        ----------
        signal : int64 (n, length) in int16 range, about its mean

        Returns
        -------
        levels : int64 (n, n_bands), log2 of energy in q10
        strongest : int64 (n,), index of the bin with most energy, the lowest of equals; 0: none exceeds the floor
        """
        plan = self._plan
        windowed = (signal * self._window + (1 << 14)) >> 15
        shift = np.maximum(bit_length(np.abs(windowed).sum(axis=1)) - _MAGNITUDE_BITS, 0)
        even, odd = _folded(windowed >> shift[:, None])
        parts = ((even, self._cos), (odd, self._sin))
        real, imaginary = ((x.astype(np.float64) @ table).astype(np.int64) >> 15 for x, table in parts)
        energy = real * real + imaginary * imaginary
        first = plan.first_bin.astype(np.int64)
        bands = np.add.reduceat(energy, first[:-1] - first[0], axis=1) << (2 * shift[:, None])
        strongest = energy.argmax(axis=1)
        most = np.take_along_axis(energy, strongest[:, None], axis=1)[:, 0] << (2 * shift)
        return log2_wide_q10(bands + plan.floor), np.where(most > plan.bin_floor, strongest + first[0], 0)


def _folded(signal: Ints) -> tuple[Ints, Ints]:
    """Add and subtract the samples that a cosine or sine weighs alike, from both ends: (n, length // 2 + 1) each."""
    n = signal.shape[1]
    near, far = signal[:, 1 : (n + 1) // 2], signal[:, : n // 2 : -1]
    first, middle = signal[:, :1], signal[:, n // 2 : n // 2 + 1 - n % 2]
    return np.hstack([first, near + far, middle]), np.hstack([0 * first, near - far, middle])
