"""Checks of what is left of a signal in the processes that people run."""

from __future__ import annotations

from functools import partial

from anomsdk.audit.canary.engines import pipelines
from anomsdk.audit.canary.files import read_early, watch_files
from anomsdk.audit.canary.streams import core_file, watch_stdin
from anomsdk.audit.canary.tools import commands, verify
from anomsdk.audit.check import Check

_METHOD = (
    "A process hears a signal that occurs nowhere by chance and is stopped; all memory that it has written to is "
    "searched for the signal and for everything that the plan makes of it"
)
_LIMITS = (
    "The process was looked at at these moments only.",
    "Pages that the operating system keeps of files and pipes, swap, and memory of drivers are not the process's, and "
    "were not looked at.",
    "A copy in a form that is not searched for would not be found, such as a louder or quieter one, one as base64, a "
    "compressed or encrypted one, or samples that stand apart from each other.",
    "It holds for the versions of Python, numpy and the libraries that ran here.",
)
_FORMATS = {
    "wav": ".wav files",
    "flac": ".flac and .ogg files",
    "npy": ".npy and .npz files",
    "csv": ".csv and .csv.gz files",
}
_ENGINES = ("native", "reference", "tflite")

CHECKS: tuple[Check, ...] = (
    Check(
        "canary.watch-stdin",
        "watch - holds one window of samples and one context of features while it waits, and nothing after it.",
        f"{_METHOD}: while it waits after a backlog, uneven pieces and single bytes, after Ctrl-C and after the end.",
        _LIMITS,
        watch_stdin,
        quick=True,
    ),
    Check(
        "canary.core-file",
        "A core file of watch - holds nothing of the signal.",
        "watch - is aborted while it waits after a backlog; the core file that the kernel writes is searched for the "
        "signal and for everything that the plan makes of it.",
        (
            "It holds where the kernel heeds MADV_DONTDUMP; a debugger, or another program that reads the memory of "
            "the process, sees the window.",
            "It was aborted while it waited, not while it computed.",
        ),
        core_file,
    ),
    *(
        Check(
            f"canary.file-{name}",
            f"After the end of watch, nothing is left of {words}.",
            f"{_METHOD}: at the end of watch over a folder of such files, when Python has cleaned up.",
            _LIMITS,
            partial(watch_files, name),
        )
        for name, words in _FORMATS.items()
    ),
    Check(
        "canary.file-parquet",
        "After the end of watch, nothing that the package made of .parquet files is left.",
        f"{_METHOD}: at the end of watch over such a file, when Python has cleaned up.",
        (
            *_LIMITS,
            "Samples themselves may be left in memory of pyarrow, until it uses that again or the process ends.",
        ),
        partial(watch_files, "parquet"),
    ),
    Check(
        "canary.early-ends",
        "A recording that breaks off or is interrupted, left or dropped leaves nothing; amid one, a block is held.",
        f"{_METHOD}: in the middle of a long recording, and after recordings that ended early.",
        _LIMITS,
        read_early,
    ),
    *(
        Check(
            f"canary.engine-{engine}",
            f"Pipelines of engine {engine} hold one window and one context while open, and nothing after a gap, a "
            "reset, a restored record, an exception, Ctrl-C, closing or dropping; neither does score_many.",
            f"{_METHOD}: while some pipelines are open and others have ended, and after all were closed.",
            (
                *_LIMITS,
                "The blocks that a caller passes in are the caller's; here they are zeroed.",
                "A plan of days keeps the rows of a day, also over a gap and in a record.",
            ),
            partial(pipelines, engine),
            quick=engine == "native",
        )
        for engine in _ENGINES
    ),
    Check(
        "canary.commands",
        "After score, evaluate and diff, nothing is left of their recordings.",
        f"{_METHOD}: at the end of each command on a terminal, when Python has cleaned up.",
        _LIMITS,
        commands,
    ),
    Check(
        "canary.verify",
        "After verify, nothing is left of its recordings.",
        f"{_METHOD}: at the end of the command on a terminal, when Python has cleaned up.",
        _LIMITS,
        verify,
    ),
)
