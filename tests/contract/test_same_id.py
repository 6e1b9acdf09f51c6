"""The same files give the same plan id, and the same plan the same scores, on every Python and numpy."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.make import ROOT, SPECS, make_folder

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
NEEDS = ("numpy>=1.26", "pydantic>=2.6", "tflite>=2.10", "flatbuffers>=23.5", "tomli>=2")
PROGRAM = """
import sys, zlib, numpy, anomsdk
from anomsdk.plans.file import parse_plan
print(numpy.__version__)
for folder in sys.argv[1:]:
    plan = anomsdk.plan(folder)
    plan = parse_plan(plan.canonical_bytes, name="again")
    n = 40 * plan.samples_per_tick + plan.samples_to_first_tick
    x = numpy.arange(n * plan.columns, dtype=numpy.int64) ** 2 % 65521 - 32768
    scores = anomsdk.score(plan, x.astype(numpy.int16).reshape(n, plan.columns))
    print(plan.id, zlib.crc32(scores.astype("<u4").tobytes()))
"""


def interpreter(version):
    """An interpreter of this version, other than the one that runs the tests."""
    managed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = [shutil.which(f"python{version}"), *map(str, managed)]
    works = (
        p
        for p in found
        if p and subprocess.run([p, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0
    )
    return next(works, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_same_id_and_scores(version, tmp_path):
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("the version that runs the tests: the others compare with it")
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    environment = ROOT / ".venv" / "other-pythons" / version
    if not (environment / "ready").exists():
        subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
        wanted = [re.sub(">=1.26", "<2", need) if version < "3.12" else need for need in NEEDS]
        done = subprocess.run(
            [environment / "bin/python", "-m", "pip", "install", "-q", *wanted], capture_output=True, text=True
        )
        if done.returncode != 0:
            if os.environ.get("CI"):
                pytest.fail(done.stderr)
            pytest.skip(f"pip cannot install {', '.join(NEEDS)} for Python {version}")
        (environment / "ready").touch()
    folders = [make_folder(tmp_path / kind, text) for kind, text in SPECS.items()]
    folders += [ROOT / "reference_models" / "audio_scene"]
    output = subprocess.run(
        [environment / "bin/python", "-c", PROGRAM, *folders],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert (output[0] < "2") == (version < "3.12")
    here = subprocess.run(
        [sys.executable, "-c", PROGRAM, *folders], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert output[1:] == here.stdout.split()[1:] and len(output) == 1 + 2 * len(folders)
