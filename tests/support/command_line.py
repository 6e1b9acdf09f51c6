"""The command line in this process: for tests that call it thousands of times."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from typer.main import get_command

from anomsdk.cli.app import app


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit status, and what it printed."""

    status: int
    stdout: str
    stderr: str


@cache
def _command() -> Any:
    return get_command(app)


def anomsdk_command(*arguments: object, stdin: bytes = b"") -> Ended:
    """Run a command; an exception that it does not turn into an exit status comes out of here."""
    out, error = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            _command().main([str(each) for each in arguments], prog_name="anomsdk")
        raise AssertionError("a command ends with an exit status")
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    finally:
        sys.stdin = before
    texts = []
    for stream in (out, error):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8"))  # type: ignore[attr-defined]
    return Ended(status, *texts)
