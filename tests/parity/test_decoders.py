"""Decoders of events in Python, C and JavaScript: the vectors of tests/vectors/decoder.json, and any bytes."""

from __future__ import annotations

import copy
import json
import random
import subprocess

import fastjsonschema
import pytest

from anomsdk.core.event import Event
from anomsdk.core.reasons import Group
from anomsdk.errors import InputError
from anomsdk.receive.decoding import decoded
from anomsdk.receive.payloads import events_in
from tests.support import decoders
from tests.support.c_build import C_WARNINGS, clang, compiler
from tests.support.make_vectors import text, vectors
from tests.support.stems import DECODER, VECTORS
from tests.support.stems import decoder as stem

FILE = VECTORS / f"{DECODER}.json"
LOADED = json.loads(FILE.read_text(encoding="utf-8"))
PAIRS = [pair for case in LOADED["cases"] for pair in stem.decoded(case)]
EVENTS = [event for event, _ in PAIRS]
EXPECTED = [expected for _, expected in PAIRS]
N, SEED = 20_000, 18


def in_python(event):
    try:
        return decoded(bytes.fromhex(event))
    except InputError as error:
        return {"error": str(error)}


def for_c(expected):
    """What the program in C prints: it does not repeat the bytes, and has a word for each error."""
    if "error" in expected:
        return {"error": decoders.error_in_c(expected["error"])}
    return {name: value for name, value in expected.items() if name != "event"}


def uplink_of(expected):
    """What decodeUplink gives for a payload of one event, its warnings apart."""
    return {"errors": [expected["error"]]} if "error" in expected else {"data": expected, "errors": []}


# The file


def test_the_file_is_what_is_generated():
    assert FILE.read_text(encoding="utf-8") == text(vectors(DECODER)) + "\n"


def test_the_file_fits_the_schema():
    fits = fastjsonschema.compile(json.loads((VECTORS / "schema.json").read_text(encoding="utf-8")))
    fits(LOADED)
    altered = copy.deepcopy(LOADED)
    altered["cases"][0]["expect"]["rows"][0][9] = -1
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        fits(altered)


def test_the_vectors_have_every_code_and_every_refusal():
    decodable = [each for each in EXPECTED if "error" not in each]

    def values(name):
        return {each[name] for each in decodable if each[name] is not None}

    assert values("layout") == {1, 2} and values("compact") == {False, True}
    assert len(values("kind")) == 7 and len(values("state")) == 6
    assert len(values("condition")) == 15 and len(values("input")) == 7 and len(values("restart")) == 3
    assert len(values("promise")) == 5 and values("argument") == {0, 255}
    assert {word for each in decodable for word in each["flags"]} >= {"high", "latched", "silenced", "test"}
    assert len({word for each in decodable for word in each["health_words"]}) == 8
    reasons = {reason for each in decodable for reason in each["reasons"]}
    assert len({reason.rsplit(" ", 1)[0] for reason in reasons}) == 63 > len(Group)
    assert len(reasons) == 63 * 4
    assert {decoders.error_in_c(each["error"]) for each in EXPECTED if "error" in each} == {
        *("length", "version", "kind", "state", "code")
    }


# The vectors


def test_in_python():
    assert [in_python(event) for event in EVENTS] == EXPECTED


@pytest.mark.parametrize("how", decoders.HOW)
def test_in_node(how):
    """As a CommonJS module, as an ES module, and as a script that exports nothing."""
    found = decoders.in_node(EVENTS, how)
    assert [each["event"] for each in found] == EXPECTED
    _are_uplinks(found)


def test_in_an_engine_of_es5():
    found = decoders.in_es5(EVENTS)
    assert [each["event"] for each in found] == EXPECTED
    _are_uplinks(found)


def _are_uplinks(found):
    for event, each, expected in zip(EVENTS, found, EXPECTED, strict=True):
        uplink = dict(each["uplink"])
        if len(event) == 64:
            continue
        unknown = sum("group " in reason for reason in expected.get("reasons", ()))
        assert len(uplink.pop("warnings", [])) == unknown
        assert uplink == uplink_of(expected)


@pytest.fixture(scope="module", params=decoders.PROGRAMS)
def program(request, tmp_path_factory):
    """The decoder in C, without a warning, and without another file of the port."""
    name, *flags = request.param.split()
    return decoders.c_program(compiler(name), tmp_path_factory.mktemp("decoder"), "-O2", *flags)


@pytest.mark.parametrize("target", decoders.TARGETS)
def test_c_compiles_for_other_gateways(tmp_path, target):
    """Processors of 32 bits and of the other byte order among them."""
    source = decoders.DECODERS / "anom_decoder.c"
    clang().run("-std=c99", *C_WARNINGS, "-Os", "-target", target, "-c", source, "-o", tmp_path / "decoder.o")


def test_c_needs_no_heap_and_no_stdio(tmp_path):
    compiler("gcc").run("-std=c99", "-O1", "-c", decoders.DECODERS / "anom_decoder.c", "-o", tmp_path / "decoder.o")
    symbols = subprocess.run(["nm", "-u", tmp_path / "decoder.o"], capture_output=True, text=True, check=True).stdout
    assert set(symbols.split()) <= {"U", "memset", "memcpy", "_GLOBAL_OFFSET_TABLE_"}


def test_in_c(program):
    assert decoders.in_c(program, EVENTS) == [for_c(each) for each in EXPECTED]


def test_c_reads_no_byte_beyond_its_own(tmp_path):
    """Under the sanitizers, over every length."""
    flags = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    program = decoders.c_program(compiler("gcc"), tmp_path, *flags)
    assert decoders.in_c(program, EVENTS) == [for_c(each) for each in EXPECTED]


# Any bytes, any score, any share


@pytest.fixture(scope="module")
def any_bytes():
    """Most are near an event: a known start, few bits, one of the two lengths."""
    random_ = random.Random(SEED)
    events = []
    for _ in range(N):
        n = random_.choice((16, 16, 16, 11, 11, 11, random_.randrange(20)))
        data = bytearray(random_.randbytes(n))
        if n > 10 and random_.random() < 0.9:
            data[0] = random_.choice((0x11, *range(0x21, 0x27)))
            data[1] &= 0xF8 | random_.randrange(6)
            data[9 if n == 11 else 11] &= random_.choice((0x8F, 0x0F, 0xFF))
        events.append(data.hex())
    events += [f"2102000000000000{score:04x}000000000000" for score in range(0, 65536, 31)]
    events += [f"2300000000000000000000{share:04x}000000" for share in range(0, 65536, 31)]
    events += [bytes([0x21, 2, *[0] * 6, *score.to_bytes(2, "little"), *[0] * 6]).hex() for score in range(8193)]
    return events


@pytest.fixture(scope="module")
def of_any_bytes(any_bytes):
    found = [in_python(event) for event in any_bytes]
    refused = sum("error" in each for each in found)
    assert 0.2 * N < refused < 0.6 * N
    return found


def test_any_bytes_in_node(any_bytes, of_any_bytes):
    assert [each["event"] for each in decoders.in_node(any_bytes)] == of_any_bytes


def test_any_bytes_in_an_engine_of_es5(any_bytes, of_any_bytes):
    assert [each["event"] for each in decoders.in_es5(any_bytes)] == of_any_bytes


def test_any_bytes_in_c(program, any_bytes, of_any_bytes):
    assert decoders.in_c(program, any_bytes) == [for_c(each) for each in of_any_bytes]


def test_any_event_has_a_compact_form(any_bytes, of_any_bytes):
    """What it keeps, it keeps; what it lacks is said on the page."""
    for event, whole in zip(any_bytes, of_any_bytes, strict=True):
        if "error" in whole or whole["compact"]:
            continue
        short = decoded(bytes(Event.from_bytes(bytes.fromhex(event)).compacted()))
        kept = {"layout", "kind", "state", "flags", "raised", "cleared", "escalated", "sequence", "health"}
        kept |= {"health_words", "condition", "active", "input", "restart"}
        assert {name: short[name] for name in kept} == {name: whole[name] for name in kept}
        assert short["hop"] == whole["hop"] % 2**24 and whole["plan_tag"].startswith(short["plan_tag"])
        assert 0 <= min(whole["score_log2"], 32) - short["score_log2"] < 1 / 8 or whole["score_log2"] >= 32
        assert short["reasons"] == whole["reasons"][: len(short["reasons"])]
        if whole["kind"] == "heartbeat":
            assert abs(short["judged_share"] - whole["judged_share"]) < 1 / 255


# What is JavaScript's own


def test_the_module_is_the_script_and_its_exports():
    script, module = (path.read_text(encoding="ascii") for path in (decoders.SCRIPT, decoders.MODULE))
    assert module == script + "\nexport { decodeUplink, decodeEvent, encodeDownlink, decodeDownlink };\n"
    assert len(script) < 30_000, "The Things Network takes formatters of up to 40 KB"


def test_several_events_in_one_payload():
    """Multiples of 16 bytes; one bad event refuses all, as in Python."""
    one, two, bad = stem.event_2(), stem.event_1(numbers="0100 02000000 0000"), stem.event_2(2)
    payloads = [one + two, two * 3, one + bad, one * 2 + two * 2, one * 11, "00" * 22, "00" * 33]
    found = [each["uplink"] for each in decoders.in_node(payloads)]
    assert found == [each["uplink"] for each in decoders.in_es5(payloads)]
    assert found[0] == {"data": {"events": [in_python(one), in_python(two)]}, "warnings": [], "errors": []}
    for payload, each in zip(payloads, found, strict=True):
        try:
            expected = [decoded(event) for event in events_in(bytes.fromhex(payload))]
        except InputError:
            assert list(each) == ["errors"] and len(each["errors"]) == 1
        else:
            assert each["data"]["events"] == expected
    assert found[2] == {"errors": ["event 2 of 2: event: technical condition 0 is unknown"]}


NO_BYTES = """
const inputs = [undefined, null, {}, {bytes: null}, {bytes: 'abc'}, {bytes: 5}, {bytes: [1, 2]}, {bytes: [256]},
  {bytes: [-1]}, {bytes: [1.5]}, {bytes: ['1']}, {bytes: [NaN]}, {bytes: {length: 16}}];
console.log(JSON.stringify(inputs.map(decodeUplink)));
"""
TYPED = """
const bytes = [...Buffer.from(input, 'hex')];
console.log(JSON.stringify([bytes, Uint8Array.from(bytes), Buffer.from(bytes)].map(decodeEvent)));
"""


def test_what_is_no_list_of_bytes_is_an_error_and_no_exception():
    taken = decoders.HOW["commonjs"].format(script=json.dumps(str(decoders.SCRIPT)))
    for each in decoders.by_node(taken + NO_BYTES):
        assert list(each) == ["errors"] and each["errors"][0].startswith("event: ")
    assert decoders.by_node(taken + TYPED, EVENTS[0]) == [EXPECTED[0]] * 3
