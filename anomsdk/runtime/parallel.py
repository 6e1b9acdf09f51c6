"""Parallel work on many items: results in the order of the items, and memory that does not grow with their number."""

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
"""Largest number of items per thread that are in work, or whose results wait for an earlier one."""
_PATIENCE_S = 0.1


_MOST_JOBS = 1024
"""Largest number of threads: more than any machine has processors."""


def checked_jobs(jobs: int | None) -> int:
    """Check a number of threads; None: one for each processor that this process may use."""
    if jobs is None:
        usable = getattr(os, "sched_getaffinity", None)
        return len(usable(0)) if usable else os.cpu_count() or 1
    if isinstance(jobs, bool) or not isinstance(jobs, int) or not 1 <= jobs <= _MOST_JOBS:
        shown = quoted(repr(jobs), 20).replace("`", "?")
        raise InputError(f"`jobs={shown}`: give a whole number from 1 to {_MOST_JOBS}")
    return jobs


def in_order(
    work: Callable[[int, Item, Callable[[], bool]], Result],
    items: Iterable[Item],
    jobs: int,
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[Result]:
    """Compute a result for each item in threads, and yield the results in order; one job runs in the calling thread.

    Items are taken only when they are needed: at most ``jobs + 1`` are unfinished at a time. An exception of the items
    or of the work comes in place of its result. The end of the iteration, however it comes, tells the work to stop and
    waits for it.

    Parameters
    ----------
    work : called with the number of an item, the item, and a function that tells whether the work should stop
    items : taken in the calling thread
    jobs : number of threads, 1 or more
    meanwhile : called in the calling thread now and then

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
        with wiping():  # the setting holds for one thread
            return work(number, box.pop(), stopping.is_set)  # pop: the pool keeps its arguments alive for longer

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
