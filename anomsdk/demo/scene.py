"""Generated scene with two anomalies at known times, and a plan that finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.synthetic.sound import RATE_HZ, Anomaly, add, as_int16, bed, siren_of, two_tone_of
from anomsdk.utils.terminal import line_width
from anomsdk.utils.text import bar, clock, counted, duration, plot, ratio, table

SECONDS = 75
SEED = 7
TOLERANCE_S = 2.0
"""Longest time between the end of an anomaly and an alarm that belongs to it, in seconds; the context spans 1 s."""
_BLOCK = 1600


@dataclass(frozen=True)
class Demo:
    """Result of `run`. All times are seconds from the start of the scene.

    Parameters
    ----------
    plan, engine : plan that ran, and name of the engine that ran it
    seconds : length of the scene
    ratios : score over alarm level of each tick
    alarms : (time, score over alarm level) of each alarm
    cleared : time at which each alarm ended
    found : (anomaly, time of its first alarm or None) for each anomaly
    elsewhere : times of alarms that belong to no anomaly
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
        """True if every anomaly raised an alarm and nothing else did."""
        return not self.elsewhere and all(at is not None for _, at in self.found)


def scene(seed: int = SEED) -> tuple[NDArray[np.int16], tuple[Anomaly, ...]]:
    """Generate 75 s of rain, sea and crackle with two anomalies.

    Parameters
    ----------
    seed : seed of the noise, 0 or more

    Returns
    -------
    samples : int16 (1,200,000,), 16 kHz
    anomalies : in the order of their times
    """
    if seed < 0:
        raise InputError(f"demo: `seed={seed}`; it must be 0 or more")
    sound = bed(np.random.default_rng(seed), SECONDS)
    siren, alarm = Anomaly(20.0, 25.0, "siren"), Anomaly(48.0, 53.0, "two-tone alarm")
    add(sound, siren, siren_of(siren.end_s - siren.start_s))
    add(sound, alarm, two_tone_of(alarm.end_s - alarm.start_s))
    return as_int16(sound), (siren, alarm)


def run(
    plan: Plan,
    engine: str | None = None,
    *,
    seed: int = SEED,
    progress: Callable[[int], None] = lambda samples: None,
) -> Demo:
    """Run a plan over the scene in blocks of 100 ms, as a microphone delivers them.

    Parameters
    ----------
    plan : Plan of 16 kHz audio
    engine : see `anomsdk.Pipeline`
    seed : see `scene`
    progress : called before each block with the samples processed so far

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
                if result.judged:
                    ratios.append(result.score / plan.levels.raise_score)
                at = (result.hop * plan.framer.hop + plan.framer.window) / RATE_HZ
                for event in result.events:
                    if event.raised:
                        alarms.append((at, ratios[-1]))
                    elif event.cleared:
                        cleared.append(at)
    times = [at for at, _ in alarms]
    found = tuple((a, next((t for t in times if _belongs(t, a)), None)) for a in anomalies)
    elsewhere = tuple(t for t in times if not any(_belongs(t, a) for a in anomalies))
    return Demo(
        plan, pipeline.engine, len(samples) / RATE_HZ, tuple(ratios), tuple(alarms), tuple(cleared), found, elsewhere
    )


def report(demo: Demo) -> str:
    """Lay the result out as `anomsdk demo` prints it: a plot, the alarms, and when each anomaly was found."""
    plan = demo.plan
    times = [at for at, _ in demo.alarms]
    length = max(8, min(24, (line_width() or 80) - 28))
    waiting = plan.samples_to_first_tick - plan.samples_per_tick
    silent = (0.0,) * round(waiting / plan.samples_per_tick)  # so that the plot starts at 0 s
    lines = [
        f"A scene of {duration(demo.seconds)}, generated from a fixed seed: rain, sea, crackle,",
        "and two sounds that do not belong.",
        f"Plan {plan.name} ({plan.id[:12]}), engine {demo.engine}: {counted(len(demo.ratios), 'tick')}.",
        "",
        "score over alarm level",
        plot(silent + demo.ratios, demo.seconds, times, demo.cleared),
        f"{'':7}▲ alarm  ▽ clear",
        "",
        *(f"  {clock(at)}  ALARM  {ratio(high):>6}  {bar(high / 4, length)}".rstrip() for at, high in demo.alarms),
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


def _when(anomaly: Anomaly, at: float | None) -> tuple[str, str]:
    return ("none", "") if at is None else (f"{at:.1f} s", f"{at - anomaly.start_s:.1f} s")


def _belongs(at: float, anomaly: Anomaly) -> bool:
    return anomaly.start_s <= at <= anomaly.end_s + TOLERANCE_S
