"""Life of an alarm, played on a generated scene: what people do, which events leave, and what buzzer and lamp do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.alarm import Annunciation
from anomsdk.core.event import EVENT_BYTES, Event, Kind
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration
from anomsdk.planner.planner import plan_from
from anomsdk.planner.sections import AlarmSection, HealthSection
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.file import reference_models_folder
from anomsdk.plans.tflite.reader import read_tflite
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.synthetic.sound import RATE_HZ, Anomaly, add, as_int16, bed, siren_of, two_tone_of
from anomsdk.utils.terminal import line_width
from anomsdk.utils.text import duration
from anomsdk.watch.sinks.event_words import STYLES as EVENT_STYLES
from anomsdk.watch.sinks.event_words import details, heading

SECONDS = 84
MODEL = "audio_scene"
ALARM = AlarmSection(latch=True, escalate_ratio=2.5, escalate_after_s=8, escalate_every_s=15, test_s=2, heartbeat_s=60)
STYLES = {**EVENT_STYLES, "horn": "red", "loud horn": "bold red", "fault lamp": "magenta"}
"""Word -> style in rich, for `anomsdk.utils.terminal.show`."""
_SEED = 7
_BLOCK = 1600
_WIDE = 108
"""Columns that the wide layout needs."""

_OUTPUTS = {
    Annunciation.PREALARM: "beeps",
    Annunciation.LIGHT: "red lamp",
    Annunciation.FAULT: "fault lamp",
    Annunciation.TEST: "test tone",
    Annunciation.SILENCED: "muted",
    Annunciation.OUT_OF_SERVICE: "off duty",
}


@dataclass(frozen=True)
class Step:
    """One line of the play: something that happens, or an event that leaves, or both.

    Parameters
    ----------
    time_s : seconds from the start
    what : what happens in the scene or what a person does; empty for an event that follows from time alone
    event : event that leaves the device; None: none does
    annunciation : what buzzer and lamp do afterwards
    """

    time_s: float
    what: str
    event: Event | None
    annunciation: Annunciation


Press = Callable[[Pipeline], list[Result]]


def _nothing(pipeline: Pipeline) -> list[Result]:
    return []


SCRIPT: tuple[tuple[float, str, Press], ...] = (
    (0.0, "switched on", _nothing),
    (3.0, "button: test", Pipeline.test),
    (10.0, "a siren, far away", _nothing),
    (13.0, "button: silence, 20 s", lambda pipeline: pipeline.silence(80)),
    (16.0, "the siren comes close", _nothing),
    (22.0, "button: acknowledge", Pipeline.acknowledge),
    (24.0, "the siren ends", _nothing),
    (34.0, "two tones, for 3 s", _nothing),
    (48.0, "button: acknowledge", Pipeline.acknowledge),
    (52.0, "microphone dies", _nothing),
    (57.0, "microphone back", _nothing),
    (65.0, "taken out of service", lambda pipeline: pipeline.out_of_service(True)),
    (68.0, "two tones, for 3 s", _nothing),
    (76.0, "back in service", lambda pipeline: pipeline.out_of_service(False)),
)
"""Seconds from the start, what happens then, and the call that it makes."""


def plan() -> Plan:
    """Plan the reference model for sound with an alarm section and a health section."""
    folder = reference_models_folder() / MODEL
    spec = PipelineSpec.from_file(folder / "spec.toml").model_copy(update={"alarm": ALARM, "health": HealthSection()})
    calibration = Calibration.from_file(folder / CALIBRATION_FILE)
    return plan_from(spec, read_tflite(folder / "model.tflite"), calibration, folder=folder)


def scene() -> NDArray[np.int16]:
    """Generate the sound: rain, sea and crackle, a siren that comes close, two tones twice, and a dead microphone.

    Returns
    -------
    int16 (n,), 16 kHz
    """
    sound = bed(np.random.default_rng(_SEED), SECONDS)
    siren = siren_of(14)
    siren[: 6 * RATE_HZ] *= 0.13  # far away
    add(sound, Anomaly(10, 24, "siren"), siren)
    for start in (34.0, 68.0):
        add(sound, Anomaly(start, start + 3, "two tones"), two_tone_of(3))
    samples = as_int16(sound)
    samples[52 * RATE_HZ : 57 * RATE_HZ] = 0
    return samples


@dataclass(frozen=True)
class Play:
    """Result of `play`.

    Parameters
    ----------
    plan, engine : plan that ran, and name of the engine that ran it
    steps : in the order of their times
    """

    plan: Plan
    engine: str
    steps: tuple[Step, ...]


def play(engine: str | None = None, *, progress: Callable[[int], None] = lambda samples: None) -> Play:
    """Run the scene in blocks of 100 ms, press the buttons of the script in between, and note what leaves.

    Parameters
    ----------
    engine : see `anomsdk.Pipeline`
    progress : called before each block with the samples processed so far
    """
    samples, script, steps = scene(), list(SCRIPT), list[Step]()
    with Pipeline(plan(), engine) as pipeline:
        opened = pipeline.plan, pipeline.engine
        for start in range(0, len(samples), _BLOCK):
            progress(start)
            while script and script[0][0] * RATE_HZ <= start:
                _, what, press = script.pop(0)
                steps += _steps(pipeline, press(pipeline), start, what)
            results = pipeline.process(samples[start : start + _BLOCK])
            steps += _steps(pipeline, results, start + _BLOCK, "")
    return Play(*opened, _joined(steps))


def _steps(pipeline: Pipeline, results: list[Result], samples: int, what: str) -> list[Step]:
    time_s, now = samples / RATE_HZ, pipeline.annunciation
    events = [event for result in results for event in result.events]
    if not events:
        return [Step(time_s, what, None, now)] if what else []
    return [Step(time_s, "" if i else what, event, now) for i, event in enumerate(events)]


def _joined(steps: list[Step]) -> tuple[Step, ...]:
    """Put what happened and the first event after it into one line, where nothing lies between them."""
    found = list[Step]()
    for step in steps:
        before = found[-1] if found else None
        if before is not None and before.event is None and not step.what and step.time_s - before.time_s < 4:
            found[-1] = Step(step.time_s, before.what, step.event, step.annunciation)
        else:
            found.append(step)
    return tuple(found)


def outputs(bits: int) -> str:
    """Return the words for what buzzer and lamp do.

    Examples
    --------
    >>> outputs(1 | 4), outputs(0)
    ('horn, red lamp', '-')
    """
    words = []
    if bits & Annunciation.SOUND:
        words.append("loud horn" if bits & Annunciation.ESCALATED else "horn")
    words += [word for bit, word in _OUTPUTS.items() if bits & bit]
    return ", ".join(words) or "-"


def report(played: Play) -> str:
    """Lay a play out as `anomsdk demo --alarm` prints it: a line for each step, and on a narrow terminal a second one.

    Parameters
    ----------
    played : from `play`
    """
    made, events = played.plan, [step.event for step in played.steps if step.event is not None]
    wide = (line_width() or _WIDE) >= _WIDE
    return "\n".join(
        [
            f"The life of an alarm, in {duration(SECONDS)} of generated sound.",
            f"Plan {made.name} ({made.id[:12]}), engine {played.engine}. Alarms are latched. They",
            f"escalate after {ALARM.escalate_after_s:g} s, or at {ALARM.escalate_ratio:g} times the score. "
            f"A heartbeat leaves every {ALARM.heartbeat_s:g} s.",
            "",
            _row("time", "what happens", "event that leaves", "horn and lamp", "its 16 bytes" if wide else "", wide),
            *(_step(step, wide) for step in played.steps),
            "",
            f"written: nothing; events that left the pipeline: {EVENT_BYTES * len(events)} bytes",
        ]
    )


def _step(step: Step, wide: bool) -> str:
    event = step.event
    said = "" if event is None else " ".join(filter(None, (heading(event), _brief(event))))
    sent = "" if event is None else bytes(event).hex()
    return _row(f"{step.time_s:.1f} s", step.what, said, outputs(step.annunciation), sent, wide)


def _row(time: str, what: str, said: str, outputs: str, sent: str, wide: bool) -> str:
    line = f"{time:>6}  {what:<21}  {said:<22}  {outputs:<19}"
    if wide:
        line += f"  {sent}"
    elif sent:
        line = f"{line.rstrip()}\n{'':31}{sent}"
    return line.rstrip()


def _brief(event: Event) -> str:
    """Return the details of an event in brief: condition and health byte of a fault, latched, the judged share."""
    if event.cleared and event.latched:
        return "(latched)"
    if event.condition is not None:
        health = f"health {event.health:02x}" if event.active else ""
        return ", ".join(filter(None, (details(event), health)))
    return details(event) if event.kind == Kind.HEARTBEAT else ""
