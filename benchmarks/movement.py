"""Recordings of motion, people's and cattle's, in g and degrees a second: what `benchmarks.motion` scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.constant import Samples
from anomsdk.spec import MotionSensor

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = ("sisfall_dev.npz", "umafall_dev.npz", "wasp_cow_dev.npz", "wasp_cow_mounts_dev.npz")
STANDARD_GRAVITY = 9.80665
PIECE_S = 6.0
"""Normal recordings of cattle are cut into pieces of this length: their length alone would tell them from events."""
MOST_G = 2.0
"""Recordings of cattle whose mean acceleration is longer are left out: 18 normal ones of one collar say 7.7 g at rest."""

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Movement:
    """Recordings of one kind.

    Parameters
    ----------
    name : in the tables
    rate_hz : of all of them
    recordings : float32 (n, 3) in g, or (n, 6), the last three in degrees a second
    groups : subject or animal of each
    anomalous : which of them hold something unusual
    labels : what each of them is
    """

    name: str
    rate_hz: float
    recordings: tuple[Floats, ...]
    groups: NDArray[np.str_]
    anomalous: NDArray[np.bool_]
    labels: NDArray[np.str_]

    def part(self, which: NDArray[np.bool_]) -> Movement:
        """Some of the recordings."""
        kept = tuple(self.recordings[i] for i in np.flatnonzero(which))
        return replace(
            self,
            recordings=kept,
            groups=self.groups[which],
            anomalous=self.anomalous[which],
            labels=self.labels[which],
        )

    @property
    def hours(self) -> NDArray[np.float64]:
        """Length of each normal recording."""
        lengths = [len(x) for x, odd in zip(self.recordings, self.anomalous, strict=True) if not odd]
        return np.array(lengths) / self.rate_hz / 3600

    def counts(self, sensor: MotionSensor, shortest: int) -> list[Samples]:
        """What a sensor would have given, at its own rate; those too short are padded at both ends."""
        return [_padded(_counts(x, sensor), shortest) for x in self.at(sensor.rate_hz).recordings]

    def at(self, rate_hz: float) -> Movement:
        """Resampled, where the rate differs."""
        return self if rate_hz == self.rate_hz else _resampled(self, rate_hz)


def missing() -> str | None:
    """Why nothing can be measured; None: everything is there."""
    absent = [name for name in FILES if not (DATA / name).exists()]
    return f"{', '.join(absent)} not in {DATA}" if absent else None


@cache
def _arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(DATA / name, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


@cache
def sisfall() -> Movement:
    """Waist, 50 Hz: daily activities and staged falls."""
    z = _arrays("sisfall_dev.npz")
    found = _cut(z["x"].astype(np.float32) * np.float32(z["scale"]), z["offsets"])
    return Movement("SisFall waist", 50.0, found, _words(z["subject"]), z["is_fall_recording"] > 0, z["activity"])


@cache
def umafall(place: str) -> Movement:
    """Waist or wrist at 20 Hz, or the phone in the pocket at 50 Hz: daily activities and staged falls."""
    z = _arrays("umafall_dev.npz")
    if place == "phone":
        x, offsets, rate = z["phone_x"] * np.float32(z["phone_scale"]), z["phone_offsets"], 50.0
    else:
        first = {"waist": 0, "wrist": 6}[place]
        columns = slice(first, first + 3)
        x, offsets, rate = z["x"][:, columns] * z["scale"][columns].astype(np.float32), z["offsets"], 20.0
    found = _cut(x.astype(np.float32), offsets)
    every = Movement(f"UMAFall {place}", rate, found, _words(z["subject"]), z["is_fall_recording"] > 0, z["activity"])
    return every.part(np.array([len(each) > rate for each in found]))


@cache
def cattle() -> Movement:
    """Collars, 10 Hz, six axes: normal behaviour in pieces, rare events, mounts and head nods whole."""
    recordings, groups, anomalous, labels = list[Floats](), list[str](), list[bool](), list[str]()
    for name in FILES[2:]:
        z = _arrays(name)
        x = z["x"].astype(np.float32) * z["scale"].astype(np.float32)
        x[:, :3] /= STANDARD_GRAVITY
        n = round(PIECE_S * float(z["fs"]))
        for i, whole in enumerate(_cut(x, z["offsets"])):
            odd = not z["normal"][i]
            if np.linalg.norm(whole[:, :3].mean(axis=0)) > MOST_G:
                continue
            pieces = [whole] if odd else [whole[a : a + n] for a in range(0, len(whole) - n + 1, n)] or [whole]
            recordings += pieces
            groups += [str(z["cow"][i])] * len(pieces)
            anomalous += [odd] * len(pieces)
            labels += [str(z["label"][i])] * len(pieces)
    return Movement("WASP collars", 10.0, tuple(recordings), np.array(groups), np.array(anomalous), np.array(labels))


def joined(name: str, parts: Iterable[Movement]) -> Movement:
    """Several, at one rate."""
    every = list(parts)
    return Movement(
        name,
        every[0].rate_hz,
        tuple(x for part in every for x in part.recordings),
        np.concatenate([[f"{part.name} {group}" for group in part.groups] for part in every]),
        np.concatenate([part.anomalous for part in every]),
        np.concatenate([part.labels for part in every]),
    )


def _cut(x: Floats, offsets: NDArray[np.int64]) -> tuple[Floats, ...]:
    return tuple(x[a:b] for a, b in pairwise(offsets))


def _words(labels: np.ndarray) -> NDArray[np.str_]:
    return np.array([str(label) for label in labels])


@cache
def _resampled(movement: Movement, rate_hz: float) -> Movement:
    from scipy.signal import resample_poly

    ratio = Fraction(rate_hz / movement.rate_hz).limit_denominator(1000)
    convert: Callable[[Floats], Floats] = lambda x: resample_poly(  # noqa: E731
        x, ratio.numerator, ratio.denominator, axis=0, padtype="line"
    )
    return replace(movement, rate_hz=rate_hz, recordings=tuple(map(convert, movement.recordings)))


def _counts(x: Floats, sensor: MotionSensor) -> Samples:
    most = 32767 if sensor.full_scale_g is None else min(32767.0, sensor.full_scale_g * sensor.counts_per_g)
    acceleration = np.clip(np.rint(x[:, :3] * sensor.counts_per_g), -most, most)
    if sensor.axes == 3:
        return acceleration.astype(np.int16)
    assert sensor.counts_per_dps is not None
    rotation = np.clip(np.rint(x[:, 3:] * sensor.counts_per_dps), -32767, 32767)
    return np.hstack([acceleration, rotation]).astype(np.int16)


def _padded(samples: Samples, shortest: int) -> Samples:
    lack = max(0, shortest - len(samples))
    return np.pad(samples, ((lack // 2, lack - lack // 2), (0, 0)), mode="edge") if lack else samples
