"""Rows of the last days, kept in a folder between runs, so that a daily run reads new rows only.

They are rows of the diary, not records of pipelines: the words and the curves of the list compare days, which no record
holds. With the rows, a run gives what one run over all rows gives.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from anomsdk.core.days import MISSING
from anomsdk.errors import InputError, printable, quoted
from anomsdk.herd.days.diaries import Diaries
from anomsdk.utils.files import unwritable

FILE = "rows.parquet"
FORMAT = "1"
_DEVICES = 2048


def fill_from(folder: Path, diaries: Diaries) -> bool:
    """Add the rows of a folder where the diaries have none; rows of other days are left out.

    Returns
    -------
    True if there were any

    Raises
    ------
    InputError : the file is damaged, of another plan, or of later days
    """
    import pyarrow as pa
    from pyarrow import parquet as pq

    path = folder / FILE
    if not path.exists():
        return False
    where = printable(path)
    try:
        with pq.ParquetFile(path) as file:
            facts = {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}
            if facts.get("format") != FORMAT:
                raise InputError(f"{where}: holds no rows that `state` wrote; give another folder")
            plan = diaries.plan
            if facts["score_id"] != plan.score_id:
                raise InputError(
                    f"{where}: is of the plan {quoted(facts['plan'])} with another score_id, not of {plan.name}; give "
                    "each plan its own folder"
                )
            first, n_slots = date.fromisoformat(facts["first"]), int(facts["slots"])
            n_columns = len(diaries.sensor.columns)
            shift = (first - diaries.first).days * diaries.slots
            begin, end = max(0, -shift), min(n_slots, diaries.n_slots - shift)
            for batch in file.iter_batches(_DEVICES):
                stored = np.frombuffer(batch.column(1).buffers()[1], "<i2").reshape(-1, n_slots, n_columns)
                stored = stored[batch.column(1).offset :][: len(batch)]
                rows = np.full((len(batch), diaries.n_slots, n_columns), MISSING, np.int16)
                if begin < end:
                    rows[:, shift + begin : shift + end] = stored[:, begin:end]
                diaries.fill(batch.column(0), rows)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: is damaged; remove it, and give the rows of all days once") from None
    return True


def keep(folder: Path, diaries: Diaries) -> None:
    """Write the rows of the diaries to a folder, all or nothing; those of two devices under one name are left out."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    plan = diaries.plan
    facts = {
        "format": FORMAT,
        "plan": plan.name,
        "score_id": plan.score_id,
        "first": diaries.first.isoformat(),
        "slots": str(diaries.n_slots),
    }
    width = 2 * diaries.n_slots * len(diaries.sensor.columns)
    schema = pa.schema([("device", pa.string()), ("rows", pa.binary(width))], metadata=facts)
    path, temporary = folder / FILE, None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{FILE}.")
        os.close(handle)
        with pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=False) as writer:
            for start in range(0, len(diaries), _DEVICES):
                some = slice(start, start + _DEVICES)
                names = pa.array(diaries.names[some], pa.string())
                writer.write_batch(pa.record_batch([names, _packed(diaries, some, width)], schema=schema))
        Path(temporary).replace(path)
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink(missing_ok=True)


def _packed(diaries: Diaries, some: slice, width: int) -> Any:
    import pyarrow as pa

    rows = diaries.rows[some].astype("<i2")
    rows[diaries.is_unclear[some]] = MISSING
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(rows), [None, pa.py_buffer(rows)])
