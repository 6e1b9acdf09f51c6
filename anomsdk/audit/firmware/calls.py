"""Graph of the calls of a build: who calls whom, circles in it, and a bound of the stack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from anomsdk.audit.firmware.build import Build, Name
from anomsdk.audit.firmware.names import is_allowed
from anomsdk.audit.firmware.registers import Value
from anomsdk.audit.firmware.thumb import Call, Code, Reader
from anomsdk.errors import InputError, printable

EXTRACTORS = ("anom_bands", "anom_logmel", "anom_motion", "anom_external")
"""Tables of functions of the extractors: a plan holds a pointer to one of them at the beginning of a struct within."""

_ENDS = ("__stack_chk_fail", "__stack_chk_fail_local")
"""Functions that a stack protector calls when the stack is overwritten: the program ends, and nothing returns."""


@dataclass(frozen=True)
class Pointer:
    """Pointer to a function in constant data.

    Parameters
    ----------
    function : function that it leads to
    table : struct that holds it
    offset : its offset there
    """

    function: Name
    table: Name
    offset: int


@dataclass(frozen=True)
class Edge:
    """Call from one function to another.

    Parameters
    ----------
    call : call that it comes from
    callee : function that is called; None if it is in another file
    name : name of that function
    """

    call: Call
    callee: Name | None
    name: str


class Graph:
    """Calls between the functions of a build, from those of the C port on.

    A call through a register is bounded by the functions whose address the port's constant structs hold at the same
    offset, where the offset of the struct's own pointer agrees, too; a function that was handed over as an argument is
    bounded by those whose address the port's code makes.

    Raises
    ------
    InputError : the build is for another architecture, or code in it cannot be read
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self._reader = Reader(build)
        self._edges: dict[int, tuple[Edge, ...]] = {}
        self.handed_over: frozenset[int] = self._made()

    @cached_property
    def roots(self) -> tuple[Name, ...]:
        """Functions of the C port that the build has a symbol for."""
        return tuple(name for name in self.build.functions if name.of_port and name.thumb)

    @cached_property
    def pointers(self) -> tuple[Pointer, ...]:
        """Pointers to functions in constant structs of the C port."""
        build, size = self.build, self.build.bits // 8
        found = []
        for table in build.names:
            if table.kind != "variable" or not table.size or table.address == 0 or not table.name.startswith("anom_"):
                continue
            for offset in range(0, table.size - size + 1, size):
                word = build.word(table.address + offset)
                function = build.entry_points.get(word & ~1) if word is not None and word & 1 else None
                if function is not None:
                    found.append(Pointer(function, table, offset))
        return tuple(found)

    @cached_property
    def _struct_pointers(self) -> dict[int, frozenset[int]]:
        """Address of a table -> offsets in other structs at which a pointer to it stands."""
        build, size = self.build, self.build.bits // 8
        tables = {pointer.table.address: pointer.table for pointer in self.pointers}
        found: dict[int, set[int]] = {address: set() for address in tables}
        for holder in build.names:
            if holder.kind != "variable" or not holder.size or holder.address == 0 or holder.writable:
                continue
            for offset in range(0, holder.size - size + 1, size):
                word = build.word(holder.address + offset)
                if word in tables:
                    found[word].add(offset)
                    if tables[word].name in EXTRACTORS:
                        found[word].add(0)
        return {address: frozenset(offsets) for address, offsets in found.items()}

    def code(self, function: Name) -> Code:
        """Read a function; see `anomsdk.audit.firmware.thumb.Reader.code`."""
        return self._reader.code(function)

    def edges(self, function: Name) -> tuple[Edge, ...]:
        """Calls that a function makes, indirect ones to each function that they may lead to."""
        if function.name in _ENDS:
            return ()
        if function.address not in self._edges:
            found = []
            for call in self.code(function).calls:
                if call.name:
                    found.append(Edge(call, None, call.name))
                for callee in self._callees(function, call):
                    found.append(Edge(call, callee, callee.name))
            self._edges[function.address] = tuple(found)
        return self._edges[function.address]

    def reached(self, roots: Iterable[Name]) -> dict[int, tuple[str, ...]]:
        """Address of each function that is reached -> names on the way to it, itself last; library functions end it."""
        found: dict[int, tuple[str, ...]] = {root.address: (root.name,) for root in roots}
        waiting = list(roots)
        while waiting:
            function = waiting.pop()
            if is_allowed(function.name):
                continue
            for edge in self.edges(function):
                if edge.callee is not None and edge.callee.address not in found:
                    found[edge.callee.address] = (*found[function.address], edge.callee.name)
                    waiting.append(edge.callee)
        return found

    def circle(self, roots: Iterable[Name], *, certain: bool) -> tuple[str, ...]:
        """Names of the functions of a circle of calls, the first one last again; empty if there is none.

        Parameters
        ----------
        roots : functions to begin with
        certain : leave out calls through a register that may lead to more than one function
        """
        done, path = set[int](), list[Name]()

        def visited(function: Name) -> tuple[str, ...]:
            if function in path:
                names = [each.name for each in path[path.index(function) :]]
                return (*names, function.name)
            if function.address in done:
                return ()
            path.append(function)
            edges = self.edges(function)
            leads = Counter(edge.call.address for edge in edges)
            for edge in edges:
                if edge.callee is None or (certain and leads[edge.call.address] > 1):
                    continue
                if found := visited(edge.callee):
                    return found
            path.pop()
            done.add(function.address)
            return ()

        return next((found for root in roots if (found := visited(root))), ())

    def stack(self, function: Name) -> tuple[int, tuple[str, ...], frozenset[str]]:
        """Bound of the stack of a function with everything that it calls; the graph must have no circle.

        Returns
        -------
        bytes, names on the deepest path, and names of functions of other files, whose stack is not in it
        """
        return self._stack(function, {})

    def _stack(
        self, function: Name, known: dict[int, tuple[int, tuple[str, ...], frozenset[str]]]
    ) -> tuple[int, tuple[str, ...], frozenset[str]]:
        if function.address not in known:
            most: tuple[int, tuple[str, ...]] = (self.code(function).stack, (function.name,))
            outside = set[str]()
            for edge in self.edges(function):
                if edge.callee is None:
                    outside.add(edge.name)
                    continue
                below, path, others = self._stack(edge.callee, known)
                outside |= others
                most = max(most, (edge.call.depth + below, (function.name, *path)), key=lambda each: each[0])
            known[function.address] = (*most, frozenset(outside))
        return known[function.address]

    def _callees(self, function: Name, call: Call) -> list[Name]:
        if call.name:
            return []
        if call.target is not None:
            callee = self.build.entry_points.get(call.target)
            if callee is None:
                raise InputError(
                    f"{printable(function.name)} calls 0x{call.target:08x}, where no function begins; give the program "
                    "as it was before symbols were taken from it"
                )
            return [callee]
        return [self.build.entry_points[address] for address in sorted(self._candidates(call.value))]

    def _candidates(self, value: Value) -> frozenset[int]:
        """Addresses of the functions that a call through a register may lead to."""
        pointed = frozenset(pointer.function.address for pointer in self.pointers)
        if value is None or value[0] == "unknown":
            return pointed | self.handed_over
        if value[0] == "const":
            return frozenset({value[1] & ~1} & set(self.build.entry_points))
        if value[0] == "argument":
            return self.handed_over
        if value[0] != "load":
            return pointed | self.handed_over
        _, base, offset = value
        at_offset = [pointer for pointer in self.pointers if pointer.offset == offset]
        if base is not None and base[0] == "load":
            agreeing = [
                pointer for pointer in at_offset if base[2] in self._struct_pointers.get(pointer.table.address, ())
            ]
            placed = any(self._struct_pointers.values())
            at_offset = agreeing if placed else at_offset
        return frozenset(pointer.function.address for pointer in at_offset)

    def _made(self) -> frozenset[int]:
        """Addresses of the port's functions that code of the port makes, to hand them over."""
        found = set[int]()
        for function in self.roots:
            for address in self.code(function).addresses:
                callee = self.build.entry_points.get(address & ~1) if address & 1 else None
                if callee is not None and (callee.of_port or callee.local):
                    found.add(callee.address)
        return frozenset(found)
