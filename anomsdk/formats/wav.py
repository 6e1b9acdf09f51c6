"""The chunks of a .wav file against the file: libsndfile silently reads what is there."""

from __future__ import annotations

import struct
from pathlib import Path

from anomsdk.errors import InputError
from anomsdk.formats.stored import begins_as

_LINEAR_FORMATS = (1, 3, 6, 7, 0xFFFE)  # PCM, float, A-law, mu-law, extensible: a fixed size per sample


def wav_frames(path: Path, where: str) -> int | None:
    """Sample frames in the data chunk; None for formats that pack several into a block (ADPCM, GSM).

    Raises
    ------
    InputError : the chunks contradict each other or the size of the file
    """
    size, frame_bytes = path.stat().st_size, None
    with path.open("rb", buffering=0) as file:  # a buffer would keep the first samples
        kind, form = (head := file.read(12))[:4], head[8:]
        if not (b"RIFF".startswith(kind) or b"RF64".startswith(kind)) or not b"WAVE".startswith(form):
            raise InputError(f"{where}: no wav file{begins_as(head)}; convert or rename it")
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
                frame_bytes = _frame_bytes(where, file.read(min(length, 16)))
            elif kind == b"ds64" and head[:4] == b"RF64" and length >= 16:  # the sizes of more than 4 GiB
                sizes = dict(zip(("riff", "data"), struct.unpack("<QQ", file.read(16)), strict=True))
            file.seek(start + length + length % 2)
    raise InputError(f"{where}: cut off before any samples; copy or record it again")


def _frame_bytes(where: str, fmt: bytes) -> int:
    """Bytes of one instant of all channels; 0 for formats that pack several into a block."""
    if len(fmt) < 16:
        raise InputError(f"{where}: the fmt chunk is cut off; copy or record it again")
    tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack("<HHIIHH", fmt)
    if channels == 0 or rate_hz == 0:
        raise InputError(f"{where}: {channels} channels at {rate_hz} Hz; correct the header")
    if tag not in _LINEAR_FORMATS:
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
