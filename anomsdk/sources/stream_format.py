"""What a pipeline takes from a source, and what files of motion leave unsaid."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from anomsdk.core.plan import MotionSensorPlan, SensorPlan
from anomsdk.errors import InputError, printable
from anomsdk.sources.conditions import Condition, conditions_in

G = 9.80665
"""m/s2 in one g (ISO 80000-3)."""
IN_G = {"g": 1.0, "mg": 1e-3, "m/s2": 1 / G}
"""One of a unit, in g."""
UNITS = (*IN_G, "counts")
MAX_BRIDGE = 100
"""Most missing samples that anybody may have bridged: half a second at the highest rate of motion."""
IN_DPS = {
    "deg/s": 1.0,
    "rad/s": math.degrees(1),
    "mdeg/s": 1e-3,
    "mrad/s": math.degrees(1) * 1e-3,
    "rpm": 6.0,
    "rev/s": 360.0,
}
"""One of a unit of rotation, in degrees a second."""
ROTATIONS = (*IN_DPS, "counts")
AXES = ("ax", "ay", "az", "gx", "gy", "gz")
NO_TIME = "none"
"""Named as the column of time, it says that none is to be used."""
_FLAGS = {"rate_hz": "rate", "rotation": "unit"}
"""Options whose name is not that of their field."""


@dataclass(frozen=True)
class StreamFormat:
    """What a pipeline takes; `StreamFormat.of` makes it from the sensor of a plan.

    Parameters
    ----------
    rate_hz : samples (rows) a second, > 0; a whole number for audio
    kind : "audio", "motion" or "external"
    columns : values in a row: 1 for audio, 3 (ax, ay, az) or 6 (gx, gy, gz, too) for motion
    counts_per_g, counts_per_dps : int16 counts in one g, in one degree a second; motion only
    full_scale_g : where the accelerometer clips; motion only

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

    @classmethod
    def of(cls, sensor: SensorPlan | MotionSensorPlan, columns: int) -> StreamFormat:
        """What a plan takes, from its sensor and its width."""
        rate_hz = sensor.rate_millihertz / 1000
        if not isinstance(sensor, MotionSensorPlan):
            return cls(rate_hz, sensor.kind, columns)
        per_dps = sensor.counts_per_kilo_dps / 1000 or None
        return cls(
            rate_hz, "motion", columns, sensor.counts_per_kilo_g / 1000, per_dps, sensor.full_scale_milli_g / 1000
        )

    def check(self) -> None:
        """Refuse what no source can give."""
        if self.kind not in ("audio", "motion", "external"):
            raise InputError(f"kind = {self.kind!r}; it must be audio, motion or external")
        if self.columns < 1:
            raise InputError(f"columns = {self.columns}; there must be at least 1")
        if self.kind != "audio":
            if not 0 < self.rate_hz < math.inf:
                raise InputError(f"rate_hz = {self.rate_hz}; it must be above 0 and finite")
            if self.kind == "motion":
                self._check_motion()
            return
        if self.columns != 1:
            raise InputError(f"columns = {self.columns}; audio has one, give kind external for rows")
        if not 1 <= self.rate_hz < math.inf or self.rate_hz != int(self.rate_hz):
            raise InputError(f"rate_hz = {self.rate_hz}; audio needs a whole number, at least 1")

    def _check_motion(self) -> None:
        if self.columns not in (3, 6):
            raise InputError(f"columns = {self.columns}; motion has 3 or 6 axes")
        needed = ("counts_per_g", "full_scale_g") + (("counts_per_dps",) if self.columns == 6 else ())
        for name in needed:
            value = getattr(self, name)
            if value is None or not 0 < value < math.inf:
                raise InputError(f"{name} = {value}; motion needs it, above 0")


def usable_scale(scale: float) -> bool:
    """Whether values times this are numbers that one can reckon with.

    Examples
    --------
    >>> usable_scale(-1 / 2048), usable_scale(0.0), usable_scale(1e308)
    (True, False, False)
    """
    return 1e-12 <= abs(scale) <= 1e12


@dataclass(frozen=True)
class ReadOptions:
    """How files are read where they do not say it themselves.

    Parameters
    ----------
    unit : of the accelerometer: "g", "mg", "m/s2", or "counts", which are the plan's and stay as they are
    axes : the columns that hold ax, ay, az[, gx, gy, gz], in this order, by name or by number from 1
    time : the column of time stamps, by name or number; ``NAME:UNIT`` with s, ms, us, ns, min, h or d where the heading
        has none, or another one
    scale : how much of its unit one step of a stored value is, for all axes, for each of two sensors, or for each axis
    array : of an .npz, the one that holds the samples; ``phone_x`` goes with ``phone_offsets``, ``phone_fs`` and so on
    rate_hz : rows a second of a table without a column of time, or of an .npz or .npy that says none; > 0
    where : of a table, only the rows of which columns say this; of an .npz, the recordings of which arrays do
    by : columns of a table: each of their values is a recording of its own, and a group of the first one
    devices : a .csv that says all of this for each file or device, as `anomsdk.sources.devices.read_devices` takes it
    channel : of sound, the one that is taken, from 1; None: the mean of all
    max_bridge : missing samples of a gap up to which the sample before it is repeated, 0 (never) to 100; at most 5 % of
        a recording is made so
    rotation : unit of the gyroscope, one of `ROTATIONS`; None: as the file says, else degrees a second, and counts
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
        """From the texts of a command line."""
        names = tuple(name.strip() for name in axes.split(",")) if axes is not None else ()
        try:
            scales = tuple(_fraction(each) for each in scale.split(",")) if scale is not None else ()
        except (ValueError, ZeroDivisionError):
            raise InputError(f"--scale: {printable(scale)} is no number; write e.g. --scale 0.000488") from None
        try:
            rate = float(rate_hz) if rate_hz is not None else None
        except ValueError:
            raise InputError(
                f"--rate: {printable(rate_hz)} is no number; write rows a second, e.g. --rate 50"
            ) from None
        chosen = () if where is None else conditions_in(where, "--where", "--where column=value,value:column!=value")
        columns = () if by is None else tuple(each.strip() for each in by.split(","))
        if max_bridge is not None and not (max_bridge.isascii() and max_bridge.isdigit() and len(max_bridge) <= 3):
            raise InputError(
                f"--max-bridge {printable(max_bridge)}: no number of samples from 0 to {MAX_BRIDGE}; 0 bridges none"
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
        """Refuse what fits nothing, and what is said of motion where something else is wanted."""
        default = ReadOptions()
        said = [each.name for each in fields(self) if getattr(self, each.name) != getattr(default, each.name)]
        if "channel" in said:
            if stream_format.kind != "audio":
                raise InputError(
                    f"--channel: says which channel of sound, and this is {stream_format.kind}; leave it out"
                )
            if isinstance(self.channel, bool) or not isinstance(self.channel, int) or self.channel < 1:
                raise InputError(f"--channel {printable(self.channel)}: channels count from 1; give a number, or mix")
            said.remove("channel")
        if stream_format.kind != "motion" and said:
            option = _FLAGS.get(said[0], said[0].replace("_", "-"))
            raise InputError(f"--{option}: says how motion is stored, and this is {stream_format.kind}; leave it out")
        if self.unit is not None and self.unit not in UNITS:
            raise InputError(f"--unit {printable(self.unit)}: no such unit; it is one of {', '.join(UNITS)}")
        if self.rotation is not None and self.rotation not in ROTATIONS:
            raise InputError(
                f"--unit {printable(self.rotation)}: no such unit of a gyroscope; it is one of {', '.join(ROTATIONS)}"
            )
        if self.rotation is not None and stream_format.columns == 3:
            raise InputError(f"--unit ,{self.rotation}: 3 axes hold no gyroscope; give the first unit only")
        if self.axes and len(self.axes) != stream_format.columns:
            order = ",".join(AXES[: stream_format.columns])
            raise InputError(f"--axes: {len(self.axes)} names; name {stream_format.columns} columns that are {order}")
        if len(set(self.axes)) != len(self.axes) or "" in self.axes:
            raise InputError(f"--axes {printable(','.join(self.axes))}: each axis is another column; name each once")
        if any(not (0 < abs(each) < math.inf) for each in self.scale):
            raise InputError("--scale: a scale is neither 0 nor infinite; correct it")
        if any(not usable_scale(each) for each in self.scale):
            raise InputError("--scale: a scale lies between 1e-12 and 1e12, whatever its sign; correct it")
        if self.scale and self.unit == "counts" and self.rotation in (None, "counts"):
            raise InputError("--scale: counts are the plan's and stay as they are; give another --unit, or no --scale")
        if not 0 <= self.max_bridge <= MAX_BRIDGE:
            raise InputError(f"--max-bridge {self.max_bridge}: give 0 to {MAX_BRIDGE} samples; 0 bridges none")
        if not self.array.endswith("x"):
            raise InputError(f"--array {printable(self.array)}: name an array that ends in x, as in phone_x")
        if self.rate_hz is not None and not 0 < self.rate_hz < math.inf:
            raise InputError(f"--rate {self.rate_hz:g}: rows a second are above 0 and finite; correct it")
        if self.rate_hz is not None and self.time not in (None, NO_TIME):
            raise InputError(f"--rate: with --time {printable(self.time)} the times say the rate; give one of the two")
        if "" in self.by or len(set(self.by)) != len(self.by):
            raise InputError(f"--by {printable(','.join(self.by))}: name each column once, e.g. --by cow")


def _parsed_channel(text: str | None) -> int | None:
    """A number from 1, or ``mix``: the mean of all channels."""
    if text is None or text == "mix":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise InputError(f"--channel {printable(text)}: is no channel; give a number from 1, or mix")
    return int(text)


def _fraction(text: str) -> float:
    """A number as people write scales, 0.000488 or 1/2048."""
    over, bar, under = text.partition("/")
    return float(over) / float(under) if bar else float(over)
