"""Sound files, .wav, .flac and .ogg: decoded by libsndfile, and checked for what it lets pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.errors import InputError
from anomsdk.formats.stored import Stored, begins_as, refusing
from anomsdk.formats.wav import wav_frames

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


def sound_file(path: Path, name: str, where: str) -> list[Stored]:
    """Check the header; no sample is read yet."""
    import soundfile

    promised = None
    if path.suffix.lower() == ".wav":
        promised = wav_frames(path, where)
    else:
        _check_magic(path, where)
        if path.suffix.lower() == ".ogg":
            _check_last_page(path, where)
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
    read = partial(_blocks, path, where, frames, exact)
    return [Stored(name, where, rate_hz, channels, frames, read, exact, notes)]


def _blocks(path: Path, where: str, frames: int, exact: bool, rows: int) -> Iterator[NDArray[Any]]:
    import soundfile

    done = 0
    with refusing(where), soundfile.SoundFile(path) as file:
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
    with path.open("rb", buffering=0) as file:
        start = file.read(4)
    if start != magic:
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
