"""Rows of elements that memory is searched for, and the shortest run of each that is evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

EVIDENCE_BITS = 64
"""Information, in bits, that a run of elements must carry to count as a copy of the signal."""
INPUT_BITS = 96
"""Bits that a run of inputs of the model must carry, or of what they come from: their columns depend on each other."""
LEAST_RUN = 8
"""Fewest elements in a row that count, and the samples that a vector register of 128 bits holds."""
_LEAST_BITS = 1.0
"""Least information of one element on average; rows with less are not searched for."""
_KEY = {1: 8, 2: 4, 4: 4, 8: 4}
"""Bytes of an element -> elements that the scanner looks up at once: the shortest run that it can find."""


@dataclass(frozen=True, eq=False)
class Needles:
    """Row of elements, in one form, that memory is searched for.

    Parameters
    ----------
    form : name of the form, such as ``int16`` or ``features int8``
    element_bytes : size of an element: 1, 2, 4 or 8
    data : the elements, one after the other, as they stand in memory
    minimum : elements in a row that are evidence
    origin : index of the sample, hop, frame or input that each element comes from, (n,)
    unit : ``sample``, ``hop``, ``frame`` or ``input``: what ``origin`` counts
    """

    form: str
    element_bytes: int
    data: bytes
    minimum: int
    origin: NDArray[np.int32] = field(repr=False)
    unit: str = "sample"

    @property
    def elements(self) -> int:
        """Number of elements."""
        return len(self.origin)

    @property
    def is_searched(self) -> bool:
        """True if the row can be found at all: it is long enough, and its elements vary."""
        return 0 < self.minimum <= self.elements


def row(form: str, values: NDArray[Any], origin: NDArray[Any], minimum: int, unit: str = "sample") -> Needles:
    """Make needles of an array whose elements stand one after the other.

    Parameters
    ----------
    form : name of the form
    values : any shape, in the dtype in which they may stand in memory
    origin : index of the sample, hop, frame or input of each element, in a shape that broadcasts to that of the values
    minimum : elements in a row that are evidence
    unit : what ``origin`` counts
    """
    data = np.ascontiguousarray(values).tobytes()
    flat = np.ascontiguousarray(np.broadcast_to(origin, values.shape)).reshape(-1).astype(np.int32)
    return Needles(form, values.dtype.itemsize, data, minimum, flat, unit)


def minimum_run(bits: float, element_bytes: int, least: int = LEAST_RUN, evidence_bits: int = EVIDENCE_BITS) -> int:
    """Compute the elements in a row that are evidence; 0 for elements that hardly vary.

    Parameters
    ----------
    bits : information of one element
    element_bytes : size of an element
    least : fewest elements in a row that count
    evidence_bits : information that a run must carry

    Examples
    --------
    >>> minimum_run(12.5, 2), minimum_run(12.5, 2, least=1), minimum_run(4, 1), minimum_run(0.5, 8)
    (8, 6, 16, 0)
    """
    if bits < _LEAST_BITS:
        return 0
    return max(least, _KEY[element_bytes], math.ceil(evidence_bits / bits))


def minimum_run_of_columns(
    values: NDArray[Any], element_bytes: int, least: int = LEAST_RUN, evidence_bits: int = EVIDENCE_BITS
) -> int:
    """Compute the elements in a row that are evidence, wherever in a row of columns they begin.

    Columns differ: features may be clipped in one and vary in another, and two signals have clipped ones in common.

    Parameters
    ----------
    values : (n, width)
    element_bytes : size of an element
    least : fewest elements in a row that count
    evidence_bits : information that a run must carry if the columns were independent

    Examples
    --------
    >>> steady_and_not = np.array([[0, i] for i in range(256)])
    >>> minimum_run_of_columns(steady_and_not, 1)
    16
    """
    bits = np.array([entropy_bits(column) for column in values.T])
    if len(bits) == 0 or bits.mean() < _LEAST_BITS:
        return 0
    laps = math.ceil(evidence_bits / bits.sum()) + 1
    sums = np.concatenate([[0.0], np.cumsum(np.tile(bits, laps + 1))])
    starts = sums[: len(bits)]
    run = int((np.searchsorted(sums, starts + evidence_bits - 1e-9) - np.arange(len(bits))).max())
    return max(least, _KEY[element_bytes], run)


def entropy_bits(values: NDArray[Any]) -> float:
    """Measure the information of one element: the entropy of the values of an array, in bits.

    Examples
    --------
    >>> entropy_bits(np.array([0, 1, 2, 3], np.int16))
    2.0
    """
    if values.size == 0:
        return 0.0
    _, counts = np.unique(np.ascontiguousarray(values).reshape(-1), return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0
