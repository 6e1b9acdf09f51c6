"""Health: technical conditions of the sensor, found in the samples themselves and reported by the device.

Samples are summed up over a block: a number of hops, at most 0.64 s in a plan that was made from a spec, or one hop
where a hop is longer. At its end each condition is found bad or good, or is left as it is. A number of bad blocks in a
row makes a condition active, a number of good ones makes it inactive. Six numbers a column are kept, and no sample but
the last one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require, require_array
from anomsdk.core.event import Condition
from anomsdk.core.fixed import UINT32_MAX, Ints
from anomsdk.core.record import Record

MAX_RUN = 65535
MAX_BLOCK_SAMPLES = 65535
CHECK_FACTOR = 33
"""Factor of the check of a block, as in Bernstein's hash: a shift and an addition."""
N_CONDITIONS = len(Condition)
IN_BLOCKS = (*(condition for condition in Condition if condition <= Condition.GAP), Condition.NOT_WORN)
"""Conditions that blocks decide: only they have numbers of blocks."""
VOIDING_BITS = 0b0100_1011
"""Health bits that void a tick: stuck, clipped, implausible, not ready."""
NOT_WORN_BIT = 1 << Condition.NOT_WORN.bit
RATE_PERIOD_MS = 60_000
"""Shortest time over which the rate is measured."""
LONGEST_MISSING_MS = 2**31 - 1
"""Longest time without a sample after which it can be missing."""
_AXES = 3


@dataclass(frozen=True, eq=False)
class HealthPlan:
    """Limits of the technical conditions. Levels and ranges are counts of int16."""

    block: int  # hops
    stuck: int  # samples in a row without a change, in every column
    flat_range: int  # largest range of a column
    clip_low: int  # a value at or below it is clipped
    clip_high: int  # a value at or above it is clipped
    clip_share_q16: int  # share of the values of a block
    floor_range: int  # smallest range of a column that is no fault
    step: int  # largest distance of a column's mean from its slow mean
    dead_axis: int  # samples in a row without a change, in one column while the device moves
    dead_axis_range: int  # largest range of the acceleration axes from which the device moves
    rest_q16: int  # square of the largest range over the mean vector at which the device rests
    gravity_low: int  # square of the mean vector at rest, smallest
    gravity_high: int  # square of the mean vector at rest, largest
    still_range: int  # largest range of an axis that is not worn
    posture: int  # largest distance of an axis' mean from its slow mean, when not worn
    mean_shift: int  # the slow mean moves by 2**-mean_shift of its distance each block, while the device is still
    lost_share_q16: int  # share of the hops of a block
    missing_ms: int  # milliseconds without a sample
    rate_tolerance_q16: int  # share of the samples that the caller's clock expects; 0: off
    samples_per_ms_q20: int
    warm_up: int  # hops after the start without a judged tick
    settle: int  # hops after a condition that voids ticks, again without a judged tick: windows still hold its samples
    not_worn_voids: int  # 1: no tick is judged while the device is not worn
    raise_blocks: NDArray[np.uint16]  # (15,), by condition: bad blocks that make it active; 0: off
    clear_blocks: NDArray[np.uint16]  # (15,), by condition: good blocks that make it inactive

    @property
    def void_mask(self) -> int:
        """Health bits during which no tick is judged."""
        return VOIDING_BITS | NOT_WORN_BIT * self.not_worn_voids

    def check(self, hop: int, window: int, columns: int) -> None:
        """Refuse limits that cannot be reached, and prove that the sum of a block stays in 32 bits."""
        samples = window + (self.block - 1) * hop
        require(
            self.block >= 1 and samples <= MAX_BLOCK_SAMPLES,
            f"health: a block of {self.block} hops is not 1 to {MAX_BLOCK_SAMPLES} samples",
        )
        ranges = {
            "stuck": MAX_RUN,
            "dead_axis": MAX_RUN,
            "dead_axis_range": MAX_RUN,
            "still_range": MAX_RUN,
            "flat_range": MAX_RUN,
            "floor_range": MAX_RUN,
            "step": MAX_RUN,
            "posture": MAX_RUN,
            "clip_share_q16": 1 << 16,
            "lost_share_q16": 1 << 16,
            "rate_tolerance_q16": 1 << 16,
            "rest_q16": 1 << 16,
            "gravity_low": UINT32_MAX,
            "gravity_high": UINT32_MAX,
            "mean_shift": 15,
            "missing_ms": LONGEST_MISSING_MS,
            "samples_per_ms_q20": 2**31 - 1,
            "warm_up": 2**31 - 1,
            "settle": 2**31 - 1,
            "not_worn_voids": 1,
        }
        for name, highest in ranges.items():
            value = getattr(self, name)
            require(0 <= value <= highest, f"health: {name} is {value}, not 0 to {highest}")
        for name in ("clip_low", "clip_high"):
            value = getattr(self, name)
            require(-32768 <= value <= 32767, f"health: {name} is {value}, not int16")
        require(
            self.clip_low < self.clip_high,
            f"health: clip_low is {self.clip_low} and clip_high {self.clip_high}, no value would be whole",
        )
        for name in ("raise_blocks", "clear_blocks"):
            require_array(getattr(self, name), "<u2", (N_CONDITIONS,), f"health: {name}")
        on = self.raise_blocks > 0
        require(bool((self.clear_blocks[on] > 0).all()), "health: clear_blocks is 0 for a condition that is on")
        others = [each.word for each in Condition if each not in IN_BLOCKS and self._is_on(each)]
        require(not others, f"health: raise_blocks is not 0 for {', '.join(others)}, which no block decides")
        require(
            self.gravity_low <= self.gravity_high or not self._is_on(Condition.GRAVITY),
            f"health: gravity_low is {self.gravity_low}, above gravity_high {self.gravity_high}: no rest would be 1 g",
        )
        require(
            columns >= _AXES or not (self._is_on(Condition.GRAVITY) or self._is_on(Condition.NOT_WORN)),
            f"health: gravity and not_worn need three axes, not {columns} columns",
        )
        require(
            not (self._is_on(Condition.STEP) and self._is_on(Condition.NOT_WORN)),
            "health: step and not_worn cannot both be on, as they move the slow mean in two ways",
        )

    def _is_on(self, condition: Condition) -> bool:
        return bool(self.raise_blocks[condition - 1] > 0)


class Health:
    """Technical conditions of one pipeline.

    Parameters
    ----------
    plan : HealthPlan
    columns : values in a sample
    """

    def __init__(self, plan: HealthPlan, columns: int) -> None:
        self._plan = plan
        self._last = np.zeros(columns, np.int64)
        self._lowest = np.zeros(columns, np.int64)
        self._highest = np.zeros(columns, np.int64)
        self._run = np.zeros(columns, np.int64)  # samples in a row equal to the one before, 0 to 65535
        self._sum = np.zeros(columns, np.int64)
        self._mean_q8 = np.zeros(columns, np.int64)
        self._samples = self._clipped = self._check = self._hops = self._lost = 0  # of the block
        self._counts = np.zeros(N_CONDITIONS, np.int64)  # blocks in a row that speak for a change
        self._is_raise = plan.raise_blocks.astype(np.int64)
        self._is_clear = plan.clear_blocks.astype(np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget the samples and all conditions; warm-up starts again."""
        for array in (self._last, self._run, self._mean_q8, self._counts):
            array.fill(0)
        self._seen = False  # a sample has come: `last` is one
        self._has_block = False  # a block was decided: there are slow means and the check of a block before
        self._last_check = 0
        self._warm_up = self._plan.warm_up
        self._missing_ms = 0
        self._clock_ms = self._clock_samples = 0
        self._has_clock = False
        self.active = 1 << Condition.WARM_UP if self._warm_up > 0 else 0  # bit `code` of each active condition
        self._reported = self.active  # bits that the receiver knows
        self._start_block()

    @property
    def byte(self) -> int:
        """Return the health byte: the bits of all active conditions."""
        byte = 0
        for condition in Condition:
            byte |= (self.active >> condition & 1) << condition.bit
        return byte

    @property
    def voids(self) -> bool:
        """Return True if no tick is judged now."""
        return self.voiding() != 0

    def voiding(self) -> int:
        """Return the active conditions that void ticks, bits by code."""
        bits = self._plan.void_mask
        return self.active & sum(1 << each for each in Condition if bits >> each.bit & 1)

    @property
    def voids_by_fault(self) -> bool:
        """Return True if a condition other than warm-up voids ticks."""
        return self.voiding() & ~(1 << Condition.WARM_UP) != 0

    @property
    def is_faulty(self) -> bool:
        """Return True if a condition other than warm-up is active."""
        return self.active & ~(1 << Condition.WARM_UP) != 0

    def look(self, samples: Ints) -> None:
        """Take the new samples of one hop.

        Parameters
        ----------
        samples : int64 (n, columns) in int16 range, 1 <= n
        """
        changed = np.diff(samples, axis=0, prepend=self._last[None]) != 0
        if not self._seen:
            changed[0] = True
        n, any_change = len(samples), changed.any(axis=0)
        since = np.argmax(changed[::-1], axis=0)  # samples after the last change
        self._run[...] = np.where(any_change, since, np.minimum(self._run + n, MAX_RUN))
        self._last[...] = samples[-1]
        self._seen = True
        np.minimum(self._lowest, samples.min(axis=0), out=self._lowest)
        np.maximum(self._highest, samples.max(axis=0), out=self._highest)
        self._sum += samples.sum(axis=0)
        self._samples += n
        self._clipped += int(((samples <= self._plan.clip_low) | (samples >= self._plan.clip_high)).sum())
        self._check = _checked(self._check, samples)
        self._hops += 1
        if self._is_stuck:
            self._set(Condition.STUCK, True)
        self._missing_ms = 0
        self._set(Condition.MISSING, False)
        self._end_hop()
        self._warm()

    def gap(self, lost: int) -> None:
        """Take note that hops were lost, 0 to 2**32 - 1."""
        self._lost = min(self._lost + lost, UINT32_MAX)
        self._end_hop()

    def missing(self, ms: int) -> None:
        """Take note that no sample came for more milliseconds, 0 to 2**32 - 1."""
        total, limit = self._missing_ms + ms, self._plan.missing_ms
        if 0 < limit <= total:
            self._set(Condition.MISSING, True)
        self._missing_ms = total & UINT32_MAX  # 2**32 ms are a whole number of samples, so that time goes on

    def samples_in(self, ms: int) -> int:
        """Count the samples that ``ms`` more milliseconds without a sample stand for, 0 to 2**31 - 1.

        Whole milliseconds are counted from the first one that is missing, so that no rounding adds up.
        """
        rate = self._plan.samples_per_ms_q20
        before, after = self._missing_ms, self._missing_ms + ms
        return min((after * rate >> 20) - (before * rate >> 20), 2**31 - 1)

    def clock(self, ms: int, samples: int) -> None:
        """Compare the rate of the samples with the caller's clock, once 60 s have passed.

        The number of samples may be off by one more than the tolerance, as readings fall anywhere between two samples.

        Parameters
        ----------
        ms : the caller's clock, modulo 2**32
        samples : samples so far, modulo 2**32
        """
        elapsed = (ms - self._clock_ms) & UINT32_MAX
        if self._has_clock and elapsed < RATE_PERIOD_MS:
            return
        if self._has_clock:
            expected = elapsed * self._plan.samples_per_ms_q20 >> 20
            ahead = (samples - self._clock_samples - expected) & UINT32_MAX
            off = min(ahead, UINT32_MAX + 1 - ahead)  # counts wrap, their small differences do not
            tolerance = self._plan.rate_tolerance_q16
            self._set(Condition.RATE, tolerance > 0 and max(0, off - 1) << 16 > tolerance * expected)
        self._clock_ms, self._clock_samples, self._has_clock = ms, samples, True

    def report(self, condition: Condition, active: bool) -> None:
        """Take a condition that the device itself reports: `Condition.SELF_TEST` or `Condition.SUPPLY`."""
        self._set(condition, active)

    def save(self, record: Record) -> None:
        """Write the conditions and their counts into a record; nothing that samples have left."""
        record.active, record.reported = self.active, self._reported
        record.counts = tuple(int(self._counts[condition - 1]) for condition in IN_BLOCKS)

    def restore(self, record: Record) -> None:
        """Take the conditions from a record that the plan looks for; warm-up starts again. Only after `reset`."""
        off = [condition for condition in IN_BLOCKS if self._is_raise[condition - 1] == 0]
        known = sum(1 << condition for condition in Condition if condition not in (*off, Condition.WARM_UP))
        self.active |= record.active & known
        self._reported |= record.reported & known
        for condition, blocks in zip(IN_BLOCKS, record.counts, strict=True):
            if condition not in off:
                self._counts[condition - 1] = blocks

    def change(self) -> tuple[Condition, bool] | None:
        """Take the next condition that has changed, the lowest code first, and whether it is active; None: no more."""
        different = self.active ^ self._reported
        if different == 0:
            return None
        code = (different & -different).bit_length() - 1
        self._reported ^= 1 << code
        return Condition(code), bool(self.active >> code & 1)

    def _set(self, condition: Condition, active: bool) -> None:
        self.active = self.active & ~(1 << condition) | active << condition

    def _start_block(self) -> None:
        self._lowest.fill(32767)
        self._highest.fill(-32768)
        self._sum.fill(0)
        self._samples = self._clipped = self._check = self._hops = self._lost = 0

    def _count(self, condition: Condition, bad: bool, blocks: int = 1) -> None:
        """Count blocks that speak for or against a condition; the last of enough in a row changes it."""
        at = condition - 1
        if self._is_raise[at] == 0:
            return
        active = bool(self.active >> condition & 1)
        if bad == active:
            self._counts[at] = 0
            return
        self._counts[at] += min(blocks, MAX_RUN)
        if self._counts[at] >= (self._is_clear[at] if active else self._is_raise[at]):
            self._counts[at] = 0
            self._set(condition, bad)

    def _decide(self) -> None:
        """Decide the conditions that the samples of a block show."""
        plan = self._plan
        spans = self._highest - self._lowest
        # Means matter of all columns to a step, of the axes to the rest
        n_means = len(spans) if self._is_raise[Condition.STEP - 1] > 0 else min(len(spans), _AXES)
        means = self._sum[:n_means] // self._samples
        slow_q8 = self._mean_q8[:n_means]
        slow = slow_q8 >> 8 if self._has_block else means
        away = np.abs(means - slow)
        constant = bool((spans == 0).all())
        same = self._has_block and self._check == self._last_check
        self._count(Condition.STUCK, self._is_stuck)
        self._count(Condition.FLAT, bool((spans <= plan.flat_range).all()) and not constant)
        self._count(Condition.REPEATED, same and not constant)
        values = self._samples * len(spans)
        self._count(Condition.CLIPPED, self._clipped << 16 >= plan.clip_share_q16 * values)
        self._count(Condition.NOISE_FLOOR, bool((spans < plan.floor_range).all()))
        self._count(Condition.STEP, bool((away > plan.step).any()))
        self._decide_axes(spans[:_AXES])
        anchored = self._decide_at_rest(spans[:_AXES], means[:_AXES], away[:_AXES])
        if anchored:
            slow_q8 += (means * 256 - slow_q8) >> plan.mean_shift
        else:
            slow_q8[...] = means * 256
        self._has_block = True
        self._last_check = self._check

    def _end_hop(self) -> None:
        """Decide at the end of a block, and start the next one."""
        if self._hops + self._lost < self._plan.block:
            return
        total = self._hops + self._lost
        bad = self._lost > 0 and self._lost << 16 >= self._plan.lost_share_q16 * total
        self._count(Condition.GAP, bad, total // self._plan.block)
        if 2 * self._hops >= self._plan.block:
            self._decide()
        self._start_block()

    def _warm(self) -> None:
        """Count the warm-up down; while a fault voids ticks it starts again, which is no change to report."""
        if self.voids_by_fault:
            self._warm_up = max(self._warm_up, self._plan.settle)
        elif self._warm_up > 0:
            self._warm_up -= 1
        self._set(Condition.WARM_UP, self._warm_up > 0)
        self._reported |= self.active & 1 << Condition.WARM_UP

    @property
    def _is_stuck(self) -> bool:
        """Return True if no column has changed for long."""
        return self._is_raise[Condition.STUCK - 1] > 0 and bool((self._run >= self._plan.stuck).all())

    def _decide_axes(self, spans: Ints) -> None:
        """Decide whether an axis is dead: it shows only while the device moves."""
        dead = bool((self._run >= self._plan.dead_axis).any())
        moves = int(spans.max()) >= self._plan.dead_axis_range
        if moves or not dead:
            self._count(Condition.DEAD_AXIS, dead)

    def _decide_at_rest(self, spans: Ints, means: Ints, away: Ints) -> bool:
        """Decide what only a device at rest shows.

        At rest no axis moves by much of the mean vector, or, as in an accelerometer that gives nothing but noise, none
        moves by more than a still device.

        Returns
        -------
        False if the slow means are to be the means of this block: the first, or one in which a worn device moved
        """
        plan = self._plan
        square = int((means * means).sum())
        motionless = bool((spans <= plan.still_range).all())
        rests = motionless or all(span * span << 16 <= plan.rest_q16 * square for span in spans.tolist())
        if rests and bool((spans > 0).any()):  # a stuck sensor says nothing about gravity
            self._count(Condition.GRAVITY, not plan.gravity_low <= square <= plan.gravity_high)
        still = motionless and bool((away <= plan.posture).all())
        self._count(Condition.NOT_WORN, still)
        return self._has_block and (still or self._is_raise[Condition.NOT_WORN - 1] == 0)


def _checked(check: int, samples: Ints) -> int:
    """Continue the check of a block, column by column: ``check = check * CHECK_FACTOR + value``, modulo 2**32."""
    values = (samples.T & UINT32_MAX).ravel().astype(np.uint64)
    powers = _powers(len(values))
    return (check * int(powers[0]) + int((values * powers[1:]).sum())) & UINT32_MAX


def _powers(n: int) -> NDArray[np.uint64]:
    """Return CHECK_FACTOR to the powers n, n - 1, ..., 0, modulo 2**32."""
    if n not in _POWERS:
        found = [1]
        for _ in range(n):
            found.append(found[-1] * CHECK_FACTOR & UINT32_MAX)
        _POWERS[n] = np.array(found[::-1], np.uint64)
    return _POWERS[n]


_POWERS: dict[int, NDArray[np.uint64]] = {}
"""Powers for each length that was asked for: those of a hop and of a window."""
