"""Recordings as people really send them, and what each must give: a table, and what runs a row of it.

Rows of `SHARED` are of small files beside the checkout, in ../shared/cases; rows of `OWN` are written here. Each says what a
file must give: the scores of another file, or one line that refuses it, or either of both.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import anomsdk
from tests.support.command_line import Ended, anomsdk_command
from tests.support.make import ROOT

PLACE = ROOT.parent / "shared" / "cases"
NEAR = 0.02
"""Of files that hold rounded values: how far the median of the scores may be from the right one."""


@dataclass(frozen=True)
class Case:
    """A file, and what it must give.

    Parameters
    ----------
    case : name of its folder, or of its kind
    file : name in it
    plan : a reference model
    options : of `score` and `watch`
    same : the file whose scores it must have; None where it must be refused
    same_options : of that file
    exact : the same integers; else the same number of scores, near them, as of rounded values
    ticks : share of the scores of the other file that must be there; below 1 the values are not compared
    refused : what the one line of a refusal must say, a regular expression; None where it may not be refused
    said : what `watch` must say beside it, a regular expression
    """

    case: str
    file: str
    plan: str = "human_motion"
    options: tuple[str, ...] = ()
    same: str | None = None
    same_options: tuple[str, ...] = ()
    exact: bool = True
    ticks: float = 1.0
    refused: str | None = None
    said: str | None = None

    @property
    def id(self) -> str:
        """Short, for people."""
        return " ".join((f"{self.case}/{self.file}", *self.options))


def _of(case: str, files: str, **rest: object) -> list[Case]:
    return [Case(case, file, **rest) for file in files.split()]  # type: ignore[arg-type]


_THOUSANDS, _GYRO, _RAW = "01-thousands-separator", "02-gyro-unit-unknown-word", "04-gyro-raw-beside-g"
_RADIO, _OTHER, _LINEAR = "06-radio-loses-3-percent", "08-raw-of-another-sensor", "10-linear-acceleration"
_FLOAT, _SIZES, _CHUNKS = "12-float-wav-in-int16-steps", "15-riff-size-wrong-data-right", "17-odd-chunks"
_LINES, _DATES, _ACTIGRAPH = "19-key-value-lines-above", "21-dates-with-odd-zones", "22-actigraph"
_HEADING = "27-heading-says-ms-values-are-s"
_COW, _ROOM = "cattle_collar", "audio_scene"
_G = ("--unit", "g")
_ALIKE = f"../{_DATES}/ref.csv"

SHARED = [
    # A thousands mark is read as one where nothing else can be meant, or the line is named.
    *_of(_THOUSANDS, "ref.csv", same="ref.csv"),
    *_of(
        _THOUSANDS,
        "thousands_semi.csv thousands_tab.csv thousands_dot.csv thousands_comma.csv",
        same="ref.csv",
        exact=False,
        refused=r"az_mg|thousands|decimal",
    ),
    # A known unit in every spelling; one that is not known, or two in one sensor, is refused by name.
    *_of(_GYRO, "g_ref.csv", plan=_COW, same="g_ref.csv"),
    *_of(_GYRO, "g_rads.csv g_radsec.csv g_radians.csv g_rads1.csv", plan=_COW, same="g_ref.csv", exact=False),
    *_of(_GYRO, "g_rpm.csv", plan=_COW, same="g_ref.csv", exact=False, refused=r"rpm"),
    *_of(_GYRO, "g_mixed.csv", plan=_COW, refused=r"unit|deg/s|rad/s"),
    *_of(_RAW, "g_ref.csv", plan=_COW, same="g_ref.csv"),
    *_of(_RAW, "g_raw.csv g_lsb.csv", plan=_COW, refused=r"(?i)raw|lsb|scale|unit"),
    # What a radio loses now and then is bridged, and said; the fall in it is found.
    *_of(_RADIO, "ref2.csv", same="ref2.csv", said="ALARM"),
    *_of(_RADIO, "d60.csv d29.csv drop.csv", same="ref2.csv", ticks=0.9, said=r"(?s)bridged.*ALARM"),
    # Counts of another sensor are not the plan's.
    *_of(_OTHER, "raw2048.csv", same="raw2048.csv", same_options=("--unit", "counts"), refused="count|unit|scale"),
    *_of(_OTHER, "raw4096.csv raw8192.csv raw1024.csv raw600.csv raw16384.csv", refused="count|unit|scale"),
    *(
        Case(
            _OTHER,
            f"raw{n}.csv",
            options=(*_G, "--scale", f"{1 / n:.9f}"),
            same="raw2048.csv",
            same_options=("--unit", "counts"),
            exact=False,
        )
        for n in (2048, 4096, 8192, 1024, 600, 16384)
    ),
    *_of(_LINEAR, "ref2.csv", same="ref2.csv"),
    *_of(_LINEAR, "lin.csv lin_walk.csv", refused=r"(?i)gravity|linear"),
    *_of(_FLOAT, "quiet_ref.wav", plan=_ROOM, same="quiet_ref.wav"),
    *_of(_FLOAT, "quiet_float.wav", plan=_ROOM, refused="full scale"),
    # Samples that are whole are read, and what is odd is named.
    *_of(_SIZES, "ref.wav", plan=_ROOM, same="ref.wav"),
    *_of(
        _SIZES,
        "riff_filesize.wav riff_zero.wav riff_data_only.wav riff_ffff.wav",
        plan=_ROOM,
        same="ref.wav",
        said="RIFF size",
    ),
    *_of(_CHUNKS, "listodd_pad.wav listzeros.wav guano.wav wamd_odd.wav ref.wav", plan=_ROOM, same="ref.wav"),
    *_of(_CHUNKS, "listodd_nopad.wav", plan=_ROOM, same="ref.wav", said="'LIST' without its pad byte"),
    *_of(_CHUNKS, "trail_nul.wav", plan=_ROOM, same="ref.wav", said="512 bytes behind the last chunk"),
    *_of(_CHUNKS, "dup_data.wav", plan=_ROOM, same="ref.wav", said="2 data chunks, joined"),
    *_of(_LINES, "ref2.csv kv_top.csv kv_semi.csv kv_top_hash.csv", same="ref2.csv"),
    *_of(_LINES, "meta_kv.csv", same=_ALIKE, exact=False),
    # Dates are read, or one line says where one is that cannot be.
    *_of(_DATES, "ref.csv", options=_G, same="ref.csv"),
    *_of(
        _DATES,
        "postgres.csv biobank.csv h12.csv",
        options=_G,
        same="ref.csv",
        exact=False,
        refused=r"(line|row) \d+.*time",
    ),
    *_of(_DATES, "p_strpg.parquet", options=_G, same=f"../{_RADIO}/ref2.csv", exact=False),
    *_of(
        _DATES,
        "us_date.csv de_date.csv",
        options=_G,
        same=f"../{_RADIO}/ref2.csv",
        ticks=0.98,
        said=r"(?s)the clock goes back by 1 h at line 1002.*ALARM",  # the night in which summer time ends
    ),
    # The rate of a file without time stands in its first line: it is read, or asked for.
    *_of(_ACTIGRAPH, "actigraph.csv actigraph_de.csv", options=_G, same=_ALIKE, exact=False, refused="--rate"),
    *_of(_ACTIGRAPH, "actigraph.csv actigraph_de.csv", options=(*_G, "--rate", "20"), same=_ALIKE, exact=False),
    *_of(_ACTIGRAPH, "actigraph_ts.csv", options=_G, same=_ALIKE, exact=False, refused=r"line \d+.*Timestamp"),
    *_of(_HEADING, "msec_sec.csv", refused=r"(?i)hz|msec|time"),
]
FLAGS = ("-O2", "-O2 -funsigned-char", "-O2 -funsigned-char -DANOM_PORTABLE")
"""Of case 30: the same integers with each."""


def checked(case: Case, folder: Path, work: Path) -> None:
    """Assert what a row says.

    Parameters
    ----------
    case : a row
    folder : that the folder of the case is in
    work : where nothing is yet
    """
    here = folder / case.case
    done, found = scores(case.plan, here / case.file, case.options, work)
    assert "internal" not in done.stderr and "Traceback" not in done.stderr, done.stderr
    if done.status:
        assert done.status == 2 and case.refused is not None, f"refused: {done.stderr}"
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ") and re.search(case.refused, line), line
        assert case.file in line and ";" in line, f"file and remedy: {line}"
        assert not list(work.iterdir()), "nothing is written"
        return
    assert case.same is not None, f"read as if nothing were wrong: {len(found)} scores"
    right = _right(case.plan, here / case.same, case.same_options)
    if case.ticks < 1:
        assert len(found) >= case.ticks * len(right), f"{len(found)} scores of {len(right)}"
    elif case.exact:
        assert np.array_equal(found, right), f"{len(found)} scores, {len(right)} right ones"
    else:
        ratio = float(np.median(np.maximum(found, 1) / np.maximum(right, 1))) if len(found) == len(right) else np.nan
        assert abs(ratio - 1) <= NEAR, f"{len(found)} scores, {len(right)} right ones, median ratio {ratio:.3g}"
    if case.said is not None:
        said = anomsdk_command("watch", here / case.file, "--plan", case.plan, *case.options)
        assert re.search(case.said, said.stdout + said.stderr), said.stdout + said.stderr


def scores(plan: str, path: Path, options: tuple[str, ...], work: Path) -> tuple[Ended, NDArray[np.float64]]:
    """What `anomsdk score` writes, and how it ended; the file is removed."""
    out = work / "out.npz"
    done = anomsdk_command("score", path, "--plan", plan, "--out", out, "--jobs", "1", *options)
    if done.status:
        return done, np.zeros(0)
    with np.load(out) as archive:
        found = [archive[name].astype(float) for name in archive.files]
    out.unlink()
    return done, np.concatenate(found)


@cache
def _right(plan: str, path: Path, options: tuple[str, ...]) -> NDArray[np.float64]:
    import tempfile

    with tempfile.TemporaryDirectory() as work:
        done, found = scores(plan, path, options, Path(work))
    assert done.status == 0 and len(found), f"the right scores: {done.stderr}"
    return found


def firmware_passes(work: Path, flags: str) -> bool:
    """Whether an emitted folder, compiled for this machine, says that its integers are those of the plan."""
    folder = anomsdk.emit_c(anomsdk.reference_model("human_motion"), work / "firmware").folder
    sources = [*folder.glob("src/*.c"), *folder.glob("anom_plan_*.c"), folder / "examples" / "selftest.c"]
    includes = [f"-I{folder / name}" for name in ("", "include", "src", "examples")]
    gcc = shutil.which("gcc") or "gcc"
    subprocess.run([gcc, "-std=c99", *flags.split(), *includes, *sources, "-o", work / "selftest"], check=True)
    done = subprocess.run([work / "selftest"], capture_output=True, text=True)
    return done.returncode == 0 and "the integers are those of the plan" in done.stdout


# --- written here

OWN_ROOM, OWN_WALK = "sound", "motion"
OWN = [
    *_of(OWN_ROOM, "float.wav 24_in_32.wav rf64.wav big_endian.wav two.wav", plan=_ROOM, same="room.wav"),
    *_of(OWN_ROOM, "never_closed.wav piped.wav", plan=_ROOM, same="room.wav", said="never completed"),
    *_of(OWN_ROOM, "steps.wav", plan=_ROOM, refused="full scale"),
    *_of(OWN_ROOM, "bottom.wav", plan=_ROOM, refused="at the bottom of 32"),
    *_of(OWN_ROOM, "flac.wav", plan=_ROOM, refused=r"begins as a \.flac does"),
    *_of(OWN_ROOM, "cut.wav", plan=_ROOM, refused="cut off after 80000 of 80400 bytes of samples"),
    *_of(OWN_ROOM, "dead.wav", plan=_ROOM, same="half.wav", said=r"channel 2 of 2 is dead .*--channel 1"),
    *_of(OWN_ROOM, "dead.wav inverted.wav", plan=_ROOM, options=("--channel", "1"), same="room.wav"),
    *_of(OWN_ROOM, "dead.wav", plan=_ROOM, options=("--channel", "3"), refused="2 channels, and --channel 3"),
    *_of(OWN_WALK, "comma.csv milliseconds.csv", same="walk.csv"),
    *_of(OWN_WALK, "metres.csv", same="walk.csv", exact=False),
    *_of(OWN_WALK, "back.csv", refused="line"),
]
"""Written by `write_own`."""


def write_own(folder: Path) -> None:
    """The files of `OWN`, each the same sound or walk in another dress."""
    import soundfile

    (folder / OWN_ROOM).mkdir()
    (folder / OWN_WALK).mkdir()
    rng = np.random.default_rng(11)
    room = (rng.standard_normal(40_000) * 500 + 2000 * np.sin(np.arange(40_000) / 9)).astype("<i2")

    def sound(name: str, values: NDArray[np.generic], subtype: str = "PCM_16", **rest: str) -> None:
        soundfile.write(folder / OWN_ROOM / name, values, 16_000, subtype, **rest)

    def wav(name: str, data: bytes, bits: int, *, width: int = 2, size: int | None = None, order: str = "<") -> None:
        fmt = struct.pack(order + "4sIHHIIHH", b"fmt ", 16, 1, 1, 16_000, 16_000 * width, width, bits)
        body = b"WAVE" + fmt + struct.pack(order + "4sI", b"data", len(data) if size is None else size) + data
        form = b"RIFF" if order == "<" else b"RIFX"
        (folder / OWN_ROOM / name).write_bytes(form + struct.pack(order + "I", len(body)) + body)

    wide = room.astype("<i4") << 8
    sound("room.wav", room)
    sound("float.wav", room / 32768, "FLOAT")
    sound("rf64.wav", room, format="RF64")
    sound("two.wav", np.stack([room, room], 1))
    sound("half.wav", np.rint(room / 2).astype(np.int16))
    sound("dead.wav", np.stack([room, 0 * room], 1))
    sound("inverted.wav", np.stack([room, -room], 1))
    sound("steps.wav", room.astype(float), "DOUBLE")
    sound("flac.wav", room, format="FLAC")
    wav("24_in_32.wav", (wide + 1).tobytes(), 24, width=4)
    wav("bottom.wav", (wide + 1).tobytes(), 32, width=4)
    wav("big_endian.wav", room.astype(">i2").tobytes(), 16, order=">")
    wav("never_closed.wav", room.tobytes(), 16, size=0)
    wav("piped.wav", room.tobytes(), 16, size=0xFFFFFFFF)
    wav("cut.wav", room.tobytes(), 16, size=2 * len(room) + 400)

    t = np.arange(600) / 20
    steps = np.stack([0.2 * np.sin(11.3 * t), 0.1 * np.cos(5.6 * t), 1 + 0.3 * np.sin(11.3 * t + 0.4)], 1)
    walk = np.round(steps + 0.02 * rng.standard_normal(steps.shape), 4)

    def table(name: str, heading: str, times: NDArray[np.float64], values: NDArray[np.float64], comma: bool) -> None:
        rows = "\n".join(
            ";".join(f"{each:.6f}" for each in (time, *row)) for time, row in zip(times, values, strict=True)
        )
        rows = rows.replace(".", ",") if comma else rows.replace(";", ",")
        (folder / OWN_WALK / name).write_text(f"{heading}\n{rows}\n")

    table("walk.csv", "time_s,ax_g,ay_g,az_g", t, walk, comma=False)
    table("comma.csv", "time_s;ax_g;ay_g;az_g", t, walk, comma=True)
    table("milliseconds.csv", "time_ms,ax_g,ay_g,az_g", 1000 * t, walk, comma=False)
    table("metres.csv", "time_s,ax [m/s2],ay [m/s2],az [m/s2]", t, 9.80665 * walk, comma=False)
    table("back.csv", "time_s,ax_g,ay_g,az_g", np.where(np.arange(600) == 300, 0, t), walk, comma=False)
