"""Numpy archives, .npz: samples ``x``, and optionally their rate ``fs``, times ``t0`` and ``offsets`` of recordings."""

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
from anomsdk.sources.formats.arrays.npy import StoredArray, array_header
from anomsdk.sources.formats.stored_samples import StoredRecording, refusing
from anomsdk.sources.formats.timing.epochs import epoch_ns
from anomsdk.utils.text import counted

MAX_RECORDINGS = 1 << 20
"""Most recordings in one .npz, which bounds the arrays that are held whole."""
MAX_FREE_BYTES, MAX_RATIO = 256 << 20, 32
"""Largest unpacked size of an array, in bytes and in multiples of its packed size, whichever is more."""
MAX_SMALL_BYTES = 256 << 20
"""Most bytes of an array that is held whole, enough for labels of 64 characters for all recordings."""
_LABEL_KINDS = "biufU"
_MAX_LABEL_BYTES = 1024


@dataclass(frozen=True)
class Archive:
    """One array of samples in an .npz, as its headers describe it.

    Parameters
    ----------
    samples : the array
    rate_hz : rows per second; None where the archive does not say it
    parts : (suffix of the name, first row, row after the last one) of each recording
    starts_ns : time of the first sample of each recording, as in `anomsdk.sources.Recording`
    """

    samples: StoredArray
    rate_hz: float | None
    parts: tuple[tuple[str, int, int], ...]
    starts_ns: tuple[int | None, ...]


def npz_file(path: Path, name: str, where: str) -> list[StoredRecording]:
    """Check all headers and return the recordings; no sample is read yet."""
    archive = open_archive(path, where)
    samples, rate_hz = archive.samples, archive.rate_hz
    return [
        StoredRecording(
            name + suffix,
            where + suffix,
            rate_hz,
            samples.channels,
            stop - start,
            partial(samples.read, start, stop),
            start_ns=start_ns,
        )
        for (suffix, start, stop), start_ns in zip(archive.parts, archive.starts_ns, strict=True)
    ]


def open_archive(path: Path, where: str, array: str = "x", *, any_number: bool = False) -> Archive:
    """Check the headers of an array of samples and of what belongs to it.

    The rate, the offsets and the times of ``phone_x`` are ``phone_fs``, ``phone_offsets`` and ``phone_t0``.
    """
    before = array.removesuffix("x")
    samples, fs, offsets, t0 = (f"{before}{key}.npy" for key in ("x", "fs", "offsets", "t0"))
    with ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if samples not in members:
            raise InputError(f"{where}: no array {printable(array)}; use numpy.savez(file, x=samples, offsets=offsets)")
        for member in (samples, offsets, fs, t0):
            if member in members:
                _check_member(members[member], where)
        rate_hz = _rate(archive, where, f"{before}fs") if fs in members else None
        bounds = _offsets(archive, where, f"{before}offsets") if offsets in members else None
        n = 1 if bounds is None else len(bounds) - 1
        starts_ns = _starts(archive, where, f"{before}t0", n) if t0 in members else (None,) * n
    size = members[samples].file_size
    stored = StoredArray(
        f"{where}: {printable(array)}", size, partial(_open_member, path, samples), any_number=any_number
    )
    return Archive(stored, rate_hz, _parts(bounds, stored.rows, where), starts_ns)


def _parts(bounds: list[int] | None, rows: int, where: str) -> tuple[tuple[str, int, int], ...]:
    """Return suffix, first row and row after the last one of each recording between offsets."""
    if bounds is None:
        return (("", 0, rows),)
    if bounds[0] != 0 or bounds[-1] != rows:
        raise InputError(f"{where}: offsets run from {bounds[0]} to {bounds[-1]}; they must run from 0 to {rows}")
    for index, (start, stop) in enumerate(itertools.pairwise(bounds)):
        if start >= stop:
            what = "is empty" if start == stop else "ends before it starts"
            raise InputError(f"{where}: recording {index} {what} ({start}:{stop}); correct offsets")
    return tuple((f"[{index}]", start, stop) for index, (start, stop) in enumerate(itertools.pairwise(bounds)))


def small_array(path: Path, where: str, key: str, kinds: str) -> list[Any] | None:
    """Return the values of a small array, such as names of channels; None where there is no such array.

    Raises
    ------
    InputError : the array is large, or its type is none of ``kinds``, characters as in numpy.dtype.kind
    """
    with refusing(where), ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if f"{key}.npy" not in members:
            return None
        _check_member(members[f"{key}.npy"], where)
        return list(_small_array(archive, key, where, kinds).ravel().tolist())


def entries_of(path: Path, where: str, key: str, n: int) -> list[str]:
    """Return the entry of each recording in an array, such as its label, fold or subject.

    Parameters
    ----------
    path : an .npz that `npz_file` accepted
    where : name of the file in messages
    key : name of an array with one text, number or bool for each recording
    n : number of recordings in the file

    Returns
    -------
    n values as text

    Raises
    ------
    InputError : there is no such array, or it has not one entry for each recording; the message lists those that have
    """
    with refusing(where), ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if f"{key}.npy" not in members or not _labels(archive, members[f"{key}.npy"], n):
            names = (name for name, info in members.items() if _labels(archive, info, n))
            fit = quoted(", ".join(sorted(name.removesuffix(".npy") for name in names)), 200)
            what = f"no array {key}" if f"{key}.npy" not in members else f"{key} has not one entry for each recording"
            which = f"arrays with one entry for each of its {n} recordings: {fit or 'none'}"
            raise InputError(f"{where}: {printable(what)}; {which}")
        return [str(value) for value in _small_array(archive, key, where, _LABEL_KINDS).tolist()]


def _labels(archive: ZipFile, info: ZipInfo, n: int) -> bool:
    """Tell whether a member of the archive holds one short value for each of ``n`` recordings."""
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
    """Open a member of the archive at its first byte."""
    with ZipFile(path) as archive:  # the file stays open until the member is closed
        return archive.open(member)


def _check_member(info: ZipInfo, where: str) -> None:
    """Refuse a member whose sizes cannot be true or whose packing is unknown, before anything relies on them."""
    packed, unpacked = info.compress_size, info.file_size
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InputError(f"{where}: {quoted(info.filename)} is packed by an unknown method; save it with numpy.savez")
    name = quoted(info.filename)
    if info.flag_bits & 1:
        raise InputError(f"{where}: {name} is encrypted; save it with numpy.savez")
    most = packed if info.compress_type == ZIP_STORED else 1032 * packed  # the most deflate can do
    if unpacked > most:
        raise InputError(f"{where}: {name} claims to unpack from {packed} to {unpacked} bytes; save it again")
    if unpacked > max(MAX_FREE_BYTES, MAX_RATIO * packed):
        raise InputError(
            f"{where}: {name} unpacks to {unpacked / packed:.0f} times its size, {unpacked >> 20} MiB, as no "
            "recording does; if it is one, save it with numpy.savez, which does not pack"
        )


def _small_array(archive: ZipFile, key: str, where: str, kinds: str) -> NDArray[Any]:
    """Read a small array whole; refuse one that is large or whose type is none of ``kinds``."""
    with archive.open(f"{key}.npy") as stream:
        info = archive.getinfo(f"{key}.npy")
        shape, dtype = array_header(stream, info.file_size, f"{where}: {key}")
        if dtype.kind not in kinds or math.prod(shape) > MAX_RECORDINGS + 1 or not dtype.itemsize > 0:
            raise InputError(f"{where}: {key} is {quoted(dtype)} {quoted(shape)}; save few plain numbers or texts")
        if info.file_size > MAX_SMALL_BYTES:
            raise InputError(f"{where}: {key} is {info.file_size >> 20} MiB; save few and short values")
        data = stream.read()
    if dtype.kind == "U" and (np.frombuffer(data, dtype.str[0] + "u4") > 0x10FFFF).any():
        # Python would make strings of such code points, and end the process with them.
        raise InputError(f"{where}: {key} is no text; save it again")
    return np.frombuffer(data, dtype).reshape(shape)


def _rate(archive: ZipFile, where: str, key: str) -> float:
    """Read the rate, rows per second."""
    fs = _small_array(archive, key, where, "iuf")
    if fs.size != 1 or not math.isfinite(float(fs.item())):
        raise InputError(f"{where}: {key} is {fs.ravel()[:3].tolist()}; save one number")
    return float(fs.item())


def _starts(archive: ZipFile, where: str, key: str, n: int) -> tuple[int | None, ...]:
    """Read the time of the first sample of each recording; None for a number that is no second of 2000 to 2100."""
    given = _small_array(archive, key, where, "iuf").ravel().tolist()
    if len(given) not in (1, n):
        raise InputError(
            f"{where}: {key} has {len(given)} times for {counted(n, 'recording')}; save the seconds since 1970 at "
            "which each begins"
        )
    starts = tuple(epoch_ns(each) for each in given)
    return starts if len(starts) == n else starts * n


def _offsets(archive: ZipFile, where: str, key: str) -> list[int]:
    """Read the first row of each recording, and the row after the last one."""
    offsets = _small_array(archive, key, where, "iuf")
    if offsets.dtype.str != "<i8" or offsets.ndim != 1 or len(offsets) < 2:
        raise InputError(
            f"{where}: {key} are {quoted(offsets.dtype)} {offsets.shape}; save int64 of shape (recordings + 1,)"
        )
    return [int(offset) for offset in offsets]
