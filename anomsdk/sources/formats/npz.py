"""Archives of numpy, .npz: array x, and where they are there its rate, fs, and offsets that cut it into recordings."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.formats.npy import StoredArray, array_header
from anomsdk.sources.formats.stored import Stored, refusing

MAX_RECORDINGS = 1 << 20  # in one .npz: bounds the arrays that are held whole
MAX_FREE_BYTES, MAX_RATIO = 256 << 20, 32
"""A member unpacks to so many bytes, or to so many times its size: nothing much larger than its file takes our time."""
MAX_SMALL_BYTES = 256 << 20
"""Of an array that is held whole: labels of the most recordings, of 64 characters each."""
_LABEL_KINDS = "biufU"
_MAX_LABEL_BYTES = 1024


@dataclass(frozen=True)
class Archive:
    """What the headers of an .npz say of one array of samples.

    Parameters
    ----------
    samples : the array
    rate_hz : rows a second, where it is said
    parts : (suffix, first row, row after the last) of each recording
    """

    samples: StoredArray
    rate_hz: float | None
    parts: tuple[tuple[str, int, int], ...]


def npz_file(path: Path, name: str, where: str) -> list[Stored]:
    """Check all headers; no sample is read yet."""
    archive = opened(path, where)
    samples, rate_hz = archive.samples, archive.rate_hz
    return [
        Stored(
            name + suffix,
            where + suffix,
            rate_hz,
            samples.channels,
            stop - start,
            partial(samples.read, start, stop),
        )
        for suffix, start, stop in archive.parts
    ]


def opened(path: Path, where: str, array: str = "x", *, any_number: bool = False) -> Archive:
    """Check the headers of one array and what goes with it: ``phone_x`` with ``phone_offsets`` and ``phone_fs``."""
    before = array.removesuffix("x")
    samples, fs, offsets = (f"{before}{key}.npy" for key in ("x", "fs", "offsets"))
    with ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if samples not in members:
            raise InputError(f"{where}: no array {printable(array)}; numpy.savez(file, x=samples, offsets=offsets)")
        for member in (samples, offsets, fs):
            if member in members:
                _check_member(members[member], where)
        rate_hz = _rate(archive, where, f"{before}fs") if fs in members else None
        bounds = _offsets(archive, where, f"{before}offsets") if offsets in members else None
    size = members[samples].file_size
    stored = StoredArray(
        f"{where}: {printable(array)}", size, partial(_open_member, path, samples), any_number=any_number
    )
    return Archive(stored, rate_hz, _parts(bounds, stored.rows, where))


def _parts(bounds: list[int] | None, rows: int, where: str) -> tuple[tuple[str, int, int], ...]:
    if bounds is None:
        return (("", 0, rows),)
    if bounds[0] != 0 or bounds[-1] != rows:
        raise InputError(f"{where}: offsets from {bounds[0]} to {bounds[-1]}; make them 0 to {rows}")
    for index, (start, stop) in enumerate(itertools.pairwise(bounds)):
        if start >= stop:
            what = "is empty" if start == stop else "ends before it starts"
            raise InputError(f"{where}: recording {index} {what} ({start}:{stop}); correct offsets")
    return tuple((f"[{index}]", start, stop) for index, (start, stop) in enumerate(itertools.pairwise(bounds)))


def said(path: Path, where: str, key: str, kinds: str) -> list[Any] | None:
    """The values of a small array, such as names of channels; None without it.

    Raises
    ------
    InputError : it is large, or not of these kinds of numpy types
    """
    with refusing(where), ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if f"{key}.npy" not in members:
            return None
        _check_member(members[f"{key}.npy"], where)
        return list(_small_array(archive, key, where, kinds).ravel().tolist())


def entries(path: Path, where: str, key: str, n: int) -> list[str]:
    """What an array says of each recording, e.g. its label, fold or subject.

    Parameters
    ----------
    path : an .npz that `npz_file` accepted
    where : what messages call it
    key : name of an array of text, numbers or truth values, one a recording
    n : recordings in the file

    Returns
    -------
    n values as text

    Raises
    ------
    InputError : no such array, or not one entry a recording; the message lists the arrays that would do
    """
    with refusing(where), ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if f"{key}.npy" not in members or not _labels(archive, members[f"{key}.npy"], n):
            names = (name for name, info in members.items() if _labels(archive, info, n))
            fit = quoted(", ".join(sorted(name.removesuffix(".npy") for name in names)), 200)
            what = f"no array {key}" if f"{key}.npy" not in members else f"{key} has not one entry for each recording"
            raise InputError(f"{where}: {printable(what)} ({n} in all); arrays that would do: {fit or 'none'}")
        return [str(value) for value in _small_array(archive, key, where, _LABEL_KINDS).tolist()]


def _labels(archive: ZipFile, info: ZipInfo, n: int) -> bool:
    """Whether a member holds one short value for each of n recordings."""
    if not info.filename.endswith(".npy"):
        return False
    try:
        _check_member(info, "")
        with archive.open(info) as stream:
            shape, dtype = array_header(stream, info.file_size, "")
    except InputError:
        return False
    return shape == (n,) and dtype.kind in _LABEL_KINDS and 0 < dtype.itemsize <= _MAX_LABEL_BYTES


def _open_member(path: Path, member: str) -> IO[bytes]:
    with ZipFile(path) as archive:  # the file stays open until the member is closed
        return archive.open(member)


def _check_member(info: ZipInfo, where: str) -> None:
    """Refuse sizes that cannot be true, before anything relies on them."""
    packed, unpacked = info.compress_size, info.file_size
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InputError(f"{where}: {quoted(info.filename)} is packed oddly; save it with numpy.savez")
    name = quoted(info.filename)
    if info.flag_bits & 1:
        raise InputError(f"{where}: {name} is encrypted; save it with numpy.savez")
    most = packed if info.compress_type == ZIP_STORED else 1032 * packed  # the most deflate can do
    if unpacked > most:
        raise InputError(f"{where}: {name} claims {unpacked} bytes from {packed}; save it again")
    if unpacked > max(MAX_FREE_BYTES, MAX_RATIO * packed):
        raise InputError(
            f"{where}: {name} unpacks to {unpacked / packed:.0f} times its size, {unpacked >> 20} MiB, and no "
            "recording does; if it is one, save it with numpy.savez, not packed"
        )


def _small_array(archive: ZipFile, key: str, where: str, kinds: str) -> NDArray[Any]:
    with archive.open(f"{key}.npy") as stream:
        info = archive.getinfo(f"{key}.npy")
        shape, dtype = array_header(stream, info.file_size, f"{where}: {key}")
        if dtype.kind not in kinds or math.prod(shape) > MAX_RECORDINGS + 1 or not dtype.itemsize > 0:
            raise InputError(f"{where}: {key} is {quoted(dtype)} {quoted(shape)}; save few and plain numbers")
        if info.file_size > MAX_SMALL_BYTES:
            raise InputError(f"{where}: {key} is {info.file_size >> 20} MiB; save few and short values")
        data = stream.read()
    if dtype.kind == "U" and (np.frombuffer(data, dtype.str[0] + "u4") > 0x10FFFF).any():
        raise InputError(f"{where}: {key} is no text; save it again")  # Python would make strings that end it
    return np.frombuffer(data, dtype).reshape(shape)


def _rate(archive: ZipFile, where: str, key: str) -> float:
    fs = _small_array(archive, key, where, "iuf")
    if fs.size != 1 or not math.isfinite(float(fs.item())):
        raise InputError(f"{where}: {key} is {fs.ravel()[:3].tolist()}; save one number")
    return float(fs.item())


def _offsets(archive: ZipFile, where: str, key: str) -> list[int]:
    offsets = _small_array(archive, key, where, "iuf")
    if offsets.dtype.str != "<i8" or offsets.ndim != 1 or len(offsets) < 2:
        raise InputError(f"{where}: {key} are {quoted(offsets.dtype)} {offsets.shape}; save int64 (recordings + 1,)")
    return [int(offset) for offset in offsets]
