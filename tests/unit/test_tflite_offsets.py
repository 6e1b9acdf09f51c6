"""Offsets of .tflite files: each is checked, in what the reader reads and in what it does not."""

import inspect
import re
import time

import numpy as np
import pytest

from anomsdk.errors import InputError
from anomsdk.plans.tflite.offsets import MAX_PARTS, TABLES, UNIONS, OutsideError, check_offsets
from anomsdk.plans.tflite.reader import parse_tflite
from tests.support.graphs import Graph
from tests.support.model_mutants import N, _places, originals

NUMBERS = {"Int8": 1, "Uint8": 1, "Bool": 1, "Int32": 4, "Uint32": 4, "Uint64": 8}


def whole():
    """With metadata and signatures, which the reader never reads."""
    return Graph(extras=True).dense().build()


@pytest.mark.parametrize("name", [name for name in TABLES if name != "Other"])
def test_the_schema_is_that_of_the_package(name):
    """Slot by slot: the name, whether it is an offset, and the bytes of an item."""
    import tflite

    source = inspect.getsource(inspect.getmodule(getattr(tflite, name)))
    slots = re.findall(rf"def {name}Add(\w+)\(.*?Prepend(\w+?)(?:Relative)?Slot\((\d+)", source, re.S)
    items = dict(re.findall(rf"def {name}Start(\w+)Vector\(.*?StartVector\((\d)", source, re.S))
    assert len(slots) == len(TABLES[name]) - any(field == "deprecated_tag" for field, _ in TABLES[name])
    for field, kind, slot in slots:
        ours, what = TABLES[name][int(slot)]
        assert ours.replace("_", "") == field.lower()
        if kind in NUMBERS:
            assert what == str(NUMBERS[kind])
        elif field in items:
            inner = what.strip("[]")
            assert what.startswith("[") and items[field] == (inner if inner.isdecimal() else "4")
        else:
            assert what == "string" or what in TABLES or what in UNIONS


@pytest.mark.parametrize("union", ["BuiltinOptions", "QuantizationDetails", "SparseIndexVector"])
def test_the_unions_are_those_of_the_package(union):
    import tflite

    assert UNIONS[union].items() <= {number: name for name, number in vars(getattr(tflite, union)).items()}.items() or {
        getattr(getattr(tflite, union), name) for name in UNIONS[union].values()
    } == set(UNIONS[union])


def test_whole_files_pass():
    for data in (whole(), *originals()):
        check_offsets(data)


def references(data):
    """Positions of offsets to tables, vectors and strings, and of their lengths."""
    return [at for at, n_bytes in _places(data) if n_bytes == 4 and int.from_bytes(data[at : at + 4], "little") >= 4]


@pytest.mark.parametrize("word", [0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_no_reference_may_point_outside(word):
    """Also those of tables that the reader never reads: nothing of a message is of the file."""
    data, refused = whole(), set()
    for at in references(data):
        changed = data[:at] + word.to_bytes(4, "little") + data[at + 4 :]
        try:
            check_offsets(changed)
        except OutsideError as error:
            refused.add(str(error).split()[0])
            with pytest.raises(InputError, match=r"^m: the file is damaged \(.* copy it again$"):
                parse_tflite(changed, name="m")
    unread = {"Model.metadata", "Model.signature_defs", "Model.description", "Model.metadata_buffer", "Metadata.name"}
    unread |= {"SignatureDef.inputs", "SignatureDef.outputs", "SignatureDef.signature_key", "TensorMap.name"}
    assert unread <= refused


@pytest.mark.parametrize("end", range(8, 400, 7))
def test_what_is_cut_off_is_refused(end):
    with pytest.raises(OutsideError):
        check_offsets(whole()[:-end])


def test_a_text_ends_where_it_says():
    data = whole()
    at = data.index(b"text 0\0")
    with pytest.raises(OutsideError, match="does not end"):
        check_offsets(data[: at + 6] + b"x" + data[at + 7 :])


def test_one_place_referred_to_again_and_again_costs_little():
    """Signatures that share one vector of maps, which all are one map: 4096 times 4096 in 100 kB."""
    import flatbuffers
    import tflite

    b = flatbuffers.Builder(1 << 17)
    text = b.CreateString("x")
    tflite.TensorMapStart(b)
    tflite.TensorMapAddName(b, text)
    one = tflite.TensorMapEnd(b)

    def vector(items):
        b.StartVector(4, len(items), 4)
        for item in items:
            b.PrependUOffsetTRelative(item)
        return b.EndVector()

    maps = vector([one] * 4096)
    signatures = []
    for _ in range(4096):
        tflite.SignatureDefStart(b)
        tflite.SignatureDefAddInputs(b, maps)
        signatures.append(tflite.SignatureDefEnd(b))
    all_of_them = vector(signatures)
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddSignatureDefs(b, all_of_them)
    b.Finish(tflite.ModelEnd(b), file_identifier=b"TFL3")
    start = time.process_time()
    with pytest.raises(OutsideError, match=f"one of more than {MAX_PARTS} parts"):
        check_offsets(bytes(b.Output()))
    assert time.process_time() - start < 2.0


def test_noise_is_refused():
    rng = np.random.default_rng(0)
    for _ in range(500):
        with pytest.raises(OutsideError):
            check_offsets(rng.bytes(int(rng.integers(0, 200))))
    assert N > 0
