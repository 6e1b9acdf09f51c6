"""What every stage says when a plan cannot be run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError


def require(holds: bool | np.bool_, message: str) -> None:
    """Raise InputError with one line unless a condition holds."""
    if not holds:
        raise InputError(message)


def require_array(array: NDArray[np.generic], dtype: str, shape: tuple[int, ...], what: str) -> None:
    """Raise InputError unless an array of a plan has its dtype and shape."""
    require(
        array.dtype == np.dtype(dtype) and array.shape == shape,
        f"{what}: is {array.dtype} {array.shape}, must be {np.dtype(dtype)} {shape}",
    )
