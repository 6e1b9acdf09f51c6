"""Words for cells that hold no number, and for rows that do not fit their headings."""

from __future__ import annotations

from anomsdk.errors import printable
from anomsdk.sources.formats.tables.dialect import Dialect
from anomsdk.sources.formats.tables.numbers import ANY_NUMBER

BLANKS = ("", "nan", "null", "none", "na", "n/a")
"""Cells without a value, in lower case."""


def fault_of(cell: str) -> str:
    """Say why a cell is no number, and what to do about it."""
    if not cell:
        return "is empty; remove such lines: the gap is found by the time"
    if cell.lower() in (*BLANKS, "inf", "-inf"):
        return f"is {cell}; remove such lines: the gap is found by the time"
    if ":" in cell:
        return f"is {printable(cell)[:32]!r}, no number and no date in a known form; write 2024-03-05T09:24:51.050"
    if ANY_NUMBER.fullmatch(cell) and ("," in cell or "." in cell):
        what = "separators of decimals or thousands that do not fit the other cells"
        return f"is {printable(cell)[:20]!r}, with {what}; write one kind"
    return f"is {printable(cell)[:20]!r}, no number; correct it"


def misfit(row: list[str], dialect: Dialect) -> str:
    """Say how the number of cells of a row differs from that of the headings."""
    width = len(dialect.names)
    what = f"{len(row)} values, not {width}"
    if dialect.delimiter == "," and len(row) > width:
        return f"{what}; separate with semicolons where commas are decimal"
    return f"{what}; complete the line or remove it: the gap is found by the time"
