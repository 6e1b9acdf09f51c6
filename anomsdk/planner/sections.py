"""Sections of a spec with the units and ranges of their keys; the features section is in `features`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from anomsdk.core import context, rung
from anomsdk.core.plan import MAX_COUNTS_PER_UNIT, MOTION_RATES_HZ
from anomsdk.errors import quoted

_WORD_FOR_NONE = {"select": "all", "band_edges_hz": "default"}
"""Key -> word in a spec.toml for "no value", which TOML lacks; all other keys use `NONE`."""
NONE = "none"


class Section(BaseModel):
    """Base of the sections of a spec: unknown keys and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _none_in_words(cls, given: Any) -> Any:
        """Replace the word for "no value" by None, in each key that may have no value."""
        if not isinstance(given, dict):
            return given
        return {key: None if value == word_for_none(cls, key) else value for key, value in given.items()}


def word_for_none(section: type[BaseModel], key: str) -> str | None:
    """Return the word in a spec.toml for a key without a value; None if the key must have a value."""
    field = section.model_fields.get(key)
    return _WORD_FOR_NONE.get(key, NONE) if field is not None and field.default is None else None


class Sensor(Section):
    """Sensor section: audio, or rows of external features."""

    kind: Literal["audio", "external"]
    rate_hz: Annotated[float, Field(ge=0.001, le=1_000_000)]
    """Samples a second (external: rows a second). Audio: a whole number, 1000 to 384000."""

    @model_validator(mode="after")
    def _whole_audio_rate(self) -> Sensor:
        if self.kind == "audio" and not (self.rate_hz == int(self.rate_hz) and 1000 <= self.rate_hz <= 384_000):
            raise ValueError(f"rate_hz of audio must be a whole number from 1000 to 384000, not {self.rate_hz:g}")
        return self


class MotionSensor(Section):
    """Sensor section: an accelerometer, and with 6 axes a gyroscope."""

    kind: Literal["motion"]
    rate_hz: Annotated[float, Field(ge=MOTION_RATES_HZ[0], le=MOTION_RATES_HZ[1])]
    """Samples a second, 10 to 200."""
    axes: Literal[3, 6] = 3
    """Values of one sample: 3 for ax, ay, az; 6 for ax, ay, az, gx, gy, gz."""
    counts_per_g: Annotated[float, Field(ge=0.001, le=MAX_COUNTS_PER_UNIT)]
    """int16 counts in one g."""
    counts_per_dps: Annotated[float, Field(ge=0.001, le=MAX_COUNTS_PER_UNIT)] | None = None
    """int16 counts in one degree a second; needed with 6 axes."""
    full_scale_g: Annotated[float, Field(ge=0.001)] | None = None
    """Acceleration in g at which the sensor clips; None: at the ends of int16."""

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


class StackContext(Section):
    """Context section: the model's input is the last ``frames`` feature frames."""

    kind: Literal["stack"]
    frames: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)]
    stride: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)] = 1
    """Feature frames from one model run to the next."""


def _known(name: str) -> str:
    if name not in context.STATISTICS:
        *names, last = (f"'{each}'" for each in context.STATISTICS)
        raise ValueError(f"Input should be {', '.join(names)} or {last} (it is {quoted(repr(name))})")
    return name


_Statistic = Annotated[str, AfterValidator(_known)]


class SummaryContext(Section):
    """Context section: the model's input is statistics of each feature over the last ``frames`` frames."""

    kind: Literal["summary"]
    frames: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)]
    stride: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)] = 1
    statistics: Annotated[tuple[_Statistic, ...], Field(strict=False, min_length=1)] = ("mean", "deviation", "max")

    @model_validator(mode="after")
    def _distinct(self) -> SummaryContext:
        if len(set(self.statistics)) != len(self.statistics):
            raise ValueError("statistics names one twice; remove it")
        return self


_ANY_BUDGET = 10**12
"""Largest budget: above any real one, and still a number that can be printed."""


class ModelSection(Section):
    """Model section: the file of the int8 autoencoder, and budgets for training it."""

    file: Annotated[str, Field(min_length=1, max_length=255)] = "model.tflite"
    """Path of the .tflite file, relative to the spec's folder and inside it."""
    max_macs: Annotated[int, Field(ge=1, le=_ANY_BUDGET)] = 30_000
    """Most multiply-accumulates a tick: a budget for training."""
    max_ram: Annotated[int, Field(ge=1, le=_ANY_BUDGET)] | None = None
    """Most bytes of state and scratch of the C port on a 32-bit processor: a budget for training; None: no bound."""
    max_flash: Annotated[int, Field(ge=1, le=_ANY_BUDGET)] | None = None
    """Most bytes of constant arrays in the C port, tables and model: a budget for training; None: no bound."""


LONGEST_S = 30 * 86_400
"""Longest duration in a spec, seconds: 30 days."""
_Seconds = Annotated[float, Field(ge=0, le=LONGEST_S)]


class ScoreSection(Section):
    """Score section: the baseline, a level that follows the score."""

    baseline_s: Literal["chosen"] | _Seconds = 0.0
    """Time constant in seconds at which the baseline rises; the score above the baseline is judged. 0: off."""
    baseline_hold_s: _Seconds = 60.0
    """Longest time in seconds that an alarm at the calibrated level freezes the baseline; 0: as long as it lasts."""


class AlertSection(Section):
    """Alert section: the levels, votes and delays that turn scores into alarms."""

    raise_score: Literal["calibrated"] | Annotated[int, Field(ge=1, le=2**32 - 1)] = "calibrated"
    clear_ratio: Annotated[float, Field(gt=0)] = 0.8
    """Clear level divided by the alarm level, above 0 to 1: the alarm clears below the clear level."""
    high_ratio: Annotated[float, Field(ge=0, le=1024)] = 4.0
    """High level divided by the alarm level, above 1: a score at the high level raises at once. 0: off."""
    m: Annotated[int, Field(ge=1, le=rung.MAX_N)] = 3
    n: Annotated[int, Field(ge=1, le=rung.MAX_N)] = 5
    on_delay_s: _Seconds = 0.0
    off_delay_s: _Seconds = 10.0
    cooldown_s: _Seconds = 60.0

    @model_validator(mode="after")
    def _ordered(self) -> AlertSection:
        if self.m > self.n:
            raise ValueError(f"m {self.m} is more than n {self.n}: it could never alarm; lower m")
        if self.clear_ratio > 1:
            raise ValueError(
                f"clear_ratio {self.clear_ratio:g} puts the clear level above the alarm level; use 1 or less"
            )
        if 0 < self.high_ratio <= 1:
            raise ValueError(
                f"high_ratio {self.high_ratio:g} puts the high level at or below the alarm level; use 0 or above 1"
            )
        return self
