"""The demonstration: a generated scene with two anomalies at known times, and a plan that finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.event import State
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.synthetic.sound import RATE_HZ, Anomaly, add, as_int16, bed, siren_of, two_tone_of
from anomsdk.utils.terminal import line_width
from anomsdk.utils.text import bar, clock, counted, duration, plot, ratio, table

SECONDS = 75
SEED = 7
TOLERANCE_S = 2.0
"""An alarm belongs to an anomaly when it comes this soon after its end: the context remembers a second."""
_BLOCK = 1600


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
    return Demo(
        plan, pipeline.engine, len(samples) / RATE_HZ, tuple(ratios), tuple(alarms), tuple(cleared), found, elsewhere
    )


def report(demo: Demo) -> str:
    """What `anomsdk demo` prints: the plot, the alarms, and what became of each anomaly."""
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
        "score over raise level",
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
