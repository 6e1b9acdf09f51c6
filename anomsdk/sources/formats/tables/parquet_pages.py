"""The sizes that a .parquet file claims, checked before pyarrow allocates them without a check of its own.

Footer and headers of pages are Thrift structures in the compact protocol (apache/parquet-format, `parquet.thrift`, and
apache/thrift, `thrift-compact-protocol.md`). A damaged footer may end the process in pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from anomsdk.errors import InputError, quoted
from anomsdk.sources.formats.tables.list_cells import MAX_PACKET

FOOTER_STRING, FOOTER_ITEMS = 8 << 20, 1 << 20
"""Most bytes of a text, and most items of a list, in a footer."""
MAX_FOOTER_BYTES = 16 << 20
"""Most bytes of a footer."""
MAX_PAGE_BYTES = 512 << 20
"""Most bytes of an unpacked page: most writers make pages of 1 MiB, a few make one page of a whole row group."""
MAX_FREE_BYTES, MAX_RATIO = 16 << 20, 2048
"""Largest unpacked size of a page, in bytes and in multiples of its packed size, whichever is more."""
_USUAL_HEADER, _MAX_HEADER = 1 << 10, 1 << 16
"""Bytes that are read for the header of a page, and most bytes of one: statistics of text may be long."""
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
"""Numbers of `PageType`."""
_UNPACKED = 0
"""Number of the `CompressionCodec` that does not pack."""
_MARK = b"PAR1"


@dataclass(frozen=True)
class Chunk:
    """The pages of one column in one row group, as the footer describes them.

    Parameters
    ----------
    column : name of the column
    start, size : first byte in the file, and number of bytes
    values, rows : number of values in the pages, and of rows in the group
    codec : number of the `CompressionCodec`
    nested : rows of the column are lists, so that it may have more values than rows
    """

    column: str
    start: int
    size: int
    values: int
    rows: int
    codec: int
    nested: bool = False


def footer_chunks(file: IO[bytes], size: int, where: str) -> list[Chunk]:
    """Read the footer and return the chunks of all columns.

    Parameters
    ----------
    file : the whole file, opened for reading
    size : size of the file in bytes
    where : name of the file in messages

    Raises
    ------
    InputError : there is no footer, or it is damaged, encrypted or larger than `MAX_FOOTER_BYTES`
    """
    file.seek(max(0, size - 8))
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    if len(tail) != 8 or tail[4:] != _MARK or not 0 < length <= size - 12:
        raise InputError(f"{where}: cannot be read (it is no whole .parquet); check the file or copy it again")
    if length > MAX_FOOTER_BYTES:
        raise InputError(f"{where}: a footer of {length:,} bytes; write it in fewer row groups")
    file.seek(size - 8 - length)
    try:
        tree, _ = _struct(file.read(length))
        names = [b".".join(_texts(element, 4)) for element in _list(tree, 2) if 5 not in element]
        chunks = [chunk for group in _list(tree, 4) for chunk in _chunks(group, names)]
        if sum(_number(group, 3) for group in _list(tree, 4)) != _number(tree, 3):
            raise IndexError
    except (IndexError, KeyError, TypeError, RecursionError, UnicodeDecodeError):
        raise _damaged(where) from None
    return chunks


def _chunks(group: dict[int, Any], leaves: list[bytes]) -> Iterator[Chunk]:
    """Yield the chunks of a row group; IndexError where one belongs to no column."""
    columns, rows = _list(group, 1), _number(group, 3)
    if len(columns) != len(leaves) or rows < 0:
        raise IndexError
    for column in columns:
        about = column[3]
        path = _texts(about, 3)
        if path[-1] not in leaves or not 0 <= _number(about, 1) <= 7:
            raise IndexError
        starts = [_number(about, field) for field in (9, 11) if field == 9 or about.get(11)]
        yield Chunk(
            b".".join(path).decode(),
            min(starts),
            _number(about, 7),
            _number(about, 5),
            rows,
            _number(about, 4),
            len(path) > 1,
        )


def check_pages(file: IO[bytes], size: int, chunks: list[Chunk], columns: list[str], where: str) -> None:
    """Refuse a file whose columns claim more values or bytes than it can hold.

    Parameters
    ----------
    file, size : as `footer_chunks` takes them
    chunks : from `footer_chunks`
    columns : names of the columns that will be read
    where : name of the file in messages

    Raises
    ------
    InputError : a chunk lies outside the file, pages have more values than their group has rows, or a page claims to
        unpack to more than its size allows
    """
    for chunk in chunks:
        if chunk.column in columns or (chunk.nested and chunk.column.partition(".")[0] in columns):
            _check_chunk(file, size, chunk, f"{where}: {quoted(chunk.column)}")


def _check_chunk(file: IO[bytes], size: int, chunk: Chunk, where: str) -> None:
    """Refuse a chunk whose headers of pages claim more than it can hold."""
    at, values = chunk.start, 0
    if not (4 <= at <= size and 0 <= chunk.size <= size - at) or not chunk.values >= 0:
        raise _damaged(where)
    if chunk.nested and chunk.values > chunk.rows * MAX_PACKET:
        raise InputError(f"{where}: lists of more than {MAX_PACKET} values; write at most {MAX_PACKET} a row")
    if not chunk.nested and chunk.values > chunk.rows:
        raise _damaged(where)
    end = at + chunk.size
    while values < chunk.values:
        try:
            header, length = _page_header(file, at, end)
            kind, unpacked, packed = (_number(header, field) for field in (1, 2, 3))
            n = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}.get(kind)
            counted = _number(header[n], 1) if n is not None else 0
        except (IndexError, KeyError, TypeError, RecursionError):
            raise _damaged(where) from None
        at += length + packed
        if packed < 0 or unpacked < 0 or counted < 0 or at > end:
            raise _damaged(where)
        most = packed if chunk.codec == _UNPACKED else max(MAX_FREE_BYTES, MAX_RATIO * packed)
        if unpacked > min(most, MAX_PAGE_BYTES):
            raise InputError(
                f"{where}: a page unpacks from {packed:,} to {unpacked:,} bytes; write the file again, in smaller pages"
            )
        if kind == _DICTIONARY and counted > unpacked:  # an entry takes 4 bytes and more
            raise _damaged(where)
        if kind in (_DATA, _DATA_V2):
            values += counted
            if counted == 0 or values > chunk.values:
                raise _damaged(where)


def _page_header(file: IO[bytes], at: int, end: int) -> tuple[dict[int, Any], int]:
    """Read the header of the page at a byte of the file; return its fields and its length; IndexError if damaged."""
    file.seek(at)
    try:
        return _struct(file.read(min(_USUAL_HEADER, end - at)))
    except IndexError:
        file.seek(at)
        return _struct(file.read(min(_MAX_HEADER, end - at)))


def _number(fields: dict[int, Any], field: int) -> int:
    """Return a field that is an integer; TypeError for any other."""
    value = fields[field]
    if type(value) is not int:
        raise TypeError
    return value


def _list(fields: dict[int, Any], field: int) -> list[dict[int, Any]]:
    """Return a field that is a list of structures; TypeError for any other."""
    found = fields[field]
    if type(found) is not list or not all(type(each) is dict for each in found):
        raise TypeError
    return found


def _texts(fields: dict[int, Any], field: int) -> list[bytes]:
    """Return a field that is a text or a list of texts, as a list; TypeError for any other."""
    found = fields[field] if type(fields[field]) is list else [fields[field]]
    if not found or not all(type(each) is bytes for each in found):
        raise TypeError
    return found


def _damaged(where: str) -> InputError:
    """Make the error for a file whose sizes contradict each other."""
    return InputError(f"{where}: its pages claim more than is there; the file is damaged, copy or write it again")


def _struct(data: bytes, at: int = 0, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Read a Thrift structure; return its fields by number, and the byte after its end; IndexError if it is cut off."""
    fields: dict[int, Any] = {}
    number = 0
    if depth > 8:
        raise IndexError
    while True:
        head = data[at]
        at += 1
        if head == 0:
            return fields, at
        if head >> 4:
            number += head >> 4
        else:
            number, at = _signed(data, at)
        kind = head & 15
        fields[number], at = _signed(data, at) if 4 <= kind <= 6 else _value(data, at, kind, depth)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """Read a value of one type of the compact protocol; return it and the byte after its end."""
    if kind in (1, 2):  # true, false
        return kind == 1, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):
        return _signed(data, at)
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _varint(data, at)
        if length > len(data) - at:
            raise IndexError
        return data[at : at + length], at + length
    if kind in (9, 10):
        head, at = data[at], at + 1
        n = head >> 4
        if n == 15:
            n, at = _varint(data, at)
        if n > len(data) - at:
            raise IndexError
        items = []
        for _ in range(n):
            item, at = _item(data, at, head & 15, depth + 1)
            items.append(item)
        return items, at
    if kind == 12:
        return _struct(data, at, depth + 1)
    raise IndexError


def _item(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """Read an item of a list, in which bools take a byte of their own."""
    if depth > 16:
        raise IndexError
    return (data[at] == 1, at + 1) if kind in (1, 2) else _value(data, at, kind, depth)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned integer of 7 bits a byte; return it and the byte after its end."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise IndexError


def _signed(data: bytes, at: int) -> tuple[int, int]:
    """Read a zigzag integer; return it and the byte after its end."""
    value = data[at]
    if value < 128:
        return (value >> 1) ^ -(value & 1), at + 1
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
