"""Plan: everything that a pipeline runs, as integers.

A plan has one canonical form, from which its ids are computed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from anomsdk.core.alarm import AlarmPlan
from anomsdk.core.autoencoder import LayerPlan, check_layers
from anomsdk.core.bands import BandsPlan
from anomsdk.core.baseline import BaselinePlan
from anomsdk.core.checks import require
from anomsdk.core.context import ContextPlan
from anomsdk.core.days import DaysPlan
from anomsdk.core.diary import MOVEMENT, DiaryPlan
from anomsdk.core.duty import DutyPlan, due_q31
from anomsdk.core.external import ExternalPlan
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.framer import FramerPlan
from anomsdk.core.health import HealthPlan
from anomsdk.core.ladder import MAX_PROMISES, LadderPlan, PromisePlan
from anomsdk.core.logmel import LogmelPlan
from anomsdk.core.motion import FEATURES, MotionPlan
from anomsdk.core.reasons import ReasonsPlan
from anomsdk.core.rung import LevelPlan, TimingPlan
from anomsdk.core.score import ScorePlan
from anomsdk.errors import quoted

FORMAT = 1
NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_]{0,47}"
"""Pattern of a plan's name, which C can use as a part of identifiers."""
MAX_GAP = 2**31 - 1
MAX_PROVENANCE = 64
MAX_TEXT = 500
MOTION_RATES_HZ = (10, 200)
MAX_COUNTS_PER_UNIT = 32768
SLOT_S = (900, 7200)
"""Shortest and longest slot of a diary in seconds: a diary of seconds is a recording."""
SENSES = ("movement", "sound", "score", "coverage", "other")
"""Kinds of columns of a diary: words say "moved less" of movement, "was quieter" of sound."""

EXTRACTORS: dict[str, type[ExtractorPlan]] = {
    "logmel": LogmelPlan,
    "bands": BandsPlan,
    "motion": MotionPlan,
    "external": ExternalPlan,
    "days": DaysPlan,
}
"""Kind of extractor -> class of its section of a plan."""

_UNNAMED = ("name", "provenance", "sha256")
"""Keys of the canonical form that no id depends on."""


@dataclass(frozen=True, eq=False)
class SensorPlan:
    """Kind and rate of the samples, for sources and displays; the pipeline does not use them."""

    kinds: ClassVar[tuple[str, ...]] = ("audio", "external")

    kind: str  # audio | external
    rate_millihertz: int  # samples (external: rows) in 1000 s

    @property
    def rate_hz(self) -> float:
        """Samples a second."""
        return self.rate_millihertz / 1000

    def check(self) -> None:
        """Refuse an unknown sensor."""
        require(self.kind in ("audio", "external"), f"sensor: kind '{quoted(self.kind)}' is not audio or external")
        require(
            1 <= self.rate_millihertz <= 10**9,
            f"sensor: a rate of {self.rate_millihertz} mHz is not 1 mHz to 1 MHz",
        )


@dataclass(frozen=True, eq=False)
class MotionSensorPlan:
    """Rate, axes and scales of an accelerometer and a gyroscope, for sources and displays."""

    kind: ClassVar[str] = "motion"

    rate_millihertz: int
    axes: int  # 3: ax, ay, az; 6: ax, ay, az, gx, gy, gz
    counts_per_kilo_g: int  # int16 counts in 1000 g
    counts_per_kilo_dps: int  # int16 counts in 1000 degrees a second; 0 with 3 axes
    full_scale_milli_g: int  # acceleration at which the sensor clips

    @property
    def rate_hz(self) -> float:
        """Samples a second."""
        return self.rate_millihertz / 1000

    def check(self) -> None:
        """Refuse an unknown sensor."""
        low, high = 1000 * MOTION_RATES_HZ[0], 1000 * MOTION_RATES_HZ[1]
        require(
            low <= self.rate_millihertz <= high,
            f"sensor: a rate of {self.rate_millihertz} mHz is not {low} to {high} mHz",
        )
        require(self.axes in (3, 6), f"sensor: {self.axes} axes, not 3 or 6")
        most = MAX_COUNTS_PER_UNIT * 1000
        turns = (1, most) if self.axes == 6 else (0, 0)
        for name, (low, high) in (("counts_per_kilo_g", (1, most)), ("counts_per_kilo_dps", turns)):
            counts = getattr(self, name)
            require(low <= counts <= high, f"sensor: {name} is {counts}, not {low} to {high}")
        reach = self.full_scale_milli_g * self.counts_per_kilo_g
        require(
            0 < reach <= 32768 * 10**6,
            f"sensor: a full scale of {self.full_scale_milli_g} mg is beyond int16 at this many counts",
        )


@dataclass(frozen=True, eq=False)
class DiaryColumn:
    """Column of a diary, for sources and displays."""

    name: str
    unit: str
    sense: str  # of SENSES: what more of it means

    def check(self) -> None:
        """Refuse a name that no file heading can have, and an unknown sense."""
        require(
            re.fullmatch(NAME_PATTERN, self.name) is not None,
            f"sensor: '{quoted(self.name)}' names no column: 1 to 48 letters, digits and underscores",
        )
        printable = len(self.unit) <= 16 and self.unit.isascii() and self.unit.isprintable()
        require(printable, f"sensor: the unit of {self.name} is not up to 16 printable ASCII characters")
        require(self.sense in SENSES, f"sensor: sense '{quoted(self.sense)}' is not {', '.join(SENSES)}")


@dataclass(frozen=True, eq=False)
class DiarySensorPlan:
    """Rows of a diary, one for each slot of the day: sums or means of what a sensor or another pipeline gave."""

    kind: ClassVar[str] = "diary"

    slot_s: int
    columns: tuple[DiaryColumn, ...]

    @property
    def rate_hz(self) -> float:
        """Rows a second."""
        return 1 / self.slot_s

    def check(self) -> None:
        """Refuse slots that do not share a day, and columns that cannot be told apart."""
        low, high = SLOT_S
        require(low <= self.slot_s <= high, f"sensor: slot_s is {self.slot_s}, not {low} to {high} s")
        require(86_400 % self.slot_s == 0, f"sensor: slot_s {self.slot_s} is no part of a day of 86400 s")
        for column in self.columns:
            column.check()
        names = [column.name for column in self.columns]
        require(len(set(names)) == len(names), "sensor: two columns have one name")


@dataclass(frozen=True, eq=False)
class EdgePlan:
    """Input or output of the model file, as an interpreter has it."""

    type: str  # int8 | uint8 | float32: the file's own type, before QUANTIZE or after DEQUANTIZE
    zero_point: int  # zero point of the int8 values inside the model
    scale_bits: int  # float32 scale of the int8 values inside the model, as its 32 bits

    @property
    def scale(self) -> float:
        """Real value of one int8 step."""
        return float(np.array(self.scale_bits, "<u4").view("<f4"))

    def check(self, what: str) -> None:
        """Refuse a type, zero point or scale that no model file has."""
        require(
            self.type in ("int8", "uint8", "float32"),
            f"{what}: type '{quoted(self.type)}' is not int8, uint8 or float32",
        )
        require(-128 <= self.zero_point <= 127, f"{what}: a zero point of {self.zero_point} is not int8")
        require(0x00800000 <= self.scale_bits < 0x7F800000, f"{what}: scale_bits are no positive float32")


@dataclass(frozen=True, eq=False)
class ModelPlan:
    """Model file that the layers were read from; engine tflite opens it."""

    sha256: str  # of the whole file, 64 hex digits
    input: EdgePlan
    output: EdgePlan

    def check(self) -> None:
        """Refuse a sha256 that is not 64 hex digits, and impossible edges."""
        digits = set("0123456789abcdef")
        require(len(self.sha256) == 64 and set(self.sha256) <= digits, "model: sha256 is not 64 hex digits")
        self.input.check("model: input")
        self.output.check("model: output")


@dataclass(frozen=True, eq=False)
class Plan:
    """Pipeline in integers, self-contained. Plans are equal when their canonical bytes are.

    Made by `anomsdk.plan` or `anomsdk.read_plan`; never edited by hand.
    """

    name: str
    sensor: SensorPlan | MotionSensorPlan | DiarySensorPlan
    framer: FramerPlan
    extractor: ExtractorPlan
    context: ContextPlan
    layers: tuple[LayerPlan, ...]
    score: ScorePlan
    baseline: BaselinePlan
    timing: TimingPlan
    levels: LevelPlan
    reasons: ReasonsPlan
    model: ModelPlan
    provenance: Mapping[str, str]
    alarm: AlarmPlan | None = None
    """Life cycle of the alarm; None: the simple alert, or `PLAIN` where there is a health section."""
    health: HealthPlan | None = None
    """Limits of the technical conditions; None: none is looked for."""
    duty: DutyPlan | None = None
    """Duty cycle; None: the device always samples."""
    ladder: LadderPlan | None = None
    """Rungs that count what alarms at other levels would be; None: none."""
    promises: tuple[PromisePlan, ...] | None = None
    """Promises that the ladder can certify; None without a ladder."""
    diary: DiaryPlan | None = None
    """Slot and columns of the diary that the pipeline writes; None: it writes none."""
    folder: Path | None = field(default=None, compare=False, metadata={"canonical": False})
    """Folder that the plan was read from: engine tflite looks for the model there. Not part of the plan's value."""

    def __post_init__(self) -> None:
        for f in fields(self):
            _freeze(getattr(self, f.name))

    @cached_property
    def canonical_bytes(self) -> bytes:
        """Contents of the plan file: canonical JSON, with the sha256 of all other keys."""
        tree = canonical_tree(self)
        tree["format"] = FORMAT
        tree["sha256"] = hashlib.sha256(canonical_json(tree)).hexdigest()
        return canonical_json(tree)

    @cached_property
    def id(self) -> str:
        """Hash of everything that runs: equal ids give equal features, layers, scores and alerts (64 hex)."""
        return self._hash_without(*_UNNAMED)

    @cached_property
    def score_id(self) -> str:
        """Hash of the score, its baseline, the alert's timing, health and rungs (64 hex).

        Not of levels, reasons, alarm, promises and diary.
        """
        return self._hash_without(*_UNNAMED, "levels", "reasons", "alarm", "promises", "diary")

    @property
    def tag(self) -> int:
        """First two bytes of the id as a little-endian number: an event has these bytes in the same order."""
        return int.from_bytes(bytes.fromhex(self.id[:4]), "little")

    @property
    def is_supervised(self) -> bool:
        """Return True if the plan has an alarm, a health or a ladder section.

        Then it takes inputs and writes events of layout 2.
        """
        return self.alarm is not None or self.health is not None or self.ladder is not None

    @property
    def n_inputs(self) -> int:
        """Width of the model's input."""
        return self.context.n_inputs(self.extractor.n_features)

    @property
    def columns(self) -> int:
        """Number of values in a sample: 1 for audio, the axes of motion, the width of a row for external features."""
        return self.extractor.columns

    @property
    def rate_hz(self) -> float:
        """Rate of the samples (or rows) in Hz."""
        return self.sensor.rate_hz

    @property
    def macs(self) -> int:
        """Number of multiply-accumulates in one model run."""
        return sum(layer.weights.size for layer in self.layers)

    @property
    def samples_per_tick(self) -> int:
        """Number of samples from one model run to the next."""
        return self.framer.hop * self.extractor.hops_per_frame * self.context.stride

    @property
    def samples_to_first_tick(self) -> int:
        """Number of samples before the first result; of a diary without a missing row."""
        hops = self.extractor.warm_up + self.extractor.hops_per_frame * self.context.frames
        return self.framer.window + (hops - 1) * self.framer.hop

    def ticks_in(self, n_samples: int) -> int:
        """Count the results that ``n_samples`` samples give."""
        if n_samples < self.samples_to_first_tick:
            return 0
        return 1 + (n_samples - self.samples_to_first_tick) // self.samples_per_tick

    @property
    def due_q31(self) -> int:
        """Ticks that are due in each hop of time, see `anomsdk.core.duty.due_q31`."""
        ticks_on = 0 if self.duty is None else self.ticks_in(self.duty.on)
        hops_per_tick = self.extractor.hops_per_frame * self.context.stride
        return due_q31(self.duty, ticks_on, self.framer.hop, hops_per_tick)

    def check(self) -> None:
        """Prove that every stage stays in its range and that the stages fit each other.

        Raises
        ------
        InputError : one line that names the stage
        """
        require(
            re.fullmatch(NAME_PATTERN, self.name) is not None,
            "plan: name is not 1 to 48 letters, digits and underscores that begin with a letter",
        )
        _check_provenance(self.provenance)
        self.sensor.check()
        self.framer.check()
        self.extractor.check()
        needed = self.extractor.sensor
        article = "a" if needed == "motion" else "an"
        require(
            self.sensor.kind == needed,
            f"plan: extractor {self.extractor.kind} needs {article} {needed} sensor, not {self.sensor.kind}",
        )
        window = self.extractor.window
        require(
            self.framer.window == window,
            f"plan: windows of {self.framer.window} samples, but extractor {self.extractor.kind} takes {window}",
        )
        if isinstance(self.sensor, MotionSensorPlan):
            require(self.sensor.axes == self.columns, "plan: sensor and extractor differ in their axes")
        if isinstance(self.extractor, DaysPlan):
            self._check_days(self.extractor)
        self.context.check(self.extractor.n_features)
        check_layers(self.layers)
        self.model.check()
        n = self.n_inputs
        require(
            self.layers[0].n_in == n,
            f"plan: the model takes {self.layers[0].n_in} inputs, the context gives {n}",
        )
        require(
            self.layers[-1].n_out == n,
            f"plan: the model gives {self.layers[-1].n_out} outputs for {n} inputs",
        )
        self.score.check(n)
        first, last = self.layers[0].input_zero_point, self.layers[-1].output_zero_point
        score, edges = self.score, self.model
        for part, zero_points in (
            ("score", (score.input_zero_point, score.output_zero_point)),
            ("model", (edges.input.zero_point, edges.output.zero_point)),
        ):
            require(zero_points == (first, last), f"{part}: its zero points are not those of the layers")
        self.baseline.check()
        alone = self.baseline.reference_score is not None and not self.baseline.is_on
        require(not alone or self.days is not None, "baseline: only days have a reference_score where the rates are 0")
        self.timing.check()
        self.levels.check(self.timing)
        self.reasons.check(n)
        if self.alarm is not None:
            self.alarm.check()
        if self.duty is not None:
            self.duty.check()
            require(
                self.ticks_in(self.duty.on) > 0,
                f"duty: on is {self.duty.on} samples, too short for a tick, which needs {self.samples_to_first_tick}; "
                "lengthen on_s",
            )
        if self.health is not None:
            self.health.check(self.framer.hop, self.framer.window, self.columns)
        _check_ladder(self)
        if self.diary is not None:
            self._check_diary(self.diary)

    @property
    def diary_levels(self) -> tuple[int, ...]:
        """Indices in a frame of the levels that a diary takes, in the order of `MOVEMENT`; empty: none."""
        if self.diary is None or self.diary.gain_q16 == 0 or not isinstance(self.extractor, MotionPlan):
            return ()
        at, width = {}, 0
        for name in self.extractor.features:
            at[name] = width
            width += FEATURES[name].width(self.extractor.spectrum.n_bands)
        return tuple(at[name] for name in MOVEMENT)

    @property
    def has_movement(self) -> bool:
        """Return True if frames have the levels that a diary takes as movement."""
        return isinstance(self.extractor, MotionPlan) and set(MOVEMENT) <= set(self.extractor.features)

    @property
    def diary_floor(self) -> int:
        """Counts that are added below the logarithm of a level of movement; 0 for an extractor of anything else."""
        return self.extractor.floor if isinstance(self.extractor, MotionPlan) else 0

    @property
    def days(self) -> tuple[DiarySensorPlan, DaysPlan] | None:
        """Sensor and extractor of a plan that compares days; None for any other plan."""
        if isinstance(self.sensor, DiarySensorPlan) and isinstance(self.extractor, DaysPlan):
            return self.sensor, self.extractor
        return None

    def _check_diary(self, diary: DiaryPlan) -> None:
        """Refuse slots of another length than `SLOT_S`, and movement of an extractor that has none."""
        diary.check()
        require(self.sensor.kind != "diary", "diary: a plan of days writes no diary of its own; remove the section")
        seconds = diary.slot_q16 * self.framer.hop / 65536 / self.rate_hz
        low, high = SLOT_S
        require(low - 0.5 <= seconds <= high + 0.5, f"diary: a slot of {seconds:g} s is not {low} to {high} s")
        require(
            diary.gain_q16 == 0 or self.has_movement,
            "diary: columns of movement need the features vedba_mean and jerk_mean; select both, or leave them out",
        )

    def _check_days(self, days: DaysPlan) -> None:
        """Refuse a diary of another width or length of slots, and what a profile cannot go with."""
        assert isinstance(self.sensor, DiarySensorPlan)
        require(len(self.sensor.columns) == days.columns, "plan: sensor and extractor differ in their columns")
        require(self.sensor.slot_s * days.slots == 86_400, "plan: the slots of sensor and extractor are not one day")
        require(self.baseline.reference_score is not None, "plan: days need a reference_score to freeze the profile")
        require(not self.baseline.is_on, "plan: days follow by their own profile; switch the baseline off")
        require(self.duty is None, "plan: a diary has no duty")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.canonical_bytes == other.canonical_bytes

    def __hash__(self) -> int:
        return hash(self.canonical_bytes)

    def __repr__(self) -> str:
        return f"Plan(name={self.name!r}, id={self.id[:12]})"

    def _hash_without(self, *parts: str) -> str:
        tree = {key: value for key, value in canonical_tree(self).items() if key not in parts}
        tree["format"] = FORMAT
        return hashlib.sha256(canonical_json(tree)).hexdigest()


def _check_ladder(plan: Plan) -> None:
    """Refuse rungs and promises out of range, and promises without rungs."""
    promises = plan.promises or ()
    require(
        (plan.ladder is None) == (plan.promises is None) and len(promises) <= MAX_PROMISES,
        f"plan: {len(promises)} promises; a ladder has up to {MAX_PROMISES}, and without one there are none",
    )
    if plan.ladder is not None:
        plan.ladder.check(plan.timing)
        for promise in promises:
            promise.check(plan.ladder)


def _check_provenance(provenance: Mapping[str, str]) -> None:
    """Refuse entries that could not be read back. A model_file is opened only if its sha256 is that of the plan."""
    require(len(provenance) <= MAX_PROVENANCE, f"provenance: {len(provenance)} entries, more than {MAX_PROVENANCE}")
    for key, value in provenance.items():
        where = f"provenance: {key[:40]!r}"
        require(0 < len(key) <= 64 and len(value) <= MAX_TEXT, f"{where} is longer than 64 and {MAX_TEXT} characters")
        text = key + value
        require(
            text.isascii() and text.isprintable() and not set(text) & set("[]{}"),
            f"{where} holds brackets or characters that are not printable ASCII",
        )


def _freeze(value: Any) -> None:
    """Make every array of a plan read-only: its ids are computed once."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, tuple):
        for item in value:
            _freeze(item)
    elif is_dataclass(value):
        for f in fields(value):
            _freeze(getattr(value, f.name))


def canonical_tree(value: Any) -> Any:
    """Convert parts of a plan to JSON values: arrays become little-endian base64 with dtype and shape.

    A part that is None is left out.
    """
    if isinstance(value, np.ndarray):
        little = value.dtype.newbyteorder("<")
        data = base64.b64encode(np.ascontiguousarray(value, little).tobytes()).decode("ascii")
        return {"data": data, "dtype": little.str.replace("|", ""), "shape": list(value.shape)}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: getattr(value, f.name) for f in fields(value) if f.metadata.get("canonical", True)}
        tree = {name: canonical_tree(part) for name, part in parts.items() if part is not None}
        if hasattr(value, "kind") and "kind" not in tree:
            tree["kind"] = value.kind
        return tree
    if isinstance(value, tuple):
        return [canonical_tree(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value


def canonical_json(tree: Any) -> bytes:
    """Write JSON in canonical form: sorted keys, no spaces, ASCII, one line."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"
