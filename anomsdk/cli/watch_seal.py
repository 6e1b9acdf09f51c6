"""Sealing of `watch`: what must be so before numpy is imported, a warm-up, and the seal itself."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from anomsdk.cli.options import note
from anomsdk.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from anomsdk.core.plan import Plan
    from anomsdk.sources.recording import Recording
    from anomsdk.watch.session import Sink, Watch

_EVENTS = (1, 2)
"""Descriptors that a sealed command may write to: events go to stdout, errors and notes to stderr."""
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that libraries of numpy read when it is imported; the seal needs a process of one thread."""


def prepare_seal(context: typer.Context, sealed: bool) -> bool:
    """Keep numpy from starting threads; called while the command line is parsed, before numpy is imported."""
    if sealed:
        if context.find_root().params.get("debug"):
            raise InputError("watch: `sealed`: `debug` reads source files, which a sealed process cannot; give one")
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    return sealed


def sealable_engine(source: str, engine: str | None, scores: Path | None) -> str:
    """Check that a sealed command can do what is asked, and return the engine that it takes.

    Raises
    ------
    InputError : the source is not standard input, the engine is not native or was not built, or scores would be written
    """
    from anomsdk.runtime.native_module import load_native

    if source != "-":
        raise InputError("watch: `sealed`: a sealed process reads standard input only; pipe the samples, and give -")
    if engine not in (None, "native"):
        raise InputError(f"watch: `sealed`: `engine={engine!r}` cannot be sealed; leave it out, or give native")
    if scores is not None:
        raise InputError("watch: `sealed`: a sealed process writes no file; leave out `scores`")
    load_native()
    return "native"


def seal_watching(plan: Plan, sink_of: Callable[[Watch, list[Recording]], Sink]) -> None:
    """Run the command on zeros until all that it needs is loaded, seal this process, and say on stderr what was done.

    Parameters
    ----------
    plan : plan that is watched with
    sink_of : makes a sink of the kind that the command prints with
    """
    from anomsdk.audit.seal.sealing import seal
    from anomsdk.audit.seal.warm_up import warm_up

    warm_up(plan, sink_of, say=note)
    warnings.simplefilter("ignore")  # a warning quotes its line of source, and Python would open that file
    for line in seal(_EVENTS).lines:
        note(line)
