"""Motion of a herd, resampled from a seed: pieces of real recordings where they are at hand, else generated ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import MotionSensorPlan, Plan
from anomsdk.errors import InputError, printable
from anomsdk.plans.file import reference_models_folder
from anomsdk.sources.files import open_recordings
from anomsdk.sources.recording import Recording, read_recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat
from anomsdk.synthetic.motion import CATTLE, Motion, day, shaking

FILE = Path("shared") / "data" / "wasp_cow_dev.npz"
"""Recordings of collars, as they are found beside a checkout."""
FIRST_DAY = datetime(2026, 6, 1, tzinfo=timezone.utc)
HOURS = 4
"""Hours of each animal."""
ONE_RECORDING = ((22.0, 4.0),)
SEVERAL = ((20.0, 1.0), (22.5, 2.0), (27.0, 1.0))
"""Recordings of an animal: hours from the beginning of the first day, and length in hours. One passes midnight."""
SEVERAL_EVERY, RESTLESS_EVERY = 4, 50
"""Every 4th animal has several recordings. Every 50th has anomalous pieces in its last one."""
_MOST_G = 2.0
"""Largest mean acceleration of a real piece: a collar that is above it at rest is miscalibrated."""
_COWS, _PIECES, _PIECE_S, _EVENT_S, _EVENTS = 6, 4, 900, 12, 6
"""Generated pieces: cows, pieces of each, their length in seconds, and those with an anomalous movement."""
_FADE_S = 5
"""Seconds in which a piece passes into the next one, as an animal changes its posture."""
_ANOMALOUS_EVERY_S = 300
_BLOCK = 8192

Samples = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces of motion that animals are made of.

    Parameters
    ----------
    cows : normal pieces of each cow, int16 (n, 6) in the counts of the plan
    anomalous : pieces with an anomalous movement
    source : where they come from, in words
    are_real : they were recorded
    """

    cows: tuple[tuple[Samples, ...], ...]
    anomalous: tuple[Samples, ...]
    source: str
    are_real: bool


def recordings_at_hand() -> Path | None:
    """Return the file of real recordings beside the checkout, if it is there."""
    found = reference_models_folder().parent.parent / FILE
    return found if found.is_file() else None


def pieces(plan: Plan, recordings: Path | None, seed: int) -> Pieces:
    """Read pieces from a file of real recordings, or generate them.

    Parameters
    ----------
    plan : Plan of motion with 6 axes
    recordings : .npz with the arrays cow and normal, a value for each recording; None: generate pieces
    seed : of generated pieces, 0 or more

    Raises
    ------
    InputError : the file cannot be read, or does not tell normal recordings and their cows
    """
    return _generated(plan, seed) if recordings is None else _recorded(plan, recordings)


def _recorded(plan: Plan, path: Path) -> Pieces:
    opened = open_recordings(
        path, StreamFormat.of(plan.sensor, plan.columns, plan.duty), reading=ReadOptions(unit="m/s2")
    )
    where = printable(path)
    with np.load(path, allow_pickle=False) as archive:
        missing = [name for name in ("cow", "normal") if name not in archive or archive[name].shape != (len(opened),)]
        if missing:
            raise InputError(f"{where}: has no array {missing[0]} with a value for each recording; give another file")
        cow, normal = archive["cow"], archive["normal"].astype(bool)
    most = _MOST_G * _scales(plan)[0]
    cows, anomalous = dict[str, list[Samples]](), list[Samples]()
    for name, is_normal, each in zip(cow, normal, opened, strict=True):
        samples = read_recording(each)
        if not is_normal:
            anomalous.append(samples)
        elif np.linalg.norm(samples[:, :3].mean(axis=0)) <= most:
            cows.setdefault(str(name), []).append(samples)
    if not cows or not anomalous:
        raise InputError(f"{where}: needs normal recordings and others; give another file")
    found = tuple(tuple(cows[name]) for name in sorted(cows))
    n = sum(map(len, found))
    source = f"{n:,} pieces of real recordings of {len(found)} cows ({where})"
    return Pieces(found, tuple(anomalous), source, True)


def _generated(plan: Plan, seed: int) -> Pieces:
    rng = np.random.default_rng([seed, 0])
    cows = tuple(
        tuple(counts_of(day(rng, CATTLE, _PIECE_S, plan.rate_hz), plan) for _ in range(_PIECES)) for _ in range(_COWS)
    )
    anomalous = tuple(anomalous_piece(rng, plan) for _ in range(_EVENTS))
    return Pieces(cows, anomalous, f"{_COWS * _PIECES} pieces of generated motion", False)


def anomalous_piece(rng: np.random.Generator, plan: Plan) -> Samples:
    """Generate 12 s of a cow that shakes her head, int16 (n, 6) in the counts of a plan."""
    motion = day(rng, CATTLE, _EVENT_S, plan.rate_hz)
    for start_s in (2, 2, 2, 4, 4, 4, 6, 6, 6):  # stronger where several meet
        shaking(motion, round(start_s * plan.rate_hz), rng, plan.rate_hz)
    return counts_of(motion, plan)


def _scales(plan: Plan) -> tuple[float, float]:
    """Return the counts in 1 g and in 1 degree a second."""
    assert isinstance(plan.sensor, MotionSensorPlan)
    return plan.sensor.counts_per_kilo_g / 1000, plan.sensor.counts_per_kilo_dps / 1000


def counts_of(motion: Motion, plan: Plan) -> Samples:
    """Convert motion in g and degrees a second to the counts of a plan, int16 (n, 6)."""
    return np.clip(np.rint(motion * np.repeat(_scales(plan), 3)), -32768, 32767).astype(np.int16)


def name_of(animal: int) -> str:
    """Name an animal by its number from 0.

    Examples
    --------
    >>> name_of(6)
    'cow-0007'
    """
    return f"cow-{animal + 1:04}"


def is_restless(animal: int) -> bool:
    """Return True for an animal with anomalous pieces in its last recording."""
    return animal % RESTLESS_EVERY == 2


def recordings_of(animal: int, of: Pieces, plan: Plan, seed: int) -> tuple[Recording, ...]:
    """Return the recordings of an animal; each is made when it is read, so that a herd takes no memory.

    Parameters
    ----------
    animal : its number from 0
    of : pieces that it is made of: those of one cow
    plan : Plan of the pieces
    seed : of the order of the pieces
    """
    parts = SEVERAL if animal % SEVERAL_EVERY == 0 else ONE_RECORDING
    begin = round(FIRST_DAY.timestamp())
    found = []
    for part, (from_h, hours) in enumerate(parts):
        name, length = f"{name_of(animal)}/{part + 1}", round(hours * 3600 * plan.rate_hz)
        anomalous = is_restless(animal) and part == len(parts) - 1
        read = partial(_blocks, animal, part, of, plan, seed, length, anomalous)
        start_ns = (begin + round(from_h * 3600)) * 1_000_000_000
        found.append(Recording(name, (), length, plan.rate_hz, name, read, start_ns=start_ns))
    return tuple(found)


def _blocks(
    animal: int, part: int, of: Pieces, plan: Plan, seed: int, length: int, anomalous: bool
) -> Iterator[Samples | int]:
    rng = np.random.default_rng([seed, 1, animal, part])
    samples = joined(rng, of.cows[animal % len(of.cows)], length, round(_FADE_S * plan.rate_hz))
    if anomalous:
        every = round(_ANOMALOUS_EVERY_S * plan.rate_hz)
        for start in range(length // 2, length - every, every):
            piece = of.anomalous[rng.integers(len(of.anomalous))][:every]
            samples[start : start + len(piece)] = piece
    for start in range(0, length, _BLOCK):
        yield samples[start : start + _BLOCK]


def joined(rng: np.random.Generator, choice: tuple[Samples, ...], length: int, fade: int) -> Samples:
    """Join pieces in a random order; each passes into the next one.

    Parameters
    ----------
    rng : draws the pieces
    choice : pieces, int16 (n, columns)
    length : samples of the result
    fade : samples in which the end of a piece is mixed with the beginning of the next one; a piece that is not longer
        follows without
    """
    found, at = np.empty((length, choice[0].shape[1]), np.int16), 0
    rising = np.arange(1, fade + 1, dtype=np.int32)[:, None]
    while at < length:
        piece = choice[rng.integers(len(choice))]
        if at >= fade and len(piece) > fade:
            before = found[at - fade : at].astype(np.int32) * (fade + 1 - rising)
            found[at - fade : at] = (before + piece[:fade] * rising) // (fade + 1)
            piece = piece[fade:]
        taken = min(len(piece), length - at)
        found[at : at + taken] = piece[:taken]
        at += taken
    return found
