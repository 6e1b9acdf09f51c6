"""Which recordings of a file are meant, and which of them belong together."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from anomsdk.errors import InputError, printable, quoted
from anomsdk.formats.npz import entries
from anomsdk.formats.stored import refusing
from anomsdk.sources import OpenedFile

LABEL_KEYS = ("activity", "label", "class", "behaviour")
"""Arrays of an .npz that say what each recording is of, the first that is there counts."""

Conditions: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""(key, values) pairs: the array ``key`` of an .npz says one of ``values``."""


def parsed(text: str) -> tuple[str, Conditions]:
    """A path, and (key, values) that recordings must have."""
    head, chooses, tail = text.partition(".npz:")
    with refusing(printable(text)):
        if not chooses or Path(text).exists():
            return text, ()
    conditions = []
    for part in tail.split(":"):
        key, _, values = part.partition("=")
        if not key or not values:
            raise InputError(f"{printable(text)}: nothing is chosen behind .npz; write file.npz:key=value,value")
        conditions.append((key, tuple(values.split(","))))
    return head + ".npz", tuple(conditions)


def chosen(file: OpenedFile, conditions: Conditions) -> list[int]:
    """Indices of the recordings that meet all conditions; every value must occur, or it is misspelt."""
    n = len(file.recordings)
    left = set(range(n))
    for key, wanted in conditions:
        found = entries(file.path, printable(file.path), key, n)
        for value in wanted:
            if value not in found:
                there = quoted(", ".join(quoted(each) for each in sorted(set(found))[:20]), 200)
                raise InputError(f"{printable(file.path)}: no {printable(key)} is {printable(value)}; there is {there}")
        left &= {index for index in range(n) if found[index] in wanted}
    return sorted(left)


def group_labels(file: OpenedFile, group: str | None, root: str) -> list[str]:
    """The group of each recording of a file."""
    n = len(file.recordings)
    if group is None:  # the path tells recordings of different folders apart
        return [f"{printable(root)}/{recording.name}" for recording in file.recordings]
    if group == "folder":
        return [str(Path(file.name).parent)] * n
    if group == "file":
        return [printable(file.path)] * n
    if file.path.suffix.lower() != ".npz":
        raise InputError(
            f"{printable(file.path)}: has no array {printable(group)} to group by; that takes an .npz, "
            'or group by "folder" or "file"'
        )
    return [printable(label) for label in entries(file.path, printable(file.path), group, n)]


def labels(file: OpenedFile, key: str | None) -> tuple[str, list[str]]:
    """Where the label of each recording of a file is found, and the labels.

    Parameters
    ----------
    file : of `anomsdk.sources.open_files`
    key : an array of the .npz, or "folder"; None: the first of `LABEL_KEYS` that an .npz has, else "folder"

    Raises
    ------
    InputError : no such array
    """
    where, n = printable(file.path), len(file.recordings)
    is_npz = file.path.suffix.lower() == ".npz"
    if key is not None and key != "folder":
        if not is_npz:
            raise InputError(f"{where}: has no array {printable(key)} for labels; that takes an .npz, or give folder")
        return key, [printable(value) for value in entries(file.path, where, key, n)]
    for each in LABEL_KEYS if is_npz and key is None else ():
        try:
            return each, [printable(value) for value in entries(file.path, where, each, n)]
        except InputError:  # no such array, or none of one entry a recording
            continue
    return "folder", [printable(file.path.resolve().parent.name)] * n
