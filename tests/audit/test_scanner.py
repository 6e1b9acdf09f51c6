"""The compiled scanner against a search in Python, and against itself built with sanitizers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anomsdk.audit.scan import scanner_module
from anomsdk.audit.scan.needles import Needles
from anomsdk.audit.scan.scanner_module import Scanner
from anomsdk.errors import InputError
from tests.support.make import ROOT

pytestmark = pytest.mark.skipif(scanner_module.why_missing() is not None, reason="no C compiler built the scanner")

KEY = {1: 8, 2: 4, 4: 4, 8: 4}
MOST_ALIKE = 16


def needle(data, size, minimum):
    return Needles("any", size, data, minimum, np.arange(len(data) // size, dtype=np.int32))


def good(key, size):
    """Whether a key carries evidence: see anom_scan.h."""
    elements = {key[at : at + size] for at in range(0, len(key), size)}
    return key[:8] != bytes(8) and len(elements) >= (4 if size == 1 else 3)


def by_hand(needles, memory):
    """Every run that the scanner has to find: (needle, offset, first, length)."""
    found = set()
    for index, each in enumerate(needles):
        size, data, n = each.element_bytes, each.data, each.elements
        elements = [data[at * size : (at + 1) * size] for at in range(n)]
        for offset in range(len(memory) - size + 1):
            for first in range(n):
                if memory[offset : offset + size] != elements[first]:
                    continue
                if first and offset >= size and memory[offset - size : offset] == elements[first - 1]:
                    continue  # it began before
                length = 0
                while (
                    first + length < n
                    and memory[offset + length * size : offset + (length + 1) * size] == elements[first + length]
                ):
                    length += 1
                keys = range(first, first + length - KEY[size] + 1)
                if length >= each.minimum and any(good(data[k * size : (k + KEY[size]) * size], size) for k in keys):
                    found.add((index, offset, first, length))
    return found


def by_scanner(needles, memory):
    runs = Scanner(needles).search(memory)
    found = [(int(r["needle"]), int(r["offset"]), int(r["first"]), int(r["length"])) for r in runs]
    assert len(found) == len(set(found)), "a run is reported once"
    return set(found)


@st.composite
def searches(draw):
    """Needles of few and of many values, and a memory with pieces of them at any offset."""
    needles, memory = [], bytearray()
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.sampled_from([1, 2, 4, 8]))
        n = draw(st.integers(0, MOST_ALIKE + KEY[size] - 1))  # no key is left out because there are too many
        values = draw(st.lists(st.integers(0, draw(st.sampled_from([1, 4, 255]))), min_size=n, max_size=n))
        data = b"".join(value.to_bytes(1, "little") + bytes([value // 2] * (size - 1)) for value in values)
        needles.append(needle(data, size, draw(st.integers(KEY[size], KEY[size] + 6))))
    for _ in range(draw(st.integers(0, 6))):
        data = draw(st.sampled_from(needles)).data
        start = draw(st.integers(0, len(data)))
        memory += data[start : draw(st.integers(start, len(data)))]
        memory += draw(st.binary(max_size=5)) + bytes(draw(st.integers(0, 9)))
    return needles, bytes(memory)


DISTINCT = bytes(range(1, 33))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(searches())
@example(([needle(DISTINCT, 2, 4)], b"x" + DISTINCT[4:]))
@example(([needle(DISTINCT, 1, 8), needle(DISTINCT, 8, 4)], DISTINCT))
def test_it_finds_what_a_search_by_hand_finds(search):
    needles, memory = search
    assert by_scanner(needles, memory) == by_hand(needles, memory)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("offset", range(9))
def test_a_run_is_found_at_every_offset_and_in_every_place(size, offset):
    rng = np.random.default_rng(size)
    data = rng.integers(1, 256, 300 * size, np.uint8).tobytes()
    minimum = 9
    for first in range(300 - minimum):
        piece = data[first * size : (first + minimum) * size]
        assert by_scanner([needle(data, size, minimum)], bytes(offset) + piece) == {(0, offset, first, minimum)}, first
        assert by_scanner([needle(data, size, minimum)], bytes(offset) + piece[:-size]) == set()


def test_a_run_is_found_however_many_needles_there_are():
    rng = np.random.default_rng(0)
    needles = [needle(rng.integers(0, 256, 2000 * s, np.uint8).tobytes(), s, 9) for s in (1, 2, 4, 8) * 50]
    memory = b"".join(each.data + b"\0" for each in needles)
    found = by_scanner(needles, memory)
    assert {(index, 0, 2000) for index in range(200)} == {(index, first, n) for index, _, first, n in found}


def test_a_key_that_is_everywhere_does_not_slow_a_search_down_and_is_counted():
    scanner = Scanner([needle(bytes([1, 2, 3, 4, 5, 6, 7, 8]) * 4000, 1, 8), needle(bytes(4000), 2, 8)])
    assert scanner.left_out == [32_000 - 7 - 8 * MOST_ALIKE, 2000 - 3]
    assert len(scanner.search(bytes([1, 2, 3, 4, 5, 6, 7, 8]) * 10)) > 0
    assert len(scanner.search(bytes(100_000))) == 0


def test_too_many_runs_are_refused():
    data = bytes(range(1, 11))
    with pytest.raises(InputError, match="more than a million runs"):
        Scanner([needle(data, 1, 8)]).search((data[:8] + b"\0") * 1_100_000)


def test_needles_out_of_range_are_refused():
    for size, minimum in ((3, 8), (1, 7), (8, 3)):
        with pytest.raises(InputError):
            Scanner([needle(bytes(24), size, minimum)])


BUILD = """
import sys
sys.path.insert(0, "firmware_port/scanner")
from build_scanner import builder
flags = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
print(builder("_scanner", flags).compile(tmpdir={folder!r}))
"""
USE = """
import importlib.util, sys
from importlib.machinery import ExtensionFileLoader
loader = ExtensionFileLoader("_scanner", {module!r})
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("_scanner", loader))
loader.exec_module(module)
from anomsdk.audit.scan import scanner_module
scanner_module.load_scanner = lambda: module
import numpy as np
from tests.audit.test_scanner import by_hand, by_scanner, needle
rng = np.random.default_rng(1)
for _ in range(300):
    needles = []
    for _ in range(3):
        size = int(rng.choice([1, 2, 4, 8]))
        data = rng.integers(0, int(rng.choice([3, 256])), int(rng.integers(0, 20)) * size, np.uint8).tobytes()
        needles.append(needle(data, size, 8))
    memory = b"".join(each.data[int(rng.integers(0, 9)) :] for each in needles)
    assert by_scanner(needles, memory) == by_hand(needles, memory)
"""
OVERREAD = "module.lib.anom_scan_search(scanner_module.Scanner([])._scan, module.ffi.new('uint8_t[]', 63), 72)"


def test_it_is_clean_under_sanitizers(tmp_path):
    if shutil.which("gcc") is None:
        pytest.skip("gcc, whose sanitizers are used, is not installed")
    code = BUILD.format(folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    use = USE.format(module=str(Path(done.stdout.splitlines()[-1])))
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": library.stdout.strip(),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
    }
    for script, works in ((use, True), (use + OVERREAD, False)):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=ROOT)
        assert (done.returncode == 0) == works, done.stderr[-3000:]
    assert "heap-buffer-overflow" in done.stderr
