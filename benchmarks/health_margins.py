"""How far normal recordings stay from the limits of health, computed with numpy from the same streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    what : condition and quantity
    value : nearest normal value
    limit : limit of the plan in the same unit
    where : plan and stream
    """

    what: str
    value: float
    limit: float
    where: str

    @property
    def distance(self) -> float:
        """Ratio of limit and value, above 1 on the safe side; a value of 0 counts as 1."""
        low, high = sorted((max(1e-9, self.value), max(1e-9, self.limit)))
        return high / low if low > 1e-9 else high


def margins(streams: Sequence[Stream], plans: dict[str, Plan]) -> list[Margin]:
    """Find the nearest normal value for each quantity and plan."""
    nearest: dict[tuple[str, str], Margin] = {}
    for stream in streams:
        plan = plans[stream.plan]
        assert plan.health is not None
        for what, value, limit in _of_stream(stream, plan.health, plan.framer.hop):
            margin = Margin(what, value, limit, f"{stream.source}, {stream.name}")
            key = stream.plan, what
            if key not in nearest or margin.distance < nearest[key].distance:
                nearest[key] = margin
    return [nearest[key] for key in sorted(nearest)]


def _of_stream(stream: Stream, health: HealthPlan, hop: int) -> Iterator[tuple[str, float, float]]:
    """(quantity, nearest value, limit) of one stream."""
    n = health.block * hop
    x = stream.samples.reshape(len(stream.samples), -1)
    blocks = x[: len(x) // n * n].astype(np.int64).reshape(-1, n, x.shape[1])
    ranges = np.ptp(blocks, axis=1)
    runs = _runs(x)
    values = (blocks >= health.clip_high) | (blocks <= health.clip_low)
    yield "stuck: samples without a change, every column", float(runs.min(axis=1).max()), health.stuck
    yield "flat: smallest range, counts", float(ranges.max(axis=1).min()), health.flat_range
    yield "clipped: share of a block", float(values.mean(axis=(1, 2)).max()), health.clip_share_q16 / 65536
    if stream.samples.ndim == 1:
        yield "below the noise floor: smallest range, counts", float(ranges.max(axis=1).min()), health.floor_range
        yield "step: block from its slow mean, counts", _largest_step(blocks[:, :, 0], health.mean_shift), health.step
        return
    yield "dead axis: samples without a change, one column", float(runs.max()), health.dead_axis
    length = np.linalg.norm(blocks[:, :, :3].mean(axis=1), axis=1)
    rests = ranges[:, :3].max(axis=1) <= np.sqrt(health.rest_q16 / 65536) * length
    if rests.any():
        away = np.abs(length[rests] / COUNTS_PER_G - 1)
        tolerance = 1 - np.sqrt(health.gravity_low) / COUNTS_PER_G
        needed = float(health.raise_blocks[Condition.GRAVITY - 1])
        yield "not gravity: g away from 1 g at rest", float(away.max()), float(tolerance)
        yield "not gravity: blocks at rest in a row beyond the tolerance", float(_longest(away > tolerance)), needed
    needed = float(health.raise_blocks[Condition.NOT_WORN - 1])
    yield "not worn: still blocks in a row", float(_longest(ranges[:, :3].max(axis=1) <= health.still_range)), needed


def _runs(x: Samples) -> np.ndarray:
    """Samples in a row that equal the one before, at each sample and column."""
    index = np.arange(len(x))[:, None]
    changed = np.vstack([np.ones((1, x.shape[1]), bool), x[1:] != x[:-1]])
    return np.asarray(index - np.maximum.accumulate(np.where(changed, index, 0), axis=0))


def _longest(mask: np.ndarray) -> int:
    """Length of the longest stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _largest_step(blocks: np.ndarray, shift: int) -> float:
    means, largest = blocks.mean(axis=1), 0.0
    slow = means[0]
    for mean in means[1:]:
        largest = max(largest, abs(mean - slow))
        slow += (mean - slow) / 2**shift
    return float(largest)
