"""Partitions of a data set by day, and the columns of their files in batches, checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.datasets.device_day import UNKNOWN_DAY
from anomsdk.datasets.reading import DayFile, check_once
from anomsdk.datasets.schema import METADATA_KEY, Facts, import_pyarrow, selected
from anomsdk.errors import InputError, printable, quoted

BATCH_ROWS = 65_536
"""Largest number of rows in memory at once."""
LABELS = ("device", "score_id")
"""Columns of text, which repeat: they are read as a dictionary."""
_START = "day="
_DAYS = (f"{_START}*", f"group=*/{_START}*")


def partitions(folder: Path) -> dict[date, tuple[Path, ...]]:
    """Find the folders of the days of a data set, the earliest first; each group has its own.

    Raises
    ------
    InputError : no such folder, or it has no folder of a day, or one whose name is no day
    """
    where = printable(folder)
    if not folder.is_dir():
        raise InputError(f"{where}: no such folder; give the folder of a data set, which score or gather wrote")
    found, unknown = dict[date, tuple[Path, ...]](), False
    for path in sorted(path for pattern in _DAYS for path in folder.glob(pattern)):
        if not path.is_dir():
            continue
        text = path.name[len(_START) :]
        if text == UNKNOWN_DAY:
            unknown = True
            continue
        day = _day(text)
        if day is None:
            raise InputError(f"{printable(path)}: is no day; a data set has folders day=YYYY-MM-DD")
        found[day] = (*found.get(day, ()), path)
    if not found and unknown:
        raise InputError(f"{where}: the day of its rows is not known; score recordings that say when they began")
    if not found:
        raise InputError(f"{where}: has no folder day=YYYY-MM-DD; give the folder that score or gather wrote")
    return dict(sorted(found.items()))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") else None
    except ValueError:
        return None


def files_of(folders: Iterable[Path]) -> list[Path]:
    """List the Parquet files of a day in the order of their names; hidden ones and those being written apart.

    Raises
    ------
    InputError : a file is a copy of another one
    """
    paths = (path for folder in folders for path in folder.iterdir())
    found = sorted(path for path in paths if path.suffix == ".parquet" and path.name[0] not in "._")
    check_once([DayFile("", str(path)) for path in found])
    return found


def pending_of(folders: Iterable[Path]) -> int:
    """Count the files of a day that are still being written, or whose writer was interrupted."""
    return sum(path.name.endswith(".parquet.tmp") for each in folders for path in each.iterdir())


class PartFile:
    """Parquet file of a data set, open for reading.

    Parameters
    ----------
    path : the file

    Raises
    ------
    InputError : it is no Parquet file, or a part of one, or its metadata is that of another format
    """

    def __init__(self, path: Path) -> None:
        self.where = printable(path)
        self._pyarrow = pyarrow = import_pyarrow(self.where)
        try:
            self._file = pyarrow.parquet.ParquetFile(
                path, read_dictionary=list(LABELS), page_checksum_verification=True
            )
            self._schema = self._file.schema_arrow
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from None
        text = (self._schema.metadata or {}).get(METADATA_KEY)
        self.facts = None if text is None else Facts.from_json(text, self.where)
        """Facts about the plan that the metadata of the file holds; None: it has none."""

    def __enter__(self) -> PartFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _unreadable(self, error: Exception) -> InputError:
        if isinstance(error, (PermissionError, FileNotFoundError)):
            return InputError(f"{self.where}: cannot be read: {error.strerror}; check the file, and try again")
        return InputError(
            f"{self.where}: is no Parquet file, or was written only in part; remove it and write it again with score"
        )

    def has(self, name: str) -> bool:
        """Return True if the file has a column of this name."""
        return name in self._schema.names

    def batches(self, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, Any]]:
        """Yield the number of the first row, from 0, and a record batch of these columns.

        Raises
        ------
        InputError : a column is missing, or the file is damaged
        """
        selected(self._schema.names, needed, self.where)
        columns, row = [*needed, *filter(self.has, optional)], 0
        try:
            for batch in self._file.iter_batches(BATCH_ROWS, columns=columns):
                yield row, batch
                row += batch.num_rows
            if row != self._file.metadata.num_rows:  # pyarrow ends early at a damaged page
                raise OSError(f"{row} rows")
        except (self._pyarrow.ArrowException, OSError) as error:
            raise self._unreadable(error) from None

    def labels(self, batch: Any, name: str, row: int) -> Any:
        """Return a column of text as a dictionary array, without nulls.

        Raises
        ------
        InputError : it holds something else, or a null
        """
        column, types = batch.column(name), self._pyarrow.types
        if types.is_dictionary(column.type) and (
            column.dictionary.null_count or not types.is_string(column.type.value_type)
        ):
            column = column.cast(column.type.value_type)
        self._whole(column, name, row)
        kind = column.type
        if not (types.is_dictionary(kind) or self._is_text(column) or types.is_integer(kind)):
            raise InputError(f"{self.where}: column {name} holds {kind}, not names; see the schema of data sets")
        if not types.is_dictionary(kind):
            column = column.cast(self._pyarrow.string()).dictionary_encode()
        try:
            column.dictionary.validate(full=True)
        except self._pyarrow.ArrowInvalid:
            raise InputError(
                f"{self.where}: column {name} is no text in UTF-8; write the file again with score"
            ) from None
        return column

    def _is_text(self, column: Any) -> bool:
        types = self._pyarrow.types
        return bool(types.is_string(column.type) or types.is_large_string(column.type))

    def counts(self, batch: Any, name: str, row: int) -> NDArray[np.int64]:
        """Return a column of counts, int64 (rows,), 0 to 2**32 - 1.

        Raises
        ------
        InputError : it holds something else, or a null
        """
        column = batch.column(name)
        if not self._pyarrow.types.is_integer(column.type):
            raise InputError(
                f"{self.where}: column {name} holds {column.type}, not integers; see the schema of data sets"
            )
        self._whole(column, name, row)
        found: NDArray[np.int64] = column.to_numpy(zero_copy_only=False).astype(np.int64)
        self.refuse((found < 0) | (found >> 32 > 0), row, f"column {name} is not 0 to 4294967295")
        return found

    def shares(self, batch: Any, name: str, row: int) -> NDArray[np.float64]:
        """Return a column of shares, float64 (rows,), 0 to 1.

        Raises
        ------
        InputError : it holds something else, or a null
        """
        column = batch.column(name)
        if not self._pyarrow.types.is_floating(column.type):
            raise InputError(
                f"{self.where}: column {name} holds {column.type}, not floats; see the schema of data sets"
            )
        self._whole(column, name, row)
        found: NDArray[np.float64] = column.to_numpy(zero_copy_only=False).astype(np.float64)
        self.refuse(~((found >= 0) & (found <= 1)), row, f"column {name} is not 0 to 1")
        return found

    def _whole(self, column: Any, name: str, row: int) -> None:
        if column.null_count:
            self.refuse(column.is_null().to_numpy(zero_copy_only=False), row, f"column {name} is empty")

    def refuse(self, bad: NDArray[np.bool_], row: int, why: str) -> None:
        """Refuse a file in which a row is wrong.

        Parameters
        ----------
        bad : (rows,) of the batch
        row : number of the first one, from 0
        why : what is wrong

        Raises
        ------
        InputError : names the first of these rows, counted from 1
        """
        if bad.any():
            number = row + int(np.argmax(bad)) + 1
            raise InputError(f"{self.where}: row {number:,}: {why}; write the file again with score")

    def check_score_id(self, batch: Any, row: int, accepted: Sequence[str]) -> None:
        """Refuse rows whose counts do not add up with those of the plan.

        Parameters
        ----------
        batch, row : as `batches` yields them
        accepted : score_ids in the form of a row

        Raises
        ------
        InputError : names the first row with another score_id
        """
        column = self.labels(batch, "score_id", row)
        known = np.isin(np.array(column.dictionary.to_pylist(), object).astype(str), list(accepted))
        bad = ~known[column.indices.to_numpy(zero_copy_only=False)]
        if bad.any():
            at = int(np.argmax(bad))
            other = quoted(column[at].as_py(), 20)
            raise InputError(
                f"{self.where}: row {row + at + 1:,}: was counted with score_id {other}, and the plan's is "
                f"{accepted[0]}; give the plan that the data set was made with"
            )
