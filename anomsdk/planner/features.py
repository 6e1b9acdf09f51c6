"""The features section of a spec, for each kind of extractor: its keys, and what they are in samples and hops."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from anomsdk.core import bands, external, fft, filterbank, motion
from anomsdk.errors import quoted
from anomsdk.planner.sections import MotionSensor, Section, Sensor

SAME = 1e-6
"""Samples, hops or mHz that a value may be off without a note."""


def nearest(x: float) -> int:
    """Nearest whole number, ties up, with the margin of `anomsdk.planner.tables.rounded`."""
    return math.floor(x + 0.5 + 1e-9)


class Features(Section):
    """Questions that every features section answers, whatever its kind.

    The base answers as an extractor does whose window is one sample.
    """

    if TYPE_CHECKING:
        kind: str
        normalisation: str

    def window_length_at(self, rate_hz: float) -> int:
        """Samples of one window at this rate in Hz."""
        return 1

    def hop_length_at(self, rate_hz: float) -> int:
        """Samples from one window to the next at this rate in Hz."""
        return 1

    def hops_per_frame_at(self, rate_hz: float) -> int:
        """Hops that make one feature frame at this rate in Hz."""
        return 1

    def columns_of(self, sensor: Sensor | MotionSensor) -> int:
        """Values of one sample."""
        return 1

    def check_sensor(self, sensor: Sensor | MotionSensor) -> None:
        """Refuse a sensor that the section does not fit: ValueError names the key."""

    def notes_at(self, rate_hz: float) -> list[str]:
        """A line for each duration that is no whole number of hops or samples at this rate in Hz."""
        return []


class SoundFeatures(Features):
    """Keys of every extractor of sound."""

    fft_length: Annotated[int, Field(ge=min(fft.LENGTHS), le=max(fft.LENGTHS))]
    """Window, samples: a power of two, 64 to 4096."""
    hop_length: Annotated[int, Field(ge=1, le=max(fft.LENGTHS))]
    """Samples from one window to the next, at most fft_length."""
    fmin_hz: Annotated[float, Field(ge=0)] = 0.0
    fmax_hz: Annotated[float, Field(gt=0)]
    """At most half the rate."""
    normalisation: Literal["learnt", "model"] = "learnt"
    allow_speech_features: bool = False
    """Permits features that can carry speech: log-mels, and bands above `anomsdk.plans.speech.MOST_VALUES` a second."""

    @model_validator(mode="after")
    def _lengths(self) -> SoundFeatures:
        if self.fft_length not in fft.LENGTHS:
            raise ValueError(
                f"fft_length must be a power of two, {fft.LENGTHS[0]} to {fft.LENGTHS[-1]}, not {self.fft_length}"
            )
        if self.hop_length > self.fft_length:
            raise ValueError(
                f"hop_length {self.hop_length} is longer than fft_length {self.fft_length}: samples would be skipped"
            )
        if self.fmin_hz >= self.fmax_hz:
            raise ValueError(f"fmin_hz {self.fmin_hz:g} is not below fmax_hz {self.fmax_hz:g}")
        return self

    @property
    def values(self) -> int:
        """Values of a feature frame."""
        raise NotImplementedError

    def window_length_at(self, rate_hz: float) -> int:
        """Samples of one window."""
        return self.fft_length

    def hop_length_at(self, rate_hz: float) -> int:
        """Samples from one window to the next."""
        return self.hop_length

    def check_sensor(self, sensor: Sensor | MotionSensor) -> None:
        """Refuse frequencies above half the rate."""
        if self.fmax_hz > sensor.rate_hz / 2:
            raise ValueError(f"features.fmax_hz {self.fmax_hz:g} is above half the rate, {sensor.rate_hz / 2:g} Hz")


class LogmelFeatures(SoundFeatures):
    """Log-mel energies, one frame a hop: for machines. A second of them is a recording."""

    kind: Literal["logmel"]
    n_mels: Annotated[int, Field(ge=1, le=filterbank.MAX_BANDS)]
    mel_scale: Literal["slaney", "htk"] = "slaney"
    mel_norm: Literal["slaney", "none"] = "slaney"

    @property
    def values(self) -> int:
        """Values of a feature frame: one for each mel band."""
        return self.n_mels


class BandsFeatures(SoundFeatures):
    """Band energies over band_ms, or over band_hops: for rooms where people live and speak."""

    kind: Literal["bands"]
    n_bands: Annotated[int, Field(ge=1, le=filterbank.MAX_BANDS)]
    fmin_hz: Annotated[float, Field(ge=0.001)]
    band_ms: Annotated[float, Field(gt=0, le=3_600_000)] | None = None
    """Milliseconds that energies add up over before the logarithm: the nearest whole number of hops."""
    band_hops: Annotated[int, Field(ge=1, le=bands.MAX_HOPS_PER_FRAME)] | None = None
    """The same in hops, exactly; one of band_ms and band_hops must be given."""

    @model_validator(mode="after")
    def _one_length(self) -> BandsFeatures:
        if self.band_ms is None and self.band_hops is None:
            raise ValueError("band_ms is missing: say how long energies add up, in ms, or in hops with band_hops")
        if self.band_ms is not None and self.band_hops is not None:
            raise ValueError("band_ms and band_hops are both given; remove one of them")
        return self

    @property
    def values(self) -> int:
        """Values of a feature frame: one for each band, the peak and the crest."""
        return self.n_bands + 2

    def hops_per_frame_at(self, rate_hz: float) -> int:
        """Hops that energies add up over: the nearest whole number."""
        if self.band_ms is None:
            assert self.band_hops is not None
            return self.band_hops
        hops = nearest(self.band_ms * rate_hz / 1000 / self.hop_length)
        if hops < 1:
            hop_ms = self.hop_length * 1000 / rate_hz
            raise ValueError(
                f"features.band_ms {self.band_ms:g} is less than half a hop of {hop_ms:g} ms; lengthen it, or "
                "shorten hop_length"
            )
        if hops > bands.MAX_HOPS_PER_FRAME:
            raise ValueError(f"features.band_ms {self.band_ms:g} is {hops} hops, more than {bands.MAX_HOPS_PER_FRAME}")
        return hops

    def check_sensor(self, sensor: Sensor | MotionSensor) -> None:
        """Refuse frequencies above half the rate, and a band_ms of no hop or of too many."""
        super().check_sensor(sensor)
        self.hops_per_frame_at(sensor.rate_hz)

    def notes_at(self, rate_hz: float) -> list[str]:
        """A line where band_ms is no whole number of hops."""
        if self.band_ms is None:
            return []
        hops, hop = self.hops_per_frame_at(rate_hz), self.hop_length
        if abs(hops - self.band_ms * rate_hz / 1000 / hop) <= SAME:
            return []
        return [
            f"features.band_ms {self.band_ms:g}: {hops} hop{'s' * (hops > 1)} of {hop} samples at "
            f"{rate_hz:g} Hz, {hops * hop * 1000 / rate_hz:.7g} ms"
        ]


class ExternalFeatures(Features):
    """A maker's own features: one int16 row a hop."""

    kind: Literal["external"]
    n_features: Annotated[int, Field(ge=1, le=external.MAX_FEATURES)]
    counts_per_unit: Annotated[float, Field(ge=1e-6, le=1e6)] = 1.0
    """int16 counts in one of the units that the model's own input scale speaks of (256: log-mels in 1/256 dB)."""
    normalisation: Literal["learnt", "model"] = "learnt"

    def columns_of(self, sensor: Sensor | MotionSensor) -> int:
        """Values of one sample: a whole row."""
        return self.n_features


class MotionFeatures(Features):
    """Statistics of acceleration, and of rotation with 6 axes, over one window."""

    kind: Literal["motion"]
    window_s: Annotated[float, Field(gt=0)]
    """The nearest whole number of samples, 4 to 1024."""
    hop_s: Annotated[float, Field(gt=0)]
    """From one window to the next, at most window_s: the nearest whole number of samples."""
    gravity_s: Annotated[float, Field(gt=0)] = 1.0
    """Length of the running mean that is taken for gravity, at most window_s; its corner is 0.443 / gravity_s Hz."""
    select: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    """Features, by name; None: all that the axes, and orientation_free, allow."""
    orientation_free: bool = False
    """Only features that stay the same however the device is turned."""
    band_edges_hz: Annotated[tuple[float, ...], Field(strict=False, min_length=2)] | None = None
    """Rising edges of the frequency bands of the magnitude; None: four bands from 0.5 Hz to 0.4 of the rate."""
    floor_mg: Annotated[float, Field(ge=0, le=1000)] = 4.0
    """Acceleration that counts as none, the sensor's noise; added before each logarithm."""
    floor_dps: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """Rotation that counts as none."""
    normalisation: Literal["learnt"] = "learnt"

    @model_validator(mode="after")
    def _fits_itself(self) -> MotionFeatures:
        if self.hop_s > self.window_s:
            raise ValueError(
                f"hop_s {self.hop_s:g} is longer than window_s {self.window_s:g}: samples would be skipped"
            )
        if self.gravity_s > self.window_s:
            raise ValueError(f"gravity_s {self.gravity_s:g} is longer than window_s {self.window_s:g}")
        if self.select is not None:
            self._check_selected(self.select)
        edges = self.band_edges_hz
        if edges is not None and not all(0 < a < b for a, b in pairwise(edges)):
            raise ValueError("band_edges_hz must rise, from above 0 Hz")
        return self

    def _check_selected(self, names: tuple[str, ...]) -> None:
        if len(set(names)) != len(names):
            raise ValueError("select names a feature twice")
        for name in names:
            if name not in motion.FEATURES:
                raise ValueError(f"select has '{quoted(name)}', which is none of {', '.join(motion.FEATURES)}")
            if self.orientation_free and not motion.FEATURES[name].orientation_free:
                raise ValueError(f"select has {name}, which changes as the device turns; orientation_free rules it out")

    def selected(self, axes: int, *, turns: bool) -> tuple[str, ...]:
        """Names of the features, in the order that a frame has them.

        Parameters
        ----------
        axes : 3 or 6
        turns : gravity_s is at least a sample shorter than window_s, so that `posture_change` is more than 0
        """
        chosen = motion.FEATURES if self.select is None else self.select
        return tuple(
            name
            for name, feature in motion.FEATURES.items()
            if name in chosen
            and feature.axes <= axes
            and (not self.orientation_free or feature.orientation_free)
            and (name != "posture_change" or turns)
        )

    def samples_of(self, key: str, rate_hz: float) -> int:
        """Samples that a duration lasts, window_s, hop_s or gravity_s: the nearest whole number."""
        seconds = getattr(self, key)
        samples = nearest(min(seconds * rate_hz, 1e9))
        if samples < 1:
            raise ValueError(
                f"features.{key} {seconds:g} is less than half a sample, {1000 / rate_hz:g} ms; lengthen it"
            )
        return samples

    def window_length_at(self, rate_hz: float) -> int:
        """Samples of one window: the nearest whole number."""
        return self.samples_of("window_s", rate_hz)

    def hop_length_at(self, rate_hz: float) -> int:
        """Samples from one window to the next: the nearest whole number."""
        return self.samples_of("hop_s", rate_hz)

    def columns_of(self, sensor: Sensor | MotionSensor) -> int:
        """Values of one sample: one for each axis."""
        assert isinstance(sensor, MotionSensor)
        return sensor.axes

    def check_sensor(self, sensor: Sensor | MotionSensor) -> None:
        """Refuse windows of too few or too many samples, and features that the sensor cannot give."""
        assert isinstance(sensor, MotionSensor)
        rate_hz = sensor.rate_hz
        window, gravity = self.samples_of("window_s", rate_hz), self.samples_of("gravity_s", rate_hz)
        self.samples_of("hop_s", rate_hz)
        low, high = motion.WINDOWS
        if not low <= window <= high:
            raise ValueError(f"features.window_s {self.window_s:g} is {window} samples, not {low} to {high}")
        if gravity < 2:
            raise ValueError(f"features.gravity_s {self.gravity_s:g} is {gravity} sample; a mean takes 2 or more")
        rotation = [name for name in self.select or () if motion.FEATURES[name].axes > sensor.axes]
        if rotation:
            raise ValueError(f"features.select has {rotation[0]}, but sensor.axes is 3: there is no gyroscope")
        if "posture_change" in (self.select or ()) and gravity >= window:
            raise ValueError("features.select has posture_change: gravity_s must be shorter than window_s, best half")
        edges = self.band_edges_hz
        if edges is not None and edges[-1] > rate_hz / 2:
            raise ValueError(
                f"features.band_edges_hz ends at {edges[-1]:g} Hz, above half the rate, {rate_hz / 2:g} Hz"
            )

    def notes_at(self, rate_hz: float) -> list[str]:
        """A line for each duration that is no whole number of samples."""
        lines = []
        for key in ("window_s", "hop_s", "gravity_s"):
            seconds, samples = getattr(self, key), self.samples_of(key, rate_hz)
            if abs(samples - seconds * rate_hz) > SAME:
                plural = "s" * (samples > 1)
                lines.append(
                    f"features.{key} {seconds:g}: {samples} sample{plural} at {rate_hz:g} Hz, {samples / rate_hz:.7g} s"
                )
        return lines


AnyFeatures: TypeAlias = LogmelFeatures | BandsFeatures | MotionFeatures | ExternalFeatures
"""The features section of a spec; `anomsdk.planner.front_end.EXTRACTORS` has each kind."""
