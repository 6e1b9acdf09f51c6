"""The pipeline in plain Python integers, written from docs/spec.md alone, one section after another.

Slow on purpose: one window, one value at a time, and every value is asserted to lie in the range that the
specification states for it. Nothing here imports the package. The limits of a plan file are left to its reader.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple


# Notation
def within(x: int, low: int, high: int) -> int:
    """`x`, which must lie in `low` to `high`."""
    assert low <= x <= high, f"{x} is not in {low} to {high}"
    return x


def i16(x: int) -> int:
    assert -(2**15) <= x < 2**15, f"{x} is no int16"
    return x


def i32(x: int) -> int:
    assert -(2**31) <= x < 2**31, f"{x} is no int32"
    return x


def u32(x: int) -> int:
    assert 0 <= x < 2**32, f"{x} is no uint32"
    return x


def u64(x: int) -> int:
    assert 0 <= x < 2**64, f"{x} is no uint64"
    return x


def i64(x: int) -> int:
    assert -(2**63) <= x < 2**63, f"{x} is no int64"
    return x


def ceil_div(a: int, b: int) -> int:
    return -((-a) // b)


def clip(x: int, low: int, high: int) -> int:
    return min(max(x, low), high)


def bit_length(x: int) -> int:
    return u32(x).bit_length()


def mulw(z: int, w: int) -> int:
    return i32((i32(z) * i16(w)) >> 16)


# Time
def hops_in(samples: int, window: int, hop: int) -> int:
    return max(0, 1 + (samples - window) // hop)


def ticks_in(samples: int, plan: dict) -> int:
    frames, stride = plan["context"]["frames"], plan["context"]["stride"]
    hops = hops_in(samples, plan["framer"]["window"], plan["framer"]["hop"])
    if plan["extractor"]["kind"] == "days":
        hops -= plan["extractor"]["profile"]["mature"] * plan["extractor"]["profile"]["slots"]
    return max(0, 1 + (hops // plan["extractor"].get("hops_per_frame", 1) - frames) // stride)


# Fixed
def saturating_rounding_doubling_high_mul(a: int, b: int) -> int:
    product = i64(i32(a) * i32(b))
    nudged = i64(product + (2**30 if product >= 0 else 1 - 2**30))
    return i32(nudged // 2**31 if nudged >= 0 else -(-nudged // 2**31))


def rounding_divide_by_pot(x: int, exponent: int) -> int:
    mask = 2 ** within(exponent, 0, 31) - 1
    threshold = (mask >> 1) + (1 if i32(x) < 0 else 0)
    return i32((x >> exponent) + (1 if (x & mask) > threshold else 0))


def multiply_by_quantized_multiplier(x: int, multiplier: int, shift: int) -> int:
    left = max(shift, 0)
    right = max(-shift, 0)
    high = saturating_rounding_doubling_high_mul(i32(x << left), multiplier)
    return rounding_divide_by_pot(high, right)


def affine_int8(value: int, gain: int, bias: int, shift: int, low: int, high: int) -> int:
    within(abs(i32(value)) * within(gain, 0, 2**31 - 1) + abs(i32(bias)), 0, 2**31 - 1)
    return clip(i32(value * gain + bias) >> within(shift, 1, 31), low, high)


LOG2_TABLE_Q15 = [0, 2866, 5568, 8124, 10549, 12855, 15055, 17156, 19168, 21098, 22952, 24736, 26455, 28114, 29717]
LOG2_TABLE_Q15 += [31267, 32768]


def log2_q10(x: int) -> int:
    if x == 0:
        x = 1
    exponent = within(bit_length(x) - 1, 0, 31)
    mantissa = within(x << (31 - exponent), 2**31, 2**32 - 1)
    index = (mantissa >> 27) & 15
    fraction_q16 = (mantissa >> 11) & 0xFFFF
    low = LOG2_TABLE_Q15[index]
    step = within(LOG2_TABLE_Q15[index + 1] - low, 0, 2866)
    inner = within(low + (within(step * fraction_q16, 0, 2**28 - 1) >> 16), 0, 32767)
    return within((exponent << 10) + (inner >> 5), 0, 32767)


def log2_wide_q10(x: int) -> int:
    beyond = within(bit_length(within(x, 0, 2**63 - 1) >> 32), 0, 31)
    return within(log2_q10(x >> beyond) + (beyond << 10), 0, 64511)


def floor_sqrt(x: int) -> int:
    return within(math.isqrt(u32(x)), 0, 65535)


ATAN_Q16 = (51472, 30386, 16055, 8150, 4091, 2047, 1024, 512, 256, 128, 64, 32, 16, 8, 4)


def angle_q12(x: int, y: int) -> int:
    within(x, -(2**17), 2**17)
    within(y, 0, 2**17)
    angle, along, across = (102944, y << 12, -x << 12) if x < 0 else (0, x << 12, y << 12)
    for i, step in enumerate(ATAN_Q16):
        if across > 0:
            along, across, angle = i32(along + (across >> i)), i32(across - (along >> i)), angle + step
        else:
            along, across, angle = i32(along - (across >> i)), i32(across + (along >> i)), angle - step
    return within((clip(angle, 0, 205887) + 8) >> 4, 0, 12868)


# Framer
class Framer:
    """Samples in, windows out; a gap drops samples until the next multiple of the hop."""

    def __init__(self, window: int, hop: int) -> None:
        self.window, self.hop = window, hop
        self.p, self.next_hop, self.samples = 0, 0, []

    def push(self, sample: int | list[int]) -> tuple[int, list] | None:
        if self.p < 0:
            self.p += 1
            return None
        self.samples.append(sample)
        self.p += 1
        if self.p < self.window:
            return None
        done = self.next_hop, self.samples
        self.next_hop = (self.next_hop + 1) % 2**32
        self.samples = self.samples[self.hop :]
        self.p = self.window - self.hop
        assert len(self.samples) == self.p
        return done

    def resume(self, next_hop: int, ahead: int) -> int:
        """After a reset, where a record was written; the number of hops that are lost."""
        self.next_hop, self.p = u32(next_hop), within(ahead, -self.hop + 1, self.window)
        return self.gap(0)

    def gap(self, n: int) -> int:
        """The number of hops that fell into the gap, for n > 0; for 0 the hop that had begun."""
        p = within(self.p + n, -self.hop + 1, 2**31 + 4094)
        lost = within(ceil_div(p, self.hop), 0, 2**31 + 4094)
        self.next_hop = (self.next_hop + lost) % 2**32
        self.p = within(p - lost * self.hop, -self.hop + 1, 0)
        self.samples = []
        return lost


# FFT
LONGEST, LONGEST_LEG = 7073 * 2**31 // 10000, 3537 * 2**31 // 10000  # bounds of a part, from the table under Range


class Pair(NamedTuple):
    """A complex number. Every part of every intermediate stays below 0.7073 * 2**31."""

    re: int
    im: int

    @classmethod
    def of(cls, re: int, im: int, longest: int = LONGEST) -> Pair:
        assert max(abs(re), abs(im)) <= longest, f"{re}, {im} is longer than {longest}"
        return cls(re, im)

    def __add__(self, other: Pair) -> Pair:
        return Pair.of(self.re + other.re, self.im + other.im)

    def __sub__(self, other: Pair) -> Pair:
        return Pair.of(self.re - other.re, self.im - other.im)

    def __rshift__(self, n: int) -> Pair:
        return Pair(self.re >> n, self.im >> n)

    def at_most(self, longest: int) -> Pair:
        return Pair.of(self.re, self.im, longest)


class Fft:
    """The spectrum X[0] to X[N / 2] of a window, and `bits`."""

    def __init__(self, plan: dict) -> None:
        self.length = plan["length"]
        self.window_q15 = plan["window_q15"]
        self.cos_q15 = plan["cos_q15"]
        self.tc = [i16(self.cosine(j)) for j in range(self.length)]
        self.ts = [self.tc[(j - self.length // 4) % self.length] for j in range(self.length)]

    def cosine(self, j: int) -> int:
        n = self.length
        if j <= n // 4:
            return self.cos_q15[j]
        return -self.cos_q15[n // 2 - j] if j <= n // 2 else self.cosine(n - j)

    def spectrum(self, x: list[int]) -> tuple[list[Pair], int]:
        z, bits = self.load(x)
        return self.split(self.transform(z)), bits

    def load(self, x: list[int]) -> tuple[list[Pair], int]:
        union = 0
        for sample in x:
            union |= i16(sample) ^ (sample >> 15)
        bits = within(bit_length(union), 0, 15)
        norm = 15 - bits
        w = [self.window_q15[min(n, self.length - n)] for n in range(self.length)]
        parts = [within(i16(x[n] << norm) * w[n], -(2**30) + 1, 2**30 - 1) for n in range(self.length)]
        return [Pair(parts[2 * i], parts[2 * i + 1]) for i in range(self.length // 2)], bits

    def rotate(self, z: Pair, j: int) -> Pair:
        re = mulw(z.re, self.tc[j]) + mulw(z.im, self.ts[j])
        im = mulw(z.im, self.tc[j]) - mulw(z.re, self.ts[j])
        return Pair.of(re, im, LONGEST_LEG)

    def transform(self, s: list[Pair]) -> list[Pair]:
        if len(s) == 1:
            return s
        if len(s) == 2:
            a, b = s[0] >> 1, s[1] >> 1
            return [a + b, a - b]
        n = len(s) // 4
        r = self.length // len(s)
        legs = [self.transform(s[leg::4]) for leg in range(4)]
        out = [Pair(0, 0)] * len(s)
        for k in range(n):
            a = legs[0][k] >> 2
            b, c, d = (legs[q][0] >> 1 if k == 0 else self.rotate(legs[q][k], q * k * r) for q in (1, 2, 3))
            c = c >> 1
            s0, d0 = (a + c).at_most(LONGEST_LEG), (a - c).at_most(LONGEST_LEG)
            s1, d1 = (b + d) >> 1, (b - d) >> 1
            out[k] = s0 + s1
            out[k + n] = Pair.of(d0.re + d1.im, d0.im - d1.re)
            out[k + 2 * n] = s0 - s1
            out[k + 3 * n] = Pair.of(d0.re - d1.im, d0.im + d1.re)
        return out

    def split(self, z: list[Pair]) -> list[Pair]:
        m = self.length // 2
        x = [Pair(0, 0)] * (m + 1)
        x[0] = Pair.of((z[0].re >> 1) + (z[0].im >> 1), 0)
        x[m] = Pair.of((z[0].re >> 1) - (z[0].im >> 1), 0)
        x[m // 2] = z[m // 2] >> 1
        for k in range(1, m // 2):
            p, u = z[k], z[m - k]
            odd = Pair.of((p.im >> 1) + (u.im >> 1), (u.re >> 1) - (p.re >> 1))
            even = Pair.of((p.re >> 2) + (u.re >> 2), (p.im >> 2) - (u.im >> 2))
            odd = self.rotate(odd, k)
            x[k] = even + odd
            x[m - k] = even - odd
        return x


# Filterbank
class Filterbank:
    """Energies of the bands from the bins of one spectrum."""

    def __init__(self, plan: dict) -> None:
        self.edges = plan["edges"]
        self.value_bits = plan["value_bits"]
        self.n_bands = len(self.edges) // 2 - 1
        shares = iter(plan["minus_rise_q15"])
        bins = [range(self.edges[i], self.edges[i + 1]) for i in range(2 * self.n_bands + 1)]
        self.segments = [(ks, [next(shares) for _ in ks] if i % 2 == 0 else None) for i, ks in enumerate(bins)]
        assert next(shares, None) is None

    def bands(self, spectrum: list[Pair], bits: int) -> list[Energy]:
        rise, rest = zip(*(self.segment(spectrum, bits, *segment) for segment in self.segments), strict=True)
        out = [add(add(rise[2 * b], rest[2 * b + 2]), rest[2 * b + 1]) for b in range(self.n_bands)]
        assert all(0 <= band.exponent <= 78 for band in out)
        return out

    def segment(self, x: list[Pair], bits: int, bins: range, minus_rise_q15: list[int] | None) -> tuple[Energy, Energy]:
        if not bins:
            return Energy(0, 0), Energy(0, 0)
        union = 0
        for k in bins:
            union |= (x[k].re ^ (x[k].re >> 31)) | (x[k].im ^ (x[k].im >> 31))
        shift = within(max(bit_length(within(union, 0, 2**31 - 1)) - self.value_bits, 0), 0, 23)
        exponent = within(2 * (shift + bits), 0, 76)
        most = within(len(bins) * (4**self.value_bits + 1), 0, 2**31 - 1)
        reach = 2**self.value_bits
        halves = minus_rises = 0
        for i, k in enumerate(bins):
            re, im = within(x[k].re >> shift, -reach, reach - 1), within(x[k].im >> shift, -reach, reach - 1)
            power = within(re * re + im * im, 0, 2 ** (2 * self.value_bits + 1))
            halves = within(halves + (power >> 1), 0, most)
            if minus_rise_q15 is not None:
                minus_rises = within(minus_rises + mulw(power, within(minus_rise_q15[i], -32768, 0)), -most, 0)
        rest = max(halves + minus_rises, 0)
        return Energy.of(-minus_rises, exponent), Energy.of(rest, exponent)


# Energy
class Energy(NamedTuple):
    """`mantissa * 2**exponent`; 0 has exponent 0."""

    mantissa: int
    exponent: int

    @classmethod
    def of(cls, mantissa: int, exponent: int) -> Energy:
        return cls(within(mantissa, 0, 2**31 - 1), within(exponent, 0, 127) if mantissa else 0)


def add(a: Energy, b: Energy) -> Energy:
    e = max(a.exponent, b.exponent)
    total = u32((a.mantissa >> min(e - a.exponent, 31)) + (b.mantissa >> min(e - b.exponent, 31)))
    carry = within(total >> 31, 0, 1)
    return Energy(within(total >> carry, 0, 2**31 - 1), within(e + carry, 0, 127))


def total(energies: list[Energy], headroom: int) -> Energy:
    assert len(energies) <= 2**headroom
    e = max(energy.exponent for energy in energies) + headroom
    return Energy.of(sum(energy.mantissa >> min(e - energy.exponent, 31) for energy in energies), e)


def log2(a: Energy) -> int:
    return within(log2_q10(a.mantissa) + (a.exponent << 10), 0, 130 << 10)


# Levels
class Levels:
    """Levels of energies, q10 octaves of power, from `floor_q10` up."""

    def __init__(self, plan: dict) -> None:
        self.floor_q10, self.range_q10 = plan["floor_q10"], plan["range_q10"]

    def floored(self, energy: Energy, offset_q10: int) -> int:
        level = self.floor_q10 if energy.mantissa == 0 else max(log2(energy) + offset_q10, self.floor_q10)
        return within(level, self.floor_q10, self.top(offset_q10))

    def top(self, offset_q10: int) -> int:
        return max(self.floor_q10, (130 << 10) + offset_q10)

    def limited(self, levels: list[int]) -> list[int]:
        return [max(level, max(levels) - self.range_q10) for level in levels]


# Logmel
class Logmel:
    """One frame a hop, one feature a band."""

    def __init__(self, plan: dict) -> None:
        self.offset_q10 = plan["filterbank"]["offset_q10"]
        self.fft, self.filterbank = Fft(plan["fft"]), Filterbank(plan["filterbank"])
        self.levels = Levels(plan["limits"])
        self.normalisation = Affine(plan["normalisation"])

    def hop(self, x: list[int]) -> list[int]:
        bands = self.filterbank.bands(*self.fft.spectrum(x))
        level = [self.levels.floored(band, offset) for band, offset in zip(bands, self.offset_q10, strict=True)]
        return self.normalisation.features(self.levels.limited(level))

    def gap(self) -> None:
        pass


# Bands
class Bands(Logmel):
    """One frame every `hops_per_frame` hops: n bands, peak, crest."""

    def __init__(self, plan: dict) -> None:
        super().__init__(plan)
        (self.offset,) = set(self.offset_q10)
        self.hops_per_frame, self.mean_q10 = plan["hops_per_frame"], plan["mean_q10"]
        self.headroom = plan["headroom"]
        self.gap()

    def hop(self, x: list[int]) -> list[int] | None:
        band = self.filterbank.bands(*self.fft.spectrum(x))
        together = total(band, self.headroom)
        within(together.exponent, 0, 87)
        self.sums = [add(a, b) for a, b in zip(self.sums, [*band, together], strict=True)]
        assert all(0 <= energy.exponent <= 99 for energy in self.sums)
        self.peak = max(self.peak, self.levels.floored(together, self.offset))
        self.hops += 1
        if self.hops < self.hops_per_frame:
            return None
        *level, mean = [self.levels.floored(energy, self.offset + self.mean_q10) for energy in self.sums]
        top = self.levels.top(self.offset)
        crest = within(self.peak - mean, self.levels.floor_q10 - top, top - self.levels.floor_q10)
        features = self.normalisation.features([*self.levels.limited(level), self.peak, crest])
        self.gap()
        return features

    def gap(self) -> None:
        self.sums = [Energy(0, 0)] * (self.filterbank.n_bands + 1)
        self.peak, self.hops = self.levels.floor_q10, 0


# Spectrum
class Spectrum:
    """Levels of the bands and the strongest bin of N values."""

    def __init__(self, plan: dict) -> None:
        self.cos_q15, self.sin_q15 = plan["cos_q15"], plan["sin_q15"]
        self.first_bin, self.floor, self.bin_floor = plan["first_bin"], plan["floor"], plan["bin_floor"]

    def run(self, x: list[int]) -> tuple[list[int], int]:
        n = len(x)
        window = [within((32768 - cos) >> 1, 0, 32767) for cos in self.cos_q15]
        v = [i16(i32(i16(value) * w + 2**14) >> 15) for value, w in zip(x, window, strict=True)]
        shift = within(max(bit_length(within(sum(map(abs, v)), 0, 2**25 - 1)) - 15, 0), 0, 10)
        u = [value >> shift for value in v]
        within(sum(map(abs, u)), 0, 2**15 + n - 1)
        even = [u[0], *(i16(u[i] + u[n - i]) for i in range(1, (n + 1) // 2))]
        odd = [0, *(i16(u[i] - u[n - i]) for i in range(1, (n + 1) // 2))]
        if n % 2 == 0:
            even.append(u[n // 2])
            odd.append(u[n // 2])
        energy = {k: self.energy(k, even, odd, n) for k in range(self.first_bin[0], self.first_bin[-1])}
        bands = [sum(energy[k] for k in range(*pair)) for pair in pairwise(self.first_bin)]
        shifted = [within(band << (2 * shift), 0, 2**61 - 1) for band in bands]
        levels = [log2_wide_q10(u64(band + floor)) for band, floor in zip(shifted, self.floor, strict=True)]
        strongest = max(energy, key=lambda k: (energy[k], -k))
        return levels, strongest if u64(energy[strongest] << (2 * shift)) > self.bin_floor else 0

    def energy(self, k: int, even: list[int], odd: list[int], n: int) -> int:
        turns = [k * i % n for i in range(len(even))]
        re = self.part([value * self.cos_q15[turn] for value, turn in zip(even, turns, strict=True)])
        im = self.part([value * self.sin_q15[turn] for value, turn in zip(odd, turns, strict=True)])
        return u32(i32(re * re) + i32(im * im))

    def part(self, terms: list[int]) -> int:
        i32(sum(map(abs, terms)))  # so the sum may be taken in any order
        return within(sum(terms) >> 15, -33792, 33791)


# Motion
Vector = tuple[int, int, int]


def limited(x: int) -> int:
    return min(abs(i32(x)), 32767)


def length(v: Vector) -> int:
    return within(floor_sqrt(u32(sum(i32(limited(part) ** 2) for part in v))), 0, 56754)


def area(v: Vector) -> int:
    return within(sum(map(limited, v)), 0, 98301)


def normalised(v: Vector) -> Vector:
    bits = bit_length(max(map(abs, v))) - 14
    parts = (part >> bits if bits > 0 else part * 2**-bits for part in v)
    return tuple(within(part, -(2**14), 2**14 - 1) for part in parts)


class Motion:
    """Statistics of a window."""

    def __init__(self, plan: dict) -> None:
        self.plan, self.n = plan, plan["window"]
        self.spectrum = Spectrum(plan["spectrum"])
        self.normalisation = Affine(plan["normalisation"])

    def gap(self) -> None:
        pass

    def hop(self, x: list[list[int]]) -> list[int]:
        assert len(x) == self.n and all(len(row) == self.plan["axes"] for row in x)
        self.a, self.r = ([tuple(map(i16, row[i : i + 3])) for row in x] for i in (0, 3))
        self.magnitude = [length(v) for v in self.a]
        self.mean = self.high(sum(self.magnitude), "window_q31")
        return self.normalisation.features([v for name in self.plan["features"] for v in self.feature(name)])

    def feature(self, name: str) -> list[int]:
        rotation = name.startswith("rotation")
        self.f = self.plan["rotation_floor" if rotation else "floor"]
        vectors, lengths = (self.r, [length(v) for v in self.r]) if rotation else (self.a, self.magnitude)
        axes = list(zip(*vectors, strict=True))
        if name == "band_energies":
            return [within(level, 0, 63 << 10) for level in self.bands()[0]]
        if name.endswith(("axis_mean", "axis_deviation", "axis_range")):
            return [self.of_axis(name, values) for values in axes]
        linear = {
            "magnitude_mean": lambda: within(self.mean, 0, 56754),
            "magnitude_min": lambda: min(self.magnitude),
            "mean_crossings": lambda: within(self.crossings(), 0, self.n),
            "dominant_frequency": lambda: within(self.bands()[1], 0, self.n),
            "posture_change": self.turned,
        }
        if name in linear:
            return [linear[name]()]
        logarithmic = {
            "deviation": lambda: self.log_deviation(lengths),
            "max": lambda: self.log_max(lengths),
            "range": lambda: self.log_range(lengths),
            "mean": lambda: self.log_mean(lengths),
            "sma": lambda: self.log_mean([area(v) for v in self.a]),
            "odba": lambda: self.log_mean([area(v) for v in self.dynamic()]),
            "vedba_mean": lambda: self.log_mean([length(v) for v in self.dynamic()]),
            "vedba_max": lambda: self.log_max([length(v) for v in self.dynamic()]),
            "jerk_mean": lambda: self.log_mean([length(v) for v in self.jerk()]),
            "jerk_max": lambda: self.log_max([length(v) for v in self.jerk()]),
        }
        statistic = logarithmic.get(name) or logarithmic[name.partition("_")[2]]
        return [within(statistic(), -1024, 32 << 10)]

    def of_axis(self, name: str, values: list[int]) -> int:
        if name == "axis_mean":
            return within(self.high(sum(values), "window_q31"), -32768, 32767)
        return within((self.log_range if name == "axis_range" else self.log_deviation)(values), -1024, 32 << 10)

    def high(self, x: int, q31: str) -> int:
        return saturating_rounding_doubling_high_mul(within(x, -(2**28), 2**28), self.plan[q31])

    def gravity_sum(self, i: int) -> Vector:
        return tuple(sum(axis) for axis in zip(*self.a[i : i + self.plan["gravity"]], strict=True))

    def dynamic(self) -> list[Vector]:
        g, last = self.plan["gravity"], self.n - self.plan["gravity"]
        sums = [self.gravity_sum(i) for i in range(last + 1)]
        rests = [
            tuple(
                within(g * x - total, -(2**26), 2**26)
                for x, total in zip(v, sums[clip(n - g // 2, 0, last)], strict=True)
            )
            for n, v in enumerate(self.a)
        ]
        return [self.by_gravity(rest) for rest in rests]

    def turned(self) -> int:
        (a, b, c), (x, y, z) = (normalised(self.gravity_sum(i)) for i in (0, self.n - self.plan["gravity"]))
        along = i32(i32(a * x) + i32(b * y) + i32(c * z)) >> 14
        across = tuple(i32(i32(p) - i32(q)) >> 14 for p, q in ((b * z, c * y), (c * x, a * z), (a * y, b * x)))
        return angle_q12(along, length(across))

    def by_gravity(self, sums: Vector) -> Vector:
        return tuple(within(self.high(total, "gravity_q31"), -65536, 65536) for total in sums)

    def jerk(self) -> list[Vector]:
        return [tuple(y - x for x, y in zip(*pair, strict=True)) for pair in pairwise(self.a)]

    def bands(self) -> tuple[list[int], int]:
        return self.spectrum.run([clip(value - self.mean, -32767, 32767) for value in self.magnitude])

    def crossings(self) -> int:
        last = crossings = 0
        for value in self.magnitude:
            away = i32(i32(self.n * value) - sum(self.magnitude))
            if abs(away) > i32(self.n * self.f):
                crossings += last * away < 0
                last = away
        return crossings

    def log_mean(self, x: list[int]) -> int:
        log2_n = self.plan["window_log2_q10" if len(x) == self.n else "jerk_log2_q10"]
        return log2_q10(within(sum(x) + len(x) * self.f, 1, 2**28 - 1)) - log2_n

    def log_max(self, x: list[int]) -> int:
        return log2_q10(max(x) + self.f)

    def log_range(self, x: list[int]) -> int:
        return log2_q10(max(x) - min(x) + self.f)

    def log_deviation(self, x: list[int]) -> int:
        squares = within(sum(u32(value * value) for value in x), 0, 2**42 - 1)
        variance = u64(u64(self.n * squares) - u64(sum(x) ** 2))
        return (log2_wide_q10(within(variance + (self.n * self.f) ** 2, 1, 2**53 - 1)) >> 1) - self.plan[
            "window_log2_q10"
        ]


# External
class External:
    """A row is a frame."""

    def __init__(self, plan: dict) -> None:
        self.normalisation = Affine(plan["normalisation"])

    def hop(self, x: list[list[int]]) -> list[int]:
        (row,) = x
        return self.normalisation.features([i16(value) for value in row])

    def gap(self) -> None:
        pass


# Profile
NO_VALUE = -32768
RECIPROCAL_Q16 = [0, *(round(65536 / n) for n in range(1, 15))]
POWER_Q14 = [round(2 ** (14 - i / 16)) for i in range(16)]


def part(distance: int, n: int) -> int:
    """A distance divided by n, away from 0."""
    size = within(abs(distance), 0, 32767) * RECIPROCAL_Q16[n] + 65535 >> 16
    return size if distance >= 0 else -size


def over(distance: int, spread: int) -> int:
    """A distance divided by a spread, in q8."""
    octave, sixteenth = divmod(log2_q10(within(spread, 1, 65536)) >> 6, 16)
    return i32(distance * POWER_Q14[sixteenth]) >> (6 + octave)


class Profile:
    """Own levels, spreads and totals of each column."""

    def __init__(self, plan: dict) -> None:
        self.slots, self.columns = plan["slots"], plan["columns"]
        self.mature, self.hold = plan["mature"], plan["hold"]
        self.level, self.spread, self.anchor = ([[0] * self.columns for _ in range(self.slots)] for _ in range(3))
        self.totals = [[0] * self.columns for _ in range(14)]
        self.total_anchor, self.seen = [0] * self.columns, [0] * self.slots
        self.days = self.n_totals = 0

    def mean(self, column: int) -> int:
        total = sum(totals[column] for totals in self.totals[: self.n_totals])
        return min(u32(total * RECIPROCAL_Q16[self.n_totals]) >> 16, 32767)

    def floor(self, column: int) -> int:
        return within((self.mean(column) >> 4) + 1, 1, 2048)

    def total_spread(self, column: int) -> int:
        mean, n = self.mean(column), self.n_totals
        squares = within(sum((totals[column] - mean) ** 2 for totals in self.totals[:n]), 0, 2**34 - 1)
        return within(floor_sqrt(squares * RECIPROCAL_Q16[n] >> 16) + self.floor(column), 1, 34815)

    def learn(self, slot: int, values: list[int]) -> None:
        seen = self.seen[slot]
        self.seen[slot] = min(seen + 1, 14)
        for column, value in enumerate(values):
            level, spread = self.level[slot][column], self.spread[slot][column]
            if seen == 0:
                self.level[slot][column] = value
                continue
            size = abs(value - level)
            if seen >= 3:
                size = min(size, 3 * (spread + self.floor(column)))
            level += part(size if value > level else -size, self.seen[slot])
            spread += part(min(size * 5 >> 2, 32767) - spread, seen)
            self.level[slot][column], self.spread[slot][column] = within(level, 0, 32767), within(spread, 0, 32767)

    def learn_day(self, totals: list[int]) -> None:
        if self.n_totals >= 3:
            means = [self.mean(column) for column in range(self.columns)]
            reach = [3 * self.total_spread(column) for column in range(self.columns)]
            totals = [
                clip(x, max(0, mean - far), min(32767, mean + far))
                for x, mean, far in zip(totals, means, reach, strict=True)
            ]
        self.totals = [totals, *self.totals[:13]]
        self.n_totals = min(self.n_totals + 1, 14)
        if self.days < self.mature:
            self.days += 1
            if self.days == self.mature:
                self.anchor = [list(levels) for levels in self.level]
                self.total_anchor = [self.mean(column) for column in range(self.columns)]

    def relearn(self) -> None:
        self.seen = [min(seen, 4) for seen in self.seen]
        self.n_totals = min(self.n_totals, 4)

    def deviations(self, values: list[list[int]], totals: list[int]) -> list[int]:
        slots = [
            over(value - self.level[slot][column], self.spread[slot][column] + self.floor(column))
            for slot, row in enumerate(values)
            for column, value in enumerate(row)
        ]
        whole = [over(x - self.mean(column), self.total_spread(column)) for column, x in enumerate(totals)]
        return [clip(x, -2047, 2047) for x in slots + whole]


# Figures
def figures(values: list[int], levels: list[int], latest: int, cos_q14: list[int]) -> list[int]:
    """The eleven figures of a day, in their order."""
    n = len(values)
    total, own = within(sum(values), 0, 2**22 - 1), sum(levels)
    floor = max(own >> 6, 1)
    log_total = log2_q10(total + floor)
    ten, six = n * 10 // 24, n // 4
    stretches = [sum(values[(i + k) % n] for k in range(ten)) for i in range(n)]
    cut = max(bit_length(max(total, own)) - 15, 0)
    mine, usual = total >> cut, own >> cut
    apart = u32(sum(i32(abs(v * usual - p * mine)) >> 8 for v, p in zip(values, levels, strict=True)))
    product = within(mine * usual >> 8 << cut, 0, 2**30 - 1)
    x, y, cut = component(values, cos_q14)
    own_x, own_y, _ = component(levels, cos_q14)
    along, across = x * own_x + y * own_y >> 15, y * own_x - x * own_y >> 15
    angle = angle_q12(along, abs(across))
    order = sorted(range(n), key=lambda i: (levels[i], i))
    last = [(latest - i) % n for i in range(six)]
    steps = sum(abs(values[i] - values[i - 1]) for i in range(n))
    likenesses = [
        [within(sum(values[i] * levels[(i + turn) % n] >> 8 for i in range(n)), 0, 2**29 - 1) for turn in (-lag, lag)]
        for lag in range(six + 1)
    ]
    best = [max(both) for both in likenesses]

    def share(of: list[int]) -> int:
        mine, usual = (sum(row[i] for i in of) + floor for row in (values, levels))
        return log2_q10(mine) - log2_q10(usual)

    return [
        log_total,
        log2_q10(max(stretches) + floor) - log_total,
        log2_q10(min(stretches) + floor) - log_total,
        log2_q10(apart + (product >> 5) + 1) - log2_q10(product + 1),
        (log2_q10(u32(x * x + y * y)) >> 1) + (cut << 10) - log_total,
        -angle if across < 0 else angle,
        share(order[: n // 3]),
        share(order[-(n // 3) :]),
        best.index(max(best)) << 8,
        log2_q10(steps + floor) - log_total,
        share(last),
    ]


def component(values: list[int], cos_q14: list[int]) -> tuple[int, int, int]:
    """The 24-hour component along the cosine and the sine, and the bits by which both were cut."""
    n = len(values)
    x = sum(value * cos_q14[i] >> 14 for i, value in enumerate(values))
    y = sum(value * cos_q14[i - n // 4] >> 14 for i, value in enumerate(values))
    cut = max(bit_length(max(abs(x), abs(y))) - 15, 0)
    return within(x >> cut, -32768, 32767), within(y >> cut, -32768, 32767), cut


# Days
class Days:
    """A row a slot of the day, compared with what is usual for one animal or person."""

    def __init__(self, plan: dict) -> None:
        self.plan, self.normalisation = plan, Affine(plan["normalisation"])
        self.n, self.columns = plan["profile"]["slots"], plan["profile"]["columns"]
        self.shift = within(bit_length(self.n - 1), 4, 7)
        self.reset()

    def reset(self) -> None:
        self.profile, self.own = Profile(self.plan["profile"]), [0] * 11
        self.slot = self.frozen = self.figures_seen = 0
        self.alarm = False
        self.gap()

    def gap(self) -> None:
        """What a restart forgets: the last 24 hours."""
        self.rows: list[list[int] | None] = [None] * self.n
        self.zeros = 0

    @property
    def is_ready(self) -> bool:
        return self.profile.days == self.profile.mature

    def lose(self, slots: int) -> None:
        for _ in range(min(slots, self.n)):
            self.step(None)
        self.slot = (self.slot + max(0, slots - self.n)) % self.n

    def hop(self, x: list[list[int]]) -> list[int] | None:
        (row,) = x
        frame = self.step(None if NO_VALUE in row else [max(0, i16(row[i])) for i in self.plan["judged"]])
        return None if frame is None else self.normalisation.features(frame)

    def freezes(self) -> bool:
        self.frozen = min(self.frozen, self.profile.hold) if self.alarm else 0
        if not self.alarm or self.frozen == self.profile.hold:
            return False
        self.frozen += 1
        if self.frozen == self.profile.hold:
            self.profile.relearn()
            self.figures_seen = min(self.figures_seen, 4)
        return True

    def step(self, row: list[int] | None) -> list[int] | None:
        slot, frozen, leaving = self.slot, self.freezes(), self.rows[self.slot]
        self.slot = (slot + 1) % self.n
        if leaving is not None and not frozen:
            self.profile.learn(slot, leaving)
        self.rows[slot] = row and [min(x << up, 32767) for x, up in zip(row, self.plan["shift"], strict=True)]
        self.zeros = self.zeros + 1 if row is not None and not any(row) else 0
        if self.plan["off_body"] == 0:
            self.zeros = 0
        elif self.zeros == self.plan["off_body"]:
            self.zeros -= 1
            for i in range(self.plan["off_body"]):
                self.rows[slot - i] = None
        is_judged = self.is_ready and self.rows[slot] is not None
        if self.rows.count(None) > self.plan["most_missing"] or not (is_judged or self.slot == 0):
            return None
        day = [levels if row is None else row for row, levels in zip(self.rows, self.profile.level, strict=True)]
        totals = [sum(row[column] for row in day) >> self.shift for column in range(self.columns)]
        levels = [row[0] for row in self.profile.level]
        found = [i16(x) for x in figures([row[0] for row in day], levels, slot, self.plan["cos_q14"])]
        frame = self.frame(day, totals, found) if is_judged else None
        if self.slot == 0 and not frozen:
            self.learn_figures(found)
            self.profile.learn_day(totals)
        return frame

    def learn_figures(self, found: list[int]) -> None:
        if self.profile.n_totals == 0:
            return
        self.figures_seen = min(self.figures_seen + 1, 14)
        for i, figure in enumerate(found):
            distance = clip(figure - self.own[i], -8191, 8191)
            moved = self.own[i] + (distance * RECIPROCAL_Q16[self.figures_seen] + 32768 >> 16)
            self.own[i] = i16(figure if self.figures_seen == 1 else moved)

    def frame(self, day: list[list[int]], totals: list[int], found: list[int]) -> list[int]:
        deviations = self.profile.deviations(day, totals)
        own = [clip(figure - level, -8191, 8191) for figure, level in zip(found, self.own, strict=True)]
        first = deviations[:: self.columns]
        quarters = [sum(first[i * self.n // 4 : (i + 1) * self.n // 4]) for i in range(4)]
        return [*deviations, *own, *quarters, *(clip(x, -16383, 16383) for x in self.trends(totals[0]))]

    def trends(self, total: int) -> list[int]:
        today, three, line = log2_q10(total + 1), 0, 0
        if self.profile.n_totals >= 7:
            logs = [today, *(log2_q10(totals[0] + 1) for totals in self.profile.totals[:7])]
            three = sum(logs[:3]) - sum(logs[3:6])
            line = sum(weight * log for weight, log in zip((7, 5, 3, 1, -1, -3, -5, -7), logs, strict=True)) >> 3
        return [three, line, log2_q10(self.profile.mean(0) + 1) - log2_q10(self.profile.total_anchor[0] + 1)]

    def save(self) -> bytes:
        profile = self.profile
        last = [[NO_VALUE] * self.columns if row is None else row for row in self.rows]
        rows = (*last, profile.total_anchor, *profile.totals, *profile.level, *profile.spread, *profile.anchor)
        wide = [self.slot, self.frozen, self.zeros, *self.own, *(x for row in rows for x in row)]
        data = b"".join(i16(x).to_bytes(2, "little", signed=True) for x in wide)
        return data + bytes([profile.days, profile.n_totals, self.figures_seen, 0, *profile.seen])

    def takes(self, data: bytes) -> bool:
        wide, small = self.parts(data)
        slot, frozen, zeros = wide[:3]
        rows = self.rows_of(wide)
        days, n_totals, figures_seen, zero, *seen = small
        return (
            0 <= slot < self.n
            and 0 <= frozen <= self.profile.hold
            and 0 <= zeros < max(1, self.plan["off_body"])
            and all(row == [NO_VALUE] * self.columns or min(row) >= 0 for row in rows[: self.n])
            and min(x for row in rows[self.n :] for x in row) >= 0
            and days <= self.profile.mature
            and max(n_totals, figures_seen, *seen) <= 14
            and zero == 0
        )

    def parts(self, data: bytes) -> tuple[list[int], list[int]]:
        n_wide = 3 + 11 + self.columns * (1 + 14 + 4 * self.n)
        assert len(data) == 2 * n_wide + 4 + self.n
        wide = [int.from_bytes(data[i : i + 2], "little", signed=True) for i in range(0, 2 * n_wide, 2)]
        return wide, list(data[2 * n_wide :])

    def rows_of(self, wide: list[int]) -> list[list[int]]:
        """The last 24 hours, and what the profile has, each of so many columns."""
        return [wide[i : i + self.columns] for i in range(14, len(wide), self.columns)]

    def restore(self, data: bytes) -> None:
        """After a reset, what `takes` has taken."""
        wide, (days, n_totals, figures_seen, _, *seen) = self.parts(data)
        (self.slot, self.frozen, self.zeros), self.own = wide[:3], wide[3:14]
        profile, n, rows = self.profile, self.n, self.rows_of(wide)
        self.rows, rows = [None if NO_VALUE in row else row for row in rows[:n]], rows[n:]
        profile.total_anchor, profile.totals, profile.seen = rows[0], rows[1:15], seen
        profile.level, profile.spread, profile.anchor = (rows[15 + i * n : 15 + (i + 1) * n] for i in range(3))
        profile.days, profile.n_totals, self.figures_seen = days, n_totals, figures_seen


# Extractor
EXTRACTORS = {"logmel": Logmel, "bands": Bands, "motion": Motion, "external": External, "days": Days}


# Affine
class Affine:
    """A map of levels, values or statistics to int8, entry by entry."""

    def __init__(self, plan: dict) -> None:
        self.entries = list(zip(plan["gain"], plan["bias"], plan["shift"], strict=True))
        self.low, self.high = within(plan["low"], -128, 127), within(plan["high"], -128, 127)

    def features(self, values: list[int]) -> list[int]:
        return [
            affine_int8(value, *entry, self.low, self.high) for value, entry in zip(values, self.entries, strict=True)
        ]


# Context
class Context:
    """The last `frames` frames, as one input of the model every `stride` frames."""

    def __init__(self, plan: dict) -> None:
        self.frames, self.stride = plan["frames"], plan["stride"]
        self.statistics = plan.get("statistics")
        self.normalisation = Affine(plan["normalisation"]) if plan["kind"] == "summary" else None
        self.gap()

    def gap(self) -> None:
        self.last, self.seen = [], 0

    def push(self, frame: list[int]) -> list[int] | None:
        self.last = [*self.last, frame][-self.frames :]
        self.seen += 1
        if self.seen < self.frames or (self.seen - self.frames) % self.stride:
            return None
        if self.normalisation is None:
            return [value for row in self.last for value in row]
        columns = list(zip(*self.last, strict=True))
        return self.normalisation.features([self.statistic(name, v) for name in self.statistics for v in columns])

    def statistic(self, name: str, v: tuple[int, ...]) -> int:
        f = self.frames
        mean = within(sum(v), -128 * f, 127 * f)
        deviation = within(sum(abs(f * value - mean) for value in v), 0, min(255 * f * f, 2**24 - 1))
        return {"mean": mean, "deviation": deviation, "max": max(v), "min": min(v)}[name]


# Autoencoder
def layer(plan: dict, x: list[int]) -> list[int]:
    """One FULLY_CONNECTED layer, int8 in, int8 out."""
    y = []
    for o, weights in enumerate(plan["weights"]):
        m = plan["multiplier"][o if len(plan["multiplier"]) > 1 else 0]
        s = plan["shift"][o if len(plan["shift"]) > 1 else 0]
        terms = [
            (value - plan["input_zero_point"]) * (weight - plan["weight_zero_point"])
            for value, weight in zip(x, weights, strict=True)
        ]
        i32(abs(plan["bias"][o]) + sum(abs(term) for term in terms))  # so the sum may be taken in any order
        acc = i32(plan["bias"][o] + sum(terms))
        v = multiply_by_quantized_multiplier(acc, m, s)
        y.append(clip(i32(v + plan["output_zero_point"]), plan["act_low"], plan["act_high"]))
    return y


def autoencoder(layers: list[dict], x: list[int]) -> list[int]:
    for plan in layers:
        x = layer(plan, x)
    return x


# Score
def error(plan: dict, x: int, y: int) -> int:
    shift = plan["shift"]
    e = plan["input_gain"] * (x - plan["input_zero_point"]) - plan["output_gain"] * (y - plan["output_zero_point"])
    e = (within(e, -(2**25) + 1, 2**25 - 1) + ((1 << shift) >> 1)) >> shift
    return within(e, -65535, 65535)


def score(plan: dict, inputs: list[int], outputs: list[int]) -> int:
    if "groups" in plan:
        return max(sizes(plan, inputs, outputs))
    out = 0
    for weight, x, y in zip(plan["weights"], inputs, outputs, strict=True):
        e = error(plan, x, y)
        out = u32(out + weight * u32(e * e))
    return out


def sizes(plan: dict, inputs: list[int], outputs: list[int]) -> list[int]:
    """Size of each group of a score that has groups."""
    found = []
    for group in plan["groups"]:
        total = 0
        for i in range(group["first"], group["last"] + 1):
            e = abs(error(plan, inputs[i], outputs[i]))
            total = u32(total + plan["weights"][i] * (u32(e * e) if group["squared"] else e))
        scaled = within(total * group["gain"], 0, 2**63 - 1) >> group["shift"]
        found.append(u32(min(scaled, 65535**2) if group["squared"] else min(scaled, 65535) ** 2))
    return found


# Baseline
class Baseline:
    """A level that follows the score, slowly up and fast down; what counts is the score above it."""

    def __init__(self, plan: dict) -> None:
        self.plan = plan
        self.level_q16, self.frozen = plan["start"] << 16, 0

    @property
    def level(self) -> int:
        return u32(within(self.level_q16, 0, 2**48 - 1) >> 16)

    def above(self, raw: int) -> int:
        return u32(max(0, u32(raw) - self.level))

    def save(self) -> dict:
        """Fields of a record."""
        return {"level_q16": self.level_q16, "frozen": self.frozen}

    def restore(self, record: dict) -> None:
        self.level_q16, self.frozen = record["level_q16"], record["frozen"]

    def follow(self, raw: int, alarm: bool) -> None:
        plan, before = self.plan, self.level_q16
        stays = alarm and (plan["hold"] == 0 or self.frozen < plan["hold"])
        self.frozen = within(min(self.frozen + 1, plan["hold"]) if alarm else 0, 0, 2**31 - 1)
        if stays:
            return
        d = within(raw - self.level, -(2**32) + 1, 2**32 - 1)
        if d > 0:
            self.level_q16 += min(within(d * plan["rise_q16"], 0, 2**48 - 1), plan["limit_q16"])
        else:
            self.level_q16 += within(d * plan["fall_q16"], -(2**48) + 1, 0)
        within(self.level_q16, min(before, raw << 16), max(before, (raw << 16) + 65535))
        i64(within(self.level_q16 - before, -(2**48) + 1, plan["limit_q16"]))


# Alert
NORMAL, PENDING, UNACK_ALARM = 0, 1, 2


class Alert:
    """m of n votes, delays and a cooldown; at most one event a tick."""

    def __init__(self, timing: dict, levels: dict, tag: bytes) -> None:
        self.timing, self.levels, self.tag = timing, levels, tag
        assert levels == levels_of(levels["raise_score"], timing["clear_ratio_q16"], timing["high_ratio_q16"])
        self.state, self.sequence = NORMAL, 0
        self.hits = self.in_row = self.calm = self.cooldown = 0

    def tick(self, hop: int, s: int, reasons: Callable[[], bytes] = lambda: bytes(3)) -> list[bytes]:
        timing, levels = self.timing, self.levels
        self.hits = ((self.hits << 1) | (s >= levels["raise_score"])) & (2 ** timing["n"] - 1)
        votes = bin(self.hits).count("1") >= timing["m"]
        if self.state == UNACK_ALARM:
            quiet, after = s < levels["clear_score"], timing.get("clear_after", 0)
            self.in_row = u32(min(self.in_row + 1, 2**32 - 1) if quiet else 0)
            self.calm = u32(min(self.calm + 1, 2**32 - 1) if quiet else 0)
            if self.in_row > timing["off_delay"] or 0 < after <= self.calm:
                self.clear()
                return [self.emit(hop, s, False)]
            return []
        self.in_row = u32(min(self.in_row + 1, 2**32 - 1) if votes else 0)
        held_back = self.cooldown > 0
        if held_back:
            self.cooldown -= 1
        high = levels["high_score"] > 0 and s >= levels["high_score"]
        if high or (self.in_row > timing["on_delay"] and not held_back):
            self.in_row = self.calm = 0
            self.state = UNACK_ALARM
            return [self.emit(hop, s, high, reasons())]
        self.state = PENDING if self.in_row > 0 else NORMAL
        return []

    def clear(self) -> None:
        self.cooldown, self.state = self.timing["cooldown"], NORMAL
        self.hits = self.in_row = self.calm = 0

    def emit(self, hop: int, s: int, high: bool, reasons: bytes = bytes(3)) -> bytes:
        out = event(self.state, high, self.sequence, hop, s, self.tag, reasons)
        self.sequence = (self.sequence + 1) % 2**16
        return out

    def gap(self, lost_ticks: int) -> None:
        self.hits = self.in_row = 0
        self.cooldown -= min(self.cooldown, lost_ticks)
        if self.state == PENDING:
            self.state = NORMAL

    def pause(self, ticks: int) -> None:
        if self.calm > 0:
            self.calm = u32(min(self.calm + ticks, 2**32 - 1))
        self.cooldown -= min(self.cooldown, ticks)

    def save(self, rung: str = "rung") -> dict:
        """Fields of a record."""
        counts = {f"{rung}_{name}": getattr(self, name) for name in ("in_row", "calm", "cooldown", "hits")}
        return counts | {f"{rung}_in_alarm": int(self.state == UNACK_ALARM)}

    def restore(self, record: dict, releveled: bool, rung: str = "rung") -> None:
        for name in ("in_row", "calm", "cooldown", "hits"):
            setattr(self, name, record[f"{rung}_{name}"])
        if releveled:
            self.hits = self.in_row = self.calm = 0
        waits = PENDING if self.in_row > 0 else NORMAL
        self.state = UNACK_ALARM if record[f"{rung}_in_alarm"] else waits


def reference_of(baseline: dict, timing: dict) -> Alert | None:
    """What freezes baseline and profile: an alert without a cooldown, whose events nobody sees; None: nothing does."""
    if "reference_score" not in baseline:
        assert baseline["rise_q16"] == 0
        return None
    levels = levels_of(baseline["reference_score"], timing["clear_ratio_q16"], timing["high_ratio_q16"])
    return Alert(timing | {"cooldown": 0}, levels, bytes(2))


def levels_of(raise_score: int, clear_ratio_q16: int, high_ratio_q16: int) -> dict:
    clear_score = max(1, (u32(raise_score) * clear_ratio_q16) >> 16)
    high_score = min(2**32 - 1, ceil_div(raise_score * high_ratio_q16, 65536))
    return {"raise_score": raise_score, "clear_score": clear_score, "high_score": high_score}


# Alarm
PREALARM, ACK_ALARM, RTN_UNACK = 3, 4, 5
ANOMALY, TECHNICAL, HEARTBEAT, OPERATOR, RESTART, REPEAT, LEVEL = range(1, 8)
ACKNOWLEDGE, SILENCE, SILENCE_OVER, CANCEL, OUT_OF_SERVICE, IN_SERVICE, TEST = range(1, 8)
ANEW, RESTORED, REFUSED = range(3)
NO_ALARM = dict.fromkeys(
    ("latch", "cancel", "escalate_ratio_q16", "escalate_after", "escalate_every", "repeat", "test", "heartbeat"), 0
)


ALARM_FIELDS = ("state", "silenced", "out_of_service", "escalated", "peak", "base", "waiting", "hold")
ALARM_FIELDS += ("repeating", "silence", "test")
"""Of an alarm, in a record."""


class Notice(NamedTuple):
    """An event in the making; `reasons`: it takes those of its tick."""

    kind: int
    score: int = 0
    high: bool = False
    marked: bool = False
    codes: bytes = bytes(2)
    reasons: bool = False


class Alarm:
    """The life cycle of an alarm."""

    def __init__(self, plan: dict, timing: dict, levels: dict, per_tick: int) -> None:
        self.plan, self.timing, self.levels, self.per_tick = plan, timing, levels, per_tick
        self.rung = Alert(timing, levels, b"")
        self.state, self.out_of_service, self.silenced, self.escalated = NORMAL, 0, 0, 0
        self.peak = self.base = self.waiting = self.hold = self.repeating = self.silence = self.test = 0

    @property
    def unacknowledged(self) -> bool:
        return self.state in (UNACK_ALARM, RTN_UNACK)

    @property
    def standing(self) -> bool:
        return self.state in (UNACK_ALARM, ACK_ALARM)

    @property
    def outgrown(self) -> bool:
        ratio = self.plan["escalate_ratio_q16"]
        return ratio > 0 and self.hold == 0 and u64(self.peak << 16) > u64(ratio * self.base)

    @property
    def shown(self) -> int:
        return 0 if self.state == NORMAL else self.peak

    @property
    def latched(self) -> bool:
        return self.plan["latch"] == 1 and self.unacknowledged

    @property
    def annunciation(self) -> int:
        """Without the bit of a fault."""
        bits = {
            1: not self.silenced and self.unacknowledged,
            2: not self.silenced and self.state == PREALARM,
            4: self.state != NORMAL,
            16: self.escalated,
            32: self.test > 0,
            64: self.silenced,
            128: self.out_of_service,
        }
        return sum(bit for bit, is_set in bits.items() if is_set)

    def tick(self, s: int) -> Notice | None:
        if self.out_of_service:
            return None
        if self.state == PREALARM:
            self.peak = max(self.peak, s)
            return None
        was_up = self.rung.state == UNACK_ALARM
        self.rung.tick(0, s)
        is_up, high = self.rung.state == UNACK_ALARM, 0 < self.levels["high_score"] <= s
        if is_up and not was_up:
            again = self.state == RTN_UNACK
            self.state = PREALARM if self.plan["cancel"] > 0 and not again else UNACK_ALARM
            self.peak = self.base = s
            self.repeating = 0
            if not again:
                self.waiting = 0
            return Notice(ANOMALY, s, high, reasons=True)
        if not self.standing:
            return None
        self.peak = max(self.peak, s)
        if was_up and not is_up:
            self.state = RTN_UNACK if self.plan["latch"] and self.state == UNACK_ALARM else NORMAL
            self.escalated = int(self.escalated and self.state == RTN_UNACK)
            return Notice(ANOMALY, self.peak)
        return self.escalate(high, s == self.peak) if self.outgrown else None

    def escalate(self, high: bool, reasons: bool) -> Notice:
        if self.standing:
            self.state = UNACK_ALARM
        if self.outgrown:
            self.silenced = 0
        self.escalated, self.base, self.hold = 1, self.peak, self.plan["escalate_every"]
        self.waiting = self.repeating = 0
        return Notice(ANOMALY, self.peak, high, True, reasons=reasons)

    def advance(self, n: int) -> None:
        if self.state != NORMAL:
            self.waiting = u32(min(self.waiting + n, 2**32 - 1))
            self.repeating = u32(min(self.repeating + n, 2**32 - 1))
        self.hold, self.silence, self.test = (u32(max(0, left - n)) for left in (self.hold, self.silence, self.test))

    def due(self) -> Notice | None:
        plan = self.plan
        if self.state == PREALARM and self.waiting >= plan["cancel"]:
            self.state, self.base = UNACK_ALARM, self.peak
            self.waiting = self.repeating = 0
            return Notice(ANOMALY, self.peak)
        late = self.unacknowledged and 0 < plan["escalate_after"] <= self.waiting and self.hold == 0
        if (self.outgrown and self.standing) or late:
            return self.escalate(False, False)
        if self.standing and 0 < plan["repeat"] <= self.repeating:
            self.repeating = 0
            return Notice(REPEAT, self.peak)
        if self.silenced and self.silence == 0:
            return self.end_silence()
        return None

    def end_silence(self) -> Notice:
        self.silenced = 0
        return Notice(OPERATOR, self.shown, codes=bytes([SILENCE_OVER, 0]))

    def gap(self, lost_ticks: int) -> None:
        self.rung.gap(lost_ticks)

    def pause(self, ticks: int) -> None:
        self.rung.pause(ticks)

    def relevel(self, levels: dict) -> None:
        self.levels = self.rung.levels = levels
        self.rung.hits = self.rung.in_row = self.rung.calm = 0

    def save(self) -> dict:
        """Fields of a record."""
        return self.rung.save() | {name: getattr(self, name) for name in ALARM_FIELDS}

    def restore(self, record: dict, releveled: bool) -> None:
        self.rung.restore(record, releveled)
        for name in ALARM_FIELDS:
            setattr(self, name, record[name])
        if self.state == RTN_UNACK and not self.plan["latch"]:
            self.state = NORMAL
            self.escalated = 0

    def operate(self, operation: str, argument: int = 0) -> Notice | None:
        if operation == "acknowledge" and self.unacknowledged:
            self.state = ACK_ALARM if self.state == UNACK_ALARM else NORMAL
            self.escalated = 0
            return Notice(OPERATOR, self.peak, codes=bytes([ACKNOWLEDGE, 0]))
        if operation == "silence" and argument > 0:
            self.silenced, self.silence = 1, u32(min(argument * self.per_tick, 2**32 - 1))
            return Notice(OPERATOR, self.shown, codes=bytes([SILENCE, 0]))
        if operation == "silence" and self.silenced:
            return self.end_silence()
        if operation == "cancel" and self.state == PREALARM:
            self.state = NORMAL
            self.rung.clear()
            return Notice(OPERATOR, self.peak, codes=bytes([CANCEL, 0]))
        if operation == "out_of_service" and self.out_of_service != argument:
            score = self.shown
            self.state, self.out_of_service, self.escalated = NORMAL, argument, 0
            self.rung = Alert(self.timing, self.levels, b"")
            return Notice(OPERATOR, score, codes=bytes([OUT_OF_SERVICE if argument else IN_SERVICE, 0]))
        if operation == "test":
            self.test = self.plan["test"]
            return Notice(OPERATOR, self.shown, marked=True, codes=bytes([TEST, 0]))
        return None


# Health
STUCK, FLAT, REPEATED, CLIPPED, NOISE_FLOOR, STEP, DEAD_AXIS, GRAVITY, GAP, MISSING, RATE, NOT_WORN = range(1, 13)
WARM_UP, SELF_TEST, SUPPLY = 13, 14, 15
COUNTED = (*range(STUCK, GAP + 1), NOT_WORN)
"""Conditions whose blocks a record has."""
HEALTH_BITS = (0, 0, 0, 1, 2, 3, 3, 3, 4, 4, 4, 5, 6, 6, 7)
"""Of the conditions, by their code less 1."""


class Health:
    """Technical conditions."""

    def __init__(self, plan: dict, columns: int) -> None:
        self.plan, self.columns = plan, range(columns)
        self.last, self.run, self.mean_q8 = [0] * columns, [0] * columns, [0] * columns
        self.counters = dict.fromkeys(range(1, 16), 0)
        self.warm_up = plan["warm_up"]
        self.active = {WARM_UP} if self.warm_up > 0 else set()
        self.reported = set(self.active)
        self.seen = self.has_mean = self.has_check = self.has_clock = False
        self.last_check = self.missing_ms = self.clock_ms = self.clock_samples = 0
        self.start_block()

    def start_block(self) -> None:
        n = len(self.columns)
        self.lowest, self.highest, self.sum = [32767] * n, [-32768] * n, [0] * n
        self.samples = self.clipped = self.check = self.hops = self.lost = 0

    @property
    def byte(self) -> int:
        byte = 0
        for condition in self.active:
            byte |= 1 << HEALTH_BITS[condition - 1]
        return byte

    @property
    def voids(self) -> bool:
        return any(self.voiding(condition) for condition in self.active)

    @property
    def voids_by_fault(self) -> bool:
        return any(self.voiding(condition) for condition in self.active if condition != WARM_UP)

    def voiding(self, condition: int) -> bool:
        bits = {0, 1, 3, 6} | ({5} if self.plan["not_worn_voids"] else set())
        return HEALTH_BITS[condition - 1] in bits

    @property
    def stuck_now(self) -> bool:
        return self.plan["raise_blocks"][STUCK - 1] > 0 and all(run >= self.plan["stuck"] for run in self.run)

    def put(self, condition: int, active: bool) -> None:
        self.active = self.active | {condition} if active else self.active - {condition}

    def look(self, rows: list[list[int]]) -> None:
        plan = self.plan
        for row in rows:
            for c, x in enumerate(row):
                same = self.seen and i16(x) == self.last[c]
                self.run[c] = min(self.run[c] + 1, 65535) if same else 0
                self.last[c] = x
                self.lowest[c], self.highest[c] = min(self.lowest[c], x), max(self.highest[c], x)
                self.sum[c] = i32(self.sum[c] + x)
                self.clipped += x <= plan["clip_low"] or x >= plan["clip_high"]
            self.seen = True
        for c in range(len(rows[0])):
            for row in rows:
                self.check = (self.check * 33 + row[c]) % 2**32
        self.samples = within(self.samples + len(rows), 1, 65535)
        self.hops += 1
        if self.stuck_now:
            self.put(STUCK, True)
        self.missing_ms = 0
        self.put(MISSING, False)
        self.end_hop()
        if any(self.voiding(condition) for condition in self.active - {WARM_UP}):
            self.warm_up = max(self.warm_up, plan["settle"])
        elif self.warm_up > 0:
            self.warm_up -= 1
        self.put(WARM_UP, self.warm_up > 0)
        self.reported = self.reported | (self.active & {WARM_UP})

    def gap(self, n: int) -> None:
        self.lost = u32(min(self.lost + n, 2**32 - 1))
        self.end_hop()

    def end_hop(self) -> None:
        block, total = self.plan["block"], self.hops + self.lost
        if total < block:
            return
        bad = self.lost > 0 and u64(self.lost << 16) >= self.plan["lost_share_q16"] * total
        self.count(GAP, bad, total // block)
        if 2 * self.hops >= block:
            self.decide()
        self.start_block()

    def count(self, condition: int, bad: bool, blocks: int = 1) -> None:
        needed = self.plan["clear_blocks" if condition in self.active else "raise_blocks"][condition - 1]
        if self.plan["raise_blocks"][condition - 1] == 0:
            return
        if bad == (condition in self.active):
            self.counters[condition] = 0
            return
        self.counters[condition] += min(blocks, 65535)
        if self.counters[condition] >= needed:
            self.counters[condition] = 0
            self.put(condition, bad)

    def decide(self) -> None:
        plan, every = self.plan, self.columns
        span = [within(self.highest[c] - self.lowest[c], 0, 65535) for c in every]
        mean = [i16(self.sum[c] // self.samples) for c in every]
        slow = [i16(self.mean_q8[c] >> 8) if self.has_mean else mean[c] for c in every]
        away = [within(abs(mean[c] - slow[c]), 0, 65535) for c in every]
        with_mean = every if plan["raise_blocks"][STEP - 1] > 0 else every[:3]
        axes, constant = every[:3], all(value == 0 for value in span)
        values = within(self.samples * len(every), 1, 2**26)
        self.count(STUCK, self.stuck_now)
        self.count(FLAT, all(value <= plan["flat_range"] for value in span) and not constant)
        self.count(REPEATED, self.has_check and self.check == self.last_check and not constant)
        self.count(CLIPPED, u64(self.clipped << 16) >= u64(plan["clip_share_q16"] * values))
        self.count(NOISE_FLOOR, all(value < plan["floor_range"] for value in span))
        self.count(STEP, any(value > plan["step"] for value in away))
        dead = any(run >= plan["dead_axis"] for run in self.run)
        if max(span[a] for a in axes) >= plan["dead_axis_range"] or not dead:
            self.count(DEAD_AXIS, dead)
        square = u32(sum(mean[a] * mean[a] for a in axes))
        motionless = all(span[a] <= plan["still_range"] for a in axes)
        rests = motionless or all(u64(span[a] * span[a] << 16) <= u64(plan["rest_q16"] * square) for a in axes)
        if rests and any(span[a] > 0 for a in axes):
            self.count(GRAVITY, not plan["gravity_low"] <= square <= plan["gravity_high"])
        still = motionless and all(away[a] <= plan["posture"] for a in axes)
        self.count(NOT_WORN, still)
        follows = self.has_mean and (still or plan["raise_blocks"][NOT_WORN - 1] == 0)
        for c in with_mean:
            target = within(mean[c] * 256, -(2**23), 2**23 - 1)
            self.mean_q8[c] += (
                (i32(target - self.mean_q8[c]) >> plan["mean_shift"]) if follows else target - self.mean_q8[c]
            )
        self.has_mean = self.has_check = True
        self.last_check = self.check

    def missing(self, ms: int) -> None:
        total = u64(self.missing_ms + ms)
        if 0 < self.plan["missing_ms"] <= total:
            self.put(MISSING, True)
        self.missing_ms = total % 2**32

    def samples_in(self, ms: int) -> int:
        after, rate = self.missing_ms + ms, self.plan["samples_per_ms_q20"]
        return min((u64(after * rate) >> 20) - (u64(self.missing_ms * rate) >> 20), 2**31 - 1)

    def clock(self, ms: int, samples: int) -> None:
        elapsed = (ms - self.clock_ms) % 2**32
        if self.has_clock and elapsed < 60000:
            return
        if self.has_clock:
            expected = u64(elapsed * self.plan["samples_per_ms_q20"]) >> 20
            off, tolerance = (samples - self.clock_samples - expected) % 2**32, self.plan["rate_tolerance_q16"]
            off = 2**32 - off if off >= 2**31 else off
            self.put(RATE, tolerance > 0 and u64(max(0, off - 1) << 16) > u64(tolerance * expected))
        self.clock_ms, self.clock_samples, self.has_clock = ms, samples, True

    def save(self) -> dict:
        """Fields of a record."""
        active, reported = (sum(1 << condition for condition in found) for found in (self.active, self.reported))
        return {"active": active, "reported": reported, "counts": [self.counters[each] for each in COUNTED]}

    def restore(self, record: dict) -> None:
        off = {condition for condition in COUNTED if self.plan["raise_blocks"][condition - 1] == 0}
        for name in ("active", "reported"):
            kept = {condition for condition in range(1, 16) if record[name] >> condition & 1}
            setattr(self, name, getattr(self, name) | kept - off - {WARM_UP})
        found = zip(COUNTED, record["counts"], strict=True)
        self.counters |= {condition: n for condition, n in found if condition not in off}

    def change(self) -> tuple[int, bool] | None:
        differ = self.active ^ self.reported
        if not differ:
            return None
        code = min(differ)
        self.reported = self.reported ^ {code}
        return code, code in self.active


# Ladder
ALARMS, ALARM_DAYS, EPISODES = range(3)
CERTIFIED, NEEDS, BROKEN, SET, FAILED = range(1, 6)
LADDER = [("in_alarm", 4), ("today", 4), ("ticks", 4), ("elapsed", 4), ("evidence_q16", -4), ("late_q16", 2)]
LADDER += [("days", 2), ("boot", 2), ("tag", 1), ("promise", 1), ("lowest", 1), ("zero", 1), ("news", 1)]
LADDER += [("argument", 1)]
COUNTS = [("ticks", 4), ("alarms", 2), ("days", 2), ("episodes", 2), ("at_risk", 2)]
"""Name -> bytes, of the head of a ladder and of each of its rungs; negative: signed."""


def packed(layout: list, values: dict) -> bytes:
    return b"".join(values[name].to_bytes(abs(size), "little", signed=size < 0) for name, size in layout)


def unpacked(layout: list, data: bytes, at: int = 0) -> dict:
    values = {}
    for name, size in layout:
        values[name] = int.from_bytes(data[at : at + abs(size)], "little", signed=size < 0)
        at += abs(size)
    return values


class Ladder:
    """Rungs without a cooldown, what each has counted, and the promise that runs."""

    def __init__(self, plan: dict, promises: list[dict], timing: dict) -> None:
        self.plan, self.promises, self.timing = plan, promises, timing
        self.day_q16 = within((plan["day_ticks"] << 16) + plan["day_rest_q16"], 65536, 2**48 - 1)
        self.n = within(len(plan["raise_scores"]), 2, 24)
        self.head = {name: 0 for name, _ in LADDER}
        self.counts = [{name: 0 for name, _ in COUNTS} for _ in range(self.n)]
        self.quiet = [plan["episode_gap"]] * self.n
        self.stop()

    def stop(self) -> None:
        alerts = [self.levels(tag) for tag in range(1, self.n + 1)]
        self.rungs = [Alert(self.timing | {"cooldown": 0}, levels, bytes(2)) for levels in alerts]

    def levels(self, tag: int) -> dict:
        ratios = self.timing["clear_ratio_q16"], self.timing["high_ratio_q16"]
        return levels_of(self.plan["raise_scores"][tag - 1], *ratios)

    def count(self, of: dict, name: str, more: int = 1) -> None:
        size = 2**32 if name == "ticks" else 2**16
        of[name] = min(of[name] + more, size - 1)

    @property
    def running(self) -> dict | None:
        promise = self.head["promise"]
        return self.promises[promise - 1] if promise > 0 and self.head["tag"] > 0 else None

    def tick(self, s: int) -> None:
        head, running = self.head, self.running
        for i, rung in enumerate(self.rungs):
            was_up = rung.state == UNACK_ALARM
            rung.tick(0, s)
            if rung.state == UNACK_ALARM:
                self.count(self.counts[i], "ticks")
                head["today"] |= 1 << i
                self.count(self.counts[i], "alarms", 0 if was_up else 1)
                if running and running["unit"] == ALARMS and not was_up and i + 1 == head["tag"]:
                    head["evidence_q16"] += running["event_q16"]
        self.count(head, "ticks")
        late_q16 = (head["elapsed"] << 16) + head["late_q16"] + 65536
        if late_q16 >= self.day_q16:
            late_q16 -= self.day_q16
            self.end_day()
        head["elapsed"], head["late_q16"] = divmod(late_q16, 65536)
        within(head["evidence_q16"], -(2**30), 2**30 + 2**24)  # a record may hold up to 2**30
        if running and head["evidence_q16"] >= running["broken_q16"]:
            promise = head["promise"]
            head |= {"lowest": min(head["tag"], self.n - 1), "news": BROKEN, "argument": promise - 1}
            rung = self.lowest_that_keeps(running)
            self.run(*((head["lowest"] + 1, 0) if rung is None else (rung + 1, promise)))

    def end_day(self) -> None:
        head, running, gap = self.head, self.running, self.plan["episode_gap"]
        for i, counts in enumerate(self.counts):
            alarm, at_risk = head["today"] >> i & 1, gap > 0 and self.quiet[i] >= gap
            self.count(counts, "days", alarm)
            if at_risk:
                self.count(counts, "at_risk")
                self.count(counts, "episodes", alarm)
            self.quiet[i] = 0 if alarm else min(self.quiet[i] + 1, gap)
            if running and i + 1 == head["tag"] and (at_risk or running["unit"] != EPISODES):
                more = running["event_q16"] if alarm and running["unit"] != ALARMS else 0
                head["evidence_q16"] = max(head["evidence_q16"] + more - running["day_q16"], -(2**30))
        self.count(head, "days")
        head["today"] = 0

    def gap(self, lost_ticks: int = 0) -> None:
        for rung in self.rungs:
            rung.gap(0)

    def pause(self, ticks: int) -> None:
        for rung in self.rungs:
            rung.pause(ticks)

    def missing(self, promise: dict, i: int) -> int | None:
        """Days (alarms: ticks) that rung i is still to be watched; None: it fails."""
        counts, head, unit = self.counts[i], self.head, promise["unit"]
        count = counts["alarms" if unit == ALARMS else "days" if unit == ALARM_DAYS else "episodes"]
        watched = head["ticks"] if unit == ALARMS else head["days"] if unit == ALARM_DAYS else counts["at_risk"]
        if count > 15 or u64(counts["ticks"] << 16) > u64(promise["most_in_alarm_q16"] * head["ticks"]):
            return None
        return max(0, promise["needs"][count] - watched)

    def lowest_that_keeps(self, promise: dict) -> int | None:
        rung = self.n
        while rung > self.head["lowest"] and self.missing(promise, rung - 1) == 0:
            rung -= 1
        return rung if rung < self.n else None

    def calibrate(self, index: int) -> None:
        head, promise = self.head, self.promises[index]
        rung = self.lowest_that_keeps(promise)
        if rung is not None or head["promise"] == index + 1:
            if rung is not None and (head["promise"] != index + 1 or rung + 1 < head["tag"]):
                self.run(rung + 1, index + 1)
            head |= {"news": CERTIFIED, "argument": index}
            return
        missing = self.missing(promise, self.n - 1)
        if missing is None:
            head |= {"news": FAILED, "argument": 0}
            return
        days = ceil_div(missing, self.plan["day_ticks"]) if promise["unit"] == ALARMS else missing
        head |= {"news": NEEDS, "argument": min(days, 255)}

    def set_level(self, tag: int) -> None:
        self.run(within(tag, 0, self.n), 0)
        self.head |= {"lowest": 0, "news": SET, "argument": 0}

    def run(self, tag: int, promise: int) -> None:
        self.head |= {"tag": tag, "promise": promise, "evidence_q16": 0}
        if self.running and self.running["unit"] == ALARMS:
            self.head["evidence_q16"] = -self.running["day_q16"]

    def take_news(self) -> bytes | None:
        news = bytes([self.head["news"], self.head["argument"]])
        self.head |= {"news": 0, "argument": 0}
        return news if news[0] else None

    def save(self) -> bytes:
        self.head["in_alarm"] = sum((rung.state == UNACK_ALARM) << i for i, rung in enumerate(self.rungs))
        data = packed(LADDER, self.head) + b"".join(packed(COUNTS, counts) for counts in self.counts)
        for rung in self.rungs:
            second = min(rung.calm, 65535) if rung.state == UNACK_ALARM else rung.hits
            data += min(rung.in_row, 65535).to_bytes(2, "little") + second.to_bytes(2, "little")
        return data + bytes(self.quiet)

    def takes(self, data: bytes, releveled: bool = False) -> bool:
        """A ladder of this plan could have written its part of a record; the level tag is looked at elsewhere."""
        n_promises = 4 if releveled else len(self.promises)
        head = unpacked(LADDER, data)
        seconds = [int.from_bytes(data[at + 2 : at + 4], "little") for at in self.states_at]
        hits = [0 if head["in_alarm"] >> i & 1 else second for i, second in enumerate(seconds)]
        fits = (
            max(head["in_alarm"], head["today"]) < 2**self.n,
            (head["elapsed"] << 16) + head["late_q16"] < self.day_q16,
            -(2**30) <= head["evidence_q16"] <= 2**30,
            head["tag"] <= self.n and head["lowest"] < self.n,
            head["promise"] <= n_promises and head["news"] <= FAILED,
            max(hits) < 2 ** self.timing["n"],
            max(data[-self.n :]) <= self.plan["episode_gap"],
        )
        return all(fits)

    @property
    def states_at(self) -> range:
        return range(32 + 12 * self.n, 32 + 16 * self.n, 4)

    def restore(self, data: bytes, releveled: bool) -> None:
        self.head = unpacked(LADDER, data) | {"zero": 0}
        self.counts = [unpacked(COUNTS, data, 32 + 12 * i) for i in range(self.n)]
        for i, (rung, at) in enumerate(zip(self.rungs, self.states_at, strict=True)):
            rung.in_row, second = (int.from_bytes(data[at + j : at + j + 2], "little") for j in (0, 2))
            up = self.head["in_alarm"] >> i & 1
            rung.calm, rung.hits = (second, 0) if up else (0, second)
            rung.state = UNACK_ALARM if up else NORMAL
        self.quiet = list(data[-self.n :])
        if releveled:
            self.head |= {"promise": 0, "evidence_q16": 0}
        if self.head["news"] == 0:
            self.head["argument"] = 0


# Export
EXPORT = [("boot", 2), ("device", 8), ("score_tag", 8), ("plan_tag", 2), ("level_tag", 1), ("promise", 1)]
EXPORT += [("first", 4), ("last", 4), ("days", 2), ("episode_gap", 1), ("zero", 1)]


def export(ladder: Ladder, device: int, boot: int, score_tag: bytes, tag: bytes, since: bytes | None) -> bytes | None:
    """The counts of a ladder, of all of its service or of that after an earlier export; None: it is none of this ladder."""
    ladder.head["boot"] = ladder.head["boot"] or within(boot, 1, 65535)
    head, n = ladder.head, ladder.n
    size = 44 + 12 * n
    numbers = {"device": device, "boot": head["boot"], "first": 0, "last": head["ticks"], "days": head["days"]}
    numbers |= {"level_tag": head["tag"], "promise": head["promise"], "episode_gap": ladder.plan["episode_gap"]}
    numbers |= {"score_tag": int.from_bytes(score_tag, "little"), "plan_tag": int.from_bytes(tag, "little"), "zero": 0}
    counts = ladder.counts
    if since is not None:
        if len(since) != size or since[:6] != b"al" + bytes([1, n]) + size.to_bytes(2, "little"):
            return None
        if crc32(since[:-4]) != int.from_bytes(since[-4:], "little"):
            return None
        then = unpacked(EXPORT, since, 6)
        before = [unpacked(COUNTS, since, 40 + 12 * i) for i in range(n)]
        if any(then[name] != numbers[name] for name in ("device", "boot", "score_tag", "first")):
            return None
        numbers |= {"first": then["last"], "days": numbers["days"] - then["days"]}
        less = [numbers["last"] - numbers["first"], numbers["days"]]
        less += [now[name] - old[name] for now, old in zip(counts, before, strict=True) for name in now]
        counts = [
            {name: 65535 if name != "ticks" and now[name] == 65535 else now[name] - old[name] for name in now}
            for now, old in zip(counts, before, strict=True)
        ]
        if min(less) < 0:
            return None
    data = b"al" + bytes([1, n]) + size.to_bytes(2, "little") + packed(EXPORT, numbers)
    data += b"".join(packed(COUNTS, each) for each in counts)
    return data + crc32(data).to_bytes(4, "little")


# Diary
DIARY = ("mean_score", "highest_score", "vedba_mean", "jerk_mean", "coverage")
POWER_Q15 = [round(2 ** (15 + i / 16)) for i in range(17)]


def power_q8(level: int) -> int:
    x = clip(level, -1024, 20480)
    i = x >> 6 & 15
    m = within(POWER_Q15[i] + ((POWER_Q15[i + 1] - POWER_Q15[i]) * (x & 63) >> 6), 32768, 65536)
    return within(m << (x >> 10) + 1 >> 8, 0, 2**30 - 1)


class Diary:
    """Sums of a slot, and rows."""

    def __init__(self, plan: dict, floor: int) -> None:
        self.plan, self.floor = plan, floor
        self.elapsed_q16, self.found = 0, []
        self.clear()

    def clear(self) -> None:
        self.scores = self.highest = self.ticks = self.seen = self.paused = 0
        self.movement = [0, 0]

    def settle(self) -> None:
        if self.elapsed_q16 < self.plan["slot_q16"]:
            return
        self.found.append(self.row())
        self.elapsed_q16 -= self.plan["slot_q16"]
        self.clear()

    def row(self) -> list[int]:
        due = max(1, (self.elapsed_q16 >> 16) - self.paused)
        values = {"coverage": min(1000, self.seen * 1000 // due)}
        if self.seen == 0 or self.ticks == 0 or 2 * self.seen < due:
            values |= dict.fromkeys(DIARY[:4], NO_VALUE)
        else:
            values |= {"mean_score": log2_q10(self.scores // self.ticks) >> 2}
            values |= {"highest_score": log2_q10(self.highest) >> 2}
            for name, moved in zip(DIARY[2:4], self.movement, strict=True):
                values[name] = min(32767, moved // self.seen * self.plan["gain_q16"] + (1 << 23) >> 24)
        return [i16(values[name]) for name in self.plan["columns"]]

    def hop(self, void: bool, levels: list[int]) -> None:
        self.settle()
        self.elapsed_q16 += 1 << 16
        if void:
            return
        self.seen += 1
        for i, level in enumerate(levels):
            self.movement[i] = u64(self.movement[i] + max(0, power_q8(level) - (self.floor << 8)))

    def tick(self, s: int) -> None:
        self.ticks += 1
        self.scores += u32(s)
        self.highest = max(self.highest, s)

    def lose(self, lost: int, pause: bool) -> None:
        self.settle()
        while lost > 0:
            n = min(lost, ceil_div(self.plan["slot_q16"] - self.elapsed_q16, 1 << 16))
            self.elapsed_q16 += n << 16
            self.paused += n if pause else 0
            lost -= n
            self.settle()

    def resume(self, hop: int) -> None:
        """After a restart."""
        self.elapsed_q16 = (hop << 16) % self.plan["slot_q16"]

    def rows(self) -> list[list[int]]:
        self.settle()
        found, self.found = self.found, []
        return found


def encoded_row(plan: dict, slot: int, row: list[int]) -> bytes:
    """The 20 bytes of a row."""
    coverage = row[plan["columns"].index("coverage")] if "coverage" in plan["columns"] else 0
    values = [*row, *[NO_VALUE] * (8 - len(row))]
    head = (slot % 2**16).to_bytes(2, "little") + bytes([within(coverage // 5, 0, 200), 1 << 4 | len(row)])
    return head + b"".join(value.to_bytes(2, "little", signed=True) for value in values)


# Supervisor
class Supervisor:
    """Alarm, health and heartbeat in their order; what it gives are events of layout 2."""

    def __init__(
        self,
        alarm: dict,
        health: dict | None,
        timing: dict,
        levels: dict,
        columns: int,
        per_tick: int,
        due_q31: int,
        tag: bytes,
        ladder: dict | None = None,
        promises: list[dict] | None = None,
    ) -> None:
        self.alarm, self.own_levels = Alarm(alarm, timing, levels, per_tick), levels
        self.ladder = None if ladder is None else Ladder(ladder, promises or [], timing)
        self.health = None if health is None else Health(health, columns)
        self.heartbeat_q16 = (alarm["heartbeat"] << 16) + alarm.get("heartbeat_rest_q16", 0)
        self.due_q31, self.tag = within(due_q31, 1, 2**31), tag
        self.sequence, self.restart, self.is_ready = 0, ANEW, True
        self.elapsed = self.late_q16 = self.judged = self.highest = self.highest_log2_q8 = 0

    @property
    def byte(self) -> int:
        return (self.health.byte if self.health else 0) | (not self.is_ready) << 6

    @property
    def voids(self) -> bool:
        return self.health is not None and self.health.voids

    @property
    def voids_by_fault(self) -> bool:
        return self.health is not None and self.health.voids_by_fault

    @property
    def annunciation(self) -> int:
        faulty = self.health is not None and bool(self.health.active - {WARM_UP})
        return self.alarm.annunciation | faulty << 3

    def due(self, hop: int) -> list[bytes]:
        found = []
        while (event := self.next_due(hop)) is not None:
            found.append(event)
        return found

    def next_due(self, hop: int) -> bytes | None:
        if self.restart is not None:
            code, self.restart = self.restart, None
            return self.emit(hop, Notice(RESTART, codes=bytes([code, 0])))
        change = self.health.change() if self.health else None
        if change is not None:
            return self.emit(hop, Notice(TECHNICAL, codes=bytes(change)))
        notice = self.alarm.due()
        if notice is not None:
            return self.emit(hop, notice)
        news = self.ladder.take_news() if self.ladder else None
        if news is not None:
            return self.emit(hop, Notice(LEVEL, self.alarm.levels["raise_score"], codes=news))
        elapsed_q16 = (self.elapsed << 16) + self.late_q16
        if 0 < self.heartbeat_q16 <= elapsed_q16:
            late_q16 = within(elapsed_q16 % self.heartbeat_q16, 0, 2**47)
            hops = u32((elapsed_q16 - late_q16) >> 16)
            due = max(1, u64(hops * self.due_q31) >> 31)
            share = min(65535, u64(self.judged * 65535) // due)
            out = self.emit(hop, Notice(HEARTBEAT, codes=share.to_bytes(2, "little")))
            self.elapsed, self.late_q16 = divmod(late_q16, 65536)
            out = out[:8] + self.highest_of_all.to_bytes(2, "little") + out[10:]
            self.judged = self.highest = self.highest_log2_q8 = 0
            return out
        return None

    @property
    def highest_of_all(self) -> int:
        """The highest score since the last heartbeat, also from before a restart, as events have it."""
        return max(within(self.highest_log2_q8, 0, 8191), log2_q10(self.highest) >> 2)

    def pause(self, hops: int, ticks: int) -> None:
        if not self.voids_by_fault:
            self.alarm.pause(ticks)
            if self.ladder:
                self.ladder.pause(ticks)
        self.advance(hops)

    def save(self) -> dict:
        """Fields of a record."""
        found = self.alarm.save() | (self.health.save() if self.health else {})
        found |= {name: getattr(self, name) for name in ("sequence", "elapsed", "late_q16", "judged")}
        if self.ladder:
            found |= {"ladder": self.ladder.save(), "level_tag": self.ladder.head["tag"]}
        return found | {"highest_log2_q8": self.highest_of_all}

    def restore(self, record: dict, releveled: bool) -> None:
        if self.ladder:
            self.ladder.restore(record["ladder"], releveled)
            self.relevel()
        self.alarm.restore(record, releveled)
        if self.health:
            self.health.restore(record)
        for name in ("elapsed", "late_q16", "judged", "highest_log2_q8"):
            setattr(self, name, record[name])
        self.sequence, self.restart = (record["sequence"] + 1024) % 2**16, RESTORED

    def hop(self, rows: list[list[int]], hop: int) -> list[bytes]:
        if self.health:
            self.health.look(rows)
        self.advance(1)
        return self.due(hop)

    def tick(self, s: int, hop: int, reasons: Callable[[], bytes] = lambda: bytes(3)) -> list[bytes]:
        self.judged, self.highest = min(self.judged + 1, 2**32 - 1), max(self.highest, s)
        out_of_service, notice, found = self.alarm.out_of_service, self.alarm.tick(s), []
        if notice is not None:
            found = [self.emit(hop, notice._replace(codes=reasons()[:2]) if notice.reasons else notice)]
        if self.ladder and not out_of_service:
            tag = self.ladder.head["tag"]
            self.ladder.tick(s)
            if self.ladder.head["tag"] != tag:
                self.relevel()
        return found

    def relevel(self) -> None:
        tag = self.ladder.head["tag"]
        self.alarm.relevel(self.ladder.levels(tag) if tag else self.own_levels)

    def gap(self, lost: int, lost_ticks: int) -> None:
        if self.health:
            self.health.gap(lost)
        self.alarm.gap(lost_ticks)
        if self.ladder:
            self.ladder.gap(lost_ticks)
        self.advance(lost)

    def advance(self, n: int) -> None:
        self.alarm.advance(n)
        self.elapsed = min(self.elapsed + n, 2**32 - 1)

    def operate(self, operation: str, argument: int, samples: int, hop: int) -> list[bytes]:
        """After the gap of a `missing`."""
        notice = None
        if operation in ("supply", "self_test"):
            self.health.put(SUPPLY if operation == "supply" else SELF_TEST, argument == 1)
        elif operation == "missing":
            self.health.missing(argument)
        elif operation == "clock":
            self.health.clock(argument, samples)
        elif operation in ("calibrate", "set_level"):
            tag = self.ladder.head["tag"]
            getattr(self.ladder, operation)(argument)
            if self.ladder.head["tag"] != tag:
                self.relevel()
        else:
            notice = self.alarm.operate(operation, argument)
            if self.ladder and notice is not None and operation == "out_of_service":
                self.ladder.stop()
        return ([] if notice is None else [self.emit(hop, notice)]) + self.due(hop)

    def emit(self, hop: int, notice: Notice) -> bytes:
        alarm = self.alarm
        flags = alarm.latched << 3 | alarm.silenced << 4 | alarm.out_of_service << 5 | notice.marked << 6
        out = event_2(
            notice.kind,
            within(alarm.state, 0, 5) | flags | notice.high << 7,
            self.sequence,
            hop,
            notice.score,
            self.byte,
            notice.codes,
            self.ladder.head["tag"] if self.ladder else 0,
            self.tag,
        )
        self.sequence = (self.sequence + 1) % 2**16
        return out


# Duty
def is_pause(duty: dict | None, n: int) -> bool:
    """A gap of n samples that the plan declares."""
    if duty is None:
        return False
    off = within(duty["every"] - duty["on"], 1, 2**31 - 2)
    return off <= 2 * n and n <= off + duty["every"] // 16


def due_q31(duty: dict | None, ticks_on: int, hop: int, per_tick: int) -> int:
    """Ticks that are due in a hop."""
    if duty is None:
        return within(ceil_div(2**31, per_tick), 1, 2**31)
    return within(ceil_div(ticks_on * hop << 31, duty["every"]), 1, 2**31)


# Record
RECORD_BITS = ("rung_in_alarm", "reference_in_alarm", "was_full")
RUNG = ("in_row", "calm", "cooldown")
RECORD = [("plan_tag", 2), ("score_tag", 8), ("level_tag", 1), ("state", 1), ("flags", 1), ("bits", 1)]
RECORD += [("sequence", 2), ("ahead", -2), ("next_hop", 4)]
RECORD += [(f"{rung}_{name}", 4) for rung in ("rung", "reference") for name in RUNG]
RECORD += [("rung_hits", 2), ("reference_hits", 2), ("level_q16", 8), ("frozen", 4)]
RECORD += [(name, 4) for name in (*ALARM_FIELDS[4:], "elapsed", "judged")]
RECORD += [("highest_log2_q8", 2), ("late_q16", 2), ("active", 2), ("reported", 2)]
RECORD += [(f"count_{each}", 2) for each in COUNTED]
"""Name -> bytes, of all between the head and the CRC; negative: signed."""


def crc32(data: bytes) -> int:
    """IEEE 802.3, a bit at a time."""
    crc = 2**32 - 1
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ (2**32 - 1)


def record(fields: dict) -> bytes:
    """The 136 bytes, and those of a ladder and of a profile before the CRC; what `fields` lack is 0."""
    values = dict.fromkeys((name for name, _ in RECORD), 0) | fields
    flags = {"escalated": 1, "silenced": 16, "out_of_service": 32}
    values["flags"] = sum(bit for name, bit in flags.items() if fields.get(name))
    values["bits"] = sum(fields.get(name, 0) << bit for bit, name in enumerate(RECORD_BITS))
    values |= dict(zip((f"count_{each}" for each in COUNTED), fields.get("counts", [0] * len(COUNTED)), strict=True))
    ladder = fields.get("ladder", b"") + fields.get("learnt", b"")
    data = b"ar" + bytes([1, 0]) + (136 + len(ladder)).to_bytes(2, "little")
    for name, size in RECORD:
        value = values[name]
        data += value if isinstance(value, bytes) else int(value).to_bytes(abs(size), "little", signed=size < 0)
    data += ladder
    return data + crc32(data).to_bytes(4, "little")


def record_fields(data: bytes, plan: dict) -> dict | None:
    """What a record holds; None: it is refused by this plan."""
    ladder, days = ladder_of(plan), days_of(plan)
    end = 132 + (32 + 17 * ladder.n if ladder else 0)  # of the ladder
    size = end + (len(days.save()) if days else 0) + 4
    if len(data) != size or data[:3] != b"ar\x01" or data[4:6] != size.to_bytes(2, "little"):
        return None
    if crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        return None
    values, at = {}, 6
    for name, size in RECORD:
        part = data[at : at + abs(size)]
        values[name] = part if name.endswith("_tag") else int.from_bytes(part, "little", signed=size < 0)
        at += abs(size)
    assert at == 132
    for name, bit in (("escalated", 0), ("silenced", 4), ("out_of_service", 5)):
        values[name] = values["flags"] >> bit & 1
    values |= {name: values["bits"] >> bit & 1 for bit, name in enumerate(RECORD_BITS)}
    values["counts"] = [values[f"count_{each}"] for each in COUNTED]
    hits = max(values["rung_hits"], values["reference_hits"])
    fits = (
        values["score_tag"] == bytes.fromhex(score_id(plan))[:8],
        values["state"] in (NORMAL, UNACK_ALARM, PREALARM, ACK_ALARM, RTN_UNACK),
        -plan["framer"]["hop"] < values["ahead"] <= plan["framer"]["window"],
        values["level_q16"] < 2**48,
        hits < 2 ** plan["timing"]["n"],
        values["highest_log2_q8"] < 8192,
        ladder is None
        or (
            ladder.takes(data[132:end], values["plan_tag"] != bytes.fromhex(plan_id(plan))[:2])
            and values["level_tag"][0] == data[132 + 26]
        ),
        days is None or days.takes(data[end:-4]),
    )
    return values | {"ladder": data[132:end], "learnt": data[end:-4]} if all(fits) else None


def days_of(plan: dict) -> Days | None:
    """A fresh extractor of a plan of days; None: the plan is of another kind."""
    return Days(decoded(plan["extractor"])) if plan["extractor"]["kind"] == "days" else None


def ladder_of(plan: dict) -> Ladder | None:
    """A fresh ladder of a plan; None: it has none."""
    if "ladder" not in plan:
        return None
    return Ladder(decoded(plan["ladder"]), decoded(plan["promises"]), plan["timing"])


# Reasons
def reasons(plan: dict, score_plan: dict, inputs: list[int], outputs: list[int]) -> bytes:
    """The three bytes of the event that raises the alarm."""
    errors = [error(score_plan, x, y) for x, y in zip(inputs, outputs, strict=True)]
    terms = [u32(weight * e * e) for weight, e in zip(score_plan["weights"], errors, strict=True)]
    residual = [0] * len(plan["codes"])
    for mark, term in zip(plan["groups"], terms, strict=True):
        residual[mark & 15] += term
    if "groups" in score_plan:
        residual = [min(r, 2**32 - 1) for r in residual]
    product = [within(u32(r) * gain, 0, 2**62 - 1) for r, gain in zip(residual, plan["gain"], strict=True)]
    order = sorted(range(len(product)), key=lambda g: -product[g])
    if "groups" in score_plan:
        size = sizes(score_plan, inputs, outputs)
        counts = score_plan["groups"][size.index(max(size))]
        allowed = {mark & 15 for mark in plan["groups"][counts["first"] : counts["last"] + 1]}
        first = next(g for g in order if g in allowed)
        order = [first, *(g for g in order if g != first)]
    found = []
    for g in order[:3]:
        if product[g] == 0:
            found.append(0)
            continue
        i = max((i for i, mark in enumerate(plan["groups"]) if mark & 15 == g), key=lambda i: terms[i])
        x, direction = inputs[i] - score_plan["input_zero_point"], 0
        if x > 0:
            direction = plan["groups"][i] >> 4 & 3
        if x < 0:
            direction = plan["groups"][i] >> 6
        found.append(within(plan["codes"][g], 1, 63) | direction << 6)
    return bytes(found + [0] * (3 - len(found)))


# Event
def event(state: int, high: bool, sequence: int, hop: int, s: int, tag: bytes, reasons: bytes = bytes(3)) -> bytes:
    head = bytes([1 << 4 | 1, state | high << 6])
    s_log2_q8 = within(log2_q10(s) >> 2, 0, 8191)
    numbers = sequence.to_bytes(2, "little") + hop.to_bytes(4, "little") + s_log2_q8.to_bytes(2, "little")
    return head + numbers + bytes(1) + reasons + tag


def event_2(
    kind: int, state: int, sequence: int, hop: int, s: int, health: int, codes: bytes, level_tag: int, tag: bytes
) -> bytes:
    """Layout 2; `state` with its flags."""
    head = bytes([2 << 4 | kind, state])
    s_log2_q8 = within(log2_q10(s) >> 2, 0, 8191)
    numbers = sequence.to_bytes(2, "little") + hop.to_bytes(4, "little") + s_log2_q8.to_bytes(2, "little")
    return head + numbers + bytes([health]) + codes + bytes([level_tag]) + tag


def compact(event: bytes) -> bytes:
    """The compact form of an event: 11 bytes."""
    version, kind = divmod(event[0], 16)
    s_log2_q3 = min(int.from_bytes(event[8:10], "little") // 32, 255)
    code = event[11]
    if (version, kind) == (2, 2):
        code = event[11] | (128 if event[12] == 1 else 0)
    elif (version, kind) == (2, 3):
        code = event[12]
    return event[:7] + bytes([s_log2_q3]) + event[10:11] + bytes([code]) + event[14:15]


KINDS = ("", "anomaly", "technical", "heartbeat", "operator", "restart", "repeat", "level")
STATES = ("normal", "pending", "alarm", "prealarm", "acknowledged", "returned, unacknowledged")
INPUTS = ("", "acknowledged", "silenced", "silence over", "cancelled", "out of service", "in service", "test")
BEGINNINGS = ("anew", "restored from a record", "anew, as the record was refused")
NEWS = ("", "level certified", "no level certified, more days needed", "promise broken", "level set")
NEWS += ("no level keeps the promise",)
CONDITIONS = ("", "stuck", "flat", "repeated", "clipped", "below the noise floor", "step", "dead axis", "not gravity")
CONDITIONS += ("gaps", "missing", "rate", "not worn", "warm-up", "self-test failed", "supply")
HEALTH = ("stuck or flat or repeated", "clipped", "below the noise floor", "step or dead axis or not gravity")
HEALTH += ("gaps or missing or rate", "not worn", "warm-up or learning or self-test failed", "supply")
GROUPS = {1: "low bands", 2: "mid bands", 3: "high bands", 4: "loudness", 5: "impulses"}
GROUPS |= {16: "magnitude", 17: "dynamic acceleration", 18: "jerk", 19: "posture", 20: "rhythm", 21: "slow motion"}
GROUPS |= {22: "mid motion", 23: "fast motion", 24: "rotation", 25: "motion x", 26: "motion y", 27: "motion z"}
GROUPS |= {28: "day total", 29: "hours of day", 30: "day rhythm", 31: "day phase", 32: "quiet hours"}
GROUPS |= {33: "busy hours", 34: "last hours", 35: "trend"}
GROUPS |= {47 + i: f"part {i}" for i in range(1, 17)}
DIRECTIONS = ("changed", "high", "low", "unsteady")


def level_order(level_tag: int, plan_tag: bytes) -> bytes:
    """The downlink that puts a level in force; the plan tag is the first two bytes of the plan's id."""
    return bytes([within(level_tag, 0, 24), *plan_tag])


def decoded_downlink(data: bytes) -> dict:
    """A downlink as the decoders give it, or the one line of what is wrong under `error`."""
    if len(data) != 3:
        return {"error": f"downlink: {len(data)} bytes, not 3"}
    if data[0] > 24:
        return {"error": f"downlink: level tag {data[0]} is not from 0 to 24"}
    return {"level_tag": data[0], "plan_tag": data[1:].hex()}


def decoded_event(data: bytes) -> dict:
    """An event of 16 or 11 bytes as the decoders give it, or the one line of what is wrong under `error`."""
    if len(data) not in (16, 11):
        return {"error": f"event: {len(data)} bytes, not 16 or 11"}
    version, kind = divmod(data[0], 16)
    state, flag = data[1] % 8, [data[1] >> bit & 1 for bit in range(8)]
    if version not in (1, 2):
        return {"error": f"event: version {version} is neither 1 nor 2"}
    if kind not in ((1,) if version == 1 else range(1, 8)):
        return {"error": f"event: kind {kind} is unknown"}
    if state > (2 if version == 1 else 5):
        return {"error": f"event: state {state} is unknown"}
    short = len(data) == 11
    s_log2_q8 = data[7] * 32 if short else data[8] + 256 * data[9]
    codes = [data[9]] if short else list(data[11 : 14 if version == 1 else 13])
    if short and version == 2 and kind == 2:
        codes = [data[9] % 128, data[9] // 128]
    code = codes[0]
    named = {2: ("technical condition", CONDITIONS), 4: ("operator input", INPUTS), 5: ("beginning", BEGINNINGS)}
    named[7] = ("news", NEWS)
    if version == 2 and kind in named:
        what, table = named[kind]
        if code >= len(table) or not table[code]:
            return {"error": f"event: {what} {code}{' of a level' if kind == 7 else ''} is unknown"}
    marked, high = (0, flag[6]) if version == 1 else (flag[6], flag[7])
    latched, silenced, out = (0, 0, 0) if version == 1 else flag[3:6]
    flags = {"high": high, "latched": latched, "silenced": silenced, "out of service": out}
    flags["test" if kind == 4 else "escalated"] = marked
    share = None
    if kind == 3:
        part, whole = (data[9], 255) if short else (data[11] + 256 * data[12], 65535)
        share = (part * 2000000 + whole) // (2 * whole) / 1000000
    return {
        "layout": version,
        "compact": short,
        "kind": KINDS[kind],
        "state": STATES[state],
        "flags": [word for word, is_set in flags.items() if is_set],
        "raised": kind == 1 and state == 2 and not marked,
        "cleared": kind == 1 and state in (0, 5) and not marked,
        "escalated": kind == 1 and bool(marked),
        "sequence": data[2] + 256 * data[3],
        "hop": sum(byte << 8 * i for i, byte in enumerate(data[4 : 7 if short else 8])),
        "score": _exponential(s_log2_q8),
        "score_log2": s_log2_q8 / 256,
        "health": data[8 if short else 10],
        "health_words": [word for bit, word in enumerate(HEALTH) if data[8 if short else 10] >> bit & 1],
        "reasons": [_reason(byte) for byte in codes if byte % 64] if kind == 1 else [],
        "condition": CONDITIONS[code] if kind == 2 else None,
        "active": codes[1] == 1 if kind == 2 else None,
        "input": INPUTS[code] if kind == 4 else None,
        "restart": BEGINNINGS[code] if kind == 5 else None,
        "promise": NEWS[code] if kind == 7 else None,
        "argument": codes[1] if kind == 7 and not short else None,
        "judged_share": share,
        "level_tag": None if short or version == 1 else data[13],
        "plan_tag": data[10:].hex() if short else data[14:].hex(),
        "event": data.hex(),
    }


def _reason(byte: int) -> str:
    return f"{GROUPS.get(byte % 64, f'group {byte % 64}')} {DIRECTIONS[byte // 64]}"


def _exponential(log2_q8: int) -> int:
    """2**(log2_q8 / 256), rounded, at most 2**32 - 1; 0 for 0."""
    low, high = 0, 2**32 - 1
    while low < high and log2_q8:
        middle = (low + high + 1) // 2
        if log2_q8 < 8192 and (2 * middle - 1) ** 256 > 2 ** (log2_q8 + 256):
            high = middle - 1
        else:
            low = middle
    return low


# Plan file
SIZES = {"i1": 1, "u1": 1, "<i2": 2, "<u2": 2, "<i4": 4, "<u4": 4}


def canonical(value: dict | list | str | int) -> str:
    """Canonical JSON, without its line feed. Floats, booleans and null have none."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value)
    if type(value) is int and len(str(value)) <= 15:
        return str(value)
    raise ValueError(f"{value!r} is not in the file format")


def digest(plan: dict, *without: str) -> str:
    kept = {key: value for key, value in plan.items() if key not in without}
    return hashlib.sha256(canonical(kept).encode() + b"\n").hexdigest()


def plan_id(plan: dict) -> str:
    return digest(plan, "name", "provenance", "sha256")


def score_id(plan: dict) -> str:
    return digest(plan, "name", "provenance", "sha256", "levels", "reasons", "alarm", "promises", "diary")


def read(data: bytes) -> dict:
    """The object of a plan file, its arrays still encoded."""
    plan = json.loads(data)
    if canonical(plan).encode() + b"\n" != data:
        raise ValueError("the file is not canonical JSON")
    if plan["format"] != 1 or plan["sha256"] != digest(plan, "sha256"):
        raise ValueError("the file has another format, or it is damaged")
    return plan


def decoded(value: dict | list | str | int) -> dict | list | str | int:
    """The same, with a list (of lists) of integers for each array."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {"data", "dtype", "shape"}:
        return {key: decoded(item) for key, item in value.items()}
    data, size = base64.b64decode(value["data"], validate=True), SIZES[value["dtype"]]
    signed = "i" in value["dtype"]
    flat = [int.from_bytes(data[i : i + size], "little", signed=signed) for i in range(0, len(data), size)]
    rows, columns = (1, *value["shape"])[-2:]
    if base64.b64encode(data).decode() != value["data"] or len(data) != rows * columns * size:
        raise ValueError("an array does not hold what its shape says")
    table = [flat[i * columns : (i + 1) * columns] for i in range(rows)]
    return table if len(value["shape"]) == 2 else table[0]


# The whole
class Result(NamedTuple):
    hop: int
    score: int
    events: list[bytes]
    inputs: list[int]
    outputs: list[int]
    raw: int
    level_q16: int
    judged: bool = True
    void: bool = False


class Pipeline:
    """Samples in, one result a tick, from the bytes of a plan file."""

    def __init__(self, data: bytes) -> None:
        plan = self.file = read(data)
        self.tag = bytes.fromhex(plan_id(plan))[:2]
        self.plan = decoded({key: value for key, value in plan.items() if key != "provenance"})
        self.reset()

    def reset(self) -> None:
        plan = self.plan
        self.framer = Framer(plan["framer"]["window"], plan["framer"]["hop"])
        self.extractor = EXTRACTORS[plan["extractor"]["kind"]](plan["extractor"])
        self.learning = self.extractor if isinstance(self.extractor, Days) else None
        self.diary = Diary(plan["diary"], 0) if "diary" in plan else None
        assert self.diary is None or plan["diary"]["gain_q16"] == 0  # of movement: see tests/vectors/diary.json
        self.context = Context(plan["context"])
        self.carried = False  # a record says that its context had been full
        self.baseline = Baseline(plan["baseline"])
        self.alert = Alert(plan["timing"], plan["levels"], self.tag)
        self.reference = reference_of(plan["baseline"], plan["timing"])

    def process(self, block: list) -> list[Result]:
        return [result for sample in block if (result := self.push(sample)) is not None]

    def push(self, sample: int | list[int]) -> Result | None:
        ready = self.framer.push(sample)
        if ready and self.diary:
            self.diary.hop(False, [])
        frame = self.extractor.hop(ready[1]) if ready else None
        inputs = self.context.push(frame) if frame else None
        if inputs is None:
            return None
        outputs = autoencoder(self.plan["layers"], inputs)
        raw = score(self.plan["score"], inputs, outputs)
        s = self.baseline.above(raw)
        if self.diary:
            self.diary.tick(s)
        why = partial(reasons, self.plan["reasons"], self.plan["score"], inputs, outputs)
        events = self.alert.tick(ready[0], s, why)
        self.follow(raw, s)
        return Result(ready[0], s, events, inputs, outputs, raw, self.baseline.level_q16)

    def follow(self, raw: int, s: int) -> None:
        if self.reference:
            self.reference.tick(0, s)
            alarm = self.reference.state == UNACK_ALARM
            self.baseline.follow(raw, alarm)
            if self.learning:
                self.learning.alarm = alarm

    def lose_hops(self, lost: int, pause: bool) -> None:
        """Windows that did not come, for diary and extractor."""
        if self.diary:
            self.diary.lose(lost, pause)
        if self.learning:
            self.learning.lose(lost)
        else:
            self.extractor.gap()

    @property
    def per_tick(self) -> int:
        return self.plan["extractor"].get("hops_per_frame", 1) * self.plan["context"]["stride"]

    def gap(self, n: int) -> None:
        if n == 0:
            return
        pause = self.declared(n)
        lost = self.framer.gap(n)
        self.lose_hops(lost, pause)
        self.context.gap()
        self.carried = False
        self.pass_by(lost // self.per_tick, pause)

    def declared(self, n: int) -> bool:
        """A pause that the plan declares, after a tick since the last break."""
        return is_pause(self.plan.get("duty"), n) and self.was_full

    @property
    def was_full(self) -> bool:
        return self.carried or self.context.seen >= self.context.frames

    def pass_by(self, ticks: int, pause: bool) -> None:
        for rung in filter(None, (self.alert, self.reference)):
            (rung.pause if pause else rung.gap)(ticks)

    def state(self) -> bytes:
        found = {"plan_tag": self.tag, "score_tag": bytes.fromhex(score_id(self.file))[:8]}
        found |= {"next_hop": self.framer.next_hop % 2**32, "ahead": self.framer.p}
        found["was_full"] = int(self.was_full)
        found["learnt"] = self.learning.save() if self.learning else b""
        found |= self.baseline.save() | (self.reference.save("reference") if self.reference else {})
        return record(found | self.fields())

    def fields(self) -> dict:
        """Of the alert, as an alarm without a life cycle would have them."""
        peak = self.plan["levels"]["raise_score"] if self.alert.state == UNACK_ALARM else 0
        state = UNACK_ALARM if peak else NORMAL
        return self.alert.save() | {"sequence": self.alert.sequence, "state": state, "peak": peak, "base": peak}

    def restore(self, data: bytes) -> bool:
        """Begin anew with a record; False: without it."""
        self.reset()
        found = record_fields(data, self.file)
        if found is None:
            return False
        if self.reference:
            self.baseline.restore(found)
            self.reference.restore(found, False, "reference")
        if self.learning:
            self.learning.restore(found["learnt"])
            self.learning.alarm = self.reference is not None and self.reference.state == UNACK_ALARM
        self.carried = bool(found["was_full"])
        self.take(found, found["plan_tag"] != self.tag or ("ladder" not in self.file and found["level_tag"] != b"\0"))
        if self.diary:
            self.diary.resume(found["next_hop"])
        lost = self.framer.resume(found["next_hop"], found["ahead"])
        self.lose_hops(lost, True)
        self.resume(lost)
        return True

    def take(self, found: dict, releveled: bool) -> None:
        self.alert.restore(found, releveled)
        self.alert.sequence = (found["sequence"] + 1024) % 2**16

    def resume(self, lost: int) -> None:
        self.pass_by(lost // self.per_tick, True)


class SupervisedPipeline(Pipeline):
    """The same of a plan with an alarm or a health section: results of ticks, and of events without one."""

    def reset(self) -> None:
        super().reset()
        plan, duty = self.plan, self.plan.get("duty")
        sections = plan.get("alarm", NO_ALARM), plan.get("health"), plan["timing"], plan["levels"]
        due = due_q31(duty, duty and ticks_in(duty["on"], plan), plan["framer"]["hop"], self.per_tick)
        ladder = plan.get("ladder"), plan.get("promises")
        self.supervisor = Supervisor(*sections, columns_of(plan), self.per_tick, due, self.tag, *ladder)
        self.fresh, self.samples = True, 0
        self.say_readiness()

    def say_readiness(self) -> None:
        self.supervisor.is_ready = self.learning is None or self.learning.is_ready

    def process(self, block: list) -> list[Result]:
        found = self.without_tick(self.supervisor.due(self.framer.next_hop % 2**32))
        for sample in block:
            self.samples = (self.samples + 1) % 2**32
            ready = self.framer.push(sample)
            if ready:
                found += self.window(*ready)
        return found

    def window(self, hop: int, samples: list) -> list[Result]:
        new = samples if self.fresh else samples[-self.plan["framer"]["hop"] :]
        self.fresh = False
        rows = [sample if isinstance(sample, list) else [sample] for sample in new]
        frame = self.extractor.hop(samples)
        found = self.without_tick(self.supervisor.hop(rows, hop))
        self.say_readiness()
        if self.diary:
            self.diary.hop(self.supervisor.voids, [])
        inputs = self.context.push(frame) if frame else None
        if inputs is None:
            return found
        outputs = autoencoder(self.plan["layers"], inputs)
        raw = score(self.plan["score"], inputs, outputs)
        s, events, void = self.baseline.above(raw), [], self.supervisor.voids
        if self.diary and not void:
            self.diary.tick(s)
        if not void:
            why = partial(reasons, self.plan["reasons"], self.plan["score"], inputs, outputs)
            events = self.supervisor.tick(s, hop, why)
            self.follow(raw, s)
        found.append(Result(hop, s, events, inputs, outputs, raw, self.baseline.level_q16, void=void))
        behind = self.supervisor.due(self.framer.next_hop % 2**32) if self.supervisor.ladder else []
        return found + self.without_tick(behind)

    def without_tick(self, events: list[bytes]) -> list[Result]:
        hops = [int.from_bytes(event[4:8], "little") for event in events]
        level = self.baseline.level_q16
        return [
            Result(hop, 0, [event], [], [], 0, level, judged=False) for hop, event in zip(hops, events, strict=True)
        ]

    def gap(self, n: int) -> list[Result]:
        found = self.process([])
        self.lose(n, self.declared(n))
        return found + self.process([])

    def lose(self, n: int, pause: bool = False) -> None:
        if n == 0:
            return
        lost = self.framer.gap(n)
        self.samples = (self.samples + n) % 2**32
        self.lose_hops(lost, pause)
        self.context.gap()
        self.carried = False
        self.say_readiness()
        self.leave(lost, pause)

    def leave(self, lost: int, pause: bool) -> None:
        ticks, faulty = lost // self.per_tick, self.supervisor.voids_by_fault
        (self.supervisor.pause if pause else self.supervisor.gap)(lost, ticks)
        if self.reference and not pause:
            self.reference.gap(ticks)
        elif self.reference and not faulty:
            self.reference.pause(ticks)

    def fields(self) -> dict:
        return self.supervisor.save()

    def export(self, device: int, boot: int, since: bytes | None) -> bytes | None:
        score_tag = bytes.fromhex(score_id(self.file))[:8]
        return export(self.supervisor.ladder, device, boot, score_tag, self.tag, since)

    def restore(self, data: bytes) -> bool:
        taken = super().restore(data)
        if not taken:
            self.supervisor.restart = REFUSED
        return taken

    def take(self, found: dict, releveled: bool) -> None:
        self.supervisor.restore(found, releveled)
        self.samples = (found["next_hop"] * self.plan["framer"]["hop"] + found["ahead"]) % 2**32

    def resume(self, lost: int) -> None:
        self.say_readiness()
        self.leave(lost, True)

    def operate(self, operation: str, argument: int) -> list[Result]:
        found = self.process([])
        if operation == "missing":
            self.lose(self.supervisor.health.samples_in(argument))
        hop = self.framer.next_hop % 2**32
        return found + self.without_tick(self.supervisor.operate(operation, argument, self.samples, hop))


def downlink(pipeline: Pipeline, data: bytes) -> tuple[int, list[Result]]:
    """Take a downlink: the status that the port gives, and the results; of one that is refused there are none."""
    rungs = pipeline.supervisor.ladder if isinstance(pipeline, SupervisedPipeline) else None
    if len(data) != 3 or data[1:] != bytes.fromhex(plan_id(pipeline.file))[:2]:
        return -8, []
    if rungs is None:
        return -6, []
    if data[0] > len(rungs.plan["raise_scores"]):
        return -7, []
    return 1, pipeline.operate("set_level", data[0])


def pipeline_of(data: bytes) -> Pipeline:
    """The pipeline of a plan file."""
    supervised = not {"alarm", "health", "ladder"}.isdisjoint(read(data))
    return SupervisedPipeline(data) if supervised else Pipeline(data)


def golden_digest(data: bytes) -> str:
    """Of the golden stream, value by value."""
    pipeline, digest = pipeline_of(data), hashlib.sha256(bytes.fromhex(plan_id(read(data))))
    columns = range(columns_of(pipeline.plan))
    x, i, ticks, n = 0x6D2B79F5, 0, 0, 0
    if pipeline.learning:
        learning = pipeline.learning.profile.mature * pipeline.learning.n
        n = learning + max(16, min(200, 65536 // len(columns) - learning))
    while i < n if n else ticks < 16 or (ticks < 200 and i < 65536 // len(columns)):
        row, k = [], 16 if pipeline.learning else i // 2048 % 16
        for _ in columns:
            for shift in (13, -17, 5):
                x = x ^ (x << shift if shift > 0 else x >> -shift) & 0xFFFFFFFF
            row.append(golden_value(i, k, x))
        for result in pipeline.process(row if len(columns) == 1 and not external(pipeline.plan) else [row]):
            values = [value & 0xFF for value in (*result.inputs, *result.outputs)]
            digest.update(bytes(values) + result.score.to_bytes(4, "little") + bytes([len(result.events)]))
            digest.update(b"".join(result.events))
            ticks += result.judged
        i += 1
    return digest.hexdigest()


def golden_value(i: int, k: int, x: int) -> int:
    def int16(bits: int) -> int:
        return (bits & 0x7FFF) - (bits & 0x8000)

    special = {11: 32767 if i & 64 else -32768, 12: 0, 13: -32768, 14: 0 if i % 512 else 32767, 15: int16(i * i >> 6)}
    special[16] = (x >> 17) >> (i & 7) if x & 63 else -32768
    return int16(x >> 16) >> k if k <= 10 else special[k]


def columns_of(plan: dict) -> int:
    """Values of a sample."""
    extractor = plan["extractor"]
    if extractor["kind"] == "external":
        return len(extractor["normalisation"]["gain"])
    return extractor.get("columns", extractor.get("axes", 1))


def external(plan: dict) -> bool:
    """A sample is a list also where it has one value."""
    return plan["extractor"]["kind"] in ("external", "days")
