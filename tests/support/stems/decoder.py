"""decoder: the bytes of an event to the fields that every decoder gives, or to the one line of what is wrong.

No stage of the port: its cases are run by `tests/parity/test_decoders.py`, in Python, in JavaScript and in C.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests import scalar
from tests.support.stems import Case, Given, Json

ALARM = 2


def by_scalar(given: Given) -> Json:
    """The names of the fields once, and of each event the values in their order, or the error."""
    found = [scalar.decoded_event(bytes.fromhex(event)) for event in given["events"]]
    names = next(([name for name in each if name != "event"] for each in found if "error" not in each), [])
    rows = [each["error"] if "error" in each else [each[name] for name in names] for each in found]
    return {"fields": names, "rows": rows}


def decoded(case: Json) -> list[tuple[str, Json]]:
    """Each event of a case in hexadecimal, and the object that every decoder gives for it."""
    given, expect = case["given"]["events"], case["expect"]
    return [(event, _decoded(expect["fields"], event, row)) for event, row in zip(given, expect["rows"], strict=True)]


def _decoded(names: list[str], event: str, row: Json) -> Json:
    if isinstance(row, str):
        return {"error": row}
    return dict(zip(names, row, strict=True)) | {"event": event}


def event_1(state: int = ALARM, numbers: str = "0000 00000000 0000", health: int = 0, reasons: str = "000000") -> str:
    """16 bytes of layout 1; `state` with its flag."""
    return (bytes([0x11, state]) + bytes.fromhex(numbers) + bytes([health]) + bytes.fromhex(reasons + "cdab")).hex()


def event_2(
    kind: int = 1, state: int = ALARM, numbers: str = "0000 00000000 0000", health: int = 0, codes: str = "000000"
) -> str:
    """16 bytes of layout 2; `state` with its flags, two codes and the level tag."""
    start, middle = bytes([0x20 | kind, state]), bytes([health])
    return (start + bytes.fromhex(numbers) + middle + bytes.fromhex(codes + "cdab")).hex()


def both(*events: str) -> list[str]:
    """Events of 16 bytes, and the compact form of each."""
    short = [scalar.compact(bytes.fromhex(event)).hex() for event in events]
    return [event for pair in zip(events, short, strict=True) for event in pair]


def cases() -> Iterator[Case]:
    sequences = ["0100", "ff00", "0001", "3412", "ffff"]
    hops = ["01000000", "ffffff00", "00000001", "78563412", "00000080", "ffffffff"]
    scores = [0, 1, 31, 32, 128, 255, 256, 1000, 5102, 8159, 8160, 8191, 8192, 65535]
    by_score = ["0000 00000000 " + n.to_bytes(2, "little").hex() for n in scores]
    many = {
        "Both layouts, both forms": (
            "A field that is read from another place, or in the other byte order.",
            both(
                event_1(0x42, "0201 06050403 ee13", reasons="044442"),
                event_2(1, 0xC2, "0201 06050403 ee13", 0x81, "84c118"),
            ),
        ),
        "Layout 1: states and its flag": (
            "A flag of layout 2 in an event of layout 1.",
            both(*(event_1(state | flags) for state in range(3) for flags in (0, 0x40, 0x80, 0x38))),
        ),
        "Layout 2: kinds and states": (
            "A word for another kind or state, an alarm that begins with a repeat.",
            both(*(event_2(kind, state, codes="010000") for kind in range(1, 8) for state in range(6))),
        ),
        "Layout 2: flags": (
            "A flag in the bit of another one, a test that escalates.",
            both(*(event_2(kind, 5 | 1 << bit, codes="010000") for kind in (1, 4, 6) for bit in range(3, 8)))
            + both(event_2(1, 0xFA), event_2(1, 0x42), event_2(4, 0xF8, codes="070000")),
        ),
        "Sequence numbers": (
            "A number of one byte, or in the other byte order.",
            both(*(event_2(numbers=f"{n} 00000000 0000") for n in sequences)),
        ),
        "Hop indices": (
            "A signed hop, one of two bytes, or the upper byte of a compact form that has none.",
            both(*(event_2(numbers=f"0000 {n} 0000") for n in hops)),
        ),
        "Scores": (
            "Another base or fraction, a score of 1 where there is none, one above 32 bits.",
            both(*(event_2(numbers=n) for n in by_score)),
        ),
        "Scores of a compact form": (
            "A fraction of another width.",
            ["21020000000000" + f"{n:02x}" + "0000cd" for n in (1, 7, 8, 100, 159, 254, 255)],
        ),
        "Health": (
            "A bit with the word for another one.",
            both(
                *(event_2(health=health) for health in (*(1 << bit for bit in range(8)), 0xAA, 255)), event_1(health=1)
            ),
        ),
        "Conditions that become active": (
            "A word for another condition.",
            both(*(event_2(2, codes=f"{code:02x}0100") for code in range(1, 16))),
        ),
        "Conditions that end": (
            "An activity that is read as a code, or as true for any number.",
            [*both(*(event_2(2, codes=f"{code:02x}0000") for code in range(1, 16))), event_2(2, codes="010200")],
        ),
        "Inputs": (
            "A word for another input.",
            both(*(event_2(4, codes=f"{code:02x}0000") for code in range(1, 8))),
        ),
        "Beginnings": (
            "A word for another beginning.",
            both(*(event_2(5, codes=f"{code:02x}0000") for code in range(3))),
        ),
        "News of a level": (
            "A word for other news; an argument of a compact form, or of another kind.",
            both(
                *(
                    event_2(7, codes=f"{code:02x}{n:02x}{tag:02x}")
                    for code in range(1, 6)
                    for n, tag in ((0, 1), (255, 24))
                )
            ),
        ),
        "Heartbeats": (
            "A share of 1/65536, in the other byte order, or of another kind.",
            both(
                *(event_2(3, codes=f"{share}00") for share in ("0000", "0100", "0001", "3412", "ff7f", "0080", "ffff"))
            )
            + [f"2300000000000000 00{share:02x}cd".replace(" ", "") for share in (1, 127, 128, 254)],
        ),
        "Tags": (
            "A tag whose bytes are swapped, a level tag of layout 1.",
            both(event_2(codes="000001"), event_2(codes="0000ff"), event_2(codes="000018"), event_1(reasons="000018"))
            + [event[:-4] + "01ff" for event in (event_1(), event_2())],
        ),
        "Unknown kinds, states and versions": (
            "An event of a layout of tomorrow that is read as one of today.",
            [
                f"{start:02x}" + "02" + "00" * (n - 2)
                for start in (0x01, 0x10, 0x12, 0x17, 0x1F, 0x20, 0x28, 0x31, 0xF1)
                for n in (16, 11)
            ]
            + [
                f"{start}{state:02x}" + "00" * (n - 2)
                for start, state in (("11", 3), ("11", 5), ("21", 6), ("21", 7), ("26", 0xFE))
                for n in (16, 11)
            ],
        ),
        "Unknown codes": (
            "A table that is read beyond its end, or at its empty place.",
            both(
                event_2(2),
                event_2(2, codes="100100"),
                event_2(4),
                event_2(4, codes="080000"),
                event_2(5, codes="030000"),
                event_2(7),
                event_2(7, codes="060000"),
            )
            + [event_2(kind, codes="ff0000") for kind in (2, 4, 5, 7)]
            + ["22" + "00" * 8 + f"{code:02x}00" for code in (0x80, 0x10, 0x90, 0xFF)],
        ),
        "Other lengths": (
            "Bytes that are missing, or more than one event.",
            ["", "11", "21" * 10, "21" * 12, "21" * 15, "21" * 17, "21" * 22, "00" * 32],
        ),
        "The first error is the one that is named": (
            "Another order of the checks.",
            ["00" * 16, "1f07" + "00" * 14, "2807" + "00" * 14, "2207" + "00" * 14, "ff" * 11, "ff" * 5],
        ),
    }
    groups = [f"{code | way << 6:02x}" for code in range(64) for way in range(4)]
    for way, word in enumerate(("changed", "high", "low", "unsteady")):
        chosen = groups[way::4]
        triples = ["".join((chosen * 2)[i : i + 3]) for i in range(0, 64, 3)]
        many[f"Layout 1: groups, {word}"] = (
            "A word for another group or direction, a reason of code 0.",
            [event_1(reasons=triple) for triple in triples],
        )
    many["Reasons of compact forms and of layout 2"] = (
        "Reasons that a form does not hold, or of a kind that has none.",
        both(event_2(codes="444200"), event_2(codes="004200"), event_2(codes="c0ff00"), event_1(reasons="004400"))
        + both(event_2(6, codes="444200"), event_1(reasons="5c9d1e")),
    )
    for name, (guards, events) in many.items():
        yield Case(name, guards, {"events": events})
