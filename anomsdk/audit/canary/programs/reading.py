"""Program: recordings in files that are watched and scored, and everything that can end this too early.

It stands still in the middle of a recording, and again when all of them have ended.

Arguments: plan.json, a folder with a .csv for each name in `MIDDLE` and `ENDED`, the number of samples of `MIDDLE`
after which to stand still, and options for reading the files as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path

from anomsdk.audit.canary.programs.moments import stand_still
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.plans.file import read_plan
from anomsdk.runtime.streams import score_many
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings
from anomsdk.sources.recording import Recording
from anomsdk.watch.score_files import score_files
from anomsdk.watch.session import Watch

MIDDLE = "middle"
"""Recording of which a block may be in memory at the first moment."""
ENDED = ("damaged", "interrupted", "left", "dropped", "blocks_left", "scored", "many", "many_left", "refused")
"""Recordings of which nothing is left at the second moment."""


class _Reader:
    """Recordings of a folder, by name.

    Parameters
    ----------
    plan : Plan
    folder : folder of the files
    reading : options for reading them
    """

    def __init__(self, plan: Plan, folder: Path, reading: ReadOptions) -> None:
        self.plan, self.folder, self.reading = plan, folder, reading
        self.format = StreamFormat.of(plan.sensor, plan.columns)
        self.kept: list[object] = []

    def path(self, name: str) -> Path:
        """Return the file of a recording."""
        return self.folder / f"{name}.csv"

    def recordings(self, name: str) -> list[Recording]:
        """Open the recordings in a file."""
        return open_recordings(self.path(name), self.format, reading=self.reading)

    def watch(self, name: str, heard: object = None, source: str = "") -> None:
        """Watch a source, by default a file; an exception is kept with its traceback and its local variables."""
        try:
            with Watch(self.plan) as watching:
                for recording in watching.open(source or self.path(name), self.reading):
                    for alert in watching.hear(recording, heard):  # type: ignore[arg-type]
                        self.kept.append(alert)
        except BaseException as error:  # Ctrl-C, too
            self.kept.append(error)


def main() -> None:
    """Read each recording, and stand still twice."""
    plan_file, folder, middle, options = sys.argv[1:5]
    plan = read_plan(plan_file)
    reader = _Reader(plan, Path(folder), ReadOptions(**json.loads(options)))
    _in_the_middle(reader, int(middle))
    reader.watch("damaged")
    reader.watch("interrupted", _press)
    _left(reader)
    _dropped(reader)
    blocks = reader.recordings("blocks_left")[0].blocks()
    next(blocks)
    del blocks
    try:
        score_files(plan, [reader.path("scored"), reader.path("damaged")], reading=reader.reading, jobs=2)
    except InputError as error:
        reader.kept.append(error)
    for scores in score_many(plan, (each.blocks() for each in reader.recordings("many")), jobs=2):
        reader.kept.append(scores)
    many = score_many(plan, [each.blocks() for name in ("many", "many_left") for each in reader.recordings(name)])
    next(many)
    many.close()  # type: ignore[attr-defined]
    del many
    os.dup2(os.open(reader.path("refused"), os.O_RDONLY), 0)
    reader.watch("refused", source="-")
    gc.collect()
    stand_still()


def _in_the_middle(reader: _Reader, middle: int) -> None:
    """Stand still when the middle of a recording has been heard."""
    stood = False

    def heard(samples: int) -> None:
        nonlocal stood
        if samples >= middle and not stood:
            stood = True
            stand_still()

    reader.watch(MIDDLE, heard)


def _press(samples: int) -> None:
    """Do what Python does on Ctrl-C."""
    raise KeyboardInterrupt


def _left(reader: _Reader) -> None:
    """Ask for the first alert only; the iterator stays."""
    watching = Watch(reader.plan)
    for recording in watching.open(reader.path("left"), reader.reading):
        hearing = watching.hear(recording, lambda samples: None)
        next(hearing, None)
        reader.kept.append(hearing)
    watching.close()


def _dropped(reader: _Reader) -> None:
    """Never close the session, and drop it."""
    watching = Watch(reader.plan)
    for recording in watching.open(reader.path("dropped"), reader.reading):
        for alert in watching.hear(recording):
            reader.kept.append(alert)
            break


if __name__ == "__main__":
    main()
