"""Archives of object files: the common format of ``ar``, with the long names of GNU and of BSD."""

from __future__ import annotations

from collections.abc import Iterator

from anomsdk.errors import InputError, printable

MAGIC, THIN = b"!<arch>\n", b"!<thin>\n"
_HEADER, _END = 60, b"`\n"
_TABLES = ("/", "//", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64", "__.SYMDEF_64 SORTED")


def members(data: bytes, name: str) -> list[tuple[str, bytes]]:
    r"""Read the members of an archive, without its tables of symbols and of names.

    Parameters
    ----------
    data : contents of the archive
    name : name of the archive, for errors

    Returns
    -------
    (name, contents) of each member, in the order of the archive

    Raises
    ------
    InputError : the archive is thin, truncated, damaged or empty

    Examples
    --------
    >>> header = f"{'a.o/':16}{0:<12}{0:<6}{0:<6}{644:<8}{3:<10}".encode() + b"`\n"
    >>> members(b"!<arch>\n" + header + b"abc\n", "one.a")
    [('a.o', b'abc')]
    """
    if data.startswith(THIN):
        raise InputError(
            f"{printable(name)}: is a thin archive, which holds no objects; make one without ar's option T"
        )
    found = list(_members(data, name))
    if not found:
        raise InputError(f"{printable(name)}: is an archive without object files; give one that holds the C port")
    return found


def _members(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    at, long_names = len(MAGIC), b""
    while at < len(data):
        header = data[at : at + _HEADER]
        size = header[48:58].strip()
        if len(header) < _HEADER or header[58:] != _END or not size.isdigit():
            raise InputError(f"{printable(name)}: is truncated or damaged at byte {at:,}; build the archive again")
        start, at = at + _HEADER, at + _HEADER + int(size)
        if at > len(data):
            raise InputError(
                f"{printable(name)}: is truncated: its member at byte {start - _HEADER:,} needs {at - len(data):,} "
                "more bytes; build the archive again"
            )
        content, member = data[start:at], header[:16].decode("latin-1").rstrip()
        at += at & 1
        if member == "//":
            long_names = content
        if member.startswith("#1/") and member[3:].isdigit():  # BSD: the name stands before the contents
            length = int(member[3:])
            member, content = content[:length].rstrip(b"\0").decode("utf-8", "replace"), content[length:]
        elif member[:1] == "/" and member[1:].isdigit():  # GNU: the name stands in a table
            begin = int(member[1:])
            member = long_names[begin : long_names.find(b"\n", begin)].decode("utf-8", "replace").rstrip("/")
        if member not in _TABLES:
            yield member.rstrip("/"), content
