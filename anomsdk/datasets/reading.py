"""Files of data sets by day, and batches of their rows with the columns that somebody asks for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from anomsdk.datasets.device_day import UNKNOWN_DAY
from anomsdk.datasets.schema import METADATA_KEY, Facts, import_pyarrow, selected
from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.file_listing import MOTION_SUFFIXES, SUFFIXES
from anomsdk.sources.formats.text_file import suffix_of

BATCH_ROWS = 16_384
"""Rows that are read at once."""
SUFFIX = ".parquet"
_LABELS = ("device", "recording", "score_id")
_PARTS = ("day=", "group=")
_TELLING = ("device", "score_id", "service_ticks", "service_days")
"""Columns by which a file of device days is known."""


@dataclass(frozen=True, order=True)
class DayFile:
    """File of a data set.

    Parameters
    ----------
    day : day of UTC that a folder above it names, as in ``day=2026-05-31``; empty: not known
    group : name that a folder above it gives, as in ``group=north``; empty: none
    path : its path
    """

    day: str
    path: str
    group: str = ""

    @property
    def name(self) -> str:
        """Path, safe to print."""
        return printable(self.path)

    @property
    def date(self) -> date | None:
        """Day of UTC; None: not known."""
        return date.fromisoformat(self.day) if self.day else None


def is_data_set(path: Path) -> bool:
    """Return True for a .parquet file of device days, and for a folder whose first .parquet file is one."""
    first = next(iter(_files_below(path)), None) if path.is_dir() else path
    if first is None or first.suffix.lower() != SUFFIX or not first.is_file():
        return False
    try:
        with opened(str(first)) as file:
            names = set(file.schema_arrow.names)
    except InputError:
        return path.is_dir() and any(part.startswith("day=") for part in first.parts[len(path.parts) : -1])
    return names.issuperset(_TELLING)


def day_files(path: Path) -> list[DayFile]:
    """List the files of a data set in the order of their days, those of no known day first.

    Parameters
    ----------
    path : folder of a data set, or one of its files

    Raises
    ------
    InputError : no .parquet below the folder, or a folder ``day=`` that names no day
    """
    files = _files_below(path) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{printable(path)}: no .parquet files in this folder; give one that score or gather wrote")
    return sorted(DayFile(day_of(file), str(file), part_of(file, "group")) for file in files)


def check_alone(path: Path) -> None:
    """Refuse a folder that holds recordings besides a data set in one of its folders: they would be passed over.

    Raises
    ------
    InputError : names one of the recordings
    """
    suffixes = {*SUFFIXES, *MOTION_SUFFIXES} - {SUFFIX}
    if not path.is_dir() or any(each.name.startswith(_PARTS) for each in path.iterdir()):
        return
    for root, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_", *_PARTS)))
        if any(Path(root).glob("day=*")):
            continue  # what is beside its days belongs to a data set
        for name in sorted(files):
            if suffix_of(name) in suffixes and not name.startswith((".", "_")):
                raise InputError(
                    f"{printable(path)}: holds a data set and recordings ({printable(Path(root, name))}); give the "
                    "folder of the data set, or the recordings"
                )


def pending_below(path: Path) -> int:
    """Count the files of a data set that are being written, or whose writer was interrupted."""
    return sum(1 for _ in path.glob(f"**/day=*/*{SUFFIX}.tmp")) if path.is_dir() else 0


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """Open a file with pyarrow so that nothing is read ahead, and only in this thread.

    Raises
    ------
    InputError : the file cannot be read, or is no complete .parquet
    """
    where = printable(path)
    pyarrow = import_pyarrow(where)
    try:
        metadata = pyarrow.parquet.read_metadata(path)
        labels = [name for name in metadata.schema.names if name in _LABELS]
        file = pyarrow.parquet.ParquetFile(
            path, metadata=metadata, pre_buffer=False, read_dictionary=labels, page_checksum_verification=True
        )
    except (OSError, pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise InputError(_incomplete(where, error)) from None
    with file:
        try:
            yield file
        except (OSError, pyarrow.ArrowException, UnicodeDecodeError) as error:
            raise InputError(_incomplete(where, error)) from None


def batches(path: str, columns: Sequence[str]) -> Iterator[list[Any]]:
    """Yield the pyarrow arrays of some columns, at most `BATCH_ROWS` rows at a time.

    Labels, such as the device, come as dictionaries of strings.

    Raises
    ------
    InputError : as `opened`, a column is missing or holds something else, or rows that the file declares are missing
    """
    with opened(path) as file:
        names, where = file.schema_arrow.names, printable(path)
        selected(names, columns, where)
        twice = next((name for name in columns if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"{where}: has column {twice} twice; write the file again")
        left = file.metadata.num_rows
        for batch in file.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False):
            left -= len(batch)
            if len(batch):
                found = {name: batch.column(name) for name in columns}
                yield [_labelled(each, name, where) if name in _LABELS else each for name, each in found.items()]
        if left:  # pyarrow ends early at a damaged page
            raise OSError(f"{left} rows are missing")


def facts_of(path: str) -> Facts | None:
    """Read what a file says about its plan; None for a file that says nothing.

    Raises
    ------
    InputError : as `opened`, or what it says is damaged
    """
    with opened(path) as file:
        metadata = file.schema_arrow.metadata or {}
    text = metadata.get(METADATA_KEY)
    return None if text is None else Facts.from_json(text, printable(path))


def check_once(files: Sequence[DayFile]) -> None:
    """Refuse a file that is given twice, and a copy of another one: its rows would count twice.

    Raises
    ------
    InputError : names both
    """
    seen: dict[str, DayFile] = {}
    sizes: dict[int, list[DayFile]] = {}
    for file in files:
        other = seen.setdefault(os.path.realpath(file.path), file)
        if other is not file:
            raise InputError(f"{file.name}: is given twice; give each data set once")
        with suppress(OSError):  # reading it says why
            sizes.setdefault(Path(file.path).stat().st_size, []).append(file)
    for alike in sizes.values():
        first: dict[bytes, DayFile] = {}
        for file in alike if len(alike) > 1 else ():
            with suppress(OSError):
                other = first.setdefault(_digest(file.path), file)
                if other is not file:
                    raise InputError(
                        f"{other.name} and {file.name}: the same rows twice; give each data set once, without copies"
                    )


def _digest(path: str) -> bytes:
    sha256 = hashlib.sha256()
    with Path(path).open("rb") as file:
        while piece := file.read(1 << 20):
            sha256.update(piece)
    return sha256.digest()


def row_name(path: str, row: int) -> str:
    """Name a row of a file in messages."""
    return f"{printable(path)}, row {row:,} (from 0)"


def checked_names(names: Any, where: str, column: str) -> Any:
    """Return strings of pyarrow, or refuse bytes that are no text in UTF-8.

    Raises
    ------
    InputError : they are none
    """
    import pyarrow

    try:
        names.validate(full=True)
    except pyarrow.ArrowInvalid:
        raise InputError(f"{where}: column {column} is no text in UTF-8; write the file again") from None
    return names


def _labelled(column: Any, name: str, where: str) -> Any:
    """Return a column of labels as a dictionary of strings, also where it holds whole numbers.

    Raises
    ------
    InputError : it holds something else
    """
    import pyarrow

    kind = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    if column.type == kind:
        return column
    plain = column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
    types = pyarrow.types
    text = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary, types.is_null)
    if not (types.is_integer(plain.type) or any(is_text(plain.type) for is_text in text)):
        raise InputError(f"{where}: column {name} is {plain.type}, not names; see docs/reference/data-sets.md")
    try:
        return plain.cast(pyarrow.string()).dictionary_encode()
    except pyarrow.ArrowInvalid:
        raise InputError(f"{where}: column {name} is no text in UTF-8; write the file again") from None


def _incomplete(where: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return f"{where}: cannot be read: {error.strerror}; check the file"
    return f"{where}: cannot be read (it is no complete .parquet); copy it again, or score its recordings again"


def _files_below(folder: Path) -> list[Path]:
    return sorted(
        path
        for below, names in walked(folder)
        if not any(part.startswith(".") for part in below.relative_to(folder).parts)
        for path in (below / name for name in names if name.endswith(SUFFIX) and name[0] != ".")
    )


def walked(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder below a folder, itself first, with the names of its files.

    Links are followed, but not into a folder that contains them: a day that lies on another disk is read as well.
    """
    for below, folders, names in os.walk(folder, followlinks=True):
        here = Path(below)
        above = here.resolve()
        folders[:] = [name for name in folders if not _leads_back(here / name, above)]
        yield here, names


def _leads_back(path: Path, above: Path) -> bool:
    """Return True for a link to a folder that it lies in."""
    return path.is_symlink() and above.is_relative_to(path.resolve())


def part_of(file: Path, key: str) -> str:
    """Return the value of the last folder of a path that is named KEY=VALUE; empty: none is."""
    values = [part.partition("=")[2] for part in file.parts[:-1] if part.startswith(f"{key}=")]
    return values[-1] if values else ""


def day_of(file: Path) -> str:
    """Return the day that a folder of a path names, as YYYY-MM-DD; empty: not known.

    Raises
    ------
    InputError : it names something else
    """
    text = part_of(file, "day")
    if text in ("", UNKNOWN_DAY):
        return ""
    try:
        if len(text) != 10:
            raise ValueError(text)
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InputError(f"{printable(file)}: day={quoted(text)} is no day; write it as day=2026-05-31") from None
