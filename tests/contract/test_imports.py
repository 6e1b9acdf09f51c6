"""What imports what: running a plan needs numpy only, and imports point one way."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import numpy as np
import pytest

import anomsdk
from anomsdk.runtime.engines.tflite import why_missing
from tests.support.house import (
    LAYERS,
    SOURCES,
    arrows,
    circles,
    imports,
    module_graph,
    pointing_up,
    room_graph,
    room_of,
)
from tests.support.make import SPECS, make_plan, noise

NOT_NEEDED = [
    *("librosa", "scipy", "sklearn", "pydantic", "soundfile", "soxr"),
    *("typer", "rich", "tflite", "flatbuffers", "tomli", "click"),
]
HEAVY = {"librosa", "scipy", "sklearn", "plotly", "soxr", "soundfile", "unicorn", "elftools"}
RUNTIME = {"receive", "runtime", "plans", "core", "utils", "cport"}
NEVER = {
    "core": {"utils"},
    "planner": {"cport", "runtime", "sources", "watch", "mcu"},
    "mcu": {"sources", "watch", "planner"},
    "evaluate": {"planner", "watch", "mcu"},
    "compare": {"planner", "watch", "mcu"},
    "train": {"watch", "mcu"},
}
"""Room -> rooms below it that it does without: sizes are known before anything is emitted, a plan is judged as it is."""

RUN_ALONE = """
import sys
from importlib.abc import MetaPathFinder

class Refuse(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {refused!r}:
            raise ImportError(f"{{name}} is not here")

sys.meta_path.insert(0, Refuse())
import numpy as np
from anomsdk import Pipeline, features, read_plan, reconstruct, score

plan = read_plan({path!r})
samples = np.load({samples!r})
with Pipeline(plan, {engine!r}) as pipeline:
    scores = [result.score for result in pipeline.process(samples)]
assert scores == score(plan, samples, {engine!r}).tolist()
reconstruct(plan, features(plan, samples), {engine!r})
loaded = {{name.partition(".")[0] for name in sys.modules}}
assert not loaded & set({refused!r}), loaded
print(sum(scores))
"""


@pytest.mark.parametrize("engine", ["reference", "tflite"])
@pytest.mark.parametrize("kind", list(SPECS))
def test_running_a_plan_needs_numpy_only(tmp_path, kind, engine):
    """And the oracle what reads a model file and writes it anew, for it opens none as it lies there."""
    if engine == "tflite" and (why := why_missing()):
        pytest.skip(f"engine tflite: {why}")
    plan = make_plan(tmp_path, kind)
    anomsdk.write_plan(plan, tmp_path / kind / "plan.json")
    samples = noise(20_000 if plan.columns == 1 else 200, columns=plan.columns)
    np.save(tmp_path / "samples.npy", samples)
    to_write_anew = {"tflite", "flatbuffers"} if engine == "tflite" else set()
    code = RUN_ALONE.format(
        refused=[name for name in NOT_NEEDED if name not in to_write_anew],
        path=str(tmp_path / kind / "plan.json"),
        samples=str(tmp_path / "samples.npy"),
        engine=engine,
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == int(anomsdk.score(plan, samples).sum())


def test_importing_costs_little_over_numpy():
    def seconds(code):
        """Of the processor, for others may be using it as well."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    use = "import numpy, anomsdk; anomsdk.Pipeline; anomsdk.read_plan; anomsdk.score"
    pairs = [(seconds("import numpy"), seconds(use)) for _ in range(10)]  # in turns, as load comes and goes
    numpy_only, whole = map(min, zip(*pairs, strict=True))
    assert whole - numpy_only < 0.3


def test_nothing_is_imported_before_it_is_used():
    code = (
        "import sys, anomsdk; print(sorted(m for m in sys.modules if m.startswith('anomsdk')), 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['anomsdk', 'anomsdk._version'] False\n"
    code = (
        "import sys, anomsdk.cli.app; print({'numpy', 'pydantic', 'soundfile', 'anomsdk.sources'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- directions, from the source


def test_the_scan_sees_imports():
    """Guards the tests below against a scan that finds nothing."""
    assert len(SOURCES) > 150
    assert "Plan" in imports("anomsdk.runtime.pipeline", nested=False)["anomsdk.core.plan"]
    assert "anomsdk.watch.session" in imports("anomsdk.cli.run", nested=True)
    assert "anomsdk.watch.session" not in imports("anomsdk.cli.run", nested=False)
    assert "anomsdk.core.plan" not in imports("anomsdk.cli.options", nested=True), "for the type checker only"
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": {"c", "d"}, "c": {"d"}}) == []


def test_every_file_stands_in_a_layer():
    assert {room_of(name) for name in SOURCES} == set(LAYERS)


def test_imports_point_down():
    assert pointing_up() == {}
    assert circles(room_graph()) == []
    assert circles(module_graph()) == []
    assert len(arrows()) <= 145


@pytest.mark.parametrize("room", list(NEVER))
def test_a_room_does_without(room):
    assert {after for before, after in arrows() if before == room} & NEVER[room] == set()


@pytest.mark.parametrize("name", list(SOURCES))
def test_heavy_libraries_are_imported_where_they_are_used(name):
    roots = {module.partition(".")[0] for module in imports(name, nested=False)}
    assert not roots & HEAVY, "imported inside the function that needs it"
    if room_of(name) == "core":
        everything = {module.partition(".")[0] for module in imports(name, nested=True)}
        assert everything - set(sys.stdlib_module_names) <= {"numpy", "anomsdk"}
    if room_of(name) in RUNTIME:
        assert not roots & set(NOT_NEEDED)


@pytest.mark.parametrize("name", list(SOURCES))
def test_what_has_an_underscore_stays_in_its_room(name):
    for module, names in imports(name, nested=True).items():
        if module.startswith("anomsdk") and room_of(module) not in (room_of(name), "_version"):
            assert [part for part in (*module.split("."), *names) if part.startswith("_")] == []
