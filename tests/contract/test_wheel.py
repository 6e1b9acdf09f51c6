"""An installed wheel is whole: it emits firmware that compiles, and runs the native engine, far from any checkout."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import anomsdk
from tests.support.c_build import PORT
from tests.support.make import ROOT, noise

PARTS = ("anomsdk", "reference_models", "firmware_port", "docs", "setup.py", "pyproject.toml", "README.md", "LICENSE")
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.so", "*.o", "build", "*.egg-info")

RUN_NATIVE = """
import sys, numpy as np, anomsdk
plan = anomsdk.reference_model("audio_scene")
print(anomsdk.__file__)
print(plan.id)
print(anomsdk.score(plan, np.load(sys.argv[1]), "native").tolist())
"""


SCAN = """
import os, subprocess, sys
import numpy as np
import anomsdk
from anomsdk.audit.scan import process, scanner, scanner_module, signals
plan = anomsdk.reference_model("audio_scene")
heard = signals.canary(plan, 1, 32_000)
child = subprocess.Popen([sys.executable, "-c", "import os, sys; kept = sys.stdin.buffer.read(); os.kill(os.getpid(), 19)"], stdin=-1)
child.stdin.write(heard[100:500].tobytes())
child.stdin.close()
process.wait_until_stopped(child.pid)
scanned = scanner.scan(process.Memory.of(child.pid), plan, heard, 1)
child.kill()
print(scanner_module.__file__)
print(scanned.planted_found, scanned.found["int16"].count)
"""


RUN_WITHOUT = """
import anomsdk
from anomsdk.audit.scan.scanner_module import why_missing
plan = anomsdk.reference_model("audio_scene")
print(anomsdk.__file__)
print(anomsdk.Pipeline(plan).engine)
print(why_missing())
try:
    anomsdk.Pipeline(plan, "native")
except anomsdk.InputError as error:
    print(error)
"""


def run(*command, cwd=None):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**environment, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def copied(folder):
    """What a wheel is built from, as a folder of its own: nothing of the build stays in the checkout."""
    folder.mkdir()
    for part in PARTS:
        path, target = ROOT / part, folder / part
        shutil.copytree(path, target, ignore=LEFT_BEHIND) if path.is_dir() else shutil.copy(path, target)
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = copied(folder / "source")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """A Python with the wheel in it. What the wheel needs is found where it is installed already."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    run(sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--no-deps", "--no-index", wheel)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    (packages / "needed.pth").write_text("\n".join(site.getsitepackages()))
    return folder / "bin" / "python"


def test_one_wheel_serves_every_python(wheel):
    assert wheel.name.startswith(f"anomsdk-{anomsdk.__version__}-cp310-abi3-")


def test_everything_that_is_needed_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    parts = ("include", "src", "templates", "boards/freestanding", "decoders")
    wanted = {f"anomsdk/firmware_port/{p.relative_to(PORT)}" for part in parts for p in (PORT / part).iterdir()}
    wanted |= {f"anomsdk/firmware_port/boards/{name}" for name in ("emulator.ld", "footprint.c")}
    models = (ROOT / "reference_models").glob("*/*")
    wanted |= {f"anomsdk/{p.relative_to(ROOT)}" for p in models if p.name in ("plan.json", "model.tflite", "spec.toml")}
    wanted |= {f"{p.relative_to(ROOT)}" for p in (ROOT / "anomsdk").rglob("*.py")}
    wanted |= {"anomsdk/register/claims.toml"}
    assert len(wanted) > 100 and wanted - names == set()
    assert not [name for name in names if name.startswith("anomsdk/register/") and not name.endswith("claims.toml")]
    for module in ("runtime/_native", "audit/scan/_scanner"):
        assert any(name.startswith(f"anomsdk/{module}.abi3") for name in names), module
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "firmware_port", "docs"))]


def test_it_emits_firmware_that_passes_its_self_test(python, tmp_path):
    where = run(python, "-c", "import anomsdk; print(anomsdk.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(python.parents[1])
    run(python, "-m", "anomsdk", "emit-c", "audio_scene", "--out", "x", cwd=tmp_path)
    anomsdk.emit_c(anomsdk.reference_model("audio_scene"), tmp_path / "y")
    files = [path.relative_to(tmp_path / "y") for path in (tmp_path / "y").rglob("*") if path.is_file()]
    assert all((tmp_path / "x" / name).read_bytes() == (tmp_path / "y" / name).read_bytes() for name in files)
    tools = [f"{tool}={sys.executable} -m ziglang {name}" for tool, name in (("CC", "cc"), ("AR", "ar"))]
    out = run("make", "-C", tmp_path / "x", *tools, "selftest")
    assert "audio_scene: self-test passed" in out


def test_its_native_engine_gives_the_integers(python, tmp_path):
    samples = noise(60_000)
    np.save(tmp_path / "a.npy", samples)
    where, plan_id, scores = run(python, "-c", RUN_NATIVE, "a.npy", cwd=tmp_path).splitlines()
    plan = anomsdk.reference_model("audio_scene")
    assert Path(where).is_relative_to(python.parents[1]) and plan_id == plan.id
    assert scores == str(anomsdk.score(plan, samples, "reference").tolist())


def test_its_scanner_searches_another_process(python, tmp_path):
    where, found = run(python, "-c", SCAN, cwd=tmp_path).splitlines()
    assert Path(where).is_relative_to(python.parents[1]) and found == "True 400"


def test_without_a_compiler_all_else_is_installed_and_the_engine_says_what_is_missing(tmp_path):
    line = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, "."]
    subprocess.run(line, cwd=copied(tmp_path / "source"), env={**os.environ, "CC": "/bin/false"}, check=True)
    (made,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(made).extractall(tmp_path / "installed")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "OPENBLAS_NUM_THREADS": "1"}
    line = [sys.executable, "-c", RUN_WITHOUT]
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True)
    place, engine, no_scanner, why = done.stdout.splitlines()
    assert place.startswith(str(tmp_path)) and engine == "reference" and "install gcc or clang" in why
    assert no_scanner.startswith("the scanner of memory was not built") and "install gcc or clang" in no_scanner
