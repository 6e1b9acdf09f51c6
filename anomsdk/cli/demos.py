"""Command that shows what the package does: demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anomsdk.cli.options import RunOptions, takes, tell
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
            help="Scene that --write generates: room (sound), wearable or collar (motion), or herd (collars of twelve "
            "animals, for several days). Default: room.",
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
    herd: Annotated[
        bool,
        typer.Option(
            "--herd",
            help="Take 1,000 animals from motion to levels: scores, ladders, a table of levels, the day of the herd, "
            "and a level by downlink. --write DIR keeps the data set and the table. Needs the extra parquet: pip "
            "install 'anomsdk[parquet]'.",
        ),
    ] = False,
    list_days: Annotated[
        bool,
        typer.Option(
            "--days",
            help="List what changed in a generated herd, and on a day on which the whole herd changed. --write DIR "
            "writes its rows and a plan instead. Needs the extra parquet.",
        ),
    ] = False,
    recordings: Annotated[
        Path | None,
        typer.Option(
            metavar="NPZ",
            help="Real recordings that --herd resamples, an .npz with the arrays cow and normal. Default: "
            "shared/data/wasp_cow_dev.npz beside the checkout, else generated motion.",
            show_default=False,
        ),
    ] = None,
    *,
    run: RunOptions,
) -> None:
    """Run the whole chain on a generated scene; it needs no files."""
    if list_days:
        _days(write, {"alarm": alarm, "herd": herd, "scene": scene != "room", "recordings": recordings}, run)
        return
    if herd or recordings is not None:
        _herd(write, scene, alarm, herd, recordings, run)
        return
    from anomsdk.demo import alarm as demo_alarm
    from anomsdk.demo import herd_files as demo_herd_files
    from anomsdk.demo import motion as demo_motion
    from anomsdk.demo import recordings as demo_recordings
    from anomsdk.demo import scene as demonstration
    from anomsdk.plans.file import reference_model
    from anomsdk.synthetic.sound import RATE_HZ

    if scene not in ("room", "herd", *demo_motion.SCENES):
        raise InputError(f"`scene={scene!r}`: must be room, {', '.join(demo_motion.SCENES)} or herd")
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
        elif write is not None and scene == "herd":
            report = demo_herd_files.written_report(demo_herd_files.write(write, progress=progress.update))
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


def _herd(write: Path | None, scene: str, alarm: bool, herd: bool, recordings: Path | None, run: RunOptions) -> None:
    """Take a herd from motion to levels."""
    import tempfile

    from anomsdk.demo import herd as demo_herd
    from anomsdk.demo.herd_motion import recordings_at_hand
    from anomsdk.demo.recordings import new_folder

    if not herd:
        raise InputError("`recordings`: are for `herd`; add it, or leave `recordings` out")
    for name, given in (("alarm", alarm), ("scene", scene != "room")):
        if given:
            raise InputError(f"`{name}`: does not go with `herd`; leave one of them out")
    place = tempfile.TemporaryDirectory() if write is None else new_folder(write)
    with run.working("scoring the herd") as progress, place as folder:
        found = demo_herd.run(
            Path(folder),
            recordings=recordings_at_hand() if recordings is None else recordings,
            engine=run.engine,
            say=tell,
            progress=progress.update,
        )
        if found.failed:
            raise CheckError(f"demo: {'; '.join(found.failed)}")
    tell("written: nothing" if write is None else f"wrote {write}: {demo_herd.DAYS}, {demo_herd.LEVELS}, plan.json")


def _days(write: Path | None, others: dict[str, object], run: RunOptions) -> None:
    """List days of a generated herd, or write its files."""
    from anomsdk.demo import days as demo_days

    for name, given in others.items():
        if given:
            raise InputError(f"`{name}`: does not go with `list_days`; leave one of them out")
    missed: tuple[str, ...] = ()
    with run.working("training on another herd") as progress:
        if write is not None:
            text = demo_days.written_report(demo_days.write(write, progress=progress.update))
        else:
            found = demo_days.run(run.engine, progress=progress.update)
            text, missed = demo_days.report(found), found.missed
    tell(text)
    if missed:
        raise CheckError(f"demo: the lists miss: {'; '.join(missed)}")
