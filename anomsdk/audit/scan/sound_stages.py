"""Values that the stages of sound make of a window: shifted and windowed samples, spectra and energies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.scan.layouts import in_batches, window_by_window
from anomsdk.audit.scan.rows import Needles
from anomsdk.core import energy
from anomsdk.core.bands import BandsPlan
from anomsdk.core.fft import Fft
from anomsdk.core.filterbank import Filterbank
from anomsdk.core.fixed import Ints, bit_length
from anomsdk.core.framer import BATCH
from anomsdk.core.logmel import LogmelPlan

_HEADROOM = 15
"""Bits that a window of samples is shifted up to before it is transformed."""


def sound_stages(plan: LogmelPlan | BandsPlan, frames: Ints) -> Iterator[Needles]:
    """Yield what the windows of a signal become, up to the energies of their bands.

    Parameters
    ----------
    plan : section of the extractor
    frames : int64 (n, window, 1)
    """
    windows = frames[:, :, 0]
    up = _HEADROOM - bit_length(np.bitwise_or.reduce(windows ^ (windows >> 15), axis=1))[:, None]
    yield from window_by_window("shifted", windows << up, ("int16", "int32", "int64"), "hop")
    window = np.concatenate([plan.fft.window_q15, plan.fft.window_q15[-2:0:-1]]).astype(np.int64)
    weighed = windows * window
    yield from window_by_window("windowed, not shifted,", weighed, ("int32", "int64"), "hop")
    yield from window_by_window("windowed", weighed << up, ("int32", "int64"), "hop")
    packed = np.concatenate([weighed[:, ::2], weighed[:, 1::2]], axis=1)
    yield in_batches("windowed int64 in batches", packed << up)
    spectrum, mantissa, exponent = _transformed(plan, windows)
    yield from window_by_window("spectrum", spectrum.transpose(2, 1, 0), ("int32", "int64"), "hop")
    yield in_batches("spectrum int64 in batches", spectrum.transpose(2, 0, 1).reshape(len(windows), -1))
    yield in_batches("energies int64", mantissa.T)
    yield _pairs("energies, mantissa and exponent", mantissa, exponent)


def energy_sums(plan: BandsPlan, frames: Ints) -> Iterator[Needles]:
    """Yield the sums of energies that wait for the next feature frame, after each window; also ``sound_stages``."""
    yield from sound_stages(plan, frames)
    _, mantissa, exponent = _transformed(plan, frames[:, :, 0])
    together = energy.total(mantissa, exponent, plan.headroom)
    mantissa, exponent = np.vstack([mantissa, together[0]]), np.vstack([exponent, together[1]])
    sums = np.zeros((2, *mantissa.shape), np.int64)
    sums[0], sums[1] = mantissa, exponent
    for hop in range(1, mantissa.shape[1]):
        if hop % plan.hops_per_frame:
            before = sums[:, :, hop - 1]
            sums[:, :, hop] = energy.add(before[0], before[1], mantissa[:, hop], exponent[:, hop])
    yield in_batches("sums of energies int64", sums[0].T)
    yield _pairs("sums of energies, mantissa and exponent", sums[0], sums[1])


def _transformed(plan: LogmelPlan | BandsPlan, windows: Ints) -> tuple[Ints, Ints, Ints]:
    """Compute spectra (2, bins, n), and mantissas and exponents (n_bands, n) of the band energies."""
    fft, bank = Fft(plan.fft, BATCH), Filterbank(plan.filterbank, BATCH)
    spectra, mantissas, exponents = [], [], []
    for at in range(0, len(windows), BATCH):
        spectrum, bits = fft.run(windows[at : at + BATCH])
        spectra.append(spectrum.copy())
        mantissa, exponent = bank.run(spectrum, bits)
        mantissas.append(mantissa)
        exponents.append(exponent)
    return np.concatenate(spectra, axis=2), np.concatenate(mantissas, axis=1), np.concatenate(exponents, axis=1)


def _pairs(form: str, mantissa: Ints, exponent: Ints) -> Needles:
    """Make needles of energies as C has them: a mantissa of 32 bits, then an exponent of 32 bits, band by band."""
    pairs: NDArray[np.uint32] = np.stack([mantissa.T, exponent.T], axis=2).astype(np.uint32)
    whole = pairs.reshape(len(pairs), -1).view(np.uint64)
    (needles,) = window_by_window(form, whole, ("uint64",), "hop")
    return needles
