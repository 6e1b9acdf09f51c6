"""Units as loggers spell them: converted where the word is clear, refused by name where it is not, with advice that works."""

import re
from pathlib import Path

import numpy as np
import pytest

from anomsdk import sources
from anomsdk.errors import InputError
from anomsdk.sources import ReadOptions, open_recordings
from anomsdk.sources.formats.tables.units import unit_of, units_in_sentence
from anomsdk.sources.stream_format import G, StreamFormat
from tests.support.motion_files import W3, W6, N, advised, carried, counts, read, table

TIME = [f"{k / 50:.2f}" for k in range(N)]
ROWS = carried(axes=6, digits=6)
AXES = ("x", "y", "z")
GRAVITY = np.array([0.0, 0.0, 1.0])
IN_DPS = {"deg/s": 1.0, "rad/s": np.degrees(1), "mdeg/s": 1e-3, "mrad/s": np.degrees(1e-3), "rpm": 6.0, "rev/s": 360.0}


def six(path, headings, rows=ROWS):
    """A .csv or .parquet with these six headings."""
    if path.suffix == ".csv":
        columns = {"time_s": TIME} | {
            name: list(map(repr, map(float, each))) for name, each in zip(headings, rows.T, strict=True)
        }
        quoted = {f'"{name}"' if "," in name else name: cells for name, cells in columns.items()}
        return table(path, quoted)
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"time_s": np.arange(N) / 50} | dict(zip(headings, rows.T, strict=True))), path)
    return path


def said(word, sensor="gyro", before=" [", after="]"):
    return [f"{sensor}_{axis}{before}{word}{after}" for axis in AXES]


def turned(of_dps):
    rows = ROWS.copy()
    rows[:, 3:] /= of_dps
    return rows


def refusal(path, stream_format=W6, **reading):
    with pytest.raises(InputError) as caught:
        read(path, stream_format, **reading)
    line = str(caught.value)
    assert line.startswith(str(path)) and "\n" not in line
    return line.replace(str(path), "FILE")


SPELT = {
    "deg/s": [
        *("deg/s", "dps", "DPS", "°/s", "º/s", "˚/s", "Â°/s", "deg_per_s", "degps", "deg.s-1", "deg/sec", "Deg/Sec"),
        *("deg·s⁻¹", "deg*s^-1", "degrees/s", "degrees/second", "degrees per second", "degree per sec", "deg s-1"),
        *("deg s^-1", "° s⁻¹", "deg / s", "Degrees/Sec"),
    ],
    "rad/s": [
        *("rad/s", "RAD/S", "rad/sec", "radians/s", "radians/sec", "radian/second", "rad.s-1", "rad·s⁻¹", "rad*s^-1"),
        *("rad/S", "radps", "rad_s", "rad s^-1", "rad s-1", "radians per second", "radian per second", "rad per sec"),
        "rad / s",
    ],
    "mdeg/s": ["mdps", "mdeg/s", "mdeg/sec", "millidegrees per second", "mdeg s-1"],
    "mrad/s": ["mrad/s", "mrad/sec", "milliradians per second"],
    "rpm": ["rpm", "RPM", "rev/min", "r/min", "revolutions per minute"],
    "rev/s": ["rev/s", "rev/sec", "revolutions per second"],
}
WORDS = [(unit, word) for unit, words in SPELT.items() for word in words]


@pytest.mark.parametrize("unit, word", WORDS)
def test_rotation_in_every_clear_spelling(tmp_path, unit, word):
    headings = [f"a{axis}_g" for axis in AXES] + said(word)
    found, notes = read(six(tmp_path / "a.csv", headings, turned(IN_DPS[unit])), W6)
    assert np.abs(found - counts(ROWS, W6).astype(int)).max() <= (0 if unit == "deg/s" else 1)
    assert notes == (() if unit == "deg/s" else (f"{unit} turned into deg/s",))


@pytest.mark.parametrize("before, after", [(" (", ")"), ("_", ""), (" ", ""), ("/", ""), (", ", ""), (" in ", "")])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rotation_wherever_the_word_stands(tmp_path, before, after, suffix):
    headings = [f"a{axis}_g" for axis in AXES] + said("rad/s", "gyro", before, after)
    if before == " in ":
        headings[3:] = [f"Gyroscope (rad/s) {axis}" for axis in AXES]
    found, notes = read(six(tmp_path / f"a.{suffix}", headings, turned(np.degrees(1))), W6)
    assert np.abs(found - counts(ROWS, W6).astype(int)).max() <= 1 and notes == ("rad/s turned into deg/s",)


@pytest.mark.parametrize(
    "word", ["rps", "furlong/s", "deg", "rad", "deg/h", "Hz", "1/s", "g", "m/s2", "kdps", "70 mdps/LSB"]
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rotation_in_a_word_that_nobody_knows(tmp_path, word, suffix):
    path = six(tmp_path / f"a.{suffix}", [f"a{axis}_g" for axis in AXES] + said(word))
    line = refusal(path)
    assert f"gyro_x [{word}] is in " in line and "no known unit of rotation; give `unit='g,deg/s'`, or rad/s, " in line
    assert np.array_equal(read(path, W6, **advised(line))[0], counts(ROWS, W6))
    assert len(read(path, W3)[0]) == N, "three axes need no gyroscope"


@pytest.mark.parametrize("sensor", [0, 3])
@pytest.mark.parametrize("words", [("g", "mg", "g"), ("deg/s", "rad/s", "rad/s"), ("deg/s", "", "")])
def test_two_units_in_one_sensor(tmp_path, sensor, words):
    headings = [f"a{axis}_g" for axis in AXES] + [f"g{axis}_dps" for axis in AXES]
    own = words if (sensor == 3) == ("deg/s" in words) else words[::-1]
    if sensor == 0 and "deg/s" in words:
        own = ("g", "m/s2", "m/s2")
    headings[sensor : sensor + 3] = [
        f"{'ag'[sensor // 3]}{axis} [{word}]" if word else f"g{axis}" for axis, word in zip(AXES, own, strict=True)
    ]
    if sensor == 3 and "g" in words:
        return
    path = six(tmp_path / "a.csv", headings)
    assert ": one sensor has one unit; correct the headings, or give `unit" in refusal(path)
    assert np.array_equal(read(path, W6, unit="g,deg/s")[0], counts(ROWS, W6))


def test_rotation_without_a_unit_is_said(tmp_path):
    headings = [f"a{axis}_g" for axis in AXES] + [f"g{axis}" for axis in AXES]
    note = "rotation is assumed to be in deg/s: no unit is named, and its values do not tell"
    for factor, notes in ((1, ()), (0.1, (note,))):
        rows = ROWS * ([1] * 3 + [factor] * 3)
        path = six(tmp_path / "a.csv", headings, rows)
        found, said_of_it = read(path, W6)
        assert np.array_equal(found, counts(rows, W6)) and said_of_it == notes
        assert read(path, W6, unit="g,deg/s")[1] == ()
    assert read(six(tmp_path / "b.csv", headings, turned(np.degrees(1))), W6)[1] == (note,)
    found, notes = read(six(tmp_path / "b.csv", headings, turned(np.degrees(1))), W6, unit="g,rad/s")
    assert np.abs(found - counts(ROWS, W6).astype(int)).max() <= 1 and notes == ("rad/s turned into deg/s",)


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_rotation_without_a_unit_that_can_be_no_degrees(tmp_path, kind):
    """Steps of 70 mdps are whole numbers; mdps are beyond any gyroscope."""
    for rows, why in ((np.rint(ROWS / 0.07), "whole numbers up to "), (ROWS * 1000, "up to ")):
        there = np.concatenate([ROWS[:, :3], rows[:, 3:]], axis=1)
        path = tmp_path / f"a.{kind}"
        if kind == "npz":
            np.savez(path, x=there, fs=50.0, unit="g", channels=["ax", "ay", "az", "gx", "gy", "gz"])
        else:
            six(path, [f"a{axis}_g" for axis in AXES] + [f"g{axis}" for axis in AXES], there)
        line = refusal(path)
        assert "gx has no unit, and its values (" + why in line
        advice = advised(line)
        assert advice == {"unit": "g,deg/s", "scale": "1,Y"}
        scale = advice["scale"].replace("Y", "0.07" if why.startswith("whole") else "0.001")
        found, _ = read(path, W6, unit=advice["unit"], scale=scale)
        assert np.abs(found - counts(ROWS, W6).astype(int)).max() <= 1


@pytest.mark.parametrize("names", ["gx_raw", "gx [LSB]", "gx (counts)", "raw_gx", "RawGyroX", "gx count", "gyro x adc"])
def test_raw_rotation_beside_g(tmp_path, names):
    headings = [f"a{axis}_g" for axis in AXES] + [
        re.sub("x(?=[ _]|$)|X$", lambda found, axis=axis: axis if found[0] == "x" else axis.upper(), names)
        for axis in AXES
    ]
    rows = np.concatenate([ROWS[:, :3], ROWS[:, 3:] / 0.07], axis=1)
    path = six(tmp_path / "a.csv", headings, rows)
    assert "is in steps of a sensor; give `unit='g,deg/s'` and `scale='1,Y'` with Y deg/s in a step" in refusal(path)
    found, _ = read(path, W6, unit="g,deg/s", scale="1,0.07")
    assert np.abs(found - counts(ROWS, W6).astype(int)).max() <= 1
    found, _ = read(path, W6, scale="1,1,1,0.07,0.07,0.07")
    assert np.abs(found - counts(ROWS, W6).astype(int)).max() <= 1
    in_counts = np.concatenate([ROWS[:, :3], counts(ROWS, W6)[:, 3:]], axis=1)
    assert np.array_equal(read(six(path, headings, in_counts), W6, unit="g,counts")[0], counts(ROWS, W6))


def test_counts_beside_a_converted_gyroscope(tmp_path):
    rows = np.concatenate([counts(ROWS, W6)[:, :3], ROWS[:, 3:]], axis=1)
    path = six(tmp_path / "a.csv", [f"a{axis}" for axis in AXES] + [f"g{axis}_dps" for axis in AXES], rows)
    line = refusal(path, unit="counts")
    assert "and `unit='counts'` means all axes; give `unit='counts,deg/s'`" in line
    assert np.array_equal(read(path, W6, **advised(line))[0], counts(ROWS, W6))


# --- acceleration


@pytest.mark.parametrize(
    "word, of_g",
    [
        *(
            (word, G)
            for word in ("m/s2", "m/s^2", "m/s²", "m/s**2", "m/s/s", "m s⁻²", "m·s⁻²", "m.s-2", "m*s^-2", "㎨")
        ),
        *(
            (word, G)
            for word in ("meters per second squared", "m/sec^2", "metre/second²", "m/s\N{REPLACEMENT CHARACTER}")
        ),
        *((word, 1) for word in ("g", "G", "g's", "gs", "g-force", "gee")),
        *((word, 1000) for word in ("mg", "milli-g", "mG")),
        *((word, 100 * G) for word in ("cm/s²", "Gal")),
        ("mm/s^2", 1000 * G),
        ("µg", 1e6),
    ],
)
def test_acceleration_in_every_clear_spelling(tmp_path, word, of_g):
    rows = carried(digits=6)
    path = six(tmp_path / "a.csv", said(word, "acc"), rows * of_g)
    assert np.abs(read(path)[0] - counts(rows).astype(int)).max() <= (0 if of_g in (1, 1000) else 1)


@pytest.mark.parametrize("word", ["stones", "m/s", "deg/s", "N", "s", "%"])
def test_acceleration_in_a_word_that_nobody_knows(tmp_path, word):
    line = refusal(six(tmp_path / "a.csv", said(word, "acc"), carried()), W3)
    assert "no known unit of acceleration; give `unit`, one of g, mg, m/s2, counts" in line


@pytest.mark.parametrize("per_g", [256, 600, 1000, 2048, 4096, 16384])
@pytest.mark.parametrize("heading", ["acc_{}_raw", "acc {} [LSB]", "a{} (counts)", "raw_acc_{}", "AccRaw{}"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_raw_counts_are_the_plans_only_where_somebody_says_so(tmp_path, per_g, heading, suffix):
    rows = carried(digits=9)
    steps = np.rint(rows * per_g)
    headings = [heading.format(axis.upper() if "Raw" in heading else axis) for axis in AXES]
    path = six(tmp_path / f"a.{suffix}", headings, steps)
    line = refusal(path, W3)
    assert "is in steps of a sensor, their median magnitude is" in line
    advice, or_counts = line.split("; give ")[1].split(", or ")
    assert or_counts == "`unit='counts'` where they are the plan's (2048 a g)"
    found, notes = read(path, W3, **advised(advice))
    if per_g not in (600, 1000):
        assert (
            advised(advice) == {"unit": "g", "scale": f"1/{per_g}"}
            and np.array_equal(found, counts(steps / per_g))
            and notes == ()
        )
    if per_g == 2048:
        assert np.array_equal(read(path, W3, unit="counts")[0], steps)
    elif not 0.25 < per_g / 2048 < 4:
        advice = advised(refusal(path, W3, unit="counts"))
        assert set(advice) == {"unit", "scale"} and len(read(path, W3, **advice)[0]) == N


@pytest.mark.parametrize("unit, wrong", [("g", "mg"), ("mg", "g"), ("m/s2", "g"), ("m/s2", "mg"), ("mg", "m/s2")])
@pytest.mark.parametrize("scale", [None, "0.01"])
def test_advice_is_made_of_what_is_stored(tmp_path, unit, wrong, scale):
    """Whatever unit and scale were said before, the advice works as it stands."""
    rows = carried(digits=9)
    if (unit, wrong, scale) == ("mg", "m/s2", "0.01"):
        return  # 1000 mg times 0.01 are 10 m/s2
    path = six(tmp_path / "a.csv", [f"a{axis}" for axis in AXES], rows * {"g": 1, "mg": 1000, "m/s2": G}[unit])
    advice = advised(refusal(path, W3, unit=wrong, scale=scale))
    assert advice == {"unit": unit} | ({} if scale is None else {"scale": "1"})
    assert np.abs(read(path, W3, **advice)[0] - counts(rows).astype(int)).max() <= 1


def test_rest_that_is_no_g_is_said(tmp_path):
    rng = np.random.default_rng(0)
    rows = np.where(np.arange(N)[:, None] < 200, [0, 0, 1], carried()) + rng.normal(0, 0.003, (N, 3))
    for factor, note in (
        (1, ()),
        (1.07, ()),
        (1.3, ("rests at 1.3 g: is that the unit, and is the sensor calibrated?",)),
    ):
        assert read(six(tmp_path / "a.csv", [f"a{axis}_g" for axis in AXES], rows * factor))[1] == note


@pytest.mark.parametrize("per_g", [1000, 1024, 1500, 2500, 4096])
def test_counts_that_cannot_be_the_plans_are_said(tmp_path, per_g):
    _, notes = read(six(tmp_path / "a.csv", [f"a{axis}" for axis in AXES], np.rint(carried() * per_g)), unit="counts")
    assert len(notes) == 1 and notes[0].endswith("gravity is 1: is that the unit?")


@pytest.mark.parametrize("middle", [512, 2048, 32768])
def test_a_sensor_whose_zero_is_in_the_middle(tmp_path, middle):
    rows = np.rint(carried() * middle / 8) + middle
    for unit, scale in (("g", f"8/{middle}"), ("g", None), ("counts", None)):
        if unit == "counts" and middle < 32768:
            continue
        line = refusal(six(tmp_path / "a.csv", [f"a{axis}" for axis in AXES], rows), W3, unit=unit, scale=scale)
        assert f"the values lie around {middle}, as of a sensor whose zero is there; subtract that from all" in line


# --- gravity


@pytest.mark.parametrize(
    "heading",
    [
        *(
            "Linear Acceleration {} (m/s^2)",
            "linear_acceleration_{} [m/s2]",
            "LinearAcceleration{} (m/s2)",
            "LinAcc{} [g]",
        ),
        *(
            "userAcceleration.{} [g]",
            "motionUserAcceleration{}(G)",
            "user_acc_{}_g",
            "acc_lin_{} [g]",
            "acc_{}_dyn [g]",
        ),
        *("Acceleration {} (without g) (m/s²)", "Acceleration without gravity {} (m/s²)", "FreeAcc_{} [m/s2]"),
        *("acc_{} (gravity removed) [g]", "gravity-free acceleration {} [g]", "LINEAR ACCELERATION {} (m/s²)"),
    ],
)
def test_acceleration_without_gravity_is_refused_by_name(tmp_path, heading):
    rows = carried(digits=6) - [0, 0, 1]
    of_g = G if re.search(r"m/s", heading) else 1
    headings = [heading.format(axis.upper() if "Acc{" in heading or "tion{" in heading else axis) for axis in AXES]
    path = six(tmp_path / "a.csv", headings, rows * of_g * 3)
    line = refusal(path, W3)
    assert "is acceleration without gravity" in line and "record the accelerometer itself" in line
    line = refusal(path, W3, axes="2,3,4", unit="m/s2" if of_g == G else "g")
    assert "acceleration without gravity, by its name and its values" in line
    found, _ = read(six(path, headings, (rows + GRAVITY) * of_g), W3, axes="2,3,4", unit="m/s2" if of_g == G else "g")
    assert np.abs(found - counts(rows + GRAVITY).astype(int)).max() <= 1, "ROS's linear_acceleration has gravity in it"


@pytest.mark.parametrize(
    "total, linear",
    [
        ("gF{}", "a{}"),
        ("gF{}", "a{} [m/s2]"),
        ("accelerationIncludingGravity.{} [g]", "acceleration.{} [g]"),
        ("total_acc_{} [g]", "body_acc_{} [g]"),
        ("acc_{} [g]", "linear_acc_{} [g]"),
        ("accelerometerAcceleration{}(G)", "motionUserAcceleration{}(G)"),
        ("ACCELEROMETER {} (g)", "LINEAR ACCELERATION {} (g)"),
    ],
)
@pytest.mark.parametrize("linear_first", [True, False])
def test_acceleration_with_gravity_is_taken_where_both_stand(tmp_path, total, linear, linear_first):
    rows = carried(digits=6)
    upper = "Acceleration{}" in total
    names = {kind: [form.format(axis.upper() if upper else axis) for axis in AXES] for kind, form in
             (("total", total), ("linear", linear))}  # fmt: skip
    there = {"total": rows, "linear": rows - [0, 0, 1]}
    order = ["linear", "total"] if linear_first else ["total", "linear"]
    gravity = [f"gravity.{axis}" for axis in AXES]
    path = six(
        tmp_path / "a.csv",
        [*names[order[0]], *names[order[1]], *gravity],
        np.concatenate([there[order[0]], there[order[1]], np.full((N, 3), 0.577)], axis=1),
    )
    found, notes = read(path)
    assert np.array_equal(found, counts(rows))
    assert len(notes) == 1 and names["total"][0] in notes[0] and "has no gravity in it" in notes[0]


def test_gravity_that_is_not_in_the_values_is_said(tmp_path):
    rows = (carried(digits=6) - [0, 0, 1]) * 2
    _, notes = read(six(tmp_path / "a.csv", [f"a{axis}_g" for axis in AXES], rows))
    assert len(notes) == 1 and notes[0].startswith("hardly any gravity in it, ")


def test_omega_without_a_unit_is_asked_for(tmp_path):
    path = six(tmp_path / "a.csv", ["gFx", "gFy", "gFz", "wx", "wy", "wz"], turned(np.degrees(1)))
    assert "wx has no unit, and is often rad/s; give `unit='g,deg/s'`, or rad/s, " in refusal(path)
    assert np.abs(read(path, W6, unit="g,rad/s")[0] - counts(ROWS, W6).astype(int)).max() <= 1


@pytest.mark.parametrize("name", ["rotationRate{}", "angular_velocity.{}", "motionRotationRate{}"])
def test_rates_of_rotation_that_are_often_radians(tmp_path, name):
    """Core Motion and ROS mean rad/s, browsers deg/s: said where the values do not tell."""
    heads = ["gFx", "gFy", "gFz", *(name.format(axis) for axis in "xyz")]
    path = six(tmp_path / "a.csv", heads, turned(np.degrees(1)))
    assert "has no unit, is often rad/s, and its values do not tell; give `unit='g,deg/s'`, or rad/s, " in refusal(path)
    assert np.abs(read(path, W6, unit="g,rad/s")[0] - counts(ROWS, W6).astype(int)).max() <= 1
    assert np.array_equal(read(six(tmp_path / "b.csv", heads))[0], counts(ROWS[:, :3]))


# --- .npz, words and options


@pytest.mark.parametrize(
    "unit, of_dps, exact",
    [
        ("acc g = x/1; gyro rad/s = x/1", np.degrees(1), False),
        ("acc g = x; gyr rad s^-1 = x", np.degrees(1), False),
        ("g, mdps", 1e-3, False),
        ("g; deg/s", 1, True),
        (["g", "g", "g", "rad/s", "rad/s", "rad/s"], np.degrees(1), False),
    ],
)
def test_units_of_an_npz(tmp_path, unit, of_dps, exact):
    path = tmp_path / "a.npz"
    np.savez(path, x=turned(of_dps), fs=50.0, unit=unit)
    assert np.abs(read(path, W6)[0] - counts(ROWS, W6).astype(int)).max() <= (0 if exact else 1)


@pytest.mark.parametrize(
    "unit, line",
    [
        ("acc g = x; gyro furlong = x", "is in 'furlong', no known unit of rotation"),
        (["g", "g", "g", "rad/s", "deg/s", "deg/s"], "one sensor has one unit"),
        (["g", "mg", "g", "rad/s", "rad/s", "rad/s"], "one sensor has one unit"),
        ("raw", "is in steps of a sensor, their median magnitude is"),
        ("LSB", "is in steps of a sensor"),
        ("counts", "is in steps of a sensor"),
    ],
)
def test_units_of_an_npz_that_are_refused(tmp_path, unit, line):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.rint(ROWS * 4096) if isinstance(unit, str) and "=" not in unit else ROWS, fs=50.0, unit=unit)
    assert line in refusal(path)


def test_counts_of_an_npz_are_the_plans_where_they_rest_so(tmp_path):
    np.savez(tmp_path / "a.npz", x=counts(ROWS, W6), fs=50.0, unit="counts")
    assert np.array_equal(read(tmp_path / "a.npz", W6)[0], counts(ROWS, W6))


@pytest.mark.parametrize(
    "reading, line",
    [
        (
            {"unit": "g,furlong"},
            "`rotation='furlong'`: no such unit of a gyroscope; it is one of deg/s, rad/s, mdeg/s,",
        ),
        ({"unit": "g,rad/s"}, "`rotation='rad/s'`: 3 axes hold no gyroscope; give the unit of acceleration only"),
        ({"unit": "rad/s"}, "`unit='rad/s'`: no such unit of acceleration; it is one of g, mg, m/s2, counts"),
        ({"scale": "1/0"}, "`scale='1/0'` is no number"),
        ({"scale": "1/x"}, "`scale='1/x'` is no number"),
        ({"unit": "g", "scale": "1,2"}, "2 scales for 3 axes; give one number as `scale`, or 3"),
    ],
)
def test_options_that_do_not_fit(tmp_path, reading, line):
    with pytest.raises(InputError) as refused:
        read(six(tmp_path / "a.csv", [f"a{axis}_g" for axis in AXES], carried()), W3, **reading)
    assert line in str(refused.value)


def test_the_unit_of_the_gyroscope_alone(tmp_path):
    headings = [f"a{axis}_mg" for axis in AXES] + [f"g{axis}" for axis in AXES]
    rows = turned(np.degrees(1)) * ([1000] * 3 + [1] * 3)
    assert (
        np.abs(read(six(tmp_path / "a.csv", headings, rows), W6, unit=",rad/s")[0] - counts(ROWS, W6).astype(int)).max()
        <= 1
    )


@pytest.mark.parametrize(
    "word", ["", "x", "time", "utc", "m/s", "kg", "mT", "µT", "%", "V", "hPa", "°C", "deg", "samples"]
)
def test_words_that_are_no_unit(word):
    assert unit_of(word) is None


def test_a_sentence_with_two_of_a_kind_says_nothing():
    assert units_in_sentence("acc g = x/2048; wrist acc mg = x") == (None, None)
    assert units_in_sentence("counts; g = counts*32/8192") == ("g", None)


def test_a_plan_without_a_scale_of_its_own():
    assert StreamFormat(50, "motion", 6, 2048, 16, 16) == W6


@pytest.mark.parametrize(
    "reading",
    [{"scale": "1/2048"}, {"axes": "ax,ay,az"}, {"by": "ax"}, {"where": "ax=1"}],
    ids=lambda each: next(iter(each)),
)
def test_a_text_where_a_tuple_belongs(tmp_path, reading):
    """Messages write options as `ReadOptions.parsed` takes them; given to ReadOptions itself they are refused by name."""
    ((name, text),) = reading.items()
    path = six(tmp_path / "a.csv", [f"a{axis}_g" for axis in AXES], carried())
    with pytest.raises(InputError) as refused:
        open_recordings(path, W3, reading=ReadOptions(**reading))
    assert str(refused.value) == f"`{name}={text!r}`: ReadOptions takes a tuple, ReadOptions.parsed takes text"


def test_no_message_of_a_source_speaks_of_the_command_line():
    """A Python caller reads parameters; the command line puts its options in their place."""
    folder = Path(sources.__file__).parent
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}
    assert [name for name, text in texts.items() if re.search(r"(?<![-\w])--[a-z]", text)] == []
