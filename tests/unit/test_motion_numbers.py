"""Numbers as spreadsheets and loggers write them: each reading is the right one, or there is none."""

import numpy as np
import pytest

from anomsdk.errors import InputError
from anomsdk.sources import ReadOptions, open_recordings
from anomsdk.sources.formats.tables.numbers import Marks
from tests.support.motion_files import W3, N, carried, counts, read, table

MG = np.rint(carried(digits=6) * 1000)
"""Whole milli-g: some above 1000."""
SECONDS = [f"{k / 50:.2f}" for k in range(N)]
MILLIS = [str(20 * k) for k in range(N)]


def grouped(value, mark, digits=0, decimal="."):
    text = f"{value:,.{digits}f}"
    return text.replace(",", "\0").replace(".", decimal).replace("\0", mark)


def lakhs(value):
    text = f"{abs(int(value)):d}"
    head, tail = text[:-3], text[-3:]
    while len(head) > 2:
        head, tail = head[:-2], f"{head[-2:]},{tail}"
    return ("-" if value < 0 else "") + (f"{head},{tail}" if head else tail)


def of(cell, time=MILLIS, heading="time_ms", rows=MG, unit="mg"):
    columns = {heading: time}
    columns |= {
        f"a{axis}_{unit}": [cell(value) for value in column] for axis, column in zip("xyz", rows.T, strict=True)
    }
    return columns


def expected(rows=MG, of_g=1000):
    return counts(rows / of_g)


@pytest.mark.parametrize("sep", [";", "\t", "|"])
@pytest.mark.parametrize(
    "cell, time, heading",
    [
        (lambda v: grouped(v, ","), SECONDS, "time_s"),
        (lambda v: grouped(v, "."), [each.replace(".", ",") for each in SECONDS], "time_s"),
        (lambda v: grouped(v, ",", 1), MILLIS, "time_ms"),
        (lambda v: grouped(v, ".", 1, ","), MILLIS, "time_ms"),
        (lambda v: grouped(v, " "), MILLIS, "time_ms"),
        (lambda v: grouped(v, "\u00a0", 2), MILLIS, "time_ms"),
        (lambda v: grouped(v, "\u202f", 2, ","), MILLIS, "time_ms"),
        (lambda v: grouped(v, "\u2009"), MILLIS, "time_ms"),
        (lambda v: grouped(v, "'"), MILLIS, "time_ms"),
        (lambda v: grouped(v, "\u2019", 1), MILLIS, "time_ms"),
        (lambda v: f"{v:.1f}".replace(".", ","), MILLIS, "time_ms"),
        (lambda v: f"{v:+.0f}", MILLIS, "time_ms"),
        (lambda v: f"{v:.3e}", MILLIS, "time_ms"),
        (lambda v: f"{v:.3e}".replace(".", ","), MILLIS, "time_ms"),
    ],
)
def test_marks_that_can_be_told(tmp_path, sep, cell, time, heading):
    found, notes = read(table(tmp_path / "a.csv", of(cell, time, heading), sep))
    assert np.array_equal(found, expected()) and notes == ()


@pytest.mark.parametrize(
    "cell, time",
    [(lambda v: f'"{grouped(v, ",")}"', SECONDS), (lambda v: f'"{grouped(v, ",", 2)}"', MILLIS)],
)
def test_quoted_thousands_between_commas(tmp_path, cell, time):
    columns = of(cell, time, "time_s" if time is SECONDS else "time_ms")
    assert np.array_equal(read(table(tmp_path / "a.csv", columns))[0], expected())


def test_micro_g_in_lakhs_and_millions(tmp_path):
    """1,016,230 and 10,16,230 can be read in one way only; so then can 16,230 beside them."""
    rows = np.rint(carried(digits=9) * 1e6)
    for cell in (lambda v: grouped(v, ","), lakhs, lambda v: grouped(v, ".")):
        found, notes = read(table(tmp_path / "a.csv", of(cell, rows=rows, unit="ug"), ";"))
        assert np.array_equal(found, counts(rows * 1e-3 * 1e-3)) and notes == ("ug turned into mg",)


@pytest.mark.parametrize(
    "cell, sep, line",
    [
        (lambda v: grouped(v, ","), ";", "az_mg has three digits behind each ','"),
        (lambda v: grouped(v, ","), "\t", "az_mg has three digits behind each ','"),
        (lambda v: grouped(v, "."), ",", "az_mg has three digits behind each '.'"),
        (lambda v: grouped(v, "."), ";", "az_mg has three digits behind each '.'"),
        (lambda v: f'"{grouped(v, ",")}"', ",", "with separators of decimals or thousands that do not fit"),
    ],
)
def test_marks_that_nothing_tells(tmp_path, cell, sep, line):
    path = table(tmp_path / "a.csv", of(cell), sep)
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value).startswith(str(path)) and line in str(refused.value)


def test_thousands_that_begin_far_below(tmp_path):
    """The first 300 rows are below 1000 mg, and their marks tell nothing."""
    rows = MG.copy()
    rows[:, 2] = np.where(np.arange(N) < 300, np.minimum(rows[:, 2], 999), rows[:, 2] + 1000)
    for mark, sep in ((".", ";"), (".", ","), (",", ";")):
        path = table(tmp_path / "a.csv", of(lambda v, mark=mark: grouped(v, mark), rows=rows), sep)
        with pytest.raises(InputError, match=r"three digits behind|separators of decimals or thousands"):
            read(path)


@pytest.mark.parametrize(
    "cells, line",
    [
        (
            ["1,5", "1.5", "0.7", "0,7"],
            "az_g is '1,5', with separators of decimals or thousands that do not fit the other cells",
        ),
        (["1.5", "1,50.5", "0.7", "0.6"], "az_g is '1,50.5'"),
        (["1.5", "0,012", "0.7", "0.6"], "az_g is '0,012'"),
        (["1.5", "1,01", "0.7", "0.6"], "az_g is '1,01'"),
        (["1.5", "12 34", "0.7", "0.6"], "az_g is '12 34'"),
        (["1.5", "1_012", "0.7", "0.6"], "az_g is '1_012', no number"),
        (["1.5", "0x1F", "0.7", "0.6"], "az_g is '0x1F', no number"),
        (["1.5", "1.0.1", "0.7", "0.6"], "az_g is '1.0.1'"),
    ],
)
def test_marks_that_do_not_fit(tmp_path, cells, line):
    columns = of(str, rows=carried(), unit="g")
    columns["az_g"][:4] = cells
    with pytest.raises(InputError, match=r"line [2-5]: ") as refused:
        read(table(tmp_path / "a.csv", columns, ";"))
    assert line in str(refused.value)


def test_each_column_has_its_own_decimal_sign(tmp_path):
    """Decimal commas of one program beside decimal points of another, each consistent."""
    rows = carried()
    columns = of(str, [each.replace(".", ",") for each in SECONDS], "time_s", rows, "g")
    assert np.array_equal(read(table(tmp_path / "a.csv", columns, ";"))[0], counts(rows))


@pytest.mark.parametrize("digits", [0, 1, 2, 3, 5, 9, 16, 20])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_as_float_reads_it(tmp_path, digits, end):
    """Every number of a file is the one that `float` gives, bit for bit, however many digits it has."""
    rng = np.random.default_rng(digits)
    values = rng.normal(size=3000) * 10.0 ** rng.integers(-4, 3, 3000)
    cells = [f"{value:.{digits}f}" for value in values]
    cells[7], cells[8], cells[9] = "1e-3", "+.5", "5."
    data = np.frombuffer(end.join(cells).encode() + end.encode(), np.uint8)
    lengths = np.array([len(cell) for cell in cells])
    starts = np.cumsum([0, *(lengths[:-1] + len(end))])
    found, odd = Marks(".", True).numbers(data, starts, starts + lengths)
    assert np.flatnonzero(odd).tolist() == [7]
    reference = np.array([float(cell) for cell in cells])
    assert np.array_equal(found[~odd].view(np.int64), reference[~odd].view(np.int64))


def test_halves_between_two_floats_are_rounded_to_even():
    """What lies in the middle, and a digit beside it: the hardest cases of decimal input."""
    cells = []
    for step in range(200):
        middle = (2**53 + 2 * step + 1) * 5**10  # times 2**-10 it ends in exactly 10 digits
        cells += [f"{each // 10**10}.{each % 10**10:010d}" for each in (middle, middle - 1, middle + 1)]
        cells += [f"{2**52 + step}.{digits}" for digits in ("5", "4", "49", "51", "50")]  # of 17 and 18 digits
    data = np.frombuffer(" ".join(cells).encode(), np.uint8)
    lengths = np.array([len(cell) for cell in cells])
    ends = np.cumsum(lengths + 1) - 1
    found, odd = Marks(".", True).numbers(data, ends - lengths, ends)
    assert not odd.any() and found.tolist() == [float(cell) for cell in cells]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [*lines[:200], "", *lines[200:]],
        lambda lines: [*lines[:200], '"' + lines[200].replace(",", '","') + '"', *lines[201:]],
        lambda lines: [*lines[:200], lines[200] + ",", *lines[201:]],
        lambda lines: [line.replace(",", " \t,") for line in lines],
        lambda lines: [line.replace(",", ", ") + "\r" for line in lines],
        lambda lines: ["\ufeff" + lines[0], *lines[1:]],
        lambda lines: [line + ",note" if k else line + ",label" for k, line in enumerate(lines)],
        lambda lines: [line + ",zoë" if k else line + ",who" for k, line in enumerate(lines)],
        lambda lines: [*lines[:200], ",,,", *lines[200:]],
        lambda lines: ["made by a logger", *lines],
    ],
)
def test_plain_and_odd_pieces_give_the_same(tmp_path, monkeypatch, change):
    """A file is read in pieces, each at once or row by row: small pieces put an odd row into every place."""
    from anomsdk.sources.formats.tables import delimited_text

    rows = carried()
    columns = of(str, SECONDS, "time_s", rows, "g")
    table(tmp_path / "a.csv", columns)
    lines = change((tmp_path / "a.csv").read_text().splitlines())
    for end in ("\n", "\n\n" if "\r" not in lines[0] else "\n", ""):
        (tmp_path / "a.csv").write_text("\n".join(lines) + end, encoding="utf-8", newline="")
        for size in (64, 200, 1000, 1 << 19):
            monkeypatch.setattr(delimited_text, "PIECE_BYTES", size)
            assert np.array_equal(read(tmp_path / "a.csv")[0], counts(rows)), size


@pytest.mark.parametrize("at", [0, 3, 250, N - 1])
def test_lines_of_faults_are_counted_over_pieces(tmp_path, monkeypatch, at):
    from anomsdk.sources.formats.tables import delimited_text

    columns = of(str, SECONDS, "time_s", carried(), "g")
    columns["ay_g"][at] = "x"
    table(tmp_path / "a.csv", columns)
    monkeypatch.setattr(delimited_text, "PIECE_BYTES", 500)
    with pytest.raises(InputError, match=rf"line {at + 2}: ay_g is 'x', no number"):
        read(tmp_path / "a.csv")


# --- one cell that no sensor gave


@pytest.mark.parametrize("value", [1e300, -1e300, 3.4028235e38, 1e8, 5000.0, -9999.0])
@pytest.mark.parametrize("rate_hz", [50, 104])
@pytest.mark.parametrize("kind", ["csv", "npz", "parquet"])
def test_one_huge_cell(tmp_path, value, rate_hz, kind):
    """Behind a resampler it would be garbage for as long as its filter is."""
    rows = carried(2000)
    rows[1234, 1] = value
    path = tmp_path / f"a.{kind}"
    stamps = np.arange(2000) / rate_hz
    if kind == "csv":
        table(path, of(repr, [f"{each:.6f}" for each in stamps], "time_s", rows.astype(object), "g"))
    elif kind == "npz":
        np.savez(path, x=rows, fs=float(rate_hz), unit="g")
    else:
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        pq.write_table(pa.table({"time_s": stamps, "ax_g": rows[:, 0], "ay_g": rows[:, 1], "az_g": rows[:, 2]}), path)
    with pytest.raises(InputError) as refused:
        read(path)
    assert ("line 1236" if kind == "csv" else "row 1234") in str(refused.value)


@pytest.mark.parametrize("mark, unit", [(-9999, "mg"), (99_999, "mg"), (-999.99, "g"), (-999, "g"), (-999.9, "g")])
def test_marks_of_missing_values(tmp_path, mark, unit):
    """These are no impossible accelerations in their unit; beside the others they are marks."""
    rows = np.where(np.arange(N)[:, None] == 99, mark, MG if unit == "mg" else carried())
    line = rf"line 101: ax is {mark:g}, which marks a missing value; remove such rows"
    with pytest.raises(InputError, match=line):
        read(table(tmp_path / "a.csv", of(str, rows=rows, unit=unit)))


def test_all_axes_at_one_end_of_int16(tmp_path):
    steps = np.where(np.arange(N)[:, None] == 99, 32767, np.rint(carried() * 2048))
    with pytest.raises(InputError, match=r"line 101: ax is 32767, which marks a missing value"):
        read(table(tmp_path / "a.csv", of(str, rows=steps, unit="x")), unit="counts", axes="2,3,4")


def test_an_impact_is_no_mark(tmp_path):
    rows = carried()
    rows[200] = (9.5, -15.99, 12)
    assert np.array_equal(read(table(tmp_path / "a.csv", of(str, rows=rows, unit="g")))[0], counts(rows))


@pytest.mark.parametrize("bits, per_g", [(16, 2048), (16, 16384), (12, 512), (32, 16384)])
@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_integers_without_their_sign(tmp_path, bits, per_g, kind):
    steps = np.rint(carried(digits=9) * per_g).astype(np.int64) % 2**bits
    path = tmp_path / f"a.{kind}"
    if kind == "csv":
        table(path, of(str, rows=steps, unit="x"))
    else:
        np.savez(path, x=steps.astype(np.uint32), fs=50.0)
    with pytest.raises(InputError, match=rf"integers of {bits} bits that were printed without their sign"):
        read(path, unit="g", scale=f"1/{per_g}", axes="2,3,4" if kind == "csv" else None)


def test_a_resting_axis_near_a_power_of_two_has_its_sign(tmp_path):
    """One g is 16384 steps, and all of this axis is a little below."""
    steps = np.rint(np.random.default_rng(0).normal((200, 300, 16000), 100, (N, 3)))
    assert steps[:, 2].max() < 16384 and steps.min() < 0 <= steps[:, 2].min()
    found, _ = read(table(tmp_path / "a.csv", of(str, rows=steps, unit="x")), unit="g", scale="1/16384", axes="2,3,4")
    assert np.array_equal(found, counts(steps / 16384))


def test_reading_is_the_same_on_every_pass(tmp_path):
    """Files are read twice: what the first pass learnt of marks and dates is not carried into the second."""
    path = table(tmp_path / "a.csv", of(lambda v: grouped(v, ","), SECONDS, "time_s"), ";")
    (recording,) = open_recordings(path, W3, reading=ReadOptions())
    assert [np.concatenate(list(recording.blocks())).tolist() for _ in range(2)] == [expected().tolist()] * 2
