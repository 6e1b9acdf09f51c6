"""A search of processes and core files: forms, controls and the rule, and what a watching process holds."""

import dataclasses
import json
import mmap
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

import anomsdk
from anomsdk.audit.scan import core_files, process, scanner
from anomsdk.audit.scan.core_files import allow_core_file, core_file_of, why_no_core_files
from anomsdk.audit.scan.needles import needles_of
from anomsdk.audit.scan.process import Memory, Region, at_rest
from anomsdk.audit.scan.scanner import scan, scan_many
from anomsdk.audit.scan.scanner_module import why_missing
from anomsdk.audit.scan.signals import canary
from anomsdk.core.framer import Framer
from anomsdk.errors import InputError
from anomsdk.runtime.engines.native import CPlan
from anomsdk.runtime.native_module import load_native
from tests.support.make import SPECS, make_plan

pytestmark = pytest.mark.skipif(why_missing() is not None, reason="no C compiler built the scanner")

PLAN = "audio_scene"
N = 8000
LONG = {1: 32_000, 3: 4000, 6: 4000}
"""Columns -> samples that are enough for many inputs of the model."""


@pytest.fixture(scope="module")
def plan():
    return anomsdk.reference_model(PLAN)


@pytest.fixture(scope="module", params=SPECS)
def any_kind(request, tmp_path_factory):
    """A plan of each kind of extractor."""
    return make_plan(tmp_path_factory.mktemp("plans"), request.param)


HOLDING = """
import mmap, os, signal, sys
kept = mmap.mmap(-1, 1 << 24)
kept = mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
at = 0
while n := os.readv(0, [memoryview(kept)[at:]]):  # no copy of it is anywhere else
    at += n
for at in map(int, sys.argv[2:]):
    kept.madvise(mmap.MADV_DONTDUMP, at, mmap.PAGESIZE)  # a mapping of its own in /proc/PID/maps
os.kill(os.getpid(), signal.SIGSTOP)
print(int.from_bytes(kept[:].__hash__().to_bytes(8, "little", signed=True), "little"))
"""


class Holding:
    """A child that holds bytes and has stopped."""

    def __init__(self, data, *split, code=HOLDING):
        self.data = data + bytes(-len(data) % 4096)
        line = [sys.executable, "-c", code, str(len(self.data)), *map(str, split)]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        self.child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def __enter__(self):
        self.child.stdin.write(self.data)
        self.child.stdin.close()
        process.wait_until_stopped(self.child.pid, 30)
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()

    @property
    def memory(self):
        return Memory.of(self.child.pid)


# --- forms


def test_every_form_is_found_whole_at_an_odd_address_and_of_another_signal_nothing(any_kind):
    """What is planted here lies there at once: a piece of every form, one after the other."""
    heard = canary(any_kind, 1, LONG[any_kind.columns])
    needles = [needle for needle in needles_of(any_kind, heard) if needle.is_searched]
    memory = Memory((Region("anonymous", 0, b"\1" + b"".join(n.data + bytes(24 + n.element_bytes) for n in needles)),))
    scanned, other = scan_many(memory, any_kind, [heard, canary(any_kind, 2, len(heard))], 5)
    assert set(scanned.found) == {needle.form for needle in needles} == set(scanned.rule)
    assert scanned.planted_found and not scanned.missing
    for needle in needles:
        hits = scanned.found[needle.form]
        assert (hits.first, hits.last) == (needle.origin.min(), needle.origin.max()), needle.form
        assert hits.longest == needle.elements or scanned.left_out[needle.form] or "left" in needle.form, needle.form
    assert other.found == {}


FORMS = {
    "logmel": {"shifted int32", "windowed int32", "spectrum int32", "energies int64", "outputs int8"},
    "bands": {
        "shifted int16",
        "spectrum int64 in batches",
        "sums of energies int64",
        "statistics int32",
        "inputs int8",
    },
    "motion": {"magnitude int64", "without gravity int64", "folded int16", "levels int32", "int16 of one column"},
    "external": {"int16", "levels int32", "features int8", "outputs int8"},
    "days": {"int16 of one column", "levels int32", "features int8", "outputs int8"},
}


ALTERED = {
    "float16": lambda x: x.astype(np.float16),
    "float16 of full scale 1": lambda x: (x / 32768).astype(np.float16),
    "int16, last sample first": lambda x: x[::-1],
    "int16, negative": np.negative,
    "int16, every second sample": lambda x: x[1::2],
    "int16, differences": lambda x: x[1:] - x[:-1],
    "text, numbers between commas and blanks": lambda x: json.dumps(x.tolist()).encode(),
    "text, numbers between blanks": lambda x: " ".join(map(str, x.tolist())).encode(),
}


@pytest.mark.parametrize("form", ALTERED)
def test_an_altered_copy_is_found(plan, form):
    heard = canary(plan, 1, N)
    copy = ALTERED[form](heard[1000:1100])
    data = copy if isinstance(copy, bytes) else copy.tobytes()
    scanned = scan(Memory((Region("anonymous", 0, bytes(101) + data + bytes(50)),)), plan, heard, 5)
    assert list(scanned.found) == [form]
    assert scanned.found[form].first in (1000, 1001) and scanned.found[form].last in (1098, 1099)


def test_the_forms_of_a_kind(any_kind):
    forms = {needle.form for needle in needles_of(any_kind, canary(any_kind, 1, 8000)) if needle.is_searched}
    sizes = ("int16", "int16 in the other byte order", "int32", "int64", "float32", "float64")
    assert forms >= {*sizes, "float32 of full scale 1", "float64 of full scale 1", "int32 << 1", "int32 << 16"}
    assert forms >= FORMS[any_kind.extractor.kind] | {"levels int64", "features int8", "features int64"}


def test_values_of_stages_are_those_of_c(plan):
    """Spectra and energies of the C port on this machine, bytes as they lie in its scratch."""
    m, heard = load_native(), canary(plan, 1, N)
    c_plan = CPlan(plan, m)
    tables = m.ffi.cast("anom_bands_plan *", c_plan.pointer.extractor.tables)
    n = plan.framer.window
    by_form = {needle.form: needle for needle in needles_of(plan, heard)}
    spectrum, energies = m.ffi.new("anom_complex[]", n // 2 + 1), m.ffi.new("anom_energy[]", 512)
    spectra, bands = b"", b""
    windows = [frame for _, frames in Framer(plan.framer, 1).push(heard[:, None]) for frame in frames.copy()]
    for window in windows:
        frame = m.ffi.new("int16_t[]", window[:, 0].tolist())
        bits = m.lib.anom_fft_run(m.ffi.addressof(tables.fft), frame, spectrum)
        m.lib.anom_filterbank_run(m.ffi.addressof(tables.filterbank), spectrum, bits, energies)
        spectra += bytes(m.ffi.buffer(spectrum))
        bands += bytes(m.ffi.buffer(energies, 8 * tables.filterbank.n_bands))
    assert by_form["spectrum int32"].data == spectra
    assert by_form["energies, mantissa and exponent uint64"].data == bands


# --- the rule and the controls


def test_the_rule_is_longer_than_what_the_other_signal_reaches(plan):
    heard, negative = canary(plan, 7, N), canary(plan, 7 + 1_000_000, N)
    data = b"".join(x.tobytes() + bytes(9) for x in (negative[100:130], heard[:30], heard[500:531]))
    scanned = scan(Memory((Region("anonymous", 0, data + bytes(1 << 16)),)), plan, heard, 7)
    assert scanned.negative == {"int16": 30} and scanned.rule["int16"] == 31 and scanned.rule["int32"] == 8
    assert scanned.found["int16"].count == 31 and scanned.found["int16"].first == 500, "30 in a row may be chance"
    assert scanned.planted["int16"] >= 31 and scanned.planted_found


def test_a_run_shorter_than_the_minimum_is_chance(plan):
    heard = canary(plan, 7, N)
    for length, found in ((7, set()), (8, {"int16"})):
        data = bytes(3) + heard[100 : 100 + length].tobytes() + bytes(1 << 16)
        assert set(scan(Memory((Region("anonymous", 0, data),)), plan, heard).found) == found


def test_a_control_that_is_not_found_is_missing(plan, monkeypatch):
    heard = canary(plan, 1, N)
    nowhere = scan(Memory((Region("anonymous", 0, bytes(9999), writable=False),)), plan, heard)
    assert not nowhere.planted_found and set(nowhere.missing) == set(nowhere.rule)
    real = scanner._as_read

    def blind(memory, place, laid):
        return dataclasses.replace(real(memory, place, laid), data=bytes(len(laid)))

    monkeypatch.setattr(scanner, "_as_read", blind)
    with Holding(heard.tobytes()) as held:
        scanned = scan(held.memory, plan, heard)
    assert not scanned.planted_found and set(scanned.missing) == set(scanned.rule)


def test_a_short_signal_says_what_was_not_searched(plan):
    scanned = scan(Memory((Region("anonymous", 0, bytes(1 << 20)),)), plan, canary(plan, 1, 600))
    assert "int16" in scanned.rule and scanned.planted_found
    assert set(scanned.not_searched) >= {"levels int32", "features int8"} - set(scanned.rule)
    assert not set(scanned.rule) & set(scanned.not_searched)


# --- processes


def test_the_planted_control_is_taken_away_and_the_process_goes_on(plan):
    heard = canary(plan, 1, N)
    with Holding(heard.tobytes()) as held:
        before = held.memory
        scanned = scan(before, plan, heard)
        after = held.memory
        assert scanned.planted_found and scanned.found["int16"].count == N
        assert [(r.address, r.data) for r in before.regions] == [(r.address, r.data) for r in after.regions]
        assert scan(after, plan, canary(plan, 2_000_000, N), 9).found == {}, "the planted signal is no longer there"
        process.resume(held.child.pid)
        assert len(held.child.stdout.read()) > 1


def test_a_run_over_pages_mappings_and_pieces_of_a_read_is_one_run(plan, monkeypatch):
    heard = canary(plan, 1, N)
    with Holding(b"x" + heard.tobytes(), 4096, 4096 * 3) as held:
        scanned = scan(held.memory, plan, heard)
        assert scanned.found["int16"].longest == N
        place = scanned.found["int16"].places[0]
        assert (place.address - 1) % mmap.PAGESIZE == 0, "the kernel may join the mapping with one before it"
        assert place.region == "anonymous"
        monkeypatch.setattr(process, "_CHUNK", 999)
        small = next(
            region
            for region in held.memory.regions
            if region.address <= place.address < region.address + len(region.data)
        )
        assert small.data[place.address - small.address :][: 2 * N] == heard.tobytes()


def test_a_run_that_reaches_into_the_next_frame_by_chance_is_not_that_frame(plan):
    heard = canary(plan, 1, 32_000)
    (needle,) = [each for each in needles_of(plan, heard) if each.form == "features int8"]
    n = plan.extractor.n_features
    held = needle.data[n - 2 : 4 * n + 2]  # frames 1 to 3, and two features of each neighbour
    with Holding(held) as holding:
        found = scan(holding.memory, plan, heard).found["features int8"]
    assert found.longest == 3 * n + 4 and found.indices.tolist() == [1, 2, 3]


def test_a_read_only_mapping_that_was_written_to_is_searched(plan):
    code = HOLDING.replace(
        "for at in",
        "import ctypes\naddress = ctypes.addressof(ctypes.c_char.from_buffer(kept))\n"
        "assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(address), len(kept), 0) == 0\nfor at in",
    )
    heard = canary(plan, 1, N)
    for protected in (code, code.replace("len(kept), 0)", "len(kept), 1)")):
        with Holding(heard.tobytes(), code=protected) as held:
            assert scan(held.memory, plan, heard).found["int16"].count == N


def test_processes_that_cannot_be_read_are_refused():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for look in (Memory.of, process.stop, process.wait_until_stopped):
        with pytest.raises(InputError, match="has ended"):
            look(ended.pid)
    with pytest.raises(InputError, match="ended with status 0"):
        at_rest(ended, [])


def test_a_row_of_text_does_not_count_where_only_its_first_characters_stand():
    plan = anomsdk.reference_model("cattle_collar")
    heard = canary(plan, 1, 2_000)
    rows = [",".join(map(str, row)) for row in heard.tolist()]
    text = f"{rows[100]}\n{rows[101][:2]}?".encode()
    memory = Memory((Region("anonymous", 0, bytes(1000) + text + bytes(20_000)),))
    assert scan(memory, plan, heard).found["text, a row a line"].indices.tolist() == [100]


def test_one_scan_of_50_megabytes_in_all_forms_takes_little_more_than_two_compressions(plan):
    heard = canary(plan, 1, 32_000)
    rng = np.random.default_rng(0)
    regions = tuple(Region("anonymous", 0, rng.bytes(5_000_000)) for _ in range(10))

    def once() -> tuple[float, float]:
        start = time.process_time()
        scanned = scan(Memory(regions), plan, heard)
        between = time.process_time()
        assert scanned.searched_bytes == 50_000_000 and scanned.found == {} and scanned.planted_found
        assert len(scanned.rule) > 40
        for region in regions:
            zlib.compress(region.data, 1)
        return between - start, time.process_time() - between

    searches, compressions = zip(*(once() for _ in range(3)), strict=True)
    assert min(searches) < 2.5 * min(compressions)


# --- a process that watches, alive and as a core file


AS_BEFORE = """
import anomsdk.runtime.memory as memory
import numpy
memory.private_block = lambda size: numpy.zeros(size, numpy.uint8)
"""
WATCH = """
import sys
from anomsdk.cli.app import main
sys.argv[1:] = ["watch", "-", "--plan", {plan!r}, "--jsonl"]
main()
"""


@pytest.mark.skipif(why_no_core_files() is not None, reason=f"{why_no_core_files()}")
@pytest.mark.parametrize("before", ["", AS_BEFORE])
def test_a_watching_process_is_in_its_memory_and_not_in_its_core_file(plan, before, tmp_path):
    heard = canary(plan, 3, 34_340)
    line = [sys.executable, "-c", before + WATCH.format(plan=PLAN)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(line, cwd=tmp_path, preexec_fn=allow_core_file, **pipes) as child:
        try:
            data, fd, at = heard.tobytes(), child.stdin.fileno(), 0
            for size in (60_001, 3, 1, 700, 1999, 2, 5001, 640, 333):
                at += os.write(fd, data[at : at + size])
                while process.waiting_bytes(fd):
                    time.sleep(0.01)
            at_rest(child, [fd])
            alive = scan(Memory.of(child.pid), plan, heard, 3)
            core = core_file_of(child, tmp_path)
        finally:
            child.kill()
    window, context = plan.framer.window, plan.context.frames
    assert alive.planted_found
    assert set(alive.found) <= {"int16", "features int8", "sums of energies, mantissa and exponent uint64"}
    assert 0 < alive.found["int16"].count <= window and alive.found["int16"].last == len(heard) - 1
    assert alive.found["features int8"].count <= context
    left = scan(Memory.of_core(core), plan, heard, 3)
    assert left.planted_found and left.searched_bytes > 10_000_000
    assert ("int16" in left.found) if before else not left.found, left.found


@pytest.mark.parametrize("pattern, says", [("|/bin/x %p", "go to a program here"), ("/var/c/%e", "another folder")])
def test_core_files_that_go_elsewhere_are_said(tmp_path, monkeypatch, pattern, says):
    (tmp_path / "pattern").write_text(pattern)
    monkeypatch.setattr(core_files, "_PATTERN", tmp_path / "pattern")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        with pytest.raises(InputError, match=says):
            core_file_of(child, tmp_path)
        child.kill()


def test_a_core_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "text").write_text("hello")
    (tmp_path / "elf").write_bytes(Path(os.path.realpath(sys.executable)).read_bytes()[:4096])
    for name, says in (("text", "no ELF file of 64 bits"), ("elf", "no core file"), ("none", "cannot be read")):
        with pytest.raises(InputError, match=says):
            Memory.of_core(tmp_path / name)
