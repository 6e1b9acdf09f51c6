"""Memory that is zeroed when it is freed, so that no copy of the signal that numpy makes outlives its use.

numpy lets a program choose where the memory of arrays comes from (NEP 49, numpy 1.22). Arrays that are made within
`wiping` come from an allocator of the C port's host part, which zeroes each block before it goes back to the C library:
results, temporaries of an expression, arrays that an exception left behind. Where the C port was not built, arrays are
freed without being zeroed, and `why_not_wiping` says so.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import sys
import threading
import traceback
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib import import_module
from types import CellType, FrameType, FunctionType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")

_SET_HANDLER = 304
"""Index of PyDataMem_SetHandler in numpy's table of C functions; an index never changes."""
_CAPSULE = b"mem_handler"
"""Name of the capsule that holds a handler; numpy checks it, and the capsule points to these bytes."""
_M_PERTURB, _FREED_BYTE = -6, 0xFF
"""Parameter of mallopt(3) and its value: freed bytes become 0xFF, newly allocated bytes 0."""
_SMALL_OBJECTS, _OBJECTS_OF_A_SIZE = (2, 512 - bytes.__basicsize__, 16), 512
"""Lengths of bytes objects (one for each size that Python has a pool of), and the number made of each length."""


def why_not_wiping() -> str | None:
    """Say why freed arrays keep their values here; None if they are zeroed."""
    from anomsdk.runtime.native_module import why_missing

    if why := why_missing():
        return why
    if _wiping_handler() is None:
        return f"numpy {np.__version__} does not take an allocator; install 1.22 or later"
    return None if _mallopt() else "the C library does not overwrite what is freed here"


@contextmanager
def wiping() -> Iterator[None]:
    """Zero the memory of every array made within this context, in this thread, when the array is freed.

    Examples
    --------
    >>> with wiping():
    ...     square = np.arange(1000) ** 2
    >>> int(square[-1])
    998001
    """
    handler = _wiping_handler()
    if handler is None:
        yield
        return
    set_handler, capsule = handler
    before = set_handler(capsule)
    try:
        yield
    finally:
        set_handler(before)


@contextmanager
def wiping_libraries() -> Iterator[None]:
    """Do what `wiping` does, and overwrite all other memory of the C library that is freed within this context.

    Decoders, resamplers, zlib and Python's own buffers use such memory. The GNU C library overwrites freed blocks for
    debuggers (M_PERTURB of mallopt(3)), except the last few of 1 KiB and less, which `wipe_leftovers` zeroes. Other C
    libraries do not overwrite them: there the blocks keep their contents.
    """
    mallopt = _mallopt()
    with wiping():
        if mallopt is None:
            yield
            return
        with _perturbing.lock:
            _perturbing.depth += 1
            mallopt(_M_PERTURB, _FREED_BYTE)
        try:
            yield
        finally:
            with _perturbing.lock:
                _perturbing.depth -= 1
                if _perturbing.depth == 0:
                    mallopt(_M_PERTURB, 0)


def private_block(size: int) -> NDArray[np.uint8]:
    """Make a zeroed block in pages of its own. A core file leaves them out, and they are given back with the block.

    Where the limit on locked memory (RLIMIT_MEMLOCK) allows it, the pages are also never swapped out. On systems other
    than Linux the block is like any other.

    Parameters
    ----------
    size : bytes, 1 or more

    Examples
    --------
    >>> private_block(6)
    array([0, 0, 0, 0, 0, 0], dtype=uint8)
    """
    if not hasattr(mmap, "MADV_DONTDUMP"):
        return np.zeros(size, np.uint8)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel that was built without it
        pages.madvise(mmap.MADV_DONTDUMP)
    block = np.frombuffer(pages, np.uint8)
    _libc().mlock(ctypes.c_void_p(block.ctypes.data), ctypes.c_size_t(size))  # beyond the limit it does nothing
    return block


@cache
def _libc() -> ctypes.CDLL:
    """Return the C library of this process."""
    return ctypes.CDLL(None)


def made_wiping(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield items, each made within `wiping_libraries`; the caller runs outside of that context."""
    try:
        while True:
            handled = sys.exc_info()[1]
            with wiping_libraries():
                try:
                    item = next(items)
                except StopIteration:
                    return
                except BaseException as error:
                    clear_frames(error, handled)  # an error that is kept would keep the samples alive
                    raise
            yield item
            del item  # not kept alive by this frame while the next one is made
    finally:
        with wiping_libraries():
            if isinstance(items, Generator):
                items.close()
        wipe_leftovers()


@contextmanager
def clearing_frames() -> Iterator[None]:
    """Drop the local variables of the functions that an exception comes through on its way out of this context."""
    handled = sys.exc_info()[1]
    try:
        yield
    except BaseException as error:
        with wiping():
            clear_frames(error, handled)
        raise


def clear_frames(error: BaseException | None, handled: BaseException | None) -> None:
    """Drop the local variables of the functions that an exception and its causes came through.

    Variables that inner functions, generator expressions and, before Python 3.12, comprehensions share are dropped,
    too: a traceback keeps the inner function, which would keep them. Functions that still run keep theirs.

    Parameters
    ----------
    error : exception that the called function raised
    handled : exception that the caller was already handling; it and its causes are left alone
    """
    while error is not None and error is not handled:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            shared = _own_cells(frame)
            try:
                frame.clear()
            except RuntimeError:  # it still runs
                continue
            for cell in shared:
                with suppress(ValueError):  # it is empty
                    del cell.cell_contents
        error = error.__cause__ or error.__context__


def _own_cells(frame: FrameType) -> list[CellType]:
    """Return the cells of variables of a frame that its inner functions share, but not those of outer functions."""
    held = gc.get_referents(frame)
    cells = [each for each in held if isinstance(each, CellType)]
    for each in held:
        if isinstance(each, FunctionType) and each.__code__ is frame.f_code:
            outer = set(map(id, each.__closure__ or ()))
            return [cell for cell in cells if id(cell) not in outer]
    return cells[: len(frame.f_code.co_cellvars)]  # Python 3.10 tells cells only, the frame's own first


def wiped_after_use(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Yield items; zero an array in place when the next item is asked for, or when the iteration ends.

    An exception, a traceback or a loop that was left may keep an array alive, but not its values.
    """
    with closing(items):
        for item in items:
            try:
                yield item
            finally:
                wipe(item)


def wipe(block: Any) -> None:
    """Zero an array in place; a read-only array, or an object that is no array, is left unchanged."""
    if isinstance(block, np.ndarray) and block.flags.writeable:
        block.fill(0)


def wipe_leftovers(of_a_size: int = _OBJECTS_OF_A_SIZE) -> None:
    """Zero leftovers on the stack of this thread, in small blocks that it freed, and in small Python objects.

    The text of a table's line is such an object. Python reuses the memory that was freed last, so that new objects of
    each size overwrite the old ones.

    Parameters
    ----------
    of_a_size : number of objects of each size that are overwritten
    """
    from anomsdk.runtime.native_module import load_native, why_missing

    for size in range(*_SMALL_OBJECTS):
        zeros = [bytes(size) for _ in range(of_a_size)]
        del zeros
    if why_missing() is None:
        load_native().lib.anom_memory_wipe_leftovers()


class _Perturbing:
    """Number of open `wiping_libraries` contexts; the C library has one switch for the whole process."""

    def __init__(self) -> None:
        self.lock, self.depth = threading.Lock(), 0


_perturbing = _Perturbing()


@cache
def _mallopt() -> Any:
    """Return mallopt(3) of the GNU C library; None if there is none, or if the environment sets its switch."""
    if "MALLOC_PERTURB_" in os.environ or "malloc.perturb" in os.environ.get("GLIBC_TUNABLES", ""):
        return None
    library = _libc()
    return getattr(library, "mallopt", None) if hasattr(library, "gnu_get_libc_version") else None


@cache
def _wiping_handler() -> tuple[Any, Any] | None:
    """Return PyDataMem_SetHandler and the capsule of the wiping handler; None if either is missing."""
    from anomsdk.runtime.native_module import load_native, why_missing

    if why_missing() is not None:
        return None
    module = load_native()
    major = int(np.__version__.partition(".")[0])
    core = import_module("numpy._core._multiarray_umath" if major >= 2 else "numpy.core._multiarray_umath")
    python, any_object = ctypes.pythonapi, ctypes.py_object
    address_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, any_object, ctypes.c_char_p)(("PyCapsule_GetPointer", python))
    capsule = ctypes.PYFUNCTYPE(any_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
        ("PyCapsule_New", python)
    )
    table = ctypes.cast(address_of(core._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    set_handler = ctypes.PYFUNCTYPE(any_object, any_object)(table[_SET_HANDLER])
    handler = int(module.ffi.cast("uintptr_t", module.lib.anom_memory_wiping()))
    ours = capsule(handler, _CAPSULE, None)
    before = set_handler(ours)
    try:
        return (set_handler, ours) if core.get_handler_name() == "anomsdk_wiping" else None
    finally:
        set_handler(before)
