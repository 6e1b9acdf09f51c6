"""Groups of recordings that must stay together, and labels that say what they are of."""

from __future__ import annotations

from pathlib import Path

from anomsdk.errors import InputError, printable
from anomsdk.sources.recording import OpenedFile

LABEL_KEYS = ("activity", "label", "class", "behaviour")
"""Names of arrays of an .npz, or of columns, that hold labels; the first that exists is used."""


def group_labels(file: OpenedFile, group: str | None, root: str) -> list[str]:
    """Find the group of each recording of a file.

    Parameters
    ----------
    file : from `anomsdk.sources.open_files`
    group : "folder"; "file"; or the name of an array of an .npz, or of a column that divides the table. None: each
        recording is its own group, or for a divided table the value of the first column that divides it
    root : folder or file that was opened

    Returns
    -------
    groups : one for each recording

    Raises
    ------
    InputError : no such array or column
    """
    n = len(file.recordings)
    if group is None and file.values:
        return [printable(value) for value in next(iter(file.values.values()))]
    if group is None:  # the path tells recordings of different folders apart
        return [f"{printable(root)}/{recording.name}" for recording in file.recordings]
    if group == "folder":
        return [str(Path(file.name).parent)] * n
    if group == "file":
        return [printable(file.path)] * n
    if file.path.suffix.lower() != ".npz" and group not in file.values:
        raise InputError(
            f"{printable(file.path)}: has no array {printable(group)} to group by; that takes an .npz or a column that "
            '`by` names, or group by "folder" or "file"'
        )
    return [printable(label) for label in file.entries(group)]


def labels(file: OpenedFile, key: str | None) -> tuple[str, list[str]]:
    """Find the label of each recording of a file.

    Parameters
    ----------
    file : from `anomsdk.sources.open_files`
    key : name of an array of the .npz, or of a column that divides the table; or "folder". None: the first of
        `LABEL_KEYS` that exists, else "folder"

    Returns
    -------
    key : name of the array or column that was used, or "folder"
    labels : one for each recording

    Raises
    ------
    InputError : no such array or column
    """
    where, n = printable(file.path), len(file.recordings)
    is_npz = file.path.suffix.lower() == ".npz"
    if key is not None and key != "folder":
        if not is_npz and key not in file.values:
            raise InputError(
                f"{where}: has no array {printable(key)} for labels; that takes an .npz or a column that `by` names, "
                "or give folder"
            )
        return key, [printable(value) for value in file.entries(key)]
    for each in LABEL_KEYS if key is None and (is_npz or file.values) else ():
        try:
            return each, [printable(value) for value in file.entries(each)]
        except InputError:  # no such array, or none of one entry a recording
            continue
    return "folder", [printable(file.path.resolve().parent.name)] * n
