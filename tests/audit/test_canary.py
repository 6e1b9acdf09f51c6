"""Checks of what is left in the processes that people run: each shows its claim, and notices a layer that leaks."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

import anomsdk
from anomsdk.audit.canary.checks import CHECKS
from anomsdk.audit.canary.running import Child
from anomsdk.audit.check import Subject, Verdict
from anomsdk.audit.scan.core_files import why_no_core_files
from anomsdk.audit.scan.signals import canary
from anomsdk.plans.file import reference_models_folder
from anomsdk.runtime.engines import tflite
from anomsdk.runtime.memory import why_not_wiping

pytestmark = pytest.mark.skipif(why_not_wiping() is not None, reason=f"nothing is claimed here: {why_not_wiping()}")

SEEDS = tuple(range(int(os.environ.get("ANOMSDK_AUDIT_SEEDS", "1"))))
RUN = {check.id: check.run for check in CHECKS}
SOUND = [check for check in RUN if check != "canary.file-parquet"]
DAYS = ["canary.file-csv", "canary.file-npy", "canary.file-parquet", "canary.commands", "canary.engine-reference"]
MOTION = ["canary.watch-stdin", "canary.file-csv", "canary.file-npy", "canary.early-ends", "canary.commands"]


@pytest.fixture(scope="module")
def supervised(tmp_path_factory):
    """Folder of the reference model of sound with an alarm and a health section."""
    folder = tmp_path_factory.mktemp("plans") / "audio_scene"
    shutil.copytree(reference_models_folder() / "audio_scene", folder)
    with (folder / "spec.toml").open("a", encoding="utf-8") as spec:
        spec.write("\n[alarm]\nlatch = true\nheartbeat_s = 1\n[health]\n")
    anomsdk.write_plan(anomsdk.plan(folder), folder / "plan.json")
    return folder


def looked(check, folder, tmp_path, *, seeds=SEEDS, **change):
    """The finding of a check on the plan of a folder, maybe with a change to the code that it looks at."""
    if check.endswith("tflite") and (why := tflite.why_missing()):
        pytest.skip(why)
    if check.endswith("core-file") and (why := why_no_core_files()):
        pytest.skip(why)
    path = folder / "plan.json"
    return RUN[check](Subject(anomsdk.read_plan(path), path, tmp_path, seeds), **change)


def shown(found):
    assert found.verdict == Verdict.SHOWN, (found.result, found.host["looks"])
    assert not found.evidence["controls_not_found"]
    assert len(found.evidence["forms"]) > 40


@pytest.mark.parametrize("check", SOUND)
def test_nothing_is_left_of_sound(check, tmp_path):
    shown(looked(check, reference_models_folder() / "audio_scene", tmp_path))


@pytest.mark.parametrize("check", MOTION)
def test_nothing_is_left_of_motion(check, tmp_path):
    shown(looked(check, reference_models_folder() / "human_motion", tmp_path))


@pytest.mark.parametrize("check", ["canary.file-npy", "canary.early-ends", "canary.commands"])
def test_nothing_is_left_of_six_axes(check, tmp_path):
    """A row of six values is long enough to be told as text."""
    shown(looked(check, reference_models_folder() / "cattle_collar", tmp_path))


@pytest.mark.parametrize("check", DAYS)
def test_nothing_is_left_of_days_but_the_rows_of_one(check, tmp_path):
    shown(looked(check, reference_models_folder() / "cattle_days", tmp_path))


def test_the_middle_of_a_diary_is_not_looked_at(tmp_path):
    with pytest.raises(anomsdk.InputError, match="read whole"):
        looked("canary.early-ends", reference_models_folder() / "cattle_days", tmp_path)


@pytest.mark.parametrize("check", ["canary.file-npy", "canary.commands", "canary.verify"])
def test_a_command_that_heard_nothing_shows_nothing(check, tmp_path):
    refused = "import sys; sys.argv.append('--no-such-option')"
    with pytest.raises(anomsdk.InputError, match="ended with status 2"):
        looked(check, reference_models_folder() / "cattle_collar", tmp_path, before=refused)


@pytest.mark.parametrize("check", ["canary.watch-stdin", "canary.engine-native", "canary.engine-reference"])
def test_nothing_is_left_of_a_supervised_plan(check, supervised, tmp_path):
    shown(looked(check, supervised, tmp_path))


def test_rows_of_parquet_are_left_by_pyarrow_alone(tmp_path):
    found = looked("canary.file-parquet", reference_models_folder() / "human_motion", tmp_path)
    shown(found)
    assert found.evidence["held_by"] == "pyarrow"


@pytest.mark.parametrize("check", ["canary.file-wav", "canary.file-flac", "canary.file-parquet"])
def test_a_format_that_the_sensor_is_not_read_from_is_no_finding(check, tmp_path):
    plan = "audio_scene" if check.endswith("parquet") else "human_motion"
    with pytest.raises(anomsdk.InputError, match="are not read from such files"):
        looked(check, reference_models_folder() / plan, tmp_path)


def test_a_live_stream_is_heard_to_its_end():
    """Otherwise nothing would be left of it for another reason."""
    command = [sys.executable, "-m", "anomsdk", "watch", "-", "--plan", "audio_scene", "--jsonl"]
    samples = canary(anomsdk.reference_model("audio_scene"), 3, 40_000)
    done = subprocess.run(command, input=samples.tobytes(), capture_output=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["samples"] == 40_000


def test_a_process_hears_ctrl_c_that_the_audit_does_not(tmp_path):
    """A shell lets commands in the background ignore it, and their children inherit this."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        command = [sys.executable, "-c", "print('ready', flush=True)\ninput()"]
        with Child(command, tmp_path, piped=True, terminal=True) as child:
            child.wait_until_it_rests()
            child.interrupt()
            child.end_well(-signal.SIGINT, 1)
            assert child.said == "KeyboardInterrupt"
    finally:
        signal.signal(signal.SIGINT, before)


# --- variants that leak, one of each layer

KEEP = "kept = []\n"
NO_LIBRARIES = "import anomsdk.runtime.memory as m; m._mallopt = lambda: None\n"
NO_ARRAYS = "import anomsdk.runtime.memory as m; m._wiping_handler = lambda: None\n"
NO_WIPE = "import anomsdk.runtime.memory as m; m.wipe = lambda block: None\n"


def keeping(where, what, kept="result"):
    """Code that lets a function keep a copy of an array that it takes or returns."""
    return f"""
import numpy as np
from importlib import import_module
kept, owner = [], import_module({where!r})
for name in {what!r}.split(".")[:-1]:
    owner = getattr(owner, name)
name = {what!r}.split(".")[-1]
before = getattr(owner, name)
def keeping(*arguments, **named):
    result = before(*arguments, **named)
    kept.append(np.array({kept}, copy=True))
    return result
setattr(owner, name, keeping)
"""


LEAKS = {
    "standard input": (
        """
from anomsdk.sources.formats import standard_input
made = standard_input._blocks
def blocks(*arguments):
    kept = []
    for block in made(*arguments):
        kept.append(block.tobytes())
        yield block
standard_input._blocks = blocks
""",
        "canary.watch-stdin",
        "int16 of the stream",
    ),
    "start of standard input": (
        """
from anomsdk.sources.formats import standard_input
class Kept(bytes):
    of = []
    def __new__(cls, value=b""):
        cls.of.append(bytes(value))
        return cls.of[-1]
standard_input.bytes = Kept
""",
        "canary.early-ends",
        "int16 of refused",
    ),
    "freed memory of libraries": (NO_LIBRARIES, "canary.file-npy", "int16 of packed.npz"),
    "freed arrays": (NO_ARRAYS + NO_WIPE, "canary.file-npy", "int16 of"),
    "framer": (
        keeping("anomsdk.core.framer", "Framer.push", "arguments[1]"),
        "canary.engine-reference",
        "int16 of closed",
    ),
    "extractor": (
        keeping("anomsdk.core.bands", "Bands.levels", "result[0]"),
        "canary.engine-reference",
        "levels int64 of closed",
    ),
    "features": (
        keeping("anomsdk.core.context", "Context.push", "arguments[1]"),
        "canary.engine-reference",
        "of closed",
    ),
    "model inputs": (
        keeping("anomsdk.core.autoencoder", "Autoencoder.run", "arguments[1]"),
        "canary.engine-reference",
        "inputs int64 of closed",
    ),
    "sink": (
        """
from anomsdk.watch.sinks.jsonl import JsonLines
kept, begin = [], JsonLines.begin
def begun(self, recording):
    kept.extend(block.tobytes() for block in recording.blocks())
    begin(self, recording)
JsonLines.begin = begun
""",
        "canary.file-csv",
        "int16 of a.csv",
    ),
    "exception": (NO_WIPE, "canary.early-ends", "of interrupted"),
    "core file": (
        """
import anomsdk.runtime.memory as memory
import numpy
memory.private_block = lambda size: numpy.zeros(size, numpy.uint8)
""",
        "canary.core-file",
        "int16 of the stream",
    ),
    "engines side by side": (NO_ARRAYS, "canary.verify", "of normal"),
    "never closed": (
        """
from anomsdk.runtime.pipeline import Pipeline
kept = []
Pipeline.__del__ = lambda self: kept.append(self._engine)
""",
        "canary.engine-native",
        "int16 of never closed",
    ),
}


@pytest.mark.parametrize("layer", LEAKS)
def test_a_layer_that_leaks_is_found_by_the_check_of_its_name(layer, tmp_path):
    change, check, what = LEAKS[layer]
    found = looked(check, reference_models_folder() / "audio_scene", tmp_path, seeds=(0,), before=change)
    assert found.verdict == Verdict.FAILED
    assert any(what in each for each in found.evidence["beyond"]), found.result
