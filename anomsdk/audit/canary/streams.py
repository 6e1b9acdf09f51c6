"""Checks of live streams: samples that are piped into a command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anomsdk.audit.canary.judging import Allowance, held_open
from anomsdk.audit.canary.moments import Moments, finding, parts_of, scene
from anomsdk.audit.canary.parts import Parts
from anomsdk.audit.canary.running import PROGRAMS, Child, command_of
from anomsdk.audit.check import Finding, Subject
from anomsdk.audit.scan.core_files import why_no_core_files
from anomsdk.audit.scan.process import Memory
from anomsdk.errors import InputError

STREAM = "the stream"
_BACKLOG_BYTES = 60_001
"""Bytes that wait in the pipe while Python starts; the last sample is cut in two."""
_PIECES = (3, 1, 700, 1999, 2, 5001, 640, 333)
"""Lengths in bytes of the pieces after that."""
_SINGLY = 401
"""Bytes that come one at a time."""
_PAUSE_S = 0.01
_CTRL_C = "after Ctrl-C"
_STOPPED = 130
"""Exit code after Ctrl-C."""


def watch_stdin(subject: Subject, before: str = "") -> Finding:
    """Pipe a stream into ``anomsdk watch -``; look while it waits for more, after Ctrl-C and after the end."""
    seen = []
    with scene(subject) as (plan, plan_file, folder):
        for seed in subject.seeds:
            row_bytes = 2 * plan.columns
            n = -(-(_BACKLOG_BYTES + sum(_PIECES) + _SINGLY) // row_bytes)
            moments = Moments(parts_of(plan, (STREAM,), seed, (n,)), seed)
            seen.append(moments)
            _while_it_runs(
                moments, command_of("anomsdk", ["watch", "-", "--plan", plan_file, "--jsonl"], before), folder
            )
            arguments = ["watch", "-", "--plan", plan_file]
            name = f"watch - on a terminal, {_CTRL_C}"
            _at_its_end(moments, name, command_of(f"{PROGRAMS}.command", arguments, before), folder)
            score = ["score", "-", "--plan", plan_file, "--out", str(folder / "scores.npz")]
            name = "score -, after the end of the stream"
            _at_its_end(moments, name, command_of(f"{PROGRAMS}.command", score, before), folder)
    return finding(subject, seen)


def core_file(subject: Subject, before: str = "") -> Finding:
    """Abort ``anomsdk watch -`` while it waits for samples, and search the core file that the kernel writes."""
    if why := why_no_core_files():
        raise InputError(why)
    seen = []
    with scene(subject) as (plan, plan_file, folder):
        for seed in subject.seeds:
            n = -(-(_BACKLOG_BYTES + sum(_PIECES) + _SINGLY) // (2 * plan.columns))
            moments = Moments(parts_of(plan, (STREAM,), seed, (n,)), seed)
            seen.append(moments)
            place = folder / f"core-{seed}"
            place.mkdir()
            command = command_of("anomsdk", ["watch", "-", "--plan", plan_file, "--jsonl"], before)
            with Child(command, place, piped=True, dumped=True) as child:
                child.feed(moments.parts.samples.tobytes()[:_BACKLOG_BYTES], (_BACKLOG_BYTES,))
                child.stop_at_rest()
                moments.look_into("core file of watch -", Memory.of_core(child.core_file()))
    return finding(subject, seen)


def _while_it_runs(moments: Moments, command: Sequence[str], folder: Path) -> None:
    """Look at the command itself, as people start it, twice while it waits for samples."""
    data = moments.parts.samples.tobytes()
    with Child(command, folder, piped=True) as child:
        first = _BACKLOG_BYTES + sum(_PIECES)
        child.feed(data[:first], (_BACKLOG_BYTES, *_PIECES), _PAUSE_S)
        child.stop_at_rest()
        moments.look("watch -, after a backlog and uneven pieces", child, _open(moments.parts, first))
        child.feed(data[first : first + _SINGLY], (1,), _PAUSE_S / 10)
        child.stop_at_rest()
        moments.look("watch -, after single bytes", child, _open(moments.parts, first + _SINGLY))


def _open(parts: Parts, n_bytes: int) -> dict[str, Allowance]:
    return {STREAM: held_open(parts.plan, n_bytes // (2 * parts.plan.columns))}


def _at_its_end(moments: Moments, name: str, command: Sequence[str], folder: Path) -> None:
    """Look when the command has cleaned up, after Ctrl-C or at the end of the stream."""
    data = moments.parts.samples.tobytes()
    stopped = name.endswith(_CTRL_C)
    with Child(command, folder, piped=True, terminal=stopped) as child:
        child.feed(data, (_BACKLOG_BYTES, 4096))
        if stopped:
            child.wait_until_it_rests()
            child.interrupt()
        else:
            child.close_pipe()
        child.wait_until_it_stands()
        moments.look(name, child)
        child.end_well(_STOPPED if stopped else 0)
