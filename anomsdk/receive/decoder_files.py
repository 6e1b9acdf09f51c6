"""Files of the decoders in C and JavaScript, written into a folder of the user."""

from __future__ import annotations

from pathlib import Path

from anomsdk.errors import InputError, printable
from anomsdk.utils.files import packaged_folder, parents_made, unwritable, write_atomically

DECODERS = ("anomsdk-event.js", "anomsdk-event.mjs", "anom_decoder.c", "anom_decoder.h")
"""Files of the decoders: an ES5 script, the same as an ES module, C99."""


def write_decoders(folder: str | Path) -> tuple[Path, ...]:
    """Write the decoders of events in JavaScript and C into a folder.

    Parameters
    ----------
    folder : folder to write to; it is made if there is none. Other files in it stay as they are

    Returns
    -------
    paths of the four files

    Raises
    ------
    InputError : a file of one of these names is there and differs, or the folder cannot be written; nothing is written
    """
    folder = Path(folder)
    packaged = packaged_folder("firmware_port") / "decoders"
    texts = {folder / name: (packaged / name).read_bytes() for name in DECODERS}
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{printable(folder)}: is no folder; give another name")
        differing = [path for path, text in texts.items() if _exists(path) and not _holds(path, text)]
        if differing:
            raise InputError(f"{printable(differing[0])}: exists and differs; move it away, or give another folder")
        with parents_made(folder):
            folder.mkdir(exist_ok=True)
            for path, text in texts.items():
                if not path.exists():
                    write_atomically(path, text)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise unwritable(folder, error) from None
    return tuple(texts)


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _holds(path: Path, text: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(text) and path.read_bytes() == text
