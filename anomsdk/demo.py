"""The demonstration: a generated scene with two anomalies at known times, and a plan that finds them.

`write` makes recordings of such a scene, to train on where there is no microphone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.announce import ratio
from anomsdk.core.event import State
from anomsdk.core.plan import Plan
from anomsdk.display import bar, clock, counted, duration, plot, table
from anomsdk.errors import InputError, printable
from anomsdk.runtime import Pipeline

RATE_HZ = 16_000
SECONDS = 75
SEED = 7
TOLERANCE_S = 2.0
"""An alarm belongs to an anomaly when it comes this soon after its end: the context remembers a second."""
_BLOCK = 1600

DAYS, LATER_DAYS, RECORDINGS_A_DAY, RECORDING_S = 6, 2, 4, 14
"""What `write` makes: days to train on, days to evaluate on, recordings of each, their length in seconds."""
TONIGHT_S = 90
EVENT_S = 3.0
_DAY_DB, _GUST_DB = 2.5, 8.0
"""A day's rain and sea are up to so much louder or quieter, and gusts of rain so much louder still. Tonight is calm."""

Sound = NDArray[np.float64]


@dataclass(frozen=True)
class Anomaly:
    """Something in the scene that does not belong there."""

    start_s: float
    end_s: float
    name: str


@dataclass(frozen=True)
class Demo:
    """What `run` found.

    Parameters
    ----------
    plan, engine : what ran
    seconds : length of the scene
    ratios : score over raise level of each tick
    alarms : (seconds, score over raise level) of each alarm raised
    cleared : seconds at which an alarm ended
    found : (anomaly, seconds of its first alarm, or None) for each anomaly
    elsewhere : seconds of alarms that belong to no anomaly
    """

    plan: Plan
    engine: str
    seconds: float
    ratios: tuple[float, ...]
    alarms: tuple[tuple[float, float], ...]
    cleared: tuple[float, ...]
    found: tuple[tuple[Anomaly, float | None], ...]
    elsewhere: tuple[float, ...]

    @property
    def passed(self) -> bool:
        """Every anomaly raised an alarm, and nothing else did."""
        return not self.elsewhere and all(at is not None for _, at in self.found)


def scene(seed: int = SEED) -> tuple[NDArray[np.int16], tuple[Anomaly, ...]]:
    """75 s of rain and sea with some crackle, all of it generated, and two anomalies.

    Parameters
    ----------
    seed : of the noise, 0 or more

    Returns
    -------
    samples : int16 (1,200,000,), 16 kHz
    anomalies : in the order of their times
    """
    if seed < 0:
        raise InputError(f"demo: seed = {seed}; it must be 0 or more")
    sound = _bed(np.random.default_rng(seed), SECONDS)
    siren, alarm = Anomaly(20.0, 25.0, "siren"), Anomaly(48.0, 53.0, "two-tone alarm")
    _add(sound, siren, _siren(siren.end_s - siren.start_s))
    _add(sound, alarm, _two_tone(alarm.end_s - alarm.start_s))
    return _as_int16(sound), (siren, alarm)


def run(
    plan: Plan,
    engine: str = "reference",
    *,
    seed: int = SEED,
    progress: Callable[[int], None] = lambda samples: None,
) -> Demo:
    """Run a plan over the scene, in blocks of 100 ms as a microphone would give them.

    Parameters
    ----------
    plan : Plan of 16 kHz audio
    engine : as `anomsdk.Pipeline`
    seed : as `scene`
    progress : called with the samples heard so far

    Raises
    ------
    InputError : the plan is for another kind of sensor or another rate
    """
    if plan.sensor.kind != "audio" or plan.rate_hz != RATE_HZ:
        raise InputError(
            f"demo: {plan.name} is for {plan.sensor.kind} at {plan.rate_hz:g} Hz; the scene is audio at {RATE_HZ} Hz"
        )
    samples, anomalies = scene(seed)
    ratios, alarms, cleared = [], [], []
    with Pipeline(plan, engine) as pipeline:
        for start in range(0, len(samples), _BLOCK):
            progress(start)
            for result in pipeline.process(samples[start : start + _BLOCK]):
                ratios.append(result.score / plan.levels.raise_score)
                at = (result.hop * plan.framer.hop + plan.framer.window) / RATE_HZ
                for event in result.events:
                    if event.state == State.UNACK_ALARM:
                        alarms.append((at, ratios[-1]))
                    else:
                        cleared.append(at)
    times = [at for at, _ in alarms]
    found = tuple((a, next((t for t in times if _belongs(t, a)), None)) for a in anomalies)
    elsewhere = tuple(t for t in times if not any(_belongs(t, a) for a in anomalies))
    return Demo(plan, engine, len(samples) / RATE_HZ, tuple(ratios), tuple(alarms), tuple(cleared), found, elsewhere)


def report(demo: Demo) -> str:
    """What `anomsdk demo` prints: the plot, the alarms, and what became of each anomaly."""
    plan = demo.plan
    times = [at for at, _ in demo.alarms]
    waiting = plan.samples_to_first_tick - plan.samples_per_tick
    silent = (0.0,) * round(waiting / plan.samples_per_tick)  # so that the plot starts at 0 s
    lines = [
        f"A scene of {duration(demo.seconds)}, generated from a fixed seed: rain, sea, crackle,",
        "and two sounds that do not belong.",
        f"Plan {plan.name} ({plan.id[:12]}), engine {demo.engine}: {counted(len(demo.ratios), 'tick')}.",
        "",
        "score over raise level",
        plot(silent + demo.ratios, demo.seconds, times, demo.cleared),
        f"{'':7}▲ alarm  ▽ clear",
        "",
        *(f"  {clock(at)}  ALARM  {ratio(high):>6}  {bar(high / 4, 24)}".rstrip() for at, high in demo.alarms),
        "",
        table(
            [
                ("anomaly", "from", "to", "alarm", "after"),
                *((a.name, f"{a.start_s:.1f} s", f"{a.end_s:.1f} s", *_when(a, at)) for a, at in demo.found),
            ],
            right=(1, 2, 3, 4),
        ),
    ]
    lines += [f"alarm at {at:.1f} s, where nothing unusual is" for at in demo.elsewhere]
    lines += ["", f"written: nothing; events that left the pipeline: {16 * (len(times) + len(demo.cleared))} bytes"]
    return "\n".join(lines)


@dataclass(frozen=True)
class Written:
    """What `write` wrote.

    Parameters
    ----------
    folder : holds normal/, later/, events/ and tonight.wav
    recordings : normal recordings to train on, and those of later days
    events : sounds that do not belong, each a file
    anomalies : those in tonight.wav
    """

    folder: Path
    recordings: tuple[int, int]
    events: tuple[str, ...]
    anomalies: tuple[Anomaly, ...]


def write(
    folder: str | Path, *, seed: int = SEED, progress: Callable[[int, int], None] = lambda done, n: None
) -> Written:
    """Write recordings of the scene: normal days to train on, later ones, sounds that do not belong, and a night.

    Parameters
    ----------
    folder : new or empty; ``normal/<day>/*.wav``, ``later/<day>/*.wav``, ``events/*.wav`` and ``tonight.wav``
        appear in it together: 16 kHz, 16 bits, mono
    seed : of the noise, 0 or more
    progress : called with files written and to write

    Raises
    ------
    InputError : the folder holds something, or cannot be written
    """
    if seed < 0:
        raise InputError(f"demo: seed = {seed}; it must be 0 or more")
    folder = Path(folder)
    shown = printable(folder)
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{shown}: is a file; give a new folder")
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"{shown}: is not empty; give a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            fresh = Path(temporary) / "new"
            written = _write_all(fresh, folder, seed, progress)
            os.replace(fresh, folder)  # noqa: PTH105 (a folder)
    except OSError as error:
        raise InputError(f"{shown}: cannot be written: {error.strerror}") from None
    return written


def written_report(written: Written) -> str:
    """What `anomsdk demo --write` prints: the files, and when tonight.wav holds what does not belong."""
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
    # Spread evenly over the range, so that no later day is far from those trained on.
    rain_db, sea_db = (_DAY_DB * rng.permutation(np.linspace(-1, 1, days)) for _ in range(2))
    for day in range(days):
        for take in range(RECORDINGS_A_DAY):
            name = f"{'normal' if day < DAYS else 'later'}/day-{day + 1}/{take + 1:02}.wav"
            level = float(rain_db[day]), float(sea_db[day])
            sounds[name] = partial(_weather, np.random.default_rng([seed, 2, day, take]), *level)
    events = _events()
    for name, sound in events.items():
        sounds[f"events/{name.replace(' ', '-')}.wav"] = partial(np.copy, sound)
    anomalies = Anomaly(30.0, 30.0 + EVENT_S, "siren"), Anomaly(65.0, 65.0 + EVENT_S, "knocking")

    def tonight() -> Sound:
        sound = _bed(np.random.default_rng([seed, 3]), TONIGHT_S)
        for anomaly in anomalies:
            _add(sound, anomaly, events[anomaly.name])
        return sound

    sounds["tonight.wav"] = tonight
    for done, (name, make) in enumerate(sounds.items()):
        progress(done, len(sounds))
        _write_wav(fresh / name, _as_int16(make()))
    counts = DAYS * RECORDINGS_A_DAY, LATER_DAYS * RECORDINGS_A_DAY
    return Written(folder, counts, tuple(events), anomalies)


def _weather(rng: np.random.Generator, rain_db: float, sea_db: float) -> Sound:
    """A recording of a day: a bed with one or two gusts of rain."""
    slow, fast = rng.uniform(0, 2 * np.pi, 2)
    sound = _bed(rng, RECORDING_S, rain_db, sea_db, slow, fast)
    for _ in range(rng.integers(1, 3)):
        gust = _noise(rng, 1 / (1 + (np.fft.rfftfreq(3 * RATE_HZ, 1 / RATE_HZ) / 2500) ** 2), -32.0 + rain_db)
        start = int(rng.integers(0, len(sound) - len(gust)))
        sound[start : start + len(gust)] += gust * np.hanning(len(gust)) * 10 ** (rng.uniform(0, _GUST_DB) / 20)
    return sound


def _write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    except soundfile.SoundFileError as error:
        raise InputError(f"{printable(path.name)}: cannot be written: {printable(error)}") from None


def _when(anomaly: Anomaly, at: float | None) -> tuple[str, str]:
    return ("none", "") if at is None else (f"{at:.1f} s", f"{at - anomaly.start_s:.1f} s")


def _belongs(at: float, anomaly: Anomaly) -> bool:
    return anomaly.start_s <= at <= anomaly.end_s + TOLERANCE_S


# The sounds


def _bed(
    rng: np.random.Generator,
    seconds: int,
    rain_db: float = 0.0,
    sea_db: float = 0.0,
    slow: float = 0.0,
    fast: float = 0.0,
) -> Sound:
    """Rain, a sea that swells, and crackle; rain and sea so many dB louder, the swell from two phases (rad) on."""
    n = seconds * RATE_HZ
    t = np.arange(n) / RATE_HZ
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ)
    # Slopes as recordings of rain and of the sea have them, levels in dB below full scale.
    rain = _noise(rng, 1 / (1 + (hz / 2000) ** 2), -32.0 + rain_db)
    sea = _noise(rng, hz**2 / (hz**2 + 250**2) / (1 + (hz / 1000) ** 2.2), -30.0 + sea_db)
    swell_db = 3 * np.sin(2 * np.pi * t / 11 + slow) + np.sin(2 * np.pi * t / 4.3 + fast)
    return np.asarray(rain + sea * 10 ** (swell_db / 20) + _crackle(rng, n))


def _as_int16(sound: Sound) -> NDArray[np.int16]:
    return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)


def _noise(rng: np.random.Generator, power: Sound, level_db: float) -> Sound:
    """Gaussian noise with a power spectrum (up to a factor) and a level, dB re full scale."""
    n = 2 * (len(power) - 1)
    shaped = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * np.sqrt(power), n)
    return np.asarray(shaped * 10 ** (level_db / 20) / shaped.std())


def _crackle(rng: np.random.Generator, n: int) -> Sound:
    """Clicks of a few milliseconds, about three a second, none of them loud."""
    sound = np.zeros(n)
    decay = np.exp(-np.arange(160) / 25)
    for start in rng.integers(0, n - len(decay), 3 * n // RATE_HZ):
        sound[start : start + len(decay)] += rng.uniform(0.01, 0.05) * decay * rng.standard_normal(len(decay))
    return sound


def _siren(seconds: float) -> Sound:
    """Rises and falls between 600 and 1400 Hz once a second."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return _tone(1000 - 400 * np.cos(2 * np.pi * t))


def _two_tone(seconds: float) -> Sound:
    """2 kHz and 5 kHz in turn, half a second each."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return _tone(np.where(t % 1 < 0.5, 2000.0, 5000.0))


def _events() -> dict[str, Sound]:
    """Sounds of `EVENT_S` that do not belong, by name."""
    t = np.arange(round(EVENT_S * RATE_HZ)) / RATE_HZ
    rng = np.random.default_rng(SEED)
    noise = rng.standard_normal(len(t))

    def struck(every_s: float, decay_s: float) -> Sound:
        return np.asarray(np.exp(-(t % every_s) / decay_s))

    voice = np.sum([np.sin(2 * np.pi * k * (190 * t + 4 * np.sin(2 * np.pi * t))) / k for k in range(1, 20)], axis=0)
    pulse = np.sin(2 * np.pi * 3 * t) > 0
    sounds = {
        "siren": _siren(EVENT_S),
        "two-tone alarm": _two_tone(EVENT_S),
        "knocking": _lowpassed(noise, 8) * struck(0.4, 0.05),
        "glass": noise * struck(0.75, 0.12) + 0.5 * np.sin(2 * np.pi * 4300 * t) * struck(0.75, 0.2),
        "hum of a voice": voice,
        "beeps": np.sin(2 * np.pi * 3100 * t) * pulse,
        "saw": noise * (0.6 + 0.4 * np.sign(np.sin(2 * np.pi * 90 * t))),
        "thunder": _lowpassed(noise, 40) * struck(EVENT_S, 1.0),
    }
    quiet = 0.0003 * rng.standard_normal(len(t))  # a microphone is never digitally silent
    return {name: np.asarray(0.5 * sound / np.abs(sound).max() + quiet) for name, sound in sounds.items()}


def _lowpassed(noise: Sound, n: int) -> Sound:
    return np.convolve(noise, np.ones(n) / n, "same")


def _tone(hz: Sound) -> Sound:
    return np.asarray(0.7 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ))


def _add(sound: Sound, anomaly: Anomaly, what: Sound) -> None:
    start = round(anomaly.start_s * RATE_HZ)
    sound[start : start + len(what)] += what
