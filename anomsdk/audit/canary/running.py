"""Processes that an audit starts, feeds and stops: commands as people run them, and programs that stop themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO

from anomsdk.audit.scan.core_files import allow_core_file, core_file_of
from anomsdk.audit.scan.process import stop, waiting_bytes
from anomsdk.errors import InputError

PROGRAMS = "anomsdk.audit.canary.programs"
_PATIENCE_S = 40.0
"""Longest time that a process may take to the next moment."""
_QUIET_LOOKS = 5
"""Times in a row, 20 ms apart, that a process at rest is found asleep with nothing to read."""
_MODULE = (
    "import runpy, sys; sys.argv[0] = {module!r}; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
)


def command_of(module: str, arguments: Sequence[str], before: str = "") -> list[str]:
    """Return the command that runs a module.

    Parameters
    ----------
    module : name of the module, such as ``anomsdk``
    arguments : its arguments
    before : code to run first in the same process, such as a change that leaks; empty: the module is run as it is
    """
    if not before:
        return [sys.executable, "-m", module, *arguments]
    return [sys.executable, "-c", f"{before}\n{_MODULE.format(module=module)}", *arguments]


def _prepare(dumped: bool) -> None:
    """Let a child heed Ctrl-C, even if the audit was started in the background, and maybe write a core file."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if dumped:
        allow_core_file()


class _Terminal:
    """Terminal that nobody looks at.

    Parameters
    ----------
    into : file that what it shows is written to

    Attributes
    ----------
    end : descriptor of the end that a process writes to
    """

    def __init__(self, into: IO[bytes]) -> None:
        self._read, self.end = os.openpty()
        self._into = into
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()

    def _show(self) -> None:
        with suppress(OSError):  # the other end is closed
            while data := os.read(self._read, 4096):
                self._into.write(data)
                self._into.flush()

    def close(self) -> None:
        """Take it away; its process has ended."""
        os.close(self.end)
        self._thread.join()
        os.close(self._read)


class Child:
    """Process that is looked at while it stands still.

    Parameters
    ----------
    command : program and arguments
    folder : folder that it runs in
    piped : its standard input is a pipe that `feed` writes to; otherwise it is empty
    dumped : it may write a core file, see `core_file`
    terminal : its output goes to a terminal, on which it shows colours and its progress

    Attributes
    ----------
    pid : number of the process
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        *,
        piped: bool = False,
        dumped: bool = False,
        terminal: bool = False,
    ) -> None:
        self._said = ""
        self._errors = (folder / f"stderr-{os.getpid()}-{time.monotonic_ns()}").open("w+b")
        self._terminal = _Terminal(self._errors) if terminal else None
        shown = subprocess.DEVNULL if self._terminal is None else self._terminal.end
        self._child = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=shown,
            stderr=self._errors if self._terminal is None else shown,
            env={**os.environ, "TERM": "xterm-256color"} if terminal else None,
            preexec_fn=partial(_prepare, dumped),
        )
        self._folder = folder
        self.pid = self._child.pid

    @property
    def pipe(self) -> int:
        """Descriptor that standard input of the process is written to."""
        assert self._child.stdin is not None
        return self._child.stdin.fileno()

    def feed(self, data: bytes | memoryview, sizes: Sequence[int], pause_s: float = 0.0) -> None:
        """Write bytes to standard input in pieces.

        Parameters
        ----------
        data : bytes
        sizes : lengths of the pieces in turn; the last one repeats
        pause_s : time after each piece in seconds
        """
        at, left = 0, list(sizes)
        while at < len(data):
            size = left.pop(0) if len(left) > 1 else left[0]
            try:
                at += os.write(self.pipe, data[at : at + size])
            except BrokenPipeError:
                raise InputError(f"the process that was to be looked at has ended: {self.said}") from None
            if pause_s:
                time.sleep(pause_s)

    def stop_at_rest(self) -> None:
        """Stop the process when it has emptied its pipe and sleeps in its next read; see `wait_until_it_rests`."""
        self.wait_until_it_rests()
        stop(self.pid)
        os.waitpid(self.pid, os.WUNTRACED)

    def wait_until_it_rests(self) -> None:
        """Wait until the process has emptied its pipe and sleeps in its next read.

        Raises
        ------
        InputError : it ended, or did not rest in time
        """
        quiet, end = 0, time.monotonic() + _PATIENCE_S
        while quiet < _QUIET_LOOKS:
            if self._child.poll() is not None:
                raise InputError(f"the process that was to be looked at has ended: {self.said}")
            if time.monotonic() > end:
                raise InputError(f"the process that was to be looked at does not rest: {self.said}")
            time.sleep(0.02)
            state = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2][0]
            quiet = quiet + 1 if state == "S" and not waiting_bytes(self.pipe) else 0

    def close_pipe(self) -> None:
        """End standard input."""
        assert self._child.stdin is not None
        self._child.stdin.close()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.kill(self.pid, signal.SIGINT)

    def wait_until_it_stands(self) -> None:
        """Wait until the process has stopped itself.

        Raises
        ------
        InputError : it ended, or did not stop in time
        """
        end = time.monotonic() + _PATIENCE_S
        while True:
            pid, status = os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG)
            if pid and os.WIFSTOPPED(status):
                return
            if pid:
                self._child.returncode = status
                raise InputError(f"the process that was to be looked at has ended: {self.said}")
            if time.monotonic() > end:
                raise InputError(f"the process that was to be looked at has not come to its moment: {self.said}")
            time.sleep(0.005)

    def core_file(self) -> Path:
        """Abort the process and return the core file that the kernel wrote."""
        return core_file_of(self._child, self._folder)

    def go_on(self) -> None:
        """Let the process run again."""
        os.kill(self.pid, signal.SIGCONT)

    def end_well(self, *codes: int) -> None:
        """Let the process end: one that failed has heard nothing, and that nothing is left of it shows nothing.

        Parameters
        ----------
        codes : exit codes of success

        Raises
        ------
        InputError : it did not end in time, or with another exit code
        """
        self.go_on()
        try:
            code = self._child.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise InputError(f"the process that was looked at does not end: {self.said}") from None
        if code not in codes:
            raise InputError(f"the process that was looked at ended with status {code}: {self.said}")

    @property
    def said(self) -> str:
        """Return the last line that the process wrote to standard error, also after it has ended."""
        if self._errors.closed:
            return self._said
        lines = Path(self._errors.name).read_bytes().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        if self._child.stdin is not None and not self._child.stdin.closed:
            self._child.stdin.close()
        self._child.wait()
        self._said = self.said
        if self._terminal is not None:
            self._terminal.close()
        self._errors.close()
