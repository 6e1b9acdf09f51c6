"""Plan files: only canonical bytes are accepted, and every damage is one clear line."""

import dataclasses
import hashlib
import json
import os
import random
import re
import time

import pytest

import anomsdk
from anomsdk.core.plan import canonical_json
from anomsdk.plans.file import MAX_DEPTH, parse_plan
from tests.support.make import SPECS, make_folder


def refuse(data, words=None, name="plan.json"):
    with pytest.raises(anomsdk.InputError, match=words) as caught:
        parse_plan(data, name=name)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(name) and len(message) < 400
    assert re.search(
        "plan again$|give a plan.json$|write it again with: |run: git lfs pull$|is this a plan.json", message
    )
    return message


def resealed(plan, change):
    """The plan's tree after a change, with a hash that fits: what a tool that knows the format could write."""
    tree = json.loads(plan.canonical_bytes)
    change(tree)
    del tree["sha256"]
    tree["sha256"] = hashlib.sha256(canonical_json(tree)).hexdigest()
    return canonical_json(tree)


@pytest.mark.parametrize("kind", SPECS)
def test_round_trip(plans, kind, tmp_path):
    plan = plans[kind]
    anomsdk.write_plan(plan, tmp_path / "p.json")
    for path in (tmp_path / "p.json", str(tmp_path / "p.json")):
        again = anomsdk.read_plan(path)
        assert again == plan and hash(again) == hash(plan) and again.id == plan.id and again.score_id == plan.score_id
    assert (tmp_path / "p.json").read_bytes() == plan.canonical_bytes
    assert [p.name for p in tmp_path.iterdir()] == ["p.json"]


def test_every_flipped_bit_is_noticed(plans):
    data = bytearray(plans["external"].canonical_bytes)
    picks = (
        random.Random(0).sample(range(8 * len(data)), 3000)
        + list(range(8 * 40))
        + list(range(8 * (len(data) - 90), 8 * len(data)))
    )
    for bit in picks:
        data[bit // 8] ^= 1 << bit % 8
        refuse(bytes(data))
        data[bit // 8] ^= 1 << bit % 8


def test_every_truncation_and_extension_is_noticed(plans):
    data = plans["external"].canonical_bytes
    for length in [0, 1, 2, *range(3, len(data), 97), len(data) - 1]:
        refuse(data[:length])
    for more in (b"\n", b" ", b"{}", data):
        refuse(data + more)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not ASCII"),
        (b"[]", "not a plan"),
        (b"{}", "not a plan"),
        (b'{"format":1,"format":1}', "key 'format' stands there twice"),
        (b'{"format":1' + b"0" * 4000 + b',"sha256":""}', "digits"),
        (b'{"format":1e999,"sha256":""}', "no integer"),
        (b'{"format":NaN,"sha256":""}', "no integer"),
        (b'{"format":1.0,"sha256":""}', "no integer"),
        (b"[" * 9_000, f"deeper than {MAX_DEPTH}"),
        (b"[" * 100_000, "objects and keys"),
        (b'{"a":' * 1_000, f"deeper than {MAX_DEPTH}"),
        (b'{"format":2,"sha256":""}', "format 2 is unknown"),
        (b'{"format":true,"sha256":""}', "format True is unknown"),
        (b'{"format":1,"sha256":"00"}', "does not match its sha256"),
        (b'{"format":1,"sha256":7}', "does not match its sha256"),
    ],
)
def test_what_is_no_plan(data, words):
    refuse(data, words)


def on(**change):
    """A baseline at its limits, and what is changed of it."""
    most = {"start": 2**32 - 1, "rise_q16": 65536, "fall_q16": 1, "limit_q16": 2**48, "hold": 2**31 - 1}
    return most | {"reference_score": 2**32 - 1} | change


def test_same_content_in_other_bytes_is_refused(plans):
    tree = json.loads(plans["bands"].canonical_bytes)
    refuse(json.dumps(tree, indent=1, sort_keys=True).encode(), "not in canonical form")
    refuse(plans["bands"].canonical_bytes.replace(b",", b", ", 1), "not in canonical form")
    refuse(plans["bands"].canonical_bytes[:-1], "not in canonical form")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.update(extra=1), "unknown key 'extra'"),
        (lambda t: t.pop("alert", t.pop("timing")), "key 'timing' is missing"),
        (lambda t: t["timing"].update(m="3"), "plan.timing.m: is a string, must be an integer"),
        (lambda t: t["timing"].update(m=True), "plan.timing.m: is true or false"),
        (lambda t: t["timing"].update(m=9), "alert: m of n is 9 of 5"),
        (lambda t: t["framer"].update(hop=0), "framer: hop is 0"),
        (lambda t: t["framer"].update(window=256), "but extractor bands takes 512"),
        (lambda t: t["levels"].update(raise_score=2**32), "raise_score"),
        (lambda t: t["levels"].update(clear_score=2**31), "do not follow"),
        (lambda t: t.pop("baseline"), "key 'baseline' is missing"),
        (lambda t: t["baseline"].update(start=1), "must be 0 where the rates are 0"),
        (lambda t: t["baseline"].update(hold=1), "must be 0 where the rates are 0"),
        (lambda t: t["baseline"].update(limit_q16=1), "must be 0 where the rates are 0"),
        (lambda t: t["baseline"].update(rise_q16=1, limit_q16=1), "both or neither must be 0"),
        (lambda t: t["baseline"].update(fall_q16=1, limit_q16=1), "both or neither must be 0"),
        (lambda t: t["baseline"].update(on(rise_q16=-1)), "baseline: rise_q16 is -1"),
        (lambda t: t["baseline"].update(on(rise_q16=65537)), "baseline: rise_q16 is 65537"),
        (lambda t: t["baseline"].update(on(fall_q16=65537)), "baseline: fall_q16 is 65537"),
        (lambda t: t["baseline"].update(on(limit_q16=0)), "baseline: limit_q16 is 0"),
        (lambda t: t["baseline"].update(on(limit_q16=2**48 + 1)), "baseline: limit_q16 is 281474976710657"),
        (lambda t: t["baseline"].update(on(limit_q16=10**15)), "a number of 16 digits"),
        (lambda t: t["baseline"].update(on(hold=2**31)), "baseline: hold is 2147483648"),
        (lambda t: t["baseline"].update(on(start=2**32)), "baseline: start is 4294967296"),
        (lambda t: t["baseline"].update(on(start=-1)), "baseline: start is -1"),
        (lambda t: t["baseline"].update(on(reference_score=0)), "baseline: reference_score is 0, not 1 to"),
        (lambda t: t["baseline"].update(on(reference_score=2**32)), "baseline: reference_score is 4294967296"),
        (lambda t: t["baseline"].update(on(reference_score=None)), "reference_score: is null, must be an integer"),
        (lambda t: (t["baseline"].update(on()), t["baseline"].pop("reference_score")), "reference_score is missing"),
        (lambda t: t["baseline"].update(reference_score=1), "only days have a reference_score where the rates are 0"),
        (lambda t: t["extractor"].update(kind="sonar"), "plan.extractor: kind must be one of"),
        (lambda t: t["extractor"]["fft"]["cos_q15"].update(dtype="<i4"), "dtype must be <i2"),
        (lambda t: t["extractor"]["fft"]["cos_q15"].update(shape=[1 << 20]), "shape must be"),
        (lambda t: t["extractor"]["fft"]["cos_q15"].update(shape=[3]), "do not fit shape"),
        (lambda t: t["extractor"]["fft"]["cos_q15"].update(data="*"), "not base64"),
        (lambda t: t["extractor"]["fft"].update(cos_q15=[1, 2]), "must be an array"),
        (lambda t: t["context"].update(statistics=["mode"]), "statistic 'mode' is unknown"),
        (lambda t: t["context"].update(statistics=["\x1b[31m"]), r"statistic '\?\[31m' is unknown"),
        (lambda t: t["context"].update(statistics=["m" * 499]), r"statistic 'm{37}\.\.\.' is unknown"),
        (lambda t: t["context"].update(frames=10**6), "context: 1000000 frames"),
        (lambda t: t["layers"].clear(), "autoencoder: 0 layers"),
        (lambda t: t["layers"].pop(), "outputs for"),
        (lambda t: t["layers"][0].update(act_low=-129), "not in int8"),
        (lambda t: t.update(name=""), "name is not"),
        (lambda t: t["extractor"].update(headroom=-1), "headroom is -1"),
        (lambda t: t["extractor"].update(headroom=99999999), "headroom is 99999999"),
        (lambda t: t["extractor"].update(headroom=3), "headroom 3 for 16 bands"),
        (lambda t: t["model"].update(sha256="x"), "sha256 is not 64 hex"),
        (lambda t: t["sensor"].update(kind="external"), "needs an audio sensor"),
        (lambda t: t["provenance"].update(x=5), "must be a string"),
    ],
)
def test_a_resealed_plan_is_still_proven(plans, change, words):
    refuse(resealed(plans["bands"], change), words)


def test_bounds_are_proven_per_stage_and_refused_by_name(plans):
    import base64

    import numpy as np

    def all_ones(array, value, dtype):
        array["data"] = base64.b64encode(np.full(array["shape"], value, dtype).tobytes()).decode()

    refuse(
        resealed(plans["bands"], lambda t: all_ones(t["layers"][0]["bias"], 2**31 - 1, "<i4")),
        "autoencoder: layer 0: the accumulator of output 3 can reach",
    )
    refuse(
        resealed(plans["bands"], lambda t: all_ones(t["extractor"]["normalisation"]["gain"], 2**31 - 1, "<i4")),
        "bands: normalisation: the product of feature",
    )
    refuse(
        resealed(plans["bands"], lambda t: t["extractor"]["filterbank"].update(value_bits=14)), "filterbank: a segment"
    )
    refuse(
        resealed(
            plans["bands"], lambda t: all_ones(t["score"]["weights"], 255, "u1") or t["score"].update(input_gain=65536)
        ),
        "score: ",
    )


@pytest.mark.parametrize(
    ("provenance", "words"),
    [
        ({"note": "[["}, "holds brackets"),
        ({"note": "a\nb"}, "not printable ASCII"),
        ({"note": "x" * 501}, "longer than"),
        ({"k" * 65: "x"}, "longer than"),
        ({str(i): "" for i in range(65)}, "65 entries"),
    ],
)
def test_provenance_that_cannot_be_read_back_is_refused(plans, provenance, words):
    plan = dataclasses.replace(plans["external"], provenance=provenance)
    with pytest.raises(anomsdk.InputError, match=words):
        plan.check()
    with pytest.raises(anomsdk.InputError):
        parse_plan(plan.canonical_bytes, name="p")


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":"' + b'\\"' * 4_000_000,
        b"{" + b",".join(b'"%d":0' % i for i in range(500_000)) + b"}",
        b"[" + b"{}," * 3_000_000,
    ],
    ids=["escapes", "keys", "objects"],
)
def test_hostile_files_are_refused_in_little_time(data):
    before = time.process_time()
    refuse(data)
    assert time.process_time() - before < 2


def test_a_pipe_is_no_plan(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(anomsdk.InputError, match="not a regular file"):
        anomsdk.read_plan(tmp_path / "fifo")


def test_missing_files_and_folders(tmp_path):
    for path in (tmp_path / "no.json", tmp_path, "", "\0"):
        with pytest.raises(anomsdk.InputError, match=r"cannot be read: .*; check the path$"):
            anomsdk.read_plan(path)


def test_a_failed_write_leaves_the_old_file(plans, tmp_path, monkeypatch):
    path = tmp_path / "plan.json"
    anomsdk.write_plan(plans["external"], path)
    monkeypatch.setattr("os.fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(anomsdk.InputError, match="No space left"):
        anomsdk.write_plan(plans["bands"], path)
    assert anomsdk.read_plan(path) == plans["external"]
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


def test_ids_cover_what_they_say(tmp_path):
    base = anomsdk.plan(make_folder(tmp_path / "a", SPECS["bands"]))

    def changed(text, **more):
        return anomsdk.plan(make_folder(tmp_path / "b", text, **more))

    renamed = changed(SPECS["bands"].replace('name = "room"', 'name = "other"'))
    assert (renamed.id, renamed.score_id) == (base.id, base.score_id) and renamed != base
    louder = changed(SPECS["bands"].replace("[alert]", "[alert]\nraise_score = 77"))
    assert louder.id != base.id and louder.score_id == base.score_id
    slower = changed(SPECS["bands"].replace("off_delay_s = 0.5", "off_delay_s = 9"))
    assert slower.score_id != base.score_id
    assert changed(SPECS["bands"], seed=1).score_id != base.score_id
