"""Streams of normal recordings for `benchmarks.health`: those of one scene, person or animal, joined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.sources.dropouts import Samples
from benchmarks.motion_recordings import DATA
from benchmarks.motion_recordings import FILES as MOTION_FILES
from benchmarks.scenes import SESA, without_constant
from benchmarks.signals import ESC10, RATE, recipe

COUNTS_PER_G, COUNTS_PER_DPS = 2048, 16
G = 9.80665
MOST_G = 2.0
"""Largest mean acceleration of a normal recording of cattle: one collar of WASP has 7.7 g at rest in 17 recordings."""
SCENE_STREAMS, SESA_STREAMS = 2, 10
AUDIO, PERSON, WORN, COLLAR = "audio_scene", "human_motion", "worn_anyhow", "cattle_collar"
"""Plans: sound at 16 kHz; three axes at 20 Hz; three axes at 50 Hz; six axes at 10 Hz."""


@dataclass(frozen=True, eq=False)
class Stream:
    """Recordings of one scene, person or animal, one after the other.

    Parameters
    ----------
    plan : name of the plan that watches it
    source : data set
    name : scene, person or animal
    samples : int16 (n,) for sound, (n, columns) in the counts of the plan for motion
    rate_hz : samples a second
    """

    plan: str
    source: str
    name: str
    samples: Samples
    rate_hz: float

    @property
    def hours(self) -> float:
        """Length in hours."""
        return len(self.samples) / self.rate_hz / 3600


def missing() -> str | None:
    """The files that do not exist, in words, or None."""
    absent = [path.name for path in (ESC10, SESA, *(DATA / name for name in MOTION_FILES)) if not path.exists()]
    return f"{', '.join(absent)} not in {DATA}" if absent else None


def sound() -> tuple[list[Stream], float]:
    """Normal scenes of ESC-10, `SCENE_STREAMS` a scene, and the casual sounds of SESA in `SESA_STREAMS` streams.

    Returns
    -------
    streams : without digitally constant stretches of 0.1 s and more
    cut_s : seconds of these stretches
    """
    made = recipe("audio_scene")
    clips, labels, _ = made.load(ESC10)
    of_scenes = {
        f"{name} {i}": [clips[j] for j in np.flatnonzero(labels == name)[i::SCENE_STREAMS]]
        for name in made.NORMAL
        for i in range(SCENE_STREAMS)
    }
    casual = _casual()
    of_sesa = {f"casual {i}": casual[i::SESA_STREAMS] for i in range(SESA_STREAMS)}
    found, cut = list[Stream](), 0
    for source, groups in (("ESC-10", of_scenes), ("SESA", of_sesa)):
        for name, recordings in groups.items():
            kept = np.concatenate([piece for clip in recordings for piece in without_constant(clip)])
            cut += sum(map(len, recordings)) - len(kept)
            found.append(Stream(AUDIO, source, name, kept, RATE))
    return found, cut / RATE


def motion() -> list[Stream]:
    """Daily activities of people and normal behaviour of cattle: one stream a person or animal and place."""
    umafall, sisfall = _arrays("umafall_dev.npz"), _arrays("sisfall_dev.npz")
    people = umafall["is_fall_recording"] == 0
    found = list[Stream]()
    for place, first in (("waist", 0), ("wrist", 6)):
        x = _counts(umafall["x"][:, first : first + 3], umafall["scale"][first])
        found += _joined(PERSON, f"UMAFall {place}", x, umafall["offsets"], umafall["subject"], people, 20.0)
    phone = _counts(umafall["phone_x"], umafall["phone_scale"])
    found += _joined(WORN, "UMAFall phone", phone, umafall["phone_offsets"], umafall["subject"], people, 50.0)
    waist = _counts(sisfall["x"], sisfall["scale"])
    normal = sisfall["is_fall_recording"] == 0
    found += _joined(WORN, "SisFall waist", waist, sisfall["offsets"], sisfall["subject"], normal, 50.0)
    return found + cattle(faulty=False)


def cattle(*, faulty: bool) -> list[Stream]:
    """Normal behaviour of cattle, without the recordings of the collar of 7.7 g, or (faulty) these alone.

    Most normal recordings of the second file show hours of the first file again; they are left out.
    """
    found, taken = list[Stream](), list[tuple[int, float, float]]()
    for file in MOTION_FILES[2:]:
        z = _arrays(file)
        acceleration = _counts(z["x"][:, :3], z["scale"][:3] / G)
        rotation = _counts(z["x"][:, 3:], z["scale"][3:], COUNTS_PER_DPS)
        x, ends = np.hstack([acceleration, rotation]), z["offsets"]
        spans = list(
            zip(z["cow"].tolist(), z["t0"].tolist(), (z["t0"] + np.diff(ends) / z["fs"]).tolist(), strict=True)
        )
        again = [any(cow == c and start < e and s < stop for c, s, e in taken) for cow, start, stop in spans]
        taken += spans
        means = [x[a:b, :3].mean(axis=0) for a, b in pairwise(ends)]
        mean_g = np.linalg.norm(means, axis=1) / COUNTS_PER_G
        chosen = z["normal"] & ((mean_g > MOST_G) == faulty) & ~np.array(again)
        found += _joined(COLLAR, "WASP mounts" if "mounts" in file else "WASP", x, ends, z["cow"], chosen, 10.0)
    return found


def _joined(
    plan: str,
    source: str,
    x: Samples,
    ends: NDArray[np.int64],
    names: NDArray[np.generic],
    chosen: NDArray[np.bool_],
    rate_hz: float,
) -> Iterable[Stream]:
    for name in sorted({str(each) for each in names[chosen]}):
        which = np.flatnonzero(chosen & (names.astype(str) == name))
        samples = np.concatenate([x[ends[i] : ends[i + 1]] for i in which])
        yield Stream(plan, source, name, samples, rate_hz)


def _counts(x: Samples, scale: NDArray[np.float64] | float, per_unit: float = COUNTS_PER_G) -> Samples:
    return np.clip(np.rint(x * (scale * per_unit)), -32768, 32767).astype(np.int16)


def _casual() -> list[Samples]:
    z = _arrays(Path(SESA).name)
    which = np.flatnonzero(z["label"] == "casual")
    x, ends = z["x"], z["offsets"]
    return [((x[ends[i] : ends[i + 1]].astype(np.int32) - 128) * 256).astype(np.int16) for i in which]


def _arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(DATA / name, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}
