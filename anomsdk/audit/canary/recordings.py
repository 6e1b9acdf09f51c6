"""Recordings in every format that is read, each with a part of one signal that is searched for afterwards."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import DiarySensorPlan, Plan
from anomsdk.errors import InputError
from anomsdk.sources.stream_format import AXES

Samples: TypeAlias = NDArray[np.int16]
_Writer: TypeAlias = Callable[[Path, Samples, float], None]

_FULL = 32768
"""Size of an int16 that is 1.0 as a floating-point number."""


@dataclass(frozen=True)
class Family:
    """Formats that one reader reads.

    Parameters
    ----------
    name : of the family, as in the id of its check
    title : of the formats, in words
    writers : name of a file -> function that writes samples to a path at a rate
    held_by : library that may keep samples after the reading, which the check then does not cover; None: none does
    """

    name: str
    title: str
    writers: Mapping[str, _Writer]
    held_by: str | None = None


def _sound(subtype: str, convert: Callable[[Samples], NDArray[Any]]) -> _Writer:
    def write(path: Path, samples: Samples, hz: float) -> None:
        import soundfile

        soundfile.write(path, convert(samples), round(hz), subtype)

    return write


def _resampled(path: Path, samples: Samples, hz: float) -> None:
    """Write samples at a rate that is not the plan's."""
    import soundfile

    soundfile.write(path, samples, round(hz * 441 / 320), "PCM_16")


def _pairs(samples: Samples) -> Samples:
    """Make two channels of which all consecutive values are the samples."""
    return samples[: len(samples) // 2 * 2].reshape(-1, 2)


def _wav(order: str = "<", size: int | None = None) -> _Writer:
    """Write a .wav byte by byte: of another byte order, or as a recorder leaves it that was never stopped."""

    def write(path: Path, samples: Samples, hz: float) -> None:
        data = samples.astype(f"{order}i2").tobytes()
        head = struct.pack(order + "4sIHHIIHH", b"fmt ", 16, 1, 1, round(hz), 2 * round(hz), 2, 16)
        head += struct.pack(order + "4sI", b"data", len(data) if size is None else size)
        start = (b"RIFF" if order == "<" else b"RIFX") + struct.pack(order + "I", 36 + len(data)) + b"WAVE"
        path.write_bytes(start + head + data)

    return write


def _padded(path: Path, samples: Samples, hz: float) -> None:
    """Write 24 bits in 32, as some recorders do."""
    data = (samples.astype("<i4") << 16).tobytes()
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, round(hz), 4 * round(hz), 4, 24)
    head += struct.pack("<4sI", b"data", len(data))
    path.write_bytes(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVE" + head + data)


def _array(save: Callable[..., None]) -> _Writer:
    def write(path: Path, samples: Samples, hz: float) -> None:
        save(path, x=samples, fs=hz)

    return write


def _npy(path: Path, samples: Samples, hz: float) -> None:
    np.save(path, samples)


def _csv(path: Path, samples: Samples, hz: float) -> None:
    np.savetxt(path, samples, "%d", ",")


SOUNDS = (
    Family(
        "wav",
        ".wav of 8, 16, 24 and 32 bits and of floats, mono and stereo, at the plan's rate and at another",
        {
            "8.wav": _sound("PCM_U8", lambda x: x * np.int16(4)),
            "16.wav": _sound("PCM_16", lambda x: x),
            "24.wav": _sound("PCM_24", lambda x: x.astype(np.int32) << 16),
            "32.wav": _sound("PCM_32", lambda x: x.astype(np.int32) << 16),
            "float.wav": _sound("FLOAT", lambda x: (x / _FULL).astype(np.float32)),
            "double.wav": _sound("DOUBLE", lambda x: x / _FULL),
            "stereo.wav": _sound("PCM_16", _pairs),
            "inverted.wav": _sound("PCM_16", lambda x: np.stack([x, -(x // 2)], 1)),
            "resampled.wav": _resampled,
            "padded.wav": _padded,
            "never_closed.wav": _wav(size=0),
            "big_endian.wav": _wav(order=">"),
        },
    ),
    Family(
        "flac",
        ".flac and .ogg",
        {
            "a.flac": _sound("PCM_16", lambda x: x),
            "b.flac": _sound("PCM_16", _pairs),
            "a.ogg": _sound("VORBIS", lambda x: x),
        },
    ),
    Family(
        "npy",
        ".npy, and .npz packed and not",
        {
            "a.npy": _npy,
            "two.npy": lambda path, x, hz: np.save(path, _pairs(x)),
            "a.npz": _array(np.savez),
            "packed.npz": _array(np.savez_compressed),
        },
    ),
    Family("csv", ".csv and .csv.gz", {"a.csv": _csv, "a.csv.gz": _csv}),
)


def _table(
    path: Path, samples: Samples, hz: float, *, jitter: float = 0.0, dated: bool = False, quoted: bool = False
) -> None:
    """Write rows of motion with their times as text.

    Parameters
    ----------
    path : file
    samples : int16 (n, columns)
    hz : rows a second
    jitter : largest deviation of a time from its place, relative to the distance of two rows
    dated : times are dates, and values have as many digits as are read at once
    quoted : one row has quotes, so that rows are read one by one
    """
    t = (np.arange(len(samples)) + np.random.default_rng(0).uniform(0, 1, len(samples)) * jitter) / hz
    stamps = [f"{each:.5f}" for each in t.tolist()]
    if dated:
        moments = np.datetime64("2024-03-05T09:24:51", "us") + np.rint(1e6 * t).astype(np.int64)
        stamps = [str(each) for each in moments]
    digits = 16 if dated else 0
    rows = [
        [stamp, *(f"{value:.{digits}f}" for value in row)] for stamp, row in zip(stamps, samples.tolist(), strict=True)
    ]
    lines = [",".join(row) for row in rows]
    if quoted:
        lines[len(lines) // 2] = ",".join(f'"{each}"' for each in rows[len(rows) // 2])
    _write_text(path, [",".join(["time_s", *AXES[: samples.shape[1]]]), *lines])


def _packets(path: Path, samples: Samples, hz: float) -> None:
    """Write 20 rows of motion a line, as sensors that send packets do."""
    starts = range(0, len(samples), 20)
    lists = ("; ".join(str(column[at : at + 20].tolist()) for column in samples.T) for at in starts)
    lines = [f"{at / hz:.5f};{each}" for at, each in zip(starts, lists, strict=True)]
    _write_text(path, [";".join(["time_s", *AXES[: samples.shape[1]]]), *lines])


def _write_text(path: Path, lines: list[str]) -> None:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))


def _parquet(path: Path, samples: Samples, hz: float) -> None:
    """Write rows of motion with their times as a table of columns."""
    columns = dict(zip(AXES, np.ascontiguousarray(samples.T), strict=False))
    _write_parquet(path, {"time_s": np.arange(len(samples)) / hz, **columns})


def _write_parquet(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError("pyarrow is not installed; install anomsdk[parquet]") from None
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path)


MOTIONS = (
    Family("npy", ".npz, packed and not", {name: SOUNDS[2].writers[name] for name in ("a.npz", "packed.npz")}),
    Family(
        "csv",
        ".csv and .csv.gz, with regular and irregular times, dates and packets, at the plan's rate and at another",
        {
            "a.csv": _table,
            "a.csv.gz": _table,
            "jitter.csv": partial(_table, jitter=0.4),
            "packets.csv": _packets,
            "dated.csv": partial(_table, dated=True),
            "quoted.csv": partial(_table, dated=True, quoted=True),
            "resampled.csv": lambda path, x, hz: _table(path, x, 1.37 * hz),
        },
    ),
    Family("parquet", ".parquet", {"a.parquet": _parquet}, held_by="pyarrow"),
)
ROWS = (
    Family("npy", ".npz, packed and not", {name: SOUNDS[2].writers[name] for name in ("a.npz", "packed.npz")}),
    Family("csv", ".csv and .csv.gz", SOUNDS[3].writers),
)
_FAMILIES: dict[str, tuple[Family, ...]] = {"audio": SOUNDS, "motion": MOTIONS, "external": ROWS}


def families(plan: Plan) -> tuple[Family, ...]:
    """Return the formats that recordings of a plan's sensor are read from."""
    if not isinstance(plan.sensor, DiarySensorPlan):
        return _FAMILIES[plan.sensor.kind]
    write = table_writer(plan)
    arrays = {name: SOUNDS[2].writers[name] for name in ("a.npy", "a.npz", "packed.npz")}
    return (
        Family("npy", ".npy, and .npz packed and not", arrays),
        Family("csv", ".csv and .csv.gz", {"a.csv": write, "a.csv.gz": write}),
        Family("parquet", ".parquet", {"a.parquet": partial(_diary_parquet, names=_names(plan))}, held_by="pyarrow"),
    )


def table_writer(plan: Plan) -> _Writer:
    """Return the function that writes a .csv of samples for a plan."""
    if isinstance(plan.sensor, DiarySensorPlan):
        return partial(_diary_csv, names=_names(plan))
    return _table if plan.sensor.kind == "motion" else _csv


def two_writers(plan: Plan) -> dict[str, tuple[str, _Writer]]:
    """Return the suffixes and functions with which normal and anomalous recordings for a plan are written."""
    packed = _array(np.savez_compressed)
    is_sound = plan.sensor.kind == "audio"
    normal = (".flac", SOUNDS[1].writers["a.flac"]) if is_sound else (".csv", table_writer(plan))
    return {"normal": normal, "anomalous": (".npz", packed)}


def _names(plan: Plan) -> tuple[str, ...]:
    assert isinstance(plan.sensor, DiarySensorPlan)
    return tuple(column.name for column in plan.sensor.columns)


def _diary_csv(path: Path, samples: Samples, hz: float, *, names: tuple[str, ...]) -> None:
    """Write rows of a diary with their times, one a slot."""
    rows = zip(_slot_times(len(samples), hz), samples.reshape(len(samples), -1).tolist(), strict=True)
    _write_text(path, [",".join(["time", *names]), *(",".join([str(time), *map(str, row)]) for time, row in rows)])


def _diary_parquet(path: Path, samples: Samples, hz: float, *, names: tuple[str, ...]) -> None:
    """Write rows of a diary with their times as a table of columns."""
    columns = dict(zip(names, np.ascontiguousarray(samples.reshape(len(samples), -1).T), strict=True))
    _write_parquet(path, {"time": _slot_times(len(samples), hz), **columns})


def _slot_times(n: int, hz: float) -> NDArray[np.datetime64]:
    return np.asarray(np.datetime64("2024-03-05T00:00:00", "s") + np.rint(np.arange(n) / hz).astype(np.int64))
