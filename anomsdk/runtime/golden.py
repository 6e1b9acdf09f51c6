"""Golden stream and golden digest: one line of hex digits that compares two implementations. See docs/spec.md."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.runtime.streams import features, reconstruct

TICKS = 200
VALUES = 65_536
"""Largest number of values in the stream, unless `MIN_TICKS` ticks need more."""
MIN_TICKS = 16
MAX_VALUES = 1 << 24
PART = 2048
DIARY = 16
SEED = 0x6D2B79F5

Block: TypeAlias = NDArray[np.int16]


def golden_stream(plan: Plan) -> Block:
    """Generate the stream of the golden digest, with integer arithmetic only.

    Its length is that of T ticks: T = 200, or the ticks that 65,536 values (samples times columns) complete
    if these are fewer, but at least 16. Value by value, row after row, a 32-bit state x, 0x6D2B79F5 at first,
    takes a step of xorshift32 (``x ^= x << 13; x ^= x >> 17; x ^= x << 5``, modulo 2**32), and the value of
    row i is, by ``k = (i // 2048) % 16``:

    ====== ============================================================
    0..10  noise, 6 dB lower with each k: int16(x >> 16) >> k, arithmetic
    11     full-scale square: 32767 where i & 64, else -32768
    12     silence: 0
    13     stuck at -32768
    14     impulses: 32767 where i % 512 == 0, else 0
    15     rising tone: the low 16 bits of (i * i) >> 6, as int16
    16     diary: -32768 where x & 63 is 0, else (x >> 17) >> (i & 7)
    ====== ============================================================

    In a plan that learns before its first tick, k is 16 in each row, and there may be fewer ticks.

    Returns
    -------
    int16 (n,), or (n, columns)

    Raises
    ------
    InputError : the context is so long that 16 ticks are more than 2**24 values
    """
    rows = VALUES // plan.columns
    ticks = max(MIN_TICKS, min(TICKS, plan.ticks_in(rows)))
    n = plan.samples_to_first_tick + (ticks - 1) * plan.samples_per_tick
    if n * plan.columns > MAX_VALUES:
        raise InputError(
            f"{plan.name}: {MIN_TICKS} ticks take {n} samples, too many to run here (at most {MAX_VALUES} values); "
            "use a shorter context to try it out"
        )
    values = np.zeros((n, plan.columns), np.int16)
    x = SEED
    for i in range(n):
        k = DIARY if plan.extractor.warm_up > 0 else i // PART % 16
        for column in range(plan.columns):
            x ^= x << 13 & 0xFFFFFFFF
            x ^= x >> 17
            x ^= x << 5 & 0xFFFFFFFF
            values[i, column] = _value(i, k, x)
    return values[:, 0] if plan.columns == 1 else values


def _value(i: int, k: int, x: int) -> int:
    if k <= 10:
        return _int16(x >> 16) >> k
    if k == 11:
        return 32767 if i & 64 else -32768
    if k == 12:
        return 0
    if k == 13:
        return -32768
    if k == 14:
        return 32767 if i % 512 == 0 else 0
    if k == DIARY:
        return x >> 17 >> (i & 7) if x & 63 else -32768
    return _int16(i * i >> 6 & 0xFFFF)


def _int16(bits: int) -> int:
    return bits - 0x10000 if bits & 0x8000 else bits


def golden_digest(plan: Plan, engine: str | None = None) -> tuple[str, int, int]:
    """Run the golden stream and hash the results, as `anom_selftest` of the C port does on a device.

    The bytes are the plan's id (32 bytes), then, result after result: the model's inputs (int8) and its outputs for
    them (int8), both left out for a result without a tick, the score of the result (uint32, little-endian), the number
    of its events (uint8) and the events (16 bytes each).

    Parameters
    ----------
    plan : Plan
    engine : as in `anomsdk.Pipeline`

    Returns
    -------
    digest : sha256, 64 hex digits
    ticks, events : numbers of ticks and of events in the digest
    """
    samples = golden_stream(plan)
    inputs = features(plan, samples, engine)
    outputs = reconstruct(plan, inputs, engine)
    with Pipeline(plan, engine) as pipeline:
        results = pipeline.process(samples)
    digest, n_events = hashlib.sha256(bytes.fromhex(plan.id)), 0
    ticks = iter(zip(inputs, outputs, strict=True))
    for result in results:
        if result.judged:
            taken, given = next(ticks)
            digest.update(taken.tobytes() + given.tobytes())
        digest.update(result.score.to_bytes(4, "little") + bytes([len(result.events)]))
        digest.update(b"".join(bytes(event) for event in result.events))
        n_events += len(result.events)
    return digest.hexdigest(), len(inputs), n_events
