"""Technical faults that `benchmarks.health` puts into streams, and what must be said about each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from anomsdk.core.event import Condition
from anomsdk.sources.dropouts import Samples
from anomsdk.synthetic import faults
from benchmarks.health_streams import COUNTS_PER_G, Stream

SOON_S = 2.0
"""Longest delay of a dead, stuck or clipped sensor, seconds."""
NOT_WORN_S = 3600.0
NEXT_REST_S = 20.0
"""Seconds of rest whose gravity an offset goes along."""
BUFFERS = (64, 80, 128, 160, 256, 320, 512, 1024, 2048)
"""Usual lengths of a microphone's buffer at 16 kHz, samples: powers of two, and 5, 8, 10, 16, 20 and 32 ms."""

Blocks = Sequence[Samples | int]
"""Blocks of samples, and gaps in samples."""
Put = Callable[[Stream, int, np.random.Generator], Blocks]


@dataclass(frozen=True)
class Fault:
    """A fault, and what must be said about it.

    Parameters
    ----------
    name : name in the tables
    put : function of a stream, the first sample of the fault and a generator -> blocks and gaps
    conditions : one of them must be raised; none: the fault is not seen
    within_s : longest delay, seconds
    of_rest : the delay counts only the seconds in which the device rests; the whole stream is used
    unplugged : gaps are reported every second as missing, not as lost samples, and the condition must clear again
    """

    name: str
    put: Put
    conditions: tuple[Condition, ...]
    within_s: float = SOON_S
    of_rest: bool = False
    unplugged: bool = False


def _put(change: Callable[..., Samples], *arguments: object) -> Put:
    return lambda stream, start, rng: [change(stream.samples, start, *arguments)]


def _stuck_anywhere(stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    return [faults.stuck(stream.samples, start, int(rng.integers(-20_000, 20_000)))]


def _overdriven(stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    """Amplify until a share of every half second is clipped, 20 % of sound and 30 % of motion."""
    share = 0.2 if stream.samples.ndim == 1 else 0.3
    return [faults.clipped(stream.samples, start, share, every=round(stream.rate_hz / 2))]


def _packets(seconds: float, stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    return faults.packets_lost(stream.samples, start, max(1, round(seconds * stream.rate_hz)), 0.5, rng)


def _unplugged(seconds: float, stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    return faults.unplugged(stream.samples, start, start + round(seconds * stream.rate_hz))


def _axis_dead(stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    return [faults.axis_dead(stream.samples, start, int(rng.integers(stream.samples.shape[1])))]


def _buffer(lengths: Sequence[int], stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    return [faults.repeated(stream.samples, start, int(rng.choice(lengths)))]


def _acceleration_scaled(factor: float, stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    return [faults.scaled(stream.samples, start, factor, slice(3))]


def _along_gravity(stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    """Add an offset along gravity until the next rest reads 0.7 g or 1.3 g; in other postures it shows less."""
    gravity = _gravity(stream, start)
    length = float(np.linalg.norm(gravity))
    aim = COUNTS_PER_G * (1 + 0.3 * rng.choice([-1, 1]))
    return [faults.offset(stream.samples, start, _of_columns(gravity * (aim / length - 1), stream))]


def _across_gravity(stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    """Add an offset of 300 mg at a right angle to gravity."""
    across = np.cross(_gravity(stream, start), rng.standard_normal(3))
    return [
        faults.offset(stream.samples, start, _of_columns(0.3 * COUNTS_PER_G * across / np.linalg.norm(across), stream))
    ]


def _on_table(stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    n = round((NOT_WORN_S + 120) * stream.rate_hz)
    noise = rng.uniform(0.7, 1.5) * faults.TABLE_NOISE_MG / 1000 * COUNTS_PER_G
    return [faults.on_table(stream.samples, start, n, rng, stream.rate_hz, noise)]


def _flat_tops(stream: Stream, start: int, rng: np.random.Generator) -> Blocks:
    return [faults.clipped(stream.samples, start, 0.2, highest=16_000)]


def _of_columns(acceleration: np.ndarray, stream: Stream) -> np.ndarray:
    counts = np.zeros(stream.samples.shape[1])
    counts[:3] = acceleration
    return counts


def _gravity(stream: Stream, start: int) -> np.ndarray:
    """Mean acceleration of the first `NEXT_REST_S` seconds of rest after a sample, counts."""
    second = round(stream.rate_hz)
    after = stream.samples[start:]
    rest = np.flatnonzero(at_rest(after, second))[: round(NEXT_REST_S * stream.rate_hz)]
    return np.median(after[rest, :3].astype(np.float64), axis=0)


def at_rest(samples: Samples, n: int) -> np.ndarray:
    """Mask of the samples in stretches of n samples in which no axis of the acceleration moves by 1/8 of its mean."""
    whole = len(samples) // n
    stretches = samples[: whole * n, :3].astype(np.float64).reshape(whole, n, 3)
    rests = np.ptp(stretches, axis=1).max(axis=1) <= np.linalg.norm(stretches.mean(axis=1), axis=1) / 8
    return np.concatenate([np.repeat(rests, n), np.zeros(len(samples) - whole * n, bool)])


COMMON = (
    Fault("dead: 0 from halfway on", _put(faults.stuck), (Condition.STUCK,)),
    Fault("stuck at another value", _stuck_anywhere, (Condition.STUCK,)),
    Fault("frozen halfway at the last sample", _put(faults.frozen), (Condition.STUCK,)),
)
OF_SOUND = (
    *COMMON,
    Fault("clipped: 20 % of the samples", _overdriven, (Condition.CLIPPED,)),
    Fault("half of the packets of 20 ms lost", partial(_packets, 0.02), (Condition.GAP,), 10),
    Fault("unplugged for 10 s, and back", partial(_unplugged, 10), (Condition.MISSING,), 3, unplugged=True),
    Fault("one buffer repeated, usual lengths", partial(_buffer, BUFFERS), (Condition.REPEATED, Condition.STUCK), 5),
)
OF_MOTION = (
    *COMMON,
    Fault("clipped: 30 % of the values", _overdriven, (Condition.CLIPPED,)),
    Fault("half of the packets of 0.5 s lost", partial(_packets, 0.5), (Condition.GAP,), 10),
    Fault("unplugged for 30 s, and back", partial(_unplugged, 30), (Condition.MISSING,), 6, unplugged=True),
    Fault("one axis dead", _axis_dead, (Condition.DEAD_AXIS,), 60),
    Fault("acceleration x 0.5", partial(_acceleration_scaled, 0.5), (Condition.GRAVITY,), 60, of_rest=True),
    Fault("acceleration x 4", partial(_acceleration_scaled, 4.0), (Condition.GRAVITY,), 60, of_rest=True),
    Fault("offset: rest reads 0.7 g or 1.3 g", _along_gravity, (Condition.GRAVITY,), 60, of_rest=True),
    Fault("put on a table", _on_table, (Condition.NOT_WORN,), NOT_WORN_S + 60),
)
UNSEEN_IN_SOUND = (
    Fault("half of the gain", _put(faults.scaled, 0.5), (), 60),
    Fault("a buffer of 1,600 or 4,410 samples repeated", partial(_buffer, (1600, 4410)), (), 60),
    Fault("clipped at half of full scale", _flat_tops, (), 60),
)
UNSEEN_IN_MOTION = (
    Fault("offset of 300 mg across gravity", _across_gravity, (), 60, of_rest=True),
    Fault("a buffer of 32 rows repeated", partial(_buffer, (32,)), (), 60),
)
UNSEEN = (
    "a wearer who does not move for an hour, asleep or unconscious, and a device that nobody wears look the same",
    "a device that is put away and carried about, or that another wearer has on, looks worn",
    "a microphone that is covered, or sounds duller, and an accelerometer whose axes are exchanged, look healthy",
    "a microphone that is dead behind a preamplifier of more than 4 counts of noise sounds like a quiet room",
    "a fault that lasts for less than its number of blocks, such as a stutter of single buffers",
)
