"""Recordings of motion of people and cattle for `benchmarks.motion`, read with `anomsdk.sources`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.planner.front_end import sensor_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources import ReadOptions, Recording, StreamFormat, open_recordings, read_recording
from anomsdk.sources.dropouts import Samples
from anomsdk.sources.stream_format import G

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = ("sisfall_dev.npz", "umafall_dev.npz", "wasp_cow_dev.npz", "wasp_cow_mounts_dev.npz")
SEGMENT_S = 6.0
"""Length of the segments of normal recordings of cattle. Uncut, their length alone would tell them from events."""
MOST_G = 2.0
"""Largest mean acceleration of a recording of cattle. One collar has 7.7 g at rest in 18 normal recordings."""


@dataclass(frozen=True)
class Place:
    """Place of a recording or of a segment: the file, the index in it, start and end in seconds."""

    file: str
    reading: ReadOptions
    index: int
    start_s: float = 0.0
    stop_s: float = math.inf


@dataclass(frozen=True, eq=False)
class Movement:
    """Recordings of one data set.

    Parameters
    ----------
    name : name in the tables
    places : place of each recording
    seconds : length of each recording
    groups : subject or animal of each recording
    anomalous : True for each recording that holds an event
    labels : activity of each recording
    """

    name: str
    places: tuple[Place, ...]
    seconds: NDArray[np.float64]
    groups: NDArray[np.str_]
    anomalous: NDArray[np.bool_]
    labels: NDArray[np.str_]

    def part(self, which: NDArray[np.bool_]) -> Movement:
        """Choose recordings by a mask."""
        return replace(
            self,
            places=tuple(self.places[i] for i in np.flatnonzero(which)),
            seconds=self.seconds[which],
            groups=self.groups[which],
            anomalous=self.anomalous[which],
            labels=self.labels[which],
        )

    @property
    def hours(self) -> NDArray[np.float64]:
        """Length of each normal recording in hours."""
        return self.seconds[~self.anomalous] / 3600

    def counts(self, spec: PipelineSpec) -> list[Samples]:
        """Samples in the counts and at the rate of a spec; recordings too short for a tick are padded at both ends."""
        stream_format = StreamFormat.of(sensor_plan(spec), spec.columns)
        shortest = spec.window_length + (spec.context.frames - 1) * spec.hop_length
        found = []
        for place in self.places:
            samples = read_recording(_opened(place.file, place.reading, stream_format)[place.index])
            first, last = (min(len(samples), s * stream_format.rate_hz) for s in (place.start_s, place.stop_s))
            segment = samples[round(first) : round(last)]
            lack = max(0, shortest - len(segment))
            found.append(np.pad(segment, ((lack // 2, lack - lack // 2), (0, 0)), mode="edge"))
        return found


def missing() -> str | None:
    """The files that do not exist, in words, or None."""
    absent = [name for name in FILES if not (DATA / name).exists()]
    return f"{', '.join(absent)} not in {DATA}" if absent else None


@cache
def _opened(file: str, reading: ReadOptions, stream_format: StreamFormat) -> Sequence[Recording]:
    return open_recordings(DATA / file, stream_format, reading=reading)


@cache
def _arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(DATA / name, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


@cache
def sisfall() -> Movement:
    """SisFall, waist, 50 Hz: daily activities and staged falls."""
    z = _arrays("sisfall_dev.npz")
    return _of_people("SisFall waist", "sisfall_dev.npz", ReadOptions(unit="g"), np.diff(z["offsets"]) / z["fs"])


@cache
def umafall(place: str) -> Movement:
    """UMAFall, waist or wrist at 20 Hz, or phone in the pocket at 50 Hz: daily activities and staged falls."""
    z = _arrays("umafall_dev.npz")
    if place == "phone":
        reading, seconds = ReadOptions(unit="g", array="phone_x"), np.diff(z["phone_offsets"]) / z["phone_fs"]
    else:
        reading = ReadOptions(unit="g", axes=tuple(f"{place}_{axis}" for axis in ("ax", "ay", "az")))
        seconds = np.diff(z["offsets"]) / z["fs"]
    every = _of_people(f"UMAFall {place}", "umafall_dev.npz", reading, seconds)
    return every.part(seconds > 1)


def _of_people(name: str, file: str, reading: ReadOptions, seconds: NDArray[np.float64]) -> Movement:
    z = _arrays(file)
    places = tuple(Place(file, reading, i) for i in range(len(seconds)))
    groups = np.array([str(subject) for subject in z["subject"]])
    return Movement(name, places, seconds, groups, z["is_fall_recording"] > 0, z["activity"])


@cache
def cattle() -> Movement:
    """WASP collars, 10 Hz, six axes: normal behaviour in segments; rare events, mounts and head nods uncut."""
    places, groups, anomalous, labels, seconds = list[Place](), list[str](), list[bool](), list[str](), list[float]()
    for file in FILES[2:]:
        z = _arrays(file)
        acceleration, ends = z["x"][:, :3] * z["scale"][:3] / G, z["offsets"]
        for i, odd in enumerate(~z["normal"]):
            if np.linalg.norm(acceleration[ends[i] : ends[i + 1]].mean(axis=0)) > MOST_G:
                continue
            length = float((ends[i + 1] - ends[i]) / z["fs"])
            n = 1 if odd else max(1, int(length // SEGMENT_S))
            each = length if (n == 1 and length < SEGMENT_S) or odd else SEGMENT_S
            places += [Place(file, ReadOptions(unit="m/s2"), i, k * each, (k + 1) * each) for k in range(n)]
            seconds += [each] * n
            groups += [str(z["cow"][i])] * n
            anomalous += [bool(odd)] * n
            labels += [str(z["label"][i])] * n
    return Movement(
        "WASP collars", tuple(places), np.array(seconds), np.array(groups), np.array(anomalous), np.array(labels)
    )


def joined(name: str, parts: Iterable[Movement]) -> Movement:
    """Join several data sets, which may have different rates."""
    every = list(parts)
    return Movement(
        name,
        tuple(place for part in every for place in part.places),
        np.concatenate([part.seconds for part in every]),
        np.concatenate([[f"{part.name} {group}" for group in part.groups] for part in every]),
        np.concatenate([part.anomalous for part in every]),
        np.concatenate([part.labels for part in every]),
    )
