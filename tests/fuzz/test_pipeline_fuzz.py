"""The C port under any pushes, gaps, resets, memory and plan sizes, with sanitizers. `make fuzz` runs it for longer."""

import dataclasses
import os
import shutil
import subprocess

import pytest

import anomsdk
from anomsdk.core.diary import COLUMNS, DiaryPlan
from tests.support.c_streams import with_days
from tests.support.day_plans import any_days_plan
from tests.support.make import ROOT

INPUTS = int(os.environ.get("ANOMSDK_FUZZ_INPUTS", "800"))
SEED = os.environ.get("ANOMSDK_FUZZ_SEED", "1")
FLAGS = ["-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DFUZZ_MAIN"]


@pytest.fixture(scope="module")
def folders(plans, tmp_path_factory):
    """An emitted folder of each plan, of one with a diary, and of one of days."""
    folder = tmp_path_factory.mktemp("fuzz")
    collar = plans["motion"]
    slot_q16 = round(900 * collar.rate_hz / collar.framer.hop * 65536)
    pen = dataclasses.replace(collar, name="pen", folder=None, diary=DiaryPlan(slot_q16, 65536, tuple(COLUMNS)))
    cow = with_days(any_days_plan(folder / "days", 2))
    return [anomsdk.emit_c(plan, folder / plan.name).folder for plan in (*plans.values(), pen, cow)]


def build(folders, place, port=None):
    """The fuzz target with all plans; ``port`` replaces the sources."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc, whose sanitizers are used, is not installed")
    port = port or ROOT / "firmware_port"
    sources = [ROOT / "tests/c/fuzz_pipeline.c", *sorted((port / "src").glob("*.c"))]
    sources += [path for folder in folders for path in folder.glob("anom_plan_*.c")]
    include = [port / "include", port / "src", *folders]
    command = ["gcc", *FLAGS, *(f"-I{path}" for path in include), *map(str, sources), "-o", str(place)]
    subprocess.run(command, check=True)
    return place


def test_any_use_is_clean(folders, tmp_path):
    program = build(folders, tmp_path / "fuzz_pipeline")
    done = subprocess.run([program, str(INPUTS), SEED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == f"{INPUTS} inputs\n"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("anom_framer.c", "framer->skip -= start;", "framer->skip = 0;"),
        ("anom_framer.c", "n - start < room ? n - start : room", "n - start"),
        ("anom_pipeline.c", "size < anom_pipeline_bytes(plan)", "size + 8 < anom_pipeline_bytes(plan)"),
        ("anom_pipeline.c", "% offsetof(aligned, pipeline) != 0", "% 4 != 0"),
        ("anom_days.c", "is_last ? 0 : slot + 1", "slot + 1"),
        ("anom_pipeline.c", " || plan->plan_size != sizeof(anom_plan)", ""),
    ],
)
def test_it_finds_what_is_broken(folders, tmp_path, file, old, new):
    port = tmp_path / "port"
    shutil.copytree(ROOT / "firmware_port", port)
    text = (port / "src" / file).read_text()
    assert old in text
    (port / "src" / file).write_text(text.replace(old, new))
    program = build(folders, tmp_path / "fuzz_pipeline", port)
    assert subprocess.run([program, "400", "1"], capture_output=True).returncode != 0
