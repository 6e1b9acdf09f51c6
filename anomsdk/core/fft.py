"""FFT of a real window: int32 data, q15 twiddles, scaled so that nothing can overflow.

The window is first shifted left as far as its largest sample allows, so that a quiet one is as precise as
a loud one. It is then taken as N/2 complex values (even samples real, odd imaginary), transformed
by a decimation-in-time FFT of radix 4 (one radix-2 stage first where log2(N/2) is odd), and split.
Each stage halves, or quarters, as it adds: the result is the DFT of ``(x << norm) * window_q15`` over N.

Range: ``|(x << norm) * window_q15| <= 2**30``, so a complex input has magnitude at most 2**30.5, and no stage
raises the largest magnitude by more than its rounding (a few units). Every intermediate therefore
lies within +-2**31; `docs/spec.md` has the proof.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require, require_array
from anomsdk.core.fixed import Ints, bit_length

LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True, eq=False)
class FftPlan:
    """Tables of one FFT length N."""

    length: int  # N, samples
    window_q15: NDArray[np.int16]  # (N/2 + 1,), symmetric: w[n] = w[N - n]
    cos_q15: NDArray[np.int16]  # (N/4 + 1,), min(32767, cos(2 pi j / N))

    def check(self) -> None:
        """Refuse tables of the wrong shape, or values that break the range proof."""
        n = self.length
        require(n in LENGTHS, f"fft: length is {n}, not one of {', '.join(map(str, LENGTHS))}")
        require_array(self.window_q15, "<i2", (n // 2 + 1,), "fft: window_q15")
        require_array(self.cos_q15, "<i2", (n // 4 + 1,), "fft: cos_q15")
        require((self.window_q15 >= 0).all(), "fft: window_q15 has a negative value")
        require((self.cos_q15 >= 0).all(), "fft: cos_q15 has a negative value")
        require(self.cos_q15[0] == 32767 and self.cos_q15[-1] == 0, "fft: cos_q15 does not go from 32767 to 0")
        # |w|**2 <= 1 keeps a rotation from growing: allow the rounding of both parts.
        c, s = self.cos_q15.astype(np.int64), self.cos_q15[::-1].astype(np.int64)
        require((c * c + s * s <= 32769 * 32769).all(), "fft: cos_q15 holds a twiddle longer than 1")


class Fft:
    """Transform of up to ``batch`` windows at once, in buffers of fixed size.

    The last axis is the window, so that numpy's inner loops are long. Stages read one buffer and write
    the other (Stockham's order: no digit reversal); a port may work in place, the integers are the same.
    """

    def __init__(self, plan: FftPlan, batch: int) -> None:
        n, m = plan.length, plan.length // 2
        self._window = np.concatenate([plan.window_q15, plan.window_q15[-2:0:-1]]).astype(np.int64)
        cos, sin = _circle(plan.cos_q15)
        self._stages = [(done, *_stage_twiddles(cos, sin, n, done)) for done in _radix4_stages(m)]
        split = np.arange(1, m // 2)
        self._split_twiddles = cos[split, None], sin[split, None]
        self._buffers = np.zeros((2, 2 * m * batch), np.int64)
        self._scratch = np.zeros(8 * m * batch, np.int64)
        self._spectrum = np.zeros(2 * (m + 1) * batch, np.int64)
        self._used = 0  # windows of the last run

    def run(self, frames: Ints) -> tuple[Ints, Ints]:
        """Compute the spectrum of windows.

        Parameters
        ----------
        frames : int64 (n, N), int16 samples

        Returns
        -------
        spectrum : int64 (2, N/2 + 1, n): real and imaginary part, divided by N, in units of
            2**(bits - 45) of full scale. The imaginary parts from N/4 up have the other sign (only the
            power is used). Scratch, valid until the next call.
        bits : int64 (n,), 0 to 15: length of the largest sample; the window was shifted by 15 - bits
        """
        count, m = len(frames), len(self._window) // 2
        self._used = count
        z, other = (b[: 2 * m * count].reshape(2, m, count) for b in self._buffers)
        bits = self._load(frames, z)
        if self._stages[0][0] == 2:
            self._radix2(z, other)
            z, other = other, z
        for done, cos, sin in self._stages:
            self._radix4(z, other, done, cos, sin)
            z, other = other, z
        return self._split(z, self._spectrum[: 2 * (m + 1) * count].reshape(2, m + 1, count)), bits

    def wipe(self) -> None:
        """Zero the buffers that the last run used."""
        m = len(self._window) // 2
        self._buffers[:, : 2 * m * self._used] = 0
        self._scratch[: 8 * m * self._used] = 0
        self._spectrum[: 2 * (m + 1) * self._used] = 0
        self._used = 0

    def _load(self, frames: Ints, z: Ints) -> Ints:
        """z[i] = (x[2i] w[2i] + j x[2i + 1] w[2i + 1]) << (15 - bits); at most 2**30 a part."""
        signs = self._scratch[: frames.size].reshape(frames.shape)
        np.right_shift(frames, 15, out=signs)
        np.bitwise_xor(frames, signs, out=signs)  # |x|, or |x| - 1 where x < 0: no more bits than x needs
        bits = bit_length(np.bitwise_or.reduce(signs, axis=1))
        for part in range(2):
            np.multiply(frames[:, part::2].T, self._window[part::2, None], out=z[part])
        np.left_shift(z, 15 - bits, out=z)
        return bits

    def _radix2(self, z: Ints, out: Ints) -> None:
        """Transform pairs of values, scaled by 1/2: a/2 + b/2 and a/2 - b/2."""
        half = z.shape[1] // 2
        np.right_shift(z, 1, out=z)
        np.add(z[:, :half], z[:, half:], out=out[:, :half])
        np.subtract(z[:, :half], z[:, half:], out=out[:, half:])

    def _rotate(self, z: Ints, cos: Ints, sin: Ints) -> None:
        """Compute z * (cos - j sin) / 2 in place: four products of 32 x 16 bits, each floored to its high 32."""
        by_cos, by_sin = self._scratch[: 2 * z.size].reshape(2, *z.shape)
        np.multiply(z, cos, out=by_cos)
        np.right_shift(by_cos, 16, out=by_cos)
        np.multiply(z, sin, out=by_sin)
        np.right_shift(by_sin, 16, out=by_sin)
        np.add(by_cos[0], by_sin[1], out=z[0])
        np.subtract(by_cos[1], by_sin[0], out=z[1])

    def _radix4(self, z: Ints, out: Ints, done: int, cos: Ints, sin: Ints) -> None:
        """Join four transforms of ``done`` values into one, scaled by 1/4.

        With b, c, d rotated and halved, s0 = a/4 + c/2, d0 = a/4 - c/2, s1 = b/2 + d/2, d1 = b/2 - d/2
        (a fraction is a right shift): X[k], X[k + done], X[k + 2 done], X[k + 3 done] are
        s0 + s1, d0 - j d1, s0 - s1, d0 + j d1.
        """
        count = z.shape[2]
        legs = z.reshape(2, done, 4, -1, count)
        if done > 1:
            self._rotate(legs[:, :, 1:], cos, sin)
        else:  # every twiddle is 1
            np.right_shift(legs[:, :, 1:], 1, out=legs[:, :, 1:])
        a, b, c, d = (legs[:, :, leg] for leg in range(4))
        x0, x1, x2, x3 = out.reshape(2, 4, done, -1, count).swapaxes(0, 1)
        s0, d0, s1, d1 = self._scratch[: 4 * a.size].reshape(4, *a.shape)
        np.right_shift(a, 2, out=a)
        np.right_shift(c, 1, out=c)
        np.add(a, c, out=s0)
        np.subtract(a, c, out=d0)
        np.add(b, d, out=s1)
        np.subtract(b, d, out=d1)
        np.right_shift(s1, 1, out=s1)
        np.right_shift(d1, 1, out=d1)
        np.add(s0, s1, out=x0)
        np.subtract(s0, s1, out=x2)
        np.add(d0[0], d1[1], out=x1[0])
        np.subtract(d0[1], d1[0], out=x1[1])
        np.subtract(d0[0], d1[1], out=x3[0])
        np.add(d0[1], d1[0], out=x3[1])

    def _split(self, z: Ints, x: Ints) -> Ints:
        """Compute the spectrum of the real window from that of the packed one, scaled by 1/2.

        For k = 1 to N/4 - 1 with E = Z[k]/4 + conj(Z[m-k])/4 and O = (Z[k] - conj(Z[m-k])) / 2j:
        X[k] = E + O w**k / 2, X[m-k] = conj(E - O w**k / 2), the conjugate left out.
        """
        m, count = z.shape[1:]
        quarter = m // 2
        lower, upper = z[:, 1:quarter], z[:, :quarter:-1]
        even, odd = self._scratch[4 * m * count :][: 4 * (quarter - 1) * count].reshape(2, *lower.shape)
        np.right_shift(z[:, quarter], 1, out=x[:, quarter])
        np.right_shift(z[:, 0], 1, out=x[:, 0])
        np.subtract(x[0, 0], x[1, 0], out=x[0, m])
        np.add(x[0, 0], x[1, 0], out=x[0, 0])
        x[1, 0] = 0
        x[1, m] = 0
        np.right_shift(z, 1, out=z)
        np.add(lower[1], upper[1], out=odd[0])
        np.subtract(upper[0], lower[0], out=odd[1])
        np.right_shift(z, 1, out=z)
        np.add(lower[0], upper[0], out=even[0])
        np.subtract(lower[1], upper[1], out=even[1])
        self._rotate(odd, *self._split_twiddles)
        np.add(even, odd, out=x[:, 1:quarter])
        np.subtract(even, odd, out=x[:, m - 1 : quarter : -1])
        return x


def _radix4_stages(m: int) -> list[int]:
    """List the lengths that the radix-4 stages start from: 1, 4, 16, ... or, after radix 2, 2, 8, 32, ..."""
    done = 1 if m.bit_length() % 2 == 1 else 2
    stages = []
    while done < m:
        stages.append(done)
        done *= 4
    return stages


def _circle(quarter_q15: NDArray[np.int16]) -> tuple[Ints, Ints]:
    """Compute cos and sin of 2 pi j / N for j = 0 to N - 1, from the first quarter of cos."""
    q = quarter_q15.astype(np.int64)
    half = np.concatenate([q, -q[-2::-1]])  # 0 to N/2
    cos = np.concatenate([half, half[-2:0:-1]])
    return cos, np.roll(cos, len(cos) // 4)


def _stage_twiddles(cos: Ints, sin: Ints, n: int, done: int) -> tuple[Ints, Ints]:
    """Select the twiddles (done, 3, 1, 1) of legs 1 to 3. For k = 0 they are exactly 1: they only halve."""
    index = np.outer(np.arange(done), np.arange(1, 4)) * (n // (4 * done))
    stage_cos, stage_sin = cos[index], sin[index]
    stage_cos[0] = 32768
    return stage_cos[..., None, None], stage_sin[..., None, None]
