"""Damaged .parquet files: what their headers claim is held against the file before memory is taken for it."""

import io

import numpy as np
import pytest

from anomsdk.errors import InputError
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings
from anomsdk.sources.formats.tables.parquet_pages import MAX_FREE_BYTES, MAX_PAGE_BYTES, Chunk, check_pages
from tests.support.peak import forget_peak, peak_kib

W3 = StreamFormat(50, "motion", 3, counts_per_g=4096, full_scale_g=8)
HUGE = 2**31 - 1


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def header(kind=0, unpacked=100, packed=100, values=10):
    """The header of a page, as writers write it: type, sizes, and a structure whose first field is a count."""
    field = {0: 5, 2: 7, 3: 8}[kind]
    inner = b"\x15" + varint(values) + b"\x15" + varint(0) + b"\x00"
    return (
        b"\x15" + varint(kind) + b"\x15" + varint(unpacked) + b"\x15" + varint(packed) + bytes([field - 3 << 4 | 12])
    ) + (inner + b"\x00")


CODECS = {"UNCOMPRESSED": 0, "SNAPPY": 1, "GZIP": 2, "ZSTD": 6}


def check(pages, *, codec="SNAPPY", rows=10, **change):
    """Check a column of one chunk."""
    data = b"PAR1" + b"".join(head + bytes(n) for head, n in pages)
    chunk = {"start": 4, "size": len(data) - 4, "values": rows, **change}
    check_pages(io.BytesIO(data), len(data), [Chunk("ax", rows=rows, codec=CODECS[codec], **chunk)], ["ax"], "FILE")


def test_whole_pages_pass():
    check([(header(), 100)])
    check([(header(values=4), 100), (header(3, values=6), 100)])
    check([(header(2, 400, values=100), 100), (header(), 100)])
    check([(header(unpacked=MAX_FREE_BYTES), 100)])
    check([(header(), 100)], codec="UNCOMPRESSED")


def text_behind(head, n):
    """A header of a page with a text of n bytes in it, n > 16383, as statistics of text are."""
    return head[:-1] + b"\x18" + bytes([n & 127 | 128, n >> 7 & 127 | 128, n >> 14]) + bytes(n) + b"\x00"


def test_a_long_header_is_read_up_to_its_end():
    check([(text_behind(header(values=4), 20_000), 100), (text_behind(header(3, values=6), 60_000), 100)])
    with pytest.raises(InputError, match="its pages claim more than is there"):
        check([(text_behind(header(), 70_000), 100)])


@pytest.mark.parametrize(
    ("pages", "change"),
    [
        ([(header(values=HUGE), 100)], {}),
        ([(header(values=11), 100)], {}),
        ([(header(values=-1), 100)], {}),
        ([(header(values=9), 100)], {}),  # and nothing after it
        ([(header(values=0), 100)] * 3, {}),
        ([(header(2, 400, values=HUGE), 100), (header(), 100)], {}),  # a dictionary of 16 GB
        ([(header(packed=101), 100)], {}),
        ([(header(packed=HUGE), 100)], {}),
        ([(header(packed=-5), 100)], {}),
        ([(header(unpacked=-5), 100)], {}),
        ([(b"\xff" * 40, 100)], {}),
        ([(b"\x1c" * 200, 100)], {}),  # nested without an end
        ([(header()[:-1] + b"\x19\xff\xff\xff\xff\x0f", 0)], {}),  # a list of more than there is
        ([(header(), 100)], {"size": 10**10}),
        ([(header(), 100)], {"size": -1}),
        ([(header(), 100)], {"start": 10**12}),
        ([(header(), 100)], {"start": -4}),
        ([(header(), 100)], {"values": 10**12}),
        ([(header(), 100)], {"values": -3}),
    ],
)
def test_what_claims_more_than_there_is(pages, change):
    with pytest.raises(InputError, match="FILE: ax: its pages claim more than is there; the file is damaged"):
        check(pages, **change)


@pytest.mark.parametrize(
    ("unpacked", "codec"),
    [(HUGE, "SNAPPY"), (MAX_PAGE_BYTES + 1, "ZSTD"), (MAX_FREE_BYTES + 1, "GZIP"), (101, "UNCOMPRESSED")],
)
def test_what_unpacks_to_more_than_it_can(unpacked, codec):
    with pytest.raises(InputError, match=r"ax: a page unpacks from 100 to [\d,]+ bytes; write the file again, in smal"):
        check([(header(unpacked=unpacked), 100)], codec=codec)


def table(path, n=200, **columns):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rng = np.random.default_rng(0)
    axes = {name: rng.normal(name == "az_g", 0.1, n) for name in ("ax_g", "ay_g", "az_g")}
    how = columns.pop("how", {})
    pq.write_table(pa.table({"time_s": np.arange(n) / 50, **axes, **columns}), path, **how)


def refused(path):
    with pytest.raises(InputError) as caught:
        for recording in open_recordings(path, W3, reading=ReadOptions()):
            list(recording.blocks())
    return str(caught.value).replace(str(path), "FILE")


def test_a_page_of_zeros_is_not_unpacked(tmp_path):
    """Twenty-four megabytes in a few kilobytes."""
    n = 3_000_000
    how = {
        "compression": "zstd",
        "use_dictionary": False,
        "data_page_size": 1 << 30,
        "row_group_size": n,
        "write_batch_size": n,
    }
    table(tmp_path / "a.parquet", n, ax_g=np.zeros(n), how=how)
    assert "ax_g: a page unpacks from" in refused(tmp_path / "a.parquet")


def test_a_long_text_in_every_row_takes_no_memory(tmp_path):
    """A million characters, once in the dictionary, and in each of 16,000 rows when it is unfolded."""
    pa = pytest.importorskip("pyarrow")
    n = 16_000
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array(["x" * 1_000_000]))
    table(tmp_path / "a.parquet", n, time_s=text)
    before = forget_peak()
    assert (
        refused(tmp_path / "a.parquet") == "FILE, row 0 (from 0): time_s is no date of ISO 8601, and long; correct it"
    )
    assert peak_kib() - before < 300_000  # KiB


def test_flips_in_headers_take_no_memory(tmp_path):
    """Each byte of the footer and of the first pages, turned to what makes numbers large."""
    table(tmp_path / "a.parquet", how={"row_group_size": 100})
    data = (tmp_path / "a.parquet").read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    before = forget_peak()
    positions = np.r_[4:60, footer : len(data) - 8 : 7]
    refusals = 0
    for at in positions.tolist():
        for value in (0x7F, 0xFF):
            (tmp_path / "b.parquet").write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
            try:
                for recording in open_recordings(tmp_path / "b.parquet", W3):
                    list(recording.blocks())
            except InputError as error:
                refusals += 1
                assert str(error).isprintable() and len(str(error)) < 400
    assert refusals > len(positions) // 2
    assert peak_kib() - before < 300_000
