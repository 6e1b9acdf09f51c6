"""motion: statistics of acceleration, and of rotation beside it, over one window. Each depends on its window only.

Samples are ax, ay, az and, with 6 axes, gx, gy, gz, in counts. The formulas, over a window of N samples:

- gravity: the running mean of ``gravity`` samples around each sample; near the ends of the window, the one nearest
  that lies in it. Its corner is 0.443 / length in seconds. Source: Shepard et al. 2008, doi:10.3354/ab00104
- dynamic acceleration: acceleration minus gravity
- `magnitude_*`: of the signal vector magnitude ``sqrt(ax**2 + ay**2 + az**2)``, gravity included. Source: Karantonis
  et al. 2006, doi:10.1109/TITB.2005.856864
- `sma`: signal magnitude area, the mean of ``|ax| + |ay| + |az|``, gravity included
- `odba`: overall dynamic body acceleration, the mean of the same sum of the dynamic acceleration. Source: Wilson et
  al. 2006, doi:10.1111/j.1365-2656.2006.01127.x
- `vedba_mean`, `vedba_max`: vector of the dynamic body acceleration, its length. Source: Qasem et al. 2012,
  doi:10.1371/journal.pone.0031187
- `axis_mean`, `axis_deviation`, `axis_range`: of each axis
- `jerk_mean`, `jerk_max`: length of the difference between one sample and the next
- `mean_crossings`: how often the magnitude crosses a band of one floor to either side of its mean
- `band_energies`, `dominant_frequency`: of the magnitude about its mean, see `spectrum`
- `posture_change`: angle between gravity at the beginning and at the end
- `rotation_mean`, `rotation_deviation`, `rotation_max`: of the length of the rotation rate;
  `rotation_axis_deviation`: of each of its axes

Mean and minimum of the magnitude and `axis_mean` are in counts, `posture_change` is in radians q12, `mean_crossings` is
a number and `dominant_frequency` a bin; all others are log2 in q10, after a floor was added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np

from anomsdk.core import spectrum
from anomsdk.core.affine import AffinePlan
from anomsdk.core.checks import require
from anomsdk.core.extractor import Extractor
from anomsdk.core.fixed import (
    Ints,
    angle_q12,
    bit_length,
    floor_sqrt,
    log2_q10,
    log2_wide_q10,
    saturating_rounding_doubling_high_mul,
)
from anomsdk.core.reasons import Group, band_groups
from anomsdk.core.spectrum import Spectrum, SpectrumPlan

WINDOWS = (spectrum.MIN_LENGTH, spectrum.MAX_LENGTH)
"""Fewest and most samples of a window."""

_LARGEST = 56754
"""Largest length of a vector whose components are saturated."""
_LOG_LOW, _LOG_HIGH = -1024, 32 << 10
_INT16 = 32767
_DIRECTION_BITS = 14
_HALF_TURN_Q12 = 12868


class Unit(Enum):
    """Unit of a level, before normalisation."""

    LOG2_Q10 = "log2 in q10, of counts after a floor was added"
    COUNTS = "counts of acceleration"
    NUMBER = "a number: crossings, or a bin of the spectrum"
    RADIANS_Q12 = "radians in q12"


class Values(Enum):
    """Number of values of a feature."""

    ONE = "one"
    AXES = "one for each of three axes"
    BANDS = "one for each frequency band"


@dataclass(frozen=True)
class Feature:
    """Feature of motion; a method of `_Window` with its name has the formula.

    Parameters
    ----------
    bit : number of its bit in the mask ``features`` of C, where ANOM_MOTION_<NAME> is 1 << bit; it never changes
    group : group that a reason names; a tuple has one for each axis, or one for each third of the bands
    unit : unit of a level
    range : window in samples -> smallest and largest level
    values : number of values
    axes : smallest number of axes that the sensor must have, 3 or 6
    orientation_free : the feature stays the same however the device is turned
    spectral : the feature is taken from the spectrum, which C links only where it is needed
    """

    bit: int
    group: Group | tuple[Group, Group, Group]
    unit: Unit = Unit.LOG2_Q10
    range: Callable[[int], tuple[int, int]] = lambda window: (_LOG_LOW, _LOG_HIGH)
    values: Values = Values.ONE
    axes: int = 3
    orientation_free: bool = True
    spectral: bool = False

    def width(self, n_bands: int) -> int:
        """Number of values of the feature in a frame."""
        return {Values.ONE: 1, Values.AXES: 3, Values.BANDS: n_bands}[self.values]

    def groups(self, n_bands: int) -> tuple[Group, ...]:
        """Return the group of each value, (width,)."""
        if isinstance(self.group, Group):
            return (self.group,) * self.width(n_bands)
        if self.values is Values.AXES:
            return self.group
        return tuple(self.group[third - Group.LOW_BANDS] for third in band_groups(n_bands))


_AXES = Group.MOTION_X, Group.MOTION_Y, Group.MOTION_Z
_SPEEDS = Group.SLOW_MOTION, Group.MID_MOTION, Group.FAST_MOTION

FEATURES = {
    "magnitude_mean": Feature(0, Group.MAGNITUDE, Unit.COUNTS, lambda window: (0, _LARGEST)),
    "magnitude_deviation": Feature(1, Group.MAGNITUDE),
    "magnitude_min": Feature(2, Group.MAGNITUDE, Unit.COUNTS, lambda window: (0, _LARGEST)),
    "magnitude_max": Feature(3, Group.MAGNITUDE),
    "magnitude_range": Feature(4, Group.MAGNITUDE),
    "sma": Feature(5, Group.DYNAMIC_ACCELERATION, orientation_free=False),
    "mean_crossings": Feature(6, Group.RHYTHM, Unit.NUMBER, lambda window: (0, window)),
    "band_energies": Feature(7, _SPEEDS, range=lambda window: spectrum.LEVELS, values=Values.BANDS, spectral=True),
    "dominant_frequency": Feature(8, Group.RHYTHM, Unit.NUMBER, lambda window: (0, window), spectral=True),
    "odba": Feature(9, Group.DYNAMIC_ACCELERATION, orientation_free=False),
    "vedba_mean": Feature(10, Group.DYNAMIC_ACCELERATION),
    "vedba_max": Feature(11, Group.DYNAMIC_ACCELERATION),
    "posture_change": Feature(12, Group.POSTURE, Unit.RADIANS_Q12, lambda window: (0, _HALF_TURN_Q12)),
    "axis_mean": Feature(
        13, Group.POSTURE, Unit.COUNTS, lambda window: (-32768, 32767), Values.AXES, orientation_free=False
    ),
    "axis_deviation": Feature(14, _AXES, values=Values.AXES, orientation_free=False),
    "axis_range": Feature(15, _AXES, values=Values.AXES, orientation_free=False),
    "jerk_mean": Feature(16, Group.JERK),
    "jerk_max": Feature(17, Group.JERK),
    "rotation_mean": Feature(18, Group.ROTATION, axes=6),
    "rotation_deviation": Feature(19, Group.ROTATION, axes=6),
    "rotation_max": Feature(20, Group.ROTATION, axes=6),
    "rotation_axis_deviation": Feature(21, Group.ROTATION, values=Values.AXES, axes=6, orientation_free=False),
}
"""Name -> feature, in the order of the bits, which is the order in a frame; features of one series are neighbours."""


@dataclass(frozen=True, eq=False)
class MotionPlan:
    """Features that are computed from a window, and their units."""

    kind: ClassVar[str] = "motion"
    sensor: ClassVar[str] = "motion"
    warm_up: ClassVar[int] = 0
    parts: ClassVar[tuple[tuple[int, int, int], ...]] = ()
    hops_per_frame: ClassVar[int] = 1

    axes: int  # 3 or 6
    window: int  # samples
    gravity: int  # samples of the running mean, 2 to window
    window_q31: int  # 1 / window
    gravity_q31: int  # 1 / gravity
    window_log2_q10: int  # log2(window)
    jerk_log2_q10: int  # log2(window - 1)
    floor: int  # counts of acceleration that count as none
    rotation_floor: int  # counts of rotation that count as none
    features: tuple[str, ...]  # of FEATURES, in their order
    spectrum: SpectrumPlan
    normalisation: AffinePlan

    @property
    def n_features(self) -> int:
        """Width of a frame."""
        return sum(FEATURES[name].width(self.spectrum.n_bands) for name in self.features)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Group that a reason names for each value of a frame, (n_features,)."""
        return tuple(group for name in self.features for group in FEATURES[name].groups(self.spectrum.n_bands))

    @property
    def columns(self) -> int:
        """Number of values in a sample: its axes."""
        return self.axes

    def check(self) -> None:
        """Prove every stage: sums over a window are below 2**31, sums of squares below 2**63."""
        low, high = WINDOWS
        require(self.axes in (3, 6), f"motion: {self.axes} axes, not 3 or 6")
        require(low <= self.window <= high, f"motion: a window of {self.window} samples, not {low} to {high}")
        require(
            2 <= self.gravity <= self.window,
            f"motion: a running mean of {self.gravity} samples, not 2 to the window {self.window}",
        )
        for name, n in (("window_q31", self.window), ("gravity_q31", self.gravity)):
            require(abs(getattr(self, name) * n - (1 << 31)) <= n, f"motion: {name} is not 2**31 / {n}")
        for name, n in (("window_log2_q10", self.window), ("jerk_log2_q10", self.window - 1)):
            above = getattr(self, name) - int(log2_q10(np.array(n)))
            require(0 <= above <= 2, f"motion: {name} is {getattr(self, name)}, which is not log2({n})")
        for name in ("floor", "rotation_floor"):
            floor = getattr(self, name)
            require(1 <= floor <= _INT16, f"motion: {name} is {floor}, not 1 to {_INT16}")
        require(len(self.features) > 0, "motion: no features")
        order = [FEATURES[name].bit if name in FEATURES else -1 for name in self.features]
        require(
            min(order) >= 0 and order == sorted(set(order)),
            "motion: features are unknown, named twice, or not in their order",
        )
        require(
            all(FEATURES[name].axes <= self.axes for name in self.features),
            "motion: features of rotation take 6 axes",
        )
        self.spectrum.check()
        require(self.spectrum.length == self.window, "motion: the spectrum is of another length than the window")
        smallest, largest = level_range(self.features, self.window, self.spectrum.n_bands)
        self.normalisation.check(self.n_features, smallest, largest, "motion: normalisation")


def level_range(features: tuple[str, ...], window: int, n_bands: int) -> tuple[Ints, Ints]:
    """Compute smallest and largest level of each value of a frame."""
    ranges = [FEATURES[name].range(window) for name in features for _ in range(FEATURES[name].width(n_bands))]
    low, high = np.array(ranges, np.int64).T
    return low, high


class Motion(Extractor):
    """Streaming extractor: one feature frame for each window."""

    def __init__(self, plan: MotionPlan) -> None:
        super().__init__(plan.normalisation)
        self._plan = plan
        self._spectrum = Spectrum(plan.spectrum)

    def levels(self, frames: Ints) -> tuple[Ints, Ints]:
        """Compute the levels of windows (n, window, axes), in the order of the plan's features."""
        window = _Window(self._plan, self._spectrum, frames)
        columns: list[Ints] = []
        for name in self._plan.features:  # no comprehension: the frame of one would keep the windows after Ctrl-C
            columns.append(getattr(window, name)().reshape(len(frames), -1))
        return np.concatenate(columns, axis=1), np.arange(len(frames))


class _Window:
    """Windows, the values that several features share, and a method for each feature."""

    def __init__(self, plan: MotionPlan, transform: Spectrum, frames: Ints) -> None:
        self._plan, self._transform = plan, transform
        self._acceleration, self._rotation = frames[:, :, :3], frames[:, :, 3:]
        self._magnitude = _length(self._acceleration)
        self._magnitude_sum = self._magnitude.sum(axis=1)
        self._magnitude_mean = saturating_rounding_doubling_high_mul(self._magnitude_sum, np.array(plan.window_q31))
        before = np.zeros((len(frames), 1, 3), np.int64)
        sums = np.concatenate([before, np.cumsum(self._acceleration, axis=1)], axis=1)
        self._gravity_sums = sums[:, plan.gravity :] - sums[:, : -plan.gravity]
        self._bands: tuple[Ints, Ints] | None = None

    def magnitude_mean(self) -> Ints:
        return self._magnitude_mean

    def magnitude_deviation(self) -> Ints:
        return self._deviation(self._magnitude, self._plan.floor)

    def magnitude_min(self) -> Ints:
        return self._magnitude.min(axis=1)

    def magnitude_max(self) -> Ints:
        return log2_q10(self._magnitude.max(axis=1) + self._plan.floor)

    def magnitude_range(self) -> Ints:
        return self._range(self._magnitude, self._plan.floor)

    def sma(self) -> Ints:
        return self._area(self._acceleration)

    def mean_crossings(self) -> Ints:
        away = self._plan.window * self._magnitude - self._magnitude_sum[:, None]
        side = np.sign(away) * (np.abs(away) > self._plan.window * self._plan.floor)
        at = np.where(side != 0, np.arange(side.shape[1]), 0)
        last = np.take_along_axis(side, np.maximum.accumulate(at, axis=1), axis=1)
        return (last[:, 1:] * last[:, :-1] < 0).sum(axis=1)

    def band_energies(self) -> Ints:
        return self._spectrum()[0]

    def dominant_frequency(self) -> Ints:
        return self._spectrum()[1]

    def odba(self) -> Ints:
        return self._area(self._dynamic())

    def vedba_mean(self) -> Ints:
        return self._mean(_length(self._dynamic()), self._plan.floor)

    def vedba_max(self) -> Ints:
        return log2_q10(_length(self._dynamic()).max(axis=1) + self._plan.floor)

    def posture_change(self) -> Ints:
        before, after = _normalised(self._gravity_sums[:, 0]), _normalised(self._gravity_sums[:, -1])
        across = np.stack(
            [
                (before[:, a] * after[:, b] - before[:, b] * after[:, a]) >> _DIRECTION_BITS
                for a, b in ((1, 2), (2, 0), (0, 1))
            ],
            axis=1,
        )
        return angle_q12((before * after).sum(axis=1) >> _DIRECTION_BITS, _length(across))

    def axis_mean(self) -> Ints:
        return saturating_rounding_doubling_high_mul(self._acceleration.sum(axis=1), np.array(self._plan.window_q31))

    def axis_deviation(self) -> Ints:
        return self._deviation(self._acceleration, self._plan.floor)

    def axis_range(self) -> Ints:
        return self._range(self._acceleration, self._plan.floor)

    def jerk_mean(self) -> Ints:
        n = self._plan.window - 1
        return log2_q10(self._jerk().sum(axis=1) + n * self._plan.floor) - self._plan.jerk_log2_q10

    def jerk_max(self) -> Ints:
        return log2_q10(self._jerk().max(axis=1) + self._plan.floor)

    def rotation_mean(self) -> Ints:
        return self._mean(_length(self._rotation), self._plan.rotation_floor)

    def rotation_deviation(self) -> Ints:
        return self._deviation(_length(self._rotation), self._plan.rotation_floor)

    def rotation_max(self) -> Ints:
        return log2_q10(_length(self._rotation).max(axis=1) + self._plan.rotation_floor)

    def rotation_axis_deviation(self) -> Ints:
        return self._deviation(self._rotation, self._plan.rotation_floor)

    def _mean(self, values: Ints, floor: int) -> Ints:
        plan = self._plan
        return log2_q10(values.sum(axis=1) + plan.window * floor) - plan.window_log2_q10

    def _area(self, vectors: Ints) -> Ints:
        return self._mean(np.abs(_saturated(vectors)).sum(axis=2), self._plan.floor)

    def _deviation(self, values: Ints, floor: int) -> Ints:
        """Compute half the log2 of the exact variance of values (n, window) or (n, window, 3)."""
        n, total = self._plan.window, values.sum(axis=1)
        variance = n * (values * values).sum(axis=1) - total * total
        return (log2_wide_q10(variance + (n * floor) ** 2) >> 1) - self._plan.window_log2_q10

    def _range(self, values: Ints, floor: int) -> Ints:
        return log2_q10(values.max(axis=1) - values.min(axis=1) + floor)

    def _dynamic(self) -> Ints:
        plan = self._plan
        last = plan.window - plan.gravity
        at = np.clip(np.arange(plan.window) - plan.gravity // 2, 0, last)
        without = plan.gravity * self._acceleration - self._gravity_sums[:, at]
        return saturating_rounding_doubling_high_mul(without, np.array(plan.gravity_q31))

    def _jerk(self) -> Ints:
        return _length(np.diff(self._acceleration, axis=1))

    def _spectrum(self) -> tuple[Ints, Ints]:
        if self._bands is None:
            signal = _saturated(self._magnitude - self._magnitude_mean[:, None])
            self._bands = self._transform.run(signal)
        return self._bands


def _length(vectors: Ints) -> Ints:
    """Compute the length, rounded down, of vectors (..., 3) whose components are saturated."""
    parts = _saturated(vectors)
    return floor_sqrt((parts * parts).sum(axis=-1))


def _normalised(vectors: Ints) -> Ints:
    """Scale vectors (n, 3) until the largest component has `_DIRECTION_BITS` bits; 0 stays 0."""
    bits = bit_length(np.abs(vectors).max(axis=1, keepdims=True)) - _DIRECTION_BITS
    return np.where(bits > 0, vectors >> np.maximum(bits, 0), vectors << np.maximum(-bits, 0))


def _saturated(values: Ints) -> Ints:
    return np.clip(values, -_INT16, _INT16)
