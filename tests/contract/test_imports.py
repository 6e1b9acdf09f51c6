"""What imports what: running a plan needs numpy only, and imports point one way."""

from __future__ import annotations

import ast
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import anomsdk
from anomsdk.engines.tflite import why_missing
from tests.make import SPECS, make_plan, noise

PACKAGE = Path(anomsdk.__file__).parent
NOT_NEEDED = [
    *("librosa", "scipy", "sklearn", "pydantic", "soundfile", "soxr"),
    *("typer", "rich", "tflite", "flatbuffers", "tomli", "click"),
]
HEAVY = {"librosa", "scipy", "sklearn", "plotly", "soxr", "soundfile", "unicorn", "elftools"}
RUNTIME = ("anomsdk.runtime", "anomsdk.plan_file", "anomsdk.engines")
BUILDERS = {"planner", "spec", "calibration", "train", "sources", "formats", "wanted", "tflite_file", "tflite_writer"}
BUILDERS |= {
    "watch",
    "demo",
    "demo_recordings",
    "synthetic",
    "verify",
    "cli",
    "clips",
    "choosing",
    "conditions",
    "devices",
    "evaluate",
    "compare",
}
BUILDERS |= {"c_folder", "c_layout", "c_source"}

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
    numpy_only, whole = (min(seconds(code) for _ in range(5)) for code in ("import numpy", use))
    assert whole - numpy_only < 0.3


def test_nothing_is_imported_before_it_is_used():
    code = (
        "import sys, anomsdk; print(sorted(m for m in sys.modules if m.startswith('anomsdk')), 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['anomsdk'] False\n"
    code = "import sys, anomsdk.cli; print({'numpy', 'pydantic', 'soundfile', 'anomsdk.sources'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- directions, from the source


def module_name(path):
    parts = ("anomsdk", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(name, *, nested):
    """Modules that a file imports: at module level, and with ``nested`` inside functions, too.

    What only a type checker reads does not count.
    """
    found = set()

    def visit(node):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not nested:
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            found.add(node.module)
            found.update(f"{node.module}.{a.name}" for a in node.names if f"{node.module}.{a.name}" in SOURCES)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(SOURCES[name].read_text(encoding="utf-8")))
    return found


def own_part(imported):
    """The part of the package that is imported, e.g. core: None outside the package, "" for its front door."""
    parts = imported.split(".")
    return (parts[1] if len(parts) > 1 else "") if parts[0] == "anomsdk" else None


def test_the_scan_sees_imports():
    """Guards the tests below against a scan that finds nothing."""
    assert len(SOURCES) > 20
    assert "anomsdk.core.plan" in imports("anomsdk.runtime", nested=False)
    assert "anomsdk.watch" in imports("anomsdk.cli", nested=True)
    assert "anomsdk.watch" not in imports("anomsdk.cli", nested=False)
    assert "anomsdk.core.plan" not in imports("anomsdk.cli", nested=True), "for the type checker only"


@pytest.mark.parametrize("name", list(SOURCES))
def test_imports_point_one_way(name):
    everything, at_import = imports(name, nested=True), imports(name, nested=False)
    roots = {imported.partition(".")[0] for imported in at_import}
    assert not roots & HEAVY, "imported inside the function that needs it"
    if name != "anomsdk.__main__":
        assert "cli" not in {own_part(i) for i in everything}, "nothing imports the command line"
    if name.startswith("anomsdk.core"):
        outside = {i.partition(".")[0] for i in everything} - set(sys.stdlib_module_names)
        assert outside <= {"numpy", "anomsdk"}
        assert {own_part(i) for i in everything} - {None} <= {"core", "errors"}
    if name.startswith(RUNTIME):
        assert not {own_part(i) for i in at_import} & BUILDERS
    if name == "anomsdk.planner":
        later = {"train", "cli", "watch", "sources", "formats", "runtime", "engines"}
        assert not {own_part(i) for i in everything} & later
    if name.startswith("anomsdk.mcu"):
        allowed = {"mcu", "errors", "files"}
        if name in ("anomsdk.mcu.footprint", "anomsdk.mcu.watching"):
            allowed |= {"core", "c_folder", "c_layout", "display"}
        assert {own_part(i) for i in everything} - {None} <= allowed
    if name in ("anomsdk.c_plan", "anomsdk.c_layout"):
        assert {own_part(i) for i in everything} - {None} <= {"core", "c_plan"}, "of a plan and of nothing above it"
    if name.startswith("anomsdk.train"):
        later = {"watch", "verify", "demo", "announce", "c_folder", "c_source", "mcu", "engines"}
        assert not {own_part(i) for i in everything} & later, "sizes are known before anything is emitted"
    if name in ("anomsdk.clips", "anomsdk.choosing"):
        assert {own_part(i) for i in everything} - {None} <= {
            "choosing",
            "conditions",
            "constant",
            "errors",
            "formats",
            "sources",
            "wanted",
        }
    if name == "anomsdk.constant":
        assert {own_part(i) for i in everything} == {None}, "the lowest: numpy only"
    if name.startswith(("anomsdk.evaluate", "anomsdk.compare")):
        assert not {own_part(i) for i in everything} & {"train", "watch", "verify", "demo", "announce", "planner"}
    if name.startswith("anomsdk.evaluate"):
        assert "compare" not in {own_part(i) for i in everything}
