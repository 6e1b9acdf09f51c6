"""Checks of recordings in files: every format, and every way in which reading one can end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from anomsdk.audit.canary.judging import Allowance
from anomsdk.audit.canary.moments import Moments, finding, parts_of, scene
from anomsdk.audit.canary.parts import long_part
from anomsdk.audit.canary.programs.reading import ENDED, MIDDLE
from anomsdk.audit.canary.recordings import Family, families, table_writer
from anomsdk.audit.canary.running import PROGRAMS, Child, command_of
from anomsdk.audit.check import Finding, Subject
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.sources.files import open_recordings
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES
from anomsdk.sources.formats.tables.delimited_text import PIECE_BYTES
from anomsdk.sources.stream_format import ReadOptions, StreamFormat

_SHORT = 4096
"""Samples of a file, but of the first one, which has several ticks."""


def flags(sensor: str) -> list[str]:
    """Return options of the command line with which recordings of a kind of sensor are read as counts."""
    return ["--unit", "counts"] if sensor == "motion" else []


def watch_files(name: str, subject: Subject, before: str = "") -> Finding:
    """Watch a folder that holds a file of each format of a family, and look after the end.

    Parameters
    ----------
    name : name of the family, see `anomsdk.audit.canary.recordings.families`
    subject : Subject
    before : code that runs in the process before the command
    """
    seen = []
    with scene(subject) as (plan, plan_file, folder):
        family = _family(plan, name)
        for seed in subject.seeds:
            parts = parts_of(plan, tuple(family.writers), seed, (long_part(plan), _SHORT))
            place = folder / f"recordings-{seed}"
            place.mkdir()
            converted = dict[str, Any]()
            for file, write in family.writers.items():
                write(place / file, parts[file], plan.rate_hz)
                heard = _heard(plan, place / file)
                if not np.array_equal(heard, parts[file]):
                    converted[f"{file}, converted"] = heard
            moments = Moments(parts.with_heard(converted), seed)
            seen.append(moments)
            scores = str(folder / f"scores-{seed}.npy")
            options = ["--scores", scores, "--jsonl", *flags(plan.sensor.kind)]
            arguments = ["watch", str(place), "--plan", plan_file, *options]
            allowed = {each: Allowance(1 << 31, reach=1 << 31) for each in moments.parts.spans if family.held_by}
            with Child(command_of(f"{PROGRAMS}.command", arguments, before), folder) as child:
                child.wait_until_it_stands()
                moments.look(f"watch of {family.title}, after the end", child, allowed)
                child.end_well(0)
    held = {"held_by": family.held_by} if family.held_by else {}
    return finding(subject, seen, files=list(family.writers), **held)


def read_early(subject: Subject, before: str = "") -> Finding:
    """Read recordings that break off, are interrupted, left or dropped; look in the middle and after the end."""
    seen = []
    with scene(subject) as (plan, plan_file, folder):
        if plan.days is not None:
            raise InputError("a diary is read whole, before its first row is heard, and held until it is dropped")
        write = table_writer(plan)
        names = (MIDDLE, *ENDED)
        rows = BLOCK_VALUES // plan.columns
        for seed in subject.seeds:
            parts = parts_of(plan, names, seed, (rows + rows // 2, _SHORT))
            moments = Moments(parts, seed)
            seen.append(moments)
            place = folder / f"recordings-{seed}"
            place.mkdir()
            for name in names:
                write(place / f"{name}.csv", parts[name], plan.rate_hz)
            with (place / "damaged.csv").open("a", encoding="utf-8") as file:
                file.write("x" + ",x" * (plan.columns if plan.sensor.kind == "motion" else plan.columns - 1) + "\n")
            # A file that is piped in: its samples stand behind the bytes that it is known by.
            (place / "refused.csv").write_bytes(b"RIFF" + b"13,-5,1001\n" * 4 + parts["refused"].tobytes())
            arguments = [plan_file, str(place), str(rows + rows // 4), json.dumps(_options(plan))]
            with Child(command_of(f"{PROGRAMS}.reading", arguments, before), folder) as child:
                child.wait_until_it_stands()
                block = rows + plan.framer.window
                text = _rows_of_piece(place / f"{MIDDLE}.csv")
                open_part = {MIDDLE: Allowance(block, plan.context.frames, 1, reach=1 << 31, shows=True, text=text)}
                moments.look("in the middle of a recording", child, open_part)
                child.wait_until_it_stands()
                moments.look("after recordings that ended early", child)
    return finding(subject, seen, ways=list(ENDED))


def _family(plan: Plan, name: str) -> Family:
    found = next((family for family in families(plan) if family.name == name), None)
    if found is None:
        raise InputError(f"recordings of the sensor of this plan, {plan.sensor.kind}, are not read from such files")
    return found


def _heard(plan: Plan, path: Path) -> Any:
    """Read a file as the command does: the samples that a pipeline hears."""
    recordings = open_recordings(
        path, StreamFormat.of(plan.sensor, plan.columns), reading=ReadOptions(**_options(plan))
    )
    blocks = [block for recording in recordings for block in recording.blocks() if not isinstance(block, int)]
    heard = np.concatenate(blocks)
    return heard[:, 0] if heard.ndim > 1 and plan.columns == 1 else heard


def _rows_of_piece(path: Path) -> int:
    """Count the most rows of a table that stand in a piece of text as long as those that are read at once."""
    ends = np.flatnonzero(np.frombuffer(path.read_bytes(), np.uint8) == ord("\n"))
    return int((np.searchsorted(ends, ends + PIECE_BYTES, "right") - np.arange(len(ends))).max()) + 1


def _options(plan: Plan) -> dict[str, Any]:
    """Return options of `ReadOptions` with which motion, and rotation beside it, is read as counts."""
    return {"unit": "counts"} if plan.sensor.kind == "motion" else {}
