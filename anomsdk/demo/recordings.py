"""Generated sound recordings, written as .wav files, to train on without a microphone."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable
from anomsdk.synthetic.sound import EVENT_S, RATE_HZ, Anomaly, Sound, add, as_int16, bed, foreign, noise
from anomsdk.utils.files import parents_made, unwritable
from anomsdk.utils.text import counted, duration, table

SEED = 7
DAYS, LATER_DAYS, RECORDINGS_A_DAY, RECORDING_S = 6, 2, 4, 14
"""Days to train on, days to evaluate on, recordings of each day, and their length in seconds."""
TONIGHT_S = 90
_DAY_DB, _GUST_DB = 2.5, 8.0
"""Largest change of the level of rain and sea from day to day, up or down, and largest rise in a gust, in dB."""


@dataclass(frozen=True)
class Written:
    """Content of the folder that `write` wrote.

    Parameters
    ----------
    folder : holds normal/, later/, events/ and tonight.wav
    recordings : number of normal recordings to train on, and of later days
    events : names of the foreign sounds, one file each
    anomalies : foreign sounds in tonight.wav, with their times
    """

    folder: Path
    recordings: tuple[int, int]
    events: tuple[str, ...]
    anomalies: tuple[Anomaly, ...]


def write(
    folder: str | Path, *, seed: int = SEED, progress: Callable[[int, int], None] = lambda done, n: None
) -> Written:
    """Write recordings of the scene: normal days to train on, later normal days, foreign sounds, and a night.

    Parameters
    ----------
    folder : new or empty; ``normal/<day>/*.wav``, ``later/<day>/*.wav``, ``events/*.wav`` and ``tonight.wav``
        appear in it together: 16 kHz, 16 bits, mono
    seed : seed of the noise, 0 or more
    progress : called before each file with the number of files written and of all files

    Raises
    ------
    InputError : the folder is not empty, or cannot be written
    """
    if seed < 0:
        raise InputError(f"demo: `seed={seed}`; it must be 0 or more")
    with new_folder(folder) as fresh:
        return _write_all(fresh, Path(folder), seed, progress)


@contextmanager
def new_folder(folder: str | Path) -> Iterator[Path]:
    """Give a temporary folder to write into, which is put in place at the end if nothing failed.

    Parameters
    ----------
    folder : place of the new folder; must not exist, or be empty

    Raises
    ------
    InputError : the place is taken, or cannot be written to
    """
    folder = Path(folder)
    shown = printable(folder)
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{shown}: is a file; give a new folder")
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"{shown}: is not empty; give a new folder")
        with (
            parents_made(folder),
            tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name[:64]}.") as temporary,
        ):
            fresh = Path(temporary) / "new"
            fresh.mkdir()
            yield fresh
            os.replace(fresh, folder)  # noqa: PTH105 (a folder)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise unwritable(folder, error) from None


def written_report(written: Written) -> str:
    """Lay out what was written: the files, and the times of the foreign sounds in tonight.wav."""
    normal, later = written.recordings
    rows = [
        ("normal/", counted(normal, "recording"), f"{DAYS} days to train on"),
        ("later/", counted(later, "recording"), f"{LATER_DAYS} other days, normal too, to evaluate on"),
        ("events/", counted(len(written.events), "recording"), "sounds that do not belong, alone"),
        ("tonight.wav", duration(TONIGHT_S), "a calm day with two of them"),
    ]
    times = [("in tonight.wav", "from", "to")]
    times += [(a.name, f"{a.start_s:.1f} s", f"{a.end_s:.1f} s") for a in written.anomalies]
    return "\n".join(
        [
            printable(f"wrote {written.folder}: generated rain, sea and crackle, 16 kHz, 16 bits, mono"),
            *(f"  {name:<12} {count:<14} {what}" for name, count, what in rows),
            "",
            table(times, right=(1, 2)),
        ]
    )


def _write_all(fresh: Path, folder: Path, seed: int, progress: Callable[[int, int], None]) -> Written:
    sounds: dict[str, Callable[[], Sound]] = {}
    rng = np.random.default_rng([seed, 1])
    days = DAYS + LATER_DAYS
    # Levels are spread evenly over the range, so that no later day is far from the days of training.
    rain_db, sea_db = (_DAY_DB * rng.permutation(np.linspace(-1, 1, days)) for _ in range(2))
    for day in range(days):
        for take in range(RECORDINGS_A_DAY):
            name = f"{'normal' if day < DAYS else 'later'}/day-{day + 1}/{take + 1:02}.wav"
            level = float(rain_db[day]), float(sea_db[day])
            sounds[name] = partial(_weather, np.random.default_rng([seed, 2, day, take]), *level)
    events = foreign()
    for name, sound in events.items():
        sounds[f"events/{name.replace(' ', '-')}.wav"] = partial(np.copy, sound)
    anomalies = Anomaly(30.0, 30.0 + EVENT_S, "siren"), Anomaly(65.0, 65.0 + EVENT_S, "knocking")

    def tonight() -> Sound:
        sound = bed(np.random.default_rng([seed, 3]), TONIGHT_S)
        for anomaly in anomalies:
            add(sound, anomaly, events[anomaly.name])
        return sound

    sounds["tonight.wav"] = tonight
    for done, (name, make) in enumerate(sounds.items()):
        progress(done, len(sounds))
        _write_wav(fresh / name, as_int16(make()))
    counts = DAYS * RECORDINGS_A_DAY, LATER_DAYS * RECORDINGS_A_DAY
    return Written(folder, counts, tuple(events), anomalies)


def _weather(rng: np.random.Generator, rain_db: float, sea_db: float) -> Sound:
    """Generate a recording of a day: rain and sea, with one or two gusts of rain."""
    slow, fast = rng.uniform(0, 2 * np.pi, 2)
    sound = bed(rng, RECORDING_S, rain_db, sea_db, slow, fast)
    for _ in range(rng.integers(1, 3)):
        gust = noise(rng, 1 / (1 + (np.fft.rfftfreq(3 * RATE_HZ, 1 / RATE_HZ) / 2500) ** 2), -32.0 + rain_db)
        start = int(rng.integers(0, len(sound) - len(gust)))
        sound[start : start + len(gust)] += gust * np.hanning(len(gust)) * 10 ** (rng.uniform(0, _GUST_DB) / 20)
    return sound


def _write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    made = io.BytesIO()  # libsndfile does not say that a disk is full
    soundfile.write(made, samples, RATE_HZ, format="WAV", subtype="PCM_16")
    path.write_bytes(made.getvalue())
