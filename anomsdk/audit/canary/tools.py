"""Checks of commands that run a plan over several recordings: score, evaluate, diff and verify."""

from __future__ import annotations

from pathlib import Path

from anomsdk.audit.canary.files import flags
from anomsdk.audit.canary.moments import Moments, finding, parts_of, scene
from anomsdk.audit.canary.parts import long_part
from anomsdk.audit.canary.recordings import two_writers
from anomsdk.audit.canary.running import PROGRAMS, Child, command_of
from anomsdk.audit.check import Finding, Subject
from anomsdk.core.plan import Plan

_FILES = ("normal", "anomalous")
_DIFFERS = 1
"""Exit code of a command that ran, and found a difference or too little."""


def commands(subject: Subject, before: str = "") -> Finding:
    """Score, evaluate and compare over the same two recordings with two threads; look after the end of each command."""
    seen = []
    with scene(subject) as (plan, plan_file, folder):
        for seed in subject.seeds:
            moments = _moments(plan, seed)
            seen.append(moments)
            normal, anomalous = (str(path.parent) for path in _written(moments, folder))
            changes_are_put_in = plan.days is not None
            sides = ["--normal", normal, *([] if changes_are_put_in else ["--anomalous", anomalous])]
            mixed = ["--snr", "10"] if plan.sensor.kind == "audio" else []
            array, data_set = str(folder / f"s{seed}.npz"), str(folder / f"set{seed}")
            for name, arguments in {
                "score into a .npz": ["score", normal, anomalous, "--out", array, "--plan", plan_file],
                "score into a data set": ["score", normal, "--out", data_set, "--plan", plan_file],
                "evaluate": ["evaluate", "--plan", plan_file, *sides, *mixed],
                "diff": ["diff", plan_file, plan_file, "--corpus", normal],
            }.items():
                _look_after(moments, name, [*arguments, "--jobs", "2"], folder, before)
    return finding(subject, seen)


def verify(subject: Subject, before: str = "") -> Finding:
    """Compare the engines over two recordings; look after the end of the command."""
    seen = []
    with scene(subject) as (plan, plan_file, folder):
        for seed in subject.seeds:
            moments = _moments(plan, seed)
            seen.append(moments)
            files = map(str, _written(moments, folder))
            _look_after(moments, "verify", ["verify", plan_file, *files, "--hops", "20"], folder, before)
    return finding(subject, seen)


def _moments(plan: Plan, seed: int) -> Moments:
    return Moments(parts_of(plan, _FILES, seed, (2 * long_part(plan),)), seed)


def _written(moments: Moments, folder: Path) -> list[Path]:
    """Write the recordings, each into a folder of its own, and return their paths."""
    plan, paths = moments.parts.plan, []
    writers = two_writers(plan)
    for name in _FILES:
        suffix, write = writers[name]
        paths.append(folder / f"{name}-{moments.seed}" / f"{name}{suffix}")
        paths[-1].parent.mkdir()
        write(paths[-1], moments.parts[name], plan.rate_hz)
    return paths


def _look_after(moments: Moments, name: str, arguments: list[str], folder: Path, before: str) -> None:
    """Run a command on a terminal, where it shows its progress, and look at its end."""
    given = [*arguments, *flags(moments.parts.plan.sensor.kind)]
    with Child(command_of(f"{PROGRAMS}.command", given, before), folder, terminal=True) as child:
        child.wait_until_it_stands()
        moments.look(f"{name}, after the end", child)
        child.end_well(0, _DIFFERS)
