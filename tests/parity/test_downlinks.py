"""Downlinks in Python, C and JavaScript: each level under many plan tags, and what is none, alike in all of them."""

from __future__ import annotations

import dataclasses
import json
import random

import numpy as np
import pytest

import anomsdk
from anomsdk.core.downlink import LevelOrder
from anomsdk.errors import InputError
from anomsdk.receive.downlinks import decoded_downlink, encoded_downlink
from tests import scalar
from tests.support import decoders
from tests.support.c_build import compiler
from tests.support.stems import VECTORS
from tests.support.stems import downlink as stem
from tests.support.tiny_plans import give, tiny_plan, with_ladder

LEVELS, SEED = range(25), 20
TAGS = [0, 0xFFFF, 0x00FF, 0xFF00, 0xABCD, 0x2B2D, 0x3012, *(1 << bit for bit in range(16))]
TAGS += random.Random(SEED).sample(range(1, 0xFFFF), 40)
DIGITS = [tag.to_bytes(2, "little").hex() for tag in TAGS]
"""Plan tags as the first digits of a plan's id."""
ORDERS = [(level, digits) for level in LEVELS for digits in DIGITS]
DOWNLINKS = [f"{level:02x}{digits}" for level, digits in ORDERS]
LENGTHS = [(bytes([level, 0xCD, 0xAB]) * 3)[:n].hex() for n in range(9) if n != 3 for level in (0, 24, 25, 255)]
BEYOND = [f"{level:02x}{digits}" for level in range(25, 256) for digits in DIGITS[:6]]
NONE = LENGTHS + BEYOND
"""What is no downlink."""
DECODED = [scalar.decoded_downlink(bytes.fromhex(given)) for given in DOWNLINKS + NONE]

PLAN = dataclasses.replace(with_ladder(tiny_plan(), *range(50, 290, 10), day=2), folder=None)
"""A plan of 24 rungs."""


def in_python(given):
    try:
        return decoded_downlink(bytes.fromhex(given))
    except InputError as error:
        return {"error": str(error)}


def of_javascript(found):
    return {"error": found["errors"][0]} if found.get("errors") else found["data"]


def for_c(expected):
    if "error" not in expected:
        return expected
    return {"error": "length" if expected["error"].endswith("bytes, not 3") else "level"}


@pytest.fixture(scope="module", params=decoders.PROGRAMS)
def program(request, tmp_path_factory):
    """The coders in C, under the sanitizers."""
    name, *flags = request.param.split()
    checks = () if flags else ("-fsanitize=undefined", "-fno-sanitize-recover=all")
    return decoders.c_program(compiler(name), tmp_path_factory.mktemp("downlink"), "-O1", *checks, *flags)


# Decoded


def test_there_are_all_levels_and_all_ways_to_be_none():
    assert len(ORDERS) == 25 * len(set(TAGS)) == len(set(DOWNLINKS))
    taken, refused = DECODED[: len(ORDERS)], DECODED[len(ORDERS) :]
    assert taken == [{"level_tag": level, "plan_tag": digits} for level, digits in ORDERS]
    assert all("error" in each for each in refused)
    assert {each["error"] for each in refused[: len(LENGTHS)]} == {
        f"downlink: {n} bytes, not 3" for n in (0, 1, 2, 4, 5, 6, 7, 8)
    }
    assert len({each["error"] for each in refused[len(LENGTHS) :]}) == 231


def test_decoded_in_python():
    assert [in_python(each) for each in DOWNLINKS + NONE] == DECODED
    for given, (level, digits) in zip(DOWNLINKS, ORDERS, strict=True):
        order = LevelOrder.from_bytes(bytes.fromhex(given))
        assert order == LevelOrder(level, int.from_bytes(bytes.fromhex(digits), "little"))


@pytest.mark.parametrize("how", decoders.HOW)
def test_decoded_in_node(how):
    found = decoders.downlinks_in_node(DOWNLINKS + NONE, how)
    assert [of_javascript(each) for each in found] == DECODED
    assert all(list(each) == ["errors"] for each in found[len(ORDERS) :]), "no data beside an error"


def test_decoded_in_an_engine_of_es5():
    assert [of_javascript(each) for each in decoders.downlinks_in_es5(DOWNLINKS + NONE)] == DECODED


def test_decoded_in_c(program):
    lines = [f"down {each}" for each in DOWNLINKS + NONE]
    assert decoders.in_c(program, lines) == [for_c(each) for each in DECODED]


def test_the_golden_vectors_are_decoded_alike(program):
    """By each decoder; the stages of the port are given the same vectors in test_vectors.py."""
    file = json.loads((VECTORS / "downlink.json").read_text(encoding="utf-8"))
    pairs = [pair for case in file["cases"] for pair in stem.orders(case)]
    given, expected = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert sum(each is None for each in expected) > 10 < sum(each is not None for each in expected)

    def orders(found):
        return [None if "error" in each else [each["level_tag"], each["plan_tag"]] for each in found]

    assert orders(in_python(each) for each in given) == expected
    assert orders(map(of_javascript, decoders.downlinks_in_node(given))) == expected
    assert orders(map(of_javascript, decoders.downlinks_in_es5(given))) == expected
    assert orders(decoders.in_c(program, [f"down {each}" for each in given])) == expected


# Encoded


def test_encoded_in_python():
    assert [encoded_downlink(*order).hex() for order in ORDERS] == DOWNLINKS
    assert [bytes(LevelOrder(level, tag)).hex() for level in LEVELS for tag in TAGS] == DOWNLINKS
    assert [scalar.level_order(level, bytes.fromhex(digits)).hex() for level, digits in ORDERS] == DOWNLINKS
    assert encoded_downlink(np.uint8(3), "CDAB") == bytes(LevelOrder(np.int64(3), np.uint16(0xABCD)))


def inputs():
    return [{"data": {"level_tag": level, "plan_tag": digits}} for level, digits in ORDERS]


@pytest.mark.parametrize("run", [decoders.downlinks_in_node, decoders.downlinks_in_es5])
def test_encoded_in_javascript(run):
    found = run(inputs())
    assert [bytes(each["bytes"]).hex() for each in found] == DOWNLINKS
    assert all((each["fPort"], each["warnings"], each["errors"]) == (1, [], []) for each in found)
    upper = {"level_tag": 24, "plan_tag": "CDAB", "more": [1]}
    ports = run([{"data": upper, "fPort": port} for port in (1, 2, 223, 0, None)])
    assert [(each["bytes"], each["fPort"]) for each in ports] == [([24, 205, 171], n) for n in (1, 2, 223, 1, 1)]


def test_encoded_in_c(program):
    lines = [f"order {level} {int(digits, 16)}" for level, digits in ORDERS]
    assert decoders.in_c(program, lines) == [{"downlink": each} for each in DOWNLINKS]


NO_LEVELS = [-1, 25, 26, 255, 256, 257, 280, 65536, 2**31, 2**32, 2**32 + 1, 2**53, -(2**31), -(2**32) + 1]
NO_TAGS = [
    "",
    "c",
    "cd",
    "cda",
    "cdab0",
    "cdab00",
    "0xcd",
    " cdab",
    "cdab\n",
    "cdgh",
    "+123",
    "-123",
    "1e1.",
    "\u0661234",
]
ODD = [1.5, "1", True, False, None, [1], {}]


def test_python_encodes_nothing_else():
    for level in (*NO_LEVELS, *ODD, float("nan"), 3.0, np.bool_(True)):
        with pytest.raises(InputError, match=r"^downlink: `level_tag`: .* is not a whole number from 0 to 24$"):
            encoded_downlink(level, "cdab")
    for digits in (*NO_TAGS, 0xABCD, None, b"cdab", True):
        with pytest.raises(InputError, match=r"^downlink: `plan_tag`: .*no text of 4 hexadecimal digits, with which"):
            encoded_downlink(3, digits)
    for tag in (-1, 65536, 1.5, "cdab", None, True, 2**32 + 1):
        with pytest.raises(InputError, match=r"^downlink: `plan_tag`: .* is not a whole number from 0 to 65535$"):
            LevelOrder(3, tag)


@pytest.mark.parametrize("run", [decoders.downlinks_in_node, decoders.downlinks_in_es5])
def test_javascript_encodes_nothing_else(run):
    def refused(given, says):
        found = run(given)
        assert found == [{"errors": [f"downlink: {says}"]}] * len(given), "no bytes beside an error"

    levels = [{"data": {"level_tag": level, "plan_tag": "cdab"}} for level in (*NO_LEVELS, *ODD)]
    refused([*levels, {"data": {"plan_tag": "cdab"}}], "level_tag is no whole number from 0 to 24")
    tags = [{"data": {"level_tag": 3, "plan_tag": tag}} for tag in (*NO_TAGS, 0xABCD, 1234, *ODD)]
    says = "plan_tag is no text of 4 hexadecimal digits, with which the plan's id begins"
    refused([*tags, {"data": {"level_tag": 3}}], says)
    refused([{}, None, 5, {"data": None}, {"data": "03cdab"}], "data is no object with level_tag and plan_tag")
    good = {"level_tag": 3, "plan_tag": "cdab"}
    ports = [{"data": good, "fPort": port} for port in (-1, 224, 256, 1.5, "1", True)]
    refused(ports, "fPort is no whole number from 1 to 223")


def test_c_encodes_nothing_else(program):
    tags = (-1, 65536, 65537, 2**31, 2**32, 2**32 + 1, 2**63 - 1, -(2**63), -65536)
    lines = [f"order {level} 52651" for level in (*NO_LEVELS, 2**63 - 1, -(2**63))]
    assert decoders.in_c(program, lines) == [{"error": "level"}] * len(lines)
    lines = [f"order 3 {tag}" for tag in tags]
    assert decoders.in_c(program, lines) == [{"error": "plan"}] * len(lines)


def test_what_is_no_list_of_bytes_is_an_error_and_no_exception():
    taken = decoders.HOW["commonjs"].format(script=json.dumps(str(decoders.SCRIPT)))
    program = """
const inputs = [undefined, null, {}, {bytes: null}, {bytes: '03cdab'}, {bytes: [3, 205, 256]}, {bytes: [-1, 0, 0]},
  {bytes: [1.5, 0, 0]}, {bytes: ['1', 0, 0]}, {bytes: [NaN, 0, 0]}, {bytes: {length: 3}}];
console.log(JSON.stringify([inputs.map(decodeDownlink), decodeDownlink({bytes: Uint8Array.from([3, 205, 171])}),
  encodeDownlink(), encodeDownlink({data: {level_tag: NaN, plan_tag: 'cdab'}})]));
"""
    refused, typed, *nothing = decoders.by_node(taken + program)
    for each in refused + nothing:
        assert list(each) == ["errors"] and each["errors"][0].startswith("downlink: ")
    assert typed["data"] == {"level_tag": 3, "plan_tag": "cdab"}


# On a device


@pytest.fixture(params=["reference", "native"])
def engine(request):
    if request.param == "native":
        request.getfixturevalue("native")
    return request.param


def seen(pipeline, results):
    """All that a level changes: the results, the level in force, and the record."""
    return [(r.hop, r.score, [*map(bytes, r.events)]) for r in results], pipeline.level, pipeline.state()


def test_the_c_port_takes_each_level_of_its_plan_and_nothing_else(native):
    """Each downlink above, on a pipeline whose plan has the tag of it, or another one."""
    with anomsdk.Pipeline(PLAN, "native") as pipeline:
        lib, handle, c_plan = pipeline._engine._lib, pipeline._engine._pipeline, pipeline._engine._c_plan.pointer
        own = bytes(c_plan.id)[:2]
        for given, (level, digits) in zip(DOWNLINKS, ORDERS, strict=True):
            c_plan.id[0:2] = list(bytes.fromhex(digits))
            before = pipeline.level
            for other in range(16):
                tag = (int.from_bytes(bytes.fromhex(digits), "little") ^ 1 << other).to_bytes(2, "little")
                wrong = bytes([level]) + tag
                assert lib.anom_pipeline_downlink(handle, wrong, 3) == lib.ANOM_ERROR_RECORD
            assert pipeline.level == before
            assert lib.anom_pipeline_downlink(handle, bytes.fromhex(given), 3) == 1
            pipeline.process(np.zeros((0, PLAN.columns), np.int16))
            assert pipeline.level == level
        before = pipeline.state()
        for given in NONE:
            data = bytes.fromhex(given)
            c_plan.id[0:2] = list(data[1:3].ljust(2, b"\0"))
            expected = lib.ANOM_ERROR_RANGE if len(data) == 3 else lib.ANOM_ERROR_RECORD
            assert lib.anom_pipeline_downlink(handle, data, len(data)) == expected
        c_plan.id[0:2] = list(own)
        assert pipeline.state() == before and pipeline.level == LEVELS[-1]


def test_a_downlink_does_what_set_level_does(engine):
    with anomsdk.Pipeline(PLAN, engine) as ordered, anomsdk.Pipeline(PLAN, engine) as told:
        for level in (3, 0, 24, 24, *LEVELS):
            data = bytes(LevelOrder(level, PLAN.tag))
            wrapped = (data, bytearray(data), memoryview(data))[level % 3]
            assert seen(ordered, ordered.take_downlink(wrapped)) == seen(told, told.set_level(level))
            assert ordered.level == level
            for word in ("hit", "low"):
                assert seen(ordered, give(ordered, word)) == seen(told, give(told, word))


def test_what_is_refused_changes_nothing(engine):
    """In one line that says why: another plan, no such level, another length, or no bytes."""
    few = dataclasses.replace(with_ladder(tiny_plan(), 50, 100, 200, day=2), folder=None)
    own = bytes.fromhex(few.id[:4])
    tags = [(few.tag ^ 1 << bit).to_bytes(2, "little") for bit in range(16)] + [own[::-1]]
    other = "downlink: for a plan whose id begins {}, and that of this plan begins {}; take one for this plan"
    none = "downlink: the plan has no level {}; its ladder has 3 rungs, give a level tag from 0 to 3"
    with anomsdk.Pipeline(few, engine) as pipeline:
        pipeline.set_level(2)
        give(pipeline, "hit")
        before = pipeline.state(), pipeline.level
        bad = [(bytes([level]) + own, none.format(level)) for level in range(4, 256)]
        bad += [(bytes([level]) + tag, other.format(tag.hex(), own.hex())) for level in (0, 1, 3, 255) for tag in tags]
        bad += [(bytes(n), f"downlink: {n} bytes, not 3") for n in range(9) if n != 3]
        bad += [("03cdab", "`data`: str is no downlink; give its 3 bytes as they came")]
        bad += [(None, "`data`: NoneType is no downlink; give its 3 bytes as they came")]
        for data, line in bad:
            with pytest.raises(InputError) as caught:
                pipeline.take_downlink(data)
            assert str(caught.value) == f"Pipeline.take_downlink: {line}"
            assert (pipeline.state(), pipeline.level) == before
        assert pipeline.process(np.zeros((0, few.columns), np.int16)) == []


@pytest.mark.parametrize(
    "plan", [tiny_plan(), dataclasses.replace(tiny_plan(), alarm=None, health=None)], ids=["alarm", "plain"]
)
def test_a_plan_without_a_ladder_takes_no_downlink(engine, plan):
    with anomsdk.Pipeline(plan, engine) as pipeline:
        for level in (0, 1):
            with pytest.raises(InputError, match=r"the plan has no ladder section; add \[ladder\] to its spec.toml"):
                pipeline.take_downlink(bytes(LevelOrder(level, plan.tag)))
        with pytest.raises(InputError, match="for a plan whose id begins"):
            pipeline.take_downlink(bytes(LevelOrder(0, plan.tag ^ 1)))


def test_a_pipeline_that_is_closed_takes_none(engine):
    pipeline = anomsdk.Pipeline(PLAN, engine)
    pipeline.close()
    with pytest.raises(InputError, match=r"^Pipeline\.take_downlink: the pipeline is closed; open a new one$"):
        pipeline.take_downlink(bytes(LevelOrder(0, PLAN.tag)))
