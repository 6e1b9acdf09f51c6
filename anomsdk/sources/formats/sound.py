"""Sound files, .wav, .flac and .ogg: checked for what libsndfile, which decodes what is packed, lets pass."""

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
from anomsdk.sources.formats.plausibility import LOOKED_AT, Look, check_audible, check_float, decibels, looked
from anomsdk.sources.formats.raw_forms import form_of, signal_of
from anomsdk.sources.formats.stored import BLOCK_VALUES, Stored, refusing
from anomsdk.sources.formats.wav import ALAW, FLOAT, ULAW, WavFile, frames_of, wav_file

FLOAT_LIMIT = 256.0  # full scale is 1.0; 48 dB above it the samples are integers stored as float

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
"""Frames from one to another as blocks of at most so many."""


def sound_file(path: Path, name: str, where: str) -> list[Stored]:
    """Check the header, and what is not plain 16-bit mono by a look at the samples."""
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


def _by_chunks(path: Path, wav: WavFile, name: str, where: str) -> tuple[Stored, Part, str]:
    """A .wav whose values have a size of their own."""
    if wav.frames == 0:
        raise InputError(f"{where}: there are no samples in it; record it again or leave it out")
    sized = {1: "PCM_U8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}.get(wav.width, "")
    subtype = {FLOAT: "FLOAT" if wav.width == 4 else "DOUBLE", ALAW: "ALAW", ULAW: "ULAW"}.get(wav.format, sized)
    exact = subtype == "PCM_16"
    unit = {FLOAT: 32768.0, ALAW: 1.0, ULAW: 1.0}.get(wav.format, 2.0 ** (16 - 8 * wav.width))
    part = partial(_scaled, path, wav, where, unit)
    notes = _SUBTYPE_NOTES.get(subtype, (f"{subtype} decoded to 16-bit",))
    read = partial(_whole, part, wav.frames)
    return Stored(name, where, wav.rate_hz, wav.channels, wav.frames, read, exact, notes, wav.odd), part, subtype


def _scaled(
    path: Path, wav: WavFile, where: str, unit: float, start: int, stop: int, rows: int
) -> Iterator[NDArray[Any]]:
    done = start
    with refusing(where):
        for block in frames_of(path, wav, where, start, stop, rows):
            if wav.format == FLOAT:
                _check_full_scale(block, where, done)
            if block.dtype != np.int16:
                block *= unit
            done += len(block)
            yield block


def _by_libsndfile(path: Path, name: str, where: str) -> tuple[Stored, Part, str]:
    import soundfile

    with soundfile.SoundFile(path) as file:
        rate_hz, channels, subtype = int(file.samplerate), int(file.channels), str(file.subtype)
        frames = int(file.frames)
    if frames >= 1 << 62:  # libsndfile's "unknown" is 2^63 - 1, and it cannot read on after the first block
        raise InputError(f"{where}: the header does not say how long it is; encode it again from a file")
    if frames == 0:
        raise InputError(f"{where}: there are no samples in it; record it again or leave it out")
    exact = subtype == "PCM_16"
    notes = _SUBTYPE_NOTES.get(subtype, (f"{subtype} decoded to 16-bit",))
    part = partial(_blocks, path, where, frames, exact)
    read = partial(_whole, part, frames)
    return Stored(name, where, rate_hz, channels, frames, read, exact, notes), part, subtype


def _whole(part: Part, frames: int, rows: int) -> Iterator[NDArray[Any]]:
    return part(0, frames, rows)


def _blocks(
    path: Path, where: str, frames: int, exact: bool, start: int, stop: int, rows: int
) -> Iterator[NDArray[Any]]:
    import soundfile

    done = start
    with refusing(where), soundfile.SoundFile(path) as file:
        if start:
            file.seek(start)
        # To the end, not to the number of frames: a file may hold fewer than it says, or more.
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


def _checked(stored: Stored, part: Part, subtype: str, where: str, valid: int = 0) -> Stored:
    """Look at what can be other than its header says: all but plain 16-bit mono.

    Parameters
    ----------
    valid : bits of a value that the header says are in use; 0 where it does not say
    """
    bits = _BITS.get(subtype, 0)
    said = valid if 0 < valid < bits else 0
    if stored.exact and stored.channels == 1 and not said:
        return replace(stored, odd=stored.odd + _form(stored, part, where))
    step = 2.0 ** (16 - bits) if bits else None
    look = _look(stored, part, step, whole=False)
    if _low(look, bits, said) or min(look.deviations) == 0:
        look = _look(stored, part, step, whole=True)  # what was not looked at may be loud
    if look.floats:
        raise InputError(f"{where}: 32-bit floats that the header calls integers; correct its format to 3 (IEEE float)")
    odd = check_float(look, where) if subtype in ("FLOAT", "DOUBLE") else ()
    if low := _low(look, bits, said):
        level = f"nothing is above {decibels(look.peak):.0f} dB of full scale"
        unmoved = look.lowest_bit < min(8, bits - low)  # values that were moved up leave the lowest bits 0
        if said and unmoved:
            odd = (f"{said} bits at the bottom of {bits}, moved up",)
            stored = replace(stored, read=partial(_moved_up, part, stored.rows or 0, bits - low), exact=False)
            look = replace(look, peak=look.peak * 2.0 ** (bits - low))
        elif bits == 32 and unmoved:
            raise InputError(
                f"{where}: {level}, as of {low} bits at the bottom of 32; move them up by {bits - low}, or save "
                "it as 24-bit if it is so quiet"
            )
        elif look.lowest_bit < bits - 16:
            odd = (f"{level}: scale it up if it is {low} bits at the bottom of {bits}",)
    if not stored.exact:
        check_audible(look, where)
    return replace(stored, odd=stored.odd + odd, look=look)


def _form(stored: Stored, part: Part, where: str) -> tuple[str, ...]:
    """Refuse other samples than the 16-bit mono of the header, by those at the start; what is doubtful, in words."""
    first = part(0, min(stored.rows or 0, BLOCK_VALUES), BLOCK_VALUES)
    with closing(wiped_after_use(made_wiping(first))) as read, wiping():
        found = next((form_of(signal_of(block.reshape(-1).view(np.uint8))) for block in read), None)
    if found is None:
        return ()
    what = f"the header says 16-bit mono, and the samples look like {found[0]}"
    if found[0].startswith("two channels"):
        return (f"{what}: correct it if they are",)
    raise InputError(f"{where}: {what}; correct the header, or convert it again")


def _low(look: Look, bits: int, said: int) -> int:
    """Bits, fewer than there are, that these values need; 0 where they need more, or no integers are stored."""
    largest = look.peak * 2.0 ** (bits - 16)  # as an integer of so many bits
    widths = (said,) if said else (16, 24)
    return next((low for low in widths if low < bits and 0 < largest <= 2.0 ** (low - 1)), 0)


def _moved_up(part: Part, frames: int, shift: int, rows: int) -> Iterator[NDArray[Any]]:
    for block in part(0, frames, rows):
        yield block * 2.0**shift


def _look(stored: Stored, part: Part, step: float | None, *, whole: bool) -> Look:
    frames = stored.rows or 0
    rows = max(1, BLOCK_VALUES // stored.channels)
    pieces = [(0, frames)]
    if not whole and frames * stored.channels > LOOKED_AT:
        n = LOOKED_AT // BLOCK_VALUES
        pieces = [(start, start + rows) for start in np.linspace(0, frames - rows, n).astype(np.int64).tolist()]
    return looked(made_wiping(_pieces(part, pieces, rows)), stored.channels, step)


def _pieces(part: Part, pieces: list[tuple[int, int]], rows: int) -> Generator[NDArray[Any], None, None]:
    for start, stop in pieces:
        yield from part(start, stop, rows)


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
    with path.open("rb", buffering=0) as file:
        start = tag = file.read(10)
        if magic == b"fLaC" and tag[:3] == b"ID3":  # of songs; libsndfile reads on behind it
            file.seek(10 + sum((byte & 0x7F) << 7 * place for place, byte in enumerate(tag[:5:-1])))
            start = file.read(4)
    if start[:4] != magic:
        raise InputError(f"{where}: no {path.suffix[1:]} file{begins_as(start)}; give it its true suffix")


def _check_last_page(path: Path, where: str) -> None:
    """A cut .ogg ends in the middle of a page, or with one that does not say it is the last (RFC 3533, bit 2)."""
    with path.open("rb", buffering=0) as file:
        file.seek(-min(path.stat().st_size, 1 << 17), 2)  # a page is at most 65,307 bytes
        tail = file.read()
    page = tail.rfind(b"OggS")
    header = tail[page:]
    whole = page >= 0 and len(header) > 27 and len(header) == 27 + header[26] + sum(header[27 : 27 + header[26]])
    if not (whole and header[5] & 4):
        raise InputError(f"{where}: cut off before its last page; copy or record it again")
