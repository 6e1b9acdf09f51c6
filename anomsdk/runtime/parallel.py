"""Work on many things at once, in memory that does not grow with their number; what comes out is in order."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from anomsdk.errors import InputError, quoted
from anomsdk.runtime.memory import wiping

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 8
"""Results a job that may wait for one before them."""
_PATIENCE_S = 0.1


_MOST_JOBS = 1024
"""Threads: more than any machine has processors for."""


def checked_jobs(jobs: int | None) -> int:
    """A number of threads; None: as many as there are processors to run on."""
    if jobs is None:
        usable = getattr(os, "sched_getaffinity", None)
        return len(usable(0)) if usable else os.cpu_count() or 1
    if isinstance(jobs, bool) or not isinstance(jobs, int) or not 1 <= jobs <= _MOST_JOBS:
        raise InputError(f"jobs = {quoted(repr(jobs), 20)}; it must be a whole number from 1 to {_MOST_JOBS}")
    return jobs


def in_order(
    work: Callable[[int, Item, Callable[[], bool]], Result],
    items: Iterable[Item],
    jobs: int,
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[Result]:
    """The result of each item, in order, computed by threads; with one job, here.

    Items are taken only as they are needed: those that are not yet worked off are at most one more than there are
    jobs. An exception, of the items or of the work, comes where its result would. Whatever ends the iteration tells the
    work to stop and waits for it.

    Parameters
    ----------
    work : called with the number of an item, the item, and what says whether the result is still wanted
    items : taken in this thread
    jobs : threads, 1 or more
    meanwhile : called in this thread now and then

    Yields
    ------
    results
    """
    stopping = threading.Event()
    pending = deque[Future[Result]]()
    source = iter(items)
    taken = 0
    ended: Exception | None = None

    def run(number: int, box: list[Item]) -> Result:
        with wiping():  # a thread is told by itself
            return work(number, box.pop(), stopping.is_set)  # out of the box: the pool keeps arguments for longer

    def heeded() -> bool:
        meanwhile()
        return False

    if jobs == 1:
        for number, item in enumerate(source):
            yield work(number, item, heeded)
            meanwhile()
        return
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="anomsdk")
    try:
        while True:
            unfinished = [future for future in pending if not future.done()]
            if ended is None and len(unfinished) <= jobs and len(pending) < _AHEAD * jobs:
                try:
                    box = [next(source)]
                except Exception as error:  # StopIteration, too
                    ended = error
                    continue
                pending.append(pool.submit(run, taken, box))
                taken += 1
            elif pending and pending[0].done():
                yield pending.popleft().result()
            elif pending:
                wait(unfinished, _PATIENCE_S, FIRST_COMPLETED)
            elif isinstance(ended, StopIteration):
                return
            elif ended is not None:
                raise ended
            meanwhile()
    finally:
        stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)
