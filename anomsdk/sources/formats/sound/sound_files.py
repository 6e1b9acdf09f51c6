"""Sound files, .wav, .flac and .ogg: read, and checked for damage and mistakes that libsndfile lets pass."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError
from anomsdk.runtime.memory import made_wiping, wiped_after_use, wiping
from anomsdk.sources.formats.file_signatures import begins_as
from anomsdk.sources.formats.sound.plausibility import (
    SURVEYED_VALUES,
    SoundStatistics,
    check_audible,
    check_float,
    decibels,
    statistics_of,
)
from anomsdk.sources.formats.sound.sample_encodings import raw_encoding_of, signal_of
from anomsdk.sources.formats.sound.wav import ALAW, FLOAT, ULAW, WavFile, frames_of, wav_file
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES, StoredRecording, refusing

FLOAT_LIMIT = 256.0
"""Largest float that is read, 48 dB above full scale (1.0): larger samples are integers stored as floats."""

_SUBTYPE_NOTES = {
    "PCM_16": (),
    "PCM_24": ("24-bit reduced to 16-bit",),
    "PCM_32": ("32-bit reduced to 16-bit",),
    "PCM_U8": ("8-bit widened to 16-bit",),
    "PCM_S8": ("8-bit widened to 16-bit",),
    "FLOAT": ("32-bit float scaled to 16-bit, clipped beyond full scale",),
    "DOUBLE": ("64-bit float scaled to 16-bit, clipped beyond full scale",),
}
_BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
Part: TypeAlias = Callable[[int, int, int], Iterator[NDArray[Any]]]
"""part(start, stop, rows) yields the frames from start up to stop in blocks of at most rows frames."""


def sound_file(path: Path, name: str, where: str) -> list[StoredRecording]:
    """Check the header, and the samples of all but plain 16-bit mono files; return the recording."""
    if path.suffix.lower() != ".wav":
        _check_magic(path, where)
        if path.suffix.lower() == ".ogg":
            _check_last_page(path, where)
        return [_checked(*_by_libsndfile(path, name, where), where)]
    wav = wav_file(path, where)
    if wav.width == 0:
        stored, part, subtype = _by_libsndfile(path, name, where)
        if len(wav.spans) > 1:
            raise InputError(f"{where}: {len(wav.spans)} data chunks of packed samples; convert it to 16-bit PCM")
        return [_checked(replace(stored, odd=wav.odd), part, subtype, where)]
    return [_checked(*_by_chunks(path, wav, name, where), where, wav.bits)]


def _by_chunks(path: Path, wav: WavFile, name: str, where: str) -> tuple[StoredRecording, Part, str]:
    """Return the recording in a .wav whose values all have the same size, how to read it, and its subtype."""
    if wav.frames == 0:
        raise InputError(f"{where}: it holds no samples; record it again or leave it out")
    sized = {1: "PCM_U8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}.get(wav.width, "")
    subtype = {FLOAT: "FLOAT" if wav.width == 4 else "DOUBLE", ALAW: "ALAW", ULAW: "ULAW"}.get(wav.format, sized)
    exact = subtype == "PCM_16"
    unit = {FLOAT: 32768.0, ALAW: 1.0, ULAW: 1.0}.get(wav.format, 2.0 ** (16 - 8 * wav.width))
    part = partial(_scaled, path, wav, where, unit)
    notes = _SUBTYPE_NOTES.get(subtype, (f"{subtype} decoded to 16-bit",))
    read = partial(_whole, part, wav.frames)
    stored = StoredRecording(name, where, wav.rate_hz, wav.channels, wav.frames, read, exact, notes, wav.odd)
    return stored, part, subtype


def _scaled(
    path: Path, wav: WavFile, where: str, unit: float, start: int, stop: int, rows: int
) -> Iterator[NDArray[Any]]:
    """Yield frames in int16 units, of which one step of a stored value is ``unit``."""
    done = start
    with refusing(where):
        for block in frames_of(path, wav, where, start, stop, rows):
            if wav.format == FLOAT:
                _check_full_scale(block, where, done)
            if block.dtype != np.int16:
                block *= unit
            done += len(block)
            yield block


def _by_libsndfile(path: Path, name: str, where: str) -> tuple[StoredRecording, Part, str]:
    """Return the recording in a file that libsndfile decodes, how to read it, and its subtype."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        rate_hz, channels, subtype = int(file.samplerate), int(file.channels), str(file.subtype)
        frames = int(file.frames)
    if frames >= 1 << 62:  # 2^63 - 1 means unknown, and then libsndfile reads one block only
        raise InputError(f"{where}: the header does not say how long it is; encode it again from a file")
    if frames == 0:
        raise InputError(f"{where}: it holds no samples; record it again or leave it out")
    exact = subtype == "PCM_16"
    notes = _SUBTYPE_NOTES.get(subtype, (f"{subtype} decoded to 16-bit",))
    part = partial(_blocks, path, where, frames, exact)
    read = partial(_whole, part, frames)
    return StoredRecording(name, where, rate_hz, channels, frames, read, exact, notes), part, subtype


def _whole(part: Part, frames: int, rows: int) -> Iterator[NDArray[Any]]:
    """Yield all frames."""
    return part(0, frames, rows)


def _blocks(
    path: Path, where: str, frames: int, exact: bool, start: int, stop: int, rows: int
) -> Iterator[NDArray[Any]]:
    """Yield frames that libsndfile decodes, in int16 units."""
    import soundfile

    done = start
    with refusing(where), soundfile.SoundFile(path) as file:
        if start:
            file.seek(start)
        # Up to the end of the file, which may hold fewer frames than its header says, or more.
        limit = rows if stop == frames else min(rows, stop - start)
        while len(block := file.read(limit, dtype="int16" if exact else "float64", always_2d=True)):
            if not exact:
                _check_full_scale(block, where, done)
                block *= 32768.0
            done += len(block)
            yield block
            if stop < frames:
                limit = min(rows, stop - done)
                if limit <= 0:
                    return
    if done != frames:
        raise InputError(f"{where}: cut off after {done} of {frames} samples; copy or record it again")


def _checked(stored: StoredRecording, part: Part, subtype: str, where: str, valid: int = 0) -> StoredRecording:
    """Compare the samples with what the header says of them, and refuse or note what contradicts it.

    Parameters
    ----------
    valid : number of bits of a value that are in use according to the header; 0 where it does not say
    """
    bits = _BITS.get(subtype, 0)
    said = valid if 0 < valid < bits else 0
    if stored.exact and stored.channels == 1 and not said:
        return replace(stored, odd=stored.odd + _form(stored, part, where))
    step = 2.0 ** (16 - bits) if bits else None
    statistics = _statistics(stored, part, step, whole=False)
    if _low(statistics, bits, said) or min(statistics.deviations) == 0:
        statistics = _statistics(stored, part, step, whole=True)  # the parts between may be louder
    if statistics.floats:
        raise InputError(f"{where}: 32-bit floats that the header calls integers; correct its format to 3 (IEEE float)")
    odd = check_float(statistics, where) if subtype in ("FLOAT", "DOUBLE") else ()
    if low := _low(statistics, bits, said):
        level = f"nothing is above {decibels(statistics.peak):.0f} dB of full scale"
        unmoved = statistics.lowest_bit < min(8, bits - low)  # values that were shifted up leave the lowest bits 0
        if said and unmoved:
            odd = (f"{said}-bit values at the bottom of {bits} bits, shifted up",)
            stored = replace(stored, read=partial(_moved_up, part, stored.rows or 0, bits - low), exact=False)
            statistics = replace(statistics, peak=statistics.peak * 2.0 ** (bits - low))
        elif bits == 32 and unmoved:
            raise InputError(
                f"{where}: {level}, as if {low}-bit values stood at the bottom of 32 bits; shift them up by "
                f"{bits - low} bits, or save it as 24-bit if it is that quiet"
            )
        elif statistics.lowest_bit < bits - 16:
            odd = (f"{level}: scale it up if it holds {low}-bit values at the bottom of {bits} bits",)
    if not stored.exact:
        check_audible(statistics, where)
    return replace(stored, odd=stored.odd + odd, statistics=statistics)


def _form(stored: StoredRecording, part: Part, where: str) -> tuple[str, ...]:
    """Refuse samples at the start that are not the 16-bit mono of the header; return a note where this is doubtful."""
    first = part(0, min(stored.rows or 0, BLOCK_VALUES), BLOCK_VALUES)
    with closing(wiped_after_use(made_wiping(first))) as read, wiping():
        found = next((raw_encoding_of(signal_of(block.reshape(-1).view(np.uint8))) for block in read), None)
    if found is None:
        return ()
    what = f"the header says 16-bit mono, and the samples look like {found[0]}"
    if found[0].startswith("two channels"):
        return (f"{what}: correct it if they are",)
    raise InputError(f"{where}: {what}; correct the header, or convert it again")


def _low(statistics: SoundStatistics, bits: int, said: int) -> int:
    """Return the smaller integer size, in bits, that all values fit; 0 where none does, or no integers are stored."""
    largest = statistics.peak * 2.0 ** (bits - 16)  # as a stored integer
    widths = (said,) if said else (16, 24)
    return next((low for low in widths if low < bits and 0 < largest <= 2.0 ** (low - 1)), 0)


def _moved_up(part: Part, frames: int, shift: int, rows: int) -> Iterator[NDArray[Any]]:
    """Yield all frames, shifted up by ``shift`` bits."""
    for block in part(0, frames, rows):
        yield block * 2.0**shift


def _statistics(stored: StoredRecording, part: Part, step: float | None, *, whole: bool) -> SoundStatistics:
    """Return statistics of the samples: of all of them, or of pieces spread over a long recording."""
    frames = stored.rows or 0
    rows = max(1, BLOCK_VALUES // stored.channels)
    pieces = [(0, frames)]
    if not whole and frames * stored.channels > SURVEYED_VALUES:
        n = SURVEYED_VALUES // BLOCK_VALUES
        pieces = [(start, start + rows) for start in np.linspace(0, frames - rows, n).astype(np.int64).tolist()]
    return statistics_of(made_wiping(_pieces(part, pieces, rows)), stored.channels, step)


def _pieces(part: Part, pieces: list[tuple[int, int]], rows: int) -> Generator[NDArray[Any], None, None]:
    """Yield the frames of several pieces, each (first frame, frame after the last one)."""
    for start, stop in pieces:
        yield from part(start, stop, rows)


def _check_full_scale(block: NDArray[np.float64], where: str, start: int) -> None:
    """Refuse NaN, infinities and values beyond `FLOAT_LIMIT`; ``start`` is the first sample of the block."""
    good = np.abs(block) <= FLOAT_LIMIT  # false for NaN
    if good.all():
        return
    row, channel = np.argwhere(~good)[0]
    value = block[row, channel]
    advice = "divide by the true full scale" if np.isfinite(value) else "repair or cut the recording"
    raise InputError(f"{where}: sample {start + row} (from 0) is {value:g}, full scale is 1.0; {advice}")


def _check_magic(path: Path, where: str) -> None:
    """Refuse a .flac or .ogg that does not begin as one."""
    magic = {".flac": b"fLaC", ".ogg": b"OggS"}[path.suffix.lower()]
    with path.open("rb", buffering=0) as file:
        start = tag = file.read(10)
        if magic == b"fLaC" and tag[:3] == b"ID3":  # tags of a song, which libsndfile skips, too
            file.seek(10 + sum((byte & 0x7F) << 7 * place for place, byte in enumerate(tag[:5:-1])))
            start = file.read(4)
    if start[:4] != magic:
        raise InputError(f"{where}: no {path.suffix[1:]} file{begins_as(start)}; give it its true suffix")


def _check_last_page(path: Path, where: str) -> None:
    """Refuse an .ogg that ends within a page, or with a page that is not marked as the last one (RFC 3533, bit 2)."""
    with path.open("rb", buffering=0) as file:
        file.seek(-min(path.stat().st_size, 1 << 17), 2)  # a page is at most 65,307 bytes
        tail = file.read()
    page = tail.rfind(b"OggS")
    header = tail[page:]
    whole = page >= 0 and len(header) > 27 and len(header) == 27 + header[26] + sum(header[27 : 27 + header[26]])
    if not (whole and header[5] & 4):
        raise InputError(f"{where}: cut off before its last page; copy or record it again")
