"""Sums of data sets on a cluster of Dask: each task adds up some days, and a tree of tasks adds their sums.

Workers read the files themselves, so that these must lie where every worker finds them under the same path.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from anomsdk.core.checks import require
from anomsdk.datasets.reading import DayFile
from anomsdk.datasets.sums import DeviceSums, add_up, parts_of
from anomsdk.errors import InputError, printable, quoted

PATIENCE_S = 10
"""Time in which a scheduler must answer, and a first worker must be there."""
_TASKS_A_THREAD = 2
"""Tasks for each thread of the workers: enough that a worker which dies costs little, and few enough to add up."""


class Cluster:
    """Connection to a scheduler of Dask.

    Parameters
    ----------
    address : of the scheduler, as in ``tcp://10.0.0.1:8786``
    skip_bad : leave out rows that cannot be right
    progress : called with the number of tasks that have ended, and the number of all

    Raises
    ------
    InputError : Dask is missing, no scheduler answers, or it has no worker. `add_up` raises it, too, where a worker
        cannot read a file, or has died too often
    """

    def __init__(
        self,
        address: str,
        *,
        skip_bad: bool = False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        try:
            import distributed
        except ImportError:
            raise InputError("`scheduler`: needs Dask; pip install 'anomsdk[herd]'") from None
        self._where, self._skip_bad, self._progress = f"scheduler {quoted(address)}", skip_bad, progress
        for name in ("distributed", "tornado"):  # one line says what went wrong
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = distributed.Client(address, timeout=PATIENCE_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            reason = "no scheduler answers" if isinstance(error, OSError) else "is no address of a scheduler"
            raise InputError(
                f"{self._where}: {reason}; start `dask scheduler`, and give the address that it prints".replace("`", "")
            ) from None
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError:
            self.close()
            raise InputError(f"{self._where}: has no worker; start one with: dask worker ADDRESS") from None

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection, and all tasks with it."""
        with suppress(Exception):
            self._client.close(timeout=PATIENCE_S)

    def add_up(self, files: Sequence[DayFile], columns: Sequence[str], score_id: str) -> DeviceSums:
        """Add up columns of data sets by device, as `anomsdk.datasets.sums.add_up` does here."""
        absolute = [DayFile(file.day, str(Path(file.path).absolute()), file.group) for file in files]
        threads = sum(
            int(worker["nthreads"]) for worker in self._client.scheduler_info(n_workers=-1)["workers"].values()
        )
        parts = parts_of(absolute, max(1, _TASKS_A_THREAD * threads))
        try:
            tasks = [
                self._client.submit(_sum_of_days, part, tuple(columns), score_id, self._skip_bad, pure=False)
                for part in parts
            ]
            every, level = list(tasks), tasks
            while len(level) > 1:
                pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
                level = [self._client.submit(_plus, *pair, pure=False) if len(pair) == 2 else pair[0] for pair in pairs]
                every += [each for each, pair in zip(level, pairs, strict=True) if len(pair) == 2]
            self._wait(every)
            found: DeviceSums | _Refused = level[0].result()
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"{self._where}: {_why(error)}") from None
        if isinstance(found, _Refused):
            raise InputError(found.line)
        return found

    def _wait(self, tasks: Sequence[Any]) -> None:
        """Wait until all tasks have ended; InputError where no worker is left for a while."""
        import distributed

        left, alone_since = list(tasks), monotonic()  # alone: no task ends, and there is no worker
        while left:
            try:
                with self._client.as_current():
                    ended, waiting = distributed.wait(left, timeout=1, return_when="FIRST_COMPLETED")
                alone_since = monotonic()
            except TimeoutError:
                ended, waiting = set(), set(left)
                if self._client.scheduler_info(n_workers=1)["workers"]:
                    alone_since = monotonic()
            failed = next((task for task in ended if task.status != "finished"), None)
            if failed is not None:
                failed.result()  # raises
            left = list(waiting)
            self._progress(len(tasks) - len(left), len(tasks))
            require(
                monotonic() - alone_since < PATIENCE_S,
                f"{self._where}: its last worker is gone; start workers anew, and repeat the command",
            )


@dataclass(frozen=True)
class _Refused:
    """Result of a task that cannot use its input: the line that says why, as exceptions are not safe to send."""

    line: str


def _sum_of_days(
    files: Sequence[DayFile], columns: Sequence[str], score_id: str, skip_bad: bool
) -> DeviceSums | _Refused:
    """Add up the rows of some days; a task of a worker, which uses one thread."""
    try:
        return add_up(files, columns, score_id, skip_bad=skip_bad)
    except InputError as error:
        return _Refused(str(error))
    except Exception as error:
        return _Refused(
            f"a worker failed with {type(error).__name__}: {printable(error)[:200]}; see its memory and disk"
        )


def _plus(earlier: DeviceSums | _Refused, later: DeviceSums | _Refused) -> DeviceSums | _Refused:
    """Add the sums of later days to those of earlier ones; a task of a worker."""
    try:
        return (
            earlier if isinstance(earlier, _Refused) else later if isinstance(later, _Refused) else earlier.plus(later)
        )
    except InputError as error:
        return _Refused(str(error))


def _why(error: Any) -> str:
    name = type(error).__name__
    if name == "KilledWorker":
        return (
            "workers died again and again over the same days; look for their memory and their log, start them anew, "
            "and repeat the command"
        )
    if name in ("CancelledError", "FutureCancelledError", "CommClosedError", "TimeoutError", "FuturesCancelledError"):
        return "the connection was lost; see that it runs, and repeat the command"
    if isinstance(error, ImportError):
        return f"a worker lacks a package ({printable(error)}); install anomsdk[herd] of the same version there"
    return f"a worker failed with {name}: {printable(error)[:200]}; see its log"
