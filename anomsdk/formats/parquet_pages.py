"""What the pages of a .parquet file claim, before anything is made of that size: pyarrow believes each header.

Headers of pages are Thrift structures in the compact protocol (apache/parquet-format, `parquet.thrift`, and
apache/thrift, `thrift-compact-protocol.md`); only their numbers are read here.
"""

from __future__ import annotations

from typing import IO, Any

from anomsdk.errors import InputError, quoted

FOOTER_STRING, FOOTER_ITEMS = 8 << 20, 1 << 20
"""Bytes of a text, and items of a list, in the footer of any file."""
MAX_PAGE_BYTES = 512 << 20
"""Of one page, unpacked: writers make pages of a mebibyte, few make one of a whole group of rows."""
MAX_FREE_BYTES, MAX_RATIO = 16 << 20, 2048
"""A page unpacks to so many bytes, or to so many times its size."""
_MAX_HEADER = 1 << 16
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3


def check_pages(file: IO[bytes], size: int, metadata: Any, columns: list[str], where: str) -> None:
    """Refuse a file whose columns claim more than is there.

    Parameters
    ----------
    file : the whole file, opened for reading
    size : of it, bytes
    metadata : of `pyarrow.parquet.ParquetFile`
    columns : names of the columns that will be read
    where : what messages call it

    Raises
    ------
    InputError : chunks outside the file, pages with more values than their group has rows, or that unpack to what no
        page of their size can hold
    """
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for index in range(rows.num_columns):
            chunk = rows.column(index)
            if chunk.path_in_schema in columns:
                _check_chunk(file, size, chunk, rows.num_rows, f"{where}: {quoted(chunk.path_in_schema)}")


def _check_chunk(file: IO[bytes], size: int, chunk: Any, rows: int, where: str) -> None:
    starts = [chunk.data_page_offset]
    if chunk.has_dictionary_page and chunk.dictionary_page_offset:
        starts.append(chunk.dictionary_page_offset)
    at, left, values = min(starts), chunk.total_compressed_size, 0
    if not (4 <= at <= size and 0 <= left <= size - at) or not 0 <= chunk.num_values <= rows:
        raise _damaged(where)
    end = at + left
    while values < chunk.num_values:
        file.seek(at)
        try:
            header, length = _struct(file.read(min(_MAX_HEADER, end - at)))
            kind, unpacked, packed = (header[field] for field in (1, 2, 3))
            n = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}.get(kind)
            counted = header[n][1] if n is not None else 0
        except (IndexError, KeyError, TypeError, RecursionError):
            raise _damaged(where) from None
        at += length + packed
        if packed < 0 or unpacked < 0 or counted < 0 or at > end:
            raise _damaged(where)
        most = packed if chunk.compression == "UNCOMPRESSED" else max(MAX_FREE_BYTES, MAX_RATIO * packed)
        if unpacked > min(most, MAX_PAGE_BYTES):
            raise InputError(
                f"{where}: a page unpacks from {packed:,} to {unpacked:,} bytes; write the file again, in smaller pages"
            )
        if kind == _DICTIONARY and counted > unpacked:  # an entry takes 4 bytes and more
            raise _damaged(where)
        if kind in (_DATA, _DATA_V2):
            values += counted
            if counted == 0 or values > chunk.num_values:
                raise _damaged(where)


def _damaged(where: str) -> InputError:
    return InputError(f"{where}: its pages claim more than is there; the file is damaged, copy or write it again")


def _struct(data: bytes, at: int = 0, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Fields of a structure, by number, and where it ends; IndexError where it does not."""
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
        fields[number], at = _value(data, at, head & 15, depth)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
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
        return None, at + length
    if kind in (9, 10):
        head, at = data[at], at + 1
        n = head >> 4
        if n == 15:
            n, at = _varint(data, at)
        if n > len(data):
            raise IndexError
        for _ in range(n):
            _, at = _value(data, at + (head & 15 in (1, 2)), head & 15, depth + 1)
        return None, at
    if kind == 12:
        return _struct(data, at, depth + 1)
    raise IndexError


def _varint(data: bytes, at: int) -> tuple[int, int]:
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
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
