"""Scopes in which memory is wiped: what they cover, and that they end. What is left in memory: tests/audit/test_canary.py."""

import sys
import threading
import weakref
from importlib import import_module

import numpy as np
import pytest

from anomsdk.runtime import memory
from anomsdk.runtime.memory import (
    clearing_frames,
    made_wiping,
    why_not_wiping,
    wiped_after_use,
    wiping,
    wiping_libraries,
)

pytestmark = pytest.mark.skipif(why_not_wiping() is not None, reason=f"no memory is wiped here: {why_not_wiping()}")


def handler(array=None):
    """Name of the allocator of an array, or of the next one."""
    core = import_module("numpy.core.multiarray" if np.__version__.startswith("1.") else "numpy._core.multiarray")
    return core.get_handler_name(np.zeros(3) if array is None else array)


def test_arrays_within_are_ours_and_those_after_are_not():
    with wiping():
        one = np.arange(1000)
        with wiping():
            two = one + 1
        three = two * 2
    assert {handler(one), handler(two), handler(three)} == {"anomsdk_wiping"}
    assert handler() == "default_allocator"
    assert three[-1] == 2000, "it lives on"


def test_an_exception_ends_the_scope():
    with pytest.raises(ZeroDivisionError), wiping():
        _ = 1 / 0
    assert handler() == "default_allocator"


def test_a_scope_is_of_one_thread():
    found = []
    with wiping():
        thread = threading.Thread(target=lambda: found.append(handler()))
        thread.start()
        thread.join()
    assert found == ["default_allocator"]


@pytest.mark.parametrize("n", [0, 1, 7, 1000, 1 << 20])
def test_arrays_grow_and_shrink_and_keep_their_values(n):
    with wiping():
        array = np.arange(n)
        zeros = np.zeros(n, np.int16)
        array.resize(2 * n + 3, refcheck=False)
        assert array[:n].tolist() == list(range(n)) and not array[n:].any() and not zeros.any()
        array.resize(n // 2, refcheck=False)
        assert array.tolist() == list(range(n // 2))
        assert array.ctypes.data % 16 == 0


def test_too_large_an_array_is_refused_as_ever():
    with wiping(), pytest.raises(MemoryError):
        np.empty(1 << 62, np.int8)


@pytest.fixture
def switch(monkeypatch):
    """Values that the C library's switch was set to."""
    values = []
    monkeypatch.setattr(memory, "_mallopt", lambda: lambda parameter, value: values.append((parameter, value)))
    return values


def test_the_switch_of_the_c_library_is_back_off_when_the_last_scope_ends(switch):
    with pytest.raises(KeyError), wiping_libraries():
        with wiping_libraries():
            assert handler() == "anomsdk_wiping"
        assert switch[-1] == (-6, 0xFF), "an outer scope still wants it"
        raise KeyError
    assert switch[-1] == (-6, 0) and memory._perturbing.depth == 0


def test_only_what_makes_items_is_within(switch):
    def items():
        for _ in range(2):
            yield handler()

    seen = []
    for item in made_wiping(items()):
        seen += [item, handler(), switch[-1][1]]
    assert seen == ["anomsdk_wiping", "default_allocator", 0] * 2


@pytest.mark.parametrize("end", ["next", "close", "throw", "drop"])
def test_a_block_is_zeroed_after_use_however_that_ends(end):
    def blocks():
        yield np.full(5, 7, np.int16)
        yield 3
        yield np.full(5, 8, np.int16)

    made = wiped_after_use(blocks())
    block = next(made)
    assert block.tolist() == [7] * 5
    if end == "next":
        assert next(made) == 3
    elif end == "close":
        made.close()
    elif end == "throw":
        with pytest.raises(KeyError):
            made.throw(KeyError())
    else:
        del made
    assert not block.any()


def test_an_error_that_a_caller_was_handling_keeps_its_locals():
    def failing():
        mine = "still here"
        raise KeyError(mine)

    def blocks():
        raise OSError("unreadable")
        yield

    with pytest.raises(OSError, match="unreadable"):
        try:
            failing()
        except KeyError as error:
            frame = error.__traceback__.tb_next.tb_frame
            next(made_wiping(blocks()))
    assert frame.f_locals == {"mine": "still here"}


def test_an_error_that_is_kept_keeps_no_block():
    """Its traceback would: of the function that read, and of what that error came from."""

    def inner(values):
        local = values
        raise ValueError(f"{len(local)} values")

    def blocks():
        values = np.full(5, 7)
        count.append(sys.getrefcount(values))
        kept.append(values)
        try:
            inner(values)
        except ValueError as error:
            raise OSError("unreadable") from error
        yield values

    count, kept = [], []
    with pytest.raises(OSError, match="unreadable") as caught:
        next(made_wiping(blocks()))
    assert caught.value.__cause__ is not None
    now = sys.getrefcount(kept[0])
    assert now == count[0], "only the list of this test refers to it"


@pytest.mark.parametrize("inner", ["comprehension", "generator", "function", "method"])
def test_an_error_that_is_kept_keeps_no_variable_that_an_inner_function_shares(inner):
    class Array(np.ndarray):
        """A weak reference to an array shows whether it lives."""

    def fail(values):
        raise ValueError(f"{len(values)} values")

    def work():
        values = np.full(5, 7).view(Array)
        living.append(weakref.ref(values))
        if inner == "comprehension":
            [fail(values) for _ in range(3)]
        elif inner == "generator":
            sum(fail(values) for _ in range(3))
        elif inner == "function":
            sorted(range(3), key=lambda _: fail(values))
        elif inner == "method":
            (lambda: [fail(values) for _ in range(len(values))])()

    living = []
    with pytest.raises(ValueError, match="5 values") as caught, clearing_frames():
        work()
    assert caught.value.__traceback__ is not None
    assert living[0]() is None


def test_variables_of_an_outer_function_that_has_ended_stay():
    def outer():
        mine = "still here"

        def fail():
            raise KeyError(mine)

        return fail

    fail = outer()
    for _ in range(2):
        with pytest.raises(KeyError, match="still here"), clearing_frames():
            fail()
