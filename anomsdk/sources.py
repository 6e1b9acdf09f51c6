"""Files, folders and standard input as streams of int16 blocks, in memory that does not grow with length.

Audio (one column) is mixed down, resampled and brought to 16 bits where needed, as `Recording.notes` says;
what is mono, 16-bit and at the wanted rate passes bit for bit. Rows of several columns are never altered.
A .npy, a .csv and standard input carry no rate: they are taken to be at the wanted one.
"""

from __future__ import annotations

import itertools
import math
import os
import select
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError

Block = NDArray[np.int16]
_Reader = Callable[[int], Iterator[NDArray[Any]]]

BLOCK_VALUES = 65_536  # int16 values in a block: 128 KiB, whatever the number of columns
MAX_CHANNELS = 64  # more is a transposed array or a damaged header, no microphone array that is mixed down
MAX_RECORDINGS = 1 << 20  # in one .npz: bounds the only array that is held whole
MAX_CSV_LINE = 65_536  # characters: a file without line ends must not become one string
AUDIO_RATES_HZ = (100, 768_000)
FLOAT_LIMIT = 256.0  # full scale is 1.0; 48 dB above it the samples are integers stored as float
SUFFIXES = (".wav", ".flac", ".ogg", ".npy", ".npz", ".csv")

_LINEAR_WAV_FORMATS = (1, 3, 6, 7, 0xFFFE)  # PCM, float, A-law, mu-law, extensible: a fixed size per sample
_SUBTYPE_NOTES = {
    "PCM_16": (),
    "PCM_24": ("24-bit reduced to 16-bit",),
    "PCM_32": ("32-bit reduced to 16-bit",),
    "PCM_U8": ("8-bit widened to 16-bit",),
    "PCM_S8": ("8-bit widened to 16-bit",),
    "FLOAT": ("32-bit float scaled to 16-bit, clipped beyond full scale",),
    "DOUBLE": ("64-bit float scaled to 16-bit, clipped beyond full scale",),
}


@dataclass(frozen=True)
class Recording:
    """One recording that can be read as blocks; made by `open_recordings`.

    Parameters
    ----------
    name : file name, path below the folder that was opened, ``file.npz[3]`` or ``standard input``
    notes : what is done to the samples on the way, in words; empty when nothing is
    length : samples (rows) after conversion; approximate when resampled, None when unknown before reading
    """

    name: str
    notes: tuple[str, ...]
    length: int | None
    _where: str = field(repr=False)
    _read: Callable[[], Iterator[Block]] = field(repr=False, compare=False)

    def blocks(self) -> Iterator[Block]:
        """Read the samples from the beginning; standard input only once.

        Yields
        ------
        block : int16 (n,) for audio, (n, columns) otherwise; n >= 1 and at most 65,536 values in all

        Raises
        ------
        InputError : the samples are damaged, cut off, out of range, not finite, or there are none
        """
        empty = True
        for block in self._read():
            empty = False
            yield block
        if empty:
            raise InputError(f"{self._where}: there are no samples in it; record it again or leave it out")


@dataclass(frozen=True)
class _Source:
    """Samples as they are stored: `read(rows)` yields (n, channels), n <= rows, in int16 units."""

    name: str
    where: str
    rate_hz: int | None  # None: not stored, taken to be the wanted one
    channels: int
    rows: int | None
    read: _Reader
    exact: bool = True  # int16, not float64 in int16 units
    notes: tuple[str, ...] = ()


def open_recordings(path: str | Path, *, rate_hz: int, columns: int = 1) -> list[Recording]:
    """Find the recordings in a file, a folder or standard input, and check their headers.

    Parameters
    ----------
    path : a .wav, .flac, .ogg, .npy, .npz or .csv file; a folder (all such files below it, sorted by path,
        hidden ones skipped); or ``-`` for raw little-endian int16 on standard input, columns interleaved
    rate_hz : wanted samples (rows) a second, >= 1
    columns : 1 for audio, mixed down and resampled as needed; otherwise every row has exactly so many values

    Returns
    -------
    recordings : at least one; no sample is read yet

    Raises
    ------
    InputError : nothing there, an unknown or damaged file, an array of the wrong type or shape, a wrong rate

    Examples
    --------
    >>> for recording in open_recordings("recordings/", rate_hz=16_000):  # doctest: +SKIP
    ...     for block in recording.blocks():
    ...         ...
    """
    if rate_hz < 1 or columns < 1:
        raise InputError(f"rate_hz = {rate_hz}, columns = {columns}: both must be at least 1")
    if str(path) == "-":
        return [_stdin_recording(columns)]
    root, where = Path(path), _shown(path)
    with _refusing(where):
        if not str(path) or not root.exists():
            raise InputError(f"{where or 'the empty path'}: no such file or folder; check the path")
        if not root.is_dir():
            return _open_file(root, root.name, rate_hz, columns)
        names = _names_below(root)
    if not names:
        raise InputError(f"{where}: no recordings in this folder; it needs {', '.join(SUFFIXES)} files")
    return [found for name in names for found in _open_file(root / name, name, rate_hz, columns)]


def read_recording(recording: Recording) -> Block:
    """Join all blocks of a recording, for training.

    Parameters
    ----------
    recording : one of `open_recordings`

    Returns
    -------
    samples : int16 (length,) for audio, (length, columns) otherwise; writable

    Raises
    ------
    InputError : as `Recording.blocks`
    """
    joined = bytearray()  # grows with what is really there: a header that lies about the length costs nothing
    row: tuple[int, ...] = ()
    for block in recording.blocks():
        row = block.shape[1:]
        joined += block.tobytes()
    return np.frombuffer(joined, dtype=np.int16).reshape(-1, *row)


# --- files and folders


def _shown(text: object) -> str:
    """On one printable line, whatever the file is called."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


@contextmanager
def _refusing(where: str) -> Iterator[None]:
    """What the operating system, zipfile, zlib or libsndfile (a RuntimeError) cannot read is bad input."""
    try:
        yield
    except InputError:
        raise
    except (OSError, EOFError, RuntimeError, ValueError, struct.error, zlib.error, BadZipFile) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "error_string", None) or error
        raise InputError(f"{where}: cannot be read ({_shown(reason)}); check the file or copy it again") from error


def _names_below(root: Path) -> list[str]:
    """Paths below a folder of all supported files, sorted, with nothing hidden on the way."""
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(folder).relative_to(root)
        names += [(here / name).as_posix() for name in files if not name.startswith(".")]
    return sorted(name for name in names if Path(name).suffix.lower() in SUFFIXES)


def _open_file(path: Path, name: str, rate_hz: int, columns: int) -> list[Recording]:
    where, name, suffix = _shown(path), _shown(name), path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{where}: unknown kind of file; convert it to one of {', '.join(SUFFIXES)}")
    with _refusing(where):
        if not path.is_file():
            raise InputError(f"{where}: no regular file; give a file or a folder")
        if path.stat().st_size == 0:
            raise InputError(f"{where}: the file is empty; record it again or leave it out")
        if suffix == ".csv":
            return [Recording(name, (), None, where, partial(_csv_blocks, path, columns))]
        sources = {".npy": _npy_sources, ".npz": _npz_sources}.get(suffix, _sound_sources)(path, name, where)
    if columns == 1:
        return [_audio_recording(source, source.where, rate_hz) for source in sources]
    return [_rows_recording(source, source.where, rate_hz, columns) for source in sources]


# --- what becomes of stored samples


def _rows_recording(source: _Source, where: str, rate_hz: int, columns: int) -> Recording:
    """Rows of several values, exactly as stored."""
    if source.channels != columns:
        raise InputError(f"{where}: {source.channels} columns; give rows of {columns} values")
    if source.rate_hz not in (None, rate_hz):
        raise InputError(f"{where}: {source.rate_hz} rows a second; rows are not resampled, record at {rate_hz}")
    if not source.exact:
        raise InputError(f"{where}: no 16-bit integers; rows are not scaled, convert them to int16")
    read = partial(source.read, max(1, BLOCK_VALUES // columns))
    return Recording(source.name, source.notes, source.rows, where, read)


def _audio_recording(source: _Source, where: str, rate_hz: int) -> Recording:
    """One channel at the wanted rate, converted only where it has to be."""
    stored_hz = rate_hz if source.rate_hz is None else source.rate_hz
    channels, notes, length = source.channels, source.notes, source.rows
    low, high = AUDIO_RATES_HZ
    if source.rate_hz is not None and not low <= stored_hz <= high:
        raise InputError(f"{where}: {stored_hz} Hz is no audio rate ({low} to {high}); correct the header")
    if channels > MAX_CHANNELS:
        raise InputError(f"{where}: {channels} channels, at most {MAX_CHANNELS}; store instants as rows")
    if channels > 1:
        notes += (f"{channels} channels mixed down",)
    if stored_hz != rate_hz:
        if not low <= rate_hz <= high:
            raise InputError(f"{where}: cannot be resampled to {rate_hz} Hz; choose {low} to {high}")
        notes += (f"{stored_hz} Hz resampled to {rate_hz} Hz",)
        length = None if length is None else max(1, round(length * rate_hz / stored_hz))
    # Upsampled, a block is longer than what was read for it.
    rows = max(1, int(BLOCK_VALUES / channels * min(1.0, stored_hz / rate_hz)))
    same = source.exact and channels == 1 and stored_hz == rate_hz
    read = partial(_flat, source.read, rows) if same else partial(_mono, source.read, rows, stored_hz, rate_hz)
    return Recording(source.name, notes, length, where, read)


def _flat(read: Callable[[int], Iterator[Block]], rows: int) -> Iterator[Block]:
    for block in read(rows):
        yield block.reshape(-1)


def _mono(read: _Reader, rows: int, stored_hz: int, rate_hz: int) -> Iterator[Block]:
    """Mix down, resample, then round half to even and clip, once."""
    mixed: Iterator[NDArray[np.float64]] = (block.mean(axis=1, dtype=np.float64) for block in read(rows))
    for samples in mixed if stored_hz == rate_hz else _resampled(mixed, stored_hz, rate_hz):
        rounded = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
        for start in range(0, len(rounded), BLOCK_VALUES):
            yield rounded[start : start + BLOCK_VALUES]


def _resampled(blocks: Iterator[NDArray[np.float64]], stored_hz: int, rate_hz: int) -> Iterator[NDArray[np.float64]]:
    import soxr

    # float64: soxr dithers int16, and the result would depend on the block size.
    stream = soxr.ResampleStream(stored_hz, rate_hz, 1, dtype="float64", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0), last=True)


# --- .wav, .flac, .ogg


def _sound_sources(path: Path, name: str, where: str) -> list[_Source]:
    import soundfile

    promised = None
    if path.suffix.lower() == ".wav":
        promised = _wav_frames(path, where)
    else:
        _check_magic(path, where)
    with soundfile.SoundFile(path) as file:
        rate_hz, channels, subtype = int(file.samplerate), int(file.channels), str(file.subtype)
        frames = int(file.frames)
    if promised not in (None, frames):
        raise InputError(f"{where}: {frames} of {promised} samples can be read; copy it again")
    if frames >= 1 << 62:  # libsndfile's "unknown" is 2^63 - 1, and it cannot read on after the first block
        raise InputError(f"{where}: the header does not say how long it is; encode it again from a file")
    if frames == 0:
        raise InputError(f"{where}: there are no samples in it; record it again or leave it out")
    exact = subtype == "PCM_16"
    notes = _SUBTYPE_NOTES.get(subtype, (f"{subtype} decoded to 16-bit",))
    read = partial(_sound_blocks, path, where, frames, exact)
    return [_Source(name, where, rate_hz, channels, frames, read, exact, notes)]


def _sound_blocks(path: Path, where: str, frames: int, exact: bool, rows: int) -> Iterator[NDArray[Any]]:
    import soundfile

    done = 0
    with _refusing(where), soundfile.SoundFile(path) as file:
        while len(block := file.read(rows, dtype="int16" if exact else "float64", always_2d=True)):
            if not exact:
                _check_full_scale(block, where, done)
                block *= 32768.0
            done += len(block)
            yield block
    if done != frames:
        raise InputError(f"{where}: cut off after {done} of {frames} samples; copy or record it again")


def _check_full_scale(block: NDArray[np.float64], where: str, start: int) -> None:
    good = np.abs(block) <= FLOAT_LIMIT  # false for NaN
    if good.all():
        return
    row, channel = np.argwhere(~good)[0]
    value = block[row, channel]
    advice = "divide by the true full scale" if np.isfinite(value) else "repair or cut the recording"
    raise InputError(f"{where}: sample {start + row} (from 0) is {value:g}, full scale is 1.0; {advice}")


def _check_magic(path: Path, where: str) -> None:
    magic = {".flac": b"fLaC", ".ogg": b"OggS"}[path.suffix.lower()]
    with path.open("rb") as file:
        start = file.read(4)
    if start != magic:
        raise InputError(f"{where}: no {path.suffix[1:]} file, it begins with {start!r}; give it its true suffix")


def _wav_frames(path: Path, where: str) -> int | None:
    """Check the RIFF chunks against the file, since libsndfile silently reads what is there.

    Returns the sample frames in the data chunk, None for formats that pack several into a block (ADPCM, GSM).
    """
    size, frame_bytes = path.stat().st_size, None
    with path.open("rb") as file:
        kind, form = (head := file.read(12))[:4], head[8:]
        if not (b"RIFF".startswith(kind) or b"RF64".startswith(kind)) or not b"WAVE".startswith(form):
            raise InputError(f"{where}: no wav file, it begins with {head!r}; convert or rename it")
        sizes = {"riff": int.from_bytes(head[4:8], "little")}
        while len(chunk := file.read(8)) == 8:
            kind, length = struct.unpack("<4sI", chunk)
            start = file.tell()
            if kind == b"data":
                length = sizes.get("data", length)
                _check_data_size(where, length, size - start, sizes["riff"] + 8 - start)
                if frame_bytes is None:
                    raise InputError(f"{where}: no fmt chunk before the samples; copy or record it again")
                if length % max(1, frame_bytes):
                    raise InputError(f"{where}: {length} bytes are no whole number of samples; copy it again")
                return length // frame_bytes if frame_bytes else None
            if start + length > size:
                break
            if kind == b"fmt ":
                frame_bytes = _wav_frame_bytes(where, file.read(min(length, 16)))
            elif kind == b"ds64" and head[:4] == b"RF64" and length >= 16:  # the sizes of more than 4 GiB
                sizes = dict(zip(("riff", "data"), struct.unpack("<QQ", file.read(16)), strict=True))
            file.seek(start + length + length % 2)
    raise InputError(f"{where}: cut off before any samples; copy or record it again")


def _wav_frame_bytes(where: str, fmt: bytes) -> int:
    """Bytes of one instant of all channels; 0 for formats that pack several into a block."""
    if len(fmt) < 16:
        raise InputError(f"{where}: the fmt chunk is cut off; copy or record it again")
    tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack("<HHIIHH", fmt)
    if channels == 0 or rate_hz == 0:
        raise InputError(f"{where}: {channels} channels at {rate_hz} Hz; correct the header")
    if tag not in _LINEAR_WAV_FORMATS:
        return 0
    if bits == 0 or frame_bytes != channels * -(-bits // 8):
        raise InputError(f"{where}: {channels} x {bits} bits in {frame_bytes} bytes; correct the block align")
    return int(frame_bytes)


def _check_data_size(where: str, length: int, in_file: int, in_riff: int) -> None:
    """A data chunk must be in the file, and in the RIFF chunk, which must be in the file too."""
    if length == 0xFFFFFFFF or (length == 0 and in_file > 0):
        raise InputError(f"{where}: the header was never completed (data size {length}); convert it again")
    if length > in_file:
        raise InputError(f"{where}: {in_file} of {length} bytes of samples are there; copy or record it again")
    # A missing pad byte after an odd chunk is harmless.
    if not length <= in_riff <= in_file + length % 2:
        raise InputError(f"{where}: the RIFF and data sizes contradict each other; convert it again")


# --- .npy, .npz


class _StoredArray:
    """Rows of one int16 array; consecutive recordings share one pass: a compressed one is unpacked once."""

    _parked: tuple[int, IO[bytes]] | None = None

    def __init__(self, where: str, size: int, open_stream: Callable[[], IO[bytes]]) -> None:
        self._where, self._open_stream = where, open_stream
        with open_stream() as stream:
            shape, dtype = _array_header(stream, size, where)
            self._data_start = stream.tell()
        if dtype.str != "<i2":
            raise InputError(f"{where}: {_shown(dtype)} values; convert to little-endian int16")
        if len(shape) not in (1, 2):
            raise InputError(f"{where}: {len(shape)} dimensions; save it as (n,) or (n, columns)")
        if math.prod(shape) == 0:
            raise InputError(f"{where}: there are no samples in it; record it again or leave it out")
        self.rows, self.channels = shape[0], shape[1] if len(shape) == 2 else 1

    def read(self, start: int, stop: int, rows: int) -> Iterator[Block]:
        """Rows start to stop as blocks of at most `rows`, int16 (n, channels)."""
        row_bytes = 2 * self.channels
        with _refusing(self._where), ExitStack() as closing:
            parked = self._take_parked(start)
            stream = closing.enter_context(parked or self._open_stream())
            skip = 0 if parked else self._data_start + start * row_bytes
            while skip and (skipped := len(stream.read(min(skip, 2 * BLOCK_VALUES)))):
                skip -= skipped  # read, not sought: zipfile would seek in steps of 16 MiB
            for row in range(start, stop, rows):
                wanted = (min(stop, row + rows) - row) * row_bytes
                data = stream.read(wanted)
                if len(data) != wanted:
                    raise InputError(f"{self._where}: cut off after row {row}; copy or save it again")
                yield np.frombuffer(data, "<i2").reshape(-1, self.channels).astype(np.int16)
            if stop < self.rows:
                self._parked = (stop, stream)
                closing.pop_all()

    def _take_parked(self, row: int) -> IO[bytes] | None:
        """The stream left open by the recording before, if it stands at `row`; if not, it closes here."""
        parked, self._parked = self._parked, None
        return parked[1] if parked is not None and parked[0] == row else None


def _array_header(stream: IO[bytes], size: int, where: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of the array in a .npy of `size` bytes; the stream is left at the first value."""
    npy: Any = np.lib.format
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    try:
        shape, by_column, dtype = readers[npy.read_magic(stream)](stream)
    except Exception as error:  # the header is a Python literal: a damaged one can raise almost anything
        raise InputError(f"{where}: no .npy array, or a damaged one; use numpy.save") from error
    if dtype.hasobject:
        raise InputError(f"{where}: Python objects are never unpickled; convert to little-endian int16")
    if by_column and len(shape) > 1:
        raise InputError(f"{where}: stored by columns; save numpy.ascontiguousarray of it")
    wanted, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if min(shape, default=0) < 0 or wanted != there:
        raise InputError(f"{where}: {there} bytes of values, not {wanted}; copy or save it again")
    return shape, dtype


def _npy_sources(path: Path, name: str, where: str) -> list[_Source]:
    array = _StoredArray(where, path.stat().st_size, lambda: path.open("rb"))
    return [_Source(name, where, None, array.channels, array.rows, partial(array.read, 0, array.rows))]


def _npz_sources(path: Path, name: str, where: str) -> list[_Source]:
    with ZipFile(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if "x.npy" not in members:
            raise InputError(f"{where}: no array x; numpy.savez(file, x=samples, offsets=offsets)")
        for member in ("x.npy", "offsets.npy", "fs.npy"):
            if member in members:
                _check_member(members[member], where)
        rate_hz = _npz_rate(archive, where) if "fs.npy" in members else None
        bounds = _npz_offsets(archive, where) if "offsets.npy" in members else None
    array = _StoredArray(f"{where}: x", members["x.npy"].file_size, partial(_open_member, path, "x.npy"))
    if bounds is None:
        read = partial(array.read, 0, array.rows)
        return [_Source(name, where, rate_hz, array.channels, array.rows, read)]
    if bounds[0] != 0 or bounds[-1] != array.rows:
        raise InputError(f"{where}: offsets from {bounds[0]} to {bounds[-1]}; make them 0 to {array.rows}")
    sources = []
    for index, (start, stop) in enumerate(itertools.pairwise(bounds)):
        if start >= stop:
            what = "is empty" if start == stop else "ends before it starts"
            raise InputError(f"{where}: recording {index} {what} ({start}:{stop}); correct offsets")
        read, label = partial(array.read, start, stop), f"[{index}]"
        sources.append(_Source(name + label, where + label, rate_hz, array.channels, stop - start, read))
    return sources


def _open_member(path: Path, member: str) -> IO[bytes]:
    with ZipFile(path) as archive:  # the file stays open until the member is closed
        return archive.open(member)


def _check_member(info: ZipInfo, where: str) -> None:
    """Refuse sizes that cannot be true, before anything relies on them."""
    packed, unpacked = info.compress_size, info.file_size
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise InputError(f"{where}: {info.filename} is packed oddly; save it with numpy.savez")
    most = packed if info.compress_type == ZIP_STORED else 1032 * packed  # the most deflate can do
    if unpacked > most:
        raise InputError(f"{where}: {info.filename} claims {unpacked} bytes from {packed}; save it again")


def _small_array(archive: ZipFile, key: str, where: str, kinds: str) -> NDArray[Any]:
    with archive.open(f"{key}.npy") as stream:
        info = archive.getinfo(f"{key}.npy")
        shape, dtype = _array_header(stream, info.file_size, f"{where}: {key}")
        if dtype.kind not in kinds or math.prod(shape) > MAX_RECORDINGS + 1:
            raise InputError(f"{where}: {key} is {_shown(dtype)} {shape}; save few and plain numbers")
        return np.frombuffer(stream.read(), dtype).reshape(shape)


def _npz_rate(archive: ZipFile, where: str) -> int:
    fs = _small_array(archive, "fs", where, "iuf")
    if fs.size != 1 or not np.isfinite(fs).all() or fs.item() != int(fs.item()):
        raise InputError(f"{where}: fs is {fs.ravel()[:3].tolist()}; save one whole number")
    return int(fs.item())


def _npz_offsets(archive: ZipFile, where: str) -> list[int]:
    offsets = _small_array(archive, "offsets", where, "iuf")
    if offsets.dtype.str != "<i8" or offsets.ndim != 1 or len(offsets) < 2:
        raise InputError(f"{where}: offsets are {offsets.dtype} {offsets.shape}; save int64 (recordings + 1,)")
    return [int(offset) for offset in offsets]


# --- .csv


def _csv_blocks(path: Path, columns: int) -> Iterator[Block]:
    where, values, blank = _shown(path), list[int](), 0
    with _refusing(where), path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(iter(partial(file.readline, MAX_CSV_LINE), ""), 1):
            if len(line) == MAX_CSV_LINE:
                raise InputError(f"{where}, line {number}: {MAX_CSV_LINE} characters; write one sample a line")
            if not (text := line.strip()):
                blank = blank or number
                continue
            if blank:
                raise InputError(f"{where}, line {blank}: empty, with samples after it; fill it in")
            if number == 1 and _is_header(text, columns):
                continue
            row = _csv_integers(text)
            if len(row) != columns:
                raise InputError(f"{where}, line {number}: {_csv_fault(text, columns)}")
            values += row
            if len(values) + columns > BLOCK_VALUES:
                yield _csv_block(values, columns)
                values.clear()
    if values:
        yield _csv_block(values, columns)


def _csv_block(values: list[int], columns: int) -> Block:
    return np.array(values, dtype=np.int16).reshape((-1, columns) if columns > 1 else -1)


def _is_header(text: str, columns: int) -> bool:
    """Names only: a first row of `nan` or `1.5` is a bad sample, not a header to be skipped."""
    names = text.split(",")
    for name in names:
        with suppress(ValueError):
            float(name)
            return False
    return len(names) == columns


def _csv_integers(text: str) -> list[int]:
    """The values of a row, none if any is no int16."""
    try:
        row = [int(value) for value in text.split(",")]
    except ValueError:
        return []
    return row if min(row) >= -32768 and max(row) <= 32767 and "_" not in text else []  # Python reads 1_000


def _csv_fault(text: str, columns: int) -> str:
    fields = text.split(",")
    if len(fields) != columns:
        advice = "separate with commas, not semicolons" if ";" in text else f"write {columns} a line"
        return f"{len(fields)} values, not {columns}; {advice}"
    wrong = next(value for value in fields if not _csv_integers(value))
    advice = "separate with commas" if ";" in wrong else "scale and round to int16"
    return f"{wrong.strip()[:20]!r} is no integer in -32768..32767; {advice}"


# --- standard input


def _stdin_recording(columns: int) -> Recording:
    name = "standard input"
    if getattr(sys.stdin, "buffer", None) is None or sys.stdin.isatty():
        raise InputError(f"{name}: nothing is piped in; pipe raw little-endian int16 samples, or give a file")
    return Recording(name, (), None, name, partial(_stdin_blocks, name, columns))


def _stdin_blocks(name: str, columns: int) -> Iterator[Block]:
    # Python's own buffer would keep samples, and hold back what has already arrived.
    stream: Any = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    row_bytes, held = 2 * columns, 0
    buffer = bytearray(max(1, BLOCK_VALUES // columns) * row_bytes)
    view = memoryview(buffer)
    try:
        with _refusing(name):
            while (count := stream.readinto(view[held:])) != 0:
                if count is None:  # not blocking, and nothing there yet
                    select.select([stream], [], [])
                    continue
                held += count
                if rows := held // row_bytes:
                    whole = rows * row_bytes
                    samples = np.frombuffer(view[:whole], "<i2").astype(np.int16)
                    view[: held - whole] = view[whole:held]
                    held -= whole
                    yield samples.reshape((rows, columns) if columns > 1 else rows)
    finally:
        view[:] = bytes(len(view))  # raw samples stay no longer than they are needed
    if held:
        raise InputError(f"{name}: ends with {held} of {row_bytes} bytes of a row; send whole rows")
