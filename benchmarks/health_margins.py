"""Distances of normal recordings from the limits of health, computed with numpy from the streams of the benchmark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anomsdk.core.event import Condition
from anomsdk.core.health import HealthPlan
from anomsdk.core.plan import Plan
from anomsdk.sources.dropouts import Samples
from benchmarks.health_streams import COUNTS_PER_G, Stream


@dataclass(frozen=True)
class Margin:
    """Normal value that comes nearest to a limit.

    Parameters
    ----------
    what : condition and quantity; for a condition of blocks the value that was held for as many blocks as it takes
    value : nearest normal value
    limit : limit of the plan in the same unit
    where : data set and stream
    is_most : True: the fault is a value above the limit; False: below it
    """

    what: str
    value: float
    limit: float
    where: str
    is_most: bool = True

    @property
    def distance(self) -> float:
        """Ratio of limit and value, above 1 on the safe side."""
        low, high = (self.value, self.limit) if self.is_most else (self.limit, self.value)
        return high / low if low > 0 else math.inf


def margins(streams: Sequence[Stream], plans: Mapping[str, Plan]) -> list[Margin]:
    """Find the nearest normal value for each quantity and plan."""
    nearest: dict[tuple[str, str], Margin] = {}
    for stream in streams:
        plan = plans[stream.plan]
        assert plan.health is not None
        for margin in _of_stream(stream, plan.health, plan.framer.hop):
            key = stream.plan, margin.what
            if key not in nearest or margin.distance < nearest[key].distance:
                nearest[key] = margin
    return list(nearest.values())


def _of_stream(stream: Stream, health: HealthPlan, hop: int) -> Iterator[Margin]:
    """Nearest values of one stream."""
    where = f"{stream.source}, {stream.name}"
    n = health.block * hop
    x = stream.samples.reshape(len(stream.samples), -1)
    blocks = x[: len(x) // n * n].astype(np.int64).reshape(-1, n, x.shape[1])
    ranges, runs = np.ptp(blocks, axis=1), _runs(x)
    clipped = ((blocks >= health.clip_high) | (blocks <= health.clip_low)).mean(axis=(1, 2))

    def held(values: np.ndarray, condition: Condition) -> float:
        """Largest value that as many blocks in a row reach as the condition takes; 0 where there are fewer."""
        needed = int(health.raise_blocks[condition - 1])
        if len(values) < needed:
            return 0.0
        return float(np.lib.stride_tricks.sliding_window_view(values, needed).min(axis=1).max())

    yield Margin("stuck: samples without a change", float(runs.min(axis=1).max()), health.stuck, where)
    widest = ranges.max(axis=1)
    flat = -held(-widest, Condition.FLAT) or math.inf
    yield Margin("flat: range, counts", flat, health.flat_range, where, is_most=False)
    yield Margin("clipped: share", held(clipped, Condition.CLIPPED), health.clip_share_q16 / 65536, where)
    if stream.samples.ndim == 1:
        quiet = -held(-widest, Condition.NOISE_FLOOR) or math.inf
        yield Margin("below the noise floor: range, counts", quiet, health.floor_range, where, is_most=False)
        steps = _steps(blocks[:, :, 0], health.mean_shift)
        yield Margin("step: counts", held(steps, Condition.STEP), health.step, where)
        return
    yield Margin("dead axis: samples without a change", float(runs.max()), health.dead_axis, where)
    length = np.linalg.norm(blocks[:, :, :3].mean(axis=1), axis=1)
    rests = ranges[:, :3].max(axis=1) <= np.sqrt(health.rest_q16 / 65536) * length
    away = np.abs(length[rests] / COUNTS_PER_G - 1)
    tolerance = 1 - math.sqrt(health.gravity_low) / COUNTS_PER_G
    yield Margin("not gravity: g away from 1 g at rest", held(away, Condition.GRAVITY), tolerance, where)
    still = _longest(ranges[:, :3].max(axis=1) <= health.still_range) * n / stream.rate_hz
    not_worn = int(health.raise_blocks[Condition.NOT_WORN - 1]) * n / stream.rate_hz
    yield Margin("not worn: seconds still", still, not_worn, where)


def _runs(x: Samples) -> np.ndarray:
    """Samples in a row that equal the one before, at each sample and column."""
    index = np.arange(len(x))[:, None]
    changed = np.vstack([np.ones((1, x.shape[1]), bool), x[1:] != x[:-1]])
    return np.asarray(index - np.maximum.accumulate(np.where(changed, index, 0), axis=0))


def _longest(mask: np.ndarray) -> int:
    """Length of the longest stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _steps(blocks: np.ndarray, shift: int) -> np.ndarray:
    """Distance of the mean of each block (n, samples) from the slow mean of those before it."""
    means = blocks.mean(axis=1)
    slow, found = means[0], np.zeros(len(means))
    for i, mean in enumerate(means):
        found[i] = abs(mean - slow)
        slow += (mean - slow) / 2**shift
    return found
