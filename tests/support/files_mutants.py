"""What `files_fuzz` feeds: small good files of every kind, ways to damage them, and what takes them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import anomsdk
from anomsdk.core.plan import canonical_json
from anomsdk.evaluate import read_events
from anomsdk.planner.calibration import Calibration
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans.file import parse_plan
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings
from anomsdk.sources.conditions import Condition
from anomsdk.sources.devices import read_devices
from tests.support.make import make_folder

ROOM = """
format = 1
name = "room"
[sensor]
kind = "audio"
rate_hz = 16000
[features]
kind = "bands"
fft_length = 64
hop_length = 32
n_bands = 4
fmin_hz = 500
fmax_hz = 7500
band_ms = 8
allow_speech_features = true
[context]
kind = "summary"
frames = 2
statistics = ["mean", "max"]
[model]
max_macs = 200
[alert]
off_delay_s = 0.1
cooldown_s = 0.1
"""
COLLAR = """
format = 1
name = "collar"
[sensor]
kind = "motion"
rate_hz = 50
axes = 3
counts_per_g = 4096
full_scale_g = 8
[features]
kind = "motion"
window_s = 0.32
hop_s = 0.16
gravity_s = 0.16
select = ["magnitude_mean", "jerk_mean"]
floor_mg = 4
[context]
kind = "summary"
frames = 2
statistics = ["mean", "max"]
[model]
max_macs = 200
"""
METER = """
format = 1
name = "meter"
sensor = {kind = "external", rate_hz = 10}
features = {kind = "external", n_features = 3}
context = {kind = "stack", frames = 2}
model = {max_macs = 60, max_ram = 100000}
score = {baseline_s = 5}
alert = {raise_score = 4000, m = 1, n = 2}
"""
SPECS = {"audio": ROOM, "motion": COLLAR, "external": METER}
SUFFIX = {"audio": ".wav", "motion": ".csv", "external": ".npy"}

NUMBERS = (
    *("0", "-0", "-0.0", "1", "-1", "nan", "inf", "-inf", "1e308", "-1e308", "1e309", "5e-324", "1e-308", "2147483647"),
    *("2147483648", "-2147483649", "4294967296", "9223372036854775807", "9223372036854775808", "1" + "0" * 400),
    *(
        "9" * 5000,
        "",
        "0x10",
        "1_000",
        "1,5",
        "1e",
        "--1",
        "1e400",
        "true",
        "null",
        "NaN",
        "1e18",
        "1e19",
        "-1e19",
        "1e-9",
    ),
)
WORDS = (
    *(
        "",
        "x" * 5000,
        "\x00",
        "\x1b[31m",
        "é",
        "\u202e",
        "\ud7ff",
        '"',
        "'",
        "\\",
        "[",
        "{",
        "]]",
        "../x",
        "/etc/passwd",
        "~",
    ),
    *(
        "audio",
        "motion",
        "external",
        "stack",
        "summary",
        "model",
        "learnt",
        "chosen",
        "calibrated",
        "counts",
        "g",
        "rad/s",
    ),
    *("2024-01-01T00:00:00", "2024-01-01T00:00:00+99:99", "0000-00-00 00:00:00", "9999-12-31T23:59:59.999999999Z"),
    *(
        "2024-01-01 00:00:00 PM",
        "1600-01-01T00:00:00",
        "2024-13-45T99:99:99",
        "2024/01/01 10:00:00,5",
        "#",
        "%",
        "\ufeff",
    ),
)
CELLS = (*NUMBERS, *WORDS, "2024-01-01T00:00:00.000000000000001", "2024-01-01T00:00+0100", "2262-04-12T00:00:00", "NaT")
INTEGERS = (0, 1, -1, 2, 127, 255, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
FLOATS = (0.0, -0.0, float("nan"), float("inf"), 1e308, -1e308, 5e-324, -1.0, 1e-300, 3.0e38)


def pick(rng: np.random.Generator, items: Any) -> Any:
    return items[int(rng.integers(len(items)))]


# Bytes


def damaged(rng: np.random.Generator, data: bytes, other: bytes = b"", *, head: int = 0) -> bytes:
    """One to four changes; with ``head``, half of them in the first so many bytes."""
    out = bytearray(data)
    for _ in range(1 + int(rng.integers(4)) * int(rng.integers(2))):
        if not out:
            break
        n = min(len(out), head) if head and rng.integers(2) else len(out)
        at, what = int(rng.integers(n)), int(rng.integers(12))
        if what == 0:
            out[at] ^= 1 << int(rng.integers(8))
        elif what == 1:
            out[at] = pick(rng, (0, 1, 127, 128, 255, 10, 34, 44))
        elif what == 2:
            del out[at:]
        elif what == 3:
            del out[at : at + 1 + int(rng.integers(64))]
        elif what == 4:
            size = 1 + int(rng.integers(200))
            out[at:at] = out[at : at + size] * (1 + int(rng.integers(4)))
        elif what == 5 and other:
            start = int(rng.integers(len(other)))
            out[at : at + 1 + int(rng.integers(400))] = other[start : start + 1 + int(rng.integers(400))]
        elif what in (6, 7, 8):
            size = pick(rng, (1, 2, 4, 4, 8))
            at -= at % pick(rng, (1, size))
            value = pick(rng, INTEGERS) % 2 ** (8 * size)
            out[at : at + size] = value.to_bytes(size, pick(rng, ("little", "little", "big")))
        elif what == 9:
            size, code = pick(rng, ((4, "<f"), (8, "<d")))
            value = pick(rng, FLOATS)
            out[at : at + size] = struct.pack(code, value if size == 8 or abs(value) < 3e38 or value != value else 3e38)
        elif what == 10:
            out[at : at + int(rng.integers(64))] = bytes(rng.bytes(int(rng.integers(64))))
        else:
            out += bytes(int(rng.integers(1, 5000)))
    return bytes(out[: 4 << 20])


# Text

_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_]{2,}")


def damaged_text(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    what = int(rng.integers(12))
    if what <= 4 and (found := list(_NUMBER.finditer(data))):
        for _ in range(pick(rng, (1, 1, 2, 5))):
            match = pick(rng, found)
            if match.end() <= len(data):
                data = data[: match.start()] + pick(rng, NUMBERS).encode() + data[match.end() :]
        return data
    if what <= 6 and (found := list(_WORD.finditer(data))):
        match = pick(rng, found)
        return data[: match.start()] + pick(rng, WORDS).encode() + data[match.end() :]
    lines = data.split(b"\n")
    at = int(rng.integers(len(lines)))
    if what == 7:
        lines.insert(at, pick(rng, lines))
    elif what == 8:
        del lines[at : at + 1 + int(rng.integers(3))]
    elif what == 9:
        lines.insert(
            at, pick(rng, (b"[" * 5000, b"a = " + b"[" * 3000, b'{"a":' * 2000, b"\x00" * 70000, b"," * 3000, b""))
        )
    elif what == 10:
        return data.replace(
            *pick(rng, ((b",", b";"), (b".", b","), (b"\n", b"\r"), (b"\n", b""), (b",", b"\t"), (b" ", b"")))
        )
    else:
        return damaged(rng, data, other)
    return b"\n".join(lines)


def damaged_gzip(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    """What is packed, whole sums around it; bytes of it; several members, and what is none behind them."""
    what = int(rng.integers(5))
    if what <= 1:
        return damaged(rng, data, other)
    packed = gzip.compress(damaged_table(rng, gzip.decompress(data), gzip.decompress(other or data)), mtime=0)
    return packed + (other if what == 3 else b"\0" * 9 + b"rest" if what == 4 and rng.integers(2) else b"")


def damaged_table(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    """Cells, headings and columns of a .csv."""
    what = int(rng.integers(8))
    if what == 0:
        return damaged_text(rng, data, other)
    between = pick(rng, (b",", b",", b";", b"\t")) if what == 1 else b","
    rows = [line.split(b",") for line in data.strip().split(b"\n")]
    width = max(map(len, rows))
    if what in (2, 3, 4):
        row = rows[0 if what == 2 and rng.integers(2) else int(rng.integers(len(rows)))]
        row[int(rng.integers(len(row)))] = pick(rng, CELLS).encode()
    elif what == 5:
        column, cell = int(rng.integers(width)), pick(rng, CELLS).encode()
        for row in rows[int(rng.integers(3)) :]:
            if column < len(row):
                row[column] = cell
    elif what == 6:
        column, factor = int(rng.integers(width)), pick(rng, (0, 1e-300, 1e300, -1, 1e9, 1e-9, 1e15))
        for row in rows[1:]:
            try:
                row[column] = repr(float(row[column]) * factor).encode()
            except (ValueError, IndexError):
                continue
    elif what == 7:
        a, b = rng.integers(width, size=2)
        for row in rows:
            if max(a, b) < len(row):
                row[a], row[b] = row[b], row[a]
        if rng.integers(2):
            rng.shuffle(rows)
    return b"\n".join(between.join(row) for row in rows) + b"\n"


# JSON


def damaged_tree(rng: np.random.Generator, tree: Any) -> Any:
    """A tree of which one node is another one."""
    nodes: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            nodes.append((node, key))
            if isinstance(node[key], (dict, list)):
                walk(node[key])

    tree = json.loads(json.dumps(tree))
    walk(tree)
    for _ in range(pick(rng, (1, 1, 1, 2, 4))):
        parent, key = pick(rng, nodes)
        what = int(rng.integers(9))
        if (isinstance(parent, dict) and key not in parent) or (isinstance(parent, list) and key >= len(parent)):
            continue
        old = parent[key]
        if what == 0:
            del parent[key]
        elif what == 1 and isinstance(parent, dict):
            parent[pick(rng, WORDS)] = old
        elif what == 2 and isinstance(old, list):
            parent[key] = pick(rng, (old[:-1], old + old, old * 300, [], [old]))
        elif what in (3, 4) and isinstance(old, (int, float)) and not isinstance(old, bool):
            parent[key] = pick(rng, (old + 1, old - 1, -old, old * 2, old * 1000, old // 2, 0))
        elif what == 5:
            nested: Any = old
            for _ in range(pick(rng, (3, 50, 900, 5000))):
                nested = [nested]
            parent[key] = nested
        else:
            parent[key] = pick(
                rng, (*INTEGERS, *FLOATS, 10**400, -(2**63), None, True, [], {}, *WORDS[:16], "1", [1, 2], {"a": 1})
            )
    return tree


def dumped(tree: Any) -> bytes:
    """JSON, however deep, with what Python writes for nan and infinity."""
    try:
        return json.dumps(tree).encode()
    except (RecursionError, ValueError):
        return b'{"format": 1, "a": ' + b"[" * 5000


def damaged_json(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    if rng.integers(4) == 0:
        return damaged_text(rng, data, other)
    return dumped(damaged_tree(rng, json.loads(data)))


def damaged_plan(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    """Mostly signed anew, in canonical form: what the hash does not keep out."""
    what = int(rng.integers(6))
    if what == 0:
        return damaged_text(rng, data, other)
    tree = json.loads(data)
    if what == 1:
        return canonical_json(tree).replace(b"1", pick(rng, NUMBERS).encode(), 1)
    tree.pop("sha256")
    arrays: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict) and "dtype" in node:
            arrays.append(node)
        for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(each)

    walk(tree)
    if what in (2, 3):
        array = pick(rng, arrays)
        values = np.frombuffer(base64.b64decode(array["data"]), array["dtype"]).copy()
        if values.size:
            at = rng.integers(values.size, size=pick(rng, (1, 1, 3)))
            info = np.iinfo(values.dtype)
            values[at] = pick(rng, (0, 1, info.max, info.min, info.max - 1, values[0]))
        array["data"] = base64.b64encode(values.tobytes()).decode()
    else:
        tree = damaged_tree(rng, tree)
    try:
        tree["sha256"] = hashlib.sha256(canonical_json(tree)).hexdigest()
        return canonical_json(tree)
    except (TypeError, ValueError, RecursionError):
        return dumped(tree)


# Containers


def damaged_wav(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    what = int(rng.integers(5))
    if what <= 2:
        return damaged(rng, data, other, head=64)
    chunks, at = [], 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        chunks.append(data[at : at + 8 + size + size % 2])
        at += 8 + size + size % 2
    if what == 3:
        order = rng.integers(len(chunks), size=int(rng.integers(1, 6)))
        chunks = [chunks[i] for i in order]
    else:
        name = pick(rng, (b"LIST", b"fact", b"ds64", b"bext", b"data", b"fmt ", b"\0\0\0\0"))
        body = rng.bytes(int(rng.integers(64)))
        size = pick(rng, (len(body), 0, 2**32 - 1, 2**31, len(body) + 1))
        chunks.insert(int(rng.integers(len(chunks) + 1)), name + struct.pack("<I", size) + body)
    body = b"WAVE" + b"".join(chunks)
    return (
        pick(rng, (b"RIFF", b"RIFF", b"RF64", b"RIFX")) + struct.pack("<I", pick(rng, (len(body), 0, 2**32 - 1))) + body
    )


def damaged_npy(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    """Its header in other words, or bytes."""
    if rng.integers(3) == 0 or len(data) < 12:
        return damaged(rng, data, other, head=128)
    size = struct.unpack("<H", data[8:10])[0]
    text, values = data[10 : 10 + size].decode("latin1").strip(), data[10 + size :]
    parts = {
        "descr": (
            "'<i2'",
            "'>i2'",
            "'<f8'",
            "'<f4'",
            "'|O'",
            "'<U9'",
            "'<U0'",
            "'|V0'",
            "'<c16'",
            "'<M8[ns]'",
            "[('a','<i2')]",
        ),
        "fortran_order": ("True", "False", "1", "None"),
        "shape": (
            "()",
            "(-1,)",
            "(0,)",
            "(2,2,2)",
            "(9223372036854775808,)",
            "(1,1000000)",
            "(2**9,)",
            "(True,)",
            "(1e3,)",
        ),
    }
    for _ in range(pick(rng, (1, 1, 2))):
        key = pick(rng, list(parts))
        value = pick(rng, parts[key])
        if key == "shape" and rng.integers(2):
            columns = pick(rng, (1, 2, 3, 6, 64, 65, 1000))
            value = f"({len(values) // 2 // columns}, {columns})"
        text = re.sub(rf"('{key}': )(\([^)]*\)|[^,]+)", lambda match, value=value: match[1] + value, text)
    if rng.integers(8) == 0:
        text = pick(rng, (text[:-1], "[" * 3000, "{" + "'a':" * 200, "1" * 9000, text + "\n" + text, "{}", "import os"))
    header = text.encode("latin1").ljust(size, b" ")[:65000]
    return (
        b"\x93NUMPY"
        + pick(rng, (b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\x09\0"))
        + struct.pack("<H", len(header))
        + header
        + values
    )


def damaged_npz(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    """Members anew, so that all sums are right; bombs; and bytes."""
    what = int(rng.integers(8))
    if what <= 1:
        return damaged(rng, data, other)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(pick(rng, (1, 1, 2))):
        name = pick(rng, list(members))
        kind = int(rng.integers(6))
        if kind == 0:
            members[name] = damaged_npy(rng, members[name])
        elif kind == 1:
            members[
                pick(rng, ("x.npy", "fs.npy", "offsets.npy", "unit.npy", "scale.npy", "label.npy", "a/../x.npy"))
            ] = members[name]
        elif kind == 2:
            del members[name]
            if not members:
                break
        else:
            key, array = pick(rng, _ODD_ARRAYS)
            buffer = io.BytesIO()
            np.save(buffer, np.array(array) if not isinstance(array, np.ndarray) else array, allow_pickle=False)
            members[key] = buffer.getvalue()
    if rng.integers(60) == 0:
        members[pick(rng, ("x.npy", "offsets.npy", "fs.npy", "label.npy", "unit.npy"))] = _bomb(rng)
    out = io.BytesIO()
    packed = pick(rng, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in members.items():
            archive.writestr(zipfile.ZipInfo(name), body, packed)  # of 1980: a case does not depend on the clock
    made = out.getvalue()
    return damaged(rng, made) if what == 3 else made


_ODD_ARRAYS: tuple[tuple[str, Any], ...] = (
    *(("fs.npy", each) for each in (0.0, -1.0, 1e308, np.nan, np.inf, 2**62, [1, 2], "x", 1e-300, 0.5, 44100.5, 8000)),
    *(
        ("offsets.npy", each)
        for each in ([0], [0, 0], [0, 1e308], [0, 2**62], [5, 1], [-1, 3], [0, np.nan], np.arange(50), "x")
    ),
    *(("scale.npy", each) for each in (0.0, 1e308, -1e308, np.nan, 5e-324, [1.0] * 7, "x", 10**18)),
    *(("unit.npy", each) for each in ("", "g", "furlong", "x" * 5000, "\x1b[31m", 5, "counts", "mg = x/2", "\x00")),
    *(
        ("channels.npy", each)
        for each in ([], ["ax"], ["ax", "ay", "ay"], ["", "", ""], ["\x00"] * 3, ["x" * 999] * 3, 3)
    ),
    *(("label.npy", each) for each in (["a"], ["x" * 2000] * 4, np.zeros((4, 0)), [1e308] * 4, True)),
    *(("x.npy", np.full((40, 3), each)) for each in (np.nan, np.inf, 1e308, -1e308, 5e-324, 0.0, 2**62, 1.0 + 1e-9)),
    *(("x.npy", np.asfortranarray(np.ones((40, each), "<i2"))) for each in (2, 3, 6, 65, 2000)),
    ("x.npy", np.zeros((0, 3), "<i2")),
    ("x.npy", np.ones(4000, "<i2")),
    ("x.npy", np.ones((2, 3, 4), "<i2")),
)
_BOMBS: dict[int, bytes] = {}


def _bomb(rng: np.random.Generator) -> bytes:
    """Zeros that pack to a thousandth."""
    n = pick(rng, (1 << 20, 1 << 23))
    if n not in _BOMBS:
        buffer = io.BytesIO()
        np.save(buffer, np.zeros((n, 3) if n < 1 << 22 else n, "<i2"))
        _BOMBS[n] = buffer.getvalue()
    return _BOMBS[n]


def _ogg_crc(page: bytes) -> int:
    crc = 0
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _OGG_TABLE[((crc >> 24) ^ byte) & 255]
    return crc


def _ogg_table() -> list[int]:
    table = []
    for n in range(256):
        value = n << 24
        for _ in range(8):
            value = ((value << 1) ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        table.append(value)
    return table


_OGG_TABLE = _ogg_table()


def damaged_ogg(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    """Half of them with the sums of all pages made right again."""
    out = bytearray(damaged(rng, data, other, head=120))
    return _right_sums(out) if rng.integers(2) else bytes(out)


def _right_sums(data: bytearray, serial: bytes = b"") -> bytes:
    """Pages of an Ogg file with their sums made right, and with another serial number."""
    at = data.find(b"OggS")
    while at >= 0 and len(data) > at + 27:
        stop = data.find(b"OggS", at + 4)
        data[at + 14 : at + 14 + len(serial)] = serial
        page = data[at : stop if stop > 0 else len(data)]
        page[22:26] = bytes(4)
        data[at + 22 : at + 26] = _ogg_crc(bytes(page)).to_bytes(4, "little")
        at = stop
    return bytes(data)


def damaged_parquet(rng: np.random.Generator, data: bytes, other: bytes = b"") -> bytes:
    """Mostly its footer and the headers of its pages."""
    if len(data) < 12 or rng.integers(4) == 0:
        return damaged(rng, data, other)
    size = int.from_bytes(data[-8:-4], "little")
    start = max(4, len(data) - 8 - size)
    if rng.integers(3) == 0:  # one byte, which may be a number of any length
        at = int(rng.integers(start, len(data) - 8))
        return (
            data[:at] + bytes([pick(rng, (0, 0x7F, 0x80, 0xFF, data[at] ^ 1, int(rng.integers(256))))]) + data[at + 1 :]
        )
    if rng.integers(2):
        footer = damaged(rng, data[start:-8], other[-400:])
        return (
            data[:start] + footer + struct.pack("<I", pick(rng, (len(footer), len(footer), size, 2**31, 0))) + b"PAR1"
        )
    out = bytearray(data)
    for _ in range(pick(rng, (1, 2, 4))):
        at = int(rng.integers(4, start))
        out[at] = pick(rng, (0, 1, 0x15, 0x7F, 0x80, 0xFF, int(rng.integers(256))))
        if rng.integers(3) == 0:
            out[at : at + 5] = b"\xff\xff\xff\xff\x0f"  # a varint of 2**31 and more
    return bytes(out)


# Good files


class Known:
    """Plans and good files, made once a process."""

    def __init__(self, folder: Path) -> None:
        self.folders = {kind: make_folder(folder / kind, text) for kind, text in SPECS.items()}
        self.plans = {}
        for kind, place in self.folders.items():
            made = anomsdk.plan(place)
            anomsdk.write_plan(made, place / "plan.json")
            self.plans[kind] = anomsdk.read_plan(place / "plan.json")
        self.stream_formats = {kind: StreamFormat.of(plan.sensor, plan.columns) for kind, plan in self.plans.items()}
        self.good = {kind: place / f"good{SUFFIX[kind]}" for kind, place in self.folders.items()}
        self.files = good_files()
        for kind, name in (("audio", "wav"), ("motion", "motion csv"), ("external", "rows npy")):
            self.good[kind].write_bytes(self.files[name][0])
        self.files["plan.json"] = [(place / "plan.json").read_bytes() for place in self.folders.values()]
        self.files["calibration.json"] = [(place / "calibration.json").read_bytes() for place in self.folders.values()]
        self.files["model.tflite"] = [(place / "model.tflite").read_bytes() for place in self.folders.values()]
        self.files["spec.toml"] = [text.encode() for text in SPECS.values()]
        self.files["spec.toml"] += [PipelineSpec.from_toml(text).to_toml().encode() for text in SPECS.values()]


def good_files() -> dict[str, list[bytes]]:
    """The same bytes at any time, so that a case is what it was: libsndfile writes the clock and serials of chance."""
    import soundfile

    rng = np.random.default_rng(0)
    sound = (rng.standard_normal(13_000) * 2000).astype(np.int16)
    rows = (rng.standard_normal((60, 3)) * 500).astype("<i2")
    gravity = np.array([0, 0, 1.0]) + 0.05 * rng.standard_normal((60, 3))
    files: dict[str, list[bytes]] = {}

    def written(values: Any, rate: int, **how: Any) -> bytes:
        out = io.BytesIO()
        soundfile.write(out, values, rate, **how)
        data = bytearray(out.getvalue())
        if how["format"] == "OGG":
            return _right_sums(data, bytes(4))
        if (at := data.find(b"PEAK")) > 0:
            data[at + 12 : at + 16] = bytes(4)
        return bytes(data)

    def chunked(
        values: Any, *, bits: int = 16, width: int = 2, order: str = "<", more: bytes = b"", size: int | None = None
    ) -> bytes:
        tag = 0xFFFE if more else 1
        fmt = struct.pack(order + "HHIIHH", tag, 1, 16000, 16000 * width, width, bits) + more
        data = values.tobytes()
        body = b"WAVEfmt " + struct.pack(order + "I", len(fmt)) + fmt
        body += b"data" + struct.pack(order + "I", len(data) if size is None else size) + data
        return (b"RIFF" if order == "<" else b"RIFX") + struct.pack(order + "I", len(body)) + body

    def saved(values: Any) -> bytes:
        out = io.BytesIO()
        np.save(out, values)
        return out.getvalue()

    def zipped(**arrays: Any) -> bytes:
        out = io.BytesIO()
        np.savez_compressed(out, **arrays)
        return out.getvalue()

    short = sound[:1500]
    floats = short / 32768
    files["wav"] = [
        written(sound, 16000, format="WAV", subtype="PCM_16"),
        written(short, 16000, format="WAV", subtype="PCM_16"),
        written(np.stack([short, short], 1), 8000, format="WAV", subtype="PCM_16"),
        written(floats, 44100, format="WAV", subtype="FLOAT"),
        written(floats, 16000, format="WAV", subtype="PCM_24"),
        written(floats, 16000, format="WAV", subtype="DOUBLE"),
        written(floats, 16000, format="WAV", subtype="ULAW"),
        written(floats, 16000, format="WAV", subtype="IMA_ADPCM"),
        written(floats, 16000, format="WAVEX", subtype="PCM_16"),
        written(floats, 16000, format="RF64", subtype="PCM_16"),
        chunked(short.astype(">i2"), order=">"),
        chunked(short.astype("<i4") << 8, bits=24, width=4),
        chunked((short.astype("<i4") << 16) + 1, bits=32, width=4),
        chunked(short, more=struct.pack("<HHIH", 22, 12, 0, 1) + bytes.fromhex("000000001000800000aa00389b71")),
        chunked(short, size=0),
        chunked(short, size=0xFFFFFFFF),
        chunked(short) + b"data" + struct.pack("<I", 200) + short[:100].tobytes() + bytes(33),
    ]
    files["flac"] = [written(short, 16000, format="FLAC"), written(np.stack([short, short], 1), 22050, format="FLAC")]
    files["ogg"] = [written(floats, 16000, format="OGG"), written(floats, 48000, format="OGG", subtype="OPUS")]
    files["audio npy"] = [saved(short), saved(short[:, None])]
    files["rows npy"] = [saved(rows), saved(np.asfortranarray(rows))]
    files["audio npz"] = [
        zipped(x=short, offsets=np.array([0, 500, 1500]), fs=np.array(16000)),
        zipped(x=short, label=np.array(["rain"])),
    ]
    files["rows npz"] = [zipped(x=rows, fs=np.array(10.0)), zipped(x=np.asfortranarray(rows))]
    files["motion npz"] = [
        zipped(x=gravity, fs=np.array(50.0), unit=np.array("g"), channels=np.array(["ax", "ay", "az"])),
        zipped(
            x=(gravity * 2048).astype("<i2"),
            fs=np.array(100),
            unit=np.array("g = x/2048"),
            scale=np.array([1 / 2048] * 3),
        ),
        zipped(
            x=gravity, offsets=np.array([0, 20, 60]), fs=np.array(50.0), unit=np.array("g"), label=np.array(["a", "b"])
        ),
    ]
    files["motion npy"] = [saved((gravity * 4096).astype("<i2"))]
    files["audio csv"] = [b"x\n" + b"".join(b"%d\n" % each for each in short[:300])]
    files["rows csv"] = [b"a,b,c\n" + b"".join(b"%d,%d,%d\n" % tuple(row) for row in rows)]

    def table(heading: str, times: list[str], values: Any, between: str = ",") -> bytes:
        lines = [f"{t},{a:.4f},{b:.4f},{c:.4f}" for t, (a, b, c) in zip(times, values, strict=True)]
        return "\n".join([heading, *lines, ""]).replace(",", between).encode()

    steps = [f"{i * 0.02:.2f}" for i in range(60)]
    dates = [f"2024-03-31T01:59:{i * 0.02:06.3f}" for i in range(60)]
    files["motion csv"] = [
        table("time_s,ax_g,ay_g,az_g", steps, gravity),
        table(
            "timestamp,ax [m/s^2],ay [m/s^2],az [m/s^2]",
            [str(1700000000000 + 20 * i) for i in range(60)],
            gravity * 9.81,
        ),
        table("time,acc_x_mg,acc_y_mg,acc_z_mg", dates, gravity * 1000),
        table("time,acc_x_mg,acc_y_mg,acc_z_mg", [f"{each}+01:00" for each in dates], gravity * 1000),
        table("t_ms,ax_g,ay_g,az_g", [str(20 * i) for i in range(60)], gravity).replace(b"\n2", b"\n\n2"),
        b"Sample rate,50\nRange,8,,\n,Accelerometer,,\nnumber,x,y,z\n,g,g,g\n"
        + table("", [str(i) for i in range(60)], gravity).lstrip(b"\n"),
        b"cow," + table("time_s,ax_g,ay_g,az_g\n", steps, gravity).replace(b"\n", b"\n7,").removesuffix(b"\n7,"),
        b"1394727810.0,1394727810.0,1394727810.0\n50.0,50.0,50.0\n"
        + b"".join(b"%d,%d,%d\n" % tuple(row) for row in np.rint(gravity * 64).astype(int)),
        b"t;ax_g;ay_g;az_g\n"
        + b"".join(
            b"%.1f;" % (i * 0.02) + b";".join(b"[%.3f, %.3f]" % tuple(gravity[i : i + 2, a]) for a in range(3)) + b"\n"
            for i in range(0, 60, 2)
        ),
    ]
    files["motion csv.gz"] = [gzip.compress(each, mtime=0) for each in files["motion csv"]]
    files["audio csv.gz"] = [gzip.compress(each, mtime=0) for each in files["audio csv"]]
    files["devices csv"] = [
        b"file,unit,scale,axes\nin.csv,g,1,2 3 4\n*,mg,0.001 1 1,ax ay az\n",
        b"device;unit;rate;time\nin;g;50;none\n*;;;\n",
    ]
    files["events csv"] = [
        b"recording,start_s,stop_s\ngood.wav,0.1,0.2\nother.wav,,\n",
        b"recording,start_s,stop_s,note\ngood.wav,0,1e3,x\n",
    ]
    files["stdin"] = [short.tobytes()]
    files["parquet"] = _parquets(gravity, dates)
    return files


def _parquets(gravity: Any, dates: list[str]) -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    axes = {name: gravity[:, i] for i, name in enumerate(("ax_g", "ay_g", "az_g"))}
    step = np.arange(60)
    times = [
        pa.array(step * 0.02),
        pa.array((step * 20).astype("datetime64[ms]")),
        pa.array((step * 20_000_000).astype("datetime64[ns]"), pa.timestamp("ns", "Europe/Berlin")),
        pa.array((step * 20_000).astype("datetime64[us]"), pa.timestamp("us", "+09:30")),
        pa.array(step, pa.timestamp("s")),
        pa.array(step + 2**60, pa.timestamp("s")),
        pa.array(step * 20, pa.int32()),
        pa.array(step.astype(np.uint64) + 2**63, pa.uint64()),
        pa.array(dates),
        pa.array([*dates[:5], None, *dates[6:]]),
        pa.array(dates).dictionary_encode(),
        pa.array([f"{each}Z" for each in dates], pa.large_string()),
        pa.array([b"x"] * 60),
        pa.array(step, pa.date32()) if False else pa.array(step.astype("datetime64[D]")),
        pa.array(step.astype("int64"), pa.time64("us")),
        pa.array(step.astype("int64"), pa.duration("ms")),
        pa.array([[1.0]] * 60),
        pa.array([None] * 60, pa.float64()),
        pa.nulls(60),
        pa.array([1e308] * 60),
        pa.array([True, False] * 30),
        pa.array(step * 0.02).cast(pa.decimal128(20, 4)),
        pa.array(["x" * 20000] * 60),
        pa.array(step * 0.02).dictionary_encode(),
    ]
    made = []
    for index, column in enumerate(times):
        name = "time_s" if index in (0, 17, 18, 19, 20, 21) else "time_ms" if index in (6, 7) else "time"
        values: dict[str, Any] = {name: column, **axes}
        if index == 3:
            values["ax_g"] = pa.array(gravity[:, 0]).dictionary_encode()
        if index == 4:
            values["ay_g"] = pa.array([str(each) for each in gravity[:, 1]])
        codec = ("none", "snappy", "gzip", "zstd")[index % 4]
        out = io.BytesIO()
        pq.write_table(pa.table(values), out, compression=codec, row_group_size=25, use_dictionary=index % 2 == 0)
        made.append(out.getvalue())
    packets = {name: pa.array([values[i : i + 4].tolist() for i in range(0, 60, 4)]) for name, values in axes.items()}
    for stamps in (pa.array(step[::4] * 0.02), pa.array([(step[i : i + 4] * 0.02).tolist() for i in range(0, 60, 4)])):
        out = io.BytesIO()
        pq.write_table(pa.table({"time_s": stamps, **packets}), out, row_group_size=7)
        made.append(out.getvalue())
    return made


# What takes them


def _given(work: Any, rng: np.random.Generator, kind: str, suffix: str, damage: Callable[..., bytes]) -> Path:
    files = work.known.files[kind]
    weights = np.r_[2.0, np.ones(len(files) - 1)]
    data = files[int(rng.choice(len(files), p=weights / weights.sum()))]
    path = work.place / f"in{suffix}"
    path.write_bytes(damage(rng, data, pick(rng, files)))
    return path


RECORDINGS: dict[str, tuple[str, str, Callable[..., bytes], float]] = {
    # file -> sensor, suffix, how it is damaged, how many of them
    "wav": ("audio", ".wav", damaged_wav, 16),
    "flac": ("audio", ".flac", lambda *a: damaged(*a, head=60), 8),
    "ogg": ("audio", ".ogg", damaged_ogg, 5),
    "audio npy": ("audio", ".npy", damaged_npy, 6),
    "audio npz": ("audio", ".npz", damaged_npz, 7),
    "audio csv": ("audio", ".csv", damaged_table, 4),
    "rows npy": ("external", ".npy", damaged_npy, 4),
    "rows npz": ("external", ".npz", damaged_npz, 4),
    "rows csv": ("external", ".csv", damaged_table, 4),
    "motion npy": ("motion", ".npy", damaged_npy, 2),
    "motion npz": ("motion", ".npz", damaged_npz, 10),
    "motion csv": ("motion", ".csv", damaged_table, 14),
    "parquet": ("motion", ".parquet", damaged_parquet, 14),
    "motion csv.gz": ("motion", ".csv.gz", damaged_gzip, 6),
    "audio csv.gz": ("audio", ".csv.gz", damaged_gzip, 2),
}
TAKE_RECORDINGS = {
    "reader": 60,
    "watch": 10,
    "score": 6,
    "calibrate": 3,
    "train": 2,
    "evaluate": 1,
    "diff": 1,
    "verify": 0.3,
}

_SAID = (
    ReadOptions(),
    ReadOptions(),
    ReadOptions(unit="g"),
    ReadOptions(unit="mg"),
    ReadOptions(axes=("2", "3", "4")),
    ReadOptions(time="1:ms"),
    ReadOptions(scale=(1e308,), unit="g"),
    ReadOptions(scale=(5e-324,), unit="m/s2"),
    ReadOptions(unit="counts"),
    ReadOptions(unit="g", rate_hz=50.0, time="none"),
    ReadOptions(unit="g", by=("1",)),
    ReadOptions(unit="g", where=(Condition("1", "7", excluded=True),)),
)


def _read(work: Any, rng: np.random.Generator, kind: str) -> str:
    from tests.support.files_fuzz import reading

    sensor, suffix, damage, _ = RECORDINGS[kind]
    path = _given(work, rng, kind, suffix, damage)
    said = pick(rng, _SAID) if sensor == "motion" and suffix != ".npy" else None

    def read() -> None:
        for recording in open_recordings(path, work.known.stream_formats[sensor], reading=said):
            rows = 0
            for block in recording.blocks():
                rows += 0 if isinstance(block, int) else len(block)
                if rows > 1 << 24:
                    break

    return reading(read)


def _command(work: Any, rng: np.random.Generator, kind: str, use: str) -> str:
    sensor, suffix, damage, _ = RECORDINGS[kind]
    path = _given(work, rng, kind, suffix, damage)
    folder, place = work.known.folders[sensor], work.place
    out = place / "out"
    if use == "watch":
        scores = () if rng.integers(2) else ("--scores", place / "out.npy")
        return work.runner(
            "watch", path, "--plan", folder, *scores, *(("--jsonl",) if rng.integers(2) else ()), out=place / "out.npy"
        )
    if use == "score":
        return work.runner(
            "score", path, "--plan", folder, "--out", place / "out.npz", "--jobs", 1, out=place / "out.npz"
        )
    if use == "calibrate":
        return work.runner("calibrate", folder, "--normal", path, "--out", out, out=out)
    if use == "train":
        spec = folder / "spec.toml"
        return work.runner("train", "--normal", path, "--spec", spec, "--out", out, out=out)
    if use == "evaluate":
        sides = (path, work.known.good[sensor]) if rng.integers(2) else (work.known.good[sensor], path)
        return work.runner("evaluate", "--plan", folder, "--normal", sides[0], "--anomalous", sides[1], "--jobs", 1)
    if use == "diff":
        return work.runner("diff", folder, folder, "--corpus", path, "--jobs", 1)
    return work.runner("verify", folder, path, "--hops", 1)


def _stdin(work: Any, rng: np.random.Generator) -> str:
    kind = pick(rng, ("stdin", "stdin", "wav", "flac", "ogg", "audio npy", "audio npz", "motion csv"))
    data = damaged(rng, pick(rng, work.known.files[kind]))
    plan = work.known.folders[pick(rng, tuple(SPECS))]
    if rng.integers(2):
        return work.runner("watch", "-", "--plan", plan, stdin=data)
    return work.runner(
        "score", "-", "--plan", plan, "--out", work.place / "out.npz", stdin=data, out=work.place / "out.npz"
    )


def _spec_text(work: Any, rng: np.random.Generator) -> tuple[str, bytes]:
    sensor = pick(rng, tuple(SPECS))
    files = work.known.files["spec.toml"]
    data = files[tuple(SPECS).index(sensor) + pick(rng, (0, 3))]
    return sensor, damaged_text(rng, data, pick(rng, files))


def _spec(work: Any, rng: np.random.Generator, use: str) -> str:
    from tests.support.files_fuzz import reading

    sensor, data = _spec_text(work, rng)
    path = work.place / "in" / "spec.toml"
    path.parent.mkdir()
    path.write_bytes(data)
    if use == "reader":
        return reading(lambda: PipelineSpec.from_file(path).to_toml())
    if use == "planner":  # with a calibration that fits it: all numbers reach the planner

        def planned() -> None:
            spec = PipelineSpec.from_file(path)
            if (
                isinstance(getattr(spec.features, "n_features", 0), int)
                and getattr(spec.features, "n_features", 0) > 40
            ):
                return
            if spec.context.frames > 40 or getattr(spec.features, "n_bands", 0) > 40:
                return
            anomsdk.plan(make_folder(path.parent, spec.to_toml())).canonical_bytes  # noqa: B018

        return reading(planned)
    if use == "train":
        return work.runner(
            "train",
            "--normal",
            work.known.good[sensor],
            "--spec",
            path,
            "--out",
            work.place / "out",
            out=work.place / "out",
        )
    for name in ("calibration.json", "model.tflite"):
        (path.parent / name).write_bytes((work.known.folders[sensor] / name).read_bytes())
    return work.runner("plan", path.parent, out=path.parent / "plan.json")


def _folder_file(work: Any, rng: np.random.Generator, name: str, use: str) -> str:
    """A damaged calibration.json or model.tflite among good files."""
    from tests.support.files_fuzz import reading

    at = int(rng.integers(3))
    data = work.known.files[name][at]
    data = damaged(rng, data) if name == "model.tflite" else damaged_json(rng, data)
    if use == "reader":
        if name == "model.tflite":
            return reading(lambda: parse_tflite(data, name="in.tflite"))
        path = work.place / "in.json"
        path.write_bytes(data)
        return reading(lambda: Calibration.from_file(path))
    folder = work.place / "in"
    folder.mkdir()
    source = work.known.folders[tuple(SPECS)[at]]
    for each in ("spec.toml", "calibration.json", "model.tflite"):
        (folder / each).write_bytes(data if each == name else (source / each).read_bytes())
    if name == "model.tflite" and rng.integers(2):  # a calibration that belongs to it
        tree = json.loads((folder / "calibration.json").read_bytes())
        tree["model_sha256"] = hashlib.sha256(data).hexdigest()
        (folder / "calibration.json").write_text(json.dumps(tree))
    if use == "calibrate":
        (folder / "plan.json").write_bytes((source / "plan.json").read_bytes())
        good = work.known.good[tuple(SPECS)[at]]
        return work.runner("calibrate", folder, "--normal", good, "--out", work.place / "out", out=work.place / "out")
    return work.runner("plan", folder, out=folder / "plan.json")


def _plan_file(work: Any, rng: np.random.Generator, use: str) -> str:
    from tests.support.files_fuzz import reading

    at = int(rng.integers(3))
    sensor = tuple(SPECS)[at]
    data = damaged_plan(rng, work.known.files["plan.json"][at])
    if use == "reader":
        return reading(lambda: parse_plan(data, name="in.json"))
    folder = work.place / "in"
    folder.mkdir()
    path = folder / "plan.json"
    path.write_bytes(data)
    good = work.known.good[sensor]
    if use in ("inspect", "emit-c"):
        return work.runner(
            use, path, *(("--out", work.place / "out") if use == "emit-c" else ()), out=work.place / "out"
        )
    if use == "footprint":
        from tests.support.files_fuzz import address_space

        with address_space():
            return work.runner(use, path, "--target", "cortex-m4")
    if use == "verify":
        if b'"model_file"' not in data:
            return "refused"
        (folder / "model.tflite").write_bytes(work.known.files["model.tflite"][at])
        return work.runner("verify", path, "--hops", 1)
    if use == "diff":
        return work.runner("diff", work.known.folders[sensor], path, "--corpus", good, "--jobs", 1)
    if use == "evaluate":
        return work.runner("evaluate", "--plan", path, "--normal", good, "--jobs", 1)
    if use == "score":
        return work.runner("score", good, "--plan", path, "--out", work.place / "out.npz", "--jobs", 1)
    engine = pick(rng, ("native", "native", "reference"))
    return work.runner("watch", good, "--plan", path, "--engine", engine)


def _events(work: Any, rng: np.random.Generator, use: str) -> str:
    from tests.support.files_fuzz import reading

    path = _given(work, rng, "events csv", ".csv", damaged_table)
    if use == "reader":
        return reading(lambda: read_events(path))
    good = work.known.good["audio"]
    return work.runner(
        "evaluate",
        "--plan",
        work.known.folders["audio"],
        "--normal",
        good,
        "--anomalous",
        good,
        "--events",
        path,
        "--jobs",
        1,
    )


def _devices(work: Any, rng: np.random.Generator, use: str) -> str:
    from tests.support.files_fuzz import reading

    path = _given(work, rng, "devices csv", ".csv", damaged_table)
    good = work.known.good["motion"]
    if use == "reader":
        return reading(lambda: read_devices(path, work.known.stream_formats["motion"], ReadOptions()))
    return work.runner("watch", good, "--plan", work.known.folders["motion"], "--devices", path)


def _option(work: Any, rng: np.random.Generator) -> str:
    """A number, a word, on the command line."""
    value = pick(rng, (*NUMBERS[:24], *NUMBERS[26:], *WORDS[1:8]))
    sensor = pick(rng, tuple(SPECS))
    folder, good, out = work.known.folders[sensor], work.known.good[sensor], work.place / "out"
    motion, moved = work.known.folders["motion"], work.known.good["motion"]
    train = ("train", "--normal", good, "--spec", folder / "spec.toml", "--out", out)
    evaluate = ("evaluate", "--plan", folder, "--normal", good, "--anomalous", good, "--jobs", "1")
    diff = ("diff", folder, folder, "--corpus", good, "--jobs", "1")
    watch = ("watch", moved, "--plan", motion)
    arguments = pick(
        rng,
        (
            (*train, f"--segment={value}"),
            (*train, f"--gain-db={value}"),
            (*train, f"--seed={value}"),
            (*train, f"--group={value}"),
            (*evaluate, f"--piece={value}"),
            (*evaluate, f"--snr={value}"),
            (*evaluate, f"--snr=20,{value}"),
            (*evaluate, f"--seed={value}"),
            (*evaluate, f"--label={value}"),
            (*diff, f"--match={value}"),
            (*diff, f"--max-change={value}"),
            (*diff, f"--max-added={value}"),
            (*diff, f"--seed={value}"),
            (*watch, f"--scale={value}"),
            (*watch, f"--scale=1,{value},1"),
            (*watch, f"--axes={value},3,4"),
            (*watch, f"--time={value}"),
            (*watch, f"--unit={value}"),
            (*watch, f"--rate={value}", "--time=none"),
            (*watch, f"--where=1={value}"),
            (*watch, f"--where={value}"),
            (*watch, f"--by={value}"),
            (*watch, f"--devices={value}"),
            (*watch, f"--engine={value}"),
            ("watch", good, f"--plan={value}"),
            ("watch", work.known.good["audio"], "--plan", work.known.folders["audio"], f"--channel={value}"),
            ("watch", f"{good}{value}", "--plan", folder),
            ("score", good, "--plan", folder, "--out", work.place / "out.npz", f"--jobs={value}"),
            ("verify", folder, f"--hops={value}") if len(value) > 6 else ("inspect", value),
            ("verify", folder, "--hops", "1", f"--seed={value}"),
            ("footprint", folder, f"--target={value}"),
            ("emit-c", f"{folder}{value}", "--out", out),
            ("plan", f"{folder}{value}"),
            ("calibrate", folder, "--normal", f"{good}:{value}", "--out", out),
        ),
    )
    return work.runner(*arguments)


USES: dict[tuple[str, str], Callable[[Any, np.random.Generator], str]] = {}
_WEIGHTS: list[float] = []


def _add(kind: str, use: str, weight: float, run: Callable[[Any, np.random.Generator], str]) -> None:
    USES[kind, use] = run
    _WEIGHTS.append(weight)


for _kind, (_, _, _, _share) in RECORDINGS.items():
    for _use, _weight in TAKE_RECORDINGS.items():
        if _use == "reader":
            _add(_kind, _use, _share * _weight, lambda work, rng, kind=_kind: _read(work, rng, kind))
        else:
            _add(_kind, _use, _share * _weight, lambda work, rng, kind=_kind, use=_use: _command(work, rng, kind, use))
_add("stdin", "watch, score", 400, _stdin)
for _use, _weight in {"reader": 600, "planner": 300, "plan": 150, "train": 60}.items():
    _add("spec.toml", _use, _weight, lambda work, rng, use=_use: _spec(work, rng, use))
for _name in ("calibration.json", "model.tflite"):
    for _use, _weight in {"reader": 350, "plan": 150, "calibrate": 15}.items():
        _add(_name, _use, _weight, lambda work, rng, name=_name, use=_use: _folder_file(work, rng, name, use))
for _use, _weight in {
    **{"reader": 500, "inspect": 100, "watch": 100, "score": 20, "emit-c": 20, "verify": 5, "diff": 5, "evaluate": 5},
    **{"footprint": 0.5},
}.items():
    _add("plan.json", _use, _weight, lambda work, rng, use=_use: _plan_file(work, rng, use))
for _use, _weight in {"reader": 250, "evaluate": 10}.items():
    _add("events csv", _use, _weight, lambda work, rng, use=_use: _events(work, rng, use))
for _use, _weight in {"reader": 150, "watch": 30}.items():
    _add("devices csv", _use, _weight, lambda work, rng, use=_use: _devices(work, rng, use))
_add("options", "all commands", 120, _option)

_PAIRS = list(USES)
_SHARES = np.cumsum(_WEIGHTS) / np.sum(_WEIGHTS)


def choose(rng: np.random.Generator) -> tuple[str, str]:
    """Which file into what."""
    return _PAIRS[int(np.searchsorted(_SHARES, rng.random()))]
