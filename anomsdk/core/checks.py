"""Checks that every stage makes on its plan, with one line for what fails."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def checked_cast(values: ArrayLike, dtype: str, what: str) -> NDArray[Any]:
    """Cast values to a narrower integer type, or raise InputError: a cast of numpy wraps silently.

    Parameters
    ----------
    values : whole numbers of any shape: Python or numpy integers, or floats that were rounded before
    dtype : of integers, as numpy writes it: "i1", "<i4"
    what : names the values in the error

    Returns
    -------
    array of ``dtype``, equal to ``values``

    Raises
    ------
    InputError : a value is out of range of the type, or is no whole number

    Examples
    --------
    >>> checked_cast([1, 300], "i2", "table").tolist()
    [1, 300]
    """
    limits = np.iinfo(dtype)
    # Python integers stay as they are: numpy would turn those beyond 64 bits into floats.
    given = values if isinstance(values, np.ndarray) else np.array(values, object)
    if given.size:
        with np.errstate(invalid="ignore"):  # NaN is refused below
            low, high = given.min(), given.max()
        require(
            bool(limits.min <= low and high <= limits.max),  # False for NaN, too
            f"{what}: {low if not limits.min <= low else high} is beyond {limits.dtype}, which holds {limits.min} to "
            f"{limits.max}",
        )
    found = given.astype(dtype)
    require(bool((found == given).all()), f"{what}: holds values that are no whole numbers")
    return found
