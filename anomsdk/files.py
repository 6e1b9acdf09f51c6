"""Files: read whole with a limit, and written so that a reader never sees half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from anomsdk.errors import InputError


def read_limited(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes, else InputError."""
    try:
        if not path.exists():
            raise InputError(f"{path}: cannot be read: No such file or directory")
        if not path.is_file():
            raise InputError(f"{path}: cannot be read: not a regular file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        reason = error.strerror if isinstance(error, OSError) else "not a usable path"
        raise InputError(f"{path}: cannot be read: {reason}") from None
    if len(data) > limit:
        raise InputError(f"{path}: cannot be read: larger than {limit} bytes")
    return data


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file by new bytes, or leave it as it was."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None
        raise
