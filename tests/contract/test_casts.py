"""No integer wraps in silence: every cast to a narrower type is checked, or has its proof here.

numpy says nothing when a cast wraps, an assignment to a narrower array neither. What goes through
`anomsdk.core.checks.checked_cast` is checked; a value that was just clipped to constants is proven where it stands.
Everything else is in `PROVEN`, with the reason.
"""

import ast
from pathlib import Path

import numpy as np
import pytest

import anomsdk
from anomsdk.core.checks import checked_cast

ROOT = Path(anomsdk.__file__).parent
WIDE = {"np.int64", "np.float64", "np.float32", "float", "bool", "np.bool_", "object", "np.uint64", "complex"}
MAKE = {"array", "asarray", "ascontiguousarray", "fromiter", "full", "zeros", "empty", "full_like", "zeros_like"}

PROVEN = {
    "evaluate/labelled_diaries.py:_rows": "filled with one value of int16; what is put in is an index below",
    "herd/days/kept_rows.py:fill_from": "filled with one value of int16, and with stored int16",
    "herd/days/kept_rows.py:_packed": "rows of int16",
    "herd/days/tables.py:_batch": "empty, and filled with counts that _counts has checked",
    "herd/days/tables.py:_counts": "refused beyond int16 just before",
    "runtime/pipeline.py:Pipeline.rows": "a row of a diary is saturated at 32767, in the core and in C",
    "sources/formats/diary/diary_slots.py:_summed": "filled with one value of int16; sums beyond it are refused",
    "synthetic/days.py:Change.put": "clipped to 0 to 32767 just before, or -32768",
    "datasets/day_exports.py:flat_counts": "filled from days and counts of 16 and 32 bits",
    "datasets/export_files.py:_whole": "CRCs of 32 bits",
    "datasets/gathered_rows.py:gathered_table": "places among at most 2**31 devices of a day",
    "datasets/gathering.py:_Run.take": "places among the groups of a day",
    "datasets/ladder_lives.py:*": "fields of exports, of the widths that these have; no sum exceeds the last tick",
    "datasets/life_journal.py:LifeJournal.before": "filled from sums of 32 bits",
    "tune/calendar_days.py:_arrays": "zeros",
    "datasets/device_scoring.py:_whole": "modulo 2**32 on purpose: hops of a pipeline count so",
    "datasets/open_row.py:log2_q8": "the log2 of a number of 32 bits in q8 is below 2**13",
    "datasets/open_row.py:OpenRow._take_void": "made of bool",
    "datasets/sums.py:DeviceSums.plus": "to 32 bits only where the largest sum is within them",
    "datasets/sums.py:_Adding.__init__": "zeros; _make_room widens the sums before they exceed 32 bits",
    "datasets/sums.py:_Adding._add": "row_checks refuse numbers beyond 32 bits",
    "demo/herd_device.py:take_level": "int16 in another byte order",
    "demo/herd_motion.py:joined": "int16 to int32 is wider; filled from int16, and from means of two of them",
    "herd/partitions.py:PartFile.check_score_id": "text",
    "herd/day_counts.py:*": "int64 or float64, as the counts of the class are",
    "sources/formats/motion/motion_rows.py:_clipped": "filled from what its limits clip to int16",
    "cport/structs.py:_layer": "modulo 2**32 on purpose: the C port adds the bias modulo 2**32, too",
    "cport/structs.py:_native": "the same type in another byte order",
    "cport/structs.py:_pairs": "int16 to int32 is wider",
    "cport/structs.py:weight_blocks": "filled from int8",
    "core/checks.py:checked_cast": "the check itself",
    "core/days.py:Days.save": "levels, spreads, totals and figures lie within int16, as docs/spec.md has it; counts of 14",
    "core/framer.py:Framer.__init__": "filled from blocks that are int16 already",
    "core/plan.py:EdgePlan.scale": "its check, and the planner that reads it from a float32, keep it within 32 bits",
    "core/plan.py:canonical_tree": "the same type in another byte order",
    "runtime/engines/chain.py:ChainEngine._process": "the affine maps of the features and the context clamp inputs to int8",
    "runtime/engines/chain.py:ChainEngine.reconstruct": "the last layer clips to its range, which its check keeps within int8",
    "runtime/engines/native.py:*": "buffers that only C writes, of the types that it writes",
    "runtime/engines/tflite.py:InterpreterModel.__init__": "filled from what _encode made, of the type of the model's edge",
    "runtime/engines/tflite.py:_prove": "constants of probe.py, which are int8",
    "receive/news.py:decoded": "made of bytes, and masked to the width of their field",
    "receive/news.py:decoded_of_both_forms": "filled from what decoded gives",
    "receive/receiver.py:Receiver._registered": "filled with numbers of 16 bits above checks of 16 bits",
    "receive/rounds.py:_fates": "numbers of 16 bits, shifted left by 16",
    "receive/rounds.py:_round": "numbers of 16 bits, shifted left by 16",
    "receive/rows.py:*": "conditions and health bits, which have 16 and 8 bits; a row of zeros",
    "sources/formats/arrays/npy.py:StoredArray._open_run": "bytes",
    "sources/formats/arrays/npy.py:StoredArray._values": "filled from bytes of this very type",
    "sources/formats/arrays/npy.py:StoredArray.read": "int16 of any byte order to int16, or to float64",
    "sources/formats/arrays/int16_csv.py:_blocks": "_integers gives none that is no int16",
    "sources/formats/timing/iso_dates.py:fixed_dates": "characters less 48 wrap on purpose: what is above 9 then is refused in the next line",
    "sources/formats/timing/iso_dates.py:fixed_dates.two": "both are digits, 0 to 9",
    "sources/formats/tables/delimited_text.py:pieces_of": "filled from bytes",
    "sources/formats/tables/numbers.py:Marks._alike": "characters less 48 wrap on purpose: what is above 9 then is no digit",
    "sources/formats/tables/numbers.py:_read": "filled from bytes",
    "sources/formats/standard_input.py:_blocks": "int16 little-endian to int16",
    "sources/formats/sound/wav.py:_decoded": "bytes of 24 bits, and int16 of any byte order to int16",
    "sources/formats/sound/wav.py:frames_of": "filled from bytes",
    "runtime/golden.py:golden_stream": "_value shifts and masks to 16 bits",
    "mcu/stages.py:_Device._hop": "int16 shifted right",
    "mcu/stages.py:_noise": "masked to 16 bits",
    "plans/tflite/container.py:Container.buffer": "bytes",
    "plans/tflite/layers.py:LayerReader.constant": "the same type in another byte order",
    "plans/tflite/layers.py:LayerReader.layer": "zeros, where there is no bias",
    "plans/tflite/writer.py:_narrow": "floats only",
    "plans/tflite/writer.py:_Writer.bias": "int32, refused by _check_layer if not, in another byte order",
    "audit/emulator/device.py:Device.block": "int16 in another byte order",
    "audit/emulator/twins.py:Twins._compare_samples": "int16 in another byte order",
    "audit/firmware/dump.py:_window": "int16 in another byte order",
    "audit/seal/checks.py:_same_alerts": "int16 in another byte order",
    "audit/retention/expectation.py:*": "filled from int16 samples, features clamped to int8 and counts of 16 bits",
    "audit/retention/image.py:_signal": "clipped to int16 in the line before",
    "audit/canary/programs/moments.py:part_of": "zeros, into which int16 are read",
    "audit/canary/recordings.py:_wav.write": "int16 in another byte order",
    "audit/canary/recordings.py:_padded": "int16 to int32 is wider",
    "audit/canary/recordings.py:module": "int16 to int32 is wider; 4 times at most 8000 is an int16",
    "audit/scan/layouts.py:window_by_window": "the caller names dtypes that hold the values of its stage",
    "audit/scan/rows.py:row": "indices of samples, of which a needle has fewer than 2**31",
    "audit/scan/sample_forms.py:_altered": "floats, searched for as they are rounded",
    "audit/scan/sample_forms.py:_numbers": "int16 to int32 is wider",
    "audit/scan/scanner.py:_piece": "places within a needle, which has fewer than 2**31 elements",
    "audit/scan/signals.py:canary": "at most 8000 in magnitude",
    "audit/scan/sound_stages.py:_pairs": "mantissas below 2**31, exponents of at most 127",
    "runtime/memory.py:private_block": "zeros",
    "audit/streams.py:*": "drawn or chosen from the ends of int16 and int8 in the same line",
}
"""File and function of a cast that is not checked, and why it holds. ``*``: anywhere in the file."""


def _dtype(node):
    """The dtype of a cast as it is written."""
    return ast.unparse(node).strip("'\"")


def _is_narrow(text):
    return text not in WIDE and not text.startswith(("datetime64", "<f", "<i8", "<u8"))


def casts(tree):
    """(function, line, cast) of each unchecked cast in a module."""

    def walk(node, where):
        for child in ast.iter_child_nodes(node):
            inside = where
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inside = f"{where}.{child.name}".lstrip(".")
            if isinstance(child, ast.Call) and (found := unchecked(child)):
                yield where or "module", child.lineno, found
            yield from walk(child, inside)

    yield from walk(tree, "")


def unchecked(call):
    """The words of a call that may wrap, None for any other."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    keyword = next((k.value for k in call.keywords if k.arg == "dtype"), None)
    if name == "astype":
        dtype = call.args[0] if call.args else keyword
        if dtype is not None and _is_narrow(_dtype(dtype)) and not _is_clipped(call.func.value):
            return ast.unparse(call)
    of_numpy = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "np"
    if of_numpy and name in MAKE:
        place = 2 if name.startswith("full") else 1
        dtype = keyword if keyword is not None else call.args[place] if len(call.args) > place else None
        if dtype is None or not _is_narrow(_dtype(dtype)) or _is_empty(call.args[0]):
            return None
        return ast.unparse(call)
    if of_numpy and name in ("int8", "int16", "int32", "uint8", "uint16", "uint32"):
        return ast.unparse(call)
    return None


def _is_clipped(node):
    """Just clipped to two constants, NaN excluded by rounding integers or by the reader."""
    while isinstance(node, ast.Attribute):  # .T
        node = node.value
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "np.clip"


def _is_empty(node):
    first = node.elts[0] if isinstance(node, ast.Tuple) and node.elts else node
    return isinstance(first, ast.Constant) and first.value == 0


def found_in(path):
    name = path.relative_to(ROOT).as_posix()
    for where, line, cast in casts(ast.parse(path.read_text(encoding="utf-8"))):
        yield name, where, line, cast


def test_every_cast_to_a_narrower_integer_is_checked_or_has_its_proof():
    used, bare = set(), []
    for path in sorted(ROOT.rglob("*.py")):
        for name, where, line, cast in found_in(path):
            keys = {f"{name}:{where}", f"{name}:*"} & set(PROVEN)
            used |= keys
            if not keys:
                bare.append(f"anomsdk/{name}:{line} in {where}: {cast}")
    assert not bare, "use anomsdk.core.checks.checked_cast, or say in PROVEN why it holds:\n" + "\n".join(bare)
    assert used == set(PROVEN), f"proofs of what is no longer there: {set(PROVEN) - used}"


@pytest.mark.parametrize(
    ("code", "n"),
    [
        ("x.astype(np.int8)", 1),
        ("x.astype('<i4')", 1),
        ("x.astype(dtype=np.uint16)", 1),
        ("x.astype(some.dtype)", 1),
        ("np.array(values, np.int32)", 1),
        ("np.asarray(values, dtype='u1')", 1),
        ("np.zeros(n, np.int8)", 1),
        ("np.full(n, 70000, np.int16)", 1),
        ("np.int16(70000)", 1),
        ("np.clip(x, -128, 127).astype(np.int8)", 0),
        ("np.clip(x, -128, 127).T.astype(np.int8)", 0),
        ("np.rint(np.clip(x, -128, 127)).astype(np.int8)", 1),
        ("np.zeros((0, n), np.int8)", 0),
        ("x.astype(np.int64)", 0),
        ("np.array(values, np.float64)", 0),
    ],
)
def test_the_walk_sees_what_may_wrap(code, n):
    assert len(list(casts(ast.parse(code)))) == n


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", "u2", "<i4", "u4"])
def test_a_checked_cast_holds_what_the_type_holds_and_no_more(dtype):
    limits = np.iinfo(dtype)
    ends = [limits.min, 0, limits.max]
    for values in (ends, np.array(ends, np.int64), np.array(ends, np.float64), tuple(ends)):
        found = checked_cast(values, dtype, "table")
        assert found.dtype == np.dtype(dtype) and found.tolist() == ends
    for beyond in (limits.min - 1, limits.max + 1, 2**31, 2**63, 10**30, -(10**30), float("inf"), float("nan")):
        if limits.min <= beyond <= limits.max:
            continue
        with pytest.raises(anomsdk.InputError, match=r"^table: "):
            checked_cast([0, beyond], dtype, "table")
        if -(2**63) <= beyond < 2**63 or isinstance(beyond, float):
            with pytest.raises(anomsdk.InputError, match=r"^table: "):
                checked_cast(np.array([0, beyond]), dtype, "table")
    with pytest.raises(anomsdk.InputError, match="no whole numbers"):
        checked_cast(np.array([0.5]), dtype, "table")
    assert checked_cast([], dtype, "table").shape == (0,)
