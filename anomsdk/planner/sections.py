"""Sections of a spec with the units and ranges of their keys; the features section is in `features`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from anomsdk.core import context, ladder, rung
from anomsdk.core.days import DAY_S, MAX_COLUMNS, SLOTS
from anomsdk.core.plan import MAX_COUNTS_PER_UNIT, MOTION_RATES_HZ, NAME_PATTERN, SLOT_S
from anomsdk.errors import InputError, quoted
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import check_reachable

DEFAULT = "default"
_WORD_FOR_NONE = {"select": "all", "judged": "all", "band_edges_hz": DEFAULT, "columns": DEFAULT}
"""Key -> word in a spec.toml for "no value", which TOML lacks; keys of health use `DEFAULT`, all others `NONE`."""
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
    usual = DEFAULT if issubclass(section, HealthSection) else NONE
    return _WORD_FOR_NONE.get(key, usual) if field is not None and field.default is None else None


class Duty(Section):
    """Duty cycle of a sensor that samples now and then."""

    on_s: Annotated[float, Field(gt=0, le=86_400)]
    """Time in seconds for which the device samples without a break."""
    every_s: Annotated[float, Field(gt=0, le=86_400)]
    """Time in seconds from the start of one such time to the start of the next."""

    @model_validator(mode="after")
    def _has_a_pause(self) -> Duty:
        if self.on_s >= self.every_s:
            raise ValueError(
                f"on_s {self.on_s:g} is not shorter than every_s {self.every_s:g}, so there is no pause; shorten on_s, "
                "or remove duty"
            )
        return self


class Sensor(Section):
    """Sensor section: audio, or rows of external features."""

    kind: Literal["audio", "external"]
    rate_hz: Annotated[float, Field(ge=0.001, le=1_000_000)]
    """Samples a second (external: rows a second). Audio: a whole number, 1000 to 384000."""
    duty: Duty | None = None
    """Duty cycle, as in ``{on_s = 10, every_s = 60}``; None: the device always samples."""

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
    duty: Duty | None = None
    """Duty cycle, as in ``{on_s = 10, every_s = 60}``; None: the device always samples."""

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


class DiaryColumnSection(Section):
    """Column of a diary."""

    name: Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]
    """Heading of the column in files."""
    unit: Annotated[str, Field(max_length=16)] = "counts"
    sense: Literal["movement", "sound", "score", "coverage", "other"] = "movement"
    """Meaning of a high value, for words: "moved less" of movement, "was quieter" of sound."""
    largest: Annotated[int, Field(ge=1, le=32767)] = 32767
    """Value of a slot that is never reached in earnest: larger ones count as this one. A smaller ``largest`` keeps a
    finer profile."""


class DiarySensor(Section):
    """Sensor section: rows of a diary, one for each slot of the day."""

    kind: Literal["diary"]
    slot_s: Annotated[int, Field(ge=SLOT_S[0], le=SLOT_S[1])]
    """Length of a slot in seconds, 900 to 7200: a part of a day of 86400 s."""
    columns: Annotated[tuple[DiaryColumnSection, ...], Field(strict=False, min_length=1, max_length=MAX_COLUMNS)]
    """Columns of a row in their order, as in ``[{name = "activity", largest = 4000}]``."""

    @model_validator(mode="after")
    def _parts_of_a_day(self) -> DiarySensor:
        if DAY_S % self.slot_s or DAY_S // self.slot_s not in SLOTS:
            lengths = ", ".join(str(DAY_S // slots) for slots in reversed(SLOTS))
            raise ValueError(f"slot_s must be {lengths}, so that four slots or more make a quarter of a day")
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("columns has one name twice; rename it")
        return self

    @property
    def rate_hz(self) -> float:
        """Rows a second."""
        return 1 / self.slot_s

    @property
    def duty(self) -> Duty | None:
        """Duty cycle: a diary has none."""
        return None


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
    clear_after_s: _Seconds = 0.0
    """Time in seconds, declared pauses included, without a score at the clear level that clears an alarm; 0: off."""
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


class AlarmSection(Section):
    """Alarm section: the life of an alarm after its raise. A spec may leave the section out."""

    latch: bool = False
    """True: an alarm that returned to normal stays until it is acknowledged."""
    cancel_s: _Seconds = 0.0
    """Time in seconds in which a wearer can cancel before the alarm is raised; 0: no prealarm."""
    escalate_ratio: Annotated[float, Field(ge=0, le=1024)] = 4.0
    """Score over the highest reported score of the alarm above which the alarm escalates, at least 1; 0: never."""
    escalate_after_s: _Seconds = 0.0
    """Time in seconds without an acknowledgement until the alarm escalates; 0: never."""
    escalate_every_s: _Seconds = 60.0
    """Shortest time in seconds from one escalation to the next."""
    repeat_s: _Seconds = 0.0
    """Time in seconds between reports that the alarm still stands; 0: no such reports."""
    test_s: _Seconds = 3.0
    """Time in seconds for which a test is annunciated."""
    heartbeat_s: _Seconds = 3600.0
    """Time in seconds from one heartbeat to the next; 0: no heartbeat."""

    @model_validator(mode="after")
    def _escalates_upward(self) -> AlarmSection:
        if 0 < self.escalate_ratio < 1:
            raise ValueError(
                f"escalate_ratio {self.escalate_ratio:g} would escalate every alarm at once; use 0 or at least 1"
            )
        return self


class LadderSection(Section):
    """Ladder section: rungs that count alarms at other levels, and the promises that they can certify.

    A spec may leave the section out.
    """

    budgets: Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=ladder.MAX_PROMISES)] = (
        "1 alarm-day/30d",
    )
    """Budgets of a device, such as "1 alarm-day/30d", "1 alarm/7d" or "2 episodes/90d"."""
    confidence: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95
    """Probability, at least, with which a level that is over the budget is never certified."""
    rungs: Annotated[int, Field(ge=2, le=ladder.MAX_RUNGS)] = ladder.MAX_RUNGS
    lowest: Literal["calibrated"] | Annotated[int, Field(ge=1, le=2**32 - 1)] = "calibrated"
    """Level of the lowest rung; calibrated: 99 % of the ticks of normal recordings lie below."""
    highest: Literal["calibrated"] | Annotated[int, Field(ge=1, le=2**32 - 1)] = "calibrated"
    """Level of the highest rung; calibrated: just above the highest score of normal recordings."""
    episode_gap_days: Annotated[int, Field(ge=1, le=ladder.MAX_GAP_DAYS)] = 3
    """Days without an alarm after which an alarm-day begins another episode."""
    max_alarm_fraction: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Share of the time in alarm above which a rung certifies nothing."""

    @model_validator(mode="after")
    def _readable(self) -> LadderSection:
        for text in self.budgets:
            try:
                check_reachable(Budget.parse(text), self.confidence)
            except InputError as error:
                raise ValueError(str(error).replace("`budget`: ", "")) from None
        if isinstance(self.lowest, int) and isinstance(self.highest, int) and self.lowest >= self.highest:
            raise ValueError(f"lowest {self.lowest} is not below highest {self.highest}; lower it")
        return self


_Counts = Annotated[float, Field(ge=0, le=65535)]
_Share = Annotated[float, Field(ge=0, le=1)]
_ForMotion = ("dead_axis_s", "gravity_tolerance", "gravity_rest_s", "not_worn_s", "still_mg", "posture_mg")
_NotForMotion = ("noise_floor", "noise_floor_s", "step", "step_s")


class HealthSection(Section):
    """Health section: limits of the technical conditions. None: the default of the sensor's kind; 0: off.

    A spec may leave the section out: then no technical condition is looked for.
    """

    @model_validator(mode="before")
    @classmethod
    def _defaults_in_words(cls, given: Any) -> Any:
        """Leave out each key that says "default", also one whose default is the same for all kinds of sensors."""
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if value != DEFAULT or key not in cls.model_fields}

    stuck_s: _Seconds | None = None
    """Time in seconds without any change in any column."""
    flat_s: _Seconds | None = None
    """Time in seconds in which no column changes by more than 1 count (sound: 2)."""
    repeated_s: _Seconds | None = None
    """Time in seconds in which every block holds the same values as the one before."""
    clip_level: Annotated[float, Field(ge=1, le=32767)] | None = None
    """Counts from which a value is clipped."""
    clip_share: _Share | None = None
    """Share of the values of a block that are clipped."""
    clip_s: _Seconds | None = None
    """Time in seconds with that share of clipped values."""
    noise_floor: _Counts | None = None
    """Counts from the lowest to the highest value that any working sensor exceeds."""
    noise_floor_s: _Seconds | None = None
    """Time in seconds below the noise floor."""
    step: _Counts | None = None
    """Counts by which the mean of a column leaves its slow mean."""
    step_s: _Seconds | None = None
    """Time in seconds that the step lasts."""
    dead_axis_s: _Seconds | None = None
    """Time in seconds in which one axis does not change, while the device moves."""
    gravity_tolerance: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Largest distance from 1 g, in g, of the acceleration at rest."""
    gravity_rest_s: _Seconds | None = None
    """Time in seconds at rest, with a wrong acceleration."""
    lost_share: _Share | None = None
    """Share of the time that is lost by gaps."""
    lost_s: _Seconds | None = None
    """Time in seconds with that share of gaps."""
    missing_s: _Seconds | None = None
    """Time in seconds without any sample."""
    rate_tolerance: _Share | None = None
    """Largest deviation of the samples' rate from the rate of the spec, as a share of it."""
    not_worn_s: _Seconds | None = None
    """Time in seconds without movement, in one posture."""
    still_mg: Annotated[float, Field(ge=0, le=16000)] | None = None
    """Range in mg below which an axis does not move."""
    posture_mg: Annotated[float, Field(ge=0, le=16000)] | None = None
    """Change of an axis' mean in mg from which the posture is another one."""
    not_worn_voids: bool = False
    """True: no tick is judged while the device is not worn. False: an unconscious person is still watched."""
    warm_up_s: _Seconds = 0.0
    """Time in seconds after the start in which no tick is judged."""

    def check_sensor(self, kind: str) -> None:
        """Refuse keys that the kind of sensor cannot have."""
        others = _NotForMotion if kind == "motion" else _ForMotion
        for key in others:
            if getattr(self, key) is not None:
                wanted = "sound or rows" if kind == "motion" else "a motion sensor"
                raise ValueError(f"health.{key} is for {wanted}, and sensor.kind is {kind}; remove it")
