"""Checks of `anomsdk.Pipeline` and `anomsdk.score_many` with each engine, over everything that ends a pipeline."""

from __future__ import annotations

import json

from anomsdk.audit.canary.judging import held_open
from anomsdk.audit.canary.moments import Moments, finding, parts_of, scene
from anomsdk.audit.canary.parts import long_part
from anomsdk.audit.canary.programs.pipelines import ENDED, KEPT, LONG, ODD, OPEN
from anomsdk.audit.canary.running import PROGRAMS, Child, command_of
from anomsdk.audit.check import Finding, Subject
from anomsdk.errors import InputError

_SHORT = 4096
"""Samples of a part without a tick."""


def pipelines(engine: str, subject: Subject, before: str = "") -> Finding:
    """Run pipelines of an engine; look while three are open and the others have ended, and when all have.

    Parameters
    ----------
    engine : name of the engine
    subject : Subject
    before : code that runs in the process before the pipelines
    """
    if engine == "tflite":
        from anomsdk.runtime.engines.tflite import why_missing

        if why := why_missing():
            raise InputError(f"engine tflite is not available: {why}")
    seen = []
    names = (*OPEN, *ENDED)
    with scene(subject) as (plan, plan_file, folder):
        short = _SHORT if plan.days is None else long_part(plan)  # all rows of a diary have ticks, and take their time
        lengths = tuple(long_part(plan) if name in LONG else short for name in names)
        for seed in subject.seeds:
            parts = parts_of(plan, names, seed, lengths)
            moments = Moments(parts, seed)
            seen.append(moments)
            signal = str(parts.save(folder / f"signal-{seed}.npy"))
            arguments = [plan_file, engine, signal, json.dumps(parts.spans)]
            with Child(command_of(f"{PROGRAMS}.pipelines", arguments, before), folder) as child:
                child.wait_until_it_stands()
                heard = {name: last - first - ODD for name, (first, last) in parts.spans.items()}
                kept = {name: held_open(plan, heard[name]) for name in (KEPT if plan.days is not None else ())}
                held = {name: held_open(plan, heard[name]) for name in OPEN}
                moments.look("while pipelines are open", child, held | kept)
                child.wait_until_it_stands()
                moments.look("after all pipelines were closed", child, kept)
    return finding(subject, seen, engine=engine, ways=list(ENDED))
