"""Formats of streams that pipelines take, and options for reading files as such streams."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from anomsdk.core.duty import DutyPlan
from anomsdk.core.plan import SENSES, SLOT_S, DiarySensorPlan, MotionSensorPlan, SensorPlan
from anomsdk.errors import InputError, parameter
from anomsdk.sources.conditions import Condition, conditions_in

G = 9.80665
"""Standard gravity: 1 g in m/s2 (ISO 80000-3)."""
IN_G = {"g": 1.0, "mg": 1e-3, "m/s2": 1 / G}
"""Unit of acceleration -> its size in g."""
UNITS = (*IN_G, "counts")
"""Units of an accelerometer that `ReadOptions.unit` takes."""
MAX_BRIDGE = 100
"""Largest `ReadOptions.max_bridge`, in samples: half a second at the highest rate of motion."""
IN_DPS = {
    "deg/s": 1.0,
    "rad/s": math.degrees(1),
    "mdeg/s": 1e-3,
    "mrad/s": math.degrees(1) * 1e-3,
    "rpm": 6.0,
    "rev/s": 360.0,
}
"""Unit of rotation -> its size in degrees a second."""
ROTATIONS = (*IN_DPS, "counts")
"""Units of a gyroscope that `ReadOptions.rotation` takes."""
AXES = ("ax", "ay", "az", "gx", "gy", "gz")
"""Axes of the accelerometer, then of the gyroscope, in the order of columns."""
NO_TIME = "none"
"""`ReadOptions.time` that passes over a column of time."""
_OF_DIARY = ("axes", "time", "scale", "array", "rate_hz", "where", "by")
"""Fields of `ReadOptions` that a diary takes."""
_TEXTS = ("axes", "scale", "where", "by")
"""Fields of `ReadOptions` that are tuples; only `ReadOptions.parsed` takes text for them."""


@dataclass(frozen=True)
class StreamFormat:
    """Format of the stream of int16 that a pipeline takes; `StreamFormat.of` makes it from a plan.

    Parameters
    ----------
    rate_hz : samples (rows) a second, > 0; a whole number for audio
    kind : "audio", "motion", "external" or "diary"
    columns : values in a row: 1 for audio; 3 (ax, ay, az) or 6 (and gx, gy, gz) for motion; >= 1 for external and diary
    counts_per_g : int16 counts in one g, > 0; motion only
    counts_per_dps : int16 counts in one degree a second, > 0; motion with 6 columns only
    full_scale_g : magnitude at which the accelerometer clips, in g, > 0; motion only
    pause_s : shortest and longest gap, in seconds, that the duty cycle of a plan declares to be a pause; None: none
    slot_s : length of a slot in seconds, a whole part of a day; diary only
    names, senses : name and sense of each column; diary only

    Examples
    --------
    >>> StreamFormat(16_000).kind
    'audio'
    >>> import anomsdk
    >>> plan = anomsdk.reference_model("audio_scene")
    >>> StreamFormat.of(plan.sensor, plan.columns) == StreamFormat(16_000)
    True
    """

    rate_hz: float
    kind: str = "audio"
    columns: int = 1
    counts_per_g: float | None = None
    counts_per_dps: float | None = None
    full_scale_g: float | None = None
    pause_s: tuple[float, float] | None = None
    slot_s: int | None = None
    names: tuple[str, ...] = ()
    senses: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, sensor: SensorPlan | MotionSensorPlan | DiarySensorPlan, columns: int, duty: DutyPlan | None = None
    ) -> StreamFormat:
        """Make the format from the sensor of a plan, its number of columns and its duty cycle."""
        if isinstance(sensor, DiarySensorPlan):
            named = tuple(column.name for column in sensor.columns)
            senses = tuple(column.sense for column in sensor.columns)
            return cls(sensor.rate_hz, "diary", columns, slot_s=sensor.slot_s, names=named, senses=senses)
        rate_hz = sensor.rate_millihertz / 1000
        pause_s = None if duty is None else (duty.shortest_pause / rate_hz, duty.longest_pause / rate_hz)
        if not isinstance(sensor, MotionSensorPlan):
            return cls(rate_hz, sensor.kind, columns, pause_s=pause_s)
        per_dps = sensor.counts_per_kilo_dps / 1000 or None
        full_scale_g = sensor.full_scale_milli_g / 1000
        return cls(rate_hz, "motion", columns, sensor.counts_per_kilo_g / 1000, per_dps, full_scale_g, pause_s)

    def check(self) -> None:
        """Check the fields.

        Raises
        ------
        InputError : an unknown kind, or a rate, a number of columns or a scale that no source can give
        """
        if self.kind not in ("audio", "motion", "external", "diary"):
            raise InputError(f"kind = {self.kind!r}; it must be audio, motion, external or diary")
        if self.columns < 1:
            raise InputError(f"columns = {self.columns}; there must be at least 1")
        if self.kind != "audio":
            if not 0 < self.rate_hz < math.inf:
                raise InputError(f"rate_hz = {self.rate_hz}; it must be above 0 and finite")
            if self.kind == "motion":
                self._check_motion()
            if self.kind == "diary":
                self._check_diary()
            return
        if self.columns != 1:
            raise InputError(f"columns = {self.columns}; audio has 1; rows of several values are kind external")
        if not 1 <= self.rate_hz < math.inf or self.rate_hz != int(self.rate_hz):
            raise InputError(f"rate_hz = {self.rate_hz}; audio needs a whole number, at least 1")

    def _check_diary(self) -> None:
        low, high = SLOT_S
        if self.slot_s is None or not low <= self.slot_s <= high or 86_400 % self.slot_s:
            raise InputError(f"slot_s = {self.slot_s}; a diary needs a whole part of a day, {low} to {high} s")
        if len(self.names) != self.columns or len(self.senses) != self.columns or not set(self.senses) <= set(SENSES):
            raise InputError(f"names, senses: a diary needs a name and one of {', '.join(SENSES)} for each column")

    def _check_motion(self) -> None:
        if self.columns not in (3, 6):
            raise InputError(f"columns = {self.columns}; motion has 3 or 6 axes")
        needed = ("counts_per_g", "full_scale_g") + (("counts_per_dps",) if self.columns == 6 else ())
        for name in needed:
            value = getattr(self, name)
            if value is None or not 0 < value < math.inf:
                raise InputError(f"{name} = {value}; motion needs it, above 0")


def usable_scale(scale: float) -> bool:
    """Tell whether a scale is usable: its magnitude is 1e-12 to 1e12.

    Examples
    --------
    >>> usable_scale(-1 / 2048), usable_scale(0.0), usable_scale(1e308)
    (True, False, False)
    """
    return 1e-12 <= abs(scale) <= 1e12


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading files; each states something that the files do not state themselves.

    Messages name these options in backticks, with values as `ReadOptions.parsed` takes them.

    Parameters
    ----------
    unit : unit of the accelerometer: "g", "mg", "m/s2", or "counts" for counts of the plan, which stay unchanged; None:
        as the file states
    axes : columns that hold ax, ay, az[, gx, gy, gz], or of a diary the columns of the plan, in this order, each by
        heading or by number from 1; empty: by the headings
    time : column of time stamps, by heading or by number from 1; ``NAME:UNIT`` with s, ms, us, ns, min, h or d where
        the heading states no unit, or a wrong one; "none" passes over a column of time; None: by the headings
    scale : size of one stored step in its unit: one number for all axes, two for the two sensors, or one for each axis;
        magnitude 1e-12 to 1e12; empty: as the file states, else 1. Values of a diary are multiplied by it before they
        are rounded: one number above 0 for all columns, or one for each
    array : array of an .npz that holds the samples; its name ends in x, and ``phone_x`` belongs with ``phone_offsets``,
        ``phone_fs`` and so on
    rate_hz : rows a second, > 0, of a table without a column of time, or of an .npz or .npy that stores no rate
    where : conditions: only rows of a table, or recordings of an .npz, that fulfil all of them are read
    by : columns that divide a table: rows with the same values in them are one recording; the first column is its group
    devices : path of a .csv that states these options for each file or device, as
        `anomsdk.sources.devices.read_devices` takes it
    channel : channel of sound that is taken, from 1; None: the mean of all channels
    max_bridge : longest gap, in missing samples, that is filled by repeating the sample before it, 0 (never) to 100; at
        most 5 % of a recording is filled
    rotation : unit of the gyroscope, one of `ROTATIONS`; None: as the file states, else degrees a second, or counts
        where ``unit`` is "counts"

    Examples
    --------
    >>> ReadOptions.parsed(unit="g", axes="waist_ax,waist_ay,waist_az").axes
    ('waist_ax', 'waist_ay', 'waist_az')
    >>> ReadOptions.parsed(unit="g,rad/s").rotation
    'rad/s'
    """

    unit: str | None = None
    axes: tuple[str, ...] = ()
    time: str | None = None
    scale: tuple[float, ...] = ()
    array: str = "x"
    rate_hz: float | None = None
    where: tuple[Condition, ...] = ()
    by: tuple[str, ...] = ()
    devices: str | None = None
    channel: int | None = None
    max_bridge: int = 2
    rotation: str | None = None

    @classmethod
    def parsed(
        cls,
        *,
        unit: str | None = None,
        axes: str | None = None,
        time: str | None = None,
        scale: str | None = None,
        array: str | None = None,
        rate_hz: str | None = None,
        where: str | None = None,
        by: str | None = None,
        devices: str | None = None,
        channel: str | None = None,
        max_bridge: str | None = None,
    ) -> ReadOptions:
        """Make options from texts, as a command line has them and as messages write them.

        Parameters
        ----------
        unit : unit of the accelerometer; after a comma that of the gyroscope, as in ``g,rad/s`` or ``,rad/s``
        axes, by : headings or numbers, separated by commas
        scale : numbers or fractions such as ``1/2048``, separated by commas
        where : conditions such as ``cow=3,4:sick!=true``
        channel : number from 1, or ``mix``
        time, array, rate_hz, devices, max_bridge : as the fields of `ReadOptions`

        Raises
        ------
        InputError : a text is no number, fraction or condition
        """
        names = tuple(name.strip() for name in axes.split(",")) if axes is not None else ()
        try:
            scales = tuple(_fraction(each) for each in scale.split(",")) if scale is not None else ()
        except (ValueError, ZeroDivisionError):
            raise InputError(f"{parameter('scale', scale)} is no number; write e.g. `scale='0.000488'`") from None
        try:
            rate = float(rate_hz) if rate_hz is not None else None
        except ValueError:
            raise InputError(
                f"{parameter('rate_hz', rate_hz)} is no number; write rows a second, e.g. `rate_hz=50`"
            ) from None
        chosen = () if where is None else conditions_in(where, "`where`", "`where='column=value,value:column!=value'`")
        columns = () if by is None else tuple(each.strip() for each in by.split(","))
        if max_bridge is not None and not (max_bridge.isascii() and max_bridge.isdigit() and len(max_bridge) <= 3):
            raise InputError(
                f"{parameter('max_bridge', max_bridge)}: no number of samples from 0 to {MAX_BRIDGE}; 0 bridges none"
            )
        bridge = cls.max_bridge if max_bridge is None else int(max_bridge)
        rotation = None
        if unit is not None and "," in unit:
            unit, _, rotation = (each.strip() for each in unit.partition(","))
        return cls(
            unit or None,
            names,
            time,
            scales,
            "x" if array is None else array,
            rate,
            chosen,
            columns,
            devices,
            rotation=rotation or None,
            channel=_parsed_channel(channel),
            max_bridge=bridge,
        )

    def check(self, stream_format: StreamFormat) -> None:
        """Check the options against a stream.

        Raises
        ------
        InputError : an option out of its range, or one that does not apply to this kind of stream
        """
        for name in _TEXTS:
            if isinstance(value := getattr(self, name), str):
                raise InputError(f"{parameter(name, value)}: ReadOptions takes a tuple, ReadOptions.parsed takes text")
        default, kind = ReadOptions(), stream_format.kind
        said = [each.name for each in fields(self) if getattr(self, each.name) != getattr(default, each.name)]
        if "channel" in said:
            if kind != "audio":
                raise InputError(f"`channel`: selects a channel of sound, and this is {kind}; leave it out")
            if isinstance(self.channel, bool) or not isinstance(self.channel, int) or self.channel < 1:
                raise InputError(
                    f"{parameter('channel', self.channel)}: channels are counted from 1; give a number, or mix"
                )
            said.remove("channel")
        said = [each for each in said if kind != "diary" or each not in _OF_DIARY]
        if kind != "motion" and said:
            raise InputError(f"`{said[0]}`: states how motion is stored, and this is {kind}; leave it out")
        if self.unit is not None and self.unit not in UNITS:
            raise InputError(
                f"{parameter('unit', self.unit)}: no such unit of acceleration; it is one of {', '.join(UNITS)}"
            )
        if self.rotation is not None and self.rotation not in ROTATIONS:
            raise InputError(
                f"{parameter('rotation', self.rotation)}: no such unit of a gyroscope; it is one of "
                f"{', '.join(ROTATIONS)}"
            )
        if self.rotation is not None and stream_format.columns == 3:
            raise InputError(
                f"{parameter('rotation', self.rotation)}: 3 axes hold no gyroscope; give the unit of acceleration only"
            )
        if self.axes and len(self.axes) != stream_format.columns:
            order = ",".join(stream_format.names if kind == "diary" else AXES[: stream_format.columns])
            raise InputError(
                f"`axes`: {len(self.axes)} columns are named; name {stream_format.columns}, for {order} in this order"
            )
        if len(set(self.axes)) != len(self.axes) or "" in self.axes:
            raise InputError(f"{parameter('axes', ','.join(self.axes))}: axes are different columns; name each once")
        if any(not (0 < abs(each) < math.inf) for each in self.scale):
            raise InputError("`scale`: a scale is neither 0 nor infinite; correct it")
        if any(not usable_scale(each) for each in self.scale):
            raise InputError("`scale`: the magnitude of a scale is 1e-12 to 1e12; correct it")
        if kind == "diary" and (
            min(self.scale, default=1.0) < 0 or len(self.scale) not in (0, 1, stream_format.columns)
        ):
            raise InputError(
                f"`scale`: a diary takes one scale above 0, or one for each of its {stream_format.columns} columns"
            )
        if self.scale and self.unit == "counts" and self.rotation in (None, "counts"):
            raise InputError("`scale`: counts of the plan are not scaled; give another `unit`, or no `scale`")
        if not 0 <= self.max_bridge <= MAX_BRIDGE:
            raise InputError(
                f"{parameter('max_bridge', self.max_bridge)}: give 0 to {MAX_BRIDGE} samples; 0 bridges none"
            )
        if not self.array.endswith("x"):
            raise InputError(f"{parameter('array', self.array)}: name an array that ends in x, as in phone_x")
        if self.rate_hz is not None and not 0 < self.rate_hz < math.inf:
            raise InputError(f"{parameter('rate_hz', self.rate_hz)}: rows a second are above 0 and finite; correct it")
        if self.rate_hz is not None and self.time not in (None, NO_TIME):
            raise InputError(
                f"`rate_hz`: the stamps of {parameter('time', self.time)} tell the rate; give one of the two options"
            )
        if "" in self.by or len(set(self.by)) != len(self.by):
            raise InputError(f"{parameter('by', ','.join(self.by))}: name each column once, e.g. `by='cow'`")


def _parsed_channel(text: str | None) -> int | None:
    """Parse a number from 1; None for ``mix``, the mean of all channels."""
    if text is None or text == "mix":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise InputError(f"{parameter('channel', text)} is no channel; give a number from 1, or mix")
    return int(text)


def _fraction(text: str) -> float:
    """Parse a scale as people write it, 0.000488 or 1/2048."""
    over, bar, under = text.partition("/")
    return float(over) / float(under) if bar else float(over)
