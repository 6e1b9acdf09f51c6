"""Files of motion as recordings: arrays, and tables of one device or of many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from anomsdk.errors import InputError
from anomsdk.sources.audio import stored_recording
from anomsdk.sources.conditions import picked
from anomsdk.sources.devices import Devices
from anomsdk.sources.formats.arrays.npy import npy_file
from anomsdk.sources.formats.motion.first_reading import Hear, surveyed
from anomsdk.sources.formats.motion.motion_checks import check_unit
from anomsdk.sources.formats.motion.motion_csv import csv_table
from anomsdk.sources.formats.motion.motion_npz import npy_motion, npz_motion
from anomsdk.sources.formats.motion.motion_parquet import parquet_table
from anomsdk.sources.formats.motion.motion_rows import MotionRecording, MotionRows
from anomsdk.sources.formats.motion.motion_table import table_motion
from anomsdk.sources.formats.tables.table import by_names, table_parts
from anomsdk.sources.formats.text_file import suffix_of
from anomsdk.sources.recording import OpenedFile, Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat


def open_motion(
    path: Path,
    name: str,
    where: str,
    stream_format: StreamFormat,
    reading: ReadOptions,
    devices: Devices | None,
    hear: Hear | None = None,
) -> OpenedFile:
    """Open a file of motion, and read each recording in it once.

    Parameters
    ----------
    path : a .csv, .csv.gz, .parquet, .npy or .npz
    name, where : name of the file for people and in messages
    stream_format : format that the pipeline takes
    reading : options of the caller, with all conditions
    devices : options of single devices; None where there are none
    hear : as `anomsdk.sources.open_files`

    Raises
    ------
    InputError : as `anomsdk.sources.open_recordings`
    """
    suffix = suffix_of(path)
    if suffix in (".npy", ".npz"):
        if reading.by and suffix == ".npz":
            raise InputError(f"`by`: {where} is no table; its recordings are apart already, choose with :key=value")
        own, said = (reading, "") if devices is None else devices.reading(name, (), reading)
    if suffix == ".npy":
        refuse_for_counts(where, own)
        if own.rate_hz is None:
            return OpenedFile(
                path,
                name,
                tuple(stored_recording(each, stream_format, None) for each in npy_file(path, name, where)),
                (0,),
                1,
            )
        rows = [npy_motion(path, name, where, stream_format, own)]
        return OpenedFile(path, name, tuple(_motion(rows, stream_format, own, hear, said=said)), (0,), 1)
    if suffix == ".npz":
        with _said_by(said):
            rows = npz_motion(path, name, where, stream_format, own)
        chosen = picked(path, where, len(rows), own.where)
        return OpenedFile(
            path,
            name,
            tuple(_motion([rows[i] for i in chosen], stream_format, own, hear, said=said)),
            chosen,
            len(rows),
        )
    return _opened_table(path, name, where, stream_format, reading, devices, hear)


def refuse_for_counts(where: str, reading: ReadOptions) -> None:
    """Refuse options for tables where the source holds counts of the plan.

    Raises
    ------
    InputError : `where` or `by` is given
    """
    for option, given in (("where", reading.where), ("by", reading.by)):
        if given:
            raise InputError(f"`{option}`: {where} has no columns with names; leave it out")


def _opened_table(
    path: Path,
    name: str,
    where: str,
    stream_format: StreamFormat,
    reading: ReadOptions,
    devices: Devices | None,
    hear: Hear | None,
) -> OpenedFile:
    """Open a table of motion: one recording, or one for each combination of values in the columns that divide it."""
    is_parquet = suffix_of(path) == ".parquet"
    table = (parquet_table if is_parquet else csv_table)(path, name, where)
    parts = table_parts(table, reading)
    own = [(reading, "") if devices is None else devices.reading(name, part.values, reading) for part in parts]
    rows = list[MotionRows]()
    for part, (how, said) in zip(parts, own, strict=True):
        try:
            with _said_by(said):
                rows.append(table_motion(part.table, stream_format, how))
        except InputError as error:
            if len(parts) == 1:
                raise
            rows.append(_damaged(part.table.name, part.table.where, stream_format, error))
    together = [(rows, "")] if devices is None else [([each], said) for each, (_, said) in zip(rows, own, strict=True)]
    recordings = [
        each
        for several, said in together
        for each in _motion(several, stream_format, reading, hear, alone=len(rows) == 1, one_device=False, said=said)
    ]
    if is_parquet:
        recordings = [replace(each, kept_by="pyarrow") for each in recordings]
    named = [*by_names(table, reading), *reading.by]  # columns are found by their numbers, too
    values = {key: tuple(part.values[at % len(reading.by)] for part in parts) for at, key in enumerate(named)}
    return OpenedFile(path, name, tuple(recordings), tuple(range(len(rows))), len(rows), values)


@contextmanager
def _said_by(said: str) -> Iterator[None]:
    """Add to an error the line of the file of devices whose options were used; nothing where ``said`` is empty."""
    try:
        yield
    except InputError as error:
        if not said:
            raise
        raise InputError(f"{error} (read as {said} says: correct it there)") from None


def _damaged(name: str, where: str, stream_format: StreamFormat, error: InputError) -> MotionRows:
    """Make rows that raise an error when they are read: a part of a table that is damaged, while others are not."""
    return MotionRows(
        name, where, "counts", (1.0,) * stream_format.columns, None, False, partial(_refuse, error), lambda row: ""
    )


def _motion(
    rows: list[MotionRows],
    stream_format: StreamFormat,
    reading: ReadOptions,
    hear: Hear | None,
    *,
    alone: bool = True,
    one_device: bool = True,
    said: str = "",
) -> Iterator[Recording]:
    """Read the recordings of one file once, check their unit, and yield them.

    A damaged recording among several raises its error only when its blocks are read.

    Parameters
    ----------
    rows : rows of each recording
    reading : options; its ``max_bridge`` is used
    hear : as `anomsdk.sources.open_files`
    alone : these are all recordings of the file: where none can be read, the file is refused
    one_device : one device wrote all of them, so they share one unit: a single one that rests oddly gets a note;
        otherwise it is refused
    said : line of the file of devices whose options were used, in words; empty where there is none
    """
    read = list[MotionRecording | InputError]()
    for each in rows:
        try:
            with _said_by(said):
                motion = surveyed(each, stream_format, reading.max_bridge, hear)
                read.append(motion if one_device else check_unit([motion])[0])
        except InputError as error:
            read.append(error)
    good = [each for each in read if isinstance(each, MotionRecording)]
    first = next((each for each in read if isinstance(each, InputError)), None)
    if not good and first is not None and (alone or len(rows) > 1):
        raise first
    try:
        with _said_by(said):
            checked = iter(check_unit(good) if good and one_device else good)
    except InputError as error:
        if alone:
            raise
        read, checked = [error] * len(read), iter(())
    for each, found in zip(rows, read, strict=True):
        if isinstance(found, InputError):
            yield Recording(each.name, (), None, each.rate_hz, each.where, partial(_refuse, found))
            continue
        motion = next(checked)
        yield Recording(
            each.name,
            motion.notes,
            motion.length,
            motion.timeline.rate_hz,
            each.where,
            motion.blocks,
            start_ns=motion.start_ns,
            heard=motion.heard,
        )


def _refuse(error: InputError) -> NoReturn:
    raise error
