"""Filter bank: energies of neighbouring bands from a spectrum, each bin squared once.

From low to high, bins belong to: band 0 (shared with nothing), band 0 alone, bands 0 and 1, band 1 alone, ...
These runs are the segments. Of a shared bin the upper band gets ``rise`` of the power, the lower band the
rest. Overlapping triangles have shared segments only, rectangular bands share just the bin across each edge.

Each segment has its own exponent, taken from its largest value, so that a quiet band beside a loud one
keeps its precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core import energy
from anomsdk.core.checks import require, require_array
from anomsdk.core.fixed import INT32_MAX, Ints, bit_length

MAX_BANDS = 256


@dataclass(frozen=True, eq=False)
class FilterbankPlan:
    """Segments and weights over the bins of one spectrum.

    Segment 2 b is shared by bands b - 1 and b, segment 2 b + 1 is band b's own; either may be empty.
    """

    edges: NDArray[np.uint16]  # (2 n_bands + 2,): segment i is bins edges[i] to edges[i + 1] - 1
    minus_rise_q15: NDArray[np.int16]  # one a shared bin, in order: minus the upper band's share, -32768 to 0
    value_bits: int  # real and imaginary parts are cut to this many bits and a sign before squaring
    offset_q10: NDArray[np.int32]  # (n_bands,), log2 of the unit: see docs/spec.md

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return len(self.offset_q10)

    @property
    def shared(self) -> NDArray[np.bool_]:
        """Mark of each bin from edges[0] on: True where two bands share it."""
        widths = np.diff(self.edges.astype(np.int64))
        return np.repeat(np.arange(len(widths)) % 2 == 0, widths)

    def check(self, n_bins: int) -> None:
        """Refuse segments outside the spectrum, and a segment whose sum could leave 32 bits."""
        n = self.n_bands
        require(1 <= n <= MAX_BANDS, f"filterbank: {n} bands, not 1 to {MAX_BANDS}")
        require_array(self.edges, "<u2", (2 * n + 2,), "filterbank: edges")
        edges = self.edges.astype(np.int64)
        widths = np.diff(edges)
        require(
            bool((widths >= 0).all()) and edges[-1] <= n_bins, f"filterbank: edges do not rise within {n_bins} bins"
        )
        require((widths[:-1:2] + widths[1::2] + widths[2::2] > 0).all(), "filterbank: a band holds no bin")
        require_array(self.minus_rise_q15, "<i2", (int(self.shared.sum()),), "filterbank: minus_rise_q15")
        require((self.minus_rise_q15 <= 0).all(), "filterbank: minus_rise_q15 has a positive value")
        require_array(self.offset_q10, "<i4", (n,), "filterbank: offset_q10")
        require((np.abs(self.offset_q10.astype(np.int64)) <= 1 << 20).all(), "filterbank: offset_q10 out of range")
        require(8 <= self.value_bits <= 14, f"filterbank: value_bits is {self.value_bits}, not 8 to 14")
        require(
            largest_sum(int(widths.max()), self.value_bits) <= INT32_MAX,
            f"filterbank: a segment of {widths.max()} bins can leave 32 bits",
        )


def largest_sum(bins: int, bits: int) -> int:
    """Compute the largest sum of half powers that a segment can reach: each part of a value is at most 2**bits."""
    return bins * ((1 << 2 * bits) + 1)


class Filterbank:
    """Filter bank for up to ``batch`` spectra at once, in scratch of fixed size."""

    def __init__(self, plan: FilterbankPlan, batch: int) -> None:
        edges = plan.edges.astype(np.int64)
        widths = np.diff(edges)
        self._bins = slice(int(edges[0]), int(edges[-1]))
        self._filled = np.flatnonzero(widths)
        self._starts = edges[:-1][self._filled] - edges[0]
        self._segment = np.repeat(np.arange(len(self._filled)), widths[self._filled])
        minus_rise = np.zeros(len(self._segment), np.int64)
        minus_rise[plan.shared] = plan.minus_rise_q15
        self._minus_rise = minus_rise[:, None]
        self._value_bits = plan.value_bits
        self._n_segments = len(widths)
        self._scratch = np.zeros(6 * len(self._segment) * batch, np.int64)
        self._used = 0

    def run(self, spectrum: Ints, bits: Ints) -> tuple[Ints, Ints]:
        """Compute the band energies of spectra.

        Parameters
        ----------
        spectrum : int64 (2, n_bins, n), and
        bits : int64 (n,), as `Fft.run` gives them

        Returns
        -------
        mantissa, exponent : int64 (n_bands, n), half the weighted power of the spectrum / N, in units
            of 2**-90 of full scale squared
        """
        values = spectrum[:, self._bins]
        value, work, power, shift = self._carve(values.shape)
        np.right_shift(values, 31, out=value)
        np.bitwise_xor(values, value, out=value)  # |x|, or |x| - 1 where x < 0: no more bits than x needs
        np.bitwise_or(value[0], value[1], out=power)
        largest = np.bitwise_or.reduceat(power, self._starts, axis=0)
        shifts = np.maximum(bit_length(largest) - self._value_bits, 0)
        np.take(shifts, self._segment, axis=0, out=shift, mode="clip")
        np.right_shift(values, shift, out=value)  # |value| <= 2**value_bits
        np.multiply(value, value, out=work)
        np.add(work[0], work[1], out=power)
        np.right_shift(power, 1, out=work[0])
        halves = np.add.reduceat(work[0], self._starts, axis=0)
        np.multiply(power, self._minus_rise, out=work[0])
        np.right_shift(work[0], 16, out=work[0])
        minus_rises = np.add.reduceat(work[0], self._starts, axis=0)
        rise, rest, exponent = np.zeros((3, self._n_segments, values.shape[2]), np.int64)
        rise[self._filled] = -minus_rises
        rest[self._filled] = np.maximum(halves + minus_rises, 0)  # rounding may take one a bin too much
        exponent[self._filled] = 2 * (shifts + bits)
        upper, lower, own = (rise, slice(0, -1, 2)), (rest, slice(2, None, 2)), (rest, slice(1, None, 2))
        total = energy.add(*_energy_of(upper, exponent), *_energy_of(lower, exponent))
        return energy.add(*total, *_energy_of(own, exponent))

    def wipe(self) -> None:
        """Zero the scratch that the last run used."""
        self._scratch[: self._used] = 0
        self._used = 0

    def _carve(self, shape: tuple[int, ...]) -> tuple[Ints, Ints, Ints, Ints]:
        size = shape[1] * shape[2]
        self._used = 6 * size
        pairs = self._scratch[: 4 * size].reshape(2, *shape)
        singles = self._scratch[4 * size : 6 * size].reshape(2, *shape[1:])
        return pairs[0], pairs[1], singles[0], singles[1]


def _energy_of(part: tuple[Ints, slice], exponent: Ints) -> tuple[Ints, Ints]:
    mantissas, segments = part
    return mantissas[segments], np.where(mantissas[segments] == 0, 0, exponent[segments])
