"""Retention of a plan as text and as JSON: what `anomsdk inspect --retention` prints."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from anomsdk.audit.retention.beyond import beyond
from anomsdk.audit.retention.kept import Holds
from anomsdk.audit.retention.leaving import leaving
from anomsdk.audit.retention.table import Field, table
from anomsdk.core.plan import Plan
from anomsdk.errors import printable
from anomsdk.utils.text import table as laid_out

_POINTERS = (4, 8)


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the retention of a plan with each field of its memory; all values can be written as JSON."""
    fields = table(plan)
    return {
        "plan": {"name": plan.name, "id": plan.id},
        "pointer_bytes": _POINTERS[0],
        "bytes": fields[-1].end,
        "bytes_with_8_byte_pointers": table(plan, _POINTERS[1])[-1].end,
        "fields": [{**asdict(field), "holds": field.holds.value} for field in fields],
        "beyond": [asdict(row) for row in beyond(plan)],
        "leaves": [asdict(flow) for flow in leaving(plan)],
    }


def as_text(plan: Plan) -> str:
    """Lay the retention of a plan out as text; fields with the same contents and the same fate share a row."""
    fields = table(plan)
    groups: dict[tuple[Holds, float | None, str], list[Field]] = {}
    for field in fields:
        groups.setdefault((field.holds, field.ms, field.wiped_by), []).append(field)
    rows = [("holds", "bytes", "at most", "wiped by", "fields")]
    for (holds, ms, wiped_by), members in sorted(groups.items(), key=lambda item: list(Holds).index(item[0][0])):
        size = f"{sum(field.size for field in members):,}"
        rows.append((holds.value, size, "" if ms is None else f"{ms:,g} ms", wiped_by, _names(members)))
    kept = [("beside the memory", "bytes", "holds", "kept")]
    kept += [(row.name, "" if row.bytes is None else f"{row.bytes:,}", row.holds, row.kept) for row in beyond(plan)]
    leaves = [("leaves", "messages", "bytes", "bits, at most", "", "how")]
    leaves += [
        (flow.name, _number(flow.messages), f"{flow.bytes:,.0f}", f"{flow.bits:,.0f}", flow.per, flow.how)
        for flow in leaving(plan)
    ]
    by_pointers = (
        f"{fields[-1].end:,} bytes on a 32-bit processor, {table(plan, _POINTERS[1])[-1].end:,} on a 64-bit one"
    )
    lines = [
        f"{plan.name}: {by_pointers}",
        "",
        laid_out(rows, right=(1, 2)),
        f"sum {sum(field.size for field in fields):,} bytes: the memory that the plan asks for",
        "at most: from the oldest sample that the bytes depend on, of scores and counts from their tick, in a stream "
        "without gaps; empty: no limit but the event beside it",
        "",
        laid_out(kept, right=(1,)),
        "",
        laid_out(leaves, right=(1, 2, 3)),
    ]
    return _printable_lines(lines)


def _printable_lines(lines: Iterable[str]) -> str:
    """Join lines, without characters that a terminal would take as commands."""
    return "\n".join(printable(line) if line else line for text in lines for line in text.split("\n"))


def _number(n: float) -> str:
    return f"{n:,.0f}" if n >= 100 else f"{n:.3g}"


def _names(fields: list[Field]) -> str:
    """Return the names of fields, those of an array once."""
    names = dict.fromkeys(re.sub(r"\[\d+\]", "[]", field.name) for field in fields)
    return ", ".join(name.removeprefix("pipeline.") for name in names)
