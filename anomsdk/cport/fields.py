"""Fields of C structs: integers, arrays, addresses and what only the C port knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
}

Fields: TypeAlias = dict[str, Any]
"""C field -> int, array (its address), tuple of int (in place), Fields, or one of the classes below."""


@dataclass(frozen=True, eq=False)
class Symbol:
    """The address of something that the C port defines."""

    name: str


@dataclass(frozen=True, eq=False)
class Constant:
    """A number that the C port defines."""

    name: str


@dataclass(frozen=True, eq=False)
class Blocks:
    """The address of weights in the layout that the target wants."""

    array: NDArray[np.int8]  # (blocks, 16)


@dataclass(frozen=True, eq=False)
class Size:
    """The size of a type."""

    of: str


@dataclass(frozen=True, eq=False)
class Structs:
    """The address of constant structs of their own, one after the other."""

    type: str
    items: tuple[Fields, ...]


@dataclass(frozen=True, eq=False)
class Member:
    """The address of a member of Structs that were given earlier."""

    of: Structs
    name: str
