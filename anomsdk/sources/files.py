"""Recordings found in files, in folders and on standard input, opened with their headers checked.

Every recording is read as a stream of int16 blocks, in memory that does not grow with its length.

Sound is mixed down (or one channel is taken), resampled, and rounded to 16 bits, where necessary; `Recording.notes`
says so. Sound that is mono, 16-bit and at the rate of the plan passes bit for bit, and only its beginning is examined
when it is opened. Other sound is examined in 64 places, and completely where something looks wrong. External rows are
never altered. A .npy, a .csv of sound or external rows, and standard input store no rate: the rate of the plan is
assumed.

Motion in a .csv, .csv.gz or .parquet needs a column of time or a rate, headings that name the axes, and a unit in the
headings or in `ReadOptions.unit`; columns can divide one table into recordings of many animals. Motion in an .npz has
numbers of any type, with ``fs``, ``scale``, ``unit`` and ``channels``. Motion is brought to the rate, axes and counts
of the plan. Where more samples are missing than `ReadOptions.max_bridge`, a gap divides the recording. A file of motion
is read once when it is opened, so that its notes are complete and impossible values are refused before any of it is
used. A .npy and standard input hold int16 counts of the plan.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anomsdk.errors import InputError, UnusableInputsError
from anomsdk.sources.audio import stored_recording
from anomsdk.sources.conditions import NothingChosenError
from anomsdk.sources.file_listing import list_files
from anomsdk.sources.formats.motion.first_reading import Hear
from anomsdk.sources.formats.standard_input import standard_input
from anomsdk.sources.motion_files import refuse_for_counts
from anomsdk.sources.recording import OpenedFile, Recording
from anomsdk.sources.stream_format import ReadOptions, StreamFormat


def open_recordings(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    on_bad: Callable[[str], None] | None = None,
) -> list[Recording]:
    """Find the recordings in a file, a folder or standard input, and check their headers.

    Parameters
    ----------
    path : a .wav, .flac, .ogg, .npy, .npz, .csv or .csv.gz; for motion a .csv, .csv.gz, .parquet, .npy or .npz; a
        folder, which means all such files below it, sorted by path, without hidden ones; or ``-`` for raw little-endian
        int16 on standard input, columns interleaved. Conditions behind a colon choose recordings:
        ``file.npz:label=Rain,Sea waves:fold!=4`` those whose array ``label`` has one of the two values and ``fold`` is
        not 4, ``herd.csv:cow=12`` those rows of a table of motion. A file whose name is the whole text comes first
    stream_format : format that the pipeline takes: audio is mixed down and resampled to it, motion is resampled and
        scaled; external rows must have exactly its number of columns and, where a file states a rate, exactly its rate
    reading : options for files of motion, and the channel of sound that is taken; None: `ReadOptions()`
    on_bad : function that is called with one line for each unusable file below a folder, which is then left out; by
        default unusable files are an error that names all of them

    Returns
    -------
    recordings : at least one; all samples of motion were read once, some samples of sound, to check the header

    Raises
    ------
    InputError : no such path, an unknown or damaged file, an array of the wrong type or shape, a wrong rate, or no
        usable file in a folder. For motion also: an unknown unit or axis, time stamps that do not rise, an axis that
        never changes, values that are impossible in this unit, or too many missing samples

    Examples
    --------
    >>> for recording in open_recordings("recordings/", StreamFormat(16_000)):  # doctest: +SKIP
    ...     for block in recording.blocks():
    ...         ...
    """
    if str(path) == "-":
        stream_format.check()
        reading = reading or ReadOptions()
        reading.check(stream_format)
        refuse_for_counts("standard input", reading)
        if reading.rate_hz is not None:
            raise InputError("`rate_hz`: standard input is at the plan's rate, and not resampled; leave it out")
        sound_hz = stream_format.rate_hz if stream_format.kind == "audio" else None
        return [stored_recording(standard_input(stream_format.columns, sound_hz), stream_format, reading.channel)]
    files = open_files(path, stream_format, reading=reading, on_bad=on_bad)
    return [recording for file in files for recording in file.recordings]


def open_skippable(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    on_bad: Callable[[str], None] | None = None,
    hear: Hear | None = None,
) -> list[Recording]:
    """Find recordings as `open_recordings` does; an error about unusable files names `skip_bad`, which leaves them out.

    Parameters
    ----------
    path, stream_format, reading, on_bad : as `open_recordings`
    hear : as `open_files`
    """
    if str(path) == "-":
        return open_recordings(path, stream_format, reading=reading, on_bad=on_bad)
    if on_bad is not None:
        files = open_files(path, stream_format, reading=reading, on_bad=on_bad, hear=hear)
    else:
        files = open_skippable_files(path, stream_format, reading=reading, hear=hear)
    return [recording for file in files for recording in file.recordings]


def open_skippable_files(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    hear: Hear | None = None,
) -> list[OpenedFile]:
    """Open files as `open_files` does; an error about unusable files names `skip_bad`, which leaves them out.

    Parameters
    ----------
    path, stream_format, reading : as `open_recordings`
    hear : as `open_files`
    """
    bad = list[str]()
    try:
        found = open_files(path, stream_format, reading=reading, on_bad=bad.append, hear=hear)
    except InputError:
        if not bad:
            raise
        raise UnusableInputsError(bad) from None  # no file is left
    if bad:
        raise UnusableInputsError(bad, skippable=True)
    return found


def open_files(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    reading: ReadOptions | None = None,
    on_bad: Callable[[str], None] | None = None,
    hear: Hear | None = None,
) -> list[OpenedFile]:
    """Find recordings as `open_recordings` does, file by file, but not on standard input.

    Parameters
    ----------
    path, stream_format, reading, on_bad : as `open_recordings`
    hear : called with the blocks of each recording of motion while that is read for the first time, so that it need not
        be read twice; its result, other than None, is `Recording.heard`. Where the recording turns out to be damaged,
        or the blocks to be others than `Recording.blocks` yields, the result is dropped

    Returns
    -------
    files : at least one, sorted by path

    Raises
    ------
    InputError : as `open_recordings`
    """
    listing = list_files(path, stream_format, reading=reading, hear=hear)
    if not listing.is_folder:
        return [listing.open(listing.files[0])]
    opened, bad = list[OpenedFile](), list[str]()
    for file in listing.files:
        try:
            opened.append(listing.open(file))
        except NothingChosenError:
            continue
        except InputError as error:
            bad.append(str(error))
            if on_bad is not None:
                on_bad(bad[-1])
    if bad and on_bad is None:
        raise UnusableInputsError(bad)
    if opened or not bad:
        listing.check_chosen()
    if not opened and not bad:
        raise NothingChosenError(f"{listing.where}: no recording fulfils all conditions; remove one of them")
    if not opened:
        raise InputError(f"{listing.where}: none of its {len(bad)} files can be used; the first is {bad[0]}")
    return opened
