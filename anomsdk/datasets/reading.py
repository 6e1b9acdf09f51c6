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

BATCH_ROWS = 32768
"""Rows that are read at once."""
SUFFIX = ".parquet"
_LABELS = ("device", "recording", "score_id")
_PARTS = ("day=", "group=")
_TIMES, _NUMBERS = ("start", "stop"), ("boot", "first")
_SEE = "see docs/reference/data-sets.md"
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
    return sorted(DayFile(_day_of(file), str(file), _part_of(file, "group")) for file in files)


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

    Labels, such as the device, come as dictionaries of strings, and times as timestamps in microseconds of UTC.

    Raises
    ------
    InputError : as `opened`, a column is missing or holds something else, or rows that the file declares are missing
    """
    with opened(path) as file:
        selected(file.schema_arrow.names, columns, printable(path))
        left = file.metadata.num_rows
        for batch in file.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False):
            left -= len(batch)
            if len(batch):
                yield [_normal(name, batch.column(name), printable(path)) for name in columns]
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


def _normal(name: str, column: Any, where: str) -> Any:
    """Return a column in the type of the schema where it tells of which device, when or in which life a row is."""
    import pyarrow

    if name in _LABELS:
        return _labelled(column)
    kind, types = column.type, pyarrow.types
    if name in _TIMES and not types.is_null(kind):
        if not types.is_timestamp(kind):
            raise InputError(f"{where}: column {name} is {kind}, and times are timestamps; {_SEE}")
        return column.cast(pyarrow.timestamp("us", "UTC"), safe=False)  # a time without a zone is one of UTC
    if name in _NUMBERS and not (types.is_integer(kind) or types.is_null(kind)):
        raise InputError(f"{where}: column {name} is {kind}, and it holds whole numbers; {_SEE}")
    return column


def _labelled(column: Any) -> Any:
    """Return a column of labels as a dictionary of strings, also where it holds numbers."""
    import pyarrow

    kind = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    if column.type == kind:
        return column
    plain = column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
    return plain.cast(pyarrow.string()).dictionary_encode()


def _incomplete(where: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return f"{where}: cannot be read: {error.strerror}; check the file"
    return f"{where}: cannot be read (it is no complete .parquet); copy it again, or score its recordings again"


def _files_below(folder: Path) -> list[Path]:
    """List the .parquet files below a folder, also behind symbolic links; hidden ones apart."""
    found, above = list[Path](), set[str]()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in above:
            folders.clear()  # a link to a folder above, or one that was listed
            continue
        above.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(root, name) for name in files if name.endswith(SUFFIX) and not name.startswith(".")]
    return sorted(path for path in found if path.is_file())


def _part_of(file: Path, key: str) -> str:
    values = [part.partition("=")[2] for part in file.parts[:-1] if part.startswith(f"{key}=")]
    return values[-1] if values else ""


def _day_of(file: Path) -> str:
    text = _part_of(file, "day")
    if text in ("", UNKNOWN_DAY):
        return ""
    try:
        if len(text) != 10:
            raise ValueError(text)
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InputError(f"{printable(file)}: day={quoted(text)} is no day; write it as day=2026-05-31") from None
