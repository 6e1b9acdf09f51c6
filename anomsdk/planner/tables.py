"""Tables and rounding of the planner: windows, twiddles and filter banks, from our own formulas.

They are computed with `math` in float64. Its functions differ between machines by less than the margin of `rounded`,
which those of numpy do not promise: the same spec gives the same integers everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast, require
from anomsdk.core.filterbank import FilterbankPlan, largest_sum
from anomsdk.core.fixed import INT32_MAX
from anomsdk.core.reasons import MAX_GAIN
from anomsdk.core.spectrum import MAX_BANDS, SpectrumPlan
from anomsdk.planner.features import BandsFeatures, LogmelFeatures

_MOTION_BANDS, _MOTION_LOWEST_HZ, _MOTION_HIGHEST = 4, 0.5, 0.4
"""Default frequency bands of motion: their number, lowest frequency in Hz, highest frequency over the rate."""
_DOMINANT = 8
"""Energy of a bin over the energy of the noise floor that the dominant frequency must exceed."""
_MARGIN = 1e-9
"""Largest difference of two numbers that count as equal; far above the error of float64."""


def rounded(x: float) -> int:
    """Round to the nearest integer; within 1e-9 of a tie, round up.

    Two correct float64 computations of the same table may differ in the last bit and would round apart at a tie. The
    margin is far above their error.
    """
    return math.floor(x + 0.5 + _MARGIN)


def hann_q15(length: int) -> NDArray[np.int16]:
    """First half, and the middle, of a periodic Hann window: ``0.5 - 0.5 cos(2 pi n / N)``, 1 as 32767."""
    values = (0.5 - 0.5 * math.cos(2 * math.pi * n / length) for n in range(length // 2 + 1))
    return checked_cast([min(32767, rounded(32768 * v)) for v in values], "i2", "table in q15")


def cos_q15(length: int) -> NDArray[np.int16]:
    """``cos(2 pi j / N)`` for j = 0 to N / 4, 1 as 32767."""
    values = (math.cos(2 * math.pi * j / length) for j in range(length // 4 + 1))
    return checked_cast([min(32767, rounded(32768 * v)) for v in values], "i2", "table in q15")


def mel_from_hz(hz: float, scale: str) -> float:
    """Mel of a frequency. Slaney: linear to 1 kHz, then logarithmic (Auditory Toolbox); HTK: O'Shaughnessy."""
    if scale == "htk":
        return 2595 * math.log10(1 + hz / 700)
    return hz * 3 / 200 if hz < 1000 else 15 + math.log(hz / 1000) * 27 / math.log(6.4)


def hz_from_mel(mel: float, scale: str) -> float:
    """Inverse of `mel_from_hz`."""
    if scale == "htk":
        return float(700 * (10 ** (mel / 2595) - 1))
    return mel * 200 / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)


@dataclass(frozen=True)
class _Share:
    """Division of a bin of the spectrum: ``rise`` of its power goes to band ``upper``, the rest to the band below."""

    bin: int
    upper: int
    rise: float

    @property
    def own(self) -> bool:
        """Return True if the bin belongs to one band alone."""
        return self.rise > 1 - _MARGIN


def _mel_shares(features: LogmelFeatures, rate_hz: float) -> tuple[list[_Share], list[float]]:
    """Shares and corner frequencies of overlapping triangles, as `librosa.filters.mel` has them."""
    n, scale = features.n_mels, features.mel_scale
    low, high = mel_from_hz(features.fmin_hz, scale), mel_from_hz(features.fmax_hz, scale)
    corners = [hz_from_mel(low + (high - low) * i / (n + 1), scale) for i in range(n + 2)]
    shares = []
    for k in range(features.fft_length // 2 + 1):
        hz = k * rate_hz / features.fft_length
        if corners[0] * (1 + _MARGIN) < hz < corners[-1] * (1 - _MARGIN):
            upper = max(i for i in range(n + 1) if corners[i] <= hz * (1 + _MARGIN))
            rise = (hz - corners[upper]) / (corners[upper + 1] - corners[upper])
            shares.append(_Share(k, upper, max(0.0, rise)))
    return shares, corners


def mel_filterbank(features: LogmelFeatures, rate_hz: float) -> FilterbankPlan:
    """Plan the triangles of `librosa.filters.mel`; Slaney's area norm is part of the offset."""
    shares, corners = _mel_shares(features, rate_hz)
    require(
        len(shares) > 0,
        "features: no bin of the spectrum lies between fmin_hz and fmax_hz; use a longer fft_length",
    )
    slaney = features.mel_norm == "slaney"
    scale = [math.log2(2 / (corners[b + 2] - corners[b])) if slaney else 0.0 for b in range(features.n_mels)]
    return _filterbank(shares, features.n_mels, features.fft_length, scale)


def _band_shares(features: BandsFeatures, rate_hz: float) -> list[_Share]:
    """Shares of rectangular bands whose edges lie evenly on a logarithmic axis.

    Bin k stands for the frequencies from k - 1/2 to k + 1/2 bins; one that lies across an edge is
    divided between the two bands.
    """
    n, bin_hz = features.n_bands, rate_hz / features.fft_length
    ratio = features.fmax_hz / features.fmin_hz
    hz = [features.fmin_hz * ratio ** (b / n) for b in range(n + 1)]
    edges = [f / bin_hz + 0.5 for f in hz]  # bin k is [k, k + 1)
    first = [math.floor(e + _MARGIN) for e in edges]
    for b in range(n):
        require(
            first[b] < first[b + 1],
            f"features.n_bands: band {b} ({hz[b]:.0f} to {hz[b + 1]:.0f} Hz) is narrower than one bin of "
            f"{bin_hz:.3g} Hz; use fewer bands, a higher fmin_hz or a longer fft_length",
        )
    shares = []
    for k in range(first[0], min(first[n], features.fft_length // 2) + 1):
        upper = max(b for b in range(n + 1) if first[b] <= k)
        across_edge = k == first[upper]
        shares.append(_Share(k, upper, min(1.0, k + 1 - edges[upper]) if across_edge else 1.0))
    return shares


def bands_filterbank(features: BandsFeatures, rate_hz: float) -> FilterbankPlan:
    """Plan rectangular bands from fmin_hz to fmax_hz, evenly spaced on a logarithmic axis."""
    n = features.n_bands
    return _filterbank(_band_shares(features, rate_hz), n, features.fft_length, [0.0] * n)


def _filterbank(shares: Sequence[_Share], n_bands: int, length: int, log2_scale: Sequence[float]) -> FilterbankPlan:
    """Plan segments and weights; the offset turns half the power in integer units into librosa's power."""
    widths = [0] * (2 * n_bands + 1)
    for share in shares:
        if share.upper < n_bands or not share.own:
            widths[2 * share.upper + share.own] += 1
    empty = [b for b in range(n_bands) if sum(widths[2 * b : 2 * b + 3]) == 0]
    require(
        not empty,
        f"features: band {(empty or [0])[0]} holds no bin of the spectrum; use fewer bands or a longer fft_length",
    )
    unit = 2 * math.log2(length / 2**45) + 1
    # A rise is a quotient of small differences: its error is larger than the margin of `rounded`.
    rises = [round(32768 * share.rise, 6) for share in shares if not share.own]
    value_bits = 14
    while value_bits > 8 and largest_sum(max(widths), value_bits) > INT32_MAX:
        value_bits -= 1
    return FilterbankPlan(
        edges=checked_cast(
            [shares[0].bin + sum(widths[:i]) for i in range(len(widths) + 1)], "u2", "filterbank: edges"
        ),
        minus_rise_q15=checked_cast([-rounded(r) for r in rises], "i2", "filterbank: minus_rise_q15"),
        value_bits=value_bits,
        offset_q10=checked_cast(
            [rounded(1024 * (unit + scale)) for scale in log2_scale], "i4", "filterbank: offset_q10"
        ),
    )


def motion_spectrum(edges_hz: Sequence[float] | None, length: int, rate_hz: float, floor: int) -> SpectrumPlan:
    """Plan the spectrum of one window of motion: a periodic Hann window, and bands between rising edges.

    Parameters
    ----------
    edges_hz : bin k belongs to the band from the last edge at or below its frequency; None: `_MOTION_BANDS` bands,
        evenly on a logarithmic axis where there are bins enough
    length : samples of the window
    rate_hz : samples a second
    floor : standard deviation of white noise that counts as no movement, in counts
    """
    first = _default_bins(length, rate_hz) if edges_hz is None else _bins_from(edges_hz, length, rate_hz)
    turn = [2 * math.pi * n / length for n in range(length)]
    window = [0.5 - 0.5 * math.cos(angle) for angle in turn]
    one_bin = floor * floor * sum(w * w for w in window)
    return SpectrumPlan(
        cos_q15=_q15([math.cos(angle) for angle in turn]),
        sin_q15=_q15([math.sin(angle) for angle in turn]),
        first_bin=checked_cast(first, "u2", "spectrum: first_bin"),
        floor=checked_cast(
            [min(INT32_MAX, max(1, rounded(one_bin * (b - a)))) for a, b in pairwise(first)], "i4", "spectrum: floor"
        ),
        bin_floor=min(INT32_MAX, max(1, rounded(_DOMINANT * one_bin))),
    )


def _q15(values: Sequence[float]) -> NDArray[np.int16]:
    return checked_cast([max(-32767, min(32767, rounded(32768 * v))) for v in values], "i2", "table in q15")


def _default_bins(length: int, rate_hz: float) -> list[int]:
    low, high = _MOTION_LOWEST_HZ * length / rate_hz, min(_MOTION_HIGHEST * length, length // 2 + 1)
    first = max(1, math.ceil(low - _MARGIN))
    last = max(first + 1, math.floor(high + _MARGIN))
    edges = [first * (last / first) ** (b / _MOTION_BANDS) for b in range(_MOTION_BANDS + 1)]
    return sorted({min(last, max(first, rounded(edge))) for edge in edges})


def _bins_from(edges_hz: Sequence[float], length: int, rate_hz: float) -> list[int]:
    require(len(edges_hz) <= MAX_BANDS + 1, f"features.band_edges_hz: {len(edges_hz)} edges, at most {MAX_BANDS + 1}")
    first = [max(1, math.ceil(edge * length / rate_hz - _MARGIN)) for edge in edges_hz]
    for b, (low, high) in enumerate(pairwise(first)):
        require(
            low < high,
            f"features.band_edges_hz: no bin between {edges_hz[b]:g} and {edges_hz[b + 1]:g} Hz: bins are "
            f"{rate_hz / length:.3g} Hz apart; use wider bands or a longer window_s",
        )
    return [min(each, length // 2 + 1) for each in first]


def reason_gains(normal: Sequence[float], weight: Sequence[int]) -> NDArray[np.int32]:
    """Compute a gain for each group that makes the residuals of groups comparable.

    Parameters
    ----------
    normal : mean residual of each group on normal data; 0: not known
    weight : sum of the weights of each group's inputs: its residual if each input is wrong by one int8 step. It is the
        least that counts as normal, for otherwise rounding alone would make a nearly constant group a reason

    Returns
    -------
    int32 (n_groups,), 1 to 2**30; the group with the lowest normal residual has 2**30
    """
    levels = [max(level, float(w), 1.0) for level, w in zip(normal, weight, strict=True)]
    return checked_cast([max(1, rounded(MAX_GAIN * min(levels) / level)) for level in levels], "i4", "reasons: gain")
