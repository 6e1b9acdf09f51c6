"""PipelineSpec: what a person writes, in ms, Hz and seconds. `anomsdk.plan` turns it into integers."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from anomsdk.core import alert, bands, context, external, fft, filterbank, motion
from anomsdk.core.plan import MAX_COUNTS_PER_UNIT, MOTION_RATES_HZ, NAME_PATTERN, SENSOR_OF
from anomsdk.errors import InputError, quoted
from anomsdk.utils.files import read_limited

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_SPEC_BYTES = 1 << 20


_WORD_FOR_NONE = {"select": "all", "band_edges_hz": "default"}
"""What a file says where a key has no value; "none" for the others. So every key can stand in every file."""
NONE = "none"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _none_in_words(cls, given: Any) -> Any:
        """A key that may have no value, and says so in its word, has none."""
        if not isinstance(given, dict):
            return given
        return {key: None if value == word_for_none(cls, key) else value for key, value in given.items()}


def word_for_none(section: type[BaseModel], key: str) -> str | None:
    """What a file says where a key of a section has no value; None where it must have one."""
    field = section.model_fields.get(key)
    return _WORD_FOR_NONE.get(key, NONE) if field is not None and field.default is None else None


class Sensor(_Section):
    """What the samples are."""

    kind: Literal["audio", "external"]
    rate_hz: Annotated[float, Field(ge=0.001, le=1_000_000)]
    """Samples a second (external: rows a second). Audio: a whole number, 1000 to 384000."""

    @model_validator(mode="after")
    def _whole_audio_rate(self) -> Sensor:
        if self.kind == "audio" and not (self.rate_hz == int(self.rate_hz) and 1000 <= self.rate_hz <= 384_000):
            raise ValueError(f"rate_hz of audio must be a whole number from 1000 to 384000, not {self.rate_hz:g}")
        return self


class MotionSensor(_Section):
    """An accelerometer, and where it has 6 axes a gyroscope beside it."""

    kind: Literal["motion"]
    rate_hz: Annotated[float, Field(ge=MOTION_RATES_HZ[0], le=MOTION_RATES_HZ[1])]
    """Samples a second, 10 to 200."""
    axes: Literal[3, 6] = 3
    """3: ax, ay, az; 6: gx, gy, gz, too."""
    counts_per_g: Annotated[float, Field(ge=0.001, le=MAX_COUNTS_PER_UNIT)]
    """int16 counts in one g."""
    counts_per_dps: Annotated[float, Field(ge=0.001, le=MAX_COUNTS_PER_UNIT)] | None = None
    """int16 counts in one degree a second; needed with 6 axes."""
    full_scale_g: Annotated[float, Field(ge=0.001)] | None = None
    """Where the sensor clips; None: at the ends of int16."""

    @model_validator(mode="after")
    def _scaled(self) -> MotionSensor:
        if self.axes == 6 and self.counts_per_dps is None:
            raise ValueError("counts_per_dps is missing: 6 axes hold a gyroscope; say its int16 counts in 1 deg/s")
        if self.axes == 3 and self.counts_per_dps is not None:
            raise ValueError("counts_per_dps is for a gyroscope, and 3 axes hold none; remove it or set axes = 6")
        if self.full_scale_g is not None and self.full_scale_g * self.counts_per_g > 32768:
            raise ValueError(
                f"full_scale_g {self.full_scale_g:g} is {self.full_scale_g * self.counts_per_g:.6g} counts, beyond "
                "int16; lower counts_per_g"
            )
        return self


class _Hearing(_Section):
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
    def _lengths(self) -> _Hearing:
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


class LogmelFeatures(_Hearing):
    """Log-mel energies, one frame a hop: for machines. A second of them is a recording."""

    kind: Literal["logmel"]
    n_mels: Annotated[int, Field(ge=1, le=filterbank.MAX_BANDS)]
    mel_scale: Literal["slaney", "htk"] = "slaney"
    mel_norm: Literal["slaney", "none"] = "slaney"


class BandsFeatures(_Hearing):
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


class ExternalFeatures(_Section):
    """A maker's own features: one int16 row a hop."""

    kind: Literal["external"]
    n_features: Annotated[int, Field(ge=1, le=external.MAX_FEATURES)]
    counts_per_unit: Annotated[float, Field(ge=1e-6, le=1e6)] = 1.0
    """int16 counts in one of the units that the model's own input scale speaks of (256: log-mels in 1/256 dB)."""
    normalisation: Literal["learnt", "model"] = "learnt"


class MotionFeatures(_Section):
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
            if self.orientation_free and name not in motion.ORIENTATION_FREE:
                raise ValueError(f"select has {name}, which changes as the device turns; orientation_free rules it out")

    def selected(self, axes: int, *, turns: bool) -> tuple[str, ...]:
        """Names of the features, in the order that a frame has them.

        Parameters
        ----------
        axes : 3 or 6
        turns : gravity_s is at least a sample shorter than window_s, so that `posture_change` is more than 0
        """
        wanted = motion.FEATURES if self.select is None else self.select
        return tuple(
            name
            for name in motion.FEATURES
            if name in wanted
            and (axes == 6 or name not in motion.ROTATION)
            and (not self.orientation_free or name in motion.ORIENTATION_FREE)
            and (name != "posture_change" or turns)
        )


class StackContext(_Section):
    """The model sees the last ``frames`` frames."""

    kind: Literal["stack"]
    frames: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)]
    stride: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)] = 1
    """Frames between model runs."""


_Statistic = Literal["mean", "deviation", "max", "min"]


class SummaryContext(_Section):
    """The model sees statistics of each feature over the last ``frames`` frames."""

    kind: Literal["summary"]
    frames: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)]
    stride: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)] = 1
    statistics: Annotated[tuple[_Statistic, ...], Field(strict=False, min_length=1)] = ("mean", "deviation", "max")

    @model_validator(mode="after")
    def _distinct(self) -> SummaryContext:
        if len(set(self.statistics)) != len(self.statistics):
            raise ValueError("statistics names one twice")
        return self


_ANY_BUDGET = 10**12
"""More than any budget is: numbers of hundreds of digits are no budgets."""


class Model(_Section):
    """The int8 autoencoder."""

    file: Annotated[str, Field(min_length=1, max_length=255)] = "model.tflite"
    """Path, relative to the spec's folder, which it stays inside."""
    max_macs: Annotated[int, Field(ge=1, le=_ANY_BUDGET)] = 30_000
    """Multiply-accumulates a tick: a budget for train."""
    max_ram: Annotated[int, Field(ge=1, le=_ANY_BUDGET)] | None = None
    """Bytes of state and scratch of the C port on a 32-bit processor: a budget for train; None: no bound."""
    max_flash: Annotated[int, Field(ge=1, le=_ANY_BUDGET)] | None = None
    """Bytes of tables and model, the constant arrays that the C port reads: a budget for train; None: no bound."""


LONGEST_S = 30 * 86_400
"""Seconds that a key of the spec may be."""
_Seconds = Annotated[float, Field(ge=0, le=LONGEST_S)]


class Score(_Section):
    """What is done to the score."""

    baseline_s: Literal["chosen"] | _Seconds = 0.0
    """Time constant at which a follower of the score rises; the score above it is what counts. 0: off."""
    baseline_hold_s: _Seconds = 60.0
    """The longest that an alarm freezes the follower; 0: as long as the alarm lasts."""


class Alert(_Section):
    """When a score becomes an alarm."""

    raise_score: Literal["calibrated"] | Annotated[int, Field(ge=1, le=2**32 - 1)] = "calibrated"
    clear_ratio: Annotated[float, Field(gt=0)] = 0.8
    """The alarm clears below this times the raise level; at most 1."""
    high_ratio: Annotated[float, Field(ge=0, le=1024)] = 4.0
    """A score this far above the raise level raises at once; 0: off, else above 1."""
    m: Annotated[int, Field(ge=1, le=alert.MAX_N)] = 3
    n: Annotated[int, Field(ge=1, le=alert.MAX_N)] = 5
    on_delay_s: _Seconds = 0.0
    off_delay_s: _Seconds = 10.0
    cooldown_s: _Seconds = 60.0

    @model_validator(mode="after")
    def _ordered(self) -> Alert:
        if self.m > self.n:
            raise ValueError(f"m {self.m} is more than n {self.n}: it could never alarm")
        if self.clear_ratio > 1:
            raise ValueError(f"clear_ratio {self.clear_ratio:g} puts the clear level above the raise level; 0 to 1")
        if 0 < self.high_ratio <= 1:
            raise ValueError(
                f"high_ratio {self.high_ratio:g} puts the high level at or below the raise level; use 0 or above 1"
            )
        return self


class PipelineSpec(_Section):
    """A whole spec.toml. Unknown keys are refused; every error names its field.

    Examples
    --------
    >>> from anomsdk import PipelineSpec
    >>> spec = PipelineSpec.from_toml(\"\"\"
    ... format = 1
    ... name = "room"
    ... [sensor]
    ... kind = "audio"
    ... rate_hz = 16000
    ... [features]
    ... kind = "bands"
    ... fft_length = 512
    ... hop_length = 256
    ... n_bands = 16
    ... fmin_hz = 100
    ... fmax_hz = 7500
    ... band_ms = 256
    ... [context]
    ... kind = "summary"
    ... frames = 4
    ... \"\"\")
    >>> spec.alert.cooldown_s
    60.0
    """

    format: Literal[1]
    name: Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]
    """A name that C can use: letters, digits and underscores."""
    sensor: Annotated[Sensor | MotionSensor, Field(discriminator="kind")]
    features: Annotated[LogmelFeatures | BandsFeatures | MotionFeatures | ExternalFeatures, Field(discriminator="kind")]
    context: Annotated[StackContext | SummaryContext, Field(discriminator="kind")]
    model: Model = Model()
    score: Score = Score()
    alert: Alert = Alert()

    @model_validator(mode="after")
    def _fits(self) -> PipelineSpec:
        f = self.features
        needed = SENSOR_OF[f.kind]
        if self.sensor.kind != needed:
            raise ValueError(f'features.kind "{f.kind}" needs sensor.kind "{needed}"')
        if isinstance(f, _Hearing) and f.fmax_hz > self.sensor.rate_hz / 2:
            raise ValueError(f"features.fmax_hz {f.fmax_hz:g} is above half the rate, {self.sensor.rate_hz / 2:g} Hz")
        if isinstance(f, BandsFeatures):
            self._hops_per_frame(f)
        if isinstance(f, MotionFeatures):
            self._motion(f)
        if f.normalisation == "model" and self.context.kind == "summary":
            raise ValueError(
                'features.normalisation "model" needs context.kind "stack": statistics have no scale of their own'
            )
        return self

    @property
    def hops_per_frame(self) -> int:
        """Hops that make one feature frame."""
        return self._hops_per_frame(self.features) if isinstance(self.features, BandsFeatures) else 1

    @property
    def columns(self) -> int:
        """Values a sample has: 1 for audio, the axes of motion."""
        if isinstance(self.sensor, MotionSensor):
            return self.sensor.axes
        return self.features.n_features if isinstance(self.features, ExternalFeatures) else 1

    @property
    def window_length(self) -> int:
        """Samples of a window; 1 for external."""
        if isinstance(self.features, MotionFeatures):
            return self.samples_of(self.features, "window_s")
        return 1 if isinstance(self.features, ExternalFeatures) else self.features.fft_length

    @property
    def hop_length(self) -> int:
        """Samples from one window to the next; 1 for external."""
        if isinstance(self.features, MotionFeatures):
            return self.samples_of(self.features, "hop_s")
        return 1 if isinstance(self.features, ExternalFeatures) else self.features.hop_length

    def samples_of(self, features: MotionFeatures, key: str) -> int:
        """Samples that a duration of the motion features lasts: the nearest whole number."""
        seconds, rate = getattr(features, key), self.sensor.rate_hz
        samples = _nearest(min(seconds * rate, 1e9))
        if samples < 1:
            raise ValueError(f"features.{key} {seconds:g} is less than half a sample, {1000 / rate:g} ms; lengthen it")
        return samples

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each duration that is no whole number of hops or samples, and for a rate finer than 1 mHz."""
        features, rate = self.features, self.sensor.rate_hz
        lines = []
        if abs(_nearest(rate * 1000) - rate * 1000) > _SAME:
            lines.append(f"sensor.rate_hz {rate:.10g}: {_nearest(rate * 1000) / 1000:.10g} Hz")
        if isinstance(features, BandsFeatures) and features.band_ms is not None:
            hops, hop = self.hops_per_frame, features.hop_length
            if abs(hops - features.band_ms * rate / 1000 / hop) > _SAME:
                lines.append(
                    f"features.band_ms {features.band_ms:g}: {hops} hop{'s' * (hops > 1)} of {hop} samples at "
                    f"{rate:g} Hz, {hops * hop * 1000 / rate:.7g} ms"
                )
        for key in ("window_s", "hop_s", "gravity_s") if isinstance(features, MotionFeatures) else ():
            assert isinstance(features, MotionFeatures)
            seconds, samples = getattr(features, key), self.samples_of(features, key)
            if abs(samples - seconds * rate) > _SAME:
                plural = "s" * (samples > 1)
                lines.append(
                    f"features.{key} {seconds:g}: {samples} sample{plural} at {rate:g} Hz, {samples / rate:.7g} s"
                )
        return tuple(lines)

    @property
    def tick_s(self) -> float:
        """Seconds from one model run to the next."""
        return self.hop_length * self.hops_per_frame * self.context.stride / self.sensor.rate_hz

    def _motion(self, features: MotionFeatures) -> None:
        assert isinstance(self.sensor, MotionSensor)
        window, gravity = self.samples_of(features, "window_s"), self.samples_of(features, "gravity_s")
        self.samples_of(features, "hop_s")
        low, high = motion.WINDOWS
        if not low <= window <= high:
            raise ValueError(f"features.window_s {features.window_s:g} is {window} samples, not {low} to {high}")
        if gravity < 2:
            raise ValueError(f"features.gravity_s {features.gravity_s:g} is {gravity} sample; a mean takes 2 or more")
        rotation = [name for name in features.select or () if name in motion.ROTATION]
        if self.sensor.axes == 3 and rotation:
            raise ValueError(f"features.select has {rotation[0]}, but sensor.axes is 3: there is no gyroscope")
        if "posture_change" in (features.select or ()) and gravity >= window:
            raise ValueError("features.select has posture_change: gravity_s must be shorter than window_s, best half")
        edges = features.band_edges_hz
        if edges is not None and edges[-1] > self.sensor.rate_hz / 2:
            raise ValueError(
                f"features.band_edges_hz ends at {edges[-1]:g} Hz, above half the rate, {self.sensor.rate_hz / 2:g} Hz"
            )

    def _hops_per_frame(self, features: BandsFeatures) -> int:
        if features.band_ms is None:
            assert features.band_hops is not None
            return features.band_hops
        hops = _nearest(features.band_ms * self.sensor.rate_hz / 1000 / features.hop_length)
        if hops < 1:
            hop_ms = features.hop_length * 1000 / self.sensor.rate_hz
            raise ValueError(
                f"features.band_ms {features.band_ms:g} is less than half a hop of {hop_ms:g} ms; lengthen it, or "
                "shorten hop_length"
            )
        if hops > bands.MAX_HOPS_PER_FRAME:
            raise ValueError(
                f"features.band_ms {features.band_ms:g} is {hops} hops, more than {bands.MAX_HOPS_PER_FRAME}"
            )
        return hops

    @classmethod
    def from_dict(cls, tree: dict[str, Any], *, source: str = "spec") -> PipelineSpec:
        """A spec from nested dicts, as TOML gives them; InputError names the first field that is wrong."""
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise InputError(f"{source}: {_first_problem(error)}") from None

    @classmethod
    def from_toml(cls, text: str, *, source: str = "spec") -> PipelineSpec:
        """A spec from TOML text."""
        try:
            tree = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{source}: not valid TOML{_toml_problem(str(error))}; is this a spec.toml?") from None
        if "format" not in tree:
            raise InputError(f"{source}: format: field required; a spec begins with format = 1")
        return cls.from_dict(tree, source=source)

    @classmethod
    def from_file(cls, path: str | Path) -> PipelineSpec:
        """A spec from a .toml file."""
        path = Path(path)
        try:
            text = read_limited(path, MAX_SPEC_BYTES).decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{path}: not UTF-8 text; is this a spec.toml?") from None
        return cls.from_toml(text, source=str(path))

    def to_toml(self) -> str:
        """The spec as TOML text: every key, with what it means."""
        lines = [f"format = {self.format}", f"name = {_toml(self.name)}"]
        for section in SECTIONS:
            lines += ["", f"[{section}]", *_key_lines(getattr(self, section))]
        return "\n".join(lines) + "\n"

    def completed(self, text: str) -> str:
        """TOML text of this spec with the keys added that it leaves out, each with its value and what it means.

        Parameters
        ----------
        text : of this spec; its lines, order and comments stay. Where keys cannot be added to it (sections in one
            line), the whole is written anew
        """
        lines = text.rstrip().splitlines()
        tree = tomllib.loads(text)
        for section in SECTIONS:
            missing = _key_lines(getattr(self, section), without=tree.get(section, {}))
            if not missing:
                continue
            if section not in tree:
                lines += ["", f"[{section}]", *missing]
                continue
            place = _end_of(lines, section)
            if place is None:
                return self.to_toml()
            lines[place:place] = missing
        found = "\n".join(lines) + "\n"
        try:
            same = PipelineSpec.from_toml(found) == self
        except InputError:
            same = False
        return found if same else self.to_toml()


SECTIONS = ("sensor", "features", "context", "model", "score", "alert")
_MEANINGS = {
    "kind": "of the sensor, the features, the context",
    "rate_hz": "samples (rows) a second",
    "axes": "3: accelerometer; 6: and gyroscope",
    "counts_per_g": "int16 counts in 1 g",
    "counts_per_dps": "int16 counts in 1 deg/s; none without a gyroscope",
    "full_scale_g": "where the sensor clips; none: at the ends of int16",
    "fft_length": "samples of a window, a power of two",
    "hop_length": "samples from one window to the next",
    "fmin_hz": "lowest frequency",
    "fmax_hz": "highest frequency, at most half the rate",
    "normalisation": "learnt, or model: the input scale of an imported model",
    "allow_speech_features": "permits features that can carry speech",
    "n_mels": "mel bands",
    "mel_scale": "slaney or htk",
    "mel_norm": "slaney or none",
    "n_bands": "frequency bands",
    "band_ms": "ms that energies add up over; none: band_hops says it",
    "band_hops": "the same in hops; none: band_ms says it",
    "n_features": "values in a row",
    "counts_per_unit": "int16 counts in a unit of the model's input scale",
    "window_s": "s of a window",
    "hop_s": "s from one window to the next",
    "gravity_s": "s of the running mean that is taken for gravity",
    "select": "names of features; all: all that the sensor allows",
    "orientation_free": "only features that stay the same however the device is turned",
    "band_edges_hz": "rising edges; default: four bands",
    "floor_mg": "mg that count as no movement",
    "floor_dps": "deg/s that count as no rotation",
    "frames": "feature frames that the model sees",
    "stride": "frames between model runs",
    "statistics": "of each feature over the frames: mean, deviation, max, min",
    "file": "path of the model in this folder",
    "max_macs": "multiply-accumulates a tick, at most: a budget for train",
    "max_ram": "bytes of RAM in C, at most: a budget for train; none: no bound",
    "max_flash": "bytes of constant data in C, at most: a budget for train; none: no bound",
    "baseline_s": "s, time constant of a follower of the score; 0: off; chosen: by train",
    "baseline_hold_s": "s that an alarm freezes the follower, at most; 0: as long as it lasts",
    "raise_score": "calibrated, or a number",
    "clear_ratio": "of the raise level: below it the alarm clears",
    "high_ratio": "of the raise level: from it on one tick raises at once; 0: off",
    "m": "of the last n ticks, m must reach the raise level",
    "n": f"1 to {alert.MAX_N} ticks",
    "on_delay_s": "s that the votes must last",
    "off_delay_s": "s below the clear level until the alarm clears",
    "cooldown_s": "s after an alarm without another",
}
"""Key -> what it means, as a written spec says it; docs/configuration.md says more."""
_COMMENT_AT = 27


def _key_lines(section: BaseModel, without: Iterable[str] = ()) -> list[str]:
    """A line for each key of a section, its kind first."""
    given, lines = set(without), []
    for key, value in _kind_first(section.model_dump()):
        if key in given:
            continue
        word = word_for_none(type(section), key)
        setting = f"{key} = {_toml(word if value is None else value)}"
        lines.append(setting if key == "kind" else f"{setting.ljust(_COMMENT_AT - 1)} # {_MEANINGS[key]}")
    return lines


def _end_of(lines: list[str], section: str) -> int | None:
    """Line after the last key of a section that has a heading of its own; None: it has none."""
    headings = [i for i, line in enumerate(lines) if re.match(r"\s*\[", line)]
    start = next((i for i in headings if re.match(rf"\s*\[\s*{section}\s*\]\s*(#.*)?$", lines[i])), None)
    if start is None:
        return None
    stop = next((i for i in headings if i > start), len(lines))
    while stop > start + 1 and (not lines[stop - 1].strip() or lines[stop - 1].lstrip().startswith("#")):
        stop -= 1
    return stop


_SAME = 1e-6
"""Samples, hops or mHz that a value may be off without a note."""


def _nearest(x: float) -> int:
    """Nearest whole number, ties up, with the margin of `anomsdk.planner.tables.rounded`."""
    return math.floor(x + 0.5 + 1e-9)


def _kind_first(section: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(section.items(), key=lambda item: item[0] != "kind")


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value)


_TOML_PROBLEMS = (
    *("Expected '=' after a key in a key/value pair", "Expected newline or end of document after a statement"),
    *("Invalid value", "Invalid statement", "Unterminated string", "Unclosed array", "Unclosed inline table"),
    *("Invalid initial character for a key part", "Cannot overwrite a value", "Expected ']' at the end of a table"),
)
"""What a TOML parser says without quoting the file."""


def _toml_problem(said: str) -> str:
    """What a TOML parser found, and where: none of its words that quote a file, which may be another's."""
    problem = next((f": {words}" for words in _TOML_PROBLEMS if said.startswith(words)), "")
    place = re.search(r"\(at (line \d+, column \d+|end of document)\)$", said)
    return problem + (f" at {place[1]}" if place else "")


_INTEGER_OR_WORD = 'must be "calibrated" or a whole number from 1 to 4294967295'
_PLAIN = {
    ("name", "string_pattern_mismatch"): "must be letters, digits and underscores, the first a letter, at most 48",
    ("features", "union_tag_invalid"): "kind must be logmel, bands, motion or external",
    ("sensor", "union_tag_invalid"): "kind must be audio, motion or external",
    ("context", "union_tag_invalid"): "kind must be stack or summary",
    ("score.baseline_s", "literal_error"): 'must be "chosen" or a number of seconds from 0 to 2592000',
    ("alert.raise_score", "literal_error"): _INTEGER_OR_WORD,
}
"""Errors that pydantic words for its own users, by field and type."""


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    kinds = ("audio", "logmel", "bands", "motion", "external", "stack", "summary")
    where = ".".join(
        str(part) for part in first["loc"] if part not in kinds and not str(part).startswith(("constrained", "literal"))
    )
    text = _PLAIN.get((where, first["type"]), first["msg"].removeprefix("Value error, ")).replace(
        "a valid tuple", "a list"
    )
    text = text[0].lower() + text[1:] if text.startswith(("Input", "Field", "Extra")) else text
    given = first.get("input")
    shown = (
        f" (it is {_shown(given)})" if isinstance(given, (int, float, str)) and first["type"] != "value_error" else ""
    )
    where = quoted(where, 80)
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key; remove it or correct its spelling"
    return f"{where}: {text}{shown}" if where else text + shown


def _shown(given: float | str) -> str:
    """A value of a spec, shortened; whole numbers of thousands of digits cannot even be printed."""
    if isinstance(given, int) and abs(given) >= 10**20:
        return f"about 1e{math.floor(math.log10(abs(given)))}" if given > 0 else "below -1e20"
    return quoted(repr(given))
