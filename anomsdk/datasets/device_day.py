"""Device days, the rows of a data set, and their table in pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.datasets.schema import COLUMNS, RUNG_COLUMNS, Facts, arrow_schema, import_pyarrow, rung_column

UNKNOWN_DAY = "__HIVE_DEFAULT_PARTITION__"
"""Value of a partition without a day, as Hive writes it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_PLAIN = tuple(
    name for name, (kind, _) in COLUMNS.items() if kind not in ("label", "time", "gaps", "void", "events", "scores")
)
_ROW_BYTES = 400
"""Memory of a row besides its arrays and lists, roughly."""

Pairs = NDArray[np.int64]


def _no_pairs() -> Pairs:
    return np.zeros((0, 2), np.int64)


@dataclass(frozen=True, eq=False)
class DeviceDay:
    """Row of a data set; see `anomsdk.datasets.schema.COLUMNS` for what each field means.

    Parameters
    ----------
    day : day of UTC in which the ticks end; None: not known
    start_us, stop_us : microseconds since 1970-01-01 UTC; None: not known
    gaps : int64 (n, 2), index of a tick, and samples missing before it
    void : int64 (n, 2), index of a void tick, and the number of void ticks in a row from there
    events : pairs (number of ticks before it, 16 bytes)
    scores : uint16 (ticks,) in log2 q8, or uint32 (ticks,); None: left out
    counts : int64 (rungs, 5), in the order of `anomsdk.core.ladder.RungCounts`; (0, 5) without a ladder
    """

    device: str
    day: date | None
    score_id: str
    tick_s: float
    ticks: int
    counts: NDArray[np.int64]
    recording: str | None = None
    start_us: int | None = None
    stop_us: int | None = None
    void_ticks: int = 0
    coverage: float = 1.0
    highest: int = 0
    alarms: int = 0
    alarm_ticks: int = 0
    technical: int = 0
    level_tag: int = 0
    gaps: Pairs = field(default_factory=_no_pairs)
    void: Pairs = field(default_factory=_no_pairs)
    events: tuple[tuple[int, bytes], ...] = ()
    scores: NDArray[np.uint16] | NDArray[np.uint32] | None = None
    boot: int | None = None
    first: int = 0
    service_ticks: int = 0
    service_days: int = 0

    @property
    def partition(self) -> str:
        """Name of the folder of the row's day."""
        return f"day={UNKNOWN_DAY if self.day is None else self.day.isoformat()}"

    @property
    def memory(self) -> int:
        """Memory of the row in bytes, roughly."""
        lists = 0 if self.scores is None else self.scores.nbytes
        return _ROW_BYTES + lists + self.counts.nbytes + self.gaps.nbytes + self.void.nbytes + 120 * len(self.events)


def day_of(us: int) -> date:
    """Return the day of UTC of a time in microseconds since 1970.

    Examples
    --------
    >>> day_of(1_780_185_600_000_000)
    datetime.date(2026, 5, 31)
    """
    return (_EPOCH + timedelta(microseconds=us)).date()


def table_of(rows: Sequence[DeviceDay], facts: Facts) -> Any:
    """Make the pyarrow table of rows, in the schema of their data set."""
    pyarrow, schema = import_pyarrow("data set"), arrow_schema(facts)
    columns: dict[str, Any] = {}
    for name in ("device", "recording", "score_id"):
        columns[name] = pyarrow.array([getattr(row, name) for row in rows], pyarrow.string()).dictionary_encode()
    for name in ("start", "stop"):
        columns[name] = pyarrow.array([getattr(row, f"{name}_us") for row in rows], pyarrow.int64()).cast(
            schema.field(name).type
        )
    for name in _PLAIN:
        columns[name] = pyarrow.array([getattr(row, name) for row in rows], schema.field(name).type)
    for name in ("gaps", "void"):
        pairs = [getattr(row, name) for row in rows]
        joined = np.concatenate([_no_pairs(), *pairs])
        columns[name] = _lists(pyarrow, list(map(len, pairs)), (joined[:, 0], joined[:, 1]), schema.field(name).type)
    said = [event for row in rows for event in row.events]
    values = [tick for tick, _ in said], [data for _, data in said]
    columns["events"] = _lists(pyarrow, [len(row.events) for row in rows], values, schema.field("events").type)
    columns["scores"] = _scores(pyarrow, rows, schema.field("scores").type)
    counts = np.stack([row.counts for row in rows]) if rows else np.zeros((0, facts.n_rungs, len(RUNG_COLUMNS)))
    for at, count in enumerate(RUNG_COLUMNS):
        for rung in range(facts.n_rungs):
            name = rung_column(count, rung + 1)
            columns[name] = pyarrow.array(np.ascontiguousarray(counts[:, rung, at])).cast(schema.field(name).type)
    return pyarrow.table([columns[name] for name in schema.names], schema=schema)


def _lists(pyarrow: Any, lengths: list[int], values: tuple[Any, Any], kind: Any) -> Any:
    fields = [kind.value_type.field(0), kind.value_type.field(1)]
    parts = [
        pyarrow.array(each, pyarrow.int64() if isinstance(each, np.ndarray) else field.type).cast(field.type)
        for each, field in zip(values, fields, strict=True)
    ]
    offsets = pyarrow.array(np.cumsum([0, *lengths]), pyarrow.int32())
    return pyarrow.ListArray.from_arrays(offsets, pyarrow.StructArray.from_arrays(parts, fields=fields), type=kind)


def _scores(pyarrow: Any, rows: Sequence[DeviceDay], kind: Any) -> Any:
    held = [row.scores for row in rows if row.scores is not None]
    if not held:
        return pyarrow.nulls(len(rows), kind)
    offsets, at = list[int | None](), 0
    for row in rows:
        offsets.append(None if row.scores is None else at)
        at += 0 if row.scores is None else len(row.scores)
    values = pyarrow.array(np.concatenate(held)).cast(kind.value_type)
    return pyarrow.ListArray.from_arrays(pyarrow.array([*offsets, at], pyarrow.int32()), values, type=kind)
