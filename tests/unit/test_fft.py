"""The FFT against numpy's in float64, and its 32-bit promise."""

import numpy as np
import pytest

from anomsdk.core import fft as module
from anomsdk.core.fft import LENGTHS, Fft, FftPlan
from anomsdk.errors import InputError
from anomsdk.planner.tables import cos_q15, hann_q15


def plan(length):
    return FftPlan(length, hann_q15(length), cos_q15(length))


def float_spectrum(frames, length):
    window = np.concatenate([hann_q15(length), hann_q15(length)[-2:0:-1]]).astype(float)
    return np.fft.rfft(frames * window) / length


def extremes(length):
    rng = np.random.default_rng(0)
    n = np.arange(length)
    return np.array(
        [
            np.full(length, -32768),
            np.full(length, 32767),
            np.where(n % 2, 32767, -32768),
            np.where(n % 4 < 2, 32767, -32768),
            np.where(np.sin(2 * np.pi * 3.5 * n / length) > 0, 32767, -32768),
            np.where(rng.random(length) > 0.5, 32767, -32768),
            rng.integers(-32768, 32768, length),
            np.eye(1, length, length // 2)[0] * -32768,
            np.round(20000 * np.sin(2 * np.pi * 5 * n / length)),
        ]
    ).astype(np.int64)


@pytest.mark.parametrize("length", LENGTHS)
def test_spectrum_is_the_dft_of_the_windowed_samples(length):
    frames = extremes(length)
    spectrum, bits = Fft(plan(length), 16).run(frames)
    assert (bits == 15).all() or bits.min() >= 14
    ours = (spectrum[0] + 1j * spectrum[1]).T / 2.0 ** (15 - bits)[:, None]
    bins = np.arange(length // 2 + 1)
    ours = np.where(bins >= length // 4, ours.conj(), ours)
    error = np.abs(ours - float_spectrum(frames, length))
    error[:, length // 4] = np.abs(
        np.abs(ours[:, length // 4]) - np.abs(float_spectrum(frames, length)[:, length // 4])
    )
    assert error.max() < 2**30 * 2**-16  # twiddles have 15 bits: -96 dB of full scale


@pytest.mark.parametrize("length", [64, 512, 1024])
def test_quiet_windows_are_as_precise_as_loud_ones(length):
    rng = np.random.default_rng(1)
    loud = rng.integers(-(2**14), 2**14, (1, length)) & ~63
    quiet = loud >> 6
    spectra = [Fft(plan(length), 16).run(x)[0].copy() for x in (loud, quiet)]
    assert (spectra[0] == spectra[1]).all()


def test_silence_is_zero():
    spectrum, bits = Fft(plan(256), 16).run(np.zeros((2, 256), np.int64))
    assert not spectrum.any() and (bits == 0).all()


@pytest.mark.parametrize("length", LENGTHS)
def test_no_intermediate_leaves_32_bits(length, monkeypatch):
    """Every add, subtract and shift of the FFT writes through numpy's `out=`: look at all of them."""
    largest = 0

    class Watching:
        def __getattr__(self, name):
            function = getattr(np, name)
            if name not in ("add", "subtract", "right_shift", "left_shift"):
                return function

            def watched(*args, out, **more):
                nonlocal largest
                result = function(*args, out=out, **more)
                largest = max(largest, int(np.abs(result).max()))
                return result

            return watched

    transform = Fft(plan(length), 16)
    monkeypatch.setattr(module, "np", Watching())
    transform.run(extremes(length))
    assert 2**29 < largest < 2**31


def test_batches_do_not_see_each_other():
    frames = extremes(128)
    transform = Fft(plan(128), 16)
    together = transform.run(frames)[0].copy()
    for i in range(len(frames)):
        assert (transform.run(frames[i : i + 1])[0][:, :, 0] == together[:, :, i]).all()


def test_wipe_leaves_nothing():
    transform = Fft(plan(512), 16)
    transform.run(extremes(512))
    transform.wipe()
    assert not any(buffer.any() for buffer in (transform._buffers, transform._scratch, transform._spectrum))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"length": 100}, "fft: length is 100"),
        ({"window_q15": hann_q15(128)}, "window_q15"),
        ({"cos_q15": np.full(65, 32767, np.int16)}, "does not go from 32767 to 0"),
        ({"cos_q15": np.array([32767] * 64 + [0], np.int16)}, "longer than 1"),
        ({"window_q15": -hann_q15(256)}, "negative"),
    ],
)
def test_tables_that_break_the_range_proof_are_refused(change, words):
    good = {"length": 256, "window_q15": hann_q15(256), "cos_q15": cos_q15(256)}
    FftPlan(**good).check()
    with pytest.raises(InputError, match=words):
        FftPlan(**{**good, **change}).check()
