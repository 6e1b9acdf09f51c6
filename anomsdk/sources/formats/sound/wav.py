"""Wave files: the walk over the chunks of a .wav, and its samples if they are not packed in blocks.

The data chunk decides where the samples are. Sizes that were left unset and odd chunks around it become notes.
Formats: Microsoft and IBM, Multimedia Programming Interface 1.0 (RIFF WAVE); EBU Tech 3306 (RF64) and ITU-R BS.2088
(BW64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.file_signatures import begins_as

PCM, FLOAT, ALAW, ULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_CONTAINERS = {PCM: (1, 2, 3, 4), FLOAT: (4, 8), ALAW: (1,), ULAW: (1,)}
"""Sizes of a value in bytes, by format."""
_FORMS = {b"RIFF": "<", b"RF64": "<", b"BW64": "<", b"RIFX": ">"}
"""The first four bytes of a file, and the byte order of the rest."""
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
"""End of the sub-format of an extensible file, behind the two bytes of the format."""
_UNSET = 0x7FFFF000
"""A data size of this or more that exceeds the file comes from a program that cannot go back to the header of a pipe:
sox, arecord, ffmpeg."""
_KNOWN = frozenset(
    b"fmt |data|fact|LIST|JUNK|junk|PAD |FLLR|bext|iXML|cue |smpl|inst|ds64|axml|chna|guan|wamd|id3 |ID3 |PEAK|minf|"
    b"elm1|regn|umid|DGDA|levl|acid|afsp|AFAn|_PMX|strc|cart|plst|note|labl|ltxt|wavl|slnt|r64m|meta|SAUR|tlst|CONT".split(
        b"|"
    )
)


@dataclass(frozen=True)
class WavFile:
    """The place and the format of the samples in a .wav.

    Parameters
    ----------
    rate_hz : frames per second
    channels : number of channels
    format : PCM, FLOAT, ALAW or ULAW; any other one packs samples in blocks, which libsndfile decodes
    width : size of a value in bytes; 0 where samples are packed in blocks
    bits : number of bits of a value that are in use, at most 8 * width; by the standard the upper ones
    order : byte order, "<" or ">"
    spans : (first byte, number of bytes) of each data chunk, in whole frames
    odd : what is odd about the file, which is read all the same, in words
    """

    rate_hz: int
    channels: int
    format: int
    width: int
    bits: int
    order: str
    spans: tuple[tuple[int, int], ...]
    odd: tuple[str, ...]

    @property
    def frame_bytes(self) -> int:
        """Size in bytes of one frame: a value of each channel."""
        return self.width * self.channels

    @property
    def frames(self) -> int:
        """Number of frames in all data chunks."""
        return sum(size for _, size in self.spans) // max(1, self.frame_bytes)


def wav_file(path: Path, where: str) -> WavFile:
    """Walk over the chunks of a file; no sample is read.

    Raises
    ------
    InputError : the file is no .wav, is cut off, or has chunks that contradict each other
    """
    size = path.stat().st_size
    with path.open("rb", buffering=0) as file:  # a buffer would keep the first samples
        return _Chunks(file, size, where).walked()


class _Chunks:
    """One walk over the chunks of a file."""

    def __init__(self, file: IO[bytes], size: int, where: str) -> None:
        self._file, self._size, self._where = file, size, where
        self._odd = list[str]()
        self._fmt: bytes | None = None
        self._ds64: tuple[int, int] | None = None
        self._spans = list[tuple[int, int]]()
        self._unset = False  # the header was never completed

    def walked(self) -> WavFile:
        """Walk over all chunks and return what they say."""
        head = self._file.read(12)
        kind, form = head[:4], head[8:]
        if not any(each.startswith(kind) for each in _FORMS) or not b"WAVE".startswith(form):
            raise self._refused(f"no wav file{begins_as(head)}; convert or rename it")
        self._order = _FORMS.get(kind, "<")
        riff, at, last = self._number(head[4:8]), 12, b""
        while (found := self._chunk(at)) is not None:
            name, length, start = found
            if self._spans and (name not in _KNOWN or (name != b"data" and start + length > self._size)):
                break  # behind the samples, bytes that are no chunk are left out
            if name == b"data":
                after = self._data(start, length)
                at, last = self._size if after is None else after, name
                continue
            if start + length > self._size:
                what = f"chunk '{quoted(name.decode('latin1'))}' of {length:,} bytes reaches beyond the file"
                raise self._refused(f"cut off before any samples: {what}; copy or record it again")
            if name == b"fmt ":
                self._format(self._at(start, min(length, 40)))
            elif name == b"ds64" and kind in (b"RF64", b"BW64") and length >= 16:
                riff, data = struct.unpack("<QQ", self._at(start, 16))
                self._ds64 = (riff, data)
            at, last = self._behind(name, start + length, length), name
        if not self._spans:
            raise self._refused("cut off before any samples, there is no data chunk; copy or record it again")
        return self._found(riff, at, last)

    def _found(self, riff: int, end: int, last: bytes) -> WavFile:
        """Return the file, with notes on its sizes; ``riff`` is the size in its header, ``end`` where chunks end."""
        assert self._fmt is not None
        if (rest := self._size - end) > (1 if last == b"data" else 0) and self._spans:
            self._odd.append(f"{rest:,} bytes behind the last chunk are left out")
        # A pad byte at the end may be missing, or may not be counted.
        if not -1 <= riff + 8 - min(end, self._size) <= max(1, self._size - end) and not self._unset:
            self._odd.append(f"RIFF size {riff:,}, the file has {self._size - 8:,}: read by its data chunk")
        if len(self._spans) > 1:
            self._odd.append(f"{len(self._spans)} data chunks, joined")
        return WavFile(*self._layout, self._order, tuple(self._spans), tuple(self._odd))

    def _refused(self, what: str) -> InputError:
        """Make the error for this file."""
        return InputError(f"{self._where}: {what}")

    def _number(self, data: bytes) -> int:
        """Return an unsigned integer in the byte order of the file."""
        return int.from_bytes(data, "little" if self._order == "<" else "big")

    def _at(self, start: int, n: int) -> bytes:
        """Read up to ``n`` bytes from byte ``start`` on."""
        self._file.seek(start)
        return self._file.read(n)

    def _chunk(self, at: int) -> tuple[bytes, int, int] | None:
        """Return name, length and first byte of the chunk whose header begins here; None at the end of the file."""
        head = self._at(at, 8)
        return None if len(head) < 8 else (head[:4], self._number(head[4:]), at + 8)

    def _behind(self, name: bytes, end: int, length: int) -> int:
        """Return where the next chunk begins: at an even byte, unless a known chunk shows that the padding is wrong."""
        padded, other = end + length % 2, end + 1 - length % 2
        if self._at(padded, 4) not in _KNOWN and self._at(other, 4) in _KNOWN:
            pad = "without its pad byte" if length % 2 else "with one pad byte too many"
            self._odd.append(f"chunk '{quoted(name.decode('latin1')).strip()}' {pad}")
            return other
        return padded

    def _data(self, start: int, length: int) -> int | None:
        """Take a data chunk; return where the next one begins, or None where it reaches to the end of the file."""
        if self._fmt is None:
            raise self._refused("no fmt chunk before the samples; copy or record it again")
        there, said = self._size - start, length
        if self._ds64 is not None and length in (0, 0xFFFFFFFF) and not self._spans:
            length = self._ds64[1]
            said = length
        elif self._ds64 is not None and not self._spans and length != self._ds64[1]:
            raise self._refused(f"data size {length:,}, and {self._ds64[1]:,} in the ds64 chunk; convert it again")
        frame = self._layout[3] * self._layout[1]
        never = (length >= _UNSET and length > there) or (length == 0 and there > 0 and not self._only_chunks(start))
        wrapped = there >> 32 > 0 and there > length and (there - length) % (1 << 32) <= 1 and self._ds64 is None
        if never or (wrapped and length):
            if frame == 0:
                raise self._refused(f"the header was never completed (data size {said}); convert it again")
            whole = there - there % frame
            what = "the header was never completed" if never else "more than 4 GiB"
            rest = f", {there - whole} bytes of an incomplete frame left out" if there > whole else ""
            self._odd.append(f"{what} (data size {said}): read to the end of the file{rest}")
            self._unset = True
            self._spans.append((start, whole))
            return None
        if length > there:
            raise self._refused(f"cut off after {there} of {length} bytes of samples; copy or record it again")
        if length % max(1, frame):
            raise self._refused(f"{length} bytes of samples are no whole number of frames; copy it again")
        self._spans.append((start, length))
        return self._behind(b"data", start + length, length)

    def _only_chunks(self, at: int) -> bool:
        """Tell whether only known chunks follow up to the end of the file, so that a data chunk of 0 bytes is empty."""
        while at < self._size - 1:
            found = self._chunk(at)
            if found is None or found[0] not in _KNOWN:
                return False
            at = found[2] + found[1] + found[1] % 2
        return at <= self._size + 1

    def _format(self, fmt: bytes) -> None:
        """Take an fmt chunk, and refuse one that contradicts itself."""
        if len(fmt) < 16:
            raise self._refused("the fmt chunk is cut off; copy or record it again")
        if self._fmt is not None and fmt != self._fmt:
            raise self._refused("two fmt chunks that differ; convert it again")
        self._fmt = fmt
        tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack(f"{self._order}HHIIHH", fmt[:16])
        if channels == 0 or rate_hz == 0:
            raise self._refused(f"the header says {channels} channels at {rate_hz} Hz; correct it")
        container = bits
        if tag == EXTENSIBLE:
            if len(fmt) < 40:
                raise self._refused("format extensible, and the fmt chunk names no sub-format; convert it again")
            valid, tag = (self._number(fmt[at : at + 2]) for at in (18, 24))
            if fmt[26:40] != _GUID_TAIL and self._order == "<":
                raise self._refused("format extensible with an unknown sub-format; convert it to PCM")
            if valid > bits:
                raise self._refused(f"the header says {valid} valid bits of {bits}; correct it")
            bits = valid or bits
        if tag not in _CONTAINERS:
            self._layout = (rate_hz, channels, tag, 0, bits)
            return
        width = -(-container // 8)
        if container == 24 and frame_bytes == 4 * channels and tag == PCM:
            width = 4  # some recorders describe 24 bits in 32 bits in this way
        if container == 0 or frame_bytes != channels * width:
            raise self._refused(
                f"frames of {channels} x {container} bits in {frame_bytes} bytes; correct the block align"
            )
        if width not in _CONTAINERS[tag]:
            raise self._refused(f"values of {container} bits of format {tag}; convert it to 16-bit PCM")
        self._layout = (rate_hz, channels, tag, width, bits)

    _layout: tuple[int, int, int, int, int]


def frames_of(path: Path, wav: WavFile, where: str, start: int, stop: int, rows: int) -> Iterator[NDArray[Any]]:
    """Yield frames ``start`` to ``stop - 1`` in blocks: 16-bit values as int16, all others unscaled as float64.

    Yields
    ------
    (n, channels), 1 <= n <= ``rows``
    """
    with path.open("rb", buffering=0) as file:
        for at, n in _pieces(wav, start, stop, rows):
            file.seek(at)
            raw = np.empty(n * wav.frame_bytes, np.uint8)
            done = 0
            while done < len(raw) and (count := file.readinto(raw.data[done:])):
                done += count
            if done < len(raw):
                raise InputError(f"{where}: cut off while it was read; copy or record it again")
            yield _decoded(raw, wav).reshape(n, wav.channels)
            del raw


def _pieces(wav: WavFile, start: int, stop: int, rows: int) -> Iterator[tuple[int, int]]:
    """Yield (first byte, number of frames) of each block; no block reaches over the end of a data chunk."""
    first = 0
    for at, size in wav.spans:
        n = size // wav.frame_bytes
        row, last = max(start - first, 0), min(stop - first, n)
        while row < last:
            some = min(rows, last - row)
            yield at + row * wav.frame_bytes, some
            row += some
        first += n


def _decoded(raw: NDArray[np.uint8], wav: WavFile) -> NDArray[Any]:
    """Return the values (n,) in the bytes of a data chunk."""
    if wav.format == FLOAT:
        with np.errstate(invalid="ignore"):  # NaN is refused where the values are used
            return raw.view(f"{wav.order}f{wav.width}").astype(np.float64)
    if wav.format in (ALAW, ULAW):
        return _table(wav.format)[raw]
    if wav.width == 1:
        return raw.astype(np.float64) - 128.0
    if wav.width == 3:
        low, high = (0, 2) if wav.order == "<" else (2, 0)
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        for place, of in ((1, low), (2, 1), (3, high)):
            wide[:, place] = raw[of::3]
        return (wide.view("<i4").reshape(-1) >> 8).astype(np.float64)
    values = raw.view(f"{wav.order}i{wav.width}")
    return values.astype(np.int16 if wav.width == 2 else np.float64)


@cache
def _table(format: int) -> NDArray[np.float64]:
    """Return the 16-bit value (256,) of each byte in A-law or mu-law (ITU-T G.711)."""
    code = np.arange(256) ^ (0x55 if format == ALAW else 0xFF)
    exponent, mantissa = (code >> 4) & 7, code & 15
    if format == ALAW:
        size = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 264) << np.maximum(exponent - 1, 0))
        return np.where(code & 0x80, size, -size).astype(np.float64)
    size = (((mantissa << 3) + 132) << exponent) - 132
    return np.where(code & 0x80, -size, size).astype(np.float64)
