"""Fields of C structs: integers, arrays, addresses, and names that only the C port defines."""

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
    "uint32": "uint32_t",
}

Fields: TypeAlias = dict[str, Any]
"""C field -> int, array (its address), tuple of int (in place), Fields, or one of the classes below."""


@dataclass(frozen=True, eq=False)
class Address:
    """Address of a variable or function that the C port defines."""

    name: str


@dataclass(frozen=True, eq=False)
class Constant:
    """Number that the C port defines."""

    name: str


@dataclass(frozen=True, eq=False)
class Blocks:
    """Address of weights in the layout that the target needs."""

    array: NDArray[np.int8]  # (blocks, 16)


@dataclass(frozen=True, eq=False)
class Size:
    """Size of a C type."""

    of: str


@dataclass(frozen=True, eq=False)
class Bytes:
    """Size that depends on that of a pointer.

    Parameters
    ----------
    text : the size in C
    fixed, pointers : the size is ``fixed`` bytes and that of ``pointers`` pointers
    """

    text: str
    fixed: int
    pointers: int


@dataclass(frozen=True, eq=False)
class Structs:
    """Address of an array of constant structs."""

    type: str
    items: tuple[Fields, ...]


@dataclass(frozen=True, eq=False)
class Member:
    """Address of a member of `Structs` that an earlier field holds."""

    of: Structs
    name: str
