"""Features section of a spec for each kind of extractor: its keys, and their durations in samples and hops."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, model_validator

from anomsdk.core import bands, days, external, fft, filterbank, motion, profile
from anomsdk.errors import quoted
from anomsdk.planner.sections import DiarySensor, MotionSensor, Section, Sensor

AnySensor: TypeAlias = Sensor | MotionSensor | DiarySensor

SAME = 1e-6
"""Largest rounding error without a note, in samples, hops or mHz."""


def nearest(x: float) -> int:
    """Round to the nearest whole number, ties up, with the margin of `anomsdk.planner.tables.rounded`."""
    return math.floor(x + 0.5 + 1e-9)


class Features(Section):
    """Base of the features sections: lengths and checks that every kind has.

    The defaults here fit an extractor whose window is one sample.
    """

    learns: ClassVar[bool] = False
    """The extractor learns while it runs, and the reference rung freezes what it has learnt."""

    if TYPE_CHECKING:
        kind: str
        normalisation: str

    def window_length_at(self, rate_hz: float) -> int:
        """Number of samples in one window at ``rate_hz``."""
        return 1

    def hop_length_at(self, rate_hz: float) -> int:
        """Number of samples from one window to the next at ``rate_hz``."""
        return 1

    def hops_per_frame_at(self, rate_hz: float) -> int:
        """Number of hops in one feature frame at ``rate_hz``."""
        return 1

    def columns_of(self, sensor: AnySensor) -> int:
        """Number of values in one sample."""
        return 1

    def check_sensor(self, sensor: AnySensor) -> None:
        """Refuse a sensor that the section does not fit, with a ValueError that names the key."""

    def notes_at(self, rate_hz: float) -> list[str]:
        """Return a line for each duration that is rounded to whole hops or samples at ``rate_hz``."""
        return []


class SoundFeatures(Features):
    """Keys that all extractors of sound have."""

    fft_length: Annotated[int, Field(ge=min(fft.LENGTHS), le=max(fft.LENGTHS))]
    """Length of a window in samples: a power of two, 64 to 4096."""
    hop_length: Annotated[int, Field(ge=1, le=max(fft.LENGTHS))]
    """Samples from one window to the next, 1 to fft_length."""
    fmin_hz: Annotated[float, Field(ge=0)] = 0.0
    fmax_hz: Annotated[float, Field(gt=0)]
    """Highest frequency in Hz, at most half the rate."""
    normalisation: Literal["learnt", "model"] = "learnt"
    allow_speech_features: bool = False
    """Permission for features that can carry speech, see `anomsdk.plans.speech`."""

    @model_validator(mode="after")
    def _lengths(self) -> SoundFeatures:
        if self.fft_length not in fft.LENGTHS:
            raise ValueError(
                f"fft_length must be a power of two, {fft.LENGTHS[0]} to {fft.LENGTHS[-1]}, not {self.fft_length}"
            )
        if self.hop_length > self.fft_length:
            raise ValueError(
                f"hop_length {self.hop_length} is longer than fft_length {self.fft_length}: "
                "samples would be skipped; shorten hop_length"
            )
        if self.fmin_hz >= self.fmax_hz:
            raise ValueError(f"fmin_hz {self.fmin_hz:g} is not below fmax_hz {self.fmax_hz:g}; lower fmin_hz")
        return self

    @property
    def values(self) -> int:
        """Number of values in a feature frame."""
        raise NotImplementedError

    def window_length_at(self, rate_hz: float) -> int:
        """Number of samples in one window: fft_length, at any rate."""
        return self.fft_length

    def hop_length_at(self, rate_hz: float) -> int:
        """Number of samples from one window to the next: hop_length, at any rate."""
        return self.hop_length

    def check_sensor(self, sensor: AnySensor) -> None:
        """Refuse frequencies above half the rate."""
        if self.fmax_hz > sensor.rate_hz / 2:
            raise ValueError(
                f"features.fmax_hz {self.fmax_hz:g} is above half the rate, {sensor.rate_hz / 2:g} Hz; lower it"
            )


class LogmelFeatures(SoundFeatures):
    """Log-mel energies, one frame for each hop: for machines, as speech can be recovered from them."""

    kind: Literal["logmel"]
    n_mels: Annotated[int, Field(ge=1, le=filterbank.MAX_BANDS)]
    mel_scale: Literal["slaney", "htk"] = "slaney"
    mel_norm: Literal["slaney", "none"] = "slaney"

    @property
    def values(self) -> int:
        """Number of values in a feature frame: one for each mel band."""
        return self.n_mels


class BandsFeatures(SoundFeatures):
    """Band energies summed over band_ms or band_hops: for rooms where people live and speak."""

    kind: Literal["bands"]
    n_bands: Annotated[int, Field(ge=1, le=filterbank.MAX_BANDS)]
    fmin_hz: Annotated[float, Field(ge=0.001)]
    band_ms: Annotated[float, Field(gt=0, le=3_600_000)] | None = None
    """Duration in ms over which energies are summed before the logarithm, rounded to whole hops."""
    band_hops: Annotated[int, Field(ge=1, le=bands.MAX_HOPS_PER_FRAME)] | None = None
    """Number of hops over which energies are summed; either band_ms or band_hops must be given."""

    @model_validator(mode="after")
    def _one_length(self) -> BandsFeatures:
        if self.band_ms is None and self.band_hops is None:
            raise ValueError("band_ms is missing; set it to the ms over which energies are summed, or set band_hops")
        if self.band_ms is not None and self.band_hops is not None:
            raise ValueError("band_ms and band_hops are both given; remove one of them")
        return self

    @property
    def values(self) -> int:
        """Number of values in a feature frame: one for each band, the peak and the crest."""
        return self.n_bands + 2

    def hops_per_frame_at(self, rate_hz: float) -> int:
        """Number of hops over which energies are summed: band_hops, or band_ms rounded to whole hops."""
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
            raise ValueError(
                f"features.band_ms {self.band_ms:g} is {hops} hops, more than {bands.MAX_HOPS_PER_FRAME}; shorten it"
            )
        return hops

    def check_sensor(self, sensor: AnySensor) -> None:
        """Refuse frequencies above half the rate, and a band_ms of less than half a hop or of too many hops."""
        super().check_sensor(sensor)
        self.hops_per_frame_at(sensor.rate_hz)

    def notes_at(self, rate_hz: float) -> list[str]:
        """Return a line if band_ms is rounded to whole hops at ``rate_hz``."""
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
    """Features that the maker of a device computes: one int16 row for each hop."""

    kind: Literal["external"]
    n_features: Annotated[int, Field(ge=1, le=external.MAX_FEATURES)]
    counts_per_unit: Annotated[float, Field(ge=1e-6, le=1e6)] = 1.0
    """int16 counts per unit of the model's input scale: 256 for values in 1/256 dB and a scale in dB."""
    normalisation: Literal["learnt", "model"] = "learnt"

    def columns_of(self, sensor: AnySensor) -> int:
        """Number of values in one sample: the width of a row."""
        return self.n_features


class DaysFeatures(Features):
    """Deviations from an own profile of the day, which is learnt on the device, and figures of the last 24 hours."""

    learns: ClassVar[bool] = True

    kind: Literal["days"]
    judged: Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=days.MAX_JUDGED)] | None = None
    """Names of columns that are judged, the first also by its figures; None: the first four of movement or sound."""
    mature_days: Annotated[int, Field(ge=2, le=profile.MOST_SEEN)] = 7
    """Days that are learnt before anything is judged, 2 to 14."""
    profile_hold_days: Annotated[float, Field(gt=0, le=profile.MOST_SEEN)] = 3.0
    """Longest time in days that an alarm at the calibrated level freezes the profile."""
    missing_h: Annotated[float, Field(ge=0, le=6)] = 6.0
    """Hours of the last 24 that may be missing; with more of them nothing is judged."""
    off_body_h: Annotated[float, Field(ge=0, le=24)] = 4.0
    """Hours in a row with nothing but 0 that count as missing, as the device is not on a body; 0: off."""
    normalisation: Literal["learnt"] = "learnt"

    def judged_of(self, sensor: DiarySensor) -> list[int]:
        """Return the columns that are judged, as indices."""
        names = [column.name for column in sensor.columns]
        if self.judged is not None:
            return [names.index(name) for name in self.judged]
        found = [i for i, column in enumerate(sensor.columns) if column.sense in ("movement", "sound")]
        return found[: days.MAX_JUDGED]

    def columns_of(self, sensor: AnySensor) -> int:
        """Number of values in one row."""
        assert isinstance(sensor, DiarySensor)
        return len(sensor.columns)

    def check_sensor(self, sensor: AnySensor) -> None:
        """Refuse columns that the diary does not have."""
        assert isinstance(sensor, DiarySensor)
        names = [column.name for column in sensor.columns]
        for name in self.judged or ():
            if name not in names:
                raise ValueError(f"features.judged '{quoted(name)}' is no column; choose from {', '.join(names)}")
        if self.judged is not None and len(set(self.judged)) != len(self.judged):
            raise ValueError("features.judged names a column twice; remove it")
        if not self.judged_of(sensor):
            raise ValueError("features.judged: no column has sense movement or sound; name the columns to be judged")


class MotionFeatures(Features):
    """Statistics of acceleration over one window, and of rotation if the sensor has 6 axes."""

    kind: Literal["motion"]
    window_s: Annotated[float, Field(gt=0)]
    """Length of a window in seconds, rounded to whole samples: 4 to 1024 samples."""
    hop_s: Annotated[float, Field(gt=0)]
    """Seconds from one window to the next, at most window_s, rounded to whole samples."""
    gravity_s: Annotated[float, Field(gt=0)] = 1.0
    """Seconds of the running mean that is taken for gravity, at most window_s; its corner is 0.443 / gravity_s Hz."""
    select: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    """Names of the features; None: all that sensor.axes and orientation_free allow."""
    orientation_free: bool = False
    """Use only features that stay the same however the device is turned."""
    band_edges_hz: Annotated[tuple[float, ...], Field(strict=False, min_length=2)] | None = None
    """Rising edges in Hz of the frequency bands of the magnitude; None: four bands from 0.5 Hz to 0.4 of the rate."""
    floor_mg: Annotated[float, Field(ge=0, le=1000)] = 4.0
    """Noise of the accelerometer in mg, which counts as no movement; it is added before each logarithm."""
    floor_dps: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """Noise of the gyroscope in degrees a second, which counts as no rotation."""
    normalisation: Literal["learnt"] = "learnt"

    @model_validator(mode="after")
    def _fits_itself(self) -> MotionFeatures:
        if self.hop_s > self.window_s:
            raise ValueError(
                f"hop_s {self.hop_s:g} is longer than window_s {self.window_s:g}: samples would be "
                "skipped; shorten hop_s"
            )
        if self.gravity_s > self.window_s:
            raise ValueError(f"gravity_s {self.gravity_s:g} is longer than window_s {self.window_s:g}; shorten it")
        if self.select is not None:
            self._check_selected(self.select)
        edges = self.band_edges_hz
        if edges is not None and not all(0 < a < b for a, b in pairwise(edges)):
            raise ValueError("band_edges_hz must rise, from above 0 Hz; sort them")
        return self

    def _check_selected(self, names: tuple[str, ...]) -> None:
        if len(set(names)) != len(names):
            raise ValueError("select names a feature twice; remove one")
        for name in names:
            if name not in motion.FEATURES:
                raise ValueError(f"select has '{quoted(name)}', which is none of {', '.join(motion.FEATURES)}")
            if self.orientation_free and not motion.FEATURES[name].orientation_free:
                raise ValueError(f"select has {name}, which changes as the device turns: orientation_free excludes it")

    def selected(self, axes: int, *, turns: bool) -> tuple[str, ...]:
        """Return the names of the features that are computed, in their order in a frame.

        Parameters
        ----------
        axes : 3 or 6
        turns : gravity_s is at least one sample shorter than window_s; without it `posture_change` is always 0
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
        """Number of samples in ``key`` (window_s, hop_s or gravity_s) at ``rate_hz``, rounded."""
        seconds = getattr(self, key)
        samples = nearest(min(seconds * rate_hz, 1e9))
        if samples < 1:
            raise ValueError(
                f"features.{key} {seconds:g} is less than half a sample, {1000 / rate_hz:g} ms; lengthen it"
            )
        return samples

    def window_length_at(self, rate_hz: float) -> int:
        """Number of samples in one window at ``rate_hz``, rounded."""
        return self.samples_of("window_s", rate_hz)

    def hop_length_at(self, rate_hz: float) -> int:
        """Number of samples from one window to the next at ``rate_hz``, rounded."""
        return self.samples_of("hop_s", rate_hz)

    def columns_of(self, sensor: AnySensor) -> int:
        """Number of values in one sample: one for each axis."""
        assert isinstance(sensor, MotionSensor)
        return sensor.axes

    def check_sensor(self, sensor: AnySensor) -> None:
        """Refuse windows of too few or too many samples, and features that the sensor cannot give."""
        assert isinstance(sensor, MotionSensor)
        rate_hz = sensor.rate_hz
        window, gravity = self.samples_of("window_s", rate_hz), self.samples_of("gravity_s", rate_hz)
        self.samples_of("hop_s", rate_hz)
        low, high = motion.WINDOWS
        if not low <= window <= high:
            advice = "lengthen" if window < low else "shorten"
            raise ValueError(
                f"features.window_s {self.window_s:g} is {window} samples, not {low} to {high}; {advice} it"
            )
        if gravity < 2:
            raise ValueError(f"features.gravity_s {self.gravity_s:g} is 1 sample; lengthen it to 2 samples or more")
        rotation = [name for name in self.select or () if motion.FEATURES[name].axes > sensor.axes]
        if rotation:
            raise ValueError(
                f"features.select has {rotation[0]}, but sensor.axes is 3: there is no gyroscope; remove it from select"
            )
        if "posture_change" in (self.select or ()) and gravity >= window:
            raise ValueError("features.select has posture_change: gravity_s must be shorter than window_s, best half")
        edges = self.band_edges_hz
        if edges is not None and edges[-1] > rate_hz / 2:
            raise ValueError(
                f"features.band_edges_hz ends at {edges[-1]:g} Hz, above half the rate, {rate_hz / 2:g} Hz; lower it"
            )

    def notes_at(self, rate_hz: float) -> list[str]:
        """Return a line for each duration that is rounded to whole samples at ``rate_hz``."""
        lines = []
        for key in ("window_s", "hop_s", "gravity_s"):
            seconds, samples = getattr(self, key), self.samples_of(key, rate_hz)
            if abs(samples - seconds * rate_hz) > SAME:
                plural = "s" * (samples > 1)
                lines.append(
                    f"features.{key} {seconds:g}: {samples} sample{plural} at {rate_hz:g} Hz, {samples / rate_hz:.7g} s"
                )
        return lines


AnyFeatures: TypeAlias = LogmelFeatures | BandsFeatures | MotionFeatures | ExternalFeatures | DaysFeatures
"""Features section of any kind; `anomsdk.planner.front_end.EXTRACTORS` has an entry for each."""
