"""`anomsdk decode`: what radios deliver, as text and in binary, to events; and the files of the other decoders."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys

import pytest

import anomsdk
from anomsdk.core.event import EVENT_BYTES, Event, Promise
from anomsdk.core.export import Export
from anomsdk.core.ladder import RungCounts
from anomsdk.receive import payloads
from anomsdk.receive.decoder_files import DECODERS, write_decoders
from anomsdk.receive.decoding import decoded, line_of
from anomsdk.receive.payloads import events_in, payload_of
from tests.support.command_line import anomsdk_command
from tests.support.make import ROOT
from tests.support.stems.decoder import event_1, event_2

RAISED = event_1(0x42, "0201 06050403 ee13", reasons="440000")
CLIPPED = event_2(2, 0, "0400 10020000 0000", 2, "040100")
SHORT = bytes(Event.from_bytes(bytes.fromhex(CLIPPED)).compacted()).hex()
FOLDER = ROOT / "firmware_port" / "decoders"


def base64_of(digits):
    return base64.b64encode(bytes.fromhex(digits)).decode()


def decode(*arguments, stdin=b""):
    return anomsdk_command("decode", *arguments, stdin=stdin)


def lines_of(*events):
    return "".join(f"{line_of(bytes.fromhex(event))}\n" for event in events)


@pytest.fixture
def file(tmp_path):
    def written(content):
        path = tmp_path / "events"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


# A line for people


def test_a_line_says_what_happened():
    assert line_of(bytes.fromhex(RAISED)) == (
        "#258  hop 50595078  ALARM  state alarm  score 998,697  loudness high  (high)  plan cdab"
    )
    assert line_of(bytes.fromhex(CLIPPED)) == (
        "#4  hop 528  FAULT  state normal  score 0  health: clipped  clipped  plan cdab"
    )
    assert line_of(bytes.fromhex(SHORT)) == (
        "#4  hop 528  FAULT  state normal  score 0  health: clipped  clipped  plan cd  compact"
    )
    restarted = line_of(bytes.fromhex(event_2(5, 0, codes="020000")))
    assert "  restart  " in restarted and "anew, as the record was refused" in restarted
    assert "health: no condition active" in restarted
    assert "judged 50%" in line_of(bytes.fromhex(event_2(3, 0, codes="008000")))
    assert "(silenced, test)" in line_of(bytes.fromhex(event_2(4, 0x50, codes="070000")))


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ("010102", "level certified: rung 2, budget 1  level 2"),
        ("026d00", "no level certified, 109 more days needed  plan"),
        ("02ff00", "no level certified, 255 or more days needed  plan"),
        ("030005", "promise broken: rung 5, budget 0  level 5"),
        ("040007", "level set: rung 7  level 7"),
        ("040000", "level set: that of the plan  plan"),
        ("050003", "no level keeps the promise  level 3"),
    ],
)
def test_news_of_a_level_in_words(codes, words):
    """The compact form has neither the argument nor the level: only the news themselves."""
    event = event_2(7, 0, codes=codes)
    assert f"  level  state normal  score 0  health: no condition active  {words}" in line_of(bytes.fromhex(event))
    short = line_of(bytes(Event.from_bytes(bytes.fromhex(event)).compacted()))
    assert f"  {Promise(int(codes[:2])).word}  plan cd  compact" in short


def test_json_has_the_same_keys_for_every_kind():
    events = [event_1(), *(event_2(kind, codes="010000") for kind in range(1, 8))]
    found = [decoded(bytes.fromhex(event)) for event in events]
    assert len({tuple(each) for each in found}) == 1


# Payloads


@pytest.mark.parametrize(
    "text",
    [
        CLIPPED,
        CLIPPED.upper(),
        f"0x{CLIPPED}",
        " ".join(CLIPPED[i : i + 2] for i in range(0, 32, 2)),
        ":".join(CLIPPED[i : i + 2] for i in range(0, 32, 2)),
        ", ".join(f"0x{CLIPPED[i : i + 2]}" for i in range(0, 32, 2)),
        ",".join(f"{byte:#x}" for byte in bytes.fromhex(CLIPPED)),
        " ".join(f"{byte:x}" for byte in bytes.fromhex(CLIPPED)),
        " ".join(CLIPPED[i : i + 4] for i in range(0, 32, 4)),
        base64_of(CLIPPED),
        f'{{"type": "event", "event": "{CLIPPED}"}}',
        f'{{"uplink_message": {{"f_port": 1, "frm_payload": "{base64_of(CLIPPED)}"}}, "name": "\u00e4"}}',
        f'{{"deviceInfo": {{}}, "fPort": 1, "data": "{base64_of(CLIPPED)}"}}',
        json.dumps(decoded(bytes.fromhex(CLIPPED))),
        f"  {CLIPPED}\t\r",
    ],
)
def test_a_payload_as_text(text):
    assert payload_of(text) == bytes.fromhex(CLIPPED)
    assert decode("-", stdin=text.encode()).stdout == lines_of(CLIPPED)


def test_both_forms_and_several_events():
    assert decode(RAISED).stdout == lines_of(RAISED)
    assert decode(SHORT).stdout == lines_of(SHORT)
    assert decode(base64_of(SHORT)).stdout == lines_of(SHORT)
    assert decode(RAISED + CLIPPED).stdout == lines_of(RAISED, CLIPPED)
    found = decode(RAISED, "--jsonl").stdout
    assert json.loads(found) == decoded(bytes.fromhex(RAISED))
    assert events_in(bytes.fromhex(RAISED * 3)) == [bytes.fromhex(RAISED)] * 3


def test_a_session_is_decoded_to_its_events(tmp_path):
    """What `watch --jsonl` prints: its summary is no event, and a session without an alarm has only that."""
    session = (
        f'{{"type": "alert", "event": "{RAISED}", "reasons": ["loudness high"]}}\n{{"type": "summary", "ticks": 9}}\n'
    )
    assert decode("-", stdin=session.encode()).stdout == lines_of(RAISED)
    ended = decode("-", stdin=session.split("\n")[1].encode())
    assert (ended.status, ended.stdout, ended.stderr) == (0, "", "")


def test_a_file_of_lines(file):
    text = f"\ufeff{RAISED}\r\n\n{base64_of(SHORT)}\r\n   \n{CLIPPED + RAISED}"
    assert decode(file(text)).stdout == lines_of(RAISED, SHORT, CLIPPED, RAISED)


def test_a_file_in_binary(file):
    assert decode(file(bytes.fromhex(CLIPPED + RAISED))).stdout == lines_of(CLIPPED, RAISED)
    assert decode(file(bytes.fromhex(SHORT))).stdout == lines_of(SHORT)
    assert decode("-", stdin=bytes.fromhex(CLIPPED * 400)).stdout == lines_of(*[CLIPPED] * 400)
    ended = decode(file(bytes.fromhex(CLIPPED) + b"\x22\x00\x04"))
    assert (ended.status, ended.stdout) == (2, lines_of(CLIPPED))
    assert ended.stderr.startswith("error: event 2: 3 bytes, and an event has 16")
    ended = decode(file(bytes.fromhex(CLIPPED + SHORT)))
    assert (ended.status, ended.stdout) == (2, lines_of(CLIPPED)), "11 bytes are an event only by themselves"
    damaged = bytes.fromhex(CLIPPED) + bytes(16) + bytes.fromhex(RAISED)
    ended = decode(file(damaged), "--skip-bad")
    assert (ended.status, ended.stdout) == (0, lines_of(CLIPPED, RAISED))
    assert "left out: event 2: event: version 0" in ended.stderr


def test_bytes_of_one_digit_are_no_shorter_event():
    """16 bytes that C prints by %x, with as many digits as a compact form has."""
    event = "2201121010020000000001010100cdab"
    printed = " ".join(f"{byte:x}" for byte in bytes.fromhex(event))
    assert len(printed.replace(" ", "")) == 22
    assert payload_of(printed).hex() == event


# Refusals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RAISED[:-1], "31 hexadecimal digits, an odd number"),
        (f"{RAISED[:3]} {RAISED[3:-1]}", "3 hexadecimal digits between two separators, an odd number"),
        (RAISED[:-2], "15 bytes; an event has 16 bytes (32 hexadecimal digits), its compact form 11 (22 digits)"),
        (SHORT * 2, "22 bytes"),
        (RAISED + SHORT, "27 bytes"),
        (RAISED + "00" * 16, "event 2 of 2: event: version 0 is neither 1 nor 2; check that"),
        ("28" + RAISED[2:], "event: kind 8 is unknown; check that"),
        (base64_of(RAISED)[:-1], "no base64 of whole bytes"),
        (base64_of(RAISED[:-2]), "15 bytes"),
        ("what is this?", "neither hexadecimal digits, base64 nor a JSON object"),
        ("{", "no valid JSON"),
        ('{"event":' * 5000, "no valid JSON"),
        ("{}", "the JSON object has no payload: none of event, uplink_message.frm_payload, data"),
        ('{"event": 5}', "event in the JSON object is no text"),
        ('{"event": "zz"}', "event in the JSON object: not hexadecimal digits"),
        ('{"event": ""}', "event in the JSON object: not hexadecimal digits"),
        ('{"data": "22"}', "data in the JSON object: no base64"),
        ('{"uplink_message": [], "data": null}', "the JSON object has no payload"),
        ('{"uplink_message": {"frm_payload": "\u00e4"}}', "uplink_message.frm_payload in the JSON object: no base64"),
        ("0x", "no base64 of whole bytes"),
        (f"0x{RAISED[2:]}", "15 bytes"),
    ],
)
def test_a_line_that_cannot_be_decoded_is_named(text, message):
    stdin = f"{CLIPPED}\n\n{text}\n{RAISED}\n".encode()
    ended = decode("-", stdin=stdin)
    assert (ended.status, ended.stdout) == (2, lines_of(CLIPPED)), "events before it are printed"
    assert ended.stderr.startswith(f"error: line 3: {message}") and ended.stderr.endswith(
        "; --skip-bad leaves it out\n"
    )
    assert ended.stderr.count("\n") == 1
    ended = decode("-", "--skip-bad", stdin=stdin)
    assert (ended.status, ended.stdout) == (0, lines_of(CLIPPED, RAISED))
    left_out, count = ended.stderr.splitlines()
    assert left_out.startswith(f"left out: line 3: {message}") and "--skip-bad" not in left_out
    assert count == "left out 1, decoded 2 events"


def test_an_export_of_a_ladder_is_named_with_what_reads_it(tmp_path):
    """A device sends events and exports by the same radio; a file of exports is not a damaged file of events."""
    export = bytes(Export(7, 1, bytes(8), 0, 0, 0, 0, 100, 1, 0, (RungCounts(), RungCounts())))
    for given in (export, export[:EVENT_BYTES]):
        with pytest.raises(anomsdk.InputError, match=r"an export of a ladder, no event; write .* for anomsdk tune"):
            events_in(given)
    place = tmp_path / "cow.ladder"
    place.write_bytes(export)
    done = decode(str(place))
    assert (done.status, done.stderr.count("\n")) == (2, 1)
    assert "this is an export of a ladder" in done.stderr


def test_nothing_that_can_be_decoded(file, tmp_path):
    for content in ("", "\n \n", b""):
        ended = decode(file(content))
        assert ended.status == 2 and "holds no event" in ended.stderr and ended.stdout == ""
    assert "standard input: holds no event" in decode("-").stderr
    ended = decode(file("zz\nzz\n"), "--skip-bad")
    assert ended.status == 2 and ended.stderr.splitlines()[-1].startswith("error: none of 2 could be decoded")
    assert "is a folder" in decode(tmp_path).stderr
    assert decode("missing.txt").stderr.startswith("error: missing.txt: neither a file nor the bytes of an event")
    assert decode("data").stderr.startswith("error: data: neither a file"), "base64 of three bytes, or a name"
    assert decode(RAISED[1:]).stderr.startswith("error: 31 hexadecimal digits")
    assert decode("a\0b").stderr.startswith("error: a?b: neither a file")
    assert decode("").stderr.startswith("error: INPUT: is empty")
    assert "UTF-16; save it as UTF-8" in decode(file(RAISED.encode("utf-16"))).stderr
    for arguments in ((), (RAISED, "--write-decoders", tmp_path / "x")):
        ended = decode(*arguments)
        assert ended.status == 2 and "INPUT" in ended.stderr and "--write-decoders DIR" in ended.stderr
    assert not (tmp_path / "x").exists()


def test_a_line_may_be_long_and_not_endless(file, monkeypatch):
    message = json.dumps({"rx": ["x" * 50_000], "data": base64_of(RAISED)})
    assert decode(file(f"{message}\n{CLIPPED}\n")).stdout == lines_of(RAISED, CLIPPED)
    monkeypatch.setattr(payloads, "MAX_LINE", 1000)
    ended = decode(file(f"{message}\n{CLIPPED}\n"), "--skip-bad")
    assert (ended.status, ended.stdout) == (0, lines_of(CLIPPED))
    assert ended.stderr.startswith("left out: line 1: longer than 1,000 bytes")


def test_a_file_that_may_not_be_read(file):
    path = file(RAISED)
    path.chmod(0)
    if os.access(path, os.R_OK):  # as root
        path.unlink()
        path.symlink_to("/proc/self/mem")
    ended = decode(path)
    assert ended.status == 2 and "cannot be read" in ended.stderr


def test_standard_input_that_is_closed():
    """Only - needs it."""
    line = f"{sys.executable} -m anomsdk decode"
    closed = subprocess.run(f"{line} - <&-", shell=True, capture_output=True, text=True)
    assert (closed.returncode, closed.stderr[:33]) == (2, "error: standard input: is closed;")
    unused = subprocess.run(f"{line} {RAISED} <&-", shell=True, capture_output=True, text=True)
    assert (unused.returncode, unused.stdout) == (0, lines_of(RAISED))


class Broken(io.RawIOBase):
    def readable(self):
        return True

    def readinto(self, _):
        raise OSError(5, "Input/output error")


def test_a_stream_that_breaks_is_named():
    with pytest.raises(anomsdk.InputError, match="standard input: cannot be read: Input/output error; check"):
        list(payloads.EventReader("-", Broken()).read())


def test_a_live_pipe_is_decoded_line_by_line():
    """Each event is printed before the next one is sent."""
    command = [sys.executable, "-m", "anomsdk", "decode", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        for event in (RAISED, SHORT, CLIPPED):
            process.stdin.write(f"{event}\n")
            process.stdin.flush()
            assert process.stdout.readline() == lines_of(event)
        process.stdin.close()
        assert process.wait(20) == 0


# The files of the other decoders


def test_decoders_are_written(tmp_path):
    ended = decode("--write-decoders", tmp_path / "a" / "b")
    assert (ended.status, ended.stdout.count("wrote ")) == (0, 4)
    assert {path.name for path in (tmp_path / "a" / "b").iterdir()} == {*DECODERS}
    assert {path.name for path in FOLDER.iterdir()} == {*DECODERS}
    for name in DECODERS:
        assert (tmp_path / "a" / "b" / name).read_bytes() == (FOLDER / name).read_bytes()


def test_decoders_replace_nothing_that_differs(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    write_decoders(tmp_path)
    assert len(write_decoders(tmp_path)) == 4, "the same again is no harm"
    for name in DECODERS:
        (tmp_path / name).unlink()
    (tmp_path / "anom_decoder.h").write_text("mine")
    ended = decode("--write-decoders", tmp_path)
    assert ended.status == 2 and "anom_decoder.h: exists and differs; move it away" in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", "anom_decoder.h"}
    (tmp_path / "anom_decoder.h").unlink()
    (tmp_path / "anom_decoder.h").symlink_to("nowhere")
    with pytest.raises(anomsdk.InputError, match="exists and differs"):
        write_decoders(tmp_path)
    with pytest.raises(anomsdk.InputError, match="is no folder"):
        write_decoders(tmp_path / "mine.txt")
    with pytest.raises(anomsdk.InputError, match="cannot be written"):
        write_decoders(tmp_path / "mine.txt" / "below")
