"""Generated motion recordings, written as the CSV files of loggers, to train on without a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from anomsdk.demo.recordings import new_folder
from anomsdk.errors import InputError, printable
from anomsdk.synthetic.motion import CATTLE, PERSON, Behaviour, Disturb, Motion, day, fall, shaking
from anomsdk.utils.text import counted, duration, table

SEED = 7
WEARERS, LATER_WEARERS, RECORDINGS, RECORDING_S = 6, 2, 3, 240
"""Wearers to train on, wearers to evaluate on, recordings of each wearer, and their length in seconds."""
EVENTS, EVENT_S, EVENT_AT_S = 6, 24, 12
LIVE_S, LIVE_EVENTS_S = 180, (60, 130)


@dataclass(frozen=True)
class Scene:
    """Kind of wearer, and the file format of its logger.

    Parameters
    ----------
    wearer : name of one wearer
    behaviours : normal behaviours
    event, event_name : anomalous movement and its name
    rate_hz : sampling rate of the logger, Hz
    header : names of the columns; the time is first
    separator, decimal : characters between two columns, and before the fraction of a number
    scales : factors from g and degrees per second to the units of the file, for ax to gz
    """

    wearer: str
    behaviours: tuple[Behaviour, ...]
    event: Disturb
    event_name: str
    rate_hz: float
    header: tuple[str, ...]
    separator: str
    decimal: str
    scales: tuple[float, ...]


SCENES = {
    "wearable": Scene("person", PERSON, fall, "fall", 50.0, ("time_s", "ax", "ay", "az"), ",", ".", (1.0,) * 3),
    "collar": Scene(
        "cow",
        CATTLE,
        shaking,
        "shaking",
        10.0,
        ("time_ms", "acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"),
        ";",
        ",",
        (9.80665,) * 3 + (1.0,) * 3,
    ),
}
"""Name -> scene. Files of the collar are in m/s2, with the separators of a European spreadsheet."""


@dataclass(frozen=True)
class WrittenMotion:
    """Content of the folder that `write` wrote.

    Parameters
    ----------
    folder : holds normal/, later/, events/ and live.csv
    scene : a key of `SCENES`
    """

    folder: Path
    scene: str


def write(
    folder: str | Path, scene: str, *, seed: int = SEED, progress: Callable[[int, int], None] = lambda done, n: None
) -> WrittenMotion:
    """Write recordings of motion: wearers to train on, other wearers, anomalous movements, and a live recording.

    Parameters
    ----------
    folder : new or empty; ``normal/<wearer>/*.csv``, ``later/<wearer>/*.csv``, ``events/*.csv`` and ``live.csv``
        appear in it together
    scene : a key of `SCENES`
    seed : seed of all random numbers, 0 or more
    progress : called before each file with the number of files written and of all files

    Raises
    ------
    InputError : the folder is not empty, or cannot be written
    """
    if seed < 0:
        raise InputError(f"demo: `seed={seed}`; it must be 0 or more")
    with new_folder(folder) as fresh:
        files = _files(SCENES[scene], seed)
        for done, (name, make) in enumerate(files.items()):
            progress(done, len(files))
            _write_csv(fresh / name, make(), SCENES[scene])
    return WrittenMotion(Path(folder), scene)


def written_report(written: WrittenMotion) -> str:
    """Lay out what was written: the files, and the times of the anomalous movements in live.csv."""
    scene = SCENES[written.scene]
    rows = [
        ("normal/", counted(WEARERS * RECORDINGS, "recording"), f"{WEARERS} wearers to train on"),
        ("later/", counted(LATER_WEARERS * RECORDINGS, "recording"), f"{LATER_WEARERS} others, to evaluate on"),
        ("events/", counted(EVENTS, "recording"), f"each with a {scene.event_name} in it"),
        ("live.csv", duration(LIVE_S), "two more of them, and a gap"),
    ]
    times = [("in live.csv", "from")] + [(scene.event_name, f"{start:.1f} s") for start in LIVE_EVENTS_S]
    return "\n".join(
        [
            printable(f"wrote {written.folder}: generated motion of a {scene.wearer}, {scene.rate_hz:g} Hz"),
            *(f"  {name:<12} {count:<14} {what}" for name, count, what in rows),
            "",
            table(times, right=(1,)),
        ]
    )


def _files(scene: Scene, seed: int) -> dict[str, Callable[[], Motion]]:
    files: dict[str, Callable[[], Motion]] = {}
    for wearer in range(WEARERS + LATER_WEARERS):
        for take in range(RECORDINGS):
            name = f"{'normal' if wearer < WEARERS else 'later'}/{scene.wearer}-{wearer + 1}/{take + 1:02}.csv"
            files[name] = partial(_motion, scene, [seed, 1, wearer, take], RECORDING_S, ())
    for event in range(EVENTS):
        name = f"events/{scene.event_name}-{event + 1}.csv"
        files[name] = partial(_motion, scene, [seed, 2, event], EVENT_S, (EVENT_AT_S,))
    files["live.csv"] = partial(_motion, scene, [seed, 3], LIVE_S, LIVE_EVENTS_S)
    return files


def _motion(scene: Scene, seed: list[int], seconds: float, events_s: tuple[float, ...]) -> Motion:
    rng = np.random.default_rng(seed)
    motion = day(rng, scene.behaviours, seconds, scene.rate_hz)
    for start in events_s:
        scene.event(motion, round(start * scene.rate_hz), rng, scene.rate_hz)
    return motion


def _write_csv(path: Path, motion: Motion, scene: Scene) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unit = 1000 if scene.header[0].endswith("_ms") else 1
    rows = motion[:, : len(scene.scales)] * scene.scales
    kept = np.arange(len(rows))
    if path.name == "live.csv":  # the radio was out of reach for 8 s
        kept = kept[(kept < 95 * scene.rate_hz) | (kept >= 103 * scene.rate_hz)]
    lines = [scene.separator.join(scene.header)]
    for i in kept:
        values = [f"{unit * i / scene.rate_hz:g}", *(f"{value:.4f}" for value in rows[i])]
        lines.append(scene.separator.join(values).replace(".", scene.decimal))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
