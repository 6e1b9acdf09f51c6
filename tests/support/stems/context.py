"""context: frames to inputs of the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.context import Context
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import CONTEXTS, Native, c_context, core_plan, rows_of

OPERATIONS = ("push", "gap")
GAP = ["gap"]


def by_scalar(given: Given) -> list:
    context = scalar.Context(given["context"])
    return [context.push(*what) if operation == "push" else context.gap() for operation, *what in given["steps"]]


def by_core(given: Given) -> list:
    section = given["context"]
    plan = core_plan(CONTEXTS[section["kind"]], section)
    plan.check(given["n_features"])
    context, found = Context(plan, given["n_features"]), []
    for operation, *what in given["steps"]:
        if operation == "gap":
            context.restart()
            found.append(None)
        else:
            inputs, _ = context.push(rows_of(what))
            found.append(inputs[0].tolist() if len(inputs) else None)
    return found


def by_native(given: Given) -> list:
    native, n = Native(), given["n_features"]
    plan = native.struct("anom_context_plan", c_context(given["context"]))
    context = native.struct("anom_context", {})
    native.lib.anom_context_init(context, plan, n, native.new("int8_t[]", max(1, (plan.frames - 1) * n)))
    inputs, found = native.new("int8_t[]", native.lib.anom_context_n_inputs(plan, n)), []
    for operation, *what in given["steps"]:
        if operation == "gap":
            native.lib.anom_context_restart(context)
            found.append(None)
        else:
            complete = native.lib.anom_context_push(context, native.new("int8_t[]", what[0]), inputs)
            found.append(list(inputs) if complete else None)
    return found


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = [
        {"operation": OPERATIONS.index(operation), "features": what[0] if what else None, "inputs": found}
        for (operation, *what), found in zip(given["steps"], expect, strict=True)
    ]
    return {
        "plan": c_context(given["context"]),
        "n_features": given["n_features"],
        "n_steps": len(steps),
        "steps": steps,
    }


def frames(n: int, width: int = 2, start: int = 1) -> list:
    """Frames whose values tell which they are."""
    return [["push", [4 * i + j if i % 2 else -4 * i - j for j in range(width)]] for i in range(start, start + n)]


def stack(n_frames: int, stride: int, steps: Json) -> Given:
    width = len(next(what for _, *what in steps if what)[0])
    return {
        "context": {"kind": "stack", "frames": n_frames, "stride": stride},
        "n_features": width,
        "steps": steps,
    }


def summary(n_frames: int, stride: int, statistics: list[str], steps: Json, maps: Json = None) -> Given:
    """Statistics that are seen as they are, within int8, or through maps: (gain, bias, shift) one a statistic."""
    given = stack(n_frames, stride, steps)
    entries = [entry for entry in maps or [(2, 1, 1)] * len(statistics) for _ in range(given["n_features"])]
    normalisation = dict(zip(("gain", "bias", "shift"), map(list, zip(*entries, strict=True)), strict=True))
    normalisation |= {"low": -128, "high": 127}
    given["context"] |= {"kind": "summary", "statistics": statistics, "normalisation": normalisation}
    return given


def cases() -> Iterator[Case]:
    for name, guards, given in [*_stacks(), *_gaps(), *_summaries()]:
        yield Case(name, guards, given)


def _stacks() -> Iterator[tuple]:
    yield "One frame", "A history of no frames that is moved.", stack(1, 1, frames(3))
    yield "One frame, every third", "A phase that starts at stride.", stack(1, 3, frames(8))
    yield "Three frames, oldest first", "Newest first, or features interleaved.", stack(3, 1, frames(6))
    yield "Three frames, every second", "A stride that is counted from the first frame.", stack(3, 2, frames(9))
    yield "A stride of all the frames", "Frames that are in two inputs, or in none.", stack(3, 3, frames(10))
    yield "A stride of more than the frames", "Frames between two inputs that are kept.", stack(2, 5, frames(13))
    yield "One feature", "A width of 2 that is assumed.", stack(4, 1, frames(6, width=1))
    yield "Five features", "A frame whose length is taken for a multiple of 4.", stack(2, 1, frames(4, width=5))
    yield (
        "The ends of int8",
        "Features that are clamped again, or taken for unsigned.",
        stack(2, 1, [["push", [-128, 127]], ["push", [127, -128]], ["push", [-1, 0]]]),
    )


def _gaps() -> Iterator[tuple]:
    rest = frames(7, start=20)
    yield "A gap before the context is full", "Frames that survive a gap.", stack(3, 1, [*frames(2), GAP, *rest])
    yield "A gap right after an input", "A phase that survives a gap.", stack(2, 3, [*frames(2), GAP, *rest])
    yield "A gap between two inputs", "An input that needs a stride only.", stack(2, 3, [*frames(4), GAP, *rest])
    yield (
        "Two gaps, and one at the start",
        "A gap that counts as a frame.",
        stack(2, 1, [GAP, *frames(3), GAP, GAP, *rest]),
    )
    yield (
        "A gap with one frame",
        "A stride that goes on after a gap.",
        stack(1, 3, [*frames(2), GAP, *rest]),
    )
    yield (
        "A gap in a summary",
        "A minimum of what was wiped: zeros that count as frames.",
        summary(3, 1, ["min", "max", "mean"], [*frames(4), GAP, *[["push", [50 + i, -50 - i]] for i in range(4)]]),
    )


def _summaries() -> Iterator[tuple]:
    example = [["push", row] for row in ([3, -128], [-5, 0], [10, 127], [-1, 1])]
    all_of_them = ["mean", "deviation", "max", "min"]
    yield (
        "The worked example",
        "Any slip: it is in docs/spec.md.",
        summary(4, 1, all_of_them, example, [(2, 1, 1), (2, 64, 4), (2, 1, 1), (2, 1, 1)]),
    )
    yield (
        "Statistics in another order",
        "The order of the names' numbers in place of the plan's.",
        summary(4, 1, ["min", "deviation", "mean"], example, [(2, 1, 1), (2, 64, 4), (2, 1, 1)]),
    )
    yield "One statistic", "All four that are always there.", summary(2, 1, ["max"], frames(4))
    odd = [["push", [v, -v]] for v in (1, 2, 2, 4, -3, 0, 7)]
    yield (
        "Deviations from means that are no integers",
        "A mean that is rounded before the deviation: F times a value minus the sum is exact.",
        summary(3, 1, ["deviation", "mean"], odd),
    )
    yield (
        "Deviations of an even number of frames",
        "A mean that is a half, rounded.",
        summary(2, 1, ["deviation", "mean"], odd),
    )
    yield (
        "One frame has no deviation",
        "A division by frames - 1.",
        summary(1, 2, all_of_them, [["push", [9, -9]], ["push", [-128, 127]], ["push", [4, 5]]]),
    )
    extremes = [["push", [-128 if i % 2 else 127, 127, -128]] for i in range(25)]
    yield (
        "The widest deviation of 24 frames",
        "A deviation, or a product in it, of 16 bits: it reaches 73440.",
        summary(24, 1, all_of_them, extremes, [(8, 1 << 7, 8), (3, 1 << 10, 11), (2, 1, 1), (2, 1, 1)]),
    )
    each = [["push", [-4, 9, 100]], ["push", [6, 9, -100]], ["push", [1, 2, 3]]]
    given = summary(2, 1, ["mean", "min"], each)
    maps = given["context"]["normalisation"]
    maps["gain"], maps["bias"], maps["shift"] = [1, 2, 3, 4, 5, 6], [0, 10, -20, 30, -40, 50], [1, 1, 2, 2, 3, 3]
    yield "Each statistic of each feature has its own map", "A map a statistic, or a map a feature.", given
    yield (
        "A summary with a stride",
        "A summary of the frames since the last input.",
        summary(3, 2, ["mean", "max"], [["push", [i * i % 23 - 11]] for i in range(10)]),
    )
