"""framer: a stream of samples, gaps and resets to windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from anomsdk.core.framer import Framer, FramerPlan
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native

OPERATIONS = ("push", "gap", "reset", "resume")
LONGEST_GAP = 2**31 - 1


def by_scalar(given: Given) -> list:
    framer, found = None, []
    for operation, *what in [["reset"], *given["steps"]]:
        if operation == "reset":
            framer = scalar.Framer(given["window"], given["hop"])
            found.append(None)
        elif operation == "gap":
            found.append(framer.gap(*what))
        elif operation == "resume":
            framer = scalar.Framer(given["window"], given["hop"])
            found.append(framer.resume(*what))
        else:
            windows = [window for sample in what[0] if (window := framer.push(_sample(sample)))]
            found.append([[hop, _samples(rows)] for hop, rows in windows])
    return found[1:]


def _sample(sample: Json) -> Json:
    return [sample] if isinstance(sample, int) else sample


def _samples(rows: Json) -> list:
    """As the vectors hold them: numbers where a sample has one value."""
    return [row[0] if len(row) == 1 else list(row) for row in rows]


def by_core(given: Given) -> list:
    framer = Framer(FramerPlan(given["window"], given["hop"]), given["columns"])
    return [_step_in_core(framer, given["columns"], *step) for step in given["steps"]]


def _step_in_core(framer: Framer, columns: int, operation: str, *what: Json) -> Json:
    if operation == "reset":
        return framer.wipe()
    if operation == "gap":
        return framer.gap(*what)
    if operation == "resume":
        framer.wipe()
        return framer.resume(*what)
    block = np.array(what[0], np.int16).reshape(-1, columns)
    windows = [(first + i, w) for first, frames in framer.push(block) for i, w in enumerate(frames.tolist())]
    return [[hop % 2**32, _samples(rows)] for hop, rows in windows]


def by_native(given: Given) -> list:
    native, window, columns = Native(), given["window"], given["columns"]
    framer = native.struct("anom_framer", {})
    plan = native.struct("anom_framer_plan", {"window": window, "hop": given["hop"]})
    native.lib.anom_framer_init(framer, plan, columns, native.new("int16_t[]", window * columns))
    return [_step_in_c(native, framer, *step) for step in given["steps"]]


def _step_in_c(native: Native, framer: Any, operation: str, *what: Json) -> Json:
    if operation == "reset":
        return native.lib.anom_framer_wipe(framer)
    if operation == "gap":
        return native.lib.anom_framer_gap(framer, *what)
    if operation == "resume":
        native.lib.anom_framer_wipe(framer)
        return native.lib.anom_framer_resume(framer, *what)
    columns, size, found = framer.columns, framer.plan.window * framer.columns, []
    rows = what[0]
    while True:
        block = native.new("int16_t[]", np.ravel(rows).astype(int).tolist())
        taken = native.lib.anom_framer_push(framer, block, len(rows))
        rows = rows[taken:]
        full = native.lib.anom_framer_window(framer)
        if full == native.ffi.NULL:
            assert not rows
            return found
        samples = np.reshape(native.ffi.unpack(full, size), (-1, columns)).tolist()
        found.append([framer.next_hop, _samples(samples)])
        native.lib.anom_framer_discard(framer)
        if not rows:
            return found


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = [_c_step(*step, found=found) for step, found in zip(given["steps"], expect, strict=True)]
    plan = {"window": given["window"], "hop": given["hop"]}
    return {"plan": plan, "columns": given["columns"], "n_steps": len(steps), "steps": steps}


def _c_step(operation: str, *what: Json, found: Json) -> dict[str, Any]:
    step: dict[str, Any] = {"operation": OPERATIONS.index(operation)}
    if operation == "gap":
        return step | {"n": what[0], "lost": found}
    if operation == "resume":
        return step | {"next_hop": what[0], "n": what[1], "lost": found}
    if operation == "push":
        windows = [{"hop": hop, "samples": np.ravel(samples).tolist()} for hop, samples in found]
        samples = np.ravel(what[0]).astype(int).tolist()
        return step | {"n": len(what[0]), "samples": samples, "n_windows": len(windows), "windows": windows}
    return step


def ramp(n: int, start: int = 1) -> list[int]:
    """Samples that can be told from each other."""
    return list(range(start, start + n))


def pushes(*sizes: int) -> list:
    """A ramp in blocks of these sizes."""
    samples, steps = ramp(sum(sizes)), []
    for size in sizes:
        steps.append(["push", samples[:size]])
        samples = samples[size:]
    return steps


def cases() -> Iterator[Case]:
    for name, guards, (window, hop), steps in [
        *_streams(),
        *_gaps(),
        *_gaps_while_samples_are_dropped(),
        *_resets(),
        *_resumed(),
    ]:
        yield Case(name, guards, {"window": window, "hop": hop, "columns": 1, "steps": steps})
    for name, guards, window, hop, steps in _rows():
        yield Case(name, guards, {"window": window, "hop": hop, "columns": len(steps[0][1][0]), "steps": steps})


def _streams() -> Iterator[tuple]:
    yield "A hop of a whole window", "Windows that overlap, or that leave a sample out.", (4, 4), pushes(4, 4, 4)
    yield "A hop of half a window", "A copy of what is kept in the wrong direction.", (8, 4), pushes(8, 4, 4, 3, 1)
    yield "A hop of less than half a window", "A move between places that overlap.", (8, 3), pushes(8, 3, 3, 2, 1)
    yield "A hop of more than half a window", "A move that takes too much.", (8, 5), pushes(8, 5, 4, 1)
    yield "A hop of 1", "A window that is given once only.", (4, 1), pushes(3, 1, 1, 1, 2)
    yield "A window of 1", "Nothing to keep: a copy of no bytes.", (1, 1), pushes(1, 1, 3)
    yield (
        "A block that fills several windows",
        "Samples that are dropped, or pushed twice, when a window is full.",
        (4, 2),
        pushes(11, 2),
    )
    yield "Blocks of one sample", "A window that is found full at the end of a block only.", (4, 3), pushes(*[1] * 11)
    yield (
        "Blocks of 0, 1 and a window and 1 more",
        "An empty block that counts, the rest of a block that is lost.",
        (4, 4),
        pushes(0, 1, 0, 5, 0, 3, 5),
    )
    yield (
        "A block that ends with a window",
        "A window that is given only when the next sample comes.",
        (4, 2),
        pushes(6, 0, 2, 1, 1),
    )
    yield (
        "The ends of int16",
        "Samples that are clipped, or taken for unsigned.",
        (4, 2),
        [["push", [-32768, 32767, -1, 0, 1, -32767, 256, -256]]],
    )
    yield "More windows than are cut at once", "A batch of windows that ends in the wrong place.", (3, 1), pushes(43)


def _gaps() -> Iterator[tuple]:
    rest = ramp(12, start=101)
    yield (
        "A gap within a hop",
        "A window that spans a gap, or starts at a place that is no multiple of the hop.",
        (8, 4),
        [["push", ramp(2)], ["gap", 1], ["push", rest]],
    )
    yield (
        "A gap that ends at a hop",
        "A whole hop that is dropped where nothing needs to be.",
        (8, 4),
        [["push", ramp(3)], ["gap", 1], ["push", rest]],
    )
    yield (
        "A gap that ends one after a hop",
        "Lost hops that are rounded down.",
        (8, 4),
        [["push", ramp(3)], ["gap", 2], ["push", rest]],
    )
    yield (
        "A gap at the start",
        "A first window that is taken as begun.",
        (4, 4),
        [["gap", 1], ["push", rest], ["reset"], ["gap", 4], ["push", rest]],
    )
    yield (
        "A gap of many hops",
        "A count of lost hops that forgets the samples that were there.",
        (8, 3),
        [["push", ramp(10)], ["gap", 100], ["push", rest]],
    )
    yield (
        "A gap after a window that overlaps the next",
        "Samples that are kept for the next window and survive the gap.",
        (8, 2),
        [["push", ramp(8)], ["gap", 1], ["push", rest], ["gap", 2], ["push", rest]],
    )
    yield (
        "Gaps in a window that is nearly full",
        "A position behind the first hop of the window: several hops are lost at once.",
        (8, 2),
        [["push", ramp(7)], ["gap", 1], ["push", rest], ["gap", 3], ["push", rest]],
    )
    yield (
        "Gaps with a hop of 1",
        "A remainder where there is none.",
        (3, 1),
        [["push", ramp(2)], ["gap", 1], ["push", ramp(4, 101)], ["gap", 5], ["push", ramp(3, 201)]],
    )
    yield (
        "The longest gap",
        "A position that wraps beyond 2**31 - 1.",
        (8, 3),
        [["gap", LONGEST_GAP], ["push", rest], ["gap", LONGEST_GAP], ["push", rest]],
    )
    yield (
        "The longest gap in a window that is nearly full",
        "More lost hops than int32 holds.",
        (64, 1),
        [["push", ramp(63)], ["gap", LONGEST_GAP], ["push", ramp(64, 101)]],
    )
    yield (
        "The hop index wraps modulo 2**32",
        "An index that saturates, is signed, or has 64 bits.",
        (2, 1),
        [["gap", LONGEST_GAP], ["gap", LONGEST_GAP], ["push", ramp(6)]],
    )
    yield (
        "A gap across the wrap of the hop index",
        "A sum of hop index and lost hops that saturates.",
        (2, 1),
        [["gap", LONGEST_GAP], ["gap", LONGEST_GAP], ["push", ramp(2)], ["gap", 10], ["push", ramp(3)]],
    )


def _gaps_while_samples_are_dropped() -> Iterator[tuple]:
    dropping = [["push", ramp(1)], ["gap", 1]]  # with a hop of 6, 4 more are to be dropped
    for n, guards in (
        (1, "A gap that starts another hop, or that is added to what is to be dropped."),
        (3, "A gap that does not count as samples that were to be dropped."),
        (4, "A hop that is lost although the gap ends exactly at it."),
        (5, "A gap beyond the hop that is rounded down."),
        (10, "A next hop that is dropped although the gap ends exactly at it."),
        (11, "A count of lost hops from the end of the gap before."),
        (LONGEST_GAP, "A negative position in a division of unsigned numbers."),
    ):
        yield (
            f"A gap of {n} while 4 samples are to be dropped",
            guards,
            (6, 6),
            [*dropping, ["gap", n], ["push", ramp(16, 101)]],
        )
    yield (
        "Blocks while samples are dropped",
        "Samples to be dropped that are counted block by block, or an empty block that stops the dropping.",
        (4, 4),
        [
            ["push", ramp(1)],
            ["gap", 4],
            *pushes(0, 1, 1, 0, 1, 1, 3),
            ["gap", 1],
            ["push", ramp(2)],
            ["push", ramp(9, 50)],
        ],
    )


def _resets() -> Iterator[tuple]:
    yield (
        "A reset in a window",
        "Samples, or a hop index, that survive a reset.",
        (4, 2),
        [["push", ramp(7)], ["reset"], ["push", ramp(5, 101)]],
    )
    yield (
        "A reset while samples are dropped",
        "Dropping that goes on after a reset.",
        (4, 4),
        [["push", ramp(5)], ["gap", 1], ["reset"], ["push", ramp(5, 101)]],
    )


def _resumed() -> Iterator[tuple]:
    rest = ["push", ramp(14, 101)]
    for ahead, guards in (
        (0, "A hop that is lost although none had begun."),
        (1, "A window that begins behind no multiple of the hop, or with the samples of before."),
        (3, "A hop that is lost twice."),
        (4, "A part of a hop that is dropped although it ends there."),
        (7, "Only one of the two hops that had begun."),
        (8, "A window that was full when the record was written, as a port in C may hold it."),
        (-1, "A sample that was still to be dropped, and is not."),
        (-2, "Samples that were still to be dropped, counted as if they had come."),
    ):
        yield f"Go on {ahead} samples ahead", guards, (8, 3), [["push", ramp(9)], ["resume", 70, ahead], rest]
    yield (
        "Go on before the hop index wraps",
        "An index of 64 bits, or a signed one.",
        (2, 1),
        [
            ["resume", 2**32 - 1, 1],
            ["push", ramp(4)],
            ["resume", 2**31, 0],
            ["push", ramp(3)],
            ["gap", 1],
            ["push", ramp(3)],
        ],
    )


def _rows() -> Iterator[tuple]:
    rows = [[10 * i + j for j in range(3)] for i in range(1, 12)]
    yield (
        "Rows of three values, one by one",
        "Sizes in values where rows are meant.",
        1,
        1,
        [["push", rows[:1]], ["push", rows[1:4]], ["gap", 1], ["push", rows[4:5]]],
    )
    yield (
        "Rows of three values in windows that overlap",
        "Values that are moved by the number of rows.",
        4,
        3,
        [["push", rows[:5]], ["push", rows[5:8]], ["gap", 1], ["push", rows[8:]], ["push", rows]],
    )
