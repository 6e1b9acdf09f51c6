"""Numbers that no sensor gives and nobody means: in files, in specs, in options. Each is refused in one line."""

import json
import warnings

import numpy as np
import pytest

import anomsdk
from anomsdk.errors import InputError
from anomsdk.planner.calibration import Calibration
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings
from anomsdk.sources.formats.timing.dates import dates
from tests.support.command_line import anomsdk_command
from tests.support.make import SPECS, make_folder

W3 = StreamFormat(50, "motion", 3, counts_per_g=4096, full_scale_g=8)
ODD = [
    "1e308",
    "-1e308",
    "1e309",
    "inf",
    "-inf",
    "nan",
    "-0.0",
    "5e-324",
    "1" + "0" * 400,
    "9" * 5000,
    str(2**63),
    str(2**31),
]
ODD_DATES = [
    *("2024-01-01T00:00:00+99:99", "2024-01-01T00:00:00+1", "2024-01-01T00:00:00ZZ", "2024-01-01T00:00:00 +01:00Z"),
    *("2024-01-01T00:00:00+25:00", "2024-01-01T00:00:00+01:75", "2024-02-30T00:00:00", "2024-01-01T25:00:00"),
    *("0000-01-01T00:00:00", "1600-01-01T00:00:00", "2263-01-01T00:00:00", "9999-12-31T23:59:59.999999999"),
    *("now", "today", "NaT", "", "2024-01-01T00:00:00 PM", "2024-01-01T00:00:00 CET", "2024-W03-1T00:00:00"),
    *("-2024-01-01T00:00:00", "２０２４-01-01T00:00:00", "2024-01-01T00:00:60", "2024-1-1T00:00:00", "20240101T000000"),
]


def refusal(read):
    """One short line; nothing warns on the way."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError) as caught:
            read()
    line = str(caught.value)
    assert line.isprintable() and len(line) < 500
    return line


def read(path, **reading):
    return [
        block for recording in open_recordings(path, W3, reading=ReadOptions(**reading)) for block in recording.blocks()
    ]


@pytest.mark.parametrize("cell", ODD_DATES)
def test_odd_dates(tmp_path, cell):
    good = [f"2024-01-01T00:00:{i / 50:06.3f}" for i in range(40)]
    wheres = [f"line {i}" for i in range(40)]
    assert "line 7: time is '" in refusal(lambda: dates([*good[:7], cell, *good[8:]], wheres, "time"))
    lines = ["time,ax_g,ay_g,az_g", *(f"{date},0,0.1,1" for date in [*good[:7], cell, *good[8:]])]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    refusal(lambda: read(tmp_path / "a.csv"))
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    axes = {name: np.random.default_rng(0).normal(size=40) for name in ("ax_g", "ay_g", "az_g")}
    pq.write_table(pa.table({"time": [*good[:7], cell, *good[8:]], **axes}), tmp_path / "a.parquet")
    assert "row 7 (from 0): time is" in refusal(lambda: read(tmp_path / "a.parquet"))


def test_dates_that_are_dates():
    cells = [
        "2024-03-31",
        "2024-03-31T01:59",
        "2024/03/31 01:59:00,5Z",
        "2024-03-31T03:59:00.5+02:00",
        "1678-01-01T00:00:00",
    ]
    cells += ["2261-12-31T23:59:59.123456789999", "2024-03-31 01:59:00.5 -0030"]
    expected = [
        "2024-03-31",
        "2024-03-31T01:59",
        "2024-03-31T01:59:00.5",
        "2024-03-31T01:59:00.5",
        "1678-01-01T00:00:00",
    ]
    expected += ["2261-12-31T23:59:59.123456789", "2024-03-31T02:29:00.5"]
    assert dates(cells, [""] * 7, "t").tolist() == np.array(expected, "datetime64[ns]").astype(np.int64).tolist()


@pytest.mark.parametrize("factor", [10**15, 10**12, 2**60])
@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_dates_of_a_parquet_beyond_nanoseconds(tmp_path, factor, unit):
    """Numbers of seconds that only fit when they are no nanoseconds: refused, not wrapped."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    axes = {name: np.random.default_rng(0).normal(size=40) for name in ("ax_g", "ay_g", "az_g")}
    for first in (factor * 1000, -factor * 1000 if factor < 2**60 else -(2**63)):
        stamps = pa.array(np.arange(40) % 2 * min(max(first, -(2**63)), 2**63 - 1), pa.int64()).cast(pa.timestamp(unit))
        pq.write_table(pa.table({"time": stamps, **axes}), tmp_path / "a.parquet")
        refusal(lambda: read(tmp_path / "a.parquet"))


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("column", [0, 2])
@pytest.mark.parametrize("row", [0, 1, 20])
def test_odd_cells(tmp_path, value, column, row):
    rng = np.random.default_rng(1)
    rows = [[f"{i * 0.02:.2f}", *(f"{each:.3f}" for each in rng.normal((0, 0, 1), 0.1))] for i in range(40)]
    rows[row][column] = value
    (tmp_path / "a.csv").write_text("\n".join(map(",".join, [["time_s", "ax_g", "ay_g", "az_g"], *rows])))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if value in ("-0.0", "5e-324") and (column == 2 or row == 0 or (row == 1 and value == "5e-324")):
            read(tmp_path / "a.csv")
            return
    assert (
        f"line {row + 2}" in (line := refusal(lambda: read(tmp_path / "a.csv"))) or "line" in line or "no unit" in line
    )


@pytest.mark.parametrize("value", [1e308, -1e308, np.inf, np.nan, 0.0, 5e-324, 1e300])
def test_odd_numbers_of_an_npz(tmp_path, value):
    x = np.random.default_rng(0).normal((0, 0, 1), 0.1, (40, 3))
    for key in ("scale", "fs"):
        np.savez(tmp_path / "a.npz", x=x, unit="g", **{"fs": 50.0, key: value})
        refusal(lambda: read(tmp_path / "a.npz"))
    if abs(value) != 0 and abs(value) != 5e-324:
        x[5, 1] = value
        np.savez(tmp_path / "a.npz", x=x, unit="g", fs=50.0)
        assert "row 5" in refusal(lambda: read(tmp_path / "a.npz"))


@pytest.mark.parametrize("kind", list(SPECS))
@pytest.mark.parametrize("value", ODD)
def test_every_number_of_a_spec(tmp_path, kind, value):
    """Each number in turn is the odd one, to the planner, with a calibration that fits."""
    whole = PipelineSpec.from_toml(SPECS[kind]).to_toml()
    lines = whole.splitlines()
    planned = 0
    for at, line in enumerate(lines):
        key, _, old = line.partition(" = ")
        if not old.replace(".", "").isdecimal():
            continue
        text = "\n".join([*lines[:at], f"{key} = {value}", *lines[at + 1 :]])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                spec = PipelineSpec.from_toml(text)
                PipelineSpec.from_toml(spec.to_toml())
                anomsdk.plan(make_folder(tmp_path / f"{at}", spec.to_toml()))
                planned += 1
            except InputError as error:
                assert str(error).isprintable() and len(str(error)) < 400, key
    assert planned < len(lines) // 2


@pytest.mark.parametrize(
    "value", [1e308, -1e308, float("nan"), float("inf"), -0.0, 10**400, -1, 2**63, 5e-324, None, [], "x"]
)
def test_every_number_of_a_calibration(tmp_path, value):
    folder = make_folder(tmp_path / "a", SPECS["motion"])
    tree = json.loads((folder / "calibration.json").read_text())

    def places(node):
        for key, each in node.items() if isinstance(node, dict) else list(enumerate(node))[:2]:
            if isinstance(each, (dict, list)):
                yield from places(each)
            elif isinstance(each, (int, float)):
                yield node, key

    found = list(places(tree))
    assert len(found) > 10
    for node, key in found:
        old, node[key] = node[key], value
        (folder / "calibration.json").write_text(json.dumps(tree))
        node[key] = old
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                Calibration.from_file(folder / "calibration.json")
                anomsdk.plan(folder)
            except InputError as error:
                assert str(error).isprintable() and len(str(error)) < 400, key


@pytest.mark.parametrize(
    "value", ["1e308", "-1e308", "inf", "nan", "-0", "5e-324", "1" + "0" * 400, "9" * 5000, str(2**63)]
)
def test_every_number_on_the_command_line(tmp_path, value):
    motion = make_folder(tmp_path / "motion", SPECS["motion"])
    folder = make_folder(tmp_path / "room", SPECS["external"])
    for each in (motion, folder):
        anomsdk.write_plan(anomsdk.plan(each), each / "plan.json")
    rng = np.random.default_rng(0)
    np.save(tmp_path / "rows.npy", rng.normal(0, 500, (400, 6)).astype(np.int16))
    rows = rng.normal((0, 0, 1, 0, 0, 0), 0.1, (400, 6))
    np.savez(tmp_path / "move.npz", x=rows, unit="g", fs=50.0)
    good = tmp_path / "rows.npy"
    train = ("train", "--normal", good, "--spec", folder / "spec.toml", "--out", tmp_path / "out")
    evaluate = ("evaluate", "--plan", folder, "--normal", good, "--anomalous", good, "--jobs", 1)
    diff = ("diff", folder, folder, "--corpus", good, "--jobs", 1)
    commands = [
        *((*train, f"--{name}={value}") for name in ("segment", "gain-db", "seed")),
        *((*evaluate, f"--{name}={value}") for name in ("piece", "snr", "seed")),
        *(
            (*diff, f"--{name}={value}")
            for name in ("match", "max-change", "max-added", "max-lost", "max-moved", "seed")
        ),
        ("watch", tmp_path / "move.npz", "--plan", motion, f"--scale={value}"),
        ("watch", tmp_path / "move.npz", "--plan", motion, f"--scale=1,1,{value},1,1,1"),
        ("watch", tmp_path / "move.npz", "--plan", motion, f"--axes=1,2,3,4,5,{value}"),
    ]
    for command in commands:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            done = anomsdk_command(*command)
        assert done.status in (0, 1, 2) and "internal" not in done.stderr, command
        if done.status == 2:
            assert sum(line.lower().startswith("error: ") for line in done.stderr.splitlines()) == 1, command
