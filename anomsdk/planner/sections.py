"""Sections of a spec, each with its keys, units and ranges; those of the extractors are in `features`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from anomsdk.core import alert, context
from anomsdk.core.plan import MAX_COUNTS_PER_UNIT, MOTION_RATES_HZ
from anomsdk.errors import quoted

_WORD_FOR_NONE = {"select": "all", "band_edges_hz": "default"}
"""What a file says where a key has no value; "none" for the others. So every key can stand in every file."""
NONE = "none"


class Section(BaseModel):
    """A section of a spec: unknown keys are refused, values are of their type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _none_in_words(cls, given: Any) -> Any:
        """A key that may have no value, and says so in its word, has none."""
        if not isinstance(given, dict):
            return given
        return {key: None if value == word_for_none(cls, key) else value for key, value in given.items()}


def word_for_none(section: type[BaseModel], key: str) -> str | None:
    """Word of a file for a key of a section without a value; None where the key must have one."""
    field = section.model_fields.get(key)
    return _WORD_FOR_NONE.get(key, NONE) if field is not None and field.default is None else None


class Sensor(Section):
    """Sensor whose samples need no units: a microphone, or rows of external features."""

    kind: Literal["audio", "external"]
    rate_hz: Annotated[float, Field(ge=0.001, le=1_000_000)]
    """Samples a second (external: rows a second). Audio: a whole number, 1000 to 384000."""

    @model_validator(mode="after")
    def _whole_audio_rate(self) -> Sensor:
        if self.kind == "audio" and not (self.rate_hz == int(self.rate_hz) and 1000 <= self.rate_hz <= 384_000):
            raise ValueError(f"rate_hz of audio must be a whole number from 1000 to 384000, not {self.rate_hz:g}")
        return self


class MotionSensor(Section):
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


class StackContext(Section):
    """The model sees the last ``frames`` frames."""

    kind: Literal["stack"]
    frames: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)]
    stride: Annotated[int, Field(ge=1, le=context.MAX_FRAMES)] = 1
    """Frames between model runs."""


def _known(name: str) -> str:
    if name not in context.STATISTICS:
        *names, last = (f"'{each}'" for each in context.STATISTICS)
        raise ValueError(f"Input should be {', '.join(names)} or {last} (it is {quoted(repr(name))})")
    return name


_Statistic = Annotated[str, AfterValidator(_known)]


class SummaryContext(Section):
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


class Model(Section):
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


class Score(Section):
    """Baseline that is subtracted from the score."""

    baseline_s: Literal["chosen"] | _Seconds = 0.0
    """Time constant at which a follower of the score rises; the score above it is what counts. 0: off."""
    baseline_hold_s: _Seconds = 60.0
    """The longest that an alarm freezes the follower; 0: as long as the alarm lasts."""


class Alert(Section):
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
