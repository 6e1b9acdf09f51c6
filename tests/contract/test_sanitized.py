"""The native engine once more, built with AddressSanitizer and UndefinedBehaviorSanitizer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.make import ROOT

FLAGS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

BUILD = """
import sys
sys.path.insert(0, "firmware_port/native")
from build_native import builder
print(builder("_native", {flags!r}).compile(tmpdir={folder!r}))
"""

USE = """
import importlib.util
import sys
from importlib.machinery import ExtensionFileLoader

loader = ExtensionFileLoader("_native", {module!r})
native = importlib.util.module_from_spec(importlib.util.spec_from_loader("_native", loader))
loader.exec_module(native)
sys.modules["anomsdk.runtime._native"] = native
import anomsdk.runtime.engines
anomsdk.runtime._native = native
"""

RUN = """
from collections import Counter
from pathlib import Path
import anomsdk
from anomsdk.runtime.engines.native import passes_selftest
from anomsdk.runtime.golden import golden_digest
from tests.support.anything import SHAPES, any_plan, any_stream
from tests.support.day_plans import any_days_plan
from tests.support.make import FOLLOWED
from tests.parity import test_days, test_diaries, test_supervised
from tests.parity.test_native import compare

hops = 0
for seed, shape in enumerate(SHAPES):
    for kind in FOLLOWED:
        plan = any_plan(Path({folder!r}) / f"{{kind}}-{{seed}}", kind, seed)
        hops += compare(plan, any_stream(plan, shape, 60, seed), with_tflite=False)
bases = {{}}
for seed in range(48):
    test_supervised.compare(bases, Path({folder!r}), 1000 + seed, 100)
    hops += 100
happened = Counter()
for seed in range(6):
    plan = any_days_plan(Path({folder!r}) / f"days-{{seed}}", seed)
    test_days.compare(plan, 40, seed, happened)
    assert passes_selftest(plan, golden_digest(plan, "reference")[0])
assert happened["ticks"] > 0 and happened["restored"] > 0
assert len(test_diaries.use(test_diaries.with_diary(), "native", 1)) > 2
plan = anomsdk.reference_model("audio_scene")
assert passes_selftest(plan, golden_digest(plan, "reference")[0])
print(f"{{hops}} hops")
"""

BREAK = """
import anomsdk
from anomsdk.runtime.engines.native import CPlan
from anomsdk.runtime.native_module import load_native
m = load_native()
c_plan = CPlan(anomsdk.reference_model("audio_scene"), m)
{what}
"""
OVERFLOW = """
memory = c_plan.memory()
m.lib.anom_wipe(m.ffi.from_buffer("uint8_t[]", memory), len(memory) + 1)
"""
OVERREAD = "m.lib.anom_fft_run(m.ffi.new('anom_fft_plan *', {'length': 64}), m.ffi.new('int16_t[]', 63), m.ffi.NULL)"
SHIFT = "m.lib.anom_rounding_divide_by_pot(1, 40)"


def run(module: Path, code: str) -> subprocess.CompletedProcess:
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": library.stdout.strip(),
        "ASAN_OPTIONS": "detect_leaks=0",  # Python's own
        "PYTHONMALLOC": "malloc",  # each object in a block of its own
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
    }
    script = USE.format(module=str(module)) + code
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=ROOT)


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    """The extension module, built with sanitizers."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc, whose sanitizers are used, is not installed")
    folder = tmp_path_factory.mktemp("sanitized")
    code = BUILD.format(flags=FLAGS, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


def test_any_plan_and_any_stream_is_clean(sanitized, tmp_path):
    done = run(sanitized, RUN.format(folder=str(tmp_path)))
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.split()[0]) > 1000


@pytest.mark.parametrize(
    ("what", "says"),
    [(OVERFLOW, "heap-buffer-overflow"), (OVERREAD, "AddressSanitizer"), (SHIFT, "runtime error: shift exponent")],
)
def test_the_sanitizers_are_at_work(sanitized, what, says):
    done = run(sanitized, BREAK.format(what=what))
    assert done.returncode != 0 and says in done.stderr, done.stderr[-2000:]
