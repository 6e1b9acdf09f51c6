"""Search of a process's memory for a signal, with controls: a signal that nobody played, and one that is planted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.scan.needles import Needles, needles_of
from anomsdk.audit.scan.process import Memory, Region, read_memory, write_memory
from anomsdk.audit.scan.scanner_module import Scanner
from anomsdk.audit.scan.signals import canary
from anomsdk.core.plan import Plan

_NEGATIVE, _PLANTED = 1_000_000, 2_000_000
"""Added to the seed of a signal: seeds of the two controls."""
_PLANTED_RUNS = 4
"""Length of what is planted, in shortest runs of its form."""
_SHARE_PLANTED, _TICKS_PLANTED = 4, 16
"""Share of the longest signal from which pieces are planted, one part in 4, and its shortest length in ticks."""
_CHOICES = 9
"""Places of a row from which what is planted is chosen."""
_SPACE = 64
"""Bytes between planted forms; one less than that, so that they begin at odd and even addresses."""
_NOT_PLANTED = ("registers", "shared")
"""Names of regions in which nothing is planted: others may use them meanwhile."""
_PLACES = 8
"""Most places that are listed of one form."""


@dataclass(frozen=True)
class Place:
    """Run of elements of a form that stands in memory.

    Parameters
    ----------
    region : name of the region, see `Region`
    address : address of its first byte
    first : index of its first element in the form
    length : number of elements
    """

    region: str
    address: int
    first: int
    length: int


@dataclass(frozen=True, eq=False)
class Hits:
    """Elements of one form that were found.

    Parameters
    ----------
    longest : elements of the longest run
    indices : indices of the samples, hops, frames or inputs that were found, rising, each once
    unit : what they count: ``sample``, ``hop``, ``frame`` or ``input``
    places : where runs stand, at most 8, the longest first
    """

    longest: int
    indices: NDArray[np.int64]
    unit: str
    places: tuple[Place, ...]

    @property
    def count(self) -> int:
        """Number of different samples, hops, frames or inputs."""
        return len(self.indices)

    @property
    def first(self) -> int:
        """Index of the first one."""
        return int(self.indices[0])

    @property
    def last(self) -> int:
        """Index of the last one."""
        return int(self.indices[-1])


@dataclass(frozen=True, eq=False)
class Scanned:
    """Result of a search.

    Parameters
    ----------
    found : form -> what was found of it; forms of which nothing was found are not in it
    rule : form -> elements in a row that count as found
    negative : form -> elements of the longest run of the signal that nobody played, if any
    planted : form -> elements of the longest run that was found of what was planted
    missing : forms whose planted control was not found; a search proves nothing about them
    left_out : form -> number of places in it that carry too little evidence to be looked up
    not_searched : forms with too few elements, or with elements that hardly vary
    searched_bytes : bytes of memory that were searched
    """

    found: Mapping[str, Hits]
    rule: Mapping[str, int]
    negative: Mapping[str, int]
    planted: Mapping[str, int]
    missing: tuple[str, ...]
    left_out: Mapping[str, int]
    not_searched: tuple[str, ...]
    searched_bytes: int

    @property
    def planted_found(self) -> bool:
        """True if the planted control was found in every form that was searched for."""
        return not self.missing and bool(self.planted)


def scan(memory: Memory, plan: Plan, heard: NDArray[np.int16], seed: int = 0) -> Scanned:
    """Search a memory for a signal, and for everything that a plan makes of it.

    Three signals take part: the one that was heard; one of another seed that nobody played, whose longest run by chance
    sets the rule of each form; and a third one, short pieces of which are planted in every form. They are written into
    the process, which is stopped, and the bytes that were there are put back; of a core file they are put into a copy.

    Parameters
    ----------
    memory : of a process that is stopped, or of a core file
    plan : Plan
    heard : int16 (n,) or (n, columns), what the process was given, from its first sample on
    seed : 0 to 999,999, of the signals of both controls; take that of the signal

    Raises
    ------
    InputError : the scanner was not built, or the memory can no longer be read
    """
    return scan_many(memory, plan, [heard], seed)[0]


def scan_many(memory: Memory, plan: Plan, heard: Sequence[NDArray[np.int16]], seed: int = 0) -> list[Scanned]:
    """Do what `scan` does for several signals, in one pass over the memory.

    Returns
    -------
    Result for each signal
    """
    return Search(plan, heard, seed).at(memory)


class Search:
    """Search for several signals, prepared once and repeated at different moments.

    Parameters
    ----------
    plan, heard, seed : see `scan_many`

    Raises
    ------
    InputError : the scanner was not built, or there is too little memory
    """

    def __init__(self, plan: Plan, heard: Sequence[NDArray[np.int16]], seed: int = 0) -> None:
        longest = max(map(len, heard))
        self._given = [needles_of(plan, samples) for samples in heard]
        control = needles_of(plan, canary(plan, seed + _NEGATIVE, longest))
        enough = max(longest // _SHARE_PLANTED, plan.samples_to_first_tick + _TICKS_PLANTED * plan.samples_per_tick)
        self._to_plant = needles_of(plan, canary(plan, seed + _PLANTED, min(longest, enough)))
        every = (control, *self._given)
        # A form without one of its controls shows nothing.
        usual = set.intersection(*({n.form for n in each if n.is_searched} for each in (control, self._to_plant)))
        self._searched = [[n for n in needles if n.is_searched and n.form in usual] for needles in every]
        self._scanner = Scanner([needle for needles in self._searched for needle in needles])

    def at(self, memory: Memory) -> list[Scanned]:
        """Search a memory.

        Returns
        -------
        Result for each signal

        Raises
        ------
        InputError : the memory can no longer be read
        """
        hits = _search(memory.regions, self._scanner)
        negative: dict[str, int] = {}
        for needle in self._searched[0]:
            runs = next(hits)
            if len(runs.found):
                negative[needle.form] = max(negative.get(needle.form, 0), int(runs.found["length"].max()))
        rules = _rules([needle for needles in self._searched for needle in needles], negative)
        planted = _planted(memory, self._to_plant, rules)
        missing = tuple(form for form in rules if planted.get(form, 0) < rules[form])
        scanned = []
        for needles, all_needles in zip(self._searched[1:], self._given, strict=True):
            found: dict[str, Hits] = {}
            left_out: dict[str, int] = {}
            for needle in needles:
                runs = next(hits)
                left_out[needle.form] = left_out.get(needle.form, 0) + runs.left_out
                if made := _hits(needle, runs, rules[needle.form], memory.regions):
                    found[needle.form] = made
            names = {needle.form for needle in needles}
            not_searched = tuple(needle.form for needle in all_needles if needle.form not in names)
            rule = {form: rules[form] for form in rules if form in names}
            of_these = tuple(form for form in missing if form in names)
            scanned.append(Scanned(found, rule, negative, planted, of_these, left_out, not_searched, memory.size))
        return scanned


@dataclass(frozen=True, eq=False)
class _Runs:
    """Runs of one needle: ``found`` (n,) of `RUN`, and the index of the region of each."""

    found: NDArray[Any]
    region: NDArray[np.int64]
    left_out: int


def _search(regions: Sequence[Region], scanner: Scanner) -> Iterator[_Runs]:
    """Search regions for all needles of a scanner at once; yield the runs of each needle."""
    found = [scanner.search(region.data) for region in regions]
    where = np.repeat(np.arange(len(found)), [len(runs) for runs in found])
    runs = np.concatenate(found) if found else np.zeros(0, scanner.search(b"").dtype)
    order = np.argsort(runs["needle"], kind="stable")
    starts = np.searchsorted(runs["needle"][order], np.arange(len(scanner.left_out) + 1))
    for index in range(len(scanner.left_out)):
        at = order[starts[index] : starts[index + 1]]
        yield _Runs(runs[at], where[at], scanner.left_out[index])


def _rules(needles: Sequence[Needles], negative: Mapping[str, int]) -> dict[str, int]:
    """Compute the run of each form that counts: its minimum, and more than the negative control reached."""
    rules: dict[str, int] = {}
    for needle in needles:
        if needle.is_searched:
            rules[needle.form] = max(rules.get(needle.form, 0), needle.minimum, negative.get(needle.form, 0) + 1)
    return rules


def _hits(needle: Needles, runs: _Runs, rule: int, regions: Sequence[Region]) -> Hits | None:
    enough = runs.found["length"] >= rule
    found, where = runs.found[enough], runs.region[enough]
    if not len(found):
        return None
    covered = np.zeros(needle.elements + 1, np.int64)
    np.add.at(covered, found["first"].astype(np.int64), 1)
    np.add.at(covered, found["first"].astype(np.int64) + found["length"], -1)
    indices = _covered(needle, np.cumsum(covered[:-1]) > 0)
    places = []
    for at in np.argsort(-found["length"].astype(np.int64), kind="stable")[:_PLACES]:
        region = regions[int(where[at])]
        address = region.address + int(found[at]["offset"])
        places.append(Place(region.name_at(address), address, int(found[at]["first"]), int(found[at]["length"])))
    return Hits(int(found["length"].max()), indices, needle.unit, tuple(places))


def _covered(needle: Needles, elements: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the samples, hops, frames or inputs that elements belong to.

    A run goes on into the next row as long as elements happen to be alike there. So of rows, and of samples as text,
    only those count of which more than half is covered, unless there are none.
    """
    parts = np.bincount(needle.origin[elements])
    whole = np.bincount(needle.origin)[: len(parts)]
    mostly = np.flatnonzero(2 * parts > whole)
    is_row = needle.unit != "sample" or needle.element_bytes == 1
    return mostly if is_row and len(mostly) else np.flatnonzero(parts)


def _planted(memory: Memory, needles: Sequence[Needles], rules: Mapping[str, int]) -> dict[str, int]:
    """Plant a piece of each form in memory, search for it there, and put the bytes back that were there.

    Returns
    -------
    Form -> elements of the longest run that was found
    """
    pieces = [_piece(needle, rules[needle.form]) for needle in needles if needle.form in rules]
    regions = [region for region in memory.regions if region.writable and not region.name.startswith(_NOT_PLANTED)]
    found: dict[str, int] = {}
    if not regions or not pieces:
        return found
    place = max(regions, key=lambda region: len(region.data))
    for group in _groups(pieces, len(place.data)):
        laid = bytearray(place.data[: sum(len(piece.data) + _SPACE + 1 for piece in group)])
        at = 1
        for piece in group:
            laid[at : at + len(piece.data)] = piece.data
            at += len(piece.data) + _SPACE
        with_them = _as_read(memory, place, bytes(laid))
        for piece, runs in zip(group, _search([with_them], Scanner(group)), strict=True):
            longest = int(runs.found["length"].max()) if len(runs.found) else 0
            found[piece.form] = min(found.get(piece.form, longest), longest)
    return found


def _as_read(memory: Memory, place: Region, laid: bytes) -> Region:
    """Read what a process has in a place after bytes were written there; they are put back. Of a core file: a copy."""
    if memory.pid is None:
        return replace(place, data=laid)
    before = read_memory(memory.pid, place.address, len(laid))
    try:
        write_memory(memory.pid, place.address, laid)
        return replace(place, data=read_memory(memory.pid, place.address, len(laid)))
    finally:
        write_memory(memory.pid, place.address, before)


def _piece(needle: Needles, rule: int) -> Needles:
    """Cut a piece out of a row, a few times as long as a run that counts, where its elements vary most."""
    length = min(needle.elements, _PLANTED_RUNS * rule)
    size = needle.element_bytes
    starts = np.linspace(0, needle.elements - length, _CHOICES).astype(int).tolist()
    pieces = {first: needle.data[first * size : (first + length) * size] for first in starts}
    values = np.dtype(f"u{size}")
    first = max(pieces, key=lambda start: len(np.unique(np.frombuffer(pieces[start], values))))
    data = pieces[first]
    return replace(needle, data=data, origin=needle.origin[first : first + length])


def _groups(pieces: Sequence[Needles], room: int) -> Iterator[list[Needles]]:
    """Divide pieces into groups that fit into a place; a piece that fits nowhere is left out."""
    group: list[Needles] = []
    used = 1
    for piece in pieces:
        size = len(piece.data) + _SPACE
        if size + 1 > room:
            continue
        if used + size > room:
            yield group
            group, used = [], 1
        group.append(piece)
        used += size
    if group:
        yield group
