"""Command that shows what the package does: demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anomsdk.cli.options import RunOptions, takes
from anomsdk.errors import CheckError, InputError
from anomsdk.utils.terminal import STATE_STYLES, show


@takes("engine")
def demo(
    write: Annotated[
        Path | None,
        typer.Option(
            "--write", metavar="DIR", help="Write recordings of a generated scene to train on to DIR, and run nothing."
        ),
    ] = None,
    scene: Annotated[
        str,
        typer.Option(
            "--scene",
            metavar="S",
            help="Scene that --write generates: room (sound), wearable or collar (motion). Default: room.",
            show_default=False,
        ),
    ] = "room",
    alarm: Annotated[
        bool,
        typer.Option(
            "--alarm",
            help="Play the life of one alarm: raise, escalate, acknowledge, latch, silence, fault, heartbeat.",
        ),
    ] = False,
    *,
    run: RunOptions,
) -> None:
    """Run the whole chain on a generated scene; it needs no files."""
    from anomsdk.demo import alarm as demo_alarm
    from anomsdk.demo import motion as demo_motion
    from anomsdk.demo import recordings as demo_recordings
    from anomsdk.demo import scene as demonstration
    from anomsdk.plans.file import reference_model
    from anomsdk.synthetic.sound import RATE_HZ

    if scene not in ("room", *demo_motion.SCENES):
        raise InputError(f"`scene={scene!r}`: must be room, {' or '.join(demo_motion.SCENES)}")
    if write is None and scene != "room":
        raise InputError(f"`scene={scene!r}`: it is generated for `write` only; add `write=DIR`")
    if write is not None and alarm:
        raise InputError("`alarm`: it is played, and no files are written for it; leave `write` out")
    with run.working("running") as progress:
        if alarm:
            length = demo_alarm.SECONDS * RATE_HZ
            played = demo_alarm.play(run.engine, progress=lambda done: progress.update(done, length))
        elif write is not None and scene == "room":
            report = demo_recordings.written_report(demo_recordings.write(write, progress=progress.update))
        elif write is not None:
            report = demo_motion.written_report(demo_motion.write(write, scene, progress=progress.update))
        else:
            length = demonstration.SECONDS * RATE_HZ
            found = demonstration.run(
                reference_model("audio_scene"), run.engine, progress=lambda done: progress.update(done, length)
            )
    if alarm:
        show(demo_alarm.report(played), styles=demo_alarm.STYLES)
        return
    if write is not None:
        show(report)
        return
    show(demonstration.report(found), styles=STATE_STYLES)
    if not found.passed:
        raise CheckError("demo: the alarms do not match the anomalies of the scene")
