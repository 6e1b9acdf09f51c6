"""Payloads of radios as text or bytes: hexadecimal, base64, JSON of network servers, files of events."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from anomsdk.core.event import COMPACT_BYTES, EVENT_BYTES, Event
from anomsdk.core.export import MARK
from anomsdk.errors import InputError, printable

MAX_LINE = 1 << 20
"""Longest line that is read, bytes; one message of a network server has some 10,000."""

_LENGTHS = (
    f"an event has {EVENT_BYTES} bytes ({2 * EVENT_BYTES} hexadecimal digits), "
    f"its compact form {COMPACT_BYTES} ({2 * COMPACT_BYTES} digits)"
)
_FORMS = "give hexadecimal digits, base64, or a JSON object with the payload"
_CHECK = "check that these are the bytes of an event, from its first byte on"
_HEX = re.compile(r"[\s:,]*(?:0[xX])?[0-9a-fA-F]+(?:[\s:,]+(?:0[xX])?[0-9a-fA-F]+)*[\s:,]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SAMPLE = 4096
"""Bytes at the start of a stream that tell text from events in binary."""


def payload_of(text: str) -> bytes | None:
    """Read the bytes of a payload that is written as text.

    Parameters
    ----------
    text : hexadecimal digits, where spaces, colons, commas and 0x may stand between bytes; base64; or a JSON object
        with the bytes under ``event`` (hexadecimal, as `anomsdk watch` writes them), ``uplink_message.frm_payload``
        (base64, The Things Network v3) or ``data`` (base64, ChirpStack v4)

    Returns
    -------
    bytes; None for the summary that ends the JSON lines of a session

    Raises
    ------
    InputError : the text is none of these

    Examples
    --------
    >>> [payload_of(text).hex() for text in ("0x22, 0x01, 0x4", "22:01:04", '{"data": "IgEE"}')]
    ['220104', '220104', '220104']
    """
    text = text.strip()
    if text.startswith("{"):
        return _of_json(text)
    if _HEX.fullmatch(text):
        return _of_hex(text)
    if _BASE64.fullmatch(text):
        return _of_base64(text)
    raise InputError(f"neither hexadecimal digits, base64 nor a JSON object; {_FORMS}")


def events_in(payload: bytes) -> list[bytes]:
    """Divide a payload into events: one of 16 or 11 bytes, or several of 16 bytes one after the other.

    Raises
    ------
    InputError : the payload has another length, or holds something that is no event
    """
    n = len(payload)
    if payload.startswith(MARK):
        raise InputError("this is an export of a ladder, no event; write its bytes to a .ladder file for anomsdk tune")
    if n == COMPACT_BYTES:
        found = [payload]
    elif n and n % EVENT_BYTES == 0:
        found = [payload[at : at + EVENT_BYTES] for at in range(0, n, EVENT_BYTES)]
    else:
        raise InputError(f"{n} bytes; {_LENGTHS}, and several events of {EVENT_BYTES} bytes may follow one another")
    for number, event in enumerate(found, 1):
        try:
            Event.from_bytes(event)
        except InputError as error:
            which = f"event {number} of {len(found)}: " if len(found) > 1 else ""
            raise InputError(f"{which}{error}; {_CHECK}") from None
    return found


def _of_hex(text: str) -> bytes:
    """Read hexadecimal digits; a byte that stands alone, as 4 or 0x4, may have one of them."""
    tokens = [token for token in re.split(r"[\s:,]+", text) if token]
    bare = [token[2:] if token[:2] in ("0x", "0X") else token for token in tokens]
    whole = [digits.rjust(2, "0") for digits in bare]
    odd = next((digits for digits in whole if len(digits) % 2), None)
    if odd is not None:
        where = " between two separators" if len(whole) > 1 else ""
        raise InputError(
            f"{len(odd)} hexadecimal digits{where}, an odd number; {_LENGTHS}: look for one that is missing"
        )
    return bytes.fromhex("".join(whole))


def _of_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"no base64 of whole bytes; {_FORMS}") from None


def _of_json(text: str) -> bytes | None:
    """Read the payload in a message; what it holds is never quoted."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"no valid JSON; {_FORMS}") from None
    if message.get("type") == "summary":
        return None
    uplink = message.get("uplink_message")
    places: list[tuple[str, Any, Callable[[str], bytes]]] = [
        ("event", message.get("event"), _strict_hex),
        ("uplink_message.frm_payload", uplink.get("frm_payload") if isinstance(uplink, dict) else None, _of_base64),
        ("data", message.get("data"), _of_base64),
    ]
    for name, value, read in places:
        if value is None:
            continue
        if not isinstance(value, str):
            raise InputError(f"{name} in the JSON object is no text; {_FORMS}")
        with _at(f"{name} in the JSON object"):
            return read(value)
    names = ", ".join(name for name, _, _ in places)
    raise InputError(f"the JSON object has no payload: none of {names}; leave out messages that are no uplinks")


def _strict_hex(text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise InputError(f"not hexadecimal digits; {_LENGTHS}")
    return _of_hex(text)


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Put the place before the message of an error."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


class EventReader:
    """Reader of events from text, a file or a live stream, one after the other.

    Parameters
    ----------
    source : payload as text, path of a file, or - for standard input. A file holds a payload a line, or events of 16
        bytes in binary
    stdin : standard input in bytes; None if it is closed
    on_bad : called with one line for each line or event that cannot be decoded, which is then left out. By default the
        first one is an error

    Attributes
    ----------
    events, left_out : number of events that were read, and of lines or events that were left out
    """

    def __init__(self, source: str, stdin: BinaryIO | None, *, on_bad: Callable[[str], None] | None = None) -> None:
        self._source, self._stdin, self._on_bad = source, stdin, on_bad
        self.events = self.left_out = 0
        self._summaries = 0

    def read(self) -> Iterator[bytes]:
        """Yield each event as soon as it has arrived: 16 or 11 bytes that `Event.from_bytes` takes.

        Raises
        ------
        InputError : something cannot be decoded, named by its line or its place; nothing was decoded; the source is
            neither a file nor a payload
        """
        path = None if self._source == "-" else _file(self._source)
        if self._source != "-" and path is None:
            yield from self._taken(_events_of_source(self._source))
            return
        name = "standard input" if path is None else printable(self._source)
        try:
            if path is None:
                yield from self._of_stream(self._stdin, name)
            else:
                with path.open("rb") as stream:
                    yield from self._of_stream(stream, name)
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}; check the path") from None
        if not self.events and self.left_out:
            raise InputError(f"none of {self.left_out:,} could be decoded; {_FORMS}")
        if not self.events and not self._summaries:
            raise InputError(f"{name}: holds no event; {_FORMS}")

    def _of_stream(self, stream: BinaryIO | None, name: str) -> Iterator[bytes]:
        if stream is None:
            raise InputError(f"{name}: is closed; give a file, or pipe something into the command")
        buffered: io.BufferedReader = (
            stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream))
        )
        head = buffered.peek(_SAMPLE)[:_SAMPLE]
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise InputError(f"{name}: is text in UTF-16; save it as UTF-8")
        yield from self._of_binary(buffered) if _is_binary(head) else self._of_lines(buffered)

    def _of_lines(self, stream: io.BufferedReader) -> Iterator[bytes]:
        number = 0
        while line := stream.readline(MAX_LINE):
            number += 1
            too_long = len(line) == MAX_LINE and not line.endswith(b"\n")
            while too_long and (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace")
            if not text.strip():
                continue
            yield from self._guarded(f"line {number:,}", partial(_events_of_line, text, too_long))

    def _of_binary(self, stream: io.BufferedReader) -> Iterator[bytes]:
        number = 0
        while record := stream.read(EVENT_BYTES):
            number += 1
            yield from self._guarded(f"event {number:,}", partial(_events_of_record, record, number))

    def _guarded(self, where: str, read: Callable[[], list[bytes] | None]) -> Iterator[bytes]:
        """Yield the events that a function reads; its error names the place, or is told and counted."""
        try:
            found = read()
        except InputError as error:
            if self._on_bad is None:
                raise InputError(f"{where}: {error}; `skip_bad` leaves it out") from None
            self.left_out += 1
            self._on_bad(f"{where}: {error}")
            return
        self._summaries += found is None
        yield from self._taken(found or [])

    def _taken(self, events: list[bytes]) -> Iterator[bytes]:
        for event in events:
            self.events += 1
            yield event


def _events_of_source(text: str) -> list[bytes]:
    """Take a payload that is given in place of a file; what may be the name of a file that is missing is named."""
    try:
        return events_in(payload_of(text) or b"")
    except InputError:
        if _HEX.fullmatch(text.strip()) or text.lstrip().startswith("{"):
            raise
        shown = printable(text if len(text) <= 60 else text[:57] + "...")
        raise InputError(f"{shown}: neither a file nor the bytes of an event; check the path, or {_FORMS}") from None


def _events_of_line(text: str, too_long: bool) -> list[bytes] | None:
    if too_long:
        raise InputError(f"longer than {MAX_LINE:,} bytes; {_FORMS}")
    payload = payload_of(text)
    return None if payload is None else events_in(payload)


def _events_of_record(record: bytes, number: int) -> list[bytes]:
    """Take a record of a binary file: 16 bytes, or 11 that are all of the file."""
    if len(record) == EVENT_BYTES or (len(record) == COMPACT_BYTES and number == 1):
        return events_in(record)
    raise InputError(
        f"{len(record)} bytes, and an event has {EVENT_BYTES}; the file was cut off, or is no file of events"
    )


def _is_binary(head: bytes) -> bool:
    """Return True if the start of a stream is no text: control characters, or bytes that are not UTF-8."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not a character that the sample cuts
            return True
    return _CONTROL.search(head) is not None


def _file(text: str) -> Path | None:
    """Return the path of a file; None if there is none of this name."""
    if not text.strip():
        raise InputError(f"`source`: is empty; give a file, - for standard input, or the bytes of an event: {_LENGTHS}")
    try:
        path = Path(text)
        exists, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError):  # a name that is too long, a NUL
        return None
    if is_folder:
        raise InputError(f"{printable(text)}: is a folder; give one file")
    return path if exists else None
