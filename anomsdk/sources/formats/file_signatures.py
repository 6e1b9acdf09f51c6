"""File signatures: the first bytes by which the kind of a file is recognised."""

from __future__ import annotations

_KINDS = {b"RIFF": "wav", b"RF64": "wav", b"fLaC": "flac", b"OggS": "ogg", b"\x93NUM": "npy", b"PK\x03\x04": "npz"}
_KINDS |= {b"BW64": "wav", b"RIFX": "wav", b"PAR1": "parquet", b"FORM": "aiff", b"riff": "w64", b"caff": "caf"}
_KINDS |= {b"ID3\x02": "mp3", b"ID3\x03": "mp3", b"ID3\x04": "mp3", b".snd": "au", b"\x1aE\xdf\xa3": "webm"}
_KINDS |= {b"#!AM": "amr", b"wvpk": "wv", b"MAC ": "ape", b"\x89HDF": "h5", b"MATL": "mat", b"SQLi": "sqlite"}
_KINDS |= {
    b"(\xb5/\xfd": "zst",
    b"\xfd7zX": "xz",
    b"7z\xbc\xaf": "7z",
    b"0&\xb2u": "wma",
    b"Crea": "voc",
    b"NIST": "sph",
}
_KINDS |= {b"FLV\x01": "flv", b"%PDF": "pdf"}
_RIFF_KINDS = {b"AVI ": "avi", b"WEBP": "webp"}


def kind_of(start: bytes) -> str | None:
    r"""Return the kind of a file as its suffix, from its first bytes; None for an unknown signature.

    Parameters
    ----------
    start : the first 12 bytes or more; fewer recognise fewer kinds

    Examples
    --------
    >>> kind_of(b"fLaC"), kind_of(b"\0\0\0\x20ftypM4A "), kind_of(b"root:x:0")
    ('flac', 'm4a', None)
    """
    if start[4:8] == b"ftyp":
        return "m4a"
    if start[:3] == b"\x1f\x8b\x08":
        return "gz"
    if start[:3] == b"BZh" and start[4:10] == b"1AY&SY":
        return "bz2"
    if start[:4] == b"RIFF" and start[8:12] in _RIFF_KINDS:
        return _RIFF_KINDS[start[8:12]]
    if start[:2] in (b"\xff\xf1", b"\xff\xf9") and len(start) > 6:  # AAC in ADTS: a second frame must follow
        n = (start[3] & 3) << 11 | start[4] << 3 | start[5] >> 5
        if n > 7 and start[n : n + 2] == start[:2]:
            return "aac"
    return _KINDS.get(start[:4])


def begins_as(start: bytes) -> str:
    """Name the kind of a file in a message, which does not quote its bytes; empty for an unknown signature.

    Examples
    --------
    >>> begins_as(b"fLaC"), begins_as(b"root:x:0")
    (', it begins as a .flac does', '')
    """
    kind = kind_of(start)
    if kind is None and _mpeg_frame(start) is not None:
        kind = "mp3"
    return "" if kind is None else f", it begins as a .{kind} does"


_KBPS = (
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MPEG_HZ = (44_100, 48_000, 32_000)


def _mpeg_frame(start: bytes) -> int | None:
    """Return the length in bytes of a frame of MPEG layer III (ISO/IEC 11172-3, 13818-3); None where none begins."""
    if len(start) < 4 or start[0] != 0xFF or start[1] & 0xE6 != 0xE2:
        return None
    version, rate, hz = (start[1] >> 3) & 3, start[2] >> 4, (start[2] >> 2) & 3
    if version == 1 or rate in (0, 15) or hz == 3:
        return None
    first = version == 3
    sample_hz = _MPEG_HZ[hz] >> (0 if first else 1 if version == 2 else 2)
    return (144_000 if first else 72_000) * _KBPS[0 if first else 1][rate - 1] // sample_hz + (start[2] >> 1 & 1)


def mpeg_stream(start: bytes) -> bool:
    """Tell whether bytes begin with two frames of an .mp3; a single one may be samples by chance.

    Examples
    --------
    >>> mpeg_stream(bytes(2000))
    False
    """
    n = _mpeg_frame(start)
    return n is not None and start[n : n + 2] == start[:2] and _mpeg_frame(start[n : n + 4]) is not None
