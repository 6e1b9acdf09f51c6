"""Places of devices: the index of each row's device in a list that was made before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.datasets.schema import import_pyarrow

Ints = NDArray[np.int64]


class Places:
    """Places of known devices; neighbouring batches of a data set mostly have the same ones, which are found once.

    Parameters
    ----------
    devices : names
    """

    def __init__(self, devices: Iterable[str]) -> None:
        pyarrow = import_pyarrow("data set")
        self._known = pyarrow.array(devices, pyarrow.string())
        self._last: tuple[Any, Ints] | None = None

    def of(self, labels: Any) -> Ints:
        """Return the place of the device of each row; -1: not known.

        Parameters
        ----------
        labels : pyarrow dictionary of strings, as `anomsdk.datasets.reading.batches` gives the column device
        """
        if self._last is None or not self._last[0].equals(labels.dictionary):
            self._last = labels.dictionary, index_of(labels.dictionary, self._known)
        found = self._last[1]
        if not labels.null_count:
            return found[labels.indices.to_numpy()]
        at = labels.indices.fill_null(0).to_numpy()
        return np.where(labels.is_null().to_numpy(zero_copy_only=False), -1, found[at] if len(found) else -1)


def index_of(names: Any, known: Any) -> Ints:
    """Return the place of each name among those known; -1: not among them. Both are pyarrow strings."""
    import pyarrow.compute as compute

    found = compute.index_in(names, value_set=known)
    return found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
