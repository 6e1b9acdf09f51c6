"""Files and folders: read up to a limit, and written so that no reader ever sees an incomplete one."""

from __future__ import annotations

import errno
import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path

from anomsdk.errors import InputError, printable, quoted


def read_limited(path: Path, limit: int, *, advice: str = "check the path") -> bytes:
    """Read a regular file of at most ``limit`` bytes; anything else is an InputError.

    Parameters
    ----------
    path : file to read
    limit : largest size, bytes
    advice : what to do about a file that cannot be read, at the end of the error
    """
    try:
        if not path.exists():
            raise InputError(f"{path}: cannot be read: no such file; {advice}")
        if not path.is_file():
            raise InputError(f"{path}: cannot be read: not a regular file; {advice}")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        reason = error.strerror if isinstance(error, OSError) else "not a usable path"
        raise InputError(f"{path}: cannot be read: {reason}; {advice}") from None
    if len(data) > limit:
        raise InputError(f"{path}: cannot be read: larger than {limit} bytes; {advice}")
    return data


_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space, or choose another place"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a place that you may write to"),
    errno.ENOENT: "make its folder first",
}


def unwritable(path: Path, error: OSError | ValueError) -> InputError:
    """Make the error for a file that cannot be written: the target, the reason and what to do."""
    where = printable(path)
    if not isinstance(error, OSError):  # a NUL in a path
        return InputError(f"{where}: cannot be written: not a usable path; choose another name")
    advice = _ADVICE.get(error.errno or 0, "choose another place")
    return InputError(f"{where}: cannot be written: {error.strerror or 'the system refuses'}; {advice}")


@contextmanager
def parents_made(path: Path) -> Iterator[None]:
    """Make the folders above a path; when the work in them fails, the new folders are removed again."""
    missing = list(takewhile(lambda parent: not parent.exists(), path.absolute().parents))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in missing:
            with suppress(OSError):  # somebody else put something there, or it was not made
                parent.rmdir()
        raise


def inside(folder: Path, name: str, where: str) -> Path:
    """Find the file that a spec or a plan names in its folder; a name that leads out of the folder is refused.

    Parameters
    ----------
    folder : start of the relative name
    name : name as the spec or the plan writes it, with / between its parts
    where : name, in messages, of the place that names the file, e.g. ``spec.toml: model.file``

    Returns
    -------
    path in the folder; the file need not exist

    Raises
    ------
    InputError : the name is an absolute path, contains .., or passes a symbolic link that leads out of the folder
    """
    shown, out = quoted(name, 80), "put the file into the folder"
    try:
        path = Path(name)
        if not name or path.is_absolute() or path.drive or ".." in path.parts:
            raise InputError(f"{where} is '{shown}', which leads out of the folder; {out}")
        if not (folder / path).resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{where} is '{shown}', a symbolic link that leads out of the folder; {out}")
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError):  # a circle of links, a NUL
        raise InputError(f"{where} is '{shown}', no usable path; {out}") from None
    return folder / path


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the content of a file as a whole; a failure leaves the old content in place."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.")
    except OSError as error:
        raise unwritable(path, error) from None
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
            raise unwritable(path, error) from None
        raise


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with these files as a whole, in place of an old one if there is one.

    The folder is written beside its place first and then renamed. A power cut between the two renames of a replacement
    leaves both the old and the new folder in a hidden folder beside the place.

    Parameters
    ----------
    folder : place of the folder; missing parents are made
    files : name, with / between its parts -> content
    """
    try:
        place = folder.resolve()  # not the link to it
        with (
            parents_made(place),
            tempfile.TemporaryDirectory(
                dir=place.parent, prefix=f".{place.name[:64]}.", ignore_cleanup_errors=True
            ) as temporary,
        ):
            fresh, old = Path(temporary) / "new", Path(temporary) / "old"
            for name, data in files.items():
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                (fresh / name).write_bytes(data)
            with uninterrupted():
                replaced = place.exists()
                if replaced:
                    place.rename(old)
                try:
                    fresh.rename(place)
                except OSError:
                    if replaced:
                        old.rename(place)
                    raise
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise unwritable(folder, error) from None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C and termination while files that belong together are renamed."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python hands signals to the main thread only
        return
    held: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda which, _: held.append(which)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if held:
            signal.raise_signal(held[0])


_IN_A_CHECKOUT = {"register": "docs"}
"""Name of a folder of data in an installed package -> its name in a checkout, where the two differ."""


def packaged_folder(name: str) -> Path:
    """Find a folder of data that comes with the package: inside it when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / name, package.parent / _IN_A_CHECKOUT.get(name, name)):
        if folder.is_dir():
            return folder
    raise InputError(f"the folder {name} is missing from this installation; reinstall anomsdk")
