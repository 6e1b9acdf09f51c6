"""Result of scoring one unit of work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from anomsdk.datasets.repeats import Untimed
from anomsdk.datasets.row_buffer import RowBuffer
from anomsdk.datasets.units import Input, Unit
from anomsdk.runtime.judged_share import Judged


@dataclass
class ScoredUnit:
    """Result of a unit.

    Parameters
    ----------
    unit : Unit
    rows : its rows
    records : device -> its record
    share : that was judged
    devices : names of the devices that have rows
    notes : pairs of a recording's name and its notes
    bad : files that cannot be used, or not to their end, and why
    known : names of recordings that the plan was made from
    untimed : recordings that count and do not tell their time
    done : inputs that are done; those that cannot be used are not among them
    """

    unit: Unit
    rows: RowBuffer
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    share: Judged = field(default_factory=Judged)
    devices: set[str] = field(default_factory=set)
    notes: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    bad: list[tuple[Input, str]] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    untimed: list[Untimed] = field(default_factory=list)
    done: list[Input] = field(default_factory=list)
    opened: int = 0
