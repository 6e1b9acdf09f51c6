"""event: a change of the alarm to 16 bytes, and these to the 11 of the compact form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.event import VERSION_2, Event, Kind, State, score_log2_q8
from tests import scalar
from tests.support.stems import Case, Given, Json
from tests.support.stems.sections import Native

NORMAL, ALARM = 0, 2


FLAGS = {"latched": 3, "silenced": 4, "out_of_service": 5, "marked": 6, "high": 7}
"""Flag of layout 2 -> its bit in the byte of the state."""


SCORES = (0, 31, 32, 255, 256, 5102, 8159, 8160, 8191, 8192, 65535)
"""log2 of scores in q8; a device has none above 8191."""


def by_scalar(given: Given) -> list[str]:
    if "events" in given:
        return [scalar.compact(bytes.fromhex(event)).hex() for event in given["events"]]
    return [_of_layout_2(row) if "kind" in row else _of_layout_1(row) for row in given["rows"]]


def _of_layout_1(row: Json) -> str:
    return scalar.event(
        row["state"],
        bool(row["high"]),
        row["sequence"],
        row["hop"],
        row["score"],
        row["tag"].to_bytes(2, "little"),
        bytes(row["reasons"]),
    ).hex()


def _of_layout_2(row: Json) -> str:
    flags = sum(row[name] << bit for name, bit in FLAGS.items())
    numbers = (row["sequence"], row["hop"], row["score"], row["health"], bytes(row["reasons"]), row["level_tag"])
    return scalar.event_2(row["kind"], row["state"] | flags, *numbers, row["tag"].to_bytes(2, "little")).hex()


def by_core(given: Given) -> list[str]:
    if "events" in given:
        return [bytes(Event.from_bytes(bytes.fromhex(event)).compacted()).hex() for event in given["events"]]
    return [bytes(_in_core(row)).hex() for row in given["rows"]]


def _in_core(row: Json) -> Event:
    more = {}
    if "kind" in row:
        more = {"layout": VERSION_2, "level_tag": row["level_tag"]}
        more |= {name: bool(row[name]) for name in FLAGS if name != "high"}
    return Event(
        kind=Kind(row.get("kind", Kind.ANOMALY)),
        state=State(row["state"]),
        high=bool(row["high"]),
        sequence=row["sequence"],
        hop=row["hop"],
        score_log2_q8=score_log2_q8(row["score"]),
        health=row.get("health", 0),
        reasons=tuple(row["reasons"]),
        plan_tag=row["tag"],
        **more,
    )


def by_native(given: Given) -> list[str]:
    if "events" in given:
        return [_compact_in_c(Native(), bytes.fromhex(event)) for event in given["events"]]
    return [_in_c(Native(), row) for row in given["rows"]]


def _in_c(native: Native, row: Json) -> str:
    score = native.lib.anom_event_score_log2_q8(row["score"])
    event = native.struct("anom_event", {"bytes": [0xA5] * 16})
    if "kind" in row:
        words = c_words(row)
        words[2] |= score
        native.lib.anom_event_bytes_2(native.new("uint32_t[]", words), event)
    else:
        fields = native.struct("anom_event_fields", c_fields(row) | {"score_log2_q8": score})
        native.lib.anom_event_bytes(fields, event)
    return bytes(event.bytes).hex()


def _compact_in_c(native: Native, event: bytes) -> str:
    compact = native.new("uint8_t[]", [0xA5] * 12)
    n = native.lib.anom_event_compact(native.struct("anom_event", {"bytes": list(event)}), compact)
    assert compact[n] == 0xA5, "a byte behind the compact form is written"
    return bytes(compact)[:n].hex()


def c_fields(row: Json) -> dict[str, Any]:
    """All of `anom_event_fields` but the score: a row of layout 1."""
    kept = {name: row[name] for name in ("state", "high", "sequence", "hop", "reasons")}
    return {"kind": int(Kind.ANOMALY), **kept, "plan_tag": row["tag"]}


def c_words(row: Json) -> list[int]:
    """Words of 32 bits of a row of layout 2, without its score."""
    flags = sum(row[name] << bit for name, bit in FLAGS.items())
    first, second = row["reasons"]
    return [
        2 << 4 | row["kind"] | (row["state"] | flags) << 8 | row["sequence"] << 16,
        row["hop"],
        row["health"] << 16 | first << 24,
        second | row["level_tag"] << 8 | row["tag"] << 16,
    ]


def c_case(given: Given, expect: list[str]) -> dict[str, Any]:
    rows = []
    if "events" in given:
        for event, found in zip(given["events"], expect, strict=True):
            compact = list(bytes.fromhex(found)) + [0] * 5
            rows.append({"layout": 0, "event": {"bytes": list(bytes.fromhex(event))}, "score": 0, "bytes": compact})
        return {"n_rows": len(rows), "rows": rows}
    for row, found in zip(given["rows"], expect, strict=True):
        kind = {"layout": 2, "words": c_words(row)} if "kind" in row else {"layout": 1, "fields": c_fields(row)}
        rows.append(kind | {"score": row["score"], "bytes": list(bytes.fromhex(found))})
    return {"n_rows": len(rows), "rows": rows}


def row(
    state: int = ALARM,
    high: int = 0,
    sequence: int = 0,
    hop: int = 0,
    score: int = 1,
    tag: int = 0,
    reasons: tuple[int, int, int] = (0, 0, 0),
) -> Json:
    given = {"state": state, "high": high, "sequence": sequence, "hop": hop, "score": score}
    return given | {"reasons": list(reasons), "tag": tag}


def row_2(kind: int = 1, state: int = ALARM, **changes: Json) -> Json:
    """A row of layout 2: 0 where nothing is said."""
    given = {"kind": kind, "state": state} | dict.fromkeys(FLAGS, 0)
    given |= {"sequence": 0, "hop": 0, "score": 1, "health": 0, "reasons": [0, 0], "level_tag": 0, "tag": 0}
    return given | changes


def cases() -> Iterator[Case]:
    top = 2**32 - 1
    many = {
        "The worked example": (
            "Any slip: it is in docs/spec.md.",
            [row(ALARM, 1, 0x0102, 0x03040506, 1000000, 0xABCD)],
        ),
        "Version and kind": ("The two halves of a byte swapped.", [row(NORMAL), row(ALARM)]),
        "State and flag": (
            "A flag in another bit, a state that is shifted.",
            [row(NORMAL, 0), row(ALARM, 0), row(ALARM, 1)],
        ),
        "Sequence numbers": (
            "A number of one byte, or in the other byte order.",
            [row(sequence=n) for n in (1, 255, 256, 0x1234, 65535)],
        ),
        "Hop indices": (
            "A number of three bytes, or in the other byte order.",
            [row(hop=n) for n in (1, 255, 256, 0x12345678, 2**31, top)],
        ),
        "Plan tags": (
            "A tag whose bytes are swapped: it reads as the id begins.",
            [row(tag=n) for n in (1, 256, 0xABCD, 65535)],
        ),
        "Reasons": (
            "Reasons in another order, or one that is not written.",
            [row(reasons=r) for r in ((1, 2, 3), (0x44, 0, 0), (0, 0, 255))],
        ),
        "Small scores": ("A logarithm of 0, of another base, or rounded.", [row(score=n) for n in range(9)]),
        "Scores beside powers of two": (
            "A logarithm that is rounded up to the next power.",
            [row(score=n) for k in (8, 15, 16, 24, 31) for n in (2**k - 1, 2**k, 2**k + 1)],
        ),
        "The largest scores": (
            "A score in int32; a logarithm of 8192.",
            [row(score=n) for n in (2**31 - 1, 2**31, 3000000000, top - 1, top)],
        ),
        "All fields at their largest": (
            "A field that reaches into the next one, or one that is not written.",
            [row(ALARM, 1, 65535, top, top, 65535, (255, 255, 255))],
        ),
        "All fields at their smallest": (
            "A byte that is not written.",
            [row(NORMAL, 0, 0, 0, 0, 0)],
        ),
        "Layout 2: kinds and states": (
            "A version of layout 1, a state of more than three bits.",
            [row_2(kind, state) for kind in range(1, 8) for state in (0, 2, 3, 4, 5)],
        ),
        "Layout 2: flags": (
            "A flag in the bit of another one, or in the bit of layout 1.",
            [row_2(**{name: 1}) for name in FLAGS] + [row_2(state=5, **dict.fromkeys(FLAGS, 1))],
        ),
        "Layout 2: numbers": (
            "Codes that begin a byte too late, a level tag in place of a reason.",
            [
                row_2(2, reasons=[15, 1], health=0x81),
                row_2(3, reasons=[0x34, 0x12], score=top),
                row_2(4, 0, reasons=[7, 0], marked=1, sequence=0x0102, hop=0x03040506, tag=0xABCD),
                row_2(reasons=[0xC1, 0x42], level_tag=24, score=1000000),
                row_2(6, level_tag=255, health=255, sequence=65535, hop=top, tag=65535, score=top),
            ],
        ),
    }
    for name, (guards, rows) in many.items():
        yield Case(name, guards, {"rows": rows})
    compacted = {
        "Compact: each byte": (
            "A hop of two bytes or of four, a tag of its upper byte, another reason than the first.",
            [_bytes(i, layout) for layout in (1, 2) for i in range(1, 16)],
        ),
        "Compact: scores": (
            "A score that is rounded, of another fraction, or of which a byte is lost; one beyond the largest that wraps.",
            [_scored(n, layout) for layout in (1, 2) for n in SCORES],
        ),
        "Compact: a condition and its activity": (
            "Activity in another bit, or of any code; that of another kind.",
            [_event_2(kind, codes) for kind in (1, 2, 6) for codes in ((1, 0), (1, 1), (15, 1), (15, 0), (15, 2))],
        ),
        "Compact: the judged share": (
            "The lower byte of the share, or the upper byte of another kind.",
            [_event_2(kind, codes) for kind in (3, 1) for codes in ((0, 0), (255, 255), (0x34, 0x12), (0, 128))],
        ),
        "Compact: inputs and beginnings": (
            "A code that the compact form lacks.",
            [_event_2(4, (code, 0)) for code in range(1, 8)] + [_event_2(5, (code, 0)) for code in range(3)],
        ),
        "Compact: news of a level": (
            "An argument in place of the code, or in its upper bit.",
            [_event_2(7, (code, argument)) for code in range(1, 6) for argument in (0, 1, 255)],
        ),
        "Compact: layout 1 has one kind only": (
            "A second reason that is taken for activity or for a share.",
            [_event(1, 1, (0, 1, 0)), _event(1, 1, (5, 1, 1)), _event(1, 1, (0, 255, 0))],
        ),
    }
    for name, (guards, events) in compacted.items():
        yield Case(name, guards, {"events": events})


def _event(layout: int, kind: int, codes: tuple[int, int, int]) -> str:
    return bytes([layout << 4 | kind, ALARM, *[0] * 9, *codes, 0, 0]).hex()


def _event_2(kind: int, codes: tuple[int, int]) -> str:
    """An event of layout 2 with these codes."""
    return _event(2, kind, (*codes, 0))


def _bytes(i: int, layout: int) -> str:
    """An event of kind anomaly in which one byte is not 0."""
    event = bytearray([layout << 4 | 1, *[0] * 15])
    event[i] = 0x42 if i == 1 else 0xA7
    return event.hex()


def _scored(score_log2_q8: int, layout: int) -> str:
    event = bytearray([layout << 4 | 1, ALARM, *[0] * 14])
    event[8:10] = score_log2_q8.to_bytes(2, "little")
    return event.hex()
