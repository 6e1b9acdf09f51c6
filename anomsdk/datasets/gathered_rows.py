"""Tables of device days that were gathered from exports."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.ladder import LadderPlan
from anomsdk.core.plan import Plan
from anomsdk.datasets.ladder_lives import DayRows
from anomsdk.datasets.schema import (
    COLUMNS,
    MANY,
    RUNG_COLUMNS,
    SCORE_ID_DIGITS,
    Facts,
    arrow_schema,
    import_pyarrow,
    rung_column,
)


def gathered_table(rows: DayRows, which: NDArray[np.bool_], plan: Plan, facts: Facts) -> Any:
    """Make the pyarrow table of some rows, in the schema of their data set.

    Parameters
    ----------
    rows : of one day
    which : (n,), the rows of the table
    plan : Plan with the ladder that counted
    facts : about it
    """
    pyarrow, schema, ladder = import_pyarrow("data set"), arrow_schema(facts), plan.ladder
    assert ladder is not None
    counts, ticks, tag = rows.counts[which], rows.ticks[which], rows.level_tag[which].astype(np.int64)
    n = len(ticks)
    rung = np.where(tag > 0, tag - 1, own_rung(plan, ladder))
    of_rung = np.take_along_axis(counts[:, 1:].reshape(n, ladder.n_rungs, len(RUNG_COLUMNS)), rung[:, None, None], 1)
    devices, place = np.unique(rows.device[which], return_inverse=True)
    names = pyarrow.array(devices).cast(pyarrow.string())
    columns: dict[str, Any] = {
        "device": pyarrow.DictionaryArray.from_arrays(pyarrow.array(place.astype(np.int32)), names),
        "score_id": pyarrow.DictionaryArray.from_arrays(
            pyarrow.array(np.zeros(n, np.int32)), pyarrow.array([facts.score_id[:SCORE_ID_DIGITS]])
        ),
        "boot": pyarrow.array(rows.boot[which], mask=rows.boot[which] == 0),
    }
    numbers: dict[str, NDArray[Any]] = {
        "tick_s": np.full(n, facts.tick_s),
        "ticks": ticks,
        "coverage": np.minimum(1.0, ticks * 65536 / ladder.day_q16).astype(np.float32),
        "alarm_ticks": of_rung[:, 0, 0],
        "alarms": of_rung[:, 0, 1],
        "level_tag": tag,
        "first": rows.first[which],
        "service_ticks": ticks,
        "service_days": counts[:, 0],
    }
    for at, count in enumerate(RUNG_COLUMNS):
        for index in range(ladder.n_rungs):
            numbers[rung_column(count, index + 1)] = counts[:, 1 + len(RUNG_COLUMNS) * index + at]
    for field in schema:
        name, kind = field.name, field.type
        if name in columns:
            continue
        if name in ("recording", "start", "stop", "scores"):
            columns[name] = pyarrow.nulls(n, kind)
        elif COLUMNS.get(name, ("",))[0] in ("gaps", "void", "events"):
            none = pyarrow.array([], kind.value_type)
            columns[name] = pyarrow.ListArray.from_arrays(pyarrow.array(np.zeros(n + 1, np.int32)), none, type=kind)
        else:
            values = numbers.get(name)
            if values is None:
                values = np.zeros(n, np.int64)
            if pyarrow.types.is_uint16(kind):
                values = np.minimum(values, MANY)
            columns[name] = pyarrow.array(np.ascontiguousarray(values)).cast(kind)
    return pyarrow.table([columns[name] for name in schema.names], schema=schema)


def own_rung(plan: Plan, ladder: LadderPlan) -> int:
    """Return the index of the highest rung at or below the plan's own level; 0: none is."""
    own = plan.levels.raise_score
    return max(0, int(np.searchsorted(ladder.raise_scores.astype(np.int64), own, "right")) - 1)
