"""Streams that are compared: what recordings rarely hold, gaps and inputs from outside."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.core.supervisor import Operation
from anomsdk.runtime.blocks import highest_argument
from anomsdk.runtime.golden import Block
from anomsdk.runtime.pipeline import Pipeline

MIN_OUTPUTS = 100_000
"""Fewest model outputs that are compared."""


class Press(NamedTuple):
    """Input from outside between two samples, with its argument."""

    operation: Operation
    argument: int


Piece: TypeAlias = Block | int | Press
"""Block of samples, number of samples that were lost, or input from outside."""


def random_streams(plan: Plan, hops: int, seed: int) -> dict[str, list[Piece]]:
    """Generate streams with what recordings rarely hold: extremes, silence, impulses, gaps.

    Parameters
    ----------
    plan : Plan
    hops : length of each stream in hops; 4 ticks if these are longer
    seed : seed of the random numbers, 0 or more

    Returns
    -------
    name -> pieces: blocks, int16 (n, columns), gaps, numbers of lost samples, and inputs of a supervised plan
    """
    framer, rng = plan.framer, np.random.default_rng([seed, 0])
    n = max(framer.window + (hops - 1) * framer.hop, plan.samples_to_first_tick + 3 * plan.samples_per_tick)
    shape = (n, plan.columns)
    level = 2.0 ** rng.uniform(-1, 15, 1 + n // 3000).repeat(3000)[:n, None]
    noise = np.clip(np.rint(rng.standard_normal(shape) * level), -32768, 32767).astype(np.int16)
    square = np.where(np.arange(n)[:, None] // 37 % 2, 32767, -32768) * np.ones(shape, np.int64)
    impulses = np.where(rng.random(shape) < 1 / 500, rng.choice([-32768, 32767], shape), 0)
    gaps: list[Piece] = []
    for part in np.array_split(noise[::-1], 8):
        gaps += [np.ascontiguousarray(part), int(rng.integers(0, 3 * plan.samples_per_tick))]
    streams: dict[str, list[Piece]] = {
        "noise at changing levels": [noise],
        "full-scale square": [square.astype(np.int16)],
        "silence": [np.zeros(shape, np.int16)],
        "stuck at -32768": [np.full(shape, -32768, np.int16)],
        "impulses": [impulses.astype(np.int16)],
        "noise with gaps": gaps,
    }
    if plan.is_supervised:
        pressed: list[Piece] = []
        for part in np.array_split(noise, 64):
            pressed += [np.ascontiguousarray(part), _random_press(plan, rng)]
        streams["noise with inputs"] = pressed
    return streams


def _random_press(plan: Plan, rng: np.random.Generator) -> Press:
    """Draw an input, with an argument that is small more often than large."""
    operations = [each for each in Operation if highest_argument(plan, each) >= 0]
    operation = operations[rng.integers(len(operations))]
    highest = highest_argument(plan, operation)
    return Press(operation, int(min(highest, 2.0 ** rng.uniform(0, 14)) * (rng.random() < 0.9)))


def random_inputs(plan: Plan, seed: int) -> dict[str, NDArray[np.int8]]:
    """Generate inputs for the model stage alone: random int8, and the lowest and highest of them."""
    rng = np.random.default_rng([seed, 3])
    shape = (-(-MIN_OUTPUTS // plan.layers[-1].n_out), plan.n_inputs)
    ends = rng.choice(np.array([-128, 127], np.int8), shape)
    ends[:2] = [[-128], [127]]
    return {
        "random inputs": rng.integers(-128, 128, shape).astype(np.int8),
        "inputs at -128 and 127": ends,
    }


def applied(pipeline: Pipeline, what: int | Press) -> tuple[list[Result], int, int]:
    """Lose samples or press a button: the results, then annunciation and health."""
    if isinstance(what, int):
        results = pipeline.gap(what)
    else:
        method = getattr(pipeline, what.operation.name.lower())
        results = method(what.argument) if what.operation.highest else method()
    return results, int(pipeline.annunciation) if pipeline.plan.is_supervised else 0, pipeline.health
