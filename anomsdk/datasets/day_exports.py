"""Exports of one day, and the periods of service that they tell: those that lie within no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.ladder import MAX_COUNT
from anomsdk.datasets.export_files import ExportNames

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Periods:
    """Periods of service (n,), in the order of devices, boots and ticks.

    Parameters
    ----------
    device, boot, first, last, level_tag : as `anomsdk.core.export.Export`
    least : smallest end of all exports of its life
    group : index of its group
    name : index of its name
    counts : uint32 (n, 1 + 5 rungs), days of service, then the counts of each rung
    """

    device: NDArray[np.uint64]
    boot: NDArray[np.uint16]
    first: Ints
    last: Ints
    level_tag: NDArray[np.uint8]
    least: Ints
    group: NDArray[np.int32]
    name: Ints
    counts: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.device)

    def chosen(self, which: Any) -> Periods:
        """Return some of them, by index or flag."""
        return Periods(*(getattr(self, each.name)[which] for each in fields(self)))


@dataclass(frozen=True, eq=False)
class DayExports:
    """Exports that were read on one day.

    Parameters
    ----------
    exports : (n,) of `anomsdk.datasets.export_files.export_dtype`
    names : of the exports
    group : int32 (n,), index of the group of each
    """

    exports: NDArray[Any]
    names: ExportNames
    group: NDArray[np.int32]

    def periods(self, on_bad: Callable[[str], None]) -> Periods:
        """Return the periods that lie within no other, and leave out lives whose exports contradict one another.

        Parameters
        ----------
        on_bad : called with one line for each such life
        """
        n = len(self.exports)
        device, boot, first, last = (self.exports[name] for name in ("device", "boot", "first", "last"))
        order = np.lexsort((~last, first, boot, device))
        device, boot = device[order], boot[order]
        first, last = first[order].astype(np.int64), last[order].astype(np.int64)
        begins = np.ones(n, bool)
        begins[1:] = (device[1:] != device[:-1]) | (boot[1:] != boot[:-1])
        life = np.cumsum(begins) - 1
        reached = np.r_[0, np.maximum.accumulate(life << 32 | last)[:-1]] & 0xFFFFFFFF if n else last
        kept = begins | (first >= reached)
        bad = np.zeros(int(life[-1]) + 1 if n else 0, bool)

        def refuse(row: int, other: int, why: str) -> None:
            if not bad[life[row]]:
                bad[life[row]] = True
                both = sorted({self.names[int(order[each])] for each in (row, other)})
                on_bad(f"{' and '.join(both)}: device {device[row]}, boot {boot[row]}: {why}")

        for row in np.flatnonzero(~kept & (last > reached)).tolist():
            other = int(np.flatnonzero(kept[:row])[-1])
            ticks = f"ticks {first[other]} to {last[other]} and {first[row]} to {last[row]} overlap"
            refuse(row, other, f"{ticks}; give exports from the first tick, or differences that follow one another")
        self._check_within(order, kept, first, last, refuse)
        for row, why in self._impossible(order):
            refuse(row, row, why)
        least = np.minimum.reduceat(last, np.flatnonzero(begins)) if n else last
        chosen = np.flatnonzero(kept & ~bad[life]) if n else np.zeros(0, np.int64)
        given = self.exports[order[chosen]]
        group = self.group[order[chosen]]
        return Periods(
            *(device[chosen], boot[chosen], first[chosen], last[chosen], given["level_tag"], least[life[chosen]]),
            *(group, order[chosen], flat_counts(given)),
        )

    def _check_within(
        self,
        order: Ints,
        kept: NDArray[np.bool_],
        first: Ints,
        last: Ints,
        refuse: Callable[[int, int, str], None],
    ) -> None:
        """Refuse a period that counts more than a longer one around it, and other counts of the same period."""
        within = np.flatnonzero(~kept)
        if not len(within):
            return
        around = np.maximum.accumulate(np.where(kept, np.arange(len(kept)), 0))[within]
        before = np.where(first[within - 1] == first[within], within - 1, around)
        mine = flat_counts(self.exports[order[within]])
        for others in (around, before):
            theirs = flat_counts(self.exports[order[others]])
            same = (first[others] == first[within]) & (last[others] == last[within])
            wrong = (mine > theirs).any(axis=1) | (same & (mine != theirs).any(axis=1))
            for at in np.flatnonzero(wrong).tolist():
                row, other = int(within[at]), int(others[at])
                refuse(row, other, contradiction((first[other], last[other]), (first[row], last[row])))

    def _impossible(self, order: Ints) -> list[tuple[int, str]]:
        """Find exports that no ladder writes, and say why."""
        exports = self.exports[order]
        counts, found = exports["counts"], list[tuple[int, str]]()
        ticks = (exports["last"] - exports["first"])[:, None]
        checks = [(counts["ticks"] > ticks, "more ticks in alarm than ticks of service")]
        checks += [((counts["alarms"] > ticks) & (counts["alarms"] < MAX_COUNT), "more alarms than ticks of service")]
        for name in ("days", "episodes", "at_risk"):
            over = (counts[name] > exports["days"][:, None]) & (counts[name] < MAX_COUNT)
            checks.append((over, "more days with an alarm, episodes or days at risk than days of service"))
        checks.append(((exports["level_tag"] > counts.shape[1])[:, None], "a level that the ladder does not have"))
        for wrong, words in checks:
            if wrong.any():
                found += [
                    (row, f"{words}; read the device again") for row in np.flatnonzero(wrong.any(axis=1)).tolist()
                ]
        return found


def flat_counts(exports: NDArray[Any]) -> NDArray[np.uint32]:
    """Return days of service and the counts of all rungs, uint32 (n, 1 + 5 rungs)."""
    counts = exports["counts"]
    names = counts.dtype.names or ()
    found = np.empty((len(exports), 1 + len(names) * counts.shape[1]), np.uint32)
    found[:, 0] = exports["days"]
    for at, name in enumerate(names):
        found[:, 1 + at :: len(names)] = counts[name]
    return found


def contradiction(longer: tuple[Any, Any], within: tuple[Any, Any]) -> str:
    """Say that a period counts less than one within it, or otherwise than the same one."""
    if longer == within:
        return f"the counts of ticks {within[0]} to {within[1]} differ; two devices with one number?"
    return (
        f"ticks {longer[0]} to {longer[1]} count less than ticks {within[0]} to {within[1]}; a clock that goes "
        "backwards, or two devices with one number"
    )
