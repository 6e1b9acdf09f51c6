"""Blocks of samples and gaps, checked before an engine sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import MAX_GAP, Plan
from anomsdk.errors import InputError
from anomsdk.runtime.engines import Engine


def checked_block(block: Any, columns: int) -> NDArray[np.int16]:
    """A block as int16 (n, columns), or InputError."""
    wanted = "(n,)" if columns == 1 else f"(n, {columns})"
    if isinstance(block, np.ma.MaskedArray):
        raise InputError("samples are a masked array; fill it, or tell the pipeline of the gap")
    if not isinstance(block, np.ndarray) or block.dtype != np.dtype("=i2"):
        raise InputError(
            f"samples are {described(block)}, must be an int16 array {wanted}; scale and convert them first"
        )
    if block.ndim == 1 and (columns == 1 or len(block) == 0):
        return block.reshape(-1, columns)
    if block.ndim == 2 and block.shape[1] == columns:
        return block
    raise InputError(f"samples have shape {block.shape}, must be {wanted}")


def checked_plan(plan: Any) -> Plan:
    """A Plan as it is given, or InputError."""
    if not isinstance(plan, Plan):
        raise InputError(f"expected a Plan, got {type(plan).__name__}; use anomsdk.read_plan or anomsdk.plan")
    return plan


def lose(engine: Engine, n: Any, what: str) -> None:
    """Tell an engine that n samples were lost; engines differ in what 0 would mean, so they are never told of it.

    Raises
    ------
    InputError : n is no whole number, of Python or numpy, from 0 to 2**31 - 1
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 0 <= n <= MAX_GAP:
        raise InputError(f"{what}: {n!r} is not a number of samples from 0 to {MAX_GAP}")
    if n > 0:
        engine.gap(int(n))


def described(value: Any) -> str:
    """Describe a value in a message: type and shape of an array, else the name of its type."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__
