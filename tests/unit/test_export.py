"""Export: counts of a ladder over a period, their bytes, and differences that add up."""

from __future__ import annotations

import zlib
from dataclasses import astuple, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomsdk import InputError
from anomsdk.core.export import Export, export_bytes
from anomsdk.core.ladder import RungCounts

SOME = Export(
    device=0x0807060504030201,
    boot=7,
    score_tag=bytes(range(8)),
    plan_tag=0xABCD,
    level_tag=2,
    promise=1,
    first=0,
    last=1000,
    days=10,
    episode_gap=3,
    counts=(RungCounts(5, 4, 3, 2, 1), RungCounts(0, 0, 0, 0, 10)),
)

u16, u32 = st.integers(0, 65535), st.integers(0, 2**32 - 1)
counts = st.builds(RungCounts, u32, u16, u16, u16, u16)


def later(export, more_ticks, more_days, more):
    """The export after more service: each count grows, up to its largest value."""
    grown = tuple(
        RungCounts(
            min(a.ticks + b.ticks, 2**32 - 1),
            *(min(x + y, 65535) for x, y in zip(astuple(a)[1:], astuple(b)[1:], strict=True)),
        )
        for a, b in zip(export.counts, more, strict=True)
    )
    return replace(
        export,
        last=min(export.last + more_ticks, 2**32 - 1),
        days=min(export.days + more_days, 65535),
        counts=grown,
        level_tag=1,
        promise=0,
    )


exports = st.builds(
    lambda n, rows, device, boot, tag, last, days: replace(
        SOME, device=device, boot=boot, plan_tag=tag, last=last, days=days, counts=tuple(rows[:n])
    ),
    st.integers(2, 24),
    st.lists(counts, min_size=24, max_size=24),
    st.integers(0, 2**64 - 1),
    st.integers(1, 65535),
    u16,
    u32,
    u16,
)


@given(exports)
@settings(max_examples=60, deadline=None)
def test_an_export_is_read_back(export):
    data = bytes(export)
    assert len(data) == export_bytes(len(export.counts)) == 44 + 12 * len(export.counts)
    assert Export.from_bytes(data) == export


@given(exports, u32, u16, st.lists(counts, min_size=24, max_size=24))
@settings(max_examples=60, deadline=None)
def test_an_earlier_export_and_the_difference_make_the_whole(export, ticks, days, more):
    whole = later(export, ticks, days, more[: len(export.counts)])
    part = whole.since(export)
    assert Export.from_bytes(bytes(part)) == part
    assert (part.first, part.last, part.ticks) == (export.last, whole.last, whole.last - export.last)
    assert export.days + part.days == whole.days
    for a, b, both in zip(export.counts, part.counts, whole.counts, strict=True):
        assert a.ticks + b.ticks == both.ticks
        for x, y, full in zip(astuple(a)[1:], astuple(b)[1:], astuple(both)[1:], strict=True):
            assert y == 65535 if full == 65535 else x + y == full
    assert (part.level_tag, part.promise) == (whole.level_tag, whole.promise)


def test_a_count_that_is_full_hides_no_alarm_of_a_difference():
    """A low rung that raises 400 alarms a day is full after half a year; its differences would look quiet."""
    full = tuple(replace(each, ticks=each.ticks + 9, alarms=65535) for each in SOME.counts)
    then = replace(SOME, counts=full)
    now = replace(then, last=then.last + 10**6, days=then.days + 200)
    part = now.since(then)
    assert [each.alarms for each in part.counts] == [65535, 65535]
    assert [each.ticks for each in part.counts] == [0, 0]


def test_the_bytes_are_those_of_the_specification():
    data = bytes(SOME)
    assert data[:6].hex() == "616c0102" + "4400" and data[6:8].hex() == "0700"
    assert data[8:24].hex() == "0102030405060708" + "0001020304050607"
    assert data[24:28].hex() == "cdab0201" and data[28:36].hex() == "00000000e8030000"
    assert data[36:40].hex() == "0a000300" and data[40:52].hex() == "050000000400030002000100"
    assert int.from_bytes(data[64:], "little") == zlib.crc32(data[:64]) and len(data) == 68


def sealed(at, *values, of=SOME):
    data = bytearray(bytes(of))
    data[at : at + len(values)] = bytes(values)
    return bytes(data[:-4]) + zlib.crc32(data[:-4]).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "export: it does not begin as one"),
        (bytes(SOME)[:39], "export: it does not begin as one"),
        (sealed(0, 0x61, 0x72), "export: it does not begin as one"),
        (b"0" * 68, "export: it does not begin as one"),
        (sealed(2, 2), "export: version 2 is not 1, that of this release"),
        (bytes(SOME)[:-1], "export: 67 bytes, not 68 for its 2 rungs"),
        (bytes(SOME) + b"0", "export: 69 bytes, not 68 for its 2 rungs"),
        (sealed(3, 3), "export: 68 bytes, not 80 for its 3 rungs"),
        (sealed(4, 0x45), "export: 68 bytes, not 68 for its 2 rungs"),
        (bytes(SOME)[:50] + b"\xff" + bytes(SOME)[51:], "export: torn, its CRC is wrong"),
        (sealed(6, 0, 0), "export: 2 rungs of boot 0; no ladder writes that"),
        (bytes(replace(SOME, counts=SOME.counts[:1])), "export: 1 rungs of boot 7; no ladder writes that"),
        (bytes(replace(SOME, counts=SOME.counts * 13)), "export: 26 rungs of boot 7"),
        (sealed(28, 0xE9, 3), "export: a period from tick 1001 to 1000; a clock that goes backwards"),
    ],
)
def test_what_is_no_export_is_refused_in_one_line(data, says):
    with pytest.raises(InputError) as caught:
        Export.from_bytes(data)
    assert str(caught.value).startswith(says) and "\n" not in str(caught.value)


@given(st.integers(0, 8 * 68 - 1))
def test_every_flipped_bit_is_noticed(bit):
    data = bytearray(bytes(SOME))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InputError):
        Export.from_bytes(bytes(data))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"device": 1}, "export: of another device, boot or score_id than the earlier one"),
        ({"boot": 8}, "export: of another device, boot or score_id"),
        ({"score_tag": bytes(8)}, "export: of another device, boot or score_id"),
        ({"counts": SOME.counts * 2}, "export: of another device, boot or score_id"),
        ({"first": 1}, "export: a difference has no difference; keep exports from the first tick"),
        ({"last": 1001}, "export: it counts less than the earlier one; a clock that goes backwards"),
        ({"days": 11}, "export: it counts less than the earlier one"),
        *(
            ({"counts": (SOME.counts[0], replace(SOME.counts[1], **{name: 11}))}, "export: it counts less")
            for name in ("ticks", "alarms", "days", "episodes", "at_risk")
        ),
    ],
)
def test_an_export_that_is_none_of_this_ladder_has_no_difference(change, says):
    assert SOME.since(replace(SOME, plan_tag=1, level_tag=0, promise=2)).ticks == 0, (
        "another own level is no other ladder"
    )
    with pytest.raises(InputError) as caught:
        SOME.since(replace(SOME, **change))
    assert str(caught.value).startswith(says)


def test_a_difference_has_none_itself():
    with pytest.raises(InputError, match="a difference has no difference"):
        replace(SOME, first=5).since(SOME)
