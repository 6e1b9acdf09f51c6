"""Files of diaries as recordings: arrays, and tables of one animal or of many.

A diary is read whole when it is opened, and its rows are held until the recording is dropped: they are sums over slots
of 900 s or more, and what is asked of them needs days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

from anomsdk.core.days import DAY_S
from anomsdk.errors import InputError, quoted
from anomsdk.runtime.memory import wiping_libraries
from anomsdk.sources.audio import stored_recording
from anomsdk.sources.conditions import picked
from anomsdk.sources.formats.arrays.npy import npy_file
from anomsdk.sources.formats.diary.diary_npz import DiaryArchive
from anomsdk.sources.formats.diary.diary_slots import DiarySlots, DiaryValues, blocks_of, slots_of
from anomsdk.sources.formats.diary.diary_table import DiaryTable
from anomsdk.sources.formats.motion.motion_csv import csv_table
from anomsdk.sources.formats.motion.motion_parquet import parquet_table
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES, Block
from anomsdk.sources.formats.text_file import suffix_of
from anomsdk.sources.formats.timing.date_forms import SECOND_NS
from anomsdk.sources.formats.timing.epochs import date_ns
from anomsdk.sources.recording import OpenedFile, Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat


@wiping_libraries()
def open_diary(path: Path, name: str, where: str, stream_format: StreamFormat, reading: ReadOptions) -> OpenedFile:
    """Open a file of diaries, and sum its values to the slots of the plan.

    Parameters
    ----------
    path : a .csv, .csv.gz, .parquet, .npy or .npz
    name, where : name of the file for people and in messages
    stream_format : format that the pipeline takes, of kind "diary"
    reading : options of the caller, with all conditions

    Raises
    ------
    InputError : as `anomsdk.sources.open_recordings`
    """
    suffix = suffix_of(path)
    if suffix == ".npy":
        return _open_rows(path, name, where, stream_format, reading)
    if suffix == ".npz":
        return _open_archive(path, name, where, stream_format, reading)
    is_parquet = suffix == ".parquet"
    table = DiaryTable((parquet_table if is_parquet else csv_table)(path, name, where), stream_format, reading)
    recordings = []
    for label, rows in table.parts.items():
        said = "".join(f"[{quoted(key)}={quoted(value)}]" for key, value in zip(table.by, label, strict=True))
        recordings.append(
            _recording(
                name + said,
                where + said,
                partial(table.values_of, rows, where + said),
                table.start_ns,
                stream_format,
                reading,
                table.notes,
                alone=len(table.parts) == 1,
                kept_by="pyarrow" if is_parquet else None,
            )
        )
    values = {key: tuple(label[at] for label in table.parts) for at, key in enumerate(table.by)}
    return OpenedFile(path, name, tuple(recordings), tuple(range(len(recordings))), len(recordings), values)


def _open_rows(path: Path, name: str, where: str, stream_format: StreamFormat, reading: ReadOptions) -> OpenedFile:
    """Open a .npy of rows as a device has them: int16, one a slot, -32768 where one is missing."""
    for option in ("where", "by", "axes", "scale", "rate_hz", "time"):
        if getattr(reading, option):
            raise InputError(f"`{option}`: {where} holds rows of slots without names or times; leave it out")
    found = tuple(stored_recording(each, stream_format, None) for each in npy_file(path, name, where))
    return OpenedFile(path, name, found, (0,), 1)


def _open_archive(path: Path, name: str, where: str, stream_format: StreamFormat, reading: ReadOptions) -> OpenedFile:
    for option in ("by", "time"):
        if getattr(reading, option):
            raise InputError(f"`{option}`: {where} is no table; its recordings are apart already, leave it out")
    diary = DiaryArchive(path, where, stream_format, reading)
    parts = diary.archive.parts
    chosen = picked(path, where, len(parts), reading.where)
    recordings = []
    for index in chosen:
        suffix = parts[index][0]
        recordings.append(
            _recording(
                name + suffix,
                where + suffix,
                partial(diary.values_of, index, where + suffix),
                lambda day: day * DAY_S * SECOND_NS,
                stream_format,
                reading,
                diary.notes,
                alone=len(chosen) == 1,
            )
        )
    return OpenedFile(path, name, tuple(recordings), chosen, len(parts))


def _recording(
    name: str,
    where: str,
    values: Callable[[], DiaryValues],
    start_ns: Callable[[int], int | None],
    stream_format: StreamFormat,
    reading: ReadOptions,
    notes: tuple[str, ...],
    *,
    alone: bool,
    kept_by: str | None = None,
) -> Recording:
    """Sum the values of one recording to slots; one that is damaged among several raises its error when it is read."""
    try:
        found = values()
        slots = slots_of(found, stream_format, reading.scale)
    except InputError as error:
        if alone:
            raise
        return Recording(name, (), None, None, where, partial(_refuse, error))
    return Recording(
        name,
        (*notes, *slots.notes),
        len(slots.rows),
        1 / slots.step_s,
        where,
        partial(_blocks, slots),
        kept_by,
        slots.odd,
        None if (start := start_ns(slots.day)) is None or not found.from_midnight else date_ns(start),
    )


def _blocks(slots: DiarySlots) -> Iterator[Block | int]:
    yield from blocks_of(slots.rows, BLOCK_VALUES)


def _refuse(error: InputError) -> NoReturn:
    raise error
